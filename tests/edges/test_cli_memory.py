"""`selene memory`: nothing is remembered before a yes, without leave, or twice."""

from __future__ import annotations

import pytest

from command import ALICE, BOB, OTHER_TALK, TALK, Command, Record, dump, rows

LOCKER = "remember that my locker number is 42"
GYM = "remember that my gym is on Elm Street"
MALLORY = ("--tenant", "globex", "--user", "mallory", "--device", "lobby")
NOBODYS = "01a1fe39-ee99-76b8-b8f6-7d583f3540c4"
WHOSE = ("--tenant", "acme", "--user", "alice")


@pytest.fixture
def selene(selene: Command) -> Command:
    """With a ledger of two tenants."""
    selene.prepare().done("tenant", "add", "globex")
    selene.done("register", *MALLORY)
    return selene


def drafted(selene: Command, text: str, line: tuple[str, ...] = ALICE) -> str:
    return str(selene.done("say", *line, text, "--json").record["event_id"])


def confirmed(selene: Command, draft: str, *options: str, tenant: str = "acme") -> str:
    line = ("confirm", "--tenant", tenant, "--event", draft, *options, "--json")
    return str(selene.done(*line).record["event_id"])


def apply(*events: str, tenant: str = "acme", allow: bool = True) -> tuple[str, ...]:
    """The line that applies a draft, with its confirmation."""
    named = [word for pair in zip(("--draft", "--confirmation"), events, strict=False)
             for word in pair]  # fmt: skip
    return ("memory", "apply", "--tenant", tenant, *named, *(["--allow"] if allow else []))


def denied(selene: Command, *line: str) -> Record:
    """Apply in vain: nothing changes, and a person is told the reason."""
    before = dump(selene.path)
    error = selene.refused(*line)
    shown = selene(*line)
    assert (shown.code, shown.out) == (2, "")
    assert (error["reason_code"] or "") in shown.err
    assert dump(selene.path) == before
    return error


def remembered(selene: Command, *options: str) -> list[str | None]:
    found = selene.done("memory", "list", *WHOSE, *options, "--json").record["memories"]
    return [one["text"] for one in found]


def remember(selene: Command, text: str = LOCKER) -> tuple[str, str]:
    """Have something remembered by alice; returns the draft and the yes."""
    draft = drafted(selene, text)
    yes = confirmed(selene, draft)
    selene.done(*apply(draft, yes))
    return draft, yes


# ---- the gates


def test_nothing_is_remembered_before_a_yes(selene: Command) -> None:
    draft = drafted(selene, LOCKER)
    for allow in (False, True):
        error = denied(selene, *apply(draft, allow=allow))
        assert (error["code"], error["reason_code"]) == (
            "ExecutionDenied", "GATE_CONFIRMATION_MISSING",
        )  # fmt: skip
    assert remembered(selene) == []


def test_a_yes_is_no_leave(selene: Command) -> None:
    draft = drafted(selene, LOCKER)
    yes = confirmed(selene, draft)
    error = denied(selene, *apply(draft, yes, allow=False))
    assert (error["code"], error["reason_code"]) == ("ExecutionDenied", "GATE_ACCESS_DENIED")
    assert "--allow" in error["next_step"]
    selene.done(*apply(draft, yes))
    assert remembered(selene) == ["my locker number is 42"]
    # Leave for one command is none for the next.
    other = drafted(selene, GYM)
    denied(selene, *apply(other, confirmed(selene, other), allow=False))


def test_what_is_done_is_done_once(selene: Command) -> None:
    draft = drafted(selene, LOCKER)
    yes = confirmed(selene, draft)
    done = selene.done(*apply(draft, yes), "--json").record
    assert done["intent_type"] == "MEMORY_REMEMBER"
    assert [one["text"] for one in done["memories"]] == ["my locker number is 42"]
    assert done["receipt"]["deduplicated"] is False
    before = dump(selene.path)
    again = selene.done(*apply(draft, yes), "--json").record
    assert (again["memories"], again["receipt"]["deduplicated"]) == ([], True)
    assert again["receipt"]["event_id"] == done["receipt"]["event_id"]
    shown = selene.done(*apply(draft, yes)).out
    assert shown == f"MEMORY_REMEMBER: done before\n  row       {done['receipt']['event_id']}\n"
    assert dump(selene.path) == before


def test_a_no_lets_nothing_happen(selene: Command) -> None:
    draft = drafted(selene, LOCKER)
    no = confirmed(selene, draft, "--no")
    assert denied(selene, *apply(draft, no))["reason_code"] == "GATE_CONFIRMATION_DECLINED"


def test_the_yes_to_another_draft_is_none_to_this_one(selene: Command) -> None:
    draft, other = drafted(selene, LOCKER), drafted(selene, GYM)
    yes = confirmed(selene, other)
    assert denied(selene, *apply(draft, yes))["reason_code"] == "GATE_CONFIRMATION_DIFFERS"
    bobs = drafted(selene, LOCKER, BOB)
    error = denied(selene, *apply(draft, confirmed(selene, bobs)))
    assert error["reason_code"] == "GATE_CONFIRMATION_DIFFERS"
    selene.done(*apply(other, yes))
    assert denied(selene, *apply(draft, yes))["reason_code"] == "GATE_CONFIRMATION_DIFFERS"


def test_the_yes_of_the_next_turn_is_one(selene: Command) -> None:
    draft = selene.say(LOCKER, "--correlation", TALK)["event_id"]
    shown = selene.done("say", *ALICE, "--correlation", TALK, "yes").out
    (line,) = [one for one in shown.splitlines() if one.startswith("  next")]
    words = line.split()[2:]
    assert words[:2] == ["memory", "apply"]
    assert draft in words
    assert selene.done(*words, "--allow").out.startswith("MEMORY_REMEMBER: remembered\n")
    assert remembered(selene) == ["my locker number is 42"]


# ---- remembering, finding, forgetting


def test_what_is_remembered_is_found_and_forgotten(selene: Command) -> None:
    remember(selene)
    remember(selene, GYM)
    assert remembered(selene) == ["my gym is on Elm Street", "my locker number is 42"]
    query = drafted(selene, "what do you remember about my locker?")
    shown = selene.done(*apply(query)).out
    assert shown.startswith('MEMORY_QUERY: 1 found\n  memory    "my locker number is 42"\n')
    assert denied(selene, *apply(query, allow=False))["reason_code"] == "GATE_ACCESS_DENIED"
    forget = drafted(selene, "forget my locker number")
    done = selene.done(*apply(forget, confirmed(selene, forget))).out
    assert done.startswith("MEMORY_FORGET: forgotten\n  memory    said:")
    assert "locker" not in done
    assert remembered(selene) == ["my gym is on Elm Street"]
    assert selene.done(*apply(query)).out == "MEMORY_QUERY: 0 found\n"


def test_nobody_picks_one_of_several_or_of_none(selene: Command) -> None:
    remember(selene)
    remember(selene, "remember that my locker is in the hall")
    forget = drafted(selene, "forget my locker")
    error = denied(selene, *apply(forget, confirmed(selene, forget)))
    assert error["reason_code"] == "MEMORY_SUBJECT_AMBIGUOUS"
    forget = drafted(selene, "forget my bicycle")
    error = denied(selene, *apply(forget, confirmed(selene, forget)))
    assert error["reason_code"] == "MEMORY_SUBJECT_UNKNOWN"


def test_the_list_is_of_a_moment_and_of_one_user(selene: Command) -> None:
    remember(selene)
    shown = selene.done("memory", "list", *WHOSE).out
    assert shown.startswith('  memory    "my locker number is 42"\n            said:')
    assert remembered(selene, "--at", "2100-01-01T00:00Z") == ["my locker number is 42"]
    for other in (("--tenant", "acme", "--user", "bob"), MALLORY[:4]):
        assert selene.done("memory", "list", *other, "--json").record == {"memories": []}
        assert selene.done("memory", "list", *other).out.startswith("Nothing is remembered of ")


@pytest.mark.parametrize("at", ["", "x", "1960-01-01", "2026-13-01", "9999-12-31", "\x1b[31m"])
def test_a_moment_that_is_none_is_refused(selene: Command, at: str) -> None:
    assert selene.refused("memory", "list", *WHOSE, "--at", at)["field"] == "at"


def test_what_is_built_again_is_what_was_there(selene: Command) -> None:
    remember(selene)
    forget = drafted(selene, "forget my locker number")
    selene.done(*apply(forget, confirmed(selene, forget)))
    remember(selene, GYM)
    before = dump(selene.path)
    assert selene.done("memory", "rebuild", *WHOSE, "--json").record["rows"] == 2
    assert dump(selene.path) == before
    assert "2 rows of alice" in selene.done("memory", "rebuild", *WHOSE).out
    assert "0 rows of mallory" in selene.done("memory", "rebuild", *MALLORY[:4]).out


def test_a_wish_that_is_forgotten_is_taken_back_from_the_profile(selene: Command) -> None:
    persona = ("persona", *ALICE, "--speaker", "alice", "--correlation", OTHER_TALK)
    remember(selene, "remember that I want you to answer me in text only")
    assert rows(selene.path, "SELECT memory_key FROM memory_current") == [["privacy_preference"]]
    record = selene.done(*persona, "--json").record
    assert (record["delivery_policy_ref"], record["notes"]) == ("TEXT_ONLY", [])
    assert list(record)[-1] == "notes"
    forget = drafted(selene, "forget that I want you to answer me in text only")
    selene.done(*apply(forget, confirmed(selene, forget)))
    shown = selene.done(*persona).out
    assert "PROFILE GENTLE VOICE_ALLOWED BALANCED" in shown
    assert "  note      delivery: rested on a memory that is gone; taken back" in shown


# ---- two tenants, and what is no draft


def test_another_tenants_draft_and_yes_are_not_known(selene: Command) -> None:
    draft = drafted(selene, LOCKER)
    yes = confirmed(selene, draft)
    error = denied(selene, *apply(draft, yes, tenant="globex"))
    assert (error["code"], error["field"]) == ("NotFound", "draft_event_id")
    theirs = drafted(selene, LOCKER, MALLORY)
    assert denied(selene, *apply(draft, confirmed(selene, theirs, tenant="globex")))
    assert denied(selene, *apply(theirs, yes, tenant="globex"))["code"] == "NotFound"


def test_what_is_no_memory_draft_is_refused(selene: Command) -> None:
    reminder = drafted(selene, "remind me to call mom tomorrow at 5 pm")
    yes = confirmed(selene, reminder)
    assert denied(selene, *apply(reminder, yes))["field"] == "draft_event_id"
    assert denied(selene, *apply(drafted(selene, "hello")))["code"] == "BadField"
    draft = drafted(selene, LOCKER)
    assert denied(selene, *apply(draft, draft))["field"] == "confirmation_event_id"
    assert denied(selene, *apply(yes, yes))["field"] == "draft_event_id"


@pytest.mark.parametrize("event", ["", "x", NOBODYS, NOBODYS.upper(), "\x1b[31m", "é" * 99])
def test_what_names_no_event_is_refused(selene: Command, event: str) -> None:
    draft = drafted(selene, LOCKER)
    assert denied(selene, *apply(event))["field"] == "draft_event_id"
    assert denied(selene, *apply(draft, event))["field"] == "confirmation_event_id"
    assert remembered(selene) == []


def test_a_query_by_a_disabled_user_finds_what_it_may(selene: Command) -> None:
    draft, yes = remember(selene)
    selene.done("identity", "disable", "--tenant", "acme", "--user", "alice")
    assert "done before" in selene.done(*apply(draft, yes)).out
