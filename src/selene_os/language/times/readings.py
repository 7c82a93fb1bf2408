"""From what was said to dates: every operator of the grammar, evaluated at a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from selene_os.language.times.calendar import (
    CLOCK_GRAINS,
    DAY,
    add_months,
    begin,
    finish,
    midnight,
    month_days,
    move,
    text_of,
    week_begin,
)
from selene_os.language.times.durations import grain_of
from selene_os.language.times.holidays import holiday_date
from selene_os.language.times.spans import READINGS_MAX, DateOrder, Reading, Term
from selene_os.language.times.typed import full_year


class Slot(NamedTuple):
    """One resolution before it is written down; `end` is exclusive, None for a point."""

    start: datetime
    end: datetime | None
    grain: str


class Impossible(Exception):
    """What was said names no date: February 30, 25:00."""


class Frame:
    """The moment at which a text is read; remembers whether it was needed."""

    __slots__ = ("_now", "order", "relative")

    def __init__(self, now: datetime, order: DateOrder | None) -> None:
        self._now = now
        self.order = order
        self.relative = False

    @property
    def now(self) -> datetime:
        """The moment of speaking."""
        self.relative = True
        return self._now

    @property
    def today(self) -> datetime:
        """The beginning of the day of speaking."""
        return midnight(self.now)

    def moved(self, now: datetime) -> Frame:
        """The same frame at another moment."""
        return Frame(now, self.order)


class Resolved(NamedTuple):
    """What a term comes to: its kind, its grain, its readings."""

    kind: str
    grain: str
    readings: tuple[Reading, ...]


# A moment to learn kind and grain by, where the caller gave none; no reading of it leaves here.
_SOMETIME: Final = datetime(2001, 1, 1, 12)


def resolve(
    term: Term, now: datetime | None, policy: str, order: DateOrder | None
) -> Resolved | None:
    """Resolve `term`; None where it comes to nothing, kind "impossible" where no calendar has it."""
    frame = Frame(now or _SOMETIME, order)
    try:
        found = slots(term, frame)
    except (Impossible, OverflowError, ValueError):
        return Resolved("impossible", "day", ())
    unique = tuple(dict.fromkeys(found))
    if not unique:
        return None
    kind = "range" if unique[0].end else "instant"
    if now is None and frame.relative:
        return Resolved(kind, unique[0].grain, ())
    if policy == "next_occurrence" and len(unique) > 1:
        unique = (_earliest(unique, now or _SOMETIME),)
    return Resolved(kind, unique[0].grain, tuple(map(_written, unique[:READINGS_MAX])))


def _earliest(found: tuple[Slot, ...], now: datetime) -> Slot:
    """The first that is still to come or under way; the latest where all are past."""
    coming = [s for s in found if (s.end or s.start + _size(s)) > now]
    return min(coming, key=lambda s: s.start) if coming else max(found, key=lambda s: s.start)


def _size(slot: Slot) -> timedelta:
    return timedelta(seconds=1) if slot.grain in CLOCK_GRAINS else DAY


def _written(slot: Slot) -> Reading:
    grain = slot.grain
    fine = "minute" if slot.end and _clocked(slot) and grain not in CLOCK_GRAINS else grain
    end = text_of(slot.end, fine) if slot.end else None
    return Reading(text_of(slot.start, fine), end, grain)


def _clocked(slot: Slot) -> bool:
    """Whether either end of a range lies within a day."""
    return slot.start != midnight(slot.start) or bool(slot.end and slot.end != midnight(slot.end))


def slots(term: Term, frame: Frame) -> tuple[Slot, ...]:
    """The resolutions of `term` in `frame`, in the order in which they are offered."""
    return _OPERATORS[term.op](frame, *term.args)


def _day(frame: Frame, days: int) -> tuple[Slot, ...]:
    return (Slot(frame.today + days * DAY, None, "day"),)


def _now(frame: Frame) -> tuple[Slot, ...]:
    return (Slot(frame.now, None, "second"),)


def _ymd(frame: Frame, y: int | None, m: int | None, d: int | None) -> tuple[Slot, ...]:
    if m is None:
        start = datetime(y or 1, 1, 1)
        return (Slot(start, finish(start, "year"), "year"),)
    if d is None:
        year = y or frame.today.year
        start = datetime(year, m, 1)
        if y is None and finish(start, "month") <= frame.today:
            start = datetime(year + 1, m, 1)
        return (Slot(start, finish(start, "month"), "month"),)
    if y is not None:
        return (Slot(datetime(y, m, d), None, "day"),)
    if not 1 <= d <= month_days(0, m):
        raise Impossible
    year = frame.today.year
    while d > month_days(year, m) or datetime(year, m, d) < frame.today:
        year += 1
    return (Slot(datetime(year, m, d), None, "day"),)


def _figures(frame: Frame, a: int, b: int, c: int | None, width: int) -> tuple[Slot, ...]:
    """Two or three figures: every order in which they are a date, or the tenant's."""
    readings: list[tuple[int | None, int, int]] = []
    year = None if c is None else c if width == 4 else full_year(f"{c:02}")
    if frame.order != "DMY":
        readings.append((year, a, b))
    if frame.order != "MDY":
        readings.append((year, b, a))
    if c is not None and width == 2 and frame.order in (None, "YMD"):
        readings.append((full_year(f"{a:02}"), b, c))
    if c is None and frame.order == "YMD":
        readings = [(None, a, b)]
    if width == 2 and frame.order == "YMD" and c is not None:
        readings = [(full_year(f"{a:02}"), b, c)]
    valid = _valid(readings) or _valid([(year, a, b), (year, b, a)])
    if not valid:
        raise Impossible
    return tuple(slot for ymd in valid for slot in _ymd(frame, *ymd))


def _valid(readings: list[tuple[int | None, int, int]]) -> list[tuple[int | None, int, int]]:
    return [
        (y, m, d) for y, m, d in readings if 1 <= m <= 12 and 1 <= d <= month_days(y or 0, m)
    ]


def _dom(frame: Frame, day: int) -> tuple[Slot, ...]:
    month = begin(frame.today, "month")
    while day > month_days(month.year, month.month) or month + (day - 1) * DAY < frame.today:
        month = add_months(month, 1)
    return (Slot(month + (day - 1) * DAY, None, "day"),)


def _wdom(frame: Frame, weekday: int, day: int) -> tuple[Slot, ...]:
    """The next day of the month that falls on a weekday: "Monday 21"."""
    month = begin(frame.today, "month")
    for _ in range(60):
        if day <= month_days(month.year, month.month):
            found = month + (day - 1) * DAY
            if found.weekday() == weekday and found >= frame.today:
                return (Slot(found, None, "day"),)
        month = add_months(month, 1)
    raise Impossible


def _weekday(frame: Frame, weekday: int, mod: str | None) -> tuple[Slot, ...]:
    today = frame.today
    ahead = (weekday - today.weekday()) % 7
    first = today + (ahead or 7) * DAY
    this_week = begin(today, "week") + weekday * DAY
    days: tuple[datetime, ...]
    if mod == "next":
        days = (first, first + 7 * DAY)
    elif mod == "after_next":
        days = (first + 7 * DAY, this_week + 14 * DAY)
    elif mod == "last":
        days = (first - (14 if ahead == 0 else 7) * DAY, this_week - 7 * DAY)
    elif mod == "this":
        days = (today + ahead * DAY, this_week)
    elif mod == "week":
        days = (first + 7 * DAY,)
    else:
        days = (today + ahead * DAY,) if ahead else (today, first)
    return tuple(Slot(day, None, "day") for day in days)


def _on_weekday(frame: Frame, weekday: int, date: Term) -> tuple[Slot, ...]:
    """A date said with its weekday; where the two disagree, both stand."""
    found = slots(date, frame)
    agree = tuple(s for s in found if s.start.weekday() == weekday)
    if agree or date.op == "day":
        return agree or found
    if date.op == "ymd" and date.args[0] is None:
        near = found[0].start
        years = [_safe(near, near.year + n) for n in range(1, 3)]
        ahead = tuple(Slot(y, None, "day") for y in years if y and y.weekday() == weekday)
        return found + ahead
    return found


def _safe(at: datetime, year: int) -> datetime | None:
    return at.replace(year=year) if at.day <= month_days(year, at.month) else None


def _period(frame: Frame, unit: str, k: int) -> tuple[Slot, ...]:
    start = begin(frame.now, unit)
    start = start + 7 * k * DAY if unit == "weekend" else move(start, ((abs(k), unit),), k or 1)
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


_FINE: Final = frozenset({"second", "minute", "hour"})


def _rolling(frame: Frame, unit: str, n: int, sign: int) -> tuple[Slot, ...]:
    """ "next three months": from here on, or by the calendar's own units."""
    amounts = ((n, unit),)
    now = frame.now if unit in _FINE else frame.today
    grain = grain_of(amounts)
    this = begin(now, unit)
    if sign > 0:
        here = now if unit in _FINE else now + DAY
        following = move(this, ((1, unit),), 1)
        near = Slot(here, move(here, amounts, 1), grain)
        aligned = Slot(following, move(following, amounts, 1), grain)
    else:
        near = Slot(move(now, amounts, -1), now, grain)
        aligned = Slot(move(this, amounts, -1), this, grain)
    return (near, aligned) if unit not in ("quarter", "weekend") else (aligned, near)


def _inside(frame: Frame, inner: Term, outer: Term) -> tuple[Slot, ...]:
    """The inner date in the outer period: "Tuesday of next week", "Easter 2027"."""
    found: list[Slot] = []
    for slot in slots(outer, frame):
        start = slot.start
        if inner.op == "weekday":
            inner = Term("weekday", (inner.args[0], "this"))
            if slot.end is None:
                start = begin(start, "week")
        first = slots(inner, frame.moved(midnight(start)))[:1]
        found.extend(first)
    return tuple(found)


def _nth(frame: Frame, n: int, thing: str | int, outer: Term) -> tuple[Slot, ...]:
    """ "the last Friday of March", "third last week of 2018", "9th month of next year"."""
    period = slots(outer, frame)[0]
    end = period.end or finish(period.start, "day")
    if isinstance(thing, int):
        first = period.start + ((thing - period.start.weekday()) % 7) * DAY
        last = end - DAY - (((end - DAY).weekday() - thing) % 7) * DAY
        found = first + 7 * (n - 1) * DAY if n > 0 else last + 7 * (n + 1) * DAY
        if not period.start <= found < end:
            raise Impossible
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
    return (Slot(monday, monday + 7 * DAY, "week"),)


def _first_many(frame: Frame, n: int, count: int, unit: str, outer: Term) -> tuple[Slot, ...]:
    period = slots(outer, frame)[0]
    end = period.end or finish(period.start, "day")
    if n > 0:
        return (Slot(period.start, move(period.start, ((count, unit),), 1), grain_of(((1, unit),))),)
    if unit == "week":
        last = _nth_week(-1, period.start, end)[0].end or end
        return (Slot(last - 7 * count * DAY, last, "week"),)
    return (Slot(move(end, ((count, unit),), -1), end, grain_of(((1, unit),))),)


def _edge(frame: Frame, which: str, outer: Term) -> tuple[Slot, ...]:
    """Beginning, middle or end of a period: nobody agrees how long they are, so two readings."""
    period = slots(outer, frame)[0]
    start, end = period.start, period.end or finish(period.start, "day")
    days = (end - start).days
    if days > 300:
        cuts = {"begin": ((0, 6), (0, 3)), "end": ((6, 12), (8, 12)), "mid": ((4, 8), (5, 7))}
        half = cuts["begin" if which in ("begin", "earlier") else "mid" if which == "mid" else "end"]
        return tuple(
            Slot(add_months(start, a), add_months(start, b), "month") for a, b in half
        )
    first, later = ((15, 20) if days > 20 else (3, 4)) if days < 60 else (days // 2, days * 2 // 3)
    if which == "earlier" and days == 7 and start <= frame.today < end:
        return (Slot(start, frame.today, "day"), Slot(start, start + 3 * DAY, "day"))
    if which in ("begin", "earlier"):
        return (Slot(start, start + first * DAY, "day"), Slot(start, start + 10 * DAY, "day"))
    if which == "mid":
        return (Slot(start + days // 3 * DAY, start + days * 2 // 3 * DAY, "day"),)
    found = (Slot(start + first * DAY, end, "day"), Slot(start + later * DAY, end, "day"))
    return found


def _week_of(frame: Frame, date: Term) -> tuple[Slot, ...]:
    mondays = dict.fromkeys(begin(s.start, "week") for s in slots(date, frame))
    return tuple(Slot(monday, monday + 7 * DAY, "week") for monday in mondays)


def _week(frame: Frame, week: int, year: Term | None) -> tuple[Slot, ...]:
    of = slots(year, frame)[0].start.year if year else frame.today.year
    start = week_begin(of, week)
    return (Slot(start, start + 7 * DAY, "week"),)


def _quarter(frame: Frame, n: int, parts: int, year: Term | None) -> tuple[Slot, ...]:
    months = 12 // parts
    if year:
        start = slots(year, frame)[0].start
    else:
        start = begin(frame.today, "year")
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


def _holiday(frame: Frame, name: str, mod: int | None) -> tuple[Slot, ...]:
    today = frame.today.date()
    step = -1 if mod == -1 else 1
    for year in range(today.year, today.year + 4 * step, step):
        found = holiday_date(name, year)
        if found and ((found < today) if step < 0 else (found >= today)):
            if step > 0 and mod == 1 and found == today:
                continue
            return (Slot(datetime(found.year, found.month, found.day), None, "day"),)
    return ()


def _not_today(frame: Frame, date: Term, mod: int) -> tuple[Slot, ...]:
    """ "next 5/12": the one after today, or the one before."""
    if mod > 0:
        return slots(date, frame.moved(frame.today + DAY))
    found = slots(date, frame)
    return tuple(
        slot._replace(start=before)
        for slot in found
        if (before := _safe(slot.start, slot.start.year - 1))
    )


def _shift(frame: Frame, base: Term | None, amounts: Any, sign: int) -> tuple[Slot, ...]:
    """ "in two hours", "3 days ago", "two weeks from tomorrow"."""
    grain = grain_of(amounts)
    fine = grain in _FINE
    if base is None:
        start = frame.now if fine else frame.today
        return (Slot(move(start, amounts, sign), None, _fine(grain) if fine else "day"),)
    found = []
    for slot in slots(base, frame):
        start = slot.start
        kept = slot.grain if slot.grain in CLOCK_GRAINS else "day"
        found.append(Slot(move(start, amounts, sign), None, _fine(grain) if fine else kept))
    return tuple(found)


def _fine(grain: str) -> str:
    return "minute" if grain == "hour" else grain


def _within(frame: Frame, amounts: Any, base: Term | None) -> tuple[Slot, ...]:
    """ "within 5 minutes", "within two weeks after today"."""
    grain = grain_of(amounts)
    if base is None:
        start = frame.now if grain in _FINE else frame.today
    else:
        start = slots(base, frame)[0].start
    return (Slot(start, move(start, amounts, 1), _fine(grain) if grain in _FINE else "day"),)


def _weekdays_on(frame: Frame, weekday: int, n: int, sign: int) -> tuple[Slot, ...]:
    """ "3 Fridays from now"."""
    ahead = (weekday - frame.today.weekday()) % 7 or 7
    if sign > 0:
        return (Slot(frame.today + (ahead + 7 * (n - 1)) * DAY, None, "day"),)
    behind = (frame.today.weekday() - weekday) % 7 or 7
    return (Slot(frame.today - (behind + 7 * (n - 1)) * DAY, None, "day"),)


def _both(frame: Frame, *terms: Term) -> tuple[Slot, ...]:
    """Several readings that the words themselves allow."""
    return tuple(slot for term in terms for slot in slots(term, frame))


def _never(frame: Frame) -> tuple[Slot, ...]:
    raise Impossible


_OPERATORS: Final[dict[str, Callable[..., tuple[Slot, ...]]]] = {
    "day": _day,
    "now": _now,
    "ymd": _ymd,
    "figures": _figures,
    "dom": _dom,
    "wdom": _wdom,
    "weekday": _weekday,
    "on_weekday": _on_weekday,
    "period": _period,
    "month": _month,
    "rolling": _rolling,
    "inside": _inside,
    "nth": _nth,
    "first_many": _first_many,
    "edge": _edge,
    "week_of": _week_of,
    "week": _week,
    "quarter": _quarter,
    "season": _season,
    "years": _years,
    "holiday": _holiday,
    "not_today": _not_today,
    "shift": _shift,
    "within": _within,
    "weekdays_on": _weekdays_on,
    "both": _both,
    "never": _never,
}


def add_operators(more: dict[str, Callable[..., tuple[Slot, ...]]]) -> None:
    """Let `hours` add the operators of the clock, once, when the package is imported."""
    _OPERATORS.update(more)
