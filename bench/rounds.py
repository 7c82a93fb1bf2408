"""Rounds: the same work by each peer in turn, so that what disturbs the machine disturbs them all.

Peers take turns within a round, and the first one of a round goes last in the next. Before each
turn the garbage is collected and what lives is frozen, so that nobody pays for another's objects.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from bench.peers import Commit, Peer
from selene_os.ledger.events import Unit

_JOIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured; `--quick` takes less of everything.

    Attributes:
        rounds: how often each peer has its turn, after one turn to warm up.
        seconds: how long one turn of concurrent callers lasts.
        commits: commits of one turn of a single caller.
        batches: rounds of one batch each; a ledger that grew by more is another measure.
        traces: reads of one turn.
        ledger_rows: rows of the large ledger whose traces are read.
        memory_rows: rows that one process appends.
        postgres_rows: rows of the PostgreSQL ledger whose traces are read.
    """

    rounds: int = 7
    seconds: float = 2.0
    commits: int = 2_000
    batches: int = 15
    traces: int = 4_000
    ledger_rows: int = 100_000
    memory_rows: int = 1_000_000
    postgres_rows: int = 1_000_000


QUICK = Effort(3, 0.5, 500, 15, 1_000, 100_000, 100_000, 100_000)
_noted: list[str] = []


def say(line: str) -> None:
    """Progress, for whoever waits."""
    print(line, file=sys.stderr, flush=True)


def note(line: str) -> None:
    """Something to print with the table: a setting that figures rest on, or a peer left out."""
    if line not in _noted:
        _noted.append(line)


def notes() -> list[str]:
    """What was noted, each line once."""
    return _noted


def turns(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """(round, name): a warm-up with round -1, then each name once a round, rotated."""
    for number in range(-1, rounds):
        shift = number % len(names)
        for name in (*names[shift:], *names[:shift]):
            gc.collect()
            gc.freeze()
            yield number, name


def measure(
    work: Mapping[str, Callable[[], float]], rounds: int, title: str
) -> dict[str, list[float]]:
    """One figure a round from each; the warm-up's are thrown away."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for number, name in turns(tuple(work), rounds):
        figure = work[name]()
        if number >= 0:
            taken[name].append(figure)
    say(f"{title}: " + "; ".join(f"{name} {_few(values)}" for name, values in taken.items()))
    return taken


def _few(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


@dataclass(frozen=True, slots=True)
class Crowd:
    """What concurrent callers did in one turn.

    Attributes:
        rate: commits a second, from the common start to the last one's end.
        p99_ms: the 99th percentile of how long a commit took its caller.
        worst_ms: the longest of these; callers that starve make few commits, and p99 hides them.
    """

    rate: float
    p99_ms: float
    worst_ms: float


class Units(Protocol):
    """Where callers get what they commit, each of them in turn."""

    def units(self, count: int) -> list[Unit]:
        """As many units of one caller, never the same again."""


class Callers:
    """Threads that commit, each one commit after the other, until the time is up."""

    def __init__(self, peer: Peer, source: Units, callers: int, seconds: float) -> None:
        self._peer = peer
        self._source = source
        self._callers = callers
        self._seconds = seconds
        # Units are made before the clock starts: as many as the last turn needed, and half more.
        self._stock = 12_000 * seconds

    def turn(self) -> Crowd:
        """One turn."""
        share = max(50, int(self._stock / self._callers))
        # Dealt out one by one: ids rise with time over all callers, as the real ones do.
        shares: list[list[Any]] = [[] for _ in range(self._callers)]
        for _ in range(share):
            for items in shares:
                items += map(self._peer.prepare, self._source.units(1))
        gc.collect()
        gc.freeze()
        start = threading.Barrier(self._callers + 1)
        waits: list[list[float]] = [[] for _ in shares]
        failed: list[BaseException] = []

        def call(items: list[Any], waited: list[float]) -> None:
            try:
                commit = self._peer.caller()
                start.wait()
                _commit_until(commit, items, waited, perf_counter() + self._seconds)
            except BaseException as error:
                failed.append(error)
                start.abort()

        threads = [
            threading.Thread(target=call, args=pair) for pair in zip(shares, waits, strict=True)
        ]
        for thread in threads:
            thread.start()
        start.wait()
        began = perf_counter()
        for thread in threads:
            thread.join(_JOIN_S)
        took = perf_counter() - began
        if failed:
            raise failed[0]
        done = sorted(wait for waited in waits for wait in waited)
        self._stock = 1.5 * max(len(waited) for waited in waits) * self._callers
        p99 = done[int(0.99 * (len(done) - 1))]
        return Crowd(len(done) / took, 1_000 * p99, 1_000 * done[-1])


def _commit_until(commit: Commit, items: list[Any], waited: list[float], until: float) -> None:
    """Commit one after the other; each one's wait is noted."""
    before = perf_counter()
    for item in items:
        commit(item)
        after = perf_counter()
        waited.append(after - before)
        if after >= until:
            break
        before = after


def crowds(peers: Mapping[str, Callers], rounds: int, title: str) -> dict[str, list[Crowd]]:
    """What each peer's callers did, round by round."""
    taken: dict[str, list[Crowd]] = {name: [] for name in peers}
    for number, name in turns(tuple(peers), rounds):
        crowd = peers[name].turn()
        if number >= 0:
            taken[name].append(crowd)
    for name, done in taken.items():
        told = "; ".join(
            f"{crowd.rate:.0f}/s p99 {crowd.p99_ms:.1f} worst {crowd.worst_ms:.0f} ms"
            for crowd in done
        )
        say(f"{title}, {name}: {told}")
    return taken
