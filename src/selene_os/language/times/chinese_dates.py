"""Dates and stretches of the calendar in Chinese: "2026年12月1日", "去年夏天", "五月中旬"."""

from __future__ import annotations

import re
from typing import Final

from selene_os.language.times.chinese_feasts import Found
from selene_os.language.times.hanzi import match, value_of
from selene_os.language.times.spans import Term

_RELATIVE_YEARS: Final = {
    "今年": 0, "本年": 0, "当年": 0, "去年": -1, "明年": 1, "前年": -2, "后年": 2, "来年": 1,
    "大前年": -3, "大后年": 3,
}  # fmt: skip
_COUNT: Final = "(?:[0-9]{1,3}|[一二两三四五六七八九十廿]{1,3})"
WEEK: Final = "(?:周|星期|礼拜)"
_EDGE: Final = "(?P<edge>初|底|末|中旬|上旬|下旬|中(?![国午秋]))"
_YEAR: Final = (
    "(?P<year>公?元?[0-9]{4} ?年|[0-9]{2} ?年(?=(?:[0-9]{1,2}|[一二三四五六七八九十]{1,2})月)|"
    "0[0-9]年|[789][0-9]年(?![代来间内前后以之])|[零〇一二三四五六七八九]{4}年|[零〇八九][零〇一二三四五六七八九]年|"
    "[两二]千(?:零?[一二三四五六七八九十]{1,3})?年|大?[今去明前后本来]年)?的?"
)
_DATE: Final = (
    _YEAR + f"(?:(?P<month>{_COUNT}) ?月份?"
    "(?:的?(?P<day>[0-9]{1,2}|[一二三四五六七八九十廿卅]{1,3}) ?(?P<mark>日|号)?"
    f"|的?第(?P<mweek>{_COUNT})个?{WEEK}(?P<mwday>[一二三四五六日天])?"
    f"|的?最后(?:一个?|的)?{WEEK}(?P<lwday>[一二三四五六日天])?(?P<lweek>)"
    f"|{_EDGE})?"
    "|(?P<half>上半年|下半年|前半年|后半年)"
    "|第?(?P<quarter>[一二三四1-4])个?季度?|[qQ](?P<q>[1-4])"
    f"|第(?P<nth>{_COUNT})个月"
    f"|第(?P<week>{_COUNT})个?{WEEK}"
    f"|最后 ?(?P<last>{_COUNT}) ?个?(?P<unit>{WEEK}|月|天)"
    "|(?P<season>[春夏秋冬])(?:天|季|日(?!本))"
    "|(?P<yedge>年初|年底|年末|年中|初(?!一)|底|末))?"
)
_EDGES: Final = {
    "初": "begin", "上旬": "first_ten", "中": "mid", "中旬": "mid_ten", "下旬": "last_ten",
    "底": "end", "末": "end",
}  # fmt: skip
_MONTH_DAY: Final = f"(?P<day>{_COUNT}) ?(?P<mark>日|号)"
_DECADE: Final = (
    "(?:(?P<ago>上个?|本|这个?)世纪|(?P<century>[0-9]{1,2}|[一二]?十[一二三四五六七八九]?)世纪)?"
    "(?P<n>[0-9]0|[0-9]{3}0|[一二三四五六七八九]十)年代(?P<edge>初期?|中期|末期?|后期|早期)?"
)
_CENTURY: Final = (
    "(?P<n>[0-9]{1,2}|[一二]?十[一二三四五六七八九]?|[一二三四五六七八九])世纪"
    "(?P<edge>初|中|末|下?半?叶)?"
)
_HOUSES: Final = frozenset("楼房线店门桌车床院机码厅")


def decade_at(text: str, at: int) -> Found:
    """ "九十年代", "上世纪80年代初", "二十世纪", "21世纪初"."""
    found = match(_DECADE, text, at)
    if found is None:
        found = match(_CENTURY, text, at)
        if found is None:
            return None
        term = Term("years", (100 * (int(value_of(found["n"])) - 1), 100))
        return "period", _edged(term, found["edge"]), found.end()
    value = int(value_of(found["n"]))
    if value > 999:
        return "period", _edged(Term("years", (value, 10)), found["edge"]), found.end()
    if found["ago"]:
        base = 1900 if found["ago"][0] == "上" else 2000
    elif found["century"]:
        base = 100 * (int(value_of(found["century"])) - 1)
    else:
        base = 1900 if value >= 30 else 2000
    return "period", _edged(Term("years", (base + value, 10)), found["edge"]), found.end()


def _edged(term: Term, edge: str | None) -> Term:
    if not edge:
        return term
    which = {"初": "begin", "早": "begin", "中": "mid"}.get(edge[0], "end")
    return Term("edge", (which, term))


def date_at(text: str, at: int) -> Found:
    """A date, or a stretch of a year, at code point `at`."""
    found = match(_DATE, text, at)
    if found is None or found.end() == at or (text[found.end() - 1] == "的" and not found["year"]):
        return None
    year = _year_term(found["year"])
    if found["month"]:
        return _month(found, year)
    if found["half"]:
        n = 1 if found["half"][0] in "上前" else 2
        return "period", Term("quarter", (n, 2, year or Term("period", ("year", 0)))), found.end()
    if found["quarter"] or found["q"]:
        n = int(value_of(found["quarter"] or found["q"]))
        return "period", Term("quarter", (n, 4, year)), found.end()
    if found["season"]:
        term = Term("season", ("春夏秋冬".index(found["season"]), None))
        return "period", Term("inside", (term, year)) if year else term, found.end()
    if found["week"]:
        return "period", Term("week", (int(value_of(found["week"])), year)), found.end()
    if year is None:
        return None
    if found["nth"]:
        return "period", Term("nth", (int(value_of(found["nth"])), "month", year)), found.end()
    if found["last"]:
        unit = {"月": "month", "天": "day"}.get(found["unit"], "week")
        term = Term("first_many", (-1, int(value_of(found["last"])), unit, year))
        return "period", term, found.end()
    if found["yedge"]:
        return "period", Term("edge", (_EDGES[found["yedge"][-1]], year)), found.end()
    return "period", year, found.end("year")


def _month(found: re.Match[str], year: Term | None) -> Found:
    month = int(value_of(found["month"]))
    if not 1 <= month <= 12:
        return None
    y = year.args[0] if year and year.op == "ymd" else None
    whole = Term("ymd", (y, month, None))
    term = Term("inside", (whole, year)) if year and y is None else whole
    if found["mweek"] or found["lweek"] is not None:
        n = int(value_of(found["mweek"])) if found["mweek"] else -1
        day = found["mwday"] or found["lwday"]
        if day:
            return "day", Term("nth", (n, weekday_of(day), term)), found.end()
        return "period", Term("nth", (n, "week", term)), found.end()
    if found["edge"]:
        return "period", Term("edge", (_EDGES[found["edge"]], term)), found.end()
    if found["day"] is None:
        return "period", term, found.end()
    day = int(value_of(found["day"]))
    # "十二月三" without 日 or 号 is a date only in figures: "3月5".
    if found["mark"] is None and not found["day"].isascii():
        return "period", term, found.start("day")
    if not 1 <= day <= 31:
        return "day", Term("never"), found.end()
    inner = Term("ymd", (y, month, day))
    return "day", Term("inside", (inner, year)) if year and y is None else inner, found.end()


def weekday_of(char: str) -> int:
    """Monday 0 of "一" or "1"."""
    index = "一二三四五六日天".find(char)
    return min(index, 6) if index >= 0 else int(char) - 1


def _year_term(text: str | None) -> Term | None:
    if text is None:
        return None
    if text in _RELATIVE_YEARS:
        return Term("period", ("year", _RELATIVE_YEARS[text]))
    value = int(value_of(text.rstrip("年 ").lstrip("公元")))
    if value < 100:
        value += 2000 if value < 50 else 1900
    return Term("ymd", (value, None, None)) if value else None


def day_of_month_at(text: str, at: int) -> Found:
    """ "29日", "二十九号"; a house number ("12号楼") is none."""
    found = match(_MONTH_DAY, text, at)
    if found is None:
        return None
    day = int(value_of(found["day"]))
    after = text[found.end() : found.end() + 1]
    # "12号" alone names a house or a room as well as a day.
    alone = at == 0 and not after and found["day"].isascii()
    if found["mark"] != "日" and (alone or (after in _HOUSES and after)):
        return None
    if after in ("间", "元", "本") and after:
        return None
    return ("day", Term("dom", (day,)), found.end()) if 1 <= day <= 31 else None
