"""PH1.NLP from outside: the tables of utterances, and what holds for every answer."""

from __future__ import annotations

import pytest

from nlp_rules import FLAGS, PACK, REASONS_OF, check_answer
from nlp_tables import (
    DIALOGUES,
    EVERY_ROW,
    FIELDS,
    FILES,
    KNOWN,
    NOW,
    ROWS,
    Row,
    answers,
    check_row,
    language_of,
    request_of,
)
from selene_os.engines import nlp
from selene_os.engines.nlp import ask_about, decode_request, run


@pytest.mark.parametrize(("group", "row"), ROWS, ids=[f"{g}: {r['say']!r}" for g, r in ROWS])
def test_an_utterance_is_decided_as_the_table_says(group: str, row: Row) -> None:
    request = request_of(row)
    answer = run(request).as_record()
    check_answer(answer, request)
    check_row(row, answer)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=[d["name"] for d in DIALOGUES])
def test_a_dialogue_is_decided_turn_by_turn_as_the_table_says(dialogue: Row) -> None:
    for row, request, result, earlier in answers(dialogue):
        answer = result.as_record()
        check_answer(answer, request, earlier)
        check_row(row, answer)


def test_no_table_misspells_a_key_an_intent_or_a_field() -> None:
    assert {language_of(path) for path in FILES} == {"en", "zh"}
    for row in EVERY_ROW:
        assert set(row) <= KNOWN, f"{row['say']!r} has {set(row) - KNOWN}"
        for way in row["decide"].split(" | "):
            head, _, asked = way.partition("ask ")
            intent = (head.split() or [""])[0]
            assert intent in {*PACK, "CHAT", "UNKNOWN", ""}, f"{row['say']!r}: {way!r}"
            fields = {*PACK[intent][0], *PACK[intent][1]} if intent in PACK else set(FIELDS)
            known = {*fields, "intent_choice", "trigger", ""}
            assert set(asked.split("/")) <= known, f"{row['say']!r}: {way!r}"


def test_the_tables_lead_to_every_reason_and_flag_and_ask_every_field_of_the_pack() -> None:
    given = [run(request_of(row)) for _, row in ROWS]
    given += [result for dialogue in DIALOGUES for _, _, result, _ in answers(dialogue)]
    reasons = {reason for accepted in REASONS_OF.values() for reason in accepted}
    assert {result.reason_code for result in given} == reasons
    # "Make it six" of a draft that waits is in the table of replies.
    flags = {flag for result in given for flag in result.ambiguity_flags}
    assert flags == set(FLAGS) - {"AMBIGUOUS_NUMBER"}
    asked = {result.what_is_missing for result in given}
    required = {key for needed, *_ in PACK.values() for key in needed}
    assert asked >= {*required, "person", "intent_choice", "trigger"}


@pytest.mark.parametrize("intent", PACK)
def test_the_tables_say_each_intent_in_many_ways_in_each_language(intent: str) -> None:
    for language, complete in (("en", 14), ("zh", 8)):
        own = [row for group, row in ROWS if row["language"] == language]
        drafts = [row for row in own if row["decide"].split()[0] == intent]
        drafts = [row for row in drafts if "ask" not in row["decide"].split(" | ")[0]]
        assert len({row["say"] for row in drafts}) >= complete, language
        named = {row["say"] for row in own if intent in row["decide"]}
        near = {r["say"] for g, r in ROWS if r["language"] == language and intent.lower() in g}
        assert len(named | near) >= 14, language


def asks(text: str, correlation: str = "a" * 32, turn_id: int = 1) -> str:
    given = {"text": text, "now": NOW, "correlation_id": correlation, "turn_id": turn_id}
    result = run(decode_request(given))
    assert result.clarification_unit_id is not None
    return result.clarification_unit_id


def test_an_exchange_keeps_its_name_on_a_retry_and_whatever_the_words() -> None:
    name = asks("remind me to buy stamps")
    assert asks("remind me to buy stamps") == name
    assert asks("Please remind me to feed 王芳's cat soon") == name


def test_an_exchange_is_named_by_correlation_turn_intent_and_field() -> None:
    names = [
        asks("remind me to buy stamps"),
        asks("remind me to buy stamps", correlation="b" * 32),
        asks("remind me to buy stamps", turn_id=2),
        asks("remind me at 6 pm"),
        asks("send $20"),
        asks("send money to Ann"),
        asks("send $20 to Ann and $30 to Bob"),
    ]
    assert len(set(names)) == len(names)


def test_a_question_about_another_missing_field_keeps_everything_else() -> None:
    request = request_of({"say": "set a reminder"})
    first = run(request)
    for key in first.required_fields_missing:
        other = ask_about(first, key, request).as_record()
        check_answer(other, request)
        assert other["what_is_missing"] == [key]
        assert other["required_fields_missing"] == ["task", "when"]
        assert other["intent_type"] == "SET_REMINDER"


@pytest.mark.parametrize("say", ["remind me to buy milk\nand eggs", "send $20 to Ann\nSmith\tJr"])
def test_a_question_never_repeats_a_control_character(say: str) -> None:
    answer = run(request_of({"say": say})).as_record()
    for line in [answer.get("question") or "", *answer.get("accepted_answer_formats", [])]:
        assert line.isprintable()


def test_without_a_moment_of_speaking_a_time_stays_relative() -> None:
    answer = run(decode_request({"text": "remind me to buy milk in two hours"})).as_record()
    (when,) = [field for field in answer["fields"] if field["key"] == "when"]
    assert when["text"] == "in two hours"
    assert "20" not in str(when["value"])[:2]


def test_focus_hints_and_terms_never_fill_a_field() -> None:
    given: Row = {
        "text": "send $20 for Ann's lunch",
        "now": NOW,
        "focus": [{"start": 13, "end": 16}],
    }
    hints = [{"term": "Ann", "kind": "EMPLOYEE_NAME_PREFERRED"}]
    with_hints = run(decode_request({**given, "terms": hints})).as_record()
    bare = run(decode_request({"text": given["text"], "now": NOW})).as_record()
    assert [f["key"] for f in with_hints["fields"]] == [f["key"] for f in bare["fields"]]


def test_the_engine_names_itself_as_the_spec_does() -> None:
    assert nlp.NAME == "PH1.NLP"


def test_a_focus_hint_orders_what_is_offered_and_fills_nothing() -> None:
    given = {
        "text": "John Smith called. Schedule a meeting with John tomorrow at 3 pm",
        "now": NOW,
        "terms": [
            {"term": name, "kind": "EMPLOYEE_NAME_PREFERRED"}
            for name in ("John Doe", "John Miller", "John Smith")
        ],
    }
    plain = run(decode_request(given))
    hinted = run(decode_request({**given, "focus": [{"start": 0, "end": 10}]}))
    assert plain.accepted_answer_formats == ("John Doe", "John Miller", "John Smith")
    assert hinted.accepted_answer_formats == ("John Smith", "John Doe", "John Miller")
    assert hinted.fields == plain.fields
