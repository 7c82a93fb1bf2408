"""What is said while a draft waits for a yes, from outside: the table of replies."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nlp_rules import broken
from nlp_tables import BY_VALUE, NOW, TERM_KINDS, Row, is_heard, shown
from selene_os.engines import nlp
from selene_os.engines.nlp import Reply, Request, decode_request, reply, run

CASES = Path(__file__).parents[1] / "cases" / "replies.toml"
TABLE: dict[str, Any] = tomllib.loads(CASES.read_text(encoding="utf-8"))
DRAFTS: dict[str, str] = TABLE.pop("drafts")
ANSWERED: list[Row] = TABLE.pop("after_a_question")["rows"]
ROWS: list[tuple[str, Row]] = [(group, row) for group, rows in TABLE.items() for row in rows]
FIELDS = """
    task when person place amount recipient note reminder_ref duration party_size subject
""".split()
CONTEXT = "draft say language transcript unsure currency people".split()
KNOWN = {*CONTEXT, *FIELDS, "expect", "accept", "which", "readings", "why"}
SETTLED = ("CONFIRMED", "DECLINED", "CHANGED")


def language_of(group: str, row: Row) -> str:
    return str(row.get("language", "zh" if group.endswith("_zh") else "en"))


def names_of(group: str, row: Row) -> list[str]:
    """What waits."""
    waiting = row.get("draft", "提醒" if group.endswith("_zh") else "reminder")
    return [waiting] if isinstance(waiting, str) else list(waiting)


def drafted(name: str) -> nlp.Result:
    return run(decode_request({"text": DRAFTS[name], "now": NOW}))


def waiting(name: str) -> Row:
    """A draft as it waits for a yes."""
    draft = drafted(name)
    return {
        "intent_type": draft.intent_type,
        "fields": [field.as_record() for field in draft.fields],
        "unsettled": {},
        "uncertain": [],
        "firm": True,
    }


def request_of(group: str, row: Row) -> Request:
    given: Row = {"text": row["say"], "now": NOW, "language": language_of(group, row)}
    given["pending"] = {
        "asked": "confirmation",
        "intent_type": None,
        "fields": [],
        "drafts": [waiting(name) for name in names_of(group, row)],
    }
    if "transcript" in row:
        given["transcript_confidence"] = row["transcript"]
    if "unsure" in row:
        start = row["say"].index(row["unsure"])
        span = {"start": start, "end": start + len(row["unsure"]), "kind": "UNKNOWN"}
        given["uncertain_spans"] = [span]
    if "currency" in row:
        given["policy"] = {"currency": row["currency"]}
    kind = TERM_KINDS["people"]
    given["terms"] = [{"term": name, "kind": kind} for name in row.get("people", ())]
    return decode_request(given)


def outcome(answer: Reply | None) -> str:
    """What came of it, in the table's words."""
    if answer is None:
        return "NONE"
    if answer.said != "CHANGED":
        return answer.said
    assert answer.result is not None, "changed, and nothing came of it"
    if answer.result.decision == "CLARIFY":
        return f"ASK {answer.result.what_is_missing}"
    return "CHANGED"


def values(fields: list[Row]) -> dict[str, Any]:
    return {
        field["key"]: shown(field["value"]) if field["key"] in BY_VALUE else field["text"]
        for field in fields
    }


def told(answer: Reply | None) -> str:
    """What came of it, for a person who reads a failure."""
    if answer is None or answer.result is None:
        return f"{outcome(answer)} {list(answer.which) if answer else ''}"
    heard = values(answer.result.as_record()["fields"])
    return f"{outcome(answer)} {list(answer.which)} {heard}"


@pytest.mark.parametrize(("group", "row"), ROWS, ids=[f"{g}: {r['say']!r}" for g, r in ROWS])
def test_a_reply_is_read_as_the_table_says(group: str, row: Row) -> None:
    request, names = request_of(group, row), names_of(group, row)
    answer = reply(request)
    got = outcome(answer)
    what = f"{' + '.join(names)} <- {row['say']!r}: {told(answer)}"
    assert got in row.get("accept", [row["expect"]]), what
    if answer is None:
        return
    place = row.get("which", [0])
    assert list(answer.which) == place, what
    if answer.result is None:
        assert got in ("CONFIRMED", "DECLINED")
        return
    before = drafted(names[place[0]])
    record = answer.result.as_record()
    earlier = tuple(DRAFTS[name] for name in names)
    assert broken(record, request, earlier) == [], what
    assert answer.result.intent_type == before.intent_type, what
    heard, stood = values(record["fields"]), values(before.as_record()["fields"])
    wanted = {key: row[key] for key in FIELDS if key in row}
    if got == "CHANGED":
        assert set(heard) == {*stood, *wanted}, what
        for key, value in heard.items():
            assert is_heard(value, wanted.get(key, stood.get(key))), what
        return
    asked = got.removeprefix("ASK ")
    open_field = [field for field in record["fields"] if field["key"] == asked]
    assert [field["value"] for field in open_field] in ([], [None]), f"{what}: {asked} is filled"
    for key in {*heard, *stood} - {asked}:
        kept = key in stood and heard.get(key) == stood[key]
        assert kept or (key in wanted and is_heard(heard.get(key), wanted[key])), what
    if "readings" in row:
        starts = [one["start"] for field in open_field for one in field.get("readings", ())]
        assert sorted(starts) == sorted(row["readings"]), f"{what}: {starts}"


ASKING = [(group, row) for group, row in ROWS if row["expect"].startswith("ASK ")]


@pytest.mark.parametrize(("group", "row"), ASKING, ids=[f"{g}: {r['say']!r}" for g, r in ASKING])
def test_each_answer_that_a_question_about_a_change_offers_is_understood(
    group: str, row: Row
) -> None:
    request = request_of(group, row)
    answer = reply(request)
    if answer is None or answer.result is None or answer.result.decision != "CLARIFY":
        pytest.skip("it does not ask: the test above says whether it should")
    record = answer.result.as_record()
    (asked,) = record["what_is_missing"]
    for line in record["accepted_answer_formats"]:
        given: Row = {"text": line, "now": NOW, "language": language_of(group, row)}
        kind = TERM_KINDS["people"]
        given["terms"] = [{"term": name, "kind": kind} for name in row.get("people", ())]
        given["pending"] = record["pending"]
        then = run(decode_request(given)).as_record()
        what = f"{line!r} -> {then['decision']} {then.get('what_is_missing')}"
        assert then["intent_type"] == record["intent_type"], what
        settled = [field["key"] for field in then["fields"] if field["value"] is not None]
        assert asked in settled, what
        assert then.get("what_is_missing") != [asked], what


@pytest.mark.parametrize("row", ANSWERED, ids=[f"{r['say']!r} {r['then']!r}" for r in ANSWERED])
def test_the_answer_to_a_question_about_a_change_completes_the_change(row: Row) -> None:
    answer = reply(request_of("", row))
    assert answer is not None, "no change was heard"
    assert answer.result is not None, told(answer)
    assert answer.result.decision == "CLARIFY", told(answer)
    given: Row = {"text": row["then"], "now": NOW, "language": language_of("", row)}
    given["pending"] = answer.result.as_record()["pending"]
    then = run(decode_request(given)).as_record()
    heard = values(then["fields"])
    assert then["decision"] == "INTENT_DRAFT", f"{then['what_is_missing']}? {heard}"
    (name,) = names_of("", row)
    named = {key: row[key] for key in FIELDS if key in row}
    assert heard == {**values(drafted(name).as_record()["fields"]), **named}, f"{heard}"


@pytest.mark.parametrize("name", DRAFTS)
def test_what_waits_is_a_draft_at_high(name: str) -> None:
    draft = drafted(name)
    assert draft.decision == "INTENT_DRAFT"
    assert draft.overall_confidence == "HIGH"
    assert draft.requires_confirmation


@pytest.mark.parametrize("name", DRAFTS)
def test_what_was_drafted_is_never_a_yes_to_itself(name: str) -> None:
    assert reply(request_of("", {"draft": name, "say": DRAFTS[name]})) is None


def test_a_reply_depends_on_nothing_but_the_request_and_leaves_it_alone() -> None:
    for group, row in ROWS:
        request = request_of(group, row)
        pending = copy.deepcopy(request.pending)
        assert told(reply(request)) == told(reply(request))
        assert request.pending == pending


def test_where_nothing_waits_for_a_yes_there_is_no_reply() -> None:
    for _, row in ROWS:
        assert reply(decode_request({"text": row["say"], "now": NOW})) is None


def test_the_table_is_long_says_each_thing_once_and_misspells_nothing() -> None:
    assert len(ROWS) >= 250
    said = [
        (*names_of(group, row), *(str(row.get(key)) for key in CONTEXT if key != "draft"))
        for group, row in ROWS
    ]
    assert sorted({one for one in said if said.count(one) > 1}) == []
    assert all(set(row) <= KNOWN - {"expect", "accept"} | {"then"} for row in ANSWERED)
    for group, row in ROWS:
        assert set(row) <= KNOWN, f"{row['say']!r} has {set(row) - KNOWN}"
        assert set(names_of(group, row)) <= set(DRAFTS), row["say"]
        accepted = row.get("accept", [row["expect"]])
        assert accepted[0] == row["expect"], row["say"]
        for one in accepted:
            head, _, asked = one.partition(" ")
            fits = asked in FIELDS if head == "ASK" else one in ("NONE", *SETTLED)
            assert fits, f"{row['say']!r}: {one!r}"
        changed = [key for key in FIELDS if key in row]
        assert bool(changed) or "CHANGED" not in accepted, row["say"]
        may_change = [one for one in accepted if one == "CHANGED" or one.startswith("ASK ")]
        assert bool(may_change) or not changed, row["say"]
