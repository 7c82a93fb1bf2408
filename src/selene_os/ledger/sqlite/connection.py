"""Connections to one SQLite file, and its schema.

apsw bundles a current SQLite: 3.7.0 to 3.51.2 can corrupt a WAL database when two connections
write and checkpoint at once, and the standard library may carry one of those.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import apsw

from selene_os.errors import (
    BadField,
    LedgerMissing,
    LedgerUnavailable,
    SchemaDiffers,
    SeleneError,
)
from selene_os.ledger import migrations

BUSY_WAIT_MS: Final = 5_000
WRITER_CACHE_KIB: Final = 32_768
READER_CACHE_KIB: Final = 8_192


def connect(path: str, *, write: bool) -> apsw.Connection:
    """Open an existing file, and change nothing in it: it may be another program's.

    Args:
        path: the file's path.
        write: whether this connection writes; the others cannot.

    Raises:
        LedgerMissing: there is no file. LedgerUnavailable: it cannot be opened.
    """
    if not is_there(path):
        raise LedgerMissing(f"{path} does not exist", "Make one with `selene init`.")
    flags = apsw.SQLITE_OPEN_READWRITE if write else apsw.SQLITE_OPEN_READONLY
    try:
        connection = apsw.Connection(path, flags=flags)
        connection.set_busy_timeout(BUSY_WAIT_MS)
        cache = WRITER_CACHE_KIB if write else READER_CACHE_KIB
        connection.execute(f"PRAGMA cache_size = -{cache}")
        if write:
            connection.execute("PRAGMA foreign_keys = ON")
            # Each insert with a guard opens a statement journal; in a file that is a third of it.
            connection.execute("PRAGMA temp_store = MEMORY")
        else:
            connection.execute("PRAGMA query_only = ON")
        # The first read shows whether this is a database at all.
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except apsw.Error as error:
        raise unavailable(path, error) from error
    return connection


def begin_wal(connection: apsw.Connection, path: str, synchronous: str) -> None:
    """Set a ledger's own connection to write ahead, and how it waits for the disk.

    Args:
        synchronous: FULL (an acknowledged commit survives a power cut), NORMAL or OFF.
    """
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except apsw.Error as error:
        raise unavailable(path, error) from error


def create(path: str, at: int) -> tuple[str, ...]:
    """Make the file if it is missing, and bring its schema up to date.

    Args:
        path: the file's path.
        at: nanoseconds since 1970 UTC, noted with each migration.

    Returns:
        The names of the migrations that were applied; empty when there was nothing to do.

    Raises:
        LedgerUnavailable: the path cannot be written. SchemaDiffers: see `migrations.pending`.
    """
    if not is_there(path):
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
            connection.execute(migrations.TABLE)
            waiting = migrations.pending(migrations.load("sqlite"), applied(connection))
            migrations.apply(waiting, lambda sql, values: connection.execute(sql, values), at)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except apsw.Error as error:
        raise unavailable(path, error) from error
    finally:
        connection.close()
    return tuple(f"{migration.version:04}_{migration.name}" for migration in waiting)


def is_there(path: str) -> bool:
    """Whether there is a file. Raises LedgerUnavailable where there can be none."""
    try:
        folder, there = Path(path).is_dir(), Path(path).exists()
    except (OSError, ValueError) as error:
        raise LedgerUnavailable(f"{path:.80} cannot be read ({error})", "Name a file.") from error
    if folder:
        raise LedgerUnavailable(f"{path} is a folder", "Name a file in it.")
    return there


def _check_ours(connection: apsw.Connection, path: str) -> None:
    """Refuse to make a ledger inside another program's database."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    if names and "schema_migrations" not in names:
        raise SchemaDiffers(f"{path} is another program's database", "Name a new file.")


def check_schema(connection: apsw.Connection, path: str) -> None:
    """Refuse a file that is no ledger of this version. Raises LedgerMissing, SchemaDiffers."""
    try:
        _check_schema(connection, path)
    except apsw.Error as error:
        raise unavailable(path, error) from error


def _check_schema(connection: apsw.Connection, path: str) -> None:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    if ("schema_migrations",) not in tables:
        raise LedgerMissing(f"{path} holds no ledger", "Make one with `selene init`.")
    if waiting := migrations.pending(migrations.load("sqlite"), applied(connection)):
        raise SchemaDiffers(
            f"{path} lacks migration {waiting[0].version:04} {waiting[0].name}",
            "Bring it up to date with `selene init`.",
        )


def applied(connection: apsw.Connection) -> list[tuple[int, str, str]]:
    """The migrations that a database has seen, as (version, name, digest)."""
    return [
        (int(str(version)), str(name), str(digest))
        for version, name, digest in connection.execute(
            "SELECT version, name, digest FROM schema_migrations ORDER BY version"
        )
    ]


def unavailable(path: str, error: apsw.Error) -> SeleneError:
    """A driver's error as the one that somebody can act on."""
    if isinstance(error, apsw.ConstraintError | apsw.MismatchError):
        return BadField(
            "row", f"was refused by the database ({error})", "Build it with the repositories."
        )
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return LedgerUnavailable(
            f"{path} was held by another writer for {BUSY_WAIT_MS} ms",
            "End the other writer, or send the same request again.",
        )
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return LedgerUnavailable(
            f"{path} is no sound SQLite database ({error})", "Restore it from a backup."
        )
    return LedgerUnavailable(
        f"{path} cannot be used ({error})",
        "Check the disk and the file's permissions, then send the same request again.",
    )
