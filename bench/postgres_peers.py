"""Who is measured on PostgreSQL: our store, and each peer as a good user of it would write it.

All use one server with the same durability and have a connection for each caller. Ours is the
store with its own settings; every caller shares it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresFactory
from sqlalchemy import orm

from bench import postgres_tables
from bench.peers import WRITTEN, Commit, bare_rows, packed
from bench.postgres_server import OWNER, PORT, Server
from bench.table import Unmeasured
from selene_os.ledger.events import Unit

MESSAGE_DB: Final = "SELENE_BENCH_MESSAGE_DB"


class Ours:
    """The store with all its checks, connected as the application's role."""

    def __init__(
        self, server: Server, database: str, name: str = "selene", **settings: Any
    ) -> None:
        self.name = name
        self.store = postgres_tables.open_store(server, database, name, **settings)

    def prepare(self, unit: Unit) -> Any:
        return [unit]

    def caller(self) -> Commit:
        commit = self.store.commit

        def one(batch: Sequence[Unit]) -> None:
            verdict = commit(batch)[0]
            if not isinstance(verdict, tuple) or verdict[0].deduplicated:
                raise ValueError(f"the ledger refused a row: {verdict}")

        return one

    def close(self) -> None:
        self.store.close()


class Connections:
    """The connections of a peer's callers, one each, made in their threads."""

    def __init__(self, url: str, **settings: Any) -> None:
        self._url = url
        self._settings = settings
        self._open: list[psycopg.Connection[Any]] = []

    def one(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._url, **self._settings)
        self._open.append(connection)
        return connection

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


class Bare:
    """psycopg: a transaction of four inserts into bare tables, statements prepared by default.

    BEGIN, four INSERTs and COMMIT are six round trips; a pipeline would be fewer and is rare.
    """

    name = "bare psycopg"

    def __init__(self, server: Server, database: str = "bare") -> None:
        postgres_tables.new_bare(server, database)
        self._connections = Connections(server.url(database))

    def prepare(self, unit: Unit) -> Any:
        return bare_rows(unit)

    def caller(self) -> Commit:
        connection = self._connections.one()
        execute = connection.cursor().execute

        def one(finished: tuple[tuple[Any, ...], ...]) -> None:
            with connection.transaction():
                for statement, row in zip(postgres_tables.INSERTS, finished, strict=True):
                    execute(statement, row)

        return one

    def close(self) -> None:
        self._connections.close()


class Orm:
    """SQLAlchemy: one Session a commit, which looks the scope up and then adds four objects.

    The tables are the bare ones: without foreign keys the look-ups are all there is of checks.
    """

    name = "SQLAlchemy ORM"

    def __init__(self, server: Server, callers: int) -> None:
        postgres_tables.new_bare(server, "orm")
        url = server.url("orm").replace("postgresql:", "postgresql+psycopg:", 1)
        # A connection a caller, none of them closed in between.
        self._engine = sqlalchemy.create_engine(url, pool_size=callers, max_overflow=0)

        class Model(orm.DeclarativeBase):
            metadata = sqlalchemy.MetaData(schema="bare")

        self._models: dict[str, type[Any]] = {
            table: type(
                table,
                (Model,),
                {"__table__": sqlalchemy.Table(table, Model.metadata, autoload_with=self._engine)},
            )
            for table in (*WRITTEN, *postgres_tables.REGISTERED)
        }

    def prepare(self, unit: Unit) -> Any:
        event = unit.events[0]
        tenant_id = event.tenant_id
        looked_up = [
            (self._models[table], key)
            for table, key in (
                ("tenants", (tenant_id,)),
                ("identities", (tenant_id, event.user_id)),
                ("devices", (tenant_id, event.device_id)),
                ("sessions", (tenant_id, event.session_id)),
            )
        ]
        added = [
            (self._models[table], dict(zip(postgres_tables.COLUMNS[table], row, strict=True)))
            for table, row in zip(WRITTEN, bare_rows(unit), strict=True)
        ]
        return looked_up, added

    def caller(self) -> Commit:
        engine = self._engine

        def one(item: Any) -> None:
            looked_up, added = item
            with orm.Session(engine) as session:
                for model, key in looked_up:
                    if session.get(model, key) is None:
                        raise ValueError(f"{model} {key} is not registered")
                session.add_all([model(**columns) for model, columns in added])
                session.commit()

        return one

    def close(self) -> None:
        self._engine.dispose()


class EventSourcing:
    """A recorder of the `eventsourcing` library, made by its own factory, with its own pool.

    A commit is one `insert_events` call of one event: its state is all that the turn writes, for
    what the other tables hold goes into an event there. `application` is the recorder that an
    application gets; it numbers all events in the order of their commits, which is what the
    outbox row is for, and locks its table for that. `functions` has the library do the same by a
    function in the database, an option. `aggregate` numbers nothing: it keeps streams alone.
    """

    def __init__(
        self, server: Server, kind: str = "application", callers: int = 8, schema: str = ""
    ) -> None:
        self.name = f"eventsourcing, {kind}"
        database = f"eventsourcing_{kind}"
        if not schema:
            server.database(database)
        self._factory = PostgresFactory(
            {
                "POSTGRES_DBNAME": schema or database,
                "POSTGRES_SCHEMA": "eventsourcing" if schema else "public",
                "POSTGRES_HOST": str(server.folder),
                "POSTGRES_PORT": str(PORT),
                "POSTGRES_USER": OWNER,
                "POSTGRES_PASSWORD": "",
                "POSTGRES_POOL_SIZE": str(callers),
                "POSTGRES_MAX_OVERFLOW": "0",
                "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if kind == "functions" else "no",
                "ORIGINATOR_ID_TYPE": "text",
            }
        )
        made = self._factory
        recorder: Any = (
            made.aggregate_recorder() if kind == "aggregate" else made.application_recorder()
        )
        self._insert = recorder.insert_events
        self.select = recorder.select_events

    def prepare(self, unit: Unit) -> Any:
        event = unit.events[0]
        # The outbox row is left out: this recorder's numbers do its work, or nothing does.
        state = b"\x1e".join(packed(row) for row in bare_rows(unit)[:3])
        return [StoredEvent(event.correlation_id, event.turn_id, event.event_type, state)]

    def caller(self) -> Commit:
        return self._insert

    def close(self) -> None:
        self._factory.close()


class MessageDb:
    """message-db: one `write_message` a turn, a stream for each conversation, one category.

    Its SQL is whoever measures' own copy, named by an environment variable. A category takes one
    writer at a time, as that is how it keeps its order.
    """

    name = "message-db"

    def __init__(self, server: Server) -> None:
        named = os.environ.get(MESSAGE_DB)
        if not named:
            raise Unmeasured(f"{MESSAGE_DB} names no folder with its SQL")
        server.database("message_store")
        install_message_db(server, Path(named))
        self._connections = Connections(
            server.url("message_store"),
            autocommit=True,
            options="-c search_path=message_store,public",
        )

    def prepare(self, unit: Unit) -> Any:
        event = unit.events[0]
        told = {
            table: [column.decode() if isinstance(column, bytes) else column for column in row]
            for table, row in zip(WRITTEN[:3], bare_rows(unit)[:3], strict=True)
        }
        return event.event_id, f"turn-{event.correlation_id}", event.event_type, json.dumps(told)

    def caller(self) -> Commit:
        execute = self._connections.one().cursor().execute

        def one(message: Any) -> None:
            execute("SELECT write_message(%s, %s, %s, %s)", message)

        return one

    def close(self) -> None:
        self._connections.close()


def install_message_db(server: Server, folder: Path) -> None:
    """Install tables, functions and indices, in the order of its own installer.

    Not through that installer: it needs psql, and an extension that its code does not use.
    """
    parts = ("schema", "tables", "types", "functions", "indexes")
    root = folder / "database" if (folder / "database").is_dir() else folder
    files = [path for part in parts for path in sorted((root / part).glob("*.sql"))]
    if not any(path.name == "write-message.sql" for path in files):
        raise Unmeasured(f"{MESSAGE_DB} names a folder without message-db's SQL")
    with server.connect("message_store") as connection:
        connection.execute("SET search_path = message_store, public")
        # Bodies name functions of files that come later.
        connection.execute("SET check_function_bodies = off")
        for path in files:
            connection.execute(path.read_text())
