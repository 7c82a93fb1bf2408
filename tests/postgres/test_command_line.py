"""The first day on PostgreSQL by the command line, and what the doctor finds there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import ALICE, TALK, Command, Ran, environment, python
from ledgers import ACME, GLOBEX
from postgres.desks import SECRET, Desk, programs, with_password
from postgres.sieges import give_login
from postgres_databases import PostgresDatabase
from processes import free_port
from selene_os.ledger.postgres import catalog, roles
from servers import named

# Blocks the driver, as on a machine that has no extra installed.
WITHOUT_DRIVER = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("psycopg", "psycopg_pool", "psycopg_binary"):
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Blocked())
from selene_os.edges.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print("code", ended.code)
"""


@pytest.fixture
def desk(command: Command) -> Iterator[Desk]:
    """A ledger on the session's server, with a conversation of alice's."""
    database = PostgresDatabase.fresh("postgres")
    desk = Desk(command, database.server, database.name)
    desk.done("init")
    desk.done("tenant", "add", "acme", user="selene_app")
    desk.done("tenant", "add", "globex", user="selene_app")
    desk.done("register", *ALICE, "--session", "s", user="selene_app")
    line = ("--correlation", TALK)
    desk.done("say", *ALICE, *line, "--session", "s", "remind me to call mom", user="selene_app")
    desk.done("say", *ALICE, *line, "tomorrow at 5 pm", user="selene_app")
    desk.done("persona", *ALICE, "--speaker", "alice", *line, user="selene_app")
    yield desk
    database.drop()


# ---- the first day


def test_the_first_day_goes_as_init_says(fresh: Desk) -> None:
    shown = fresh.done("init").out
    assert f"Made the roles {', '.join(roles.ROLES)}, without passwords" in shown
    assert r"\password selene_app" in shown
    steps = [line.strip() for line in shown.splitlines() if line.startswith("  selene ")]
    assert len(steps) == 3
    for step in steps:
        name, *arguments = shlex.split(step)
        assert name == "selene"
        assert "//selene_app@" in step
        fresh.command.done(*arguments)
    assert fresh.sql("SELECT count(*) FROM os_core.audit_events") == [(1,)]
    assert fresh.catalog() == catalog.expected()
    before = fresh.state()
    again = fresh.record("init")
    assert (again["created"], again["applied"], again["roles"]) == (False, [], [])
    assert "up to date" in fresh.done("init").out
    assert "Made the roles" not in fresh.done("init").out
    assert fresh.state() == before


def test_init_says_in_json_what_it_made(fresh: Desk) -> None:
    made = fresh.record("init")
    assert made["created"] is True
    assert made["roles"] == list(roles.ROLES)
    assert made["applied"] == fresh.record("db", "status")["applied"] != []


def test_a_whole_day_in_json(desk: Desk) -> None:
    user = "selene_app"
    line = ("say", *ALICE, "--correlation", TALK, "--turn", "9", "remind me to call mom")
    first, again = desk.record(*line, user=user), desk.record(*line, user=user)
    assert (first["deduplicated"], again["deduplicated"]) == (False, True)
    assert first["event_id"] == again["event_id"]
    events = desk.record("trace", "--tenant", "acme", "--correlation", TALK, user=user)["events"]
    assert [event["turn_id"] for event in events][-1] == 9
    assert len({event["event_id"] for event in events}) == len(events) == 4
    found = desk.record("search", "--tenant", "acme", "--decision", "PROFILE", user=user)
    assert [event["engine"] for event in found["events"]] == ["PH1.PERSONA"]
    assert desk.record("tenant", "list", user=user)["tenants"][0]["tenant_id"] == "acme"
    desk.record("tenant", "set", "acme", "currency=USD", user=user)
    assert desk.record("tenant", "show", "acme", user=user)["currency"] == "USD"
    assert not desk.record("register", *ALICE, user=user)["added"]
    desk.done("identity", "disable", "--tenant", "acme", "--user", "alice", user=user)
    assert desk.refused("say", *ALICE, "hello", user=user)["field"] == "user_id"
    desk.done("identity", "enable", "--tenant", "acme", "--user", "alice", user=user)
    desk.done("session", "close", "s", "--tenant", "acme", user=user)
    assert desk.record("db", "status", user=user)["up_to_date"] is True
    assert desk.record("doctor", user=user)["held"] is True


@pytest.mark.parametrize("user", ["selene_app", "selene_auditor", "selene_t_acme", "postgres"])
def test_whoever_may_read_a_tenant_may_replay_it_and_changes_nothing(desk: Desk, user: str) -> None:
    give_login(PostgresDatabase(desk.server, desk.name), ACME)
    said = ("--correlation", TALK, "remind me to call mom tomorrow")
    desk.record("say", *ALICE, *said, user="selene_app")
    before = desk.state()
    one = desk.record("replay", "--tenant", "acme", "--correlation", TALK, user=user)
    every = desk.record("replay", "--all", "--tenant", "acme", user=user)
    assert one["totals"]["identical"] == one["totals"]["events"] >= 1
    assert every["totals"]["identical"] == every["totals"]["events"] >= one["totals"]["events"]
    assert desk.state() == before


# ---- addresses


def test_without_the_driver_it_says_how_to_install_it() -> None:
    for line in (["tenant", "list"], ["init"], ["doctor"]):
        source = "import sys\nsys.stderr = sys.stdout\n" + WITHOUT_DRIVER
        shown = python(source, "--db", "postgresql://x@h/y", *line, env=environment())
        assert "pip install 'selene-os[postgres]'" in shown
        assert shown.endswith("code 2\n")
        assert "Traceback" not in shown
    shown = python(WITHOUT_DRIVER, "--help")
    assert shown.endswith("code 0\n")


def lines_at(command: Command, url: str) -> Iterator[Ran]:
    """Several command lines at one address, for people and in JSON."""
    for line in (("init",), ("tenant", "list"), ("doctor",), ("db", "status")):
        for json in ((), ("--json",)):
            yield command("--db", url, *line, *json)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://h:notaport/x", (1, 2)),
        ("postgresql://u@h/x?nonsense=1", (2,)),
        ("postgresql://u@[::1/x", (2,)),
        ("postgresql://u@no-such-host.invalid/x", (1,)),
        ("postgresql://u@127.0.0.1:{free}/x", (1,)),
        ("postgresql://u@/x?host=/nowhere", (1,)),
    ],
)
def test_an_address_that_leads_nowhere_is_told_with_the_next_step(
    command: Command, url: str, code: tuple[int, ...]
) -> None:
    for ran in lines_at(command, url.format(free=free_port())):
        assert ran.code in code, ran
        assert ran.out == ""
        assert any(word in ran.err for word in ("Give", "Check"))


def test_a_password_is_never_shown(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    server = named("postgres")
    name = server.new_database()
    good, bad = with_password(server, name), with_password(server, name, "Wr0ng-of-paul")
    missing = with_password(server, "no_such_database")
    shown = []
    for url in (bad, missing, good):
        shown += list(lines_at(command, url))
        monkeypatch.setenv("SELENE_DATABASE_URL", url)
        shown.append(command("init"))
        shown.append(command("tenant", "add", "acme"))
        shown.append(command("tenant", "grant-login", "acme"))
    wrong, lost, right = shown[:11], shown[11:22], shown[22:]
    for ran in shown:
        for word in (SECRET, "Wr0ng"):
            assert word not in ran.out + ran.err
    assert [ran.code for ran in (*wrong, *lost)] == [1] * 22
    for ran in (*wrong, *lost):
        assert "paul" in ran.err or "no_such_database" in ran.err
    assert {ran.code for ran in right} <= {0, 3}
    server.drop_database(name)
    server.run('DROP ROLE IF EXISTS "selene_t_acme"')


@pytest.mark.parametrize("wrong", ["password", "database"])
def test_who_is_not_let_in_is_told_to_check_what_was_given(command: Command, wrong: str) -> None:
    server = named("postgres")
    name = server.new_database()
    url = with_password(server, name, "Wr0ng") if wrong == "password" else server.url("nowhere")
    ran = command("--db", url, "tenant", "list")
    server.drop_database(name)
    assert "Check user, password and database." in ran.err


@pytest.mark.parametrize("form", ["?user=paul&password={0}", "?password={0}&user=paul"])
def test_a_password_behind_the_question_mark_is_not_shown_either(
    command: Command, form: str
) -> None:
    server = named("postgres")
    name = server.new_database()
    with_password(server, name)
    url = f"postgresql://127.0.0.1:{server.port}/{name}{form.format(SECRET)}"
    for ran in lines_at(command, url):
        assert SECRET not in ran.out + ran.err, ran.out
    server.drop_database(name)


@pytest.mark.parametrize(
    "password",
    [
        "one@tail-of-it",
        "one/tail-of-it",
        "one#tail-of-it",
        "one%tail-of-it",
    ],
)
def test_a_password_that_was_not_quoted_is_not_shown(command: Command, password: str) -> None:
    for ran in lines_at(command, f"postgresql://paul:{password}@127.0.0.1:{free_port()}/x"):
        assert ran.code in (1, 2)
        assert "tail-of-it" not in ran.out + ran.err, ran.err


def test_nobody_sees_a_password_among_the_running_programs(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    database = PostgresDatabase.fresh("postgres")
    server = database.server
    seen = tmp_path / "seen"
    (tmp_path / "bin").mkdir()
    for program in ("pg_dump", "pg_restore"):
        spy = tmp_path / "bin" / program
        real = server.bin(program)
        spy.write_text(f'#!/bin/sh\necho "$0 $*" >> {seen}\nexec {real} "$@"\n')
        spy.chmod(0o755)
    programs(server, monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    url = with_password(server, database.name)
    other = server.new_database()
    command.done("--db", url, "backup", "b.dump")
    command.done("--db", with_password(server, other), "restore", "b.dump")
    told = seen.read_text()
    assert "pg_dump" in told
    assert "pg_restore" in told
    assert SECRET not in told
    server.drop_database(other)
    database.drop()


# ---- doctor


@pytest.mark.parametrize(
    ("user", "warned"),
    [("selene_app", False), ("postgres", True), ("selene_auditor", False),
     ("selene_t_globex", False)],
)  # fmt: skip
def test_the_doctor_holds_for_every_login_and_changes_nothing(
    desk: Desk, user: str, warned: bool
) -> None:
    give_login(PostgresDatabase(desk.server, desk.name), GLOBEX)
    before = desk.state()
    found = desk.record("doctor", user=user)
    shown = desk.done("doctor", user=user).out
    assert found["held"] is True
    assert (found["schema_differences"], found["row_faults"]) == ([], [])
    assert all(attempt["held"] for attempt in found["attempts"])
    assert any("for daily work use selene_app" in line for line in found["warnings"]) is warned
    assert f"as {user}" in shown
    assert f"{len(found['attempts'])} of {len(found['attempts'])} attempts held." in shown
    assert desk.state() == before


BODY = "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN NULL; END $$"
DAMAGE = {
    "audit_events_no_change": "DROP TRIGGER audit_events_no_change ON os_core.audit_events",
    "replay_inputs_no_change": "ALTER TABLE os_core.replay_inputs DISABLE TRIGGER"
    " replay_inputs_no_change",
    "tenants_no_move": "ALTER TABLE os_core.tenants ENABLE TRIGGER tenants_no_move",
    "refuse_change": f"CREATE OR REPLACE FUNCTION os_core.refuse_change() RETURNS trigger {BODY}",
    "let_in": "CREATE POLICY let_in ON os_core.audit_events FOR SELECT USING (TRUE)",
    "table replay_inputs to selene_app": "GRANT INSERT ON os_core.replay_inputs TO selene_app",
    "column tenants.zone": "GRANT UPDATE (zone) ON os_core.tenants TO selene_app",
    "table memory_ledger": "ALTER TABLE os_core.memory_ledger DISABLE ROW LEVEL SECURITY",
    "audit_events_of_device": "ALTER TABLE os_core.audit_events DROP CONSTRAINT"
    " audit_events_of_device",
    "foreign keys of": "ALTER TABLE os_core.sessions DISABLE TRIGGER ALL",
    "audit_events_by_time": "DROP INDEX os_core.audit_events_by_time",
    "column audit_events.spare": "ALTER TABLE os_core.audit_events ADD COLUMN spare TEXT",
    "rule tenants.quiet": "CREATE RULE quiet AS ON DELETE TO os_core.tenants DO INSTEAD NOTHING",
    "to PUBLIC": "GRANT EXECUTE ON FUNCTION os_core.append_events TO PUBLIC",
    "a_view": "CREATE VIEW os_core.a_view AS SELECT * FROM os_core.audit_events",
    "list_tenants": "ALTER FUNCTION os_core.list_tenants() RENAME TO list_all",
}


@pytest.mark.parametrize("named_as", DAMAGE)
def test_the_doctor_names_what_is_not_as_it_was_made(desk: Desk, named_as: str) -> None:
    desk.sql(DAMAGE[named_as])
    before = desk.state()
    for user in ("postgres", "selene_app", "selene_auditor"):
        shown, found = desk("doctor", user=user), desk("doctor", "--json", user=user)
        assert (shown.code, found.code) == (3, 3), (shown.err, found.err)
        assert found.record["held"] is False
        assert any(named_as in one for one in found.record["schema_differences"]), found.out
        assert named_as in shown.out
    assert desk.state() == before


SPOILT = {
    "payload is not canonical": "UPDATE os_core.audit_events SET payload_min ="
    " replace(payload_min, ':', ': ') WHERE turn_id = 1",
    "unsealed_events": "DELETE FROM os_core.unsealed_events",
    "no record in replay_inputs": "DELETE FROM os_core.replay_inputs",
    "its record is no JSON": r"UPDATE os_core.replay_inputs SET record = '\xff', key_id = 'plain'",
    "its bytes are not what was encrypted": r"UPDATE os_core.replay_inputs SET record = '\xff'",
    "memory_current of user alice": "INSERT INTO os_core.memory_current VALUES ('acme', 'alice',"
    " 'k', 1, 0, NULL, 'plain', 'WORKING', 'LOW', 'HIGH', 'CONFIRMED', 'ALWAYS_USABLE', NULL,"
    " 'x', 'y', 1)",
    "conversation_ledger": "UPDATE os_core.conversation_ledger SET user_id = 'mallory'",
    "device_bindings": "UPDATE os_core.device_bindings SET tenant_id = 'globex'",
    "devices": "DELETE FROM os_core.devices",
}
# Who reads one tenant at a time does not meet these; the owner and the auditor do.
HOMELESS = {
    "identities: rows of a tenant nowhere": "INSERT INTO os_core.identities (tenant_id, user_id,"
    " created_at) VALUES ('nowhere', 'x', 1)",
    "device_bindings: rows of a tenant nowhere": "INSERT INTO os_core.device_bindings VALUES ('x',"
    " 'nowhere', 1)",
}


@pytest.mark.parametrize("told", HOMELESS)
def test_the_doctor_sees_rows_of_a_tenant_that_is_not_there(desk: Desk, told: str) -> None:
    desk.unguarded(HOMELESS[told])
    for user in ("postgres", "selene_auditor"):
        found = desk("doctor", "--json", user=user)
        assert found.code == 3
        assert any(told in one for one in found.record["row_faults"]), found.out


@pytest.mark.parametrize("told", SPOILT)
def test_the_doctor_sees_rows_that_a_superuser_changed(desk: Desk, told: str) -> None:
    desk.unguarded(SPOILT[told])
    assert desk.catalog() == catalog.expected()
    before = desk.state()
    for user in ("postgres", "selene_app", "selene_auditor"):
        found = desk("doctor", "--json", user=user)
        assert found.code == 3, found.out
        assert any(told in fault for fault in found.record["row_faults"]), found.out
        assert found.record["schema_differences"] == []
    assert desk.state() == before
