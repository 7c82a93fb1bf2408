"""The only file that knows engines and ledger: a turn, a profile, a decision brought along.

Everything that enters is parsed here, at the library's edge; the clock and the ids are arguments of
`Selene`. A decision and its record are one commit: what is answered is what was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from selene_os import names, records
from selene_os.decision import Decision
from selene_os.engines import nlp, persona
from selene_os.errors import (
    BadField,
    EngineRefused,
    IdentityRequired,
    LedgerBusy,
    NotFound,
    Refusal,
)
from selene_os.ledger import codec
from selene_os.ledger.events import AuditEvent, Receipt, TenantRow, Unit, Utterance
from selene_os.ledger.repositories import Identities, NlpDecisions, PersonaProfiles, Sessions
from selene_os.ledger.store import Store
from selene_os.receipts import Answer, Brought, Committed, Profile, Surroundings
from selene_os.spots import Spot, find_spot
from selene_os.tenancy import check_setting, moment_of
from selene_os.turn import Turn, understand

# A turn without a number takes the next one; another writer may take it first, this often.
_NEXT_TURN_TRIES: Final = 64


class Tenant:
    """One tenant's part of the ledger; everything it writes and reads carries its name."""

    def __init__(self, store: Store, surroundings: Surroundings, tenant_id: names.TenantId) -> None:
        self._store = store
        self._surroundings = surroundings
        self.tenant_id = tenant_id
        self._identities = Identities(store)
        self._sessions = Sessions(store)
        self._decisions = NlpDecisions(store, surroundings.event_id)
        self._profiles = PersonaProfiles(store, surroundings.event_id)

    # ---- registrations

    @property
    def settings(self) -> TenantRow:
        """How this tenant's ambiguous values are read. Raises NotFound."""
        row = self._store.tenant(self.tenant_id)
        if row is None:
            raise NotFound("is not known", "Add the tenant.", field="tenant_id")
        return row

    def set(self, **settings: str | None) -> TenantRow:
        """Change settings: currency, time_policy, date_order, zone; None takes one back.

        Raises:
            BadField: no such setting, or a value that it does not take.
        """
        for name, value in settings.items():
            check_setting(name, value)
        if settings.get("time_policy", "ask") is None:
            settings["time_policy"] = "ask"
        changed = TenantRow._make((self.settings._asdict() | settings).values())
        self._store.set_tenant(changed)
        return changed

    def register(self, user: str, device: str | None = None, session: str | None = None) -> bool:
        """Add what is missing of a user, a device of theirs and a session on it.

        Returns:
            Whether anything was added.

        Raises:
            BadField, RegistrationRefused, LedgerUnavailable.
        """
        if session is not None and device is None:
            raise BadField("device_id", "is missing", "A session is opened on a device.")
        return self._store.register(
            self.tenant_id,
            names.parse_user_id(user),
            None if device is None else names.parse_device_id(device),
            None if session is None else names.parse_session_id(session),
            self._surroundings.clock(),
        )

    def disable(self, user: str) -> None:
        """Refuse every further write of a user. Raises BadField, NotFound."""
        self._identities.disable(self.tenant_id, names.parse_user_id(user))

    def enable(self, user: str) -> None:
        """Accept a disabled user's writes again. Raises BadField, NotFound."""
        self._identities.enable(self.tenant_id, names.parse_user_id(user))

    def close_session(self, session: str) -> None:
        """End a session for good. Raises BadField, NotFound, RegistrationRefused."""
        self._sessions.close(
            self.tenant_id, names.parse_session_id(session), self._surroundings.clock()
        )

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
        for _ in range(_NEXT_TURN_TRIES):
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
                )
            )
            entries = records.entries_of(understood)
            unit = self._decisions.unit(scope, spot.place, entries, said, created_at)
            receipts = self._commit(unit)
            if not receipts[0].deduplicated:
                return Answer(understood.result, spot.correlation_id, spot.turn_id, receipts)
            if spot.fixed:
                return self._recorded_answer(spot.correlation_id, receipts)
            # Another writer took this turn: what was said still deserves one of its own.
        raise LedgerBusy(
            f"conversation {correlation} had {_NEXT_TURN_TRIES} other turns meanwhile",
            "Send the turns of one conversation one after the other, with --turn.",
        )

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
        if isinstance(committed, Refusal):
            raise committed
        return committed

    def commit_decisions(self, brought: Sequence[Brought]) -> list[Committed | Refusal]:
        """Record many decisions in one transaction; each has a verdict of its own, in order.

        Raises:
            Fault: nothing was acknowledged.
        """
        verdicts: list[Committed | Refusal | None] = []
        batch: list[Unit] = []
        for one in brought:
            try:
                batch.append(self._brought_unit(one))
                verdicts.append(None)
            except Refusal as refusal:
                verdicts.append(refusal)
        written = self._decisions.commit(batch)
        outcomes = (_committed(unit, verdict) for unit, verdict in zip(batch, written, strict=True))
        return [verdict or next(outcomes) for verdict in verdicts]

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
        spot = self._spot(codec.PH1_PERSONA, correlation, turn, key)
        request = persona.Request(
            user_id=scope.user_id,
            speaker_id=speaker,
            identity_verified=speaker is not None,
            signals=tuple(signals),
            correction_event_count=correction_event_count,
            style_hint=style_hint,
            place=place,
            previous=self._last_snapshot(scope.user_id),
        )
        result = persona.run(request)
        snapshot = _validated(request, result)
        entry = records.entry_of_profile(request, result, snapshot)
        receipt = self._profiles.commit(scope, spot.place, entry, self._surroundings.clock())
        if receipt.deduplicated:
            result, snapshot = self._recorded_profile(receipt.event_id)
        return Profile(result, snapshot, spot.correlation_id, spot.turn_id, receipt)

    # ---- reading

    def trace(self, correlation: str) -> list[AuditEvent]:
        """The decisions of one conversation, by turn. Raises BadField."""
        return self._store.trace(self.tenant_id, names.parse_correlation_id(correlation))

    def conversation(self, correlation: str) -> list[Utterance]:
        """What was said in one conversation, by turn. Raises BadField."""
        return self._store.conversation(self.tenant_id, names.parse_correlation_id(correlation))

    def record(self, event_id: str) -> dict[str, Any] | None:
        """What is needed to decide one event again, or None. Raises BadField."""
        found = self._store.record(self.tenant_id, names.parse_event_id(event_id))
        return None if found is None else records.decode(found)

    # ---- how it is done

    def _scope(self, user: str, device: str, session: str | None) -> codec.Scope:
        return codec.Scope(
            self.tenant_id,
            names.parse_user_id(user),
            names.parse_device_id(device),
            None if session is None else names.parse_session_id(session),
        )

    def _spot(
        self, engine: str, correlation: str | None, turn: int | None, key: str | None
    ) -> Spot:
        return find_spot(
            self._store,
            self.tenant_id,
            engine,
            correlation,
            turn,
            key,
            self._surroundings.correlation_id,
        )

    def _pending(self, spot: Spot, scope: codec.Scope) -> dict[str, Any] | None:
        """The question left open by this user's turn before, out of its own record."""
        if spot.fresh or spot.turn_id == 1:
            return None
        before = self._store.turn_before(
            self.tenant_id, spot.correlation_id, codec.PH1_NLP, spot.turn_id
        )
        return records.pending_of([row for row in before if row.user_id == scope.user_id])

    def _commit(self, unit: Unit) -> tuple[Receipt, ...]:
        (verdict,) = self._decisions.commit([unit])
        if isinstance(verdict, Refusal):
            raise verdict
        return verdict

    def _brought_unit(self, brought: Brought) -> Unit:
        scope = self._scope(brought.user, brought.device, brought.session)
        spot = self._spot(codec.PH1_NLP, brought.correlation, brought.turn, brought.key)
        said = None if brought.text is None else nlp.check_utterance(brought.text)
        entries = [records.entry_brought(brought.decision)]
        return self._decisions.unit(scope, spot.place, entries, said, self._surroundings.clock())

    def _recorded_answer(
        self, correlation_id: names.CorrelationId, receipts: tuple[Receipt, ...]
    ) -> Answer:
        """The answer that was recorded first: a retry is told what the ledger says."""
        event = self._store.event(self.tenant_id, receipts[0].event_id)
        record = self._store.record(self.tenant_id, receipts[0].event_id)
        if event is None or record is None:
            raise NotFound("has no record", "Verify the ledger.", field="event_id")
        return Answer(records.answer_of(event, record), correlation_id, event.turn_id, receipts)

    def _last_snapshot(self, user_id: names.UserId) -> persona.Snapshot | None:
        row = self._profiles.last(self.tenant_id, user_id)
        return None if row is None else records.snapshot_of(row.record)

    def _recorded_profile(self, event_id: names.EventId) -> tuple[persona.Result, persona.Snapshot]:
        record = self._store.record(self.tenant_id, event_id)
        if record is None:
            raise NotFound("has no record", "Verify the ledger.", field="event_id")
        return records.profile_of(record)


def _validated(request: persona.Request, result: persona.Result) -> persona.Snapshot:
    """The snapshot of a result that holds; a refusal of the engine's as the caller's to mend."""
    if result.reason_code == "PERSONA_IDENTITY_REQUIRED":
        raise IdentityRequired(
            "is missing or not verified",
            "Verify the speaker and name them; there is no fallback profile.",
            field="speaker_id",
            reason=result.reason_code,
        )
    if result.snapshot is None:
        raise EngineRefused("PH1.PERSONA", "See the reason code.", reason=result.reason_code)
    if broken := persona.validate(request, result.snapshot):
        raise EngineRefused(
            f"PH1.PERSONA's profile breaks {', '.join(broken)}",
            "Report this; nothing was written.",
            reason="PERSONA_VALIDATION_FAILED",
        )
    return result.snapshot


def _committed(unit: Unit, verdict: tuple[Receipt, ...] | Refusal) -> Committed | Refusal:
    if isinstance(verdict, Refusal):
        return verdict
    event = unit.events[0]
    return Committed(event.correlation_id, event.turn_id, verdict[0])
