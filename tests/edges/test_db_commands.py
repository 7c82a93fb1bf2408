"""`selene db status`, `db upgrade` and `init --print-sql`, on a file and on a server."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from command import ALICE, Command, Ran, change, dump, environment, python, run, selene_command
from ledgers import MAIN_KINDS
from selene_os.engines import nlp
from selene_os.ledger import migrations
from selene_os.ledger.migrations import Migration
from selene_os.ledger.postgres import schema as postgres_schema
from selene_os.ledger.sqlite import schema as sqlite_schema
from servers import named

RUN_SQL = """
import pathlib, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.executescript(pathlib.Path(sys.argv[2]).read_text())
print(connection.execute("PRAGMA journal_mode").fetchone()[0])
"""
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
OLD_EVENT = "01a1fc00-0000-7000-8000-000000000001"
NEWER = "INSERT INTO {}schema_migrations VALUES (9999, 'later', 'x', 1)"
EDITED = "UPDATE {}schema_migrations SET digest = 'x' WHERE version = 1"
LEFT_OUT = "DELETE FROM {}schema_migrations WHERE version = 1"
# The last one, which makes something anew; one before it may begin by dropping what is not there.
UNNOTED = (
    "DELETE FROM {0}schema_migrations WHERE version ="
    " (SELECT max(version) FROM {0}schema_migrations)"
)


class Ground:
    """A place of one kind with nothing in it, and the command line there.

    Attributes:
        url: its address.
    """

    def __init__(self, command: Command, kind: str) -> None:
        self._command = command
        self.kind = kind
        if kind == "sqlite":
            self.url = str(command.folder / "x.db")
        else:
            self._server = named(kind)
            self._name = self._server.new_database()
            self.url = self._server.url(self._name)

    def __call__(self, *arguments: str) -> Ran:
        """Run a command line."""
        return self._command("--db", self.url, *arguments)

    def apart(self, *arguments: str, stdin: bytes = b"") -> Ran:
        """Run a command line in a process of its own."""
        return run("--db", self.url, *arguments, stdin=stdin)

    def sql(self, statement: str) -> None:
        """Run SQL there, as somebody with all rights."""
        prefix = "" if self.kind == "sqlite" else "os_core."
        if self.kind == "sqlite":
            change(Path(self.url), statement.format(prefix))
            return
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.format(prefix).encode())

    def nothing(self) -> bool:
        """Whether nothing has been made."""
        if self.kind == "sqlite":
            return not Path(self.url).exists()
        with psycopg.connect(self.url) as connection:
            return not connection.execute("SELECT FROM pg_namespace WHERE nspname = 'os_core'"
                ).fetchall()  # fmt: skip

    def drop(self) -> None:
        """Remove it."""
        if self.kind != "sqlite":
            self._server.drop_database(self._name)


@pytest.fixture(params=MAIN_KINDS)
def ground(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ground]:
    ground = Ground(Command(tmp_path, capsys, monkeypatch), request.param)
    yield ground
    ground.drop()


@pytest.fixture
def older(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """A ledger as the version before the last migration made it."""
    load = migrations.load

    def without_the_last(dialect: str) -> tuple[Migration, ...]:
        return load(dialect)[:-1]

    with monkeypatch.context() as before:
        before.setattr(migrations, "load", without_the_last)
        without_keys(ground)
    return ground


def without_keys(ground: Ground) -> None:
    """Make a ledger as versions did that knew nothing of keys."""
    schema = sqlite_schema if ground.kind == "sqlite" else postgres_schema
    schema.create(ground.url, time.time_ns())


def last(ground: Ground) -> str:
    """The name of the last migration."""
    one = migrations.load("sqlite" if ground.kind == "sqlite" else "postgres")[-1]
    return f"{one.version:04}_{one.name}"


# ---- where nothing is, and where all is


def test_status_of_nothing_shows_all_that_waits_and_makes_nothing(ground: Ground) -> None:
    shown, found = ground("db", "status"), ground("db", "status", "--json")
    assert (shown.code, shown.err, found.code, found.err) == (3, "", 3, "")
    assert found.record["applied"] == []
    assert found.record["up_to_date"] is False
    assert found.record["waiting"][-1] == last(ground)
    assert shown.out.endswith("Not up to date.\n")
    assert shown.out.count("  apply   ") == len(found.record["waiting"])
    assert ground.nothing()


@pytest.mark.parametrize("options", [(), ("--yes",), ("--json",), ("--yes", "--json")])
def test_upgrade_of_nothing_sends_to_init_and_makes_nothing(
    ground: Ground, options: tuple[str, ...]
) -> None:
    ran = ground("db", "upgrade", *options)
    assert ran.code == 2
    assert "selene init" in ran.err
    assert ground.nothing()


def test_a_ledger_of_this_version_is_up_to_date(ground: Ground) -> None:
    assert ground("init").code == 0
    for line in (("db", "status"), ("db", "upgrade"), ("db", "upgrade", "--yes")):
        shown, found = ground(*line), ground(*line, "--json")
        assert (shown.code, shown.err, found.code, found.err) == (0, "", 0, "")
        assert shown.out.endswith("Up to date.\n")
        assert found.record["up_to_date"] is True
        assert found.record["waiting"] == found.record["roles_missing"] == []
        assert found.record["applied"][-1] == last(ground)


# ---- an older one


def test_an_older_ledger_is_refused_until_it_is_upgraded(older: Ground) -> None:
    assert older("db", "status").code == 3
    found = older("db", "status", "--json")
    assert (found.code, found.record["waiting"]) == (3, [last(older)])
    for line in (("tenant", "list"), ("doctor",), ("backup", "b")):
        ran = older(*line, "--json")
        if line == ("doctor",) and ran.code == 3:
            continue
        assert (ran.code, ran.error["code"]) == (1, "SchemaDiffers"), line
        assert "selene db upgrade" in ran.error["next_step"]
    ran = older("db", "upgrade", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert f"  apply   {last(older)}" in ran.out
    assert ran.out.endswith("Done.\n")
    assert older("db", "status").code == 0
    assert older("tenant", "add", "acme").code == 0
    assert older("doctor", "--json").record["held"] is True


def test_init_upgrades_as_well(older: Ground) -> None:
    record = older("init", "--json").record
    assert (record["created"], record["applied"]) == (False, [last(older)])
    assert older("doctor", "--json").record["held"] is True


def test_nothing_is_done_without_a_yes(older: Ground) -> None:
    before = older("db", "status").out
    for options, stdin in (((), b"n\n"), ((), b"\n"), (("--json",), b""), (("--json",), b"y\n")):
        ran = older.apart("db", "upgrade", *options, stdin=stdin)
        assert ran.code == 2, ran
        assert "Nothing was done." in ran.err
        assert older("db", "status").out == before
    # Without anybody to ask it stops, as at Ctrl-C.
    ran = older.apart("db", "upgrade")
    assert ran.code == 130
    assert older("db", "status").out == before


def test_a_yes_on_a_terminal_does_it(older: Ground) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*selene_command(), "--db", older.url, "db", "upgrade"],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
    ) as process:  # fmt: skip
        os.write(ours, b"y\n")
        shown, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, shown
    assert b"Do it?" in shown
    assert b"Done." in shown
    assert older("db", "status").code == 0


def test_a_yes_in_json_answers_what_was_done(older: Ground) -> None:
    ran = older("db", "upgrade", "--yes", "--json")
    assert ran.code == 0
    assert last(older) in str(ran.record)
    assert older("db", "status", "--json").record["up_to_date"] is True


def test_a_yes_in_json_does_not_say_that_it_still_waits(older: Ground) -> None:
    record = older("db", "upgrade", "--yes", "--json").record
    assert record["up_to_date"] is True
    assert record["waiting"] == []


def test_an_upgrade_that_fails_leaves_the_ledger_as_it_was(older: Ground) -> None:
    before = older("db", "status").out
    # Something of the name that the last migration gives.
    last = migrations.load(older.kind)[-1].sql
    table = re.search(r"^CREATE TABLE (\w+)", last, re.MULTILINE)
    policy = re.search(r"^CREATE POLICY \w+ ON \S+", last, re.MULTILINE)
    index = re.search(r"^CREATE INDEX \w+\s+ON \S+", last, re.MULTILINE)
    function = re.search(r"^CREATE FUNCTION \S+\([^)]*\)", last, re.MULTILINE)
    made = f"{function[0]} RETURNS TEXT LANGUAGE sql RETURN 'x'" if function else ""
    made = f"{index[0]} (tenant_id)" if index else made
    made = f"{table[0]} (x)" if table else f"{policy[0]} USING (TRUE)" if policy else made
    older.sql(made)
    ran = older("db", "upgrade", "--yes", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert any(words in ran.error["message"] for words in ("already exists", "must be owner"))
    assert older("db", "status").out == before


def test_a_migration_that_is_there_but_not_noted_is_not_run_twice(ground: Ground) -> None:
    # Somebody took the note away: the database refuses the second run, whole.
    assert ground("init").code == 0
    ground.sql(UNNOTED)
    assert ground("db", "status").code == 3
    for line in (("db", "upgrade", "--yes"), ("init",)):
        ran = ground(*line, "--json")
        assert (ran.code, ran.out) == (1, ""), line
        assert any(words in ran.error["message"] for words in ("already exists", "duplicate"))
    assert ground("db", "status").code == 3
    assert ground("tenant", "list").code == 1


@pytest.mark.parametrize("wrong", [NEWER, EDITED, LEFT_OUT])
def test_a_ledger_of_a_newer_or_another_version_is_refused(ground: Ground, wrong: str) -> None:
    assert ground("init").code == 0
    ground.sql(wrong)
    for line in (
        ("db", "status"), ("db", "upgrade"), ("db", "upgrade", "--yes"), ("init",),
        ("tenant", "list"),
    ):  # fmt: skip
        ran = ground(*line, "--json")
        assert (ran.code, ran.out) == (1, ""), line
        assert ran.error["code"] == "SchemaDiffers"
        assert ran.error["next_step"]


# ---- a ledger of the version before


def test_what_an_older_version_wrote_goes_on_after_the_upgrade(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = migrations.load
    with monkeypatch.context() as before:
        before.setattr(
            migrations, "load", lambda dialect: tuple(m for m in load(dialect) if m.version <= 5)
        )
        without_keys(ground)
    now = time.time_ns()
    heard = nlp.run(nlp.Request("remind me to call mom tomorrow at 5 pm", now=NOW))
    record = {"decided_by": "PH1.NLP", "answer": heard.as_record(), "hand_overs": []}
    for statement in old_rows(ground.kind, now, json.dumps(record)):
        ground.sql(statement.replace("{", "{{").replace("}", "}}").replace("@.", "{}"))
    assert ground("db", "upgrade", "--yes").code == 0
    shown = ground("tenant", "show", "acme", "--json").record
    assert (shown["currency"], shown["confirm_within_s"], shown["terms_digest"]) == (
        "EUR", 600, None,
    )  # fmt: skip
    line = ("--tenant", "acme", "--user", "alice", "--device", "kitchen", "--json")
    said = ground("say", *line, "--correlation", "1" * 32, "yes").record
    assert (said["decision"], said["draft_event_ids"]) == ("CONFIRMED", [OLD_EVENT])
    doctor = ground("doctor", "--json").record
    assert doctor["held"] is True, doctor


def old_rows(kind: str, now: int, record: str) -> list[str]:
    """What the version before the terms wrote of one turn; "@." is the schema."""
    kept = record.replace("'", "''")
    blob = f"CAST('{kept}' AS BLOB)" if kind == "sqlite" else f"convert_to('{kept}', 'UTF8')"
    payload = (
        '{"ambiguity_flags":[],"decision":"INTENT_DRAFT","intent_type":"SET_REMINDER",'
        '"overall_confidence":"HIGH","required_fields":["task","when"]}'
    )
    return [
        "INSERT INTO @.tenants (tenant_id, currency, created_at) VALUES ('acme', 'EUR', 1)",
        "INSERT INTO @.identities (tenant_id, user_id, created_at) VALUES ('acme', 'alice', 1)",
        "INSERT INTO @.device_bindings VALUES ('kitchen', 'acme', 1)",
        "INSERT INTO @.devices VALUES ('acme', 'kitchen', 'alice', 1)",
        "INSERT INTO @.audit_events VALUES"
        f" ('acme', '{OLD_EVENT}', 'PH1.NLP', 'NlpIntentDraft', {0x4E000001}, 'INFO', '{'1' * 32}',"
        f" 1, 'alice', 'kitchen', NULL, 'PH1.NLP:1', '{payload}', {now})",
        "INSERT INTO @.replay_inputs VALUES"
        f" ('acme', '{OLD_EVENT}', 'PH1.NLP', '1.0.0', NULL, {blob}, 'plain')",
    ]


# ---- the script


def test_the_printed_script_makes_a_file_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    selene = Command(tmp_path, capsys, monkeypatch)
    script = selene.done("init", "--print-sql").out
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "script.sql").write_text(script)
    made = python(RUN_SQL, str(selene.path), str(tmp_path / "script.sql"), bare=True)
    assert made == "wal\n"
    status = selene.done("db", "status", "--json").record
    assert (status["up_to_date"], status["waiting"]) == (True, [])
    assert selene.done("init", "--json").record["applied"] == []
    selene.done("tenant", "add", "acme")
    selene.done("register", *ALICE)
    selene.done("say", *ALICE, "hello")
    assert selene.done("doctor", "--json").record["held"] is True
    selene.done("init", "--db", "other.db")

    def schema(path: Path) -> list[str]:
        return [line for line in dump(path).splitlines() if not line.startswith("INSERT")]

    assert schema(selene.path) == schema(tmp_path / "other.db")


def test_the_printed_script_twice_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    selene = Command(tmp_path, capsys, monkeypatch).prepare()
    script = selene.done("init", "--print-sql").out
    before = dump(selene.path)
    with pytest.raises(AssertionError, match="already exists"):
        change(selene.path, script)
    assert dump(selene.path) == before


def test_the_script_of_a_server_is_printed_without_one(ground: Ground) -> None:
    if ground.kind == "sqlite":
        pytest.skip("a file needs no server")
    ran = run("--db", "postgresql://nobody@no-such-host.invalid/x", "init", "--print-sql")
    assert (ran.code, ran.err) == (0, "")
    assert "CREATE SCHEMA os_core" in ran.out
    assert ground.nothing()
