"""Dates and times of day in Chinese: "明天下午5点", "下周三", "2026年12月1日", "晚上八点半"."""

from __future__ import annotations

import re
from typing import Final

from selene_os.language.times.hanzi import DIGITS, match, token_after, value_of
from selene_os.language.times.line import Line
from selene_os.language.times.spans import Item, Term

_DAYS: Final[dict[str, int]] = {
    name: days
    for days, names in {
        -3: "大前天",
        -2: "前天 前日",
        -1: "昨天 昨日",
        0: "今天 今日 当天 當天",
        1: "明天 明日 翌日 次日",
        2: "后天 後天",
        3: "大后天 大後天",
    }.items()
    for name in names.split()
}
_SHORT_DAYS: Final = {"昨": -1, "今": 0, "明": 1, "当": 0, "當": 0}
_PARTS: Final[dict[str, str]] = {
    name: part
    for part, names in {
        "morning": "早上 早晨 清晨 上午 早间 早間 清早 一早 早",
        "small_hours": "凌晨 半夜 午夜 深夜",
        "noonish": "中午 正午",
        "afternoon": "下午 午后 午後 傍晚",
        "evening": "晚上 晚间 晚間 夜里 夜裡 夜晚 夜间 夜間 今夜 晚",
    }.items()
    for name in names.split()
}
_NOW: Final = ("现在", "現在", "马上", "馬上", "立刻", "立即", "目前", "此刻", "此时", "此時")
_YEARS: Final = {"今年": 0, "本年": 0, "去年": -1, "明年": 1, "前年": -2, "后年": 2, "後年": 2}
FEASTS: Final[dict[str, str]] = {
    "春节": "spring festival",
    "春節": "spring festival",
    "元旦": "new year's day",
    "元宵节": "lantern festival",
    "元宵節": "lantern festival",
    "圣诞节": "christmas",
    "聖誕節": "christmas",
    "圣诞": "christmas",
    "平安夜": "christmas eve",
    "情人节": "valentine's day",
    "情人節": "valentine's day",
    "万圣节": "halloween",
    "萬聖節": "halloween",
    "感恩节": "thanksgiving",
    "感恩節": "thanksgiving",
    "复活节": "easter",
    "復活節": "easter",
    "愚人节": "april fools",
    "母亲节": "mother's day",
    "母親節": "mother's day",
    "父亲节": "father's day",
    "父親節": "father's day",
    "劳动节": "may day",
    "勞動節": "may day",
    "五一": "may day",
    "儿童节": "children's day",
    "兒童節": "children's day",
    "妇女节": "women's day",
    "婦女節": "women's day",
    "国庆节": "national day of china",
    "國慶節": "national day of china",
    "国庆": "national day of china",
    "教师节": "teachers' day of china",
    "教師節": "teachers' day of china",
    "中秋节": "mid-autumn festival",
    "中秋節": "mid-autumn festival",
    "中秋": "mid-autumn festival",
    "端午节": "dragon boat festival",
    "端午節": "dragon boat festival",
    "端午": "dragon boat festival",
    "除夕": "chinese new year's eve",
    "大年三十": "chinese new year's eve",
}
_MODIFIERS: Final[dict[str, int]] = {
    "上上": -2, "上": -1, "前": -1, "过去": -1, "過去": -1, "最近": -1, "这": 0, "這": 0, "本": 0,
    "今": 0, "当": 0, "當": 0, "下": 1, "下下": 2, "后": 1, "後": 1, "未来": 1, "未來": 1,
    "接下来": 1, "接下來": 1, "往后": 1,
}  # fmt: skip
_WEEK: Final = "(?:周|週|星期|礼拜|禮拜)"
_BIG: Final[dict[str, str]] = {
    "年": "year", "月": "month", "季度": "quarter", "季": "quarter", "周": "week", "週": "week",
    "星期": "week", "礼拜": "week", "禮拜": "week", "天": "day", "日": "day", "小时": "hour",
    "小時": "hour", "分钟": "minute", "分鐘": "minute", "秒": "second", "世纪": "century",
    "世紀": "century", "周末": "weekend", "週末": "weekend",
}  # fmt: skip
_COUNT: Final = "[0-9一二两兩三四五六七八九十]{1,3}"
_DATE: Final = (
    "(?P<year>[0-9]{4} ?年|[0-9]{2} ?年(?=[0-9一二三四五六七八九十])|"
    "[零〇一二三四五六七八九]{4}年|[零〇八九][零〇一二三四五六七八九]年|"
    "[今去明前后後本]年)?的?"
    f"(?:(?P<month>{_COUNT}) ?月份?"
    "(?:的?(?P<day>[0-9]{1,2}|[初一二三四五六七八九十廿卅]{1,3}) ?"
    "(?P<mark>日|号|號)?)?"
    "|(?P<half>上半年|下半年|前半年|后半年|後半年)"
    "|第?(?P<quarter>[一二三四1-4])个?季度?"
    f"|第(?P<nth>{_COUNT})(?:个|個)月"
    f"|第(?P<week>{_COUNT})(?:个|個)?{_WEEK}"
    f"|最[后後] ?(?P<last>{_COUNT}) ?(?:个|個)?(?P<unit>{_WEEK}|月|天)"
    "|(?P<edge>年初|年底|年末|年中|初|底|末))?"
)
_WEEKDAY: Final = (
    f"(?P<mod>上上|下下|上|下|这|這|本)?(?:个|個)?{_WEEK}(?P<day>[一二三四五六日天1-6](?![0-9]))"
)
_RELATIVE: Final = (
    "(?P<mod>上上|下下|上|下|这|這|本|当|當)(?:一)?(?:个|個)?"
    f"(?P<unit>周末|週末|年|月|季度|季|{_WEEK}|世纪)(?P<edge>初|底|末|中旬|上旬|下旬|中)?"
)
_ROLLING: Final = (
    "(?P<mod>过去|過去|最近|未来|未來|接下来|接下來|往后|前|后|後|上|下)的? ?"
    f"(?P<n>{_COUNT}|几|幾) ?(?:个|個)?(?P<unit>年|月|季度|{_WEEK}|天|日|小时|小時|分钟|分鐘|秒)"
)
_MONTH_DAY: Final = f"(?P<day>{_COUNT}) ?(?P<mark>日|号|號)"
_CLOCK: Final = (
    f"(?:大约|大約|大概)?(?P<to>差 ?(?P<less>{_COUNT}|一刻) ?分?(?:到|钟|鐘)?)?"
    f"(?P<h>{_COUNT}|零|〇) ?(?P<mark>点|點|时|時)(?P<whole>钟|鐘|整|正)?(?:过|過)?"
    f"(?:(?P<half>半)|(?P<quarter>[一三1-3]刻)|(?P<m>零?{_COUNT})(?P<fen> ?分)?)?"
    f"(?:(?P<s>{_COUNT}) ?秒)?"
)
_CLOCKS: Final = f"(?P<h>{_COUNT})(?:到|至|-|~)(?P<until>{_COUNT})(?:点|點)(?:钟|鐘)?"
_DECADE: Final = "(?P<century>20|19|二十|十九)?(?:世[纪紀])?(?P<n>[0-9一二三四五六七八九]0?十?)年代"
# Characters with which a Chinese expression may begin.
TRIGGERS: Final = frozenset(
    "大前昨今明后後翌次当當早清上午凌半深中正下傍晚夜一二两兩三四五六七八九十廿卅零〇周週星礼禮"
    "这這本去未接往过過最第现現马馬立目此元春圣聖平情万萬感复復愚母父劳勞儿兒妇婦国國教端除差几幾每"
    "从從在于於自初年稍等待以"
)
_COMPOUND: Final = frozenset("点點时時刻分秒年月日号號周週")


def chinese_at(line: Line, i: int) -> Item | None:
    """The Chinese date, part of the day or time of day at token `i`."""
    word = line.words[i]
    if line.kinds[i] == "number":
        after = line.words[i + 1]
        if line.kinds[i + 1] != "cjk" and not (after in "-~到至" and after):
            return None
    elif word not in TRIGGERS:
        return None
    at = line.starts[i]
    for pattern_of in _PATTERNS:
        found = pattern_of(line.text, at)
        if found:
            cat, term, end = found
            return Item(cat, term, token_after(line, i, end))
    return None


_Found = tuple[str, Term, int] | None


def _word(text: str, at: int) -> _Found:
    for size in (4, 3, 2):
        name = text[at : at + size]
        if name in _DAYS:
            return "day", Term("day", (_DAYS[name],)), at + size
        if name in FEASTS:
            return "day", Term("holiday", (FEASTS[name], None)), at + size
        if name in _PARTS:
            return "part", Term("part", (_PARTS[name],)), at + size
        if name in _NOW:
            return "now", Term("now"), at + size
    day = _SHORT_DAYS.get(text[at : at + 1])
    if day is not None:
        for size in (2, 1):
            part = _PARTS.get(text[at + 1 : at + 1 + size])
            if part and len(text[at + 1 : at + 1 + size]) == size:
                term = Term("at", (Term("day", (day,)), Term("part", (part,))))
                return "moment", term, at + 1 + size
    return None


def _clock(text: str, at: int) -> _Found:
    both = match(_CLOCKS, text, at)
    if both:
        pair = tuple(Term("clock", (int(value_of(both[g])), 0, None, None)) for g in ("h", "until"))
        valid = all(t.args[0] <= 24 for t in pair)
        return ("clocks", Term("clocks", pair), both.end()) if valid else None
    found = match(_CLOCK, text, at)
    if found is None:
        return None
    h = int(value_of(found["h"]))
    if found["mark"] in "时時" and text[found.end("h") - 1 : found.end("h")] == "小":
        return None
    # "一点" is also "a little": alone it is no time of day.
    bare = found.end() == found.end("mark") and not found["to"]
    if bare and found["h"] in ("一", "几") and text[at - 1 : at] not in _AFTER_WHICH_ONE:
        return None
    m = 30 if found["half"] else 0
    if found["quarter"]:
        m = 15 * int(value_of(found["quarter"][0]))
    elif found["m"]:
        m = int(value_of(found["m"]))
    s = int(value_of(found["s"])) if found["s"] else None
    if found["less"]:
        less = 15 if found["less"] == "一刻" else int(value_of(found["less"]))
        h, m = (h - 1) % 24 or 12, 60 - less
    if h > 24 or not 0 <= m < 60 or (s or 0) > 60:
        return "clock", Term("never"), found.end()
    mer = "24" if h > 12 or h == 0 else None
    return "clock", Term("clock", (h, m, s, mer)), found.end()


_AFTER_WHICH_ONE: Final = frozenset("午上晨晚夜天日在到至于")


def _date(text: str, at: int) -> _Found:
    found = match(_DATE, text, at)
    if found is None or found.end() == at or (text[found.end() - 1] == "的" and not found["year"]):
        return None
    year = _year_term(found["year"])
    if found["month"]:
        return _month(found, year)
    if found["half"]:
        n = 1 if found["half"][0] in "上前" else 2
        return "period", Term("quarter", (n, 2, year or Term("period", ("year", 0)))), found.end()
    if found["quarter"]:
        return "period", Term("quarter", (int(value_of(found["quarter"])), 4, year)), found.end()
    if found["week"]:
        if year is None:
            return None
        return "period", Term("week", (int(value_of(found["week"])), year)), found.end()
    if year is None:
        return None
    if found["nth"]:
        return "period", Term("nth", (int(value_of(found["nth"])), "month", year)), found.end()
    if found["last"]:
        unit = _BIG.get(found["unit"], "week")
        term = Term("first_many", (-1, int(value_of(found["last"])), unit, year))
        return "period", term, found.end()
    if found["edge"]:
        return "period", Term("edge", (_EDGES[found["edge"][-1]], year)), found.end()
    end = found.end("year")
    return "period", year, end


_EDGES: Final = {"初": "begin", "底": "end", "末": "end", "中": "mid"}


def _month(found: re.Match[str], year: Term | None) -> _Found:
    month = int(value_of(found["month"]))
    if not 1 <= month <= 12:
        return None
    y = year.args[0] if year and year.op == "ymd" else None
    if found["day"] is None:
        inner = Term("ymd", (y, month, None))
        term = Term("inside", (inner, year)) if year and y is None else inner
        end = found.end()
        edge = found.string[end : end + 1]
        if edge in ("初", "底", "末") and edge:
            return "period", Term("edge", (_EDGES[edge], term)), end + 1
        return "period", term, end
    day = int(value_of(found["day"].replace("初", "")))
    # "十二月三" without 日 or 号 is a date only in figures: "3月5".
    if found["mark"] is None and not found["day"].isascii() and "初" not in found["day"]:
        inner = Term("ymd", (y, month, None))
        return "period", inner, found.start("day")
    if not 1 <= day <= 31:
        return "day", Term("never"), found.end()
    inner = Term("ymd", (y, month, day))
    return "day", Term("inside", (inner, year)) if year and y is None else inner, found.end()


def _year_term(text: str | None) -> Term | None:
    if text is None:
        return None
    if text in _YEARS:
        return Term("period", ("year", _YEARS[text]))
    figures = text.rstrip("年 ")
    value = int(figures) if figures.isascii() else int("".join(str(DIGITS[c]) for c in figures))
    if value < 100:
        value += 2000 if value < 70 else 1900
    return Term("ymd", (value, None, None)) if value else None


def _week(text: str, at: int) -> _Found:
    found = match(_WEEKDAY, text, at)
    if found:
        day = "一二三四五六日天".find(found["day"])
        day = min(day, 6) if day >= 0 else int(found["day"]) - 1
        mod = found["mod"]
        if mod is None:
            return "weekday", Term("weekday", (day, None)), found.end()
        week = Term("period", ("week", _MODIFIERS[mod]))
        return "day", Term("inside", (Term("weekday", (day, None)), week)), found.end()
    if text[at : at + 2] in ("周末", "週末"):
        return "period", Term("period", ("weekend", 0)), at + 2
    return None


def _relative(text: str, at: int) -> _Found:
    rolling = match(_ROLLING, text, at)
    if rolling:
        mod = _MODIFIERS[rolling["mod"]]
        term = Term("rolling", (_BIG[rolling["unit"]], int(value_of(rolling["n"])), mod))
        return "period", term, rolling.end()
    found = match(_RELATIVE, text, at)
    if found:
        term = Term("period", (_BIG[found["unit"]], _MODIFIERS[found["mod"]]))
        if found["unit"] == "月" and found["edge"] is None:
            day = match(_MONTH_DAY, text, found.end())
            if day:
                inner = Term("dom", (int(value_of(day["day"])),))
                return "day", Term("inside", (inner, term)), day.end()
        if found["edge"] and found["unit"] in ("月", "年"):
            which = {"上": "begin", "下": "end"}.get(found["edge"][0], "")
            return "period", Term("edge", (which or _EDGES[found["edge"][0]], term)), found.end()
        end = found.end("unit")
        return "period", term, end
    if text[at : at + 2] in ("月底", "月初", "年底", "年初"):
        unit = "month" if text[at] == "月" else "year"
        return "period", Term("edge", (_EDGES[text[at + 1]], Term("period", (unit, 0)))), at + 2
    return None


def _decade(text: str, at: int) -> _Found:
    found = match(_DECADE, text, at)
    if found is None:
        return None
    tens = found["n"]
    value = int(tens) if tens.isascii() and tens.isdigit() else int(value_of(tens))
    value = value if value >= 10 else value * 10
    if value % 10 or value > 90:
        return None
    centuries = {"20": 1900, "二十": 1900, "19": 1800, "十九": 1800}
    base = centuries.get(found["century"] or "", 1900 if value >= 30 else 2000)
    return "period", Term("years", (base + value, 10)), found.end()


def _day_of_month(text: str, at: int) -> _Found:
    found = match(_MONTH_DAY, text, at)
    if found is None:
        return None
    day = int(value_of(found["day"]))
    after = text[found.end() : found.end() + 1]
    # "12号" alone names a house or a room as well as a day.
    if found["mark"] != "日" and ((at == 0 and not after) or (after in _HOUSES and after)):
        return None
    if after in ("间", "間", "元") and after:
        return None
    return ("day", Term("dom", (day,)), found.end()) if 1 <= day <= 31 else None


_HOUSES: Final = frozenset("楼樓房线線店门門桌车車床院机機码碼厅廳")
_PATTERNS: Final = (_decade, _word, _week, _relative, _date, _clock, _day_of_month)
