"""Through a PgBouncer that pools by transaction: every statement may be on another connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

import bouncers
from bouncers import PgBouncer
from ledgers import (
    ACME,
    ALICE,
    CAROL,
    CHAT,
    EVERYONE,
    GLOBEX,
    PROFILE,
    START_NS,
    TALK,
    Ledger,
    widen,
)
from postgres_databases import PostgresDatabase
from selene_os.errors import IdempotencyConflict, LedgerUnavailable, Overtaken, ScopeRefused
from selene_os.ledger.events import Receipt, Unit
from selene_os.ledger.postgres.store import PostgresStore
from selene_os.ledger.store import Store
from selene_os.names import CorrelationId, DeviceId, SessionId, UserId
from servers import named

THREADS = 32


@pytest.fixture(scope="module")
def bouncer() -> Iterator[PgBouncer]:
    """One pooler for all of these tests."""
    bouncer = PgBouncer(named("postgres"))
    yield bouncer
    bouncer.stop()


class Pooled(PostgresDatabase):
    """A ledger's database that is opened through the pooler."""

    bouncer: PgBouncer

    def open(self) -> Store:
        return PostgresStore(self.pooled())

    def pooled(self, user: str = "selene_app") -> str:
        """Its address by way of the pooler."""
        return self.bouncer.url(self.name, user)


@pytest.fixture
def pooled(bouncer: PgBouncer) -> Iterator[Pooled]:
    """A fresh one."""
    fresh = PostgresDatabase.fresh("postgres")
    pooled = Pooled(fresh.server, fresh.name)
    pooled.bouncer = bouncer
    yield pooled
    pooled.drop()


@pytest.fixture
def ledger(pooled: Pooled) -> Iterator[Ledger]:
    """A ledger that is reached through the pooler."""
    ledger = Ledger(pooled)
    yield ledger
    ledger.store.close()


def new(unit: Unit) -> tuple[Receipt, ...]:
    """The receipts of a unit that was written."""
    return tuple(Receipt(event.event_id, False, True) for event in unit.events)


def test_what_a_ledger_promises_holds_through_a_pooler(ledger: Ledger) -> None:
    scribe, store = ledger.scribe, ledger.store
    widen(ledger)
    unit = replace(scribe.unit(PROFILE, more=(CHAT,)), next_turn=True, after_profile="")
    others = [scribe.unit(scope=CAROL), scribe.unit(turn=2, key="second")]
    wrong = scribe.unit(scope=replace(ALICE, session_id=SessionId("yesterday")), key="wrong")
    taken = scribe.unit(key="key")
    verdicts = store.commit([unit, *others, wrong, replace(unit, next_turn=True), taken])
    assert verdicts[:3] == [new(one) for one in (unit, *others)]
    assert [type(one) for one in verdicts[3:]] == [ScopeRefused, Overtaken, IdempotencyConflict]
    (again,) = store.commit([replace(unit, next_turn=False)])
    assert again == tuple(Receipt(event.event_id, True, True) for event in unit.events)
    assert store.trace(ACME, TALK) == [*unit.events, others[1].events[0]]
    assert store.conversation(ACME, TALK) == [unit.said, others[1].said]
    assert store.conversation(GLOBEX, TALK) == [others[0].said]
    last = store.last_profile(ACME, ALICE.user_id)
    assert last and last.event_id == unit.events[0].event_id
    memory = scribe.memory(value=b"\xff\0")
    assert store.append_memory(memory).deduplicated is False
    assert store.append_memory(memory).deduplicated is True
    assert store.memory_events(ACME, ALICE.user_id) == [memory._replace(version=1)]
    (current,) = store.memory_current(ACME, ALICE.user_id)
    assert (current.value, store.rebuild_memory(ACME, ALICE.user_id)) == (b"\xff\0", 1)
    assert store.register(ACME, UserId("eve"), DeviceId("van"), SessionId("trip"), START_NS)
    assert not store.register(ACME, UserId("eve"), DeviceId("van"), SessionId("trip"), START_NS)
    assert isinstance(store, PostgresStore)
    with store._pool.connection() as connection:
        # What one connection prepares another would not know.
        assert connection.prepare_threshold is None


def test_many_threads_of_two_tenants_share_connections_and_nothing_else(
    ledger: Ledger, pooled: Pooled
) -> None:
    stores = [PostgresStore(pooled.pooled()) for _ in range(2)]
    done = threading.Event()

    def work(number: int) -> list[Unit]:
        scope, store = EVERYONE[number % 3], stores[number % 2]
        talk = CorrelationId(f"{number // 3 + 1:032x}")
        mine = []
        for turn in range(1, 9):
            key = f"{number} {turn}"
            unit = ledger.scribe.unit(scope=scope, correlation=talk, turn=turn, key=key)
            assert store.commit([unit]) == [new(unit)]
            assert store.commit([unit])[0] == (Receipt(unit.events[0].event_id, True, True),)
            said = store.conversation(scope.tenant_id, talk)
            assert {line.tenant_id for line in said} == {scope.tenant_id}
            assert turn in {line.turn_id for line in said}
            trace = store.trace(scope.tenant_id, talk)
            assert unit.events[0] in trace
            assert {event.tenant_id for event in trace} == {scope.tenant_id}
            mine.append(unit)
        return mine

    def listen() -> int:
        """A login that names no tenant, on the same connections: it sees no row, ever."""
        asked = 0
        with psycopg.connect(pooled.pooled(), autocommit=True, prepare_threshold=None) as other:
            while not done.is_set():
                row = other.execute(
                    "SELECT coalesce(current_setting('selene.tenant', true), ''),"
                    " (SELECT count(*) FROM os_core.conversation_ledger)"
                ).fetchone()
                assert row == ("", 0)
                asked += 1
        return asked

    with ThreadPoolExecutor(THREADS + 2) as pool:
        listening = [pool.submit(listen) for _ in range(2)]
        try:
            wrote = [pool.submit(work, number) for number in range(THREADS)]
            units = [unit for future in wrote for unit in future.result(60)]
        finally:
            done.set()
        assert all(future.result(10) > 10 for future in listening)
    events = sorted((tuple(unit.events[0]) for unit in units), key=repr)
    assert ledger.tables()["audit_events"] == events
    for store in stores:
        store.close()


def test_time_outs_hold_on_every_pooled_connection(pooled: Pooled, ledger: Ledger) -> None:
    names = (
        "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
        "default_transaction_isolation",
    )  # fmt: skip
    together = threading.Barrier(15)

    def shown(_: int) -> tuple[object, list[object]]:
        # A stranger's session, who sets nothing: as many at once as there are connections.
        with psycopg.connect(pooled.pooled(), prepare_threshold=None) as one:
            pid = one.execute("SELECT pg_backend_pid()").fetchone()
            together.wait(20)
            rows = [one.execute(f"SHOW {name}".encode()).fetchone() for name in names]
            return pid, [row and row[0] for row in rows]

    with ThreadPoolExecutor(15) as pool:
        found = list(pool.map(shown, range(15)))
    assert len({pid for pid, _ in found}) == 15
    assert {tuple(values) for _, values in found} == {("30s", "1s", "1min", "read committed")}
    store = PostgresStore(pooled.pooled(), retry_after_s=())
    unit = ledger.scribe.unit()
    with psycopg.connect(pooled.url("postgres")) as holder:
        holder.execute("LOCK TABLE os_core.audit_events IN EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(LedgerUnavailable, match="locked by another session"):
            store.commit([unit])
        assert 0.9 < time.monotonic() - began < 3
    assert store.commit([unit]) == [new(unit)]
    store.close()


def test_a_pooler_that_restarts_costs_no_row_and_no_caller(
    ledger: Ledger, pooled: Pooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    bouncer = PgBouncer(pooled.server)
    store = PostgresStore(bouncer.url(pooled.name, "selene_app"), connections_max=4)
    end = time.monotonic() + 2.5
    made = threading.Lock()

    def work(number: int) -> list[Unit]:
        mine: list[Unit] = []
        while time.monotonic() < end:
            turn = len(mine) + 1
            with made:
                unit = ledger.scribe.unit(
                    correlation=CorrelationId(f"{number:032x}"), turn=turn, key=f"{turn}",
                    more=(CHAT,),
                )  # fmt: skip
            assert store.commit([replace(unit, next_turn=True)]) == [new(unit)]
            mine.append(unit)
        return mine

    port = bouncer.port
    monkeypatch.setattr(bouncers, "free_port", lambda: port)
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(work, number) for number in range(1, 9)]
        for _ in range(2):
            time.sleep(0.7)
            bouncer.stop()
            bouncer = PgBouncer(pooled.server)
        units = [unit for future in writing for unit in future.result(60)]
    events = [event for unit in units for event in unit.events]
    tables = ledger.tables()
    assert tables["audit_events"] == sorted(map(tuple, events), key=repr)
    assert len(tables["replay_inputs"]) == len(tables["unsealed_events"]) == len(events)
    store.close()
    bouncer.stop()
