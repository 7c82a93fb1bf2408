"""A ledger's database on PostgreSQL: copied from a template for each test, dropped after it."""

from __future__ import annotations

import functools
from typing import ClassVar, Final

import psycopg
from psycopg.types.string import TextLoader

from ledgers import START_NS, Result
from selene_os.ledger.events import AuditEvent
from selene_os.ledger.store import Store
from servers import SUPERUSER, PostgresServer, named

_COLUMNS: Final = ", ".join(AuditEvent._fields)
_OTHER_ID: Final = "'00000000-0000-7000-8000-' || substr(md5(event_id), 1, 12)"
_INTO: Final = f"INSERT INTO audit_events ({_COLUMNS})"


def _copies(source: str, **changed: str) -> str:
    """A SELECT of every audit row with some columns changed."""
    columns = ", ".join(changed.get(column, column) for column in AuditEvent._fields)
    return f"SELECT {columns} FROM {source}"


_SAME_ID: Final = _copies("audit_events", idempotency_key="'another'", payload_min="'{}'")
_SAME_KEY: Final = _copies("audit_events", event_id=_OTHER_ID, payload_min="'{}'")
_EMPTIED: Final = _copies("gone", payload_min="'{}'")
_MERGE: Final = (
    "MERGE INTO audit_events AS old USING (SELECT tenant_id, event_id FROM audit_events) AS new"
    " ON old.tenant_id = new.tenant_id AND old.event_id = new.event_id WHEN MATCHED THEN"
)
# What waits for a lock or runs on for ever is an error, as it is in SQLite.
_OPTIONS: Final = "-c search_path=os_core -c lock_timeout=5s -c statement_timeout=30s"


@functools.cache
def _template(server: PostgresServer) -> str:
    """The server's database with the schema and no rows, which others are copied from."""
    from selene_os.ledger.postgres import schema

    name = server.new_database()
    schema.create(server.url(name, SUPERUSER), START_NS)
    # A template that somebody is connected to cannot be copied.
    server.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    return name


class PostgresDatabase:
    """One database of a server."""

    table_names: ClassVar[str] = (
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'os_core' AND table_type = 'BASE TABLE'"
    )
    overwrites: ClassVar[tuple[str, ...]] = (
        "UPDATE audit_events SET payload_min = '{}'",
        "UPDATE audit_events AS old SET payload_min = '{}' FROM audit_events AS new"
        " WHERE old.event_id = new.event_id",
        "WITH changed AS (UPDATE audit_events SET payload_min = '{}' RETURNING *)"
        " SELECT * FROM changed",
        "DO $$ BEGIN UPDATE audit_events SET payload_min = '{}'; END $$",
        f"{_INTO} {_SAME_ID} ON CONFLICT (tenant_id, event_id) DO UPDATE SET payload_min = '{{}}'",
        f"{_INTO} {_SAME_KEY} ON CONFLICT (tenant_id, correlation_id, idempotency_key)"
        " DO UPDATE SET payload_min = '{}'",
        f"{_MERGE} UPDATE SET payload_min = '{{}}'",
        f"{_MERGE} DELETE",
        f"WITH gone AS (DELETE FROM audit_events RETURNING *) {_INTO} {_EMPTIED}",
        "TRUNCATE audit_events CASCADE",
        "TRUNCATE audit_events, replay_inputs",
    )

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.server = server
        self.name = name

    @classmethod
    def fresh(cls, kind: str) -> PostgresDatabase:
        """An empty ledger on the server of a name."""
        server = named(kind)
        return cls(server, server.new_database(_template(server)))

    def url(self, user: str = "selene_app") -> str:
        """How the application, or another, reaches it."""
        return self.server.url(self.name, user)

    def open(self) -> Store:
        from selene_os.ledger.postgres.store import PostgresStore

        return PostgresStore(self.url())

    def drop(self) -> None:
        self.server.drop_database(self.name)

    def raw(self, *statements: str) -> list[Result]:
        return self.raw_as(SUPERUSER, *statements)

    def raw_as(self, role: str, *statements: str) -> list[Result]:
        """`raw` by a role that may log in; another's place the superuser takes by SET ROLE."""
        with psycopg.connect(
            self.url(role), autocommit=True, options=_OPTIONS, client_encoding="utf8"
        ) as connection:
            for kind in ("json", "jsonb", "uuid"):
                connection.adapters.register_loader(kind, TextLoader)
            return [_result(connection, statement) for statement in statements]


def _result(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> Result:
    """Run one statement; also one that ends the connection, which the next ones then learn."""
    try:
        cursor = connection.execute(statement.encode())
        return Result(cursor.fetchall() if cursor.description else [], None)
    except psycopg.Error as error:
        return Result([], f"{type(error).__name__}: {error}")
