"""Commits: audit row, replay input, conversation row and outbox row, durable in one transaction."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, process_time

from bench.peers import ConnectionEach, EventSourcing, Ours, Peer, SharedConnection
from bench.rounds import Callers, Crowd, Effort, crowds, measure
from bench.rows import Source
from bench.table import Bound, Figure, compare

Make = Callable[[Path, str], Peer]


def figures(effort: Effort) -> list[Figure]:
    """Every figure of single commits."""
    return [*_eight(effort), *_sixty_four(effort), *_one_cpu(effort), *_one_durable(effort)]


def _eight(effort: Effort) -> list[Figure]:
    taken = _crowds(8, effort, Ours, EventSourcing, ConnectionEach)
    rates = {name: [crowd.rate for crowd in done] for name, done in taken.items()}
    p99s = {name: [crowd.p99_ms for crowd in done] for name, done in taken.items()}
    worst = {name: [crowd.worst_ms for crowd in done] for name, done in taken.items()}
    ours, library, each = Ours.name, EventSourcing.name, ConnectionEach.name
    return [
        compare(f"commit, 8 callers / {library}", "/s", rates[ours], rates[library],
                Bound(least=1.2)),
        compare(f"commit, 8 callers / {each}", "/s", rates[ours], rates[each], Bound(least=5)),
        compare(f"commit p99, 8 callers / {each}", "ms", p99s[ours], p99s[each],
                Bound(most=0.1)),
        compare(f"commit p99, 8 callers / {library}", "ms", p99s[ours], p99s[library]),
        compare(f"longest wait, 8 callers / {each}", "ms", worst[ours], worst[each]),
    ]  # fmt: skip


def _sixty_four(effort: Effort) -> list[Figure]:
    taken = _crowds(64, effort, Ours, SharedConnection)
    rates = {name: [crowd.rate for crowd in done] for name, done in taken.items()}
    ours, shared = rates[Ours.name], rates[SharedConnection.name]
    return [
        compare(f"commit, 64 callers / {SharedConnection.name}", "/s", ours, shared,
                Bound(least=2))
    ]  # fmt: skip


def _crowds(callers: int, effort: Effort, *makes: Make) -> dict[str, list[Crowd]]:
    """What each peer's callers did, round by round."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peers = _open(stack, Path(folder), "FULL", *makes)
        waiting = {
            name: Callers(peer, Source(), callers, effort.seconds) for name, peer in peers.items()
        }
        return crowds(waiting, effort.rounds, f"commit, {callers} callers")


def _one_cpu(effort: Effort) -> list[Figure]:
    """Processor time of one caller's commits, of all threads; nothing waits for a disk."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peers = _open(stack, Path(folder), "OFF", Ours, SharedConnection)
        work = {name: _commits(peer, effort.commits, process_time) for name, peer in peers.items()}
        taken = measure(work, effort.rounds, "commit, CPU us")
    return [
        compare("commit CPU, 1 caller / bare inserts", "us", taken[Ours.name],
                taken[SharedConnection.name], Bound(most=3))
    ]  # fmt: skip


def _one_durable(effort: Effort) -> list[Figure]:
    """What one caller gets durably: that is the disk's figure, printed and not judged."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peers = _open(stack, Path(folder), "FULL", Ours, SharedConnection, EventSourcing)
        count = effort.commits // 2
        work = {name: _commits(peer, count, perf_counter) for name, peer in peers.items()}
        taken = measure(work, effort.rounds, "commit, 1 caller, us")
    rates = {name: [1e6 / each_us for each_us in spent] for name, spent in taken.items()}
    return [
        compare(f"durable commit, 1 caller / {name}", "/s", rates[Ours.name], rates[name])
        for name in (SharedConnection.name, EventSourcing.name)
    ]


def _open(stack: ExitStack, folder: Path, synchronous: str, *makes: Make) -> Mapping[str, Peer]:
    """Open peers, each in a folder of its own; the stack closes them."""
    peers: dict[str, Peer] = {}
    for number, make in enumerate(makes):
        place = folder / str(number)
        place.mkdir()
        peer = make(place, synchronous)
        stack.callback(peer.close)
        peers[peer.name] = peer
    return peers


def _commits(peer: Peer, count: int, clock: Callable[[], float]) -> Callable[[], float]:
    """A turn of one caller: microseconds of the clock for each commit.

    The median of ten parts, so that a checkpoint or a neighbour's burst stands for itself.
    """
    source = Source()
    commit = peer.caller()
    part = max(1, count // 10)

    def turn() -> float:
        spent = []
        for _ in range(10):
            items = [peer.prepare(unit) for unit in source.units(part)]
            began = clock()
            for item in items:
                commit(item)
            spent.append((clock() - began) / part * 1e6)
        return statistics.median(spent)

    return turn
