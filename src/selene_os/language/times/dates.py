"""Days and months in English: "Friday, November 27", "the 3rd", "3rd of December 2026"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.holidays import BY_FIRST_WORD, holiday_at
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.numerals import number
from selene_os.language.times.periods import period
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.typed import typed_date
from selene_os.language.times.words import (
    CARDINALS,
    DAYS,
    MODIFIERS,
    MONTHS,
    ORDINALS,
    PARTS,
    SHY_WEEKDAYS,
    TENS,
    TONIGHT,
    UNITS,
    WEEKDAYS,
)
from selene_os.language.times.years import month_first, with_year, year_at
from selene_os.language.tokens import is_figures

_TYPOGRAPHIC_MONTHS: Final = frozenset(m for m in MONTHS if len(m) == 3)


def date_at(line: Line, i: int, cue: bool = False) -> Item | None:
    """The date or calendar period at token `i`.

    Args:
        line: the text.
        i: the token where it starts.
        cue: whether a preposition or another date before it says that a date comes.
    """
    words = line.words
    word = words[i]
    if line.kinds[i] == "number":
        return typed_date(line, i, cue) or day_of_month(line, i, cue) or period(line, i, cue)
    if word in DAYS:
        return Item("day", Term("day", (DAYS[word],)), i + 1)
    if word in TONIGHT:
        return Item("tonight", Term("part", ("tonight",)), i + 1)
    if word == "'" and line.kinds[i + 1] == "number" and len(words[i + 1]) == 2 and cue:
        year, last = year_at(line, i)
        return Item("period", Term("ymd", (year, None, None)), last) if year else None
    if word in BY_FIRST_WORD:
        feast = holiday_at(line, i)
        if feast:
            return _feast(line, *feast)
    if word in MONTHS:
        return month_first(line, i, cue)
    if word in WEEKDAYS:
        return _weekday(line, i, cue)
    if word == "day" and words[i + 2] in ("tomorrow", "yesterday", "tmrw"):
        return _day_after(line, i)
    if word in ("week", "weekend") and words[i + 1] in ("of", "beginning", "starting"):
        found = _unit_of(line, i)
        if found:
            return found
    if word == "the":
        return _after_the(line, i, cue)
    if word == "current" and words[i + 1] in ("date", "day"):
        return Item("day", Term("day", (0,)), i + 2)
    if word in ORDINALS or word in TENS or word in CARDINALS:
        found = day_of_month(line, i, cue)
        if found:
            return found
    if len(word) in (4, 5) and word[:3] in _TYPOGRAPHIC_MONTHS and is_figures(word[3:]):
        day = int(word[3:])
        if 1 <= day <= 31:
            return with_year(line, MONTHS[word[:3]], day, i + 1)
    return period(line, i, cue)


def _feast(line: Line, name: str, last: int) -> Item:
    """A feast, or the weekend around it: "Christmas", "Labor Day weekend 2027"."""
    feast = Term("holiday", (name, None))
    if line.words[last] != "weekend":
        return Item("day", feast, last)
    year, after = year_at(line, last + 1, strict=True)
    if year:
        feast = Term("inside", (feast, Term("ymd", (year, None, None))))
    return Item("period", Term("long_weekend", (feast,)), after if year else last + 1)


def _day_after(line: Line, i: int) -> Item | None:
    direction = line.words[i + 1]
    if direction == "after" and line.words[i + 2] != "yesterday":
        return Item("day", Term("day", (2,)), i + 3)
    if direction == "before" and line.words[i + 2] == "yesterday":
        return Item("day", Term("day", (-2,)), i + 3)
    return None


def _unit_of(line: Line, i: int) -> Item | None:
    """ "week of April 10th", "weekend of the 4th"."""
    # One inside the other ("week of week of") says nothing, and must not nest without end.
    if not {"week", "weekend"}.isdisjoint(line.words[i + 2 : i + 4]):
        return None
    found = date_at(line, i + 2, True)
    if found is None or found.cat not in ("day", "dom", "weekday"):
        return None
    return Item("period", Term(f"{line.words[i]}_of", (found.term,)), found.last)


def _after_the(line: Line, i: int, cue: bool) -> Item | None:
    words = line.words
    word = words[i + 1]
    if word == "day" and words[i + 3] in ("tomorrow", "yesterday", "tmrw"):
        return _day_after(line, i + 1)
    if word in ("current", "present") and words[i + 2] in ("date", "day"):
        return Item("day", Term("day", (0,)), i + 3)
    if word in ("week", "weekend") and words[i + 2] in ("of", "beginning", "starting"):
        found = _unit_of(line, i + 1)
        if found:
            return found
    if word in BY_FIRST_WORD:
        feast = holiday_at(line, i + 1)
        if feast:
            return _feast(line, *feast)
    if word in MONTHS and cue:
        return month_first(line, i + 1, cue)
    day, stretch = day_of_month(line, i + 1, cue, article=True), period(line, i, cue)
    # "the first of May" is a day, "the first two weeks of May" no day.
    if day and stretch:
        return stretch if stretch.last > day.last else day
    return day or stretch


def day_of_month(line: Line, i: int, cue: bool, article: bool = False) -> Item | None:
    """ "3rd of December 2026", "3 Dec", "the 3rd", "on the 17", "20 of next month"."""
    words = line.words
    day = number(line, i)
    if day is None or day.value != int(day.value) or not 1 <= day.value <= 31 or day.digits > 2:
        return None
    k, value = day.last, int(day.value)
    if words[k] == "day" and words[k + 1] == "of" and day.ordinal:
        k += 1
    m = k
    if words[m] == "of" or (words[m] == "in" and cue and words[m + 1] in MONTHS):
        m += 1
        m += words[m] == "the"
    elif words[m] in DASHES or words[m] == ",":
        m += 1
    if words[m] in MONTHS:
        last = m + 1
        if words[last] == "." and line.joined(last):
            last += 1
        if words[m] not in ("may", "march") or day.ordinal or day.digits or words[k] == "of":
            return with_year(line, MONTHS[words[m]], value, last)
    if words[k] in ("of", "in") and (day.ordinal or words[k + 1] in ("this", "next", "last")):
        outer = period(line, k + 1, True)
        if outer and outer.term.op == "period" and outer.term.args[0] == "month":
            return Item("day", Term("inside", (Term("dom", (value,)), outer.term)), outer.last)
        if words[k - 1] == "day" and outer:
            return Item("day", Term("nth", (value, "day", outer.term)), outer.last)
        month = words[k + 1] in ("the", "each", "every") and words[k + 2] == "month"
        if month and words[k + 1] == "the":
            return Item("day", Term("dom", (value,)), k + 3)
    if words[k] in ("of", "day") or k != day.last:
        return None
    if day.ordinal and (article or (cue and day.digits)) and _ends_there(line, k, cue):
        return Item("dom", Term("dom", (value,)), k)
    if article and cue and day.digits and _ends_there(line, k, False):
        return Item("dom", Term("dom", (value,)), k)
    closing = k >= line.size or (words[k] in ".!?," and line.kinds[k + 1] != "number")
    if cue and day.digits and value > 12 and i and words[i - 1] == "on" and closing:
        # "on 15." closes what is said; "on 15 occasions" counts, "on 4" may be an hour or a level.
        return Item("dom", Term("dom", (value,)), k)
    return None


def _ends_there(line: Line, k: int, cue: bool) -> bool:
    """Whether "the 3rd" stands alone: what follows is no noun ("the second round")."""
    word = line.words[k]
    if line.kinds[k] in ("", "mark", "number", "cjk"):
        return word not in ("%", "-", "'")
    if word == "one" or (word in MODIFIERS and line.words[k + 1] in UNITS):
        return False
    return word in _AFTER_DAY or word in PARTS or word in TENS or word in CARDINALS


_AFTER_DAY: Final = frozenset(
    "to for at on in and or from between until till by before after please so with i we then "
    "but of if through noon midnight around about is was will would can remind that this "
    "next".split()
)


def _weekday(line: Line, i: int, cue: bool) -> Item | None:
    """ "Friday", "Fri.", "Tuesday the 19th", "Monday 21"."""
    words = line.words
    day, k = WEEKDAYS[words[i]], i + 1
    if words[k] == "'" or (words[i] in SHY_WEEKDAYS and not cue and not _weekday_cue(line, i)):
        return None
    if words[k] == "." and line.joined(k) and len(words[i]) <= 5:
        k += 1
    if words[k] == "s" and words[k - 1] == "'":
        return None
    m = k + 1 if words[k] == "," else k
    m += words[m] in ("the", "on")
    m += words[m] == "the" and words[m - 1] == "on"
    number_of = number(line, m)
    if (
        number_of
        and 1 <= number_of.value <= 31
        and number_of.value == int(number_of.value)
        and (number_of.ordinal or (m == k and number_of.digits == 2 and number_of.value > 12))
        and words[number_of.last] not in MONTHS
        and words[number_of.last] not in (":", "of", "am", "pm", "/", "-", "p", "a", "h", "quarter")
    ):
        term = Term("wdom", (day, int(number_of.value)))
        return Item("day", term, number_of.last)
    if words[k] == "after" and words[k + 1] == "next":
        return Item("weekday", Term("weekday", (day, "after_next")), k + 2)
    if words[k] == "week" and words[k - 1] in WEEKDAYS:
        return Item("weekday", Term("weekday", (day, "week")), k + 1)
    return Item("weekday", Term("weekday", (day, None)), k)


def _weekday_cue(line: Line, i: int) -> bool:
    """Whether something beside "sat", "sun", "wed" or "mon" makes it a day of the week."""
    words = line.words
    nearby = words[i + 1]
    if line.size == 1 or (line.size == 2 and nearby == "."):
        return True
    if i and words[i - 1] in ("on", "this", "next", "last", "by", "until", "every"):
        return True
    return (
        nearby in MONTHS
        or nearby in WEEKDAYS
        or nearby in ("morning", "afternoon", "evening", "night", "at")
        or line.kinds[i + 1] == "number"
        or (nearby == "," and (words[i + 2] in MONTHS or words[i + 2] in WEEKDAYS))
        or (
            nearby == ","
            and line.kinds[i + 2] == "number"
            and not MONTHS.keys().isdisjoint(words[i + 3 : i + 5])
        )
        or (nearby in ("or", "and", "to", "-") and words[i + 2] in WEEKDAYS)
    )
