"""What the database answers to two at once, and to who may not write: mended, or said clearly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from ledgers import ACME, ALICE, CAROL, TALK, Ledger
from postgres_databases import PostgresDatabase
from selene_os.errors import LedgerUnavailable, Overtaken
from selene_os.ledger.events import Receipt, Unit
from selene_os.ledger.postgres import calls as module
from selene_os.ledger.postgres import connection
from selene_os.ledger.postgres.store import PostgresStore


@pytest.fixture
def postgres() -> Iterator[PostgresDatabase]:
    """A ledger's database of this test's own."""
    database = PostgresDatabase.fresh("postgres")
    yield database
    database.drop()


@pytest.fixture
def ledger(postgres: PostgresDatabase) -> Iterator[Ledger]:
    """A ledger in it."""
    ledger = Ledger(postgres)
    yield ledger
    ledger.store.close()


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The states of the errors that the store met, and thought about trying again."""
    states: list[str | None] = []

    def is_transient(error: psycopg.Error) -> bool:
        states.append(error.sqlstate)
        return connection.is_transient(error)

    monkeypatch.setattr(module, "is_transient", is_transient)
    return states


def new(unit: Unit) -> tuple[Receipt, ...]:
    """The receipts of a unit that was written."""
    return tuple(Receipt(event.event_id, False, True) for event in unit.events)


def the_only_connection(database: PostgresDatabase) -> psycopg.Connection:
    """The one that a limit of one allows, once the server has ended what was closed."""
    ends = time.monotonic() + 10
    while True:
        try:
            return psycopg.connect(database.url("selene_auditor"))
        except psycopg.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


def alter(database: PostgresDatabase, what: str) -> None:
    """Change the database for sessions to come."""
    database.server.run(f'ALTER DATABASE "{database.name}" {what}')


def test_a_deadlock_is_tried_again_and_told_nobody(
    postgres: PostgresDatabase, ledger: Ledger, met: list[str | None]
) -> None:
    alter(postgres, "SET deadlock_timeout = '10ms'")
    stores = [PostgresStore(postgres.url()) for _ in range(2)]
    rounds = 0
    while "40P01" not in met:
        rounds += 1
        assert rounds < 100
        ready = threading.Barrier(2)
        names = [f"{rounds} {number}" for number in range(100)]
        mine, theirs = (
            [[ledger.scribe.unit(scope=scope, key=name) for name in names] for scope in scopes]
            for scopes in ((ALICE, CAROL), (CAROL, ALICE))
        )

        def call(
            store: PostgresStore, units: list[list[Unit]], ready: threading.Barrier = ready
        ) -> dict[tuple[str, str], Receipt]:
            ready.wait(10)
            flat = units[0] + units[1]
            told: dict[tuple[str, str], Receipt] = {}
            for unit, verdict in zip(flat, store.commit(flat), strict=True):
                assert isinstance(verdict, tuple)
                event = unit.events[0]
                told[event.tenant_id, event.idempotency_key] = verdict[0]
            return told

        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(call, stores[0], mine)
            other = pool.submit(call, stores[1], theirs)
            receipts, others = one.result(30), other.result(30)
        # Of two who write one key, one wrote it and the other is told which row that is.
        assert receipts.keys() == others.keys()
        for key, receipt in receipts.items():
            assert receipt.event_id == others[key].event_id
            assert receipt.deduplicated is not others[key].deduplicated
    assert len(ledger.tables()["audit_events"]) == rounds * 200
    for store in stores:
        store.close()


def test_what_cannot_be_serialised_is_tried_again(
    postgres: PostgresDatabase,
    ledger: Ledger,
    met: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    isolation = "default_transaction_isolation"
    monkeypatch.setitem(connection.SESSION_SETTINGS, isolation, "serializable")
    stores = [PostgresStore(postgres.url(), retry_after_s=[0.0] * 50) for _ in range(4)]
    ready = threading.Barrier(4)

    def work(number: int) -> list[int]:
        taken = []
        for turn in range(1, 16):
            unit = ledger.scribe.unit(turn=turn, key=f"{number} {turn}")
            ready.wait(20)
            (verdict,) = stores[number].commit([replace(unit, next_turn=True)])
            assert verdict == new(unit) or isinstance(verdict, Overtaken)
            taken += [turn] if isinstance(verdict, tuple) else []
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [turn for turns in pool.map(work, range(4)) for turn in turns]
    assert sorted(taken) == list(range(1, 16))
    assert "40001" in met
    assert [event.turn_id for event in ledger.store.trace(ACME, TALK)] == list(range(1, 16))
    for store in stores:
        store.close()


def test_the_database_does_not_choose_the_isolation(postgres: PostgresDatabase) -> None:
    alter(postgres, "SET default_transaction_isolation = 'serializable'")
    alter(postgres, "SET lock_timeout = 0")
    store = PostgresStore(postgres.url())
    with store._pool.connection() as one:
        shown = [
            one.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("transaction_isolation", "lock_timeout", "statement_timeout")
        ]
    assert shown == [("read committed",), ("1s",), ("30s",)]
    store.close()


def test_a_lock_that_another_holds_is_unavailable_after_a_bounded_time(
    postgres: PostgresDatabase,
    ledger: Ledger,
    met: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.SESSION_SETTINGS, "lock_timeout", "200ms")
    store = PostgresStore(postgres.url(), retry_after_s=(0.05, 0.05))
    unit = ledger.scribe.unit(turn=1)
    with psycopg.connect(postgres.url("postgres")) as holder:
        holder.execute("LOCK TABLE os_core.audit_events IN EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(LedgerUnavailable, match="locked by another session"):
            store.commit([unit])
        assert 0.15 < time.monotonic() - began < 2
        # Not tried again: who sits on a lock would keep the place of every other tenant's writes.
        assert met == ["55P03"]
        # Who reads waits for nobody.
        assert store.trace(ACME, TALK) == []
        holder.rollback()
        assert store.commit([unit]) == [new(unit)]
    store.close()


def test_a_connection_that_the_server_ended_for_idling_costs_nobody_a_request(
    postgres: PostgresDatabase, ledger: Ledger
) -> None:
    alter(postgres, "SET idle_session_timeout = '100ms'")
    store = PostgresStore(postgres.url())
    for number in range(2):
        assert store.commit([unit := ledger.scribe.unit(key=f"{number}")]) == [new(unit)]
        time.sleep(0.3)
    assert len(store.trace(ACME, TALK)) == 2
    store.close()


def test_a_server_that_takes_no_writes_says_so_and_is_read(
    postgres: PostgresDatabase, ledger: Ledger, met: list[str | None]
) -> None:
    unit = ledger.scribe.unit()
    ledger.commit(unit)
    alter(postgres, "SET default_transaction_read_only = on")
    store = PostgresStore(postgres.url(), retry_after_s=(0.01, 0.02))
    other = ledger.scribe.unit(key="other")
    for write in (
        lambda: store.commit([other]),
        lambda: store.append_memory(ledger.scribe.memory()),
        lambda: store.append_utterance(ledger.scribe.utterance(turn=9)),
        lambda: store.register(ACME, ALICE.user_id, None, None, 1) and None,
        lambda: store.set_tenant(ACME, {"zone": None}),
    ):
        with pytest.raises(LedgerUnavailable, match="read-only transaction"):
            write()
    assert met == ["25006"] * 15
    assert store.trace(ACME, TALK) == [unit.events[0]]
    assert len(store.conversation(ACME, TALK)) == 1
    # What fails over to a server that writes needs no new store.
    alter(postgres, "SET default_transaction_read_only = off")
    postgres.server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{postgres.name}' AND usename = 'selene_app'"
    )
    assert store.commit([other]) == [new(other)]
    store.close()


def test_too_many_connections_are_unavailable_until_there_are_fewer(
    postgres: PostgresDatabase, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONNECTION_WAIT_S", 0.3)
    store = PostgresStore(postgres.url(), retry_after_s=(0.01,))
    patient = PostgresStore(postgres.url(), retry_after_s=[0.3] * 20)
    ledger.store.close()
    unit = ledger.scribe.unit()
    alter(postgres, "CONNECTION LIMIT 1")
    with the_only_connection(postgres):
        began = time.monotonic()
        with pytest.raises(LedgerUnavailable, match="too many connections"):
            PostgresStore(postgres.url())
        with pytest.raises(LedgerUnavailable):
            store.commit([unit])
        assert time.monotonic() - began < 3
        # It goes on trying to connect, and would take the only place there is.
        store.close()
    assert patient.commit([unit]) == [new(unit)]
    patient.close()
