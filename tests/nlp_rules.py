"""What holds of every answer of PH1.NLP, whatever was said. Source: docs/nlp.md; docs/spec/002 §3.

Each rule is a function that names what is broken. The tables, the property tests and the fuzz
targets share them, so nothing but the standard library is needed here. What the core pack's intents
are is said again on purpose: it is the contract, and not what a file happens to hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from selene_os.engines.nlp import Request

Json = dict[str, Any]

REASONS_OF = {
    "INTENT_DRAFT": {"NLP_INTENT_OK", "NLP_INTENT_UNKNOWN", "NLP_MULTI_INTENT"},
    "CLARIFY": {
        "NLP_CLARIFY_MISSING_FIELD",
        "NLP_CLARIFY_AMBIGUOUS_REFERENCE",
        "NLP_UNCERTAIN_SPAN",
        "NLP_MULTI_INTENT",
    },
    "CHAT": {"NLP_CHAT_DEFAULT"},
}
FLAGS = """
    AMBIGUOUS_TIME VAGUE_TIME IMPOSSIBLE_TIME RECURRING_TIME PAST_TIME UNRESOLVED_REFERENCE
    AMBIGUOUS_NAME AMBIGUOUS_NUMBER UNVERIFIED_NAME
    CURRENCY_MISSING AMOUNT_NOT_POSITIVE UNCERTAIN_TRANSCRIPT
    MULTI_INTENT TIME_OF_DAY_MISSING
""".split()
# Intent -> required, optional, whether it is confirmed, sensitivity.
PACK: dict[str, tuple[list[str], set[str], bool, str]] = {
    "SET_REMINDER": (["task", "when"], {"person", "place"}, True, "PRIVATE"),
    "UPDATE_REMINDER": (["reminder_ref"], {"when", "task"}, True, "PRIVATE"),
    "CANCEL_REMINDER": (["reminder_ref"], set(), True, "PRIVATE"),
    "LIST_REMINDERS": ([], {"when"}, False, "PRIVATE"),
    "CREATE_CALENDAR_EVENT": (
        ["when"], {"person", "place", "title", "duration"}, True, "PRIVATE",
    ),
    "CANCEL_CALENDAR_EVENT": (["event_ref"], {"when", "person"}, True, "PRIVATE"),
    "CALENDAR_QUERY": ([], {"when", "person"}, False, "PRIVATE"),
    "BOOK_TABLE": (["place", "when", "party_size"], set(), True, "PRIVATE"),
    "SEND_MONEY": (["amount", "recipient"], {"when", "note"}, True, "CONFIDENTIAL"),
    "MEMORY_REMEMBER": (["subject"], set(), True, "PRIVATE"),
    "MEMORY_FORGET": (["subject"], set(), True, "PRIVATE"),
    "MEMORY_QUERY": ([], {"subject"}, False, "PRIVATE"),
    "TIME_QUERY": ([], {"place"}, False, "PUBLIC"),
    "WEATHER_QUERY": ([], {"place", "when"}, False, "PUBLIC"),
    "NEWS_QUERY": ([], {"subject"}, False, "PUBLIC"),
    "WEB_SEARCH_QUERY": (["subject"], set(), False, "PUBLIC"),
}  # fmt: skip
# Of these, one is needed beside what is required.
ONE_OF = {"UPDATE_REMINDER": {"when", "task"}}
QUESTION_BYTES_MAX = 240
FORMAT_CHARS_MAX = 128
FORMAT_BYTES_MAX = 256
_UNIT = re.compile(r"cu_[0-9a-f]{32}")
_KEYS = """
    decision reason_code intent_type overall_confidence fields required_fields
    required_fields_missing ambiguity_flags requires_confirmation sensitivity
""".split()
_ASKING_KEYS = [
    "what_is_missing", "question", "accepted_answer_formats", "clarification_unit_id", "pending",
]  # fmt: skip
_FIELD_KEYS = ["key", "text", "start", "end", "value", "grain", "readings", "source"]


def check_answer(answer: Json, request: Request, earlier: tuple[str, ...] = ()) -> None:
    """Fail with every rule that an answer breaks."""
    assert broken(answer, request, earlier) == []


def broken(answer: Json, request: Request, earlier: tuple[str, ...] = ()) -> list[str]:
    """Every rule that an answer breaks, as sentences; none for a sound one.

    Args:
        answer: the answer's record.
        request: what it answers.
        earlier: texts of earlier turns, in which a pending field may have been said.
    """
    decision = answer.get("decision")
    if decision not in REASONS_OF:
        return [f"decision is {decision!r}"]
    wrong = list(_form(answer))
    if wrong:
        return wrong
    if answer["reason_code"] not in REASONS_OF[decision]:
        wrong.append(f"{decision} for the reason {answer['reason_code']!r}")
    if not set(answer["ambiguity_flags"]) <= set(FLAGS):
        wrong.append(f"the flags are {answer['ambiguity_flags']}")
    for heard in answer["fields"]:
        wrong += _evidence(heard, request, earlier)
    names = [heard["key"] for heard in answer["fields"]]
    wrong += [f"{key} stands twice" for key in sorted(set(names)) if names.count(key) > 1]
    if answer["intent_type"] in PACK:
        wrong += _intent(answer, request)
    elif answer["intent_type"] not in (None, "UNKNOWN"):
        wrong.append(f"{answer['intent_type']!r} is no intent of the core pack")
    if decision == "INTENT_DRAFT":
        wrong += _draft(answer, request)
    else:
        wrong += {"CLARIFY": _clarify, "CHAT": _chat}[decision](answer)
    for place, draft in enumerate(answer.get("drafts", ())):
        wrong += [f"draft {place} has drafts"] if "drafts" in draft else []
        wrong += [f"draft {place}: {rule}" for rule in broken(draft, request, earlier)]
    return wrong


def _form(answer: Json) -> Iterator[str]:
    """The contract's keys in the contract's order, in JSON that is plain text."""
    wanted = _KEYS + (_ASKING_KEYS if answer["decision"] == "CLARIFY" else [])
    if "drafts" in answer:
        wanted = [*wanted, "drafts"]
        first = {key: value for key, value in answer.items() if key != "drafts"}
        if first not in answer["drafts"][:1]:
            yield "the answer is not the first of its drafts"
    if list(answer) != wanted:
        yield f"the keys are {list(answer)}"
        return
    for heard in answer["fields"]:
        always = {"key", "text", "start", "end", "value"} <= heard.keys()
        if not always or list(heard) != [key for key in _FIELD_KEYS if key in heard]:
            yield f"the keys of a field are {list(heard)}"
    try:
        if json.loads(json.dumps(answer, ensure_ascii=False).encode()) != answer:
            yield "the answer is another one when it was JSON"
    except (TypeError, ValueError) as error:
        yield f"the answer is no JSON: {error}"


def _evidence(heard: Json, request: Request, earlier: tuple[str, ...]) -> Iterator[str]:
    """text[start:end] is the field's text, in the turn where it was said."""
    key, text, start, end = (heard[name] for name in ("key", "text", "start", "end"))
    source = heard.get("source")
    confirmed = [one["text"] for one in (request.confirmed or {}).get("fields", ())]
    said = {None: (request.text,), "pending": earlier, "confirmed": confirmed}
    if source not in said:
        yield f"{key} comes from {source!r}"
    elif not text:
        yield f"{key} has no text"
    elif not 0 <= start < end or text not in [one[start:end] for one in said[source]]:
        yield f"{key}: {text!r:.60} does not stand at [{start}:{end}]"
    if len(heard.get("readings", ())) > 1 and heard["value"] is not None:
        yield f"{key} has several readings, and one was picked"


def _is_settled(heard: Json, request: Request) -> bool:
    """Whether a field has a value; a time has none where the moment of speaking is not known."""
    relative = request.now is None and heard["key"] == "when" and not heard.get("readings")
    return heard["value"] is not None or relative


def _intent(answer: Json, request: Request) -> Iterator[str]:
    """What the pack says of the intent."""
    intent, missing = answer["intent_type"], answer["required_fields_missing"]
    required, optional, confirm, sensitivity = PACK[intent]
    one_of = ONE_OF.get(intent, set())
    if [key for key in answer["required_fields"] if key not in one_of] != required:
        yield f"{intent} requires {answer['required_fields']}"
    if (answer["requires_confirmation"], answer["sensitivity"]) != (confirm, sensitivity):
        yield f"{intent} is {answer['sensitivity']}, {answer['requires_confirmation']}"
    if other := {heard["key"] for heard in answer["fields"]} - {*required, *optional}:
        yield f"{intent} with {sorted(other)}"
    if len(set(missing)) != len(missing):
        yield f"missing are {missing}"
    heard = {heard["key"] for heard in answer["fields"] if _is_settled(heard, request)}
    if lost := set(required) - heard - set(missing):
        yield f"{sorted(lost)} have no value and are not missing"


def _draft(answer: Json, request: Request) -> Iterator[str]:
    """A draft lacks nothing; an unknown one claims nothing."""
    intent, confidence = answer["intent_type"], answer["overall_confidence"]
    reason, flags = answer["reason_code"], answer["ambiguity_flags"]
    if answer["required_fields_missing"]:
        yield f"a draft without {answer['required_fields_missing']}"
    if intent == "UNKNOWN":
        if (confidence, reason, answer["fields"]) != ("LOW", "NLP_INTENT_UNKNOWN", []):
            yield f"UNKNOWN is {confidence} for {reason} with {len(answer['fields'])} fields"
        return
    if intent is None:
        yield "a draft of nothing"
    if confidence not in ("HIGH", "MED") or reason == "NLP_INTENT_UNKNOWN":
        yield f"{intent} is {confidence} for {reason}"
    if set(flags) != ({"MULTI_INTENT"} if reason == "NLP_MULTI_INTENT" else set()):
        yield f"a draft with {flags} for {reason}"
    for heard in answer["fields"]:
        if not _is_settled(heard, request):
            yield f"a draft whose {heard['key']} is open"
    one_of = ONE_OF.get(intent)
    if one_of and not one_of & {heard["key"] for heard in answer["fields"]}:
        yield f"a draft of {intent} without {sorted(one_of)}"


def _clarify(answer: Json) -> Iterator[str]:
    """One question, on one line, about one field, with answers to choose from."""
    asked, question = answer["what_is_missing"], answer["question"] or ""
    formats = answer["accepted_answer_formats"] or []
    if not isinstance(asked, list) or len(asked) != 1:
        yield f"what_is_missing is {asked!r}"
    elif asked[0] not in answer["required_fields_missing"]:
        yield f"asks for {asked[0]}, which is not missing"
    elif (answer["pending"] or {}).get("asked") != asked[0]:
        yield f"pending is {answer['pending']!r:.80}"
    fits = len(question.encode()) <= QUESTION_BYTES_MAX and question.strip()
    if not fits or question.splitlines() != [question]:
        yield f"the question is {question!r:.80}"
    if not 2 <= len(formats) <= 3 or len(set(formats)) != len(formats):
        yield f"the formats are {formats!r:.80}"
    for text in formats:
        fits = len(text) <= FORMAT_CHARS_MAX and len(text.encode()) <= FORMAT_BYTES_MAX
        if not fits or text.splitlines() != [text]:
            yield f"the format {text!r:.80} is not one short line"
    if not _UNIT.fullmatch(answer["clarification_unit_id"] or ""):
        yield f"clarification_unit_id is {answer['clarification_unit_id']!r}"
    whole = ("NLP_MULTI_INTENT", "NLP_UNCERTAIN_SPAN")
    if answer["intent_type"] == "UNKNOWN" or (
        answer["intent_type"] is None and answer["reason_code"] not in whole
    ):
        yield f"a question about {answer['intent_type']} for {answer['reason_code']}"
    if answer["overall_confidence"] is not None:
        yield f"a question at {answer['overall_confidence']}"


def _chat(answer: Json) -> Iterator[str]:
    """Talk carries nothing that anyone could act on."""
    for key, value in answer.items():
        if value and key not in ("decision", "reason_code"):
            yield f"CHAT with {key}"
