"""Feasts by their Chinese names, and dates of the Chinese calendar: "春节", "农历八月十五"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.hanzi import match, value_of
from selene_os.language.times.spans import Term

FEASTS: Final[dict[str, str]] = {
    name: feast
    for feast, names in {
        "spring festival": "春节 大年初一 农历新年 农历年",
        "chinese new year's eve": "除夕 除夕夜 大年三十 年三十 大年夜",
        "little new year": "小年 小年夜",
        "lantern festival": "元宵节 元宵 上元节",
        "dragon head": "龙抬头",
        "qingming": "清明节 清明",
        "dragon boat festival": "端午节 端午 端阳节",
        "qixi": "七夕节 七夕 乞巧节",
        "ghost festival": "中元节 鬼节 盂兰节",
        "mid-autumn festival": "中秋节 中秋",
        "double ninth festival": "重阳节 重阳",
        "laba festival": "腊八节 腊八",
        "winter solstice": "冬至 冬至节",
        "new year's day": "元旦 元旦节 新年",
        "new year's eve": "跨年夜 新年夜",
        "christmas": "圣诞节 圣诞",
        "christmas eve": "平安夜 圣诞夜 圣诞前夜",
        "valentine's day": "情人节",
        "white day": "白色情人节",
        "halloween": "万圣节 万圣夜",
        "thanksgiving": "感恩节",
        "black friday": "黑色星期五",
        "easter": "复活节",
        "april fools": "愚人节",
        "mother's day": "母亲节",
        "father's day": "父亲节",
        "women's day": "妇女节 三八节 三八妇女节",
        "arbor day of china": "植树节",
        "earth day": "地球日",
        "may day": "劳动节 五一劳动节 五一节 五一",
        "youth day of china": "青年节 五四青年节",
        "children's day": "儿童节 六一儿童节 六一节 六一",
        "party day of china": "建党节 七一建党节",
        "army day of china": "建军节 八一建军节",
        "teachers' day of china": "教师节",
        "national day of china": "国庆节 国庆 十一国庆节 国庆日",
        "singles' day": "双十一 双十一节 光棍节",
        "ramadan": "斋月",
        "diwali": "排灯节",
        "passover": "逾越节",
    }.items()
    for name in names.split()
}
NAME_MAX: Final = max(map(len, FEASTS))
# These name a day only where nothing but the text's end or a break follows: "五一" is also "51".
_SHY: Final = frozenset({"五一", "六一", "新年"})
_MOON: Final = (
    "(?P<lunar>农历|阴历|旧历)?的?(?P<year>[0-9]{4}年|[零〇一二三四五六七八九]{4}年|[今去明前后]年)?的?"
    "(?:(?P<month>正|腊|冬|十[一二]?|[一二三四五六七八九]|[0-9]{1,2})月|大年(?=初))"
    "(?P<day>初[一二三四五六七八九十]|[一二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]|[0-9]{1,2})"
    "(?P<mark>日|号)?"
)
_MONTHS: Final = {"正": 1, "冬": 11, "腊": 12}
_YEARS: Final = {"今": 0, "去": -1, "明": 1, "前": -2, "后": 2}
Found = tuple[str, Term, int] | None


def feast_at(text: str, at: int) -> Found:
    """The feast whose name stands at code point `at`."""
    for size in range(NAME_MAX, 1, -1):
        name = text[at : at + size]
        if name in FEASTS and len(name) == size:
            after = text[at + size : at + size + 1]
            if name in _SHY and (after not in ("", "，", ",", "。", " ") and after not in _AROUND):
                return None
            return "day", Term("holiday", (FEASTS[name], None)), at + size
    return None


_AROUND: Final = frozenset("前后期假放节去")


def moon_date_at(text: str, at: int) -> Found:
    """A date of the Chinese calendar at code point `at`.

    "正月", "腊月", "初五" and "农历" say so; "八月十五" without 日 or 号 may be a date of either
    calendar.
    """
    found = match(_MOON, text, at)
    if found is None:
        return None
    named, said = found["month"] or "正", found["day"]
    month = _MONTHS.get(named) or int(value_of(named))
    day = int(value_of(said[1:] if said[0] == "初" else said))
    surely = bool(found["lunar"] or named in _MONTHS)
    likely = surely or said[0] in "初廿" or (found["mark"] is None and not said.isascii())
    if not likely or not 1 <= month <= 12 or not 1 <= day <= 30:
        return None
    year = found["year"]
    offset = _YEARS.get(year[0]) if year and len(year) == 2 else None
    stated = None if year is None or offset is not None else int(_figures(year[:-1]))
    return "day", Term("moon", (stated, offset, month, day, surely)), found.end()


def _figures(year: str) -> float:
    return value_of(year)
