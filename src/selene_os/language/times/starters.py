"""Where an expression may begin: set look-ups that spare the grammar almost every token."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.chinese import TRIGGERS as CHINESE
from selene_os.language.times.clocks import NAMED
from selene_os.language.times.holidays import BY_FIRST_WORD
from selene_os.language.times.line import DASHES, Line
from selene_os.language.times.phrases import ABOUT, AFTER, BEFORE
from selene_os.language.times.repeats import REPEATERS, VAGUE
from selene_os.language.times.units import DECADES, UNFIXED
from selene_os.language.times.words import (
    CARDINALS,
    DAYS,
    MODIFIERS,
    MONTHS,
    ORDINALS,
    PARTS,
    SEASONS,
    SHORT_UNITS,
    SUFFIXES,
    TENS,
    TONIGHT,
    UNITS,
    WEEKDAYS,
    WEEKDAYS_PLURAL,
)
from selene_os.language.tokens import is_figures

PREPOSITIONS: Final = (
    frozenset("at on in for during within @ between the a an over through throughout".split())
    | BEFORE
    | AFTER
    | ABOUT
)
_OTHERS: Final = (
    frozenset(
        "half quarter all full whole entire day couple few several end beginning start middle mid "
        "early late earlier later weekend eoy eom eow eod than anytime some any rest remainder ytd "
        "mtd qtd wtd penultimate closest nearest workweek prior no not up as starting ½ ¼ ¾".split()
    )
    | frozenset(DECADES)
    | UNFIXED
)
# Words that can begin an expression.
STARTERS: Final = (
    frozenset(MONTHS) | frozenset(WEEKDAYS) | frozenset(WEEKDAYS_PLURAL) | frozenset(DAYS)
    | frozenset(MODIFIERS) | frozenset(CARDINALS) | frozenset(TENS) | frozenset(ORDINALS)
    | frozenset(NAMED) | frozenset(PARTS) | frozenset(SEASONS) | frozenset(BY_FIRST_WORD)
    | frozenset({"week", "year", "month", "weekend"}) | TONIGHT | REPEATERS | VAGUE
    | PREPOSITIONS | _OTHERS | CHINESE
    | frozenset({"q1", "q2", "q3", "q4", "h1", "h2"})
)  # fmt: skip
# Words without one of which (or a digit) there is no time expression at all.
ANCHORS: Final = (STARTERS | frozenset(UNITS)) - frozenset(
    "at on in for during within between the a an over through throughout than by until till til "
    "after before since from around about roughly circa approximately all full whole few several "
    "couple this current rest no not up as prior".split()
) | frozenset({"time", "moment", "possible", "while", "bit"})


# What may follow a number that begins an expression.
_FOLLOWERS: Final = (
    frozenset(MONTHS) | frozenset(WEEKDAYS) | frozenset(WEEKDAYS_PLURAL) | frozenset(UNITS)
    | frozenset(SEASONS) | frozenset(DECADES) | frozenset(DAYS) | frozenset(SHORT_UNITS)
    | frozenset(CARDINALS) | frozenset(TENS) | frozenset(ORDINALS)
    | frozenset(NAMED) | frozenset(MODIFIERS) | frozenset(SUFFIXES) | frozenset(PARTS) | TONIGHT
    | DASHES | frozenset(": / . , 的 ½ ¼ ¾".split())
    | frozenset(
        "dozen score working work calendar straight consecutive extra til "
        "am pm a p ampm o oh o'clock oclock ish hundred thousand past to after before till until "
        "of and in at more full whole business additional through thru untill from h q1 q2 q3 q4 "
        "h1 h2 during".split()
    )
)  # fmt: skip
_NUMBERS: Final = frozenset(CARDINALS) | frozenset(TENS)
_CHAINED: Final = DASHES | frozenset("/.")
# After these a number alone is a time of day or a range's beginning.
_CLOCKY: Final = frozenset({"at", "@", "between", "the", "on"}) | BEFORE | AFTER | ABOUT
_HANZI_NUMERALS: Final = frozenset("一二两三四五六七八九十百千廿卅零〇半几数0123456789")
_HANZI_UNITS: Final = frozenset("天日号月年点时分秒周星礼季世刻钟小晚个夜午到至")
_HANZI_PREPOSITIONS: Final = frozenset("从在于自到待等截直")
_HANZI_VAGUE: Final = frozenset("会才近久刚")
_MONEY: Final = frozenset("$€£¥₹")


def may_begin(line: Line, i: int) -> bool:
    """Whether the grammar is worth trying at token `i`."""
    word = line.words[i]
    if line.kinds[i] == "number":
        return _number_may(line, i, word)
    if word not in STARTERS:
        return _glued(word)
    if word in _NUMBERS:
        return _number_may(line, i, word)
    if line.kinds[i] == "cjk":
        return _hanzi_may(line, i, word)
    return word not in PREPOSITIONS or _goes_on(line, i + 1, word in _CLOCKY)


def _hanzi_may(line: Line, i: int, word: str) -> bool:
    """A numeral needs a unit near by, a preposition something that may begin."""
    at = line.starts[i]
    if word in _HANZI_NUMERALS:
        # A number is read from its beginning: "二十九号" is not the 19th.
        if at and line.text[at - 1] in _HANZI_NUMERALS and word != "半":
            return False
        after = line.text[at + 1 : at + 9]
        return not _HANZI_UNITS.isdisjoint(after) or after[:1] in _HANZI_VAGUE or word in "五六七"
    if word in _HANZI_PREPOSITIONS:
        after = line.words[i + 1]
        return after in CHINESE or line.kinds[i + 1] == "number" or after in "会止至"
    return True


def _goes_on(line: Line, k: int, clocky: bool) -> bool:
    """Whether token `k`, after a preposition or an article, may go on with a time."""
    word = line.words[k]
    if not clocky and (word in _NUMBERS or line.kinds[k] == "number"):
        return len(word) == 4 or _number_may(line, k, word)
    if word in STARTERS or word in UNITS or line.kinds[k] in ("number", "cjk") or _glued(word):
        return True
    return word == "'" and line.kinds[k + 1] == "number" and line.joined(k + 1)


def _number_may(line: Line, i: int, word: str) -> bool:
    """A number begins an expression only before certain words, and not amid a chain of numbers."""
    words, kinds = line.words, line.kinds
    after = words[i + 1]
    before = words[i - 1] if i else ""
    if before in _MONEY:
        return False
    if len(word) == 4 and before in ("of", "=", "and") and word[:2] in ("19", "20"):
        return True
    if kinds[i + 1] == "cjk" or line.size == 1:
        # "5小时" behind "1." is no number of its own.
        return not (before == "." and i > 1 and kinds[i - 2] == "number" and line.joined(i))
    if i > 1 and kinds[i - 2] == "number" and words[i - 1] in _CHAINED:
        return False
    numeric = kinds[i + 1] == "number" or after in _NUMBERS
    if numeric and i and (kinds[i - 1] == "number" or words[i - 1] in _NUMBERS):
        return False
    if after in ("at", "in"):
        return words[i + 2] in ("night", "the")
    if numeric or after in _FOLLOWERS or len(word) == 8 or (after == "the" and len(word) == 4):
        return True
    # "9h30", "1hr20min": letters and figures that touch the number.
    return len(after) > 2 and line.joined(i + 1) and any(map(is_figures, after))


def _glued(word: str) -> bool:
    """Whether `word` is letters and figures that may be a date or a clock: "mar4", "t08"."""
    dated = word[:3] in MONTHS or word[:2] == "fy" or word[:1] == "t"
    return len(word) < 7 and dated and (is_figures(word[-1:]) or word == "fy")
