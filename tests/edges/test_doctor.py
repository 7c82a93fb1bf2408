"""`selene doctor` finds what someone with the file and SQL did to it; `selene demo` shows it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from command import ALICE, TALK, Command, Ran, change, dump, rows, whole

LEDGERS = ("audit_events", "replay_inputs", "conversation_ledger", "memory_ledger")
# The ledger of the first test, made by the command; the others copy it.
SPOKEN: dict[str, bytes] = {}


@pytest.fixture
def selene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    ready = Command(ledger, capsys, monkeypatch)
    if SPOKEN:
        return ready.put(SPOKEN)
    ready.prepare()
    ready.done("register", *ALICE, "--session", "s")
    ready.say("remind me to call mom", "--correlation", TALK, "--session", "s")
    ready.say("tomorrow at 5 pm", "--correlation", TALK)
    ready.done("persona", *ALICE, "--speaker", "alice", "--correlation", TALK)
    SPOKEN.update(ready.files())
    return ready


def triggers(path: Path) -> dict[str, str]:
    """The guards of a ledger by name, as SQL."""
    found = rows(path, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
    return {str(name): str(sql) for name, sql in found}


def spoil(path: Path, statement: str) -> None:
    """Take the guards down, change a row, and put them back, as if nothing had been."""
    guards = triggers(path)
    down = ";".join(f"DROP TRIGGER {name}" for name in guards)
    up = ";".join(guards.values())
    off = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON"
    change(path, f"{off}; {down}; {statement}; {up};")
    assert triggers(path) == guards


def differs(selene: Command) -> Ran:
    """Run the doctor on a ledger in which it finds something, both ways."""
    shown = selene("doctor")
    found = selene("doctor", "--json")
    assert (shown.code, shown.err, found.code, found.err) == (3, "", 3, "")
    assert found.record["held"] is False
    assert list((selene.folder.parent / "scratch").iterdir()) == []
    return found


# ---- a sound ledger


def test_a_sound_ledger_holds_and_stays_as_it_is(selene: Command) -> None:
    before = dump(selene.path)
    found = selene.done("doctor", "--json").record
    shown = selene.done("doctor").out
    assert found["held"] is True
    assert (found["schema_differences"], found["row_faults"]) == ([], [])
    assert found["path"] == str(selene.path)
    assert all(attempt["held"] for attempt in found["attempts"])
    assert f"{len(found['attempts'])} of {len(found['attempts'])} attempts held" in shown
    assert dump(selene.path) == before
    assert list((selene.folder.parent / "scratch").iterdir()) == []


def test_every_ledger_is_attacked_in_every_known_way(selene: Command) -> None:
    names = [attempt["name"] for attempt in selene.done("doctor", "--json").record["attempts"]]
    for table in LEDGERS:
        for way in ("UPDATE", "DELETE", "INSERT OR REPLACE", "UPSERT"):
            assert any(way in name and table in name for name in names), (way, table)


def test_what_no_file_can_refuse_is_said(selene: Command) -> None:
    found = selene.done("doctor", "--json").record["beyond"]
    shown = selene.done("doctor").out
    assert found
    for beyond in found:
        assert beyond["name"] in shown


def test_an_empty_ledger_holds(selene: Command) -> None:
    selene.done("init", "--db", "new.db")
    assert selene.done("doctor", "--db", "new.db", "--json").record["held"] is True


def test_a_ledger_in_use_holds(selene: Command) -> None:
    for _ in range(3):
        selene.say("hello", "--correlation", TALK)
        assert selene.done("doctor", "--json").record["held"] is True


def test_the_guards_stop_a_stranger_with_sql(selene: Command) -> None:
    before = dump(selene.path)
    for statement in (
        "UPDATE audit_events SET user_id = 'bob'",
        "DELETE FROM audit_events",
        "DELETE FROM replay_inputs",
        "UPDATE conversation_ledger SET text = x'41'",
        "UPDATE devices SET user_id = 'bob'",
        "DELETE FROM sessions",
        "UPDATE identities SET user_id = 'x'",
        "PRAGMA recursive_triggers = ON; DELETE FROM audit_events",
    ):
        with pytest.raises(AssertionError, match=r"append-only|registrations"):
            change(selene.path, statement)
    change(selene.path, "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events")
    assert dump(selene.path) == before


# ---- a ledger that someone changed


@pytest.mark.parametrize(
    "guard",
    [
        "audit_events_no_update", "audit_events_no_delete", "audit_events_insert_guard",
        "replay_inputs_no_delete", "conversation_ledger_no_update", "memory_ledger_insert_guard",
        "device_bindings_no_update", "identities_no_delete", "sessions_no_move",
        "tenants_no_delete", "audit_events_inserted",
    ],
)  # fmt: skip
def test_a_dropped_guard_is_named(selene: Command, guard: str) -> None:
    change(selene.path, f"DROP TRIGGER {guard}")
    found = differs(selene).record
    assert [guard in difference for difference in found["schema_differences"]] == [True]


def test_every_guard_is_missed_when_it_is_dropped(selene: Command) -> None:
    guards = triggers(selene.path)
    change(selene.path, ";".join(f"DROP TRIGGER {name}" for name in guards))
    found = differs(selene).record
    assert len(found["schema_differences"]) == len(guards)
    assert not all(attempt["held"] for attempt in found["attempts"])


def test_an_emptied_guard_is_named(selene: Command) -> None:
    change(
        selene.path,
        "DROP TRIGGER audit_events_no_update; CREATE TRIGGER audit_events_no_update"
        " BEFORE UPDATE ON audit_events BEGIN SELECT 1; END;",
    )
    found = differs(selene).record
    assert "audit_events_no_update" in found["schema_differences"][0]
    assert not all(attempt["held"] for attempt in found["attempts"])


@pytest.mark.parametrize(
    "script",
    [
        "DROP INDEX audit_idempotency_index_legacy",
        "CREATE TRIGGER spy AFTER INSERT ON audit_events BEGIN SELECT 1; END",
        "CREATE TABLE copy (x)",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE audit_events ADD COLUMN x TEXT",
    ],
)
def test_another_schema_is_seen(selene: Command, script: str) -> None:
    change(selene.path, script)
    assert differs(selene).record["schema_differences"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET user_id = 'mallory'",
        "UPDATE audit_events SET device_id = NULL",
        "UPDATE audit_events SET session_id = 'other'",
        "UPDATE audit_events SET tenant_id = 'globex'",
        "UPDATE audit_events SET turn_id = 0",
        "UPDATE audit_events SET severity = 'FINE'",
        "UPDATE audit_events SET payload_min = '[]'",
        "UPDATE audit_events SET payload_min = 'x'",
        "DELETE FROM audit_events WHERE turn_id = 1",
        "DELETE FROM replay_inputs",
        "UPDATE replay_inputs SET record = x'ff'",
        "UPDATE replay_inputs SET engine = 'PH1.OTHER'",
        "UPDATE audit_events SET reason_code = 5",
        "UPDATE audit_events SET payload_min = '{}'",
        "UPDATE audit_events SET event_type = 'Nonsense'",
        "UPDATE conversation_ledger SET user_id = 'mallory'",
        "DELETE FROM devices",
        "UPDATE device_bindings SET tenant_id = 'globex'",
    ],
)
def test_a_spoilt_row_is_seen(selene: Command, statement: str) -> None:
    spoil(selene.path, statement)
    found = differs(selene).record
    assert found["row_faults"]
    assert found["schema_differences"] == []


def test_a_ledger_of_another_version_is_the_operators_fault(selene: Command) -> None:
    change(selene.path, "UPDATE schema_migrations SET digest = 'x'")
    for command in (("doctor",), ("init",), ("tenant", "list")):
        ran = selene(*command, "--json")
        assert (ran.code, ran.error["code"]) == (1, "SchemaDiffers")


def test_a_torn_file_is_no_traceback(selene: Command) -> None:
    content = whole(selene.path)
    assert len(content) > 40_000
    torn = selene.folder / "torn.db"
    for spoilt in (
        content[: len(content) // 2],
        content[:20_000] + bytes(4_096) + content[24_096:],
        content[:4_096] + b"\xff" * 8_192 + content[12_288:],
    ):
        torn.write_bytes(spoilt)
        for command in (("doctor",), ("trace", "--tenant", "acme", "--correlation", TALK)):
            ran = selene(*command, "--db", "torn.db")
            assert ran.code in (0, 1, 3)
            assert command[0] == "trace" or ran.code != 0


def test_demo_tells_the_whole_story_and_leaves_nothing(selene: Command) -> None:
    before = dump(selene.path)
    shown = selene.done("demo").out
    assert "deduplicated: True" in shown
    assert "append-only" in shown
    assert "rows of globex in this conversation: 0" in shown
    assert "\x1b" not in shown
    assert dump(selene.path) == before
    assert list((selene.folder.parent / "scratch").iterdir()) == []
