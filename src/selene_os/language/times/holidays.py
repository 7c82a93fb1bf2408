"""Feasts and public holidays whose date is fixed or can be computed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from selene_os.language.times.line import Line
from selene_os.language.times.lunar import FESTIVALS, festival
from selene_os.language.times.observances import RULES, Rule

NAMES: Final[dict[str, Rule]] = {
    name: rule for names, rule in RULES.items() for name in names.split("|")
} | {name: ("lunar", feast) for feast, names in FESTIVALS.items() for name in names.split("|")}


def _spellings(name: str) -> set[str]:
    """`name` with and without its hyphens and apostrophes, with either form of "saint"."""
    found = {name, name.replace("-", " "), name.replace("-", "")}
    found |= {spelt.replace("'", "") for spelt in found}
    found |= {spelt.replace("saint ", "st ") for spelt in found if spelt.startswith("saint ")}
    found |= {spelt.replace("st ", "st. ") for spelt in found if spelt.startswith("st ")}
    return found


def _tree() -> dict[str, tuple[tuple[tuple[str, ...], str], ...]]:
    """The names by their first word, the longest first."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name in NAMES:
        for spelt in _spellings(name):
            words = tuple(
                spelt.replace(".", " . ").replace("' ", " ' ").replace("-", " - ").split()
            )
            found.setdefault(words[0], []).append((words, name))
    return {
        first: tuple(sorted(names, key=lambda pair: (-len(pair[0]), pair[1])))
        for first, names in found.items()
    }


BY_FIRST_WORD: Final = _tree()
# Names that are common nouns as well: "an epiphany", "the assumption of guilt".
_COMMON: Final = frozenset({"epiphany", "ascension", "assumption", "annunciation", "onam"})
_DETERMINERS: Final = frozenset("a an the this that his her my your our their no".split())


def holiday_at(line: Line, i: int) -> tuple[str, int] | None:
    """The holiday whose name stands at token `i`, and the token after it."""
    for words, name in BY_FIRST_WORD.get(line.words[i], ()):
        if line.words[i : i + len(words)] == words:
            last = i + len(words)
            common = name in _COMMON and (
                line.words[last] == "of" or (i and line.words[i - 1] in _DETERMINERS)
            )
            return None if common else (name, last)
    return None


def holiday_dates(name: str, year: int) -> tuple[date, ...]:
    """The day of holiday `name` in `year`; several where it is kept on either, none if unknown."""
    rule = NAMES[name]
    if rule[0] == "lunar":
        return festival(str(rule[1]), year)
    return (_apply(rule, year),)


def _apply(rule: Rule, year: int) -> date:
    match rule:
        case ("nth", int(month), int(weekday), int(n)):
            return nth_weekday(year, month, weekday, n)
        case ("easter", int(days)):
            return easter(year) + timedelta(days=days)
        case ("pascha", int(days)):
            return orthodox_easter(year) + timedelta(days=days)
        case ("after", tuple(first), int(days)):
            return _apply(first, year) + timedelta(days=days)
        case ("workday", int(month), int(day)):
            at = date(year, month, day)
            return at + timedelta(days={5: -1, 6: 1}.get(at.weekday(), 0))
        case ("not", int(month), int(day), int(weekday)):
            at = date(year, month, day)
            return at - timedelta(days=at.weekday() == weekday)
        case ("solar", str(name)):
            return solar_term(name, year)
        case (int(month), int(day)):
            return date(year, month, day)
    raise ValueError(rule)


# A solar term comes back after a tropical year: the day of a month in a century's year 0, by
# which it moves. Source: the customary formula [Y x 0.2422 + C] - [Y / 4], good for 1901 to 2099.
_TERMS: Final = {"qingming": (4, (5.59, 4.81)), "dongzhi": (12, (22.60, 21.94))}
# Where the formula misses the day, found by comparing it with the sun's longitude (PyEphem 4.2).
_EXCEPTIONS: Final = {
    ("qingming", 1943): -1, ("dongzhi", 1914): 1, ("dongzhi", 1947): 1, ("dongzhi", 1980): 1,
    ("dongzhi", 1984): 1, ("dongzhi", 2021): -1, ("dongzhi", 2054): -1,
}  # fmt: skip


def solar_term(name: str, year: int) -> date:
    """The day in China on which the sun reaches a term: Qingming 15 degrees, Dongzhi 270."""
    month, centuries = _TERMS[name]
    y = year % 100
    day = int(y * 0.2422 + centuries[year > 1999]) - y // 4
    return date(year, month, day + _EXCEPTIONS.get((name, year), 0))


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th `weekday` (Monday 0) of a month; n = -1 is the last."""
    if n > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))
    last = (date(year, month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7 - 7 * (n + 1))


def easter(year: int) -> date:
    """Western Easter. Source: the anonymous Gregorian computus (Nature, 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def orthodox_easter(year: int) -> date:
    """Orthodox Easter. Source: Meeus' Julian algorithm, moved to the Gregorian calendar."""
    a, b, c = year % 4, year % 7, year % 19
    d = (19 * c + 15) % 30
    e = (2 * a + 4 * b - d + 34) % 7
    month, day = divmod(d + e + 114, 31)
    return date(year, month, day + 1) + timedelta(days=year // 100 - year // 400 - 2)
