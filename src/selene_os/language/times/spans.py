"""What a time expression is, before and after it is resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

TimePolicy = Literal["ask", "next_occurrence"]
DateOrder = Literal["DMY", "MDY", "YMD"]
ASK: Final[TimePolicy] = "ask"
NEXT_OCCURRENCE: Final[TimePolicy] = "next_occurrence"
READINGS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """One resolution of a time expression.

    Attributes:
        start: ISO 8601, local; YYYY-MM-DD, or YYYY-MM-DDTHH:MM[:SS] where a time of day is said.
            Where a time zone was said, its offset follows (+HH:MM), and the clock is that zone's.
        end: the same, exclusive, for ranges only.
        grain: second minute hour day week month quarter year part.
    """

    start: str
    end: str | None
    grain: str


class Term(NamedTuple):
    """What was said as a small expression tree: an operator and its arguments, not yet resolved."""

    op: str
    args: tuple[Any, ...] = ()


class Item(NamedTuple):
    """A piece found by the grammar: its category, its meaning, and the token after it."""

    cat: str
    term: Term
    last: int


class Moment(NamedTuple):
    """The unresolved form of a span: what it says of the date, and what of the time of day."""

    date: Term | None = None
    clock: Term | None = None


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """One time expression of a text.

    Attributes:
        start, end: its place in code points, end exclusive, with its own preposition.
        text: the verbatim slice.
        first, last: its tokens, last exclusive.
        kind: instant, range, duration, recurring, vague or impossible.
        grain: second minute hour day week month quarter year part.
        readings: none (relative without `now`, or kinds that have none), one, or up to four.
        duration: ISO 8601, for the kind duration only.
        bound: "before" or "after" where it is an open end ("until Friday", "since 2 pm").
        about: whether the speaker said it was approximate ("around five", "a few minutes").
        form: what was said of date and clock, for `combine`.
    """

    start: int
    end: int
    text: str
    first: int
    last: int
    kind: str
    grain: str
    readings: tuple[Reading, ...] = ()
    duration: str | None = None
    bound: str | None = None
    about: bool = False
    form: Moment | None = field(default=None, compare=False, repr=False)
