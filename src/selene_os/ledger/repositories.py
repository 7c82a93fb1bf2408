"""Typed repositories: what may be written, in the terms of who writes it, on any store.

Each checks its bounds where a row is built, so that what reaches a store is sound; the store's
guards check again. Source: docs/spec/000 §2 to §4, 002 §2 to §4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from selene_os.decision import Decision, ProfileDecision
from selene_os.errors import BadField, Refusal
from selene_os.ledger import codec
from selene_os.ledger.events import (
    PLAIN_KEY_ID,
    AuditEvent,
    CurrentMemory,
    MemoryEvent,
    Receipt,
    RecordedTurn,
    ReplayRecord,
    Unit,
    Utterance,
)
from selene_os.ledger.scope import ACTIVE, DISABLED
from selene_os.ledger.store import Store
from selene_os.names import (
    DeviceId,
    EventId,
    IdempotencyKey,
    SessionId,
    TenantId,
    UserId,
    check_text,
    event_id_after,
    parse_idempotency_key,
    parse_time_ns,
)

MakeId = Callable[[], EventId]

UTTERANCE_BYTES_MAX: Final = 32_768
MEMORY_KEY_BYTES_MAX: Final = 128
MEMORY_VALUE_BYTES_MAX: Final = 256
PROVENANCE_BYTES_MAX: Final = 128
ROLES: Final = ("USER", "SELENE")
SOURCES: Final = ("VOICE_TRANSCRIPT", "TYPED_TEXT", "SELENE_OUTPUT", "TOMBSTONE")
PRIVACY_SCOPES: Final = ("PUBLIC", "PRIVATE", "CONFIDENTIAL")
MEMORY_EVENTS: Final = ("STORED", "UPDATED", "FORGOTTEN")
LAYERS: Final = ("WORKING", "MICRO", "LONG_TERM")
SENSITIVITIES: Final = ("LOW", "SENSITIVE", "CONFIDENTIAL")
CONFIDENCES: Final = ("HIGH", "MED", "LOW")
CONSENTS: Final = ("NOT_REQUESTED", "CONFIRMED", "DENIED")
USE_POLICIES: Final = (
    "ALWAYS_USABLE",
    "REPEAT_CONFIRMED",
    "CONTEXT_RELEVANT_ONLY",
    "USER_REQUESTED_ONLY",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision with what is needed to make it again.

    Attributes:
        decision: what was concluded.
        engine_version, pack_digest: what concluded it.
        record: its request and answer, encoded.
    """

    decision: Decision | ProfileDecision
    engine_version: str
    pack_digest: str | None
    record: bytes


class NlpDecisions:
    """PH1.NLP's outcomes: intent drafts, clarifies, chats."""

    def __init__(self, store: Store, make_id: MakeId) -> None:
        self._store = store
        self._make_id = make_id

    def unit(
        self,
        scope: codec.Scope,
        place: codec.Place,
        entries: Sequence[Entry],
        said: str | None,
        created_at: int,
    ) -> Unit:
        """The rows of one turn: an event and a record for each entry, and what was said.

        Args:
            entries: 1 or more; further ones get the keys `<key>#2`, `<key>#3`, ….
            said: the utterance, 1 to 32,768 bytes of UTF-8, or None.
            created_at: nanoseconds since 1970 UTC.

        Raises:
            BadField: an entry is no outcome of PH1.NLP, or a value is outside its bounds.
        """
        parse_time_ns(created_at)
        events, rows = [], []
        for number, entry in enumerate(entries, 1):
            spot = place if number == 1 else _nth(place, number)
            event = codec.encode_event(entry.decision, scope, spot, self._make_id(), created_at)
            if event.engine != codec.PH1_NLP:
                raise BadField("decision", "is a profile", "Commit it as a profile.")
            events.append(event)
            rows.append(_record_row(event, entry))
        line = None
        if said is not None:
            line = utterance(scope, place, said, created_at)
        return Unit(tuple(events), tuple(rows), line)

    def commit(self, units: Sequence[Unit]) -> list[tuple[Receipt, ...] | Refusal]:
        """Write units in one transaction, each with a verdict of its own; see `Store.commit`."""
        return self._store.commit(units) if units else []


class PersonaProfiles:
    """PH1.PERSONA's profile commits."""

    def __init__(self, store: Store, make_id: MakeId) -> None:
        self._store = store
        self._make_id = make_id

    def unit(
        self,
        scope: codec.Scope,
        place: codec.Place,
        entry: Entry,
        created_at: int,
        last: EventId | None = None,
    ) -> Unit:
        """The rows of PERSONA_PROFILE_COMMIT, behind the user's last profile. Raises BadField."""
        event_id = self._make_id() if last is None else event_id_after(self._make_id(), last)
        event = codec.encode_event(
            entry.decision, scope, place, event_id, parse_time_ns(created_at)
        )
        if event.engine != codec.PH1_PERSONA:
            raise BadField("decision", "is no profile", "Give a ProfileDecision.")
        return Unit((event,), (_record_row(event, entry),))

    def last(self, tenant_id: TenantId, user_id: UserId) -> RecordedTurn | None:
        """A user's newest profile commit, or None."""
        return self._store.last_profile(tenant_id, user_id)


class Identities:
    """Who may write."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, tenant_id: TenantId, user_id: UserId, created_at: int) -> bool:
        """Add a user; False where they are there already. Raises NotFound."""
        return self._store.register(tenant_id, user_id, None, None, created_at)

    def disable(self, tenant_id: TenantId, user_id: UserId) -> None:
        """Refuse every further write of a user. Raises NotFound."""
        self._store.set_identity_status(tenant_id, user_id, DISABLED)

    def enable(self, tenant_id: TenantId, user_id: UserId) -> None:
        """Accept a disabled user's writes again. Raises NotFound."""
        self._store.set_identity_status(tenant_id, user_id, ACTIVE)


class Devices:
    """On what: each device is of one user, and bound to one tenant for good."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(
        self, tenant_id: TenantId, user_id: UserId, device_id: DeviceId, created_at: int
    ) -> bool:
        """Add a user and a device of theirs. Raises NotFound, RegistrationRefused."""
        return self._store.register(tenant_id, user_id, device_id, None, created_at)


class Sessions:
    """In which sitting: of one user on one device, until it is closed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(
        self,
        tenant_id: TenantId,
        user_id: UserId,
        device_id: DeviceId,
        session_id: SessionId,
        created_at: int,
    ) -> bool:
        """Open a session, adding user and device as need be. Raises RegistrationRefused."""
        return self._store.register(tenant_id, user_id, device_id, session_id, created_at)

    def close(self, tenant_id: TenantId, session_id: SessionId, closed_at: int) -> None:
        """End a session for good. Raises NotFound, RegistrationRefused."""
        self._store.close_session(tenant_id, session_id, closed_at)


class Conversations:
    """What was said, by user and by Selene."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, line: Utterance) -> bool:
        """Add a line made by `utterance`; False where its place is taken. Raises ScopeRefused."""
        return self._store.append_utterance(line)


@dataclass(frozen=True, slots=True)
class Remembered:
    """One change of a user's memory, before it is a row.

    Attributes:
        event: STORED, UPDATED or FORGOTTEN.
        memory_key: 1 to 128 bytes.
        verbatim: what was said, 1 to 256 bytes; None exactly for FORGOTTEN.
        normalised: its normal form, or None.
        layer, sensitivity, confidence, consent, use_policy: one of the tables above.
        expires_at: nanoseconds since 1970 UTC, or None.
        provenance: where it comes from, 1 to 128 bytes.

    Raises:
        BadField: a value is outside these bounds, or consent is DENIED.
    """

    event: str
    memory_key: str
    verbatim: str | None
    provenance: str
    normalised: str | None = None
    layer: str = "LONG_TERM"
    sensitivity: str = "LOW"
    confidence: str = "HIGH"
    consent: str = "CONFIRMED"
    use_policy: str = "USER_REQUESTED_ONLY"
    expires_at: int | None = None

    def __post_init__(self) -> None:
        _one_of("event", self.event, MEMORY_EVENTS)
        check_text("memory_key", self.memory_key, MEMORY_KEY_BYTES_MAX)
        if (self.event == "FORGOTTEN") != (self.verbatim is None):
            raise BadField(
                "verbatim", "is given exactly where something is remembered", "Mend the event."
            )
        for name in ("verbatim", "normalised"):
            if (value := getattr(self, name)) is not None:
                check_text(name, value, MEMORY_VALUE_BYTES_MAX)
        check_text("provenance", self.provenance, PROVENANCE_BYTES_MAX)
        _one_of("layer", self.layer, LAYERS)
        _one_of("sensitivity", self.sensitivity, SENSITIVITIES)
        _one_of("confidence", self.confidence, CONFIDENCES)
        _one_of("consent", self.consent, CONSENTS)
        _one_of("use_policy", self.use_policy, USE_POLICIES)
        if self.expires_at is not None:
            parse_time_ns(self.expires_at, "expires_at")
        if self.consent == "DENIED":
            raise BadField("consent", "is DENIED", "Nothing is kept without consent.")


class Memories:
    """What a user wants remembered: a ledger, and what it adds up to."""

    def __init__(self, store: Store, make_id: MakeId) -> None:
        self._store = store
        self._make_id = make_id

    def append(
        self,
        tenant_id: TenantId,
        user_id: UserId,
        change: Remembered,
        key: IdempotencyKey,
        created_at: int,
    ) -> Receipt:
        """Append one change, deduped by (tenant, user, key). Raises ScopeRefused, Fault."""
        value = None
        if change.verbatim is not None:
            value = codec.encode_json(
                {"verbatim": change.verbatim, "normalised": change.normalised}
            )
        return self._store.append_memory(
            MemoryEvent(
                tenant_id,
                self._make_id(),
                user_id,
                change.memory_key,
                0,
                change.event,
                value,
                PLAIN_KEY_ID,
                change.layer,
                change.sensitivity,
                change.confidence,
                change.consent,
                change.use_policy,
                change.expires_at,
                change.provenance,
                key,
                parse_time_ns(created_at),
            )
        )

    def current(self, tenant_id: TenantId, user_id: UserId) -> list[CurrentMemory]:
        """What a user's memories add up to; a forgotten one is there, without value."""
        return self._store.memory_current(tenant_id, user_id)

    def rebuild(self, tenant_id: TenantId, user_id: UserId) -> int:
        """Build `current` again from the ledger alone; returns the number of rows."""
        return self._store.rebuild_memory(tenant_id, user_id)


def utterance(
    scope: codec.Scope,
    place: codec.Place,
    text: str,
    created_at: int,
    *,
    role: str = "USER",
    source: str = "TYPED_TEXT",
    privacy_scope: str = "PRIVATE",
) -> Utterance:
    """One line of conversation, checked. Raises BadField."""
    _one_of("role", role, ROLES)
    _one_of("source", source, SOURCES)
    _one_of("privacy_scope", privacy_scope, PRIVACY_SCOPES)
    said = text.encode()
    if not 1 <= len(said) <= UTTERANCE_BYTES_MAX:
        raise BadField(
            "text",
            f"is {len(said)} bytes of UTF-8; 1 to {UTTERANCE_BYTES_MAX} are accepted",
            "Cut it into several turns.",
        )
    return Utterance(
        scope.tenant_id,
        place.correlation_id,
        place.turn_id,
        role,
        source,
        scope.user_id,
        scope.device_id,
        said,
        PLAIN_KEY_ID,
        privacy_scope,
        parse_time_ns(created_at),
    )


def _nth(place: codec.Place, number: int) -> codec.Place:
    """The place of a further decision of one turn: `<key>#2`."""
    key = parse_idempotency_key(f"{place.idempotency_key}#{number}")
    return codec.Place(place.correlation_id, place.turn_id, key)


def _record_row(event: AuditEvent, entry: Entry) -> ReplayRecord:
    return ReplayRecord(
        event.tenant_id,
        event.event_id,
        event.engine,
        entry.engine_version,
        entry.pack_digest,
        entry.record,
        PLAIN_KEY_ID,
    )


def _one_of(name: str, given: str, accepted: tuple[str, ...]) -> None:
    if given not in accepted:
        raise BadField(name, f"{given!r:.60} is not accepted", f"Give {' | '.join(accepted)}.")
