"""What the edges show: rows, answers and receipts as JSON, in one form for every edge."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from selene_os.engines import nlp
from selene_os.errors import BadField, Refusal
from selene_os.language import times
from selene_os.reasons import ReasonCode, reason_name

if TYPE_CHECKING:
    # What understands without a ledger shows its answers here as well, and needs none of these.
    from selene_os.dictionary import Imported, Line
    from selene_os.ledger.events import AuditEvent, Receipt
    from selene_os.receipts import Answer, Profile
    from selene_os.remembering import Applied, Memory
    from selene_os.replaying import Replayed

Record = dict[str, Any]
Answering = Callable[[object], Record]


def dumps(value: object) -> str:
    """Compact JSON, keys in the order they have."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def event_record(event: AuditEvent) -> Record:
    """A row with its columns by the specifications' names.

    reason_code is the name; reason_code_number the number that is stored; payload_min the payload.
    """
    record: Record = event._asdict()
    record["reason_code"] = reason_name(event.reason_code)
    record["reason_code_number"] = event.reason_code
    record["payload_min"] = json.loads(event.payload_min)
    return record


def receipt_record(receipt: Receipt) -> Record:
    """What a writer is told of one event."""
    return {
        "event_id": receipt.event_id,
        "deduplicated": receipt.deduplicated,
        "same_decision": receipt.same_decision,
    }


def answer_record(answer: Answer) -> Record:
    """A turn's answer with its receipt, and what waits for a yes.

    Of a yes or a no, what it was said to, with the decision and reason of its own row.
    """
    record = answer.result.as_record()
    record["decision"] = answer.decision
    if answer.decision != answer.result.decision:
        record["reason_code"] = ReasonCode[f"X_{answer.decision}"].name
    record.update(receipt_record(answer.receipts[0]))
    record["same_decision"] = answer.same_decision
    record["correlation_id"] = answer.correlation_id
    record["turn_id"] = answer.turn_id
    if len(answer.receipts) > 1:
        record["event_ids"] = [receipt.event_id for receipt in answer.receipts]
    record["confirmation"] = answer.confirmation
    record["draft_event_ids"] = list(answer.drafts)
    record["confirm_by"] = answer.confirm_by
    record["lapsed"] = None if answer.lapsed is None else answer.lapsed.name
    record["refused"] = {one.engine: one.reason_code for one in answer.refused}
    return record


def profile_record(profile: Profile) -> Record:
    """A profile with its receipt."""
    snapshot = profile.snapshot
    return {
        "style_profile_ref": snapshot.style_profile_ref,
        "delivery_policy_ref": snapshot.delivery_policy_ref,
        "brevity_ref": snapshot.brevity_ref,
        "preferred_language": snapshot.preferred_language,
        "confirmation_ref": snapshot.confirmation_ref,
        "preferences_snapshot_ref": snapshot.ref,
        "reason_code": profile.result.reason_code,
        "evidence": dict(profile.result.evidence),
        "diagnostics": list(profile.result.diagnostics),
        **receipt_record(profile.receipt),
        "correlation_id": profile.correlation_id,
        "turn_id": profile.turn_id,
        "notes": list(profile.notes),
    }


def replayed_record(one: Replayed) -> Record:
    """What became of an event that was decided again.

    decision: the kind, the intent type or field, and the reason of its row, as far as it has them.
    """
    row = one.event
    return {
        "event_id": row.event_id,
        "tenant_id": row.tenant_id,
        "correlation_id": row.correlation_id,
        "turn_id": row.turn_id,
        "engine": row.engine,
        "decision": _decision(row),
        "outcome": one.outcome,
        "reason": one.reason,
        "differs": one.differs,
        "recorded_version": one.recorded_version,
        "replayed_version": one.replayed_version,
        "recorded_pack": one.recorded_pack,
        "replayed_pack": one.replayed_pack,
        "unchecked": list(one.unchecked),
        "differences": [_sound(found.as_record()) for found in one.differences],
    }


def _decision(row: AuditEvent) -> list[str]:
    """A row's decision in a few words; of a spoilt row, its engine."""
    try:
        payload = json.loads(row.payload_min)
    except (ValueError, RecursionError):
        payload = None
    held = payload if isinstance(payload, dict) else {}
    kind = held.get("decision", "PROFILE" if row.engine == "PH1.PERSONA" else row.engine)
    what = (held.get("intent_type"), held.get("what_is_missing"), reason_name(row.reason_code))
    return [str(_sound(part)) for part in (kind, *what) if isinstance(part, str) and part]


def _sound(value: Any) -> Any:
    """What stood in a record, as JSON that every reader takes: no NaN, no half of a pair."""
    if isinstance(value, dict):
        return {_unicode(str(key)): _sound(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_sound(inner) for inner in value]
    if isinstance(value, str):
        return _unicode(value)
    return repr(value) if isinstance(value, float) else value


def line_record(line: Line) -> Record:
    """What became of one line of an import, and why where it was refused."""
    error = None
    if line.refusal is not None:
        error = {key: _unicode(text) for key, text in line.refusal.as_record().items()}
    return {
        "line": line.number,
        "entry_id": _unicode(line.entry_id),
        "became": line.became,
        "error": error,
    }


def imported_record(imported: Imported) -> Record:
    """What became of an import, line by line."""
    return {
        "lines": [line_record(line) for line in imported.lines],
        "written": imported.written,
        "digest": imported.digest,
        "terms": imported.terms,
    }


def memory_record(memory: Memory) -> Record:
    """One thing that is remembered; of one that was forgotten its name alone."""
    return {
        "memory_key": memory.memory_key,
        "text": memory.text or None,
        "normalised": memory.normalised,
        "updated_at": memory.updated_at,
    }


def applied_record(applied: Applied) -> Record:
    """What became of a MEMORY_… draft, with the receipt of the memory event, if one was written."""
    receipt = applied.receipt
    return {
        "intent_type": applied.intent_type,
        "memories": [memory_record(memory) for memory in applied.memories],
        "receipt": None if receipt is None else receipt_record(receipt),
    }


def error_record(error: Refusal) -> Record:
    """What is wrong with one line of input: the field and the message."""
    return {"error": {"field": _unicode(error.field), "message": _unicode(str(error))}}


def _unicode(text: str | None) -> str | None:
    """What was sent may be no UTF-8; what is answered is."""
    return text and text.encode(errors="replace").decode()


def normalize(given: object, pack: nlp.Pack | None = None) -> Record:
    """A request's answer by PH1.NLP, read by a pack or by the core pack. Raises BadField."""
    return nlp.run(nlp.decode_request(given), pack).as_record()


def find_times(given: object) -> Record:
    """The time expressions of {"text", "reference_time", "policy", "order"}; all but text optional.

    Raises:
        BadField: a key is not known, or a value is outside its bounds.
    """
    if not isinstance(given, dict):
        raise BadField("request", "must be a JSON object", "Send one object a line.")
    for key in given:
        if key not in ("text", "reference_time", "policy", "order"):
            raise BadField(
                f"{key:.60}", "is not known", "Send text, reference_time, policy, order."
            )
    text = nlp.check_utterance(given.get("text"))
    policy = _one_of("policy", given.get("policy", times.ASK), (times.ASK, times.NEXT_OCCURRENCE))
    order = _one_of("order", given.get("order"), (None, "DMY", "MDY", "YMD"))
    moment = _moment(given.get("reference_time"))
    spans = times.find(text, now=moment, policy=policy, order=order)
    return {"times": [time_record(span) for span in spans]}


def time_record(span: times.TimeSpan) -> Record:
    """One time expression: its evidence, what kind it is, and its readings or its duration."""
    record: Record = {
        "start": span.start,
        "end": span.end,
        "text": span.text,
        "kind": span.kind,
        "grain": span.grain,
    }
    if span.duration is not None:
        record["duration"] = span.duration
    else:
        record["readings"] = [{"start": one.start, "end": one.end} for one in span.readings]
    return record


def _moment(given: object) -> datetime | None:
    """A naive local moment, or None."""
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise BadField(
            "reference_time",
            "is no local moment without offset",
            "Give it like 2026-11-21T09:30:00.",
        )
    return moment


def _one_of(name: str, given: Any, accepted: tuple[Any, ...]) -> Any:
    if given not in accepted:
        told = " | ".join(str(one) for one in accepted if one is not None)
        raise BadField(name, "is not accepted", f"Give {told}.")
    return given


def answer_line(line: str, answer: Answering) -> str:
    """One request line to one answer line; a bad one to its error, so that the run goes on."""
    try:
        given = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        problem = BadField("line", f"is no JSON ({error})", "Send one object a line.")
        return dumps(error_record(problem))
    try:
        return dumps(answer(given))
    except Refusal as refusal:
        return dumps(error_record(refusal))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def answer_lines(lines: TextIO, out: TextIO, answer: Answering) -> None:
    """Answer every line, in order, each flushed before the next is read."""
    for line in lines:
        out.write(answer_line(line, answer) + "\n")
        out.flush()
