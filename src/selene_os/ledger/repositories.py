"""Typed repositories: what may be written, in the terms of who writes it, on any store.

Each checks its bounds where a row is built, so that what reaches a store is sound; the store's
guards check again. Source: docs/spec/000 §2 to §4, 002 §2 to §4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from selene_os.decision import Confirmation, Custody, Decision, ProfileDecision
from selene_os.errors import BadField, Refusal
from selene_os.ledger import codec
from selene_os.ledger.events import (
    PLAIN_KEY_ID,
    AuditEvent,
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
    SessionId,
    TenantId,
    UserId,
    event_id_after,
    parse_idempotency_key,
    parse_time_ns,
)

MakeId = Callable[[], EventId]

UTTERANCE_BYTES_MAX: Final = 32_768
ROLES: Final = ("USER", "SELENE")
SOURCES: Final = ("VOICE_TRANSCRIPT", "TYPED_TEXT", "SELENE_OUTPUT", "TOMBSTONE")
PRIVACY_SCOPES: Final = ("PUBLIC", "PRIVATE", "CONFIDENTIAL")


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision with what is needed to make it again.

    Attributes:
        decision: what was concluded.
        engine_version, pack_digest: what concluded it.
        record: its request and answer, encoded.
    """

    decision: Decision | ProfileDecision | Confirmation | Custody
    engine_version: str
    pack_digest: str | None
    record: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance: 1 to 32,768 bytes of UTF-8, where it comes from, and whose ears it is for."""

    text: str
    source: str = "TYPED_TEXT"
    privacy_scope: str = "PRIVATE"


class NlpDecisions:
    """PH1.NLP's outcomes (intent drafts, clarifies, chats), and what was said to drafts."""

    def __init__(self, store: Store, make_id: MakeId) -> None:
        self._store = store
        self._make_id = make_id

    def unit(
        self,
        scope: codec.Scope,
        place: codec.Place,
        entries: Sequence[Entry],
        said: Said | None,
        created_at: int,
        *,
        next_turn: bool = False,
    ) -> Unit:
        """The rows of one turn: an event and a record for each entry, and what was said.

        Args:
            entries: 1 or more; further ones get the keys `<key>#2`, `<key>#3`, ….
            said: the utterance, or None.
            created_at: nanoseconds since 1970 UTC.
            next_turn: see `Unit`.

        Raises:
            BadField: an entry is a profile, or a value is outside its bounds.
        """
        parse_time_ns(created_at)
        events, rows = [], []
        for number, entry in enumerate(entries, 1):
            spot = place if number == 1 else nth_place(place, number)
            event = codec.encode_event(entry.decision, scope, spot, self._make_id(), created_at)
            if event.engine == codec.PH1_PERSONA:
                raise BadField("decision", "is a profile", "Commit it as a profile.")
            events.append(event)
            rows.append(_record_row(event, entry))
        line = None
        if said is not None:
            line = utterance(
                scope,
                place,
                said.text,
                created_at,
                source=said.source,
                privacy_scope=said.privacy_scope,
            )
        return Unit(tuple(events), tuple(rows), line, next_turn)

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


class Custodies:
    """PH1.J's rows of what became of keys: the tenant's own, of no user and no device."""

    VERSION: Final = "1"

    def __init__(self, store: Store, make_id: MakeId) -> None:
        self._store = store
        self._make_id = make_id

    def commit(
        self, tenant_id: TenantId, custody: Custody, place: codec.Place, reason: str, at: int
    ) -> EventId:
        """Write one row, and why in its record; the id of the one that is there.

        Raises:
            BadField: a value is outside its bounds. Refusal, Fault: as for `Store.commit`.
        """
        office = codec.Office(tenant_id)
        event = codec.encode_event(custody, office, place, self._make_id(), parse_time_ns(at))
        record = codec.encode_json({"decided_by": codec.PH1_J, "reason": reason})
        row = _record_row(event, Entry(custody, self.VERSION, None, record))
        (verdict,) = self._store.commit([Unit((event,), (row,))])
        if isinstance(verdict, Refusal):
            raise verdict
        return verdict[0].event_id


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
    one_of("role", role, ROLES)
    one_of("source", source, SOURCES)
    one_of("privacy_scope", privacy_scope, PRIVACY_SCOPES)
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


def nth_place(place: codec.Place, number: int) -> codec.Place:
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


def spoken_source(source: str) -> str:
    """Where a user's words come from; what Selene said, or what is gone, is none of theirs."""
    one_of("source", source, ("TYPED_TEXT", "VOICE_TRANSCRIPT"))
    return source


def one_of(name: str, given: str, accepted: tuple[str, ...]) -> None:
    """Raise BadField unless a value is one of the accepted."""
    if given not in accepted:
        raise BadField(name, f"{given!r:.60} is not accepted", f"Give {' | '.join(accepted)}.")
