"""What is counted from another date: "the day after Christmas", "third Tuesday after Easter"."""

from __future__ import annotations

from typing import Final, NamedTuple

from selene_os.language.times.durations import unit_at
from selene_os.language.times.holidays import holiday_at
from selene_os.language.times.line import Line
from selene_os.language.times.numerals import number
from selene_os.language.times.words import WEEKDAYS

_BEFORE: Final = frozenset({"before", "preceding"})
_AFTER: Final = frozenset({"after", "following"})
_COUNTED: Final = frozenset({"day", "weekday", "week", "weekend", "month", "quarter", "year"})


class Head(NamedTuple):
    """What is counted, how far and which way, and the token where the date to count from begins."""

    thing: int | str
    n: int
    sign: int
    base: int


class Nearest(NamedTuple):
    """ "the second closest Monday to": which one, a weekday or feast, and the token of the date."""

    n: int
    thing: int | str
    base: int


def nearest_head(line: Line, i: int) -> Nearest | None:
    """The part before the date of "the [second] closest|nearest <weekday or feast> to <date>"."""
    words = line.words
    k = i + 1 if words[i] == "the" else i
    n = 1
    ordinal = number(line, k)
    if ordinal and ordinal.ordinal:
        n, k = int(ordinal.value), ordinal.last
    if words[k] not in ("closest", "nearest") or not 1 <= n <= 20:
        return None
    thing: int | str | None = WEEKDAYS.get(words[k + 1])
    last = k + 2
    if thing is None:
        feast = holiday_at(line, k + 1)
        if feast is None:
            return None
        thing, last = feast
    return Nearest(n, thing, last + 1) if words[last] == "to" else None


def relation_head(line: Line, i: int) -> Head | None:
    """The part before the date of "the [second] Friday|day|week before|after <date>"."""
    words = line.words
    k = i + 1 if words[i] == "the" else i
    n = 1
    if words[k] == "last" and words[k + 1] in WEEKDAYS:
        k += 1
    else:
        ordinal = number(line, k)
        if ordinal and ordinal.ordinal:
            n, k = int(ordinal.value), ordinal.last
    if words[k] in WEEKDAYS:
        thing: int | str = WEEKDAYS[words[k]]
        k += 1
    else:
        unit = unit_at(line, k)
        if unit is None or unit[0] not in _COUNTED or words[unit[1] - 1].endswith("s"):
            return None
        thing, k = unit
    word = words[k]
    if not 1 <= n <= 60:
        return None
    if word == "prior" and words[k + 1] == "to":
        return Head(thing, n, -1, k + 2)
    if word in _BEFORE or word in _AFTER:
        return Head(thing, n, -1 if word in _BEFORE else 1, k + 1)
    return None
