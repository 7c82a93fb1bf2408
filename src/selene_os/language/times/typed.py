"""Dates in figures: 2026-12-01, 25.12.2026, 10/11, 23/Sep/2020, 20200701, 11/2016."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.words import MONTHS

_SEPARATORS: Final = frozenset({"/", ".", "-"}) | DASHES


def typed_date(line: Line, i: int, cue: bool) -> Item | None:
    """The date in figures at token `i`.

    Args:
        line: the text.
        i: a token of digits.
        cue: whether a word before it says that a date comes ("on 5.12").
    """
    words = line.words
    word = words[i]
    if len(word) == 8:
        y, m, d = int(word[:4]), int(word[4:6]), int(word[6:])
        if 1900 <= y <= 2100 and 1 <= m <= 12 and 1 <= d <= 31:
            return Item("day", Term("ymd", (y, m, d)), i + 1)
        return None
    if len(word) > 4 or len(word) == 3:
        return None
    between = words[i + 1]
    if between not in _SEPARATORS:
        return _spaced(line, i) if len(word) == 4 else None
    before = words[i - 1] if i and line.joined(i) and line.kinds[i - 2] == "number" else ""
    if before in _SEPARATORS and (before == between or before not in DASHES):
        return None
    spaced = not (line.joined(i + 1) and line.joined(i + 2))
    second = words[i + 2]
    if len(word) == 4 and second in MONTHS and words[i + 3] == between and not spaced:
        day = words[i + 4]
        if line.kinds[i + 4] == "number" and len(day) <= 2:
            return _checked(int(word), MONTHS[second], int(day), i + 5)
    if second in MONTHS:
        return _with_month_name(line, i, between)
    if line.kinds[i + 2] != "number" or (spaced and between == "."):
        return None
    if words[i + 3] == between and line.joined(i + 3) is not spaced:
        found = _three(line, i, between)
        if found:
            return found
    if words[i + 3] == between and line.kinds[i + 4] == "number" and line.joined(i + 3):
        return None
    if words[i + 3] == "." and line.joined(i + 3) and line.kinds[i + 4] == "number":
        return None
    return _two(line, i, between, spaced, cue)


def _three(line: Line, i: int, between: str) -> Item | None:
    words = line.words
    a, b, c = words[i], words[i + 2], words[i + 4]
    if c in MONTHS and len(a) == 4 and len(b) <= 2:
        return _checked(int(a), MONTHS[c], int(b), i + 5)
    if c in MONTHS and len(b) == 4 and len(a) <= 2:
        return _checked(int(b), MONTHS[c], int(a), i + 5)
    if line.kinds[i + 4] != "number":
        return None
    if len(a) == 4 and len(b) <= 2 and len(c) <= 2:
        if int(b) > 12 and int(c) <= 12:
            return _checked(int(a), int(c), int(b), i + 5)
        return _checked(int(a), int(b), int(c), i + 5)
    if len(a) <= 2 and len(b) <= 2 and len(c) in (2, 4):
        if between in DASHES and len(c) == 2 and not (len(a) == len(b) == 2):
            return None
        return Item("day", Term("figures", (int(a), int(b), int(c), len(c))), i + 5)
    return None


def _checked(y: int, m: int, d: int, last: int) -> Item | None:
    """A year-first date; one that no calendar holds is still a date, an impossible one."""
    if m > 12 or d > 31 or not m or not d or y < 1000:
        return None
    return Item("day", Term("ymd", (y, m, d)), last)


def _two(line: Line, i: int, between: str, spaced: bool, cue: bool) -> Item | None:
    words = line.words
    a, b = words[i], words[i + 2]
    last = i + 3
    if len(a) == 4 and len(b) <= 2 and 1 <= int(b) <= 12 and 1900 <= int(a) <= 2100:
        return Item("period", Term("ymd", (int(a), int(b), None)), last) if between != "." else None
    if len(b) == 4 and len(a) <= 2 and 1 <= int(a) <= 12 and 1900 <= int(b) <= 2100:
        return Item("period", Term("ymd", (int(b), int(a), None)), last) if between != "." else None
    if len(a) > 2 or len(b) > 2:
        return None
    plausible = 1 <= int(a) <= 31 and 1 <= int(b) <= 31 and min(int(a), int(b)) <= 12
    if not plausible or (spaced and not (cue or i == 0)):
        return None
    # "2/3 of the people" is a fraction, "2/3" alone a date.
    fraction = int(a) < int(b) <= 4 and not cue and line.size > 3
    if between == "/" and not fraction:
        return Item("day", Term("figures", (int(a), int(b), None, 0)), last)
    if cue and ((between == "." and len(b) == 2) or between in DASHES):
        return Item("day", Term("figures", (int(a), int(b), None, 0)), last)
    if between in DASHES and i == 0 and line.size == 3:
        return Item("day", Term("figures", (int(a), int(b), None, 0)), last)
    return None


def _with_month_name(line: Line, i: int, between: str) -> Item | None:
    """23/Sep/2020, 31-Oct-74, 23-Sep."""
    words = line.words
    if len(words[i]) > 2 or not 1 <= int(words[i]) <= 31:
        return None
    month = MONTHS[words[i + 2]]
    year = words[i + 4]
    if words[i + 3] == between and line.kinds[i + 4] == "number" and len(year) in (2, 4):
        return Item("day", Term("ymd", (full_year(year), month, int(words[i]))), i + 5)
    if between in DASHES and not line.joined(i + 1):
        return None
    return Item("day", Term("ymd", (None, month, int(words[i]))), i + 3)


def _spaced(line: Line, i: int) -> Item | None:
    """2016 10 16."""
    words = line.words
    if line.kinds[i + 1] != "number" or line.kinds[i + 2] != "number":
        return None
    y, m, d = words[i], words[i + 1], words[i + 2]
    if len(m) == 2 and len(d) == 2 and 1900 <= int(y) <= 2100 and 1 <= int(m) <= 12:
        return _checked(int(y), int(m), int(d), i + 3)
    return None


def full_year(figures: str) -> int:
    """A year of two figures belongs to 1950-2049 (RFC 5322 §4.3); four stand for themselves."""
    value = int(figures)
    return value if len(figures) > 2 else value + (2000 if value < 50 else 1900)
