"""Stretches of the calendar, evaluated: "next month", "the last week of March", "Q3"."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

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
from selene_os.language.times.durations import grain_of
from selene_os.language.times.slots import Frame, ImpossibleError, Operators, Slot
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


def _inside(frame: Frame, inner: Term, outer: Term) -> tuple[Slot, ...]:
    """The inner date in the outer period: "Tuesday of next week", "Easter 2027"."""
    found: list[Slot] = []
    for slot in frame.slots(outer):
        start = slot.start
        if inner.op == "weekday":
            inner = Term("weekday", (inner.args[0], "this"))
            if slot.end is None:
                start = begin(start, "week")
        first = frame.moved(midnight(start)).slots(inner)
        found.extend(first if inner.op == "holiday" else first[:1])
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
    if n > 0:
        start = begin(period.start, thing)
        start += 7 * DAY if thing == "weekend" and start < period.start else timedelta(0)
        start = move(start, ((n - 1, thing),), 1)
    else:
        start = begin(end - DAY, thing)
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


def _edge(frame: Frame, which: str, outer: Term) -> tuple[Slot, ...]:
    """Beginning, middle or end of a period: nobody agrees how long they are, so two readings."""
    period = frame.slots(outer)[0]
    start, end = period.start, period.end or finish(period.start, "day")
    days = (end - start).days
    if days > 300:
        cuts = {"begin": ((0, 6), (0, 3)), "end": ((6, 12), (8, 12)), "mid": ((4, 8), (5, 7))}
        half = cuts[
            "begin" if which in ("begin", "earlier") else "mid" if which == "mid" else "end"
        ]
        return tuple(Slot(add_months(start, a), add_months(start, b), "month") for a, b in half)
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
    "long_weekend": _long_weekend,
    "week": _week,
    "quarter": _quarter,
    "season": _season,
    "years": _years,
}
