"""Databases to measure in: our schema, our tables bare beside it, and who is registered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bench import rows
from bench.peers import WRITTEN
from bench.postgres_server import Server
from bench.table import Unmeasured
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import AuditEvent, ReplayRecord, TenantRow, Utterance

APPLICATION_ROLE: Final = "selene_app"
REGISTERED: Final = ("tenants", "identities", "devices", "sessions")
COLUMNS: Final = {
    "audit_events": AuditEvent._fields,
    "replay_inputs": ReplayRecord._fields,
    "conversation_ledger": Utterance._fields,
    "unsealed_events": ("tenant_id", "event_id"),
}
# Prepared by psycopg at the fifth use, as by default.
INSERTS: Final = tuple(
    f"INSERT INTO bare.{table} ({', '.join(COLUMNS[table])})"
    f" VALUES ({', '.join(['%s'] * len(COLUMNS[table]))})"
    for table in WRITTEN
)


def new_ledger(server: Server, database: str) -> None:
    """A database with our schema os_core in it."""
    try:
        from selene_os.ledger.postgres import schema
    except ImportError as error:
        raise Unmeasured(f"there is no PostgreSQL store yet: {error}") from error
    schema.create(server.database(database), rows.BEGINNING_NS)


def open_store(server: Server, database: str, application: str = "selene", **settings: Any) -> Any:
    """Our store, with its own settings but for those that are named, as the application's role."""
    try:
        from selene_os.ledger.postgres.store import PostgresStore
    except ImportError as error:
        raise Unmeasured(f"there is no PostgreSQL store yet: {error}") from error
    return PostgresStore(server.url(database, APPLICATION_ROLE, application), **settings)


def register(store: Any, scopes: Iterable[Scope]) -> None:
    """Add the tenants, users, devices and sessions that units are written for."""
    for scope in scopes:
        tenant_id, user_id, device_id, session_id = (
            scope.tenant_id, scope.user_id, scope.device_id, scope.session_id,
        )  # fmt: skip
        store.add_tenant(TenantRow(tenant_id, None, "ask", None, None, rows.BEGINNING_NS))
        store.register(tenant_id, user_id, device_id, session_id, rows.BEGINNING_NS)


def new_bare(server: Server, database: str) -> None:
    """A database with a schema `bare`: tables with our columns, keys and indices, nothing more.

    PostgreSQL copies them out of its own catalog, so that they follow whatever our schema becomes:
    LIKE copies NOT NULL and collations, INCLUDING INDEXES the primary keys and every index, and
    neither takes checks, foreign keys or triggers along. The tables that a user's own scope check
    would read are there too, with one row each.
    """
    new_ledger(server, database)
    scope = rows.SCOPE
    with server.connect(database) as connection:
        connection.execute("CREATE SCHEMA bare")
        for table in (*WRITTEN, *REGISTERED):
            connection.execute(
                f"CREATE TABLE bare.{table} (LIKE os_core.{table} INCLUDING DEFAULTS"
                " INCLUDING GENERATED INCLUDING IDENTITY INCLUDING INDEXES INCLUDING STORAGE)"
            )
        # The columns that have no default: a name each, and when it was made.
        for table, named in (
            ("tenants", {"tenant_id": scope.tenant_id}),
            ("identities", {"tenant_id": scope.tenant_id, "user_id": scope.user_id}),
            ("devices", {"tenant_id": scope.tenant_id, "user_id": scope.user_id,
                         "device_id": scope.device_id}),
            ("sessions", {"tenant_id": scope.tenant_id, "user_id": scope.user_id,
                          "device_id": scope.device_id, "session_id": scope.session_id}),
        ):  # fmt: skip
            made = named | {"created_at": rows.BEGINNING_NS}
            connection.execute(
                f"INSERT INTO bare.{table} ({', '.join(made)})"
                f" VALUES ({', '.join(['%s'] * len(made))})",
                tuple(made.values()),
            )
