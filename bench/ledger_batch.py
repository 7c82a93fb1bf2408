"""Batches: 1,000 decisions in one transaction, encoded and checked, against finished rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import apsw

import selene_os
from bench import rows
from bench.peers import INSERTS, bare_connection, bare_file, bare_rows
from bench.rounds import Effort, measure
from bench.table import Bound, Figure, compare
from selene_os import records
from selene_os.decision import Decision
from selene_os.edges.surroundings import system
from selene_os.ledger.events import Unit
from selene_os.ledger.sqlite.store import SqliteStore

BATCH: Final = 1_000
_SAID: Final = rows.SAID[0]


def figures(effort: Effort) -> list[Figure]:
    """The batch through the facade and through the store, each against the bare inserts."""
    with tempfile.TemporaryDirectory() as folder:
        one, two, three = (Path(folder) / name for name in ("facade", "store", "bare"))
        for place in (one, two, three):
            place.mkdir()
        store = SqliteStore(rows.new_ledger(two / "selene.db"))
        bare = bare_connection(bare_file(three), "FULL")
        # With keys of its own, which a ledger that is used has.
        with selene_os.open(rows.new_ledger(one / "selene.db"), create=True) as selene:
            work = {
                "facade": _turn(_by_facade(selene.tenant(rows.TENANT))),
                "store": _turn(_by_store(store)),
                "bare": _turn(_by_bare(bare)),
            }
            # One batch a turn and many rounds: a neighbour's burst then meets few of them.
            taken = measure(work, effort.batches, "batch of 1,000, rows/s")
        store.close()
        bare.close()
    return [
        compare(f"batch of 1,000, {name} / bare executemany", "/s", taken[name], taken["bare"],
                Bound(least=0.3))
        for name in ("facade", "store")
    ]  # fmt: skip


# What is ready before the clock starts, and then the batch itself.
Prepare = Callable[[], Callable[[], None]]


def _turn(prepare: Prepare) -> Callable[[], float]:
    """Decisions a second of one batch."""

    def turn() -> float:
        batch = prepare()
        began = perf_counter()
        batch()
        return BATCH / (perf_counter() - began)

    return turn


def _by_facade(tenant: Any) -> Prepare:
    """`Tenant.commit_decisions`: parsing names, making ids, encoding, checks, commit, receipts.

    The decisions and what was said are there before; that is the team's own work.
    """

    def prepare() -> Callable[[], None]:
        brought = [
            selene_os.Brought(decision, rows.USER, rows.DEVICE, rows.SESSION, text=_SAID)
            for decision in rows.decisions(BATCH)
        ]

        def batch() -> None:
            for verdict in tenant.commit_decisions(brought):
                if not isinstance(verdict, selene_os.Committed):
                    raise ValueError(f"the ledger refused a row: {verdict}")

        return batch

    return prepare


def _by_store(store: SqliteStore) -> Prepare:
    """Encoding by the codec, and `SqliteStore.commit`: the same without parsing of names."""
    source = rows.Source()

    def prepare() -> Callable[[], None]:
        decisions = rows.decisions(BATCH)
        return lambda: rows.append(store, _units(source, decisions))

    return prepare


def _by_bare(connection: apsw.Connection) -> Prepare:
    """apsw's executemany of finished rows into bare tables, a call a table, one transaction."""
    source = rows.Source()

    def prepare() -> Callable[[], None]:
        made = _units(source, rows.decisions(BATCH))
        tables = list(zip(*(bare_rows(unit) for unit in made), strict=True))

        def batch() -> None:
            connection.execute("BEGIN IMMEDIATE")
            for statement, finished in zip(INSERTS, tables, strict=True):
                connection.executemany(statement, finished)
            connection.execute("COMMIT")

        return batch

    return prepare


def _units(source: rows.Source, decisions: list[Decision]) -> list[Unit]:
    """Each decision as the first turn of its own conversation."""
    event_id = system().event_id
    return [
        rows.unit_of(
            source.place(source.correlation_id(), 1),
            records.entry_brought(decision),
            _SAID,
            event_id(),
        )
        for decision in decisions
    ]
