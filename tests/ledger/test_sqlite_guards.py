"""No SQL on a stranger's connection changes a committed row, or moves what it rests on.

The stranger is the standard library's SQLite in a process of its own, where foreign keys are off
by default. Each attack is tried under every setting of the pragmas that change what fires.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from api_keys import let_in
from ledgers import (
    ACME,
    ALICE,
    BOB,
    CHAT,
    CLARIFY,
    DRAFT,
    EVERYONE,
    GLOBEX,
    PROFILE,
    START_NS,
    TABLES,
    TALK,
    Ledger,
    Result,
    SqliteDatabase,
    stranger_at,
)
from seals import sealer
from selene_os.ledger.events import Unit
from selene_os.names import SessionId

NEW_ID = "lower('00000000-0000-7000-8000-' || hex(randomblob(6)))"
UNRECORDED = "(SELECT event_id FROM audit_events WHERE idempotency_key = 'unrecorded')"
NO = "CAST('no' AS BLOB)"

# For each guarded table: other values for its columns, and for each of its unique keys the columns
# that must be others so that only this key is in the way. `rowid` is the hidden key of each.
CHANGES: dict[str, dict[str, str]] = {
    "audit_events": {"event_id": NEW_ID, "idempotency_key": "'other'", "payload_min": "'{}'"},
    "replay_inputs": {"event_id": UNRECORDED, "record": NO},
    "conversation_ledger": {"turn_id": "99", "text": NO},
    "memory_ledger": {
        "memory_event_id": NEW_ID, "idempotency_key": "'other'", "version": "99", "value": NO,
    },
    "device_bindings": {"device_id": "'fresh'", "tenant_id": "'globex'"},
    "tenants": {"tenant_id": "'fresh'", "currency": "'XTS'", "created_at": "7"},
    "identities": {"user_id": "'fresh'", "status": "'DISABLED'", "created_at": "7"},
    "devices": {"device_id": "'loose'", "user_id": "'bob'", "created_at": "7"},
    "sessions": {"session_id": "'fresh'", "created_at": "7", "closed_at": "8"},
    "merkle_leaves": {"leaf_index": "99", "event_id": "'fresh'", "leaf_hash": "zeroblob(32)"},
    "merkle_nodes": {"level": "9", "first": "99", "hashes": "zeroblob(32)"},
    "checkpoints": {"size": "99", "frontier": NO, "note": NO},
    "signing_keys": {"key_id": "'00000000'", "statement": NO},
    "api_keys": {"key_id": "'freshfreshfr'", "digest": "zeroblob(32)", "scopes": "'admin'"},
    "access_events": {"access_id": NEW_ID, "outcome": "'REFUSED'"},
    "operators": {"login": "'fresh'", "valid_after": "0", "password": "'other'"},
}  # fmt: skip
# Without a hidden key.
WITHOUT_ROWID = (
    "merkle_leaves", "merkle_nodes", "checkpoints", "signing_keys", "unsealed_events", "api_keys",
    "access_events", "operators",
)  # fmt: skip
WITH_ROWID = [table for table in CHANGES if table not in WITHOUT_ROWID]
KEYS: dict[str, list[tuple[str, ...]]] = {
    "audit_events": [("tenant_id", "event_id"), ("tenant_id", "correlation_id", "idempotency_key")],
    "replay_inputs": [("tenant_id", "event_id")],
    "conversation_ledger": [("tenant_id", "correlation_id", "turn_id", "role")],
    "memory_ledger": [
        ("tenant_id", "memory_event_id"),
        ("tenant_id", "user_id", "idempotency_key"),
        ("tenant_id", "user_id", "memory_key", "version"),
    ],
    "device_bindings": [("device_id",)],
    "tenants": [("tenant_id",)],
    "identities": [("tenant_id", "user_id")],
    "devices": [("tenant_id", "device_id"), ("tenant_id", "user_id", "device_id")],
    "sessions": [("tenant_id", "session_id")],
    "merkle_leaves": [("tenant_id", "leaf_index"), ("tenant_id", "event_id")],
    "merkle_nodes": [("tenant_id", "level", "first")],
    "checkpoints": [("tenant_id", "size")],
    "signing_keys": [("tenant_id", "key_id")],
    "api_keys": [("tenant_id", "key_id")],
    "access_events": [("tenant_id", "access_id")],
    "operators": [("login",)],
}
EVERY_KEY = [(table, (*key,)) for table, keys in KEYS.items() for key in keys]
EVERY_KEY += [(table, ("rowid",)) for table in WITH_ROWID]
PRAGMAS = [
    (f"PRAGMA foreign_keys = {keys}", f"PRAGMA recursive_triggers = {recursive}")
    for keys, recursive in itertools.product(("OFF", "ON"), repeat=2)
]
DUMP = tuple(
    f"SELECT {'' if table in WITHOUT_ROWID else 'rowid, '}* FROM {table} ORDER BY 1, 2"
    for table in TABLES
)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Ledger]:
    """A SQLite ledger with rows in every table."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    for turn, scope in enumerate(EVERYONE, 1):
        ledger.commit(ledger.scribe.unit(DRAFT, scope, turn=turn, key=f"{turn}", more=[CLARIFY]))
        ledger.write(PROFILE, scope, turn=turn, key=f"profile {turn}")
        ledger.store.append_memory(ledger.scribe.memory(scope=scope))
    unrecorded = ledger.scribe.event(CHAT, turn=9, key="unrecorded")
    ledger.commit(Unit((unrecorded,)))
    ledger.store.register(ACME, ALICE.user_id, ALICE.device_id, SessionId("past"), START_NS)
    ledger.store.close_session(ACME, SessionId("past"), START_NS + 1)
    sealer(ledger.store, rows_max=4).seal_all()
    ledger.write(CHAT, turn=10, key="unsealed")
    for tenant_id in (ACME, GLOBEX):
        let_in(ledger, tenant_id)
    yield ledger
    ledger.store.close()


def attack(ledger: Ledger, *statements: str) -> list[Result]:
    """Try statements under every pragma; fail if any row of any table is another afterwards.

    Returns:
        What the statements came to, of all settings together.
    """
    script: list[str] = [*DUMP]
    for pragmas in PRAGMAS:
        script += [*pragmas, *statements, *DUMP]
    results = ledger.raw(*script)
    before, rest = results[: len(DUMP)], results[len(DUMP) :]
    assert all(result.error is None for result in before)
    tried: list[Result] = []
    size = 2 + len(statements) + len(DUMP)
    for number, pragmas in enumerate(PRAGMAS):
        part = rest[number * size : (number + 1) * size]
        tried += part[2 : 2 + len(statements)]
        assert part[2 + len(statements) :] == before, (pragmas, statements)
    return tried


def columns_of(ledger: Ledger, table: str) -> list[str]:
    """A table's columns, in order."""
    return [str(row[1]) for row in ledger.raw(f"PRAGMA table_info({table})")[0].rows]


def copy_of(ledger: Ledger, table: str, key: tuple[str, ...]) -> tuple[str, str]:
    """Columns, and a SELECT of every row changed in all of them that are not of this key."""
    columns = columns_of(ledger, table)
    values = [column if column in key else CHANGES[table].get(column, column) for column in columns]
    if key == ("rowid",):
        columns, values = ["rowid", *columns], ["rowid", *values]
    return ", ".join(columns), f"SELECT {', '.join(values)} FROM {table}"


@pytest.mark.parametrize("table", CHANGES)
def test_no_update_and_no_delete_changes_a_row(guarded: Ledger, table: str) -> None:
    changes = ", ".join(f"{column} = {value}" for column, value in CHANGES[table].items())
    key = next(iter(CHANGES[table]))
    hidden = KEYS[table][0][0] if table in WITHOUT_ROWID else "rowid"
    some = f"{hidden} = (SELECT min({hidden}) FROM {table})"
    results = attack(
        guarded,
        f"UPDATE {table} SET {changes}",
        f"UPDATE OR REPLACE {table} SET {changes} WHERE {some}",
        f"UPDATE {table} SET {key} = {CHANGES[table][key]} WHERE {some}",
        f"UPDATE OR REPLACE {table} SET {key} = (SELECT max({key}) FROM {table}) WHERE {some}",
        f"UPDATE {table} SET rowid = rowid + 1000",
        f"UPDATE OR REPLACE {table} SET _rowid_ = rowid + 1 WHERE {some}",
        f"UPDATE {table} SET oid = -rowid",
        f"DELETE FROM {table}",
        f"DELETE FROM {table} WHERE {some}",
    )
    assert all(result.error for result in results)


@pytest.mark.parametrize(
    ("table", "key"), EVERY_KEY, ids=[f"{table} by {'+'.join(key)}" for table, key in EVERY_KEY]
)
def test_no_insert_replaces_a_row(guarded: Ledger, table: str, key: tuple[str, ...]) -> None:
    # A device that is bound and not registered, so that a replacement could be valid.
    guarded.raw("INSERT INTO device_bindings VALUES ('loose', 'acme', 1)")
    columns, rows = copy_of(guarded, table, key)
    one = (
        f"{rows} ORDER BY 1 LIMIT 1"
        if table in WITHOUT_ROWID
        else (f"{rows} ORDER BY {table}.rowid LIMIT 1")
    )
    target = ", ".join(key)
    column, value = list(CHANGES[table].items())[-1]
    attempts = [
        f"INSERT OR REPLACE INTO {table} ({columns}) {rows}",
        f"INSERT OR REPLACE INTO {table} ({columns}) {one}",
        f"REPLACE INTO {table} ({columns}) {rows} WHERE true RETURNING *",
        f"INSERT OR IGNORE INTO {table} ({columns}) {rows}",
        f"INSERT INTO {table} ({columns}) {rows} WHERE true ON CONFLICT DO NOTHING",
    ]
    if key != ("rowid",):
        attempts += [
            f"INSERT INTO {table} ({columns}) {rows} WHERE true"
            f" ON CONFLICT ({target}) DO UPDATE SET {column} = {value}",
            f"INSERT OR REPLACE INTO {table} ({columns}) {rows} WHERE true"
            f" ON CONFLICT ({target}) DO UPDATE SET {column} = excluded.{column}",
        ]
    attack(guarded, *attempts)


@pytest.mark.parametrize("table", WITH_ROWID)
@pytest.mark.parametrize("rowid", [0, -1, -2, -(2**63)])
def test_no_row_is_put_below_the_first_rowid(guarded: Ledger, table: str, rowid: int) -> None:
    """A row with rowid -1 would be what a BEFORE trigger sees of every other insert."""
    guarded.raw("INSERT INTO device_bindings VALUES ('loose', 'acme', 1)")
    columns, rows = copy_of(guarded, table, ("rowid",))
    rows = rows.replace("SELECT rowid,", f"SELECT {rowid},", 1)
    # An acme row, its session open: nothing but the rowid is wrong.
    whose = {"tenants": "1", "device_bindings": "1", "sessions": "session_id = 'morning'"}
    one = f"{rows} WHERE {whose.get(table, 'tenant_id = ' + repr(str(ACME)))} LIMIT 1"
    for verb in ("INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"):
        attack(guarded, f"{verb} INTO {table} ({columns}) {one}")
    assert not guarded.write(CHAT, turn=20, key="after").deduplicated


def _event(changes: dict[str, str]) -> str:
    """An INSERT of bob's first event once more, as another one, with some values changed."""
    values = {
        "tenant_id": "'acme'", "event_id": NEW_ID, "engine": "'PH1.NLP'",
        "event_type": "'NlpIntentDraft'", "reason_code": "1", "severity": "'INFO'",
        "correlation_id": f"'{TALK}'", "turn_id": "50", "user_id": "'bob'", "device_id": "'desk'",
        "session_id": "'office'", "idempotency_key": "'forged'", "payload_min": "'{}'",
        "created_at": "1",
    }  # fmt: skip
    return f"INSERT INTO audit_events VALUES ({', '.join({**values, **changes}.values())})"


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant_id": "'initech'"},
        {"tenant_id": "'globex'"},
        {"user_id": "'mallory'"},
        {"user_id": "'alice'"},
        {"device_id": "'kitchen'"},
        {"device_id": "'porch'"},
        {"session_id": "'never'"},
        {"session_id": "'morning'"},
        {"user_id": "'alice'", "device_id": "'kitchen'", "session_id": "'past'"},
        {"user_id": "NULL"},
        {"device_id": "NULL"},
        {"user_id": "NULL", "device_id": "NULL", "session_id": "NULL"},
        {"engine": "'PH1.X'", "user_id": "NULL"},
        {"engine": "'PH1.X'", "device_id": "NULL"},
        {"tenant_id": "NULL"},
        {"event_id": "NULL"},
        # The specs give audit_events.user_id a foreign key of its own, whatever the device.
        {"engine": "'PH1.X'", "user_id": "'mallory'", "device_id": "NULL", "session_id": "NULL"},
        {
            "engine": "'PH1.X'", "tenant_id": "'initech'", "user_id": "NULL", "device_id": "NULL",
            "session_id": "NULL",
        },
    ],
)  # fmt: skip
def test_no_event_of_a_wrong_scope_enters(guarded: Ledger, changes: dict[str, str]) -> None:
    results = attack(guarded, _event(changes), _event(changes).replace("INSERT", "REPLACE", 1))
    assert all(result.error for result in results)


def test_the_forged_event_would_enter_if_its_scope_were_right(guarded: Ledger) -> None:
    """So it is the scope that the test above is refused for."""
    assert guarded.raw(_event({}))[0].error is None
    assert len(guarded.store.trace(ACME, TALK)) == 9
    guarded.store.set_identity_status(ACME, BOB.user_id, "DISABLED")
    attack(guarded, _event({"idempotency_key": "'forged 2'"}))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO replay_inputs VALUES ('acme', 'none', 'PH1.NLP', '1', NULL, x'00', 'plain')",
        f"INSERT INTO conversation_ledger VALUES ('acme', '{TALK}', 50, 'USER', 'TYPED_TEXT',"
        " 'alice', 'desk', x'61', 'plain', 'PRIVATE', 1)",
        f"INSERT INTO conversation_ledger VALUES ('globex', '{TALK}', 50, 'USER', 'TYPED_TEXT',"
        " 'alice', 'kitchen', x'61', 'plain', 'PRIVATE', 1)",
        f"INSERT INTO memory_ledger SELECT 'globex', {NEW_ID}, user_id, memory_key, 50, event,"
        " value, key_id, layer, sensitivity, confidence, consent, use_policy, expires_at,"
        " provenance, 'forged', 1 FROM memory_ledger WHERE user_id = 'alice'",
        "INSERT INTO devices VALUES ('acme', 'porch', 'alice', 1)",
        "INSERT INTO devices VALUES ('acme', 'unbound', 'alice', 1)",
        "INSERT INTO sessions VALUES ('acme', 'forged', 'alice', 'desk', 1, NULL)",
        "INSERT INTO sessions VALUES ('globex', 'forged', 'alice', 'kitchen', 1, NULL)",
        # From these two a tenant that nobody added would have users and devices that write.
        "INSERT INTO identities (tenant_id, user_id, created_at) VALUES ('initech', 'mallory', 1)",
        "INSERT INTO device_bindings VALUES ('forged', 'initech', 1)",
    ],
)
def test_nothing_of_a_wrong_scope_enters_the_other_tables(guarded: Ledger, statement: str) -> None:
    assert all(result.error for result in attack(guarded, statement))


def test_a_stranger_with_an_attached_file_changes_nothing(guarded: Ledger, tmp_path: Path) -> None:
    attack(
        guarded,
        f"ATTACH '{tmp_path / 'forged.db'}' AS forged",
        "DROP TABLE IF EXISTS forged.rows",
        "CREATE TABLE forged.rows AS SELECT * FROM audit_events",
        "UPDATE forged.rows SET payload_min = '{}'",
        "INSERT OR REPLACE INTO main.audit_events SELECT * FROM forged.rows",
        f"UPDATE forged.rows SET event_id = {NEW_ID}",
        "INSERT OR REPLACE INTO main.audit_events SELECT * FROM forged.rows",
        "UPDATE main.audit_events SET payload_min = (SELECT payload_min FROM forged.rows)",
        "DETACH forged",
    )
    before = guarded.tables()
    stranger_at(
        str(tmp_path / "forged.db"),
        f"ATTACH '{tmp_path / 'ledger.db'}' AS ledger",
        "DELETE FROM ledger.audit_events",
        "INSERT OR REPLACE INTO ledger.audit_events SELECT * FROM rows",
        "REPLACE INTO ledger.sessions SELECT tenant_id, session_id, user_id, device_id, 1, NULL"
        " FROM ledger.sessions",
    )
    assert guarded.tables() == before


def test_a_temporary_table_or_trigger_hides_nothing_from_the_guards(guarded: Ledger) -> None:
    attack(
        guarded,
        "CREATE TEMP TABLE IF NOT EXISTS devices AS SELECT * FROM main.devices",
        "INSERT INTO temp.devices VALUES ('acme', 'porch', 'alice', 1)",
        "CREATE TEMP TABLE IF NOT EXISTS audit_events AS SELECT * FROM main.audit_events WHERE 0",
        _event({"user_id": "'alice'", "device_id": "'porch'", "session_id": "NULL"}).replace(
            "INTO audit_events", "INTO main.audit_events"
        ),
        "INSERT OR REPLACE INTO main.audit_events SELECT tenant_id, event_id, engine, event_type,"
        " reason_code, severity, correlation_id, turn_id, user_id, device_id, session_id,"
        " idempotency_key, '{}', created_at FROM main.audit_events",
        "DROP TABLE temp.devices",
        "DROP TABLE temp.audit_events",
        "CREATE TEMP TRIGGER IF NOT EXISTS wipe BEFORE INSERT ON main.audit_events"
        " BEGIN DELETE FROM audit_events; END",
        _event({}).replace("INTO audit_events", "INTO main.audit_events"),
        "DROP TRIGGER temp.wipe",
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sessions SET closed_at = NULL WHERE session_id = 'past'",
        "UPDATE sessions SET closed_at = closed_at + 1 WHERE session_id = 'past'",
        "UPDATE OR REPLACE sessions SET session_id = 'past' WHERE session_id = 'morning'",
        "UPDATE sessions SET device_id = 'desk', user_id = 'bob' WHERE session_id = 'morning'",
        "UPDATE sessions SET tenant_id = 'globex'",
        "UPDATE devices SET user_id = 'bob' WHERE device_id = 'kitchen'",
        "UPDATE devices SET tenant_id = 'globex'",
        "UPDATE identities SET user_id = 'mallory' WHERE user_id = 'alice'",
        "UPDATE identities SET tenant_id = 'globex' WHERE user_id = 'alice'",
        "UPDATE tenants SET tenant_id = 'initech' WHERE tenant_id = 'acme'",
        "UPDATE device_bindings SET tenant_id = 'globex'",
    ],
)
def test_no_registration_is_moved_and_no_session_reopened(guarded: Ledger, statement: str) -> None:
    assert all(result.error for result in attack(guarded, statement))
