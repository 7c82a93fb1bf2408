"""One pass over a text, left to right: where an expression may begin, and the longest that does."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.clocks import follows_bare
from selene_os.language.times.durations import length
from selene_os.language.times.line import Line
from selene_os.language.times.pairs import clock_range, day_range
from selene_os.language.times.phrases import (
    ABOUT,
    AFTER,
    BEFORE,
    Point,
    number_starts,
    offset,
    point,
    weekday_count,
)
from selene_os.language.times.ranges import Found, found_at, grow, range_after, ranged
from selene_os.language.times.repeats import REPEATERS, now_at, recurring, vague
from selene_os.language.times.sentences import chinese_expression
from selene_os.language.times.spans import Moment, Term
from selene_os.language.times.starters import PREPOSITIONS, may_begin
from selene_os.language.times.words import COUNTED, UNITS, WEEKDAYS_PLURAL

SPANS_MAX: Final = 256
VAIN_MAX: Final = 1_536


def scan(line: Line) -> list[Found]:
    """Every expression of `line`, left to right; each token begins at most one attempt.

    A text of more than SPANS_MAX expressions, or of more than VAIN_MAX places that only look like
    one (32 KB of prose have some 500), is no utterance; what follows is left alone.
    What was tried in vain is not tried again in the same surroundings, so that a text of one
    trigger over and over costs a look-up each.
    """
    found: list[Found] = []
    vain: set[tuple[str, str]] = set()
    i, size = 0, line.size
    starts, text = line.starts, line.text
    while i < size and len(found) < SPANS_MAX and len(vain) < VAIN_MAX:
        if may_begin(line, i):
            at = starts[i]
            around = text[max(at - _SEEN_BEHIND, 0) : at], text[at : at + _SEEN_AHEAD]
            if around not in vain:
                here = expression(line, i)
                if here:
                    here = _opened(line, here)
                    found.append(here)
                    i = here.last
                    continue
                vain.add(around)
        i += 1
    return found


# How much of the text around a token decides whether an expression begins there, in code points.
_SEEN_BEHIND: Final = 24
_SEEN_AHEAD: Final = 160


_ANY_TIME: Final = frozenset({("some", "time"), ("any", "time")})
_LOOSE: Final = frozenset({"sometime", "anytime", "some", "any"})


def expression(line: Line, i: int) -> Found | None:
    """The longest expression that begins at token `i`."""
    word = line.words[i]
    kinds = line.kinds
    decimal = line.words[i + 1] == "." and kinds[i + 2] == "number" and kinds[i + 3] == "cjk"
    if kinds[i] == "cjk" or (kinds[i] == "number" and (kinds[i + 1] == "cjk" or decimal)):
        return chinese_expression(line, i)
    if word in REPEATERS or word in WEEKDAYS_PLURAL or word == "on":
        again = recurring(line, i)
        if again:
            return Found(i, again, "recurring")
    if word in ("sometime", "anytime") or line.words[i : i + 2] in _ANY_TIME:
        k = i + 1 if word in ("sometime", "anytime") else i + 2
        inner = expression(line, k) if line.words[k] not in _LOOSE else None
        if inner and inner.kind == "point":
            return inner._replace(first=i, about=True)
    now = now_at(line, i)
    if now:
        until = range_after(line, i, Point(Term("now"), None, now, "day"), False, True, True)
        return until or Found(i, now, "point", Term("now"))
    lead = _lead(line, i)
    if lead:
        return lead
    if word in PREPOSITIONS and word not in ("the", "a", "an"):
        return _with_preposition(line, i)
    return _plain(line, i) or _vague(line, i)


# Phrases that leave one end open, and on which side.
_LEADS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("no", "later", "than"), "before"),
    (("not", "later", "than"), "before"),
    (("no", "earlier", "than"), "after"),
    (("not", "before"), "after"),
    (("later", "than"), "after"),
    (("earlier", "than"), "before"),
    (("prior", "to"), "before"),
    (("up", "to"), "before"),
    (("up", "until"), "before"),
    (("as", "of"), "after"),
    (("starting", "from"), "after"),
    (("starting", "on"), "after"),
    (("starting",), "after"),
    (("as", "early", "as"), "after"),
    (("as", "late", "as"), "before"),
)
_LEADING: Final = frozenset(words[0] for words, _ in _LEADS)


def _lead(line: Line, i: int) -> Found | None:
    """ "no later than Friday", "prior to March 3", "starting tomorrow"."""
    if line.words[i] not in _LEADING:
        return None
    for words, bound in _LEADS:
        if line.phrase(i, *words):
            k = i + len(words)
            at = point(line, k, True, words[-1] in ("than", "before", "to", "until"))
            if at is None or (_only_number(line, k, at) and not _stands(line, "by", k, at.last)):
                return None
            return found_at(i, at, bound)
    return None


# What may follow a date and leaves one end open: "2016 or later", "5pm or earlier".
_OPENINGS: Final = {
    "later": "after", "greater": "after", "onward": "after", "onwards": "after", "beyond": "after",
    "earlier": "before", "prior": "before",
}  # fmt: skip


def _opened(line: Line, found: Found) -> Found:
    """`found` with the open end that is said after it."""
    words, k = line.words, found.last
    if found.kind != "point" or found.bound or words[k] not in ("or", "and"):
        return found
    side = _OPENINGS.get(words[k + 1])
    return found._replace(last=k + 2, bound=side) if side else found


def _vague(line: Line, i: int) -> Found | None:
    last = vague(line, i)
    return Found(i, last, "vague") if last else None


def _with_preposition(line: Line, i: int) -> Found | None:
    words = line.words
    word = words[i]
    if word == "between" or (
        word in ("from", "for", "during") and words[i + 1] in ("from", "between")
    ):
        k = i + 1 if word == "between" else i + 2
        return ranged(line, i, k, joint_and=word == "between" or words[i + 1] == "between")
    if word == "from":
        found = ranged(line, i, i + 1, joint_and=False)
        if found:
            return found
    if word in ("on", "for", "during"):
        days = day_range(line, i + 1)
        if days:
            return Found(i, days.last, "point", days.term, None, None, False, Moment(days.term))
    about = word in ABOUT
    k = i + 1
    bound = "before" if word in BEFORE else "after" if word in ("after", "since") else None
    while words[k] in ABOUT or (words[k] in AFTER | BEFORE and word in ABOUT and k == i + 1):
        about = about or words[k] in ABOUT
        k += 1
    if words[k] in ("at",) and bound:
        k += 1
    if word in _BEFORE_LENGTHS:
        found = _length_after(line, i, k, word, bound)
        if found:
            return found
    now = now_at(line, k)
    if now and word in ("for", "by", "until", "till", "from", "since"):
        if word == "from" and words[now] in _ONWARDS:
            now += 1
        return Found(i, now, "point", Term("now"), None, bound)
    found = _prepositional_point(line, i, k, bound, about)
    if found is None:
        return _vague(line, i)
    return found


_BEFORE_LENGTHS: Final = frozenset(
    "in within for over during through throughout after by since until till before from".split()
)
_SINGLE: Final = {"day": "day", "week": "week", "hour": "hour"}


def _length_after(line: Line, i: int, k: int, word: str, bound: str | None) -> Found | None:
    """ "in two hours", "within five minutes", "for an hour"."""
    start = k
    if word in ("within", "for", "over", "in", "during") and line.words[k] == "the":
        start = k + 1
    if word in ("within", "over") and line.words[start] in ("next", "coming", "following"):
        start += 1
        if line.words[start] in _SINGLE:
            # "within the next day and 5 hours": the day is one.
            unit, more = _SINGLE[line.words[start]], length(line, start + 2)
            if line.words[start + 1] == "and" and more:
                term = Term("within", (((1, unit), *more.amounts), None))
                return Found(i, more.last, "point", term, None, None, more.about, Moment(term))
    found = length(line, start)
    if found is None:
        return None
    if word not in ("in", "within", "for", "over", "during", "through", "throughout", "after"):
        back = offset(line, start, found, "")
        return (
            _pointed(line, i, back[0], back[1], found.about)._replace(bound=bound) if back else None
        )
    if word == "within":
        shifted = offset(line, start, found, "")
        base = shifted[0].args[0] if shifted else None
        last = shifted[1] if shifted else found.last
        term = Term("within", (found.amounts, base))
        return Found(i, last, "point", term, None, None, found.about, Moment(term))
    if start > k:
        return None
    if word == "for" and line.words[found.last] in ("from", "starting", "beginning"):
        # "for 10 days from the 18th" lasts, where "10 days from the 18th" is a day.
        base = point(line, found.last + 1, True, False)
        if base:
            term = Term("span", (base.term, found.amounts))
            return Found(i, base.last, "point", term, None, None, found.about, Moment(term))
    shifted = offset(line, start, found, word if word == "in" else "")
    if shifted:
        term, last = shifted
        return _pointed(line, i, term, last, found.about)
    if word in ("for", "over", "during", "through", "throughout"):
        return Found(i, found.last, "duration", None, found.amounts, None, found.about)
    if word == "after" and line.kinds[k] == "number" and line.words[found.last] != "of":
        return _pointed(line, i, Term("shift", (None, found.amounts, 1)), found.last, found.about)
    return None


def _pointed(line: Line, i: int, term: Term, last: int, about: bool) -> Found:
    """An offset, with the time of day that may follow it: "in 7 days at 5 pm"."""
    fine = term.op == "shift" and any(
        unit in ("second", "minute", "hour") for _, unit in term.args[1]
    )
    if not fine and line.words[last] in ("at", "@"):
        at = point(line, last + 1, False, True)
        if at and at.date is None and at.clock:
            whole = Term("at", (term, at.clock))
            return Found(i, at.last, "point", whole, None, None, about, Moment(term, at.clock))
    form = Moment(None, term) if fine else Moment(term)
    return Found(i, last, "point", term, None, None, about, form)


_ONWARDS: Final = frozenset({"on", "onwards", "onward", "forward"})


def _prepositional_point(
    line: Line, i: int, k: int, bound: str | None, about: bool
) -> Found | None:
    words = line.words
    word = words[i]
    clocky = word in ("at", "@", "by", "before", "after", "until", "till", "til", "since", "around")
    bare = clocky or about
    dated = word in (
        "on",
        "in",
        "since",
        "during",
        "until",
        "till",
        "by",
        "before",
        "after",
        "from",
    )
    dated = dated or word in ("for", "through", "throughout")
    found = point(line, k, dated, bare)
    if found is None or (word in ("on",) and found.cat in ("clock", "clocks")):
        return None
    # "at the end of March" is a time; "at March" is none.
    dateless = found.clock is None and found.date is not None and found.date.op != "edge"
    if word in ("at", "@") and dateless and found.cat == "period":
        return None
    if word == "in" and found.cat in ("clock", "clocks") and found.date is None:
        return None
    if bare and _only_number(line, k, found) and not _stands(line, word, k, found.last):
        return None
    if (
        word == "for"
        and found.date is None
        and found.cat == "clock"
        and _only_number(line, k, found)
    ):
        return None
    ranged = range_after(line, i, found, False, word in ("from",), word == "for" or clocky)
    if word == "since" and ranged is None and found.clock is None and found.date:
        found = found._replace(date=Term("latest", (found.date,)))
    elif word == "since" and ranged is None and found.date is None and found.clock:
        found = found._replace(clock=Term("latest", (found.clock,)))
    # "from Monday on" leaves the end open, "from 2016 on Spotify" does not.
    closing = words[found.last] != "on" or line.kinds[found.last + 1] in ("", "mark")
    if word == "from" and ranged is None and words[found.last] in _ONWARDS and closing:
        found, bound = found._replace(last=found.last + 1), "after"
    return ranged or found_at(i, found, bound, about)


def _only_number(line: Line, k: int, found: Point) -> bool:
    """Whether the clock found is a number and no more."""
    return (
        found.cat == "clock"
        and found.date is None
        and found.last == k + 1
        and number_starts(line, k)
    )


_ARITHMETIC: Final = frozenset("divided multiplied divide multiply increased decreased".split())
_STREETS: Final = frozenset("street avenue road lane drive boulevard square st ave rd blvd".split())


def _stands(line: Line, word: str, k: int, last: int) -> bool:
    """Whether a bare number after a preposition is a time of day."""
    words = line.words
    if words[last] in UNITS or words[last] in COUNTED or words[last] in ("%", "$", "-", "/"):
        return False
    if words[last] == ":" and line.joined(last):
        return False
    if line.kinds[k] == "number" and len(words[k]) >= 3:
        if word in ("at", "@") and len(words[k]) == 4:
            return follows_bare(line, last)
        return word in ("at", "@", *ABOUT, "by") and int(words[k]) < 1260
    if words[last + 1] in _STREETS:
        return False
    # "divide 3 by 2" is arithmetic.
    if word == "by" and k > 1 and (line.kinds[k - 2] == "number" or words[k - 2] in _ARITHMETIC):
        return False
    if word in ("at", "@"):
        return not (words[last] == "a" and words[last + 1] in ("time", "piece"))
    return follows_bare(line, last)


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
        return found_at(i, grown)
    found = point(line, i, line.size == 1 or _listed_year(line, i), False)
    if found and found.cat == "dom" and found.clock is None and words[i] != "the":
        found = None
    if found and (lasting is None or found.last >= lasting.last):
        ranged = range_after(line, i, found, False, False, False)
        return ranged or found_at(i, found)
    if lasting:
        return lasting
    return None


def _listed_year(line: Line, i: int) -> bool:
    """Whether a year is shown by its neighbours: "sales of 2007 and 2009"."""
    words = line.words
    if len(words[i]) != 4 or line.kinds[i] != "number" or not i:
        return False
    return words[i - 1] in ("of", "=") or (words[i - 1] == "and" and len(words[i - 2]) == 4)


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
