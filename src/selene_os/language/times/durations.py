"""Lengths of time: "two hours and 15 minutes", "an hour and a half", "all day"."""

from __future__ import annotations

from typing import Final, NamedTuple

from selene_os.language.times.line import Line
from selene_os.language.times.numerals import number
from selene_os.language.times.words import CARDINALS, SHORT_UNITS, UNITS

Amounts = tuple[tuple[float, str], ...]
_FEW: Final[dict[str, int]] = {"few": 3, "several": 3, "some": 3, "couple": 2, "pair": 2}
_WHOLE: Final = frozenset({"all", "full", "whole", "entire"})
_FEWEST: Final = frozenset({"few", "several", "some"})
_PIECES_MAX: Final = 7
_DIGITS_MAX: Final = 6
# How a unit is written in ISO 8601: letter, whether after the T, how many of it one unit is.
_ISO: Final[dict[str, tuple[str, bool, int]]] = {
    "second": ("S", True, 1),
    "minute": ("M", True, 1),
    "hour": ("H", True, 1),
    "day": ("D", False, 1),
    "night": ("D", False, 1),
    "weekday": ("D", False, 1),
    "weekend": ("D", False, 2),
    "week": ("W", False, 1),
    "fortnight": ("W", False, 2),
    "month": ("M", False, 1),
    "quarter": ("M", False, 3),
    "year": ("Y", False, 1),
    "decade": ("Y", False, 10),
    "century": ("Y", False, 100),
}
_SMALLER: Final = {"H": (60, "TM"), "TM": (60, "S"), "D": (24, "H"), "W": (7, "D")}


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
        more = _half_more(line, k, amounts[-1][1]) if k > last else None
        if more is None:
            more = _piece(line, k)
            if more and _rank(more.amounts[0][1]) >= _rank(amounts[-1][1]):
                break
        if more is None:
            break
        amounts.extend(more.amounts)
        last, about = more.last, about or more.about
    return Length(tuple(amounts), last, about)


def _rank(unit: str) -> int:
    return _ORDER.get(unit, 0)


_ORDER: Final = {
    unit: rank
    for rank, unit in enumerate(
        "second minute hour day week fortnight month quarter year decade century".split()
    )
} | {"night": 3, "weekday": 3, "weekend": 4}


def _half_more(line: Line, i: int, unit: str) -> Length | None:
    """The "a half" of "two hours and a half"."""
    words = line.words
    k = i + 1 if words[i] in ("a", "one") else i
    if words[k] in ("half", "quarter") and words[k + 1] not in UNITS and words[k + 1] != "an":
        return Length(((0.5 if words[k] == "half" else 0.25, unit),), k + 1, False)
    return None


def unit_at(line: Line, i: int, touching: bool = False) -> str | None:
    """The unit named at token `i`; one-letter units only where they touch their number."""
    word = line.words[i]
    unit = UNITS.get(word)
    if unit is None and touching:
        unit = SHORT_UNITS.get(word)
    return unit


def _piece(line: Line, i: int) -> Length | None:
    words = line.words
    word = words[i]
    if word in ("a", "an", "the", "another"):
        found = _after_article(line, i)
        return None if word == "the" else found
    if word in ("half", "quarter"):
        return _fraction(line, i)
    if word in _WHOLE:
        k = i + 2 if words[i + 1] in ("-", "the") else i + 1
        unit = UNITS.get(words[k])
        return Length(((1, unit),), k + 1, False) if unit else None
    if word in _FEWEST or word == "couple":
        return _few(line, i)
    return _counted(line, i)


def _after_article(line: Line, i: int) -> Length | None:
    words = line.words
    word = words[i + 1]
    if word in ("half", "quarter"):
        return _fraction(line, i + 1)
    if word in ("full", "whole", "single", "good", "entire", "additional"):
        unit = UNITS.get(words[i + 2])
        return Length(((1, unit),), i + 3, False) if unit else None
    if word in _FEW:
        return _few(line, i + 1)
    unit = UNITS.get(word)
    if unit is None or word.endswith("s") or (unit == "second" and words[i] != "one"):
        return None
    return Length(((1, unit),), i + 2, False)


def _few(line: Line, i: int) -> Length | None:
    words = line.words
    k = i + 1
    if words[k] == "of":
        k += 1
    if words[k] == "more":
        k += 1
    unit = UNITS.get(words[k])
    if unit is None:
        return None
    return Length(((_FEW[words[i]], unit),), k + 1, words[i] in _FEWEST)


def _fraction(line: Line, i: int) -> Length | None:
    """ "half an hour", "half hour", "quarter of an hour"."""
    words = line.words
    k = i + 1
    if words[k] in ("-",):
        k += 1
    if words[k] == "of":
        k += 1
    if words[k] in ("a", "an"):
        k += 1
    elif words[i] == "quarter" and k == i + 1 and words[k] != "hour":
        return None
    unit = UNITS.get(words[k])
    if unit is None or (unit == "quarter") or words[k].endswith("s"):
        return None
    return Length(((0.5 if words[i] == "half" else 0.25, unit),), k + 1, False)


def _counted(line: Line, i: int) -> Length | None:
    found = number(line, i)
    words = line.words
    if found is None or found.digits > _DIGITS_MAX:
        return None
    value, k = found.value, found.last
    if found.ordinal:
        return None
    if words[k] == "/" and line.kinds[k + 1] == "number" and len(words[k + 1]) == 1:
        below = int(words[k + 1])
        if below and value < below:
            value, k = value / below, k + 2
    elif words[k] == "and" and words[k + 1] in ("a", "one") and words[k + 2] in ("half", "quarter"):
        if words[k + 3] in UNITS:
            value, k = value + (0.5 if words[k + 2] == "half" else 0.25), k + 3
    elif words[k] == "and" and words[k + 1] == "half" and words[k + 2] in UNITS:
        value, k = value + 0.5, k + 2
    if words[k] == "-" or words[k] in ("more", "full", "whole", "business", "additional"):
        k += 1
    touching = found.digits > 0 and (line.joined(k) or words[k] == "h")
    unit = unit_at(line, k, touching)
    if unit is None or (words[i] in ("one", "a") and words[k] in CARDINALS):
        return None
    if unit == "second" and words[k] == "second" and value != 1 and not found.digits:
        return None
    return Length(((value, unit),), k + 1, False)


def iso_duration(amounts: Amounts) -> str:
    """ISO 8601 of `amounts`; parts of an hour, day or week go down to smaller units."""
    totals: dict[str, float] = {}
    for count, unit in amounts:
        letter, clock, size = _ISO[unit]
        key = "TM" if clock and letter == "M" else letter
        totals[key] = totals.get(key, 0) + count * size
    for key in ("W", "D", "H", "TM"):
        value = totals.get(key, 0)
        if value != int(value):
            size, smaller = _SMALLER[key]
            totals[key] = int(value)
            totals[smaller] = totals.get(smaller, 0) + round((value - int(value)) * size, 6)
    days = "".join(_figure(totals.get(k, 0), k) for k in ("Y", "M", "W", "D"))
    clock_part = "".join(_figure(totals.get(k, 0), k[-1]) for k in ("H", "TM", "S"))
    return f"P{days}T{clock_part}" if clock_part else f"P{days}" if days else "PT0S"


def _figure(value: float, letter: str) -> str:
    if not value:
        return ""
    return f"{int(value)}{letter}" if value == int(value) else f"{value:.6g}{letter}"


def grain_of(amounts: Amounts) -> str:
    """The finest unit of `amounts`, as a grain."""
    finest = min((unit for _, unit in amounts), key=_rank)
    return _GRAINS.get(finest, finest)


_GRAINS: Final = {
    "night": "day",
    "weekday": "day",
    "weekend": "day",
    "fortnight": "week",
    "decade": "year",
    "century": "year",
}
