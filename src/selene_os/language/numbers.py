"""Number words, English and Chinese, and figures, read from tokens with their places.

Only what is plainly a number is read: "a little", "some" and "a few" are none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from selene_os.language.tokens import CJK, NUMBER, Tokens

_UNITS: Final = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS: Final = {
    word: 10 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_SCALES: Final = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_SUFFIXES: Final = {"k": 1_000, "m": 1_000_000}
_HANZI: Final = {word: value for value, word in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "两": 2, "兩": 2,
}  # fmt: skip
_HANZI_SCALES: Final = {"十": 10, "百": 100, "千": 1_000}
_HANZI_GROUPS: Final = {"万": 10_000, "萬": 10_000, "亿": 100_000_000, "億": 100_000_000}
# With these a number in words begins.
NUMBER_WORDS: Final = frozenset(
    ["a", "an", *_UNITS, *_TENS, *_SCALES, *_HANZI, *_HANZI_SCALES, *_HANZI_GROUPS]
)
_BEHIND_FIGURES: Final = frozenset([",", ".", *_SUFFIXES, *_SCALES, *_HANZI_SCALES, *_HANZI_GROUPS])
_DIGITS_MAX: Final = 15
_WORDS_MAX: Final = 16


class Number(NamedTuple):
    """A number that was said: its value and its tokens, `last` exclusive."""

    value: Decimal
    first: int
    last: int


def read_number(said: Tokens, at: int) -> Number | None:
    """The number that begins at token `at`, in figures or in words, or None."""
    if at >= len(said.words):
        return None
    if said.kinds[at] == NUMBER:
        return _read_figures(said, at)
    if said.words[at] not in NUMBER_WORDS:
        return None
    return _read_hanzi(said, at) if said.kinds[at] == CJK else _read_words(said, at)


def _read_figures(said: Tokens, at: int) -> Number | None:
    """12 | 1,000.50 | 2.5k; a comma counts only before exactly three digits."""
    words, last = said.words, at + 1
    digits = words[at]
    if last < len(words) and words[last] not in _BEHIND_FIGURES:
        return Number(Decimal(digits), at, last) if len(digits) <= _DIGITS_MAX else None
    while _joined_mark(said, last, ",") and len(words[last + 1]) == 3 and len(digits) < _DIGITS_MAX:
        digits += words[last + 1]
        last += 2
    if _joined_mark(said, last, "."):
        digits += "." + words[last + 1]
        last += 2
    if len(digits) > _DIGITS_MAX:
        return None
    value = Decimal(digits)
    if last < len(said) and words[last] in _SUFFIXES and said.joined(last):
        return Number(value * _SUFFIXES[words[last]], at, last + 1)
    for scales in (_SCALES, _HANZI_SCALES, _HANZI_GROUPS):
        if last < len(said) and words[last] in scales:
            return Number(value * scales[words[last]], at, last + 1)
    return Number(value, at, last)


def _joined_mark(said: Tokens, at: int, mark: str) -> bool:
    """Whether `mark` stands at `at` with figures joined on both sides."""
    return (
        at + 1 < len(said)
        and said.words[at] == mark
        and said.joined(at)
        and said.kinds[at + 1] == NUMBER
        and said.joined(at + 1)
    )


def _read_words(said: Tokens, at: int) -> Number | None:
    """two hundred and fifty thousand | a hundred | twenty-five."""
    total = group = 0
    seen = False
    index = last = at
    words = said.words
    if words[at] in ("a", "an") and words[at + 1 : at + 2] in (("hundred",), ("thousand",)):
        group, seen, index = 1, True, at + 1
    while index < len(said) and index - at < _WORDS_MAX:
        word = words[index]
        if word in _UNITS and group % (100 if _UNITS[word] > 9 else 10) == 0:
            group, seen = group + _UNITS[word], True
        elif word in _TENS and group % 100 == 0:
            group, seen = group + _TENS[word], True
        elif word == "hundred" and 0 < group < 100:
            group *= 100
        elif word in _SCALES and group:
            total, group = total + group * _SCALES[word], 0
        elif word in ("and", "-") and seen and _goes_on(words, index, group, total):
            index += 1
            continue
        else:
            break
        index += 1
        last = index
    return Number(Decimal(total + group), at, last) if seen and last > at else None


def _read_hanzi(said: Tokens, at: int) -> Number | None:
    """二十 | 三百零五 | 两万五千; a row of figures (二零二六) is no amount of anything."""
    total = group = digit = 0
    last = at
    while last < len(said) and last - at < _WORDS_MAX:
        word = said.words[last]
        if word in _HANZI and digit == 0:
            digit = _HANZI[word]
        elif word in _HANZI_SCALES and (digit or word == "十"):
            group, digit = group + (digit or 1) * _HANZI_SCALES[word], 0
        elif word in _HANZI_GROUPS and group + digit:
            total, group, digit = (total + group + digit) * _HANZI_GROUPS[word], 0, 0
        else:
            break
        last += 1
    return Number(Decimal(total + group + digit), at, last) if last > at else None


def _goes_on(words: tuple[str, ...], index: int, group: int, total: int) -> bool:
    """Whether "and" or a hyphen stands inside a number: a hundred and five, twenty-five."""
    after = words[index + 1] if index + 1 < len(words) else ""
    if words[index] == "-":
        return group % 10 == 0 and group % 100 >= 20 and 0 < _UNITS.get(after, 0) < 10
    return ((group % 100 == 0 and group > 0) or (group == 0 and total > 0)) and (
        after in _UNITS or after in _TENS
    )
