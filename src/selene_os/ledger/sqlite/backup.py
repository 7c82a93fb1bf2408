"""Backups of a file: SQLite's own online backup, which a writer may go on beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from selene_os.errors import BadField, Fault
from selene_os.ledger import manifests, migrations
from selene_os.ledger.manifests import Manifest, Row
from selene_os.ledger.sqlite import bypasses, schema
from selene_os.ledger.sqlite.connection import connect, is_there, unavailable

_PAGES: Final = 10_000


def write(path: str, file: Path) -> int:
    """Write a ledger as of one moment to a new file, and its manifest beside it.

    Returns:
        How many rows it holds.

    Raises:
        BadField: the file is there already. LedgerMissing, LedgerUnavailable, SchemaDiffers: the
        ledger cannot be read. What was begun is removed.
    """
    manifests.check_name(file)
    source = connect(path, write=False)
    try:
        schema.check_schema(source, path)
        manifests.claim(file)
        try:
            _copy(source, str(file))
            manifest = _manifest(str(file))
            manifests.save(manifest, file)
        except BaseException:
            file.unlink(missing_ok=True)
            manifests.path_of(file).unlink(missing_ok=True)
            raise
    except apsw.Error as error:
        raise unavailable(path, error) from error
    finally:
        source.close()
    return manifest.rows


def restore(file: Path, path: str) -> int:
    """Make a ledger from a backup, compared row by row with what was backed up.

    Returns:
        How many rows it has.

    Raises:
        BadField: there is a ledger already, or no such backup. Fault: a row differs; nothing stays.
    """
    expected = manifests.load(file, "sqlite")
    expected.check_version(migrations.load("sqlite"))
    if is_there(path):
        raise BadField("database_url", f"{path} is there already", "Name a new file.")
    source = connect(str(file), write=False)
    target = Path(path)
    try:
        manifests.claim(target)
        try:
            _copy(source, path)
            manifests.check(expected, _manifest(path), path)
            _check_rows(path)
        except BaseException:
            for name in (path, f"{path}-wal", f"{path}-shm"):
                Path(name).unlink(missing_ok=True)
            raise
    except apsw.Error as error:
        raise unavailable(str(file), error) from error
    finally:
        source.close()
    return expected.rows


def rows(connection: apsw.Connection, table: str, columns: str, key: str) -> Iterator[Row]:
    """A table's rows in the order of its key."""
    yield from connection.execute(f"SELECT {columns} FROM {table} ORDER BY {key}")


def _copy(source: apsw.Connection, path: str) -> None:
    target = apsw.Connection(path)
    # A read that stays open: without it every commit beside the copy lets it begin anew.
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    try:
        with target.backup("main", source, "main") as backup:
            while not backup.done:
                backup.step(_PAGES)
        # The copy is one file, without a log beside it.
        target.execute("PRAGMA journal_mode = DELETE")
    finally:
        source.execute("ROLLBACK")
        target.close()


@contextmanager
def snapshot(path: str) -> Iterator[Callable[[str, str, str], Iterator[Row]]]:
    """Reads of a whole ledger, all of one moment: (table, columns, order) -> rows.

    Raises:
        LedgerMissing, LedgerUnavailable, SchemaDiffers: there is no ledger of this version.
    """
    connection = connect(path, write=False)
    try:
        schema.check_schema(connection, path)
        connection.execute("BEGIN")
        yield lambda *asked: rows(connection, *asked)
    except apsw.Error as error:
        raise unavailable(path, error) from error
    except UnicodeDecodeError as error:
        raise Fault(f"{path} holds text that is no UTF-8", "See `selene doctor`.") from error
    finally:
        connection.close()


def _manifest(path: str) -> Manifest:
    names = tuple(one.title for one in migrations.load("sqlite"))
    with snapshot(path) as read:
        return manifests.take("sqlite", names, read)


def _check_rows(path: str) -> None:
    connection = connect(path, write=True)
    try:
        faults = bypasses.schema_differences(connection, path) + bypasses.row_faults(connection)
    finally:
        connection.close()
    if faults:
        raise Fault(f"the restored ledger is not sound: {faults[0]}", "Take another backup.")
