"""A file that is no ledger of this version is not opened, and a new one is its owner's alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledgers import ACME, CHAT, START_NS, TALK, Ledger, SqliteDatabase
from selene_os.errors import LedgerMissing, LedgerUnavailable, SchemaDiffers
from selene_os.ledger.sqlite.schema import create
from selene_os.ledger.sqlite.store import SqliteStore


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Ledger]:
    """A SQLite ledger with a row."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    ledger.write(CHAT)
    yield ledger
    ledger.store.close()


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE schema_migrations SET digest = '00' WHERE version = 1",
        "UPDATE schema_migrations SET digest = '00'"
        " WHERE version = (SELECT max(version) FROM schema_migrations)",
        "INSERT INTO schema_migrations VALUES (9999, 'later', '00', 1)",
        "DELETE FROM schema_migrations WHERE version = 1",
    ],
)
def test_a_schema_that_this_version_did_not_make_is_refused(
    guarded: Ledger, tmp_path: Path, tamper: str
) -> None:
    guarded.store.close()
    guarded.raw("CREATE TABLE kept AS SELECT * FROM schema_migrations")
    before = guarded.raw("SELECT name FROM sqlite_schema")
    assert guarded.raw(tamper)[0].error is None
    path = str(tmp_path / "ledger.db")
    with pytest.raises(SchemaDiffers):
        SqliteStore(path)
    with pytest.raises(SchemaDiffers):
        create(path, START_NS)
    assert guarded.raw("SELECT name FROM sqlite_schema") == before
    guarded.raw("DELETE FROM schema_migrations", "INSERT INTO schema_migrations SELECT * FROM kept")
    assert create(path, START_NS).empty
    guarded.store = guarded.database.open()
    assert len(guarded.store.trace(ACME, TALK)) == 1


def test_a_ledger_that_lacks_the_latest_migration_is_not_opened(
    guarded: Ledger, tmp_path: Path
) -> None:
    guarded.raw("DELETE FROM schema_migrations WHERE version > 1")
    with pytest.raises(SchemaDiffers):
        SqliteStore(str(tmp_path / "ledger.db"))


def test_what_is_no_ledger_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing):
        SqliteStore(str(tmp_path / "nothing.db"))
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    connection.close()
    with pytest.raises(LedgerMissing):
        SqliteStore(str(other))
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"this is no database, it only looks like a file" * 100)
    with pytest.raises(LedgerUnavailable):
        SqliteStore(str(garbage))
    with pytest.raises(LedgerUnavailable):
        create(str(garbage), START_NS)


def test_a_new_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    """It holds what people said; so do the files beside it."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    ledger.write(CHAT)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    ledger.store.close()
    assert set(modes.values()) == {0o600}
    assert "ledger.db-wal" in modes
