"""`selene trace --explain`: the story of a conversation, also where a record is not whole."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

import selene_os
from command import ALICE, BOB, NOON, OTHER_TALK, TALK, Command, Record, change
from selene_os import names
from selene_os.app import Tenant
from selene_os.decision import Chat, Decision, IntentDraft
from selene_os.edges.surroundings import system
from selene_os.engines.focus import Item
from selene_os.ledger import codec
from selene_os.ledger.events import ReplayRecord, Utterance
from selene_os.ledger.repositories import Entry, NlpDecisions, Said
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.reasons import ReasonCode

WHERE = ("--tenant", "acme", "--correlation", TALK)
LINE = ("--now", NOON, "--correlation", TALK)
REMINDER = "remind me to call mom tomorrow at 5 pm"
EVENT = {
    "record", "decided_by", "hand_overs", "answer", "draft", "notes", "waits", "event_id",
    "payload_min", "engine", "reason_code", "turn_id",
}  # fmt: skip
DAY = 86_400_000_000_000


@pytest.fixture
def selene(selene: Command) -> Command:
    """With a ledger."""
    return selene.prepare()


def told(selene: Command) -> str:
    """The story of the conversation as a person reads it, every run of spaces as one."""
    out = selene.done("trace", *WHERE, "--explain").out
    assert out.replace("\n", "").isprintable()
    return "\n".join(" ".join(line.split()) for line in out.splitlines())


def turns(selene: Command) -> list[Record]:
    found: list[Record] = selene.done("trace", *WHERE, "--explain", "--json").record["turns"]
    return found


@contextmanager
def library(selene: Command, later_ns: int = 0) -> Iterator[Tenant]:
    """The tenant as a library, at another time."""
    around = replace(system(), clock=lambda: time.time_ns() + later_ns)
    with selene_os.open(str(selene.path), surroundings=around) as opened:
        yield opened.tenant("acme")


# ---- a whole one


def test_a_conversation_is_told_from_what_was_said_to_what_became_of_it(selene: Command) -> None:
    first = selene.say("remind me tmr to um call mom", *LINE)["event_id"]
    changed = selene.say("make it 6 pm instead", *LINE)["event_id"]
    yes = selene.say("yes", *LINE)["event_id"]
    story = told(selene)
    expected = [
        "turn 1",
        'said "remind me tmr to um call mom" TYPED_TEXT by alice',
        "PH1.KNOW 1.0.0 passed through the tenant has no terms",
        '"tmr" -> "tomorrow"; "um " dropped',
        "PH1.FOCUS 1.0.0 passed through",
        "One known intent, nothing required missing or ambiguous.",
        "PH1.PRUNE 1.0.0 not needed",
        "INTENT_DRAFT SET_REMINDER HIGH NLP_INTENT_OK",
        "heard remind me [tmr](when) to um [call mom](task)",
        "task call mom",
        "when 2026-03-04",
        "waited for a yes: CHANGED in turn 2 by row ",
        f"row {first} alice@kitchen 20",
        "turn 2",
        "heard make it [6 pm](when) instead",
        f"waited for a yes: CONFIRMED in turn 3 by row {yes}",
        "CHANGED SET_REMINDER X_CHANGED",
        f"draft {first}",
        "turn 3",
        "The user said yes to this draft.",
        "CONFIRMED SET_REMINDER X_CONFIRMED",
        "when 2026-03-04T18:00",
        f"draft {changed}",
    ]
    at = 0
    for part in expected:
        assert part in story[at:], part
        at = story.index(part, at)


def test_the_story_as_json_holds_the_trace_and_what_stands_beside_it(selene: Command) -> None:
    selene.say(REMINDER, *LINE)
    selene.say("no", *LINE)
    plain = selene.done("trace", *WHERE, "--json").record["events"]
    story = turns(selene)
    events = [event for turn in story for event in turn["events"]]
    assert [turn["turn_id"] for turn in story] == [1, 2]
    assert [{key: event[key] for key in row} for event, row in zip(events, plain, strict=True)] == (
        plain
    )
    assert all(set(event) >= EVENT for event in events)
    draft, no = events
    (line,) = story[0]["said"]
    assert (line["text"], line["role"], line["source"]) == (REMINDER, "USER", "TYPED_TEXT")
    assert [one["engine"] for one in draft["hand_overs"]] == [
        "PH1.KNOW", "PH1.SRL", "PH1.FOCUS", "PH1.NLP", "PH1.PRUNE",
    ]  # fmt: skip
    assert draft["answer"]["intent_type"] == "SET_REMINDER"
    assert draft["waits"]["confirm_by"] == draft["created_at"] + 600_000_000_000
    assert draft["waits"]["became"] == {
        "decision": "DECLINED", "event_id": no["event_id"], "turn_id": 2,
    }  # fmt: skip
    assert (no["decided_by"], no["draft"]["event_id"]) == ("PH1.X", draft["event_id"])
    assert (no["waits"], no["record"], no["notes"]) == (None, "kept", [])


def test_a_yes_by_a_call_is_told_as_one(selene: Command) -> None:
    event = selene.say(REMINDER, *LINE)["event_id"]
    assert "waits for a yes until " in told(selene)
    selene.done("confirm", "--tenant", "acme", "--event", event)
    story = told(selene)
    assert "waited for a yes: CONFIRMED in turn 1 by row " in story
    assert "said by a call, not in words" in story
    assert story.count("PH1.SRL") == 1


def test_a_draft_that_nobody_answered_waited_in_vain(selene: Command) -> None:
    with library(selene, -DAY) as acme:
        acme.take_turn("alice", "kitchen", REMINDER, correlation=TALK)
    selene.say("yes", *LINE)
    story = told(selene)
    assert "; none came" in story
    assert "PH1.X 1.0.0 refused " in story
    assert "X_CONFIRMATION_LATE: The draft waited longer than the tenant lets it wait." in story


def test_a_draft_that_cannot_have_a_yes_waits_for_nothing(selene: Command) -> None:
    selene.say(REMINDER, *LINE, "--transcript-confidence", "LOW")
    selene.say("hello", *LINE)
    story = told(selene)
    assert "waits for nothing: No complete draft at HIGH" in story
    assert turns(selene)[0]["events"][0]["waits"] == {"confirm_by": None, "became": None}


def test_several_drafts_of_a_turn_are_told_each_and_the_engines_once(selene: Command) -> None:
    selene.say(f"{REMINDER} and send $20 to Alex", *LINE)
    selene.say("both", *LINE)
    story = told(selene).partition("turn 2")[2]
    assert (story.count("PH1.SRL"), story.count("waits for a yes")) == (1, 2)
    assert story.index("SET_REMINDER") < story.index("SEND_MONEY")


# ---- what each engine did


def test_terms_are_told_by_the_digest_of_their_bundle(selene: Command) -> None:
    (selene.folder / "t.csv").write_text(
        "kind,source,canonical\n"
        "EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,Ann Lee\n"
        "EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,Ann Kay\n"
    )
    digest = selene.done("terms", "import", "--tenant", "acme", "t.csv", "--json").record["digest"]
    selene.say("send $20 to Ann", *LINE)
    assert f"PH1.KNOW 1.0.0 used {digest[:8]} The tenant's terms were handed on" in told(selene)


def test_a_bundle_that_was_closed_is_told_with_the_reason_and_the_turn_goes_on(
    selene: Command,
) -> None:
    foreign = [{"entry_id": "e", "tenant_id": "globex", "kind": "PROJECT_CODE",
                "source": "HR_ORG_AUTHORIZED", "canonical": "Apollo", "locale": "en",
                "evidence_ref": None}]  # fmt: skip
    bundle = codec.encode_json(foreign)
    digest = hashlib.sha256(bundle).hexdigest()
    change(
        selene.path,
        f"INSERT INTO term_bundles VALUES ('acme', '{digest}', X'{bundle.hex()}', 'plain', 1);"
        f"UPDATE tenants SET terms_digest = '{digest}' WHERE tenant_id = 'acme';",
    )
    assert selene.say(REMINDER, *LINE)["decision"] == "INTENT_DRAFT"
    story = told(selene)
    assert "PH1.KNOW 1.0.0 refused" in story
    assert "KNOW_FOREIGN_TERM: A term of another tenant closed the whole bundle." in story


def test_focus_and_prune_are_told_by_what_they_chose(selene: Command) -> None:
    with library(selene) as acme:
        items = [Item("weak", "SPAN", 1, "span:0-4", "e"), Item("strong", "SPAN", 9, "x", "e")]
        acme.take_turn("alice", "kitchen", "transfer money", correlation=TALK, salient=items)
    story = told(selene)
    assert "ranked strong, weak" in story
    assert "asks for amount first, of amount, recipient" in story
    assert "question " in story


def test_a_profile_is_told_part_by_part_with_what_was_not_used(selene: Command) -> None:
    line = ("persona", *ALICE, "--speaker", "alice", "--correlation", TALK)
    signals = ("--signal", "brevity_preference=short please", "--signal", "privacy_preference=qqq")
    selene.done(*line, *signals)
    story = told(selene)
    assert "PROFILE GENTLE SILENT BRIEF PERSONA_PROFILE_OK" in story
    assert "brevity BRIEF by cli:signal:1" in story
    assert "style GENTLE by default" in story
    assert "language none by default" in story
    assert "note privacy_preference: value not understood; SILENT until it is" in story


def test_a_memory_that_was_not_used_is_told_with_the_reason(selene: Command) -> None:
    with library(selene) as acme:
        wish = "remember that I want you to answer me in text only"
        draft = acme.take_turn("alice", "kitchen", wish)
        yes = acme.confirm(draft.event_id)
    line = ("--tenant", "acme", "--draft", draft.event_id, "--confirmation", yes.event_id)
    selene.done("memory", "apply", *line, "--allow")
    change(selene.path, "UPDATE memory_current SET use_policy = 'USER_REQUESTED_ONLY'")
    selene.done("persona", *ALICE, "--speaker", "alice", "--correlation", TALK)
    reason = "memory privacy_preference: not used, use_policy is USER_REQUESTED_ONLY"
    assert f"note {reason}" in told(selene)
    assert turns(selene)[0]["events"][0]["notes"] == [reason]


# ---- what is not of this tenant, or not whole


def test_the_story_of_another_tenants_conversation_is_empty(selene: Command) -> None:
    selene.say(REMINDER, *LINE)
    selene.done("tenant", "add", "globex")
    line = ("trace", "--tenant", "globex", "--correlation", TALK, "--explain")
    assert selene.done(*line, "--json").record == {"turns": []}
    assert selene.done(*line).out == f"Tenant globex has no conversation {TALK}.\n"
    assert selene.refused("trace", *WHERE[:2], "--correlation", "x", "--explain")["field"] == (
        "correlation_id"
    )


@pytest.mark.parametrize(
    ("decision", "payload"),
    [
        (Chat(), "CHAT NLP_CHAT_DEFAULT"),
        (
            IntentDraft(ReasonCode.NLP_INTENT_OK, "SET_REMINDER", "HIGH", ("task",)),
            "intent_type=SET_REMINDER overall_confidence=HIGH required_fields=task",
        ),
    ],
)
def test_a_decision_of_the_callers_own_is_told_as_one(
    selene: Command, decision: Decision, payload: str
) -> None:
    with library(selene) as acme:
        acme.commit_decision(decision, "alice", "kitchen", correlation=TALK, text="hi there")
    story = told(selene)
    assert payload in story
    assert "decided by the caller" in story
    assert 'said "hi there"' in story
    assert turns(selene)[0]["events"][0]["decided_by"] == "caller"


def kept(selene: Command, record: bytes | None, key_id: str = "plain") -> None:
    """Write a turn of alice's whose record is what nothing here would write."""
    store = SqliteStore(str(selene.path))
    try:
        around = system()
        scope = codec.Scope(
            names.TenantId("acme"), names.UserId("alice"), names.DeviceId("kitchen")
        )
        place = codec.Place(
            names.parse_correlation_id(TALK),
            names.parse_turn_id(1),
            names.parse_idempotency_key("k"),
        )
        unit = NlpDecisions(store, around.event_id).unit(
            scope, place, [Entry(Chat(), "9", None, record or b"")], Said("hello"), around.clock()
        )
        odd: tuple[ReplayRecord, ...] = tuple(one._replace(key_id=key_id) for one in unit.records)
        said: Utterance | None = unit.said
        if said is not None and key_id != "plain":
            said = said._replace(key_id=key_id)
        (verdict,) = store.commit([replace(unit, records=odd if record else (), said=said)])
        assert isinstance(verdict, tuple), verdict
    finally:
        store.close()


GOOD: Record = {
    "engine": "PH1.SRL",
    "version": "1",
    "reason_code": "SRL_REPAIR_OK",
    "became": "used",
    "digest": "d",
    "request": None,
    "handed": {"repairs": [], "flags": []},
}
ANSWER: Record = {
    "decision": "INTENT_DRAFT",
    "reason_code": "x",
    "intent_type": "X",
    "overall_confidence": "HIGH",
    "fields": [],
    "required_fields": [],
    "required_fields_missing": [],
    "ambiguity_flags": [],
    "requires_confirmation": True,
    "sensitivity": None,
}
ODD = [
    {}, {"decided_by": 7}, {"answer": None}, {"answer": 5}, {"answer": []}, {"answer": {}},
    {"answer": ANSWER | {"fields": 3}}, {"answer": ANSWER | {"fields": [{"key": "x"}]}},
    {"answer": ANSWER | {"fields": [dict.fromkeys(("key", "text", "start", "end", "value"), "x")]}},
    {"answer": ANSWER | {"fields": [dict.fromkeys(("key", "text", "start", "end", "value"))]}},
    {"answer": ANSWER | {"decision": 3}}, {"answer": ANSWER | {"decision": "\x1b[31m"}},
    {"answer": ANSWER | {"required_fields": ["a"]}}, {"answer": ANSWER | {"drafts": 1}},
    {"hand_overs": 3}, {"hand_overs": [3]}, {"hand_overs": [{}]}, {"hand_overs": {"a": 1}},
    {"hand_overs": [GOOD | {"handed": None}], "answer": ANSWER},
    {"hand_overs": [GOOD | {"handed": {"repairs": [{"start": "x"}], "flags": 1}}]},
    {"hand_overs": [GOOD | {"engine": "PH9", "reason_code": "NO_SUCH", "became": "\x1b[31m"}],
     "answer": ANSWER},
    {"hand_overs": [GOOD | {"engine": ["x"], "reason_code": {}}]},
]  # fmt: skip


@pytest.mark.parametrize("record", ODD, ids=range(len(ODD)))
def test_a_record_of_another_form_breaks_nothing(selene: Command, record: Record) -> None:
    kept(selene, json.dumps(record).encode())
    story = told(selene)
    assert 'said "hello" TYPED_TEXT by alice' in story
    (event,) = turns(selene)[0]["events"]
    assert event["record"] == "kept"
    assert event["event_id"] in story


@pytest.mark.parametrize(
    ("record", "key_id", "what"),
    [
        (None, "plain", "is missing"), (b"\xff", "plain", "is damaged"),
        (b"[1]", "plain", "is damaged"), (b"{", "plain", "is damaged"),
        (b"[" * 100_000, "plain", ""), (b"x", "key-7", "key key-7 is not here"),
    ],
    ids=["missing", "bytes", "list", "cut", "deep", "encrypted"],
)  # fmt: skip
def test_a_record_that_cannot_be_read_is_told_as_that(
    selene: Command, record: bytes | None, key_id: str, what: str
) -> None:
    kept(selene, record, key_id)
    story = told(selene)
    assert what in story
    assert "CHAT NLP_CHAT_DEFAULT" in story
    (turn,) = turns(selene)
    assert turn["events"][0]["record"] != "kept"
    assert turn["said"][0]["text"] == ("hello" if key_id == "plain" else None)
    assert ("(not readable)" in story) == (key_id != "plain")


def test_what_was_said_and_answered_is_told_beside_the_turn(selene: Command) -> None:
    selene.say("hi \x07there \u202eevil", *LINE)
    with library(selene) as acme:
        assert acme.append_answer("alice", "kitchen", "Hello!", correlation=TALK, turn=1)
        assert acme.append_answer("alice", "kitchen", "Still here?", correlation=TALK, turn=4)
    story = told(selene)
    assert story.index("said ") < story.index('answered "Hello!" SELENE_OUTPUT by alice')
    assert story.endswith('turn 4\nanswered "Still here?" SELENE_OUTPUT by alice')


def test_two_users_of_one_conversation_are_told_apart(selene: Command) -> None:
    event = selene.say(REMINDER, *LINE)["event_id"]
    assert selene.done("say", *BOB, *LINE, "yes", "--json").record["decision"] == "CHAT"
    story = told(selene)
    assert 'said "yes" TYPED_TEXT by bob' in story
    assert f"row {event} alice@kitchen" in story
    assert "bob@office" in story
    assert selene.done("trace", "--tenant", "acme", "--correlation", OTHER_TALK, "--explain").out
