"""The rows that are written: what PH1.NLP records for everyday utterances, as `take_turn` would.

The decisions are made once; a row then costs its encoding alone. Every commit is an audit row, a
replay input of about 1 KB, a line of conversation, and the outbox row that sealing needs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from selene_os import names, records, spots
from selene_os.decision import Decision, IntentDraft
from selene_os.ledger import codec
from selene_os.ledger.codec import PH1_NLP, Place, Scope
from selene_os.ledger.events import PLAIN_KEY_ID, ReplayRecord, TenantRow, Unit
from selene_os.ledger.repositories import Entry, utterance
from selene_os.ledger.sqlite import schema
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.reasons import ReasonCode
from selene_os.tenancy import moment_of
from selene_os.turn import Turn, understand

TENANT: Final = names.TenantId("acme")
USER: Final = names.UserId("alice")
DEVICE: Final = names.DeviceId("kitchen")
SESSION: Final = names.SessionId("morning")
SCOPE: Final = Scope(TENANT, USER, DEVICE, SESSION)
BEGINNING_NS: Final = 1_772_528_400_000_000_000
SAID: Final = (
    "remind me to call mom tomorrow at 5 pm",
    "set up a meeting with Tom and Ann next tuesday at 3 pm about the budget",
    "send 50 dollars to Bob on friday",
    "what is on my calendar tomorrow",
)
TURN_NS: Final = 1_000_000


class Source:
    """Ids and places that never repeat, the same in every run of one seed; one scope's units."""

    def __init__(self, seed: int = 20_260_303, scope: Scope = SCOPE) -> None:
        self._random = random.Random(seed)
        self._scope = scope
        self._now_ns = BEGINNING_NS
        decided = [(text, _decide(text)) for text in SAID]
        self._decided = [(text, entry, codec.decode_json(entry.record)) for text, entry in decided]

    def event_id(self) -> names.EventId:
        """A fresh id, greater than the last."""
        self._now_ns += TURN_NS
        return names.event_id_of(self._now_ns, self._random.getrandbits(62))

    def correlation_id(self) -> names.CorrelationId:
        """A fresh conversation."""
        return names.CorrelationId(f"{self._random.getrandbits(128) or 1:032x}")

    def place(self, correlation_id: names.CorrelationId, turn: int) -> Place:
        """A turn of a conversation, under its default key."""
        turn_id = names.TurnId(turn)
        return Place(correlation_id, turn_id, spots.default_key(PH1_NLP, turn_id))

    def unit(self, place: Place) -> Unit:
        """What a turn at this place writes."""
        said, entry, record = self._random.choice(self._decided)
        named = {"correlation_id": place.correlation_id, "turn_id": place.turn_id}
        whole = record | {"request": record["request"] | named}
        placed = replace(entry, record=codec.encode_json(whole))
        event_id = self.event_id()
        return unit_of(place, placed, said, event_id, self._scope, self._now_ns)

    def units(self, count: int) -> list[Unit]:
        """The first turns of as many conversations."""
        return [self.unit(self.place(self.correlation_id(), 1)) for _ in range(count)]

    def conversations(self, rows: int, shortest: int, longest: int) -> Iterator[list[Unit]]:
        """Conversations of `shortest` to `longest` turns, until there are as many rows."""
        while rows > 0:
            turns = min(rows, self._random.randint(shortest, longest))
            correlation_id = self.correlation_id()
            yield [self.unit(self.place(correlation_id, turn + 1)) for turn in range(turns)]
            rows -= turns


def unit_of(
    place: Place,
    entry: Entry,
    said: str,
    event_id: names.EventId,
    scope: Scope = SCOPE,
    created_at: int = BEGINNING_NS,
) -> Unit:
    """The rows of one decision, encoded and checked as the repositories do it."""
    event = codec.encode_event(entry.decision, scope, place, event_id, created_at)
    record = ReplayRecord(
        scope.tenant_id,
        event_id,
        event.engine,
        entry.engine_version,
        entry.pack_digest,
        entry.record,
        PLAIN_KEY_ID,
    )
    return Unit((event,), (record,), utterance(scope, place, said, created_at))


def _decide(text: str) -> Entry:
    """PH1.NLP's decision of an utterance with its record, the engines run for real."""
    moment = moment_of("2026-03-03T09:00:00+00:00", BEGINNING_NS, None)
    understood = understand(Turn(TENANT, "f" * 32, 1, text, now=moment))
    # More drafts than one would be more rows than the peers write.
    (entry,) = records.entries_of(understood)
    return entry


def decisions(count: int) -> list[Decision]:
    """Decisions of a team's own understanding, as `commit_decisions` takes them."""
    return [
        IntentDraft(
            ReasonCode.NLP_INTENT_OK, "SET_REMINDER", "HIGH", ("task", "when"), ("WHEN_RELATIVE",)
        )
        for _ in range(count)
    ]


def new_ledger(path: Path) -> str:
    """Make a ledger with its one tenant, user, device and session; returns its path."""
    schema.create(str(path), BEGINNING_NS)
    store = SqliteStore(str(path))
    try:
        store.add_tenant(TenantRow(TENANT, None, "ask", None, None, BEGINNING_NS))
        store.register(TENANT, USER, DEVICE, SESSION, BEGINNING_NS)
    finally:
        store.close()
    return str(path)


def append(store: SqliteStore, batch: Sequence[Unit]) -> None:
    """Append a batch, and see that every unit of it was accepted."""
    for verdict in store.commit(batch):
        if not isinstance(verdict, tuple) or verdict[0].deduplicated:
            raise ValueError(f"the ledger refused a row: {verdict}")
