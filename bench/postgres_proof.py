"""Proof on PostgreSQL: sealing, what it takes from commits, proving a row, verifying."""

from __future__ import annotations

from contextlib import ExitStack
from random import Random
from time import perf_counter
from typing import Any

from bench import postgres_tables, rows
from bench.peers import Commit
from bench.postgres_peers import Bare, Ours
from bench.postgres_server import Server
from bench.postgres_tables import INSERTS
from bench.proof import CALLERS, SealedMeanwhile, beside_commits
from bench.proof_rows import (
    SIGNER,
    absolute,
    fill,
    link,
    prove_ms,
    seal_rate,
    sealer,
)
from bench.rounds import Callers, Effort, crowds, measure, note, say
from bench.table import Bound, Figure
from selene_os.edges.verifying import one_process
from selene_os.proof.key_chain import origin_of
from selene_os.proof.verification import verify

_PROOFS = 200


def figures(effort: Effort) -> list[Figure]:
    """Every figure of proof on a server."""
    with Server() as server, ExitStack() as stack:
        note(server.settings())
        return [
            *_sealing(effort, server, stack),
            *_beside_commits(effort, server, stack),
            *_big_tree(effort, server, stack),
        ]


def _open(server: Server, stack: ExitStack, name: str) -> Ours:
    postgres_tables.new_ledger(server, name)
    ours = Ours(server, name, name)
    stack.callback(ours.close)
    postgres_tables.register(ours.store, [rows.SCOPE])
    return ours


def _sealing(effort: Effort, server: Server, stack: ExitStack) -> list[Figure]:
    store, source = _open(server, stack, "sealing").store, rows.Source()
    work = {"sealing": lambda: seal_rate(store, source, 5)}
    taken = measure(work, effort.rounds, "PostgreSQL sealing in batches of 1,000, rows/s")
    return [absolute("pg sealing, batches of 1,000 / a limit", "/s", taken["sealing"], 20_000)]


class Chained(Bare):
    """Bare inserts with a hash chain of the tenant: its head is locked by whoever writes."""

    name = "bare psycopg, with a hash chain"

    def caller(self) -> Commit:
        connection = self._connections.one()

        def one(finished: tuple[tuple[Any, ...], ...]) -> None:
            tenant_id = finished[0][0]
            with connection.transaction():
                found = connection.execute(
                    "SELECT place, hash FROM bare.chain WHERE tenant_id = %s FOR UPDATE",
                    (tenant_id,),
                ).fetchall()
                for statement, row in zip(INSERTS, finished, strict=True):
                    connection.execute(statement, row)
                ((place, before),) = found
                connection.execute(
                    "INSERT INTO bare.links (tenant_id, place, hash) VALUES (%s, %s, %s)",
                    (tenant_id, place + 1, made := link(before, finished)),
                )
                connection.execute(
                    "UPDATE bare.chain SET place = %s, hash = %s WHERE tenant_id = %s",
                    (place + 1, made, tenant_id),
                )

        return one


def _beside_commits(effort: Effort, server: Server, stack: ExitStack) -> list[Figure]:
    made: dict[str, Any] = {}
    sealed = _open(server, stack, "sealed")
    peers = {"alone": _open(server, stack, "alone"), "sealed": sealed}
    bare = Bare(server)
    chained = Chained(server, "chained")
    for peer in (bare, chained):
        stack.callback(peer.close)
    with server.connect("chained") as connection:
        for table, key in (("chain", "tenant_id"), ("links", "tenant_id, place")):
            connection.execute(
                f"CREATE TABLE bare.{table} (tenant_id TEXT, place BIGINT, hash BYTEA,"
                f" PRIMARY KEY ({key}))"
            )
        connection.execute("INSERT INTO bare.chain VALUES (%s, 0, '')", (rows.TENANT,))
    for name, each in (*peers.items(), ("bare", bare), ("chained", chained)):
        made[name] = Callers(each, rows.Source(), CALLERS, effort.seconds)
    made["sealed"] = SealedMeanwhile(made["sealed"], sealed.store)
    taken = crowds(made, effort.rounds, f"PostgreSQL commit beside sealing, {CALLERS} callers")
    return beside_commits(taken, "pg ")


def _big_tree(effort: Effort, server: Server, stack: ExitStack) -> list[Figure]:
    total, store = effort.postgres_rows, _open(server, stack, "tree").store
    fill(store, rows.Source(), total)
    sealer(store).seal_all()
    chance = Random(1)
    proofs = prove_ms(store, [chance.randrange(total) for _ in range(_PROOFS)])
    began = perf_counter()
    origin = origin_of(SIGNER.name, rows.TENANT)
    check = one_process(store, rows.TENANT)
    came = verify(store.proofs, rows.TENANT, origin, [SIGNER.verifier], check)
    rate = total / (perf_counter() - began)
    if not came.held:
        raise ValueError(f"it does not hold: {came.differences}")
    say(f"PostgreSQL verify: {rate:.0f} rows/s")
    return [
        absolute(f"pg inclusion proof, {total:,} rows / a limit", "ms", proofs, 5, most=True),
        absolute("pg verify, 1 process / rows on one file", "/s", [rate], 100_000, Bound()),
    ]
