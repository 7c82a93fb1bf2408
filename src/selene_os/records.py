"""Records: what an engine was asked and what it answered, in the one form that is kept.

A record holds a person's words: it is bytes, with the key that encrypts them beside it. From it
the next turn takes its open question, a retry its answer, and a replay its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from selene_os.decision import Chat, Clarify, Decision, IntentDraft, ProfileDecision
from selene_os.engines import nlp, persona
from selene_os.errors import EngineRefused, Fault, IdentityRequired
from selene_os.ledger import codec
from selene_os.ledger.events import PLAIN_KEY_ID, AuditEvent, RecordedTurn, ReplayRecord
from selene_os.ledger.repositories import Entry
from selene_os.reasons import ReasonCode, reason_name
from selene_os.turn import HandOver, Understood

Record = dict[str, Any]

# A decision of a team's own: nothing here can make it again, and the record says so.
BROUGHT: Final = codec.encode_json({"decided_by": "caller"})


def nlp_decision(
    result: nlp.Result, request: nlp.Request, pack: nlp.Pack | None = None
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
        )
    if result.decision == Clarify.DECISION:
        return Clarify(
            reason,
            result.what_is_missing or "",
            result.clarification_unit_id or "",
            nlp.recorded_formats(result.what_is_missing or "", request, pack),
        )
    return Chat(reason)


def profile_decision(result: persona.Result, snapshot: persona.Snapshot) -> ProfileDecision:
    """The bounded decision of a profile."""
    return ProfileDecision(
        ReasonCode[result.reason_code],
        snapshot.style_profile_ref,
        snapshot.delivery_policy_ref,
        snapshot.ref,
    )


def entries_of(understood: Understood) -> list[Entry]:
    """A turn's decisions, one for each draft; the first one's record holds the whole answer."""
    result = understood.result
    return [
        Entry(
            nlp_decision(draft, understood.request, understood.pack),
            nlp.VERSION,
            nlp.pack_digest(understood.pack),
            codec.encode_json(
                _of_turn(
                    understood.request, result if number == 0 else draft, understood.hand_overs
                )
            ),
        )
        for number, draft in enumerate(result.drafts or (result,))
    ]


def entry_of_profile(
    request: persona.Request, result: persona.Result, snapshot: persona.Snapshot
) -> Entry:
    """A profile's decision with its record."""
    record = _of_profile(request, result, snapshot)
    encoded = codec.encode_json(record)
    return Entry(profile_decision(result, snapshot), persona.VERSION, None, encoded)


def entry_brought(decision: Decision) -> Entry:
    """A decision of a team's own understanding, with the record that says so."""
    return Entry(decision, "", None, BROUGHT)


def _of_turn(request: nlp.Request, answer: nlp.Result, hand_overs: Sequence[HandOver]) -> Record:
    """The record of a turn's decision."""
    return {
        "decided_by": nlp.NAME,
        "request": request.as_record(),
        "answer": answer.as_record(),
        "hand_overs": [handed.as_record() for handed in hand_overs],
    }


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
    """A kept record. Raises Fault where its key is not here, or it is no record."""
    if kept.key_id != PLAIN_KEY_ID:
        raise Fault(f"the record's key {kept.key_id} is not here", "Provide the key.")
    try:
        record = codec.decode_json(kept.record)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise Fault(f"the record of event {kept.event_id} is damaged", "See `selene doctor`.")
    return record


def answer_of(event: AuditEvent, kept: ReplayRecord) -> nlp.Result:
    """The answer that was recorded; of a decision brought along, what its payload says."""
    record = decode(kept)
    if "answer" in record:
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


def pending_of(rows: Sequence[RecordedTurn]) -> Record | None:
    """The question that a turn's rows left open: the first incomplete one's."""
    for kept in rows:
        answer = decode(kept).get("answer") or {}
        for draft in answer.get("drafts") or [answer]:
            if draft.get("pending") is not None:
                return dict(draft["pending"])
    return None


def snapshot_of(kept: RecordedTurn) -> persona.Snapshot:
    """The profile snapshot of a recorded profile commit."""
    return persona.Snapshot(**decode(kept)["answer"]["snapshot"])


def profile_of(kept: ReplayRecord) -> tuple[persona.Result, persona.Snapshot]:
    """The profile that was recorded."""
    answer = decode(kept)["answer"]
    snapshot = persona.Snapshot(**answer["snapshot"])
    result = persona.Result(
        answer["status"],
        answer["reason_code"],
        snapshot,
        tuple((part, ref) for part, ref in answer["evidence"]),
        tuple(answer["diagnostics"]),
    )
    return result, snapshot


def validated(request: persona.Request, result: persona.Result) -> persona.Snapshot:
    """The snapshot of a result that holds; a refusal of the engine's as the caller's to mend."""
    if result.reason_code == "PERSONA_IDENTITY_REQUIRED":
        raise IdentityRequired(
            "is missing or not verified",
            "Verify the speaker and name them; there is no fallback profile.",
            field="speaker_id",
            reason=result.reason_code,
        )
    if result.snapshot is None:
        raise EngineRefused("PH1.PERSONA", "See the reason code.", reason=result.reason_code)
    if broken := persona.validate(request, result.snapshot):
        raise EngineRefused(
            f"PH1.PERSONA's profile breaks {', '.join(broken)}",
            "Report this; nothing was written.",
            reason="PERSONA_VALIDATION_FAILED",
        )
    return result.snapshot
