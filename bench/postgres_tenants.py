"""One tenant with 8 writers against 8 tenants with one: what a tenant's writers cost each other.

Twice: each writer with its own user, device and session, and all of them with the very same, where
every commit locks the same registered rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from bench import postgres_tables, rows
from bench.postgres_peers import Ours
from bench.postgres_server import Server
from bench.rounds import Callers, Effort, crowds, note
from bench.table import Bound, Figure, compare
from selene_os import names
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import Unit

WRITERS: Final = 8
MANY, OWN, SAME = "8 tenants, a writer each", "8 users of one tenant", "one user of one tenant"


class InTurn:
    """Hands every caller the units of the next source."""

    def __init__(self, sources: Sequence[rows.Source]) -> None:
        self._next = itertools.cycle(sources)

    def units(self, count: int) -> list[Unit]:
        """Units of one scope; the next call's are of the next."""
        return next(self._next).units(count)


def figures(effort: Effort) -> list[Figure]:
    """Both kinds of a shared tenant against tenants of their own, through one store."""
    scopes = {
        MANY: [_scope(f"tenant{number}", number) for number in range(WRITERS)],
        OWN: [_scope("acme", WRITERS + number) for number in range(WRITERS)],
        SAME: [rows.SCOPE] * WRITERS,
    }
    with Server() as server:
        note(server.settings())
        postgres_tables.new_ledger(server, "selene")
        ours = Ours(server, "selene")
        try:
            seeds = itertools.count()
            callers = {}
            for name, writers in scopes.items():
                postgres_tables.register(ours.store, writers)
                source = InTurn([rows.Source(next(seeds), scope) for scope in writers])
                callers[name] = Callers(ours, source, WRITERS, effort.seconds)
            taken = crowds(callers, effort.rounds, "PostgreSQL commit")
        finally:
            ours.close()
    rates = {name: [crowd.rate for crowd in done] for name, done in taken.items()}
    return [
        compare(f"pg commit, {name} / {MANY}", "/s", rates[name], rates[MANY], Bound(least=0.8))
        for name in (OWN, SAME)
    ]


def _scope(tenant: str, number: int) -> Scope:
    """A scope of its own: a device belongs to one tenant alone."""
    return Scope(
        names.TenantId(tenant),
        names.UserId(f"user{number}"),
        names.DeviceId(f"device{number}"),
        names.SessionId(f"session{number}"),
    )
