"""Whole expressions: prepositions, days with times of day, ranges, offsets, repetitions."""

from __future__ import annotations

from typing import Final, NamedTuple

from selene_os.language.times.chinese import chinese_at
from selene_os.language.times.clocks import NAMED, clock, follows_bare
from selene_os.language.times.cues import cued, part_at
from selene_os.language.times.dates import date_at
from selene_os.language.times.durations import Amounts, Length, length
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.numerals import number
from selene_os.language.times.spans import Item, Moment, Term
from selene_os.language.times.years import year_at
from selene_os.language.times.words import CARDINALS, MONTHS, PARTS, TENS, UNITS, WEEKDAYS

BEFORE: Final = frozenset({"before", "by", "until", "till", "til", "untill"})
AFTER: Final = frozenset({"after", "since", "from"})
ABOUT: Final = frozenset({"around", "about", "approximately", "approx", "circa", "roughly"})
_JOINERS: Final = frozenset(
    {",", "on", "at", "in", "for", "@", "of", "around", "about", "from", "between", "by", "的"}
)
_DATED: Final = frozenset({"day", "weekday", "dom", "tonight"})
_STEPS_MAX: Final = 6


class Point(NamedTuple):
    """A date, a time of day or both, composed; `cat` is the category of the date."""

    date: Term | None
    clock: Term | None
    last: int
    cat: str
    date_last: bool = False

    @property
    def term(self) -> Term:
        """The whole as one term."""
        if self.date and self.clock:
            return Term("at", (self.date, self.clock))
        found = self.date or self.clock
        assert found is not None
        return found


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
        more = _extend(line, found)
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
    date = date_at(line, i, cue)
    if date and (date.cat != "period" or not bare or kind != "number"):
        return date
    hour = clock(line, i, bare)
    return hour or date


def _hour_of_part(line: Line, i: int) -> Point | None:
    """ "8 this evening", "eleven in the morning": the part makes the number a time of day."""
    if line.kinds[i] != "number" and line.words[i] not in CARDINALS:
        return None
    hour = clock(line, i, bare=True)
    if hour is None or hour.term.op != "clock":
        return None
    part = part_at(line, hour.last)
    if part is None or line.words[hour.last] in PARTS:
        return None
    return _merge(Point(None, hour.term, hour.last, "clock"), part)


def _extend(line: Line, so_far: Point) -> Point | None:
    """`so_far` with the next piece, if there is one that belongs to it."""
    words = line.words
    k = so_far.last
    word = words[k]
    lead = ""
    part = part_at(line, k)
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
    if lead == "of" and so_far.cat not in ("weekday", "part", "day", "clock"):
        return None
    if lead in ("from", "between"):
        return _clocks_after(line, k, so_far)
    ranged = None if so_far.clock and so_far.clock.op != "part" else clock_range(line, k, False)
    if ranged:
        return _merge(so_far, ranged)
    bare = lead in ("at", "@", "around", "about", "by") or (lead == "for" and so_far.date is not None)
    shown = so_far.clock is not None and so_far.clock.op == "part"
    bare = bare or (shown and line.kinds[k] == "number" and len(words[k]) >= 3)
    if lead == "by" and not bare:
        return None
    item = piece(line, k, so_far.clock is None or lead in ("on", "in", "of"), bare)
    if item is None or (lead in ("on", "of", "in") and item.cat in ("clock", "clocks")):
        return None
    if item.cat == "clock" and bare and not _clock_ends(line, k, item.last):
        return None
    return _merge(so_far, item)


def _clock_ends(line: Line, k: int, last: int) -> bool:
    """Whether a bare number after "at" is a time of day and counts nothing."""
    return line.words[last] != "%" and not (last == k + 1 and line.words[last] in UNITS)


def _clocks_after(line: Line, k: int, so_far: Point) -> Point | None:
    ranged = clock_range(line, k, True)
    return _merge(so_far, ranged) if ranged else None


def _offset_after(line: Line, k: int, so_far: Point) -> Point | None:
    """ "thanksgiving in a year", "Monday two weeks from now"."""
    if so_far.clock is None and so_far.cat in ("weekday", "day") or so_far.cat == "clock":
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
    if words[k] in ("ago", "earlier"):
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
        return Point(a.date, clock_term or b.clock, item.last, a.cat, a.date_last)
    if a.date is None:
        if b.cat == "period":
            return None
        return Point(b.date, clock_term or a.clock, item.last, b.cat, True)
    date = _merge_dates(a, b)
    if date is None:
        return None
    return Point(date, clock_term or a.clock or b.clock, item.last, "day", True)


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
    if a.cat == "weekday" and b.cat == "period" and _is_week(second):
        return Term("inside", (first, second))
    if a.cat == "period" and b.cat == "weekday" and _is_week(first):
        return Term("inside", (second, first))
    if first.op == "holiday" and b.cat == "period" and second.op in ("ymd", "period"):
        year = second.op == "ymd" or second.args[0] == "year"
        return Term("inside", (first, second)) if year else None
    if first.op == "day" and second.op in ("figures", "ymd") and b.cat == "day":
        return second
    if second.op == "day" and first.op in ("figures", "ymd") and a.cat == "day":
        return first
    return None


def _is_week(term: Term) -> bool:
    return (term.op == "period" and term.args[0] == "week") or term.op in ("week", "week_of")


def clock_range(line: Line, i: int, bare: bool) -> Item | None:
    """A range of times of day: "5-6pm", "from 9:30 to 11:00", "between 2 and 4"."""
    words = line.words
    if line.kinds[i] != "number" and words[i] not in CARDINALS and words[i] not in NAMED:
        return None
    left = clock(line, i, bare=True)
    if left is None or left.term.op != "clock":
        return None
    k = left.last
    if words[k] in DASHES or words[k] in ("to", "till", "until", "untill", "through", "thru"):
        k += 1
        k += words[k - 1] in ("until", "till") and words[k] == "about"
    elif bare and words[k] == "and":
        k += 1
    else:
        return None
    right = clock(line, k, bare=True)
    if right is None or right.term.op != "clock":
        return None
    figures = left.last == i + 1 and right.last == k + 1
    if figures and not bare and len(words[i]) < 3:
        part = part_at(line, right.last)
        if words[right.last - 1] not in NAMED and (part is None or words[right.last] in PARTS):
            return None
        if line.kinds[i] != line.kinds[k] and part is None:
            return None
    if not bare and _typed(words, i, left.last) and _typed(words, k, right.last) and figures:
        if part_at(line, right.last) is None and words[right.last - 1] not in NAMED:
            return None
    return Item("clocks", Term("clocks", _agree(left.term, right.term)), right.last)


def _typed(words: tuple[str, ...], i: int, last: int) -> bool:
    return last == i + 1 and words[i].isdigit()


def _agree(left: Term, right: Term) -> tuple[Term, Term]:
    """The am or pm of a range's end holds for its beginning where that keeps the order."""
    h, m, s, mer = left.args
    until = right.args
    if mer is None and until[3] == "24" and h <= 12:
        later = h % 12 + 12 if until[0] >= 12 else h % 12
        if (later, m) < (until[0], until[1]):
            return Term("clock", (later, m, s, "24")), right
        other = h % 12 + (0 if until[0] >= 12 else 12)
        return Term("clock", (other, m, s, "24")), right
    if mer == "24" and until[3] is None and until[0] <= 12 and h < 12 and m is not None:
        same = until[0] % 12
        if (same, until[1]) > (h, m) and until[0] != 12:
            return left, right
        return left, Term("clock", (same + 12, until[1], until[2], "24"))
    return left, right


def offset(line: Line, i: int, found: Length, lead: str) -> tuple[Term, int] | None:
    """The point that a length of time leads to: "in two hours", "two days before Christmas"."""
    words = line.words
    k = found.last
    sign, last = _direction(line, k)
    if sign:
        return Term("shift", (None, found.amounts, sign)), last
    if words[k] in ("from", "after", "before", "since", "past", "prior"):
        k += 1
        k += words[k] == "to" and words[k - 1] == "prior"
        base = point(line, k, True, False)
        if base:
            sign = -1 if words[found.last] in ("before", "prior") else 1
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


def day_range(line: Line, i: int) -> Item | None:
    """Two days of one month: "13 to 15 July", "from the 3rd to the 5th of May", "July 13-15"."""
    words = line.words
    k = i + 1 if words[i] == "the" else i
    if words[k] in MONTHS:
        return _month_days(line, k)
    left = number(line, k)
    if left is None or not 1 <= left.value <= 31 or left.digits > 2:
        return None
    k = left.last
    if words[k] not in DASHES and words[k] not in ("to", "through", "thru", "until", "till", "and"):
        return None
    joint, k = words[k], k + 1
    k += words[k] == "the"
    right = date_at(line, k, True)
    if right is None or right.cat != "day" or number(line, k) is None:
        return None
    if right.term.op == "inside":
        inner, outer = right.term.args
        first = Term("inside", (Term("dom", (int(left.value),)), outer))
    elif right.term.op == "ymd" and right.term.args[2]:
        y, m, d = right.term.args
        if y is None or left.value <= d:
            first = Term("ymd", (y, m, int(left.value)))
        else:
            first = Term("ymd", (y if m > 1 else y - 1, (m - 2) % 12 + 1, int(left.value)))
    else:
        return None
    return Item("range", Term("range", (first, right.term, joint in ("through", "thru"))), right.last)


def _month_days(line: Line, i: int) -> Item | None:
    words = line.words
    left = number(line, i + 1)
    if left is None or not 1 <= left.value <= 31 or left.digits > 2:
        return None
    k = left.last
    if words[k] not in DASHES and words[k] not in ("to", "through", "thru", "until", "till", "and"):
        return None
    if words[k] == "and" and words[i - 1] != "between":
        return None
    joint, k = words[k], k + 1
    k += words[k] == "the"
    right = number(line, k)
    if right is None or not 1 <= right.value <= 31 or right.digits > 2:
        return None
    if words[right.last] in MONTHS or words[right.last] in ("/", ":", "am", "pm", "of"):
        return None
    year, last = year_at(line, right.last)
    month = MONTHS[words[i]]
    pair = tuple(Term("ymd", (year, month, int(n.value))) for n in (left, right))
    last = last if year else right.last
    return Item("range", Term("range", (*pair, joint in ("through", "thru"))), last)


def number_starts(line: Line, i: int) -> bool:
    """Whether token `i` begins a number."""
    return line.kinds[i] == "number" or line.words[i] in CARDINALS or line.words[i] in TENS


def moment_of(found: Point) -> Moment:
    """The form that `combine` takes."""
    return Moment(found.date, found.clock)


__all__ = [
    "ABOUT", "AFTER", "BEFORE", "Amounts", "Point", "clock_range", "day_range", "follows_bare",
    "moment_of", "number_starts", "offset", "piece", "point", "weekday_count",
]
