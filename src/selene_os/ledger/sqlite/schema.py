"""A ledger's schema in a file: made, brought up to date, and checked.

Everything happens in one transaction that holds the file's write lock: two upgrades at once are one
after the other, and one that is cut off leaves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import apsw

from selene_os.errors import LedgerMissing, LedgerUnavailable, SchemaDiffers
from selene_os.ledger import migrations
from selene_os.ledger.migrations import Plan
from selene_os.ledger.sqlite import statements
from selene_os.ledger.sqlite.connection import begin_wal, connect, is_there, unavailable

TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL,"
    " applied_at INTEGER NOT NULL)"
)
_NOTE = "INSERT INTO schema_migrations (version, name, digest, applied_at) VALUES (?, ?, ?, ?)"


def create(path: str, at: int) -> Plan:
    """Make the file if it is missing, and bring its schema up to date.

    Args:
        path: the file's path.
        at: nanoseconds since 1970 UTC, noted with each migration.

    Returns:
        What was done.

    Raises:
        LedgerUnavailable: the path cannot be written. SchemaDiffers: see `migrations.pending`.
    """
    made = not is_there(path)
    if made:
        try:
            # Owner only: the ledger holds what people said.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise LedgerUnavailable(
                f"{path} cannot be created ({error.strerror})", "Choose a folder you can write to."
            ) from error
    connection = connect(path, write=True)
    try:
        _check_ours(connection, path)
        begin_wal(connection, path, "FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(TABLE)
            plan = _plan(connection, path, made)
            for migration in plan.waiting:
                connection.execute(migration.sql)
                noted = (migration.version, migration.name, migration.digest, at)
                connection.execute(_NOTE, noted)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except apsw.Error as error:
        raise unavailable(path, error) from error
    finally:
        connection.close()
    return plan


def plan(path: str) -> Plan:
    """What `create` would do. Raises as `create`."""
    if not is_there(path):
        return Plan(path, (), True, (), migrations.load("sqlite"))
    connection = connect(path, write=False)
    try:
        _check_ours(connection, path)
        return _plan(connection, path, not _tables(connection))
    except apsw.Error as error:
        raise unavailable(path, error) from error
    finally:
        connection.close()


def script(at: int) -> str:
    """Everything that `create` does to a new file, as SQL for the sqlite3 shell."""
    lines = ["PRAGMA journal_mode = WAL;", "BEGIN IMMEDIATE;", f"{TABLE};"]
    lines += migrations.script(migrations.load("sqlite"), "schema_migrations", at)
    return "\n".join([*lines, "COMMIT;"])


def _plan(connection: apsw.Connection, path: str, made: bool) -> Plan:
    done = applied(connection) if "schema_migrations" in _tables(connection) else []
    waiting = migrations.pending(migrations.load("sqlite"), done)
    return Plan(path, (), made, migrations.names(done), waiting)


def _tables(connection: apsw.Connection) -> set[str]:
    rows: Iterable[tuple[object, ...]] = connection.execute("SELECT name FROM sqlite_schema")
    return {str(name) for (name,) in rows}


def _check_ours(connection: apsw.Connection, path: str) -> None:
    """Refuse to make a ledger inside another program's database."""
    if (there := _tables(connection)) and "schema_migrations" not in there:
        raise SchemaDiffers(f"{path} is another program's database", "Name a new file.")


def check_schema(connection: apsw.Connection, path: str) -> None:
    """Refuse a file that is no ledger of this version. Raises LedgerMissing, SchemaDiffers."""
    try:
        if "schema_migrations" not in _tables(connection):
            raise LedgerMissing(f"{path} holds no ledger", "Make one with `selene init`.")
        waiting = migrations.pending(migrations.load("sqlite"), applied(connection))
    except apsw.Error as error:
        raise unavailable(path, error) from error
    if waiting:
        raise migrations.behind(path, waiting)


def is_encrypted(path: str) -> bool:
    """Whether any row is encrypted with a key. Raises as `check_schema`."""
    connection = connect(path, write=False)
    try:
        return bool(connection.execute(f"{statements.ANY_ENCRYPTED} LIMIT 1").fetchall())
    except apsw.Error as error:
        raise unavailable(path, error) from error
    finally:
        connection.close()


def applied(connection: apsw.Connection) -> list[tuple[int, str, str]]:
    """The migrations that a database has seen, as (version, name, digest)."""
    return [
        (int(str(version)), str(name), str(digest))
        for version, name, digest in connection.execute(
            "SELECT version, name, digest FROM schema_migrations ORDER BY version"
        )
    ]
