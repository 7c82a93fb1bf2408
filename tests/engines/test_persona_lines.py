"""Which lines are a wish about how to be answered: the table, and what holds for every line."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.engines.persona import Request, Signal, run, validate, wish_of
from selene_os.engines.persona_phrases import PHRASES
from selene_os.engines.persona_wishes import words_of

CASES = Path(__file__).parents[1] / "cases" / "persona_lines.toml"
TABLE: dict[str, list[dict[str, str]]] = tomllib.loads(CASES.read_text(encoding="utf-8"))
MISSES = TABLE["none"]
WISHES = [(key, row) for key, rows in TABLE.items() if key != "none" for row in rows]
LINES = [row["say"] for rows in TABLE.values() for row in rows]
FIRST = [rows[0] for key, rows in TABLE.items() if key != "none"]
PART_OF = {
    "response_tone_target": "style_profile_ref",
    "brevity_preference": "brevity_ref",
    "privacy_preference": "delivery_policy_ref",
    "preferred_language": "preferred_language",
    "confirmation_preference": "confirmation_ref",
}
# What a line is made of, so that lines of these are often almost a wish.
PHRASE = st.sampled_from(
    sorted(
        phrase.strip() for table in PHRASES for row in table.values() for phrase in row.split(",")
    )
)
DENIALS = {"not", "no", "never", "stop", "quit", "avoid", "hate", "dislike", "instead", "rather"}
DENIALS |= set("不别勿")


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


@pytest.mark.parametrize(("key", "row"), WISHES, ids=[row["say"] for _, row in WISHES])
def test_a_line_that_states_one_wish_is_understood(key: str, row: dict[str, str]) -> None:
    assert wish_of(row["say"]) == (key, row["expect"])


@pytest.mark.parametrize("row", MISSES, ids=[row["say"] for row in MISSES])
def test_a_line_that_says_anything_else_is_no_wish(row: dict[str, str]) -> None:
    assert wish_of(row["say"]) is None
    assert row["why"]


def test_the_table_is_large_balanced_and_says_each_line_once() -> None:
    assert len(LINES) >= 120
    assert len(set(LINES)) == len(LINES)
    assert sum(map(is_chinese, LINES)) * 4 > len(LINES)
    assert len(MISSES) * 5 > len(LINES) * 2


def test_a_wish_decides_its_part_as_a_closed_value_and_in_its_own_words() -> None:
    for key, row in WISHES:
        for value in (row["expect"], row["say"]):
            request = Request("ada", "voice:ada", True, (Signal(key, value, "row:7"),))
            result = run(request)
            assert result.snapshot is not None
            assert getattr(result.snapshot, PART_OF[key]) == row["expect"], value
            assert "row:7" in dict(result.evidence).values()
            assert validate(request, result.snapshot) == ()


def test_a_line_that_is_said_of_another_key_decides_nothing() -> None:
    signal = Signal("brevity_preference", "please answer me in German", "row:7")
    result = run(Request("ada", "voice:ada", True, (signal,)))
    assert result.diagnostics == ("brevity_preference: value not understood",)


def test_case_and_a_full_stop_change_nothing() -> None:
    for line in LINES:
        assert wish_of(line.upper()) == wish_of(line), line
        assert wish_of(f"  {line}  ") == wish_of(line), line
        assert line[-1] in "?？" or wish_of(line + ".") == wish_of(line), line


def test_a_name_or_a_condition_beside_a_line_makes_it_no_wish() -> None:
    for line in LINES:
        for other in ("Ann says", "if Bob is here", "他说", "when I am at work"):
            assert wish_of(f"{other} {line}") is None, line
            assert wish_of(f"{line} {other}") is None, line


def test_a_wish_that_is_asked_about_is_no_wish() -> None:
    for _, row in WISHES:
        for question in ("why do you", "do you", "did you", "who said", "should I", "为什么"):
            line = f"{question} {row['say'].rstrip('?')}?"
            assert wish_of(line) is None, line


def test_wishes_of_two_keys_in_one_line_are_none() -> None:
    for one, other in itertools.permutations(FIRST, 2):
        assert wish_of(f"{one['say']}. {other['say']}") is None


def test_wishes_of_one_key_that_agree_are_one_and_that_do_not_are_none() -> None:
    assert wish_of("be brief. keep your answers short") == ("brevity_preference", "BRIEF")
    assert wish_of("be brief. I want detailed answers") is None
    assert wish_of("answer by voice. never speak out loud") is None


def test_a_line_is_read_up_to_ninety_six_bytes() -> None:
    assert wish_of("be brief" + " " * 88) == ("brevity_preference", "BRIEF")
    assert wish_of("be brief" + " " * 89) is None
    assert wish_of("以后回答简短一点" + "！" * 24) == ("brevity_preference", "BRIEF")
    assert wish_of("以后回答简短一点" + "！" * 24 + "!") is None
    assert wish_of("be brief. " * 3_277) is None


@pytest.mark.parametrize(
    "text", ["", " ", "?", ",", "please", "Selene", "from now on", "以后", "\ud800", "be\nbrief"]
)
def test_what_says_nothing_is_no_wish(text: str) -> None:
    assert wish_of(text) is None


@given(st.text(max_size=120))
def test_arbitrary_text_is_no_wish(text: str) -> None:
    assert wish_of(text) is None


@given(st.sampled_from(LINES), st.integers(0, 96))
def test_one_unknown_word_makes_any_line_no_wish(line: str, at: int) -> None:
    assert wish_of(f"{line[:at]} zebra {line[at:]}") is None


@given(st.lists(PHRASE, min_size=1, max_size=7), st.sampled_from([" ", "", ", "]))
def test_voice_is_never_allowed_by_a_line_that_denies_anything(
    phrases: list[str], between: str
) -> None:
    line = between.join(phrases)
    told = wish_of(line)
    assert told is None or told == wish_of(line)
    if told == ("privacy_preference", "VOICE_ALLOWED"):
        said = " ".join(phrases).replace("do not hesitate", "").replace("n't", " not")
        assert DENIALS.isdisjoint(said.split())
        assert DENIALS.isdisjoint(said)


@given(st.lists(PHRASE, min_size=1, max_size=7), st.sampled_from([" ", "", ", "]))
def test_whatever_is_understood_decides_a_part_and_validates(
    phrases: list[str], between: str
) -> None:
    told = wish_of(between.join(phrases))
    if told is not None:
        for value in (told[1], between.join(phrases)):
            request = Request("ada", "voice:ada", True, (Signal(told[0], value, "row:7"),))
            result = run(request)
            assert result.snapshot is not None
            assert result.diagnostics == ()
            assert validate(request, result.snapshot) == ()
            assert getattr(result.snapshot, PART_OF[told[0]]) == told[1]


def test_no_phrase_plays_two_parts() -> None:
    parts: dict[tuple[str, ...], str] = {}
    for table in PHRASES:
        for part, phrases in table.items():
            for phrase in phrases.split(","):
                assert parts.setdefault(words_of(phrase), part) == part, phrase
