"""Reads: the events of one conversation of 3 to 20 rows, out of a small and a large ledger."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Final

import apsw

from bench import rows
from bench.peers import EventSourcing
from bench.rounds import Effort, measure, say
from bench.table import Bound, Figure, compare
from selene_os.ledger.sqlite import statements
from selene_os.ledger.sqlite.connection import READER_CACHE_KIB
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.names import CorrelationId

SMALL: Final = 1_000
_BATCH: Final = 1_000
_SHORTEST, _LONGEST = 3, 20


def figures(effort: Effort) -> list[Figure]:
    """Reads of both ledgers in the same rounds, and how each one's rate moves with size."""
    sizes = (SMALL, effort.ledger_rows)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        work: dict[str, Callable[[], float]] = {}
        for rows_ in sizes:
            place = Path(folder) / str(rows_)
            place.mkdir()
            work |= _readers(stack, place, rows_, effort.traces)
        taken = measure(work, effort.rounds, "trace, conversations/s")
    found = []
    for rows_ in sizes:
        ours = taken[f"selene {rows_}"]
        found += [
            compare(f"trace of {rows_:,} rows / raw SELECT", "/s", ours, taken[f"raw {rows_}"],
                    Bound(least=0.45)),
            compare(f"trace of {rows_:,} rows / {EventSourcing.name}", "/s", ours,
                    taken[f"{EventSourcing.name} {rows_}"], Bound(least=1)),
        ]  # fmt: skip
    to_raw = {
        rows_: [
            ours / raw
            for ours, raw in zip(taken[f"selene {rows_}"], taken[f"raw {rows_}"], strict=True)
        ]
        for rows_ in sizes
    }
    found.append(
        compare(f"trace / raw at {sizes[1]:,} against {sizes[0]:,} rows", "of raw",
                to_raw[sizes[1]], to_raw[sizes[0]], Bound(least=0.85))
    )  # fmt: skip
    return found


def _readers(
    stack: ExitStack, folder: Path, count: int, traces: int
) -> dict[str, Callable[[], float]]:
    """The three ways to read, over the same conversations in the same order."""
    say(f"filling a ledger of {count:,} rows")
    store = SqliteStore(rows.new_ledger(folder / "selene.db"))
    stack.callback(store.close)
    library = EventSourcing(folder)
    stack.callback(library.close)
    correlations = _fill(store, library, count)
    picked = random.Random(count).choices(correlations, k=traces)
    raw = _raw(store.path)
    stack.callback(raw.close)

    def by_store() -> int:
        return sum(len(store.trace(rows.TENANT, correlation)) for correlation in picked)

    def by_raw() -> int:
        # The store's own statement; rows stay the driver's tuples.
        sql, tenant = statements.TRACE, rows.TENANT
        return sum(
            len(raw.execute(sql, (tenant, correlation)).fetchall()) for correlation in picked
        )

    def by_library() -> int:
        return sum(len(library.select(correlation)) for correlation in picked)

    if not by_store() == by_raw() == by_library():
        raise ValueError("the readers did not find the same rows")
    return {
        f"selene {count}": _timed(by_store, traces),
        f"raw {count}": _timed(by_raw, traces),
        f"{EventSourcing.name} {count}": _timed(by_library, traces),
    }


def _timed(read: Callable[[], int], traces: int) -> Callable[[], float]:
    def turn() -> float:
        began = perf_counter()
        read()
        return traces / (perf_counter() - began)

    return turn


def _raw(path: str) -> apsw.Connection:
    """A connection that only reads, with the cache of the store's own readers."""
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
    return connection


def _fill(store: SqliteStore, library: EventSourcing, count: int) -> Sequence[CorrelationId]:
    """Write the same conversations to both, turns interleaved as those of many users are."""
    conversations = list(rows.Source().conversations(count, _SHORTEST, _LONGEST))
    made = [
        unit
        for turn in range(_LONGEST)
        for unit in (conversation[turn] for conversation in conversations
                     if turn < len(conversation))
    ]  # fmt: skip
    for start in range(0, count, _BATCH):
        batch = made[start : start + _BATCH]
        rows.append(store, batch)
        library.append_events(list(chain.from_iterable(unit.events for unit in batch)))
    return [conversation[0].events[0].correlation_id for conversation in conversations]
