"""Where a call stands in its conversation: what it names, the rest fresh or from the ledger."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from selene_os import names
from selene_os.errors import BadField, Fault, IdempotencyConflict, LedgerBusy, NotFound
from selene_os.ledger import codec
from selene_os.ledger.events import AuditEvent, Named, Receipt, ReplayRecord, TurnsTaken
from selene_os.ledger.store import Store

# A call without a turn takes the next one; another writer may take it first, this often.
NEXT_TURN_TRIES: Final = 64
_NONE_TAKEN: Final = TurnsTaken(None, 0)
_FURTHER_DRAFT = re.compile(r"#[0-9]+$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a call stands.

    Attributes:
        place: correlation, turn and key.
        fresh: the conversation begins with this call, so there is nothing to read of it.
        next_turn: the turn was taken as the next one, and another writer may take it first.
    """

    place: codec.Place
    fresh: bool
    next_turn: bool

    @property
    def correlation_id(self) -> names.CorrelationId:
        """The conversation."""
        return self.place.correlation_id

    @property
    def turn_id(self) -> names.TurnId:
        """The turn within it."""
        return self.place.turn_id


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call names of its place.

    Attributes:
        correlation_id: the conversation.
        turn_id, key: None where the call names none.
        fresh: the conversation's name was made for this call.
    """

    correlation_id: names.CorrelationId
    turn_id: names.TurnId | None
    key: names.IdempotencyKey | None
    fresh: bool


def parse_wish(
    tenant_id: names.TenantId,
    correlation: str | None,
    turn: int | None,
    key: str | None,
    fresh_correlation: Callable[[], names.CorrelationId],
) -> Wish:
    """What a call names of its place, checked.

    Args:
        correlation, turn, key: what the caller named, or None. A key without a correlation names
            its conversation as well, so that a retry finds its row.
        fresh_correlation: makes the name of a new conversation.

    Raises:
        BadField: a name is outside its bounds.
    """
    given_key = None if key is None else parse_given_key(key)
    if correlation is not None:
        correlation_id = names.parse_correlation_id(correlation)
    elif given_key is not None:
        correlation_id = correlation_of(tenant_id, given_key)
    else:
        correlation_id = fresh_correlation()
    turn_id = None if turn is None else names.parse_turn_id(turn)
    return Wish(correlation_id, turn_id, given_key, correlation is None and given_key is None)


class Places:
    """Where calls stand that are to be written together, by one read for all of them.

    Args:
        engine: whose decisions; part of the default key.
        wishes: of all the calls.
    """

    def __init__(
        self, store: Store, tenant_id: names.TenantId, engine: str, wishes: Iterable[Wish]
    ) -> None:
        named = [
            (wish.correlation_id, wish.key)
            for wish in wishes
            if wish.turn_id is None and not wish.fresh
        ]
        self._engine = engine
        found = store.turns_taken(tenant_id, named) if named else ()
        self._found = dict(zip(named, found, strict=True))
        # What the calls before take, the ledger does not say yet.
        self._last: dict[names.CorrelationId, int] = {}
        self._by_key: dict[Named, int] = {}

    def spot(self, wish: Wish) -> Spot | None:
        """Where a call stands; None where that rests on whether those before it are written.

        Raises:
            BadField: the conversation has all the turns it may have.
        """
        named = (wish.correlation_id, wish.key)
        turns = self._found.get(named, _NONE_TAKEN)
        there = turns.by_key if wish.turn_id is None else None
        last = max(turns.last, self._last.get(wish.correlation_id, 0))
        turn_id = wish.turn_id or there or self._by_key.get(named) or last + 1
        if turn_id > names.TURN_ID_MAX > turns.last:
            return None
        turn_id = names.parse_turn_id(turn_id)
        key = wish.key or default_key(self._engine, turn_id)
        next_turn = wish.turn_id is None and there is None and not wish.fresh
        return Spot(codec.Place(wish.correlation_id, turn_id, key), wish.fresh, next_turn)

    def take(self, wish: Wish, spot: Spot) -> None:
        """Let the calls behind this one know that it is to be written."""
        correlation_id = spot.correlation_id
        self._last[correlation_id] = max(self._last.get(correlation_id, 0), spot.turn_id)
        if wish.key is not None:
            self._by_key[correlation_id, wish.key] = spot.turn_id


def find_spot(store: Store, tenant_id: names.TenantId, engine: str, wish: Wish) -> Spot:
    """Where one call stands. Raises BadField as `Places.spot`."""
    spot = Places(store, tenant_id, engine, [wish]).spot(wish)
    assert spot is not None, "nothing stands before it"
    return spot


def parse_given_key(key: object) -> names.IdempotencyKey:
    """A caller's key: as `parse_idempotency_key`, and not one that names a further draft."""
    parsed = names.parse_idempotency_key(key)
    if _FURTHER_DRAFT.search(parsed):
        raise BadField(
            "idempotency_key",
            "ends in # and a number, which names the further drafts of one turn",
            "Choose another ending.",
        )
    return parsed


def correlation_of(tenant_id: names.TenantId, key: names.IdempotencyKey) -> names.CorrelationId:
    """The conversation of a call that names a key alone: the same at each retry."""
    named = f"{tenant_id}\0{key}".encode()
    return names.CorrelationId(hashlib.sha256(named).hexdigest()[:32])


def find_there(store: Store, scope: codec.Scope, receipt: Receipt) -> AuditEvent:
    """The row that a retry found.

    Raises:
        IdempotencyConflict: it is another user's. What they said or prefer is not to be told.
    """
    event = store.event(scope.tenant_id, receipt.event_id)
    if event is None:
        raise Fault(f"event {receipt.event_id} is not there any more", "See `selene doctor`.")
    if event.user_id != scope.user_id:
        raise IdempotencyConflict(
            f"{event.idempotency_key!r} names another user's decision in this conversation",
            "Choose another key or turn; nothing was written.",
            field="idempotency_key",
        )
    return event


def record_there(store: Store, event: AuditEvent) -> ReplayRecord:
    """The record of a row. Raises Fault where there is none."""
    record = store.record(event.tenant_id, event.event_id)
    if record is None:
        raise Fault(f"event {event.event_id} has no record", "See `selene doctor`.")
    return record


def kept_there(
    store: Store, tenant_id: names.TenantId, event_id: str, field: str
) -> tuple[AuditEvent, ReplayRecord]:
    """An event with its record. Raises BadField, and NotFound, also for another tenant's.

    Args:
        field: what the caller calls the event.
    """
    event = store.event(tenant_id, names.parse_event_id(event_id, field))
    if event is None:
        raise NotFound(f"{event_id!r} is not known", "Check its id.", field=field)
    return event, record_there(store, event)


def overtaken(correlation: str | None) -> LedgerBusy:
    """The fault of a call without a turn, whose every next turn another writer took first."""
    return LedgerBusy(
        f"conversation {correlation} had {NEXT_TURN_TRIES} other turns meanwhile",
        "Send the turns of one conversation one after the other, with their numbers.",
    )


def place_in_turn(key: names.IdempotencyKey) -> int:
    """Which of its turn's rows a key names: 1, or the number behind its #."""
    further = _FURTHER_DRAFT.search(key)
    return 1 if further is None else int(further[0][1:])


def default_key(engine: str, turn_id: names.TurnId) -> names.IdempotencyKey:
    """The key of an engine's decision in a turn, where the caller names none."""
    return names.IdempotencyKey(f"{engine}:{turn_id}")
