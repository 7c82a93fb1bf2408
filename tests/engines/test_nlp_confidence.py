"""How sure PH1.NLP is: what a loose, a likely and a plain match may become, and with whose consent.

The packs are small ones of their own, whose scorer says the same of every clause.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from own_packs import write_alone
from selene_os.engines.nlp import Pack, Request, Result, UncertainSpan, run
from selene_os.language.pack import core_pack, load_pack
from selene_os.language.scorer import AGREES, ALLOWS, REFUSES

NOW = datetime.fromisoformat("2026-11-21T09:30:00+00:00")
LOOSE = "leave it over there at Roof"


def small(
    folder: Path, verdict: str | None, *, confirm: bool = True, sensitivity: str = "PRIVATE"
) -> Pack:
    return load_pack(write_alone(folder, verdict, confirm=confirm, sensitivity=sensitivity))


def said(text: str, pack: Pack, *uncertain: UncertainSpan) -> Result:
    return run(Request(text, now=NOW, uncertain_spans=uncertain), pack)


def outcome(text: str, pack: Pack) -> str:
    """The decision with what it is about: "INTENT_DRAFT HIGH", "CLARIFY bay", "CHAT"."""
    result = said(text, pack)
    about = result.what_is_missing or result.overall_confidence
    return f"{result.decision} {about}" if about else result.decision


# ---- a match that explains everything


@pytest.mark.parametrize(
    ("verdict", "confidence"),
    [(None, "HIGH"), (AGREES, "HIGH"), (ALLOWS, "HIGH"), (REFUSES, "MED")],
)
@pytest.mark.parametrize("sensitivity", ["PRIVATE", "CONFIDENTIAL"])
def test_a_match_that_explains_everything_is_drafted_whatever_the_scorer_says(
    verdict: str | None, confidence: str, sensitivity: str, tmp_path: Path
) -> None:
    pack = small(tmp_path, verdict, sensitivity=sensitivity)
    assert outcome("park me at Roof", pack) == f"INTENT_DRAFT {confidence}"


@pytest.mark.parametrize("verdict", [None, AGREES, ALLOWS, REFUSES])
def test_a_likely_match_is_never_high(verdict: str | None, tmp_path: Path) -> None:
    assert outcome("stand at Roof", small(tmp_path, verdict)) == "INTENT_DRAFT MED"


def test_the_transcript_may_be_less_sure_than_the_match(tmp_path: Path) -> None:
    request = Request("park me at Roof", transcript_confidence="LOW")
    assert run(request, small(tmp_path, AGREES)).overall_confidence == "MED"


# ---- a loose match


@pytest.mark.parametrize(
    ("verdict", "confirm", "wanted"),
    [
        (None, True, "INTENT_DRAFT MED"),
        (AGREES, True, "INTENT_DRAFT MED"),
        (ALLOWS, True, "CHAT"),
        (REFUSES, True, "CHAT"),
        (None, False, "INTENT_DRAFT MED"),
        (AGREES, False, "INTENT_DRAFT MED"),
        (ALLOWS, False, "CHAT"),
        (REFUSES, False, "CHAT"),
    ],
)
def test_a_loose_match_is_never_high_and_needs_the_scorer_where_there_is_one(
    verdict: str | None, confirm: bool, wanted: str, tmp_path: Path
) -> None:
    pack = small(tmp_path, verdict, confirm=confirm)
    assert outcome(LOOSE, pack) == wanted
    assert outcome("leave it not there at Roof", pack) == "CHAT"


@pytest.mark.parametrize(
    ("verdict", "confirm", "wanted"),
    [
        (None, True, "CLARIFY bay"),
        (AGREES, True, "CLARIFY bay"),
        # What is only allowed may be asked about, where it is confirmed before it is done.
        (ALLOWS, True, "CLARIFY bay"),
        (ALLOWS, False, "CHAT"),
        (REFUSES, True, "CHAT"),
        (REFUSES, False, "CHAT"),
    ],
)
def test_what_a_loose_match_lacks_is_asked_about_where_the_scorer_allows_it(
    verdict: str | None, confirm: bool, wanted: str, tmp_path: Path
) -> None:
    assert outcome("leave it over there", small(tmp_path, verdict, confirm=confirm)) == wanted


@pytest.mark.parametrize(
    "verdict",
    [
        None,
        AGREES,
        ALLOWS,
        REFUSES,
    ],
)
def test_a_loose_match_never_drafts_what_is_confidential(
    verdict: str | None, tmp_path: Path
) -> None:
    pack = small(tmp_path, verdict, sensitivity="CONFIDENTIAL")
    assert outcome(LOOSE, pack) == "CHAT"
    asked = "CHAT" if verdict == REFUSES else "CLARIFY bay"
    assert outcome("leave it over there", pack) == asked


def test_a_name_of_another_script_makes_no_draft_of_money_out_of_loose_words() -> None:
    for name in ("Ann", "王芳"):
        text = f"initiate the big transfer of 100 dollars to {name} whenever you like"
        assert run(Request(text, now=NOW)).decision != "INTENT_DRAFT", name


def test_a_loose_match_that_leaves_nothing_over_is_as_good_as_another(tmp_path: Path) -> None:
    assert outcome("leave at Roof by number 5", small(tmp_path, AGREES)) == "INTENT_DRAFT HIGH"


def test_what_was_loose_is_not_high_when_its_question_was_answered(tmp_path: Path) -> None:
    pack = small(tmp_path, AGREES)
    asked = said("leave it over there", pack)
    answered = run(Request("at Roof", now=NOW, pending=asked.pending), pack)
    assert (answered.decision, answered.overall_confidence) == ("INTENT_DRAFT", "MED")


def test_of_two_matches_the_one_that_explains_everything_is_taken(tmp_path: Path) -> None:
    pack = small(tmp_path, REFUSES)
    assert outcome("park me at Roof", pack) == "INTENT_DRAFT MED"
    assert outcome("leave at Roof", pack) == "INTENT_DRAFT MED"


# ---- several requests


def test_another_one_of_its_kind_is_drafted_beside_the_first(tmp_path: Path) -> None:
    pack = small(tmp_path, None)
    asked = said("park me at Roof and at Court", pack)
    both = run(Request("both", now=NOW, pending=asked.pending), pack)
    assert [draft.overall_confidence for draft in both.drafts] == ["HIGH", "HIGH"]


def test_another_one_that_leaves_words_over_is_not_high(tmp_path: Path) -> None:
    pack = small(tmp_path, None)
    asked = said("park me at Roof and next whatever it is at Court", pack)
    both = run(Request("both", now=NOW, pending=asked.pending), pack)
    assert [draft.overall_confidence for draft in both.drafts] == ["HIGH", "MED"]


# ---- what the transcript is unsure of

TEXT = "park me at Roof by number 5"


def unsure(text: str, part: str, field: str | None = None) -> UncertainSpan:
    start = text.index(part)
    return UncertainSpan(start, start + len(part), "UNKNOWN", field)


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        ("Roof", "bay"),
        ("Ro", "bay"),
        ("number 5", "plate"),
        ("park", "trigger"),
        ("ark", "trigger"),
        ("park me", "trigger"),
        # With a field that was heard badly the words beside it are asked about as well.
        ("at Roof", "bay"),
        ("park me at Roof", "bay"),
        (TEXT, "bay"),
    ],
)
def test_a_doubt_is_about_the_field_that_it_covers_or_else_about_the_trigger(
    part: str, asked: str, tmp_path: Path
) -> None:
    result = said(TEXT, small(tmp_path, AGREES), unsure(TEXT, part))
    assert (result.decision, result.what_is_missing) == ("CLARIFY", asked)
    assert result.reason_code == "NLP_UNCERTAIN_SPAN"
    assert "UNCERTAIN_TRANSCRIPT" in result.ambiguity_flags
    assert asked in result.required_fields_missing
    # What is in doubt is not repeated as if it had been heard; with the trigger, nothing is.
    doubted = {"bay", "plate"} if part == TEXT or asked == "trigger" else {asked}
    assert {field.key for field in result.fields} == {"bay", "plate"} - doubted
    assert (result.intent_type is None) == (asked == "trigger")


def test_a_doubt_that_names_a_field_is_about_that_field(tmp_path: Path) -> None:
    result = said(TEXT, small(tmp_path, AGREES), unsure(TEXT, "park", "plate"))
    assert result.what_is_missing == "plate"
    # A field that nobody filled is in no doubt; its words are.
    other = said(TEXT, small(tmp_path, AGREES), unsure(TEXT, "park", "when"))
    assert other.what_is_missing == "trigger"


@pytest.mark.parametrize("part", [" ", "over", "."])
def test_a_doubt_about_words_that_mean_nothing_changes_nothing(part: str, tmp_path: Path) -> None:
    text, pack = "leave it over there at Roof.", small(tmp_path, AGREES)
    sure, doubted = said(text, pack), said(text, pack, unsure(text, part))
    assert sure.decision == "INTENT_DRAFT"
    assert doubted == sure


def test_two_doubts_are_both_kept(tmp_path: Path) -> None:
    pack = small(tmp_path, AGREES)
    result = said(TEXT, pack, unsure(TEXT, "number 5"), unsure(TEXT, "Roof"))
    assert result.what_is_missing == "bay"
    assert result.required_fields_missing == ("bay", "plate")
    # A trigger in doubt goes before both: perhaps nothing was asked for.
    both = said(TEXT, pack, unsure(TEXT, "Roof"), unsure(TEXT, "park"))
    assert both.what_is_missing == "trigger"


def test_when_the_request_was_one_after_all_the_doubts_about_its_fields_stay(
    tmp_path: Path,
) -> None:
    pack = small(tmp_path, AGREES)
    asked = said(TEXT, pack, unsure(TEXT, "Roof"), unsure(TEXT, "park"))
    then = run(Request("yes", now=NOW, pending=asked.pending), pack)
    assert (then.decision, then.what_is_missing) == ("CLARIFY", "bay")


# ---- vetoes, which hold for the core pack's own words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("remind me tomorrow to call mom", "SET_REMINDER"),
        ('"remind me tomorrow to call mom"', None),
        ("“remind” me tomorrow to call mom", None),
        ("remind me of which plan I am on", None),
        ("pay $20 to my savings account", "SEND_MONEY"),
        ("pay the bill $20", None),
        ("can you send money", None),
        ("can you send $20 to Ann", "SEND_MONEY"),
        ("could you send money", "SEND_MONEY"),
    ],
)
def test_what_is_quoted_or_only_asked_or_about_a_thing_is_no_request(
    text: str, wanted: str | None
) -> None:
    result = run(Request(text, now=NOW), core_pack())
    assert (result.intent_type if result.intent_type != "UNKNOWN" else None) == wanted
