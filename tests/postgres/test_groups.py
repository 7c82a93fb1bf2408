"""The gathering of calls, without a database: nobody hangs, hears another, or is written twice."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from ledgers import Scribe
from processes import wait
from selene_os.errors import LedgerBusy, LedgerUnavailable
from selene_os.ledger.events import Receipt, Unit
from selene_os.ledger.postgres.groups import UNITS_MAX, Call, Groups
from selene_os.ledger.store import Verdict
from selene_os.names import EventId

CALLS = 20_000 if "SELENE_DRILLS" in os.environ else 2_000


_SCRIBE = Scribe()
_SCRIBING = threading.Lock()


class Desk:
    """A `transact` without a database: it notes what it is given, and may be held up."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.at_once = 0
        self.most = 0
        self.lock = threading.Lock()

    def __call__(self, group: list[Call]) -> None:
        with self.lock:
            self.groups.append([unit.events[0].event_id for call in group for unit in call.units])
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        assert self.gate.wait(20)
        for call in group:
            call.verdicts = list(map(verdict, call.units))
        with self.lock:
            self.at_once -= 1


def verdict(unit: Unit) -> Verdict:
    """What the desk answers a unit, which no other one is answered."""
    return (Receipt(unit.events[0].event_id, deduplicated=False, same_decision=True),)


def units(count: int = 1) -> list[Unit]:
    """New units of a caller."""
    with _SCRIBING:
        return [_SCRIBE.unit(key=f"key-{_SCRIBE.now()}") for _ in range(count)]


@contextmanager
def callers(count: int = 64) -> Iterator[ThreadPoolExecutor]:
    """As many threads as may be needed."""
    with ThreadPoolExecutor(count) as pool:
        yield pool


def gathered(groups: Groups, count: int) -> None:
    """Wait until so many calls wait."""
    wait(lambda: len(groups._waiting) == count, f"{count} calls wait", 10)


@contextmanager
def alarm(seconds: float = 0.2) -> Iterator[None]:
    """Ctrl-C for this thread, a moment later; afterwards nobody else is hit by it."""

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


def idle(groups: Groups) -> None:
    """Nobody leads and nobody waits."""
    assert groups._leading == 0
    assert not groups._waiting


def test_while_every_place_to_lead_is_taken_calls_gather_and_go_together() -> None:
    desk = Desk()
    groups = Groups(desk, 1, "desk")
    wanted = [units(), units(2), units(), units(3)]
    desk.gate.clear()
    with callers() as pool:
        told = []
        for number, one in enumerate(wanted):
            told.append(pool.submit(groups.commit, one))
            if number:
                gathered(groups, number)
            else:
                wait(lambda: desk.at_once == 1, "the first leads", 10)
        desk.gate.set()
        for one, future in zip(wanted, told, strict=True):
            assert future.result(10) == list(map(verdict, one))
    ids = [[unit.events[0].event_id for unit in one] for one in wanted]
    # The order of arrival is the order of writing.
    assert desk.groups == [ids[0], ids[1] + ids[2] + ids[3]]
    idle(groups)


def test_a_group_holds_so_many_units_and_a_larger_call_goes_alone() -> None:
    desk = Desk()
    groups = Groups(desk, 1, "desk")
    sizes = [1, 200, 56, 1, UNITS_MAX, 1_000, 2]
    desk.gate.clear()
    with callers() as pool:
        told = [pool.submit(groups.commit, units())]
        wait(lambda: desk.at_once == 1, "the first leads", 10)
        for number, size in enumerate(sizes[1:], 1):
            told.append(pool.submit(groups.commit, units(size)))
            gathered(groups, number)
        desk.gate.set()
        assert [len(future.result(10)) for future in told] == sizes
    assert [len(group) for group in desk.groups] == [1, 256, 1, 256, 1_000, 2]
    idle(groups)


def test_who_waits_too_long_or_finds_a_full_queue_is_told_so_and_never_written() -> None:
    desk = Desk()
    groups = Groups(desk, 1, "desk", queue_max=1, wait_ms=300)
    first, second = units(), units()
    desk.gate.clear()
    with callers() as pool:
        leading = pool.submit(groups.commit, first)
        wait(lambda: desk.at_once == 1, "the first leads", 10)
        waiting = pool.submit(groups.commit, second)
        gathered(groups, 1)
        began = time.monotonic()
        with pytest.raises(LedgerBusy, match=r"no place to write to desk"):
            groups.commit(units())
        assert time.monotonic() - began < 0.2
        with pytest.raises(LedgerBusy):
            waiting.result(5)
        desk.gate.set()
        assert leading.result(5) == list(map(verdict, first))
    assert desk.groups == [[first[0].events[0].event_id]]
    idle(groups)
    assert groups.commit(second) == list(map(verdict, second))


def test_a_call_that_a_leader_has_taken_waits_for_its_verdict_beyond_its_time() -> None:
    desk = Desk()
    slow = threading.Event()

    def transact(group: list[Call]) -> None:
        desk(group)
        if len(desk.groups) == 2:
            assert slow.wait(20)

    groups = Groups(transact, 1, "desk", wait_ms=200)
    taken = units()
    desk.gate.clear()
    with callers() as pool:
        pool.submit(groups.commit, units())
        wait(lambda: desk.at_once == 1, "the first leads", 10)
        pool.submit(groups.commit, units())
        gathered(groups, 1)
        late = pool.submit(groups.commit, taken)
        gathered(groups, 2)
        desk.gate.set()
        time.sleep(0.4)  # Longer than a call may wait for a place.
        assert not late.done()
        slow.set()
        assert late.result(5) == list(map(verdict, taken))
    assert len(desk.groups[1]) == 2
    idle(groups)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, MemoryError, ValueError])
def test_a_leader_that_breaks_off_hands_its_place_on(ending: type[BaseException]) -> None:
    desk = Desk()
    hurt = units()[0]

    def transact(group: list[Call]) -> None:
        desk(group)
        if hurt in group[0].units:
            for call in group:
                call.verdicts = None
            raise ending

    groups = Groups(transact, 1, "desk", wait_ms=2_000)
    desk.gate.clear()
    with callers() as pool:
        first = pool.submit(groups.commit, units())
        wait(lambda: desk.at_once == 1, "the first leads", 10)
        leading = pool.submit(groups.commit, [hurt])
        gathered(groups, 1)
        followers = []
        for number in range(3):
            followers.append(pool.submit(groups.commit, units(100)))
            gathered(groups, number + 2)
        desk.gate.set()
        assert len(first.result(5)) == 1
        assert isinstance(leading.exception(5), ending)
        # Two shared its group, and the third was told to lead the next.
        for follower in followers[:2]:
            assert isinstance(follower.exception(5), LedgerUnavailable)
        assert len(followers[2].result(5)) == 100
    idle(groups)


def test_a_caller_that_is_interrupted_while_it_waits_takes_no_place_along() -> None:
    desk = Desk()
    groups = Groups(desk, 1, "desk", wait_ms=1_000)
    desk.gate.clear()
    with callers() as pool:
        first = pool.submit(groups.commit, units())
        wait(lambda: desk.at_once == 1, "the first leads", 10)
        with alarm():
            groups.commit(units())
        desk.gate.set()
        assert len(first.result(5)) == 1
    idle(groups)
    assert len(groups.commit(units())) == 1


@pytest.mark.parametrize("wait_ms", [1, 10_000])
def test_no_wake_up_is_lost_and_nobody_hears_anothers_verdict(wait_ms: int) -> None:
    """Thousands of hand-overs; with a time-out of 1 ms, many of them race with it."""
    desk = Desk()
    chance = random.Random(7)
    broken = threading.Semaphore(0)

    def transact(group: list[Call]) -> None:
        if chance.random() < 0.3:
            time.sleep(0.002 * chance.random())
        if chance.random() < 0.02:
            broken.release()
            raise OSError
        desk(group)

    groups = Groups(transact, 3, "desk", wait_ms=wait_ms)

    def call(_: int) -> tuple[list[EventId], str]:
        mine = units(chance.choice((1, 1, 2, 100)))
        ids = [unit.events[0].event_id for unit in mine]
        try:
            assert groups.commit(mine) == list(map(verdict, mine))
        except LedgerBusy:
            return ids, "busy"
        except (LedgerUnavailable, OSError):
            return ids, "broken"
        return ids, "written"

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with callers() as pool:
            outcomes = [
                future.result(30) for future in [pool.submit(call, n) for n in range(CALLS)]
            ]
    finally:
        sys.setswitchinterval(interval)
    idle(groups)
    wrote = [one for group in desk.groups for one in group]
    assert sorted(wrote) == sorted(
        one for ids, outcome in outcomes if outcome == "written" for one in ids
    )
    assert desk.most <= 3
    assert any(outcome == "busy" for _, outcome in outcomes) is (wait_ms == 1)
    assert broken.acquire(blocking=False)
