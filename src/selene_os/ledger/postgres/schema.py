"""A ledger's schema in a database: made, brought up to date, and checked, by whoever may.

Everything happens in one transaction under an advisory lock: two upgrades at once are one after
the other, and one that is cut off leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import errors, sql

from selene_os.errors import LedgerMissing, LedgerUnavailable, SchemaDiffers
from selene_os.ledger import manifests, migrations
from selene_os.ledger.migrations import Plan
from selene_os.ledger.postgres import roles
from selene_os.ledger.postgres.connection import Connection, connect, named, parse, unavailable

SCHEMA: Final = "os_core"
COPY_MARK: Final = "a copy"
VERSION_MIN: Final = 150_000
UPGRADE_WAIT_S: Final = 60
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('selene: schema os_core', 0))"
_TABLE: Final = (
    f"CREATE TABLE {SCHEMA}.schema_migrations (version INTEGER NOT NULL PRIMARY KEY,"
    ' name TEXT COLLATE "C" NOT NULL, digest TEXT COLLATE "C" NOT NULL, applied_at BIGINT NOT NULL)'
)
_NOTE: Final = (
    f"INSERT INTO {SCHEMA}.schema_migrations (version, name, digest, applied_at)"
    " VALUES (%s, %s, %s, %s)"
)
_APPLIED: Final = f"SELECT version, name, digest FROM {SCHEMA}.schema_migrations ORDER BY version"


def create(url: str, at: int) -> Plan:
    """Make the roles, the schema and its tables, as far as they are missing.

    Args:
        url: an address whose login may do so; where it may not, the error says what to run.
        at: nanoseconds since 1970 UTC, noted with each migration.

    Returns:
        What was done.

    Raises:
        LedgerUnavailable: the database cannot be reached, or the login may not do this.
        SchemaDiffers: see `migrations.pending`, or the server is too old.
    """
    with _locked(url) as connection:
        plan = _plan(connection, url)
        if not plan.empty:
            _carry_out(connection, plan, at)
    return plan


def plan(url: str) -> Plan:
    """What `create` would do. Raises as `create`."""
    try:
        with connect(url) as connection:
            return _plan(connection, url)
    except psycopg.Error as error:
        raise unavailable(named(parse(url)), error) from error


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    """A transaction that no other upgrade runs beside."""
    name = named(parse(url))
    connection = connect(url, autocommit=False)
    try:
        with connection:
            connection.execute(f"SET LOCAL lock_timeout = '{UPGRADE_WAIT_S}s'")
            connection.execute(_LOCK)
            yield connection
    except errors.LockNotAvailable as error:
        raise LedgerUnavailable(
            f"another session has held the lock for changes of {name}'s schema for"
            f" {UPGRADE_WAIT_S} s",
            "See pg_locks (locktype advisory) for who does; end that session, or wait.",
        ) from error
    except psycopg.Error as error:
        raise unavailable(name, error) from error


def _plan(connection: Connection, url: str) -> Plan:
    _check_version(connection)
    name = named(parse(url))
    made = _is_made(connection)
    if (
        not made
        and connection.execute(
            "SELECT FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace(%s)", (SCHEMA,)
        ).fetchall()
    ):
        raise SchemaDiffers(
            f"the schema {SCHEMA} of {name} is another program's", "Name another database."
        )
    done = applied(connection) if made else []
    return Plan(
        name,
        tuple(roles.missing(connection)),
        not made,
        migrations.names(done),
        migrations.pending(migrations.load("postgres"), done),
    )


def _is_made(connection: Connection) -> bool:
    """Whether there is a ledger's schema, however old."""
    row = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.schema_migrations",)).fetchone()
    return row is not None and row[0] is not None


def _make_roles(connection: Connection, plan: Plan) -> None:
    if plan.roles and not roles.may_create(connection):
        raise LedgerUnavailable(
            f"{plan.name} lacks the roles {', '.join(plan.roles)}, and may not make them",
            "Let an administrator run, then try again: "
            + " ".join(f"{line};" for line in administrators(connection, plan)),
        )
    for role in plan.roles:
        # Another database of the server may be making them at this moment.
        with (
            suppress(errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_),
            connection.transaction(),
        ):
            for line in roles.statements([role]):
                connection.execute(line)


def _carry_out(connection: Connection, plan: Plan, at: int) -> None:
    _make_roles(connection, plan)
    try:
        with connection.transaction():
            _become_owner(connection, plan)
    except psycopg.errors.InsufficientPrivilege as error:
        raise LedgerUnavailable(
            f"{plan.name} does not let this login make or change the schema {SCHEMA}",
            "Let an administrator run, then try again: "
            + " ".join(f"{line};" for line in administrators(connection, plan)),
        ) from error
    if plan.made:
        connection.execute(_TABLE)
    for migration in plan.waiting:
        connection.execute(migration.sql)
        connection.execute(_NOTE, (migration.version, migration.name, migration.digest, at))
    connection.execute("RESET ROLE")


def _become_owner(connection: Connection, plan: Plan) -> None:
    """Go on as the owner, making the schema first where it is missing."""
    # From 16 on, who makes a role may hand it out, and must do so to become it.
    kind = "SET" if connection.info.server_version >= 160_000 else "MEMBER"
    ((member,),) = connection.execute(
        "SELECT pg_catalog.pg_has_role(current_user, %s, %s)", (roles.OWNER, kind)
    ).fetchall()
    if not member:
        connection.execute(f"GRANT {roles.OWNER} TO CURRENT_USER")
    there = connection.execute(
        "SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", (SCHEMA,)
    ).fetchall()
    if not there:
        connection.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {roles.OWNER}")
    connection.execute(f"SET LOCAL ROLE {roles.OWNER}")


def administrators(connection: Connection, plan: Plan) -> list[str]:
    """What an administrator runs once, so that this login may do the rest."""
    me = connection.info.user
    lines = roles.statements(list(plan.roles))
    lines.append(f"GRANT {roles.OWNER} TO {sql.Identifier(me).as_string()}")
    if plan.made:
        lines.append(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {roles.OWNER}")
    return lines


def script(at: int) -> str:
    """Everything that `create` does to an empty database, as SQL for psql."""
    lines = [
        "-- The roles belong to the server: leave out those that it has already.",
        "BEGIN;",
        f"{_LOCK};",
        *(f"{line};" for line in roles.statements(list(roles.ROLES))),
        f"GRANT {roles.OWNER} TO CURRENT_USER;",
        f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {roles.OWNER};",
        f"SET LOCAL ROLE {roles.OWNER};",
        f"{_TABLE};",
    ]
    lines += migrations.script(migrations.load("postgres"), f"{SCHEMA}.schema_migrations", at)
    return "\n".join([*lines, "COMMIT;"])


def check_schema(connection: Connection, name: str) -> None:
    """Refuse a database without a ledger of this version. Raises LedgerMissing, SchemaDiffers."""
    _check_version(connection)
    try:
        if not _is_made(connection):
            raise LedgerMissing(f"{name} holds no ledger", "Make one with `selene init`.")
        waiting = migrations.pending(migrations.load("postgres"), applied(connection))
        mark = mark_of(connection)
    except psycopg.Error as error:
        raise unavailable(name, error) from error
    if mark is not None:
        raise SchemaDiffers(
            f"{name} is not whole: {mark}",
            "Wait until it is done; if it was cut off, run the same `selene copy` again.",
        )
    if waiting:
        raise migrations.behind(name, waiting)


def applied(connection: Connection) -> list[tuple[int, str, str]]:
    """The migrations that a database has seen, as (version, name, digest)."""
    rows: list[tuple[Any, ...]] = connection.execute(_APPLIED).fetchall()
    return [(int(version), str(name), str(digest)) for version, name, digest in rows]


def mark_of(connection: Connection) -> str | None:
    """The mark of a copy into this ledger that is under way or was cut off; None where none is."""
    row = connection.execute(
        "SELECT obj_description(%s::regnamespace, 'pg_namespace')", (SCHEMA,)
    ).fetchone()
    mark = row[0] if row else None
    return str(mark) if mark is not None and str(mark).startswith(COPY_MARK) else None


def analyze(url: str) -> None:
    """Give the planner the statistics of what was just brought in. Raises LedgerUnavailable."""
    name = named(parse(url))
    try:
        with connect(url) as connection, connection.transaction():
            connection.execute(f"SET LOCAL ROLE {roles.OWNER}")
            connection.execute("SET LOCAL statement_timeout = 0")
            for table in manifests.TABLES:
                connection.execute(f"ANALYZE {SCHEMA}.{table}")
    except psycopg.Error as error:
        raise unavailable(name, error) from error


def make_roles(url: str) -> None:
    """Make the roles that are missing. Raises LedgerUnavailable: the login may not."""
    with _locked(url) as connection:
        plan = _plan(connection, url)
        _make_roles(connection, plan)


def _check_version(connection: Connection) -> None:
    version = connection.info.server_version
    if version < VERSION_MIN:
        raise SchemaDiffers(
            f"the server is PostgreSQL {version // 10_000}; {VERSION_MIN // 10_000} is the oldest",
            "Upgrade the server.",
        )
