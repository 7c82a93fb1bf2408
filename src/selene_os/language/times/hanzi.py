"""Chinese numerals, lengths of time and repetitions, in simplified and traditional characters."""

from __future__ import annotations

import re
from typing import Final

from selene_os.language.times.durations import Amounts
from selene_os.language.times.line import Line
from selene_os.language.times.spans import Term

DIGITS: Final[dict[str, int]] = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "两": 2,
    "兩": 2,
    "元": 1,
    "正": 1,
}
NUMERAL: Final = "(?:[0-9]{1,4}(?:\\.[0-9]{1,3})?|[零〇一二两兩三四五六七八九十百廿卅]{1,6})"
_UNITS: Final[dict[str, str]] = {
    unit: name
    for name, units in {
        "second": "秒钟 秒鐘 秒",
        "minute": "分钟 分鐘 分",
        "hour": "小时 小時 钟头 鐘頭 时 時",
        "day": "天 日 晚",
        "week": "星期 礼拜 禮拜 周 週",
        "month": "月",
        "quarter": "季度 季",
        "year": "年",
        "decade": "年代",
        "century": "世纪 世紀",
    }.items()
    for unit in units.split()
}
_UNIT: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_LENGTH: Final = (
    f"(?P<n>{NUMERAL}|半|几|幾|数|數) ?(?P<ge>个半|個半|个|個|多)? ?(?P<unit>{_UNIT})(?P<half>半)?"
)
_AHEAD: Final = "(?:之|以)?[后後](?!天|年|半)|(?:之|以)?内|(?:之|以)?內"
_BACK: Final = "(?:之|以)?前(?!天|年|半)"
_EVERY: Final = (
    "每(?:个|個|隔)?(?:(?:周|週|星期|礼拜|禮拜)[一二三四五六日天]|[天日晚年月周週]|星期|礼拜|禮拜|小时|小時|"
    "早上|晚上|天早上|天晚上)"
)
_PARTS_MAX: Final = 5


def match(pattern: str, text: str, at: int) -> re.Match[str] | None:
    """`pattern` at code point `at`; compiled when first needed, so that importing stays quick."""
    return re.compile(pattern).match(text, at)


def value_of(numeral: str) -> float:
    """The value of a Chinese or Arabic numeral; a row of digits is read as figures."""
    if numeral[:1].isdigit() and numeral.isascii():
        return float(numeral)
    if numeral in ("几", "幾", "数", "數"):
        return 3
    if not any(c in "十百廿卅" for c in numeral):
        return int("".join(str(DIGITS.get(c, 0)) for c in numeral) or "0")
    total = digit = 0
    for char in numeral:
        if char == "百":
            total, digit = total + (digit or 1) * 100, 0
        elif char == "十":
            total, digit = total + (digit or 1) * 10, 0
        elif char in "廿卅":
            total += 20 if char == "廿" else 30
        else:
            digit = DIGITS.get(char, 0)
    return total + digit


def token_after(line: Line, i: int, end: int) -> int:
    """The first token at or after `i` that ends beyond code point `end`."""
    while i < line.size and line.ends[i] <= end:
        i += 1
    return i


def hanzi_length(line: Line, i: int) -> tuple[Amounts, int, bool] | None:
    """A length of time at token `i`: amounts, the code point after it, whether approximate."""
    at = line.starts[i]
    amounts: list[tuple[float, str]] = []
    about = False
    for _ in range(_PARTS_MAX):
        found = match(_LENGTH, line.text, at)
        if found is None:
            break
        piece = _amount(found)
        if piece is None:
            break
        about = about or found["n"] in "几幾数數" or found["ge"] == "多"
        amounts.append(piece)
        at = found.end()
        while line.text[at : at + 1] == " ":
            at += 1
        if line.text[at : at + 1] in ("零", "又", "加"):
            at += 1
    if not amounts:
        return None
    return tuple(amounts), at, about


def _amount(found: re.Match[str]) -> tuple[float, str] | None:
    text, counter = found["n"], found["ge"]
    unit = _UNITS[found["unit"]]
    value = 0.5 if text == "半" else value_of(text)
    named = found["unit"]
    if named == "月" and not (counter or text == "半"):
        return None
    if named == "日" or (named == "年代") or (unit == "century" and not counter):
        return None
    if named in ("季", "季度") and not counter:
        return None
    if named == "年" and (value >= 1000 or (len(text) == 2 and text[0] in "零〇")):
        return None
    if named in ("周", "週", "星期", "礼拜", "禮拜") and found["half"] is None and counter is None:
        follows = found.string[found.end() : found.end() + 1]
        if follows in ("一", "二", "三", "四", "五", "六", "日", "天") and follows:
            return None
    if counter in ("个半", "個半") or found["half"]:
        value += 0.5
    return value, unit


def hanzi_shift(line: Line, i: int) -> tuple[Term | Amounts, int, bool] | None:
    """A length of time and where it leads: what, token after, about."""
    found = hanzi_length(line, i)
    if found is None:
        return None
    amounts, at, about = found
    text = line.text
    ahead, back = match(_AHEAD, text, at), match(_BACK, text, at)
    single = amounts[0][1] if len(amounts) == 1 else ""
    if ahead and "内" not in ahead[0] and "內" not in ahead[0]:
        return Term("shift", (None, amounts, 1)), token_after(line, i, ahead.end()), about
    if ahead:
        return Term("within", (amounts, None)), token_after(line, i, ahead.end()), about
    if back:
        return Term("shift", (None, amounts, -1)), token_after(line, i, back.end()), about
    before = text[at - 1]
    # "8时" and "5分" alone are a clock and a score, not a length.
    if single and before in "时時分" and text[at - 2 : at] not in ("小时", "小時"):
        return None
    return amounts, token_after(line, i, at), about


def hanzi_every(line: Line, i: int) -> int:
    """The token after a repetition at token `i` ("每周一"), or 0."""
    found = match(_EVERY, line.text, line.starts[i])
    return token_after(line, i, found.end()) if found else 0
