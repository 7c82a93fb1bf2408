"""One thread writes for all: nothing is lost, nothing hangs, what is acknowledged is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledgers import ACME, ALICE, BOB, CHAT, DRAFT, START_NS, TALK, Ledger, SqliteDatabase
from selene_os.errors import LedgerBusy, LedgerUnavailable, Refusal
from selene_os.ledger.events import Receipt, TenantRow, Unit
from selene_os.ledger.sqlite import connection
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.names import EventId, IdempotencyKey, TenantId, TurnId

DRILLS = "SELENE_DRILLS" in os.environ

# Another process that holds the write lock until it is told to let go.
_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""

# A process that commits from four threads and prints each id once it was acknowledged.
_WORKER = """
import itertools, sys, threading
import selene_os
acme = selene_os.open(sys.argv[1], create=True).tenant("acme")
lock = threading.Lock()
def work():
    for _ in itertools.count():
        committed = acme.commit_decision(selene_os.Chat(), "alice", "kitchen", text="hello")
        with lock:
            print(committed.receipt.event_id, flush=True)
for _ in range(4):
    threading.Thread(target=work).start()
"""


class Bomb(list[Unit]):
    """Units that end whatever thread reads them."""

    def __iter__(self) -> Iterator[Unit]:
        raise SystemExit


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A SQLite ledger."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    yield ledger
    ledger.store.close()


def path_of(ledger: Ledger) -> str:
    """The ledger's file."""
    assert isinstance(ledger.database, SqliteDatabase)
    return ledger.database.path


@contextmanager
def write_lock_held(ledger: Ledger) -> Iterator[Callable[[], None]]:
    """Another process holds the write lock, until it is let go or the block ends."""
    holder = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _HOLDER, path_of(ledger)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None

    def let_go() -> None:
        holder.communicate()

    try:
        assert holder.stdout.readline() == b"held\n"
        yield let_go
    finally:
        if holder.poll() is None:
            let_go()
        assert holder.returncode == 0


def reopen(ledger: Ledger, *, queue_max: int, wait_ms: int) -> None:
    """Open the same file with other bounds."""
    ledger.store.close()
    ledger.store = SqliteStore(path_of(ledger), queue_max=queue_max, wait_ms=wait_ms)


def outcomes_of(futures: list[Future[tuple[Receipt, ...]]]) -> list[EventId | Exception]:
    """The id that each call was told, or the error it met; a call that hangs fails the test."""
    outcomes: list[EventId | Exception] = []
    for future in futures:
        error = future.exception(timeout=12)
        if error is None:
            outcomes.append(future.result()[0].event_id)
        else:
            assert isinstance(error, Exception), error
            outcomes.append(error)
    return outcomes


def stored_ids(ledger: Ledger) -> list[str]:
    """The ids of all events, as a stranger reads them."""
    (result,) = ledger.raw("SELECT event_id FROM audit_events ORDER BY event_id")
    return [str(row[0]) for row in result.rows]


@pytest.mark.parametrize("threads", [8, 64])
def test_every_acknowledged_write_of_many_threads_is_there_once(
    ledger: Ledger, threads: int
) -> None:
    units = [
        ledger.scribe.unit(DRAFT, (ALICE, BOB)[number % 2], turn=number, key=f"k{number}")
        for number in range(1, 4 * threads + 1)
    ]
    start = threading.Barrier(threads)

    def work(first: int) -> list[EventId]:
        start.wait()
        return [ledger.commit(unit)[0].event_id for unit in units[first::threads]]

    with ThreadPoolExecutor(threads) as pool:
        acknowledged = [one for ids in pool.map(work, range(threads)) for one in ids]
    assert len(set(acknowledged)) == len(units)
    assert stored_ids(ledger) == sorted(acknowledged)
    ledger.reopen()
    assert ledger.store.trace(ACME, TALK) == [unit.events[0] for unit in units]
    assert len(ledger.store.conversation(ACME, TALK)) == len(units)


def test_a_bad_write_among_many_fails_alone(ledger: Ledger) -> None:
    """Also one that the database itself refuses, whatever it is called then."""
    units = [ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}") for turn in range(1, 41)]
    bad = [ledger.scribe.memory(key=f"{n}")._replace(consent="DENIED") for n in range(8)]
    with ThreadPoolExecutor(48) as pool:
        refused = [pool.submit(ledger.store.append_memory, event) for event in bad]
        futures = [pool.submit(ledger.commit, unit) for unit in units]
    assert all(future.exception() for future in refused)
    assert outcomes_of(futures) == [unit.events[0].event_id for unit in units]
    assert stored_ids(ledger) == sorted(unit.events[0].event_id for unit in units)
    assert ledger.store.memory_events(ACME, ALICE.user_id) == []


def test_a_full_queue_makes_callers_wait_and_loses_nothing(ledger: Ledger) -> None:
    reopen(ledger, queue_max=2, wait_ms=5_000)
    units = [ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}") for turn in range(1, 25)]
    with ThreadPoolExecutor(24) as pool, write_lock_held(ledger) as let_go:
        futures = [pool.submit(ledger.commit, unit) for unit in units]
        time.sleep(0.3)
        assert not any(future.done() for future in futures)
        let_go()
        outcomes = outcomes_of(futures)
    assert outcomes == [unit.events[0].event_id for unit in units]
    assert stored_ids(ledger) == sorted(unit.events[0].event_id for unit in units)


def test_a_queue_that_stays_full_is_busy_and_what_it_took_is_written(ledger: Ledger) -> None:
    reopen(ledger, queue_max=3, wait_ms=200)
    units = [ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}") for turn in range(1, 13)]
    with ThreadPoolExecutor(12) as pool, write_lock_held(ledger) as let_go:
        futures = [pool.submit(ledger.commit, unit) for unit in units]
        time.sleep(0.8)
        assert sum(future.done() for future in futures) >= len(units) - 4
        let_go()
        outcomes = outcomes_of(futures)
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert errors
    assert all(isinstance(error, LedgerBusy) for error in errors)
    written = sorted(str(outcome) for outcome in outcomes if not isinstance(outcome, Exception))
    assert len(written) >= 3
    assert stored_ids(ledger) == written
    # The same requests again, as the error says.
    for unit in units:
        ledger.commit(unit)
    assert len(stored_ids(ledger)) == len(units)


def test_a_write_lock_held_elsewhere_is_unavailable_after_the_busy_time(ledger: Ledger) -> None:
    unit = ledger.scribe.unit(CHAT)
    with write_lock_held(ledger):
        began = time.monotonic()
        with pytest.raises(LedgerUnavailable) as unavailable:
            ledger.commit(unit)
        assert time.monotonic() - began < 7
        # Reading goes on meanwhile.
        assert ledger.store.trace(ACME, TALK) == []
    assert not isinstance(unavailable.value, LedgerBusy)
    assert stored_ids(ledger) == []
    assert not ledger.commit(unit)[0].deduplicated


def test_callers_behind_a_held_lock_do_not_wait_one_after_the_other(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that met the lock is told so at once, not each of its writes after a wait more."""
    monkeypatch.setattr(connection, "BUSY_WAIT_MS", 400)
    ledger.reopen()
    units = [ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}") for turn in range(1, 17)]
    with ThreadPoolExecutor(16) as pool, write_lock_held(ledger) as let_go:
        futures = [pool.submit(ledger.commit, unit) for unit in units]
        time.sleep(3)
        answered = sum(future.done() for future in futures)
        let_go()
        outcomes = outcomes_of(futures)
    assert answered == len(units)
    assert [type(outcome) for outcome in outcomes] == [LedgerUnavailable] * len(units)
    assert stored_ids(ledger) == []


WRITES: dict[str, Callable[[Ledger], object]] = {
    "commit": lambda ledger: ledger.write(CHAT),
    "commit nothing": lambda ledger: ledger.store.commit([]),
    "append_utterance": lambda ledger: ledger.store.append_utterance(ledger.scribe.utterance()),
    "append_memory": lambda ledger: ledger.store.append_memory(ledger.scribe.memory()),
    "rebuild_memory": lambda ledger: ledger.store.rebuild_memory(ACME, ALICE.user_id),
    "add_tenant": lambda ledger: ledger.store.add_tenant(
        TenantRow(TenantId("initech"), None, "ask", None, None, START_NS)
    ),
    "register": lambda ledger: ledger.store.register(ACME, ALICE.user_id, None, None, START_NS),
    "disable": lambda ledger: ledger.store.set_identity_status(ACME, BOB.user_id, "DISABLED"),
}
READS: dict[str, Callable[[Ledger], object]] = {
    "trace": lambda ledger: ledger.store.trace(ACME, TALK),
    "event_by_key": lambda ledger: ledger.store.event_by_key(ACME, TALK, IdempotencyKey("key")),
    "turn_before": lambda ledger: ledger.store.turn_before(ACME, TALK, ALICE.user_id, TurnId(2)),
    "tenants": lambda ledger: ledger.store.tenants(),
}


@pytest.mark.parametrize("name", [*WRITES, *READS])
def test_after_close_every_operation_is_refused_as_unavailable(ledger: Ledger, name: str) -> None:
    before = ledger.tables()
    ledger.store.trace(ACME, TALK)
    ledger.store.close()
    ledger.store.close()
    with pytest.raises(LedgerUnavailable):
        (WRITES | READS)[name](ledger)
    assert ledger.tables() == before


def test_close_finishes_the_writes_that_wait(ledger: Ledger) -> None:
    units = [ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}") for turn in range(1, 65)]
    with ThreadPoolExecutor(32) as pool:
        futures = [pool.submit(ledger.commit, unit) for unit in units]
        outcomes_of(futures[:3])
        ledger.store.close()
        outcomes = outcomes_of(futures)
    written = sorted(str(outcome) for outcome in outcomes if not isinstance(outcome, Exception))
    assert stored_ids(ledger) == written
    assert len(written) >= 3
    for outcome in outcomes:
        assert not isinstance(outcome, Exception) or isinstance(outcome, LedgerUnavailable)


# pytest reports the death of any thread; here it is the subject.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_dies_fails_every_waiting_caller(ledger: Ledger) -> None:
    units = [ledger.scribe.unit(CHAT, turn=turn, key=f"{turn}") for turn in range(1, 21)]
    with ThreadPoolExecutor(24) as pool, write_lock_held(ledger) as let_go:
        before = [pool.submit(ledger.commit, unit) for unit in units[:10]]
        time.sleep(0.1)
        bomb = pool.submit(ledger.store.commit, Bomb())
        time.sleep(0.1)
        after = [pool.submit(ledger.commit, unit) for unit in units[10:]]
        time.sleep(0.1)
        let_go()
        assert bomb.exception(timeout=8) is not None
        outcomes = outcomes_of(before + after)
    written = sorted(str(outcome) for outcome in outcomes if not isinstance(outcome, Exception))
    for outcome in outcomes:
        assert not isinstance(outcome, Exception) or isinstance(outcome, LedgerUnavailable)
    assert stored_ids(ledger) == written
    # Whether it lives on or not: a further call is answered.
    try:
        ledger.commit(units[-1])
    except LedgerUnavailable:
        ledger.reopen()
        ledger.commit(units[-1])
    assert units[-1].events[0].event_id in stored_ids(ledger)


def test_what_was_acknowledged_before_a_kill_is_there_exactly_once(ledger: Ledger) -> None:
    ledger.store.close()
    path = path_of(ledger)
    acknowledged: list[str] = []
    for number in range(20 if DRILLS else 5):
        worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER, path],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert worker.stdout is not None
        # At another moment each time: after some lines, and some thousandths of a second.
        acknowledged += [worker.stdout.readline().strip() for _ in range(20 + 17 * number)]
        time.sleep(0.003 * number)
        worker.send_signal(signal.SIGKILL)
        rest = worker.communicate()[0]
        # The last line may have been cut off in the middle.
        acknowledged += [line for line in rest.splitlines() if len(line) == 36]
        assert worker.returncode == -signal.SIGKILL
        there = stored_ids(ledger)
        assert len(there) == len(set(there))
        assert set(acknowledged) <= set(there)
    assert len(acknowledged) == len(set(acknowledged))
    # What came through without having been acknowledged is whole, too.
    results = ledger.raw(
        "PRAGMA integrity_check",
        "PRAGMA foreign_key_check",
        "SELECT count(*) FROM audit_events LEFT JOIN replay_inputs USING (tenant_id, event_id)"
        " LEFT JOIN conversation_ledger USING (tenant_id, correlation_id, turn_id)"
        " WHERE record IS NULL OR text IS NULL",
        "SELECT count(*) FROM audit_events LEFT JOIN unsealed_events AS u"
        " USING (tenant_id, event_id) WHERE u.event_id IS NULL",
    )
    assert [result.rows for result in results] == [[("ok",)], [], [(0,)], [(0,)]]
    ledger.reopen()
    try:
        assert not ledger.write(CHAT).deduplicated
    except Refusal as refusal:
        pytest.fail(str(refusal))
