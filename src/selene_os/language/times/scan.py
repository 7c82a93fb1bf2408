"""One pass over a text, left to right: where an expression may begin, and the longest that does."""

from __future__ import annotations

from typing import Final, NamedTuple

from selene_os.language.times.chinese import TRIGGERS as CHINESE
from selene_os.language.times.clocks import NAMED, clock
from selene_os.language.times.durations import Amounts, length
from selene_os.language.times.hanzi import hanzi_every, hanzi_shift
from selene_os.language.times.holidays import BY_FIRST_WORD
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.phrases import (
    ABOUT,
    AFTER,
    BEFORE,
    Point,
    clock_range,
    day_range,
    follows_bare,
    number_starts,
    offset,
    point,
    weekday_count,
)
from selene_os.language.times.repeats import REPEATERS, VAGUE, now_at, recurring, vague
from selene_os.language.times.spans import Moment, Term
from selene_os.language.times.words import (
    CARDINALS,
    COUNTED,
    DAYS,
    MODIFIERS,
    MONTHS,
    ORDINALS,
    PARTS,
    SEASONS,
    TENS,
    TONIGHT,
    UNITS,
    WEEKDAYS,
    WEEKDAYS_PLURAL,
)

_PREPOSITIONS: Final = (
    frozenset("at on in for during within @ between the a an over through throughout".split())
    | BEFORE
    | AFTER
    | ABOUT
)
_OTHERS: Final = frozenset(
    "half quarter all full whole day couple few several end beginning start middle mid early late "
    "earlier later weekend eoy eom eow eod than anytime".split()
)
# Words that can begin an expression.
STARTERS: Final = (
    frozenset(MONTHS) | frozenset(WEEKDAYS) | frozenset(WEEKDAYS_PLURAL) | frozenset(DAYS)
    | frozenset(MODIFIERS) | frozenset(CARDINALS) | frozenset(TENS) | frozenset(ORDINALS)
    | frozenset(NAMED) | frozenset(PARTS) | frozenset(SEASONS) | frozenset(BY_FIRST_WORD)
    | frozenset({"week", "year", "month", "weekend"}) | TONIGHT | REPEATERS | VAGUE
    | _PREPOSITIONS | _OTHERS | CHINESE
    | frozenset({"q1", "q2", "q3", "q4", "h1", "h2"})
)  # fmt: skip
# Words without one of which (or a digit) there is no time expression at all.
ANCHORS: Final = (
    STARTERS | frozenset(UNITS)
) - frozenset(
    "at on in for during within between the a an over through throughout than by until till til "
    "after before since from around about roughly circa approximately all full whole few several "
    "couple this present current".split()
)


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


def scan(line: Line) -> list[Found]:
    """Every expression of `line`, left to right; each token begins at most one attempt."""
    found: list[Found] = []
    i = 0
    words, kinds = line.words, line.kinds
    while i < line.size:
        word = words[i]
        if word in STARTERS or kinds[i] == "number" or _glued(word):
            here = expression(line, i)
            if here:
                found.append(here)
                i = here.last
                continue
        i += 1
    return found


def _glued(word: str) -> bool:
    """Whether `word` is letters and figures that may be a date or a clock: "mar4", "t08"."""
    return len(word) < 6 and word[-1:].isdigit() and (word[:3] in MONTHS or word[:1] == "t")


def expression(line: Line, i: int) -> Found | None:
    """The longest expression that begins at token `i`."""
    word = line.words[i]
    if line.kinds[i] == "cjk" or (line.kinds[i] == "number" and line.kinds[i + 1] == "cjk"):
        return _chinese(line, i)
    if word in REPEATERS or word in WEEKDAYS_PLURAL or word == "on":
        again = recurring(line, i)
        if again:
            return Found(i, again, "recurring")
    now = now_at(line, i)
    if now and line.words[now] not in DASHES and line.words[now] not in ("to", "until", "till"):
        return Found(i, now, "point", Term("now"))
    if word in _PREPOSITIONS and word not in ("the", "a", "an"):
        return _with_preposition(line, i)
    return _plain(line, i) or _vague(line, i)


_AT: Final = frozenset("在于於")
_FROM: Final = frozenset("从從自")
_JOINTS: Final = frozenset("到至") | DASHES
_SUFFIXES: Final = (
    ("之前", "before"), ("以前", "before"), ("之后", "after"), ("之後", "after"), ("以后", "after"),
    ("以後", "after"), ("前", "before"), ("起", "after"),
)  # fmt: skip
_VAGUELY: Final = ("稍后", "稍後", "等会", "等會", "待会", "待會", "以后", "以後")


def _chinese(line: Line, i: int) -> Found | None:
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
        what, said, last, about = lasting
        if what == "length":
            return Found(k, last, "duration", None, said, None, about)
        return Found(i if word in _AT else k, last, "point", _term(said), None, None, about, Moment(_term(said)))
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
    after = line.text[line.starts[left.last] : line.starts[left.last] + 2] if left.last < line.size else ""
    for suffix, bound in _SUFFIXES:
        if after.startswith(suffix) and line.joined(left.last):
            return _found(first, left._replace(last=left.last + len(suffix)), bound)
    return _found(first, left)


def _term(said: Term | Amounts) -> Term:
    assert isinstance(said, Term)
    return said


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
    left_term, right_term = _distributed(left, right)
    if left_term is None:
        return None
    term = Term("range", (left_term, right_term, False))
    return Found(i, last, "point", term, None, None, False, Moment(term))


def _vague(line: Line, i: int) -> Found | None:
    last = vague(line, i)
    return Found(i, last, "vague") if last else None


def _with_preposition(line: Line, i: int) -> Found | None:
    words = line.words
    word = words[i]
    if word == "between" or (word in ("from", "for", "during") and words[i + 1] in ("from", "between")):
        k = i + 1 if word == "between" else i + 2
        return _ranged(line, i, k, joint_and=word == "between" or words[i + 1] == "between")
    if word == "from":
        found = _ranged(line, i, i + 1, joint_and=True)
        if found:
            return found
    about = word in ABOUT
    k = i + 1
    bound = "before" if word in BEFORE else "after" if word in ("after", "since") else None
    while words[k] in ABOUT or (words[k] in AFTER | BEFORE and word in ABOUT and k == i + 1):
        about = about or words[k] in ABOUT
        k += 1
    if words[k] in ("at",) and bound:
        k += 1
    if word in ("in", "within", "for", "over", "during", "through", "throughout", "after", "by"):
        found = _length_after(line, i, k, word)
        if found:
            return found
    now = now_at(line, k)
    if now and word in ("for", "by", "until", "till", "from", "since"):
        if word == "from" and words[now] in ("on", "onwards"):
            now += 1
        return Found(i, now, "point", Term("now"), None, bound)
    found = _prepositional_point(line, i, k, bound, about)
    if found is None:
        return _vague(line, i)
    return found


def _length_after(line: Line, i: int, k: int, word: str) -> Found | None:
    """ "in two hours", "within five minutes", "for an hour"."""
    start = k
    if word in ("within", "for", "over", "in", "during") and line.words[k] == "the":
        start = k + 1
    if word in ("within", "over") and line.words[start] in ("next", "coming", "following"):
        start += 1
    found = length(line, start)
    if found is None:
        return None
    if word == "within":
        shifted = offset(line, start, found, "")
        base = shifted[0].args[0] if shifted else None
        last = shifted[1] if shifted else found.last
        term = Term("within", (found.amounts, base))
        return Found(i, last, "point", term, None, None, found.about, Moment(term))
    if start > k:
        return None
    shifted = offset(line, start, found, word if word == "in" else "")
    if shifted:
        term, last = shifted
        return _pointed(line, i, term, last, found.about)
    if word in ("for", "over", "during", "through", "throughout"):
        return Found(i, found.last, "duration", None, found.amounts, None, found.about)
    if word == "after" and line.words[k] not in ("a", "the"):
        return None
    return None


def _pointed(line: Line, i: int, term: Term, last: int, about: bool) -> Found:
    """An offset, with the time of day that may follow it: "in 7 days at 5 pm"."""
    fine = any(unit in ("second", "minute", "hour") for _, unit in term.args[1])
    if not fine and line.words[last] in ("at", "@"):
        at = point(line, last + 1, False, True)
        if at and at.date is None and at.clock:
            whole = Term("at", (term, at.clock))
            return Found(i, at.last, "point", whole, None, None, about, Moment(term, at.clock))
    form = Moment(None, term) if fine else Moment(term)
    return Found(i, last, "point", term, None, None, about, form)


def _prepositional_point(
    line: Line, i: int, k: int, bound: str | None, about: bool
) -> Found | None:
    words = line.words
    word = words[i]
    clocky = word in ("at", "@", "by", "before", "after", "until", "till", "til", "since", "around")
    bare = clocky or about
    dated = word in ("on", "in", "since", "during", "until", "till", "by", "before", "after", "from")
    dated = dated or word in ("for", "through", "throughout")
    found = point(line, k, dated, bare)
    if found is None or (word in ("on",) and found.cat in ("clock", "clocks")):
        return None
    if word in ("at", "@") and found.date is not None and found.clock is None:
        if found.cat == "period" and found.date.op not in ("edge",):
            return None
    if word == "in" and found.cat in ("clock", "clocks") and found.date is None:
        return None
    if bare and _only_number(line, k, found) and not _stands(line, word, k, found.last):
        return None
    if word == "for" and found.date is None and found.cat == "clock" and _only_number(line, k, found):
        return None
    ranged = _range_after(line, i, found, False, word in ("from",), word == "for" or clocky)
    return ranged or _found(i, found, bound, about)


def _only_number(line: Line, k: int, found: Point) -> bool:
    """Whether the clock found is a number and no more."""
    return found.cat == "clock" and found.date is None and found.last == k + 1 and number_starts(line, k)


def _stands(line: Line, word: str, k: int, last: int) -> bool:
    """Whether a bare number after a preposition is a time of day."""
    words = line.words
    if words[last] in UNITS or words[last] in COUNTED or words[last] in ("%", "$", "-", "/"):
        return False
    if words[last] == ":" and line.joined(last):
        return False
    if line.kinds[k] == "number" and len(words[k]) >= 3:
        return word in ("at", "@", "around", "about", "by", "approximately") and int(words[k]) < 1260
    if word in ("at", "@"):
        return not (words[last] == "a" and words[last + 1] in ("time", "piece"))
    return follows_bare(line, last)


def _found(i: int, at: Point, bound: str | None = None, about: bool = False) -> Found:
    return Found(i, at.last, "point", at.term, None, bound, about, Moment(at.date, at.clock))


def _ranged(line: Line, i: int, k: int, joint_and: bool) -> Found | None:
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
            return _found(i, grown)
    now = now_at(line, k)
    if now:
        left = Point(Term("now"), None, now, "day")
        return _range_after(line, i, left, joint_and, True, True)
    found = point(line, k, True, True)
    if found is None:
        return None
    if line.words[found.last] == "for" and found.clock is not None:
        lasting = length(line, found.last + 1)
        if lasting:
            term = Term("span", (found.term, lasting.amounts))
            return Found(i, lasting.last, "point", term, None, None, False, Moment(None, term))
    return _range_after(line, i, found, joint_and, True, True)


def grow(line: Line, at: Point) -> Point:
    """`at` with whatever follows and belongs to it."""
    from selene_os.language.times.phrases import _extend

    for _ in range(4):
        more = _extend(line, at)
        if more is None:
            break
        at = more
    return at


def _range_after(
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
    left_term, right_term = _distributed(left, right)
    if left_term is None:
        return None
    term = Term("range", (left_term, right_term, joint in ("through", "thru")))
    return Found(i, right.last, "point", term, None, None, False, Moment(term))


def _distributed(left: Point, right: Point) -> tuple[Term | None, Term]:
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
    if left.date is not None and left.clock is None and right.date is None:
        return None, right.term
    return left.term, right.term


def _plain(line: Line, i: int) -> Found | None:
    """An expression without a preposition."""
    words = line.words
    days = day_range(line, i)
    if days:
        return Found(i, days.last, "point", days.term, None, None, False, Moment(days.term))
    lasting = _length(line, i)
    counted = weekday_count(line, i)
    if counted:
        return Found(i, counted[1], "point", counted[0], None, None, False, Moment(counted[0]))
    clocks = clock_range(line, i, False)
    if clocks:
        grown = grow(line, Point(None, clocks.term, clocks.last, "clocks"))
        return _found(i, grown)
    found = point(line, i, line.size == 1, False)
    if found and found.cat == "dom" and found.clock is None and words[i] != "the":
        found = None
    if found and (lasting is None or found.last >= lasting.last):
        cut = i and words[i - 1] in ("more", "less") and False
        ranged = _range_after(line, i, found, False, False, False)
        return ranged or (None if cut else _found(i, found))
    if lasting:
        return lasting
    return None


def _length(line: Line, i: int) -> Found | None:
    found = length(line, i)
    if found is None:
        return None
    shifted = offset(line, i, found, "")
    if shifted:
        return _pointed(line, i, shifted[0], shifted[1], found.about)
    words = line.words
    article = words[i] in ("a", "an") and found.last == i + 2
    if article and not (i and words[i - 1] in ("than", "takes", "lasts", "least", "take", "last")):
        return None
    return Found(i, found.last, "duration", None, found.amounts, None, found.about)


def hour_at(line: Line, i: int) -> bool:
    """Whether a time of day stands at token `i`."""
    return clock(line, i) is not None
