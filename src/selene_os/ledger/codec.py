"""Decisions to bounded rows, and back.

The payload is canonical JSON text (sorted keys, no spaces, no floats), kept byte for byte. What a
decision's payload must hold is the table below; anything else is refused before it reaches a
database. Only the decision types stand in it: an advisory engine's result cannot be encoded.
Source: docs/spec/002 §4 and §6, 000 §4.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import singledispatch
from json.encoder import encode_basestring
from typing import Any, Final, Protocol

from selene_os.decision import (
    CHAT_REASONS,
    CLARIFY_REASONS,
    CONFIRMATION_REASONS,
    CUSTODY_REASONS,
    DRAFT_REASONS,
    PROFILE_REASONS,
    Chat,
    Clarify,
    Confirmation,
    Custody,
    IntentDraft,
    ProfileDecision,
)
from selene_os.errors import BadField
from selene_os.ledger.events import AuditEvent
from selene_os.names import (
    CorrelationId,
    DeviceId,
    EventId,
    IdempotencyKey,
    SessionId,
    TenantId,
    TurnId,
    UserId,
)
from selene_os.reasons import ReasonCode

PH1_NLP: Final = "PH1.NLP"
PH1_PERSONA: Final = "PH1.PERSONA"
PH1_X: Final = "PH1.X"
# The audit engine itself: what happens to the ledger's keys is no engine's decision. Source:
# docs/spec/002 §6, "Audit Emissions (PH1.J)".
PH1_J: Final = "PH1.J"

PAYLOAD_BYTES_MAX: Final = 2_048
PAYLOAD_KEYS_MAX: Final = 24
STRING_BYTES_MAX: Final = 256
LIST_LENGTH_MAX: Final = 16

_COMPACT = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), allow_nan=False
)

Payload = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Who writes, and where: every part is checked again by the database on each write."""

    tenant_id: TenantId
    user_id: UserId
    device_id: DeviceId
    session_id: SessionId | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """The tenant itself writes: no user of it, on no device."""

    tenant_id: TenantId
    user_id: None = None
    device_id: None = None
    session_id: None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its conversation a decision stands, and the key that makes a retry one."""

    correlation_id: CorrelationId
    turn_id: TurnId
    idempotency_key: IdempotencyKey


class Decided(Protocol):
    """Anything with a reason; the registered encoders say which of them are decisions."""

    @property
    def reason_code(self) -> ReasonCode: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """Under which engine, event type and severity a decision is kept, and its payload's keys.

    Attributes:
        required: keys that every payload has.
        allowed: keys that it may have, the required ones among them.
    """

    engine: str
    event_type: str
    severity: str
    required: frozenset[str]
    allowed: frozenset[str]


def _kind(engine: str, event_type: str, severity: str, required: str, optional: str = "") -> Kind:
    must = frozenset(required.split())
    return Kind(engine, event_type, severity, must, must | frozenset(optional.split()))


DRAFT: Final = _kind(
    PH1_NLP,
    "NlpIntentDraft",
    "INFO",
    "decision intent_type overall_confidence required_fields ambiguity_flags",
    "focus_span_ref",
)
CLARIFY: Final = _kind(
    PH1_NLP,
    "NlpClarify",
    "WARN",
    "decision what_is_missing clarification_unit_id accepted_answer_formats",
    "focus_span_ref",
)
# CHAT is kept as NlpIntentDraft: docs/spec/002 §4, "Commit chat".
CHAT: Final = _kind(PH1_NLP, "NlpIntentDraft", "INFO", "decision", "focus_span_ref")
PROFILE: Final = _kind(
    PH1_PERSONA,
    "Other",
    "INFO",
    "style_profile_ref delivery_policy_ref preferences_snapshot_ref",
)
CONFIRMATION: Final = _kind(PH1_X, "XConfirm", "INFO", "decision draft_event_id")
ERASURE: Final = _kind(PH1_J, "Other", "INFO", "decision subject_user_id key_id")
HOLD: Final = _kind(PH1_J, "Other", "INFO", "decision subject_user_id hold_id")


@singledispatch
def encode_decision(decision: object) -> tuple[Kind, Payload]:
    """What a decision is kept as; raises BadField for anything that is no decision."""
    raise BadField(
        "decision",
        f"of type {type(decision).__name__} cannot be recorded",
        "Give an IntentDraft, a Clarify, a Chat, a ProfileDecision, a Confirmation or a Custody.",
    )


@encode_decision.register
def _(decision: IntentDraft) -> tuple[Kind, Payload]:
    payload: Payload = {
        "decision": decision.DECISION,
        "intent_type": decision.intent_type,
        "overall_confidence": decision.overall_confidence,
        "required_fields": list(decision.required_fields),
        "ambiguity_flags": list(decision.ambiguity_flags),
    }
    return DRAFT, _with_focus(payload, decision.focus_span_ref)


@encode_decision.register
def _(decision: Clarify) -> tuple[Kind, Payload]:
    payload: Payload = {
        "decision": decision.DECISION,
        "what_is_missing": decision.what_is_missing,
        "clarification_unit_id": decision.clarification_unit_id,
        "accepted_answer_formats": list(decision.accepted_answer_formats),
    }
    return CLARIFY, _with_focus(payload, decision.focus_span_ref)


@encode_decision.register
def _(decision: Chat) -> tuple[Kind, Payload]:
    return CHAT, _with_focus({"decision": decision.DECISION}, decision.focus_span_ref)


@encode_decision.register
def _(decision: ProfileDecision) -> tuple[Kind, Payload]:
    return PROFILE, {
        "style_profile_ref": decision.style_profile_ref,
        "delivery_policy_ref": decision.delivery_policy_ref,
        "preferences_snapshot_ref": decision.preferences_snapshot_ref,
    }


@encode_decision.register
def _(decision: Confirmation) -> tuple[Kind, Payload]:
    return CONFIRMATION, {
        "decision": decision.decision,
        "draft_event_id": decision.draft_event_id,
    }


@encode_decision.register
def _(decision: Custody) -> tuple[Kind, Payload]:
    erased = decision.reason_code is ReasonCode.J_USER_ERASED
    return ERASURE if erased else HOLD, {
        "decision": decision.decision,
        "subject_user_id": decision.user_id,
        "key_id" if erased else "hold_id": decision.named,
    }


def _with_focus(payload: Payload, focus_span_ref: str | None) -> Payload:
    if focus_span_ref is not None:
        payload["focus_span_ref"] = focus_span_ref
    return payload


def encode_event(
    decision: Decided, scope: Scope | Office, place: Place, event_id: EventId, created_at: int
) -> AuditEvent:
    """Build the one audit row of a decision.

    Args:
        decision: an IntentDraft, Clarify, Chat, ProfileDecision, Confirmation or Custody.
        scope: tenant, user, device and session; of a Custody the tenant alone.
        place: correlation, turn and idempotency key.
        event_id: a UUID of version 7, made by the writer.
        created_at: nanoseconds since 1970 UTC, given by the caller.

    Raises:
        BadField: it is no decision, or its payload is over a bound.
    """
    kind, payload = encode_decision(decision)
    return AuditEvent(
        scope.tenant_id,
        event_id,
        kind.engine,
        kind.event_type,
        int(decision.reason_code),
        kind.severity,
        place.correlation_id,
        place.turn_id,
        scope.user_id,
        scope.device_id,
        scope.session_id,
        place.idempotency_key,
        encode_payload(kind, payload),
        created_at,
    )


def encode_payload(kind: Kind, payload: Payload) -> str:
    """Canonical JSON of a payload that holds exactly what its kind allows; raises BadField.

    Canonical as in RFC 8785, which for text and lists of text under ASCII keys is: sorted keys, no
    spaces, and the shortest escapes.
    """
    if not kind.required <= payload.keys() <= kind.allowed or len(payload) > PAYLOAD_KEYS_MAX:
        missing = ", ".join(sorted(kind.required - payload.keys()))
        needless = ", ".join(sorted(payload.keys() - kind.allowed))
        raise BadField(
            "payload_min",
            f"of {kind.event_type} lacks [{missing}] and may not hold [{needless:.80}]",
            "Give exactly the keys of its decision.",
        )
    text = ",".join([f'"{key}":{_encode_value(key, payload[key])}' for key in sorted(payload)])
    if len(text) + 2 > PAYLOAD_BYTES_MAX or len(text.encode()) + 2 > PAYLOAD_BYTES_MAX:
        raise BadField(
            "payload_min", f"is over {PAYLOAD_BYTES_MAX} bytes of JSON", "Name fewer fields."
        )
    return "{" + text + "}"


def _encode_value(key: str, value: object) -> str:
    """One payload value: a string of at most 256 bytes, or a list of at most 16 of them."""
    if not isinstance(value, list):
        return _encode_string(key, value)
    if len(value) > LIST_LENGTH_MAX:
        raise BadField(key, f"holds over {LIST_LENGTH_MAX} entries", "Name fewer.")
    return "[" + ",".join([_encode_string(key, one) for one in value]) + "]"


def _encode_string(key: str, text: object) -> str:
    if not isinstance(text, str):
        raise BadField(key, f"holds a {type(text).__name__}", "Give text.")
    if len(text) > STRING_BYTES_MAX or (
        not text.isascii() and len(text.encode()) > STRING_BYTES_MAX
    ):
        raise BadField(key, f"holds over {STRING_BYTES_MAX} bytes", "Shorten it.")
    return encode_basestring(text)


def fault_of(event: AuditEvent) -> str | None:
    """What of a stored row no encoder can have made, or None where it is sound."""
    try:
        payload = json.loads(event.payload_min)
    except ValueError:
        return "its payload is no JSON"
    if not isinstance(payload, dict):
        return "its payload is no object"
    kind = _KINDS.get((event.engine, str(payload.get("decision"))))
    if kind is None or (kind.event_type, kind.severity) != (event.event_type, event.severity):
        return f"{event.engine} writes no {event.event_type} like it"
    reasons = _REASONS[kind]
    if kind is CONFIRMATION:
        reasons = (ReasonCode[f"X_{payload['decision']}"],)
    if kind in (ERASURE, HOLD):
        reasons = (ReasonCode[f"J_USER_{payload['decision']}"],)
    if event.reason_code not in reasons:
        return f"its reason code {event.reason_code} does not go with it"
    try:
        text = encode_payload(kind, payload)
    except BadField as error:
        return f"its payload is not of its form ({error.field} {error.problem})"
    return None if text == event.payload_min else "its payload is not canonical JSON"


_KINDS: Final = {
    (PH1_NLP, IntentDraft.DECISION): DRAFT,
    (PH1_NLP, Clarify.DECISION): CLARIFY,
    (PH1_NLP, Chat.DECISION): CHAT,
    (PH1_PERSONA, "None"): PROFILE,
    **{(PH1_X, code.name.removeprefix("X_")): CONFIRMATION for code in CONFIRMATION_REASONS},
    (PH1_J, "ERASED"): ERASURE,
    (PH1_J, "HELD"): HOLD,
    (PH1_J, "RELEASED"): HOLD,
}


_REASONS: Final = {
    DRAFT: DRAFT_REASONS,
    CLARIFY: CLARIFY_REASONS,
    CHAT: CHAT_REASONS,
    PROFILE: PROFILE_REASONS,
    CONFIRMATION: CONFIRMATION_REASONS,
    ERASURE: CUSTODY_REASONS,
    HOLD: CUSTODY_REASONS,
}


def encode_json(value: object) -> bytes:
    """JSON bytes of a record: keys in the order of their contract, no spaces, UTF-8.

    A lone half of a surrogate pair, which no UTF-8 can hold, never gets here: what was said is
    checked where it enters.
    """
    return _COMPACT.encode(value).encode()


def decode_json(text: str | bytes) -> Any:
    """What `encode_json` or `encode_payload` encoded."""
    return json.loads(text)
