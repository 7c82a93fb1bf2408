"""Feasts that follow the moon: Chinese, Islamic and Jewish ones. Hindu ones stand in `hindu`."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from selene_os.language.times.hindu import NAMES as HINDU
from selene_os.language.times.hindu import hindu_feast
from selene_os.language.times.moons import moon_day

# Feasts of the Chinese year: month and day; day 0 is the month's last.
_CHINESE: Final = {
    "spring_festival": (1, 1), "lantern_festival": (1, 15), "dragon_head": (2, 2),
    "shangsi": (3, 3), "vesak": (4, 15), "buddhas_birthday": (4, 8), "dragon_boat": (5, 5),
    "qixi": (7, 7), "ghost_festival": (7, 15), "mid_autumn": (8, 15), "double_ninth": (9, 9),
    "laba": (12, 8), "little_new_year": (12, 23), "new_years_eve": (12, 0),
}  # fmt: skip
# Feasts of the Islamic year: month and day. They begin when the moon is seen; this is the
# arithmetical calendar, at most a day late in 96 % of the months of Umm al-Qura.
_ISLAMIC: Final = {
    "eid_al_fitr": (10, 1), "eid_al_adha": (12, 10), "ramadan": (9, 1), "islamic_new_year": (1, 1),
    "ashura": (1, 10), "mawlid": (3, 12), "laylat_al_qadr": (9, 27), "isra_miraj": (7, 27),
    "mid_shaban": (8, 15), "arafah": (12, 9), "last_friday": (10, 0),
}  # fmt: skip
# Name of the feast -> what it is called.
FESTIVALS: Final[dict[str, str]] = {
    "spring_festival": "chinese new year|chinese new year's day|lunar new year|chinese lunar new "
    "year's day|chinese lunar new year|chinese new years|chinese spring festival|spring festival",
    "new_years_eve": "chinese new year's eve|lunar new year's eve",
    "mid_autumn": "mid-autumn festival|mid autumn festival|moon festival|mooncake festival",
    "dragon_boat": "dragon boat festival|duanwu festival|duanwu",
    "lantern_festival": "lantern festival",
    "dragon_head": "longtaitou festival|dragon head",
    "shangsi": "shangsi festival|double third festival",
    "vesak": "vesak|vesak day|wesak|wesak day|buddha day",
    "buddhas_birthday": "buddha's birthday|birthday of the buddha",
    "qixi": "qixi|qixi festival|double seventh festival",
    "ghost_festival": "ghost festival|hungry ghost festival|zhongyuan festival",
    "double_ninth": "double ninth festival|double ninth|chongyang festival|chung yeung festival",
    "laba": "laba festival",
    "little_new_year": "little new year",
    "eid_al_fitr": "eid al-fitr|eid al fitr|eid ul-fitr|eid ul fitr|id al-fitr|id ul-fitr|eid",
    "eid_al_adha": "eid al-adha|eid al adha|eid ul-adha|eid ul adha|id ul-adha|id al-adha|bakr id|"
    "sacrifice feast|feast of the sacrifice|festival of sacrifice",
    "ramadan": "ramadan|ramzan|ramadhan|ramazan",
    "islamic_new_year": "islamic new year|hijri new year|arabic new year|muharram|amun jadid",
    "ashura": "ashura|day of ashura",
    "mawlid": "mawlid|mawlid al-nabi|milad un nabi|maulid|eid-e-milad|mawlid an-nabi",
    "laylat_al_qadr": "laylat al-qadr|laylat al qadr|night of power|night of destiny|"
    "night of measures|laylat al kadr",
    "isra_miraj": "isra and mi'raj|isra and miraj|the prophet's ascension",
    "mid_shaban": "mid-sha'ban|shab-e-barat|bara'at night",
    "arafah": "day of arafah|arafat day|day of arafat",
    "last_friday": "jumu'atul-wida|jumuatul-wida|jamat ul-vida",
    "rosh_hashanah": "rosh hashanah|rosh hashana|rosh ha-shanah|yom teruah|feast of trumpets",
    "yom_kippur": "yom kippur|day of atonement",
    "sukkot": "sukkot|succos|sukkos|succot|feast of tabernacles|feast of booths|"
    "feast of the ingathering",
    "shemini_atzeret": "shemini atzeret",
    "simchat_torah": "simchat torah|simhat torah|simkhes toreh",
    "hanukkah": "hanukkah|hanukah|chanukah|hannukah|chanukkah|festival of lights",
    "tu_bishvat": "tu bishvat|tu b'shevat|tu bishevat",
    "purim": "purim",
    "shushan_purim": "shushan purim",
    "passover": "passover|pesach|pesah",
    "yom_hashoah": "yom hashoah|holocaust day|yom ha-shoah",
    "yom_haatzmaut": "yom haatzmaut|yom ha'atzmaut|yom ha-atzmaut",
    "shavuot": "shavuot|shavuos|shovuos|feast of weeks",
    "lag_baomer": "lag baomer|lag b'omer|lag ba'omer",
    "tisha_bav": "tisha b'av|tish'a b'av",
} | HINDU
# Days after Rosh Hashanah of the same autumn, and days before Rosh Hashanah of the year's autumn:
# from Nisan to Tishri the Hebrew months have fixed lengths. Jewish days begin the evening before.
_AFTER: Final = {
    "rosh_hashanah": -1, "yom_kippur": 8, "sukkot": 13, "shemini_atzeret": 20, "simchat_torah": 21,
}  # fmt: skip
_BEFORE: Final = {
    "passover": 164, "lag_baomer": 131, "shavuot": 114, "purim": 194, "shushan_purim": 193,
}  # fmt: skip


def festival(name: str, year: int) -> tuple[date, ...]:
    """The day of feast `name` in Gregorian `year`; several where it is kept on either of them."""
    if name in HINDU:
        return hindu_feast(name, year)
    if name in _ISLAMIC:
        return _islamic_feast(name, year)
    if name in _CHINESE:
        month, day = _CHINESE[name]
        # The last weeks of a Chinese year lie in the next civil year, seldom in the same.
        days = (moon_day(begun, month, day) for begun in (year - 1, year))
        return tuple(found for found in days if found and found.year == year)[-1:]
    found = _jewish(name, year) if 1600 <= year <= 2400 else None
    return (found,) if found else ()


def _jewish(name: str, year: int) -> date | None:
    autumn = _rosh_hashanah(year)
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
    if name == "tisha_bav":
        fast = autumn - timedelta(days=51)
        # A fast that falls on a Sabbath is kept on the day after.
        return fast - timedelta(days=0 if fast.weekday() == 5 else 1)
    if name == "yom_hashoah":
        day = autumn - timedelta(days=151)
        return day - timedelta(days={4: 2, 6: 0}.get(day.weekday(), 1))
    if name == "yom_haatzmaut":
        # 5 Iyar, kept clear of the Sabbath on either side.
        day = autumn - timedelta(days=143)
        return day + timedelta(days={4: -1, 5: -2, 0: 1}.get(day.weekday(), 0) - 1)
    return None


def _islamic_feast(name: str, year: int) -> tuple[date, ...]:
    month, day = _ISLAMIC[name]
    if name == "last_friday":
        first = _islamic(month, 1, year)
        if first is None:
            return ()
        # The last Friday of Ramadan, from either day on which the month may end.
        ends = (first, first - timedelta(days=1))
        fridays = (end - timedelta(days=(end.weekday() - 4) % 7 or 7) for end in ends)
        return tuple(dict.fromkeys(fridays))
    found = _islamic(month, day, year)
    return (found, found - timedelta(days=1)) if found else ()


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
