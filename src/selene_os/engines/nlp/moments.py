"""Times that were said, as a field: a value, or its readings with the reason why none is taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from selene_os.engines.nlp.contract import Field, Request
from selene_os.engines.nlp.spoken import reading_of
from selene_os.language import times
from selene_os.language.times import Reading, TimeSpan

AMBIGUOUS_TIME: Final = "AMBIGUOUS_TIME"
VAGUE_TIME: Final = "VAGUE_TIME"
IMPOSSIBLE_TIME: Final = "IMPOSSIBLE_TIME"
RECURRING_TIME: Final = "RECURRING_TIME"
PAST_TIME: Final = "PAST_TIME"
# About what is only asked, these say enough.
ASKED_LIGHTLY: Final = (VAGUE_TIME, RECURRING_TIME, PAST_TIME)
_OFFSET: Final = re.compile(r"T.*[+-]")
# Two days on which nothing has happened yet: what is ambiguous on both is so by itself.
_ANY_DAYS: Final = (datetime(2001, 1, 1), datetime(2001, 1, 2))
_NOON: Final = "12:00"
_CLOCKS: Final = ("second", "minute", "hour")


def time_field(key: str, spans: Sequence[TimeSpan], request: Request) -> tuple[Field, str | None]:
    """What one or two time expressions say together.

    Returns:
        The field with its evidence, and the flag that says why it is not settled, or None.
    """
    said = tuple(span for span in spans if span.kind != "vague") or tuple(spans)
    first = min(said, key=lambda span: span.start)
    heard = Field(key, first.text, first.start, first.end)
    readings = _readings(said, request)
    flag = _flag(said, readings, request)
    if flag is None:
        return _settled(heard, said, readings), None
    grain = readings[0].grain if readings else first.grain
    kept = tuple({"start": r.start, "end": r.end, "grain": r.grain} for r in readings)
    return replace(heard, grain=grain, readings=kept if len(kept) > 1 else ()), flag


def has_passed(moment: str, request: Request) -> bool:
    """Whether a reading's moment lies behind the moment of speaking; unknown without that."""
    if request.now is None:
        return False
    now = request.now.replace(tzinfo=None).isoformat(timespec="minutes")
    return moment < now[: len(moment)]


def narrowed(pending: Field, answer: Field, *, dated: bool) -> Field:
    """An answer about a time that was heard before: "tomorrow at 7", then "7 pm".

    Args:
        dated: the answer names a day of its own; then it stands as it is.

    Returns:
        The offered reading that it fits, or its clock on the day that was said; else the answer.
    """
    if dated:
        return answer
    offered = [r for r in pending.readings if isinstance(r, dict) and "T" in str(r.get("start"))]
    chosen = [r for r in offered if _fits(str(r["start"])[11:16], answer)]
    if len(chosen) == 1:
        return replace(answer, value=chosen[0]["start"], grain=chosen[0]["grain"], readings=())
    days = {str(one.get("start"))[:10] for one in pending.readings if isinstance(one, dict)}
    bare = any("T" not in str(r.get("start")) for r in pending.readings if isinstance(r, dict))
    if len(days) == 1 and bare and answer.grain in _CLOCKS:
        # One day was said, and its hour left open.
        return _on_day(days.pop(), answer)
    return answer


def on_its_day(before: Field | None, answer: Field) -> Field:
    """A bare time of day on the day of the time that it replaces: "make it 8 pm"."""
    if before is None or not isinstance(before.value, str):
        return answer
    if answer.grain == "part" and answer.value:
        days = datetime.fromisoformat(before.value[:10]) - datetime.fromisoformat(answer.value[:10])
        return moved(answer, days)
    return _on_day(before.value[:10], answer) if answer.grain in _CLOCKS else answer


def moved(heard: Field, by: timedelta) -> Field:
    """A time so many days later, with the end of its range."""

    def shifted(moment: str | None) -> str | None:
        if moment is None:
            return None
        there = datetime.fromisoformat(moment) + by
        return there.isoformat(timespec="minutes") if "T" in moment else there.date().isoformat()

    readings = tuple(
        {**one, "start": shifted(one["start"]), "end": shifted(one.get("end"))}
        for one in heard.readings
    )
    return replace(heard, value=shifted(heard.value), readings=readings)


def _fits(clock: str, answer: Field) -> bool:
    """Whether a time of day is what an answer says: that clock, or within its part of the day."""
    said = answer.readings or ({"start": answer.value},)
    for one in said:
        start = str(one.get("start") or "")[11:16]
        # Where a part of the day begins and ends is a convention; before noon or after is none.
        if answer.grain == "part" and start and (start < _NOON) == (clock < _NOON):
            return True
        if answer.grain in _CLOCKS and clock == start:
            return True
    return False


def _on_day(day: str, answer: Field) -> Field:
    """A time of day on a day that was said before."""
    if answer.readings:
        moved = tuple({**r, "start": f"{day}{str(r['start'])[10:]}"} for r in answer.readings)
        return replace(answer, readings=moved)
    return replace(answer, value=f"{day}{str(answer.value)[10:]}") if answer.value else answer


def _readings(said: Sequence[TimeSpan], request: Request) -> tuple[Reading, ...]:
    if len(said) > 2:
        return ()
    if len(said) == 2:
        found = times.combine(said[0], said[1], **reading_of(request)) or ()
    else:
        # Where the evening begins is a convention; the first one holds, and grain says "part".
        found = said[0].readings[:1] if said[0].grain == "part" else said[0].readings
    return tuple(_local(reading, request) for reading in found)


def _local(reading: Reading, request: Request) -> Reading:
    """A reading in a zone of its own as the user's own clock shows it."""
    if request.now is None or not _OFFSET.search(reading.start):
        return reading
    zone = request.now.tzinfo
    start, end = (
        moment and datetime.fromisoformat(moment).astimezone(zone).replace(tzinfo=None)
        for moment in (reading.start, reading.end)
    )
    assert start
    return replace(
        reading,
        start=start.isoformat(timespec="minutes"),
        end=end.isoformat(timespec="minutes") if end else None,
    )


def _settled(heard: Field, said: Sequence[TimeSpan], readings: Sequence[Reading]) -> Field:
    """One reading is a value; none is a phrase that stays relative because no moment was given."""
    if not readings:
        return replace(heard, grain=said[0].grain)
    reading = readings[0]
    if reading.end is None:
        return replace(heard, value=reading.start, grain=reading.grain)
    whole = ({"start": reading.start, "end": reading.end, "grain": reading.grain},)
    return replace(heard, value=reading.start, grain=reading.grain, readings=whole)


def _flag(said: Sequence[TimeSpan], readings: Sequence[Reading], request: Request) -> str | None:
    """Why a time cannot be taken as it is, or None where it can."""
    kinds = {span.kind for span in said}
    for kind, flag in (
        ("alternatives", AMBIGUOUS_TIME),
        ("impossible", IMPOSSIBLE_TIME),
        ("recurring", RECURRING_TIME),
        ("vague", VAGUE_TIME),
    ):
        if kind in kinds:
            return flag
    if len(readings) > 1 or (len(said) > 1 and not readings and request.now is not None):
        return AMBIGUOUS_TIME
    if any(span.about and span.grain in ("hour", "minute") for span in said):
        return VAGUE_TIME
    if request.now is None and not readings and _is_ambiguous(said, request):
        return AMBIGUOUS_TIME
    if readings and has_passed(readings[0].end or readings[0].start, request):
        return PAST_TIME
    return None


def _is_ambiguous(said: Sequence[TimeSpan], request: Request) -> bool:
    """Whether words have several readings whatever the moment is: "at five", "10/11"."""
    if len(said) > 1 or request.policy.time != "ask":
        return False
    found = [
        times.find(said[0].text, now=day, order=request.policy.date_order)  # type: ignore[arg-type]
        for day in _ANY_DAYS
    ]
    return all(len(spans) == 1 and len(spans[0].readings) > 1 for spans in found)


def refuse_past(fields: dict[str, Field], unsettled: dict[str, str], request: Request) -> None:
    """Flag a time that was moved behind the moment of speaking: it was checked before that."""
    heard = fields.get("when")
    if heard is None or not isinstance(heard.value, str) or heard.source is not None:
        return
    ends = [one.get("end") for one in heard.readings if isinstance(one, dict)]
    if has_passed(str((ends and ends[0]) or heard.value), request):
        fields["when"] = replace(heard, value=None, readings=())
        unsettled["when"] = PAST_TIME
