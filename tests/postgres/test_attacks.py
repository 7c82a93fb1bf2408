"""What a login can do to the ledger with SQL of its own: nothing, and the superuser no change."""

from __future__ import annotations

from typing import Final

import pytest

from ledgers import GLOBEX, TABLES
from postgres.sieges import APP, AUDITOR, HIDDEN, HONEST, HOSTILE, ONE_SERVER, TENANT, Siege
from selene_os.ledger.postgres import roles
from selene_os.names import SessionId

ROLES: Final = (APP, HOSTILE, AUDITOR)

# Attack -> statements, of which the last must be refused for want of a privilege.
REFUSED: Final[dict[str, tuple[str, ...]]] = {
    "update": ("UPDATE audit_events SET payload_min = '{}'",),
    "update of nothing": ("UPDATE audit_events SET payload_min = '{}' WHERE FALSE",),
    "delete": ("DELETE FROM audit_events",),
    "truncate": ("TRUNCATE audit_events CASCADE",),
    "merge": (
        "MERGE INTO audit_events AS a USING (SELECT 1) AS s ON TRUE WHEN MATCHED THEN DELETE",
    ),
    "insert": ("INSERT INTO unsealed_events VALUES ('globex', 'x')",),
    "copy in": ("COPY tenants FROM STDIN",),
    "copy to a program": ("COPY tenants TO PROGRAM 'cat'",),
    "copy from a program": ("CREATE TEMP TABLE t (x text)", "COPY t FROM PROGRAM 'id'"),
    "copy from a file": ("CREATE TEMP TABLE t (x text)", "COPY t FROM '/etc/passwd'"),
    "read a file": ("SELECT pg_read_file('postgresql.conf')",),
    "lock rows": ("SELECT set_config('selene.tenant', 'globex', false)",
        "SELECT * FROM identities FOR UPDATE"),
    "lock the table": ("BEGIN", "LOCK TABLE audit_events IN EXCLUSIVE MODE"),
    "disable a trigger": ("ALTER TABLE audit_events DISABLE TRIGGER audit_events_no_change",),
    "disable all triggers": ("ALTER TABLE audit_events DISABLE TRIGGER ALL",),
    "drop a trigger": ("DROP TRIGGER audit_events_no_change ON audit_events",),
    "a trigger of its own": ("CREATE TRIGGER t AFTER INSERT ON audit_events"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",),
    "own the table": ("ALTER TABLE audit_events OWNER TO CURRENT_USER",),
    "own a function": ("ALTER FUNCTION commit_units OWNER TO CURRENT_USER",),
    "row security off for the table": ("ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY",),
    "a policy of its own": ("CREATE POLICY mine ON audit_events USING (TRUE)",),
    "a rule": ("CREATE RULE r AS ON INSERT TO audit_events DO INSTEAD NOTHING",),
    "an index with a function": ("CREATE INDEX i ON audit_events (lower(user_id))",),
    "a statistic": ("CREATE STATISTICS s ON user_id, engine FROM audit_events",),
    "a child table": ("CREATE TEMP TABLE child () INHERITS (audit_events)",),
    "drop the table": ("DROP TABLE unsealed_events",),
    "drop the schema": ("DROP SCHEMA os_core CASCADE",),
    "a table beside ours": ("CREATE TABLE os_core.mine (x int)",),
    "replace a function": ("CREATE OR REPLACE FUNCTION os_core.may_act(p_tenant_id TEXT)"
        " RETURNS BOOLEAN LANGUAGE sql STABLE PARALLEL SAFE RETURN TRUE",),
    "overload a function": ("CREATE FUNCTION os_core.may_act(VARCHAR)"
        " RETURNS BOOLEAN LANGUAGE sql RETURN TRUE",),
    "a function in public": (
        "CREATE FUNCTION public.may_act(TEXT) RETURNS BOOLEAN LANGUAGE sql RETURN TRUE",
    ),
    "a table in public": ("CREATE TABLE public.audit_events (x int)",),
    "a schema of its own": ("CREATE SCHEMA mine",),
    "a leakproof function": ("CREATE FUNCTION pg_temp.peek(text) RETURNS boolean"
        " LANGUAGE sql LEAKPROOF RETURN TRUE",),
    "an untrusted language": ("CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE c AS 'x'",),
    "a cast of its own": ("CREATE FUNCTION pg_temp.to_bool(text) RETURNS boolean LANGUAGE sql"
        " RETURN TRUE", "CREATE CAST (text AS boolean) WITH FUNCTION pg_temp.to_bool(text)"),
    "replica mode": ("SET session_replication_role = replica",),
    "the owner": ("SET ROLE selene_owner",),
    "the superuser": ("SET ROLE postgres",),
    "another session": ("SET SESSION AUTHORIZATION selene_owner",),
    "membership of the owner": ("GRANT selene_owner TO CURRENT_USER",),
    "pass row security by": ("ALTER ROLE CURRENT_USER BYPASSRLS",),
    "log in as every tenant": (f"ALTER ROLE {TENANT} LOGIN",),
    "the role of every tenant": (f"DROP ROLE {TENANT}",),
    "lend out the role of every tenant": (f"GRANT {TENANT} TO selene_auditor",),
    "the role of every tenant to another": (f"GRANT {APP} TO {TENANT}",),
    "make a role": ("CREATE ROLE helper LOGIN",),
    "rename itself": (f"ALTER ROLE {HOSTILE} RENAME TO selene_t_acme2",),
    "the superuser's settings": ("ALTER SYSTEM SET fsync = off",),
    "the database's settings": ("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET"
        " session_replication_role = replica', current_database()); END $$",),
    "the owner's password": ("ALTER ROLE selene_owner PASSWORD 'mine'",),
    "the catalog": ("SET allow_system_table_mods = on",),
    "the catalog's rows": ("UPDATE pg_catalog.pg_trigger SET tgenabled = 'D'",),
    "what owns, away": ("DROP OWNED BY selene_owner",),
    "what it owns, to us": ("REASSIGN OWNED BY selene_owner TO CURRENT_USER",),
    "an event trigger": ("CREATE EVENT TRIGGER e ON ddl_command_start"
        " EXECUTE FUNCTION event_trigger_table_rewrite_oid()",),
    "a publication": ("CREATE PUBLICATION p FOR TABLE audit_events",),
    "an extension": ("CREATE EXTENSION vector",),
    "replication": ("SELECT pg_create_logical_replication_slot('s', 'pgoutput')",),
    "export a large object": ("SELECT lo_export(1, '/tmp/x')",),
    "the log": ("SELECT pg_rotate_logfile()",),
    "statistics to nought": ("SELECT pg_stat_reset()",),
}  # fmt: skip
# Whatever else there is, is for the functions themselves to call.
READING: Final = {
    "may_act", "reader", "trace", "event", "event_by_key", "record", "turns_taken", "turn_before",
    "last_profile", "list_tenants", "tenant", "unbound_devices", "term_bundle", "pack",
}  # fmt: skip
WRITING: Final = {
    "commit_units", "append_utterance", "append_memory", "rebuild_memory", "add_tenant",
    "set_tenant", "register", "set_identity_status", "close_session", "put_terms", "put_pack",
}  # fmt: skip
# The application's alone: a tenant's login neither seals nor reads what waits for it.
SEALING: Final = {"unsealed_tenants", "unsealed", "seal"}
# Nor does it see who gets in, or write who did.
ENTRY: Final = {
    "add_api_key", "api_key", "list_api_keys", "end_api_key", "replace_api_key", "append_access",
    "api_key_names", "add_operator", "operator", "list_operators", "set_operator",
}  # fmt: skip
# Tables like ours, but for the one whose columns not all may copy.
_LIKE: Final = {
    **{table: f"(LIKE os_core.{table})" for table in TABLES if table not in HIDDEN},
    "device_bindings": "(device_id text, tenant_id text, created_at bigint)",
    "api_keys": "(tenant_id text, key_id text, digest bytea, scopes text)",
    "operators": "(login text, password text, tenants text)",
}
# Allowed by PostgreSQL to whoever has a login; nothing of the ledger may be another for it.
HARMLESS: Final[dict[str, tuple[str, ...]]] = {
    "rights from itself": ("GRANT ALL ON ALL TABLES IN SCHEMA os_core TO CURRENT_USER",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA os_core TO PUBLIC"),
    "a large object": ("SELECT lo_from_bytea(0, 'x')",),
    "a notice": ("LISTEN acme", "NOTIFY acme, 'globex'", "SELECT pg_notify('acme', 'x')"),
    "vacuum": ("VACUUM os_core.audit_events", "ANALYZE os_core.audit_events"),
    "settings": ("SET synchronous_commit = off", "SET default_transaction_read_only = on",
        "SET transform_null_equals = on", "SET row_security = off", "DISCARD ALL"),
    "temporary tables of our names": tuple(
        f"CREATE TEMP TABLE {table} {like}" for table, like in _LIKE.items()),
}  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_no_login_may_change_rows_or_schema(siege: Siege, role: str) -> None:
    allowed = {}
    with siege.unchanged():
        for attack, statements in REFUSED.items():
            result = siege.asked(role, *statements)
            # Of what only a superuser may set, and of a server with no such thing.
            refused = ("InsufficientPrivilege", "FeatureNotSupported", "CantChangeRuntimeParam")
            if not (result.error or "").startswith(refused):
                allowed[attack] = result
    assert allowed == {}


@pytest.mark.parametrize("role", ROLES)
def test_no_login_may_call_what_is_not_its_to_call(siege: Siege, role: str) -> None:
    calls = siege.superuser(
        "SELECT proname, format('SELECT os_core.%I(%s)', proname, (SELECT string_agg("
        "'NULL::' || t::regtype, ', ') FROM unnest(proargtypes) AS t)) FROM pg_proc"
        " WHERE pronamespace = 'os_core'::regnamespace AND prorettype <> 'trigger'::regtype"
    )
    with siege.unchanged():
        results = siege.by(role, *(str(call) for _, call in calls))
    callable_by = {
        str(name)
        for (name, _), result in zip(calls, results, strict=True)
        if not (result.error or "").startswith("InsufficientPrivilege")
    }
    mine = READING if role == AUDITOR else READING | WRITING
    assert callable_by <= (mine | SEALING | ENTRY if role == "selene_app" else mine)
    assert callable_by >= {"trace"} if role == AUDITOR else {"trace", "commit_units"}


@ONE_SERVER
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("attack", HARMLESS)
def test_what_any_login_may_do_leaves_the_ledger_alone(
    siege: Siege, role: str, attack: str
) -> None:
    with siege.unchanged():
        siege.by(role, *HARMLESS[attack])


@pytest.mark.parametrize("role", ROLES)
def test_a_login_can_take_rights_from_itself_alone(siege: Siege, role: str) -> None:
    rows = siege.ledger.tables()
    owners = ("CURRENT_USER", APP, AUDITOR, TENANT, HONEST)
    siege.by(role, *(f"DROP OWNED BY {owner}" for owner in owners))
    assert siege.ledger.tables() == rows
    for other in {*ROLES, HONEST} - {role}:
        (found,) = siege.by(other, "SELECT tenant_id FROM os_core.list_tenants()")
        assert found.rows, other


def test_nobody_but_a_few_gets_as_far_as_the_schema(siege: Siege) -> None:
    siege.database.raw(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'selene_passer_by')"
        " THEN CREATE ROLE selene_passer_by LOGIN; END IF; END $$"
    )
    tries = [f"SELECT * FROM os_core.{table}" for table in TABLES]
    tries += ["SELECT os_core.may_act('acme')", "SELECT os_core.commit_units('acme', '[]', FALSE)"]
    with siege.unchanged():
        for tried, result in zip(tries, siege.by("selene_passer_by", *tries), strict=True):
            assert (result.error or "").startswith("InsufficientPrivilege"), tried


# A schema that the attacker owns and puts in front: every name that our functions use unqualified.
_DECOYS: Final = (
    "CREATE FUNCTION mine.starts_with(text, text) RETURNS boolean LANGUAGE sql RETURN FALSE",
    "CREATE FUNCTION mine.hashtextextended(text, bigint) RETURNS bigint LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE 'caught by %', current_user; END $$",
    "CREATE FUNCTION mine.json_array_elements(json) RETURNS SETOF json LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE 'caught by %', current_user; END $$",
    "CREATE FUNCTION mine.always(text, text) RETURNS boolean LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE 'caught by %', current_user; END $$",
    "CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.always)",
    "CREATE OPERATOR mine.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.always)",
    "CREATE DOMAIN mine.text AS pg_catalog.text CHECK (VALUE <> 'acme')",
    *(f"CREATE TABLE mine.{table} {like}" for table, like in _LIKE.items()),
)
_WRITES: Final = (
    "SELECT os_core.set_tenant('globex', '{}')",
    "SELECT os_core.register('globex', 'carol', 'porch', 'evening', 1, FALSE)",
    "SELECT os_core.commit_units('globex', '[]', FALSE)",
    "SELECT os_core.rebuild_memory('globex', 'carol')",
    "SELECT * FROM os_core.trace('globex', '22222222222222222222222222222222')",
)


def test_a_schema_of_ones_own_in_front_catches_nothing(siege: Siege) -> None:
    siege.superuser(f"CREATE SCHEMA mine AUTHORIZATION {HOSTILE}")
    made = siege.by(HOSTILE, *_DECOYS)
    assert [result.error for result in made] == [None] * len(made)
    statements = ("SET search_path = mine, pg_temp, os_core, pg_catalog", *_WRITES)
    with siege.unchanged():
        results = siege.by(HOSTILE, *statements)
    assert [result.error for result in results] == [None] * len(results)
    # Nor do they make it act for another.
    (_, refused) = siege.by(
        HOSTILE, statements[0], "SELECT os_core.rebuild_memory('acme', 'alice')"
    )
    assert "another tenant" in (refused.error or "")


def test_temporary_things_of_our_names_catch_nothing(siege: Siege) -> None:
    decoys = [line.replace("mine.", "pg_temp.") for line in _DECOYS if "TABLE" in line]
    decoys += ["CREATE FUNCTION pg_temp.may_act(text) RETURNS boolean LANGUAGE sql RETURN TRUE"]
    path = "SET search_path = pg_temp, os_core, pg_catalog"
    with siege.unchanged():
        results = siege.by(HOSTILE, *decoys, path, *_WRITES, "TABLE pg_temp.unsealed_events")
        assert [result.error for result in results] == [None] * len(results)
        assert results[-1].rows == []
        # Read by its whole name, may_act is ours.
        (found,) = siege.by(HOSTILE, "SELECT os_core.may_act('acme')")
    assert found.rows == [(False,)]


# ---- the superuser, who may do anything but not by accident

APPEND_ONLY: Final = (
    "audit_events", "replay_inputs", "conversation_ledger", "memory_ledger", "device_bindings",
    "access_events",
)  # fmt: skip
# Without a time of that name.
TIMELESS: Final = ("replay_inputs", "access_events")
REGISTRATIONS: Final = ("tenants", "identities", "devices", "sessions")


@pytest.mark.parametrize("mode", ["origin", "replica", "local"])
@pytest.mark.parametrize("role", ["postgres", roles.OWNER])
def test_the_guards_hold_against_superuser_and_owner(siege: Siege, mode: str, role: str) -> None:
    tried = []
    for table in (*APPEND_ONLY, *REGISTRATIONS):
        same = f"MERGE INTO {table} AS o USING (TABLE {table}) AS n ON o.tenant_id = n.tenant_id"
        tried += [f"DELETE FROM {table}", f"DELETE FROM {table} WHERE FALSE"]
        tried += [f"TRUNCATE {table} CASCADE", f"{same} WHEN MATCHED THEN DELETE"]
        tried += [f"UPDATE {table} SET tenant_id = 'other'"]
        tried += [f"UPDATE {table} SET created_at = created_at + 1"]
        if table in APPEND_ONLY:
            tried += [f"{same} WHEN MATCHED THEN UPDATE SET tenant_id = n.tenant_id"]
            tried += [f"UPDATE {table} SET tenant_id = tenant_id WHERE FALSE"]
            tried += [f"INSERT INTO {table} TABLE {table} ON CONFLICT"
                      f" ON CONSTRAINT {table}_pkey DO UPDATE SET tenant_id = 'x'"]  # fmt: skip
    tried = [
        line
        for line in tried
        if "created_at" not in line or not any(table in line for table in TIMELESS)
    ]
    before = [f"SET session_replication_role = {mode}", f"SET ROLE {role}"]
    with siege.unchanged():
        results = siege.database.raw(*before, *tried)[2:]
    for line, result in zip(tried, results, strict=True):
        assert (result.error or "").startswith("RestrictViolation"), (line, result)


def test_registrations_may_change_only_where_they_may(siege: Siege) -> None:
    siege.ledger.store.close_session(GLOBEX, SessionId("evening"), 2**60)
    tried = (
        "UPDATE sessions SET closed_at = NULL WHERE closed_at IS NOT NULL",
        "UPDATE sessions SET user_id = 'bob'",
        "UPDATE devices SET user_id = 'bob'",
        "UPDATE identities SET user_id = 'eve' WHERE user_id = 'bob'",
    )
    with siege.unchanged():
        for line, result in zip(tried, siege.database.raw(*tried), strict=True):
            assert (result.error or "").startswith("RestrictViolation"), line


def test_no_row_gets_past_the_outbox(siege: Siege) -> None:
    copied = (
        'INSERT INTO audit_events SELECT (jsonb_populate_record(a, \'{"event_id":'
        ' "00000000-0000-7000-8000-000000000000", "idempotency_key": "by hand"}\')).*'
        " FROM audit_events AS a LIMIT 1"
    )
    results = siege.database.raw("SET session_replication_role = replica", copied)
    assert [result.error for result in results] == [None, None]
    found = "SELECT 1 FROM unsealed_events WHERE event_id = '00000000-0000-7000-8000-000000000000'"
    assert len(siege.superuser(found)) == 1
