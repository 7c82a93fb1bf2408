"""Where a call stands in its conversation: what it names, the rest fresh or from the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from selene_os import names
from selene_os.errors import IdempotencyConflict, LedgerBusy, NotFound
from selene_os.ledger import codec
from selene_os.ledger.events import AuditEvent, Receipt, ReplayRecord
from selene_os.ledger.store import Store

# A call without a turn takes the next one; another writer may take it first, this often.
NEXT_TURN_TRIES: Final = 64


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a call stands.

    Attributes:
        place: correlation, turn and key.
        fresh: the conversation begins with this call, so there is nothing to read of it.
        fixed: the caller named the turn or the key: a second such call is a retry.
    """

    place: codec.Place
    fresh: bool
    fixed: bool

    @property
    def correlation_id(self) -> names.CorrelationId:
        """The conversation."""
        return self.place.correlation_id

    @property
    def turn_id(self) -> names.TurnId:
        """The turn within it."""
        return self.place.turn_id


def find_spot(
    store: Store,
    tenant_id: names.TenantId,
    engine: str,
    correlation: str | None,
    turn: int | None,
    key: str | None,
    fresh_correlation: Callable[[], names.CorrelationId],
    after: int = 0,
) -> Spot:
    """Find where a call stands.

    Args:
        engine: whose decision; part of the default key.
        correlation, turn, key: what the caller named; None is made fresh, or the next one.
        fresh_correlation: makes the name of a new conversation.
        after: a turn that is taken although the ledger does not say so yet.

    Raises:
        BadField: a name is outside its bounds.
    """
    fresh = correlation is None
    correlation_id = fresh_correlation() if fresh else names.parse_correlation_id(correlation)
    given_key = None if key is None else names.parse_idempotency_key(key)
    if turn is not None:
        turn_id = names.parse_turn_id(turn)
    elif fresh:
        turn_id = names.TurnId(1)
    else:
        turn_id = _turn_of(store, tenant_id, correlation_id, given_key, after)
    place = codec.Place(correlation_id, turn_id, given_key or default_key(engine, turn_id))
    return Spot(place, fresh, fixed=turn is not None or key is not None)


def find_there(store: Store, scope: codec.Scope, receipt: Receipt) -> AuditEvent:
    """The row that a retry found.

    Raises:
        IdempotencyConflict: it is another user's. What they said or prefer is not to be told.
    """
    event = store.event(scope.tenant_id, receipt.event_id)
    if event is None:
        raise NotFound("is not there any more", "Verify the ledger.", field="event_id")
    if event.user_id != scope.user_id:
        raise IdempotencyConflict(
            f"{event.idempotency_key!r} names another user's decision in this conversation",
            "Choose another key or turn; nothing was written.",
            field="idempotency_key",
        )
    return event


def record_there(store: Store, event: AuditEvent) -> ReplayRecord:
    """The record of a row. Raises NotFound."""
    record = store.record(event.tenant_id, event.event_id)
    if record is None:
        raise NotFound("has no record", "Verify the ledger.", field="event_id")
    return record


def overtaken(correlation: str | None) -> LedgerBusy:
    """The fault of a call without a turn, whose every next turn another writer took first."""
    return LedgerBusy(
        f"conversation {correlation} had {NEXT_TURN_TRIES} other turns meanwhile",
        "Send the turns of one conversation one after the other, with their numbers.",
    )


def default_key(engine: str, turn_id: names.TurnId) -> names.IdempotencyKey:
    """The key of an engine's decision in a turn, where the caller names none."""
    return names.IdempotencyKey(f"{engine}:{turn_id}")


def _turn_of(
    store: Store,
    tenant_id: names.TenantId,
    correlation_id: names.CorrelationId,
    key: names.IdempotencyKey | None,
    after: int,
) -> names.TurnId:
    """The turn that a key names already, or the next one."""
    if key is not None:
        there = store.event_by_key(tenant_id, correlation_id, key)
        if there is not None:
            return there.turn_id
    last = store.last_turn(tenant_id, correlation_id)
    return names.parse_turn_id(max(last, after) + 1)
