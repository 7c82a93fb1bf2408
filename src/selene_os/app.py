"""Where engines and ledger come together: a turn, a yes, a profile, what a yes lets happen.

Everything that enters is parsed here, at the library's edge; the clock and the ids are arguments of
`Selene`. A decision and its record are one commit: what is answered is what was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from selene_os import context, gates, names, records, remembering
from selene_os.archive import Archive
from selene_os.bringing import Bringing
from selene_os.dictionary import Dictionaries
from selene_os.engines import focus, nlp, persona
from selene_os.errors import (
    BadField,
    ConfirmationRefused,
    Overtaken,
    ScopeRefused,
)
from selene_os.ledger import codec, refusals
from selene_os.ledger.repositories import PersonaProfiles, Said, spoken_source
from selene_os.ledger.store import Store
from selene_os.receipts import Answer, Profile, Surroundings
from selene_os.replaying import Replayed, Replayer
from selene_os.spots import (
    NEXT_TURN_TRIES,
    find_there,
    kept_there,
    overtaken,
    parse_given_key,
    record_there,
)
from selene_os.tenancy import moment_of
from selene_os.turn import Turn, understand
from selene_os.waiting import (
    NANOSECONDS,
    answered,
    confirm_by,
    drafted,
    late,
    recorded,
    there,
    turn_before,
    unfit,
)

NOBODY: Final = remembering.Ports(gates.DenyAll(), gates.DenyAll())


class Tenant(Bringing):
    """One tenant's part of the ledger; everything it writes and reads carries its name.

    Args:
        store: a ledger store.
        surroundings: the clock and fresh names.
        tenant_id: the tenant.
        pack: what can be asked for; the core pack where none is given.
        ports: who may have what done, and which intents are live; without them nothing is.
        dictionaries, archive: the terms that were used last, the packs that were kept.
    """

    def __init__(
        self,
        store: Store,
        surroundings: Surroundings,
        tenant_id: names.TenantId,
        pack: nlp.Pack | None = None,
        ports: remembering.Ports = NOBODY,
        dictionaries: Dictionaries | None = None,
        archive: Archive | None = None,
    ) -> None:
        super().__init__(store, surroundings, tenant_id)
        self._pack = pack
        self._ports = ports
        self._dictionaries = dictionaries or Dictionaries()
        self._archive = archive or Archive()
        self._profiles = PersonaProfiles(store, surroundings.event_id)

    # ---- turns

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
        salient: Sequence[focus.Item] = (),
        source: str = "TYPED_TEXT",
        privacy_scope: str = "PRIVATE",
        trace: str | None = None,
    ) -> Answer:
        """Understand one utterance and record the decision.

        Where a draft of the user's turn before waits for a yes, the utterance may be that yes, a
        no, or say what is wanted otherwise.

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
            salient: at most 12 items; a span of the text has "span:START-END" as content_ref.
            source: TYPED_TEXT or VOICE_TRANSCRIPT. privacy_scope: PUBLIC, PRIVATE, CONFIDENTIAL.
            trace: the W3C trace id of what this call is part of, kept in the record.

        Raises:
            Refusal: nothing was written. Fault: nothing was acknowledged.
        """
        scope = self._scope(user, device, session)
        traced = None if trace is None else names.parse_trace_id(trace)
        said = Said(nlp.check_utterance(text), spoken_source(source), privacy_scope)
        created_at = self._surroundings.clock()
        settings = self.settings
        policy = nlp.Policy(
            settings.time_policy, settings.currency, settings.date_order, settings.zone
        )
        moment = moment_of(now, created_at, settings.zone)
        spans = names.check_each("uncertain_spans", uncertain_spans, nlp.UncertainSpan)
        items = names.check_each("salient", salient, focus.Item)
        hints = self._dictionaries.hints(self._store, self.tenant_id, settings.terms_digest)
        # First, so that no decision names a pack that is not kept.
        self._archive.keep(self._store, self.tenant_id, self._pack, created_at)
        settled = False
        wish = self._wish(correlation, turn, key)
        for _ in range(NEXT_TURN_TRIES):
            spot = self._spot(codec.PH1_NLP, wish)
            before = turn_before(self._store, spot, scope, settings, created_at, settled=settled)
            asked = Turn(
                self.tenant_id, spot.correlation_id, spot.turn_id, said.text, language, moment,
                transcript_confidence, spans, policy, before.pending, before.waiting,
                before.lapsed, before.reason, before.confirmed, hints, items,
            )  # fmt: skip
            understood = understand(asked, self._pack)
            entries = records.entries_of(understood, traced)
            unit = self._decisions.unit(
                scope, spot.place, entries, said, created_at, next_turn=spot.next_turn
            )
            try:
                receipts = self._commit(unit)
            except Overtaken:
                # Another writer took this turn: what was said still deserves one of its own.
                continue
            except ConfirmationRefused:
                # Somebody else was first to settle the draft: this turn says something without it.
                settled = True
                continue
            answer = answered(understood, spot, receipts, created_at, settings)
            if not receipts[0].deduplicated:
                return answer
            return recorded(self._store, scope, answer, settings)
        raise overtaken(correlation)

    def confirm(
        self,
        draft: str,
        yes: bool = True,
        *,
        user: str | None = None,
        device: str | None = None,
        session: str | None = None,
        key: str | None = None,
        trace: str | None = None,
    ) -> Answer:
        """Record a user's yes or no to one draft, once, within the time that the tenant sets.

        Args:
            draft: the event of the draft.
            yes: False declines it.
            user: who says so, if that is to be checked: only its own user may.
            device, session: where; by default the draft's device, in no session.
            key: the idempotency key; by default made of the draft's event.
            trace: as for `take_turn`.

        Raises:
            NotFound: no such event. BadField: it is no draft. ConfirmationRefused: it is not fit
            to be confirmed, settled already, or waited too long. Refusal, Fault: as `take_turn`.
        """
        if not isinstance(yes, bool):
            # A truthy word such as "no" must not pass for a yes.
            raise BadField("yes", "must be true or false", "Give a boolean.")
        traced = None if trace is None else names.parse_trace_id(trace)
        event, found = drafted(self._store, self.tenant_id, draft)
        if user is not None and names.parse_user_id(user) != found.user_id:
            raise ScopeRefused("is not whose draft this is", "Ask its own user.", field="user_id")
        if not gates.is_fit(found) or found.result.requires_confirmation is None:
            # Of a draft that was brought the ledger holds no values that a yes could hold fast.
            raise unfit()
        where = (event.device_id or "") if device is None else device
        scope = self._scope(found.user_id, where, session)
        given = names.IdempotencyKey(f"{codec.PH1_X}:{event.event_id}")
        place = codec.Place(
            event.correlation_id, event.turn_id, given if key is None else parse_given_key(key)
        )
        now, settings = self._surroundings.clock(), self.settings
        if now > confirm_by(found, settings) and there(self._store, scope, place) is None:
            raise late()
        entry = records.entry_of_reply(found, traced, yes=yes)
        receipts = self._commit(self._decisions.unit(scope, place, [entry], None, now))
        if receipts[0].deduplicated:
            first = find_there(self._store, scope, receipts[0])
            if codec.decode_json(first.payload_min)["draft_event_id"] != event.event_id:
                raise refusals.key_conflict(first)
            if not receipts[0].same_decision:
                raise refusals.draft_settled()
        said = "CONFIRMED" if yes else "DECLINED"
        return Answer(
            found.result, place.correlation_id, place.turn_id, receipts, said, (event.event_id,)
        )

    def apply_memory(
        self, draft: Answer | str, confirmation: Answer | str | None = None
    ) -> remembering.Applied:
        """Do what a MEMORY_… draft says, if the gates let it: remember, forget, or find.

        Args:
            draft: the draft, or its event.
            confirmation: the yes, or its event; None for MEMORY_QUERY, which needs none.

        Returns:
            What was done; on a second call with the same confirmation, that it was done.

        Raises:
            ExecutionDenied: a gate says no, with its reason. NotFound: no such event, or nothing
            that is remembered matches. BadField: the events are not what they must be.
        """
        found, scope, said = self._asked(draft, confirmation)
        return remembering.apply(
            found, scope, said, self._ports, self._memories, self._surroundings.clock()
        )

    def may_execute(
        self, draft: Answer | str, confirmation: Answer | str | None = None
    ) -> gates.Verdict:
        """Whether a draft may be acted on now, by the ports that the ledger was opened with.

        For whoever acts on drafts: ask each time, right before, and dedupe what is done by the
        confirmation's event. Arguments and errors as for `apply_memory`.
        """
        found, scope, said = self._asked(draft, confirmation)
        yes = said(False)
        if yes is not None:
            used = (
                self._memories.there(scope.tenant_id, scope.user_id, remembering.use_key(yes))
                is not None
            )
            yes = said(used)
        access, simulation = self._ports.access, self._ports.simulation
        now = self._surroundings.clock()
        return gates.may_execute(found, scope, access, simulation, yes, now=now)

    def _asked(
        self, draft: Answer | str, confirmation: Answer | str | None
    ) -> tuple[gates.Draft, codec.Scope, Callable[[bool], gates.Confirmed | None]]:
        """A draft, whose it is, and its yes, told whether that was used; all from the ledger."""
        event, found = drafted(self._store, self.tenant_id, _event_of(draft))
        device = event.device_id or names.DeviceId("")
        scope = codec.Scope(self.tenant_id, found.user_id, device, event.session_id)
        within = self.settings.confirm_within_s * NANOSECONDS
        yes = None
        if confirmation is not None:
            named = _event_of(confirmation)
            yes = kept_there(self._store, self.tenant_id, named, "confirmation_event_id")

        def said(used: bool) -> gates.Confirmed | None:
            return None if yes is None else records.confirmed_by(*yes, within, used=used)

        return found, scope, said

    # ---- profiles

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
        trace: str | None = None,
    ) -> Profile:
        """Decide and record a verified user's profile: tone and delivery, no authority.

        What the user wished for is read from their memory, as far as consent, use policy and time
        allow, and from what they said in this conversation.

        Args:
            speaker: the verified speaker; without one the commit is refused, nothing is written.
            signals: further preference signals, later than those, the latest of a key last.
            place: PRIVATE, SHARED or UNKNOWN.
            trace: as for `take_turn`.

        Raises:
            IdentityRequired: no verified speaker. Refusal, Fault: as for `take_turn`.
        """
        scope = self._scope(user, device, session)
        traced = None if trace is None else names.parse_trace_id(trace)
        wish = self._wish(correlation, turn, key)
        for _ in range(NEXT_TURN_TRIES):
            at = self._surroundings.clock()
            last = self._profiles.last(self.tenant_id, scope.user_id)
            spot = self._spot(codec.PH1_PERSONA, wish)
            wished = persona.Request(
                user_id=scope.user_id,
                speaker_id=speaker,
                identity_verified=speaker is not None,
                signals=names.check_each("signals", signals, persona.Signal),
                correction_event_count=correction_event_count,
                style_hint=style_hint,
                place=place,
            )
            request, rests, notes = context.complete(self._store, scope, spot, wished, last, at)
            result = persona.run(request)
            snapshot = context.validated(request, result)
            rests = context.rests_on(result.evidence, rests)
            entry = records.entry_of_profile(request, result, snapshot, notes, rests, traced)
            after = None if last is None else last.event_id
            unit = self._profiles.unit(scope, spot.place, entry, at, after)
            try:
                (receipt,) = self._commit(
                    replace(unit, next_turn=spot.next_turn, after_profile=after or "")
                )
            except Overtaken:
                # A wish that came meanwhile must not be undone by a profile that did not see it.
                continue
            if not receipt.deduplicated:
                return Profile(result, snapshot, spot.correlation_id, spot.turn_id, receipt, notes)
            found = find_there(self._store, scope, receipt)
            recorded, kept, notes = records.profile_of(record_there(self._store, found))
            receipt = replace(receipt, same_decision=receipt.same_decision and kept == snapshot)
            return Profile(recorded, kept, spot.correlation_id, found.turn_id, receipt, notes)
        raise overtaken(correlation)

    # ---- replay

    def replay(self, correlation: str) -> tuple[Replayed, ...]:
        """Decide one conversation's events again, by turn. Raises BadField, Fault."""
        return tuple(self._replayer().conversation(names.parse_correlation_id(correlation)))

    def replay_all(self, since: int | None = None, until: int | None = None) -> Iterator[Replayed]:
        """Decide every event again, the oldest first. Arguments and errors as for `search`."""
        return self._replayer().between(since, until)

    # ---- how it is done

    def _replayer(self) -> Replayer:
        return Replayer(self._store, self.tenant_id, self._pack, self._dictionaries)


def _event_of(answer: Answer | str) -> str:
    return answer.event_id if isinstance(answer, Answer) else answer
