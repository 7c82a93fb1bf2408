"""Whole expressions in Chinese: lengths and where they lead, repetitions, points, ranges."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.hanzi import hanzi_every, hanzi_shift
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.phrases import Point, point
from selene_os.language.times.ranges import Found, distributed, found_at
from selene_os.language.times.spans import Moment, Term

_AT: Final = frozenset("在于於")
_FROM: Final = frozenset("从從自")
_JOINTS: Final = frozenset("到至") | DASHES
_SUFFIXES: Final = (
    ("之前", "before"), ("以前", "before"), ("之后", "after"), ("之後", "after"), ("以后", "after"),
    ("以後", "after"), ("前", "before"), ("起", "after"),
)  # fmt: skip
_VAGUELY: Final = ("稍后", "稍後", "等会", "等會", "待会", "待會", "以后", "以後")


def chinese_expression(line: Line, i: int) -> Found | None:
    """An expression that begins in Chinese: a length, a repetition, a point, a range."""
    words = line.words
    word = words[i]
    if word == "每":
        last = hanzi_every(line, i)
        if not last:
            return None
        time = point(line, last, False, False)
        return Found(i, time.last if time and time.date is None else last, "recurring")
    k = i + 1 if word in _AT or word in _FROM else i
    lasting = hanzi_shift(line, k)
    if lasting:
        said, last, about = lasting
        if not isinstance(said, Term):
            return Found(k, last, "duration", None, said, None, about)
        first = i if word in _AT else k
        return Found(first, last, "point", said, None, None, about, Moment(said))
    left = point(line, k, True, False)
    if left is None:
        at = line.text[line.starts[i] : line.starts[i] + 2]
        return Found(i, i + 2, "vague") if at in _VAGUELY else None
    joint = words[left.last]
    between = joint in ("和", "与", "與")
    if joint in _JOINTS or between:
        found = _chinese_range(line, i if k > i else k, left, between)
        if found:
            return found
    first = k if word in _FROM else i
    beyond = line.starts[left.last] if left.last < line.size else len(line.text)
    after = line.text[beyond : beyond + 2]
    for suffix, bound in _SUFFIXES:
        if after.startswith(suffix) and line.joined(left.last):
            return found_at(first, left._replace(last=left.last + len(suffix)), bound)
    return found_at(first, left)


def _chinese_range(line: Line, i: int, left: Point, between: bool) -> Found | None:
    """ "从…到…", "三月和九月之间"."""
    right = point(line, left.last + 1, True, False)
    if right is None:
        return None
    last = right.last
    if line.words[last] in ("之",) and line.words[last + 1] in ("间", "間"):
        last += 2
    elif line.words[last] in ("间", "間"):
        last += 1
    elif between:
        return None
    left_term, right_term = distributed(left, right)
    if left_term is None:
        return None
    term = Term("range", (left_term, right_term, False))
    return Found(i, last, "point", term, None, None, False, Moment(term))
