"""Everything that Selene refuses, and everything that can break.

    SeleneError
    ├── Refusal                  the caller's to mend; nothing was written         exit 2
    │   ├── BadField             a value is outside its bounds                     422
    │   ├── ScopeRefused         tenant, user, device, session do not belong       403
    │   ├── IdentityRequired     a verified speaker is needed, none was given      403
    │   ├── IdempotencyConflict  the key already names another decision            409
    │   ├── Overtaken            another writer was first; decide again            409
    │   ├── ConfirmationRefused  a draft cannot be confirmed so, or any more      409
    │   ├── ExecutionDenied      a gate does not let a draft be acted on           403
    │   ├── RegistrationRefused  a tenant, user, device or session cannot be so    409
    │   ├── EngineRefused        an engine's input or output broke its contract    422
    │   ├── UnderHold            a legal hold keeps it from being erased           409
    │   ├── Erased               its words were erased, with the key they had      410
    │   └── NotFound             nothing of that name                              404
    └── Fault                    the operator's to mend                            exit 1
        ├── LedgerUnavailable    the ledger cannot be reached or written           503
        │   ├── LedgerBusy       too many writes wait; nothing was written         503
        │   └── LedgerMissing    there is no ledger at that address                503
        ├── SchemaDiffers        the database is not what this version made        500
        ├── KeysMissing          a key that rows are encrypted with is not here    500
        ├── CheckpointForged     what was signed is not what is there              500
        └── PackInvalid          a language pack cannot be loaded                  500

Not understanding an utterance is no error: that is a CLARIFY or a CHAT.
"""

from __future__ import annotations

from typing import ClassVar


class SeleneError(Exception):
    """Selene could not do what was asked."""

    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(
        self, problem: str, next_step: str, *, field: str | None = None, reason: str | None = None
    ) -> None:
        self.field = field
        self.problem = problem
        self.next_step = next_step
        self.reason = reason
        super().__init__(problem, next_step)

    @property
    def code(self) -> str:
        """The class's name, which is stable and documented."""
        return type(self).__name__

    def __str__(self) -> str:
        headline = (type(self).__doc__ or "").strip().splitlines()[0].rstrip(".")
        named = f"{self.field} {self.problem}" if self.field else self.problem
        return f"{headline}: {named}. {self.next_step}"

    def as_record(self) -> dict[str, str | None]:
        """The error as the fields that every edge shows, in a fixed order."""
        return {
            "code": self.code,
            "field": self.field,
            "message": str(self),
            "next_step": self.next_step,
            "reason_code": self.reason,
        }


class Refusal(SeleneError):
    """Refused."""

    http_status = 400
    exit_code = 2


class BadField(Refusal):
    """A value is outside its bounds."""

    http_status = 422

    def __init__(self, field: str, problem: str, next_step: str) -> None:
        super().__init__(problem, next_step, field=field)


class ScopeRefused(Refusal):
    """The tenant, user, device and session do not belong together."""

    http_status = 403


class IdentityRequired(Refusal):
    """A verified speaker is needed."""

    http_status = 403


class IdempotencyConflict(Refusal):
    """The key already names another decision."""

    http_status = 409


class Overtaken(Refusal):
    """Another writer was first."""

    http_status = 409


class ConfirmationRefused(Refusal):
    """That draft cannot be confirmed."""

    http_status = 409


class ExecutionDenied(Refusal):
    """The gates keep that draft from being acted on."""

    http_status = 403


class RegistrationRefused(Refusal):
    """That cannot be registered."""

    http_status = 409


class EngineRefused(Refusal):
    """An engine refused its input."""

    http_status = 422


class UnderHold(Refusal):
    """A legal hold keeps that from being erased."""

    http_status = 409


class Erased(Refusal):
    """What was said there was erased."""

    http_status = 410


class NotFound(Refusal):
    """Nothing of that name."""

    http_status = 404


class Fault(SeleneError):
    """Selene is not able to work."""

    http_status = 500
    exit_code = 1


class LedgerUnavailable(Fault):
    """The ledger cannot be reached."""

    http_status = 503


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
