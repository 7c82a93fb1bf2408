"""How an answer looks to a person: evidence marked in the sentence, one fact a line."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

from selene_os.engines import nlp
from selene_os.ledger.codec import decode_json
from selene_os.ledger.events import AuditEvent
from selene_os.reasons import reason_name

_COLORS = {"INTENT_DRAFT": "green", "CLARIFY": "yellow", "CHAT": "blue"}


# Control and bidirectional characters, which could command a terminal or reorder what is read.
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _safe(text: str) -> str:
    return _UNSEEN.sub("\ufffd", text)


def shown(text: str) -> str:
    """What was said, on one line, with nothing in it that commands a terminal."""
    return " ".join(_safe(text).split())


def marked(text: str, result: nlp.Result) -> str:
    """The sentence with each field's evidence in brackets: remind me to [call mom](task)."""
    line, at = "", 0
    fields = [heard for heard in result.fields if heard.source is None]
    for heard in sorted(fields, key=lambda heard: heard.start):
        if heard.start >= at and text[heard.start : heard.end] == heard.text:
            line += _safe(text[at : heard.start])
            line += click.style(f"[{_safe(heard.text)}]", bold=True)
            line += click.style(f"({heard.key})", dim=True)
            at = heard.end
    return " ".join((line + _safe(text[at:])).split())


def answer(text: str, result: nlp.Result) -> str:
    """An answer in a few lines."""
    lines = [_decision(result), "  heard     " + marked(text, result)]
    for heard in result.fields:
        value = _value(heard)
        lines.append(f"  {heard.key:<9} {value}" + (" (said earlier)" if heard.source else ""))
    if result.question:
        lines.append(f"  question  {result.question}")
        lines.append(
            "  answers   " + " | ".join(f'"{one}"' for one in result.accepted_answer_formats)
        )
    if result.requires_confirmation and result.decision == "INTENT_DRAFT":
        lines.append("  next      a person must confirm it before anything may act on it")
    for number, draft in enumerate(result.drafts, 1):
        lines.append(f"  draft {number}   {_decision(draft)}")
    return "\n".join(lines)


def event(row: AuditEvent) -> str:
    """A row in one line, and its payload in the next."""
    payload = _payload(row)
    decision = str(payload.pop("decision", "PROFILE"))
    when = datetime.fromtimestamp(row.created_at / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    details = " ".join(
        f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in payload.items()
        if value
    )
    color = _COLORS.get(decision, "magenta")
    badge = click.style(f"{shown(decision):<12}", fg=color, bold=True)
    name = reason_name(row.reason_code)
    whose = shown(f"{row.user_id}@{row.device_id}")
    return (
        f"turn {row.turn_id}  {badge} {name}  {whose}  {when} UTC\n"
        f"        {row.event_id}  {shown(details)}"
    )


def found(row: AuditEvent) -> str:
    """A row as `event` shows it, with the conversation that it is of."""
    return f"{event(row)}\n        --correlation {row.correlation_id}"


def _payload(row: AuditEvent) -> dict[str, Any]:
    """A row's payload; of a spoilt row, what there is."""
    payload = decode_json(row.payload_min)
    return payload if isinstance(payload, dict) else {"payload": payload}


def _decision(result: nlp.Result) -> str:
    badge = click.style(result.decision, fg=_COLORS[result.decision], bold=True)
    parts = [result.intent_type, result.overall_confidence, result.reason_code]
    return " ".join([badge, *(part for part in parts if part)])


def _value(heard: nlp.Field) -> str:
    if len(heard.readings) > 1:
        readings = [r["start"] if isinstance(r, dict) else str(r) for r in heard.readings]
        return "several readings: " + " or ".join(readings)
    if isinstance(heard.value, dict):
        return " ".join(str(part) for part in heard.value.values())
    if heard.value is None:
        return f'"{shown(heard.text)}", not settled'
    return shown(str(heard.value))
