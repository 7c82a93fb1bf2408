"""What a draft that waits for a yes should be instead: "make it 6 pm", "to Bob", "改成下午六点".

A new value must be plain. A time, an amount or a number says by itself what it is; a name does only
where it is written like one, or is one of the tenant's terms; other words only where they are
announced ("change it to …", "… instead"). Two readings are asked about, as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from selene_os.engines.nlp import asking
from selene_os.engines.nlp.answering import take
from selene_os.engines.nlp.contract import Field, Request, Result
from selene_os.engines.nlp.fields import UNRESOLVED_REFERENCE, Filled
from selene_os.engines.nlp.moments import AMBIGUOUS_TIME, VAGUE_TIME, has_passed, moved, refuse_past
from selene_os.engines.nlp.reading import Reader
from selene_os.language.grammar import (
    COUNT,
    DURATION,
    LIGHT_MARKS,
    MONEY,
    NAME,
    TIME,
    WORDS,
    Pieces,
    Slot,
)
from selene_os.language.matching import Match
from selene_os.language.tokens import CJK, fold

AMBIGUOUS_NUMBER: Final = "AMBIGUOUS_NUMBER"
# Words in front of a change are passed over as often as this: "no wait, make it 6".
_HEADS_MAX: Final = 6
_TYPED: Final = (TIME, MONEY, COUNT, DURATION)
_HALF_DAY: Final = 12
_DAY: Final = 24
_NAME_CHARS_MAX: Final = 3
_DAYS: Final = ("second", "minute", "hour", "day", "part")


@dataclass(frozen=True, slots=True)
class _Said:
    """The new value's place, and how it is announced.

    Attributes:
        first, last: its tokens.
        headed: anything of a change stands around it.
        announced: words that only a new value follows, or that only follow one.
    """

    first: int
    last: int
    headed: bool
    announced: bool


def changed(
    reader: Reader, request: Request, filled: Filled, first: int, last: int, *, new: bool
) -> Result | None:
    """The draft with what is wanted otherwise, or None where nothing of it is plainly spoken of.

    Args:
        filled: the draft.
        first, last: the words that were said to it.
        new: they can be read as a request of its own; then only words of change make them one
            about this draft: "change it to 6 pm".
    """
    said = _announced(reader, first, last)
    if said is None or (new and not said.headed):
        return None
    if new:
        # "Remind me at 6 pm instead": its text is its own, and no new text of this draft.
        said = replace(said, announced=False)
    number = reader.spoken.counts.get(said.first)
    if number is not None and number.last == said.last and _clock_of(filled):
        if number.value > _HALF_DAY and not said.headed:
            return None
        return _as_hour(reader, request, filled, said)
    found = _match(reader, request, filled, said)
    if found is None:
        return None
    asked, match = found
    before = dict(filled.fields)
    take(filled, asked, match, reader, request)
    if any(filled.unsettled.get(key) == UNRESOLVED_REFERENCE for key in match.slots):
        # "To him": whom, nobody here was told; the draft stays as it was.
        return _ask_whom(reader, request, filled, match)
    if match.times or asked == "when":
        _settle_day(reader, request, filled, before.get("when"), match)
        refuse_past(filled.fields, filled.unsettled, request)
    if all(before.get(key) == heard for key, heard in filled.fields.items()):
        return None
    return asking.answer(filled, request, reader.language)


def _ask_whom(reader: Reader, request: Request, filled: Filled, match: Match) -> Result:
    for key in match.slots:
        if filled.unsettled.get(key) == UNRESOLVED_REFERENCE:
            filled.fields.pop(key, None)
    return asking.answer(filled, request, reader.language)


# ---- the words around a new value


def _announced(reader: Reader, first: int, last: int) -> _Said | None:
    """The new value without the words of change around it; None where a denial stands there."""
    spoken, words = reader.spoken, reader.said.words
    headed = announced = False
    for _ in range(_HEADS_MAX):
        for name in ("change", "correction", "before", "refusal", "yes"):
            end = spoken.past(name, first, last)
            if end is None or end >= last:
                continue
            if name == "before" and words[first] in reader.language.words["adding"]:
                # "Also to Bob" wants one more, and not another one.
                return None
            if not _stands_alone(reader, name, first, end, last):
                if name != "yes":
                    # "Don't make it 6 pm" wants nothing changed.
                    return None
                continue
            if name != "before":
                headed = True
                announced |= words[end - 1] in reader.language.words["announcing"]
            first = spoken.light(end, last)
            break
        else:
            break
    if spoken.past("negation", first, last) is not None:
        return None
    end = spoken.without_thanks(first, last)
    for start in range(first + 1, end):
        if spoken.is_phrase("change_after", start, end):
            end, headed, announced = spoken.heavy_end(first, start), True, True
            break
    return _Said(first, end, headed, announced) if first < end and words else None


def _stands_alone(reader: Reader, name: str, first: int, end: int, last: int) -> bool:
    """Whether a yes or a no ends where it ends: "no, 6 pm", "yes but …"; not "don't make …"."""
    words = reader.said.words
    if words[end] in LIGHT_MARKS or name in ("change", "before"):
        return True
    if name == "yes":
        return reader.spoken.past("change", end, last) is not None
    return words[first] not in reader.language.words["denying"] or (
        name == "correction" and end - first > 1
    )


# ---- the value itself


def _match(
    reader: Reader, request: Request, filled: Filled, said: _Said
) -> tuple[str, Match] | None:
    """Which field the words fill, and how; None where that is none, or more than one."""
    intent = filled.intent
    pieces = reader.language.pieces.get(intent.intent_type, ())
    matcher, timed = reader.spoken.matcher, "when" in intent.fields
    found: dict[str, Match] = {}
    for key, pattern in _ways(reader, filled):
        match = matcher.match(pattern, said.first, said.last, pieces, timed=timed)
        if match is None or key in found or match.unexplained:
            continue
        if not match.slots and all(reader.spoken.times[i].kind == "vague" for i in match.times):
            # "Ok, maybe later" wants nothing changed.
            continue
        keys = [one for one in match.slots if one in intent.fields]
        if keys != list(match.slots):
            # Something was said of what this draft has no field for.
            continue
        if key in ("", *keys) and all(_is_plain(reader, request, said, one, match) for one in keys):
            if key == "":
                return (keys[0] if keys else "when"), match
            found[key] = match
    typed = {key: match for key, match in found.items() if _kind(reader, key) in _TYPED}
    named = {key: match for key, match in found.items() if _kind(reader, key) == NAME}
    for some in (typed, named, found):
        if len(some) == 1:
            return next(iter(some.items()))
        if some:
            return None
    return None


def _ways(reader: Reader, filled: Filled) -> Iterator[tuple[str, Any]]:
    """Every way to say a new value: as a part of the request, or as an answer about one field."""
    yield "", (Pieces(),)
    for key in filled.intent.fields:
        if key in filled.fields or _kind(reader, key) in _TYPED:
            for pattern in reader.language.answers.get(key, ()):
                yield key, pattern
            yield key, (Slot(key),)


def _is_plain(reader: Reader, request: Request, said: _Said, key: str, match: Match) -> bool:
    """Whether the words in a slot are plainly a value of that field, and no turn of speech."""
    kind = _kind(reader, key)
    if kind in _TYPED:
        return True
    first, last = match.slots[key]
    led = first > reader.spoken.light(said.first, said.last)
    if kind != NAME and key != "place":
        return not match.times and _is_phrase_of(reader, said, key, match)
    text = reader.said.said(first, last)
    return bool(
        request.terms.named(text, reader.pack.terms.get(key, frozenset()))
        or _is_name(reader, first, last, led=led or said.announced)
        or _tail(reader, last)
        or (led and _points(reader, first, last))
    )


def _is_phrase_of(reader: Reader, said: _Said, key: str, match: Match) -> bool:
    """Whether words are announced as a new text, or name a thing as a reference does."""
    first, last = match.slots[key]
    if any(reader.spoken.is_phrase(name, first, last) for name in ("yes", "refusal", "both")):
        # "No, I mean yes."
        return False
    # "The haircut reminder", "rem_42": a pattern of references knows a word of it.
    named = any(first <= index < last for index in match.literals)
    return said.announced or (said.headed and named and reader.clauses.is_reference(key))


def _tail(reader: Reader, last: int) -> bool:
    """Whether "instead" follows the words: then they are a value, however they are written."""
    return any(
        reader.spoken.is_phrase("change_after", last, end)
        for end in (len(reader.said), reader.spoken.without_thanks(last, len(reader.said)))
    )


def _points(reader: Reader, first: int, last: int) -> bool:
    """Whether the words only point at somebody: that is asked about, and fills nothing."""
    lists = reader.language.words
    said = " ".join(reader.said.words[first:last])
    return any(said in lists[name] for name in ("pronouns", "references", "indefinites"))


def _is_name(reader: Reader, first: int, last: int, *, led: bool) -> bool:
    """Whether words are written like a name, or led up to like one: "to my landlord", "给小李"."""
    said = reader.said
    words = said.said(first, last).split()
    if said.kinds[first] == CJK:
        return led and len("".join(words)) <= _NAME_CHARS_MAX
    if led and said.words[first] in reader.language.words["roles"] - {"the"}:
        return last - first <= _NAME_CHARS_MAX
    # Every sentence begins with a capital, and so does "I".
    written = all(fold(word)[:1] != word[:1] for word in words) and said.words[first] != "i"
    return written and (led or first > 0) and not words[0].startswith("I'")


def _kind(reader: Reader, key: str) -> str:
    return reader.pack.kinds.get(key, WORDS)


# ---- times


def _clock_of(filled: Filled) -> str | None:
    """The time of day of a draft, as 2026-11-22T17:00; None where it has none."""
    when = filled.fields.get("when")
    return when.value if when is not None and "T" in str(when.value) else None


def _as_hour(reader: Reader, request: Request, filled: Filled, said: _Said) -> Result | None:
    """A bare number where a time of day stands: "make it 6" has two readings on that day."""
    hour = int(reader.spoken.counts[said.first].value)
    numbers = [key for key in filled.intent.fields if _kind(reader, key) in (COUNT, MONEY)]
    if numbers:
        # Six people, six dollars or six o'clock: what is a number by nature is asked about.
        filled.fields.pop(numbers[0], None)
        filled.unsettled[numbers[0]] = AMBIGUOUS_NUMBER
        return asking.ask(filled, numbers[0], request, reader.language)
    if hour > _DAY:
        return None
    day, text = str(_clock_of(filled))[:10], reader.said.said(said.first, said.last)
    start, end = reader.said.starts[said.first], reader.said.ends[said.last - 1]
    moments = [_at(day, one) for one in (hour, hour + _HALF_DAY) if one <= _DAY]
    heard = Field("when", text, start, end, grain="hour")
    _put_readings(filled, heard, [(moment, "hour") for moment in moments], request)
    refuse_past(filled.fields, filled.unsettled, request)
    return asking.answer(filled, request, reader.language)


def _at(day: str, hour: int) -> str:
    """An hour of a day; the 24th is the first of the next one."""
    moment = datetime.fromisoformat(day) + timedelta(hours=hour)
    return moment.isoformat(timespec="minutes")


def _settle_day(
    reader: Reader, request: Request, filled: Filled, before: Field | None, match: Match
) -> None:
    """A new time of day stays on the day that was said; a new day alone leaves the hour open."""
    after = filled.fields.get("when")
    if before is None or after is None or not isinstance(before.value, str):
        return
    starts = [str(one["start"]) for one in after.readings if isinstance(one, dict)]
    starts = starts or ([str(after.value)] if after.value else [])
    said = [reader.spoken.times[index] for index in match.times]
    if "when" in match.slots and match.slots["when"][0] in reader.spoken.times:
        said.append(reader.spoken.times[match.slots["when"][0]])
    grain = str(after.grain)
    if any(span.form and span.form.clock and span.form.clock.op == "shift" for span in said):
        if "T" in before.value and request.now and starts and _is_later(reader, after):
            now = request.now.replace(tzinfo=None, second=0, microsecond=0)
            after_it = datetime.fromisoformat(before.value) + (
                datetime.fromisoformat(starts[0]) - now
            )
            later = after_it.isoformat(timespec="minutes")
            _put_readings(filled, after, [(later, grain), (starts[0], grain)], request)
        return
    if any(span.form is None or span.form.date is not None for span in said):
        if after.grain == "day" and isinstance(after.value, str) and "T" in before.value:
            # The same hour on the new day, or the day as such? Both are what people mean.
            hour = f"{after.value}{before.value[10:]}"
            _put_readings(filled, after, [(hour, str(before.grain)), (after.value, "day")], request)
        elif after.grain not in _DAYS and "T" in before.value and after.value is not None:
            # "Next week": on which day, nobody has said.
            filled.fields["when"] = replace(after, value=None, readings=())
            filled.unsettled["when"] = VAGUE_TIME
        return
    if not starts:
        return
    days = datetime.fromisoformat(before.value[:10]) - datetime.fromisoformat(starts[0][:10])
    if len(after.readings) <= 1:
        there = moved(after, days)
        filled.fields["when"] = there
        if str(there.value).endswith("T00:00") and "T" in before.value:
            # Midnight: the one that the day begins with, or the one that ends it.
            both = [(_at(before.value[:10], hour), grain) for hour in (0, _DAY)]
            _put_readings(filled, there, both, request)
        return
    moments = [(f"{before.value[:10]}{start[10:]}", grain) for start in starts]
    _put_readings(filled, after, moments, request)


def _is_later(reader: Reader, heard: Field) -> bool:
    """Whether a time is counted from another one: "an hour later", not "in an hour"."""
    last = reader.said.words[-1] if heard.end >= len(reader.said.text.rstrip(" .!")) else ""
    text = fold(heard.text)
    return text.endswith(("later", "earlier", "后", "以后")) or last in ("later", "earlier")


def _put_readings(
    filled: Filled, heard: Field, moments: list[tuple[str, str]], request: Request
) -> None:
    """Put a time with its readings; where only one of them is left it is the value."""
    unique = dict.fromkeys(moments)
    ahead = [one for one in unique if not has_passed(one[0], request)] or list(unique)
    if len(unique) == 1:
        ((start, grain),) = unique
        filled.fields["when"] = replace(heard, value=start, grain=grain, readings=())
        filled.unsettled.pop("when", None)
        return
    readings = tuple({"start": s, "end": None, "grain": g} for s, g in ahead)
    if len(readings) == 1:
        readings = tuple({"start": s, "end": None, "grain": g} for s, g in unique)
    filled.fields["when"] = replace(heard, value=None, readings=readings)
    filled.unsettled["when"] = AMBIGUOUS_TIME
