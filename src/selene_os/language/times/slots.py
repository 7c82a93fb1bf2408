"""A term under evaluation: its resolutions, and the moment at which it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from selene_os.language.times.calendar import midnight
from selene_os.language.times.spans import DateOrder, Term


class Slot(NamedTuple):
    """One resolution before it is written down; `end` is exclusive, None for a point.

    `zone` is the offset of a zone that was said, or empty: then the moment is the speaker's own.
    """

    start: datetime
    end: datetime | None
    grain: str
    zone: str = ""


Slots = tuple[Slot, ...]
Operators = Mapping[str, Callable[..., Slots]]


class ImpossibleError(Exception):
    """What was said names no date: February 30, 25:00."""


class UnfixedError(Exception):
    """What was said is a time whose bounds nobody but the speaker knows: a fiscal year."""


class Frame:
    """The moment at which a text is read; remembers whether it was needed."""

    __slots__ = ("_now", "_operators", "order", "paired", "relative")

    def __init__(self, now: datetime, order: DateOrder | None, operators: Operators) -> None:
        self._now = now
        self._operators = operators
        self.order = order
        self.relative = False
        self.paired = False

    @property
    def now(self) -> datetime:
        """The moment of speaking."""
        self.relative = True
        return self._now

    @property
    def today(self) -> datetime:
        """The beginning of the day of speaking."""
        return midnight(self.now)

    def slots(self, term: Term) -> Slots:
        """The resolutions of `term`, in the order in which they are offered."""
        return self._operators[term.op](self, *term.args)

    def moved(self, now: datetime) -> Frame:
        """The same frame at another moment."""
        frame = Frame(now, self.order, self._operators)
        frame.paired = self.paired
        return frame

    def ordered(self, order: DateOrder) -> Frame:
        """The same frame where figures are dates in this order."""
        frame = Frame(self.now, order, self._operators)
        frame.paired = True
        return frame
