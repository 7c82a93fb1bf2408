"""What must hold before a draft may be acted on. Whoever acts asks here first, each time.

A draft is what was understood, and no permission. The ports are the deployment's: who may do what,
and which intents are live; without them everything is denied. Nothing here acts.
Source: docs/spec/002 §2, §5 and §8; 000 §5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Protocol

from selene_os.decision import FORMATS_MAX, FORMATS_MIN
from selene_os.engines import nlp
from selene_os.errors import BadField
from selene_os.names import DeviceId, EventId, TenantId, UserId
from selene_os.reasons import ReasonCode

ALLOW: Final = "ALLOW"
ACTIVE: Final = "ACTIVE"
DENY: Final = "DENY"
UNKNOWN: Final = "UNKNOWN"
CONFIRMED: Final = "CONFIRMED"


class Scope(Protocol):
    """For whom, and where, something is to be done."""

    @property
    def tenant_id(self) -> TenantId: ...
    @property
    def user_id(self) -> UserId: ...
    @property
    def device_id(self) -> DeviceId: ...


class AccessPort(Protocol):
    """Who may have what done: the deployment's own rules."""

    def decide(
        self, tenant_id: TenantId, user_id: UserId, device_id: DeviceId, intent_type: str
    ) -> str:
        """ALLOW, or any other word for no."""


class SimulationPort(Protocol):
    """Which intents are live."""

    def status(self, tenant_id: TenantId, intent_type: str) -> str:
        """ACTIVE, or any other word for an intent that nothing may be done for."""


class DenyAll:
    """The default of both ports: nothing is allowed, nothing is live."""

    def decide(
        self, tenant_id: TenantId, user_id: UserId, device_id: DeviceId, intent_type: str
    ) -> str:
        return DENY

    def status(self, tenant_id: TenantId, intent_type: str) -> str:
        return UNKNOWN


class Listed:
    """Both ports by a list: every registered user of every tenant, for these intents alone.

    Args:
        intents: intent types, as in MEMORY_REMEMBER.
    """

    def __init__(self, intents: Collection[str]) -> None:
        self._intents = frozenset(intents)

    def decide(
        self, tenant_id: TenantId, user_id: UserId, device_id: DeviceId, intent_type: str
    ) -> str:
        return ALLOW if intent_type in self._intents else DENY

    def status(self, tenant_id: TenantId, intent_type: str) -> str:
        return ACTIVE if intent_type in self._intents else UNKNOWN


@dataclass(frozen=True, slots=True)
class Draft:
    """A recorded draft of PH1.NLP's, as the ledger holds it.

    Attributes:
        event_id: its row.
        tenant_id, user_id: whose it is.
        created_at: nanoseconds since 1970 UTC.
        result: what was understood; an INTENT_DRAFT.

    Raises:
        BadField: the result is no draft.
    """

    event_id: EventId
    tenant_id: TenantId
    user_id: UserId
    created_at: int
    result: nlp.Result

    def __post_init__(self) -> None:
        if not isinstance(self.result, nlp.Result) or self.result.decision != "INTENT_DRAFT":
            raise BadField("draft", "is no INTENT_DRAFT of PH1.NLP", "Name the event of a draft.")

    @property
    def intent_type(self) -> str:
        """What is asked for."""
        return self.result.intent_type or ""

    @property
    def digest(self) -> str:
        """Names this very draft: its row, its user, and every value in it. 64 hexadecimal digits.

        It derives from what was said, so it stands in records, which can be erased, and in no row.
        """
        named = {
            "draft": replace(self.result, drafts=(), pending=None).as_record(),
            "event_id": self.event_id,
            "tenant_id": self.tenant_id,
            "user_id": self.user_id,
        }
        text = json.dumps(named, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a user said to one draft, as the ledger holds it.

    Attributes:
        event_id: its row.
        tenant_id, user_id: who said it.
        said: CONFIRMED, DECLINED or CHANGED.
        draft_event_id, draft_digest: the draft it was said to.
        expires_at: until when it counts, in nanoseconds since 1970 UTC.
        used: it was acted on already.
    """

    event_id: EventId
    tenant_id: TenantId
    user_id: UserId
    said: str
    draft_event_id: EventId
    draft_digest: str
    expires_at: int
    used: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a draft may be acted on, with the reason. True in a condition when it may."""

    reason_code: ReasonCode

    @property
    def open(self) -> bool:
        """Whether it may be acted on."""
        return self.reason_code is ReasonCode.GATE_OPEN

    def __bool__(self) -> bool:
        return self.open


def may_execute(
    draft: Draft,
    scope: Scope,
    access: AccessPort,
    simulation: SimulationPort,
    confirmation: Confirmed | None,
    *,
    now: int,
) -> Verdict:
    """Whether a draft may be acted on, now, for this scope.

    Args:
        draft: out of the ledger.
        scope: for whom it would be acted on.
        access, simulation: the deployment's ports.
        confirmation: the user's yes to this draft, out of the ledger; None where there is none.
        now: nanoseconds since 1970 UTC.

    Returns:
        GATE_OPEN, or the first thing that does not hold.
    """
    reason = _draft_holds(draft)
    if reason is None and (scope.tenant_id, scope.user_id) != (draft.tenant_id, draft.user_id):
        reason = ReasonCode.GATE_SCOPE_DIFFERS
    if reason is None and draft.result.requires_confirmation is not False:
        # An intent of which it is not known needs a yes like any other.
        reason = _confirmation_holds(draft, confirmation, now)
    who = (scope.tenant_id, scope.user_id, scope.device_id)
    if reason is None and access.decide(*who, draft.intent_type) != ALLOW:
        reason = ReasonCode.GATE_ACCESS_DENIED
    if reason is None and simulation.status(scope.tenant_id, draft.intent_type) != ACTIVE:
        reason = ReasonCode.GATE_SIMULATION_INACTIVE
    return Verdict(reason or ReasonCode.GATE_OPEN)


def is_fit(draft: Draft) -> bool:
    """Whether there is something to say yes to: a draft at HIGH, complete and unambiguous."""
    return _draft_holds(draft) is None


def _draft_holds(draft: Draft) -> ReasonCode | None:
    result = draft.result
    heard = {field.key: field for field in result.fields}
    if result.overall_confidence != "HIGH":
        return ReasonCode.GATE_DRAFT_NOT_HIGH
    if result.required_fields_missing or any(
        key not in heard or heard[key].value is None for key in result.required_fields
    ):
        return ReasonCode.GATE_DRAFT_INCOMPLETE
    # Of two requests in one utterance each is plain by itself.
    flags = set(result.ambiguity_flags) - {nlp.MULTI_INTENT}
    # What is only asked may stay vague ("around noon"); what is done may not, in no field.
    acts = result.requires_confirmation is not False
    if flags or any(
        len(field.readings) > 1 or (field.value is None and (acts or field.readings))
        for field in result.fields
    ):
        return ReasonCode.GATE_DRAFT_AMBIGUOUS
    return None


def _confirmation_holds(draft: Draft, said: Confirmed | None, now: int) -> ReasonCode | None:
    if said is None:
        return ReasonCode.GATE_CONFIRMATION_MISSING
    if (said.tenant_id, said.user_id, said.draft_event_id, said.draft_digest) != (
        draft.tenant_id,
        draft.user_id,
        draft.event_id,
        draft.digest,
    ):
        return ReasonCode.GATE_CONFIRMATION_DIFFERS
    if said.said != CONFIRMED:
        return ReasonCode.GATE_CONFIRMATION_DECLINED
    if said.used:
        return ReasonCode.GATE_CONFIRMATION_USED
    if now > said.expires_at:
        return ReasonCode.GATE_CONFIRMATION_LATE
    return None


@dataclass(frozen=True, slots=True)
class ClarifyPacket:
    """What PH1.X, the dialogue engine, gets of a CLARIFY: one question about one field.

    Attributes:
        question: one line in the user's language.
        what_is_missing: the one field's key.
        accepted_answer_formats: 2 or 3 literal examples, each of which is understood.
        clarification_unit_id: names this exchange.

    Raises:
        BadField: it is no CLARIFY.
    """

    question: str
    what_is_missing: str
    accepted_answer_formats: tuple[str, ...]
    clarification_unit_id: str

    def __post_init__(self) -> None:
        if not all((self.question, self.what_is_missing, self.clarification_unit_id)):
            raise BadField("clarify", "asks nothing", "Hand over the result of a CLARIFY.")
        if not FORMATS_MIN <= len(self.accepted_answer_formats) <= FORMATS_MAX:
            raise BadField("accepted_answer_formats", "must be 2 or 3 examples", "Give 2 or 3.")


def packet_of(result: nlp.Result) -> ClarifyPacket:
    """The packet of a CLARIFY. Raises BadField for any other result."""
    return ClarifyPacket(
        result.question or "",
        result.what_is_missing or "",
        result.accepted_answer_formats,
        result.clarification_unit_id or "",
    )
