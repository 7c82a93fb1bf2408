"""The tables of utterances in tests/cases, and whether an answer of PH1.NLP is what they say.

How a row is written stands at the head of tests/cases/nlp_en.toml; the end of the name of a file
is its language. What is expected comes from docs/nlp.md alone, never from the patterns of a pack.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from nlp_rules import PACK
from selene_os.engines.nlp import Request, Result, decode_request, run

Row = dict[str, Any]
NOW = "2026-11-21T09:30:00+00:00"
FILES = sorted((Path(__file__).parent / "cases").glob("nlp_*.toml"))
FIELDS = """
    task when person place amount recipient note reminder_ref event_ref title duration party_size
    subject
""".split()
BY_VALUE = ("when", "amount", "duration", "party_size")
CONTEXT = """
    language now transcript unsure kind focus people products projects abbreviations confirmed time
    currency date_order
""".split()
EXPECTED = "decide without said because flag readings drafts why".split()
KNOWN = frozenset(["say", *CONTEXT, *EXPECTED, *FIELDS])
REASONS = {
    "missing": "NLP_CLARIFY_MISSING_FIELD",
    "ambiguous": "NLP_CLARIFY_AMBIGUOUS_REFERENCE",
    "uncertain": "NLP_UNCERTAIN_SPAN",
    "multi": "NLP_MULTI_INTENT",
}
TERM_KINDS = {
    "people": "EMPLOYEE_NAME_PREFERRED",
    "products": "INTERNAL_PRODUCT_NAME",
    "projects": "PROJECT_CODE",
    "abbreviations": "APPROVED_ABBREVIATION",
}


def language_of(path: Path) -> str:
    return path.stem.rsplit("_", 1)[-1]


def _tables() -> tuple[list[tuple[str, Row]], list[Row]]:
    """Every row with its file and group, and every dialogue."""
    rows: list[tuple[str, Row]] = []
    dialogues: list[Row] = []
    for path in FILES:
        language = {"language": language_of(path)}
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, turns in table.pop("dialogue", {}).items():
            said = [{**language, **turn} for turn in turns]
            dialogues.append({"name": f"{path.stem}: {name}", "turns": said})
        for group, given in table.items():
            rows += [(f"{path.stem} {group}", {**language, **row}) for row in given]
    return rows, dialogues


ROWS, DIALOGUES = _tables()
EVERY_ROW = [row for _, row in ROWS] + [turn for talk in DIALOGUES for turn in talk["turns"]]


def request_of(row: Row, pending: Row | None = None, turn_id: int = 1) -> Request:
    """The request that a row of a table describes, through its JSON form."""
    given: Row = {"text": row["say"], "pending": pending, "language": row.get("language", "en")}
    given |= {"correlation_id": "0" * 32, "turn_id": turn_id}
    if row.get("now") != "unknown":
        given["now"] = row.get("now", NOW)
    if "transcript" in row:
        given["transcript_confidence"] = row["transcript"]
    if "unsure" in row:
        given["uncertain_spans"] = [{**_span(row["say"], row["unsure"]), "kind": row.get("kind")}]
    if "focus" in row:
        given["focus"] = [_span(row["say"], row["focus"])]
    given["terms"] = [
        {"term": name, "kind": kind}
        for key, kind in TERM_KINDS.items()
        for name in row.get(key, ())
    ]
    if "confirmed" in row:
        given["confirmed"] = _confirmed(row["confirmed"])
    given["policy"] = {key: row[key] for key in ("time", "currency", "date_order") if key in row}
    return decode_request(given)


def _span(text: str, part: str) -> Row:
    start = text.index(part)
    return {"start": start, "end": start + len(part)}


def _confirmed(values: dict[str, str]) -> Row:
    meant: Row = {"$20": {"amount": "20", "currency": "USD"}, "two": 2}
    fields = [
        {"key": key, "text": said, "value": meant.get(said, said)}
        for key, said in values.items()
        if key != "intent"
    ]
    return {"intent_type": values.get("intent", "SEND_MONEY"), "fields": fields}


def shown(value: Any) -> Any:
    """A field's value as the tables write it."""
    if isinstance(value, dict):
        return f"{Decimal(value['amount']).normalize():f} {value['currency']}"
    return value


def decided(answer: Row) -> str:
    """An answer in the tables' words, without its confidence."""
    if answer["decision"] == "CHAT":
        return "CHAT"
    intent = answer["intent_type"] or ""
    asked = f" ask {answer['what_is_missing'][0]}" if answer["decision"] == "CLARIFY" else ""
    return (intent + asked).strip()


def fits(answer: Row, wanted: str) -> bool:
    """Whether an answer is one of those that a row accepts."""
    for way in wanted.split(" | "):
        head, _, asked = way.partition("ask ")
        confidence = head.split()[1:] if not asked else []
        said = [f"{head}ask {key}".strip() for key in asked.split("/")] if asked else [head]
        said = [" ".join(s.split()[:1]) if confidence else s.strip() for s in said]
        if asked in ("trigger", "intent_choice"):
            said += [f"{intent} ask {asked}" for intent in PACK]
        if decided(answer) in said and confidence in ([], [answer["overall_confidence"]]):
            return True
    return False


def is_heard(got: Any, wanted: Any) -> bool:
    """Whether a field is what a row says: to the letter, one of several, or "… around this …"."""
    if isinstance(wanted, list):
        return any(is_heard(got, one) for one in wanted)
    if isinstance(wanted, str) and wanted.startswith("… ") and wanted.endswith(" …"):
        return isinstance(got, str) and wanted[2:-2] in got
    return bool(got == wanted)


def check_row(row: Row, answer: Row) -> None:
    """What a row says of an answer.

    Where a row accepts several outcomes, its fields are those of a draft or a question: they are
    not looked for in CHAT and UNKNOWN, which hold none.
    """
    what = f"decided {decided(answer)} {answer['overall_confidence']}"
    assert fits(answer, row["decide"]), what
    fields = {field["key"]: field for field in answer["fields"]}
    for key in row.get("without", []):
        assert fields.get(key, {}).get("value") is None, f"{key} was filled in"
    if answer["decision"] == "CHAT" or answer["intent_type"] == "UNKNOWN":
        return
    for key in FIELDS:
        if key in row:
            assert key in fields, f"{key} was not heard"
            field = fields[key]
            got = shown(field["value"]) if key in BY_VALUE else field["text"]
            assert is_heard(got, row[key]), f"{key} is {got!r}"
    for key, words in row.get("said", {}).items():
        assert key in fields, f"{key} was not heard"
        assert is_heard(fields[key]["text"], words), f"{key} was heard in {fields[key]['text']!r}"
    if "because" in row:
        assert answer["reason_code"] == REASONS[row["because"]]
    if "flag" in row:
        assert row["flag"] in answer["ambiguity_flags"]
    if "readings" in row:
        assert len(fields[answer["what_is_missing"][0]]["readings"]) == row["readings"]
    if "drafts" in row:
        assert len(answer["drafts"]) == len(row["drafts"])
        for draft, line in zip(answer["drafts"], row["drafts"], strict=True):
            intent, _, text = line.partition(" ")
            assert draft["intent_type"] == intent
            assert not text or text in [field["text"] for field in draft["fields"]], text


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
