"""Errors as application/problem+json (RFC 9457): one table for those of Selene and those of HTTP.

What is answered never holds what was said: of a caller's value only its place and its bounds. Of a
fault, which is the operator's, a caller gets the kind and the incident's name; the rest is logged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from selene_os import errors

MEDIA_TYPE: Final = "application/problem+json"
_SHOWN_MAX: Final = 80
# A quoted value, which may have been cut off.
_QUOTED: Final = re.compile(r"""(?<!\w)(['"])(?:\\.|(?!\1).)*(?:\1|$)""", re.DOTALL)
_SAME_AGAIN: Final = "Send the same request again, with the same Idempotency-Key."
_TELL: Final = "Tell the operator the instance."

# What HTTP itself refuses: code -> status, title. SeleneError's classes bring their own.
HTTP: Final[dict[str, tuple[int, str]]] = {
    "BadJson": (400, "The body is no JSON that is accepted"),
    "BadRequest": (400, "That is no HTTP"),
    "BadHeader": (400, "A header is not as it must be"),
    "NotAuthenticated": (401, "An API key is needed"),
    "TenantForbidden": (403, "The key is not of that tenant"),
    "ScopeMissing": (403, "The key does not have the scope"),
    "NoSuchPath": (404, "There is nothing at that path"),
    "MethodNotAllowed": (405, "That method is not for this path"),
    "HeadTooSlow": (408, "The head did not arrive in time"),
    "BodyTooSlow": (408, "The body did not arrive in time"),
    "BodyTooLarge": (413, "The body is too large"),
    "QueryTooLong": (414, "The query is too long"),
    "MediaTypeRefused": (415, "The body must be application/json"),
    "TooManyRequests": (429, "The key makes too many requests"),
    "HeadersTooLarge": (431, "The headers are too large"),
    "Incident": (500, "Something is wrong with Selene"),
    "NotOffered": (501, "This deployment does not offer that"),
    "TooBusy": (503, "Too many requests wait"),
    "TooSlow": (503, "The answer did not come in time"),
    "Stopping": (503, "The server is about to end"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal or fault as it is answered.

    Attributes:
        status, code, title: which kind; code is stable.
        detail: what is wrong, never with what was said.
        field, reason_code, next_step: as `SeleneError` has them.
        decision_id: the event that it is about, if there is one.
        headers: of the answer, beside those that every answer has.
        more: further members.
    """

    status: int
    code: str
    title: str
    detail: str
    field: str | None = None
    reason_code: str | None = None
    next_step: str | None = None
    decision_id: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    more: Mapping[str, Any] | None = None

    def as_record(self, instance: str | None) -> dict[str, Any]:
        """The members in a fixed order; those that it has not are null."""
        return {
            "type": f"urn:selene:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": None if instance is None else f"urn:uuid:{instance}",
            "code": self.code,
            "field": self.field,
            "reason_code": self.reason_code,
            "next_step": self.next_step,
            "decision_id": self.decision_id,
            **(self.more or {}),
        }


class Refused(Exception):
    """A request is refused before or beside the library; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.code)


def refused(code: str, detail: str, next_step: str, **more: Any) -> Refused:
    """What to raise for one of `HTTP`; `more` are further attributes of the problem."""
    return Refused(of_http(code, detail, next_step, **more))


def of_http(code: str, detail: str, next_step: str, **more: Any) -> Problem:
    """The problem of one of `HTTP`."""
    status, title = HTTP[code]
    return Problem(status, code, title, detail, next_step=next_step, **more)


def of_error(error: errors.SeleneError, decision_id: str | None = None) -> Problem:
    """The problem of a refusal or a fault of Selene's."""
    title = title_of(type(error))
    if isinstance(error, errors.Fault):
        again = error.http_status == 503
        return Problem(
            error.http_status,
            error.code,
            title,
            title,
            next_step=_SAME_AGAIN if again else _TELL,
            decision_id=decision_id,
            headers=(("retry-after", "1"),) if again else (),
        )
    problem = error.problem
    if isinstance(error, errors.BadField):
        # It may quote what was sent, which belongs to whoever spoke, wherever it was put.
        problem = _QUOTED.sub("…", problem)
    named = f"{error.field} {problem}" if error.field else problem
    return Problem(
        error.http_status,
        error.code,
        title,
        sound(named),
        field=None if error.field is None else sound(error.field),
        reason_code=error.reason,
        next_step=sound(error.next_step),
        decision_id=decision_id,
    )


def title_of(kind: type[errors.SeleneError]) -> str:
    """What a class of errors says of itself."""
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")


def of_incident() -> Problem:
    """The problem of an exception that nobody foresaw."""
    return of_http("Incident", "Nobody foresaw this; it was logged.", _TELL)


def of_validation(error: ValidationError) -> errors.BadField:
    """The first thing that is wrong with a body or a query, as the library says it: no values."""
    first = error.errors(include_url=False, include_input=False)[0]
    return errors.BadField(path_of(first), *_wrong(first))


def path_of(found: ErrorDetails) -> str:
    """Where a value stands, like signals.0.key; of a caller's own key its beginning."""
    # Which member of a union was tried stands in between, in pydantic's own words.
    parts = [str(part)[:_SHOWN_MAX] for part in found["loc"] if part not in _MEMBERS]
    return sound(".".join(parts)[: 3 * _SHOWN_MAX]) or "body"


_MEMBERS: Final = frozenset({"INTENT_DRAFT", "CLARIFY", "CHAT"})
_KINDS: Final = {
    "missing": ("is missing", "Give it."),
    "extra_forbidden": ("is not known", "Leave it out; see /docs for what there is."),
    "union_tag_not_found": ("has no kind", "Give kind: INTENT_DRAFT, CLARIFY or CHAT."),
    "union_tag_invalid": ("is of no kind that there is", "Give INTENT_DRAFT, CLARIFY or CHAT."),
    "string_unicode": ("holds half of a surrogate pair", "Send valid UTF-8."),
    "string_type": ("must be text", "Give it as a string."),
    "int_type": ("must be an integer", "Give a whole number."),
    "int_from_float": ("must be an integer", "Give a whole number."),
    "int_parsing": ("must be an integer", "Give a whole number."),
    "int_parsing_size": ("must be an integer", "Give a smaller number."),
    "bool_type": ("must be true or false", "Give a boolean."),
    "list_type": ("must be a list", "Give a list."),
    "dict_type": ("must be an object", "Give an object."),
    "model_type": ("must be an object", "Give an object."),
    "model_attributes_type": ("must be an object", "Give an object."),
}


def _wrong(found: ErrorDetails) -> tuple[str, str]:
    kind = found["type"]
    if kind in _KINDS:
        return _KINDS[kind]
    if kind == "literal_error":
        return "is not accepted", f"Give {found['ctx']['expected']}."
    message = found["msg"]
    return f"is refused: {message[0].lower()}{message[1:]}", "See /docs for what is accepted."


def sound(text: str) -> str:
    """Text that any reader of UTF-8 takes: a half of a surrogate pair becomes a question mark."""
    return text.encode(errors="replace").decode()
