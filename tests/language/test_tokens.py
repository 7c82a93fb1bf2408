"""Tokens: every one a slice of what was said, in any script."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.language.tokens import CJK, MARK, NUMBER, WORD, fold, tokenize

TEXTS = st.text(max_size=60) | st.text(
    "aZ09 '’\u200b\ufeff\u00ad王五７Ａéİßﬁ$-.,\n\t\ud800\U0001f98a\u0301", max_size=30
)


def cut(text: str) -> list[str]:
    return list(tokenize(text).words)


@given(TEXTS)
def test_every_token_is_a_slice_and_they_stand_in_order(text: str) -> None:
    said = tokenize(text)
    assert said.text == text
    columns = (said.words, said.starts, said.ends, said.kinds)
    assert {len(column) for column in columns} == {len(said)}
    behind = 0
    for word, start, end, kind in zip(*columns, strict=True):
        assert behind <= start < end <= len(text)
        assert said.folded[start:end] == word
        assert kind in (WORD, NUMBER, CJK, MARK)
        behind = end
    for first in range(len(said)):
        for last in range(first + 1, len(said) + 1):
            assert said.said(first, last) == text[said.starts[first] : said.ends[last - 1]]


@given(TEXTS)
def test_folding_keeps_the_length_and_changes_nothing_twice(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
    assert tokenize(text).folded == fold(text)


@given(TEXTS, TEXTS)
def test_folding_looks_at_one_character_at_a_time(before: str, after: str) -> None:
    assert fold(before + after) == fold(before) + fold(after)


@given(TEXTS)
def test_nothing_but_spaces_and_silent_marks_is_left_out(text: str) -> None:
    said = tokenize(text)
    covered = {at for s, e in zip(said.starts, said.ends, strict=True) for at in range(s, e)}
    for at, char in enumerate(text):
        visible = char.isalnum() or char in string.punctuation
        assert at in covered or not visible, repr(char)


@given(st.text(string.ascii_letters, min_size=1, max_size=12))
def test_letters_without_a_space_are_one_word(word: str) -> None:
    said = tokenize(word)
    assert said.words == (word.lower(),)
    assert said.kinds == (WORD,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n", []),
        ("Remind ME", ["remind", "me"]),
        ("don't", ["don't"]),
        ("don\u2019t", ["don't"]),
        ("'quoted'", ["'", "quoted", "'"]),
        ("ｓｅｎｄ ＄２０", ["send", "$", "20"]),
        ("５ ｐｍ", ["5", "pm"]),
        ("5pm", ["5", "pm"]),
        ("$1,250.75", ["$", "1", ",", "250", ".", "75"]),
        ("buy milk\u200b now", ["buy", "milk", "now"]),
        ("\ufeffhello", ["hello"]),
        ("明天7点", ["明", "天", "7", "点"]),
        ("book 桌子 now", ["book", "桌", "子", "now"]),
        ("José", ["josé"]),
        ("Jean-Luc", ["jean", "-", "luc"]),
        ("hello,world", ["hello", ",", "world"]),
        ("wait…no", ["wait", "…", "no"]),
        ("\u201chi\u201d", ['"', "hi", '"']),
    ],
)
def test_a_text_is_cut_at_its_words_figures_and_marks(text: str, words: list[str]) -> None:
    assert cut(text) == words


@pytest.mark.parametrize(
    "word", ["unforgettable", "commute", "Samonday", "reminders", "ｓｅｎｄｅｒ"]
)
def test_a_word_inside_a_word_is_no_token(word: str) -> None:
    assert len(tokenize(word)) == 1


def test_kinds_tell_words_figures_characters_and_marks_apart() -> None:
    said = tokenize("pay 20 元, now")
    assert said.kinds == (WORD, NUMBER, CJK, MARK, WORD)


def test_joined_tells_whether_a_space_stands_before_a_token() -> None:
    said = tokenize("5pm 5 pm")
    assert [said.joined(index) for index in range(len(said))] == [False, True, False, False]


@pytest.mark.parametrize("part", ["a ", "1,", "'", "\u200b", "王", "a'", "é"])
def test_cutting_32_kilobytes_is_quick(part: str) -> None:
    began = time.process_time()
    tokenize(part * (32_768 // len(part.encode())))
    assert time.process_time() - began < 1
