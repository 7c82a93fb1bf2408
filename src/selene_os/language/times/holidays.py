"""Feasts and public holidays whose date is fixed or can be computed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from selene_os.language.times.line import Line
from selene_os.language.times.lunar import FESTIVALS, ISLAMIC, festival

# Name -> rule. Rules: (month, day); ("nth", month, weekday, n) with n = -1 for the last;
# ("easter", days) and ("pascha", days) counted from Western and Orthodox Easter; ("after", rule,
# days); ("lunar", name) from the tables of `lunar`.
Rule = tuple[object, ...]
_RULES: Final[dict[str, Rule]] = {
    "new year's day|new year|new years day|new years|new year day": (1, 1),
    "new year's eve|new years eve|new year eve|nye": (12, 31),
    "christmas|christmas day|xmas|xmas day": (12, 25),
    "christmas eve|xmas eve": (12, 24),
    "boxing day": (12, 26),
    "halloween|all hallows eve|hallowe'en|halloween day": (10, 31),
    "all saints day|all saints' day": (11, 1),
    "all souls day|all souls' day": (11, 2),
    "valentine's day|valentines day|valentine day|valentine's|valentines": (2, 14),
    "saint valentine's day|st valentine's day": (2, 14),
    "saint patrick's day|st patrick's day|st. patrick's day|st patricks day": (3, 17),
    "saint patricks day|saint paddy's day|st paddy's day|st. paddy's day|patrick's day": (3, 17),
    "april fools|april fool's day|april fools day|april fools' day": (4, 1),
    "earth day": (4, 22),
    "may day|labor day of may|international workers' day": (5, 1),
    "cinco de mayo": (5, 5),
    "juneteenth": (6, 19),
    "canada day": (7, 1),
    "independence day|fourth of july day|4th of july day": (7, 4),
    "bastille day": (7, 14),
    "veterans day|veteran's day|veterans' day|armistice day|remembrance day": (11, 11),
    "guy fawkes night|bonfire night|guy fawkes day": (11, 5),
    "epiphany|three kings day|three kings' day": (1, 6),
    "groundhog day|groundhogs day": (2, 2),
    "women's day|international women's day|womens day": (3, 8),
    "pi day": (3, 14),
    "anzac day": (4, 25),
    "australia day": (1, 26),
    "flag day": (6, 14),
    "world vegan day": (11, 1),
    "saint nicholas day|st nicholas day": (12, 6),
    "national day of china": (10, 1),
    "teachers' day of china": (9, 10),
    "pongal|thai pongal|makar sankranti|makara sankranti|maghi": (1, 14),
    "lohri|bhogi": (1, 13),
    "vaisakhi|baisakhi": (4, 14),
    "republic day of india": (1, 26),
    "gandhi jayanti": (10, 2),
    "boss's day|boss day|bosses' day": (10, 16),
    "king's day|koningsdag": (4, 27),
    "emancipation day": (4, 16),
    "tax day": (4, 15),
    "siblings day": (4, 10),
    "white day": (3, 14),
    "star wars day": (5, 4),
    "africa day": (5, 25),
    "world aids day": (12, 1),
    "world health day": (4, 7),
    "world water day": (3, 22),
    "international men's day|men's day": (11, 19),
    "universal children's day": (11, 20),
    "nurses day|nurses' day": (5, 12),
    "teachers' day|teachers day|teacher's day": (10, 5),
    "grandparents day|grandparents' day": ("nth", 9, 6, 1),
    "small business saturday": ("after", ("nth", 11, 3, 4), 2),
    "giving tuesday": ("after", ("nth", 11, 3, 4), 5),
    "victoria day": ("after", ("nth", 5, 6, 4), 1),
    "st lucia day|saint lucy's day": (12, 13),
    "kwanzaa": (12, 26),
    "human rights day": (12, 10),
    "world environment day": (6, 5),
    "german unity day": (10, 3),
    "saint george's day|st george's day|feast of saint george": (4, 23),
    "saint andrew's day|st andrew's day": (11, 30),
    "saint david's day|st david's day": (3, 1),
    "ides of march": (3, 15),
    "midsummer|midsummer day|saint john's day|st john's day": (6, 24),
    "children's day|childrens day": (6, 1),
    "singles day|singles' day": (11, 11),
    "thanksgiving|thanksgiving day|turkey day": ("nth", 11, 3, 4),
    "black friday": ("after", ("nth", 11, 3, 4), 1),
    "cyber monday": ("after", ("nth", 11, 3, 4), 4),
    "labor day|labour day": ("nth", 9, 0, 1),
    "memorial day|decoration day": ("nth", 5, 0, -1),
    "mother's day|mothers day|mothers' day": ("nth", 5, 6, 2),
    "father's day|fathers day|fathers' day": ("nth", 6, 6, 3),
    "martin luther king day|mlk day|martin luther king's day": ("nth", 1, 0, 3),
    "martin luther king jr day|martin luther king jr. day": ("nth", 1, 0, 3),
    "presidents day|president's day|presidents' day|washington's birthday": ("nth", 2, 0, 3),
    "columbus day|indigenous peoples' day": ("nth", 10, 0, 2),
    "super bowl sunday": ("nth", 2, 6, 2),
    "advent|first sunday of advent": ("after", ("nth", 11, 3, -1), 3),
    "easter|easter sunday|easter day": ("easter", 0),
    "good friday": ("easter", -2),
    "maundy thursday|holy thursday|covenant thursday": ("easter", -3),
    "holy saturday|black saturday|easter saturday": ("easter", -1),
    "easter monday": ("easter", 1),
    "palm sunday": ("easter", -7),
    "ash wednesday": ("easter", -46),
    "shrove tuesday|pancake day|pancake tuesday|mardi gras|fat tuesday": ("easter", -47),
    "ascension day|ascension thursday|ascension": ("easter", 39),
    "pentecost|whit sunday|white sunday|whitsunday": ("easter", 49),
    "whit monday|pentecost monday|monday of the holy spirit": ("easter", 50),
    "trinity sunday": ("easter", 56),
    "corpus christi|feast of corpus christi": ("easter", 60),
    "orthodox easter|orthodox easter day|pascha|greek easter": ("pascha", 0),
    "orthodox good friday|orthodox great friday": ("pascha", -2),
    "orthodox easter monday|orthodox bright monday": ("pascha", 1),
    "clean monday|orthodox shrove monday": ("pascha", -48),
}
NAMES: Final[dict[str, Rule]] = {
    name: rule for names, rule in _RULES.items() for name in names.split("|")
} | {name: ("lunar", feast) for feast, names in FESTIVALS.items() for name in names.split("|")}


def _tree() -> dict[str, tuple[tuple[tuple[str, ...], str], ...]]:
    """The names by their first word, the longest first."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name in NAMES:
        words = tuple(name.replace(".", " . ").replace("' ", " ' ").replace("-", " - ").split())
        found.setdefault(words[0], []).append((words, name))
    return {
        first: tuple(sorted(names, key=lambda pair: (-len(pair[0]), pair[1])))
        for first, names in found.items()
    }


BY_FIRST_WORD: Final = _tree()


def holiday_at(line: Line, i: int) -> tuple[str, int] | None:
    """The holiday whose name stands at token `i`, and the token after it."""
    for words, name in BY_FIRST_WORD.get(line.words[i], ()):
        if line.words[i : i + len(words)] == words:
            return name, i + len(words)
    return None


def by_moonsight(name: str) -> bool:
    """Whether holiday `name` belongs to the Islamic year."""
    rule = NAMES[name]
    return rule[0] == "lunar" and rule[1] in ISLAMIC


def holiday_date(name: str, year: int) -> date | None:
    """The day of holiday `name` in `year`; None where no table or rule knows it."""
    return _apply(NAMES[name], year)


def _apply(rule: Rule, year: int) -> date | None:
    match rule:
        case ("nth", int(month), int(weekday), int(n)):
            return nth_weekday(year, month, weekday, n)
        case ("easter", int(days)):
            return easter(year) + timedelta(days=days)
        case ("pascha", int(days)):
            return orthodox_easter(year) + timedelta(days=days)
        case ("after", tuple(first), int(days)):
            found = _apply(first, year)
            return found + timedelta(days=days) if found else None
        case ("lunar", str(name)):
            return festival(name, year)
        case (int(month), int(day)):
            return date(year, month, day)
    return None


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
