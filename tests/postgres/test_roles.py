"""Who may make a ledger on a server, with which statements, and a tenant's own login."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from command import ALICE, Ran, run
from ledgers import START_NS
from postgres.desks import Desk
from selene_os.errors import SchemaDiffers, SeleneError
from selene_os.ledger.migrations import Plan
from selene_os.ledger.postgres import catalog, roles, schema
from selene_os.ledger.postgres.store import PostgresStore

WITHOUT_ROLES = "CREATE ROLE deputy LOGIN"
WITH_ROLES = "CREATE ROLE deputy LOGIN CREATEROLE"


@pytest.fixture
def desk(fresh: Desk) -> Desk:
    """A ledger on a server of its own, with acme and globex."""
    schema.create(fresh.url(), START_NS)
    fresh.done("init")
    fresh.done("tenant", "add", "acme")
    fresh.done("tenant", "add", "globex")
    return fresh


def statements_in(ran: Ran) -> list[str]:
    """The SQL that an error tells an administrator to run."""
    found = re.search(r"run, then try again:\n(.*;)", ran.err, re.DOTALL)
    assert found, ran.err
    return [line.strip() for line in found[1].split(";") if line.strip()]


def psql(desk: Desk, script: str) -> None:
    """Run a script with the server's own psql, stopping at the first error."""
    ran = subprocess.run(
        [desk.server.bin("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", desk.url()],
        input=script, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")


# ---- init by a login that may not


@pytest.mark.parametrize("deputy", [WITHOUT_ROLES, WITH_ROLES])
def test_what_an_administrator_is_told_to_run_is_enough(fresh: Desk, deputy: str) -> None:
    fresh.sql(deputy)
    ran = fresh("init", user="deputy")
    assert (ran.code, ran.out) == (1, "")
    fresh.sql(*statements_in(ran))
    assert fresh.record("init", user="deputy")["applied"]
    assert fresh.catalog() == catalog.expected()
    assert fresh.record("init", user="deputy")["applied"] == []


@pytest.mark.parametrize("deputy", [WITHOUT_ROLES, WITH_ROLES])
def test_a_login_that_may_not_is_told_what_to_run_and_leaves_nothing(
    fresh: Desk, deputy: str
) -> None:
    fresh.sql(deputy)
    for line in (("init",), ("init", "--json")):
        ran = fresh(*line, user="deputy")
        assert (ran.code, ran.out) == (1, "")
        assert "GRANT" in ran.err
        assert "CREATE SCHEMA os_core AUTHORIZATION" in ran.err
    assert not fresh.there()
    assert fresh.sql("SELECT FROM pg_roles WHERE rolname LIKE 'selene%'") == []


def test_a_login_that_may_make_roles_and_schemas_needs_nobody(fresh: Desk) -> None:
    fresh.sql(WITH_ROLES, f'GRANT CREATE ON DATABASE "{fresh.name}" TO deputy')
    ran = fresh("init", "--json", user="deputy")
    assert ran.record["created"] is True
    assert fresh.catalog() == catalog.expected()


def test_a_deputy_who_owns_the_database_and_the_role_may_go_on(fresh: Desk) -> None:
    fresh.sql(WITHOUT_ROLES, *roles.statements(list(roles.ROLES)))
    fresh.sql(f'ALTER DATABASE "{fresh.name}" OWNER TO deputy', "GRANT selene_owner TO deputy")
    assert fresh.record("init", user="deputy")["created"] is True
    assert fresh.catalog() == catalog.expected()
    assert fresh.record("doctor", user="selene_app")["held"] is True


# ---- the script


def test_the_printed_script_makes_the_same_ledger(fresh: Desk) -> None:
    script = fresh.done("init", "--print-sql").out
    assert not fresh.there()
    psql(fresh, script)
    assert fresh.catalog() == catalog.expected()
    status = fresh.record("db", "status")
    assert (status["up_to_date"], status["waiting"], status["roles_missing"]) == (True, [], [])
    assert fresh.record("init")["created"] is False
    fresh.done("tenant", "add", "acme", user="selene_app")
    fresh.done("register", *ALICE, user="selene_app")
    fresh.done("say", *ALICE, "hello", user="selene_app")
    assert fresh.record("doctor", user="selene_app")["held"] is True


def test_the_catalog_of_init_is_the_expected_one_on_every_server(desk: Desk) -> None:
    assert desk.catalog() == catalog.expected()


def test_the_script_of_a_second_database_is_told_apart_by_its_first_line(desk: Desk) -> None:
    second = Desk(desk.command, desk.server, desk.server.new_database())
    script = second.done("init", "--print-sql").out
    assert "leave out those that it has already" in script.splitlines()[0]
    kept = [
        line for line in script.splitlines() if not line.startswith(("CREATE ROLE", "ALTER ROLE"))
    ]
    psql(second, "\n".join(kept))
    assert second.catalog() == catalog.expected()


# ---- two at once


def all_at_once(calls: list[Callable[[], Plan]]) -> list[Plan | Exception]:
    """What several calls came to that were begun together."""

    def outcome(call: Callable[[], Plan]) -> Plan | Exception:
        try:
            return call()
        except SeleneError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(outcome, calls))


def test_of_several_inits_at_once_one_makes_the_schema(fresh: Desk) -> None:
    url = fresh.url()
    done = all_at_once([lambda: schema.create(url, START_NS)] * 6)
    plans = [one for one in done if isinstance(one, Plan)]
    assert len(plans) == 6, done
    assert sorted(plan.made for plan in plans) == [False] * 5 + [True]
    assert sorted(len(plan.waiting) for plan in plans)[:5] == [0] * 5
    (made,) = (plan for plan in plans if plan.made)
    assert fresh.sql("SELECT version FROM os_core.schema_migrations ORDER BY version") == [
        (migration.version,) for migration in made.waiting
    ]
    assert fresh.catalog() == catalog.expected()


def test_two_processes_that_init_at_once_both_succeed(fresh: Desk) -> None:
    with ThreadPoolExecutor(3) as pool:
        ran = list(pool.map(lambda _: run("--db", fresh.url(), "init", "--json"), range(3)))
    assert [(one.code, one.err) for one in ran] == [(0, "")] * 3
    assert sorted(one.record["created"] for one in ran) == [False, False, True]


def test_two_databases_of_a_server_may_be_begun_at_once(fresh: Desk) -> None:
    urls = [fresh.server.url(fresh.server.new_database()) for _ in range(4)]
    done = all_at_once([partial(schema.create, url, START_NS) for url in urls])
    assert [type(one).__name__ for one in done] == ["Plan"] * 4, done


# ---- another version's schema

CHANGED = {
    "newer": "INSERT INTO os_core.schema_migrations VALUES (9999, 'later', 'x', 1)",
    "edited": "UPDATE os_core.schema_migrations SET digest = 'x' WHERE version = 3",
    "left out": "DELETE FROM os_core.schema_migrations WHERE version = 3",
}


@pytest.mark.parametrize("change", CHANGED)
def test_another_versions_schema_is_refused_everywhere(desk: Desk, change: str) -> None:
    desk.sql(CHANGED[change])
    before = desk.state()
    for line in (("init",), ("db", "status"), ("db", "upgrade", "--yes"), ("tenant", "list"),
        ("doctor",), ("backup", "x.dump")):  # fmt: skip
        error = desk.fault(*line)
        assert error["code"] == "SchemaDiffers"
        assert error["next_step"]
    with pytest.raises(SchemaDiffers):
        PostgresStore(desk.url("selene_app"))
    assert desk.state() == before
    assert [path.name for path in desk.command.folder.iterdir()] == ["selene.keys"]


# ---- a tenant's login


def test_a_granted_login_acts_for_its_tenant_only(desk: Desk) -> None:
    desk.done("register", *ALICE, user="selene_app")
    desk.done("say", *ALICE, "hello", user="selene_app")
    made = desk.record("tenant", "grant-login", "globex")
    assert made == {"tenant_id": "globex", "login": "selene_t_globex", "created": True}
    assert "is there." in desk.done("tenant", "grant-login", "globex").out
    assert desk.record("tenant", "grant-login", "globex")["created"] is False
    theirs = "selene_t_globex"
    assert [one["tenant_id"] for one in desk.record("tenant", "list", user=theirs)["tenants"]] == [
        "globex"
    ]
    assert desk.refused("register", *ALICE, user=theirs)["field"] == "tenant_id"
    assert desk.refused("say", *ALICE, "hello", user=theirs)["field"] == "tenant_id"
    assert desk.refused("search", "--tenant", "acme", user=theirs)["field"] == "tenant_id"
    carol = ("--tenant", "globex", "--user", "carol", "--device", "porch")
    desk.done("register", *carol, user=theirs)
    desk.done("say", *carol, "hello", user=theirs)
    (setting,) = desk.sql("SELECT rolconfig FROM pg_roles WHERE rolname = 'selene_t_globex'")
    assert "statement_timeout=30000ms" in str(setting)


def test_a_login_that_cannot_be_is_refused_by_name(desk: Desk) -> None:
    desk.done("tenant", "add", "x" * 55)
    desk.done("tenant", "add", "x" * 54)
    error = desk.refused("tenant", "grant-login", "x" * 55)
    assert error["field"] == "tenant_id"
    assert "54 bytes" in error["message"]
    assert desk.record("tenant", "grant-login", "x" * 54)["created"] is True
    assert desk.refused("tenant", "grant-login", "initech")["field"] == "tenant_id"
    assert desk.refused("tenant", "grant-login", 'a"b')["field"] == "tenant_id"
    assert len(desk.sql("SELECT FROM pg_roles WHERE rolname LIKE 'selene~_t~_%' ESCAPE '~'")) == 1


def test_who_may_not_make_logins_is_told_what_to_run(desk: Desk) -> None:
    ran = desk("tenant", "grant-login", "acme", user="selene_app")
    assert (ran.code, ran.out) == (1, "")
    desk.sql(*statements_in(ran))
    assert desk.record("tenant", "grant-login", "acme", user="selene_app")["created"] is False
    assert desk.record("tenant", "list", user="selene_t_acme")["tenants"]


def test_who_may_make_roles_but_not_grant_ours_is_told_what_to_run(desk: Desk) -> None:
    desk.sql(WITH_ROLES, "GRANT selene_app TO deputy")
    ran = desk("tenant", "grant-login", "acme", user="deputy")
    assert ran.code == 0 or statements_in(ran)


def test_a_login_with_a_quote_in_its_name_is_quoted(fresh: Desk) -> None:
    fresh.sql('CREATE ROLE "od"";d" LOGIN')
    with psycopg.connect(fresh.url('od";d')) as connection:
        plan = schema.plan(fresh.url('od";d'))
        told = schema.administrators(connection, plan)
    fresh.sql(*told)
    assert fresh.there()


@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "IN ROLE selene_app"])
def test_a_login_with_powers_is_no_tenants_login(desk: Desk, power: str) -> None:
    desk.sql(f"CREATE ROLE selene_t_acme LOGIN {power}")
    assert desk.refused("tenant", "grant-login", "acme")["code"] == "RegistrationRefused"
    assert any("selene_t_acme" in one for one in desk.record("doctor")["warnings"])


def test_a_login_that_was_there_without_rights_gets_them(desk: Desk) -> None:
    desk.sql("CREATE ROLE selene_t_acme LOGIN")
    assert desk.record("tenant", "grant-login", "acme")["created"] is False
    assert desk.record("tenant", "list", user="selene_t_acme")["tenants"]
