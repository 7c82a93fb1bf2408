"""What the API answers, as values that do not change.

Written by tests/client_writing.py from the API's description; not by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvent:
    """One use of a key."""

    tenant_id: str
    access_id: str
    at: str
    at_ns: str
    actor: str
    action: str
    target: str | None
    outcome: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvents:
    """One page of access events, the newest first."""

    events: tuple[AccessEvent, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a MEMORY_… draft."""

    intent_type: str
    memories: tuple[Mapping[str, Any], ...]
    receipt: Receipt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Where a decision stands that was brought; engine_version is empty where you decided."""

    trace_id: str | None
    engine_version: str | None
    pack_digest: str | None
    event_id: str
    deduplicated: bool
    same_decision: bool
    correlation_id: str
    turn_id: int
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a tenant's log signed: size and root of its tree."""

    created_at: str
    created_at_ns: str
    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """One page of checkpoints, the smallest first."""

    checkpoints: tuple[Checkpoint, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A session that has ended."""

    session_id: str
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A row; with `record=true` what it can be decided again from."""

    engine_version: str | None
    pack_digest: str | None
    created_at: str
    created_at_ns: str
    tenant_id: str
    event_id: str
    engine: str
    event_type: str
    reason_code: str
    reason_code_number: int
    severity: str
    correlation_id: str
    turn_id: int
    user_id: str | None
    device_id: str | None
    session_id: str | None
    idempotency_key: str
    payload_min: Any
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """One page of devices, by name."""

    devices: tuple[RegisteredDevice, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of audit_events, columns by the specifications' names; and what decided it."""

    engine_version: str | None
    pack_digest: str | None
    created_at: str
    created_at_ns: str
    tenant_id: str
    event_id: str
    engine: str
    event_type: str
    reason_code: str
    reason_code_number: int
    severity: str
    correlation_id: str
    turn_id: int
    user_id: str | None
    device_id: str | None
    session_id: str | None
    idempotency_key: str
    payload_min: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """How an utterance comes to what it comes to."""

    engine_version: str | None
    pack_digest: str | None
    explanation: Mapping[str, Any]
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of decisions, the newest first; next_cursor is null on the last page."""

    events: tuple[Event, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """One page of users, by name."""

    identities: tuple[RegisteredIdentity, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user, and whether their writes are accepted."""

    user_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityWithDevices:
    """A user, and their devices by name."""

    created_at: str
    created_at_ns: str
    user_id: str
    status: str
    devices: tuple[RegisteredDevice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of each line."""

    lines: tuple[Mapping[str, Any], ...]
    written: bool
    digest: str | None
    terms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memories:
    """What is remembered of a user, the newest first."""

    memories: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packs:
    """What can be asked for here."""

    name: str
    version: str
    digest: str
    parts: tuple[Mapping[str, str], ...]
    intents: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileAnswer:
    """A profile: tone and delivery, no authority."""

    trace_id: str | None
    engine_version: str | None
    pack_digest: str | None
    event_id: str
    deduplicated: bool
    same_decision: bool
    style_profile_ref: str
    delivery_policy_ref: str
    brevity_ref: str
    preferred_language: str | None
    confirmation_ref: str | None
    preferences_snapshot_ref: str
    reason_code: str
    evidence: Mapping[str, str]
    diagnostics: tuple[str, ...]
    notes: tuple[str, ...]
    correlation_id: str
    turn_id: int
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What proves one row: RFC 6962, against the newest checkpoint."""

    row: Mapping[str, Any]
    leaf_index: int
    proof: tuple[str, ...]
    checkpoint: str
    keys: tuple[str, ...]
    statements: tuple[str, ...]
    sealed_at: str
    sealed_at_ns: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a writer is told of one row."""

    event_id: str
    deduplicated: bool
    same_decision: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What was asked for is there; whether anything was added."""

    added: bool
    user_id: str
    device_id: str | None
    session_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredDevice:
    """A device of a user."""

    created_at: str
    created_at_ns: str
    device_id: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredIdentity:
    """A user: ACTIVE, or DISABLED, whose writes are refused."""

    created_at: str
    created_at_ns: str
    user_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSession:
    """A session on a device; closed_at is null while it is open."""

    created_at: str
    created_at_ns: str
    session_id: str
    user_id: str
    device_id: str
    closed_at: str | None
    closed_at_ns: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a conversation's events came to when they were decided again."""

    events: tuple[Mapping[str, Any], ...]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """How many rows were sealed, and the newest checkpoint, if there is one."""

    rows: int
    checkpoint: Checkpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """One page of sessions, by name."""

    sessions: tuple[RegisteredSession, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a tenant's ambiguous values are read."""

    created_at: str
    created_at_ns: str
    tenant_id: str
    currency: str | None
    time_policy: str
    date_order: str | None
    zone: str | None
    confirm_within_s: int
    terms_digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A conversation: its events, or with `explain=true` its turns."""

    events: tuple[Event, ...] | None = None
    turns: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A tenant's dictionary."""

    terms: tuple[Mapping[str, Any], ...]
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAnswer:
    """What a turn came to: docs/nlp.md names every part of the decision."""

    trace_id: str | None
    engine_version: str | None
    pack_digest: str | None
    event_id: str
    deduplicated: bool
    same_decision: bool
    decision: str
    reason_code: str
    intent_type: str | None
    overall_confidence: str | None
    fields: tuple[Mapping[str, Any], ...]
    required_fields: tuple[str, ...]
    required_fields_missing: tuple[str, ...]
    ambiguity_flags: tuple[str, ...]
    requires_confirmation: bool | None
    sensitivity: str | None
    what_is_missing: tuple[str, ...] | None = None
    question: str | None = None
    accepted_answer_formats: tuple[str, ...] | None = None
    clarification_unit_id: str | None = None
    pending: Mapping[str, Any] | None = None
    drafts: tuple[Mapping[str, Any], ...] | None = None
    correlation_id: str
    turn_id: int
    event_ids: tuple[str, ...]
    confirmation: str | None
    draft_event_ids: tuple[str, ...]
    confirm_by: str | None
    confirm_by_ns: str | None
    lapsed: str | None
    refused: Mapping[str, str]
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one of many: what it was answered, or the problem."""

    status: int
    committed: Brought | None
    problem: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """A verdict for each, in the order in which they were sent."""

    results: tuple[Verdict, ...]
    written: int
    deduplicated: int
    refused: int
