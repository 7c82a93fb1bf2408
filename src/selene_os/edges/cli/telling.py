"""How the story of a conversation looks to a person: turn by turn, one fact a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import click

from selene_os.edges.cli import paint
from selene_os.edges.story import OTHER_FORM, result_of
from selene_os.edges.wire import Record
from selene_os.handovers import PASSED, REFUSED, USED
from selene_os.ledger import codec
from selene_os.reasons import MEANINGS, ReasonCode

_DIGEST_SHOWN: Final = 8
# Part of a profile, as its evidence names it -> its key in a snapshot.
_PARTS: Final = {
    "style": "style_profile_ref",
    "delivery": "delivery_policy_ref",
    "brevity": "brevity_ref",
    "language": "preferred_language",
    "confirmation": "confirmation_ref",
}


def conversation(told: Record, now: int) -> str:
    """A conversation as `story.of_conversation` tells it.

    Args:
        now: nanoseconds since 1970 UTC, to tell what still waits.
    """
    turns = (list(_turn(turn, now)) for turn in told["turns"])
    return "\n\n".join("\n".join(lines) for lines in turns)


def _turn(turn: Record, now: int) -> Iterator[str]:
    yield click.style(f"turn {turn['turn_id']}", bold=True)
    said = {line["user_id"]: line["text"] for line in turn["said"] if line["role"] == "USER"}
    for line in turn["said"]:
        if line["role"] == "USER":
            yield _line("said", _quoted(line))
    handed: list[Any] = []
    for event in turn["events"]:
        # Of several decisions of one turn the hand-overs are the same, and told once.
        fresh = event["hand_overs"] if event["hand_overs"] != handed else []
        handed = event["hand_overs"] or handed
        try:
            yield from [*_handed(fresh, said.get(event["user_id"])), *_event(event, said, now)]
        except OTHER_FORM:
            yield _line("record", "cannot be told: it is not of the form of this version")
            yield from _payload(event)
        whose = paint.whose(event["user_id"], event["device_id"])
        when = paint.moment(event["created_at"])
        yield _line("row", f"{event['event_id']}  {whose}  {when}")
    for line in turn["said"]:
        if line["role"] != "USER":
            yield _line("answered", _quoted(line))


def _quoted(line: Record) -> str:
    text = "(erased)" if line["erased"] else "(not readable)"
    if line["text"] is not None:
        text = f'"{paint.shown(line["text"])}"'
    return f"{text}  {line['source']} by {paint.shown(line['user_id'])}"


# ---- what each engine did


def _handed(hand_overs: list[Any], said: str | None) -> list[str]:
    rows = []
    for one in hand_overs:
        digest = str(one["digest"] or "")[:_DIGEST_SHOWN]
        told = (one["engine"], one["version"], one["became"], digest, _what(one, said))
        rows.append(tuple(paint.shown(str(cell)) for cell in told))
    return ["  " + line for line in paint.columns(rows)] if rows else []


def _what(one: Record, said: str | None) -> str:
    """What an engine handed on, or why it did not."""
    became, engine, handed = one["became"], one["engine"], one["handed"]
    if became == REFUSED:
        return f"{one['reason_code']}: {_meaning(one['reason_code'])}"
    if engine == "PH1.KNOW" and became == PASSED:
        none = "the tenant has no terms"
        return none if one["digest"] is None else "no term in it is for PH1.NLP"
    if became != USED and engine != codec.PH1_X:
        return ""
    if engine == "PH1.SRL":
        return "; ".join(_repairs(handed, said))
    if engine == "PH1.FOCUS":
        return f"ranked {', '.join(handed['ranked'])}"
    if engine == "PH1.PRUNE":
        return f"asks for {handed['selected']} first, of {', '.join(handed['ordered'])}"
    return _meaning(one["reason_code"])


def _repairs(handed: Record, said: str | None) -> Iterator[str]:
    for repair in handed["repairs"]:
        was = _slice(said, repair)
        yield f'{was} -> "{repair["text"]}"' if repair["text"] else f"{was} dropped"
    for flag in handed["flags"]:
        yield f"{_slice(said, flag)} may be another word ({flag['kind']})"


def _slice(said: str | None, span: Record) -> str:
    """The words of a span, or where they stood, if what was said is not there any more."""
    start, end = span["start"], span["end"]
    return f"{start} to {end}" if said is None else f'"{said[start:end]}"'


def _meaning(name: str) -> str:
    code = ReasonCode.__members__.get(name)
    return "" if code is None else MEANINGS[code]


# ---- what was decided


def _event(event: Record, said: dict[str, str | None], now: int) -> list[str]:
    if event["record"] != "kept":
        return [_line("record", f"is {event['record']}"), *_payload(event)]
    if event["decided_by"] == "caller":
        told = "by the caller, by an understanding of its own; Selene cannot make it again"
        return [*_payload(event), _line("decided", told)]
    if event["engine"] == codec.PH1_J:
        return [*_payload(event), _line("reason", paint.shown(str(event["reason"])))]
    if event["engine"] == codec.PH1_X:
        return _settled(event)
    if event["engine"] == codec.PH1_PERSONA:
        return _profile(event)
    result = result_of(event["answer"])
    if result is None:
        raise ValueError("the record holds no answer of PH1.NLP")
    lines = paint.outcome(said.get(event["user_id"]) or "", result)
    if event["waits"] is not None:
        lines.append(_line(*_waited(event["waits"], now)))
    return lines


def _waited(waits: Record, now: int) -> tuple[str, str]:
    became, until = waits["became"], waits["confirm_by"]
    if became is not None:
        told = f"{became['decision']} in turn {became['turn_id']} by row {became['event_id']}"
        return "waited", f"for a yes: {told}"
    if until is None:
        return "waits", f"for nothing: {_meaning('X_DRAFT_UNFIT')}"
    if now > until:
        return "waited", f"for a yes until {paint.until(until)}; none came"
    return "waits", f"for a yes until {paint.until(until)}"


def _settled(event: Record) -> list[str]:
    draft, decision = event["draft"], event["answer"]["decision"]
    lines = [paint.headline(decision, draft["intent_type"], event["reason_code"])]
    if not event["hand_overs"]:
        lines.append(_line("said", "by a call, not in words"))
    if decision != "CHANGED":
        lines += [_line(one["key"], paint.meaning(one["value"])) for one in draft["fields"]]
    return [*lines, _line("draft", paint.shown(draft["event_id"]))]


def _profile(event: Record) -> list[str]:
    answer, snapshot = event["answer"], event["answer"]["snapshot"]
    decided = dict(answer["evidence"])
    parts = [snapshot[key] for key in list(_PARTS.values())[:3]]
    lines = [paint.headline("PROFILE", *parts, answer["reason_code"])]
    for part, key in _PARTS.items():
        value = snapshot[key] or "none"
        lines.append(f"  {part:<12} {paint.shown(value):<13} by {paint.shown(decided[part])}")
    notes = (*answer["diagnostics"], *event["notes"])
    return lines + [_line("note", paint.shown(note)) for note in notes]


def _payload(event: Record) -> list[str]:
    """What the row itself holds, whatever stands beside it."""
    payload = event["payload_min"]
    if not isinstance(payload, dict):
        return [_line("payload", paint.shown(str(payload)))]
    told = {key: value for key, value in payload.items() if key != "decision"}
    decision = str(payload.get("decision", "PROFILE"))
    lines = [paint.headline(decision, event["reason_code"])]
    return lines + ([_line("payload", paint.details(told))] if told else [])


def _line(label: str, text: str) -> str:
    return f"  {paint.shown(label):<9} {text}"
