"""Stretches of the calendar: "next month", "the last Friday of March", "Q3 2027", "week 31"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.amounts import rank
from selene_os.language.times.durations import unit_at
from selene_os.language.times.holidays import holiday_at
from selene_os.language.times.line import HYPHENS, Line
from selene_os.language.times.numerals import number, spoken_year, whole
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.typed import typed_date
from selene_os.language.times.units import (
    DECADES,
    UNFIXED,
    decade,
    named_unit,
    of_year,
    quarter_or_half,
    season,
    to_date,
    typed_year,
    unfixed,
)
from selene_os.language.times.words import (
    MODIFIERS,
    MONTHS,
    PARTS,
    SEASONS,
    UNITS,
    WEEKDAYS,
)
from selene_os.language.times.years import month_first

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
_THE_DAY: Final = ("the", "day")
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
        return season(line, i, cue)
    if word in ("week", "year", "weekend", "quarter", "month"):
        return named_unit(line, i, cue)
    if word in UNFIXED or word[:2] == "fy":
        return unfixed(line, i)
    if word in ("rest", "remainder"):
        return _rest(line, i, deep)
    if word in DECADES or words[line.skip_hyphen(i + 1)] in DECADES:
        return decade(line, i, cue)
    if word in ("ytd", "mtd", "qtd", "wtd"):
        return to_date(line, i)
    if word == "all" and words[i + 1] in ("week", "month", "year"):
        return None
    if len(word) == 2 and word[0] in "qh" and word[1] in "1234":
        return quarter_or_half(line, i, word)
    if line.kinds[i] == "number":
        return typed_year(line, i, cue) or _counted(line, i, deep)
    if cue or word in ("two", "nineteen", "twenty"):
        spoken = spoken_year(line, i)
        if spoken and (cue or words[i + 1] == "thousand" or words[i] == "nineteen"):
            return Item("period", Term("ymd", (int(spoken.value), None, None)), spoken.last)
    return _counted(line, i, deep)


def _rest(line: Line, i: int, deep: int) -> Item | None:
    """ "the rest of the week", "the remainder of today"."""
    words = line.words
    if words[i + 1] != "of":
        return None
    k = i + 2
    if words[k] == "today" or words[k : k + 2] == ("the", "day"):
        return Item("period", Term("rest", (Term("day", (0,)),)), k + (words[k] == "the") + 1)
    k += words[k] == "my"
    outer = _outer(line, k, deep)
    return Item("period", Term("rest", (outer.term,)), outer.last) if outer else None


def _the(line: Line, i: int, cue: bool, deep: int) -> Item | None:
    words = line.words
    word = words[i + 1]
    if word == "bom" or word == "boy":
        return period(line, i + 1, True, deep + 1)
    if word in ("week", "weekend", "month", "quarter", "year", "day", "fortnight"):
        if word == "day" or (word == "week" and words[i + 2] == "s"):
            return None
        if word == "month" and words[i + 2] == "of" and words[i + 3] in MONTHS:
            return month_first(line, i + 3, True)
        numbered = named_unit(line, i + 1, True)
        if numbered and numbered.last > i + 2:
            return numbered
        return Item("period", Term("period", (word, 0)), i + 2)
    if word in SEASONS:
        return season(line, i + 1, True)
    if word == "the":
        return None
    tens = word in DECADES or (line.kinds[i + 1] == "number" and words[i + 2] in ("s", "'"))
    return period(line, i + 1, cue or tens, deep + 1)


def _modified(line: Line, i: int, deep: int) -> Item | None:
    """ "next ...", "this ...", "last ...": a unit, a weekday, a month, a feast, several units."""
    words = line.words
    mod = MODIFIERS[words[i]]
    k = i + 1
    if words[i] == "last" and i and (words[i - 1] in _AUXILIARIES or words[i - 1][-3:] == "n't"):
        return None
    if words[k] == "calendar" and words[k + 1] in _PERIODS:
        k += 1
    if words[k] in UNFIXED and words[k + 1] in ("year", "quarter"):
        return Item("period", Term("unfixed"), k + 2)
    if words[k] in _WORKING:
        return _working(line, i, k, mod, deep)
    if words[k] in MODIFIERS and mod and words[k] == words[i]:
        mod, k = mod * 2, k + 1
    elif mod == 0 and MODIFIERS.get(words[k]):
        # "this coming Friday", "this past Monday".
        return _modified(line, k, deep)
    word = words[k]
    if words[i] == "last" and (word in WEEKDAYS or word in UNITS or whole(line, k)):
        counted = nth(line, -1, k, deep)
        if counted:
            return counted
    unit = UNITS.get(word)
    if unit in _PERIODS:
        if words[k - 1] == "past" and mod == -1 and word.endswith("s"):
            return Item("period", Term("period", (unit, -1)), k + 1)
        if unit == "weekend" and words[i] in _NEAR and mod > 0:
            return Item("period", Term("beside", (unit, 1, 1, Term("day", (0,)))), k + 1)
        return Item("period", Term("period", (unit, mod)), k + 1)
    if unit == "day" and word == "day":
        return Item("day", Term("day", (mod,)), k + 1)
    if unit in ("hour", "minute") and mod and not word.endswith("s"):
        return Item("period", Term("rolling", (unit, 1, mod)), k + 1)
    if word in WEEKDAYS:
        last = k + 2 if words[k + 1] == "." and line.joined(k + 1) else k + 1
        if words[last] == "week":
            last += 1
        if mod == 1 and words[last : last + 2] == ("after", "next"):
            return Item("weekday", Term("weekday", (WEEKDAYS[word], "after_next")), last + 2)
        which = _NEAR.get(words[i], _MODS[mod])
        return Item("weekday", Term("weekday", (WEEKDAYS[word], which)), last)
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


_WORKING: Final = frozenset({"working", "work", "business", "workweek", "workday"})


def _working(line: Line, i: int, k: int, mod: int, deep: int) -> Item | None:
    """ "next working day", "this work week", "the last business day of March"."""
    words = line.words
    last = k + 1 if words[k] in ("workweek", "workday") else k + 2
    if words[last - 1] in ("week", "workweek"):
        return Item("period", Term("work_week", (mod,)), last)
    if words[last - 1] not in ("day", "workday"):
        return _several(line, i, k, mod)
    counted = nth(line, -1, k, deep) if words[i] == "last" else None
    if counted:
        return counted
    term = Term("shift", (None, ((1, "weekday"),), mod)) if mod else Term("day", (0,))
    return Item("day", term, last)


# "coming Friday" is the nearest one, where "next Friday" may be the one after.
_NEAR: Final = {"coming": "coming", "upcoming": "coming", "past": "past"}
_MODS: Final = {-2: "last", -1: "last", 0: "this", 1: "next", 2: "after_next"}


def _several(line: Line, i: int, k: int, mod: int) -> Item | None:
    """ "next three months", "last 2 days", "next couple of weeks", "this 5/12"."""
    words = line.words
    if mod == 0:
        # "this 5/12" is of this year, past or not.
        typed = typed_date(line, k, True) if line.kinds[k] == "number" else None
        if typed is None or typed.cat != "day":
            return typed
        return Item("day", Term("inside", (typed.term, Term("period", ("year", 0)))), typed.last)
    if words[k] in ("few", "several", "couple"):
        m = k + 2 if words[k + 1] == "of" else k + 1
        named = unit_at(line, m)
        unit, m = (named[0], named[1] - 1) if named else (None, m)
        count = 2 if words[k] == "couple" else 3
        return Item("period", Term("rolling", (unit, count, mod)), m + 1) if unit else None
    count_of = whole(line, k)
    if count_of:
        named = unit_at(line, count_of.last)
        if named and count_of.digits <= 4:
            op = "upcoming" if words[i] == "upcoming" else "rolling"
            term = Term(op, (named[0], int(count_of.value), mod))
            return Item("period", term, named[1])
        typed = typed_date(line, k, True) if line.kinds[k] == "number" else None
        if typed and typed.cat == "day":
            return Item("day", Term("not_today", (typed.term, mod)), typed.last)
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
    if words[i] == "end" and which == "end" and (word == "day" or words[k : k + 2] == _THE_DAY):
        return Item("clock", Term("end_of_day"), k + 1 + (word == "the"))
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
    if words[i] == "end" and words[k + (word == "the")] in WEEKDAYS:
        k += word == "the"
        day = Term("weekday", (WEEKDAYS[words[k]], None))
        return Item("moment", Term("at", (day, Term("end_of_day"))), k + 1)
    if word in WEEKDAYS and words[i] in ("early", "late", "later", "earlier"):
        return Item("weekday", Term("weekday", (WEEKDAYS[word], None)), k + 1)
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


def _counted(line: Line, i: int, deep: int) -> Item | None:
    """ "first Monday of March", "third last week of 2018", "15th century", "two upcoming days"."""
    words = line.words
    found = number(line, i)
    last_one = words[i] == "last"
    if words[i] == "penultimate":
        return nth(line, -2, i + 1, deep)
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
    if words[k] == "last" and found:
        k, n = k + 1, -n
    elif words[k] == "to" and words[k + 1] == "last" and found:
        k, n = k + 2, -n
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
        year, last = of_year(line, k + 1)
        return Item("period", Term("quarter", (n, 4, year)), last)
    if word == "half" and n in (1, 2):
        year, last = of_year(line, k + 1)
        if year:
            return Item("period", Term("quarter", (n, 2, year)), last)
        whole_one = _outer(line, k + 2, deep) if words[k + 1] == "of" else None
        if whole_one is None:
            return None
        return Item("period", Term("half", (n, whole_one.term)), whole_one.last)
    named = unit_at(line, k)
    thing: str | int | None = WEEKDAYS.get(word, named[0] if named else None)
    if thing is None or thing in ("second", "minute", "hour"):
        return None
    k = named[1] if named else k + 1
    part = PARTS.get(words[k]) if isinstance(thing, int) else None
    k += part is not None
    if word == "week" and words[k] == "-" and words[k + 1] == "end":
        thing, k = "weekend", k + 2
    if words[k] not in ("of", "in", "on"):
        if thing == "week" and n > 2 and words[k - 1] == "week":
            return Item("period", Term("week", (n, None)), k) if n <= 53 else None
        return None
    outer = _outer(line, k + 1, deep)
    # "last year in March" is no year of a March.
    if outer is None or (isinstance(thing, str) and rank(thing) >= _size(outer.term)):
        return None
    cat = "day" if isinstance(thing, int) or thing == "day" else "period"
    term = Term("nth", (n, thing, outer.term))
    if part:
        return Item("moment", Term("at", (term, Term("part", (part,)))), outer.last)
    return Item(cat, term, outer.last)


def _size(term: Term) -> int:
    """The rank of the unit that a period is as long as."""
    if term.op == "ymd":
        return rank("month" if term.args[1] else "year")
    if term.op == "period":
        return rank(term.args[0])
    return rank(term.op) if term.op in ("month", "week") else rank("century") + 1


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
