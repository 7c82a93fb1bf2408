"""Proof on SQLite: sealing, what it takes from commits, proving, verifying, hashing leaves."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from os import cpu_count
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, Final

import apsw

from bench import rows
from bench.peers import INSERTS, Commit, Ours, Peer, SharedConnection
from bench.proof_rows import (
    BATCH,
    CHAIN,
    LAST_LINK,
    SIGNER,
    absolute,
    canonical_leaf,
    fill,
    link,
    prove_ms,
    seal_rate,
    sealer,
)
from bench.rounds import Callers, Crowd, Effort, crowds, measure, note, say, turns
from bench.table import Bound, Figure, compare
from selene_os.edges.verifying import many_processes, one_process
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.ledger.store import Store
from selene_os.proof.key_chain import origin_of
from selene_os.proof.leaves import leaf_of
from selene_os.proof.verification import Check, verify

CALLERS: Final = 8
EVERY_S: Final = 0.1
_PROOFS: Final = 200


def figures(effort: Effort) -> list[Figure]:
    """Every figure of proof on one file."""
    return [*_leaves(effort), *_sealing(effort), *_beside_commits(effort), *_big_tree(effort)]


def _leaves(effort: Effort) -> list[Figure]:
    """Leaves a second of rows in memory: our encoding against canonical JSON."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(rows.new_ledger(Path(folder) / "selene.db"))
        fill(store, rows.Source(), BATCH)
        made = store.proofs.unsealed(rows.TENANT, BATCH) * 20
        store.close()

    def rate(leaf: Callable[[Any], bytes]) -> Callable[[], float]:
        def turn() -> float:
            began = perf_counter()
            for row in made:
                leaf(row)
            return len(made) / (perf_counter() - began)

        return turn

    work = {"ours": rate(leaf_of), "canonical JSON": rate(canonical_leaf)}
    taken = measure(work, effort.rounds, "leaves/s")
    title = "leaf of a row / canonical JSON"
    return [compare(title, "/s", taken["ours"], taken["canonical JSON"], Bound(least=1.5))]


def _sealing(effort: Effort) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(rows.new_ledger(Path(folder) / "selene.db"))
        source = rows.Source()
        work = {"sealing": lambda: seal_rate(store, source, 10)}
        taken = measure(work, effort.rounds, "sealing in batches of 1,000, rows/s")
        store.close()
    return [absolute("sealing, batches of 1,000 / a limit", "/s", taken["sealing"], 60_000)]


class SealedMeanwhile:
    """Callers of a store, and a sealer in the same process as long as their turn lasts."""

    def __init__(self, callers: Callers, store: Store) -> None:
        self._callers = callers
        self._sealer = sealer(store)

    def turn(self) -> Crowd:
        """One turn; what is left behind it is sealed when nobody measures."""
        stop = threading.Event()

        def seal() -> None:
            while not stop.wait(EVERY_S):
                self._sealer.seal_all()

        thread = threading.Thread(target=seal)
        thread.start()
        try:
            return self._callers.turn()
        finally:
            stop.set()
            thread.join()
            self._sealer.seal_all()


class Chained(SharedConnection):
    """Bare inserts with a hash chain of the tenant in the same transaction: no seal is needed."""

    name = "bare, with a hash chain"

    def __init__(self, folder: Path, synchronous: str) -> None:
        super().__init__(folder, synchronous)
        self._connection.execute(CHAIN)

    def caller(self) -> Commit:
        connection, lock = self._connection, self._lock

        def one(finished: tuple[tuple[Any, ...], ...]) -> None:
            with lock:
                insert_chained(connection, finished)

        return one


def insert_chained(connection: apsw.Connection, finished: tuple[tuple[Any, ...], ...]) -> None:
    """One transaction of four inserts and the next link."""
    execute, tenant_id = connection.execute, finished[0][0]
    execute("BEGIN IMMEDIATE")
    for statement, row in zip(INSERTS, finished, strict=True):
        execute(statement, row)
    found: list[Any] = execute(LAST_LINK, (tenant_id,)).fetchall()
    place, before = found[0] if found else (0, b"")
    values = (tenant_id, place + 1, link(before, finished))
    execute("INSERT INTO chain (tenant_id, place, hash) VALUES (?, ?, ?)", values)
    execute("COMMIT")


def _beside_commits(effort: Effort) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stores: dict[str, Peer] = {}
        for name, make in (
            ("alone", Ours), ("sealed", Ours), ("bare", SharedConnection), ("chained", Chained),
        ):  # fmt: skip
            place = Path(folder) / name
            place.mkdir()
            stores[name] = make(place, "FULL")
            stack.callback(stores[name].close)
        made: dict[str, Any] = {
            name: Callers(peer, rows.Source(), CALLERS, effort.seconds)
            for name, peer in stores.items()
        }
        sealed: Any = stores["sealed"]
        made["sealed"] = SealedMeanwhile(made["sealed"], sealed.store)
        taken = crowds(made, effort.rounds, f"commit beside sealing, {CALLERS} callers")
    return beside_commits(taken, "")


def beside_commits(taken: Mapping[str, Sequence[Crowd]], before: str) -> list[Figure]:
    """The figures of commits with a sealer, and with a chain, each against without."""
    rates = {name: [crowd.rate for crowd in done] for name, done in taken.items()}
    p99s = {name: [crowd.p99_ms for crowd in done] for name, done in taken.items()}
    return [
        compare(f"{before}commit, 8 callers, sealed each 100 ms / not sealed", "/s",
                rates["sealed"], rates["alone"], Bound(least=0.75)),
        compare(f"{before}commit p99, sealed each 100 ms / not sealed", "ms",
                p99s["sealed"], p99s["alone"]),
        compare(f"{before}bare commit with a hash chain / without", "/s",
                rates["chained"], rates["bare"]),
        compare(f"{before}commit, sealed each 100 ms / bare with a hash chain", "/s",
                rates["sealed"], rates["chained"]),
    ]  # fmt: skip


def _big_tree(effort: Effort) -> list[Figure]:
    """Proofs from a tree of 1,000,000 rows, and verifying all of it."""
    total = effort.memory_rows
    with tempfile.TemporaryDirectory() as folder:
        path = rows.new_ledger(Path(folder) / "selene.db")
        store = SqliteStore(path, synchronous="OFF")
        fill(store, rows.Source(), total)
        sealer(store).seal_all()
        store.close()
        store = SqliteStore(path)
        chance = Random(1)
        proofs = prove_ms(store, [chance.randrange(total) for _ in range(_PROOFS)])
        rates: dict[str, list[float]] = {"one": [], "all": []}
        cores = cpu_count() or 1
        checks: dict[str, Check] = {
            "one": one_process(store, rows.TENANT),
            "all": many_processes(path, rows.TENANT, cores),
        }
        for number, name in turns(tuple(checks), max(2, effort.rounds // 2)):
            if number >= 0:
                rates[name].append(_verify(store, checks[name], total))
        store.close()
    say(f"verify, rows/s: {rates}")
    note(f"verifying {total:,} rows: {cores} processes where it says all cores")
    return [
        absolute(f"inclusion proof, {total:,} rows / a limit", "ms", proofs, 5, most=True),
        absolute("verify, 1 process / a limit", "/s", rates["one"], 100_000),
        compare("verify, all cores / 1 process", "/s", rates["all"], rates["one"]),
    ]


def _verify(store: Store, check: Check, total: int) -> float:
    """Rows verified a second."""
    began = perf_counter()
    origin = origin_of(SIGNER.name, rows.TENANT)
    came = verify(store.proofs, rows.TENANT, origin, [SIGNER.verifier], check)
    took = perf_counter() - began
    if not came.held or came.checked != total:
        raise ValueError(f"it does not hold: {came.differences}")
    return total / took
