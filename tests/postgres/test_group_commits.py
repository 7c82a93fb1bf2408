"""Callers that write to PostgreSQL at once: each hears its own verdict, whoever led."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from ledgers import ACME, ALICE, BOB, CAROL, EVERYONE, TALK, Ledger
from postgres_databases import PostgresDatabase
from processes import wait
from selene_os.errors import BadField, Fault, LedgerBusy, LedgerUnavailable, Overtaken, ScopeRefused
from selene_os.ledger.events import AuditEvent, Receipt, Unit
from selene_os.ledger.postgres.store import PostgresStore
from selene_os.ledger.store import Verdict
from selene_os.names import CorrelationId, IdempotencyKey, UserId

THREADS = 64
EACH = 100 if "SELENE_DRILLS" in os.environ else 8


class Desk:
    """A ledger with few places to lead, whose writers can be held up in the database."""

    def __init__(self, database: PostgresDatabase, leaders_max: int) -> None:
        self.ledger = Ledger(database)
        self.ledger.store.close()
        self.store = PostgresStore(database.url(), leaders_max=leaders_max, retry_after_s=())
        self.ledger.store = self.store
        self.unit = self.ledger.scribe.unit
        self.pool = ThreadPoolExecutor(THREADS)
        self._holder = psycopg.connect(database.url("postgres"))

    def hold(self) -> None:
        """Whoever writes an event waits, from now on."""
        self._holder.execute("LOCK TABLE os_core.audit_events IN EXCLUSIVE MODE")

    def let_go(self) -> None:
        """Writers go on."""
        self._holder.rollback()

    def led(self, *units: Unit) -> Future[list[Verdict]]:
        """A call that leads, and is held up in the database."""
        told = self.pool.submit(self.store.commit, units)
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        waits += " AND datname = current_database()"
        wait(lambda: self.ledger.raw(waits)[0].rows != [], "the leader is held up", 10)
        return told

    def queued(self, *units: Unit) -> Future[list[Verdict]]:
        """A call that waits behind those before."""
        before = len(self.store._groups._waiting)
        told = self.pool.submit(self.store.commit, units)
        wait(lambda: len(self.store._groups._waiting) > before, "one more waits", 10)
        return told

    def written(self) -> list[object]:
        """The ids of all events, as a stranger reads them."""
        (result,) = self.ledger.raw("SELECT event_id FROM audit_events ORDER BY event_id")
        return [row[0] for row in result.rows]

    def transactions(self) -> int:
        """In how many transactions they were written."""
        (result,) = self.ledger.raw("SELECT DISTINCT xmin::text FROM audit_events")
        return len(result.rows)

    def end(self) -> None:
        """Let go of everything."""
        self._holder.close()
        self.pool.shutdown()
        self.store.close()


@pytest.fixture
def postgres() -> Iterator[PostgresDatabase]:
    """A ledger's database of this test's own."""
    database = PostgresDatabase.fresh("postgres")
    yield database
    database.drop()


@pytest.fixture
def desk(postgres: PostgresDatabase) -> Iterator[Desk]:
    """A ledger with one place to lead."""
    desk = Desk(postgres, 1)
    yield desk
    desk.end()


def new(unit: Unit) -> tuple[Receipt, ...]:
    """The receipts of a unit that is new."""
    return tuple(Receipt(event.event_id, False, True) for event in unit.events)


def altered(unit: Unit, change: Callable[[AuditEvent], AuditEvent]) -> Unit:
    """A unit with another event than the repositories would make."""
    return replace(unit, events=(change(unit.events[0]),))


def test_of_many_threads_each_hears_its_own_verdicts(postgres: PostgresDatabase) -> None:
    desk = Desk(postgres, 8)
    stranger = replace(ALICE, user_id=UserId("mallory"))
    calls: list[list[list[Unit]]] = []
    for thread in range(THREADS):
        talk = CorrelationId(f"{thread + 1:032x}")
        mine = []
        for turn in range(1, EACH + 1):
            scopes = (EVERYONE[thread % 3], EVERYONE[thread % 3], stranger)
            keys = ("first", "first", f"refused {thread}")
            mine.append(
                [
                    desk.unit(scope=scope, correlation=talk, turn=turn, key=f"{key} {turn}")
                    for scope, key in zip(scopes, keys, strict=True)
                ]
            )
        calls.append(mine)
    told = [desk.pool.submit(lambda mine: list(map(desk.store.commit, mine)), c) for c in calls]
    for mine, future in zip(calls, told, strict=True):
        for (fresh, _, _), verdicts in zip(mine, future.result(60), strict=True):
            assert verdicts[0] == new(fresh)
            assert verdicts[1] == (Receipt(fresh.events[0].event_id, True, True),)
            assert isinstance(verdicts[2], ScopeRefused)
    assert desk.written() == sorted(call[0].events[0].event_id for mine in calls for call in mine)
    assert desk.transactions() < THREADS * EACH
    desk.end()


def test_eight_threads_with_one_key_make_one_row_and_eight_receipts(
    postgres: PostgresDatabase,
) -> None:
    desk = Desk(postgres, 8)
    for number in range(20):
        units = [desk.unit(key=f"key-{number}") for _ in range(8)]
        ready = threading.Barrier(8)

        def call(unit: Unit, ready: threading.Barrier = ready) -> Receipt:
            ready.wait(10)
            (verdict,) = desk.store.commit([unit])
            assert isinstance(verdict, tuple)
            return verdict[0]

        told = list(desk.pool.map(call, units))
        assert len({receipt.event_id for receipt in told}) == 1
        assert sorted(receipt.deduplicated for receipt in told) == [False] + [True] * 7
        assert all(receipt.same_decision for receipt in told)
        assert len(desk.written()) == number + 1
    desk.end()


BAD: dict[str, Callable[[AuditEvent], AuditEvent]] = {
    "a CHECK violated": lambda event: event._replace(reason_code=0),
    "out of range": lambda event: event._replace(reason_code=2**70),
    "no JSON": lambda event: event._replace(payload_min="{"),
    "NUL in a text": lambda event: event._replace(engine="PH1\0NLP"),
    "half a surrogate pair": lambda event: event._replace(idempotency_key=IdempotencyKey("\ud800")),
    "no number": lambda event: event._replace(created_at=2.5),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("others", [ALICE, CAROL], ids=["one tenant", "two tenants"])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_row_in_a_group_fails_alone(desk: Desk, bad: str, others: object) -> None:
    scope = ALICE if others is ALICE else CAROL
    good = [desk.unit(scope=scope, key=f"good {number}") for number in range(4)]
    ill = altered(desk.unit(key="ill"), BAD[bad])
    desk.hold()
    calls = [desk.led(good[0]), desk.queued(good[1]), desk.queued(ill)]
    calls += [desk.queued(good[2]), desk.queued(good[3])]
    desk.let_go()
    assert isinstance(calls[2].exception(10), BadField)
    del calls[2]
    for unit, call in zip(good, calls, strict=True):
        assert call.result(10) == [new(unit)]
    assert desk.written() == sorted(unit.events[0].event_id for unit in good)


def test_an_id_that_is_taken_fails_its_own_call_alone(desk: Desk) -> None:
    first = desk.unit(key="first")
    taken = altered(desk.unit(key="other"), lambda e: e._replace(event_id=first.events[0].event_id))
    good = desk.unit(key="good")
    desk.hold()
    calls = [desk.led(first), desk.queued(taken), desk.queued(good)]
    desk.let_go()
    assert calls[0].result(10) == [new(first)]
    assert type(calls[1].exception(10)) is Fault
    assert calls[2].result(10) == [new(good)]


def test_a_group_holds_calls_of_several_tenants(desk: Desk) -> None:
    units = [desk.unit(scope=EVERYONE[number % 3], key=f"key {number}") for number in range(12)]
    desk.hold()
    calls = [desk.led(units[0]), *(desk.queued(*units[n : n + 2]) for n in range(1, 11, 2))]
    calls.append(desk.queued(units[11]))
    desk.let_go()
    assert [one for call in calls for one in call.result(10)] == list(map(new, units))
    assert desk.transactions() == 2
    for unit in units:
        event = unit.events[0]
        assert desk.store.event(event.tenant_id, event.event_id) == event


def test_units_are_written_in_the_order_of_the_call_and_calls_in_theirs(desk: Desk) -> None:
    def turn(number: int, scope: object = ALICE) -> Unit:
        who = ALICE if scope is ALICE else CAROL
        return replace(desk.unit(scope=who, turn=number, key=f"turn {number}"), next_turn=True)

    # Two tenants in turns; each turn can only follow the one before.
    mixed = [turn(number, scope) for number in range(1, 21) for scope in (ALICE, CAROL)]
    assert desk.store.commit(mixed) == list(map(new, mixed))
    late = turn(20)
    (refused,) = desk.store.commit([replace(late, events=(late.events[0],))])
    assert isinstance(refused, Overtaken)
    following = [turn(number) for number in range(21, 31)]
    desk.hold()
    calls = [desk.led(following[0]), *map(desk.queued, following[1:])]
    desk.let_go()
    assert [call.result(10) for call in calls] == [[new(unit)] for unit in following]
    trace = desk.store.trace(ACME, TALK)
    assert [event.turn_id for event in trace] == list(range(1, 31))


def test_a_call_of_a_thousand_units_is_one_transaction(desk: Desk) -> None:
    units = [desk.unit(scope=(ALICE, BOB)[n % 2], turn=n + 1, key=f"{n}") for n in range(1_000)]
    units[500] = desk.unit(turn=1, key="0")
    units[600] = desk.unit(scope=replace(BOB, tenant_id=CAROL.tenant_id), key="wrong")
    verdicts = desk.store.commit(units)
    assert verdicts[500] == (Receipt(units[0].events[0].event_id, True, True),)
    assert isinstance(verdicts[600], ScopeRefused)
    for number, (unit, verdict) in enumerate(zip(units, verdicts, strict=True)):
        assert number in (500, 600) or verdict == new(unit)
    assert desk.transactions() == 1
    assert len(desk.written()) == 998


def test_a_full_queue_and_a_long_wait_are_busy_and_write_nothing(desk: Desk) -> None:
    desk.store._groups._queue_max, desk.store._groups._wait_s = 2, 0.5
    units = [desk.unit(key=f"{number}") for number in range(4)]
    desk.hold()
    leading, *waiting = desk.led(units[0]), desk.queued(units[1]), desk.queued(units[2])
    with pytest.raises(LedgerBusy):
        desk.store.commit([units[3]])
    for call in waiting:
        assert isinstance(call.exception(5), LedgerBusy)
    desk.let_go()
    assert leading.result(10) == [new(units[0])]
    assert desk.written() == [units[0].events[0].event_id]


@contextmanager
def interrupted(seconds: float = 0.3) -> Iterator[None]:
    """Ctrl-C for this thread, a moment later."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_leader_that_is_interrupted_wedges_nobody(desk: Desk) -> None:
    units = [desk.unit(key=f"{number}") for number in range(3)]

    def soon() -> list[Verdict]:
        time.sleep(0.1)
        return desk.store.commit([units[1]])

    desk.hold()
    # A thread of ours cannot be interrupted; so this one leads, and the other comes behind.
    follower = desk.pool.submit(soon)
    with interrupted():
        desk.store.commit([units[0]])
    desk.let_go()
    assert follower.result(10) == [new(units[1])]
    assert desk.store.commit([units[2]]) == [new(units[2])]
    # What was broken off was not written; the same call again is.
    assert desk.store.commit([units[0]]) == [new(units[0])]


def test_closing_finishes_the_calls_that_wait(desk: Desk) -> None:
    units = [desk.unit(key=f"{number}") for number in range(4)]
    desk.hold()
    calls = [desk.led(units[0]), *map(desk.queued, units[1:])]
    closing = desk.pool.submit(desk.store.close)
    time.sleep(0.2)
    desk.let_go()
    closing.result(10)
    assert [call.result(10) for call in calls] == [[new(unit)] for unit in units]


def test_closing_while_calls_wait_leaves_each_either_written_or_refused(desk: Desk) -> None:
    units = [desk.unit(key=f"{number}") for number in range(40)]
    calls = [desk.pool.submit(desk.store.commit, [unit]) for unit in units]
    desk.store.close()
    written = []
    for unit, call in zip(units, calls, strict=True):
        error = call.exception(10)
        assert error is None or isinstance(error, LedgerUnavailable)
        if error is None:
            assert call.result() == [new(unit)]
            written.append(unit.events[0].event_id)
    assert desk.written() == sorted(written)
    with pytest.raises(LedgerUnavailable, match="closed"):
        desk.store.commit([desk.unit(key="after")])


def _after_fork(desk: Desk) -> int:
    """What a child finds: 0 where every call is refused at once."""
    began = time.monotonic()
    calls = (
        lambda: desk.store.commit([desk.unit(key="child")]),
        lambda: desk.store.trace(ACME, TALK),
        lambda: desk.store.conversation(ACME, TALK),
    )
    for call in calls:
        try:
            call()
        except LedgerBusy:
            return 1
        except LedgerUnavailable:
            continue
        return 2
    return 0 if time.monotonic() - began < 2 else 3


@pytest.mark.parametrize("leading", [False, True])
def test_a_forked_child_is_refused_and_its_parent_goes_on(desk: Desk, leading: bool) -> None:
    assert desk.store.commit([desk.unit(key="before")])
    desk.store._groups._wait_s = 3
    ours = "SELECT pid FROM pg_stat_activity WHERE usename = 'selene_app'"
    before = desk.ledger.raw(ours)[0].rows
    held = desk.unit(key="held")
    if leading:
        desk.hold()
        call = desk.led(held)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Forking beside threads: the point.
        child = os.fork()
    if child == 0:
        os._exit(_after_fork(desk))
    _, status = os.waitpid(child, 0)
    if leading:
        desk.let_go()
        assert call.result(10) == [new(held)]
    assert os.waitstatus_to_exitcode(status) == 0
    after = desk.unit(key="after")
    assert desk.store.commit([after]) == [new(after)]
    assert desk.ledger.raw(ours)[0].rows == before
