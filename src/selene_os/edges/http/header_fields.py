"""The header fields of answers, as the description tells them."""

from __future__ import annotations

from typing import Any, Final

from selene_os.edges.http.operations import ZIP, Operation

Record = dict[str, Any]


def _field(description: str, **schema: Any) -> Record:
    return {"description": description, "schema": {"type": "string", **schema}}


COMPONENTS: Final[dict[str, Record]] = {
    "X-Request-Id": {
        **_field("Names the request; a problem's instance, and its access event.", format="uuid"),
        "required": True,
    },
    "ETag": {**_field("Names what is answered: for If-None-Match."), "required": True},
    "Location": {**_field("Where what was written can be read."), "required": True},
    "Idempotent-Replayed": _field("It was there already; the answer is what stands.", const="true"),
    "Link": _field("The next page, as rel=next; left out on the last one."),
    "Retry-After": {**_field("Seconds to wait.", pattern="^[0-9]+$"), "required": True},
    "WWW-Authenticate": {**_field("How a key is sent."), "required": True},
    "Content-Disposition": {**_field("What the file may be called."), "required": True},
}


def of_answer(one: Operation, status: int) -> Record:
    """Those of an operation's answer."""
    paged = one.query is not None and "cursor" in one.query.model_fields
    sent = {
        "ETag": one.tagged,
        # A yes, a turn and the like can be read by their ids; what is registered has no row.
        "Location": status == 201 and one.keyed,
        "Idempotent-Replayed": status == 200 and 201 in one.answers,
        "Link": paged,
        "Content-Disposition": one.answers.get(status) == ZIP,
    }
    return _referred("X-Request-Id", *(name for name, is_sent in sent.items() if is_sent))


def of_refusal(status: int) -> Record:
    """Those of a refusal."""
    further = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
    return _referred("X-Request-Id", *further.get(status, ()))


def beside_the_api() -> Record:
    """Those of a problem of what needs no key."""
    return _referred("X-Request-Id")


def _referred(*names: str) -> Record:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
