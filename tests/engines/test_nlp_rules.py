"""The rules that every answer is held against do see what breaks them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from nlp_rules import Json, broken
from selene_os.engines.nlp import Request, decode_request, run

NOW = "2026-11-21T09:30:00+00:00"
DRAFT = "send $20 to Ann for lunch"
ASKING = "remind me to eat at five"
CHANGE = "move reminder rem_42 to tomorrow"


def answer_to(text: str) -> tuple[Json, Request]:
    request = decode_request({"text": text, "now": NOW})
    return run(request).as_record(), request


def put(**keys: Any) -> Callable[[Json], None]:
    return lambda answer: answer.update(keys)


def put_in_field(place: int, **keys: Any) -> Callable[[Json], None]:
    return lambda answer: answer["fields"][place].update(keys)


def drop(*names: str) -> Callable[[Json], None]:
    def change(answer: Json) -> None:
        answer["fields"] = [field for field in answer["fields"] if field["key"] not in names]

    return change


def say_twice(answer: Json) -> None:
    answer["fields"].append(answer["fields"][0])


def turn_keys_round(answer: Json) -> None:
    for key in list(answer)[:2]:
        answer[key] = answer.pop(key)


def add_drafts(answer: Json) -> None:
    answer["drafts"] = [{**answer, "fields": []}]


BROKEN: list[tuple[str, str, Callable[[Json], None]]] = [
    ("another decision", DRAFT, put(decision="GUESS")),
    ("a reason of another decision", DRAFT, put(reason_code="NLP_CHAT_DEFAULT")),
    ("a flag that is none", ASKING, put(ambiguity_flags=["ODD"])),
    ("a flag on a draft", DRAFT, put(ambiguity_flags=["PAST_TIME"])),
    ("another order of keys", DRAFT, turn_keys_round),
    ("a key too many", DRAFT, put(more=1)),
    ("a key too many in a field", DRAFT, put_in_field(0, more=1)),
    ("what is no JSON", DRAFT, put_in_field(0, value={1, 2})),
    ("half a surrogate pair", DRAFT, put_in_field(0, value="\ud800")),
    ("keys of JSON that are no text", DRAFT, put_in_field(0, value={1: 2})),
    ("drafts of which it is not the first", DRAFT, add_drafts),
    ("evidence at another place", DRAFT, put_in_field(1, start=0)),
    ("evidence in other words", DRAFT, put_in_field(1, text="Bob")),
    ("evidence before the text", DRAFT, put_in_field(1, start=-13, end=-10)),
    ("evidence of nothing", DRAFT, put_in_field(1, text="", start=3, end=3)),
    ("evidence of a turn that was not", DRAFT, put_in_field(1, source="pending")),
    ("evidence of what was not confirmed", DRAFT, put_in_field(1, source="confirmed")),
    ("evidence of nobody", DRAFT, put_in_field(1, source="guessed")),
    ("a field that stands twice", DRAFT, say_twice),
    ("a reading that was picked", ASKING, put_in_field(1, value="2026-11-21T17:00")),
    ("an intent that is none", DRAFT, put(intent_type="BUY")),
    ("a draft of nothing", DRAFT, put(intent_type=None)),
    ("a field of another intent", DRAFT, put_in_field(2, key="task")),
    ("another sensitivity", DRAFT, put(sensitivity="PUBLIC")),
    ("no confirmation", DRAFT, put(requires_confirmation=False)),
    ("other required fields", DRAFT, put(required_fields=["amount"])),
    ("a draft that lacks a field", DRAFT, drop("recipient")),
    ("a draft that lacks all of which it needs one", CHANGE, drop("when", "task")),
    ("a draft of which something is missing", DRAFT, put(required_fields_missing=["note"])),
    ("a draft whose field is open", DRAFT, put_in_field(2, value=None)),
    ("a draft at no confidence", DRAFT, put(overall_confidence="LOW")),
    ("a draft of several that does not say so", DRAFT, put(reason_code="NLP_MULTI_INTENT")),
    ("a question about nothing that is missing", ASKING, put(required_fields_missing=["task"])),
    ("a field missing twice", ASKING, put(required_fields_missing=["when", "when"])),
    ("a question about two fields", ASKING, put(what_is_missing=["when", "task"])),
    ("a question of two lines", ASKING, put(question="When?\nWhere?")),
    ("a question that is too long", ASKING, put(question="?" * 241)),
    ("no question", ASKING, put(question=" ")),
    ("one format", ASKING, put(accepted_answer_formats=["at 5 pm"])),
    ("one format twice", ASKING, put(accepted_answer_formats=["at 5 pm"] * 2)),
    ("four formats", ASKING, put(accepted_answer_formats=list("abcd"))),
    ("an empty format", ASKING, put(accepted_answer_formats=["at 5 pm", ""])),
    ("a format that is too long", ASKING, put(accepted_answer_formats=["at 5 pm", "x" * 129])),
    ("a format of too many bytes", ASKING, put(accepted_answer_formats=["at 5 pm", "王" * 86])),
    ("an exchange without a name", ASKING, put(clarification_unit_id="cu_when")),
    ("nothing that it waits for", ASKING, put(pending=None)),
    ("what waits for another field", ASKING, put(pending={"asked": "task"})),
    ("a question that is sure", ASKING, put(overall_confidence="HIGH")),
    ("a question about no intent", ASKING, put(intent_type=None, fields=[])),
    ("a question about what nobody knows", ASKING, put(intent_type="UNKNOWN")),
    ("talk with a field", "hello", put(required_fields_missing=["when"])),
    ("talk with an intent", "hello", put(intent_type="UNKNOWN")),
    ("an unknown request that is sure", "play a song", put(overall_confidence="MED")),
]


@pytest.mark.parametrize("text", [DRAFT, ASKING, CHANGE, "hello", "play a song"])
def test_a_sound_answer_breaks_no_rule(text: str) -> None:
    answer, request = answer_to(text)
    assert broken(answer, request) == []


@pytest.mark.parametrize(("what", "text", "change"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_answer_is_seen(what: str, text: str, change: Callable[[Json], None]) -> None:
    sound, request = answer_to(text)
    answer = copy.deepcopy(sound)
    change(answer)
    assert answer != sound or list(answer) != list(sound), "nothing was changed"
    assert broken(answer, request)


def test_what_an_earlier_turn_said_is_evidence_and_what_it_did_not_say_is_none() -> None:
    asked, before = answer_to("send $20")
    request = decode_request({"text": "to Ann", "now": NOW, "pending": asked["pending"]})
    answer = run(request).as_record()
    assert broken(answer, request, (before.text,)) == []
    assert broken(answer, request, ("send $30",))
    assert broken(answer, request)
