"""A conversation: its timeline, one row of it, what becomes of it decided again, and its proof."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

from starlette.responses import Response

from selene_os import records as kept_records
from selene_os.edges import story, wire
from selene_os.edges.console import snippets
from selene_os.edges.console.forms import not_here
from selene_os.edges.console.shown import DECISION_TITLES, compact, flat, heard, iso
from selene_os.edges.console.visits import Shown, Visit
from selene_os.edges.http import records
from selene_os.errors import BadField, Erased, Fault, LedgerUnavailable, NotFound
from selene_os.ledger.events import AuditEvent
from selene_os.names import EventId, parse_correlation_id, parse_event_id
from selene_os.replaying import REASONS

_SHOWN_AS: Final = {
    "intent_type": "Request",
    "overall_confidence": "Confidence",
    "what_is_missing": "Missing",
    "required_fields": "Needs",
    "ambiguity_flags": "Ambiguous",
    "focus_span_ref": "Focus",
    "style_profile_ref": "Style",
    "delivery_policy_ref": "Delivery",
    "draft_event_id": "Draft",
    "subject_user_id": "User",
    "hold_id": "Hold",
}
_HEADER: Final = (
    "turn_id", "created_at", "what", "text", "intent_type", "what_is_missing", "fields",
    "reason_code", "engine", "user_id", "device_id", "record", "event_id", "leaf_index",
)  # fmt: skip
_BY_EVIDENCE: Final = ("Style", "Delivery")
_CHECKPOINTS: Final = 100
_SIZE_DIGITS_MAX: Final = 18


def timeline(visit: Visit) -> Shown:
    """A conversation, turn by turn."""
    correlation = _correlation(visit)
    told = story.of_conversation(visit.here, correlation)
    if not told["turns"]:
        raise not_here()
    visit.note("console.trace", correlation)
    events = [event for turn in told["turns"] for event in turn["events"]]
    signed = visit.console.store.proofs.checkpoint(visit.here.tenant_id)
    seals = _seals(visit, [EventId(event["event_id"]) for event in events])
    for event in events:
        event["seal"] = seals[event["event_id"]]
    shown: dict[str, Any] = {
        "correlation": correlation,
        "turns": [_turn(turn) for turn in told["turns"]],
        "events": events,
        "sealed": sum(seal is not None for seal in seals.values()),
        "now": visit.console.clock(),
        "newest": max((event["created_at"] for event in events), default=None),
        "signed": None if signed is None else records.checkpoint(signed),
        "snippets": snippets.of_conversation(visit, correlation),
        "titles": DECISION_TITLES,
    }
    table = (_HEADER, [row for turn in shown["turns"] for row in _table_rows(turn)])
    return Shown("timeline.html", shown, records.story(_copied(told)), table)


def _turn(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn with what its template needs beside it."""
    spans: dict[str | None, list[Any]] = defaultdict(list)
    handed: list[Any] = []
    events = []
    for event in turn["events"]:
        answer = event["answer"] if isinstance(event["answer"], dict) else {}
        fields = answer.get("fields")
        # What was said in an earlier turn stands at another place of another text.
        spans[event["user_id"]] += [
            one
            for one in (fields if isinstance(fields, list) else [])
            if isinstance(one, dict) and not one.get("source")
        ]
        # Of several decisions of one turn the hand-overs are the same, and told once.
        given = [one for one in event["hand_overs"] if isinstance(one, dict)]
        fresh, handed = (given if given != handed else []), given or handed
        shown = {"told": _told(event, answer), "fresh": fresh, "row": event}
        events.append(event | shown)
    said = [
        line | {"spans": spans[line["user_id"]] if line["role"] == "USER" else []}
        for line in turn["said"]
    ]
    return {"turn_id": turn["turn_id"], "said": said, "events": events}


def _table_rows(turn: dict[str, Any]) -> list[list[Any]]:
    """A turn as rows of one table: what a user said, what was decided, what was answered."""
    said = [_line_row(turn, line) for line in turn["said"] if line["role"] == "USER"]
    answered = [_line_row(turn, line) for line in turn["said"] if line["role"] != "USER"]
    rows = [*said, *(_event_row(turn, event) for event in turn["events"]), *answered]
    return [[row.get(name) for name in _HEADER] for row in rows]


def _line_row(turn: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    state = "erased" if line["erased"] else "kept" if line["text"] is not None else "missing"
    shown = {"turn_id": turn["turn_id"], "created_at": iso(line["created_at"]), "record": state}
    return line | shown | {"what": line["role"]}


def _event_row(turn: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = event["told"]
    fields = [f"{one.get('key')}: {heard(one)}" for one in told["fields"]]
    shown = {
        "turn_id": turn["turn_id"],
        "created_at": iso(event["created_at"]),
        "what": told["decision"],
        "text": told["question"],
        "intent_type": told["payload"].get("intent_type"),
        "what_is_missing": told["payload"].get("what_is_missing"),
        "fields": "; ".join(fields),
        "leaf_index": event["seal"],
    }
    return event | shown


def _told(event: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """What a row and its record say, sorted into what is shown."""
    payload = event["payload_min"] if isinstance(event["payload_min"], dict) else {}
    snapshot = answer.get("snapshot")
    missing = answer.get("required_fields_missing")
    fields = answer.get("fields")
    evidence = answer.get("evidence")
    # The record's, which stand in the moment of speaking; the row has the pack's alone.
    answers = answer.get("accepted_answer_formats") or payload.get("accepted_answer_formats")
    facts = {
        title: _listed(payload[key])
        for key, title in _SHOWN_AS.items()
        # A profile's evidence tells its parts, and by what each was decided.
        if payload.get(key) not in (None, [], "")
        and not (evidence and title in _BY_EVIDENCE)
        and not (missing and title == "Missing")
    }
    return {
        "payload": payload,
        "decision": str(payload.get("decision", "PROFILE")),
        "what": payload.get("intent_type") or payload.get("what_is_missing") or "",
        "facts": facts,
        "question": answer.get("question"),
        "answers": answers if isinstance(answers, list) else [],
        "missing": missing if isinstance(missing, list) else [],
        "fields": [one for one in fields if isinstance(one, dict)]
        if isinstance(fields, list)
        else [],
        "snapshot": snapshot if isinstance(snapshot, dict) else {},
        "evidence": [one for one in evidence if isinstance(one, list) and len(one) == 2]
        if isinstance(evidence, list)
        else [],
    }


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _copied(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "turns": [
            {
                "turn_id": turn["turn_id"],
                "said": [dict(line) for line in turn["said"]],
                "events": [
                    event | {"waits": event["waits"] and dict(event["waits"])}
                    for event in turn["events"]
                ],
            }
            for turn in told["turns"]
        ]
    }


def decision(visit: Visit) -> Shown:
    """One row: its columns, what it was made from, and what proves it."""
    event_id = _event_id(visit)
    event, kept = visit.here.decision(event_id)
    visit.note("console.record", event_id)
    record, state = None, "missing"
    if kept is not None:
        try:
            record, state = kept_records.decode(kept), "kept"
        except LedgerUnavailable:
            raise
        except Erased:
            state = story.ERASED_RECORD
        except (Fault, RecursionError) as fault:
            state = getattr(fault, "problem", "is nested too deep")
    proof = _proof(visit, event)
    columns = records.event(event)
    whole = columns | records.made_by(kept) | {"record": record, "state": state, "proof": proof}
    told = {"event": columns, "made": records.made_by(kept), "record": record, "state": state}
    return Shown("decision.html", told | {"proof": proof}, whole, (["path", "value"], flat(whole)))


def _proof(visit: Visit, event: AuditEvent) -> dict[str, Any] | None:
    try:
        return records.proof(visit.here.proof(event.event_id))
    except NotFound:
        return None


def replay(visit: Visit) -> Shown:
    """A conversation decided again, beside what was recorded."""
    correlation = _correlation(visit)
    replayed = visit.here.replay(correlation)
    if not replayed:
        raise not_here()
    visit.note("console.replay", correlation)
    outcomes = Counter(one.outcome for one in replayed)
    events = [wire.replayed_record(one) for one in replayed]
    totals = {
        "identical": outcomes["IDENTICAL"],
        "different": outcomes["DIFFERENT"],
        "not_replayable": outcomes["NOT_REPLAYABLE"],
    }
    told = {"correlation": correlation, "events": events, "totals": totals, "reasons": REASONS}
    header = ["event_id", "turn_id", "outcome", "reason", "path", "recorded", "replayed"]
    return Shown("replay.html", told, {"events": events, "totals": totals}, (header, _rows(events)))


def _rows(events: list[dict[str, Any]]) -> list[list[Any]]:
    rows = []
    for one in events:
        begin = [one["event_id"], one["turn_id"], one["outcome"], one["reason"]]
        rows += [
            [*begin, found["path"], _exactly(found, "recorded"), _exactly(found, "replayed")]
            for found in one["differences"] or [{"path": ""}]
        ]
    return rows


def _exactly(found: dict[str, Any], side: str) -> Any:
    """One side of a difference; what has parts as JSON, since their form alone may differ."""
    value = found.get(side)
    return compact(value) if isinstance(value, list | dict) else value


def bundle(visit: Visit) -> Response:
    """A conversation's evidence as one file."""
    correlation = _correlation(visit)
    if not visit.here.trace(correlation):
        raise not_here()
    visit.note("console.bundle", correlation)
    made = visit.here.bundle(
        correlation,
        unsealed=visit.asked("unsealed") == "true",
        with_inputs=visit.asked("with_inputs") == "true",
    )
    disposition = f'attachment; filename="case-{correlation}.zip"'
    return Response(made, 200, {"content-disposition": disposition}, "application/zip")


def checkpoints(visit: Visit) -> Shown:
    """What was signed of the tenant's log, and with which keys."""
    after = visit.asked("after") or "0"
    if not (after.isascii() and after.isdecimal() and len(after) <= _SIZE_DIGITS_MAX):
        raise BadField("after", "is no size of a tree", "Give a whole number.")
    found = [records.checkpoint(row) for row in visit.here.checkpoints(int(after), _CHECKPOINTS)]
    store, tenant_id = visit.console.store, visit.here.tenant_id
    newest = store.proofs.checkpoint(tenant_id)
    told = {
        "checkpoints": found,
        "newest": None if newest is None else records.checkpoint(newest),
        "unsealed": store.insight.unsealed(tenant_id),
        "keys": [row.key_id for row in store.proofs.signing_keys(tenant_id)],
        "following": found[-1]["size"] if len(found) == _CHECKPOINTS else None,
    }
    visit.note("console.seals", None)
    header = ["size", "root", "created_at"]
    rows = [[one[name] for name in header] for one in found]
    return Shown("checkpoints.html", told, {"checkpoints": found}, (header, rows))


def checkpoint(visit: Visit) -> Response:
    """One checkpoint as it was signed."""
    size = str(visit.request.path_params["size"])
    if not (size.isascii() and size.isdecimal() and len(size) <= _SIZE_DIGITS_MAX):
        raise not_here()
    row = visit.here.checkpoint(int(size))
    visit.note("console.checkpoint", size)
    disposition = f"attachment; filename=checkpoint-{row.size}.txt"
    headers = {"content-disposition": disposition}
    return Response(row.note, 200, headers, "text/plain; charset=utf-8")


def _seals(visit: Visit, event_ids: list[EventId]) -> dict[str, int | None]:
    """Where each row stands in the sealed log; None where it does not yet."""
    placed = visit.console.store.proofs.placed(visit.here.tenant_id, event_ids)
    return {one: placed[one].leaf_index if one in placed else None for one in event_ids}


def _correlation(visit: Visit) -> str:
    try:
        return parse_correlation_id(visit.request.path_params["correlation"])
    except BadField:
        raise not_here() from None


def _event_id(visit: Visit) -> str:
    try:
        return parse_event_id(visit.request.path_params["event"])
    except BadField:
        raise not_here() from None
