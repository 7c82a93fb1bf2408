"""What is answered, as schemas: for the description alone, and for the tests that compare both."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Receipt(BaseModel):
    """What a writer is told of one row."""

    event_id: str
    deduplicated: bool
    same_decision: bool


class Moment(BaseModel):
    """When: RFC 3339 in UTC to the nanosecond, and nanoseconds since 1970 in digits."""

    created_at: str
    created_at_ns: str


class Traced(BaseModel):
    """The trace of the request that made the row, as its record keeps it; null where none did."""

    trace_id: str | None


class MadeBy(BaseModel):
    """What decided: the engine's version and the pack's digest, where they are known."""

    engine_version: str | None
    pack_digest: str | None


class TurnAnswer(Receipt, MadeBy, Traced):
    """What a turn came to: docs/nlp.md names every part of the decision."""

    decision: str
    reason_code: str
    intent_type: str | None
    overall_confidence: str | None
    fields: list[dict[str, Any]]
    required_fields: list[str]
    required_fields_missing: list[str]
    ambiguity_flags: list[str]
    requires_confirmation: bool | None
    sensitivity: str | None
    # Of a question alone.
    what_is_missing: list[str] | None = None
    question: str | None = None
    accepted_answer_formats: list[str] | None = None
    clarification_unit_id: str | None = None
    pending: dict[str, Any] | None = None
    # Of more than one draft.
    drafts: list[dict[str, Any]] | None = None
    correlation_id: str
    turn_id: int
    event_ids: list[str]
    confirmation: str | None
    draft_event_ids: list[str]
    confirm_by: str | None
    confirm_by_ns: str | None
    lapsed: str | None
    refused: dict[str, str]
    engine: str


class ProfileAnswer(Receipt, MadeBy, Traced):
    """A profile: tone and delivery, no authority."""

    style_profile_ref: str
    delivery_policy_ref: str
    brevity_ref: str
    preferred_language: str | None
    confirmation_ref: str | None
    preferences_snapshot_ref: str
    reason_code: str
    evidence: dict[str, str]
    diagnostics: list[str]
    notes: list[str]
    correlation_id: str
    turn_id: int
    engine: str


class Brought(Receipt, MadeBy, Traced):
    """Where a decision stands that was brought; engine_version is empty where you decided."""

    correlation_id: str
    turn_id: int
    engine: str


class Verdict(BaseModel):
    """What became of one of many: what it was answered, or the problem."""

    status: int
    committed: Brought | None
    problem: dict[str, Any] | None


class Verdicts(BaseModel):
    """A verdict for each, in the order in which they were sent."""

    results: list[Verdict]
    written: int
    deduplicated: int
    refused: int


class Event(Moment, MadeBy):
    """A row of audit_events, columns by the specifications' names; and what decided it."""

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


class Decision(Event):
    """A row; with `record=true` what it can be decided again from."""

    record: dict[str, Any] | None = None


class Story(BaseModel):
    """A conversation: its events, or with `explain=true` its turns."""

    events: list[Event] | None = None
    turns: list[dict[str, Any]] | None = None


class Found(BaseModel):
    """One page of decisions, the newest first; next_cursor is null on the last page."""

    events: list[Event]
    next_cursor: str | None


class Proof(BaseModel):
    """What proves one row: RFC 6962, against the newest checkpoint."""

    row: dict[str, Any]
    leaf_index: int
    proof: list[str]
    checkpoint: str
    keys: list[str]
    statements: list[str]
    sealed_at: str
    sealed_at_ns: str


class Checkpoint(Moment):
    """What a tenant's log signed: size and root of its tree."""

    size: int
    root: str
    note: str


class Checkpoints(BaseModel):
    """One page of checkpoints, the smallest first."""

    checkpoints: list[Checkpoint]
    next_cursor: str | None


class Replayed(BaseModel):
    """What a conversation's events came to when they were decided again."""

    events: list[dict[str, Any]]
    totals: dict[str, int]


class Explained(MadeBy):
    """How an utterance comes to what it comes to."""

    explanation: dict[str, Any]
    engine: str


class Settings(Moment):
    """How a tenant's ambiguous values are read."""

    tenant_id: str
    currency: str | None
    time_policy: str
    date_order: str | None
    zone: str | None
    confirm_within_s: int
    terms_digest: str | None


class Registered(BaseModel):
    """What was asked for is there; whether anything was added."""

    added: bool
    user_id: str
    device_id: str | None
    session_id: str | None


class Identity(BaseModel):
    """A user, and whether their writes are accepted."""

    user_id: str
    status: str


class RegisteredIdentity(Moment):
    """A user: ACTIVE, or DISABLED, whose writes are refused."""

    user_id: str
    status: str


class RegisteredDevice(Moment):
    """A device of a user."""

    device_id: str
    user_id: str


class RegisteredSession(Moment):
    """A session on a device; closed_at is null while it is open."""

    session_id: str
    user_id: str
    device_id: str
    closed_at: str | None
    closed_at_ns: str | None


class IdentityWithDevices(RegisteredIdentity):
    """A user, and their devices by name."""

    devices: list[RegisteredDevice]


class Identities(BaseModel):
    """One page of users, by name."""

    identities: list[RegisteredIdentity]
    next_cursor: str | None


class Devices(BaseModel):
    """One page of devices, by name."""

    devices: list[RegisteredDevice]
    next_cursor: str | None


class Sessions(BaseModel):
    """One page of sessions, by name."""

    sessions: list[RegisteredSession]
    next_cursor: str | None


class Closed(BaseModel):
    """A session that has ended."""

    session_id: str
    closed: bool


class Terms(BaseModel):
    """A tenant's dictionary."""

    terms: list[dict[str, Any]]
    digest: str | None


class Imported(BaseModel):
    """What became of each line."""

    lines: list[dict[str, Any]]
    written: bool
    digest: str | None
    terms: int


class Packs(BaseModel):
    """What can be asked for here."""

    name: str
    version: str
    digest: str
    parts: list[dict[str, str]]
    intents: list[dict[str, Any]]


class Memories(BaseModel):
    """What is remembered of a user, the newest first."""

    memories: list[dict[str, Any]]


class Applied(BaseModel):
    """What became of a MEMORY_… draft."""

    intent_type: str
    memories: list[dict[str, Any]]
    receipt: Receipt | None


class Sealed(BaseModel):
    """How many rows were sealed, and the newest checkpoint, if there is one."""

    rows: int
    checkpoint: Checkpoint | None


class AccessEvent(BaseModel):
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


class AccessEvents(BaseModel):
    """One page of access events, the newest first."""

    events: list[AccessEvent]
    next_cursor: str | None


class Problem(BaseModel):
    """An error, as RFC 9457 tells it; `code` is stable."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None
    code: str
    field: str | None
    reason_code: str | None
    next_step: str | None
    decision_id: str | None
