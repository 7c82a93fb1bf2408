"""Records: what an engine was asked and what it answered, in the one form that is kept.

A record holds a person's words: it is bytes, with the key that encrypts them beside it. From it
the next turn takes its open question, a retry its answer, and a replay its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, Final

from selene_os.decision import (
    Chat,
    Clarify,
    Confirmation,
    Decision,
    IntentDraft,
    ProfileDecision,
)
from selene_os.engines import nlp, persona
from selene_os.errors import BadField, Erased, Fault
from selene_os.gates import Confirmed, Draft, is_fit
from selene_os.handovers import HandOver
from selene_os.ledger import codec
from selene_os.ledger.events import (
    ERASED_KEY_ID,
    PLAIN_KEY_ID,
    AuditEvent,
    RecordedTurn,
    ReplayRecord,
)
from selene_os.ledger.repositories import Entry
from selene_os.names import TenantId, TraceId, UserId
from selene_os.reasons import ReasonCode, reason_name
from selene_os.turn import PH1_X_VERSION, Understood

Record = dict[str, Any]
# A row of a turn, and its record decoded.
Kept = tuple[RecordedTurn, Record]

# A decision of a team's own: nothing here can make it again, and the record says so.
_BROUGHT: Final[Record] = {"decided_by": "caller"}
BROUGHT: Final = codec.encode_json(_BROUGHT)
# What a record keeps of the request beside what was asked: which trace it was part of.
TRACE: Final = "trace_id"


def nlp_decision(
    result: nlp.Result,
    request: nlp.Request,
    pack: nlp.Pack | None = None,
    focus_span_ref: str | None = None,
) -> Decision:
    """The bounded decision of an answer: what of it goes into the audit row.

    The row can never be erased, so nothing in it derives from the words that were said.
    """
    reason = ReasonCode[result.reason_code]
    if result.decision == IntentDraft.DECISION:
        return IntentDraft(
            reason,
            result.intent_type or "",
            result.overall_confidence or "",
            result.required_fields,
            result.ambiguity_flags,
            focus_span_ref,
        )
    if result.decision == Clarify.DECISION:
        return Clarify(
            reason,
            result.what_is_missing or "",
            result.clarification_unit_id or "",
            nlp.recorded_formats(result.what_is_missing or "", request, pack),
            focus_span_ref,
        )
    return Chat(reason, focus_span_ref)


def profile_decision(result: persona.Result, snapshot: persona.Snapshot) -> ProfileDecision:
    """The bounded decision of a profile."""
    return ProfileDecision(
        ReasonCode[result.reason_code],
        snapshot.style_profile_ref,
        snapshot.delivery_policy_ref,
        snapshot.ref,
    )


def entries_of(understood: Understood, trace: TraceId | None = None) -> list[Entry]:
    """A turn's decisions, one for each draft; the first one's record holds the whole answer.

    A yes or a no is all that a turn decides; a draft that was changed is settled beside what it
    became.

    Args:
        trace: of the request, which each record keeps; it decides nothing.
    """
    result, settlement = understood.result, understood.settlement
    digest = nlp.pack_digest(understood.pack)
    entries = []
    if settlement is None or settlement.reason_code is ReasonCode.X_CHANGED:
        entries = [
            Entry(
                nlp_decision(draft, understood.request, understood.pack, understood.focus_span_ref),
                nlp.VERSION,
                digest,
                _encode(_of_turn(understood, result if number == 0 else draft), trace),
            )
            for number, draft in enumerate(result.drafts or (result,))
        ]
    if settlement is not None:
        asked = {"request": _request_of(understood), **_told(understood.hand_overs)}
        entries += [
            _settled(settlement.reason_code, draft, asked, trace, digest)
            for draft in settlement.drafts
        ]
    return entries


def entry_of_reply(draft: Draft, trace: TraceId | None = None, *, yes: bool) -> Entry:
    """A draft that was confirmed or declined by a call, not in words."""
    reason = ReasonCode.X_CONFIRMED if yes else ReasonCode.X_DECLINED
    asked = {"request": {"draft_event_id": draft.event_id, "yes": yes}}
    return _settled(reason, draft, asked, trace)


def _settled(
    reason: ReasonCode,
    draft: Draft,
    asked: Record,
    trace: TraceId | None,
    pack_digest: str | None = None,
) -> Entry:
    decision = Confirmation(reason, draft.event_id)
    record = {
        "decided_by": codec.PH1_X,
        **asked,
        "answer": {"decision": decision.decision, "reason_code": reason.name},
        "draft": {
            "event_id": draft.event_id,
            "digest": draft.digest,
            "intent_type": draft.intent_type,
            "fields": [heard.as_record() for heard in draft.result.fields],
        },
    }
    return Entry(decision, PH1_X_VERSION, pack_digest, _encode(record, trace))


def entry_of_profile(
    request: persona.Request,
    result: persona.Result,
    snapshot: persona.Snapshot,
    notes: Sequence[str],
    rests_on: dict[str, str],
    trace: TraceId | None = None,
) -> Entry:
    """A profile's decision with its record.

    Args:
        notes: what of the user's context was not used, and why.
        rests_on: what decided each part in the first place, through the profiles before.
    """
    record = _of_profile(request, result, snapshot)
    record.update(notes=list(notes), rests_on=rests_on)
    encoded = _encode(record, trace)
    return Entry(profile_decision(result, snapshot), persona.VERSION, None, encoded)


def entry_brought(decision: Decision, trace: TraceId | None = None) -> Entry:
    """A decision of a team's own understanding, with the record that says so.

    Raises:
        BadField: it is none that can be brought; a confirmation is what a user said to a draft.
    """
    if not isinstance(decision, IntentDraft | Clarify | Chat):
        raise BadField(
            "decision",
            f"of type {type(decision).__name__:.64} cannot be brought",
            "Give an IntentDraft, a Clarify or a Chat.",
        )
    # Mostly the same bytes, above all in a batch.
    return Entry(decision, "", None, BROUGHT if trace is None else _encode(_BROUGHT, trace))


def _encode(record: Record, trace: TraceId | None) -> bytes:
    """A record as it is kept; a trace stands in it only where there was one."""
    return codec.encode_json(record if trace is None else {**record, TRACE: trace})


def _of_turn(understood: Understood, answer: nlp.Result) -> Record:
    """The record of a turn's decision."""
    return {
        "decided_by": nlp.NAME,
        "request": _request_of(understood),
        "answer": answer.as_record(),
        **_told(understood.hand_overs),
    }


def _request_of(understood: Understood) -> Record:
    """What PH1.NLP was asked; of the terms the name of their bundle, which the ledger keeps."""
    record = understood.request.as_record(with_terms=False)
    if understood.hints_digest is not None:
        record["terms_digest"] = understood.hints_digest
    return record


def _told(hand_overs: Sequence[HandOver]) -> Record:
    return {"hand_overs": [handed.as_record() for handed in hand_overs]}


def _of_profile(
    request: persona.Request, result: persona.Result, snapshot: persona.Snapshot
) -> Record:
    """The record of a profile commit."""
    return {
        "decided_by": persona.NAME,
        "request": asdict(request),
        "answer": {
            "status": result.status,
            "reason_code": result.reason_code,
            "snapshot": asdict(snapshot),
            "evidence": [list(part) for part in result.evidence],
            "diagnostics": list(result.diagnostics),
        },
    }


def decode(kept: ReplayRecord | RecordedTurn) -> Record:
    """A kept record. Raises Erased; and Fault where its key is not here, or it is no record."""
    if kept.key_id == ERASED_KEY_ID:
        raise Erased(
            f"the record of event {kept.event_id} has no key any more",
            "Nothing brings it back; say it anew, in a turn of its own.",
            reason=ReasonCode.J_USER_ERASED.name,
        )
    if kept.key_id != PLAIN_KEY_ID:
        raise Fault(f"the record's key {kept.key_id} is not here", "Provide the key.")
    try:
        record = codec.decode_json(kept.record)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise Fault(f"the record of event {kept.event_id} is damaged", "See `selene doctor`.")
    return record


def trace_of(kept: ReplayRecord | None) -> str | None:
    """The trace of the request that made a record; None where it had none, or cannot be read."""
    if kept is None:
        return None
    try:
        trace = decode(kept).get(TRACE)
    except (Erased, Fault):
        # Whoever asks wants to know of the row, which is there whatever became of its record.
        return None
    return trace if isinstance(trace, str) else None


@contextmanager
def _reading(event_id: str) -> Iterator[None]:
    """Turn what a record lacks, or holds too much of, into the fault that it is."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, BadField) as error:
        raise Fault(f"the record of event {event_id} is damaged", "See `selene doctor`.") from error


def answer_of(event: AuditEvent, kept: ReplayRecord) -> nlp.Result:
    """The answer that was recorded; of a decision brought along, what its payload says."""
    record = decode(kept)
    if "answer" in record:
        with _reading(event.event_id):
            return nlp.decode_result(record["answer"])
    payload = codec.decode_json(event.payload_min)
    return nlp.Result(
        payload["decision"],
        reason_name(event.reason_code),
        payload.get("intent_type"),
        payload.get("overall_confidence"),
        required_fields=tuple(payload.get("required_fields", ())),
        ambiguity_flags=tuple(payload.get("ambiguity_flags", ())),
        what_is_missing=payload.get("what_is_missing"),
        accepted_answer_formats=tuple(payload.get("accepted_answer_formats", ())),
        clarification_unit_id=payload.get("clarification_unit_id"),
    )


def drafts_of(tenant_id: TenantId, rows: Sequence[Kept]) -> tuple[Draft, ...]:
    """The drafts of one turn that wait for a yes: fit for one, and not settled in that turn."""
    settled = set()
    found = []
    for kept, record in rows:
        with _reading(kept.event_id):
            if kept.engine == codec.PH1_X:
                settled.add(record["draft"]["event_id"])
            elif "answer" in record and record["answer"]["decision"] == IntentDraft.DECISION:
                result = replace(nlp.decode_result(record["answer"]), drafts=())
                draft = _draft(tenant_id, kept, result)
                if result.requires_confirmation and is_fit(draft):
                    found.append(draft)
    return tuple(draft for draft in found if draft.event_id not in settled)


def confirmed_of(rows: Sequence[Kept]) -> Record | None:
    """The values that one turn confirmed, as PH1.NLP takes them; None where it confirmed none."""
    for kept, record in rows:
        if kept.engine != codec.PH1_X:
            continue
        with _reading(kept.event_id):
            if record["answer"]["decision"] == "CONFIRMED":
                draft = record["draft"]
                return {"intent_type": draft["intent_type"], "fields": draft["fields"]}
    return None


def draft_of(event: AuditEvent, kept: ReplayRecord) -> Draft:
    """The draft that a row holds. Raises BadField: the row is no draft of PH1.NLP's."""
    if event.engine != codec.PH1_NLP:
        raise BadField("draft_event_id", "names no draft", "Name the event of an INTENT_DRAFT.")
    result = replace(answer_of(event, kept), drafts=())
    return Draft(
        event.event_id, event.tenant_id, event.user_id or UserId(""), event.created_at, result
    )


def confirmed_by(event: AuditEvent, kept: ReplayRecord, within_ns: int, *, used: bool) -> Confirmed:
    """What a row says to a draft. Raises BadField: it is no confirmation."""
    if event.engine != codec.PH1_X:
        raise BadField(
            "confirmation_event_id", "names no confirmation", "Name the event of an XConfirm."
        )
    record = decode(kept)
    with _reading(event.event_id):
        digest = str(record["draft"]["digest"])
    return Confirmed(
        event.event_id,
        event.tenant_id,
        event.user_id or UserId(""),
        codec.decode_json(event.payload_min)["decision"],
        codec.decode_json(event.payload_min)["draft_event_id"],
        digest,
        event.created_at + within_ns,
        used,
    )


def _draft(tenant_id: TenantId, kept: RecordedTurn, result: nlp.Result) -> Draft:
    return Draft(kept.event_id, tenant_id, kept.user_id or UserId(""), kept.created_at, result)


def pending_of(rows: Sequence[Kept]) -> Record | None:
    """The question that a turn's rows left open: the first incomplete one's."""
    for kept, record in rows:
        if kept.engine != codec.PH1_NLP:
            continue
        with _reading(kept.event_id):
            answer = record.get("answer") or {}
            for draft in answer.get("drafts") or [answer]:
                if draft.get("pending") is not None:
                    return dict(draft["pending"])
    return None


def snapshot_of(kept: RecordedTurn) -> persona.Snapshot:
    """The profile snapshot of a recorded profile commit."""
    record = decode(kept)
    with _reading(kept.event_id):
        return persona.Snapshot(**record["answer"]["snapshot"])


def rests_of(kept: RecordedTurn) -> dict[str, str]:
    """What decided each part of a recorded profile in the first place."""
    record = decode(kept)
    with _reading(kept.event_id):
        return dict(record.get("rests_on") or record["answer"]["evidence"])


def profile_of(kept: ReplayRecord) -> tuple[persona.Result, persona.Snapshot, tuple[str, ...]]:
    """The profile that was recorded, with what of the context was not used."""
    record = decode(kept)
    with _reading(kept.event_id):
        answer = record["answer"]
        snapshot = persona.Snapshot(**answer["snapshot"])
        result = persona.Result(
            answer["status"],
            answer["reason_code"],
            snapshot,
            tuple((part, ref) for part, ref in answer["evidence"]),
            tuple(answer["diagnostics"]),
        )
        return result, snapshot, tuple(record.get("notes", ()))
