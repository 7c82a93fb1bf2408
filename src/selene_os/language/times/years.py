"""What follows a month or a date: a day, a year. "December 3rd, 2026", "of 1995", "'21"."""

from __future__ import annotations

from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.numerals import Number, number, spoken_year
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.typed import full_year
from selene_os.language.times.words import MODIFIERS, MONTHS, SHY_MONTHS, SUFFIXES


def month_first(line: Line, i: int, cue: bool) -> Item | None:
    """ "December 3rd, 2026", "May 2027", "in March", "October, 1st"."""
    words = line.words
    month, k = MONTHS[words[i]], i + 1
    if words[k] == "." and line.joined(k):
        k += 1
    comma = k + 1 if words[k] == "," else k
    day_at = comma + 1 if words[comma] == "the" or words[comma] in DASHES else comma
    day = number(line, day_at)
    if (
        day
        and is_day(day)
        and (day_at == comma or day.ordinal or words[comma] in DASHES)
        and not _counts(line, day.last, day.ordinal)
    ):
        return with_year(line, month, int(day.value), day.last)
    year, last = year_at(line, k, strict=True)
    if year:
        return Item("period", Term("ymd", (year, month, None)), last)
    to_month = words[k + 1] in MONTHS and (words[k] in ("to", "through") or words[k] in DASHES)
    year_said = words[k + (words[k] == "of")] in MODIFIERS and "year" in words[k + 1 : k + 3]
    if not (cue or to_month or year_said) and words[i] in SHY_MONTHS and line.size > 1:
        return None
    return Item("period", Term("ymd", (None, month, None)), k)


def is_day(found: Number) -> bool:
    """Whether a number may be a day of the month."""
    return found.value == int(found.value) and 1 <= found.value <= 31 and found.digits <= 2


def _counts(line: Line, k: int, ordinal: bool) -> bool:
    """Whether what follows a day's number takes it away: "may 5 pm" is a clock."""
    if line.words[k] == ":" and line.joined(k):
        return True
    return not ordinal and line.words[k] in ("am", "pm", "%", "$")


def with_year(line: Line, month: int, day: int, k: int) -> Item:
    """A day of a month, with the year that may follow it at token `k`."""
    year, last = year_at(line, k)
    return Item("day", Term("ymd", (year, month, day)), last if year else k)


def year_at(line: Line, k: int, strict: bool = False) -> tuple[int | None, int]:
    """The year that may follow a date at token `k`: ", 2026", "of 1995", "'21", in words.

    Args:
        line: the text.
        k: the token after the date.
        strict: whether two figures alone are too few.
    """
    words = line.words
    i = k
    if words[i] in (",", "of", "in", "-", "/") or (words[i] == "." and line.joined(i)):
        i += 1
    if words[i] == "," and words[i - 1] == ".":
        i += 1
    if words[i] in ("the", "year"):
        i += 1 if words[i] == "year" else 2 if words[i + 1] == "year" else 0
    word = words[i]
    if line.kinds[i] == "number":
        if words[i + 1] in (":", "%") and line.joined(i + 1):
            return None, k
        if len(word) == 4 and 1000 <= int(word) <= 2999:
            era = words[i + 1 : i + 4]
            return int(word), i + (4 if era == ("a", ".", "d") else 1)
        apostrophe = words[i - 1] == "'" and line.joined(i)
        bare = i == k and not strict and line.kinds[i + 1] != "word" and len(word) == 2
        if len(word) == 2 and (apostrophe or bare) and words[i + 1] not in SUFFIXES:
            return full_year(word), i + 1
        return None, k
    if word == "'" and line.kinds[i + 1] == "number" and len(words[i + 1]) == 2:
        return full_year(words[i + 1]), i + 2
    spoken = spoken_year(line, i)
    return (int(spoken.value), spoken.last) if spoken else (None, k)
