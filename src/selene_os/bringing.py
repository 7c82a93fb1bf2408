"""Decisions that a team brings of its own understanding; and how any unit is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from selene_os import names, records
from selene_os.decision import Decision
from selene_os.engines import nlp
from selene_os.errors import Fault, Overtaken, Refusal, SeleneError
from selene_os.ledger import codec
from selene_os.ledger.events import Receipt, Unit
from selene_os.ledger.repositories import Entry, NlpDecisions, Said
from selene_os.ledger.store import Store
from selene_os.receipts import Brought, Committed, Surroundings
from selene_os.registry import Registry
from selene_os.spots import (
    NEXT_TURN_TRIES,
    Places,
    Spot,
    Wish,
    find_spot,
    find_there,
    overtaken,
    parse_wish,
)


class _Written(NamedTuple):
    """What is to be written of one decision, wherever it comes to stand."""

    scope: codec.Scope
    entries: list[Entry]
    said: Said | None
    trace: names.TraceId | None


class Bringing(Registry):
    """A tenant's registrations, and the decisions that are brought to its ledger.

    Args:
        store: a ledger store.
        surroundings: the clock and fresh names.
        tenant_id: the tenant.
    """

    def __init__(self, store: Store, surroundings: Surroundings, tenant_id: names.TenantId) -> None:
        super().__init__(store, surroundings, tenant_id)
        self._last_scope: tuple[codec.Scope, str, str, str | None] | None = None
        self._decisions = NlpDecisions(store, surroundings.event_id)

    def commit_decision(
        self,
        decision: Decision,
        user: str,
        device: str,
        *,
        session: str | None = None,
        correlation: str | None = None,
        turn: int | None = None,
        key: str | None = None,
        text: str | None = None,
        trace: str | None = None,
    ) -> Committed:
        """Record one decision of a team's own understanding; see `Brought` for the arguments.

        Raises:
            Refusal: nothing was written. Fault: nothing was acknowledged.
        """
        brought = Brought(decision, user, device, session, correlation, turn, key, text, trace)
        committed = self.commit_decisions([brought])[0]
        if isinstance(committed, SeleneError):
            raise committed
        return committed

    def commit_decisions(self, brought: Sequence[Brought]) -> list[Committed | SeleneError]:
        """Record many decisions in one transaction; each has a verdict of its own, in order.

        Where another writer takes a turn that one of them was given as the next, that one is tried
        again, in a transaction of its own.

        Raises:
            Fault: nothing was acknowledged.
        """
        outcomes: dict[int, Committed | SeleneError] = {}
        for _ in range(NEXT_TURN_TRIES):
            waiting = [number for number in range(len(brought)) if number not in outcomes]
            if not waiting:
                break
            try:
                self._commit_brought(brought, outcomes, waiting)
            except Fault as fault:
                if not outcomes:
                    raise
                # What was written before stays acknowledged.
                outcomes.update(dict.fromkeys(waiting, fault))
        return [
            outcomes.get(number) or overtaken(one.correlation) for number, one in enumerate(brought)
        ]

    def _commit_brought(
        self,
        brought: Sequence[Brought],
        outcomes: dict[int, Committed | SeleneError],
        waiting: Sequence[int],
    ) -> None:
        """One transaction for what waits; what was overtaken, or has no place yet, waits on."""
        wishes: dict[int, Wish] = {}
        written: dict[int, _Written] = {}
        for number in waiting:
            one = brought[number]
            try:
                written[number] = self._written(one)
                wishes[number] = self._wish(one.correlation, one.turn, one.key)
            except Refusal as refusal:
                outcomes[number] = refusal
        places = Places(self._store, self.tenant_id, codec.PH1_NLP, wishes.values())
        spots: dict[int, Spot] = {}
        units: dict[int, Unit] = {}
        for number, wish in wishes.items():
            scope, entries, said, _ = written[number]
            try:
                spot = places.spot(wish)
                if spot is None:
                    continue
                now, next_turn = self._surroundings.clock(), spot.next_turn
                units[number] = self._decisions.unit(
                    scope, spot.place, entries, said, now, next_turn=next_turn
                )
            except Refusal as refusal:
                outcomes[number] = refusal
                continue
            places.take(wish, spot)
            spots[number] = spot
        verdicts = self._decisions.commit(list(units.values()))
        for number, verdict in zip(units, verdicts, strict=True):
            if isinstance(verdict, Overtaken):
                continue
            outcomes[number] = (
                verdict
                if isinstance(verdict, Refusal)
                else self._stands(written[number], spots[number], verdict[0])
            )

    def _stands(self, written: _Written, spot: Spot, receipt: Receipt) -> Committed | Refusal:
        """Where a decision stands: a retried one where the first does, whatever turn it names."""
        if not receipt.deduplicated:
            (made,) = written.entries
            return Committed(
                spot.correlation_id,
                spot.turn_id,
                receipt,
                codec.PH1_NLP,
                made.engine_version,
                made.pack_digest,
                written.trace,
            )
        try:
            there = find_there(self._store, written.scope, receipt)
        except Refusal as refusal:
            return refusal
        try:
            kept = self._store.record(self.tenant_id, there.event_id)
        except Fault:
            # The row is there, whatever became of its record.
            kept = None
        return Committed(
            there.correlation_id,
            there.turn_id,
            receipt,
            there.engine,
            None if kept is None else kept.engine_version,
            None if kept is None else kept.pack_digest,
            records.trace_of(kept),
        )

    # ---- how it is done

    def _scope(self, user: str, device: str, session: str | None) -> codec.Scope:
        last = self._last_scope
        if last is not None and (user, device, session) == last[1:]:
            # Mostly the same again, above all in a batch. What is equal was parsed already.
            return last[0]
        scope = codec.Scope(
            self.tenant_id,
            names.parse_user_id(user),
            names.parse_device_id(device),
            None if session is None else names.parse_session_id(session),
        )
        self._last_scope = (scope, user, device, session)
        return scope

    def _spot(self, engine: str, wish: Wish) -> Spot:
        return find_spot(self._store, self.tenant_id, engine, wish)

    def _wish(self, correlation: str | None, turn: int | None, key: str | None) -> Wish:
        fresh = self._surroundings.correlation_id
        return parse_wish(self.tenant_id, correlation, turn, key, fresh)

    def _commit(self, unit: Unit) -> tuple[Receipt, ...]:
        (verdict,) = self._decisions.commit([unit])
        if isinstance(verdict, Refusal):
            raise verdict
        return verdict

    def _written(self, brought: Brought) -> _Written:
        scope = self._scope(brought.user, brought.device, brought.session)
        said = None if brought.text is None else Said(nlp.check_utterance(brought.text))
        trace = None if brought.trace is None else names.parse_trace_id(brought.trace)
        return _Written(scope, [records.entry_brought(brought.decision, trace)], said, trace)
