"""A tenant with a login of its own acts for itself, and has no more of the application's."""

from __future__ import annotations

from typing import Final

import psycopg
import pytest

from ledgers import ACME, ALICE, CAROL, GLOBEX, OTHER_TALK, START_NS, TALK
from postgres.sieges import (
    APP,
    AUDITOR,
    HONEST,
    HOSTILE,
    ONE_SERVER,
    TENANT,
    Siege,
    give_login,
)
from postgres_databases import PostgresDatabase
from selene_os.errors import BadField, ScopeRefused, SeleneError
from selene_os.ledger.events import TenantRow
from selene_os.ledger.postgres import roles, schema
from selene_os.ledger.postgres.store import PostgresStore
from selene_os.names import SessionId, TenantId

# Writes for acme, each complete and right but for whose login it comes from.
WRITES: Final = (
    "add_tenant('acme', NULL, 'ask', NULL, NULL, 1, 600, FALSE)",
    "set_tenant('acme', '{\"currency\": \"EUR\"}')",
    "register('acme', 'eve', NULL, NULL, 1, TRUE)",
    "register('acme', 'alice', 'kitchen', 'night', 1, FALSE)",
    "set_identity_status('acme', 'alice', 'DISABLED')",
    "close_session('acme', 'morning', 1, FALSE)",
    "commit_units('acme', '[]', FALSE)",
    "append_utterance('acme', '11111111111111111111111111111111', 30, 'USER', 'TYPED_TEXT',"
    " 'alice', 'kitchen', 'x', 'plain', 'PRIVATE', 1, FALSE)",
    "append_memory('acme', '{}')",
    "rebuild_memory('acme', 'alice')",
    f"put_terms('acme', '{'0' * 64}', 'x', 'plain', 1, NULL)",
    f"put_pack('acme', '{'0' * 64}', 'x', 1, FALSE)",
)
REFUSED: Final = (
    "this login is another tenant's",
    "no tenant's login adds tenants",
    "permission denied for schema os_core",
)


@pytest.mark.parametrize("become", ["SELECT 1", f"SET ROLE {TENANT}", "SET selene.tenant = 'acme'"])
def test_a_tenant_does_not_write_for_another(siege: Siege, become: str) -> None:
    calls = [f"SELECT os_core.{call}" for call in WRITES]
    with siege.unchanged():
        became, *results = siege.by(HOSTILE, become, *calls)
    assert became.error is None
    for call, result in zip(calls, results, strict=True):
        assert any(words in (result.error or "") for words in REFUSED), call


OTHERS: Final = (APP, AUDITOR, roles.OWNER, HONEST, "postgres", "pg_read_all_data")


@ONE_SERVER
@pytest.mark.parametrize("other", OTHERS)
def test_a_tenant_becomes_nobody_else(siege: Siege, other: str) -> None:
    tried = siege.by(
        HOSTILE,
        f"SET ROLE {other}",
        f"SET SESSION AUTHORIZATION {other}",
        f"GRANT {other} TO CURRENT_USER",
        f"GRANT {HOSTILE} TO {other}",
        f"SET ROLE {TENANT}",
        f"SET ROLE {other}",
        f"GRANT {other} TO {HOSTILE}",
    )
    errors = [(result.error or "").partition(":")[0] for result in tried]
    assert errors == [*["InsufficientPrivilege"] * 4, "", *["InsufficientPrivilege"] * 2]


def test_the_role_of_all_tenants_is_none_of_them(siege: Siege) -> None:
    """Who takes it is still the one that logged in; what is changed of it, nobody inherits."""
    before = siege.by(HONEST, "SELECT name, setting FROM pg_settings")
    try:
        became, *changed, acts, reads, written = siege.by(
            HOSTILE,
            f"SET ROLE {TENANT}",
            f"ALTER ROLE {TENANT} SET search_path = pg_temp",
            f"ALTER ROLE {TENANT} SET default_transaction_read_only = on",
            f"ALTER ROLE {TENANT} PASSWORD 'mine'",
            "SELECT os_core.may_act('globex'), os_core.may_act('acme')",
            "SELECT DISTINCT tenant_id FROM os_core.list_tenants()",
            "UPDATE os_core.tenants SET zone = 'x'",
        )
        assert became.error is None
        # It is not let into the schema at all: each login is, by name.
        for result in (acts, reads, written):
            assert (result.error or "").startswith("InsufficientPrivilege")
        assert len(changed) == 3
        assert siege.by(HONEST, "SELECT name, setting FROM pg_settings") == before
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            siege.connect(TENANT)
    finally:
        siege.database.raw(f"ALTER ROLE {TENANT} RESET ALL", f"ALTER ROLE {TENANT} PASSWORD NULL")


@pytest.mark.parametrize(
    "tenant", ["NULL", "''", "'%'", "'g_obex'", "'GLOBEX'", "'globex '", "'acme'", "'globex/x'"]
)
def test_no_spelling_of_a_tenant_is_taken_for_another(siege: Siege, tenant: str) -> None:
    calls = ["SELECT os_core." + call.replace("'acme'", tenant) for call in WRITES]
    reads = [f"SELECT * FROM os_core.trace({tenant}, '{TALK}')"]
    reads += [f"SELECT * FROM os_core.last_profile({tenant}, 'alice')"]
    with siege.unchanged():
        results = siege.by(HOSTILE, *calls, *reads)
    assert [result.rows for result in results[len(calls) :]] == [[], []]


def test_a_tenant_of_no_name_is_refused(siege: Siege) -> None:
    calls = ["SELECT os_core." + call.replace("'acme'", "NULL") for call in WRITES]
    with siege.unchanged():
        results = siege.by(HOSTILE, *calls)
    for call, result in zip(calls, results, strict=True):
        assert any(words in (result.error or "") for words in REFUSED), call


def test_a_tenant_does_not_add_itself(siege: Siege) -> None:
    role = give_login(siege.database, TenantId("newcomer"))
    with siege.unchanged():
        results = siege.by(
            role,
            "SELECT os_core.add_tenant('newcomer', NULL, 'ask', NULL, NULL, 1, 600, FALSE)",
            f"SET ROLE {TENANT}",
            "SELECT os_core.add_tenant('newcomer', NULL, 'ask', NULL, NULL, 1, 600, FALSE)",
            "SELECT os_core.add_tenant('another', NULL, 'ask', NULL, NULL, 1, 600, FALSE)",
        )
    told = [result.error or "" for result in results]
    assert REFUSED[1] in told[0]
    assert told[1] == ""
    assert all(REFUSED[2] in error for error in told[2:])


def test_a_login_is_let_into_the_ledgers_where_it_was_granted(siege: Siege) -> None:
    """Roles are the server's; a tenant of the same name in another ledger is not its own."""
    role = give_login(siege.database, GLOBEX)
    server = siege.database.server
    elsewhere = PostgresDatabase(server, server.new_database())
    schema.create(elsewhere.url("postgres"), START_NS)
    try:
        elsewhere.raw("INSERT INTO tenants (tenant_id, created_at) VALUES ('globex', 1)")
        for statement in (
            "SELECT * FROM os_core.tenant('globex')",
            "SELECT os_core.register('globex', 'eve', NULL, NULL, 1, FALSE)",
            "SELECT * FROM os_core.tenants",
        ):
            (result,) = elsewhere.raw_as(role, statement)
            assert REFUSED[2] in (result.error or "")
    finally:
        elsewhere.drop()


def test_the_library_works_with_a_tenants_login_for_it_alone(siege: Siege) -> None:
    store = PostgresStore(siege.database.url(HOSTILE))
    try:
        assert [row.tenant_id for row in store.tenants()] == [GLOBEX]
        assert store.tenant(ACME) is None
        assert len(store.trace(GLOBEX, OTHER_TALK)) == 2
        assert store.trace(ACME, TALK) == []
        assert store.conversation(ACME, TALK) == []
        assert store.turns_taken(ACME, [(TALK, None), (OTHER_TALK, None)]) == [(None, 0)] * 2
        assert store.turns_taken(GLOBEX, [(OTHER_TALK, None)])[0].last > 0
        assert store.memory_events(ACME, ALICE.user_id) == []
        assert store.memory_current(ACME, ALICE.user_id) == []
        assert len(store.memory_current(GLOBEX, CAROL.user_id)) == 1
        scribe = siege.ledger.scribe
        own = scribe.unit(scope=CAROL, correlation=OTHER_TALK, turn=50, key="own")
        theirs = scribe.unit(scope=ALICE, turn=50, key="theirs")
        with siege.unchanged():
            for call in (
                lambda: store.commit([theirs]),
                lambda: store.commit([own, theirs]),
                lambda: store.append_utterance(scribe.utterance(turn=50)),
                lambda: store.append_memory(scribe.memory(key="theirs")),
                lambda: store.register(ACME, ALICE.user_id, None, SessionId("x"), START_NS),
                lambda: store.set_identity_status(ACME, ALICE.user_id, "DISABLED"),
                lambda: store.close_session(ACME, SessionId("morning"), START_NS),
                lambda: store.rebuild_memory(ACME, ALICE.user_id),
                lambda: store.set_tenant(ACME, {"currency": "EUR"}),
                lambda: store.add_tenant(TenantRow(ACME, None, "ask", None, None, START_NS)),
            ):
                with pytest.raises(ScopeRefused) as caught:
                    call()
                assert caught.value.field == "tenant_id"
        assert store.commit([own])
    finally:
        store.close()


# ---- odd names

ODD: Final = ("a.b-c", "A_B", "a_b", "-", ".", "t", "selene_t_acme", "9" * 54, "Globex", "glob_x")


@ONE_SERVER
@pytest.mark.parametrize("tenant", ODD)
def test_a_login_of_an_odd_name_is_that_tenants_alone(siege: Siege, tenant: str) -> None:
    role = give_login(siege.database, TenantId(tenant))
    others = [one for one in (*ODD, "acme", "globex", "", "%") if one != tenant]
    asked = [f"SELECT os_core.may_act('{one}')" for one in (tenant, *others)]
    found = [result.rows for result in siege.by(role, *asked)]
    assert found == [[(True,)], *([[(False,)]] * len(others))]
    siege.database.raw(f'DROP ROLE "{role}"')


def test_a_name_too_long_for_a_login_gets_none() -> None:
    with pytest.raises(BadField):
        roles.tenant_statements(TenantId("9" * 55))


@ONE_SERVER
@pytest.mark.parametrize("tenant", ["a'b", 'a"; DROP ROLE x; --', "%", "a b", "é", "", "x" * 65])
def test_a_name_that_is_no_tenants_is_refused_whole(siege: Siege, tenant: str) -> None:
    with siege.unchanged():
        with pytest.raises(SeleneError):
            siege.ledger.store.add_tenant(
                TenantRow(TenantId(tenant), None, "ask", None, None, START_NS)
            )
        for call in (
            lambda: siege.ledger.store.tenant(TenantId(tenant)),
            lambda: siege.ledger.store.trace(TenantId(tenant), TALK),
            lambda: siege.ledger.store.conversation(TenantId(tenant), TALK),
        ):
            assert not call()


# ---- what a tenant's login can do to the others'


CHANGES: Final = (
    "PASSWORD 'mine'",
    "SET synchronous_commit = off",
    "SET default_transaction_read_only = on",
    "SET search_path = pg_temp",
    "RESET ALL",
    "CONNECTION LIMIT 0",
    "NOLOGIN",
)


@pytest.mark.parametrize("other", [APP, AUDITOR, HONEST, roles.OWNER, TENANT])
@ONE_SERVER
def test_a_tenant_does_not_change_another_role(siege: Siege, other: str) -> None:
    with siege.connect(HOSTILE) as connection:
        for change in CHANGES:
            # Rolled back: the role is every test's.
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                connection.transaction(force_rollback=True),
            ):
                connection.execute(f"ALTER ROLE {other} {change}".encode())


@pytest.mark.parametrize("other", [APP, AUDITOR, HONEST])
def test_a_tenant_does_not_see_or_end_what_others_run(siege: Siege, other: str) -> None:
    with siege.connect(other) as victim:
        if other == HONEST:
            victim.execute(f"SET ROLE {TENANT}".encode())
        victim.execute("SELECT 'said by alice'")
        pid = victim.info.backend_pid
        for become in ("SELECT 1", f"SET ROLE {TENANT}"):
            _, seen, *ended = siege.by(
                HOSTILE,
                become,
                f"SELECT query FROM pg_stat_activity WHERE pid = {pid}",
                f"SELECT pg_cancel_backend({pid})",
                f"SELECT pg_terminate_backend({pid})",
            )
            assert "alice" not in str(seen.rows)
            for result in ended:
                assert (result.error or "").startswith("InsufficientPrivilege")
        assert victim.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("granted", [HOSTILE, TENANT])
def test_a_member_of_a_tenants_role_is_held_to_nobody(siege: Siege, granted: str) -> None:
    """Who is neither a tenant's own login nor a member of a trusted role acts for no tenant."""
    siege.database.raw("CREATE ROLE globex_reports LOGIN", f"GRANT {granted} TO globex_reports")
    try:
        acts, listed, read, written = siege.by(
            "globex_reports",
            "SELECT os_core.may_act('acme'), os_core.may_act('globex'), os_core.may_act(NULL)",
            "SELECT * FROM os_core.list_tenants()",
            "SELECT set_config('selene.tenant', 'globex', false), os_core.reader()",
            "SELECT os_core.rebuild_memory('globex', 'carol')",
        )
    finally:
        siege.database.raw("DROP ROLE globex_reports")
    if granted == TENANT:
        # Not even let into the schema.
        for result in (acts, listed, read, written):
            assert REFUSED[2] in (result.error or "")
        return
    assert acts.rows == [(False, False, False)]
    assert listed.rows == []
    assert read.rows == [("globex", None)]
    assert REFUSED[0] in (written.error or "")


@ONE_SERVER
@pytest.mark.parametrize("trusted", [APP, AUDITOR, roles.OWNER])
def test_a_tenants_login_is_held_to_it_whatever_it_is_a_member_of(
    siege: Siege, trusted: str
) -> None:
    siege.database.raw("CREATE ROLE selene_t_odd LOGIN", f"GRANT {trusted} TO selene_t_odd")
    try:
        asked = "SELECT os_core.may_act('acme'), os_core.may_act('odd')"
        results = siege.by("selene_t_odd", asked, f"SET ROLE {trusted}", asked)
    finally:
        siege.database.raw("DROP ROLE selene_t_odd")
    assert [results[0].rows, results[2].rows] == [[(False, True)]] * 2
