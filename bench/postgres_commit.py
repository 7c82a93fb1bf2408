"""Commits on PostgreSQL: one turn a commit, by 8 callers against peers, by 64 against ourselves."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from functools import partial
from typing import Final

from bench import postgres_tables, rows
from bench.peers import Peer
from bench.postgres_peers import Bare, EventSourcing, MessageDb, Orm, Ours
from bench.postgres_server import Server
from bench.rounds import Callers, Crowd, Effort, crowds, note
from bench.rows import Source
from bench.table import Bound, Figure, Unmeasured, compare

EIGHT: Final = 8
CROWD: Final = 64
# What 64 callers gain by sharing connections: the rate, or three of every four connections.
_GAIN: Final = Bound(least=1.1)
_NO_LOSS: Final = Bound(least=0.95)


def figures(effort: Effort) -> list[Figure]:
    """Every figure of single commits."""
    return [*_eight(effort), *_sixty_four(effort)]


def _eight(effort: Effort) -> list[Figure]:
    with Server() as server, ExitStack() as stack:
        note(server.settings())
        postgres_tables.new_ledger(server, "selene")
        ours = Ours(server, "selene")
        stack.callback(ours.close)
        postgres_tables.register(ours.store, [rows.SCOPE])
        peers: list[tuple[Peer, Bound]] = []
        for make, bound in (
            (Bare, Bound(least=0.75)),
            (partial(Orm, callers=EIGHT), Bound(least=3)),
            (partial(EventSourcing, kind="application", callers=EIGHT), Bound(least=3)),
            # Printed and not judged: an option that is off, and a recorder that numbers nothing.
            (partial(EventSourcing, kind="functions", callers=EIGHT), Bound()),
            (partial(EventSourcing, kind="aggregate", callers=EIGHT), Bound()),
            (MessageDb, Bound(least=4)),
        ):
            try:
                peer = make(server)
            except Unmeasured as reason:
                if make is not MessageDb:
                    raise
                note(f"{MessageDb.name} was left out: {reason}")
                continue
            stack.callback(peer.close)
            peers.append((peer, bound))
        taken = crowds(
            {peer.name: Callers(peer, Source(), EIGHT, effort.seconds)
             for peer in (ours, *(peer for peer, _ in peers))},
            effort.rounds,
            f"PostgreSQL commit, {EIGHT} callers",
        )  # fmt: skip
    title = f"pg commit, {EIGHT} callers"
    judged = [
        _rates(f"{title} / {peer.name}", taken[ours.name], taken[peer.name], bound)
        for peer, bound in peers
    ]
    return [*judged, _p99s(f"{title}, p99 / {Bare.name}", taken[ours.name], taken[Bare.name])]


def _sixty_four(effort: Effort) -> list[Figure]:
    """The store as it comes against one with a connection for every caller; the same tables."""
    grouped, direct = "selene", "selene, a connection each"
    with Server() as server, ExitStack() as stack:
        postgres_tables.new_ledger(server, "selene")
        stores = [
            Ours(server, "selene", grouped),
            Ours(server, "selene", direct, connections_max=CROWD, leaders_max=CROWD),
        ]
        for store in stores:
            stack.callback(store.close)
        postgres_tables.register(stores[0].store, [rows.SCOPE])
        taken = crowds(
            {store.name: Callers(store, Source(seed), CROWD, effort.seconds)
             for seed, store in enumerate(stores)},
            effort.rounds,
            f"PostgreSQL commit, {CROWD} callers",
        )  # fmt: skip
        held = {store.name: server.connections(store.name) for store in stores}
    saved = 4 * held[grouped] <= held[direct]
    title = f"pg commit, {CROWD} callers, {held[grouped]} / {held[direct]} connections"
    for name, done in taken.items():
        note(f"{title}: p99 of {name} {statistics.median(crowd.p99_ms for crowd in done):.1f} ms")
    return [
        _rates(title, taken[grouped], taken[direct], _NO_LOSS if saved else _GAIN),
        _p99s(f"{title}, p99", taken[grouped], taken[direct]),
    ]


def _rates(title: str, ours: list[Crowd], peer: list[Crowd], bound: Bound) -> Figure:
    return compare(title, "/s", [c.rate for c in ours], [c.rate for c in peer], bound)


def _p99s(title: str, ours: list[Crowd], peer: list[Crowd]) -> Figure:
    return compare(title, "ms", [c.p99_ms for c in ours], [c.p99_ms for c in peer])
