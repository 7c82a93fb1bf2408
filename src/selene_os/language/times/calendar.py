"""Arithmetic of the civil calendar: add months, begin a week, number an ISO week."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from selene_os.language.times.amounts import Amounts

DAY: Final = timedelta(days=1)
CLOCK_GRAINS: Final = frozenset({"second", "minute", "hour", "part"})
FINE_GRAINS: Final = frozenset({"second", "minute", "hour"})
_SECONDS: Final[dict[str, int]] = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "night": 86_400,
    "weekday": 86_400,
    "weekend": 604_800,
    "week": 604_800,
    "fortnight": 1_209_600,
}
_MONTHS: Final[dict[str, int]] = {
    "month": 1,
    "quarter": 3,
    "season": 3,
    "year": 12,
    "decade": 120,
    "century": 1200,
}


def midnight(at: datetime) -> datetime:
    """The beginning of the day of `at`."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def add_months(at: datetime, months: int) -> datetime:
    """`at` moved by whole months; the 31st becomes the last day of a shorter month."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, month_days(year, month + 1)))


def month_days(year: int, month: int) -> int:
    """How many days a month has; 29 for February where no year is said (year 0)."""
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 29 if leap else 28
    return 30 if month in (4, 6, 9, 11) else 31


def move(at: datetime, amounts: Amounts, sign: int) -> datetime:
    """`at` moved by a length of time, months before days, parts of a month as days of 30."""
    for count, unit in amounts:
        if unit in _MONTHS:
            months = count * _MONTHS[unit] * sign
            at = add_months(at, int(months))
            at += timedelta(days=30 * (months - int(months)))
        elif unit == "weekday":
            at = _work_days(at, int(count), sign)
        else:
            at += timedelta(seconds=count * _SECONDS[unit] * sign)
    return at


def _work_days(at: datetime, count: int, sign: int) -> datetime:
    """`at` moved by days from Monday to Friday."""
    weekend = at.weekday() - 4 if at.weekday() > 4 else 0
    if weekend:
        # From a Saturday the first working day ahead is Monday, the first one back Friday.
        at -= weekend * DAY if sign > 0 else (weekend - 3) * DAY
    weeks, days = divmod(count, 5)
    beyond = at.weekday() + days > 4 if sign > 0 else at.weekday() - days < 0
    return at + sign * (7 * weeks + days + 2 * beyond) * DAY


def begin(at: datetime, unit: str) -> datetime:
    """The beginning of the unit of time in which `at` lies; weeks begin on Monday."""
    if unit == "second":
        return at.replace(microsecond=0)
    if unit == "minute":
        return at.replace(second=0, microsecond=0)
    if unit == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    at = midnight(at)
    if unit in ("week", "fortnight"):
        return at - at.weekday() * DAY
    if unit == "weekend":
        return at - (at.weekday() - 5) * DAY
    if unit == "month":
        return at.replace(day=1)
    if unit == "quarter":
        return at.replace(month=(at.month - 1) // 3 * 3 + 1, day=1)
    if unit == "year":
        return at.replace(month=1, day=1)
    if unit in ("decade", "century"):
        size = 10 if unit == "decade" else 100
        return at.replace(year=max(at.year // size * size, 1), month=1, day=1)
    return at


def finish(start: datetime, unit: str) -> datetime:
    """The end, exclusive, of the unit of time that begins at `start`."""
    if unit == "weekend":
        return start + 2 * DAY
    return move(start, ((1, unit),), 1)


def week_begin(year: int, week: int) -> datetime:
    """The Monday of ISO week `week`; raises ValueError where the year has no such week."""
    return datetime.fromisocalendar(year, week, 1)


def text_of(at: datetime, grain: str) -> str:
    """ISO 8601 of `at`, as fine as `grain`."""
    if grain == "second":
        return at.isoformat(timespec="seconds")
    return at.isoformat(timespec="minutes") if grain in CLOCK_GRAINS else at.date().isoformat()
