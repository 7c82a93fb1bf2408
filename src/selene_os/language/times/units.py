"""Named stretches of the calendar: "week 31", "Q3 2027", "summer of 2016", "the eighties"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.line import HYPHENS, Line
from selene_os.language.times.numerals import number, spoken_year
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.words import MODIFIERS, MONTHS, SEASONS, UNITS
from selene_os.language.times.years import year_at
from selene_os.language.tokens import is_figures

DECADES: Final = {
    name: 10 * tens
    for tens, name in enumerate(
        "noughties tens twenties thirties forties fifties sixties seventies eighties "
        "nineties".split()
    )
}
# Years that begin when a firm, a school or a country says so: found, and not resolved.
UNFIXED: Final = frozenset({"fiscal", "financial", "academic", "school", "tax"})
_TO_DATE: Final = {"ytd": "year", "mtd": "month", "qtd": "quarter", "wtd": "week"}


def decade(line: Line, i: int, cue: bool) -> Item | None:
    """ "the eighties", "90s", "the 1990's", "nineteen twenties"."""
    words = line.words
    word = words[i]
    if word in ("nineteen", "eighteen") and words[line.skip_hyphen(i + 1)] in DECADES:
        k = line.skip_hyphen(i + 1)
        base = 1900 if word == "nineteen" else 1800
        return Item("period", Term("years", (base + DECADES[words[k]], 10)), k + 1)
    if word in DECADES:
        # "in her thirties" and "the tens" name no decade; "the twenties" may be either century's.
        if not cue or words[i - 1] != "the" or word == "tens":
            return None
        return _decade(DECADES[word], i + 1)
    k = i + 2 if words[i + 1] == "'" else i + 1
    if len(word) not in (2, 4) or word[-1] != "0" or words[k] != "s" or not line.joined(i + 1):
        spaced = len(word) == 2 and word[-1:] == "0" and words[i + 1] == "s" and cue
        return _years(word, i + 2) if spaced and is_figures(word) else None
    if not is_figures(word) or not (cue or len(word) == 4 or words[i - 1] == "'"):
        return None
    return _years(word, k + 1)


def _years(word: str, last: int) -> Item:
    if len(word) == 4:
        return Item("period", Term("years", (int(word), 10)), last)
    return _decade(int(word), last)


def _decade(tens: int, last: int) -> Item:
    """A decade without its century: the twenties may be of this one or of the last."""
    term = Term("years", (1900 + tens, 10)) if tens >= 30 else Term("either_decade", (tens,))
    return Item("period", term, last)


def season(line: Line, i: int, cue: bool) -> Item | None:
    """ "summer of 2016", "in autumn", "the spring of next year"."""
    words = line.words
    year, last = of_year(line, i + 1)
    term = Term("season", (SEASONS[words[i]], None))
    if year and words[last - 1] != "'":
        return Item("period", Term("inside", (term, year)), last)
    if not cue or words[i] in ("fall", "spring"):
        return Item("period", term, i + 1) if cue and words[i - 1] in ("in", "the") else None
    return Item("period", term, i + 1)


def named_unit(line: Line, i: int, cue: bool) -> Item | None:
    """ "week 31", "year 2008", "weekend", "the week 3 of 2027", "week after next"."""
    words = line.words
    word = words[i]
    figure = number(line, i + 1)
    if figure and figure.value == int(figure.value):
        value = int(figure.value)
        if word == "week" and 1 <= value <= 53:
            year, last = of_year(line, figure.last)
            return Item("period", Term("week", (value, year)), last)
        if word == "year" and 1000 <= value <= 2999:
            return Item("period", Term("ymd", (value, None, None)), figure.last)
        if word == "quarter" and 1 <= value <= 4:
            year, last = of_year(line, figure.last)
            return Item("period", Term("quarter", (value, 4, year)), last)
    if word == "year":
        k = i + 2 if words[i + 1] == "of" else i + 1
        spoken = spoken_year(line, k)
        if spoken:
            return Item("period", Term("ymd", (int(spoken.value), None, None)), spoken.last)
        if k == i + 2 and line.kinds[k] == "number" and len(words[k]) == 4:
            return Item("period", Term("ymd", (int(words[k]), None, None)), k + 1)
    if words[i + 1] == "to" and words[i + 2] == "date" and word in ("year", "month", "week"):
        return Item("period", Term("to_date", (word,)), i + 3)
    if words[i + 1] in ("after", "before") and words[i + 2] in ("next", "last"):
        sides = words[i + 1], words[i + 2]
        if sides in (("after", "next"), ("before", "last")):
            count = 2 if sides[0] == "after" else -2
            return Item("period", Term("period", (word, count)), i + 3)
    if word == "weekend" and not (i and words[i - 1] in ("a", "my", "your", "per", "each")):
        return Item("period", Term("period", ("weekend", 0)), i + 1)
    return None


def to_date(line: Line, i: int) -> Item | None:
    """ "YTD"."""
    unit = _TO_DATE.get(line.words[i])
    return Item("period", Term("to_date", (unit,)), i + 1) if unit else None


def unfixed(line: Line, i: int) -> Item | None:
    """ "fiscal year 2017", "FY17", "fiscal Q1"."""
    words = line.words
    word, k = words[i], i + 1
    if word[:2] == "fy":
        figures = word[2:] or (words[k] if line.kinds[k] == "number" else "")
        if len(figures) not in (2, 4) or not is_figures(figures):
            return None
        return Item("period", Term("unfixed"), k if word[2:] else k + 1)
    if words[k] in ("year", "quarter"):
        k += 1
        k += line.kinds[k] == "number" and len(words[k]) in (2, 4)
    elif words[k] not in ("q1", "q2", "q3", "q4"):
        return None
    else:
        k += 1
    return Item("period", Term("unfixed"), of_year(line, k)[1])


def of_year(line: Line, k: int) -> tuple[Term | None, int]:
    """The year, spelt or relative, that a quarter or week belongs to."""
    year, last = year_at(line, k, strict=True)
    if year:
        return Term("ymd", (year, None, None)), last
    m = k + 1 if line.words[k] in ("of", "in") else k
    m += line.words[m] == "the"
    if line.words[m] in MODIFIERS and UNITS.get(line.words[m + 1]) == "year":
        return Term("period", ("year", MODIFIERS[line.words[m]])), m + 2
    if line.words[m] == "year" and m > k:
        return Term("period", ("year", 0)), m + 1
    return None, k


def quarter_or_half(line: Line, i: int, word: str) -> Item | None:
    """ "Q3", "Q1 of 2027", "H2 next year"."""
    parts = 4 if word[0] == "q" else 2
    if int(word[1]) > parts:
        return None
    year, last = of_year(line, i + 1)
    if parts == 2 and year is None:
        return None
    return Item("period", Term("quarter", (int(word[1]), parts, year)), last)


def typed_year(line: Line, i: int, cue: bool) -> Item | None:
    """ "2018Q4", "2019-H2", "2016 November", "2016 summer", "in 2014"."""
    words = line.words
    word = words[i]
    ten_years = decade(line, i, cue)
    if ten_years or len(word) != 4 or not 1000 <= int(word) <= 2999:
        return ten_years
    year = Term("ymd", (int(word), None, None))
    k = i + 1
    k += words[k] in HYPHENS or words[k] == ","
    after = words[k]
    if len(after) == 2 and after[0] in "qh" and after[1] in "1234":
        parts = 4 if after[0] == "q" else 2
        if int(after[1]) <= parts:
            return Item("period", Term("quarter", (int(after[1]), parts, year)), k + 1)
    if after in MONTHS and (k == i + 1 or words[i + 1] == ","):
        day = number(line, k + 1)
        if day and 1 <= day.value <= 31 and day.digits in (0, 1, 2):
            return Item("day", Term("ymd", (int(word), MONTHS[after], int(day.value))), day.last)
        return Item("period", Term("ymd", (int(word), MONTHS[after], None)), k + 1)
    nth = number(line, k + (after == "the"))
    if nth and nth.ordinal and nth.value <= 4 and words[nth.last] in ("quarter", "half"):
        parts = 4 if words[nth.last] == "quarter" else 2
        if nth.value <= parts:
            return Item("period", Term("quarter", (int(nth.value), parts, year)), nth.last + 1)
    if after in SEASONS and k == i + 1 and after != "fall":
        season_of = Term("season", (SEASONS[after], None))
        return Item("period", Term("inside", (season_of, year)), k + 1)
    if cue and 1900 <= int(word) <= 2100 and words[i + 1] not in (":", "%", "hours"):
        last = i + 1
        if words[last : last + 4] == ("a", ".", "d", "."):
            last += 4
        return Item("period", year, last)
    return None
