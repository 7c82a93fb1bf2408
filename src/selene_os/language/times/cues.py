"""Parts of the day, and how they settle a time of day: "in the morning", "this evening"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.holidays import holiday_at
from selene_os.language.times.line import Line
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.words import DAYS, PARTS, SHY_PARTS, TONIGHT

_MAIN: Final = frozenset({"morning", "afternoon", "evening", "night"})
_AM: Final = frozenset(
    {"morning", "early_morning", "late_morning", "dawn", "breakfast", "small_hours"}
)


def part_at(line: Line, i: int) -> Item | None:
    """The part of the day at token `i`, with its article and the day it may name."""
    words = line.words
    word = words[i]
    if i and words[i - 1] == "good":
        return None
    if word == "night" and holiday_at(line, i):
        return None
    if word in TONIGHT:
        return Item("tonight", Term("part", ("tonight",)), i + 1)
    k = i
    if word in ("in", "during", "at", "of", "on", "over"):
        k += 1
    if words[k] == "the":
        k += 1
    elif words[k] in ("this", "last", "next", "following"):
        part = _name(words[k + 1])
        if part and (words[k] != "last" or part in ("night", "evening")):
            day = Term("day", ({"this": 0, "last": -1}.get(words[k], 1),))
            return Item("moment", Term("at", (day, Term("part", (part,)))), k + 2)
        return None
    early = words[k] in ("early", "late")
    if early and words[k + 1] in ("this", "last", "next"):
        inner = part_at(line, k + 1)
        if inner and inner.cat == "moment" and inner.term.args[0].args != (1,):
            return inner
    if early and words[k + 1] == "hours" and words[k + 2] == "of":
        return Item("part", Term("part", ("small_hours",)), k + 5)
    if words[k] == "wee" and words[k + 1] == "hours":
        return Item("part", Term("part", ("small_hours",)), k + 2)
    if early:
        k = line.skip_hyphen(k + 1)
    name = words[k]
    if name in _MEALTIMES or (name in _MEALS and words[k + 1] == "time"):
        return Item("part", Term("part", (PARTS.get(name, "dinner"),)), k + 1 + (name in _MEALS))
    part = (
        _name(name) if k == i or words[i] not in ("at", "on", "over") or name == "night" else None
    )
    shy = name in SHY_PARTS
    if part is None and shy and (word == "at" or (i and words[i - 1] in DAYS)):
        part = PARTS[name]
    if part is None or (k == i and name == "nights"):
        return None
    if early:
        when = words[k - 1] if words[k - 1] in ("early", "late") else words[k - 2]
        part = f"{when}_{part}" if f"{when}_{part}" in _COMPOUND else part
    return Item("part", Term("part", (part,)), k + 1)


_MEALS: Final = frozenset({"lunch", "dinner", "breakfast", "supper"})
_MEALTIMES: Final = frozenset({"lunchtime", "dinnertime", "suppertime"})
_COMPOUND: Final = frozenset(
    {"early_morning", "late_morning", "late_afternoon", "late_evening", "late_night"}
)


def _name(word: str) -> str | None:
    part = PARTS.get(word)
    return part if part in _MAIN and word not in SHY_PARTS else None


def cued(clock: Term, part: str) -> Term:
    """`clock` as the part of the day settles it; what is settled already stays."""
    if clock.op == "clocks":
        left, right = clock.args
        return Term("clocks", (cued(left, part), cued(right, part)))
    if clock.op != "clock" or clock.args[3] is not None:
        return clock
    h, m, s, _ = clock.args
    if h > 12:
        return clock
    if part == "small_hours":
        # "深夜十一点" is before midnight, "凌晨一点" after it.
        hour = h % 12 if h < 7 or h == 12 else h + 12
    elif part == "noonish":
        hour = h + 12 if h < 6 else h
    elif part in _AM:
        hour = h % 12
    elif "night" in part:
        # Small hours belong to the night that began the evening before.
        hour = 24 + h % 12 if h < 5 or h == 12 else h + 12
    elif part in (
        "afternoon",
        "evening",
        "lunch",
        "dinner",
        "dusk",
        "late_afternoon",
        "late_evening",
    ):
        # "今晚12点" and "12 in the evening" are midnight.
        hour = 24 if h == 12 and "evening" in part else h % 12 + 12
    else:
        return clock
    return Term("clock", (hour, m, s, "24"))
