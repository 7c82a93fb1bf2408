"""`selene replay`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

from command import (
    ALICE,
    NOON,
    OTHER_TALK,
    TALK,
    Command,
    change,
    environment,
    rows,
    selene_command,
)
from own_packs import write_pack
from selene_os.edges.databases import database
from selene_os.keys.store import EncryptedStore
from selene_os.ledger.events import Wanted
from selene_os.names import TenantId
from selene_os.replaying import REASONS

REMIND = "remind me to call mom tomorrow at 5 pm"
TALKED = ("--correlation", TALK, "--now", NOON)
ONE = ("replay", "--tenant", "acme", "--correlation", TALK)
# As somebody may who can write the file.
UNGUARDED = "DROP TRIGGER replay_inputs_no_update; DROP TRIGGER audit_events_no_update;"


@pytest.fixture
def talked(selene: Command) -> Command:
    """A ledger in which alice said two things in one conversation."""
    selene.prepare()
    selene.say(REMIND, *TALKED)
    selene.say("yes", *TALKED)
    in_plain(selene)
    return selene


def in_plain(selene: Command) -> None:
    """Store the words as older versions did, so that SQL can change what the records say."""
    given = database(str(selene.path))
    store = given.open()
    assert isinstance(store, EncryptedStore)
    written = ""
    for event in store.search(TenantId("acme"), Wanted(), 100):
        stored = store.below.record(event.tenant_id, event.event_id)
        if stored is not None and stored.key_id == "plain":
            continue
        kept = store.record(event.tenant_id, event.event_id)
        assert kept is not None
        written += (
            f"UPDATE replay_inputs SET record = X'{kept.record.hex()}', key_id = 'plain'"
            f" WHERE event_id = '{event.event_id}';"
        )
    store.close()
    guards = rows(selene.path, "SELECT name, sql FROM sqlite_schema WHERE name LIKE '%_no_update'")
    off = "".join(f"DROP TRIGGER {name};" for name, _ in guards)
    plain = "UPDATE conversation_ledger SET text = CAST('words' AS BLOB), key_id = 'plain';"
    change(selene.path, off + written + plain + ";".join(str(sql) for _, sql in guards))
    # Whose words were encrypted once, of these none is believed that stands there in plain.
    shutil.rmtree(given.keys)
    given.make_keys()


def spoil(selene: Command, sql: str) -> None:
    change(selene.path, UNGUARDED + sql)


def record_as(text: str, where: str = "engine = 'PH1.NLP'") -> str:
    """SQL that writes a record."""
    return f"UPDATE replay_inputs SET record = CAST('{text}' AS BLOB) WHERE {where};"


def test_a_conversation_is_shown_event_by_event(talked: Command) -> None:
    first, second, last = talked.done(*ONE).out.splitlines()
    assert first.startswith("IDENTICAL       turn 1  INTENT_DRAFT SET_REMINDER NLP_INTENT_OK  0")
    assert second.startswith("IDENTICAL       turn 2  CONFIRMED X_CONFIRMED  0")
    assert last == "2 events: 2 identical, 0 different."


def test_json_tells_each_event_and_the_totals(talked: Command) -> None:
    record = talked.done(*ONE, "--json").record
    assert [one["outcome"] for one in record["events"]] == ["IDENTICAL"] * 2
    assert list(record["events"][0]) == [
        "event_id", "tenant_id", "correlation_id", "turn_id", "engine", "decision", "outcome",
        "reason", "differs", "recorded_version", "replayed_version", "recorded_pack",
        "replayed_pack", "unchecked", "differences",
    ]  # fmt: skip
    assert record["totals"] == {
        "events": 2, "identical": 2, "different": 0, "not_replayable": dict.fromkeys(REASONS, 0),
        "partly_checked": 0,
    }  # fmt: skip


def test_what_differs_is_told_field_by_field_and_ends_with_3(talked: Command) -> None:
    spoil(talked, "UPDATE replay_inputs SET engine_version = '0.9', record ="
          " CAST(replace(record, '\"SET_REMINDER\"', '\"SEND_MONEY\"') AS BLOB)"
          " WHERE engine = 'PH1.NLP';")  # fmt: skip
    ran = talked(*ONE)
    assert (ran.code, ran.err) == (3, "")
    told = ran.out.splitlines()
    assert told[0].startswith("DIFFERENT       turn 1  INTENT_DRAFT SET_REMINDER")
    assert told[1] == f"  --tenant acme --correlation {TALK}"
    assert told[2].startswith("  PH1.NLP: recorded by version 0.9, replayed by ")
    assert told[3] == '  /answer/intent_type: recorded "SEND_MONEY", replayed "SET_REMINDER"'
    # The yes was said to what the draft's own record says.
    assert told[-1] == "2 events: 0 identical, 2 different."
    found = talked(*ONE, "--json")
    assert found.code == 3
    assert found.record["events"][0]["differences"] == [
        {"path": "/answer/intent_type", "recorded": "SEND_MONEY", "replayed": "SET_REMINDER"}
    ]


def test_of_a_whole_ledger_what_differs_is_shown_and_the_rest_counted(talked: Command) -> None:
    talked.say("hello there", "--correlation", OTHER_TALK, "--now", NOON)
    in_plain(talked)
    assert talked.done("replay", "--all").out == "3 events: 3 identical, 0 different.\n"
    spoil(talked, record_as("{}", "engine = 'PH1.X'"))
    ran = talked("replay", "--all")
    assert ran.code == 3
    assert ran.out.startswith("NOT REPLAYABLE  turn 2  CONFIRMED X_CONFIRMED  0")
    assert ran.out.splitlines()[1:] == [
        f"  {REASONS['RECORD_DAMAGED']}",
        f"  --tenant acme --correlation {TALK}",
        f"3 events: 2 identical, 0 different, 1 not replayable ({REASONS['RECORD_DAMAGED']}).",
    ]
    *lines, totals = talked("replay", "--all", "--json").out.splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["RECORD_DAMAGED"]
    assert json.loads(totals)["totals"]["not_replayable"]["RECORD_DAMAGED"] == 1


def test_what_was_brought_or_erased_is_counted_and_no_difference(talked: Command) -> None:
    brought = '{"decided_by":"caller"}'
    spoil(talked, record_as(brought) + "UPDATE replay_inputs SET key_id = 'erased', record = x''"
          " WHERE engine = 'PH1.X';")  # fmt: skip
    ran = talked("replay", "--all")
    assert ran.code == 0
    assert ran.out == (
        f"2 events: 0 identical, 0 different, 1 not replayable ({REASONS['BROUGHT']}),"
        f" 1 not replayable ({REASONS['ERASED']}).\n"
    )
    assert talked(*ONE).out.count("NOT REPLAYABLE") == 2


def test_a_yes_to_a_draft_that_was_erased_is_checked_but_for_the_draft(talked: Command) -> None:
    spoil(talked, "UPDATE replay_inputs SET key_id = 'erased', record = x''"
          " WHERE engine = 'PH1.NLP';")  # fmt: skip
    ran = talked.done(*ONE)
    erased, reason, yes, unchecked, totals = ran.out.splitlines()
    assert erased.startswith("NOT REPLAYABLE  turn 1") and reason == f"  {REASONS['ERASED']}"
    assert yes.startswith("IDENTICAL       turn 2  CONFIRMED")
    assert unchecked.startswith("  not checked: PH1.X: the draft that waited cannot be read")
    assert totals.startswith("2 events: 1 identical, 0 different, 1 not replayable")


def test_a_yes_to_a_draft_that_was_changed_since_differs(talked: Command) -> None:
    spoil(talked, "UPDATE replay_inputs SET record = CAST(replace(record, 'T17:00', 'T08:00')"
          " AS BLOB) WHERE engine = 'PH1.NLP';")  # fmt: skip
    ran = talked(*ONE)
    assert ran.code == 3
    assert "  /draft/digest: recorded " in ran.out


def test_a_stretch_of_time_and_a_tenant_can_be_chosen(talked: Command) -> None:
    talked.done("tenant", "add", "globex")
    for options, events in (
        ((), 2), (("--since", "2020-01-01"), 2), (("--since", "2120-01-01"), 0),
        (("--until", "2020-01-01"), 0), (("--tenant", "acme"), 2), (("--tenant", "globex"), 0),
    ):  # fmt: skip
        assert talked.done("replay", "--all", *options).out.startswith(f"{events} events: ")


def test_what_cannot_be_meant_is_refused(talked: Command) -> None:
    for options in (
        (), ("--tenant", "acme"), ("--correlation", TALK), ("--all", *ONE[1:]),
        (*ONE[1:], "--since", "2026-01-01"), (*ONE[1:], "--until", "2026-01-01"),
        ("--all", "--since", "yesterday"), ("--all", "--tenant", "initech"),
        ("--tenant", "acme", "--correlation", "x"),
        # A check of nothing must not look like one that found nothing wrong.
        ("--tenant", "acme", "--correlation", OTHER_TALK),
    ):  # fmt: skip
        ran = talked("replay", *options)
        assert (ran.code, ran.out) == (2, ""), options


def test_a_pack_that_has_gone_is_taken_from_the_ledger(selene: Command, tmp_path: Path) -> None:
    pack = write_pack(tmp_path)
    selene.prepare()
    selene.say("park me at bay 12", *TALKED, "--pack", str(pack))
    (pack / "en.toml").unlink()
    assert selene.done(*ONE).out.startswith("IDENTICAL       turn 1  INTENT_DRAFT RESERVE_PARKING")


def test_a_pack_that_nobody_has_any_more_is_named_with_the_one_in_use(
    selene: Command, tmp_path: Path
) -> None:
    selene.prepare()
    selene.say("hello there", *TALKED)
    spoil(selene, f"UPDATE replay_inputs SET pack_digest = '{'f' * 64}';")
    ran = selene.done(*ONE)
    assert f"  recorded with pack {'f' * 64}, replayed with " in ran.out
    assert ran.out.startswith("IDENTICAL")


@pytest.mark.parametrize("text", [
    '{"decided_by":"PH1.NLP","answer":NaN,"request":{}}',
    '{"decided_by":"PH1.NLP","a":"\\ud800","b":"\\u001b[31m","request":{}}', "[", "7", "",
])  # fmt: skip
def test_whatever_a_record_holds_the_command_shows_it(talked: Command, text: str) -> None:
    spoil(talked, record_as(text))
    for options in ((), ("--json",)):
        ran = talked(*ONE, *options)
        assert (ran.code, ran.err) == (3, "")
        assert "\x1b" not in ran.out


def test_what_stands_in_a_record_commands_no_terminal(talked: Command) -> None:
    spoil(talked, "UPDATE replay_inputs SET record = CAST(replace(record, '\"HIGH\",\"fields\"',"
          " '\"\\u001b[31m\\ud800\\u202e\",\"fields\"') AS BLOB) WHERE engine = 'PH1.NLP';"
          " UPDATE audit_events SET payload_min = '{\"decision\":\"\\u001b[2J\"}'"
          " WHERE engine = 'PH1.NLP';")  # fmt: skip
    ran = talked(*ONE)
    assert (ran.code, ran.err) == (3, "")
    assert "\x1b" not in ran.out and "\u202e" not in ran.out
    assert "/answer/overall_confidence" in ran.out
    assert talked(*ONE, "--json").code == 3


def test_progress_is_shown_on_a_terminal_alone(talked: Command) -> None:
    ours, theirs = pty.openpty()
    command = [*selene_command(), "--db", str(talked.path), "replay", "--all"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs,
                          env=environment()) as process:  # fmt: skip
        shown, _ = process.communicate(timeout=60)
    os.close(theirs)
    told = os.read(ours, 1_000)
    os.close(ours)
    assert (process.returncode, shown) == (0, b"2 events: 2 identical, 0 different.\n")
    assert told.startswith(b"\r")
    assert talked("replay", "--all").err == ""


def test_another_user_s_words_stay_in_their_own_tenant(talked: Command) -> None:
    talked.done("tenant", "add", "globex")
    assert talked("replay", "--tenant", "globex", "--correlation", TALK).code == 2
    assert ALICE[1] == "acme"
