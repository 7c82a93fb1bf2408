"""The story of a conversation, as JSON: what was said, what each engine did, what became of it.

A record may be a caller's own, of a later version, erased or damaged: it is shown as it is, and
nothing of the rest is lost.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Final

from selene_os.app import Tenant
from selene_os.edges.wire import Record, event_record
from selene_os.engines import nlp
from selene_os.errors import Erased, Fault, LedgerUnavailable, Refusal
from selene_os.ledger import codec
from selene_os.ledger.events import ERASED_KEY_ID, PLAIN_KEY_ID, AuditEvent, TenantRow, Utterance
from selene_os.waiting import waits_until

# What a record of another form raises where it is taken for an answer of PH1.NLP.
OTHER_FORM = (Refusal, LookupError, TypeError, ValueError, AttributeError)
# How a record is there whose key was destroyed.
ERASED_RECORD: Final = "erased"


def of_conversation(tenant: Tenant, correlation: str) -> Record:
    """Tell a conversation turn by turn.

    Returns:
        {"turns": [{turn_id, said, events}]}. said: the lines, {role, source, user_id, device_id,
        privacy_scope, text, erased, created_at}; text is None where it was erased, or cannot be
        read. events: as in a trace, and of the record beside each: record (kept, missing, erased,
        or what is wrong with it), decided_by, hand_overs, answer, draft (of a yes or a no, what it
        was said to), notes (of a profile, what was not used), reason (why a user was erased or
        held), waits (of a draft that needs a yes: confirm_by and became).

    Raises:
        BadField: no conversation's name.
    """
    events, settings = tenant.trace(correlation), tenant.settings
    settled = dict(_settlements(events))
    told: dict[int, list[Record]] = defaultdict(list)
    said: dict[int, list[Record]] = defaultdict(list)
    for event in events:
        told[event.turn_id].append(_event(tenant, event, settings, settled))
    for line in tenant.conversation(correlation):
        said[line.turn_id].append(_line(line))
    turns = sorted({*told, *said})
    return {
        "turns": [{"turn_id": turn, "said": said[turn], "events": told[turn]} for turn in turns]
    }


def result_of(answer: object) -> nlp.Result | None:
    """The answer of a record as PH1.NLP's, without its further drafts; None where it is none."""
    try:
        return replace(nlp.decode_result(answer), drafts=())  # type: ignore[arg-type]
    except OTHER_FORM:
        return None


def _settlements(events: list[AuditEvent]) -> list[tuple[str, Record]]:
    """What became of drafts, by their event."""
    found = []
    for event in events:
        payload = _payload(event)
        if event.engine == codec.PH1_X and "draft_event_id" in payload:
            became = {
                "decision": payload.get("decision"),
                "event_id": event.event_id,
                "turn_id": event.turn_id,
            }
            found.append((str(payload["draft_event_id"]), became))
    return found


def _event(
    tenant: Tenant, event: AuditEvent, settings: TenantRow, settled: dict[str, Record]
) -> Record:
    record, state = _recorded(tenant, event)
    answer = record.get("answer")
    waits = None
    result = result_of(answer) if event.engine == codec.PH1_NLP else None
    if result is not None and result.requires_confirmation and result.decision == "INTENT_DRAFT":
        waits = {
            "confirm_by": _until(result, event.created_at, settings),
            "became": settled.get(event.event_id),
        }
    return {
        **event_record(event),
        "record": state,
        "erased": state == ERASED_RECORD,
        "decided_by": record.get("decided_by"),
        "hand_overs": _list(record.get("hand_overs")),
        "answer": answer,
        "draft": record.get("draft"),
        "notes": _list(record.get("notes")),
        "reason": record.get("reason"),
        "waits": waits,
    }


def _recorded(tenant: Tenant, event: AuditEvent) -> tuple[Record, str]:
    """A record and how it is there."""
    try:
        record = tenant.record(event.event_id)
    except LedgerUnavailable:
        raise
    except Erased:
        return {}, ERASED_RECORD
    except (Fault, RecursionError) as fault:
        return {}, getattr(fault, "problem", "is nested too deep")
    return ({}, "missing") if record is None else (record, "kept")


def _until(result: nlp.Result, created_at: int, settings: TenantRow) -> int | None:
    try:
        return waits_until(result, created_at, settings)
    except OTHER_FORM:
        return None


def _line(line: Utterance) -> Record:
    text = line.text.decode(errors="replace") if line.key_id == PLAIN_KEY_ID else None
    return {
        "role": line.role,
        "source": line.source,
        "user_id": line.user_id,
        "device_id": line.device_id,
        "privacy_scope": line.privacy_scope,
        "text": text or None,
        "erased": line.key_id == ERASED_KEY_ID,
        "created_at": line.created_at,
    }


def _payload(event: AuditEvent) -> dict[str, Any]:
    payload = codec.decode_json(event.payload_min)
    return payload if isinstance(payload, dict) else {}


def _list(given: object) -> list[Any]:
    return given if isinstance(given, list) else []
