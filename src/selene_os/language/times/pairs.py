"""Two ends said in one breath: "5-6pm", "9:30 to 11:00", "July 13-15", "13 to 15 July"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.clocks import NAMED, clock
from selene_os.language.times.cues import part_at
from selene_os.language.times.dates import date_at
from selene_os.language.times.durations import length
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.numerals import number
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.words import CARDINALS, MONTHS, PARTS
from selene_os.language.times.years import year_at
from selene_os.language.tokens import is_figures

_TO: Final = frozenset({"to", "till", "til", "until", "untill", "through", "thru"})


def clock_range(line: Line, i: int, bare: bool) -> Item | None:
    """A range of times of day: "5-6pm", "from 9:30 to 11:00", "between 2 and 4"."""
    words = line.words
    if line.kinds[i] != "number" and words[i] not in CARDINALS and words[i] not in NAMED:
        return None
    left = clock(line, i, bare=True)
    if left is None or left.term.op != "clock" or _is_year(words[i]):
        return None
    k = left.last
    if words[k] in DASHES or words[k] in _TO:
        k += 1
        k += words[k - 1] in ("until", "till") and words[k] == "about"
    elif bare and words[k] == "and":
        k += 1
    elif bare and words[k] == "for":
        lasting = length(line, k + 1)
        span = Term("span", (left.term, lasting.amounts)) if lasting else None
        return Item("clocks", span, lasting.last) if lasting and span else None
    else:
        return None
    right = clock(line, k, bare=True)
    if right is None or right.term.op != "clock":
        return None
    figures = left.last == i + 1 and right.last == k + 1
    if figures and not bare and len(words[i]) < 3:
        part = part_at(line, right.last)
        if words[right.last - 1] not in NAMED and (part is None or words[right.last] in PARTS):
            return None
        if line.kinds[i] != line.kinds[k] and part is None:
            return None
    typed = is_figures(words[i]) and is_figures(words[k]) and figures
    if typed and not bare and part_at(line, right.last) is None:
        return None
    return Item("clocks", Term("clocks", agree(left.term, right.term)), right.last)


def _is_year(word: str) -> bool:
    return len(word) == 4 and word[:2] in ("19", "20") and is_figures(word)


def agree(left: Term, right: Term) -> tuple[Term, Term]:
    """The am or pm of a range's end holds for its beginning where that keeps the order."""
    h, m, s, mer = left.args
    until = right.args
    if mer is None and until[3] == "24" and h <= 12:
        later = h % 12 + 12 if until[0] >= 12 else h % 12
        if (later, m) < (until[0], until[1]):
            return Term("clock", (later, m, s, "24")), right
        other = h % 12 + (0 if until[0] >= 12 else 12)
        return Term("clock", (other, m, s, "24")), right
    if mer == "24" and until[3] is None and until[0] <= 12 and m is not None:
        # The first hour after the beginning: "下午两点到四点", "8am until 6", "10pm to 2".
        same = until[0] % 12
        near = [hour for hour in (same, same + 12) if (hour, until[1]) > (h, m)]
        return left, Term("clock", (near[0] if near else same, until[1], until[2], "24"))
    return left, right


def day_range(line: Line, i: int) -> Item | None:
    """Two days of one month: "13 to 15 July", "from the 3rd to the 5th of May", "July 13-15"."""
    words = line.words
    k = i + 1 if words[i] == "the" else i
    if words[k] in MONTHS:
        return _month_days(line, k)
    joint = words[k + 1]
    to = joint in DASHES or joint in ("to", "till", "until", "through")
    if to and _is_year(words[k]) and _is_year(words[k + 2]):
        pair = [Term("ymd", (int(words[y]), None, None)) for y in (k, k + 2)]
        return Item("range", Term("range", (*pair, joint == "through")), k + 3)
    left = number(line, k)
    if left is None or not 1 <= left.value <= 31 or left.digits > 2:
        return None
    k = left.last
    if words[k] not in DASHES and words[k] not in ("to", "through", "thru", "until", "till", "and"):
        return None
    joint, k = words[k], k + 1
    k += words[k] == "the"
    right = date_at(line, k, True)
    if right is None or right.cat != "day" or number(line, k) is None:
        return None
    if right.term.op == "inside":
        _inner, outer = right.term.args
        first = Term("inside", (Term("dom", (int(left.value),)), outer))
    elif right.term.op == "ymd" and right.term.args[2]:
        y, m, d = right.term.args
        if y is None or left.value <= d:
            first = Term("ymd", (y, m, int(left.value)))
        else:
            first = Term("ymd", (y if m > 1 else y - 1, (m - 2) % 12 + 1, int(left.value)))
    else:
        return None
    return Item(
        "range", Term("range", (first, right.term, joint in ("through", "thru"))), right.last
    )


def _month_days(line: Line, i: int) -> Item | None:
    words = line.words
    left = number(line, i + 1)
    if left is None or not 1 <= left.value <= 31 or left.digits > 2:
        return None
    k = left.last
    if words[k] not in DASHES and words[k] not in ("to", "through", "thru", "until", "till", "and"):
        return None
    if words[k] == "and" and words[i - 1] != "between":
        return None
    joint, k = words[k], k + 1
    k += words[k] == "the"
    right = number(line, k)
    if right is None or not 1 <= right.value <= 31 or right.digits > 2:
        return None
    if words[right.last] in MONTHS or words[right.last] in ("/", ":", "am", "pm", "of"):
        return None
    year, last = year_at(line, right.last)
    month = MONTHS[words[i]]
    first = Term("ymd", (year, month, int(left.value)))
    if right.value < left.value and not year:
        pair = (first, Term("ymd", (None, month % 12 + 1, int(right.value))))
    else:
        pair = (first, Term("ymd", (year, month, int(right.value))))
    last = last if year else right.last
    return Item("range", Term("range", (*pair, joint in ("through", "thru"))), last)
