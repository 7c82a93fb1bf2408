"""What goes wrong, by class: `code`, `field`, `reason_code`, `next_step`, `status`.

    SeleneClientError
    ├── NotConfigured            address, key or tenant cannot be right; nothing was sent
    ├── NotReached               no answer came; `may_have_happened` says whether it was sent
    ├── NotSelene                what answered is no Selene, or one of another time
    └── ApiError                 Selene refuses, or cannot
        ├── Refusal              the caller's to mend: 4xx, a class for each code
        └── Fault                the operator's to mend: 5xx, a class for each code

Every `code` of docs/http.md and docs/errors.md is a class of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final


class SeleneClientError(Exception):
    """Selene could not be asked, or did not do it."""


class NotConfigured(SeleneClientError, ValueError):
    """The client cannot be made so; nothing was sent."""

    def __init__(self, field: str, problem: str, next_step: str) -> None:
        self.field = field
        self.next_step = next_step
        super().__init__(f"{field} {problem}. {next_step}")


class NotReached(SeleneClientError):
    """No answer came.

    Attributes:
        may_have_happened: the request was sent, so what was to be written may have been.
        attempts: how often it was tried.
        idempotency_key: with which to send it again; None where it has none.
    """

    def __init__(
        self, why: str, *, may_have_happened: bool, attempts: int, idempotency_key: str | None
    ) -> None:
        self.may_have_happened = may_have_happened
        self.attempts = attempts
        self.idempotency_key = idempotency_key
        told = "it may have happened" if may_have_happened else "nothing was sent"
        super().__init__(f"No answer after {attempts} attempt(s) ({why}): {told}.")


class NotSelene(SeleneClientError):
    """What answered is not what is described: no Selene, or one of another time.

    Attributes:
        status: of the answer.
    """

    def __init__(self, status: int, problem: str) -> None:
        self.status = status
        super().__init__(f"HTTP {status}: {problem}. Check the address, and what stands between.")


class ApiError(SeleneClientError):
    """Selene refuses, or cannot.

    Attributes:
        code: stable; the class's name where this version knows it.
        status: of HTTP. title, detail: for people.
        field, reason_code, next_step, decision_id, instance: or None.
        idempotency_key: the one that was sent, or None.
        retry_after_s: when to come back, or None.
        problem: the whole answer.
    """

    def __init__(
        self,
        status: int,
        problem: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code"))
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or "")
        self.field = _text(problem, "field")
        self.reason_code = _text(problem, "reason_code")
        self.next_step = _text(problem, "next_step")
        self.decision_id = _text(problem, "decision_id")
        self.instance = _text(problem, "instance")
        self.idempotency_key = idempotency_key
        self.retry_after_s = retry_after_s
        said = self.title if self.detail in ("", self.title) else f"{self.title}: {self.detail}"
        told = " ".join(filter(None, (f"{said.rstrip('.')}.", self.next_step)))
        super().__init__(f"{told} ({self.code}, HTTP {status})")


class Refusal(ApiError):
    """The caller's to mend; nothing was written."""


class Fault(ApiError):
    """The operator's to mend."""


class BadField(Refusal):
    """A value is outside its bounds."""


class ScopeRefused(Refusal):
    """The tenant, user, device and session do not belong together."""


class IdentityRequired(Refusal):
    """A verified speaker is needed."""


class IdempotencyConflict(Refusal):
    """The key already names another decision."""


class Overtaken(Refusal):
    """Another writer was first."""


class ConfirmationRefused(Refusal):
    """That draft cannot be confirmed."""


class ExecutionDenied(Refusal):
    """The gates keep that draft from being acted on."""


class RegistrationRefused(Refusal):
    """That cannot be registered."""


class EngineRefused(Refusal):
    """An engine refused its input."""


class UnderHold(Refusal):
    """A legal hold keeps that from being erased."""


class Erased(Refusal):
    """What was said there was erased."""


class NotFound(Refusal):
    """Nothing of that name."""


class LedgerUnavailable(Fault):
    """The ledger cannot be reached."""


class LedgerBusy(LedgerUnavailable):
    """Too many writes wait."""


class LedgerMissing(LedgerUnavailable):
    """There is no ledger."""


class SchemaDiffers(Fault):
    """The database is not what this version made."""


class KeysMissing(Fault):
    """A key is not where it must be."""


class CheckpointForged(Fault):
    """What was signed is not what is there."""


class PackInvalid(Fault):
    """A language pack cannot be loaded."""


class BadJson(Refusal):
    """The body is no JSON that is accepted."""


class BadRequest(Refusal):
    """That is no HTTP."""


class BadHeader(Refusal):
    """A header is not as it must be."""


class NotAuthenticated(Refusal):
    """An API key is needed."""


class TenantForbidden(Refusal):
    """The key is not of that tenant."""


class ScopeMissing(Refusal):
    """The key does not have the scope."""


class NoSuchPath(Refusal):
    """There is nothing at that path."""


class MethodNotAllowed(Refusal):
    """That method is not for this path."""


class HeadTooSlow(Refusal):
    """The head did not arrive in time."""


class BodyTooSlow(Refusal):
    """The body did not arrive in time."""


class BodyTooLarge(Refusal):
    """The body is too large."""


class QueryTooLong(Refusal):
    """The query is too long."""


class MediaTypeRefused(Refusal):
    """The body must be application/json."""


class TooManyRequests(Refusal):
    """The key makes too many requests."""


class HeadersTooLarge(Refusal):
    """The headers are too large."""


class Incident(Fault):
    """Something is wrong with Selene."""


class NotOffered(Fault):
    """This deployment does not offer that."""


class TooBusy(Fault):
    """Too many requests wait."""


class Stopping(Fault):
    """The server is about to end; another one, or the next one, answers."""


class TooSlow(Fault):
    """The answer did not come in time."""


# Code -> class: what an answer's `code` is raised as.
CODES: Final = {
    one.__name__: one
    for one in (
        BadField,
        ScopeRefused,
        IdentityRequired,
        IdempotencyConflict,
        Overtaken,
        ConfirmationRefused,
        ExecutionDenied,
        RegistrationRefused,
        EngineRefused,
        UnderHold,
        Erased,
        NotFound,
        LedgerUnavailable,
        LedgerBusy,
        LedgerMissing,
        SchemaDiffers,
        KeysMissing,
        CheckpointForged,
        PackInvalid,
        BadJson,
        BadRequest,
        BadHeader,
        NotAuthenticated,
        TenantForbidden,
        ScopeMissing,
        NoSuchPath,
        MethodNotAllowed,
        HeadTooSlow,
        BodyTooSlow,
        BodyTooLarge,
        QueryTooLong,
        MediaTypeRefused,
        TooManyRequests,
        HeadersTooLarge,
        Incident,
        NotOffered,
        TooBusy,
        Stopping,
        TooSlow,
    )
}


def error_of(status: int, problem: Mapping[str, Any], **more: Any) -> ApiError:
    """The error that a problem tells of; of a code that is not known here, by its status."""
    general = Fault if status >= 500 else Refusal
    return CODES.get(str(problem.get("code")), general)(status, problem, **more)


def _text(problem: Mapping[str, Any], name: str) -> str | None:
    value = problem.get(name)
    return value if isinstance(value, str) else None
