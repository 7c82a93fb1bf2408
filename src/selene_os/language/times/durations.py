"""Lengths of time: "two hours and 15 minutes", "an hour and a half", "2h30m", "all day"."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from selene_os.language.times.amounts import Amounts, rank
from selene_os.language.times.line import Line
from selene_os.language.times.numerals import number
from selene_os.language.times.words import CARDINALS, SHORT_UNITS, UNITS

FEW: Final[dict[str, int]] = {"few": 3, "several": 3, "some": 3, "couple": 2, "pair": 2}
_WHOLE: Final = frozenset({"all", "full", "whole", "entire"})
_FEWEST: Final = frozenset({"few", "several", "some"})
_PIECES_MAX: Final = 7
_DIGITS_MAX: Final = 6
_PARTS: Final = {"half": 0.5, "quarter": 0.25}
_SIGNS: Final = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_QUARTERS: Final = {"three": 0.75, "3": 0.75, "two": 0.5, "2": 0.5}
_WORKING: Final = frozenset({"business", "working", "work"})
# What may stand between a number and its unit: "three full days", "two more weeks".
_BETWEEN: Final = frozenset(
    "more full whole additional calendar straight consecutive extra".split()
)
_ROUND: Final = {"dozen": 12, "hundred": 100, "thousand": 1000}
# "2h30m" and "1hr20min": after the first figure all is one token.
_GLUED: Final = re.compile(r"([a-z]+)([0-9]{1,4})([a-z]+)(?:([0-9]{1,4})([a-z]+))?")


class Length(NamedTuple):
    """A length of time found: its amounts, the token after it, whether it is approximate."""

    amounts: Amounts
    last: int
    about: bool


def length(line: Line, i: int) -> Length | None:
    """The length of time at token `i`, of up to seven parts, or None."""
    found = _piece(line, i)
    if found is None:
        return None
    amounts, last, about = list(found.amounts), found.last, found.about
    for _ in range(_PIECES_MAX):
        k = last
        if line.words[k] in ("and", ","):
            k += 1
            if line.words[k] == "and":
                k += 1
        more = _part_more(line, k, amounts[-1][1]) if k > last else None
        if more is None:
            more = _piece(line, k)
            if more and rank(more.amounts[0][1]) >= rank(amounts[-1][1]):
                break
        if more is None:
            break
        amounts.extend(more.amounts)
        last, about = more.last, about or more.about
    return Length(tuple(amounts), last, about)


def _part_more(line: Line, i: int, unit: str) -> Length | None:
    """The "a half" of "two hours and a half"."""
    found = _part(line, i)
    if found is None or line.words[found[1]] in UNITS or line.words[found[1]] in ("an", "of", "a"):
        return None
    return Length(((found[0], unit),), found[1], False)


def unit_at(line: Line, i: int, touching: bool = False) -> tuple[str, int] | None:
    """The unit named at token `i` and the token after it.

    One-letter units count only where they touch their number; "business days" are a unit.
    """
    words = line.words
    word = words[i]
    if word in _WORKING and words[i + 1] in ("day", "days"):
        return "weekday", i + 2
    unit = UNITS.get(word)
    if unit is None and touching:
        unit = SHORT_UNITS.get(word)
    return (unit, i + 1) if unit else None


def _piece(line: Line, i: int) -> Length | None:
    words = line.words
    word = words[i]
    if word in ("a", "an", "another", "half", "quarter", "three", "two", "one") or word in _SIGNS:
        found = _fraction(line, i)
        if found:
            return found
    if word in ("a", "an", "another"):
        return _after_article(line, i)
    if word in _WHOLE or (word == "the" and words[i + 1] in ("whole", "entire", "full")):
        k = i + 1 if word == "the" else i
        k += 2 if words[k + 1] in ("-", "the") else 1
        unit = UNITS.get(words[k])
        return Length(((1, unit),), k + 1, False) if unit else None
    if word in _FEWEST or word == "couple":
        return _few(line, i)
    return _counted(line, i)


def _after_article(line: Line, i: int) -> Length | None:
    words = line.words
    word = words[i + 1]
    if word in ("full", "whole", "single", "good", "entire", "additional", "solid"):
        unit = UNITS.get(words[i + 2])
        return Length(((1, unit),), i + 3, False) if unit else None
    if word in FEW:
        return _few(line, i + 1)
    if word in _ROUND:
        unit = UNITS.get(words[i + 2])
        return Length(((_ROUND[word], unit),), i + 3, False) if unit else None
    named = unit_at(line, i + 1)
    if named is None or named[0] == "second":
        return None
    plural = words[named[1] - 1].endswith("s") and not words[named[1] - 1].endswith("'s")
    if plural:
        return None
    return Length(((1, named[0]),), named[1], False)


def _few(line: Line, i: int) -> Length | None:
    words = line.words
    k = i + 1
    if words[k] == "of":
        k += 1
    if words[k] == "more":
        k += 1
    named = unit_at(line, k)
    if named is None:
        return None
    return Length(((FEW[words[i]], named[0]),), named[1], words[i] in _FEWEST)


def _part(line: Line, i: int) -> tuple[float, int] | None:
    """A part of one, and the token after it: "a half", "one quarter", "three quarters", "¾"."""
    words = line.words
    if words[i] in _SIGNS:
        return _SIGNS[words[i]], i + 1
    k = i + 1 if words[i] in ("a", "an", "one", "another") else i
    if words[k] in _PARTS:
        return _PARTS[words[k]], k + 1
    if words[i] in _QUARTERS:
        k = line.skip_hyphen(i + 1)
        if words[k] in ("quarters", "quarter"):
            return _QUARTERS[words[i]], k + 1
    return None


def _fraction(line: Line, i: int) -> Length | None:
    """ "half an hour", "a half hour", "quarter of an hour", "three quarters of an hour"."""
    words = line.words
    part = _part(line, i)
    if part is None:
        return None
    value, k = part
    if words[i] == "half" and words[k] in ("a", "an") and words[k + 1] in _ROUND:
        unit = UNITS.get(words[k + 2])
        return Length(((_ROUND[words[k + 1]] / 2, unit),), k + 3, False) if unit else None
    start = k
    k += words[k] == "-"
    k += words[k] == "of"
    k += words[k] in ("a", "an")
    unit = UNITS.get(words[k])
    # "a quarter hour" is a length; of other units a quarter needs "of".
    if value != 0.5 and k == start and unit != "hour":
        return None
    if unit is None or unit == "quarter" or words[k].endswith("s"):
        return None
    return Length(((value, unit),), k + 1, False)


def _counted(line: Line, i: int) -> Length | None:
    found = number(line, i)
    words = line.words
    if found is None or found.ordinal or found.digits > _DIGITS_MAX:
        return None
    value, k = found.value, found.last
    if words[k] == "/" and line.kinds[k + 1] == "number" and len(words[k + 1]) == 1:
        below = int(words[k + 1])
        if below and value < below:
            value, k = value / below, k + 2
            k += words[k] == "of"
            k += words[k] in ("a", "an")
    else:
        value, k = _with_part(line, value, k)
    if words[k] in ("dozen", "score") and not found.digits:
        value, k = value * (12 if words[k] == "dozen" else 20), k + 1
    if found.digits and line.joined(k) and line.kinds[k] == "word":
        glued = _glued(line, value, k)
        if glued:
            return glued
    if words[k] == "-" or words[k] in _BETWEEN:
        k += 1
    touching = found.digits > 0 and (line.joined(k) or words[k] == "h")
    named = unit_at(line, k, touching)
    if named is None or (words[i] == "one" and words[k] in CARDINALS):
        return None
    unit, last = named
    if unit == "second" and words[k] == "second" and value != 1 and not found.digits:
        return None
    return Length(((value, unit),), last, False)


def _with_part(line: Line, value: float, k: int) -> tuple[float, int]:
    """The "and a half" of "two and a half hours", the "1/2" of "1 1/2 hours", the sign of "1½"."""
    words = line.words
    if words[k] in _SIGNS:
        return value + _SIGNS[words[k]], k + 1
    if words[k] == "1" and words[k + 1] == "/" and words[k + 2] in ("2", "4"):
        return value + 1 / int(words[k + 2]), k + 3
    m = line.skip_hyphen(k)
    if words[m] != "and":
        return value, k
    m = line.skip_hyphen(m + 1)
    n = line.skip_hyphen(m + 1) if words[m] in ("a", "one") else m
    if words[n] in _PARTS:
        part, last = _PARTS[words[n]], n + 1
    elif words[m] == "three" and words[m + 1] in ("quarter", "quarters"):
        part, last = 0.75, m + 2
    else:
        return value, k
    return (value + part, last) if words[last] in UNITS else (value, k)


def _glued(line: Line, value: float, k: int) -> Length | None:
    found = _GLUED.fullmatch(line.words[k])
    if found is None:
        return None
    amounts: list[tuple[float, str]] = []
    for figure, name in ((value, found[1]), (found[2], found[3]), (found[4], found[5])):
        if figure is None:
            break
        unit = UNITS.get(name) or SHORT_UNITS.get(name)
        if unit is None or (amounts and rank(unit) >= rank(amounts[-1][1])):
            return None
        amounts.append((float(figure), unit))
    return Length(tuple(amounts), k + 1, False)
