"""Servers that die, restart, lock and refuse: what was acknowledged is there, and nothing else.

The auditor here is a dict that knows the rules of a ledger, and none of its code. It predicts each
receipt; where the store could not tell, it asks again with the very same units.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest

import servers
from ledgers import ACME, ALICE, BOB, CAROL, CHAT, DRAFT, PROFILE, TALK, Ledger, Scribe
from postgres_databases import PostgresDatabase, _template
from processes import wait
from selene_os.errors import LedgerUnavailable, Overtaken, ScopeRefused
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import Receipt, Unit
from selene_os.ledger.postgres import calls as module
from selene_os.ledger.postgres.calls import RETRY_AFTER_S
from selene_os.ledger.postgres.store import PostgresStore
from selene_os.ledger.store import Verdict
from selene_os.names import CorrelationId, DeviceId, EventId

SECONDS = 120.0 if "SELENE_DRILLS" in os.environ else 6.0
PATIENT = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)


@pytest.fixture(scope="module")
def own() -> Iterator[servers.PostgresServer]:
    """A server that nobody else is disturbed by when it dies."""
    server = servers.PostgresServer(servers.wheel())
    server.start()
    yield server
    server.end()


@pytest.fixture
def mortal(own: servers.PostgresServer) -> Iterator[PostgresDatabase]:
    """A database on that server."""
    database = PostgresDatabase(own, own.new_database(_template(own)))
    yield database
    database.drop()


@pytest.fixture
def shared() -> Iterator[PostgresDatabase]:
    """A database on the session's server."""
    database = PostgresDatabase.fresh("postgres")
    yield database
    database.drop()


def new(unit: Unit) -> tuple[Receipt, ...]:
    """The receipts of a unit that was written by this call."""
    return tuple(Receipt(event.event_id, False, True) for event in unit.events)


def old(unit: Unit, same: bool = True) -> tuple[Receipt, ...]:
    """The receipts of a retry."""
    return tuple(Receipt(event.event_id, True, same) for event in unit.events)


class Writer:
    """One writer with a conversation and a user of its own, and what its auditor remembers."""

    def __init__(self, store: PostgresStore, scope: Scope, number: int) -> None:
        self.store, self.scope = store, scope
        self.talk = CorrelationId(f"{number:032x}")
        self.random = random.Random(number)
        self.scribe = Scribe()
        self.scribe._made = number * 1_000_000  # Ids that no other writer has.
        self.rows: dict[str, Unit] = {}
        self.turn = 0
        self.profile = ""
        self.memories: dict[str, int] = {}
        self.seen: Counter[str] = Counter()

    def unit(self) -> Unit:
        """Something new: a plain decision, several drafts, a next turn, a profile."""
        kind = self.random.choice(("plain", "drafts", "next", "profile", "next profile"))
        turn = self.turn + 1
        unit = self.scribe.unit(
            PROFILE if "profile" in kind else self.random.choice((DRAFT, CHAT)), self.scope,
            correlation=self.talk, turn=turn, key=f"key-{turn}",
            more=(CHAT, DRAFT) if kind == "drafts" else (),
        )  # fmt: skip
        after = self.profile if "profile" in kind else None
        return replace(unit, next_turn="next" in kind, after_profile=after)

    def ask(self) -> tuple[Unit, object]:
        """A unit, and what must become of it."""
        chance = self.random.random()
        earlier = self.random.choice(list(self.rows.values())) if self.rows else None
        if earlier is None or chance < 0.6:
            unit = self.unit()
            return unit, new(unit)
        bare = self.renamed(replace(earlier, next_turn=False, after_profile=None))
        if chance < 0.7:
            return bare, old(earlier)
        if chance < 0.8:
            events = tuple(e._replace(payload_min="{}") for e in bare.events)
            return replace(bare, events=events), old(earlier, same=False)
        if chance < 0.9:
            return replace(bare, next_turn=True), Overtaken
        wrong = replace(self.scope, device_id=DeviceId("nobodys"))
        return self.scribe.unit(scope=wrong, correlation=self.talk, key="wrong"), ScopeRefused

    def renamed(self, unit: Unit) -> Unit:
        """The same from a caller that has forgotten which ids it gave."""
        ids = [self.scribe.event().event_id for _ in unit.events]
        events = tuple(e._replace(event_id=i) for e, i in zip(unit.events, ids, strict=True))
        return replace(unit, events=events, records=tuple(map(self.scribe.record, events)))

    def step(self) -> None:
        """Send a unit, again until somebody answers, and check what is told."""
        unit, expected = self.ask()
        verdict, gave_up = self.sent(unit)
        if isinstance(expected, type):
            assert isinstance(verdict, expected), verdict
            self.seen[expected.__name__] += 1
            return
        # Where the store gave up it may have been written, and then this was a retry.
        unheard = gave_up and expected == new(unit) and verdict == old(unit)
        assert verdict == expected or unheard, (verdict, unit)
        self.seen["new" if expected == new(unit) else "old"] += 1
        if expected == new(unit):
            self.remember(unit)

    def sent(self, unit: Unit) -> tuple[Verdict, bool]:
        """The verdict, and whether the store had to give up before: then the call is repeated."""
        gave_up = False
        end = time.monotonic() + 60
        while True:
            try:
                return self.store.commit([unit])[0], gave_up
            except LedgerUnavailable:
                gave_up = True
                self.seen["gave up"] += 1
                assert time.monotonic() < end
            if unit.events[0].idempotency_key not in self.rows:
                # If it was written after all, its conditions do not hold any more.
                unit = replace(unit, after_profile=None, next_turn=False)

    def remember(self, unit: Unit) -> None:
        """Note what was acknowledged."""
        event = unit.events[0]
        self.rows[event.idempotency_key] = unit
        self.turn = max(self.turn, event.turn_id)
        if event.engine == "PH1.PERSONA":
            self.profile = event.event_id

    def work(self, end: float) -> None:
        """Write until a moment."""
        while time.monotonic() < end:
            self.step()


def trouble(server: servers.PostgresServer, end: float, seed: int) -> Counter[str]:
    """Whatever can happen to a server, at random moments."""
    chance = random.Random(seed)
    seen: Counter[str] = Counter()
    terminate = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'selene%'"
    )
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.02, 0.4))
        kind = chance.choice(("fast", "immediate", "kill", "terminate", "terminate", "terminate"))
        if kind == "terminate":
            with suppress(psycopg.Error):
                server.run(terminate)
        elif kind == "kill":
            server.kill()
        else:
            server.stop(kind)
        server.start()
        seen[kind] += 1
    return seen


def test_whatever_happens_to_a_server_every_receipt_is_right(mortal: PostgresDatabase) -> None:
    ledger = Ledger(mortal)
    stores = [
        PostgresStore(mortal.url(), connections_max=4, retry_after_s=PATIENT) for _ in range(2)
    ]
    writers = [
        Writer(stores[number % 2], (ALICE, BOB, CAROL)[number % 3], number + 1)
        for number in range(6)
    ]
    # A user's profiles are one history, which one writer alone can foresee.
    for number, writer in enumerate(writers[3:]):
        other = replace(writer.scope, device_id=DeviceId(f"more-{number}"), session_id=None)
        other = replace(other, user_id=type(other.user_id)(f"user-{number}"))
        ledger.store.register(other.tenant_id, other.user_id, other.device_id, None, 1)
        writer.scope = other
    end = time.monotonic() + SECONDS
    with ThreadPoolExecutor(8) as pool:
        chaos = pool.submit(trouble, mortal.server, end, 1)
        working = [pool.submit(writer.work, end) for writer in writers]
        for future in working:
            future.result(SECONDS + 90)
        happened = chaos.result(60)
    mortal.server.start()
    units = [unit for writer in writers for unit in writer.rows.values()]
    check_rows(ledger, units)
    seen = sum((writer.seen for writer in writers), Counter[str]())
    assert min(seen[kind] for kind in ("new", "old", "Overtaken", "ScopeRefused")) > 3, seen
    assert len(happened) > 2, happened
    for store in (*stores, ledger.store):
        store.close()


def check_rows(ledger: Ledger, units: list[Unit]) -> None:
    """Every row of the units is there, once, and no other."""
    tables = ledger.tables()
    events = [event for unit in units for event in unit.events]
    records = [record for unit in units for record in unit.records]
    assert tables["audit_events"] == sorted(map(tuple, events), key=repr)
    assert tables["replay_inputs"] == sorted(map(tuple, records), key=repr)
    assert len(tables["unsealed_events"]) == len(events)
    lines = {line[:4] for unit in units if (line := unit.said)}
    assert {row[:4] for row in tables["conversation_ledger"]} == lines


def test_a_server_that_stays_away_is_unavailable_and_half_of_nothing_is_written(
    mortal: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONNECTION_WAIT_S", 0.3)
    ledger = Ledger(mortal)
    store = PostgresStore(mortal.url(), retry_after_s=(0.02,))
    make = Scribe().unit
    units = [
        make(correlation=CorrelationId(f"{n:032x}"), more=(CHAT,) * 3) for n in range(1, 4_000)
    ]
    told: dict[EventId, bool] = {}

    def work(mine: list[Unit]) -> None:
        for unit in mine:
            try:
                assert store.commit([unit]) == [new(unit)]
            except LedgerUnavailable:
                told[unit.events[0].event_id] = False
                return
            told[unit.events[0].event_id] = True

    with ThreadPoolExecutor(8) as pool:
        working = [pool.submit(work, units[n::8]) for n in range(8)]
        time.sleep(0.3)
        mortal.server.stop("immediate")
        began = time.monotonic()
        for future in working:
            future.result(20)
    assert time.monotonic() - began < 3
    with pytest.raises(LedgerUnavailable):
        store.trace(ACME, TALK)
    mortal.server.start()
    tables = ledger.tables()
    written = Counter(str(row[6]) for row in tables["audit_events"])
    assert set(written.values()) == {4}
    by_talk = {unit.events[0].correlation_id: unit for unit in units}
    check_rows(ledger, [by_talk[CorrelationId(talk)] for talk in written])
    ids = {row[1] for row in tables["audit_events"]}
    assert all(event_id in ids for event_id, known in told.items() if known)
    # The same store goes on, once the server is there.
    late = make(key="late")
    wait(lambda: answers(lambda: store.trace(ACME, TALK)), "the store is back", 20)
    assert store.commit([late]) == [new(late)]
    store.close()
    ledger.store.close()


def answers(call: Callable[[], object]) -> bool:
    """Whether a call is answered."""
    with suppress(LedgerUnavailable):
        call()
        return True
    return False


def test_after_a_restart_the_connections_of_before_cost_nobody_a_request(
    mortal: PostgresDatabase,
) -> None:
    ledger = Ledger(mortal)
    store = PostgresStore(mortal.url(), retry_after_s=[wait_s / 20 for wait_s in RETRY_AFTER_S])
    together = threading.Barrier(16)

    def hold() -> None:
        with store._pool.connection():
            together.wait(10)

    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(hold) for _ in range(16)]:
            future.result(10)
    mortal.server.restart()
    try:
        assert store.trace(ACME, TALK) == []
    finally:
        store.close()
        ledger.store.close()
