"""Who waits for whom: two users of one conversation do, two tenants never."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import psycopg
import pytest

from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    PROFILE,
    START_NS,
    TABLES,
    TALK,
    Ledger,
)
from postgres.sieges import APP, HIDDEN, HONEST, HOSTILE, Siege
from selene_os.errors import Overtaken, Refusal
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import Unit
from selene_os.ledger.postgres import commits, statements
from selene_os.ledger.postgres.store import PostgresStore
from selene_os.ledger.store import Verdict
from selene_os.names import CorrelationId

FRESH: Final = CorrelationId("f" * 32)
ROUNDS: Final = 20
Asked = tuple[str, tuple[object, ...]]
_MODES: Final = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
    "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip
_CATALOGS: Final = ("pg_class", "pg_proc", "pg_authid", "pg_statistic", "pg_largeobject")


def _commit(unit: Unit) -> Asked:
    runs = commits.encode(commits.runs_of([(0, unit)]))
    return statements.COMMIT, (unit.events[0].tenant_id, runs, False)


def _writes(ledger: Ledger, scope: Scope, talk: CorrelationId) -> Iterator[Asked]:
    """Every write that waits for a lock, and whatever else there is, of one user."""
    scribe, tenant, user = ledger.scribe, scope.tenant_id, scope.user_id
    last = ledger.store.last_profile(tenant, user)
    assert last is not None
    known = scribe.unit(scope=scope, correlation=talk, turn=80, key="next of a known talk")
    yield _commit(replace(known, next_turn=True))
    fresh = scribe.unit(scope=scope, correlation=FRESH, key="first of a fresh talk")
    yield _commit(replace(fresh, next_turn=True))
    profile = scribe.unit(PROFILE, scope, correlation=talk, turn=81, key="profile")
    yield _commit(replace(profile, after_profile=last.event_id))
    whole = scribe.unit(scope=scope, correlation=talk, turn=82, key="whole", more=(PROFILE,))
    yield _commit(whole)
    memory = scribe.memory(scope=scope, memory_key="held", key="held")
    yield statements.APPEND_MEMORY, (tenant, commits.encode_memory(memory))
    yield statements.REBUILD_MEMORY, (tenant, user)
    said = scribe.utterance(scope=scope, correlation=talk, turn=83)
    yield statements.APPEND_UTTERANCE, (*said, False)
    yield statements.REGISTER, (tenant, user, scope.device_id, "night", START_NS, False)
    yield statements.SET_TENANT, (tenant, '{"zone": "UTC"}')
    yield statements.SET_IDENTITY_STATUS, (tenant, user, "ACTIVE")
    yield statements.CLOSE_SESSION, (tenant, "night", START_NS, False)


def _unhindered(siege: Siege, role: str) -> None:
    """All that alice may have written is written at once."""
    with siege.connect(role) as connection:
        connection.execute("SET lock_timeout = '200ms'")
        for statement, values in _writes(siege.ledger, ALICE, TALK):
            answered = connection.execute(statement.encode(), values).fetchall()
            assert answered[0][0] in (None, 2, "", [True, None], True), (statement, answered)


def _taken(connection: psycopg.Connection[tuple[object, ...]], tried: list[str]) -> list[str]:
    """Those of some statements that this login may run, left open in its transaction."""
    taken = []
    connection.execute("SET LOCAL lock_timeout = '200ms'")
    for statement in tried:
        try:
            with connection.transaction():
                connection.execute(statement.encode())
            taken.append(statement)
        except psycopg.errors.DatabaseError as error:
            assert (error.sqlstate or "")[:2] in ("42", "SE", "0A"), (statement, error)
    return taken


@pytest.mark.parametrize("victim", [APP, HONEST])
def test_no_lock_that_a_tenant_can_take_holds_up_another(siege: Siege, victim: str) -> None:
    # What the functions took before they locked rows, and what others are likely to.
    names = ("acme", "acme/alice", f"acme/{TALK}", f"acme/{FRESH}", TALK, "alice")
    keys = [f"hashtextextended('{name}', {seed})" for name in names for seed in range(5)]
    keys += [f"hashtext('{name}')" for name in names] + ["0", "1"]
    advisory = [f"SELECT pg_advisory_lock({key})" for key in keys]
    advisory += [f"SELECT pg_advisory_xact_lock({one}, {two})" for one in (0, 1) for two in (0, 1)]
    tables = [f"os_core.{table}" for table in (*TABLES, "schema_migrations")]
    whole = [f"LOCK TABLE {t} IN {m} MODE" for t in (*tables, *_CATALOGS) for m in _MODES]
    strengths = ("UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE")
    rows = [f"SELECT * FROM {table} FOR {strength}" for table in tables for strength in strengths]
    with siege.connect(HOSTILE) as connection, connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL selene.tenant = 'acme'")
        taken = _taken(connection, [*advisory, *whole, *rows])
        # Any table may be read, and an advisory lock is anybody's.
        assert {*advisory} <= {*taken}
        assert not {*rows} & {*taken}
        assert all("IN ACCESS SHARE MODE" in lock for lock in {*taken} - {*advisory})
        _unhindered(siege, victim)


@pytest.mark.parametrize("victim", [APP, HONEST])
def test_no_write_of_a_tenant_holds_up_another(siege: Siege, victim: str) -> None:
    # Of the same talks, keys and names, wherever both tenants may have them.
    asked = [*_writes(siege.ledger, CAROL, TALK), *_refused(siege.ledger)]
    with siege.connect(HOSTILE) as connection, connection.transaction(force_rollback=True):
        for statement, values in asked:
            connection.execute(statement.encode(), values)
        for table in {*TABLES} - {*HIDDEN}:
            connection.execute(f"SELECT * FROM os_core.{table}".encode())
        _unhindered(siege, victim)


def _refused(ledger: Ledger) -> Iterator[Asked]:
    """Writes of globex's that name what is acme's, and are told that there is no such thing."""
    stranger = replace(CAROL, user_id=ALICE.user_id, device_id=ALICE.device_id)
    yield _commit(ledger.scribe.unit(scope=stranger, correlation=TALK, turn=90, key="theirs"))
    yield statements.REBUILD_MEMORY, (CAROL.tenant_id, ALICE.user_id)
    memory = ledger.scribe.memory(scope=stranger, key="theirs")
    yield statements.APPEND_MEMORY, (CAROL.tenant_id, commits.encode_memory(memory))


def test_the_locks_would_show(siege: Siege) -> None:
    """One of acme's own holds acme up: each of those that must be one after the other."""
    waited = []
    writes = [*_writes(siege.ledger, ALICE, TALK)]
    for statement, values in writes[:3] + writes[4:6]:
        with siege.connect(HONEST) as holder, holder.transaction(force_rollback=True):
            holder.execute(statement.encode(), values)
            with siege.connect(APP) as connection:
                connection.execute("SET lock_timeout = '50ms'")
                try:
                    connection.execute(statement.encode(), values)
                except psycopg.errors.LockNotAvailable:
                    waited.append(statement)
    assert len(waited) == 5


# ---- two users, one conversation


def _raced(stores: list[PostgresStore], units: list[Unit]) -> list[Verdict]:
    """What became of units that several stores commit at the same moment."""
    gate = threading.Barrier(len(units))

    def commit(store: PostgresStore, unit: Unit) -> Verdict:
        gate.wait(timeout=10)
        return store.commit([unit])[0]

    with ThreadPoolExecutor(len(units)) as pool:
        return list(pool.map(commit, stores, units))


@pytest.mark.parametrize("apart", [True, False], ids=["two stores", "one store"])
def test_of_two_users_one_takes_the_first_turn(siege: Siege, apart: bool) -> None:
    stores = [PostgresStore(siege.database.url()) for _ in range(2 if apart else 1)]
    scribe = siege.ledger.scribe
    winners = set()
    try:
        for number in range(ROUNDS):
            talk = CorrelationId(f"{number + 100:032x}")
            units = [
                replace(
                    scribe.unit(scope=one, correlation=talk, turn=1, key=f"by {one.user_id}"),
                    next_turn=True,
                )
                for one in (ALICE, BOB)
            ]
            verdicts = _raced([stores[0], stores[-1]], units)
            refused = [one for one in verdicts if isinstance(one, Refusal)]
            assert [type(one) for one in refused] == [Overtaken], (number, verdicts)
            (winner,) = (n for n, one in enumerate(verdicts) if not isinstance(one, Refusal))
            winners.add(winner)
            written = siege.ledger.store.trace(ACME, talk)
            assert written == list(units[winner].events)
            assert len(siege.ledger.store.conversation(ACME, talk)) == 1
    finally:
        for store in stores:
            store.close()
    assert winners
