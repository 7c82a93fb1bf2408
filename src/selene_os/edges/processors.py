"""One processor for one server process, for as long as nobody else needs that one.

Python runs one thread at a time. Where the kernel spreads a process's threads over processors, each
hand-over from one to the next wakes another processor and leaves what was cached behind: a turn
takes half as long again. Linux alone can be told; elsewhere nothing is done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

# Of one processor's time: where it has no more than this to spare, and others take more than this,
# they are in each other's way.
_SHARE: Final = 0.2
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_STAT: Final = Path("/proc/stat")
_OWN_STAT: Final = Path("/proc/self/stat")
_TASKS: Final = Path("/proc/self/task")


class Times(NamedTuple):
    """Of one processor, in seconds: now, how long it worked for any process, and for this one.

    What it does between, for devices or for another virtual machine, is no process's.
    """

    at: float
    worked: float
    own: float


def times_of(place: int) -> Times:
    """Since this machine began; this process must run there alone. Raises OSError: not told."""
    line = next(line for line in _STAT.read_text().splitlines() if line.startswith(f"cpu{place} "))
    user, nice, system = map(int, line.split()[1:4])
    return Times(time.monotonic(), (user + nice + system) / _TICKS_PER_S, time.process_time())


class Affinity:
    """Keeps the threads of this process on one processor, and lets them go where that is crowded.

    `look` is called once a second or so. Where others crowd the processor every thread may run
    anywhere until the next look, by when the kernel has found a better place: so two servers that
    met on one processor part.

    Args:
        times: how long a processor worked, and for whom.
    """

    def __init__(self, times: Callable[[int], Times] = times_of) -> None:
        self._times = times
        self._allowed = os.sched_getaffinity(0)
        self._held: int | None = None
        self._seen = Times(0.0, 0.0, 0.0)

    def hold(self) -> None:
        """Stay where the main thread runs now; with all threads, also those yet to begin."""
        with suppress(OSError, ValueError, IndexError, StopIteration):
            # The processor is the 39th field; the second may hold spaces and parentheses.
            place = int(_OWN_STAT.read_text().rpartition(")")[2].split()[36])
            if place in self._allowed:
                # First: who cannot tell whether it is crowded must not stay.
                self._seen = self._times(place)
                _put({place})
                self._held = place

    def look(self) -> None:
        """Let go where others work too; hold again at the look after that."""
        if self._held is None:
            self.hold()
            return
        with suppress(OSError, ValueError, IndexError, StopIteration):
            before, now = self._seen, self._times(self._held)
            self._seen = now
            passed, worked = now.at - before.at, now.worked - before.worked
            others = worked - (now.own - before.own)
            if others > _SHARE * passed and passed - worked < _SHARE * passed:
                self.release()

    def release(self) -> None:
        """Let every thread run wherever it may."""
        try:
            _put(self._allowed)
        except OSError:
            # None of them is this process's any more; of all there are the kernel gives what is.
            with suppress(OSError):
                _put(_all())
            self._allowed = os.sched_getaffinity(0)
        self._held = None

    @contextmanager
    def anywhere(self) -> Iterator[None]:
        """Let the calling thread run wherever it may: a process that it starts stays so."""
        # Where a look comes between, this thread alone is elsewhere than the rest until the next.
        before = os.sched_getaffinity(0)
        with suppress(OSError):
            os.sched_setaffinity(0, self._allowed)
        try:
            yield
        finally:
            with suppress(OSError):
                os.sched_setaffinity(0, before)

    @property
    def held(self) -> int | None:
        """The processor, or None where threads run anywhere."""
        return self._held


def one_processor() -> Affinity | None:
    """What holds this process to one processor; None where there is no choice, or no way."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        return None
    return Affinity()


def _all() -> set[int]:
    """Every processor of this machine; the kernel leaves out what this process may not use."""
    return set(range(os.sysconf("SC_NPROCESSORS_CONF")))


def _put(processors: set[int]) -> None:
    for task in _TASKS.iterdir():
        # A thread that has ended meanwhile needs no place.
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), processors)
