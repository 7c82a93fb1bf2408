"""Chinese numerals, lengths of time and repetitions."""

from __future__ import annotations

import re
from typing import Final

from selene_os.language.times.amounts import Amounts
from selene_os.language.times.line import Line
from selene_os.language.times.spans import Term
from selene_os.language.tokens import is_figures

DIGITS: Final[dict[str, int]] = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "两": 2,
    "元": 1,
    "正": 1,
}
NUMERAL: Final = "(?:[0-9]{1,4}(?:\\.[0-9]{1,3})?|[零〇一二两三四五六七八九十百千廿卅]{1,8})"
_UNITS: Final[dict[str, str]] = {
    unit: name
    for name, units in {
        "second": "秒钟 秒",
        "minute": "分钟 分",
        "hour": "小时 钟头 时",
        "day": "天 日 晚",
        "weekday": "工作日",
        "week": "星期 礼拜 周",
        "weekend": "周末",
        "month": "月",
        "quarter": "季度 季",
        "year": "年",
        "decade": "年代",
        "century": "世纪",
    }.items()
    for unit in units.split()
}
_UNIT: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_LENGTH: Final = (
    f"(?:(?P<ke>[一二两三1-3])刻钟|(?P<all>整整?|全)个?(?P<whole>{_UNIT})|"
    f"(?P<n>{NUMERAL}|半|几|数|十几|几十) ?(?P<ge>个半|个多|个|多个?)? ?(?P<unit>{_UNIT})"
    "(?P<half>半|多)?)"
)
_AHEAD: Final = "(?:之|以)?[后](?!天|年|半)|(?:之|以)?内"
_BACK: Final = "(?:之|以)?前(?!天|年|半)"
_CLOCKLIKE: Final = (
    "(?P<h>[0-9]{1,2}|[零〇一二三四五六七八九十]{1,3})时"
    "(?P<m>[0-9]{1,2}|[零〇一二三四五六七八九十]{1,3})分(?!钟)"
)
_EVERY: Final = (
    f"每(?:隔|逢)?(?:{NUMERAL}|几)?个?(?:(?:周|星期|礼拜)[一二三四五六日天末]?|工作日|季度?|"
    "[天日晚年月]|小时|分钟|早上?|晚上|天早上|天晚上)"
)
_PARTS_MAX: Final = 5


def match(pattern: str, text: str, at: int) -> re.Match[str] | None:
    """`pattern` at code point `at`; compiled when first needed, so that importing stays quick."""
    return re.compile(pattern).match(text, at)


def value_of(numeral: str) -> float:
    """The value of a Chinese or Arabic numeral; a row of digits is read as figures."""
    if is_figures(numeral[:1]) and numeral.isascii():
        return float(numeral)
    if numeral in ("几", "数"):
        return 3
    if not any(c in "十百千廿卅" for c in numeral):
        return int("".join(str(DIGITS.get(c, 0)) for c in numeral) or "0")
    total = digit = 0
    for char in numeral:
        size = {"十": 10, "百": 100, "千": 1000}.get(char)
        if size:
            total, digit = total + (digit or 1) * size, 0
        elif char in "廿卅":
            total += 20 if char == "廿" else 30
        else:
            digit = DIGITS.get(char, 0)
    return total + digit


def rough(numeral: str) -> bool:
    """Whether two digits side by side mean one or the other: "三五天", "七八点"."""
    return len(numeral) == 2 and all(c in "一二两三四五六七八九" for c in numeral)


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
    if match(_CLOCKLIKE, line.text, at):
        # "16时40分" is read off a clock; a length has 小时 or 分钟.
        return None
    for _ in range(_PARTS_MAX):
        found = match(_LENGTH, line.text, at)
        if found is None:
            break
        piece = _amount(found)
        if piece is None:
            break
        about = about or not {"几", "数"}.isdisjoint(found["n"] or "")
        about = about or "多" in (found["ge"] or "") or found["half"] == "多"
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
    if found["ke"]:
        return 15 * value_of(found["ke"]), "minute"
    if found["all"]:
        return 1, _UNITS[found["whole"]]
    text, counter = found["n"], found["ge"]
    if rough(text) or found.string[max(found.start() - 2, 0) : found.start()] == "元前":
        return None
    unit = _UNITS[found["unit"]]
    value = 0.5 if text == "半" else {"十几": 10, "几十": 30}.get(text) or value_of(text)
    named = found["unit"]
    if named == "月" and not (counter or text == "半"):
        return None
    if named in ("日", "年代") or (unit == "century" and not counter):
        return None
    if named in ("季", "季度") and not counter:
        return None
    if named == "年" and (value >= 1000 or (len(text) == 2 and text[0] in "零〇0")):
        return None
    if named == "年" and len(text) == 2 and text.isascii() and value >= 70:
        # "98年" is a year, "98年来" a length.
        after = found.string[found.end() : found.end() + 1]
        return (value, unit) if after and after in "来间内前后以之多半" else None
    if named in ("周", "星期", "礼拜") and found["half"] is None and counter is None:
        follows = found.string[found.end() : found.end() + 1]
        if follows in ("一", "二", "三", "四", "五", "六", "日", "天", "末") and follows:
            return None
    if counter == "个半" or found["half"] == "半":
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
    if ahead and "内" not in ahead[0]:
        return Term("shift", (None, amounts, 1)), token_after(line, i, ahead.end()), about
    if ahead:
        return Term("within", (amounts, None)), token_after(line, i, ahead.end()), about
    if back:
        return Term("shift", (None, amounts, -1)), token_after(line, i, back.end()), about
    before = text[at - 1]
    # "8时" and "5分" alone are a clock and a score, not a length.
    if single and before in "时分" and text[at - 2 : at] != "小时":
        return None
    return amounts, token_after(line, i, at), about


def hanzi_every(line: Line, i: int) -> int:
    """The token after a repetition at token `i` ("每周一", "每两个月"), or 0."""
    found = match(_EVERY, line.text, line.starts[i])
    return token_after(line, i, found.end()) if found else 0
