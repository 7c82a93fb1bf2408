"""From what was said to dates: a term evaluated at a moment, and written as ISO 8601."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from selene_os.language.times import days, hours, stretches
from selene_os.language.times.calendar import CLOCK_GRAINS, DAY, midnight, text_of
from selene_os.language.times.slots import Frame, ImpossibleError, Operators, Slot, UnfixedError
from selene_os.language.times.spans import READINGS_MAX, DateOrder, Reading, Term


class Resolved(NamedTuple):
    """What a term comes to: its kind, its grain, its readings."""

    kind: str
    grain: str
    readings: tuple[Reading, ...]


# A moment to learn kind and grain by, where the caller gave none; no reading leaves here.
_SOMETIME: Final = datetime(2001, 1, 1, 12)
_OPERATORS: Final[Operators] = {**days.OPERATORS, **stretches.OPERATORS, **hours.OPERATORS}


def resolve(
    term: Term, now: datetime | None, policy: str, order: DateOrder | None
) -> Resolved | None:
    """Resolve `term`; None where it comes to nothing, "impossible" where no calendar has it."""
    frame = Frame(now or _SOMETIME, order, _OPERATORS)
    try:
        found = frame.slots(term)
    except (ImpossibleError, OverflowError, ValueError):
        return Resolved("impossible", "day", ())
    except UnfixedError:
        return Resolved("vague", "year", ())
    # "the next zero months" last no time at all.
    unique = tuple(dict.fromkeys(s for s in found if s.end is None or s.end > s.start))
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
    end = text_of(slot.end, fine) + slot.zone if slot.end else None
    return Reading(text_of(slot.start, fine) + slot.zone, end, grain)


def _clocked(slot: Slot) -> bool:
    """Whether either end of a range lies within a day."""
    return slot.start != midnight(slot.start) or bool(slot.end and slot.end != midnight(slot.end))
