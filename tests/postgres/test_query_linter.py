"""Every hot statement finds its rows by an index that tenant_id leads, also within functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
import pytest

import servers
from postgres.hot_queries import DEFECTS, Connection, Hot, breaches, fill, hot
from postgres.sieges import APP
from postgres_databases import PostgresDatabase
from selene_os.ledger.postgres import statements

HOT: Final = hot()
EACH: Final = [
    pytest.param(name, marks=pytest.mark.xfail(reason=f"{DEFECTS[name]}"))
    if name in DEFECTS
    else name
    for name in HOT
]
# Indices, of which the second would stand in for the first, and who misses them.
INDICES: Final = {
    "event_by_key": ("audit_idempotency_index_legacy", "audit_events_by_turn"),
    "turns_taken": ("audit_events_by_turn", "audit_idempotency_index_legacy"),
    "last_profile": ("audit_events_profiles",),
    "event": ("audit_events_pkey",),
    "record": ("replay_inputs_pkey",),
    "conversation": ("conversation_ledger_pkey",),
    "memory_events": (
        "memory_ledger_tenant_id_user_id_memory_key_version_key",
        "memory_ledger_tenant_id_user_id_idempotency_key_key",
    ),
    "memory_current": ("memory_current_pkey",),
    "commit": ("devices_pkey", "devices_tenant_id_user_id_device_id_key"),
}


def _connect(database: PostgresDatabase, role: str = "postgres") -> Connection:
    return psycopg.connect(database.url(role), autocommit=True)


@pytest.fixture(scope="module", params=servers.names())
def full(request: pytest.FixtureRequest) -> Iterator[PostgresDatabase]:
    """A database with thousands of rows, which the planner knows of; nobody changes it for good."""
    database = PostgresDatabase.fresh(request.param)
    fill(database, analyze=True)
    yield database
    database.drop()


@pytest.mark.parametrize("name", EACH)
def test_every_hot_statement_reads_little(full: PostgresDatabase, name: str) -> None:
    with _connect(full, APP) as connection, connection.transaction(force_rollback=True):
        assert breaches(connection, HOT[name]) == []


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
def test_they_read_little_by_either_kind_of_plan(full: PostgresDatabase, mode: str) -> None:
    found = {}
    with _connect(full, APP) as connection:
        connection.execute(f"SET plan_cache_mode = {mode}".encode())
        for name, call in HOT.items():
            with connection.transaction(force_rollback=True):
                found[name] = breaches(connection, call)
    assert {name: breach for name, breach in found.items() if breach} == DEFECTS


@pytest.mark.parametrize("kind", servers.names())
@pytest.mark.parametrize(
    ("known", "after"),
    [
        ("never analyzed", "grown"),
        ("never analyzed", "analyzed"),
        ("known to be empty", "analyzed"),
    ],
)
def test_plans_made_while_the_tables_were_empty(kind: str, known: str, after: str) -> None:
    """A function keeps its plan while its connection lives and nothing is learned of its tables."""
    database = PostgresDatabase.fresh(kind)
    try:
        if known == "known to be empty":
            database.raw("ANALYZE")
        with _connect(database, APP) as connection:
            for call in HOT.values():
                for _ in range(7):
                    _tried(connection, call)
            # The server itself does so a minute after a table has grown by fifty rows.
            fill(database, analyze=after == "analyzed")
            found = {}
            for name, call in HOT.items():
                with connection.transaction(force_rollback=True):
                    found[name] = breaches(connection, call)
    finally:
        database.drop()
    assert {name: breach for name, breach in found.items() if breach} == DEFECTS


def _tried(connection: Connection, call: Hot) -> None:
    """Run a statement as the store does, and take it back; in an empty ledger some are refused."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statements.SET_READER, (call.values[0],))
            connection.execute(call.statement.encode(), call.values)
    except psycopg.errors.DatabaseError as error:
        assert (error.sqlstate or "").startswith("SE")


@pytest.mark.parametrize("name", INDICES)
def test_the_linter_misses_an_index_that_is_gone(full: PostgresDatabase, name: str) -> None:
    with _connect(full) as connection, connection.transaction(force_rollback=True):
        for index in INDICES[name]:
            # An invalid index is one that no plan uses, whatever constraint rests on it.
            changed = connection.execute(
                "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = to_regclass(%s)",
                (f"os_core.{index}",),
            )
            assert changed.rowcount == 1
        connection.execute("SET LOCAL SESSION AUTHORIZATION selene_app")
        assert breaches(connection, HOT[name])


# ---- the plans themselves, where the server can show them

_SCANS: Final = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan", "Tid Scan")


class Plans:
    """The plans of whatever a connection runs, nested statements too, by auto_explain."""

    def __init__(self, connection: Connection) -> None:
        try:
            connection.execute("LOAD 'auto_explain'")
        except psycopg.errors.UndefinedFile:
            pytest.skip("this server has no auto_explain")
        for name, value in (
            ("auto_explain.log_min_duration", "0"),
            ("auto_explain.log_nested_statements", "on"),
            ("auto_explain.log_format", "json"),
            ("auto_explain.log_level", "notice"),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        self.told: list[dict[str, Any]] = []
        connection.add_notice_handler(self._note)

    def _note(self, told: psycopg.errors.Diagnostic) -> None:
        _, _, shown = (told.message_primary or "").partition("plan:\n")
        if shown:
            self.told.append(json.loads(shown))

    def wrong(self) -> list[str]:
        """The scans of a table of ours that tenant_id does not narrow first."""
        return [
            f"{told['Query Text'][:80]}: {node['Node Type']} of {_of(node)}"
            for told in self.told
            for node in _nodes(told["Plan"])
            if node["Node Type"] in _SCANS and not _narrowed(node)
        ]


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _of(node: Mapping[str, Any]) -> str:
    return str(node.get("Relation Name") or node.get("Index Name"))


def _narrowed(node: Mapping[str, Any]) -> bool:
    of = f"{node.get('Relation Name', '')} {node.get('Index Name', '')}"
    if " pg_" in f" {of}":
        return True
    if "device_bindings" in of:
        return "device_id = " in node.get("Index Cond", "")
    return bool(re.search(r"\btenant_id(\)::text)? = ", node.get("Index Cond", "")))


@pytest.mark.parametrize("name", EACH)
def test_every_scan_is_narrowed_by_its_tenant_first(full: PostgresDatabase, name: str) -> None:
    with _connect(full) as connection, connection.transaction(force_rollback=True):
        plans = Plans(connection)
        connection.execute("SET LOCAL SESSION AUTHORIZATION selene_app")
        breaches(connection, HOT[name])
        assert any(_of(n) != "None" for told in plans.told for n in _nodes(told["Plan"]))
        assert plans.wrong() == []


def test_a_plan_without_the_tenant_is_named(full: PostgresDatabase) -> None:
    with _connect(full) as connection:
        plans = Plans(connection)
        connection.execute("SELECT FROM os_core.audit_events WHERE event_id = 'x'")
        assert plans.wrong()


# ---- what the functions say

_FROM: Final = re.compile(r"\b(?:FROM|JOIN|UPDATE|,)\s+os_core\.(\w+) AS (\w+)")
# What looks over all tenants: who holds a device, whom this login may act for, what keys there are.
_OVER_ALL: Final = {
    ("register", "device_bindings"), ("list_tenants", "tenants"),
    ("unbound_devices", "device_bindings"), ("unsealed_tenants", "tenants"),
    ("api_key_names", "api_keys"),
    # Joined by the tenant: of whom each has something to seal, and what was taken out.
    ("unsealed_tenants", "unsealed_events"), ("refuse_unsealed", "merkle_leaves"),
    # Of no tenant.
    ("add_operator", "operators"), ("operator", "operators"), ("list_operators", "operators"),
    ("set_operator", "operators"),
}  # fmt: skip


def _untenanted(bodies: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {table}"
        for name, body in bodies.items()
        for table, alias in _FROM.findall(body)
        if (name, table) not in _OVER_ALL
        and not re.search(rf"\b{alias}\.tenant_id = (p_tenant_id|NEW\.tenant_id)\b", body)
    ]


def _bodies(database: PostgresDatabase) -> dict[str, str]:
    (found,) = database.raw(
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'os_core'::regnamespace"
    )
    return {str(name): str(body) for name, body in found.rows}


def test_every_table_in_a_function_is_asked_for_the_tenants_rows(full: PostgresDatabase) -> None:
    bodies = _bodies(full)
    assert _untenanted(bodies) == []
    # Each mention of a table is one that the rule above has read, or an insertion.
    for name, body in bodies.items():
        tables = re.findall(r"(?:FROM|JOIN|UPDATE|INTO) os_core\.(\w+)\b(?!\()", body)
        written = re.findall(r"INSERT INTO os_core\.(\w+)", body)
        read = [table for table, _ in _FROM.findall(body)]
        assert set(tables) <= {*written, *read}, name


def test_a_function_that_forgets_the_tenant_is_named() -> None:
    forgetful = "SELECT FROM os_core.devices AS d WHERE d.device_id = p_device_id"
    assert _untenanted({"odd": forgetful}) == ["odd: devices"]
