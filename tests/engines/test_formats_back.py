"""Every answer that a question of PH1.NLP offers is understood when it comes back."""

from __future__ import annotations

from functools import cache

import pytest

from nlp_rules import check_answer
from nlp_tables import CONTEXT, DIALOGUES, ROWS, Row, request_of
from selene_os.engines.nlp import ask_about, run
from selene_os.engines.nlp.asking import ask
from selene_os.engines.nlp.fields import Filled
from selene_os.language.pack import core_pack

LANGUAGES = sorted(core_pack().languages)
# A field of these kinds can be ambiguous, or a reference to nothing: then it is asked about.
MAY_BE_UNCLEAR = {"when", "amount", "recipient", "person", "place", "subject", "reminder_ref"} | {
    "event_ref", "party_size", "task",
}  # fmt: skip
FIELDS = [
    (language, name, key)
    for language in LANGUAGES
    for name, intent in core_pack().intents.items()
    for key in intent.fields
]
ASKED = [(c, name, key) for c, name, key in FIELDS if key in core_pack().languages[c].questions]
TIMES = [(language, name) for language, name, key in FIELDS if key == "when"]
NAMES = [(language, name, key) for language, name, key in FIELDS if key in ("person", "recipient")]
# Answers to "when?" that leave two or more readings.
UNCLEAR_TIMES = {
    "en": ["at five", "tomorrow at 7", "next Friday", "4/5", "on Saturday", "at half past eight"],
    "zh": ["五点", "明天七点", "星期六", "八点半"],
}
JOHNS = ["John Smith", "John Doe", "Johnny Cash"]


def asked_for(language: str, name: str, key: str) -> Row:
    """The question about one field of a request of which nothing was heard."""
    request = request_of({"say": "…", "language": language})
    filled = Filled(core_pack().intents[name])
    return ask(filled, key, request, core_pack().languages[language]).as_record()


def sent_back(line: str, asking: Row, earlier: str, context: Row) -> Row:
    """The answer to an answer."""
    request = request_of({**context, "say": line}, asking["pending"], 2)
    then = run(request).as_record()
    check_answer(then, request, (earlier,))
    return then


def asked_again(key: str, said: str, asking: Row, context: Row) -> Row:
    """The question about a field whose answer was unclear, whatever else is missing too."""
    request = request_of({**context, "say": said}, asking["pending"], 2)
    again = ask_about(run(request), key, request).as_record()
    check_answer(again, request, ("…",))
    assert again.get("what_is_missing") == [key], f"{said}: {again['decision']}"
    assert again["reason_code"] == "NLP_CLARIFY_AMBIGUOUS_REFERENCE", said
    return again


def check_settled(line: str, asking: Row, then: Row) -> None:
    """What was asked is settled, for the intent that it was asked for."""
    (asked,) = asking["what_is_missing"]
    assert then["decision"] != "CHAT", line
    assert then.get("what_is_missing") != [asked], line
    if asked in ("intent_choice", "trigger"):
        return
    assert then["intent_type"] == asking["intent_type"], line
    assert asked in [field["key"] for field in then["fields"] if field["value"] is not None], line
    assert asked not in then["required_fields_missing"], line


@pytest.mark.parametrize(("language", "name", "key"), ASKED)
def test_each_format_of_the_pack_settles_its_field(language: str, name: str, key: str) -> None:
    asking = asked_for(language, name, key)
    assert asking["accepted_answer_formats"]
    for line in asking["accepted_answer_formats"]:
        check_settled(line, asking, sent_back(line, asking, "…", {"language": language}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_field_that_can_be_unclear_has_a_question(language: str) -> None:
    questions = core_pack().languages[language].questions
    for name, intent in core_pack().intents.items():
        for key in intent.fields:
            may_be_asked = key in MAY_BE_UNCLEAR or key in intent.required
            assert key in questions or not may_be_asked, f"{name} cannot ask for {key}"


@pytest.mark.parametrize(("language", "name"), TIMES)
def test_each_format_made_from_the_readings_of_a_time_settles_it(language: str, name: str) -> None:
    for said in UNCLEAR_TIMES[language]:
        context = {"language": language}
        again = asked_again("when", said, asked_for(language, name, "when"), context)
        (when,) = [field for field in again["fields"] if field["key"] == "when"]
        assert len(when["readings"]) >= 2, said
        starts = {reading["start"] for reading in when["readings"]}
        settled = []
        for line in again["accepted_answer_formats"]:
            then = sent_back(line, again, said, context)
            check_settled(line, again, then)
            settled += [field["value"] for field in then["fields"] if field["key"] == "when"]
        assert len(set(settled)) == len(settled), f"two formats for one reading of {said!r}"
        # Where a time of day is needed, no day alone is offered.
        offerable = {s for s in starts if "T" in s} if core_pack().intents[name].clock else starts
        named = starts & set(settled) or not offerable
        assert named, f"no format names a reading of {said!r}: {settled}"


@pytest.mark.parametrize(("language", "name", "key"), NAMES)
@pytest.mark.parametrize("people", [JOHNS[:2], JOHNS])
def test_each_name_that_is_offered_settles_who(
    language: str, name: str, key: str, people: list[str]
) -> None:
    context = {"language": language, "people": people}
    again = asked_again(key, "John", asked_for(language, name, key), context)
    assert again["ambiguity_flags"] == ["AMBIGUOUS_NAME"]
    offered = again["accepted_answer_formats"]
    assert set(offered) <= set(people)
    for line in offered:
        then = sent_back(line, again, "John", context)
        check_settled(line, again, then)
        assert line in [field["value"] for field in then["fields"] if field["key"] == key]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_without_a_currency_is_asked_about_until_a_format_names_one(language: str) -> None:
    context = {"language": language}
    again = asked_again("amount", "500", asked_for(language, "SEND_MONEY", "amount"), context)
    assert "CURRENCY_MISSING" in again["ambiguity_flags"]
    for line in again["accepted_answer_formats"]:
        check_settled(line, again, sent_back(line, again, "500", context))


def test_a_format_is_understood_without_the_moment_of_speaking() -> None:
    for language in LANGUAGES:
        asking = asked_for(language, "SET_REMINDER", "when")
        for line in asking["accepted_answer_formats"]:
            then = sent_back(line, asking, "…", {"language": language, "now": "unknown"})
            assert "when" in [field["key"] for field in then["fields"]], line
            assert then.get("what_is_missing") != ["when"], line


@cache
def questions() -> dict[str, tuple[Row, Row]]:
    """Every different question that the tables lead to, with the row that leads to it."""
    found: dict[str, tuple[Row, Row]] = {}
    for row in [row for _, row in ROWS] + [dialogue["turns"][0] for dialogue in DIALOGUES]:
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


@pytest.mark.parametrize("said", sorted(questions()), ids=lambda said: said[:90])
def test_every_format_that_a_question_offers_settles_the_field(said: str) -> None:
    row, asking = questions()[said]
    context = {key: row[key] for key in CONTEXT if key in row}
    for key in ("unsure", "kind", "transcript", "focus"):
        context.pop(key, None)
    for line in asking["accepted_answer_formats"]:
        check_settled(line, asking, sent_back(line, asking, row["say"], context))
