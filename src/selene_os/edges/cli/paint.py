"""How an answer looks to a person: evidence marked in the sentence, one fact a line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from selene_os.engines import nlp
from selene_os.ledger.codec import decode_json
from selene_os.ledger.events import AuditEvent
from selene_os.reasons import MEANINGS, ReasonCode, reason_name

if TYPE_CHECKING:
    from selene_os.receipts import Answer

_COLORS = {
    "INTENT_DRAFT": "green",
    "CLARIFY": "yellow",
    "CHAT": "blue",
    "CONFIRMED": "green",
    "DECLINED": "red",
    "CHANGED": "yellow",
}
_NANOSECONDS = 1_000_000_000
# The intents that `selene memory apply` acts on.
MEMORY = "MEMORY_"

# Control and bidirectional characters, which could command a terminal or reorder what is read, and
# halves of surrogate pairs, which no output can hold.
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def safe(text: str) -> str:
    """A text with nothing in it that commands a terminal, or reorders what is read."""
    return _UNSEEN.sub("\ufffd", text)


def shown(text: str) -> str:
    """What was said, on one line, with nothing in it that commands a terminal."""
    return " ".join(safe(text).split())


def marked(text: str, result: nlp.Result) -> str:
    """The sentence with each field's evidence in brackets: remind me to [call mom](task)."""
    line, at = "", 0
    fields = [heard for heard in result.fields if heard.source is None]
    for heard in sorted(fields, key=lambda heard: heard.start):
        if heard.start >= at and text[heard.start : heard.end] == heard.text:
            line += safe(text[at : heard.start])
            line += click.style(f"[{safe(heard.text)}]", bold=True)
            line += click.style(f"({heard.key})", dim=True)
            at = heard.end
    return " ".join((line + safe(text[at:])).split())


def answer(text: str, result: nlp.Result) -> str:
    """An answer in a few lines."""
    lines = outcome(text, result)
    if result.requires_confirmation and result.decision == "INTENT_DRAFT":
        lines.append("  next      a person must confirm it before anything may act on it")
    return "\n".join(lines + drafts(result))


def turn(said: str | None, answer: Answer, tenant: str, here: str) -> str:
    """A turn in a few lines: what it came to, what waits for a yes, what became of what waited.

    Args:
        said: the words; None where it was a call.
        tenant: whose it is.
        here: the option that names the ledger in a command to type next.
    """
    result, settled = answer.result, answer.decision != answer.result.decision
    if settled:
        lines = [headline(answer.decision, result.intent_type, f"X_{answer.decision}")]
        lines += [] if said is None else ["  heard     " + shown(said)]
        lines += values(result)
        lines += [f"  draft     {event_id}" for event_id in answer.drafts]
    else:
        lines = [*outcome(said or "", result), *drafts(result)]
        lines += [
            f"  settled   draft {event_id} is changed: this one stands in its place"
            for event_id in answer.drafts
        ]
    lines += _next(answer, f"{here} --tenant {shlex.quote(tenant)}")
    lines += [
        f"  without   {one.engine}: {MEANINGS[ReasonCode[one.reason_code]]}"
        for one in answer.refused
    ]
    if answer.lapsed is not None:
        label = "too late" if answer.lapsed.name == "X_CONFIRMATION_LATE" else "settled"
        lines.append(f"  {label:<9} {answer.lapsed.name}: {MEANINGS[answer.lapsed]}")
        lines.append("  next      say what is wanted again; it becomes a draft of its own")
    there = ""
    if answer.deduplicated:
        same = "said the same" if answer.same_decision else "said something else"
        there = f"  (there already; this try {same})"
    lines.append(f"  row       {answer.event_id}{there}")
    lines.append(f"  turn      {answer.turn_id} of --correlation {answer.correlation_id}")
    return "\n".join(lines)


def _next(answer: Answer, where: str) -> Iterator[str]:
    """What waits for a yes, and what may be done with what has one."""
    if answer.confirmation == "CONFIRMED" and (answer.result.intent_type or "").startswith(MEMORY):
        for event_id in answer.drafts:
            yield (
                f"  next      selene memory apply{where} --draft {event_id}"
                f" --confirmation {answer.event_id}"
            )
    if answer.decision != "INTENT_DRAFT":
        return
    several = answer.result.drafts or (answer.result,)
    for receipt, draft in zip(answer.receipts, several, strict=False):
        if answer.deduplicated and answer.confirm_by is None:
            # Somebody answered meanwhile: `trace --explain` tells what became of it.
            continue
        if draft.requires_confirmation and answer.confirm_by is None and len(several) == 1:
            yield "  waiting   for nothing: a yes needs a complete draft at HIGH; say it otherwise"
        elif draft.requires_confirmation:
            end = "" if answer.confirm_by is None else f" until {until(answer.confirm_by)}"
            yield f"  waiting   for a yes{end}: selene confirm{where} --event {receipt.event_id}"
        elif (draft.intent_type or "").startswith(MEMORY):
            yield f"  next      selene memory apply{where} --draft {receipt.event_id}"


def outcome(text: str, result: nlp.Result) -> list[str]:
    """What was decided, from which words, and the question where one is put."""
    parts = [result.intent_type, result.overall_confidence, result.reason_code]
    lines = [headline(result.decision, *parts), "  heard     " + marked(text, result)]
    lines += values(result)
    if result.question:
        lines.append(f"  question  {result.question}")
        lines.append(
            "  answers   " + " | ".join(f'"{one}"' for one in result.accepted_answer_formats)
        )
    return lines


def values(result: nlp.Result) -> list[str]:
    """Each value in one line."""
    return [
        f"  {heard.key:<9} {_value(heard)}" + (" (said earlier)" if heard.source else "")
        for heard in result.fields
    ]


def drafts(result: nlp.Result) -> list[str]:
    """The drafts of an utterance that asks for several things, one a line."""
    return [
        f"  draft {number}   "
        + headline(draft.decision, draft.intent_type, draft.overall_confidence, draft.reason_code)
        for number, draft in enumerate(result.drafts, 1)
    ]


def headline(decision: str, *parts: str | None) -> str:
    """A decision in its colour, and what there is of its parts."""
    badge = click.style(shown(decision), fg=_COLORS.get(decision, "magenta"), bold=True)
    return " ".join([badge, *(shown(part) for part in parts if part)])


def moment(at: int) -> str:
    """A moment of a row, for people."""
    return datetime.fromtimestamp(at // _NANOSECONDS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def until(at: int) -> str:
    """The end of a time that runs, to the second before it: the clock's, and in whole."""
    end = datetime.fromtimestamp(at // _NANOSECONDS, UTC)
    return f"{end:%H:%M:%S} ({end:%Y-%m-%dT%H:%M:%SZ})"


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of a table, each column as wide as its widest cell."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def whose(user_id: str | None, device_id: str | None) -> str:
    """Who wrote a row, and where; what no user wrote is the tenant's own."""
    return "the tenant" if user_id is None else shown(f"{user_id}@{device_id}")


def event(row: AuditEvent, *, erased: bool = False) -> str:
    """A row in one line, and its payload in the next.

    Args:
        erased: the words behind it were.
    """
    payload = _payload(row)
    decision = str(payload.pop("decision", "PROFILE"))
    color = _COLORS.get(decision, "magenta")
    badge = click.style(f"{shown(decision):<12}", fg=color, bold=True)
    name = reason_name(row.reason_code)
    who = whose(row.user_id, row.device_id) + ("  erased" if erased else "")
    return (
        f"turn {row.turn_id}  {badge} {name}  {who}  {moment(row.created_at)}\n"
        f"        {row.event_id}  {details(payload)}".rstrip()
    )


def details(payload: dict[str, Any]) -> str:
    """What a payload holds, on one line."""
    return shown(
        " ".join(
            f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
            for key, value in payload.items()
            if value
        )
    )


def found(row: AuditEvent) -> str:
    """A row as `event` shows it, with the conversation that it is of."""
    return f"{event(row)}\n        --correlation {row.correlation_id}"


def _payload(row: AuditEvent) -> dict[str, Any]:
    """A row's payload; of a spoilt row, what there is."""
    payload = decode_json(row.payload_min)
    return payload if isinstance(payload, dict) else {"payload": payload}


def _value(heard: nlp.Field) -> str:
    if len(heard.readings) > 1:
        readings = [r["start"] if isinstance(r, dict) else str(r) for r in heard.readings]
        return "several readings: " + " or ".join(readings)
    if heard.value is None:
        return f'"{shown(heard.text)}", not settled'
    return meaning(heard.value)


def meaning(value: object) -> str:
    """A field's value: a text, a number, or the parts of one."""
    parts = value.values() if isinstance(value, dict) else [value]
    return shown(" ".join(str(part) for part in parts))
