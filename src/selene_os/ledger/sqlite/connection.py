"""Connections to one SQLite file, and what its errors mean.

apsw bundles a current SQLite: 3.7.0 to 3.51.2 can corrupt a WAL database when two connections
write and checkpoint at once, and the standard library may carry one of those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from selene_os.errors import (
    LedgerMissing,
    LedgerUnavailable,
    SeleneError,
)
from selene_os.ledger.refusals import row_refused

BUSY_WAIT_MS: Final = 5_000
WRITER_CACHE_KIB: Final = 16_384
READER_CACHE_KIB: Final = 2_048


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


def is_there(path: str) -> bool:
    """Whether there is a file. Raises LedgerUnavailable where there can be none."""
    try:
        folder, there = Path(path).is_dir(), Path(path).exists()
    except (OSError, ValueError) as error:
        raise LedgerUnavailable(f"{path:.80} cannot be read ({error})", "Name a file.") from error
    if folder:
        raise LedgerUnavailable(f"{path} is a folder", "Name a file in it.")
    return there


def unavailable(path: str, error: apsw.Error) -> SeleneError:
    """A driver's error as the one that somebody can act on."""
    if isinstance(error, apsw.ConstraintError | apsw.MismatchError):
        return row_refused()
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
