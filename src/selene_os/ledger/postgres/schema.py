"""A ledger's schema in a database: made, brought up to date, and checked, by whoever may.

Everything happens in one transaction under an advisory lock: two upgrades at once are one after
the other, and one that is cut off leaves nothing. What takes longer, a copy or a restore, marks the
schema until it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import errors, sql

from selene_os.errors import BadField, LedgerMissing, LedgerUnavailable, SchemaDiffers
from selene_os.ledger import manifests, migrations
from selene_os.ledger.migrations import Plan
from selene_os.ledger.postgres import roles
from selene_os.ledger.postgres.connection import Connection, connect, named, parse, unavailable

SCHEMA: Final = "os_core"
# Where the keyring is. It may be older than the ledger beside it, or be there without one.
KEYS: Final = "os_keys"
# What fills the schema says so in its comment, from before the first row to after the last check.
COPY_MARK: Final = "a copy"
RESTORE_MARK: Final = "a restore"
VERSION_MIN: Final = 150_000
UPGRADE_WAIT_S: Final = 60
# An administrator's own comment is no mark, however it begins: what a restore marked is dropped.
_MARK: Final = re.compile(rf"(?:{COPY_MARK}|{RESTORE_MARK}) from .* was begun", re.DOTALL)
_ALONE: Final = "SELECT pg_try_advisory_lock(hashtextextended('selene: copy into os_core', 0))"
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
    mark = mark_of(connection)
    if mark is not None and is_restore(mark):
        raise _not_whole(name, mark)
    made = _is_made(connection)
    done = applied(connection) if made else []
    things = connection.execute(
        "SELECT FROM pg_catalog.pg_depend WHERE refclassid = 'pg_catalog.pg_namespace'::regclass"
        " AND refobjid = to_regnamespace(%s)"
        " AND classid <> 'pg_catalog.pg_default_acl'::regclass LIMIT 1",
        (SCHEMA,),
    ).fetchall()
    if things and not made:
        raise SchemaDiffers(
            f"the schema {SCHEMA} of {name} is another program's", "Name another database."
        )
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
            roles.for_an_administrator(administrators(connection, plan)),
        )
    for role in plan.roles:
        # Another database of the server may be making them at this moment.
        with (
            suppress(errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_),
            connection.transaction(),
        ):
            for line in roles.statements([role]):
                connection.execute(line)


def _make_schema(connection: Connection, plan: Plan) -> None:
    """Make the roles and the schema, as far as they are missing, and go on as the owner."""
    _make_roles(connection, plan)
    try:
        with connection.transaction():
            _become_owner(connection, plan)
    except psycopg.errors.InsufficientPrivilege as error:
        raise LedgerUnavailable(
            f"{plan.name} does not let this login make or change the schema {SCHEMA}",
            roles.for_an_administrator(administrators(connection, plan)),
        ) from error


def _carry_out(connection: Connection, plan: Plan, at: int) -> None:
    _make_schema(connection, plan)
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
    for name in (SCHEMA, KEYS):
        there = connection.execute(
            "SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", (name,)
        ).fetchall()
        if not there:
            connection.execute(f"CREATE SCHEMA {name} AUTHORIZATION {roles.OWNER}")
    connection.execute(f"SET LOCAL ROLE {roles.OWNER}")


def administrators(connection: Connection, plan: Plan) -> list[str]:
    """What an administrator runs once, so that this login may do the rest."""
    me = connection.info.user
    lines = roles.statements(list(plan.roles))
    lines.append(f"GRANT {roles.OWNER} TO {sql.Identifier(me).as_string()}")
    if plan.made:
        lines.append(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {roles.OWNER}")
    if connection.execute("SELECT to_regnamespace(%s)", (KEYS,)).fetchall() == [(None,)]:
        lines.append(f"CREATE SCHEMA {KEYS} AUTHORIZATION {roles.OWNER}")
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
        f"CREATE SCHEMA {KEYS} AUTHORIZATION {roles.OWNER};",
        f"SET LOCAL ROLE {roles.OWNER};",
        f"{_TABLE};",
    ]
    lines += migrations.script(migrations.load("postgres"), f"{SCHEMA}.schema_migrations", at)
    return "\n".join([*lines, "COMMIT;"])


def check_schema(connection: Connection, name: str) -> None:
    """Refuse a database without a ledger of this version. Raises LedgerMissing, SchemaDiffers."""
    _check_version(connection)
    try:
        # First, for a restore's schema may have no tables yet, or let nobody see them.
        if (mark := mark_of(connection)) is not None:
            raise _not_whole(name, mark)
        if not _is_made(connection):
            raise LedgerMissing(f"{name} holds no ledger", "Make one with `selene init`.")
        waiting = migrations.pending(migrations.load("postgres"), applied(connection))
    except psycopg.Error as error:
        raise unavailable(name, error) from error
    if waiting:
        raise migrations.behind(name, waiting)


def applied(connection: Connection) -> list[tuple[int, str, str]]:
    """The migrations that a database has seen, as (version, name, digest)."""
    rows: list[tuple[Any, ...]] = connection.execute(_APPLIED).fetchall()
    return [(int(version), str(name), str(digest)) for version, name, digest in rows]


def is_encrypted(url: str) -> bool:
    """Whether any row is encrypted, or any key kept. Raises LedgerUnavailable."""
    try:
        with connect(url) as connection:
            ((found,),) = connection.execute(f"SELECT {KEYS}.any_encrypted()").fetchall()
    except psycopg.Error as error:
        raise unavailable(named(parse(url)), error) from error
    return bool(found)


def mark_of(connection: Connection) -> str | None:
    """The mark of a copy or restore that is under way or was cut off; None where none is."""
    ((told,),) = connection.execute(
        "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", (SCHEMA,)
    ).fetchall()
    return str(told) if told is not None and _MARK.fullmatch(str(told)) else None


def is_restore(mark: str) -> bool:
    """Whether a mark is a restore's, and not a copy's."""
    return mark.startswith(RESTORE_MARK)


def set_mark(connection: Connection, kind: str, source: str) -> None:
    """Mark the schema as being filled from a source. The owner's to do, as is `unmark`."""
    # A file's name may hold bytes that are no text.
    told = f"{kind} from {source.encode(errors='replace').decode()} was begun"
    connection.execute(
        sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), sql.Literal(told))
    )


def unmark(connection: Connection) -> None:
    """Say that the schema is whole."""
    connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS NULL")


def _not_whole(name: str, mark: str) -> SchemaDiffers:
    verb = "restore" if is_restore(mark) else "copy"
    return SchemaDiffers(
        f"{name} is not whole: {mark}",
        f"Wait until it is done; if it was cut off, run the same `selene {verb}` again.",
    )


def is_alone(connection: Connection) -> bool:
    """Whether no other session fills this schema; none will until this one ends.

    Who comes second is told so; and a mark that is found alone is of one that was cut off.
    """
    ((alone,),) = connection.execute(_ALONE).fetchall()
    return bool(alone)


@contextmanager
def as_owner(connection: Connection) -> Iterator[None]:
    """A transaction as the owner, as long as it takes."""
    with connection.transaction():
        connection.execute(f"SET LOCAL ROLE {roles.OWNER}")
        connection.execute("SET LOCAL statement_timeout = 0")
        yield


def make_empty(url: str, source: str) -> None:
    """Make the missing roles, and the schema with a restore's mark and nothing else.

    Raises:
        BadField: there is a ledger. LedgerUnavailable, SchemaDiffers: see `create`.
    """
    with _locked(url) as connection:
        plan = _plan(connection, url)
        if not plan.made:
            raise BadField("database_url", f"{plan.name} holds a ledger", "Name an empty database.")
        _make_schema(connection, plan)
        # A restored ledger finds the keyring that is here, or an empty one: no back-up holds keys.
        for migration in migrations.load("postgres"):
            if migration.name == "keys":
                connection.execute(migration.sql)
        set_mark(connection, RESTORE_MARK, source)


def drop(connection: Connection) -> None:
    """Remove the schema and everything in it."""
    with as_owner(connection):
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def analyze(url: str) -> None:
    """Give the planner the statistics of what was just brought in. Raises LedgerUnavailable."""
    name = named(parse(url))
    try:
        with connect(url) as connection, as_owner(connection):
            for table in manifests.TABLES:
                connection.execute(f"ANALYZE {SCHEMA}.{table}")
    except psycopg.Error as error:
        raise unavailable(name, error) from error


def _check_version(connection: Connection) -> None:
    version = connection.info.server_version
    if version < VERSION_MIN:
        raise SchemaDiffers(
            f"the server is PostgreSQL {version // 10_000}; {VERSION_MIN // 10_000} is the oldest",
            "Upgrade the server.",
        )
