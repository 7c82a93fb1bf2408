"""Feasts that follow the moon: Chinese by a table, Jewish by the Hebrew calendar's arithmetic."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

# Chinese New Year of 2000 to 2050, month and day. Source: Hong Kong Observatory, Gregorian-Lunar
# Calendar Conversion Table.
_NEW_YEAR_FIRST: Final = 2000
_NEW_YEAR: Final = (
    "0205 0124 0212 0201 0122 0209 0129 0218 0207 0126 0214 0203 0123 0210 0131 0219 "
    "0208 0128 0216 0205 0125 0212 0201 0122 0210 0129 0217 0206 0126 0213 0203 0123 "
    "0211 0131 0219 0208 0128 0215 0204 0124 0212 0201 0122 0210 0130 0217 0206 0126 "
    "0214 0202 0123"
).split()
# Diwali (Lakshmi Puja) of 2010 to 2030. Source: published Indian public-holiday lists.
_DIWALI_FIRST: Final = 2010
_DIWALI: Final = (
    "1105 1026 1113 1103 1023 1111 1030 1019 1107 1027 1114 1104 1024 1112 1101 1020 "
    "1108 1029 1017 1105 1026"
).split()
# Mid-Autumn and Dragon Boat Festival of 2015 to 2030. Source: as above.
_MOON_FIRST: Final = 2015
_MOON: Final = (
    "0927 0915 1004 0924 0913 1001 0921 0910 0929 0917 1006 0925 0915 1003 0922 0912"
).split()
_DRAGON: Final = (
    "0620 0609 0530 0618 0607 0625 0614 0603 0622 0610 0531 0619 0609 0528 0616 0605"
).split()
# Holi of 2010 to 2030. Source: as for Diwali.
_HOLI: Final = (
    "0301 0320 0308 0327 0317 0306 0324 0313 0302 0321 0310 0329 0318 0308 0325 0314 "
    "0304 0322 0311 0301 0320"
).split()
# Feasts at a fixed distance from Diwali, in days.
_NEAR_DIWALI: Final = {
    "diwali": 0, "dussehra": -20, "navaratri": -29, "karva_chauth": -11, "dhanteras": -2,
    "bhai_dooj": 2, "govardhan": 1,
}  # fmt: skip
# Feasts of the Islamic year: month and day. They begin when the moon is seen; this is the
# arithmetical calendar, which may differ by a day.
ISLAMIC: Final = {
    "eid_al_fitr": (10, 1), "eid_al_adha": (12, 10), "ramadan": (9, 1), "islamic_new_year": (1, 1),
    "ashura": (1, 10), "mawlid": (3, 12), "laylat_al_qadr": (9, 27), "isra_miraj": (7, 27),
}  # fmt: skip
# Name of the feast -> what it is called.
FESTIVALS: Final[dict[str, str]] = {
    "spring_festival": "chinese new year|chinese new year's day|lunar new year|chinese lunar new "
    "year's day|chinese lunar new year|chinese new years|chinese spring festival|spring festival",
    "new_years_eve": "chinese new year's eve|lunar new year's eve",
    "mid_autumn": "mid-autumn festival|mid autumn festival|moon festival",
    "dragon_boat": "dragon boat festival",
    "lantern_festival": "lantern festival",
    "dussehra": "dussehra|vijayadashami|vijaya dashami|dasara",
    "navaratri": "navaratri|navratri|durga puja",
    "karva_chauth": "karva chauth",
    "dhanteras": "dhanteras|dhanatrayodashi",
    "bhai_dooj": "bhai dooj|bhaidooj",
    "govardhan": "govardhan puja",
    "holi": "holi|dhulandi|phagwah",
    "holika_dahan": "holika dahan|chhoti holi",
    "eid_al_fitr": "eid al-fitr|eid al fitr|eid ul-fitr|eid ul fitr|id al-fitr|eid",
    "eid_al_adha": "eid al-adha|eid al adha|eid ul-adha|eid ul adha|id ul-adha|id al-adha|bakr id",
    "ramadan": "ramadan|ramzan|ramadhan|ramazan",
    "islamic_new_year": "islamic new year|hijri new year|muharram",
    "ashura": "ashura",
    "mawlid": "mawlid|mawlid al-nabi|milad un nabi",
    "laylat_al_qadr": "laylat al-qadr|laylat al qadr|night of power|night of destiny",
    "isra_miraj": "isra and mi'raj|isra and miraj",
    "diwali": "diwali|deepavali|lakshmi puja|dipavali",
    "rosh_hashanah": "rosh hashanah|rosh hashana|rosh ha-shanah|yom teruah",
    "yom_kippur": "yom kippur",
    "sukkot": "sukkot|succos|sukkos|feast of tabernacles|feast of booths|feast of the ingathering",
    "shemini_atzeret": "shemini atzeret",
    "simchat_torah": "simchat torah",
    "hanukkah": "hanukkah|hanukah|chanukah|hannukah|chanukkah",
    "tu_bishvat": "tu bishvat|tu b'shevat",
    "purim": "purim",
    "passover": "passover|pesach",
    "shavuot": "shavuot|shavuos|feast of weeks",
    "lag_baomer": "lag baomer|lag b'omer",
    "tisha_bav": "tisha b'av",
}
# Days after Rosh Hashanah of the same autumn, and days before Rosh Hashanah of the year's autumn:
# from Nisan to Tishri the Hebrew months have fixed lengths. Jewish days begin the evening before.
_AFTER: Final = {"rosh_hashanah": -1, "yom_kippur": 8, "sukkot": 13, "shemini_atzeret": 20}
_BEFORE: Final = {"passover": 164, "lag_baomer": 131, "shavuot": 114, "tisha_bav": 53, "purim": 194}


def festival(name: str, year: int) -> date | None:
    """The day of feast `name` in Gregorian `year`, or None where it is not known."""
    if name in ("spring_festival", "lantern_festival"):
        found = _listed(_NEW_YEAR, _NEW_YEAR_FIRST, year)
        return found + timedelta(days=14) if found and name[0] == "l" else found
    if name == "new_years_eve":
        found = _listed(_NEW_YEAR, _NEW_YEAR_FIRST, year)
        return found - timedelta(days=1) if found else None
    if name in ("mid_autumn", "dragon_boat"):
        return _listed(_MOON if name == "mid_autumn" else _DRAGON, _MOON_FIRST, year)
    if name in _NEAR_DIWALI:
        found = _listed(_DIWALI, _DIWALI_FIRST, year)
        return found + timedelta(days=_NEAR_DIWALI[name]) if found else None
    if name in ("holi", "holika_dahan"):
        found = _listed(_HOLI, _DIWALI_FIRST, year)
        return found - timedelta(days=name == "holika_dahan") if found else None
    if name in ISLAMIC:
        return _islamic(*ISLAMIC[name], year)
    if not 1600 <= year <= 2400:
        return None
    autumn = _rosh_hashanah(year)
    if name == "simchat_torah":
        return autumn + timedelta(days=21)
    if name in _AFTER:
        return autumn + timedelta(days=_AFTER[name])
    if name in _BEFORE:
        return autumn - timedelta(days=_BEFORE[name])
    if name == "hanukkah":
        # 25 Kislev: Heshvan has a 30th day only in the longest years.
        long_year = (_rosh_hashanah(year + 1) - autumn).days % 10 == 5
        return autumn + timedelta(days=83 if long_year else 82)
    if name == "tu_bishvat":
        # 15 Shevat is 15 + 29 (or 30 + 30 with the leap month) + ... days before 15 Nisan.
        leap = (autumn - _rosh_hashanah(year - 1)).days > 380
        return autumn - timedelta(days=253 if leap else 223)
    return None


def _listed(table: list[str], first: int, year: int) -> date | None:
    if not first <= year < first + len(table):
        return None
    entry = table[year - first]
    return date(year, int(entry[:2]), int(entry[2:]))


def _islamic(month: int, day: int, year: int) -> date | None:
    """The first such day of Gregorian `year`. Source: the arithmetical calendar, type IIa."""
    if not 1000 <= year <= 2400:
        return None
    hijri = (year - 622) * 33 // 32
    for h in range(hijri - 1, hijri + 3):
        days = 354 * (h - 1) + (3 + 11 * h) // 30 + 29 * (month - 1) + month // 2 + day
        found = date.fromordinal(227_014 + days)
        if found.year == year:
            return found
    return None


@lru_cache(maxsize=64)
def _rosh_hashanah(year: int) -> date:
    """1 Tishri in Gregorian `year`. Source: Reingold and Dershowitz, Calendrical Calculations."""
    return date.fromordinal(_new_year_day(year + 3761) - 1_373_427)


def _elapsed(year: int) -> int:
    months = (235 * year - 234) // 19
    parts = 12_084 + 13_753 * months
    day = 29 * months + parts // 25_920
    return day + 1 if (3 * (day + 1)) % 7 < 3 else day


def _new_year_day(year: int) -> int:
    before, this, after = _elapsed(year - 1), _elapsed(year), _elapsed(year + 1)
    shift = 2 if after - this == 356 else 1 if this - before == 382 else 0
    return this + shift
