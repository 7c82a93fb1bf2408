"""Times of day in Chinese: "下午三点一刻", "差五分八点", "14时30分", "五到六点"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.chinese_feasts import Found
from selene_os.language.times.hanzi import match, rough, value_of
from selene_os.language.times.spans import Term

_COUNT: Final = "(?:[0-9]{1,2}|[一二两三四五六七八九十廿]{1,3})"
_CLOCK: Final = (
    f"(?:大约|大概|约)?(?P<to>差 ?(?P<less>{_COUNT}|一刻) ?分?钟?到?)?"
    f"(?P<h>{_COUNT}|零|〇) ?(?P<mark>点|时)(?P<whole>钟|整|正)?"
    f"(?:差 ?(?P<after>{_COUNT}|一刻) ?分?钟?|过?(?:(?P<half>半)|(?P<quarter>[一三1-3])刻钟?|"
    f"(?P<m>[零〇]?{_COUNT})(?![个天月年周]|小时)(?P<fen> ?分(?!钟后|钟前))?)?"
    f"(?:(?P<s>{_COUNT}) ?秒)?)(?P<sharp>整|正)?"
)
_CLOCKS: Final = f"(?P<h>{_COUNT})(?:到|至|-|~)(?P<until>{_COUNT})点钟?(?!半|[0-9一二三四五])"
_AFTER_WHICH_ONE: Final = frozenset("午上晨晚夜天日在到至于早")


def clock_at(text: str, at: int) -> Found:
    """The time of day, or the range of hours, at code point `at`."""
    both = match(_CLOCKS, text, at)
    if both:
        pair = tuple(Term("clock", (int(value_of(both[g])), 0, None, None)) for g in ("h", "until"))
        valid = all(t.args[0] <= 24 for t in pair)
        return ("clocks", Term("clocks", pair), both.end()) if valid else None
    found = match(_CLOCK, text, at)
    if found is None:
        return None
    if rough(found["h"]):
        return None
    h = int(value_of(found["h"]))
    # "一点" is also "a little": alone it is no time of day.
    bare = found.end() == found.end("mark") and not found["to"]
    if bare and found["h"] == "一" and text[at - 1 : at] not in _AFTER_WHICH_ONE:
        return None
    m = 30 if found["half"] else 0
    if found["quarter"]:
        m = 15 * int(value_of(found["quarter"]))
    elif found["m"]:
        m = int(value_of(found["m"].lstrip("零〇")))
    s = int(value_of(found["s"])) if found["s"] else None
    less = found["less"] or found["after"]
    if less:
        h, m = (h - 1) % 24 or 12, 60 - (15 if less == "一刻" else int(value_of(less)))
    if h > 24 or not 0 <= m < 60 or (s or 0) > 60:
        return "clock", Term("never"), found.end()
    mer = "24" if h > 12 or h == 0 else None
    return "clock", Term("clock", (h, m, s, mer)), found.end()
