"""Stretches of the calendar, evaluated: "next month", "the last week of March", "Q3"."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from selene_os.language.times.amounts import grain_of
from selene_os.language.times.calendar import (
    DAY,
    FINE_GRAINS,
    add_months,
    begin,
    finish,
    midnight,
    move,
    week_begin,
)
from selene_os.language.times.slots import Frame, ImpossibleError, Operators, Slot, UnfixedError
from selene_os.language.times.spans import Term


def _period(frame: Frame, unit: str, k: int) -> tuple[Slot, ...]:
    start = begin(frame.now, unit)
    start = (
        start + 7 * k * DAY
        if unit == "weekend"
        else move(start, ((abs(k), unit),), -1 if k < 0 else 1)
    )
    grain = {"weekend": "day", "decade": "year", "century": "year", "fortnight": "week"}
    return (Slot(start, finish(start, unit), grain.get(unit, unit)),)


def _month(frame: Frame, month: int, mod: int) -> tuple[Slot, ...]:
    year = frame.today.year
    this = frame.today.month
    if mod == 0:
        years: tuple[int, ...] = (year,) if month >= this else (year + 1, year)
    elif mod > 0:
        years = (year, year + 1) if month > this else (year + mod,)
    else:
        years = (year - 1,) if month >= this else (year, year - 1)
    starts = [datetime(y, month, 1) for y in years]
    return tuple(Slot(s, finish(s, "month"), "month") for s in starts)


def _rolling(frame: Frame, unit: str, n: int, sign: int) -> tuple[Slot, ...]:
    """ "next three months": from here on, or by the calendar's own units."""
    amounts = ((n, unit),)
    now = frame.now if unit in FINE_GRAINS else frame.today
    grain = grain_of(amounts)
    this = begin(now, unit)
    if sign > 0:
        here = now if unit in FINE_GRAINS else now + DAY
        following = move(this, ((1, unit),), 1)
        near = Slot(here, move(here, amounts, 1), grain)
        aligned = Slot(following, move(following, amounts, 1), grain)
    else:
        near = Slot(move(now, amounts, -1), now, grain)
        aligned = Slot(move(this, amounts, -1), this, grain)
    return (near, aligned) if unit not in ("quarter", "weekend") else (aligned, near)


def _upcoming(frame: Frame, unit: str, n: int, sign: int) -> tuple[Slot, ...]:
    """ "two upcoming weeks": the stretch, or, as Duckling has it, the second week to come."""
    found = _rolling(frame, unit, n, sign)
    start = move(begin(frame.now, unit), ((n, unit),), 1)
    return (*found, Slot(start, finish(start, unit), grain_of(((n, unit),))))


def _work_week(frame: Frame, mod: int) -> tuple[Slot, ...]:
    monday = begin(frame.today, "week") + 7 * mod * DAY
    return (Slot(monday, monday + 5 * DAY, "week"),)


_WINTER: Final = Term("season", (3, None))


def _inside(frame: Frame, inner: Term, outer: Term) -> tuple[Slot, ...]:
    """The inner date in the outer period: "Tuesday of next week", "Easter 2027"."""
    found: list[Slot] = []
    for slot in frame.slots(outer):
        start = slot.start
        if inner == _WINTER and slot.grain == "year":
            # A year has two winters: the one that begins in it, and the one that ends in it.
            found.extend(frame.moved(midnight(slot.end or start) - DAY).slots(inner))
        if inner.op == "weekday":
            inner = Term("weekday", (inner.args[0], "this"))
            if slot.end is None:
                start = begin(start, "week")
        first = frame.moved(midnight(start)).slots(inner)
        found.extend(first if inner.op in ("holiday", "figures") else first[:1])
    return tuple(found)


def _nth(frame: Frame, n: int, thing: str | int, outer: Term) -> tuple[Slot, ...]:
    """ "the last Friday of March", "third last week of 2018", "9th month of next year"."""
    period = frame.slots(outer)[0]
    end = period.end or finish(period.start, "day")
    if isinstance(thing, int):
        first = period.start + ((thing - period.start.weekday()) % 7) * DAY
        last = end - DAY - (((end - DAY).weekday() - thing) % 7) * DAY
        found = first + 7 * (n - 1) * DAY if n > 0 else last + 7 * (n + 1) * DAY
        if not period.start <= found < end:
            raise ImpossibleError
        return (Slot(found, None, "day"),)
    if thing == "week":
        return _nth_week(n, period.start, end)
    if thing == "weekday":
        edge = period.start - DAY if n > 0 else end
        return (Slot(move(edge, ((abs(n), thing),), 1 if n > 0 else -1), None, "day"),)
    if n > 0:
        start = begin(period.start, thing)
        start += 7 * DAY if thing == "weekend" and start < period.start else timedelta(0)
        start = move(start, ((n - 1, thing),), 1)
    else:
        start = begin(end - DAY, thing)
        start -= 7 * DAY if thing == "weekend" and start >= end else timedelta(0)
        start = move(start, ((-n - 1, thing),), -1)
    if thing == "day":
        return (Slot(start, None, "day"),)
    return (Slot(start, finish(start, thing), "day" if thing == "weekend" else thing),)


def _nth_week(n: int, start: datetime, end: datetime) -> tuple[Slot, ...]:
    """A week belongs to the period in which its Thursday lies, as in ISO 8601."""
    if n > 0:
        monday = begin(start, "week")
        if start - monday > 3 * DAY:
            monday += 7 * DAY
        monday += 7 * (n - 1) * DAY
    else:
        monday = begin(end - DAY, "week") + 7 * (n + 1) * DAY
        if end - begin(end - DAY, "week") <= 3 * DAY:
            monday -= 7 * DAY
    weeks = [Slot(monday, monday + 7 * DAY, "week")]
    full = start + (-start.weekday() % 7 + 7 * (n - 1)) * DAY
    if n > 0 and full != monday:
        # Others count the first whole week.
        weeks.append(Slot(full, full + 7 * DAY, "week"))
    return tuple(weeks)


def _first_many(frame: Frame, n: int, count: int, unit: str, outer: Term) -> tuple[Slot, ...]:
    period = frame.slots(outer)[0]
    end = period.end or finish(period.start, "day")
    if n > 0:
        return (
            Slot(period.start, move(period.start, ((count, unit),), 1), grain_of(((1, unit),))),
        )
    if unit == "week":
        last = _nth_week(-1, period.start, end)[0].end or end
        return (Slot(last - 7 * count * DAY, last, "week"),)
    return (Slot(move(end, ((count, unit),), -1), end, grain_of(((1, unit),))),)


# The thirds of a month, as Chinese counts them.
_TENS: Final = {"first_ten": (0, 10), "mid_ten": (10, 20), "last_ten": (20, 0)}


def _edge(frame: Frame, which: str, outer: Term) -> tuple[Slot, ...]:
    """Beginning, middle or end of a period: nobody agrees how long they are, so two readings."""
    period = frame.slots(outer)[0]
    start, end = period.start, period.end or finish(period.start, "day")
    if which in _TENS:
        first, last = _TENS[which]
        return (Slot(start + first * DAY, start + last * DAY if last else end, "day"),)
    days = (end - start).days
    if days > 400:
        years = end.year - start.year
        cuts_of = {"begin": ((0, 3), (0, 5)), "end": ((7, 10), (5, 10)), "mid": ((3, 7), (4, 6))}
        which = {"earlier": "begin", "later": "end"}.get(which, which)
        return tuple(
            Slot(
                add_months(start, a * years * 12 // 10),
                add_months(start, b * years * 12 // 10),
                "year",
            )
            for a, b in cuts_of[which]
        )
    if days > 300:
        cuts = {"begin": ((0, 6), (0, 3)), "end": ((6, 12), (8, 12)), "mid": ((4, 8), (5, 7))}
        half = cuts[
            "begin" if which in ("begin", "earlier") else "mid" if which == "mid" else "end"
        ]
        return tuple(Slot(add_months(start, a), add_months(start, b), "month") for a, b in half)
    if days < 7:
        if which in ("begin", "earlier"):
            return (Slot(start, start + (days + 1) // 2 * DAY, "day"),)
        return (Slot(start + days // 2 * DAY, end, "day"),)
    short = 2 if days < 20 else 10
    first, later = ((15, 20) if days > 20 else (3, 4)) if days < 60 else (days // 2, days * 2 // 3)
    if which == "earlier" and days == 7 and start <= frame.today < end:
        return (Slot(start, frame.today, "day"), Slot(start, start + 3 * DAY, "day"))
    if which in ("begin", "earlier"):
        return (Slot(start, start + first * DAY, "day"), Slot(start, start + short * DAY, "day"))
    if which == "mid":
        return (Slot(start + days // 3 * DAY, start + days * 2 // 3 * DAY, "day"),)
    return (Slot(start + first * DAY, end, "day"), Slot(start + later * DAY, end, "day"))


def _long_weekend(frame: Frame, date: Term) -> tuple[Slot, ...]:
    """The weekend of a feast, with the Monday or Friday that it falls on."""
    found = []
    for slot in frame.slots(date):
        weekday = slot.start.weekday()
        saturday = slot.start + ((5 - weekday) if weekday else -2) * DAY
        start = slot.start if weekday == 4 else saturday
        found.append(Slot(start, saturday + (2 if weekday else 3) * DAY, "day"))
    return tuple(found)


def _week_of(frame: Frame, date: Term) -> tuple[Slot, ...]:
    mondays = dict.fromkeys(begin(s.start, "week") for s in frame.slots(date))
    return tuple(Slot(monday, monday + 7 * DAY, "week") for monday in mondays)


def _weekend_of(frame: Frame, date: Term) -> tuple[Slot, ...]:
    saturdays = dict.fromkeys(begin(s.start, "weekend") for s in frame.slots(date))
    return tuple(Slot(saturday, saturday + 2 * DAY, "day") for saturday in saturdays)


def _week(frame: Frame, week: int, year: Term | None) -> tuple[Slot, ...]:
    of = frame.slots(year)[0].start.year if year else frame.today.year
    start = week_begin(of, week)
    return (Slot(start, start + 7 * DAY, "week"),)


def _quarter(frame: Frame, n: int, parts: int, year: Term | None) -> tuple[Slot, ...]:
    months = 12 // parts
    start = frame.slots(year)[0].start if year else begin(frame.today, "year")
    start = add_months(start, months * (n - 1))
    end = add_months(start, months)
    if year is None and end <= frame.today:
        ahead = Slot(add_months(start, 12), add_months(end, 12), "quarter")
        return (ahead, Slot(start, end, "quarter"))
    return (Slot(start, end, "quarter"),)


def _beside(frame: Frame, thing: str | int, n: int, sign: int, base: Term) -> tuple[Slot, ...]:
    """ "the day after Christmas", "third Tuesday after Easter", "the week before the 5th"."""
    found = []
    for slot in frame.slots(base):
        start = midnight(slot.start)
        end = slot.end or start + DAY
        if isinstance(thing, int):
            ahead = end + ((thing - end.weekday()) % 7 + 7 * (n - 1)) * DAY
            back = start - ((start.weekday() - thing) % 7 or 7) * DAY - 7 * (n - 1) * DAY
            found.append(Slot(ahead if sign > 0 else back, None, "day"))
        elif thing in ("day", "weekday"):
            edge = end - DAY if sign > 0 else start
            found.append(Slot(move(edge, ((n, thing),), sign), None, "day"))
        elif thing == "weekend":
            saturday = begin(end if sign > 0 else start, "weekend")
            saturday -= 7 * DAY if sign < 0 and saturday + 2 * DAY > start else timedelta(0)
            saturday += 7 * sign * (n - 1) * DAY
            found.append(Slot(saturday, saturday + 2 * DAY, "day"))
        else:
            unit = begin(end - DAY if sign > 0 else start, thing)
            unit = move(unit, ((n, thing),), sign)
            found.append(Slot(unit, finish(unit, thing), thing))
    return tuple(found)


def _half(frame: Frame, n: int, outer: Term) -> tuple[Slot, ...]:
    """The first or second half of a month or a week."""
    period = frame.slots(outer)[0]
    end = period.end or finish(period.start, "day")
    middle = period.start + (end - period.start).days // 2 * DAY
    return (Slot(*((period.start, middle) if n == 1 else (middle, end)), "day"),)


def _rest(frame: Frame, outer: Term) -> tuple[Slot, ...]:
    """ "the rest of the week": from today on; of today, from now on."""
    period = frame.slots(outer)[0]
    if period.end is None:
        return (Slot(frame.now, finish(period.start, "day"), "minute"),)
    return (Slot(max(frame.today, period.start), period.end, "day"),)


def _unfixed(frame: Frame) -> tuple[Slot, ...]:
    """A fiscal or school year: it begins when somebody says so."""
    raise UnfixedError


def _to_date(frame: Frame, unit: str) -> tuple[Slot, ...]:
    """ "year to date"."""
    start = begin(frame.now, unit)
    return (Slot(start, max(frame.today, start + DAY), "day"),)


_SEASON_BEGINS: Final = ((3, 20), (6, 21), (9, 23), (12, 21))


def _season(frame: Frame, index: int | None, mod: int | None) -> tuple[Slot, ...]:
    """Astronomical seasons of the northern half of the Earth."""
    today = frame.today
    begins = [
        (datetime(year, *_SEASON_BEGINS[k]), k)
        for year in (today.year - 2, today.year - 1, today.year, today.year + 1, today.year + 2)
        for k in range(4)
    ]
    stretch = [
        (start, begins[n + 1][0]) for n, (start, k) in enumerate(begins[:-1]) if index in (None, k)
    ]
    if mod == -1:
        found = [s for s in stretch if s[1] <= today][-1]
    elif mod in (1, 2):
        found = [s for s in stretch if s[0] > today][mod - 1]
    else:
        found = next(s for s in stretch if s[1] > today)
    return (Slot(found[0], found[1], "quarter"),)


def _years(frame: Frame, first: int, count: int) -> tuple[Slot, ...]:
    start = datetime(max(first, 1), 1, 1)
    return (Slot(start, datetime(first + count, 1, 1), "year"),)


def _either_decade(frame: Frame, tens: int) -> tuple[Slot, ...]:
    if not tens:
        return _years(frame, 2000, 10)
    return _years(frame, 2000 + tens, 10) + _years(frame, 1900 + tens, 10)


OPERATORS: Final[Operators] = {
    "period": _period,
    "month": _month,
    "rolling": _rolling,
    "upcoming": _upcoming,
    "work_week": _work_week,
    "inside": _inside,
    "nth": _nth,
    "first_many": _first_many,
    "edge": _edge,
    "week_of": _week_of,
    "weekend_of": _weekend_of,
    "long_weekend": _long_weekend,
    "week": _week,
    "beside": _beside,
    "half": _half,
    "rest": _rest,
    "to_date": _to_date,
    "unfixed": _unfixed,
    "quarter": _quarter,
    "season": _season,
    "years": _years,
    "either_decade": _either_decade,
}
