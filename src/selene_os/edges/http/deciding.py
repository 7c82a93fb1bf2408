"""Operations that make rows: turns, profiles, decisions that are brought, a yes or a no."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from selene_os.decision import Chat, Clarify, Decision, IntentDraft
from selene_os.edges import wire
from selene_os.edges.apikeys import WRITE
from selene_os.edges.http import answers, models, problems, records
from selene_os.edges.http.moments import told
from selene_os.edges.http.operations import (
    BATCH_BYTES_MAX,
    Call,
    Operation,
    Reply,
    replied,
    written,
)
from selene_os.engines import nlp, persona
from selene_os.engines.focus import Item
from selene_os.engines.persona import Signal
from selene_os.errors import BadField, Refusal, SeleneError
from selene_os.ledger import codec
from selene_os.names import IDEMPOTENCY_KEY_BYTES_MAX
from selene_os.reasons import ReasonCode
from selene_os.receipts import Answer, Brought, Committed
from selene_os.records import trace_of
from selene_os.turn import PH1_X_VERSION

# How a profile is counted, beside the kinds of decisions.
_PROFILE: Final = "PROFILE"
_BRING_ONE: Final[TypeAdapter[models.BringOne]] = TypeAdapter(models.BringOne)


def take_turn(call: Call) -> Reply:
    """Understand one utterance and record the decision."""
    body: models.TakeTurn = call.body
    answer = call.tenant.take_turn(
        body.user_id,
        body.device_id,
        body.text,
        session=body.session_id,
        correlation=call.conversation(body.correlation_id),
        turn=body.turn_id,
        key=call.idempotency_key,
        now=body.now,
        language=body.language,
        transcript_confidence=body.transcript_confidence,
        uncertain_spans=[
            nlp.UncertainSpan(span.start, span.end, span.kind, span.field)
            for span in body.uncertain_spans
        ],
        salient=[
            Item(one.item_id, one.kind, one.score, one.content_ref, one.evidence_ref)
            for one in body.salient
        ],
        source=body.source,
        privacy_scope=body.privacy_scope,
        trace=call.trace_id,
    )
    return _answered(call, answer, call.deployment.selene.pack.digest)


def _answered(call: Call, answer: Answer, pack_digest: str | None) -> Reply:
    record = told(wire.answer_record(answer), "confirm_by")
    record.setdefault("event_ids", [answer.event_id])
    record.update(_made_by(call, answer, pack_digest))
    return _written(call, record, answer.decision)


def _made_by(call: Call, answer: Answer, pack_digest: str | None) -> dict[str, Any]:
    """What made it, and in which trace: of a retry, as the first one's record says.

    Args:
        pack_digest: what this process reads words by; None where there were none to read.
    """
    if answer.deduplicated:
        return _recorded(call, answer.event_id)
    if answer.decision in ("CONFIRMED", "DECLINED"):
        return records.made(codec.PH1_X, PH1_X_VERSION, pack_digest, call.trace_id)
    return records.made(codec.PH1_NLP, nlp.VERSION, pack_digest, call.trace_id)


def _recorded(call: Call, event_id: str) -> dict[str, Any]:
    event, kept = call.tenant.decision(event_id)
    return {"engine": event.engine, **records.made_by(kept), "trace_id": trace_of(kept)}


def _written(call: Call, record: dict[str, Any], kind: str) -> Reply:
    call.outcome.correlation_id = record["correlation_id"]
    call.outcome.decided(kind, deduplicated=record["deduplicated"])
    location = call.url("decisions", record["event_id"])
    return written(record, deduplicated=record["deduplicated"], location=location)


def confirm(call: Call) -> Reply:
    """Record a user's yes or no to one draft."""
    body: models.Confirm = call.body
    call.about(body.draft_event_id)
    answer = call.tenant.confirm(
        body.draft_event_id,
        body.confirmed,
        user=body.user_id,
        device=body.device_id,
        session=body.session_id,
        key=call.idempotency_key,
        trace=call.trace_id,
    )
    # A yes that is sent, and not said, is read by no pack.
    return _answered(call, answer, None)


def commit_profile(call: Call) -> Reply:
    """Decide and record a verified user's tone and delivery."""
    body: models.CommitProfile = call.body
    profile = call.tenant.commit_profile(
        body.user_id,
        body.device_id,
        speaker=body.speaker_id,
        signals=[Signal(one.key, one.value, one.evidence_ref) for one in body.signals],
        place=body.place,
        style_hint=body.style_hint,
        correction_event_count=body.correction_event_count,
        session=body.session_id,
        correlation=call.conversation(body.correlation_id),
        turn=body.turn_id,
        key=call.idempotency_key,
        trace=call.trace_id,
    )
    record = wire.profile_record(profile)
    if profile.receipt.deduplicated:
        record.update(_recorded(call, profile.receipt.event_id))
    else:
        record.update(records.made(codec.PH1_PERSONA, persona.VERSION, None, call.trace_id))
    return _written(call, record, _PROFILE)


# ---- decisions that are brought


def bring(call: Call) -> Reply:
    """Record one decision of a team's own understanding."""
    brought = _brought(call, call.body, call.idempotency_key)
    brought = replace(brought, correlation=call.conversation(brought.correlation))
    committed = call.tenant.commit_decisions([brought])[0]
    if isinstance(committed, SeleneError):
        raise committed
    return _written(call, records.committed(committed), call.body.decision.kind)


def bring_many(call: Call) -> Reply:
    """Record many decisions in one transaction, each with a verdict of its own."""
    given = call.body.decisions
    if not 1 <= len(given) <= models.BATCH_MAX:
        step = f"Send 1 to {models.BATCH_MAX} at a time."
        raise BadField("decisions", f"are {len(given)}", step)
    outcomes: list[Committed | SeleneError | None] = [None] * len(given)
    taken: list[tuple[int, Brought]] = []
    for number, one in enumerate(given):
        try:
            item = _BRING_ONE.validate_python(one)
            key = item.idempotency_key or _key_of(call.idempotency_key, number)
            taken.append((number, _brought(call, item, key)))
        except ValidationError as error:
            outcomes[number] = problems.of_validation(error)
        except Refusal as refusal:
            outcomes[number] = refusal
    committed = call.tenant.commit_decisions([one for _, one in taken]) if taken else []
    for (number, _), outcome in zip(taken, committed, strict=True):
        outcomes[number] = outcome
        if isinstance(outcome, Committed):
            kind = given[number]["decision"]["kind"]
            call.outcome.decided(kind, deduplicated=outcome.receipt.deduplicated)
    results = [_verdict(one, call.outcome.request_id) for one in outcomes]
    counts = [one["status"] for one in results]
    return replied(
        {
            "results": results,
            "written": counts.count(201),
            "deduplicated": counts.count(200),
            "refused": sum(status >= 400 for status in counts),
        }
    )


def _key_of(header: str | None, number: int) -> str | None:
    """The key of one of many: the header's with its place, so that a batch can be sent again."""
    if header is None:
        return None
    key = f"{header}:{number + 1}"
    if len(key.encode(errors="replace")) > IDEMPOTENCY_KEY_BYTES_MAX:
        raise BadField("idempotency_key", "is too long for its place behind it", "Shorten it.")
    return key


def _brought(call: Call, body: models.BringDecision, key: str | None) -> Brought:
    return Brought(
        _decision(body.decision),
        body.user_id,
        body.device_id,
        body.session_id,
        body.correlation_id,
        body.turn_id,
        key,
        body.text,
        call.trace_id,
    )


def _decision(given: models.Draft | models.Clarify | models.Chat) -> Decision:
    reason = ReasonCode[given.reason_code]
    if isinstance(given, models.Draft):
        return IntentDraft(
            reason,
            given.intent_type,
            given.overall_confidence,
            tuple(given.required_fields),
            tuple(given.ambiguity_flags),
            given.focus_span_ref,
        )
    if isinstance(given, models.Clarify):
        return Clarify(
            reason,
            given.what_is_missing,
            given.clarification_unit_id,
            tuple(given.accepted_answer_formats),
            given.focus_span_ref,
        )
    return Chat(reason, given.focus_span_ref)


def _verdict(outcome: Committed | SeleneError | None, request_id: str) -> dict[str, Any]:
    assert outcome is not None
    if isinstance(outcome, SeleneError):
        problem = problems.of_error(outcome)
        told = problem.as_record(request_id)
        return {"status": problem.status, "committed": None, "problem": told}
    status = 200 if outcome.receipt.deduplicated else 201
    return {"status": status, "committed": records.committed(outcome), "problem": None}


_WRITES: Final = (403, 404, 409)

OPERATIONS: Final = (
    Operation(
        "takeTurn",
        "POST",
        "turns",
        (WRITE,),
        take_turn,
        "Understand one utterance and record the decision.",
        "The decision is an intent draft, one question, or chat; it never acts. Where a draft of"
        " the user's turn before waits for a yes, the utterance may be that yes. With an"
        " Idempotency-Key, or with correlation_id and turn_id, sending it again is a retry.",
        body=models.TakeTurn,
        answers={201: answers.TurnAnswer, 200: answers.TurnAnswer},
        refusals=_WRITES,
        keyed=True,
    ),
    Operation(
        "confirm",
        "POST",
        "confirmations",
        (WRITE,),
        confirm,
        "Record a user's yes or no to one draft, once and in time.",
        body=models.Confirm,
        answers={201: answers.TurnAnswer, 200: answers.TurnAnswer},
        refusals=_WRITES,
        keyed=True,
    ),
    Operation(
        "commitProfile",
        "POST",
        "profiles",
        (WRITE,),
        commit_profile,
        "Decide and record a verified user's tone and delivery.",
        body=models.CommitProfile,
        answers={201: answers.ProfileAnswer, 200: answers.ProfileAnswer},
        refusals=_WRITES,
        keyed=True,
    ),
    Operation(
        "bringDecision",
        "POST",
        "decisions",
        (WRITE,),
        bring,
        "Record one decision of your own understanding.",
        body=models.BringDecision,
        answers={201: answers.Brought, 200: answers.Brought},
        refusals=_WRITES,
        keyed=True,
    ),
    Operation(
        "bringDecisions",
        "POST",
        "decisions/batch",
        (WRITE,),
        bring_many,
        "Record up to 1,000 decisions in one transaction, each with its own verdict.",
        "The verdicts stand in the order of the decisions; the answer is 200 whatever they are. An"
        " item without a key gets the header's with its place: `<key>:1` and on. A traceparent is"
        " kept in each record and names no conversation: each item has one of its own.",
        body=models.BringDecisions,
        answers={200: answers.Verdicts},
        keyed=True,
        body_bytes_max=BATCH_BYTES_MAX,
    ),
)
