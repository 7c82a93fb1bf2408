"""Every known way round the guards, tried for real by SQL on a connection of its own.

`selene doctor` runs these on a scratch copy of a ledger. What SQLite cannot refuse to whoever can
write the file (dropping a trigger, writing the schema) is listed as well, with what shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import apsw

from selene_os.ledger import migrations
from selene_os.ledger.events import AuditEvent, columns_of
from selene_os.ledger.inspection import (
    Attempt,
    bundle_faults,
    differences,
    event_faults,
    first_faults,
    settled_twice,
)
from selene_os.ledger.sqlite import statements
from selene_os.ledger.sqlite.connection import unavailable
from selene_os.ledger.sqlite.schema import TABLE, check_schema

# The ledgers: append-only, with a column that an attacker would change.
LEDGERS: Final = {
    "audit_events": "reason_code = 1",
    "replay_inputs": "engine_version = 'x'",
    "conversation_ledger": "source = 'TOMBSTONE'",
    "memory_ledger": "confidence = 'LOW'",
    "device_bindings": "created_at = 0",
    "term_bundles": "key_id = 'x'",
    "merkle_leaves": "leaf_hash = zeroblob(32)",
    "merkle_nodes": "hashes = zeroblob(32)",
    "checkpoints": "frontier = zeroblob(8)",
    "signing_keys": "created_at = 0",
    "packs": "created_at = 0",
    "api_keys": "scopes = 'admin'",
    "access_events": "outcome = 'REFUSED'",
    "operators": "created_at = 0",
}

_WITHOUT_ROWID: Final = (
    "unsealed_events",
    "merkle_leaves",
    "merkle_nodes",
    "checkpoints",
    "signing_keys",
    "api_keys",
    "access_events",
    "operators",
)

# What a file cannot refuse to whoever may write it. Each is seen, or needs a signed checkpoint.
BEYOND: Final = (
    ("turn triggers off on a connection of one's own, and change rows", "only a signed checkpoint"),
    ("drop or edit a trigger, then change rows and put it back", "only a signed checkpoint"),
    ("drop or edit a trigger, and leave it so", "selene doctor"),
    ("write the schema table, turn checks off", "selene doctor"),
    ("replace the whole file by an older or another one", "only a signed checkpoint"),
)


def attempts(path: str) -> list[Attempt]:
    """Try every bypass on a ledger that may be spoilt: a scratch copy, never the real one.

    Args:
        path: the copy; it must hold at least one row in each table of LEDGERS.
    """
    connection = apsw.Connection(path)
    # As a stranger's connection would be: SQLite's own defaults, foreign keys off.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        tried = []
        for name, statements in _attacks(connection):
            tried.append(_attempt(connection, name, statements))
        return tried
    finally:
        connection.close()


def _attacks(connection: apsw.Connection) -> Iterable[tuple[str, tuple[str, ...]]]:
    for table, change in LEDGERS.items():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        listed = ", ".join(str(column) for column in columns)
        name, _, value = change.partition(" = ")
        changed = ", ".join(value if column == name else str(column) for column in columns)
        replace = f"INSERT OR REPLACE INTO {table}"
        yield f"UPDATE {table}", (f"UPDATE {table} SET {change}",)
        yield f"UPDATE OR REPLACE {table}", (f"UPDATE OR REPLACE {table} SET {change}",)
        yield f"DELETE FROM {table}", (f"DELETE FROM {table}",)
        yield (
            f"INSERT OR REPLACE by key into {table}",
            (f"{replace} ({listed}) SELECT {changed} FROM {table}",),
        )
        if table not in _WITHOUT_ROWID:
            yield (
                f"INSERT OR REPLACE by rowid into {table}",
                (f"{replace} (rowid, {listed}) SELECT rowid, {changed} FROM {table}",),
            )
        yield (
            f"UPSERT into {table}",
            (
                f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {table} WHERE true"
                f" ON CONFLICT DO UPDATE SET {change}",
            ),
        )
        yield (
            f"DELETE FROM {table} with recursive_triggers off",
            ("PRAGMA recursive_triggers = OFF", f"DELETE FROM {table} WHERE true"),
        )
        yield (
            f"DELETE from an attached file's connection: {table}",
            ("ATTACH ':memory:' AS other", f"DELETE FROM main.{table}"),
        )
    yield "keep a row from being sealed", ("DELETE FROM unsealed_events",)
    yield "move a device to another user", ("UPDATE devices SET user_id = user_id || '2'",)
    yield "move a session to another device", ("UPDATE sessions SET device_id = device_id || '2'",)
    yield "remove a user", ("DELETE FROM identities",)
    yield (
        "write for a device that is not the user's, foreign keys off",
        (
            "INSERT INTO audit_events SELECT tenant_id, '01a1fc00-0000-7000-8000-000000000000',"
            " engine, event_type, reason_code, severity, correlation_id, turn_id + 1, user_id,"
            " device_id || '2', NULL, 'bypass', payload_min, created_at FROM audit_events LIMIT 1",
        ),
    )


def _attempt(connection: apsw.Connection, name: str, statements: tuple[str, ...]) -> Attempt:
    before = _rows(connection)
    found = "accepted, and nothing changed"
    connection.execute("BEGIN")
    try:
        for statement in statements:
            if statement.startswith(("PRAGMA", "ATTACH")):
                # Neither works inside a transaction.
                connection.execute("COMMIT")
                connection.execute(statement)
                connection.execute("BEGIN")
            else:
                connection.execute(statement)
        after = _rows(connection)
    except apsw.Error as error:
        found = str(error)
        after = _rows(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        _detach(connection)
    spoilt = [table for table, rows in before.items() if rows != after[table]]
    if spoilt:
        found = "changed " + ", ".join(spoilt)
    return Attempt(name, not spoilt, found)


def _detach(connection: apsw.Connection) -> None:
    attached = [row[1] for row in connection.execute("PRAGMA database_list")]
    if "other" in attached:
        connection.execute("DETACH other")


def _rows(connection: apsw.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: [
            tuple(row)
            for row in connection.execute(
                f"SELECT {'' if table in _WITHOUT_ROWID else 'rowid, '}* FROM {table}"
            )
        ]
        for table in (*LEDGERS, "unsealed_events", "identities", "devices", "sessions")
    }


def schema_differences(connection: apsw.Connection, path: str) -> list[str]:
    """What of a ledger's schema is not what its migrations made: dropped or edited guards.

    Raises:
        SchemaDiffers, LedgerMissing: it is no ledger of this version at all.
    """
    check_schema(connection, path)
    try:
        return _schema_differences(connection)
    except apsw.Error as error:
        raise unavailable(path, error) from error


def _schema_differences(connection: apsw.Connection) -> list[str]:
    mine = apsw.Connection(":memory:")
    try:
        mine.execute(TABLE)
        for migration in migrations.load("sqlite"):
            mine.execute(migration.sql)
        expected, there = _schema(mine), _schema(connection)
    finally:
        mine.close()
    return differences(expected, there)


def _schema(connection: apsw.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {f"{kind} {name}": str(sql) for kind, name, sql in rows}


def row_faults(connection: apsw.Connection) -> list[str]:
    """Rows that no guarded write can have made, and damage to the file itself.

    Args:
        connection: one that may write, since SQLite checks no CHECK for others.
    """
    return first_faults(_row_faults(connection))


def _row_faults(connection: apsw.Connection) -> Iterator[str]:
    try:
        yield from _readable_faults(connection)
    except (apsw.Error, UnicodeDecodeError) as error:
        yield f"the file is damaged, and cannot be read further ({error})"


def _readable_faults(connection: apsw.Connection) -> Iterator[str]:
    for (text,) in connection.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield str(text)
    for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"{table}, row {rowid}: refers to nothing in {parent}"
    yield from _lost_rows(connection)
    yield from _context_faults(connection)
    columns = columns_of(AuditEvent, "e")
    yield from event_faults(
        connection.execute(
            f"SELECT {columns}, r.engine, r.record, r.key_id FROM audit_events AS e"
            " LEFT JOIN replay_inputs AS r USING (tenant_id, event_id)"
        )
    )


def _context_faults(connection: apsw.Connection) -> Iterator[str]:
    """Terms that nobody imported so, and drafts that were settled twice."""
    yield from bundle_faults(
        connection.execute("SELECT tenant_id, digest, bundle, key_id FROM term_bundles")
    )
    yield from settled_twice(
        connection.execute(
            "SELECT tenant_id, payload_min ->> 'draft_event_id' AS draft FROM audit_events"
            " WHERE engine = 'PH1.X' GROUP BY tenant_id, correlation_id, draft HAVING count(*) > 1"
        )
    )


def _lost_rows(connection: apsw.Connection) -> Iterable[str]:
    """Events that no sealer would ever see, and memories that their ledger does not add up to."""
    ((unseen,),) = connection.execute(
        "SELECT count(*) FROM audit_events AS e WHERE NOT EXISTS (SELECT 1 FROM unsealed_events"
        " AS u WHERE u.tenant_id = e.tenant_id AND u.event_id = e.event_id) AND NOT EXISTS"
        " (SELECT 1 FROM merkle_leaves AS l WHERE l.tenant_id = e.tenant_id"
        " AND l.event_id = e.event_id)"
    ).fetchall()
    if unseen:
        yield f"unsealed_events: {unseen} events are missing from it"
    for tenant_id, user_id in connection.execute(
        "SELECT tenant_id, user_id FROM memory_ledger"
        " UNION SELECT tenant_id, user_id FROM memory_current"
    ).fetchall():
        there = connection.execute(statements.MEMORY_CURRENT, (tenant_id, user_id)).fetchall()
        built = connection.execute(statements.MEMORY_PROJECTED, (tenant_id, user_id)).fetchall()
        if there != built:
            yield f"memory_current of user {user_id} is not what the ledger adds up to"


def scratch(source: apsw.Connection, path: str) -> None:
    """Make a ledger at `path` with the schema that `source` has now, guards and all, and no rows.

    Not the rows: they are what people said, and there may be millions of them.
    """
    copy = apsw.Connection(path)
    try:
        copy.execute("PRAGMA journal_mode = WAL")
        for (sql,) in source.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type <> 'table', rowid"
        ):
            copy.execute(str(sql))
        rows = source.execute("SELECT * FROM schema_migrations").fetchall()
        copy.executemany("INSERT INTO schema_migrations VALUES (?, ?, ?, ?)", rows)
    finally:
        copy.close()
