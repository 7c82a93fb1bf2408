"""Why an utterance comes to what it comes to: every step is told, and is the one that was taken."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from command import Command, environment, python
from nlp_corpus import ENGLISH
from own_packs import add_scorer, core_without_scorer, write_pack
from selene_os.edges.packs import load
from selene_os.engines import nlp
from selene_os.engines.nlp.explaining import (
    ABILITY,
    CORRECTED,
    NEAR_TOKENS_MAX,
    REFUSED,
    UNKNOWN,
    explain,
)
from selene_os.engines.nlp.explanation import Explanation
from selene_os.language.pack import core_pack, load_pack
from selene_os.language.scorer import AGREES, ALLOWS, REFUSES

NOW = datetime.fromisoformat("2026-11-21T09:30:00+00:00")
PARK = "park me at bay 12"


def explained(text: str, pack: nlp.Pack | None = None, **rest: Any) -> Explanation:
    return explain(nlp.Request(text, now=NOW, **rest), pack)


def values(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.at.text: (one.kind, one.meaning) for one in explained(text).values}


def stretches(record: Any) -> list[dict[str, Any]]:
    """Every part of a record that says where it stands in the text."""
    if isinstance(record, list):
        return [one for inner in record for one in stretches(inner)]
    if not isinstance(record, dict):
        return []
    own = [record] if {"text", "start", "end"} <= set(record) else []
    return own + [one for inner in record.values() for one in stretches(inner)]


# ---- it is the decision that is explained


@pytest.mark.parametrize("text", [line for line in ENGLISH.splitlines() if line.strip()])
def test_the_outcome_is_the_one_that_is_decided_and_every_place_is_verbatim(text: str) -> None:
    request = nlp.Request(text, now=NOW)
    explanation = explain(request)
    assert explanation.result == nlp.run(request)
    record = explanation.as_record()
    assert json.loads(json.dumps(record)) == record
    places = stretches({key: record[key] for key in record if key != "text"})
    for place in places:
        assert text[place["start"] : place["end"]] == place["text"]
    assert len(explanation.chosen) == sum(1 for _ in explanation.chosen)
    if explanation.result.decision == "INTENT_DRAFT":
        assert explanation.chosen
        assert explanation.chosen[0].intent_type in (explanation.result.intent_type, None)


def test_the_pack_and_its_digest_are_named(tmp_path: Path) -> None:
    pack = load([write_pack(tmp_path)])
    assert (explained(PARK).pack, explained(PARK).digest) == ("core", core_pack().digest)
    mine = explained(PARK, pack)
    assert (mine.pack, mine.digest) == ("core+parking", pack.digest)
    assert mine.result == nlp.run(nlp.Request(PARK, now=NOW), pack)


def test_an_explanation_is_the_same_under_every_hash_seed() -> None:
    source = (
        "import json\n"
        "from selene_os.engines.nlp import Request\n"
        "from selene_os.engines.nlp.explaining import explain\n"
        "for text in ('send $20 to Bob and remind me to eat', 'I said remind me to eat'):\n"
        "    print(json.dumps(explain(Request(text)).as_record()))\n"
    )
    assert len({python(source, env=environment(PYTHONHASHSEED=seed)) for seed in "012"}) == 1


# ---- its steps


def test_sentences_stand_apart() -> None:
    explanation = explained("Hello there. Remind me to call mom at 5 pm. Thanks!")
    assert [one.text for one in explanation.sentences] == [
        "Hello there", "Remind me to call mom at 5 pm", "Thanks",
    ]  # fmt: skip


def test_values_are_shown_with_everything_that_they_can_mean() -> None:
    assert values("meet at five") == {"at five": ("time", ("2026-11-21T17:00", "2026-11-22T05:00"))}
    assert values("it takes 2 hours") == {"2 hours": ("duration", ("PT2H",))}
    assert values("3 of them") == {"3": ("number", ("3",))}
    assert values("$20 or 5000") == {
        "$20": ("money", ("20 USD",)), "5000": ("money", ("5000 in no currency",)),
    }  # fmt: skip
    assert values('he said "remind me"')["remind me"] == ("quotation", ())


def test_what_a_correction_takes_back_is_passed_over() -> None:
    explanation = explained("remind me at 5, no, 6 pm to leave")
    assert [(one.at.text, one.why) for one in explanation.passed] == [("at 5, no", CORRECTED)]
    assert [one.at.text for one in explanation.values] == ["6 pm"]


def test_the_pattern_that_was_chosen_is_marked_among_those_that_match() -> None:
    explanation = explained("remind me to call mom tomorrow at 5 pm")
    (chosen,) = [one for one in explanation.matched if one.chosen]
    assert chosen.intent_type == "SET_REMINDER"
    assert chosen.pattern in {one.text for one in core_pack().languages["en"].patterns()}
    (request,) = explanation.chosen
    assert [(key, at.text) for key, at in request.slots] == [
        ("task", "call mom"), ("time", "tomorrow at 5 pm"),
    ]  # fmt: skip


def test_two_requests_are_both_shown() -> None:
    explanation = explained("send $20 to Bob and remind me to call Ann tomorrow")
    assert [(one.intent_type, one.at.text) for one in explanation.chosen] == [
        ("SEND_MONEY", "send $20 to Bob"), ("SET_REMINDER", "remind me to call Ann tomorrow"),
    ]  # fmt: skip
    assert {one.intent_type for one in explanation.matched if one.chosen} == {
        "SEND_MONEY", "SET_REMINDER",
    }  # fmt: skip


def test_a_question_about_an_ability_is_set_aside_as_one() -> None:
    explanation = explained("can you send money?")
    assert (explanation.result.decision, explanation.chosen) == ("CHAT", ())
    assert ("send money", ABILITY) in {(one.at.text, one.reason) for one in explanation.set_aside}


def test_words_that_keep_a_pattern_from_explaining_a_sentence_are_named(tmp_path: Path) -> None:
    pack = load([write_pack(tmp_path)])
    explanation = explained("whoever says park me at bay 12", pack)
    assert explanation.result.decision == "CHAT"
    (near,) = [one for one in explanation.set_aside if one.intent_type == "RESERVE_PARKING"]
    assert (near.at.text, near.pattern) == (PARK, "park (me|us) at {bay}")
    assert near.reason == 'leaves "whoever says" unexplained'


def test_a_plain_request_that_nothing_knows_is_named_as_that() -> None:
    explanation = explained("play some jazz")
    assert explanation.result.intent_type == "UNKNOWN"
    assert [(one.intent_type, one.at.text) for one in explanation.chosen] == [
        (None, "play some jazz")
    ]


def test_what_is_taken_back_leaves_nothing_chosen() -> None:
    explanation = explained("remind me to call mom tomorrow. Never mind")
    assert explanation.withdrawn
    assert explanation.chosen == ()
    assert any(one.intent_type == "SET_REMINDER" for one in explanation.matched)
    assert not explained("remind me to call mom tomorrow").withdrawn
    taken_back = explained("play some jazz. Never mind")
    assert UNKNOWN in {one.reason for one in taken_back.set_aside}


@pytest.mark.parametrize(
    ("allow", "agree", "verdict"), [(-9, -5, AGREES), (-9, 5, ALLOWS), (5, 9, REFUSES)]
)
def test_what_the_scorer_says_is_shown_with_its_bounds(
    tmp_path: Path, allow: int, agree: int, verdict: str
) -> None:
    directory = write_pack(tmp_path, pattern="park me ... {bay: bay ~}")
    add_scorer(directory, "RESERVE_PARKING", allow=allow, agree=agree)
    pack = load_pack(core_without_scorer(tmp_path / "core"), directory)
    explanation = explained("park me quickly somewhere at bay 12", pack)
    (matched,) = [one for one in explanation.matched if one.intent_type == "RESERVE_PARKING"]
    assert (matched.score, matched.allow, matched.agree) == (0, allow, agree)
    assert matched.verdict == verdict
    assert matched.unexplained > 0
    assert matched.chosen == (explanation.chosen[:1] != () and verdict != REFUSES)
    refused = [one for one in explanation.set_aside if one.reason == REFUSED]
    assert bool(refused) == (verdict == REFUSES)


def test_a_long_utterance_is_explained_in_time() -> None:
    for text in ("remind me to call " * 1_700, "remind me. " * 2_900, "park me at. " * 2_700):
        began = time.perf_counter()
        explanation = explained(text[:32_000])
        assert time.perf_counter() - began < 20
        assert explanation.result == nlp.run(nlp.Request(text[:32_000], now=NOW))


def test_a_sentence_too_long_for_near_misses_is_explained_without_them(tmp_path: Path) -> None:
    pack = load([write_pack(tmp_path)])
    long = "whoever says " + "so " * NEAR_TOKENS_MAX + PARK
    assert not [
        one for one in explained(long, pack).set_aside if one.intent_type == "RESERVE_PARKING"
    ]


# ---- on the command line


@pytest.fixture
def selene(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    return Command(tmp_path, capsys, monkeypatch)


def test_a_person_sees_one_fact_a_line(selene: Command) -> None:
    now = ["--now", NOW.isoformat()]
    out = selene.done("explain", *now, "remind me at five to call mom").out
    lines = out.splitlines()
    labels = [line[:11].strip() for line in lines if line[:11].strip()]
    assert labels[:2] == ["said", "read by"]
    for label in ("values", "matched", "chosen", "flags", "outcome"):
        assert label in labels
    assert "2026-11-21T17:00 or 2026-11-22T05:00" in out
    assert "AMBIGUOUS_TIME" in out
    assert "[call mom](task)" in out
    assert "  chosen" in next(
        line for line in lines if "SET_REMINDER by" in line and "chosen" in line
    )


def test_the_same_as_json(selene: Command) -> None:
    text = "remind me at five to call mom"
    ran = selene.done("explain", text, "--now", NOW.isoformat(), "--json")
    assert ran.record == explained(text).as_record()


def test_the_policy_settles_what_is_ambiguous(selene: Command) -> None:
    text = "remind me at five to call mom"
    line = ["explain", text, "--now", NOW.isoformat(), "--json"]
    settled = selene.done(*line, "--policy", "next_occurrence").record
    assert settled["result"]["decision"] == "INTENT_DRAFT"
    assert selene.done(*line).record["result"]["decision"] == "CLARIFY"


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [("--now", "noon", "now"), ("--language", "xx", "language"), ("--policy", "x", "policy.time")],
)
def test_what_cannot_be_is_refused_by_its_name(
    selene: Command, option: str, value: str, field: str
) -> None:
    assert selene.refused("explain", "hello", option, value)["field"] == field


def test_nothing_that_is_said_commands_the_terminal(selene: Command) -> None:
    out = selene.done("explain", "remind me to \x1b[31mcall\u202e mom tomorrow").out
    assert "\x1b[31m" not in out
    assert "\u202e" not in out
