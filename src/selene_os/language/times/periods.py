"""Stretches of the calendar: "next month", "the last Friday of March", "Q3 2027", "week 31"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.holidays import holiday_at
from selene_os.language.times.line import HYPHENS, Line
from selene_os.language.times.numerals import number, spoken_year, whole
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.typed import typed_date
from selene_os.language.times.words import (
    MODIFIERS,
    MONTHS,
    PARTS,
    SEASONS,
    UNITS,
    WEEKDAYS,
)
from selene_os.language.times.years import month_first, year_at

_PERIODS: Final = frozenset(
    {"fortnight", "week", "weekend", "month", "quarter", "year", "decade", "century"}
)
_ENDS: Final[dict[str, str]] = {
    "end": "end",
    "beginning": "begin",
    "start": "begin",
    "middle": "mid",
    "mid": "mid",
    "early": "begin",
    "late": "end",
    "earlier": "earlier",
    "later": "later",
}
_SHORT: Final[dict[str, tuple[str, str]]] = {
    "eoy": ("end", "year"),
    "eom": ("end", "month"),
    "eow": ("end", "week"),
    "boy": ("begin", "year"),
    "bom": ("begin", "month"),
    "eod": ("end", "day"),
}
# After these "last" is a verb: "it will last two hours".
_AUXILIARIES: Final = frozenset(
    "will would should can could may might must to does did do not cannot".split()
)
_DEEP: Final = 3


def period(line: Line, i: int, cue: bool, deep: int = 0) -> Item | None:
    """The calendar period at token `i`; `cue` says that a preposition announced one."""
    words = line.words
    word = words[i]
    if deep > _DEEP:
        return None
    if word in MODIFIERS:
        return _modified(line, i, deep)
    if word == "the":
        return _the(line, i, cue, deep)
    if word in _ENDS:
        return _edge(line, i, deep)
    if word in _SHORT and (word[0] == "e" or cue):
        which, unit = _SHORT[word]
        if unit == "day":
            return Item("clock", Term("end_of_day"), i + 1)
        return Item("period", Term("edge", (which, Term("period", (unit, 0)))), i + 1)
    if word in SEASONS:
        return _season(line, i, cue)
    if word in ("week", "year", "weekend", "quarter", "month"):
        return _named_unit(line, i, cue)
    if word == "all" and words[i + 1] in ("week", "month", "year"):
        return None
    if len(word) == 2 and word[0] in "qh" and word[1] in "1234":
        return _quarter_or_half(line, i, word)
    if line.kinds[i] == "number":
        return _year(line, i, cue) or _counted(line, i, deep)
    if cue or word in ("two", "nineteen", "twenty"):
        spoken = spoken_year(line, i)
        if spoken and (cue or words[i + 1] == "thousand" or words[i] == "nineteen"):
            return Item("period", Term("ymd", (int(spoken.value), None, None)), spoken.last)
    return _counted(line, i, deep)


def _the(line: Line, i: int, cue: bool, deep: int) -> Item | None:
    words = line.words
    word = words[i + 1]
    if word == "bom" or word == "boy":
        return period(line, i + 1, True, deep + 1)
    if word in ("week", "weekend", "month", "quarter", "year", "day", "fortnight"):
        if word == "day" or (word == "week" and words[i + 2] == "s"):
            return None
        numbered = _named_unit(line, i + 1, True)
        if numbered and numbered.last > i + 2:
            return numbered
        if words[i + 2] == "before" and words[i + 3] == "last":
            return Item("period", Term("period", (word, -2)), i + 4)
        if words[i + 2] == "after" and words[i + 3] == "next":
            return Item("period", Term("period", (word, 2)), i + 4)
        return Item("period", Term("period", (word, 0)), i + 2)
    if word in SEASONS:
        return _season(line, i + 1, True)
    if word == "the":
        return None
    decade = line.kinds[i + 1] == "number" and words[i + 2] == "s"
    return period(line, i + 1, cue or decade, deep + 1)


def _modified(line: Line, i: int, deep: int) -> Item | None:
    """ "next ...", "this ...", "last ...": a unit, a weekday, a month, a feast, several units."""
    words = line.words
    mod = MODIFIERS[words[i]]
    k = i + 1
    if words[i] == "last" and i and (words[i - 1] in _AUXILIARIES or words[i - 1][-3:] == "n't"):
        return None
    if words[k] == "calendar" and words[k + 1] in _PERIODS:
        k += 1
    if words[k] in ("working", "work", "business") and words[k + 1] == "week":
        return Item("period", Term("work_week", (mod,)), k + 2)
    if words[k] in MODIFIERS and mod and words[k] == words[i]:
        mod, k = mod * 2, k + 1
    word = words[k]
    if words[i] == "last" and (word in WEEKDAYS or word in UNITS):
        counted = nth(line, -1, k, deep)
        if counted:
            return counted
    unit = UNITS.get(word)
    if unit in _PERIODS:
        if words[k - 1] == "past" and mod == -1 and word.endswith("s"):
            return Item("period", Term("period", (unit, -1)), k + 1)
        return Item("period", Term("period", (unit, mod)), k + 1)
    if unit == "day" and mod and word == "day":
        return Item("day", Term("day", (mod,)), k + 1)
    if unit in ("hour", "minute") and mod and not word.endswith("s"):
        return Item("period", Term("rolling", (unit, 1, mod)), k + 1)
    if word in WEEKDAYS:
        last = k + 2 if words[k + 1] == "." and line.joined(k + 1) else k + 1
        if words[last] == "week":
            last += 1
        return Item("weekday", Term("weekday", (WEEKDAYS[word], _MODS[mod])), last)
    if word in MONTHS and (word != "apr" or words[i] in ("this", "next", "last")):
        return Item("period", Term("month", (MONTHS[word], mod)), k + 1)
    if word in SEASONS:
        return Item("period", Term("season", (SEASONS[word], mod)), k + 1)
    if word in ("season", "seasons"):
        return Item("period", Term("season", (None, mod)), k + 1)
    feast = holiday_at(line, k)
    if feast:
        return Item("day", Term("holiday", (feast[0], mod)), feast[1])
    return _several(line, i, k, mod)


_MODS: Final = {-2: "last", -1: "last", 0: "this", 1: "next", 2: "after_next"}


def _several(line: Line, i: int, k: int, mod: int) -> Item | None:
    """ "next three months", "last 2 days", "next couple of weeks", "this 5/12"."""
    words = line.words
    if mod == 0:
        return typed_date(line, k, True) if line.kinds[k] == "number" else None
    if words[k] in ("few", "several", "couple"):
        m = k + 2 if words[k + 1] == "of" else k + 1
        unit = UNITS.get(words[m])
        count = 2 if words[k] == "couple" else 3
        return Item("period", Term("rolling", (unit, count, mod)), m + 1) if unit else None
    count_of = whole(line, k)
    if count_of:
        unit = UNITS.get(words[count_of.last])
        if unit and count_of.digits <= 4:
            op = "upcoming" if words[i] == "upcoming" else "rolling"
            term = Term(op, (unit, int(count_of.value), mod))
            return Item("period", term, count_of.last + 1)
        typed = typed_date(line, k, True) if line.kinds[k] == "number" else None
        if typed and typed.cat == "day":
            return Item("day", Term("not_today", (typed.term, mod)), typed.last)
    ordinal = number(line, k)
    if mod < 0 and ordinal is None:
        return None
    return None


def _edge(line: Line, i: int, deep: int) -> Item | None:
    """ "end of month", "the beginning of next week", "mid March", "later this year"."""
    words = line.words
    which = _ENDS[words[i]]
    k = i + 1
    if words[i] in ("end", "beginning", "start", "middle"):
        if words[k] == "of":
            k += 1
        elif words[k] not in ("this", "next"):
            return None
    elif words[k] in HYPHENS:
        k += 1
    elif words[k] in ("in", "on") and words[i] in ("earlier", "later", "early", "late"):
        k += 1
        if words[k] == "the" and words[k + 1] == "day":
            return Item("part", Term("part", ("early" if which != "end" else "late",)), k + 2)
    if words[k] in ("around", "about"):
        k += 1
    word = words[k]
    if words[i] in ("end", "beginning", "start") and word in _PERIODS:
        return Item("period", Term("edge", (which, Term("period", (UNITS[word], 0)))), k + 1)
    if word in ("today", "tomorrow") or (word == "the" and words[k + 1] == "day"):
        if words[i] in ("early", "late", "earlier", "later"):
            return Item("day", Term("day", (1 if word == "tomorrow" else 0,)), k + 1)
        if which == "end" and words[i] == "end":
            day = Term("day", (1 if word == "tomorrow" else 0,))
            last = k + 2 if word == "the" else k + 1
            return Item("moment", Term("at", (day, Term("end_of_day"))), last)
        return None
    found = month_first(line, k, True) if word in MONTHS else period(line, k, True, deep + 1)
    if found and found.cat == "period":
        return Item("period", Term("edge", (which, found.term)), found.last)
    if words[i] in ("early", "late", "later", "earlier", "mid"):
        return _edge_of_part(line, k, which)
    return None


def _edge_of_part(line: Line, k: int, which: str) -> Item | None:
    words = line.words
    this = words[k] in ("this", "the")
    part = PARTS.get(words[k + this])
    if part not in ("morning", "afternoon", "evening", "night"):
        if words[k] in ("tonight", "tonite"):
            return Item("tonight", Term("part", ("late_tonight",)), k + 1)
        return None
    term = Term("part", (f"late_{part}" if which in ("end", "later") else part,))
    if this and words[k] == "this":
        return Item("moment", Term("at", (Term("day", (0,)), term)), k + 2)
    return Item("part", term, k + this + 1)


def _season(line: Line, i: int, cue: bool) -> Item | None:
    words = line.words
    year, last = year_at(line, i + 1, strict=True)
    term = Term("season", (SEASONS[words[i]], None))
    if year:
        return Item("period", Term("inside", (term, Term("ymd", (year, None, None)))), last)
    if not cue or words[i] in ("fall", "spring"):
        return Item("period", term, i + 1) if cue and words[i - 1] in ("in", "the") else None
    return Item("period", term, i + 1)


def _named_unit(line: Line, i: int, cue: bool) -> Item | None:
    """ "week 31", "year 2008", "weekend", "the week 3 of 2027"."""
    words = line.words
    word = words[i]
    figure = number(line, i + 1)
    if figure and figure.value == int(figure.value):
        value = int(figure.value)
        if word == "week" and 1 <= value <= 53:
            year, last = _of_year(line, figure.last)
            return Item("period", Term("week", (value, year)), last)
        if word == "year" and 1000 <= value <= 2999:
            return Item("period", Term("ymd", (value, None, None)), figure.last)
        if word == "quarter" and 1 <= value <= 4:
            year, last = _of_year(line, figure.last)
            return Item("period", Term("quarter", (value, 4, year)), last)
    if word == "weekend" and not (i and words[i - 1] in ("a", "my", "your", "per", "each")):
        return Item("period", Term("period", ("weekend", 0)), i + 1)
    if word == "week" and words[i + 1] == "after" and words[i + 2] == "next":
        return Item("period", Term("period", ("week", 2)), i + 3)
    return None


def _of_year(line: Line, k: int) -> tuple[Term | None, int]:
    """The year, spelt or relative, that a quarter or week belongs to."""
    year, last = year_at(line, k, strict=True)
    if year:
        return Term("ymd", (year, None, None)), last
    m = k + 1 if line.words[k] in ("of", "in") else k
    m += line.words[m] == "the"
    if line.words[m] in MODIFIERS and UNITS.get(line.words[m + 1]) == "year":
        return Term("period", ("year", MODIFIERS[line.words[m]])), m + 2
    if line.words[m] == "year" and m > k:
        return Term("period", ("year", 0)), m + 1
    return None, k


def _quarter_or_half(line: Line, i: int, word: str) -> Item | None:
    parts = 4 if word[0] == "q" else 2
    if int(word[1]) > parts:
        return None
    year, last = _of_year(line, i + 1)
    if parts == 2 and year is None:
        return None
    return Item("period", Term("quarter", (int(word[1]), parts, year)), last)


def _year(line: Line, i: int, cue: bool) -> Item | None:
    """ "2018Q4", "2019-H2", "2016 November", "in 2014"."""
    words = line.words
    word = words[i]
    if len(word) in (2, 4) and word[-1] == "0" and words[i + 1] == "s" and (cue or len(word) == 4):
        first = int(word) if len(word) == 4 else int(word) + (1900 if int(word) >= 30 else 2000)
        return Item("period", Term("years", (first, 10)), i + 2)
    if len(word) != 4 or not 1000 <= int(word) <= 2999:
        return None
    year = Term("ymd", (int(word), None, None))
    k = i + 1
    k += words[k] in HYPHENS or words[k] == ","
    after = words[k]
    if len(after) == 2 and after[0] in "qh" and after[1] in "1234":
        parts = 4 if after[0] == "q" else 2
        if int(after[1]) <= parts:
            return Item("period", Term("quarter", (int(after[1]), parts, year)), k + 1)
    if after in MONTHS and (k == i + 1 or words[i + 1] == ","):
        day = number(line, k + 1)
        if day and 1 <= day.value <= 31 and day.digits in (0, 1, 2):
            return Item("day", Term("ymd", (int(word), MONTHS[after], int(day.value))), day.last)
        return Item("period", Term("ymd", (int(word), MONTHS[after], None)), k + 1)
    if cue and 1900 <= int(word) <= 2100 and words[i + 1] not in (":", "%", "hours"):
        last = i + 1
        if words[last : last + 4] == ("a", ".", "d", "."):
            last += 4
        return Item("period", year, last)
    return None


def _counted(line: Line, i: int, deep: int) -> Item | None:
    """ "first Monday of March", "third last week of 2018", "15th century", "two upcoming days"."""
    words = line.words
    found = number(line, i)
    last_one = words[i] == "last"
    if found is None and not last_one:
        return None
    n, k, ordinal = (int(found.value), found.last, found.ordinal) if found else (-1, i + 1, True)
    if not ordinal:
        many = n == 1 or words[k] == "upcoming" or words[k + 1].endswith("s")
        if MODIFIERS.get(words[k]) and UNITS.get(words[k + 1]) and many:
            op = "upcoming" if words[k] == "upcoming" else "rolling"
            term = Term(op, (UNITS[words[k + 1]], n, MODIFIERS[words[k]]))
            return Item("period", term, k + 2) if found and found.digits <= 4 else None
        return None
    if words[k] in ("last", "to") and found:
        k += 1 if words[k] == "last" else 2
        n = -n
    return nth(line, n, k, deep)


def nth(line: Line, n: int, k: int, deep: int) -> Item | None:
    """What an ordinal at its left counts at token `k`: units or weekdays of a period."""
    words = line.words
    many = whole(line, k)
    if many and many.digits <= 2 and words[many.last] in UNITS and n in (1, -1):
        return _first_many(line, n, int(many.value), many.last, deep)
    word = words[k]
    unit = UNITS.get(word)
    if unit == "century" and 1 <= n <= 30:
        return Item("period", Term("years", (100 * (n - 1), 100)), k + 1)
    if unit == "quarter" and 1 <= n <= 4:
        year, last = _of_year(line, k + 1)
        return Item("period", Term("quarter", (n, 4, year)), last)
    if word == "half" and n in (1, 2):
        year, last = _of_year(line, k + 1)
        return Item("period", Term("quarter", (n, 2, year)), last) if year else None
    thing: str | int | None = WEEKDAYS.get(word, unit)
    if thing is None or thing in ("second", "minute", "hour"):
        return None
    k += 1
    part = PARTS.get(words[k]) if isinstance(thing, int) else None
    k += part is not None
    if word == "week" and words[k] == "-" and words[k + 1] == "end":
        thing, k = "weekend", k + 2
    if words[k] not in ("of", "in", "on"):
        return None
    outer = _outer(line, k + 1, deep)
    if outer is None:
        return None
    cat = "day" if isinstance(thing, int) or thing == "day" else "period"
    term = Term("nth", (n, thing, outer.term))
    if part:
        return Item("moment", Term("at", (term, Term("part", (part,)))), outer.last)
    return Item(cat, term, outer.last)


def _first_many(line: Line, n: int, count: int, k: int, deep: int) -> Item | None:
    """ "first ten days of last year"."""
    unit = UNITS[line.words[k]]
    if line.words[k + 1] not in ("of", "in"):
        return None
    outer = _outer(line, k + 2, deep)
    if outer is None:
        return None
    return Item("period", Term("first_many", (n, count, unit, outer.term)), outer.last)


def _outer(line: Line, k: int, deep: int) -> Item | None:
    words = line.words
    m = k + 1 if words[k] == "the" else k
    found = month_first(line, m, True) if words[m] in MONTHS else period(line, k, True, deep + 1)
    return found if found and found.cat == "period" else None
