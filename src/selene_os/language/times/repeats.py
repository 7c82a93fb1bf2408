"""Expressions that name no one moment: repetitions ("every Monday"), vague ones, and "now"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.line import Line
from selene_os.language.times.numerals import number
from selene_os.language.times.pairs import clock_range
from selene_os.language.times.phrases import point
from selene_os.language.times.words import (
    MONTHS,
    PARTS,
    UNITS,
    WEEKDAYS,
    WEEKDAYS_PLURAL,
)

_ADVERBS: Final = frozenset(
    "daily weekly monthly yearly annually hourly nightly quarterly biweekly fortnightly "
    "bimonthly weekdays weekends everyday".split()
)
_NOW: Final[tuple[tuple[str, ...], ...]] = (
    ("as", "soon", "as", "possible"),
    ("at", "the", "moment"),
    ("at", "this", "moment"),
    ("at", "this", "time"),
    ("at", "present"),
    ("right", "now"),
    ("right", "away"),
    ("just", "now"),
    ("atm",),
    ("asap",),
    ("now",),
    ("immediately",),
    ("currently",),
    ("straight", "away"),
)
_NOW_FIRST: Final = frozenset(words[0] for words in _NOW)
_VAGUE: Final[tuple[tuple[str, ...], ...]] = (
    ("at", "some", "point"),
    ("one", "of", "these", "days"),
    ("in", "a", "little", "while"),
    ("in", "a", "while"),
    ("in", "a", "bit"),
    ("a", "while", "ago"),
    ("later", "on"),
    ("some", "time"),
    ("some", "day"),
    ("one", "day"),
    ("sometime",),
    ("someday",),
    ("soon",),
    ("later",),
    ("eventually",),
    ("shortly",),
    ("recently",),
)
VAGUE: Final = frozenset(words[0] for words in _VAGUE) | _NOW_FIRST
_TIMES: Final = frozenset({"once", "twice", "thrice"})
REPEATERS: Final = frozenset({"every", "each"}) | _ADVERBS | _TIMES


def now_at(line: Line, i: int) -> int:
    """The token after "now" or what means the same at token `i`; 0 where nothing does."""
    if line.words[i] in _NOW_FIRST:
        # "ATM" stands for a machine as well: alone only, it is "at the moment".
        for words in _NOW:
            if line.phrase(i, *words) and (words != ("atm",) or line.size == 1):
                return i + len(words)
    return 0


def vague(line: Line, i: int) -> int:
    """The token after a vague expression at token `i`; 0 where there is none."""
    for words in _VAGUE:
        if words[0] == line.words[i] and line.phrase(i, *words):
            return i + len(words)
    return 0


def recurring(line: Line, i: int) -> int:
    """The token after a repetition at token `i`, with its time of day; 0 where there is none."""
    words = line.words
    word = words[i]
    last = 0
    if word in _ADVERBS:
        last = i + 1
    elif word in ("every", "each"):
        last = _every(line, i + 1)
    elif word in _TIMES:
        last = _per(line, i + 1)
    elif word in WEEKDAYS_PLURAL:
        last = i + 1
    elif word == "on" and (words[i + 1] in WEEKDAYS_PLURAL or words[i + 1] in _ADVERBS):
        last = i + 2
    if not last:
        return 0
    return _tail(line, last)


def _per(line: Line, i: int) -> int:
    """ "a week" of "twice a week"."""
    words = line.words
    if words[i] in ("a", "an", "per", "each", "every") and words[i + 1] in UNITS:
        return i + 2
    return 0


def _every(line: Line, i: int) -> int:
    words = line.words
    k = i
    k += words[k] in ("other", "single", "second", "few", "last", "first", "couple")
    k += words[k] == "of" and words[k - 1] == "couple"
    if k == i:
        found = number(line, i)
        k = found.last if found else i
    word = words[k]
    if word in UNITS or word in WEEKDAYS or word in MONTHS or word in ("weekday", "weekdays"):
        k += 1
        if words[k] in PARTS and PARTS[words[k]] in ("morning", "afternoon", "evening", "night"):
            k += 1
        return k
    return k + 1 if word in PARTS or word in WEEKDAYS_PLURAL else 0


def _tail(line: Line, last: int) -> int:
    """What may follow: other days ("and Friday"), a time of day ("at 5 pm")."""
    words = line.words
    for _ in range(4):
        k = last
        joint = words[k]
        if joint in ("and", ",", "or") and (
            words[k + 1] in WEEKDAYS or words[k + 1] in WEEKDAYS_PLURAL
        ):
            last = k + 2
            continue
        lead = joint in ("at", "@", "around", "from", "between", "about")
        k += lead
        ranged = clock_range(line, k, joint in ("from", "between"))
        if ranged:
            return ranged.last
        at = point(line, k, False, lead)
        if at is None or at.date is not None or at.clock is None:
            break
        last = at.last
    return last
