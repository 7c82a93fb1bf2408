"""From one point to another: "from X to Y", "between X and Y", "X until Y"."""

from __future__ import annotations

from typing import NamedTuple

from selene_os.language.times.amounts import Amounts
from selene_os.language.times.durations import length
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.pairs import clock_range, day_range
from selene_os.language.times.phrases import Point, extend, point
from selene_os.language.times.repeats import now_at
from selene_os.language.times.spans import Moment, Term


class Found(NamedTuple):
    """An expression found: its tokens, what it is, and what it says."""

    first: int
    last: int
    kind: str
    term: Term | None = None
    amounts: Amounts | None = None
    bound: str | None = None
    about: bool = False
    form: Moment | None = None


def found_at(i: int, at: Point, bound: str | None = None, about: bool = False) -> Found:
    """A point, found to begin at token `i`."""
    clock = Term("zoned", (at.clock, at.zone)) if at.clock and at.zone else at.clock
    return Found(i, at.last, "point", at.term, None, bound, about, Moment(at.date, clock))


def ranged(line: Line, i: int, k: int, joint_and: bool) -> Found | None:
    """ "from X to Y", "between X and Y"."""
    days = day_range(line, k)
    if days:
        return Found(i, days.last, "point", days.term, None, None, False, Moment(days.term))
    clocks = clock_range(line, k, True)
    if clocks:
        extended = point(line, k, False, True)
        from_left = Point(None, clocks.term, clocks.last, "clocks")
        grown = grow(line, from_left)
        if extended is None or extended.last <= grown.last:
            return found_at(i, grown)
    now = now_at(line, k)
    if now:
        left = Point(Term("now"), None, now, "day")
        return range_after(line, i, left, joint_and, True, True)
    found = point(line, k, True, True)
    if found is None:
        return None
    if line.words[found.last] == "for":
        lasting = length(line, found.last + 1)
        if lasting:
            term = Term("span", (found.term, lasting.amounts))
            return Found(i, lasting.last, "point", term, None, None, False, Moment(None, term))
    return range_after(line, i, found, joint_and, True, True)


def grow(line: Line, at: Point) -> Point:
    """`at` with whatever follows and belongs to it."""
    for _ in range(4):
        more = extend(line, at)
        if more is None:
            break
        at = more
    return at


def range_after(
    line: Line, i: int, left: Point, joint_and: bool, announced: bool, bare: bool
) -> Found | None:
    """The second half of a range whose first half is `left`."""
    words = line.words
    k = left.last
    joint = words[k]
    spelt = joint in ("to", "until", "till", "untill", "through", "thru", "til")
    if not (spelt or joint in DASHES or (joint == "and" and joint_and)):
        return None
    k += 1
    if joint in ("to", "through") and not announced and left.cat in ("clock",) and not bare:
        return None
    right = point(line, k, True, left.clock is not None or announced)
    if right is None:
        return None
    zone = right.zone or left.zone
    left_term, right_term = distributed(left._replace(zone=()), right._replace(zone=()))
    if left_term is None:
        return None
    term = Term("range", (left_term, right_term, joint in ("through", "thru")))
    if zone:
        term = Term("zoned", (term, zone))
    return Found(i, right.last, "point", term, None, None, False, Moment(term))


def distributed(left: Point, right: Point) -> tuple[Term | None, Term]:
    """A date said after the second time of day holds for both: "3:00 to 4:00 tomorrow"."""
    if left.date is None and left.clock is not None and right.date is not None:
        if right.clock is None:
            return None, right.term
        if right.date_last:
            return Term("at", (right.date, left.clock)), right.term
        return left.clock, right.term
    if left.date is not None and left.clock is not None and right.date is None and right.clock:
        return left.term, right.clock
    if left.date and right.date and left.date.op == "ymd" and right.date.op == "ymd":
        y, m, d = left.date.args
        until = right.date.args
        if y is None and until[0] is not None and m and until[1]:
            year = until[0] - ((m, d or 0) > (until[1], until[2] or 31))
            return Point(Term("ymd", (year, m, d)), left.clock, 0, "day").term, right.term
    if left.date and right.date and left.cat == "weekday" and right.date.op == "inside":
        # "Tuesday to Thursday next week".
        return Term("inside", (left.date, right.date.args[1])), right.term
    if left.date and right.date and left.date.op == right.date.op == "figures":
        a, b, c, _ = left.date.args
        if c is None and right.date.args[2] is not None:
            return Term("figures", (a, b, *right.date.args[2:])), right.term
    if left.date is not None and left.clock is None and right.date is None:
        return left.date if left.date.op == "now" else None, right.term
    return left.term, right.term
