"""The ledger's rows as they are stored, and what a writer is told.

Rows are named tuples: a trace reads thousands of them, and a frozen dataclass costs ten times as
much to fill. They are built by `codec`, whose parts have checked their bounds already.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from selene_os.errors import BadField
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

PLAIN_KEY_ID: Final = "plain"
# What a row's words are shown under once their key was destroyed; never stored.
ERASED_KEY_ID: Final = "erased"
# Of words that stand there in plain though their tenant's are encrypted: nobody here wrote them so.
UNENCRYPTED_KEY_ID: Final = "unencrypted"
# How long a draft may be confirmed where a tenant sets nothing else: ten minutes.
CONFIRM_WITHIN_S: Final = 600


def columns_of(row: type[Any], table: str = "") -> str:
    """A row's columns as SQL lists them, of a table's alias where one is given."""
    before = f"{table}." if table else ""
    return ", ".join(before + name for name in row._fields)


class AuditEvent(NamedTuple):
    """One row of audit_events, columns by the specifications' names and in stored order.

    reason_code is the number; payload_min the canonical JSON text, byte for byte as stored;
    created_at nanoseconds since 1970 UTC. Source: docs/spec/000 §2 and §4, 002 §2 and §4.
    """

    tenant_id: TenantId
    event_id: EventId
    engine: str
    event_type: str
    reason_code: int
    severity: str
    correlation_id: CorrelationId
    turn_id: TurnId
    user_id: UserId | None
    device_id: DeviceId | None
    session_id: SessionId | None
    idempotency_key: IdempotencyKey
    payload_min: str
    created_at: int


class ReplayRecord(NamedTuple):
    """One row of replay_inputs: what an engine was asked and answered, as canonical JSON bytes."""

    tenant_id: TenantId
    event_id: EventId
    engine: str
    engine_version: str
    pack_digest: str | None
    record: bytes
    key_id: str


class WholeRow(NamedTuple):
    """An event together with what its record is: the columns that a proof covers.

    record_digest is the SHA-256 of the record's bytes as they are stored, 32 bytes. An event
    without a record has None for the last four.
    """

    tenant_id: TenantId
    event_id: EventId
    engine: str
    event_type: str
    reason_code: int
    severity: str
    correlation_id: CorrelationId
    turn_id: TurnId
    user_id: UserId | None
    device_id: DeviceId | None
    session_id: SessionId | None
    idempotency_key: IdempotencyKey
    payload_min: str
    created_at: int
    engine_version: str | None
    pack_digest: str | None
    key_id: str | None
    record_digest: bytes | None


class Placed(NamedTuple):
    """Where a sealed row stands in its tenant's tree, from 0, and its hash there, 32 bytes."""

    leaf_index: int
    leaf_hash: bytes


class CheckpointRow(NamedTuple):
    """One row of checkpoints: a tree's size, its right edge, and the signed note of its root."""

    tenant_id: TenantId
    size: int
    frontier: bytes
    note: bytes
    created_at: int


class SigningKeyRow(NamedTuple):
    """One row of signing_keys: a key's 8 hex digits, and the note in which the one before it,
    or the first one itself, says that it signs.
    """

    tenant_id: TenantId
    key_id: str
    statement: bytes
    created_at: int


class Disclosed(NamedTuple):
    """What was said, of one row, and what shows that it was.

    stored: the record's bytes as the ledger holds them; their SHA-256 is the row's record_digest.
    row_key: what decrypts them, and no other row; None where they are plain. plaintext: the record.
    """

    stored: bytes
    row_key: bytes | None
    plaintext: bytes


class Utterance(NamedTuple):
    """One row of conversation_ledger: what was said, by whom, in which turn."""

    tenant_id: TenantId
    correlation_id: CorrelationId
    turn_id: TurnId
    role: str
    source: str
    user_id: UserId
    device_id: DeviceId
    text: bytes
    key_id: str
    privacy_scope: str
    created_at: int


class MemoryEvent(NamedTuple):
    """One row of memory_ledger. `version` is given by the store; value is None for FORGOTTEN."""

    tenant_id: TenantId
    memory_event_id: EventId
    user_id: UserId
    memory_key: str
    version: int
    event: str
    value: bytes | None
    key_id: str
    layer: str
    sensitivity: str
    confidence: str
    consent: str
    use_policy: str
    expires_at: int | None
    provenance: str
    idempotency_key: IdempotencyKey
    created_at: int


class CurrentMemory(NamedTuple):
    """One row of memory_current: what one memory's events add up to."""

    tenant_id: TenantId
    user_id: UserId
    memory_key: str
    version: int
    active: int
    value: bytes | None
    key_id: str
    layer: str
    sensitivity: str
    confidence: str
    consent: str
    use_policy: str
    expires_at: int | None
    provenance: str
    memory_event_id: EventId
    updated_at: int


class TenantRow(NamedTuple):
    """One row of tenants: its name and how its ambiguous values are read.

    confirm_within_s: how long a draft waits for a yes. terms_digest: which of its bundles of terms
    is in use, set by `put_terms` alone; None where it has none.
    """

    tenant_id: TenantId
    currency: str | None
    time_policy: str
    date_order: str | None
    zone: str | None
    created_at: int
    confirm_within_s: int = CONFIRM_WITHIN_S
    terms_digest: str | None = None


class TermBundle(NamedTuple):
    """One row of term_bundles: a tenant's dictionary at one time, named by its content."""

    tenant_id: TenantId
    digest: str
    bundle: bytes
    key_id: str
    created_at: int


class PackRow(NamedTuple):
    """One row of packs: a pack that decisions were made with, as it can be made again."""

    tenant_id: TenantId
    digest: str
    content: bytes
    created_at: int


# Columns by place, for what is compared of a retry: engine to severity, user to session, payload.
ENGINE_TO_SEVERITY: Final = slice(2, 6)
USER_TO_SESSION: Final = slice(8, 11)
PAYLOAD: Final = 12


# A conversation, and a key within it where one is given.
Named = tuple[CorrelationId, IdempotencyKey | None]


class TurnsTaken(NamedTuple):
    """Which turns of a conversation are taken.

    by_key: the turn of the event that the key names there, or None. last: the highest, 0 for none.
    """

    by_key: int | None
    last: int


class RecordedTurn(NamedTuple):
    """An event together with its replay record, as the next turn reads them."""

    event_id: EventId
    turn_id: TurnId
    user_id: UserId | None
    engine: str
    record: bytes
    key_id: str
    created_at: int


class Stretch(NamedTuple):
    """Which of a tenant's events a scan is for, the oldest first.

    since and until are nanoseconds since 1970 UTC, the first inclusive, the second not; after:
    (created_at, event_id) of the last row of the page before. None asks for nothing.
    """

    since: int | None = None
    until: int | None = None
    after: tuple[int, EventId] | None = None

    def bound(self) -> dict[str, object]:
        """What is wanted, as the named values of a statement."""
        after_at, after_id = self.after or (None, None)
        return {
            "since": self.since,
            "until": self.until,
            "after_at": after_at,
            "after_id": after_id,
        }


class Wanted(NamedTuple):
    """What a search is for; None asks for nothing. All of it must hold.

    reason_code is the number; since and until are nanoseconds since 1970 UTC, the first inclusive,
    the second not. after: (created_at, event_id) of the last row of the page before.
    """

    intent_type: str | None = None
    reason_code: int | None = None
    decision: str | None = None
    user_id: UserId | None = None
    since: int | None = None
    until: int | None = None
    after: tuple[int, EventId] | None = None
    device_id: DeviceId | None = None

    def bound(self) -> dict[str, object]:
        """What is wanted, as the named values of a statement."""
        values = self._asdict()
        values["after_at"], values["after_id"] = values.pop("after") or (None, None)
        return values


# An event with its record; None where it has none.
Recorded = tuple[AuditEvent, ReplayRecord | None]


def recorded_of(row: tuple[Any, ...]) -> Recorded:
    """An event and its record out of one row that holds the columns of both."""
    event = AuditEvent._make(row[: len(AuditEvent._fields)])
    record = row[len(AuditEvent._fields) :]
    return event, None if record[0] is None else ReplayRecord._make(record)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a writer is told of one event.

    Attributes:
        event_id: the row's id; on a retry the first row's.
        deduplicated: the key was there already, nothing was written.
        same_decision: the row that is there says what this call says.
    """

    event_id: EventId
    deduplicated: bool
    same_decision: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """What one commit writes, all of it or nothing.

    Attributes:
        events: 1 or more rows of one correlation and turn; where the first is a retry, so are all.
        records: the replay records of these events.
        said: the utterance they answer, if there was one, of the first event's scope and turn.
        next_turn: the turn must be one that the conversation does not have yet.
        after_profile: the event id of the user's newest profile that this one was made from, and
            sorts behind; "" where it was made from none; None where that does not matter.

    The last two, and that what it settles is not settled yet, are checked in the writing
    transaction: what was read before it may be old.
    """

    events: tuple[AuditEvent, ...]
    records: tuple[ReplayRecord, ...] = ()
    said: Utterance | None = None
    next_turn: bool = False
    after_profile: str | None = None

    def __post_init__(self) -> None:
        said, event = self.said, self.events[0]
        if said is not None and (
            said.correlation_id != event.correlation_id
            or said.turn_id != event.turn_id
            or said.user_id != event.user_id
            or said.device_id != event.device_id
            or said.tenant_id != event.tenant_id
        ):
            raise BadField("said", "is not of its event's scope and turn", "Build them together.")

    @property
    def settles(self) -> tuple[EventId, ...]:
        """The drafts that its events confirm, decline or change."""
        return tuple(
            json.loads(event.payload_min)["draft_event_id"]
            for event in self.events
            if event.engine == "PH1.X"
        )
