"""Times of day in English: "half past six", "5 p.m.", "17h30", "twenty past four pm"."""

from __future__ import annotations

from typing import Final

from selene_os.language.times.line import Line
from selene_os.language.times.numerals import Number, below_hundred, number
from selene_os.language.times.spans import Item, Term
from selene_os.language.times.words import AFTER_NUMBER, CARDINALS, COUNTED, TENS, UNITS
from selene_os.language.tokens import is_figures

NAMED: Final[dict[str, int]] = {
    "noon": 12, "midday": 12, "noontime": 12, "noonish": 12, "midnight": 0,
}  # fmt: skip
_MERIDIEM: Final = {"a": "am", "p": "pm"}
_PAST: Final = frozenset({"past", "after"})
_TO: Final = frozenset({"to", "before", "till", "til", "of"})


def clock(line: Line, i: int, bare: bool = False) -> Item | None:
    """The time of day at token `i`.

    Args:
        line: the text.
        i: the token where it starts.
        bare: whether a number alone is enough, as after "at" or "from".
    """
    found = _clock(line, i, bare)
    if found is None:
        return None
    last = found.last
    if line.words[last] == "sharp":
        return found._replace(last=last + 1)
    on_the_dot = line.words[last : last + 3] == ("on", "the", "dot")
    return found._replace(last=last + 3) if on_the_dot else found


def _clock(line: Line, i: int, bare: bool) -> Item | None:
    words = line.words
    word = words[i]
    if word == "mid" and words[line.skip_hyphen(i + 1)] in ("day", "night"):
        last = line.skip_hyphen(i + 1) + 1
        name = "midday" if words[last - 1] == "day" else "midnight"
        return _told(NAMED[name], 0, 0, "24", last, name)
    if word in ("the", "12", "twelve") and words[i + 1] in NAMED:
        return _told(NAMED[words[i + 1]], 0, 0, "24", i + 2, words[i + 1])
    if word in NAMED:
        return _told(NAMED[word], 0, 0, "24", i + 1, word)
    if word in ("half", "quarter", "a") or (word == "three" and words[i + 1][:7] == "quarter"):
        return _fraction(line, i, bare)
    if len(word) == 3 and word[0] == "t" and is_figures(word[1:]) and words[i + 1] == ":":
        return _digital(line, int(word[1:]), i + 1, "24")
    if line.kinds[i] == "number":
        return _relative(line, i) or _figures(line, i, bare)
    if word in CARDINALS or word in TENS:
        return _relative(line, i) or _spoken(line, i, bare)
    return None


def _told(h: int, m: int, s: int | None, mer: str | None, last: int, name: str = "") -> Item | None:
    """A clock item, or None where no clock shows it; s is None where seconds are not said."""
    if name == "midnight":
        return Item("clock", Term("clock", (0, 0, None, "midnight")), last)
    if m > 59 or (s or 0) > 60 or h > 24:
        return Item("clock", Term("never"), last) if mer else None
    if mer in ("am", "pm"):
        if h > 12 or (h == 0 and mer == "am"):
            mer = "24"
        else:
            h, mer = h % 12 + (12 if mer == "pm" else 0), "24"
    if h == 24 and m:
        return Item("clock", Term("never"), last)
    return Item("clock", Term("clock", (h, m, s if s else None, mer)), last)


def meridiem(line: Line, i: int) -> tuple[str | None, int]:
    """am or pm at token `i`, in any of its spellings, and the token after it."""
    words = line.words
    word = words[i]
    if word in ("am", "pm", "ampm"):
        last = i + 1
        return (None if word == "ampm" else word), last
    if word in _MERIDIEM:
        mer = _MERIDIEM[word]
        k = i + 1
        if words[k] == "." and words[k + 1] == "m" and line.joined(k) and line.joined(k + 1):
            return mer, k + 3 if words[k + 2] == "." and line.joined(k + 2) else k + 2
        if words[k] == "m":
            return mer, k + 2 if words[k + 1] == "." and line.joined(k + 1) else k + 1
        if line.joined(i) and line.kinds[i - 1] == "number":
            return mer, k + 1 if words[k] == "." and line.joined(k) else k
    if word == "in" and words[i + 1] == "the" and words[i + 2] in ("am", "pm"):
        return words[i + 2], i + 3
    return None, i


def _tail(line: Line, h: int, m: int, s: int | None, k: int, mer: str | None = None) -> Item | None:
    """What may follow the figures of a clock: o'clock, am, pm, hours, ish, sharp."""
    words = line.words
    if words[k] in ("o'clock", "oclock") or (words[k] in ("hrs", "hours", "hour") and m):
        k += 1
    elif words[k] == "o" and words[k + 1] == "clock":
        k += 2
    elif words[k] == "ish" or (words[k] == "-" and words[k + 1] == "ish"):
        k += 1 if words[k] == "ish" else 2
    found, after = meridiem(line, k)
    if after > k:
        return _told(h, m, s, found or mer, after)
    return _told(h, m, s, mer, k)


def _digital(line: Line, h: int, colon: int, mer: str | None = None) -> Item | None:
    """HH:MM[:SS[.fff]] with the colon at token `colon`."""
    words, kinds = line.words, line.kinds
    if kinds[colon + 1] != "number" or len(words[colon + 1]) != 2:
        return None
    m, s, k = int(words[colon + 1]), None, colon + 2
    if words[k] == ":" and kinds[k + 1] == "number" and len(words[k + 1]) == 2:
        s, k = int(words[k + 1]), k + 2
        if words[k] == "." and kinds[k + 1] == "number" and line.joined(k + 1):
            k += 2
    if words[k] == "z" and line.joined(k):
        k += 1
    if h > 24 or m > 59:
        return Item("clock", Term("never"), k)
    return _tail(line, h, m, s, k, mer)


def _figures(line: Line, i: int, bare: bool) -> Item | None:
    words, kinds = line.words, line.kinds
    word = words[i]
    if len(word) > 4 or (i and words[i - 1] == "." and line.joined(i) and kinds[i - 2] == "number"):
        return None
    value, k = int(word), i + 1
    following = words[k]
    if following == ":" and len(word) <= 2 and line.joined(k):
        return _digital(line, value, k, "24" if word[0] == "0" else None)
    if following == "." and len(word) <= 2 and kinds[k + 1] == "number" and line.joined(k + 1):
        return _dotted(line, value, k, bare)
    if following[:1] == "h" and len(word) <= 2 and line.joined(k):
        if following == "h" and kinds[k + 1] != "number":
            return _told(value, 0, None, "24", k + 1) if value >= 13 or bare else None
        if is_figures(following[1:]) and len(following) == 3:
            return _told(value, int(following[1:]), None, "24", k + 1)
    if len(word) >= 3:
        return _run_together(line, i, bare)
    if value <= 24 and kinds[k] == "number" and len(words[k]) == 2 and words[k] < "60":
        tail = _tail(line, value, int(words[k]), None, k + 1)
        if tail and (tail.last > k + 1 or (bare and not line.joined(k))):
            return tail if value <= 12 or tail.last == k + 1 else None
    return _whole_hour(line, value, k, bare, word[0] == "0")


def _whole_hour(line: Line, h: int, k: int, bare: bool, padded: bool = False) -> Item | None:
    words = line.words
    if h > 24:
        return None
    if words[k] == "hundred" and (words[k + 1] in ("hours", "hrs", "h") or padded):
        return _told(h, 0, None, "24", k + 2 if words[k + 1] in ("hours", "hrs", "h") else k + 1)
    tail = _tail(line, h, 0, None, k)
    if tail and tail.last > k and (bare or words[k] not in ("a", "p") or tail.last > k + 1):
        return tail
    if not bare or words[k] in COUNTED or words[k] in UNITS or words[k] in ("%", "$", "/"):
        return None
    return tail


def follows_bare(line: Line, k: int) -> bool:
    """Whether token `k` may follow a bare number that is a time of day."""
    word = line.words[k]
    kind = line.kinds[k]
    return kind in ("", "cjk") or word in AFTER_NUMBER or (kind == "mark" and word not in "%$/-'")


def _dotted(line: Line, h: int, dot: int, bare: bool) -> Item | None:
    """ "2.30pm", "at 6.45"."""
    words = line.words
    minutes = words[dot + 1]
    if len(minutes) != 2 or h > 24 or minutes > "59":
        return None
    if words[dot + 2] == "." and line.kinds[dot + 3] == "number" and line.joined(dot + 3):
        return None
    tail = _tail(line, h, int(minutes), None, dot + 2)
    return tail if tail and (tail.last > dot + 2 or bare) else None


def _run_together(line: Line, i: int, bare: bool) -> Item | None:
    """ "1140 a.m.", "1700 hours", "at 730"."""
    word, words = line.words[i], line.words
    h, m = int(word[:-2]), int(word[-2:])
    if h > 24 or m > 59:
        return None
    if words[i + 1] in ("hours", "hrs") and len(word) == 4:
        return _told(h, m, None, "24", i + 2)
    military = "24" if word[0] == "0" and len(word) == 4 else None
    tail = _tail(line, h, m, None, i + 1, military)
    if tail and tail.last > i + 1:
        return tail
    return tail if bare and words[i + 1] not in COUNTED and words[i + 1] not in UNITS else None


def _spoken(line: Line, i: int, bare: bool) -> Item | None:
    words = line.words
    hour = below_hundred(line, i)
    if hour is None or hour.ordinal or hour.value > 24:
        return None
    h, k = int(hour.value), hour.last
    zero = words[k + 1] if words[k] == "-" else words[k]
    if zero in ("o", "oh", "zero") and words[k] != "o'clock":
        at = k + 2 if words[k] == "-" else k + 1
        digit = below_hundred(line, line.skip_hyphen(at))
        if digit and 0 < digit.value < 10 and words[at] != "clock":
            return _tail(line, h, int(digit.value), None, digit.last)
    hyphen = line.skip_hyphen(k)
    minute = below_hundred(line, hyphen)
    if minute and not minute.ordinal and 10 <= minute.value < 60 and h <= 24:
        after = minute.last
        said_minutes = words[after] in ("minutes", "minute", "mins") and bare
        tail = _tail(line, h, int(minute.value), None, after + 1 if said_minutes else after)
        round_time = minute.value in (15, 30, 45)
        if tail and (tail.last > after or bare or (hyphen > k and round_time)):
            return tail
        if tail and round_time and words[after] not in UNITS and follows_bare(line, after):
            return tail
    if words[k] == "hundred" and words[k + 1] in ("hours", "hrs"):
        return _told(h, 0, None, "24", k + 2)
    if h == 1 and words[k] in ("of", "another"):
        return None
    return _whole_hour(line, h, k, bare)


def _fraction(line: Line, i: int, bare: bool) -> Item | None:
    """ "half past six", "a quarter to eight", "three quarters past ten", "at half three"."""
    words = line.words
    k = i + 1 if words[i] in ("a", "three") else i
    if words[i] == "three" and words[k] in ("quarter", "quarters"):
        return _beside(line, 45, k + 1)
    if words[k] not in ("half", "quarter"):
        return None
    minutes = 30 if words[k] == "half" else 15
    if words[k] == "half" and bare and words[k + 1] not in _PAST:
        hour = below_hundred(line, k + 1)
        if hour and not hour.ordinal and 1 <= hour.value <= 12 and follows_bare(line, hour.last):
            return _tail(line, int(hour.value), 30, None, hour.last)
    return _beside(line, minutes, k + 1)


def _relative(line: Line, i: int) -> Item | None:
    """ "twenty past four", "15 minutes to 3pm", "thirty-six minutes past eight"."""
    words = line.words
    minutes: Number | None
    if line.kinds[i] == "number":
        if len(words[i]) > 2:
            return None
        minutes = number(line, i)
    else:
        minutes = below_hundred(line, i)
    if minutes is None or minutes.ordinal or not 0 < minutes.value < 60:
        return None
    k = minutes.last
    said = words[k] in ("minutes", "minute", "mins", "min")
    k += said
    # "5 to 8" is a range, and "twenty of march" a date: only round minutes need no "minutes".
    if not said and (words[k] not in ("past", "to", "till", "til", "after") or minutes.value % 5):
        return None
    if said and words[k] == "from":
        return _beside(line, int(minutes.value), k, plus=True)
    small = minutes.digits or minutes.value < 10
    if (
        not said
        and small
        and (words[k] in ("till", "til", "after") or (words[k] == "to" and minutes.value < 20))
    ):
        return None
    return _beside(line, int(minutes.value), k)


def _hour(line: Line, i: int) -> Item | None:
    """The hour that minutes stand beside: a name, figures or a word, nothing relative again."""
    word = line.words[i]
    if word in NAMED:
        return _told(NAMED[word], 0, 0, "24", i + 1, word)
    return _figures(line, i, True) if line.kinds[i] == "number" else _spoken(line, i, True)


def _beside(line: Line, minutes: int, k: int, plus: bool = False) -> Item | None:
    direction = line.words[k]
    if direction in _PAST or plus:
        sign = 1
    elif direction in _TO:
        sign = -1
    else:
        return None
    hour = _hour(line, k + 1)
    if hour is None or hour.term.op != "clock":
        return None
    h, m, _, mer = hour.term.args
    if m:
        return None
    if mer is None and sign < 0 and h == 12:
        return Item("clock", Term("clock", (11, 60 - minutes, None, None)), hour.last)
    if mer == "midnight":
        mer = "24"
    if mer is None and h == 0:
        mer = "24"
    if sign < 0:
        h = (h - 1) % 24 if mer else (h - 1 or 12)
        minutes = 60 - minutes
    return Item("clock", Term("clock", (h, minutes, None, mer)), hour.last)
