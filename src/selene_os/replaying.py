"""Replay: decide what was recorded again, and compare.

The engines run again from the inputs of a record, with the pack and the terms that it names, and
what they come to goes through the code that wrote the row and the record. Nothing is written, and
neither clock nor surroundings are read. Source: docs/decisions/0018-what-replay-compares.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from selene_os import archive, gates, records
from selene_os.context import rests_on, validated
from selene_os.dictionary import Dictionaries
from selene_os.differences import Difference, between
from selene_os.engines import nlp, persona
from selene_os.errors import BadField, Erased, Fault, LedgerUnavailable, Refusal
from selene_os.handovers import REFUSED
from selene_os.ledger import codec
from selene_os.ledger.events import (
    ERASED_KEY_ID,
    PLAIN_KEY_ID,
    AuditEvent,
    ReplayRecord,
    Stretch,
)
from selene_os.ledger.repositories import Entry
from selene_os.ledger.store import Store
from selene_os.names import (
    CorrelationId,
    DeviceId,
    TenantId,
    UserId,
    parse_event_id,
    parse_time_ns,
)
from selene_os.reasons import reason_name
from selene_os.rebuilding import DIGEST, Before, Rebuilt, profile_request_of, turn_of
from selene_os.spots import place_in_turn
from selene_os.turn import NO_HINTS, PH1_X_VERSION, Hints, Understood, understand

IDENTICAL: Final = "IDENTICAL"
DIFFERENT: Final = "DIFFERENT"
NOT_REPLAYABLE: Final = "NOT_REPLAYABLE"

# Why an event cannot be decided again.
BROUGHT: Final = "BROUGHT"
CUSTODY: Final = "CUSTODY"
ERASED: Final = "ERASED"
KEY_AWAY: Final = "KEY_AWAY"
RECORD_MISSING: Final = "RECORD_MISSING"
RECORD_DAMAGED: Final = "RECORD_DAMAGED"
TERMS_MISSING: Final = "TERMS_MISSING"
REASONS: Final = {
    BROUGHT: "a caller brought the decision, and nothing here can make it again",
    CUSTODY: "an erasure or a hold, which no engine decided",
    ERASED: "the inputs were erased",
    KEY_AWAY: "the key of the inputs is not here",
    RECORD_MISSING: "the row has no record",
    RECORD_DAMAGED: "the record is not one that this version can read",
    TERMS_MISSING: "the bundle of terms that the record names is missing, or is another one",
}
# What no ledger should come to: these count as differences.
FAULTS: Final = frozenset((RECORD_MISSING, RECORD_DAMAGED, TERMS_MISSING))

TIME_UNCHECKED: Final = "PH1.X: whether a call's yes or no came in time"
PAGE_ROWS: Final = 500
_ROW: Final = ("engine", "event_type", "reason_code", "severity")
_VERSIONS: Final = {
    codec.PH1_NLP: nlp.VERSION,
    codec.PH1_PERSONA: persona.VERSION,
    codec.PH1_X: PH1_X_VERSION,
}
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one event that was decided again.

    Attributes:
        event: its row.
        outcome: IDENTICAL, DIFFERENT or NOT_REPLAYABLE.
        reason: why it is NOT_REPLAYABLE, one of `REASONS`; else None.
        differences: what of the row and the record is another, field by field.
        recorded_version, replayed_version: of the engine; None where it is not known, or nothing
            was decided again.
        recorded_pack, replayed_pack: digests; None where no pack decides, or did again.
        unchecked: what the ledger does not hold enough of to compare.
    """

    event: AuditEvent
    outcome: str
    reason: str | None = None
    differences: tuple[Difference, ...] = ()
    recorded_version: str | None = None
    replayed_version: str | None = None
    recorded_pack: str | None = None
    replayed_pack: str | None = None
    unchecked: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether somebody must look: it came out otherwise, or could not and should have."""
        return self.outcome == DIFFERENT or self.reason in FAULTS


class _Unreplayable(Exception):
    """Why there is nothing to run: one of `REASONS`."""


@dataclass(frozen=True, slots=True)
class _Again:
    """What an event came to when it was decided again; no entry where the turn has none for it."""

    entry: Entry | None
    unchecked: tuple[str, ...] = ()
    silent: frozenset[str] = frozenset()
    unfit: bool = False


class Replayer:
    """Decides the events of one tenant again.

    Args:
        store: a ledger store; it is only read.
        tenant_id: the tenant.
        pack: what can be asked for where a record names another pack that is not kept.
        dictionaries: the bundles of terms that were used last.
    """

    def __init__(
        self,
        store: Store,
        tenant_id: TenantId,
        pack: nlp.Pack | None = None,
        dictionaries: Dictionaries | None = None,
    ) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._pack = pack
        self._dictionaries = dictionaries or Dictionaries()
        self._packs: dict[str | None, nlp.Pack | None] = {None: pack, nlp.pack_digest(pack): pack}
        self._last: tuple[Any, Understood, Rebuilt] | None = None

    def conversation(self, correlation_id: CorrelationId) -> Iterator[Replayed]:
        """Every event of one conversation, by turn."""
        for event in self._store.trace(self._tenant_id, correlation_id):
            yield self.event(event, self._store.record(self._tenant_id, event.event_id))

    def between(self, since: int | None, until: int | None) -> Iterator[Replayed]:
        """Every event of a stretch of time, the oldest first; read page by page.

        Args:
            since, until: nanoseconds since 1970 UTC; the first is inclusive, the second not.

        Raises:
            BadField: at once, for a value outside its bounds.
        """
        first = None if since is None else parse_time_ns(since, "since")
        end = None if until is None else parse_time_ns(until, "until")
        return self._pages(Stretch(first, end))

    def _pages(self, stretch: Stretch) -> Iterator[Replayed]:
        while page := self._store.events_between(self._tenant_id, stretch, PAGE_ROWS):
            for event, kept in page:
                yield self.event(event, kept)
            last = page[-1][0]
            stretch = stretch._replace(after=(last.created_at, last.event_id))

    def event(self, event: AuditEvent, kept: ReplayRecord | None) -> Replayed:
        """One event with its record. Raises LedgerUnavailable, and nothing else."""
        if event.engine == codec.PH1_J:
            return Replayed(event, NOT_REPLAYABLE, CUSTODY)
        if kept is None:
            return Replayed(event, NOT_REPLAYABLE, RECORD_MISSING)
        known = (kept.engine_version or None, _VERSIONS.get(event.engine), kept.pack_digest)
        try:
            record = _read(kept)
            again = self._again(event, kept, record)
            found = tuple(_compared(event, kept, record, again))
        except _Unreplayable as reason:
            return Replayed(event, NOT_REPLAYABLE, str(reason), (), known[0], None, known[2])
        except LedgerUnavailable:
            raise
        except Exception as error:
            # Whatever an engine meets in recorded inputs is a finding, and no end of the scan.
            failed = Difference("", "a decision", f"{type(error).__name__}: {error}"[:200])
            return Replayed(event, DIFFERENT, None, (failed,), *known, self._with(kept))
        outcome = DIFFERENT if found else IDENTICAL
        return Replayed(event, outcome, None, found, *known, self._with(kept), again.unchecked)

    # ---- deciding again

    def _again(self, event: AuditEvent, kept: ReplayRecord, record: Record) -> _Again:
        decided_by = record.get("decided_by")
        if decided_by == "caller":
            raise _Unreplayable(BROUGHT)
        if decided_by == codec.PH1_PERSONA:
            return self._profile(record)
        if decided_by not in (codec.PH1_NLP, codec.PH1_X):
            raise _Unreplayable(RECORD_DAMAGED)
        if decided_by == codec.PH1_X and "hand_overs" not in record:
            return self._called(record)
        understood, rebuilt = self._understood(event, kept, record)
        entries = records.entries_of(understood)
        place = place_in_turn(event.idempotency_key) - 1
        entry = entries[place] if 0 <= place < len(entries) else None
        return _Again(entry, rebuilt.unchecked, rebuilt.silent)

    def _understood(
        self, event: AuditEvent, kept: ReplayRecord, record: Record
    ) -> tuple[Understood, Rebuilt]:
        """The turn, understood again; the rows of one turn share it."""
        named = (event.correlation_id, event.turn_id, event.user_id, kept.pack_digest)
        asked = (named, codec.encode_json([record.get("request"), record.get("hand_overs")]))
        if self._last is not None and self._last[0] == asked:
            return self._last[1], self._last[2]
        before = Before(lambda: self._waiting(event), self._named)
        with _rebuilding():
            rebuilt = turn_of(event, record, self._hints(record), before)
        understood = understand(rebuilt.turn, self._pack_of(kept.pack_digest))
        self._last = (asked, understood, rebuilt)
        return understood, rebuilt

    def _profile(self, record: Record) -> _Again:
        with _rebuilding():
            request = profile_request_of(record)
            notes, rests = list(record.get("notes", ())), dict(record.get("rests_on", {}))
        result = persona.run(request)
        snapshot = validated(request, result)
        # What the profile before rested on is known from where this one says it still does.
        now = rests_on(result.evidence, rests)
        return _Again(records.entry_of_profile(request, result, snapshot, notes, now))

    def _called(self, record: Record) -> _Again:
        """A yes or a no by a call: what was asked for is the draft, and the answer."""
        with _rebuilding():
            draft_event_id, yes = record["request"]["draft_event_id"], record["request"]["yes"]
        draft = self._draft(draft_event_id)
        fit = gates.is_fit(draft) and draft.result.requires_confirmation is not None
        entry = records.entry_of_reply(draft, yes=yes)
        return _Again(entry, (TIME_UNCHECKED,), unfit=not fit)

    # ---- what a decision was made with

    def _pack_of(self, digest: str | None) -> nlp.Pack | None:
        """The pack that a record names: the one in use, one that is kept, else the one in use."""
        if digest not in self._packs:
            assert digest is not None
            found = archive.find(self._store, self._tenant_id, digest)
            self._packs[digest] = found or self._pack
        return self._packs[digest]

    def _with(self, kept: ReplayRecord) -> str | None:
        """The digest of the pack that decided again; None where none decides."""
        digest = kept.pack_digest
        return None if digest is None else nlp.pack_digest(self._pack_of(digest))

    def _hints(self, record: Record) -> Hints:
        digest = record["request"].get("terms_digest")
        if digest is None:
            return NO_HINTS
        hints = self._dictionaries.hints(self._store, self._tenant_id, digest)
        was_closed = any(
            one["engine"] == "PH1.KNOW" and one["became"] == REFUSED for one in record["hand_overs"]
        )
        if hints.closed and not was_closed:
            raise _Unreplayable(TERMS_MISSING)
        return hints

    def _waiting(self, event: AuditEvent) -> tuple[gates.Draft, ...]:
        """The drafts of the user's turn before, as far as they can be read."""
        user = event.user_id or UserId("")
        rows = self._store.turn_before(self._tenant_id, event.correlation_id, user, event.turn_id)
        try:
            return records.drafts_of(self._tenant_id, [(row, records.decode(row)) for row in rows])
        except LedgerUnavailable:
            raise
        except (Fault, Erased):
            return ()

    def _named(self, event_id: str) -> gates.Draft | None:
        try:
            return self._draft(event_id)
        except _Unreplayable:
            return None

    def _draft(self, event_id: str) -> gates.Draft:
        """A draft that a record names."""
        try:
            event = self._store.event(self._tenant_id, parse_event_id(event_id))
            kept = None if event is None else self._store.record(self._tenant_id, event.event_id)
            if event is None or kept is None:
                raise _Unreplayable(RECORD_MISSING)
            _read(kept)
            return records.draft_of(event, kept)
        except LedgerUnavailable:
            raise
        except (BadField, Erased, Fault) as error:
            raise _Unreplayable(RECORD_DAMAGED) from error


# ---- what was recorded, and what is compared


@contextmanager
def _rebuilding() -> Iterator[None]:
    """Take what a record lacks, or holds in another form, for the damage that it is."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, Refusal) as error:
        raise _Unreplayable(RECORD_DAMAGED) from error


def _read(kept: ReplayRecord) -> Record:
    """A record, where it is here to be read."""
    if kept.key_id == ERASED_KEY_ID:
        raise _Unreplayable(ERASED)
    if kept.key_id != PLAIN_KEY_ID:
        raise _Unreplayable(KEY_AWAY)
    try:
        return records.decode(kept)
    except Fault as error:
        raise _Unreplayable(RECORD_DAMAGED) from error


def _compared(
    event: AuditEvent, kept: ReplayRecord, record: Record, again: _Again
) -> Iterator[Difference]:
    """Where the row and its record are not what deciding again would write."""
    if again.entry is None:
        yield Difference("", "a further row of this turn", "a turn that does not have it")
        return
    row = _row_of(event, again.entry)
    if kept.engine != row.engine:
        yield Difference("/record_engine", kept.engine, row.engine)
    for name in _ROW:
        yield from between(_shown(event, name), _shown(row, name), f"/{name}")
    if event.payload_min != row.payload_min:
        yield from _payload(event.payload_min, row.payload_min)
    if again.unfit:
        yield Difference("/draft", "fit to be confirmed", "not fit to be confirmed")
    mine = codec.decode_json(again.entry.record)
    yield from between(_comparable(record, again.silent), _comparable(mine, again.silent))


def _row_of(event: AuditEvent, entry: Entry) -> AuditEvent:
    """The row that a decision would be written as, in the place of an event."""
    scope = codec.Scope(
        event.tenant_id,
        event.user_id or UserId(""),
        event.device_id or DeviceId(""),
        event.session_id,
    )
    place = codec.Place(event.correlation_id, event.turn_id, event.idempotency_key)
    return codec.encode_event(entry.decision, scope, place, event.event_id, event.created_at)


def _shown(row: AuditEvent, name: str) -> Any:
    return reason_name(row.reason_code) if name == "reason_code" else getattr(row, name)


def _payload(recorded: str, replayed: str) -> Iterator[Difference]:
    """Where two payloads part; where they say the same in other bytes, the bytes."""
    try:
        found = list(between(codec.decode_json(recorded), codec.decode_json(replayed)))
    except (ValueError, RecursionError):
        found = []
    if not found:
        yield Difference("/payload_min", recorded, replayed)
    for one in found:
        yield replace(one, path=f"/payload_min{one.path}")


def _comparable(record: Record, silent: frozenset[str]) -> Record:
    """A record without what decides nothing: which version handed over, under which trace."""
    record = {key: value for key, value in record.items() if key != records.TRACE}
    draft = record.get("draft")
    if DIGEST in silent and isinstance(draft, dict):
        record = {**record, "draft": {**draft, "digest": None}}
    told = record.get("hand_overs")
    if not isinstance(told, list):
        return record
    kept = [
        {key: value for key, value in one.items() if key != "version"}
        if isinstance(one, dict)
        else one
        for one in told
        if not (isinstance(one, dict) and one.get("engine") in silent)
    ]
    return {**record, "hand_overs": kept}
