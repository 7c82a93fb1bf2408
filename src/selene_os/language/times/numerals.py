"""Numbers as people say and write them in times: "twenty-five", "21st", "2.5", "two thousand"."""

from __future__ import annotations

from typing import NamedTuple

from selene_os.language.times.line import Line
from selene_os.language.times.words import CARDINALS, ORDINALS, SUFFIXES, TENS


class Number(NamedTuple):
    """A number found: its value, whether it is an ordinal, its digits (0: words), what follows."""

    value: float
    ordinal: bool
    digits: int
    last: int


def number(line: Line, i: int) -> Number | None:
    """The number at token `i`, in figures or in words."""
    word = line.words[i]
    if line.kinds[i] == "number":
        return _figures(line, i, word)
    if word in ORDINALS:
        return Number(ORDINALS[word], True, 0, i + 1)
    if word in CARDINALS or word in TENS:
        return _spoken(line, i)
    return None


def whole(line: Line, i: int) -> Number | None:
    """The cardinal whole number at token `i`."""
    found = number(line, i)
    return found if found and not found.ordinal and found.value == int(found.value) else None


def below_hundred(line: Line, i: int) -> Number | None:
    """A spoken number from 0 to 99, or its ordinal."""
    words = line.words
    word = words[i]
    if word in TENS:
        k = line.skip_hyphen(i + 1)
        unit = words[k]
        if 0 < CARDINALS.get(unit, 0) < 10:
            return Number(TENS[word] + CARDINALS[unit], False, 0, k + 1)
        if 0 < ORDINALS.get(unit, 0) < 10:
            return Number(TENS[word] + ORDINALS[unit], True, 0, k + 1)
        return Number(TENS[word], False, 0, i + 1)
    if word in CARDINALS:
        return Number(CARDINALS[word], False, 0, i + 1)
    if word in ORDINALS:
        return Number(ORDINALS[word], True, 0, i + 1)
    return None


def _figures(line: Line, i: int, word: str) -> Number | None:
    if len(word) > 9:
        return None
    words = line.words
    if words[i + 1] in SUFFIXES and line.joined(i + 1):
        return Number(int(word), True, len(word), i + 2)
    if (
        words[i + 1] == "."
        and line.kinds[i + 2] == "number"
        and line.joined(i + 1)
        and line.joined(i + 2)
        and len(words[i + 2]) <= 6
    ):
        return Number(float(f"{word}.{words[i + 2]}"), False, len(word), i + 3)
    return Number(int(word), False, len(word), i + 1)


def _spoken(line: Line, i: int) -> Number | None:
    found = below_hundred(line, i)
    if found is None or found.ordinal:
        return found
    words = line.words
    value, last = found.value, found.last
    for scale, size in (("thousand", 1000), ("hundred", 100)):
        if words[last] == scale:
            value, last = value * size, last + 1
            rest = last + 1 if words[last] == "and" else last
            tail = below_hundred(line, rest)
            if tail:
                if size == 1000 and words[tail.last] == "hundred":
                    continue
                return Number(value + tail.value, tail.ordinal, 0, tail.last)
    return Number(value, False, 0, last)


def spoken_year(line: Line, i: int) -> Number | None:
    """A year in words: "nineteen ninety six", "two thousand and fifteen", "twenty twenty"."""
    if line.words[i] not in CARDINALS and line.words[i] not in TENS:
        return None
    head = below_hundred(line, i)
    if head is None or head.ordinal:
        return None
    if line.words[head.last] == "thousand":
        full = _spoken(line, i)
        return full if full and 1900 <= full.value <= 2100 and not full.ordinal else None
    if 17 <= head.value <= 20:
        tail = below_hundred(line, line.skip_hyphen(head.last))
        if tail and not tail.ordinal and tail.value >= 10:
            return Number(head.value * 100 + tail.value, False, 0, tail.last)
    # "nineteen ninety six": the head is a teen, so "twenty twenty six" needs its own look.
    return None
