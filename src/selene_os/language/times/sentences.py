"""Whole expressions in Chinese: lengths and where they lead, repetitions, points, ranges."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.hanzi import hanzi_every, hanzi_shift
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.pairs import agree
from selene_os.language.times.phrases import Point, point
from selene_os.language.times.ranges import Found, distributed, found_at
from selene_os.language.times.spans import Moment, Term

_AT: Final = frozenset("在于")
_JOINTS: Final = frozenset("到至") | DASHES
# What may stand before a point, and on which side it leaves the end open.
_PREFIXES: Final = (
    ("截止到", "before"), ("截止至", "before"), ("截至", "before"), ("截止", "before"),
    ("截到", "before"), ("直到", "before"), ("自从", "after"), ("从", None), ("自", None),
    ("到", None), ("在", None), ("于", None), ("待", None), ("等到", None), ("等", None),
)  # fmt: skip
# Of these the expression begins behind them.
_SILENT: Final = frozenset({"从", "自", "到", "待", "等", "等到"})
_SUFFIXES: Final = (
    ("之前", "before"), ("以前", "before"), ("之后", "after"), ("以后", "after"),
    ("以来", "after"), ("之内", None), ("为止", "before"), ("期间", None),
    ("前", "before"), ("后", "after"), ("起", "after"), ("止", "before"),
)  # fmt: skip
# "八点起床" is getting up at eight, not from eight on.
_RISING: Final = frozenset("床来身飞步立草跑")
_ABOUT: Final = ("左右", "前后", "上下", "许")
_VAGUELY: Final = (
    "过一会儿", "过一会", "过几天", "过几日", "过两天",
    "一会儿", "一会", "稍后", "等会儿", "等会", "待会儿", "待会", "以后", "过会儿", "过会",
    "刚才", "刚刚", "最近", "近来", "不久", "早晚", "改天", "改日", "晚点儿", "晚点",
)  # fmt: skip


def chinese_expression(line: Line, i: int) -> Found | None:
    """An expression that begins in Chinese: a length, a repetition, a point, a range."""
    words = line.words
    if words[i] == "每":
        last = hanzi_every(line, i)
        if not last:
            return None
        time = point(line, last, False, False)
        return Found(i, time.last if time and time.date is None else last, "recurring")
    prefix, bound = _prefix(line, i)
    k = i + len(prefix)
    left = point(line, k, True, False)
    lasting = hanzi_shift(line, k)
    if lasting and (left is None or lasting[1] >= left.last):
        said, last, about = lasting
        if not isinstance(said, Term):
            return Found(k, last, "duration", None, said, None, about)
        first = i if prefix in _AT else k
        return Found(first, last, "point", said, None, None, about, Moment(said))
    if left is None:
        return _vaguely(line, i)
    joint = words[left.last]
    between = joint in ("和", "与")
    if joint in _JOINTS or between:
        found = _chinese_range(line, i, left, between)
        if found:
            return found
    if prefix not in _SILENT:
        return _bounded(line, i, left, bound)
    found = _bounded(line, k, left, None)
    # "到明天为止" is an end; "改到明天" only a goal.
    return found._replace(first=i) if prefix == "到" and found.bound == "before" else found


def _prefix(line: Line, i: int) -> tuple[str, str | None]:
    at = line.starts[i]
    if line.kinds[i] == "cjk":
        for prefix, bound in _PREFIXES:
            if line.text.startswith(prefix, at):
                return prefix, bound
    return "", None


def _vaguely(line: Line, i: int) -> Found | None:
    at = line.starts[i]
    for name in _VAGUELY:
        if line.text.startswith(name, at):
            return Found(i, i + len(name), "vague")
    return None


def _bounded(line: Line, first: int, left: Point, bound: str | None) -> Found:
    """A point with what follows it: "左右", "之前", "以来"."""
    about = False
    for word in _ABOUT:
        if _follows(line, left.last, word):
            left, about = left._replace(last=left.last + len(word)), True
            break
    for suffix, side in _SUFFIXES:
        if _follows(line, left.last, suffix):
            beyond = line.starts[left.last] + len(suffix)
            if suffix == "起" and line.text[beyond : beyond + 1] in _RISING:
                break
            left, bound = left._replace(last=left.last + len(suffix)), side or bound
            break
    return found_at(first, left, bound, about)


def _follows(line: Line, k: int, word: str) -> bool:
    """Whether `word` stands at token `k`, touching what is before it."""
    return line.joined(k) and line.text.startswith(word, line.starts[k])


def _chinese_range(line: Line, i: int, left: Point, between: bool) -> Found | None:
    """ "从…到…", "三月和九月之间", "下午两点到四点"."""
    right = point(line, left.last + 1, True, False)
    if right is None:
        return None
    last = right.last
    if line.words[last] == "之" and line.words[last + 1] == "间":
        last += 2
    elif line.words[last] == "间":
        last += 1
    elif between:
        return None
    term = _clock_pair(left, right)
    if term is None:
        left_term, right_term = distributed(left, right)
        if left_term is None:
            return None
        term = Term("range", (left_term, right_term, False))
    return Found(i, last, "point", term, None, None, False, Moment(term))


def _clock_pair(left: Point, right: Point) -> Term | None:
    """Two times of day of one day; what settles the first holds for the second."""
    if right.date or left.clock is None or right.clock is None:
        return None
    if left.clock.op != "clock" or right.clock.op != "clock":
        return None
    clocks = Term("clocks", agree(left.clock, right.clock))
    return Term("at", (left.date, clocks)) if left.date else clocks
