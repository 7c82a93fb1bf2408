"""Single days, evaluated: "tomorrow", "the 3rd", "next Friday", "two weeks from Monday"."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from selene_os.language.times.amounts import grain_of
from selene_os.language.times.calendar import (
    CLOCK_GRAINS,
    DAY,
    FINE_GRAINS,
    add_months,
    begin,
    finish,
    month_days,
    move,
)
from selene_os.language.times.holidays import holiday_dates
from selene_os.language.times.moons import moon_day
from selene_os.language.times.slots import Frame, ImpossibleError, Operators, Slot
from selene_os.language.times.spans import Term
from selene_os.language.times.typed import full_year


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
        raise ImpossibleError
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
        raise ImpossibleError
    return tuple(slot for ymd in valid for slot in _ymd(frame, *ymd))


def _valid(readings: list[tuple[int | None, int, int]]) -> list[tuple[int | None, int, int]]:
    return [(y, m, d) for y, m, d in readings if 1 <= m <= 12 and 1 <= d <= month_days(y or 0, m)]


def _dom(frame: Frame, day: int) -> tuple[Slot, ...]:
    if not 1 <= day <= 31:
        raise ImpossibleError
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
    raise ImpossibleError


def _weekday(frame: Frame, weekday: int, mod: str | None) -> tuple[Slot, ...]:
    today = frame.today
    ahead = (weekday - today.weekday()) % 7
    first = today + (ahead or 7) * DAY
    this_week = begin(today, "week") + weekday * DAY
    days: tuple[datetime, ...]
    if mod == "next":
        days = (first, first + 7 * DAY)
    elif mod == "coming":
        days = (first,)
    elif mod == "past":
        days = (first - (14 if ahead == 0 else 7) * DAY,)
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
    found = frame.slots(date)
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


def _holiday(frame: Frame, name: str, mod: int | None) -> tuple[Slot, ...]:
    today = frame.today.date()
    step = -1 if mod == -1 else 1
    for year in range(today.year, today.year + 4 * step, step):
        found = holiday_dates(name, year)
        if step < 0:
            found = tuple(day for day in found if day < today)
        else:
            found = tuple(day for day in found if day > today or (day == today and mod != 1))
        if found:
            return tuple(Slot(datetime(d.year, d.month, d.day), None, "day") for d in found)
    return ()


def _nearest(frame: Frame, n: int, thing: int | str, base: Term) -> tuple[Slot, ...]:
    """The n-th closest weekday or feast to a date; of two as close, the earlier first."""
    found: list[Slot] = []
    for slot in frame.slots(base):
        near: list[datetime] = []
        if isinstance(thing, int):
            first = slot.start + (thing - slot.start.weekday()) * DAY
            near = [first + 7 * week * DAY for week in range(-n - 1, n + 2)]
        else:
            years = range(slot.start.year - n, slot.start.year + n + 1)
            days = [day for year in years for day in holiday_dates(thing, year)]
            near = [datetime(day.year, day.month, day.day) for day in days]
        near.sort(key=lambda at: (abs(at - slot.start), at))
        found.extend(Slot(at, None, "day") for at in near[n - 1 : n])
    return tuple(found)


def _moon(
    frame: Frame, year: int | None, offset: int | None, month: int, day: int, surely: bool
) -> tuple[Slot, ...]:
    """A date of the Chinese calendar; where it may as well be of the civil one, that one too."""
    if offset is not None:
        year = frame.today.year + offset
    if year is None:
        near = (moon_day(frame.today.year + n, month, day) for n in (-1, 0, 1))
        found = next((d for d in near if d and d >= frame.today.date()), None)
    else:
        found = moon_day(year, month, day)
    slots = (Slot(datetime(found.year, found.month, found.day), None, "day"),) if found else ()
    return slots if surely else slots + _ymd(frame, year, month, day)


def _not_today(frame: Frame, date: Term, mod: int) -> tuple[Slot, ...]:
    """ "next 5/12": the one after today, or the one before."""
    if mod > 0:
        return frame.moved(frame.today + DAY).slots(date)
    found = frame.slots(date)
    return tuple(
        slot._replace(start=before)
        for slot in found
        if (before := _safe(slot.start, slot.start.year - 1))
    )


def _shift(frame: Frame, base: Term | None, amounts: Any, sign: int) -> tuple[Slot, ...]:
    """ "in two hours", "3 days ago", "two weeks from tomorrow"."""
    grain = grain_of(amounts)
    fine = grain in FINE_GRAINS
    if base is None:
        start = frame.now if fine else frame.today
        return (Slot(move(start, amounts, sign), None, _fine(grain) if fine else "day"),)
    found = []
    for slot in frame.slots(base):
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
        start = frame.now if grain in FINE_GRAINS else frame.today
    else:
        start = frame.slots(base)[0].start
    return (Slot(start, move(start, amounts, 1), _fine(grain) if grain in FINE_GRAINS else "day"),)


def _weekdays_on(frame: Frame, weekday: int, n: int, sign: int) -> tuple[Slot, ...]:
    """ "3 Fridays from now"."""
    ahead = (weekday - frame.today.weekday()) % 7 or 7
    if sign > 0:
        return (Slot(frame.today + (ahead + 7 * (n - 1)) * DAY, None, "day"),)
    behind = (frame.today.weekday() - weekday) % 7 or 7
    return (Slot(frame.today - (behind + 7 * (n - 1)) * DAY, None, "day"),)


def _never(frame: Frame) -> tuple[Slot, ...]:
    raise ImpossibleError


def _latest(frame: Frame, term: Term) -> tuple[Slot, ...]:
    """ "since Monday": the last one, where the words alone would look ahead."""
    if term.op == "weekday" and term.args[1] is None:
        behind = (frame.today.weekday() - term.args[0]) % 7 or 7
        return (Slot(frame.today - behind * DAY, None, "day"),)
    found = frame.slots(term)
    if term.op == "ymd" and term.args[0] is None:
        back = [(s, add_months(s.start, -12)) for s in found if s.start > frame.now]
        return (
            tuple(Slot(at, finish(at, s.grain) if s.end else None, s.grain) for s, at in back)
            or found
        )
    if term.op == "clock":
        return tuple(s._replace(start=s.start - DAY) if s.start > frame.now else s for s in found)
    return found


OPERATORS: Final[Operators] = {
    "day": _day,
    "now": _now,
    "ymd": _ymd,
    "figures": _figures,
    "dom": _dom,
    "wdom": _wdom,
    "weekday": _weekday,
    "on_weekday": _on_weekday,
    "holiday": _holiday,
    "moon": _moon,
    "nearest": _nearest,
    "not_today": _not_today,
    "shift": _shift,
    "within": _within,
    "weekdays_on": _weekdays_on,
    "never": _never,
    "latest": _latest,
}
