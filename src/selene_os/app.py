"""Where engines and ledger come together: a turn, a profile, a decision brought along.

Everything that enters is parsed here, at the library's edge; the clock and the ids are arguments of
`Selene`. A decision and its record are one commit: what is answered is what was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from selene_os import names, records
from selene_os.decision import Decision
from selene_os.engines import nlp, persona
from selene_os.errors import Fault, Overtaken, Refusal, SeleneError
from selene_os.ledger import codec
from selene_os.ledger.events import Receipt, Unit
from selene_os.ledger.repositories import NlpDecisions, PersonaProfiles
from selene_os.ledger.store import Store
from selene_os.receipts import Answer, Brought, Committed, Profile, Surroundings
from selene_os.registry import Registry
from selene_os.spots import (
    NEXT_TURN_TRIES,
    Spot,
    find_spot,
    find_there,
    overtaken,
    record_there,
)
from selene_os.tenancy import moment_of
from selene_os.turn import Turn, understand


class Tenant(Registry):
    """One tenant's part of the ledger; everything it writes and reads carries its name.

    Args:
        store: a ledger store.
        surroundings: the clock and fresh names.
        tenant_id: the tenant.
        pack: what can be asked for; the core pack where none is given.
    """

    def __init__(
        self,
        store: Store,
        surroundings: Surroundings,
        tenant_id: names.TenantId,
        pack: nlp.Pack | None = None,
    ) -> None:
        super().__init__(store, surroundings, tenant_id)
        self._pack = pack
        self._last_scope: tuple[codec.Scope, str, str, str | None] | None = None
        self._decisions = NlpDecisions(store, surroundings.event_id)
        self._profiles = PersonaProfiles(store, surroundings.event_id)

    # ---- decisions

    def take_turn(
        self,
        user: str,
        device: str,
        text: str,
        *,
        session: str | None = None,
        correlation: str | None = None,
        turn: int | None = None,
        key: str | None = None,
        now: datetime | str | None = None,
        language: str = "en",
        transcript_confidence: str = "HIGH",
        uncertain_spans: Sequence[nlp.UncertainSpan] = (),
    ) -> Answer:
        """Understand one utterance and record the decision.

        Args:
            user, device, session: who spoke, where; checked again with the write.
            text: what was said, 1 to 32,768 bytes of UTF-8.
            correlation: the conversation; None begins a new one.
            turn: its turn; None takes the next one. With the same correlation and turn, or the
                same key, a call is a retry: the first row's id and answer come back.
            key: the idempotency key; by default made of engine and turn.
            now: the moment of speaking with its offset; by default the clock in the tenant's zone.
            language: "en" or "zh".
            transcript_confidence, uncertain_spans: how sure the transcriber was.

        Raises:
            Refusal: nothing was written. Fault: nothing was acknowledged.
        """
        scope = self._scope(user, device, session)
        said = nlp.check_utterance(text)
        created_at = self._surroundings.clock()
        settings = self.settings
        policy = nlp.Policy(
            settings.time_policy, settings.currency, settings.date_order, settings.zone
        )
        moment = moment_of(now, created_at, settings.zone)
        for _ in range(NEXT_TURN_TRIES):
            spot = self._spot(codec.PH1_NLP, correlation, turn, key)
            understood = understand(
                Turn(
                    self.tenant_id,
                    spot.correlation_id,
                    spot.turn_id,
                    said,
                    language,
                    moment,
                    transcript_confidence,
                    tuple(uncertain_spans),
                    policy,
                    self._pending(spot, scope),
                ),
                self._pack,
            )
            entries = records.entries_of(understood)
            unit = self._decisions.unit(scope, spot.place, entries, said, created_at)
            try:
                receipts = self._commit(replace(unit, next_turn=spot.next_turn))
            except Overtaken:
                # Another writer took this turn: what was said still deserves one of its own.
                continue
            if not receipts[0].deduplicated:
                return Answer(understood.result, spot.correlation_id, spot.turn_id, receipts)
            return self._recorded(scope, spot, receipts, understood.result)
        raise overtaken(correlation)

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
    ) -> Committed:
        """Record one decision of a team's own understanding; see `Brought` for the arguments.

        Raises:
            Refusal: nothing was written. Fault: nothing was acknowledged.
        """
        brought = Brought(decision, user, device, session, correlation, turn, key, text)
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
        """One transaction for what waits; what was overtaken goes on waiting."""
        spots: dict[int, Spot] = {}
        units: dict[int, Unit] = {}
        taken: dict[str, int] = {}
        for number in waiting:
            one = brought[number]
            after = taken.get(one.correlation, 0) if isinstance(one.correlation, str) else 0
            try:
                spot = self._spot(codec.PH1_NLP, one.correlation, one.turn, one.key, after)
                unit = self._brought_unit(one, spot)
                units[number] = replace(unit, next_turn=True) if spot.next_turn else unit
            except Refusal as refusal:
                outcomes[number] = refusal
                continue
            spots[number] = spot
            taken[spot.correlation_id] = max(taken.get(spot.correlation_id, 0), spot.turn_id)
        verdicts = self._decisions.commit(list(units.values()))
        for number, verdict in zip(units, verdicts, strict=True):
            if isinstance(verdict, Overtaken):
                continue
            outcomes[number] = (
                verdict
                if isinstance(verdict, Refusal)
                else self._stands(brought[number], spots[number], verdict[0])
            )

    def _stands(self, brought: Brought, spot: Spot, receipt: Receipt) -> Committed | Refusal:
        """Where a decision stands: a retried one where the first does, whatever turn it names."""
        if not receipt.deduplicated:
            return Committed(spot.correlation_id, spot.turn_id, receipt)
        try:
            scope = self._scope(brought.user, brought.device, brought.session)
            there = find_there(self._store, scope, receipt)
        except Refusal as refusal:
            return refusal
        return Committed(there.correlation_id, there.turn_id, receipt)

    def commit_profile(
        self,
        user: str,
        device: str,
        *,
        speaker: str | None,
        signals: Sequence[persona.Signal] = (),
        place: str = "UNKNOWN",
        style_hint: str | None = None,
        correction_event_count: int = 0,
        session: str | None = None,
        correlation: str | None = None,
        turn: int | None = None,
        key: str | None = None,
    ) -> Profile:
        """Decide and record a verified user's profile: tone and delivery, no authority.

        Args:
            speaker: the verified speaker; without one the commit is refused, nothing is written.
            signals: preference signals, the latest of a key last; at most 16.
            place: PRIVATE, SHARED or UNKNOWN.

        Raises:
            IdentityRequired: no verified speaker. Refusal, Fault: as for `take_turn`.
        """
        scope = self._scope(user, device, session)
        for _ in range(NEXT_TURN_TRIES):
            last = self._profiles.last(self.tenant_id, scope.user_id)
            request = persona.Request(
                user_id=scope.user_id,
                speaker_id=speaker,
                identity_verified=speaker is not None,
                signals=tuple(signals),
                correction_event_count=correction_event_count,
                style_hint=style_hint,
                place=place,
                previous=None if last is None else records.snapshot_of(last),
            )
            result = persona.run(request)
            snapshot = records.validated(request, result)
            entry = records.entry_of_profile(request, result, snapshot)
            spot = self._spot(codec.PH1_PERSONA, correlation, turn, key)
            after = None if last is None else last.event_id
            at = self._surroundings.clock()
            unit = self._profiles.unit(scope, spot.place, entry, at, after)
            try:
                (receipt,) = self._commit(
                    replace(unit, next_turn=spot.next_turn, after_profile=after or "")
                )
            except Overtaken:
                # A wish that came meanwhile must not be undone by a profile that did not see it.
                continue
            if not receipt.deduplicated:
                return Profile(result, snapshot, spot.correlation_id, spot.turn_id, receipt)
            there = find_there(self._store, scope, receipt)
            recorded, kept = records.profile_of(record_there(self._store, there))
            receipt = replace(receipt, same_decision=receipt.same_decision and kept == snapshot)
            return Profile(recorded, kept, spot.correlation_id, there.turn_id, receipt)
        raise overtaken(correlation)

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

    def _spot(
        self,
        engine: str,
        correlation: str | None,
        turn: int | None,
        key: str | None,
        after: int = 0,
    ) -> Spot:
        return find_spot(
            self._store,
            self.tenant_id,
            engine,
            correlation,
            turn,
            key,
            self._surroundings.correlation_id,
            after,
        )

    def _pending(self, spot: Spot, scope: codec.Scope) -> dict[str, Any] | None:
        """The question left open by this user's turn before, out of its own record."""
        if spot.fresh or spot.turn_id == 1:
            return None
        return records.pending_of(
            self._store.turn_before(
                self.tenant_id, spot.correlation_id, codec.PH1_NLP, scope.user_id, spot.turn_id
            )
        )

    def _commit(self, unit: Unit) -> tuple[Receipt, ...]:
        (verdict,) = self._decisions.commit([unit])
        if isinstance(verdict, Refusal):
            raise verdict
        return verdict

    def _recorded(
        self, scope: codec.Scope, spot: Spot, receipts: tuple[Receipt, ...], mine: nlp.Result
    ) -> Answer:
        """What a retry is told: what the ledger says, and whether it would have said the same."""
        there = find_there(self._store, scope, receipts[0])
        recorded = records.answer_of(there, record_there(self._store, there))
        same = receipts[0].same_decision and recorded.as_record() == mine.as_record()
        receipts = (replace(receipts[0], same_decision=same), *receipts[1:])
        return Answer(recorded, spot.correlation_id, there.turn_id, receipts)

    def _brought_unit(self, brought: Brought, spot: Spot) -> Unit:
        scope = self._scope(brought.user, brought.device, brought.session)
        said = None if brought.text is None else nlp.check_utterance(brought.text)
        entries = [records.entry_brought(brought.decision)]
        return self._decisions.unit(scope, spot.place, entries, said, self._surroundings.clock())
