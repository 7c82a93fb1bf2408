"""One processor for one process: held, let go where it is crowded, and given back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import python
from running import ledger, running
from selene_os.edges.processors import Affinity, Times, one_processor

PATIENCE_S = 15
pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="there is one processor, or no way to choose",
)
# Burns the processor that it is given, until its standard input ends.
_STRANGER = """
import os, sys, threading
os.sched_setaffinity(0, {int(sys.argv[1])})
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    pass
"""
_CROWDED = f"""
import subprocess, sys, time
from selene_os.edges.processors import one_processor
mine = one_processor()
mine.hold()
place = mine.held
burning = subprocess.Popen(
    [sys.executable, "-I", "-S", "-c", {_STRANGER!r}, str(place)], stdin=subprocess.PIPE
)
until = time.monotonic() + {PATIENCE_S}
while mine.held is not None and time.monotonic() < until:
    time.sleep(0.5)
    mine.look()
print(place is not None and mine.held is None)
burning.stdin.close()
burning.wait()
"""


def places(pid: int | str = "self") -> list[set[int]]:
    """Where each thread of a process may run."""
    tasks = [int(one.name) for one in Path(f"/proc/{pid}/task").iterdir()]
    return [os.sched_getaffinity(task) for task in tasks]


class Clock:
    """A processor that works as it is told: of each second so much for others, and for this one."""

    def __init__(self) -> None:
        self.now = Times(0.0, 0.0, 0.0)

    def __call__(self, place: int) -> Times:
        return self.now

    def pass_one(self, others: float, own: float) -> None:
        """A second passes."""
        at, worked, mine = self.now
        self.now = Times(at + 1, worked + others + own, mine + own)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mine(clock: Clock) -> Iterator[Affinity]:
    """This process's, given back at the end."""
    found = Affinity(clock)
    yield found
    found.release()


@pytest.fixture
def waiting() -> Iterator[threading.Event]:
    """A thread that was there before, until it is told to end."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    yield ended
    ended.set()
    thread.join()


def test_every_thread_is_held_and_given_back(mine: Affinity, waiting: threading.Event) -> None:
    allowed = os.sched_getaffinity(0)
    mine.hold()
    assert mine.held in allowed
    later = threading.Thread(target=waiting.wait)
    later.start()
    found = places()
    assert len(found) >= 3 and all(one == {mine.held} for one in found)
    mine.release()
    assert mine.held is None and all(one == allowed for one in places())
    waiting.set()
    later.join()


@pytest.mark.parametrize(
    ("others", "own", "stays"),
    [
        (0.0, 1.0, True),
        (0.0, 0.0, True),
        # Others take much, and there is room for both.
        (0.5, 0.2, True),
        # There is no room, but for what is nobody's.
        (0.1, 0.9, True),
        (0.3, 0.6, False),
        (1.0, 0.0, False),
    ],
)
def test_it_lets_go_only_where_others_are_in_the_way(
    mine: Affinity, clock: Clock, others: float, own: float, stays: bool
) -> None:
    allowed = os.sched_getaffinity(0)
    mine.hold()
    for _ in range(3):
        clock.pass_one(0.0, 0.5)
        mine.look()
    clock.pass_one(others, own)
    mine.look()
    assert (mine.held is not None) is stays
    assert all(one == ({mine.held} if stays else allowed) for one in places())
    clock.pass_one(1.0, 0.0)
    mine.look()
    # Let go, it holds again, where it is by then; held, it is let go now.
    assert (mine.held is None) is stays


def test_it_is_given_back_where_the_processors_that_it_had_are_none_of_its_own_any_more(
    mine: Affinity, waiting: threading.Event
) -> None:
    allowed = os.sched_getaffinity(0)
    mine.hold()
    # As after a change of the cpuset: the kernel takes none of these.
    mine._allowed = {os.sysconf("SC_NPROCESSORS_CONF") + 7}
    mine.release()
    assert mine.held is None and all(one == allowed for one in places())
    mine.hold()
    assert mine.held in allowed


def test_what_a_thread_begins_anywhere_is_not_held(mine: Affinity) -> None:
    allowed = os.sched_getaffinity(0)
    mine.hold()
    telling = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
    with mine.anywhere():
        begun = subprocess.Popen(telling, stdout=subprocess.PIPE)
    assert os.sched_getaffinity(0) == {mine.held}
    assert json.loads(begun.communicate()[0]) == sorted(allowed)


def test_a_processor_that_tells_no_times_is_not_held() -> None:
    allowed = os.sched_getaffinity(0)

    def untold(place: int) -> Times:
        raise OSError("not told")

    silent = Affinity(untold)
    silent.hold()
    silent.look()
    assert silent.held is None and all(one == allowed for one in places())


def test_it_lets_go_where_a_stranger_burns_the_same_processor() -> None:
    assert python(_CROWDED) == "True\n"


def test_a_server_holds_its_threads_unless_it_is_told_not_to(tmp_path: Path) -> None:
    ledger(tmp_path)
    allowed = os.sched_getaffinity(0)
    with running(tmp_path, SELENE_ONE_PROCESSOR="off") as server:
        assert all(one == allowed for one in places(server.process.pid))
    with running(tmp_path) as server:
        # On a busy machine it may have let go, for a second.
        until = time.monotonic() + PATIENCE_S
        while (
            len(set(map(frozenset, found := places(server.process.pid)))) > 1 or found[0] == allowed
        ):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert len(found[0]) == 1


def test_the_command_of_a_server_s_hook_is_not_held(tmp_path: Path) -> None:
    key = ledger(tmp_path)
    told = tmp_path / "told"
    hook = f"grep Cpus_allowed_list: /proc/self/status > {told}.new; mv {told}.new {told}"
    waits = ("--seal-every", "100ms", "--hook", hook)
    with running(tmp_path, *waits, key=key) as server:
        assert server.turn("order-17").status == 201
        until = time.monotonic() + PATIENCE_S
        while not told.exists():
            assert time.monotonic() < until, server.log()
            time.sleep(0.05)
    allowed = Path("/proc/self/status").read_text().partition("Cpus_allowed_list:")[2].split()[0]
    assert told.read_text().split()[1] == allowed


def test_there_is_nothing_to_hold_where_there_is_one_processor() -> None:
    source = (
        "import os; from selene_os.edges.processors import one_processor\n"
        "assert one_processor() is not None\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "print(one_processor())"
    )
    assert python(source) == "None\n"
    assert one_processor() is not None
