"""Days, weeks and parts of the day in Chinese: "明天下午5点", "下周三", "过去三个月"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.characters import spellings
from selene_os.language.times.chinese_clocks import clock_at
from selene_os.language.times.chinese_dates import (
    WEEK,
    date_at,
    day_of_month_at,
    decade_at,
    weekday_of,
)
from selene_os.language.times.chinese_feasts import FEASTS, Found, feast_at, moon_date_at
from selene_os.language.times.hanzi import match, token_after, value_of
from selene_os.language.times.line import Line
from selene_os.language.times.spans import Item, Term

_DAYS: Final[dict[str, int]] = {
    name: days
    for days, names in {
        -3: "大前天",
        -2: "前天 前日",
        -1: "昨天 昨日",
        0: "今天 今日 当天 今儿",
        1: "明天 明日 翌日 次日 明儿 第二天",
        2: "后天 後天",
        3: "大后天",
        4: "大大后天",
    }.items()
    for name in names.split()
}
_SHORT_DAYS: Final = {"昨": -1, "今": 0, "明": 1, "当": 0}
_PARTS: Final[dict[str, str]] = {
    name: part
    for part, names in {
        "morning": "早上 早晨 清晨 上午 早间 清早 一早 大清早 早",
        "small_hours": "凌晨 半夜 午夜 深夜 夜半 大半夜 后半夜",
        "noonish": "中午 正午 晌午",
        "afternoon": "下午 午后 傍晚 黄昏",
        "evening": "晚上 晚间 夜里 夜晚 夜间 今夜 大晚上 晚",
        "dawn": "黎明 拂晓",
    }.items()
    for name in names.split()
}
_NOW: Final = ("现在", "马上", "立刻", "立即", "目前", "此刻", "此时", "眼下", "当下", "即刻")
_MODIFIERS: Final[dict[str, int]] = {
    "上上": -2, "上": -1, "前": -1, "过去": -1, "最近": -1, "近": -1, "这": 0, "本": 0, "今": 0,
    "当": 0, "下": 1, "下下": 2, "后": 1, "未来": 1, "接下来": 1, "往后": 1, "之后": 1, "今后": 1,
    "随后": 1,
}  # fmt: skip
_UNITS: Final[dict[str, str]] = {
    "年": "year", "月": "month", "季度": "quarter", "季": "quarter", "周": "week",
    "星期": "week", "礼拜": "week", "天": "day", "日": "day", "小时": "hour", "钟头": "hour",
    "分钟": "minute", "秒": "second", "秒钟": "second", "世纪": "century", "周末": "weekend",
    "工作日": "weekday", "双休日": "weekend",
}  # fmt: skip
_EDGES: Final = {
    "初": "begin", "底": "end", "末": "end", "中": "mid", "上旬": "first_ten",
    "中旬": "mid_ten", "下旬": "last_ten",
}  # fmt: skip
_COUNT: Final = "[0-9一二两三四五六七八九十百]{1,3}"
_WEEKDAY: Final = (
    f"(?P<mod>上上|下下|上|下|这|本)?个?{WEEK}(?P<day>[一二三四五六日天]|[1-6](?![0-9]))"
)
_RELATIVE: Final = (
    "(?P<mod>上上|下下|上|下|这|本|当)一?个?"
    f"(?P<unit>周末|双休日|年(?![纪级轻])|月|季度|季|{WEEK}|世纪)"
    "(?P<edge>初(?!一)|底|末|中旬|上旬|下旬|中(?![国午秋间]))?"
    f"(?:的?第(?P<nth>{_COUNT})个?{WEEK}(?P<day>[一二三四五六日天])?)?"
)
_ROLLING: Final = (
    "(?P<mod>过去|最近|近|未来|接下来|往后|今后|随后|之后|前|后|上|下)的?这? ?"
    f"(?P<n>{_COUNT}|几|数) ?个?(?P<unit>工作日|年|月|季度|{WEEK}|天|日|小时|钟头|分钟|秒钟?)"
    "(?![后前内]|之[后前内]|以[后前内])"
)
_NEXT_DAY: Final = f"的?(?P<day>{_COUNT}) ?(?:日|号)"
_STANDING: Final = "(?P<unit>月|年|周|季)(?P<edge>初|底|末|中(?![国午秋间]))"
_DIGITS: Final = "0123456789"
_NUMERALS: Final = "零〇一二两三四五六七八九十百千廿" + _DIGITS


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
    first = line.text[at]
    for begins, found_at in _PATTERNS:
        if first in begins:
            found = found_at(line.text, at)
            if found:
                cat, term, end = found
                return Item(cat, term, token_after(line, i, end))
    return None


def _word(text: str, at: int) -> Found:
    for size in (4, 3, 2):
        name = text[at : at + size]
        if name in _DAYS:
            return "day", Term("day", (_DAYS[name],)), at + size
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
    # "早8点", "5日晚": one character is enough before a time of day or after a day.
    part = _PARTS.get(text[at : at + 1])
    if part and at and text[at - 1] in "日号":
        return "part", Term("part", (part,)), at + 1
    if part and text[at + 1 : at + 2] in _NUMERALS and text[at + 1 : at + 2]:
        clock = clock_at(text, at + 1)
        return ("part", Term("part", (part,)), at + 1) if clock else None
    return None


def _week(text: str, at: int) -> Found:
    found = match(_WEEKDAY, text, at)
    if found:
        day = weekday_of(found["day"])
        mod = found["mod"]
        if mod is None:
            return "weekday", Term("weekday", (day, None)), found.end()
        week = Term("period", ("week", _MODIFIERS[mod]))
        return "day", Term("inside", (Term("weekday", (day, None)), week)), found.end()
    if text[at : at + 2] == "周末":
        return "period", Term("period", ("weekend", 0)), at + 2
    return None


def _relative(text: str, at: int) -> Found:
    if at and text[at - 1 : at + 1] == "元前":
        # Years before our era are not read.
        return None
    rolling = match(_ROLLING, text, at)
    if rolling:
        mod = _MODIFIERS[rolling["mod"]]
        term = Term("rolling", (_UNITS[rolling["unit"]], int(value_of(rolling["n"])), mod))
        return "period", term, rolling.end()
    found = match(_RELATIVE, text, at)
    if found is None:
        return None
    term = Term("period", (_UNITS[found["unit"]], _MODIFIERS[found["mod"]]))
    if found["nth"]:
        n = int(value_of(found["nth"]))
        if found["day"]:
            return "day", Term("nth", (n, weekday_of(found["day"]), term)), found.end()
        return "period", Term("nth", (n, "week", term)), found.end()
    if found["unit"] == "月" and found["edge"] is None:
        day = match(_NEXT_DAY, text, found.end())
        if day:
            inner = Term("dom", (int(value_of(day["day"])),))
            return "day", Term("inside", (inner, term)), day.end()
    if found["edge"] and found["unit"] not in ("周末", "双休日"):
        return "period", Term("edge", (_EDGES[found["edge"]], term)), found.end()
    return "period", term, found.end("unit")


def _standing(text: str, at: int) -> Found:
    """ "月底", "年初": of the month or year that is under way."""
    found = match(_STANDING, text, at)
    if found is None or (at and text[at - 1] in _NUMERALS + "半每整成"):
        return None
    term = Term("period", (_UNITS[found["unit"]], 0))
    return "period", Term("edge", (_EDGES[found["edge"]], term)), found.end()


# What is tried, in this order, by the character at which it may begin.
_DATED: Final = frozenset(_NUMERALS + "今去明前后本来大第上下最春夏秋冬公qQ")
_FEAST_FIRSTS: Final = frozenset(name[0] for name in FEASTS)
_PATTERNS: Final = (
    (frozenset(_NUMERALS + "上本这"), decade_at),
    (_FEAST_FIRSTS, feast_at),
    (frozenset(_NUMERALS + "农阴旧今去明前后正腊冬大"), moon_date_at),
    (frozenset(name[0] for name in (*_DAYS, *_PARTS, *_NOW)), _word),
    (frozenset("上下这本周星礼"), _week),
    (frozenset("过最近未接往今随之前后上下这本当"), _relative),
    (frozenset("月年周季"), _standing),
    (_DATED, date_at),
    (frozenset(_NUMERALS + "差大约"), clock_at),
    (frozenset(_NUMERALS), day_of_month_at),
)
# Characters with which a Chinese expression may begin, in either spelling.
TRIGGERS: Final = spellings(
    "".join(sorted({c for begins, _ in _PATTERNS for c in begins} - set(_DIGITS) - set("qQ")))
    + "每从在于自截到待等稍以几半数整全卅刚一改"
)
