"""PH1.NLP from outside: the table of utterances, and what holds for every answer."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from selene_os.engines import nlp
from selene_os.engines.nlp import Request, Result, ask_about, decode_request, run

Row = dict[str, Any]
CASES = Path(__file__).parents[1] / "cases" / "nlp_en.toml"
TABLE: dict[str, Any] = tomllib.loads(CASES.read_text(encoding="utf-8"))
DIALOGUES: list[Row] = [{"why": w, "turns": t} for w, t in TABLE.pop("dialogue").items()]
ROWS: list[tuple[str, Row]] = [(group, row) for group, rows in TABLE.items() for row in rows]
NOW = "2026-11-21T09:30:00+00:00"
FIELDS = ("task", "when", "person", "place", "amount", "recipient", "note")
REASONS = {
    "missing": "NLP_CLARIFY_MISSING_FIELD",
    "ambiguous": "NLP_CLARIFY_AMBIGUOUS_REFERENCE",
    "uncertain": "NLP_UNCERTAIN_SPAN",
    "multi": "NLP_MULTI_INTENT",
}
REASONS_OF = {
    "INTENT_DRAFT": {"NLP_INTENT_OK", "NLP_INTENT_UNKNOWN", "NLP_MULTI_INTENT"},
    "CLARIFY": set(REASONS.values()),
    "CHAT": {"NLP_CHAT_DEFAULT"},
}
PACK: dict[str, tuple[list[str], set[str], bool, str]] = {
    "SET_REMINDER": (["task", "when"], {"person", "place"}, True, "PRIVATE"),
    "SEND_MONEY": (["amount", "recipient"], {"when", "note"}, True, "CONFIDENTIAL"),
    "TIME_QUERY": ([], {"place"}, False, "PUBLIC"),
}
KEYS = """
    decision reason_code intent_type overall_confidence fields required_fields
    required_fields_missing ambiguity_flags requires_confirmation sensitivity
""".split()
ASKING_KEYS = [
    "what_is_missing", "question", "accepted_answer_formats", "clarification_unit_id", "pending",
]  # fmt: skip
FIELD_KEYS = ["key", "text", "start", "end", "value", "grain", "readings", "source"]
FLAGS = """
    AMBIGUOUS_TIME VAGUE_TIME IMPOSSIBLE_TIME RECURRING_TIME PAST_TIME UNRESOLVED_REFERENCE
    AMBIGUOUS_NAME UNVERIFIED_NAME CURRENCY_MISSING AMOUNT_NOT_POSITIVE UNCERTAIN_TRANSCRIPT
    MULTI_INTENT
""".split()


def request_of(row: Row, pending: Row | None = None, turn_id: int = 1) -> Request:
    """The request that a row of the table describes, through its JSON form."""
    given: Row = {"text": row["say"], "now": row.get("now", NOW), "pending": pending}
    given |= {"correlation_id": "0" * 32, "turn_id": turn_id}
    if "transcript" in row:
        given["transcript_confidence"] = row["transcript"]
    if "unsure" in row:
        start = row["say"].index(row["unsure"])
        end = start + len(row["unsure"])
        given["uncertain_spans"] = [{"start": start, "end": end, "kind": row.get("kind")}]
    if "people" in row:
        kind = "EMPLOYEE_NAME_PREFERRED"
        given["terms"] = [{"term": name, "kind": kind} for name in row["people"]]
    if "confirmed" in row:
        given["confirmed"] = confirmed_of(row["confirmed"])
    given["policy"] = {key: row[key] for key in ("time", "currency", "date_order") if key in row}
    return decode_request(given)


def confirmed_of(values: dict[str, str]) -> Row:
    money = {"$20": {"amount": "20", "currency": "USD"}}
    fields = [{"key": k, "text": v, "value": money.get(v, v)} for k, v in values.items()]
    return {"intent_type": "SEND_MONEY", "fields": fields}


def shown(value: Any) -> Any:
    """A field's value as the table writes it."""
    if isinstance(value, dict):
        return f"{Decimal(value['amount']).normalize():f} {value['currency']}"
    return value


def decided(answer: Row) -> str:
    """An answer in the table's words, without its confidence."""
    if answer["decision"] == "CHAT":
        return "CHAT"
    intent = answer["intent_type"] or ""
    asked = f" ask {answer['what_is_missing'][0]}" if answer["decision"] == "CLARIFY" else ""
    return (intent + asked).strip()


def fits(answer: Row, wanted: str) -> bool:
    """Whether an answer is one of those that the table accepts."""
    for way in wanted.split(" | "):
        head, _, asked = way.partition("ask ")
        confidence = head.split()[1:] if not asked else []
        said = [f"{head}ask {key}".strip() for key in asked.split("/")] if asked else [head]
        said = [" ".join(s.split()[:1]) if confidence else s.strip() for s in said]
        if asked == "trigger" or asked == "intent_choice":
            said += [f"{intent} ask {asked}" for intent in PACK]
        if decided(answer) in said and confidence in ([], [answer["overall_confidence"]]):
            return True
    return False


def check_row(row: Row, answer: Row) -> None:
    """What the table says of an answer."""
    assert fits(answer, row["decide"]), f"decided {decided(answer)} {answer['overall_confidence']}"
    fields = {field["key"]: field for field in answer["fields"]}
    for key in FIELDS:
        if key in row:
            assert key in fields, f"{key} was not heard"
            by_value = key in ("when", "amount")
            got = shown(fields[key]["value"]) if by_value else fields[key]["text"]
            assert got == row[key], f"{key} is {got!r}"
    for key in row.get("without", []):
        assert fields.get(key, {}).get("value") is None, f"{key} was filled in"
    if "because" in row:
        assert answer["reason_code"] == REASONS[row["because"]]
    if "flag" in row:
        assert row["flag"] in answer["ambiguity_flags"]
    if "readings" in row:
        assert len(fields[answer["what_is_missing"][0]]["readings"]) == row["readings"]
    if "drafts" in row:
        main = {"SEND_MONEY": "recipient", "SET_REMINDER": "task"}
        assert row["drafts"] == [
            " ".join([d["intent_type"]] + [f["text"] for f in d["fields"] if f["key"] == key])
            for d in answer["drafts"]
            for key in [main[d["intent_type"]]]
        ]


def check_answer(answer: Row, request: Request, earlier: tuple[str, ...] = ()) -> None:
    """What holds for every answer, whatever was said."""
    assert answer["reason_code"] in REASONS_OF[answer["decision"]]
    assert set(answer["ambiguity_flags"]) <= set(FLAGS)
    check_keys(answer)
    for field in answer["fields"]:
        check_evidence(field, request, earlier)
    names = [field["key"] for field in answer["fields"]]
    assert len(set(names)) == len(names), "a field stands twice"
    if answer["decision"] == "CHAT":
        assert answer["intent_type"] is None
        assert answer["overall_confidence"] is None
        assert names == answer["required_fields"] == answer["required_fields_missing"] == []
    elif answer["intent_type"] in PACK:
        check_intent(answer)
    if answer["decision"] == "INTENT_DRAFT":
        check_draft(answer)
    if answer["decision"] == "CLARIFY":
        check_question(answer)
    for draft in answer.get("drafts", []):
        assert draft["reason_code"] in REASONS_OF[draft["decision"]]
        assert "drafts" not in draft
        check_answer(draft, request, earlier)


def check_keys(answer: Row) -> None:
    """The contract's keys in the contract's order, in JSON that is plain text."""
    wanted = list(KEYS) + (ASKING_KEYS if answer["decision"] == "CLARIFY" else [])
    if "drafts" in answer:
        assert answer["drafts"], "an empty list of drafts"
        wanted += [key for key in ("pending",) if key in answer and key not in wanted] + ["drafts"]
    assert list(answer) == wanted
    assert json.loads(json.dumps(answer)) == answer
    for field in answer["fields"]:
        assert list(field) == [key for key in FIELD_KEYS if key in field]
        assert {"key", "text", "start", "end", "value"} <= field.keys()


def check_evidence(field: Row, request: Request, earlier: tuple[str, ...]) -> None:
    """text[start:end] is the field's text, in the turn where it was said."""
    place = slice(field["start"], field["end"])
    assert 0 <= field["start"] < field["end"]
    source = field.get("source")
    if source == "confirmed":
        assert request.confirmed is not None
        sources: tuple[str, ...] = tuple(f["text"] for f in request.confirmed["fields"])
    else:
        assert source in (None, "pending")
        sources = earlier if source else (request.text,)
    assert field["text"] in [text[place] for text in sources]
    if len(field.get("readings", [])) > 1:
        assert field["value"] is None, "several readings, and one was picked"


def check_intent(answer: Row) -> None:
    """What the pack says of the intent."""
    required, optional, confirm, sensitivity = PACK[answer["intent_type"]]
    assert answer["required_fields"] == required
    assert answer["requires_confirmation"] is confirm
    assert answer["sensitivity"] == sensitivity
    assert {field["key"] for field in answer["fields"]} <= {*required, *optional}
    missing = answer["required_fields_missing"]
    assert len(set(missing)) == len(missing)
    heard = {f["key"] for f in answer["fields"] if f["value"] is not None}
    assert set(required) - heard <= set(missing), "a field without value counts as missing"


def check_draft(answer: Row) -> None:
    """A draft lacks nothing; an unknown one claims nothing."""
    assert answer["required_fields_missing"] == []
    if answer["intent_type"] == "UNKNOWN":
        assert answer["reason_code"] == "NLP_INTENT_UNKNOWN"
        assert answer["overall_confidence"] == "LOW"
        assert answer["fields"] == []
        return
    assert answer["intent_type"] in PACK
    assert answer["overall_confidence"] in ("HIGH", "MED")
    assert answer["reason_code"] != "NLP_INTENT_UNKNOWN"
    assert set(answer["ambiguity_flags"]) <= {"MULTI_INTENT"}
    is_multi = "MULTI_INTENT" in answer["ambiguity_flags"]
    assert is_multi == (answer["reason_code"] == "NLP_MULTI_INTENT")
    assert all(field["value"] is not None for field in answer["fields"])


def check_question(answer: Row) -> None:
    """One question, one line, one field, and formats that fit."""
    (asked,) = answer["what_is_missing"]
    question, formats = answer["question"], answer["accepted_answer_formats"]
    assert question.strip()
    assert len(question.splitlines()) == 1
    assert len(question.encode()) <= 240
    assert 2 <= len(formats) <= 3
    assert len(set(formats)) == len(formats)
    for line in formats:
        assert 1 <= len(line) <= 128
        assert len(line.encode()) <= 256
        assert len(line.splitlines()) == 1
    assert answer["clarification_unit_id"]
    assert answer["pending"]
    if answer["intent_type"] is None:
        assert answer["reason_code"] in ("NLP_MULTI_INTENT", "NLP_UNCERTAIN_SPAN")
    elif asked in answer["required_fields"]:
        assert asked in answer["required_fields_missing"]


def answers(dialogue: Row) -> Iterator[tuple[Row, Request, Result, tuple[str, ...]]]:
    """Every turn of a dialogue: its row, request, result, and what was said before it."""
    pending: Row | None = None
    earlier: tuple[str, ...] = ()
    for turn_id, row in enumerate(dialogue["turns"], 1):
        request = request_of(row, pending, turn_id)
        result = run(request)
        yield row, request, result, earlier
        pending = result.as_record().get("pending")
        earlier = (*earlier, row["say"])


@pytest.mark.parametrize(("group", "row"), ROWS, ids=[f"{g}: {r['say']!r}" for g, r in ROWS])
def test_an_utterance_is_decided_as_the_table_says(group: str, row: Row) -> None:
    request = request_of(row)
    answer = run(request).as_record()
    check_answer(answer, request)
    check_row(row, answer)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=[d["why"] for d in DIALOGUES])
def test_a_dialogue_is_decided_turn_by_turn_as_the_table_says(dialogue: Row) -> None:
    for row, request, result, earlier in answers(dialogue):
        answer = result.as_record()
        check_answer(answer, request, earlier)
        check_row(row, answer)


@cache
def questions() -> dict[str, tuple[Row, Row]]:
    """Every different question that the table leads to, with the row that leads to it."""
    found: dict[str, tuple[Row, Row]] = {}
    rows = [row for _, row in ROWS] + [d["turns"][0] for d in DIALOGUES]
    for row in rows:
        request = request_of(row)
        result = run(request)
        if result.decision != "CLARIFY":
            continue
        asked = result.what_is_missing
        others = [key for key in result.required_fields_missing if key != asked]
        for asking in [result, *[ask_about(result, key, request) for key in others]]:
            answer = asking.as_record()
            found[f"{row['say']!r} {answer['what_is_missing'][0]} {sorted(row)}"] = (row, answer)
    return found


@pytest.mark.parametrize("name", sorted(questions()))
def test_every_format_that_a_question_offers_settles_the_field(name: str) -> None:
    row, answer = questions()[name]
    (asked,) = answer["what_is_missing"]
    for line in answer["accepted_answer_formats"]:
        context = {key: row[key] for key in row.keys() - {"say", "unsure", "kind", "transcript"}}
        request = request_of({**context, "say": line}, answer["pending"], 2)
        then = run(request).as_record()
        check_answer(then, request, (row["say"],))
        assert then["decision"] != "CHAT", line
        assert then.get("what_is_missing") != [asked], line
        if asked not in ("intent_choice", "trigger"):
            assert then["intent_type"] == answer["intent_type"], line
            assert asked in [f["key"] for f in then["fields"] if f["value"] is not None], line
            assert asked not in then["required_fields_missing"], line


def test_the_table_leads_to_every_reason_and_flag_and_asks_every_field_of_the_pack() -> None:
    given = [run(request_of(row)) for _, row in ROWS]
    given += [result for dialogue in DIALOGUES for _, _, result, _ in answers(dialogue)]
    reasons = {reason for accepted in REASONS_OF.values() for reason in accepted}
    assert {result.reason_code for result in given} == reasons
    assert {flag for result in given for flag in result.ambiguity_flags} == set(FLAGS)
    asked = {result.what_is_missing for result in given}
    assert asked >= {"task", "when", "amount", "recipient", "place", "intent_choice", "trigger"}


@pytest.mark.parametrize("intent", PACK)
def test_the_table_says_each_intent_in_at_least_fourteen_ways(intent: str) -> None:
    rows = [row for _, row in ROWS if row["decide"].split()[0] == intent]
    assert len({row["say"] for row in rows if "ask" not in row["decide"]}) >= 14


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
