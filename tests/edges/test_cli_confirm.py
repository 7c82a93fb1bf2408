"""`selene confirm`, and a yes, a no or a change as the next turn: once, in time, by its user."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from dataclasses import replace

import pytest

import selene_os
from command import (
    ALICE,
    BOB,
    NOON,
    OTHER_TALK,
    TALK,
    Command,
    Record,
    counted,
    environment,
    rows,
    selene_command,
)
from selene_os.edges import wire
from selene_os.edges.cli import paint
from selene_os.edges.settings import without_password
from selene_os.reasons import ReasonCode

REMINDER = "remind me to call mom tomorrow at 5 pm"
MALLORY = ("--tenant", "globex", "--user", "mallory", "--device", "lobby")
NOBODYS = "01a1fe39-ee99-76b8-b8f6-7d583f3540c4"
MINUTE = 60_000_000_000


@pytest.fixture
def selene(selene: Command) -> Command:
    """With a ledger of two tenants."""
    selene.prepare()
    selene.done("tenant", "add", "globex")
    selene.done("register", *MALLORY)
    return selene


def draft(selene: Command, text: str = REMINDER, *options: str) -> str:
    """Say what is to be confirmed, as alice; returns the draft's event."""
    said = selene.say(text, "--now", NOON, "--correlation", TALK, *options)
    assert (said["decision"], said["confirmation"]) == ("INTENT_DRAFT", None)
    return str(said["event_id"])


def confirmed(selene: Command, event: str, *options: str, tenant: str = "acme") -> Record:
    return selene.done(
        "confirm", "--tenant", tenant, "--event", event, *options, "--json"
    ).record  # fmt: skip


def refused(selene: Command, event: str, *options: str, tenant: str = "acme") -> Record:
    """Confirm in vain; nothing is written."""
    with counted(selene.path, {}):
        return selene.refused("confirm", "--tenant", tenant, "--event", event, *options)


def settlements(selene: Command) -> list[list[str]]:
    found = rows(
        selene.path,
        "SELECT json_extract(payload_min, '$.decision'),"
        " json_extract(payload_min, '$.draft_event_id')"
        " FROM audit_events WHERE engine = 'PH1.X' AND event_type = 'XConfirm' ORDER BY event_id",
    )
    return [[str(cell) for cell in row] for row in found]


# ---- what waits, and what is told of it


@pytest.mark.parametrize("named", [(), ("--db", "selene.db")])
def test_the_command_that_say_shows_says_the_yes(selene: Command, named: tuple[str, ...]) -> None:
    shown = selene.done("say", *ALICE, *named, REMINDER).out
    (line,) = re.findall(
        r"  waiting   for a yes until \d\d:\d\d:\d\d \(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\): (.*)",
        shown,
    )
    words = shlex.split(line)
    assert words[:2] == ["selene", "confirm"]
    told = selene.done(*words[1:]).out
    assert told.startswith("CONFIRMED SET_REMINDER X_CONFIRMED\n  task      call mom\n")
    assert words[-1] in told
    assert settlements(selene) == [["CONFIRMED", words[-1]]]


def test_a_draft_waits_as_long_as_the_tenant_lets_it(selene: Command) -> None:
    selene.done("tenant", "set", "acme", "confirm_within_s=300")
    assert "confirm_within_s=300" in selene.done("tenant", "show", "acme").out
    said = selene.say(REMINDER, "--correlation", TALK)
    trace = selene.done("trace", "--tenant", "acme", "--correlation", TALK, "--json").record
    assert said["confirm_by"] == trace["events"][0]["created_at"] + 5 * MINUTE
    selene.done("tenant", "set", "acme", "confirm_within_s=")
    assert selene.done("tenant", "show", "acme", "--json").record["confirm_within_s"] == 600


@pytest.mark.parametrize("value", ["0", "-1", "86401", "x", "1.5", "٣", " 5", "9" * 40])
def test_a_time_to_wait_outside_its_bounds_is_refused(selene: Command, value: str) -> None:
    error = selene.refused("tenant", "set", "acme", f"confirm_within_s={value}")
    assert error["field"] == "confirm_within_s"
    assert selene.done("tenant", "show", "acme", "--json").record["confirm_within_s"] == 600


@pytest.mark.parametrize("text", ["hello", "what time is it", "remind me to call mom"])
def test_what_needs_no_yes_waits_for_none(selene: Command, text: str) -> None:
    said = selene.say(text)
    assert (said["confirm_by"], said["lapsed"], said["draft_event_ids"]) == (None, None, [])
    assert "waiting" not in selene.done("say", *ALICE, text).out


def test_a_draft_that_is_not_high_waits_for_nothing(selene: Command) -> None:
    event = draft(selene, REMINDER, "--transcript-confidence", "LOW")
    line = ("--transcript-confidence", "LOW", "--source", "VOICE_TRANSCRIPT", REMINDER)
    assert "waiting   for nothing" in selene.done("say", *ALICE, *line).out
    assert refused(selene, event)["reason_code"] == "X_DRAFT_UNFIT"
    found = rows(selene.path, "SELECT source FROM conversation_ledger ORDER BY created_at")
    assert found == [["TYPED_TEXT"], ["VOICE_TRANSCRIPT"]]


@pytest.mark.parametrize("option", ["--source", "--transcript-confidence"])
def test_a_source_or_confidence_that_is_none_is_refused(selene: Command, option: str) -> None:
    with counted(selene.path, {}):
        assert option in selene.refused("say", *ALICE, option, "TOMBSTONE", "hello")["message"]


# ---- said in words


@pytest.mark.parametrize(
    ("words", "language", "decision"),
    [("yes", "en", "CONFIRMED"), ("no", "en", "DECLINED"), ("好的", "zh", "CONFIRMED")],
)
def test_a_yes_or_a_no_is_the_next_turn(
    selene: Command, words: str, language: str, decision: str
) -> None:
    event = draft(selene)
    line = ("--correlation", TALK, "--language", language, "--turn", "2")
    added = {"audit_events": 1, "replay_inputs": 1, "conversation_ledger": 1}
    with counted(selene.path, added):
        said = selene.say(words, *line)
    assert (said["decision"], said["reason_code"]) == (decision, f"X_{decision}")
    assert (said["confirmation"], said["draft_event_ids"]) == (decision, [event])
    assert (said["intent_type"], said["confirm_by"]) == ("SET_REMINDER", None)
    assert settlements(selene) == [[decision, event]]
    with counted(selene.path, {}):
        again = selene.say(words, *line)
    assert again == said | {"deduplicated": True}


def test_a_change_settles_the_draft_before_and_waits_itself(selene: Command) -> None:
    event = draft(selene)
    line = ("--now", NOON, "--correlation", TALK)
    changed = selene.say("make it 6 pm instead", *line)
    assert (changed["decision"], changed["confirmation"]) == ("INTENT_DRAFT", "CHANGED")
    assert changed["draft_event_ids"] == [event]
    assert [one["value"] for one in changed["fields"]] == ["call mom", "2026-03-04T18:00"]
    assert changed["confirm_by"] is not None
    said = selene.say("yes", *line)
    assert said["draft_event_ids"] == [changed["event_id"]]
    assert settlements(selene) == [["CHANGED", event], ["CONFIRMED", changed["event_id"]]]
    assert refused(selene, event)["reason_code"] == "X_DRAFT_SETTLED"


def test_a_person_is_told_what_became_of_what_waited(selene: Command) -> None:
    event = draft(selene)
    line = ("say", *ALICE, "--now", NOON, "--correlation", TALK)
    told = selene.done(*line, "make it 6 pm instead").out
    assert f"  settled   draft {event} is changed" in told
    assert "  waiting   for a yes until " in told
    told = selene.done(*line, "no").out
    assert told.startswith("DECLINED SET_REMINDER X_DECLINED\n  heard     no\n")
    assert "  when      2026-03-04T18:00\n" in told
    assert "waiting" not in told


def test_several_requests_wait_each_for_its_own_yes(selene: Command) -> None:
    text = "remind me to call mom tomorrow at 5 pm and send $20 to Alex"
    line = ("--now", NOON, "--correlation", TALK)
    selene.say(text, *line)
    shown = selene.done("say", *ALICE, *line, "both").out
    events = re.findall(r"waiting .* --event (\S+)", shown)
    assert len(set(events)) == 2
    assert confirmed(selene, events[1])["intent_type"] == "SEND_MONEY"
    assert confirmed(selene, events[0], "--no")["intent_type"] == "SET_REMINDER"


def test_the_drafts_of_an_answer_stay_what_they_were(selene: Command) -> None:
    selene.say("remind me to call mom tomorrow at 5 pm and send $20 to Alex", "--correlation", TALK)
    both = selene.say("both", "--correlation", TALK)
    assert [one["intent_type"] for one in both["drafts"]] == ["SET_REMINDER", "SEND_MONEY"]
    assert list(both)[-6:] == [
        "event_ids", "confirmation", "draft_event_ids", "confirm_by", "lapsed", "refused",
    ]  # fmt: skip


# ---- said by a call


@pytest.mark.parametrize(
    ("first", "then"), [((), ("--no",)), (("--no",), ()), (("--no",), ("--key", "k"))]
)
def test_a_draft_is_settled_once(
    selene: Command, first: tuple[str, ...], then: tuple[str, ...]
) -> None:
    event = draft(selene)
    with counted(selene.path, {"audit_events": 1, "replay_inputs": 1}):
        said = confirmed(selene, event, *first)
    assert said["decision"] == ("DECLINED" if first else "CONFIRMED")
    assert (said["draft_event_ids"], said["deduplicated"]) == ([event], False)
    with counted(selene.path, {}):
        again = confirmed(selene, event, *first)
    assert again == said | {"deduplicated": True}
    error = refused(selene, event, *then)
    assert (error["code"], error["reason_code"]) == ("ConfirmationRefused", "X_DRAFT_SETTLED")
    shown = selene("confirm", "--tenant", "acme", "--event", event, *then).err
    assert "X_DRAFT_SETTLED: The draft was confirmed, declined or changed before." in shown


def test_a_retry_by_key_is_told_what_it_was(selene: Command) -> None:
    event = draft(selene)
    said = confirmed(selene, event, "--key", "k")
    again = selene.done("confirm", "--tenant", "acme", "--event", event, "--key", "k").out
    assert said["event_id"] in again
    assert "(there already; this try said the same)" in again


def test_the_draft_of_before_can_be_confirmed_whatever_was_said_since(selene: Command) -> None:
    event = draft(selene)
    selene.say("hello", "--correlation", TALK)
    assert selene.say("yes", "--correlation", TALK)["decision"] == "CHAT"
    assert confirmed(selene, event)["decision"] == "CONFIRMED"


def test_a_yes_is_said_where_it_is_said(selene: Command) -> None:
    event = draft(selene)
    selene.done("register", "--tenant", "acme", "--user", "alice", "--device", "phone")
    selene.done("register", *ALICE[:4], "--device", "phone", "--session", "s")
    confirmed(selene, event, "--user", "alice", "--device", "phone", "--session", "s")
    found = rows(
        selene.path,
        "SELECT user_id, device_id, session_id, turn_id FROM audit_events WHERE engine = 'PH1.X'",
    )
    assert found == [["alice", "phone", "s", 1]]


def test_of_many_at_once_one_is_written(selene: Command) -> None:
    event = draft(selene)
    line = [*selene_command(), "confirm", "--tenant", "acme", "--event", event, "--json"]
    started = [
        subprocess.Popen(
            [*line, *option, *key],
            cwd=selene.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for option in ((), ("--no",))
        for key in ((), ("--key", "other"))
    ]
    ended = [(one.communicate(timeout=60), one.returncode) for one in started]
    assert sorted(code for _, code in ended) in ([0, 2, 2, 2], [0, 0, 2, 2])
    assert all(b"Traceback" not in err for (_, err), _ in ended)
    assert len(settlements(selene)) == 1


# ---- whose it is, and what it is


def test_another_tenants_draft_is_not_known(selene: Command) -> None:
    event = draft(selene)
    theirs, nobodys = (refused(selene, one, tenant="globex") for one in (event, NOBODYS))
    assert (theirs["code"], theirs["field"]) == ("NotFound", "draft_event_id")
    assert theirs["message"].replace(event, NOBODYS) == nobodys["message"]
    assert refused(selene, event, "--user", "mallory", "--device", "lobby", tenant="globex")
    assert confirmed(selene, event)["decision"] == "CONFIRMED"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--user", "bob"), "user_id"), (("--user", "mallory"), "user_id"),
        (("--device", "office"), "device_id"), (("--device", "lobby"), "device_id"),
        (("--session", "nosuch"), "session_id"), (("--key", "a#2"), "idempotency_key"),
        (("--user", "\x1b[31m"), "user_id"), (("--key", ""), "idempotency_key"),
    ],
)  # fmt: skip
def test_a_yes_by_another_or_from_elsewhere_is_refused(
    selene: Command, options: tuple[str, ...], field: str
) -> None:
    event = draft(selene)
    assert refused(selene, event, *options)["field"] == field
    assert settlements(selene) == []


def test_another_users_yes_settles_nothing(selene: Command) -> None:
    event = draft(selene)
    line = ("say", *BOB, "--correlation", TALK, "--json", "yes")
    assert selene.done(*line).record["decision"] == "CHAT"
    assert settlements(selene) == []
    assert confirmed(selene, event)["decision"] == "CONFIRMED"


def test_a_disabled_user_confirms_nothing(selene: Command) -> None:
    event = draft(selene)
    selene.done("identity", "disable", "--tenant", "acme", "--user", "alice")
    assert refused(selene, event)["field"] == "user_id"


@pytest.mark.parametrize(
    "event",
    ["", "x", "0", "é" * 18, NOBODYS.upper(), NOBODYS[:-1], f"{NOBODYS} ", "\x1b[31m", "\ud800",
     "../" * 12, "00000000-0000-0000-0000-000000000000", "x" * 5_000, f"{NOBODYS}\n"],
)  # fmt: skip
def test_what_names_no_event_is_refused_by_name(selene: Command, event: str) -> None:
    error = refused(selene, event)
    assert (error["field"], len(error["message"]) < 500) == ("draft_event_id", True)
    shown = selene("confirm", "--tenant", "acme", "--event", event)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.replace("\n", "").isprintable()


def test_what_is_no_draft_cannot_be_confirmed(selene: Command) -> None:
    said = [selene.say(text)["event_id"] for text in ("hello", "remind me to call mom")]
    line = ("persona", *ALICE, "--speaker", "alice", "--correlation", OTHER_TALK, "--json")
    said.append(selene.done(*line).record["event_id"])
    said.append(confirmed(selene, draft(selene))["event_id"])
    for event in said:
        assert refused(selene, str(event))["code"] == "BadField"


# ---- what is shown beside


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:secret@h:5/d?sslmode=require", "postgresql://a@h:5/d?sslmode=require"),
        ("postgresql://h/d?user=a&password=secret", "postgresql://h/d?user=a"),
        ("postgresql:///d?host=/run/x&passfile=secret", "postgresql:///d?host=/run/x"),
    ],
)
def test_a_command_to_type_next_holds_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_yes_that_somebody_else_forestalled_is_told_as_that(selene: Command) -> None:
    with selene_os.open(str(selene.path)) as opened:
        answer = opened.tenant("acme").take_turn("alice", "kitchen", "yes")
    forestalled = replace(answer, lapsed=ReasonCode.X_DRAFT_SETTLED)
    told = paint.turn("yes", forestalled, "acme", "")
    assert "  settled   X_DRAFT_SETTLED: The draft was confirmed, declined or changed" in told
    assert wire.answer_record(forestalled)["lapsed"] == "X_DRAFT_SETTLED"


# ---- too late


def test_a_yes_that_comes_too_late_is_not_taken(selene: Command) -> None:
    in_time = draft(selene)
    yes = confirmed(selene, in_time)
    selene.done("tenant", "set", "acme", "confirm_within_s=1")
    event = draft(selene)
    selene.say(REMINDER, "--correlation", OTHER_TALK)
    time.sleep(1.1)
    error = refused(selene, event)
    assert (error["reason_code"], error["field"]) == ("X_CONFIRMATION_LATE", "draft_event_id")
    said = selene.say("yes", "--correlation", TALK)
    assert (said["decision"], said["lapsed"]) == ("CHAT", "X_CONFIRMATION_LATE")
    told = selene.done("say", *ALICE, "--correlation", OTHER_TALK, "yes").out
    assert "  too late  X_CONFIRMATION_LATE: " in told
    assert "  next      say what is wanted again" in told
    assert settlements(selene) == [["CONFIRMED", in_time]]
    # A retry of a yes that came in time is that yes.
    assert confirmed(selene, in_time) == yes | {"deduplicated": True}
