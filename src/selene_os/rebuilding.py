"""What an engine was asked, made again out of its record.

A record holds the request of PH1.NLP after repair; of each hand-over what it asked and handed on.
From these the whole turn is made again, so that a replay runs every engine of it, and not the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from selene_os.engines import focus, nlp, persona, srl
from selene_os.gates import Draft
from selene_os.handovers import REFUSED
from selene_os.ledger.events import AuditEvent
from selene_os.names import EventId, UserId
from selene_os.reasons import ReasonCode
from selene_os.tenancy import in_zone
from selene_os.turn import PH1_X, Hints, Turn, asking

Record = dict[str, Any]

FOCUS_UNKNOWN: Final = f"{focus.NAME}: what it refused is not in the record"
LAPSED_UNKNOWN: Final = f"{PH1_X}: the drafts it refused to settle cannot be read"
DRAFT_UNKNOWN: Final = f"{PH1_X}: the draft that waited cannot be read, so neither can its digest"
DIGEST: Final = "digest"
# Of a version that no event has: a draft of which not even the row is known.
_NOBODYS: Final = EventId("00000000-0000-7000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Before:
    """What the ledger still knows of the drafts that a turn could speak of.

    Attributes:
        waiting: those of the user's turn before, in their order.
        named: one by its event; None where it cannot be read.
    """

    waiting: Callable[[], Sequence[Draft]]
    named: Callable[[str], Draft | None]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A turn made again, and what of it could not be.

    Attributes:
        unchecked: what is not compared, each with why.
        silent: engines whose hand-over is not compared; `DIGEST` where a draft's is not.
    """

    turn: Turn
    unchecked: tuple[str, ...] = ()
    silent: frozenset[str] = frozenset()


def turn_of(event: AuditEvent, record: Record, hints: Hints, before: Before) -> Rebuilt:
    """The turn that a record tells of.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, IndexError, Refusal: the record is none.
    """
    request = record["request"]
    told = {one["engine"]: one for one in record["hand_overs"]}
    unchecked: list[str] = []
    silent: set[str] = set()
    ranked = told[focus.NAME]
    if ranked["became"] == REFUSED:
        unchecked.append(FOCUS_UNKNOWN)
        silent.add(focus.NAME)
    text, unsure = _as_said(request, told[srl.NAME])
    waiting, known = _waiting(event, request["pending"], told.get(PH1_X), before)
    if not known:
        unchecked.append(DRAFT_UNKNOWN)
        silent.add(DIGEST)
    lapsed, reason = _lapsed(told.get(PH1_X), before)
    if lapsed is None:
        unchecked.append(LAPSED_UNKNOWN)
        silent.add(PH1_X)
    policy = request["policy"]
    turn = Turn(
        event.tenant_id,
        event.correlation_id,
        event.turn_id,
        text,
        request["language"],
        _moment(request["now"], policy["zone"]),
        request["transcript_confidence"],
        unsure,
        nlp.Policy(policy["time"], policy["currency"], policy["date_order"], policy["zone"]),
        pending=None if waiting else request["pending"],
        waiting=waiting,
        lapsed=lapsed or (),
        lapsed_reason=reason,
        confirmed=request["confirmed"],
        hints=hints,
        items=tuple(focus.Item(**item) for item in (ranked["request"] or {"items": ()})["items"]),
    )
    return Rebuilt(turn, tuple(unchecked), frozenset(silent))


def profile_request_of(record: Record) -> persona.Request:
    """What PH1.PERSONA was asked. Raises what `turn_of` does."""
    asked = dict(record["request"])
    asked["signals"] = tuple(persona.Signal(**signal) for signal in asked["signals"])
    asked["gone"] = tuple(asked.get("gone", ()))
    if asked["previous"] is not None:
        asked["previous"] = persona.Snapshot(**asked["previous"])
    return persona.Request(**asked)


def _moment(now: str | None, zone: str | None) -> datetime | None:
    return None if now is None else in_zone(datetime.fromisoformat(now), zone)


def _as_said(request: Record, repair: Record) -> tuple[str, tuple[nlp.UncertainSpan, ...]]:
    """What was said before its repair, and what the transcriber was unsure of in it.

    PH1.NLP was told of both at their places in the repaired text, and behind them of what PH1.SRL
    flagged, which will flag it again.
    """
    spans = [
        nlp.UncertainSpan(span["start"], span["end"], span["kind"], span["field"])
        for span in request["uncertain_spans"]
    ]
    if not repair["request"]:
        return request["text"], tuple(spans)
    handed = repair["handed"]
    repaired = srl.Result(
        ReasonCode.SRL_REPAIR_OK,
        request["text"],
        tuple(srl.Repair(**one) for one in handed["repairs"]),
    )
    flags = [(one["kind"], *repaired.repaired(one["start"], one["end"])) for one in handed["flags"]]
    flagged = [nlp.UncertainSpan(start, end, kind) for kind, start, end in flags if start < end]
    if flagged and spans[-len(flagged) :] == flagged:
        spans = spans[: -len(flagged)]
    said = [
        nlp.UncertainSpan(*repaired.original(span.start, span.end), span.kind, span.field)
        for span in spans
    ]
    return repair["request"]["text"], tuple(said)


def _waiting(
    event: AuditEvent, pending: Record | None, told: Record | None, before: Before
) -> tuple[tuple[Draft, ...], bool]:
    """The drafts that waited for a yes, and whether all of them can be read.

    PH1.NLP was told what they hold, and not which they are. What it was told counts here: where
    the ledger holds something else of a draft by now, its digest tells.
    """
    if pending is None or pending["asked"] != nlp.CONFIRMATION:
        return (), True
    asked = pending["drafts"]
    found = tuple(before.waiting())
    if asking(found)["drafts"] == asked:
        return found, True
    handed = _handed(told)
    named = [draft for draft in map(before.named, handed) if draft is not None]
    ids = handed if len(handed) == len(asked) else [draft.event_id for draft in found]
    drafts = []
    for place, one in enumerate(asked):
        same = next((draft for draft in named if asking([draft])["drafts"] == [one]), None)
        event_id = EventId(ids[place]) if len(ids) == len(asked) else _NOBODYS
        drafts.append(same or _nameless(event, event_id, one))
    return tuple(drafts), len(named) == len(handed)


def _nameless(event: AuditEvent, event_id: EventId, asked: Record) -> Draft:
    """A draft of which no more is known than what PH1.NLP was told."""
    result = nlp.decode_result(
        {
            "decision": "INTENT_DRAFT",
            "reason_code": ReasonCode.NLP_INTENT_OK.name,
            "intent_type": asked["intent_type"],
            "overall_confidence": "HIGH" if asked["firm"] else "MED",
            "fields": asked["fields"],
            "required_fields": (),
            "required_fields_missing": (),
            "ambiguity_flags": (),
            "requires_confirmation": True,
            "sensitivity": None,
        }
    )
    user = event.user_id or UserId("")
    return Draft(event_id, event.tenant_id, user, event.created_at, result)


def _lapsed(told: Record | None, before: Before) -> tuple[tuple[Draft, ...] | None, ReasonCode]:
    """The drafts that a word could no longer settle, and why; None where they cannot be read."""
    if told is None or told["became"] != REFUSED:
        return (), ReasonCode.X_CONFIRMATION_LATE
    drafts = [before.named(event_id) for event_id in _handed(told)]
    reason = ReasonCode[told["reason_code"]]
    if not drafts or None in drafts:
        return None, reason
    return tuple(draft for draft in drafts if draft is not None), reason


def _handed(told: Record | None) -> list[str]:
    handed = None if told is None else told["handed"]
    return [] if handed is None else list(handed["drafts"])
