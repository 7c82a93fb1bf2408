"""`selene` around a ledger: making one, who may write, where it is, and what goes wrong."""

from __future__ import annotations

import os
import pty
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from command import ALICE, TALK, Command, Ran, dump, environment, rows, run, selene_command

# Root may write everywhere; what is imported before stays usable after.
AS_NOBODY = """
import contextlib, io, os, sys, tempfile
from selene_os.edges.cli.main import main
def run(*line):
    with contextlib.suppress(SystemExit):
        main(list(line))
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    run("init", "--db", folder + "/x.db")
    run("tenant", "add", "acme", "--db", folder + "/x.db")
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
main(sys.argv[1:])
"""


def on_terminal(folder: Path, *arguments: str, **changes: str) -> str:
    """What a command line writes to a terminal."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", **changes)
    with subprocess.Popen(
        [*selene_command(), *arguments], cwd=folder, env=env, stdout=theirs, stderr=theirs
    ) as started:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:
            # Linux says so when the other end is closed.
            pass
        os.close(ours)
    assert started.returncode == 0
    return shown.decode()


# ---- init


def test_init_makes_a_ledger_here_that_only_its_owner_can_read(selene: Command) -> None:
    made = selene.done("init", "--json").record
    assert made["path"] == str(selene.path)
    assert made["created"] is True
    assert made["applied"]
    assert selene.path.stat().st_mode & 0o777 == 0o600


def test_init_again_changes_nothing(selene: Command) -> None:
    selene.prepare()
    before = dump(selene.path)
    again = selene.done("init", "--json").record
    assert (again["created"], again["applied"]) == (False, [])
    assert dump(selene.path) == before


@pytest.mark.parametrize("place", ["plain", "with a space", "it's", "$HOME", "sqlite"])
def test_the_next_steps_that_init_prints_work_as_they_are(selene: Command, place: str) -> None:
    (selene.folder / place).mkdir()
    path = selene.folder / place / "x.db"
    shown = selene.done("init", "--db", str(path)).out
    steps = [line.strip() for line in shown.splitlines() if line.startswith("  selene ")]
    assert len(steps) == 3
    for step in steps:
        name, *arguments = shlex.split(step)
        assert name == "selene"
        selene.done(*arguments)
    assert rows(path, "SELECT count(*) FROM audit_events") == [[1]]
    assert not selene.path.exists()


@pytest.mark.parametrize("before", [True, False])
def test_db_is_accepted_before_and_after_the_command(selene: Command, before: bool) -> None:
    path = str(selene.folder / "mine.db")

    def at(*arguments: str) -> Ran:
        there = ("--db", path)
        return selene.done(*there, *arguments) if before else selene.done(*arguments, *there)

    at("init")
    at("tenant", "add", "acme")
    at("register", "--tenant", "acme", "--user", "alice", "--device", "kitchen")
    at("say", *ALICE, "hello", "--correlation", TALK)
    at("persona", *ALICE, "--speaker", "alice")
    assert len(at("trace", "--tenant", "acme", "--correlation", TALK, "--json").record["events"])
    at("doctor")
    assert not selene.path.exists()


def test_the_ledger_of_the_command_line_wins_over_the_environments(
    selene: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELENE_DATABASE_URL", "sqlite:///env.db")
    selene.done("init")
    selene.done("init", "--db", f"sqlite:///{selene.folder}/given.db")
    selene.done("tenant", "add", "of-env")
    selene.done("tenant", "add", "of-given", "--db", "given.db")
    assert rows(selene.folder / "env.db", "SELECT tenant_id FROM tenants") == [["of-env"]]
    assert rows(selene.folder / "given.db", "SELECT tenant_id FROM tenants") == [["of-given"]]
    assert not selene.path.exists()


@pytest.mark.parametrize("url", ["mysql://h/x", "sqlite:///", ":memory:", "sqlite:///:memory:"])
def test_an_address_that_names_no_file_is_refused_by_name(selene: Command, url: str) -> None:
    assert selene.refused("init", "--db", url)["field"] == "database_url"
    assert list(selene.folder.iterdir()) == []


# ---- tenants


def test_a_tenants_settings_are_kept_and_taken_back(selene: Command) -> None:
    selene.prepare()
    given = ("currency=USD", "time_policy=ask", "date_order=DMY", "zone=Europe/Berlin")
    kept = selene.done("tenant", "set", "acme", *given, "--json").record
    shown = selene.done("tenant", "show", "acme", "--json").record
    assert shown == kept
    assert {key: shown[key] for key in ("currency", "time_policy", "date_order", "zone")} == {
        "currency": "USD",
        "time_policy": "ask",
        "date_order": "DMY",
        "zone": "Europe/Berlin",
    }
    assert selene.done("tenant", "set", "acme", "zone=", "--json").record["zone"] is None
    listed = selene.done("tenant", "list", "--json").record["tenants"]
    assert [tenant["currency"] for tenant in listed] == ["USD"]


@pytest.mark.parametrize(
    "setting",
    [
        "currency=usd", "currency=DOLLAR", "currency=A1B", "currency=ÄÖÜ", "currency=U-D",
        "time_policy=guess", "date_order=MYD", "zone=Berlin", "zone=../../etc/passwd", "zone=.",
        "zone=" + "x" * 5_000, "colour=red", "self=1", "tenant_id=globex", "settings=1",
        "created_at=0",
    ],
)  # fmt: skip
def test_a_bad_setting_is_refused_by_name_and_nothing_changes(
    selene: Command, setting: str
) -> None:
    selene.prepare()
    before = selene.done("tenant", "list", "--json").out
    error = selene.refused("tenant", "set", "acme", "currency=EUR", setting)
    assert error["field"] == setting.partition("=")[0]
    assert error["next_step"]
    assert selene.done("tenant", "list", "--json").out == before


def test_settings_change_how_an_ambiguous_value_is_read(selene: Command) -> None:
    selene.prepare()
    text = "send 20 to Bob"
    unset = selene.say(text)
    selene.done("tenant", "set", "acme", "currency=USD")
    done = selene.say(text)
    amounts = [field["value"] for field in done["fields"] if field["key"] == "amount"]
    assert unset["decision"] == "CLARIFY"
    assert amounts == [{"amount": "20", "currency": "USD"}]


# ---- registrations


def test_registering_again_changes_nothing(selene: Command) -> None:
    selene.prepare()
    line = ("register", *ALICE, "--session", "s1", "--json")
    assert selene.done(*line).record["added"] is True
    before = dump(selene.path)
    assert selene.done(*line).record["added"] is False
    assert dump(selene.path) == before


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--tenant", "nobody", "--user", "carol"), "tenant_id"),
        (("--tenant", "acmé", "--user", "carol"), "tenant_id"),
        (("--tenant", "a" * 65, "--user", "carol"), "tenant_id"),
        (("--tenant", "", "--user", "carol"), "tenant_id"),
        (("--tenant", "acme", "--user", ""), "user_id"),
        (("--tenant", "acme", "--user", "c\x1bx"), "user_id"),
        (("--tenant", "acme", "--user", "é" * 65), "user_id"),
        (("--tenant", "acme", "--user", "carol", "--device", "d\n"), "device_id"),
        (("--tenant", "acme", "--user", "carol", "--device", ""), "device_id"),
        (("--tenant", "acme", "--user", "carol", "--device", "kitchen"), "device_id"),
        (("--tenant", "acme", "--user", "carol", "--session", "s"), "device_id"),
        (("--tenant", "acme", "--user", "carol", "--device", "d", "--session", ""), "session_id"),
        (("--tenant", "acme", "--user", "c", "--device", "d", "--session", "\x00"), "session_id"),
    ],
)
def test_a_bad_registration_is_refused_by_name_and_leaves_nothing(
    selene: Command, options: tuple[str, ...], field: str
) -> None:
    selene.prepare()
    before = dump(selene.path)
    assert selene.refused("register", *options)["field"] == field
    assert dump(selene.path) == before


def test_names_may_be_in_any_script(selene: Command) -> None:
    selene.prepare()
    zoe = ("--tenant", "acme", "--user", "Zoë 张", "--device", "кухня", "--session", "séance")
    selene.done("register", *zoe)
    said = selene.done("say", *zoe, "--key", "clé", "--json", "hello", "--correlation", TALK).record
    (event,) = selene.done("trace", "--tenant", "acme", "--correlation", TALK, "--json").record[
        "events"
    ]
    assert event["event_id"] == said["event_id"]
    assert (event["user_id"], event["device_id"]) == ("Zoë 张", "кухня")
    assert (event["session_id"], event["idempotency_key"]) == ("séance", "clé")


def test_another_tenants_device_and_another_users_are_refused_in_the_same_words(
    selene: Command,
) -> None:
    selene.prepare()
    selene.done("tenant", "add", "globex")
    owned = selene.refused("register", "--tenant", "acme", "--user", "bob", "--device", "kitchen")
    other = selene.refused("register", "--tenant", "globex", "--user", "bob", "--device", "kitchen")
    assert owned == other


# ---- the operator's faults


def test_without_a_ledger_the_next_step_is_named(selene: Command) -> None:
    ran = selene("tenant", "list", "--json")
    assert ran.code == 1
    assert (ran.error["code"], ran.out) == ("LedgerMissing", "")
    assert "selene init" in ran.error["next_step"]
    assert list(selene.folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"hello\n", b"x" * 5_000, b"SQLite format 3\x00" + b"x" * 84])
@pytest.mark.parametrize("command", [("init",), ("tenant", "list"), ("doctor",)])
def test_a_garbage_file_is_the_operators_fault_and_stays_as_it_is(
    selene: Command, content: bytes, command: tuple[str, ...]
) -> None:
    path = selene.folder / "garbage.db"
    path.write_bytes(content)
    ran = selene(*command, "--db", str(path))
    assert (ran.code, ran.out) == (1, "")
    assert str(path) in ran.err
    assert path.read_bytes() == content


def test_a_folder_is_not_said_to_be_missing(selene: Command) -> None:
    for command in (("init",), ("tenant", "list")):
        ran = selene(*command, "--db", str(selene.folder))
        assert ran.code == 1
        assert "does not exist" not in ran.err


@pytest.mark.parametrize("place", ["file/x.db", "no/such/folder/x.db", "x" * 300, "/proc/x.db"])
def test_a_place_where_nothing_can_be_made_is_the_operators_fault(
    selene: Command, place: str
) -> None:
    (selene.folder / "file").write_text("x")
    for command in (("init",), ("tenant", "list")):
        ran = selene(*command, "--db", place)
        assert (ran.code, ran.out) == (1, "")
        assert place[:200] in ran.err


def test_a_place_whose_name_is_no_utf8_is_answered_by_name(tmp_path: Path) -> None:
    ran = run("--db", b"\xff.db", "init", folder=tmp_path)
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err
    assert "database_url" in ran.err or "udcff.db" in ran.err


def test_a_file_or_folder_that_may_only_be_read_is_the_operators_fault(selene: Command) -> None:
    selene.prepare()
    shared = Path(tempfile.mkdtemp(prefix="selene-read-only-"))
    try:
        shutil.copy(selene.path, shared / "x.db")
        (shared / "x.db").chmod(0o444)
        shared.chmod(0o555)
        for command in (("init", "--db", "new.db"), ("tenant", "add", "b", "--db", "x.db")):
            ran = subprocess.run(
                [sys.executable, "-c", AS_NOBODY, *command],
                cwd=shared,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (ran.returncode, ran.stdout) == (1, "")
            assert "permission" in ran.stderr.lower() or "you can write to" in ran.stderr
    finally:
        shared.chmod(0o755)
        shutil.rmtree(shared)


def test_a_locked_ledger_is_the_operators_fault(selene: Command) -> None:
    selene.prepare()
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    python = [sys.executable, "-c", hold, str(selene.path)]
    with subprocess.Popen(
        python, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        shown = selene.done("tenant", "list")
        ran = selene("tenant", "add", "globex")
        holder.communicate("")
    assert shown.out.startswith("acme")
    assert ran.code == 1
    assert str(selene.path.name) in ran.err
    assert "writer" in ran.err
    assert selene.done("tenant", "list").out == shown.out


# ---- what every command line shows


def test_help_lists_every_command_and_each_has_help(selene: Command) -> None:
    shown = selene.done("--help").out
    listed = [line.split()[0] for line in shown.partition("Commands:")[2].splitlines() if line]
    assert {"init", "tenant", "register", "say", "persona", "trace", "normalize"} < set(listed)
    assert {"doctor", "demo", "completion"} < set(listed)
    for name in listed:
        assert selene.done(name, "--help").out.startswith(f"Usage: selene {name}")
    assert "selene" in selene.done("--version").out


def test_help_takes_under_150_ms_of_cpu() -> None:
    run("--help")
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("--help").code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.150


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",), ("tenant",), ("tenant", "nonsense"), ("tenant", "add"), ("say",),
        ("say", "--nonsense"), ("say", *ALICE), ("say", *ALICE, "--turn", "x", "hi"),
        ("persona", *ALICE, "--signal", "x"), ("persona", *ALICE, "--place", "HERE"),
        ("normalize",), ("completion",), ("completion", "tcsh"), ("register", "--user", "x"),
        ("tenant", "set", "acme", "currency"), ("--nonsense",), ("--db",),
    ],
)  # fmt: skip
def test_a_line_that_makes_no_sense_is_usage(selene: Command, arguments: tuple[str, ...]) -> None:
    ran = selene(*arguments)
    assert ran.code == 2
    assert ran.err
    assert list(selene.folder.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_names_the_command(selene: Command, shell: str) -> None:
    assert "_SELENE_COMPLETE" in selene.done("completion", shell).out


def test_completion_offers_the_commands_that_fit() -> None:
    asked = {"_SELENE_COMPLETE": "bash_complete", "COMP_WORDS": "selene t", "COMP_CWORD": "1"}
    found = run(env=environment(**asked)).out.split()
    assert found == ["plain,tenant", "plain,trace", "plain,terms", "plain,times"]


def test_a_terminal_gets_colours_unless_no_color_is_set(selene: Command) -> None:
    selene.prepare()
    selene.say("hello", "--correlation", TALK)
    line = ("trace", "--tenant", "acme", "--correlation", TALK)
    assert "\x1b[" in on_terminal(selene.folder, *line)
    assert "\x1b" not in on_terminal(selene.folder, *line, NO_COLOR="1")
    assert "\x1b" not in run(*line, folder=selene.folder).out
