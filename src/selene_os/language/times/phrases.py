"""Whole expressions: prepositions, days with times of day, ranges, offsets, repetitions."""

from __future__ import annotations

from typing import Final, NamedTuple

from selene_os.language.times.chinese import chinese_at
from selene_os.language.times.clocks import clock
from selene_os.language.times.cues import cued, part_at
from selene_os.language.times.dates import date_at
from selene_os.language.times.durations import Length, length
from selene_os.language.times.line import Line
from selene_os.language.times.numerals import number
from selene_os.language.times.pairs import clock_range
from selene_os.language.times.relations import nearest_head, relation_head
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.words import CARDINALS, DAYS, MODIFIERS, PARTS, TENS, UNITS, WEEKDAYS
from selene_os.language.times.zones import zone_at

BEFORE: Final = frozenset({"before", "by", "until", "till", "til", "untill"})
AFTER: Final = frozenset({"after", "since", "from"})
ABOUT: Final = frozenset({"around", "about", "approximately", "approx", "circa", "roughly"})
_JOINERS: Final = frozenset(
    {",", "on", "at", "in", "for", "@", "of", "around", "about", "from", "between", "by", "的"}
)
_STEPS_MAX: Final = 6


class Point(NamedTuple):
    """A date, a time of day or both, composed; `cat` is the category of the date."""

    date: Term | None
    clock: Term | None
    last: int
    cat: str
    date_last: bool = False
    zone: tuple[str, ...] = ()

    @property
    def bare(self) -> Term:
        """The whole as one term, by the speaker's own clock."""
        if self.date and self.clock:
            return Term("at", (self.date, self.clock))
        found = self.date or self.clock
        assert found is not None
        return found

    @property
    def term(self) -> Term:
        """The whole as one term, with the zone that was said."""
        return Term("zoned", (self.bare, self.zone)) if self.zone else self.bare


def point(line: Line, i: int, cue: bool, bare: bool) -> Point | None:
    """The date and time of day at token `i`.

    Args:
        line: the text.
        i: the token where it starts.
        cue: whether a preposition announces a date.
        bare: whether a number alone is a time of day here.
    """
    found = _first(line, i, cue, bare)
    if found is None:
        return None
    for _ in range(_STEPS_MAX):
        more = extend(line, found)
        if more is None:
            break
        found = more
    return found


def _first(line: Line, i: int, cue: bool, bare: bool) -> Point | None:
    item = piece(line, i, cue, bare)
    if item is None:
        return _hour_of_part(line, i)
    return _point_of(item)


def _point_of(item: Item) -> Point | None:
    if item.cat == "now":
        return Point(item.term, None, item.last, "now")
    if item.cat == "moment":
        return Point(item.term.args[0], item.term.args[1], item.last, "day")
    if item.cat == "tonight":
        return Point(Term("day", (0,)), item.term, item.last, "tonight")
    if item.cat in ("clock", "part", "clocks"):
        return Point(None, item.term, item.last, item.cat)
    return Point(item.term, None, item.last, item.cat)


def piece(line: Line, i: int, cue: bool, bare: bool) -> Item | None:
    """One piece at token `i`: a part of the day, a clock time, or a date, in either language."""
    kind = line.kinds[i]
    if kind in ("cjk", "number"):
        chinese = chinese_at(line, i)
        if chinese:
            return chinese
        if kind == "cjk":
            return None
    if line.words[i] == "":
        return None
    part = part_at(line, i)
    if part:
        return part
    beside = _beside(line, i)
    if beside:
        return beside
    date = date_at(line, i, cue)
    if date and kind != "number":
        return date
    hour = clock(line, i, bare)
    if date is None or hour is None:
        return hour or date
    # "at 3.30pm" is a clock and "on 3.30" a date; "at 2015" a clock and "since 2015" a year.
    return hour if hour.last > date.last or (bare and not cue) else date


def _beside(line: Line, i: int) -> Item | None:
    """ "the day after Christmas", "third Tuesday after Easter"."""
    nearest = nearest_head(line, i)
    if nearest:
        base = date_at(line, nearest.base, True)
        if base is None or base.cat not in ("day", "dom", "weekday"):
            return None
        return Item("day", Term("nearest", (nearest.n, nearest.thing, base.term)), base.last)
    head = relation_head(line, i)
    if head is None or line.words[head.base] in MODIFIERS or head.base >= line.size:
        return None
    if relation_head(line, head.base):
        return None
    after = point(line, head.base, True, False)
    if after is None or after.clock or after.date is None or after.cat == "now":
        return None
    single = isinstance(head.thing, int) or head.thing in ("day", "weekday")
    # "Monday before Friday" is a plan, "the Monday before Friday" a day.
    if single and after.cat == "weekday" and line.words[i] != "the":
        return None
    term = Term("beside", (head.thing, head.n, head.sign, after.date))
    return Item("day" if single else "period", term, after.last)


def _hour_of_part(line: Line, i: int) -> Point | None:
    """ "8 this evening", "eleven in the morning": the part makes the number a time of day."""
    if line.kinds[i] != "number" and line.words[i] not in CARDINALS:
        return None
    hour = clock(line, i, bare=True)
    if hour is None or hour.term.op != "clock":
        return None
    part = part_at(line, hour.last)
    if part is None and i == 0 and line.words[hour.last] in DAYS:
        # "9 tomorrow" opens what is said; after another word the number may count things.
        return Point(None, hour.term, hour.last, "clock")
    if part is None or line.words[hour.last] in PARTS:
        return None
    return _merge(Point(None, hour.term, hour.last, "clock"), part)


def extend(line: Line, so_far: Point) -> Point | None:
    """`so_far` with the next piece, if there is one that belongs to it."""
    words = line.words
    k = so_far.last
    word = words[k]
    lead = ""
    if so_far.clock and not so_far.zone and so_far.clock.op in ("clock", "clocks"):
        zone = zone_at(line, k)
        if zone:
            return so_far._replace(zone=zone[0], last=zone[1])
    part = part_at(line, k)
    if part is None and so_far.clock is None and so_far.date and word in ("am", "pm"):
        part = Item("part", Term("part", ("morning" if word == "am" else "afternoon",)), k + 1)
    if part and (merged := _merge(so_far, part)):
        return merged
    offset = _offset_after(line, k, so_far)
    if offset:
        return offset
    while word in _JOINERS and k < so_far.last + 3:
        if word == "," and words[k + 1] in ("and", "or"):
            return None
        lead, k = word, k + 1
        word = words[k]
    if lead == "of" and so_far.cat == "period" and so_far.date and so_far.date.op == "ymd":
        lead = "in"
    elif lead == "of" and so_far.cat not in ("weekday", "part", "day", "clock"):
        return None
    if lead in ("from", "between"):
        return _clocks_after(line, k, so_far)
    shown = so_far.clock is not None and so_far.clock.op == "part"
    ranged = None if so_far.clock and not shown else clock_range(line, k, shown)
    if ranged:
        return _merge(so_far, ranged)
    bare = lead in ("at", "@", "around", "about", "by") or (
        lead == "for" and so_far.date is not None
    )
    bare = bare or (shown and line.kinds[k] == "number" and len(words[k]) >= 3)
    if lead == "by" and not bare:
        return None
    item = piece(line, k, lead not in ("at", "@") and _open(so_far, lead), bare)
    if item is None or (lead in ("on", "of", "in") and item.cat in ("clock", "clocks")):
        return None
    if item.cat == "clock" and bare and not _clock_ends(line, k, item.last):
        return None
    return _merge(so_far, item)


def _open(so_far: Point, lead: str) -> bool:
    """Whether a date may follow: none was said, or a preposition announces one."""
    return so_far.clock is None or lead in ("on", "in", "of")


def _clock_ends(line: Line, k: int, last: int) -> bool:
    """Whether a bare number after "at" is a time of day and counts nothing."""
    return line.words[last] != "%" and not (last == k + 1 and line.words[last] in UNITS)


def _clocks_after(line: Line, k: int, so_far: Point) -> Point | None:
    ranged = clock_range(line, k, True)
    return _merge(so_far, ranged) if ranged else None


def _offset_after(line: Line, k: int, so_far: Point) -> Point | None:
    """ "thanksgiving in a year", "Monday two weeks from now"."""
    if (so_far.clock is None and so_far.cat in ("weekday", "day")) or so_far.cat == "clock":
        m = k + 1 if line.words[k] == "in" else k
        found = length(line, m)
        if found is None:
            return None
        sign, last = _direction(line, found.last)
        if m > k and not sign:
            sign, last = 1, found.last
        if not sign:
            return None
        shift = Term("shift", (None, found.amounts, sign))
        if so_far.date is None:
            return so_far._replace(date=shift, last=last, cat="day")
        return so_far._replace(date=Term("inside", (so_far.date, shift)), last=last, cat="day")
    return None


def _direction(line: Line, k: int) -> tuple[int, int]:
    """Which way a length of time goes: "ago" back, "from now" and "hence" ahead."""
    words = line.words
    if words[k] in ("ago", "earlier", "back"):
        return -1, k + 1
    if words[k] == "hence" or (words[k] == "later" and words[k + 1] != "than"):
        return 1, k + 1
    if words[k] in ("from", "after") and words[k + 1] in ("now", "today"):
        return 1, k + 2
    if words[k] == "before" and words[k + 1] in ("now", "today"):
        return -1, k + 2
    return 0, k


def _merge(a: Point, item: Item) -> Point | None:
    """Two pieces that stand side by side as one, or None where they say the same thing twice."""
    b = _point_of(item)
    if b is None:
        return None
    clock_term = _merge_clocks(a, b)
    if a.clock and b.clock and clock_term is None:
        return None
    if b.date is None:
        if a.date and a.cat == "period":
            return None
        return Point(a.date, clock_term or b.clock, item.last, a.cat, a.date_last, a.zone)
    if a.date is None:
        if b.cat == "period":
            return None
        return Point(b.date, clock_term or a.clock, item.last, b.cat, True, a.zone)
    date = _merge_dates(a, b)
    if date is None:
        return None
    cat = "period" if a.cat == b.cat == "period" else "day"
    return Point(date, clock_term or a.clock or b.clock, item.last, cat, True, a.zone)


def _merge_clocks(a: Point, b: Point) -> Term | None:
    if a.clock is None or b.clock is None:
        return a.clock or b.clock
    if a.clock.op == "part" and b.clock.op in ("clock", "clocks"):
        return cued(b.clock, a.clock.args[0])
    if b.clock.op == "part" and a.clock.op in ("clock", "clocks"):
        return cued(a.clock, b.clock.args[0])
    return None


def _merge_dates(a: Point, b: Point) -> Term | None:
    first, second = a.date, b.date
    if first is None or second is None:
        return None
    if a.cat == "weekday" and b.cat in ("day", "dom"):
        if b.cat == "dom":
            return Term("wdom", (first.args[0], second.args[0]))
        return Term("on_weekday", (first.args[0], second))
    if b.cat == "weekday" and a.cat in ("day", "dom") and second.args[1] is None:
        if a.cat == "dom":
            return Term("wdom", (second.args[0], first.args[0]))
        return Term("on_weekday", (second.args[0], first))
    if b.cat == "dom" and first.op == "period" and first.args[0] == "month":
        return Term("inside", (second, first))
    if a.cat == "weekday" and b.cat == "period" and _is_week(second):
        return Term("inside", (first, second))
    if a.cat == "period" and b.cat == "weekday" and _is_week(first):
        return Term("inside", (second, first))
    undated = second.op == "holiday" or (second.op == "ymd" and second.args[0] is None)
    if undated and a.cat == "period" and _is_year(first):
        return Term("inside", (second, first))
    if first.op in ("holiday", "season") or (first.op == "ymd" and first.args[0] is None):
        # "Easter 2027", "March of next year", "5 May last year".
        year_said = b.cat == "period" and _is_year(second)
        return Term("inside", (first, second)) if year_said else None
    if first.op == "day" and second.op in ("figures", "ymd") and b.cat == "day":
        return second
    if second.op == "day" and first.op in ("figures", "ymd") and a.cat == "day":
        return first
    return None


def _is_year(term: Term) -> bool:
    if term.op == "ymd":
        return term.args[1] is None
    return term.op == "period" and term.args[0] == "year"


def _is_week(term: Term) -> bool:
    return (term.op == "period" and term.args[0] == "week") or (
        term.op in ("week", "week_of") or (term.op == "nth" and term.args[1] == "week")
    )


def offset(line: Line, i: int, found: Length, lead: str) -> tuple[Term, int] | None:
    """The point that a length of time leads to: "in two hours", "two days before Christmas"."""
    words = line.words
    k = found.last
    sign, last = _direction(line, k)
    if sign:
        count, unit = found.amounts[0]
        if unit == "weekend" and count == int(count):
            return Term("period", (unit, int(count) * sign)), last
        return Term("shift", (None, found.amounts, sign)), last
    if words[k] == "on" and words[k + 1] in WEEKDAYS and found.amounts[-1][1] == "week":
        # "a week on Tuesday": a week after the Tuesday to come.
        base = point(line, k + 1, True, False)
        if base and base.clock is None:
            return Term("shift", (base.term, found.amounts, 1)), base.last
    if words[k] in ("from", "after", "before", "since", "past", "prior", "preceding"):
        k += 1
        k += words[k] == "to" and words[k - 1] == "prior"
        base = point(line, k, True, False)
        if base:
            sign = -1 if words[found.last] in ("before", "prior", "preceding") else 1
            return Term("shift", (base.term, found.amounts, sign)), base.last
    if lead == "in":
        k = found.last
        if words[k] in ("'", "time") or words[k + 1] == "time":
            k += 2 if words[k] == "'" and words[k + 1] == "time" else int(words[k] == "time")
        return Term("shift", (None, found.amounts, 1)), k
    return None


def weekday_count(line: Line, i: int) -> tuple[Term, int] | None:
    """ "3 Fridays from now", "two Mondays ago"."""
    found = number(line, i)
    if found is None or found.ordinal or found.value > 60:
        return None
    word = line.words[found.last]
    day = WEEKDAYS.get(word[:-1]) if word.endswith("s") else WEEKDAYS.get(word)
    if day is None:
        return None
    sign, last = _direction(line, found.last + 1)
    return (Term("weekdays_on", (day, int(found.value), sign)), last) if sign else None


def number_starts(line: Line, i: int) -> bool:
    """Whether token `i` begins a number."""
    return line.kinds[i] == "number" or line.words[i] in CARDINALS or line.words[i] in TENS
