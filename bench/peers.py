"""Who is measured: our store, and each peer as somebody who uses it would write it.

Every peer writes the same bytes in as many rows and one transaction, with the same journal, the
same durability and the same cache. The bare tables have our columns and indices, and neither
triggers nor foreign keys nor checks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import apsw

from bench import rows
from bench.table import Unmeasured
from selene_os.ledger.events import AuditEvent, Unit
from selene_os.ledger.sqlite import statements
from selene_os.ledger.sqlite.connection import BUSY_WAIT_MS, WRITER_CACHE_KIB
from selene_os.ledger.sqlite.store import SqliteStore

WRITTEN: Final = ("audit_events", "replay_inputs", "conversation_ledger", "unsealed_events")
INSERTS: Final = (
    statements.INSERT_EVENT,
    statements.INSERT_RECORD,
    statements.INSERT_UTTERANCE,
    "INSERT INTO unsealed_events (tenant_id, event_id) VALUES (?, ?)",
)
Commit = Callable[[Any], None]


class Peer(Protocol):
    """Something that commits."""

    name: str

    def prepare(self, unit: Unit) -> Any:
        """A unit in the form that `Commit` takes; made before the clock starts."""

    def caller(self) -> Commit:
        """What one caller's thread commits with; called in that thread."""

    def close(self) -> None:
        """Let go of the database."""


class Ours:
    """The store with all its checks; every caller shares it, as a server's threads do."""

    name = "selene"

    def __init__(self, folder: Path, synchronous: str) -> None:
        path = rows.new_ledger(folder / "selene.db")
        self.store = SqliteStore(path, synchronous=synchronous)

    def prepare(self, unit: Unit) -> Any:
        return [unit]

    def caller(self) -> Commit:
        commit = self.store.commit

        def one(batch: Sequence[Unit]) -> None:
            if not isinstance(commit(batch)[0], tuple):
                raise ValueError("the ledger refused a row")

        return one

    def close(self) -> None:
        self.store.close()


def bare_schema(ledger: str) -> list[str]:
    """Statements that make the written tables anew, with columns and indices alone."""
    connection = apsw.Connection(ledger, flags=apsw.SQLITE_OPEN_READONLY)
    made = []
    for table in WRITTEN:
        # cid, name, type, notnull, default, place in the primary key or 0
        found: list[Any] = connection.execute(f"PRAGMA table_info({table})").fetchall()
        columns = [
            f"{name} {kind} NOT NULL" if full else f"{name} {kind}"
            for _, name, kind, full, _, _ in found
        ]
        key = [name for _, name in sorted((c[5], c[1]) for c in found if c[5])]
        kept = connection.execute(
            "SELECT sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE name = ?", (table,)
        ).fetchall()
        tail = "STRICT, WITHOUT ROWID" if kept[0][0] else "STRICT"
        made.append(
            f"CREATE TABLE {table} ({', '.join(columns)}, PRIMARY KEY ({', '.join(key)})) {tail}"
        )
        made += [
            str(sql)
            for (sql,) in connection.execute(
                "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?"
                " AND sql IS NOT NULL", (table,)
            )
        ]  # fmt: skip
    connection.close()
    return made


def bare_file(folder: Path) -> str:
    """A file with the bare tables; returns its path."""
    schema = bare_schema(rows.new_ledger(folder / "schema.db"))
    path = str(folder / "bare.db")
    connection = apsw.Connection(path)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in schema:
        connection.execute(statement)
    connection.close()
    return path


def bare_connection(path: str, synchronous: str) -> apsw.Connection:
    """A writing connection to bare tables, with the settings of our own."""
    connection = apsw.Connection(path)
    connection.set_busy_timeout(BUSY_WAIT_MS)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
    return connection


def bare_rows(unit: Unit) -> tuple[tuple[Any, ...], ...]:
    """The finished rows of a unit, one for each table of `WRITTEN`."""
    event = unit.events[0]
    if len(unit.events) != 1 or len(unit.records) != 1 or unit.said is None:
        raise ValueError("a commit is one event, its record and what was said")
    return (event, unit.records[0], unit.said, (event.tenant_id, event.event_id))


def insert_bare(connection: apsw.Connection, finished: tuple[tuple[Any, ...], ...]) -> None:
    """One transaction of four inserts: all that has to be done to have the rows."""
    execute = connection.execute
    execute("BEGIN IMMEDIATE")
    try:
        for statement, row in zip(INSERTS, finished, strict=True):
            execute(statement, row)
        execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            execute("ROLLBACK")
        raise


class ConnectionEach:
    """Raw apsw, one connection a thread: how a web application's threads use SQLite.

    BEGIN IMMEDIATE takes the write lock at once, so that the busy timeout applies and nothing
    deadlocks; a commit that waited 5 s for it is tried again, and its caller waits that long.
    """

    name = "a connection each"

    def __init__(self, folder: Path, synchronous: str) -> None:
        self._path = bare_file(folder)
        self._synchronous = synchronous
        # Made in the callers' threads.
        self._open: list[apsw.Connection] = []

    def prepare(self, unit: Unit) -> Any:
        return bare_rows(unit)

    def caller(self) -> Commit:
        connection = bare_connection(self._path, self._synchronous)
        self._open.append(connection)

        def one(finished: tuple[tuple[Any, ...], ...]) -> None:
            while True:
                try:
                    return insert_bare(connection, finished)
                except apsw.BusyError:
                    continue

        return one

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


class SharedConnection:
    """Raw apsw, one connection behind a lock: the simplest thing that cannot be busy."""

    name = "a shared connection"

    def __init__(self, folder: Path, synchronous: str) -> None:
        self._connection = bare_connection(bare_file(folder), synchronous)
        self._lock = threading.Lock()

    def prepare(self, unit: Unit) -> Any:
        return bare_rows(unit)

    def caller(self) -> Commit:
        def one(finished: tuple[tuple[Any, ...], ...]) -> None:
            with self._lock:
                insert_bare(self._connection, finished)

        return one

    def close(self) -> None:
        self._connection.close()


class EventSourcing:
    """The application recorder of the `eventsourcing` library, made by its own factory.

    It keeps a pool of standard-library connections in WAL mode and lets one writer in at a time.
    A commit is one `insert_events` call of four events of one originator: as many rows, the same
    bytes. It leaves `synchronous` at SQLite's default, which must be FULL here to be comparable.
    """

    name = "eventsourcing"

    def __init__(self, folder: Path, synchronous: str = "FULL") -> None:
        try:
            from eventsourcing.persistence import StoredEvent
            from eventsourcing.sqlite import SQLiteFactory
        except ImportError as error:
            raise Unmeasured(
                "the peer eventsourcing is not installed: pip install -r requirements/bench.txt"
            ) from error
        self._event = StoredEvent
        self._factory = SQLiteFactory(
            {"SQLITE_DBNAME": str(folder / "eventsourcing.db"), "ORIGINATOR_ID_TYPE": "text"}
        )
        self._recorder = self._factory.application_recorder()
        with self._factory.datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA synchronous")
            level = ("OFF", "NORMAL", "FULL", "EXTRA")[cursor.fetchone()[0]]
        if level != synchronous:
            raise Unmeasured(f"eventsourcing runs with synchronous={level}, not {synchronous}")

    def prepare(self, unit: Unit) -> Any:
        return [
            self._event(
                originator_id=unit.events[0].correlation_id,
                originator_version=version,
                topic=table,
                state=packed(row),
            )
            for version, (table, row) in enumerate(zip(WRITTEN, bare_rows(unit), strict=True), 1)
        ]

    def caller(self) -> Commit:
        insert = self._recorder.insert_events

        def one(events: Any) -> None:
            insert(events)

        return one

    def append_events(self, events: Sequence[AuditEvent]) -> None:
        """Store each event as one of its conversation's."""
        self._recorder.insert_events(
            [
                self._event(
                    originator_id=event.correlation_id,
                    originator_version=event.turn_id,
                    topic=event.event_type,
                    state=packed(event),
                )
                for event in events
            ]
        )

    def select(self, correlation_id: str) -> Sequence[Any]:
        """The events of one conversation, in order."""
        return self._recorder.select_events(correlation_id)

    def close(self) -> None:
        self._factory.close()


def packed(row: tuple[Any, ...]) -> bytes:
    """A row's columns as one value of as many bytes."""
    return b"\x1f".join(
        column if isinstance(column, bytes) else str(column).encode() for column in row
    )
