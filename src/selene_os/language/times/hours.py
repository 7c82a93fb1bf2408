"""Times of day and ranges, evaluated: every operator that needs a clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from selene_os.language.times.calendar import CLOCK_GRAINS, DAY, add_months, finish, midnight, move
from selene_os.language.times.cues import cued
from selene_os.language.times.slots import Frame, ImpossibleError, Operators, Slot
from selene_os.language.times.spans import Moment, Term

Hours = tuple[tuple[float, float], ...]
# Where a part of the day begins and ends is a convention: two are given, in hours from midnight.
# Sources: Recognizers-Text's and Duckling's documented defaults.
PARTS: Final[dict[str, Hours]] = {
    "morning": ((8, 12), (0, 12)),
    "afternoon": ((12, 16), (12, 19)),
    "evening": ((18, 24), (16, 20)),
    "night": ((18, 24), (20, 23 + 59 / 60)),
    "tonight": ((18, 24), (20, 23 + 59 / 60)),
    "late_tonight": ((21, 24),),
    "late_night": ((21, 24), (22, 24)),
    "late_morning": ((10, 12), (11, 12)),
    "late_afternoon": ((14, 16), (17, 19)),
    "late_evening": ((18, 20), (21, 24)),
    "early_morning": ((8, 10), (0, 6)),
    "early": ((0, 12),),
    "late": ((12, 24),),
    "dawn": ((5, 7), (4, 8)),
    "lunch": ((12, 14), (11, 13)),
    "breakfast": ((6, 9), (8, 12)),
    "dinner": ((18, 21), (16, 20)),
    "dusk": ((17, 19), (18, 20)),
    "daytime": ((8, 18),),
    "small_hours": ((0, 6), (0, 4)),
    "noonish": ((11, 13), (12, 14)),
}


def clock_options(h: int, m: int, s: int | None, mer: str | None) -> tuple[timedelta, ...]:
    """What a clock time may mean, as lengths from the day's midnight."""
    if mer == "midnight":
        return (timedelta(0), timedelta(hours=24))
    hours = (h,) if mer or h > 12 or h == 0 else (h, h + 12) if h < 12 else (12, 0)
    return tuple(timedelta(hours=hour, minutes=m, seconds=s or 0) for hour in hours)


def grain_of_clock(term: Term) -> str:
    """How fine a clock was said."""
    if term.op != "clock":
        return "part" if term.op == "part" else "minute"
    _, m, s, _ = term.args
    return "second" if s is not None else "minute" if m else "hour"


def _clock(frame: Frame, h: int, m: int, s: int | None, mer: str | None) -> tuple[Slot, ...]:
    """A clock time without a day: the next time that it comes, or today's, already past."""
    term = Term("clock", (h, m, s, mer))
    grain = grain_of_clock(term)
    options = clock_options(h, m, s, mer)
    now, today = frame.now, frame.today
    found = []
    if mer == "midnight":
        return (Slot(today if today == now else today + DAY, None, "hour"),)
    for option in options:
        at = today + option
        if at >= now.replace(second=0, microsecond=0):
            found.append(Slot(at, None, grain))
        else:
            if len(options) == 1:
                found.append(Slot(at, None, grain))
            found.append(Slot(at + DAY, None, grain))
    return tuple(sorted(found))


def _part(frame: Frame, name: str) -> tuple[Slot, ...]:
    """A part of the day without a day: today's while it lasts, else tomorrow's."""
    found: list[Slot] = []
    for first, last in PARTS[name]:
        start, end = frame.today + timedelta(hours=first), frame.today + timedelta(hours=last)
        later = DAY if end <= frame.now and "tonight" not in name else timedelta(0)
        found.append(Slot(start + later, _minute(end + later), "part"))
    return tuple(found)


def _minute(at: datetime) -> datetime:
    """`at` without the rounding of a fraction of an hour."""
    return (at + timedelta(seconds=1)).replace(second=0, microsecond=0)


def _end_of_day(frame: Frame) -> tuple[Slot, ...]:
    return (Slot(frame.today + timedelta(hours=24) - timedelta(seconds=1), None, "second"),)


def _at(frame: Frame, date: Term, clock: Term) -> tuple[Slot, ...]:
    """A day and a time of day."""
    days = frame.slots(date)
    found: list[Slot] = []
    for day in days:
        found.extend(_on_day(frame, midnight(day.start), clock))
    if len(found) > 1 and len(days) <= len(found):
        return _not_past(frame, found, date)
    return tuple(found)


def _on_day(frame: Frame, day: datetime, clock: Term) -> list[Slot]:
    if clock.op == "clock":
        grain = grain_of_clock(clock)
        found = [Slot(day + option, None, grain) for option in clock_options(*clock.args)]
        if (
            clock.args[0] >= 24 and clock.args[3] == "24" and clock.args[1:3] != (0, None)
        ) or clock.args[0] > 24:
            found = [Slot(f.start - DAY, None, grain) for f in found] + found
        return found
    if clock.op == "part":
        return [
            Slot(day + timedelta(hours=a), _minute(day + timedelta(hours=b)), "part")
            for a, b in PARTS[clock.args[0]]
        ]
    if clock.op == "end_of_day":
        return [Slot(day + DAY - timedelta(seconds=1), None, "second")]
    if clock.op == "clocks":
        return _clocks_on(day, clock.args[0], clock.args[1])
    if clock.op == "never":
        raise ImpossibleError
    return list(frame.moved(day).slots(clock))


def _not_past(frame: Frame, found: list[Slot], date: Term) -> tuple[Slot, ...]:
    """Without those already past, where others are still to come; a date long past stays whole."""
    now = frame.now.replace(second=0, microsecond=0)
    coming = tuple(s for s in found if s.start >= now or (s.end and s.end > now))
    on_day = date.op == "day" and date.args[0] != 0
    return coming if coming and not on_day else tuple(found)


def _clocks_on(day: datetime, left: Term, right: Term) -> list[Slot]:
    """A range of clock times: each start with the first end after it."""
    found = []
    grain = min(grain_of_clock(left), grain_of_clock(right), key=("second minute hour").find)
    ends = clock_options(*right.args)
    for start in clock_options(*left.args):
        after = min(e + DAY * max((start - e) // DAY + 1, 0) for e in ends)
        found.append(Slot(day + start, day + after, grain))
    return found


def _clocks(frame: Frame, left: Term, right: Term) -> tuple[Slot, ...]:
    today = frame.today
    pairs = _clocks_on(today, left, right)
    found = []
    for pair in pairs:
        if pair.end and pair.end > frame.now:
            found.append(pair)
        else:
            found.append(Slot(pair.start + DAY, pair.end + DAY if pair.end else None, pair.grain))
            if len(pairs) == 1:
                found.append(pair)
    return tuple(sorted(found))


def _range(frame: Frame, left: Term, right: Term, inclusive: bool) -> tuple[Slot, ...]:
    """From one point to another. Whether a last day counts is not said, unless `inclusive`."""
    found: list[Slot] = []
    if left.op == right.op == "figures" and frame.order is None and not frame.paired:
        # Both dates of a range are written in the same order.
        for order in ("MDY", "DMY"):
            try:
                found.extend(_range(frame.ordered(order), left, right, inclusive))
            except ImpossibleError:
                continue
        return tuple(dict.fromkeys(found))
    starts = list(frame.slots(left))
    if starts and _undated(left) and _undated(right):
        # "from May to September" said in July: the stretch that has begun and still lasts.
        began = Slot(add_months(starts[0].start, -12), None, starts[0].grain)
        if any((s.end or s.start) > frame.today for s in _ends(frame, began, right)):
            starts.insert(0, began)
    for first in starts:
        for last in _ends(frame, first, right):
            fine = last.grain in CLOCK_GRAINS
            grain = first.grain
            if fine or right.op == "edge":
                found.append(Slot(first.start, (fine and last.start) or last.end, grain))
                continue
            end = last.end or finish(last.start, "day")
            if not inclusive and last.start > first.start:
                found.append(Slot(first.start, last.start, grain))
            found.append(Slot(first.start, end, grain))
    return tuple(s for s in found if s.end and s.end > s.start)


def _undated(term: Term) -> bool:
    """Whether a date was said without its year."""
    return (term.op == "ymd" and term.args[0] is None) or (
        term.op == "figures" and term.args[2] is None
    )


def _ends(frame: Frame, first: Slot, right: Term) -> tuple[Slot, ...]:
    """Where a range ends: undated ends are the first after its start."""
    floating = right.op in ("weekday", "clock", "part", "dom") or _undated(right)
    if right.op == "weekday" and right.args[1] not in (None, "this"):
        floating = False
    if floating:
        moved = frame.moved(first.start if right.op in ("clock", "part") else midnight(first.start))
        found = moved.slots(right)
        return found[-1:] if right.op == "weekday" else found[:2]
    return tuple(s for s in frame.slots(right) if (s.end or s.start) > first.start) or ()


def _span(frame: Frame, left: Term, amounts: Any) -> tuple[Slot, ...]:
    """ "from 9 for 2.5 hours"."""
    return tuple(Slot(s.start, move(s.start, amounts, 1), s.grain) for s in frame.slots(left))


def _zoned(frame: Frame, term: Term, offsets: tuple[str, ...]) -> tuple[Slot, ...]:
    """A time of day by the clock of another zone."""
    return tuple(slot._replace(zone=zone) for slot in frame.slots(term) for zone in offsets)


OPERATORS: Final[Operators] = {
    "zoned": _zoned,
    "clock": _clock,
    "part": _part,
    "end_of_day": _end_of_day,
    "at": _at,
    "clocks": _clocks,
    "range": _range,
    "span": _span,
}


_NO_DAY: Final = frozenset({"range", "period", "rolling", "edge", "within", "quarter", "season"})


def joined(a: Moment, b: Moment) -> Term | None:
    """Two forms as one term, where one says the day and the other the time of day."""
    date, clock = a.date or b.date, a.clock or b.clock
    if date is None or clock is None or (a.date and b.date) or date.op in _NO_DAY:
        return None
    if a.clock and b.clock:
        part, time = (a.clock, b.clock) if a.clock.op == "part" else (b.clock, a.clock)
        if part.op != "part" or time.op not in ("clock", "clocks"):
            return None
        clock = cued(time, part.args[0])
    if clock.op not in ("clock", "clocks", "part", "end_of_day"):
        return None
    return Term("at", (date, clock))
