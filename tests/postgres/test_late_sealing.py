"""What a sealer meets on a server alone: its own transaction there, and others that stay open."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

import servers
from ledgers import Ledger
from postgres_databases import PostgresDatabase
from processes import wait
from selene_os.ledger.events import AuditEvent, ReplayRecord, Unit
from servers import SUPERUSER
from simulation.sealing_drills import DRILLS, SealingProcess, check_sealed_once, units


@pytest.fixture(params=servers.usual())
def served(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """A ledger on a server."""
    ledger = Ledger(PostgresDatabase.fresh(request.param))
    yield ledger
    ledger.store.close()
    ledger.database.drop()


@contextmanager
def owner(ledger: Ledger) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the server's owner."""
    assert isinstance(ledger.database, PostgresDatabase)
    url = ledger.database.url(SUPERUSER)
    with psycopg.connect(url, autocommit=True, options="-c search_path=os_core") as connection:
        yield connection


@pytest.mark.parametrize("table", ["merkle_leaves", "merkle_nodes", "signing_keys"])
def test_a_sealer_that_is_killed_while_the_server_seals_leaves_each_row_sealed_once(
    served: Ledger, table: str
) -> None:
    for unit in units(served, "row", 30):
        served.commit(unit)
    with owner(served) as connection:
        with connection.transaction():
            connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
            running = SealingProcess(served.database.url(), 10)
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            wait(lambda: connection.execute(waits).fetchone() == (1,), "stopped within")
            told = running.kill()
        assert told == []
    check_sealed_once(served, [], told)


def insert(connection: psycopg.Connection[Any], unit: Unit) -> None:
    """Write a unit's rows in whatever transaction is open."""
    for table, row in (("audit_events", unit.events[0]), ("replay_inputs", unit.records[0])):
        columns = (AuditEvent if table == "audit_events" else ReplayRecord)._fields
        connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" VALUES ({', '.join(['%s'] * len(columns))})",
            row,
        )


def test_transactions_that_stay_open_while_later_rows_are_sealed_are_sealed_too(
    served: Ledger,
) -> None:
    chance, late = random.Random(8), []
    for number in range(20 if DRILLS else 3):
        with owner(served) as one, owner(served) as other:
            early = units(served, f"early-{number}", 12)
            one.execute("BEGIN")
            other.execute("BEGIN")
            for place, unit in enumerate(early):
                insert(one if place % 2 else other, unit)
            for unit in units(served, f"between-{number}", 12):
                served.commit(unit)
            running = SealingProcess(served.database.url(), chance.choice((1, 5, 1_000)))
            wait(lambda: not served.store.proofs.unsealed_tenants(), "what is there is sealed")
            one.execute("COMMIT")
            other.execute(chance.choice(("COMMIT", "ROLLBACK")))
            late += [unit.events[0].event_id for unit in early[1::2]]
            wait(lambda: not served.store.proofs.unsealed_tenants(), "what came late is sealed")
            told = running.kill()
    check_sealed_once(served, late, told)
