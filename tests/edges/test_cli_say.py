"""`selene say`, `persona` and `trace`: many at once, garbage, and what a person sees."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from command import (
    ALICE,
    BOB,
    NOON,
    TALK,
    Argument,
    Command,
    counted,
    environment,
    rows,
    run,
    selene_command,
)

ROW = {
    "tenant_id", "event_id", "engine", "event_type", "reason_code", "severity", "correlation_id",
    "turn_id", "user_id", "device_id", "session_id", "idempotency_key", "payload_min", "created_at",
}  # fmt: skip
ANSWER = [
    "decision", "reason_code", "intent_type", "overall_confidence", "fields", "required_fields",
    "required_fields_missing", "ambiguity_flags", "requires_confirmation", "sensitivity",
]  # fmt: skip
QUESTION = [
    "what_is_missing", "question", "accepted_answer_formats", "clarification_unit_id", "pending",
]  # fmt: skip
RECEIPT = ["event_id", "deduplicated", "same_decision", "correlation_id", "turn_id"]
WAITING = ["confirmation", "draft_event_ids", "confirm_by", "lapsed", "refused"]


@pytest.fixture
def selene(selene: Command) -> Command:
    """With a ledger."""
    return selene.prepare()


# ---- the answer


def test_an_answer_has_its_keys_in_the_contracts_order(selene: Command) -> None:
    drafted = selene.say("remind me to call mom tomorrow at 5 pm")
    asked = selene.say("remind me to call mom")
    assert list(drafted) == ANSWER + RECEIPT + WAITING
    assert list(asked) == ANSWER + QUESTION + RECEIPT + WAITING


def test_an_answer_is_one_line_and_what_was_said_stays_in_its_own_script(selene: Command) -> None:
    out = selene.done("say", *ALICE, "--json", "remind me to call 妈妈 tomorrow").out
    assert out.count("\n") == 1
    assert "妈妈" in out


def test_now_and_the_tenants_zone_tell_what_today_is(selene: Command) -> None:
    text = "remind me to call mom tomorrow"
    values = []
    for now in (NOON, "2026-12-31T23:59:59-11:00", "2026-12-31T23:59:59Z"):
        fields = selene.say(text, "--now", now)["fields"]
        values.append(next(field["value"] for field in fields if field["key"] == "when"))
    assert values == ["2026-03-04", "2027-01-01", "2027-01-01"]


def test_a_trace_has_the_columns_of_the_specs(selene: Command) -> None:
    selene.say("hello", "--correlation", TALK)
    selene.done("persona", *ALICE, "--speaker", "alice", "--correlation", TALK)
    line = ("trace", "--tenant", "acme", "--correlation", TALK, "--json")
    talk, profile = selene.done(*line).record["events"]
    assert talk.keys() >= ROW
    assert profile.keys() >= ROW
    assert (talk["engine"], talk["payload_min"]) == ("PH1.NLP", {"decision": "CHAT"})
    assert profile["engine"] == "PH1.PERSONA"
    assert profile["event_type"] == "Other"
    assert profile["payload_min"].keys() == {
        "style_profile_ref",
        "delivery_policy_ref",
        "preferences_snapshot_ref",
    }


def test_a_trace_of_nothing_is_empty_and_one_of_no_tenant_is_refused(selene: Command) -> None:
    line = ("--correlation", TALK)
    assert selene.done("trace", "--tenant", "acme", *line, "--json").record == {"events": []}
    assert TALK in selene.done("trace", "--tenant", "acme", *line).out
    assert selene.refused("trace", "--tenant", "nobody", *line)["field"] == "tenant_id"


def test_a_profile_is_answered_with_its_references_and_its_receipt(selene: Command) -> None:
    line = ("persona", *ALICE, "--speaker", "alice", "--json", "--correlation", TALK)
    signals = ("--signal", "brevity_preference=short please", "--signal", "privacy_preference=qqq")
    shown = selene.done(*line, *signals).record
    assert shown.keys() >= {*RECEIPT, "style_profile_ref", "preferences_snapshot_ref"}
    assert (shown["brevity_ref"], shown["reason_code"]) == ("BRIEF", "PERSONA_PROFILE_OK")
    assert shown["delivery_policy_ref"] == "SILENT"
    assert len(shown["diagnostics"]) == 1
    assert (shown["deduplicated"], shown["turn_id"]) == (False, 1)


@pytest.mark.parametrize("line", [ALICE, BOB])
def test_without_a_speaker_no_profile_is_written(selene: Command, line: tuple[str, ...]) -> None:
    with counted(selene.path, {}):
        error = selene.refused("persona", *line)
    assert error["reason_code"] == "PERSONA_IDENTITY_REQUIRED"
    assert error["field"] == "speaker_id"
    assert "PERSONA_IDENTITY_REQUIRED" in selene("persona", *line, "--json").err


def test_a_key_of_another_engine_is_refused(selene: Command) -> None:
    place = ("--correlation", TALK, "--turn", "1", "--key", "k")
    selene.say("hello", *place)
    with counted(selene.path, {}):
        error = selene.refused("persona", *ALICE, "--speaker", "alice", *place)
    assert (error["code"], error["field"]) == ("IdempotencyConflict", "idempotency_key")


def test_a_disabled_user_and_a_closed_session_write_nothing(selene: Command) -> None:
    selene.done("register", *ALICE, "--session", "s")
    first = selene.say("hello", "--session", "s", "--correlation", TALK, "--turn", "1")
    selene.done("session", "close", "--tenant", "acme", "s")
    assert selene.refused("say", *ALICE, "--session", "s", "hello")["field"] == "session_id"
    again = selene.say("hello", "--session", "s", "--correlation", TALK, "--turn", "1")
    assert (again["event_id"], again["deduplicated"]) == (first["event_id"], True)
    selene.done("identity", "disable", "--tenant", "acme", "--user", "alice")
    with counted(selene.path, {}):
        assert selene.refused("say", *ALICE, "hello")["field"] == "user_id"
        assert selene.refused("persona", *ALICE, "--speaker", "alice")["field"] == "user_id"
    selene.done("identity", "enable", "--tenant", "acme", "--user", "alice")
    assert selene.say("hello")["deduplicated"] is False


def test_when_a_command_has_ended_the_ledger_is_one_file(selene: Command) -> None:
    run("say", *ALICE, "hello", folder=selene.folder)
    copied = selene.folder / "copied.db"
    copied.write_bytes(selene.path.read_bytes())
    assert rows(copied, "SELECT count(*) FROM audit_events") == [[1]]


# ---- many at once


@pytest.mark.parametrize("place", [(), ("--turn", "1")])
def test_eight_processes_write_one_conversation_at_once(
    selene: Command, place: tuple[str, ...]
) -> None:
    line = ("say", *ALICE, "--correlation", TALK, *place, "--json", "hello")
    started = [
        subprocess.Popen(
            [*selene_command(), *line],
            cwd=selene.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(8)
    ]
    ended = [(*one.communicate(timeout=60), one.returncode) for one in started]
    assert [(err, code) for _, err, code in ended] == [(b"", 0)] * 8
    answers = [json.loads(out) for out, _, _ in ended]
    expected = 1 if place else 8
    assert sorted({answer["turn_id"] for answer in answers}) == list(range(1, expected + 1))
    assert len({answer["event_id"] for answer in answers}) == expected
    assert sum(not answer["deduplicated"] for answer in answers) == expected
    for table in ("audit_events", "replay_inputs", "conversation_ledger"):
        assert rows(selene.path, f"SELECT count(*) FROM {table}") == [[expected]]


# ---- garbage

LONG = "x" * 200
BAD_OPTIONS = [
    ("--correlation", "", "correlation_id"),
    ("--correlation", "c1", "correlation_id"),
    ("--correlation", "0" * 32, "correlation_id"),
    ("--correlation", TALK.upper(), "correlation_id"),
    ("--correlation", TALK + "\n", "correlation_id"),
    ("--correlation", "é" * 32, "correlation_id"),
    ("--correlation", "٠" * 31 + "1", "correlation_id"),
    ("--turn", "0", "turn_id"),
    ("--turn", "-1", "turn_id"),
    ("--turn", "2147483648", "turn_id"),
    ("--turn", "9" * 99, "turn_id"),
    ("--key", "", "idempotency_key"),
    ("--key", LONG, "idempotency_key"),
    ("--key", "a\tb", "idempotency_key"),
    ("--session", "", "session_id"),
    ("--session", "\u2028", "session_id"),
    ("--session", LONG, "session_id"),
    ("--now", "", "now"),
    ("--now", "yesterday", "now"),
    ("--now", "2026-02-30T12:00+01:00", "now"),
    ("--now", "2026-03-03T12:00", "now"),
    ("--now", "é\x1b[31m", "now"),
    ("--language", "", "language"),
    ("--language", "fr", "language"),
    ("--language", "EN\x00", "language"),
    ("--user", "", "user_id"),
    ("--user", "é" * 65, "user_id"),
    ("--user", "alice\x7f", "user_id"),
    ("--user", "Zoë", "user_id"),
    ("--device", "", "device_id"),
    ("--device", "кухня", "device_id"),
    ("--device", "\x85", "device_id"),
    ("--tenant", "", "tenant_id"),
    ("--tenant", "acmé", "tenant_id"),
    ("--tenant", "a" * 65, "tenant_id"),
    ("--tenant", "acme\n", "tenant_id"),
    ("--tenant", "../acme", "tenant_id"),
]


@pytest.mark.parametrize(("option", "value", "field"), BAD_OPTIONS)
def test_a_bad_option_is_refused_by_its_name(
    selene: Command, option: str, value: str, field: str
) -> None:
    ran = selene("say", *ALICE, option, value, "hello")
    assert (ran.code, ran.out) == (2, "")
    assert field in ran.err
    assert "\x1b" not in ran.err
    error = selene.refused("say", *ALICE, option, value, "hello")
    assert error["field"] == field
    assert error["next_step"]
    assert rows(selene.path, "SELECT count(*) FROM audit_events") == [[0]]


@pytest.mark.parametrize("text", ["", "x" * 32_769, "é" * 16_385])
def test_an_utterance_outside_its_bounds_is_refused_with_the_bound(
    selene: Command, text: str
) -> None:
    ran = selene("say", *ALICE, text)
    assert (ran.code, ran.out) == (2, "")
    assert "text" in ran.err
    assert "32768" in ran.err
    assert len(ran.err) < 400


def test_an_utterance_at_its_bound_is_taken(selene: Command) -> None:
    assert selene.say("é" * 16_384)["deduplicated"] is False


@pytest.mark.parametrize(
    ("option", "field"),
    [
        ("--tenant", "tenant_id"), ("--user", "user_id"), ("--device", "device_id"),
        ("--session", "session_id"), ("--correlation", "correlation_id"),
        ("--key", "idempotency_key"), ("--now", "now"), ("--language", "language"), ("", "text"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_utf8_are_refused_by_name(
    selene: Command, option: str, field: str
) -> None:
    bad = b"\xffx\xc3"
    given: tuple[Argument, ...] = (option, bad, "hello") if option else (bad,)
    ran = run("say", *ALICE, *given, folder=selene.folder)
    assert (ran.code, ran.out) == (2, "")
    assert field in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("encoding", ["utf-8:strict", "utf-8:surrogateescape", "ascii:strict"])
def test_stdin_that_is_no_utf8_is_refused_by_name(selene: Command, encoding: str) -> None:
    env = environment(PYTHONIOENCODING=encoding)
    ran = run("say", *ALICE, "-", folder=selene.folder, stdin=b"hi \xff\n", env=env)
    assert (ran.code, ran.out) == (2, "")
    assert "text" in ran.err
    assert "Traceback" not in ran.err


def test_an_utterance_may_come_from_stdin(selene: Command) -> None:
    said = "¿qué hora es?"
    line = ("say", *ALICE, "--correlation", TALK, "-")
    ran = run(*line, folder=selene.folder, stdin=f"{said}\n".encode())
    assert (ran.code, ran.err) == (0, "")
    told = selene.done("trace", "--tenant", "acme", "--correlation", TALK, "--explain", "--json")
    assert told.record["turns"][0]["said"][0]["text"] == said


@pytest.mark.parametrize("text", ["hi \x1b]0;title\x07", "hi \x1b[31mred", "hi \x9b31m", "hi \x07"])
def test_what_was_said_commands_no_terminal(selene: Command, text: str) -> None:
    ran = selene("say", *ALICE, "--", text)
    assert ran.code in (0, 2)
    shown = (ran.out + ran.err).replace("\n", "")
    assert shown.isprintable()


@pytest.mark.parametrize("line", [("say", *ALICE, "hello"), ("tenant", "list"), ("--help",)])
def test_an_output_that_is_full_is_the_operators_fault(
    selene: Command, line: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*selene_command(), *line],
            cwd=selene.folder,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "space" in ran.stderr


def test_a_reader_that_leaves_early_is_no_fault(selene: Command) -> None:
    shell = f"{selene_command()[0]} tenant list --json | true"
    ran = subprocess.run(shell, shell=True, cwd=selene.folder, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
