"""Time expressions: found in a text, kept verbatim, resolved without a guess.

A pure grammar of English and Chinese: no clock (the moment is an argument), no I/O, linear in the
length of the text. What has several readings keeps them all; what names no date has none.
Source: docs/nlp.md.
"""

from __future__ import annotations

from datetime import datetime

from selene_os.language.times.amounts import grain_of, iso_duration
from selene_os.language.times.hours import joined
from selene_os.language.times.line import Line
from selene_os.language.times.ranges import Found
from selene_os.language.times.readings import resolve
from selene_os.language.times.scan import scan
from selene_os.language.times.spans import (
    ASK,
    NEXT_OCCURRENCE,
    DateOrder,
    Moment,
    Reading,
    TimePolicy,
    TimeSpan,
)
from selene_os.language.times.starters import ANCHORS
from selene_os.language.tokens import NUMBER, Tokens, tokenize

__all__ = [
    "ASK",
    "NEXT_OCCURRENCE",
    "DateOrder",
    "Moment",
    "Reading",
    "TimePolicy",
    "TimeSpan",
    "combine",
    "find",
]


def find(
    said: str | Tokens,
    *,
    now: datetime | None = None,
    policy: TimePolicy = ASK,
    order: DateOrder | None = None,
) -> tuple[TimeSpan, ...]:
    """Every time expression of a text, left to right, not overlapping, each the longest there is.

    English and Chinese are both understood, whatever the language of the text around them.

    Args:
        said: the text, or its tokens.
        now: the moment of speaking, local and without offset; without it relative expressions are
            found and have no readings, absolute ones ("2026-12-01") have theirs.
        policy: "ask" keeps every reading; "next_occurrence" keeps the earliest still to come.
        order: how figures such as 10/11 are ordered; None keeps both readings.

    Returns:
        At most 256 spans, with at most four readings each. A reading is in the speaker's own time;
        where a time zone was said it carries that zone's offset.

    Raises:
        Nothing, for any string, any moment: what no calendar holds has the kind "impossible".

    Source: docs/nlp.md, "It never guesses".
    """
    tokens = tokenize(said) if isinstance(said, str) else said
    if (
        ANCHORS.isdisjoint(tokens.words)
        and NUMBER not in tokens.kinds
        and "'s" not in tokens.folded
    ):
        return ()
    spans = []
    for found in scan(Line(tokens)):
        span = _span(tokens, found, now, policy, order)
        if span:
            spans.append(span)
    return tuple(spans)


def _span(
    tokens: Tokens,
    found: Found,
    now: datetime | None,
    policy: TimePolicy,
    order: DateOrder | None,
) -> TimeSpan | None:
    kind, grain, duration = found.kind, "day", None
    readings: tuple[Reading, ...] = ()
    first, last = found.first, found.last
    if found.amounts is not None:
        duration, grain = iso_duration(found.amounts), grain_of(found.amounts)
    elif found.term is not None:
        resolved = resolve(found.term, now, policy, order)
        if resolved is None:
            return None
        kind, grain, readings = resolved
    start, end = tokens.starts[first], tokens.ends[last - 1]
    return TimeSpan(
        start, end, tokens.text[start:end], first, last, kind, grain, readings, duration,
        found.bound, found.about, found.form,
    )  # fmt: skip


def combine(
    a: TimeSpan,
    b: TimeSpan,
    *,
    now: datetime | None = None,
    policy: TimePolicy = ASK,
    order: DateOrder | None = None,
) -> tuple[Reading, ...] | None:
    """The readings of a day and a time of day said in two places, in either order.

    "remind me tomorrow to stretch at 5 pm" has two spans; together they are one moment.

    Args:
        a: one span, as `find` returned it.
        b: the other.
        now, policy, order: as for `find`, and the same as were given there.

    Returns:
        The readings (none where they need a `now` that is not given), or None where the two do not
        complete each other: two days, two times, a range of days, a duration.
    """
    if a.form is None or b.form is None:
        return None
    term = joined(a.form, b.form)
    resolved = resolve(term, now, policy, order) if term else None
    return resolved.readings if resolved and resolved.kind in ("instant", "range") else None
