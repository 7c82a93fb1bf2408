"""The grammar: a pattern explains a whole clause or nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.language.grammar import (
    MONEY,
    NAME,
    TIME,
    WORDS,
    Match,
    Matcher,
    PatternError,
    Values,
    compile_pattern,
    first_words,
    slots,
)
from selene_os.language.tokens import tokenize

KINDS = {"task": WORDS, "when": TIME, "amount": MONEY, "recipient": NAME}


def matcher(text: str, times: str = "", money: str = "") -> Matcher:
    """A matcher of a text in which some words are a time and some an amount."""
    said = tokenize(text)

    def place(part: str) -> dict[int, int]:
        at = text.index(part)
        inside = [i for i, s in enumerate(said.starts) if at <= s < at + len(part)]
        return {inside[0]: inside[-1] + 1}

    values = Values(
        place(times) if times else {}, place(money) if money else {}, frozenset({"to", "for"})
    )
    return Matcher(said, values, KINDS.__getitem__)


def match(pattern: str, text: str, times: str = "", money: str = "") -> Match | None:
    return matcher(text, times, money).match(compile_pattern(pattern), 0, len(tokenize(text)))


def heard(pattern: str, text: str, times: str = "", money: str = "") -> dict[str, str] | None:
    """field -> what was said, or None where the pattern does not explain the text."""
    found, said = match(pattern, text, times, money), tokenize(text)
    return None if found is None else {k: said.said(*span) for k, span in found.slots.items()}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("remind me", "remind me"),
        ("remind me", "Remind ME!"),
        ("(remind|tell) me", "tell me"),
        ("set [up] a reminder", "set a reminder"),
        ("set [up] a reminder", "set up a reminder"),
        ("(a [b|c]|d) e", "a c e"),
        ("(a [b|c]|d) e", "a e"),
        ("(a [b|c]|d) e", "d e"),
        ("[a|b c] d", "b c d"),
        ("don't go", "don\u2019t go"),
    ],
)
def test_a_pattern_explains_what_it_spells(pattern: str, text: str) -> None:
    assert heard(pattern, text) == {}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("remind me", "remind"),
        ("remind me", "please remind me"),
        ("remind me", "remind me not"),
        ("remind me", "reminders me"),
        ("remind me", "remind meet"),
        ("(remind|tell) me", "remind tell me"),
        ("(a|b)", "a b"),
        ("remind me", ""),
        ("send {amount}", "send five"),
        ("remind me to {task}", "remind me to"),
    ],
)
def test_a_pattern_that_leaves_a_token_unexplained_does_not_match(pattern: str, text: str) -> None:
    assert heard(pattern, text) is None


def test_values_stand_in_their_slots_verbatim() -> None:
    said = heard("send {amount} to {recipient}", "Send $20 to Ann LEE", money="$20")
    assert said == {"amount": "$20", "recipient": "Ann LEE"}


def test_a_name_holds_no_word_that_ends_names() -> None:
    assert heard("pay {recipient}", "pay Ann to") is None
    assert heard("pay {recipient} for {task}", "pay Ann for the tea") == {
        "recipient": "Ann",
        "task": "the tea",
    }


@pytest.mark.parametrize(
    "text",
    ["tomorrow remind me to eat", "remind me tomorrow to eat", "remind me to eat tomorrow",
     "remind tomorrow me to eat", "remind me, tomorrow, to eat"],
)  # fmt: skip
def test_a_time_may_stand_between_any_two_elements(text: str) -> None:
    found = match("remind me to {task}", text, times="tomorrow")
    assert found is not None
    assert [tokenize(text).words[at] for at in found.times] == ["tomorrow"]
    assert heard("remind me to {task}", text, times="tomorrow") == {"task": "eat"}


def test_a_time_alone_is_no_free_text() -> None:
    assert heard("remind me to {task}", "remind me to tomorrow", times="tomorrow") is None


def test_the_trigger_is_the_words_of_the_pattern_and_no_others() -> None:
    found = match("remind me to {task}", "remind me to eat now")
    assert found is not None
    assert found.literals == (0, 1, 2)


@pytest.mark.parametrize(
    "pattern",
    ["", "   ", "(", ")", "(a", "a)", "[a", "a]", "(a]", "[a)", "(a|b", "{task", "task}", "{}",
     "{Task}", "{a b}", "a | b", "{1}"],
)  # fmt: skip
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@given(st.text("ab {}()[]|'.,王", max_size=14) | st.text(max_size=14))
def test_any_text_is_compiled_or_refused_as_a_pattern(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except PatternError as error:
        assert str(error)
        return
    assert isinstance(list(slots(compiled)), list)
    assert isinstance(first_words(compiled), set)


def test_slots_and_first_words_are_those_of_every_way() -> None:
    pattern = compile_pattern("[please] (send|pay {amount}) to {recipient}")
    assert set(slots(pattern)) == {"amount", "recipient"}
    assert first_words(pattern) == {"please", "send", "pay"}
    assert first_words(compile_pattern("{amount} to {recipient}")) == set()
    assert first_words(compile_pattern("[a] {task}")) == set()


@given(st.lists(st.sampled_from("remind me to eat now please , .".split()), max_size=10))
def test_a_match_explains_every_token_from_the_first_to_the_last(words: list[str]) -> None:
    text = " ".join(words)
    found = match("[please] remind me [to {task}]", text)
    if found is None:
        return
    explained = set(found.literals)
    explained |= {at for first, last in found.slots.values() for at in range(first, last)}
    marks = {at for at, word in enumerate(tokenize(text).words) if word in ",."}
    assert explained | marks == set(range(len(tokenize(text))))


def test_a_prefix_ends_behind_its_longest_way() -> None:
    said = matcher("thank you so much for the tea")
    assert said.prefix(compile_pattern("thank you [so much]"), 0, 7) == 4
    assert said.prefix(compile_pattern("thank me"), 0, 7) is None


@pytest.mark.parametrize(
    "pattern", ["{task} to {task} end", "[a] [a] [a] [a] [a] [a] b", "a {task}"]
)
def test_a_pattern_that_fails_on_a_long_text_fails_soon(pattern: str) -> None:
    began = time.process_time()
    match(pattern, "a to " * 2_000)
    assert time.process_time() - began < 2
