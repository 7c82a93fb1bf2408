"""One turn: what was said, by whom, where; and the only file where engines meet.

Engines never call engines. `understand` hands each one's result on, hands nothing on that did not
validate, and notes every hand-over, so that a record tells which engine ran and what became of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from selene_os.engines import focus, know, nlp, prune, srl
from selene_os.errors import BadField
from selene_os.gates import Draft
from selene_os.handovers import (
    NOT_NEEDED,
    PASSED,
    REFUSED,
    USED,
    HandOver,
    digest_of,
    handed_on,
    plain,
)
from selene_os.reasons import ReasonCode

PH1_X: Final = "PH1.X"
PH1_X_VERSION: Final = "1.0.0"
_SETTLED: Final = {
    "CONFIRMED": ReasonCode.X_CONFIRMED,
    "DECLINED": ReasonCode.X_DECLINED,
    "CHANGED": ReasonCode.X_CHANGED,
}
# A salient span of this utterance; other items of context point elsewhere.
_SPAN: Final = re.compile(r"span:([0-9]{1,5})-([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hints:
    """What PH1.KNOW hands on of one bundle of terms, made ready once for many turns.

    Attributes:
        digest: the bundle's; None where the tenant has none.
        reason_code: what PH1.KNOW said.
        terms: the hints as PH1.NLP looks them up; none where the bundle was closed.
        known: the words of the hints, which PH1.SRL leaves as they are.
        closed: the bundle was refused as a whole.
    """

    digest: str | None
    reason_code: ReasonCode
    terms: nlp.Terms
    known: frozenset[str]
    closed: bool


NO_HINTS: Final = Hints(None, ReasonCode.KNOW_HINTS_OK, nlp.NO_TERMS, frozenset(), closed=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn gives the engines.

    Attributes:
        tenant_id, correlation_id, turn_id: where it stands.
        text: what was said, 1 to 32,768 bytes of UTF-8.
        language: "en" or "zh".
        now: the moment of speaking with the user's offset from UTC.
        transcript_confidence, uncertain_spans: how sure the transcriber was.
        policy: the tenant's settings.
        pending: of the turn before, from the record; never from a caller.
        waiting: the drafts of the turn before that wait for a yes, from the record.
        lapsed: those that can no longer be settled by a word, and lapsed_reason why.
        confirmed: {intent_type, fields} that the turn before confirmed, from the record.
        hints: of the tenant's dictionary; see `hints_of`.
        items: salient spans ("span:START-END" as content_ref) and items of context.
    """

    tenant_id: str
    correlation_id: str
    turn_id: int
    text: str
    language: str = "en"
    now: datetime | None = None
    transcript_confidence: str = "HIGH"
    uncertain_spans: tuple[nlp.UncertainSpan, ...] = ()
    policy: nlp.Policy = field(default_factory=nlp.Policy)
    pending: dict[str, Any] | None = None
    waiting: tuple[Draft, ...] = ()
    lapsed: tuple[Draft, ...] = ()
    lapsed_reason: ReasonCode = ReasonCode.X_CONFIRMATION_LATE
    confirmed: dict[str, Any] | None = None
    hints: Hints = NO_HINTS
    items: tuple[focus.Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was said to drafts that waited: X_CONFIRMED, X_DECLINED or X_CHANGED, and to which."""

    reason_code: ReasonCode
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Understood:
    """What a turn came to: PH1.NLP's request and result, and every hand-over before and after.

    Attributes:
        pack: what decided it; None for the core pack.
        settlement: what was said to drafts that waited. Where it is a yes or a no, that is all
            that was said, and `result` is the draft it was said to.
        focus_span_ref: the most salient span, where PH1.NLP was told of one.
        lapsed: why a yes, a no or a change was not taken; None where none was said in vain.
        hints_digest: of the bundle of terms; the record names it instead of holding 4,096 terms.
    """

    request: nlp.Request
    result: nlp.Result
    hand_overs: tuple[HandOver, ...]
    pack: nlp.Pack | None = None
    settlement: Settlement | None = None
    focus_span_ref: str | None = None
    lapsed: ReasonCode | None = None
    hints_digest: str | None = None


def hints_of(tenant_id: str, entries: Sequence[know.Entry], digest: str) -> Hints:
    """What PH1.KNOW hands on of a tenant's entries; nothing at all where one is not to be used."""
    try:
        found = know.run(know.Request(tenant_id, tuple(entries)))
    except BadField:
        return closed_hints(digest, ReasonCode.KNOW_INPUT_SCHEMA_INVALID)
    terms = [
        nlp.Term(entry.canonical, entry.kind)
        for entry in found.hints
        if entry.kind in nlp.TERM_KINDS
    ]
    known = frozenset(word for entry in found.hints for word in srl.words_of(entry.canonical))
    ready = nlp.Terms(terms) if terms else nlp.NO_TERMS
    closed = found.reason_code is not ReasonCode.KNOW_HINTS_OK
    return Hints(digest, found.reason_code, ready, known, closed)


def closed_hints(digest: str, reason_code: ReasonCode) -> Hints:
    """Hints of a bundle that cannot be read: none, with the reason."""
    return Hints(digest, reason_code, nlp.NO_TERMS, frozenset(), closed=True)


def understand(turn: Turn, pack: nlp.Pack | None = None) -> Understood:
    """Run the engines of one turn in their order: KNOW, SRL, focus, NLP, PRUNE.

    Args:
        turn: what was said, and where it stands.
        pack: what can be asked for; the core pack where none is given.

    Raises:
        BadField: what was said, or its context, is outside its bounds.
    """
    repaired, srl_told = _repair(turn)
    spans, span_ref, focus_told = _salient(turn, repaired)
    request = _request(turn, repaired, spans)
    before = (_known(turn.hints), srl_told, focus_told)
    settled = nlp.reply(request, pack) if turn.waiting else None
    if settled is not None and settled.result is None:
        drafts = tuple(turn.waiting[place] for place in settled.which)
        said = Settlement(_SETTLED[settled.said], drafts)
        told = (*before, _settling(said.reason_code.name, USED, drafts))
        return Understood(
            request, drafts[0].result, told, pack, said, hints_digest=turn.hints.digest
        )
    result = nlp.run(request, pack) if settled is None else settled.result
    assert result is not None
    result, pruned = _prune(request, result, pack)
    steps = [*before, HandOver(nlp.NAME, nlp.VERSION, result.reason_code, USED), pruned]
    settlement: Settlement | None = None
    if settled is not None:
        settlement = Settlement(_SETTLED[settled.said], turn.waiting)
        steps.append(_settling(settlement.reason_code.name, USED, turn.waiting))
    elif turn.waiting:
        steps.append(_settling(ReasonCode.X_NOT_ANSWERED.name, PASSED, ()))
    lapsed = _lapsed(turn, request, pack)
    if lapsed is not None:
        steps.append(_settling(lapsed.name, REFUSED, turn.lapsed))
    result = _as_said(result, turn.text, repaired)
    return Understood(
        request, result, tuple(steps), pack, settlement, span_ref, lapsed, turn.hints.digest
    )


def _lapsed(turn: Turn, request: nlp.Request, pack: nlp.Pack | None) -> ReasonCode | None:
    """Why a yes, a no or a change is not taken, where the utterance is one to drafts of before."""
    if not turn.lapsed:
        return None
    said = nlp.reply(replace(request, pending=asking(turn.lapsed)), pack)
    return None if said is None else turn.lapsed_reason


def _request(turn: Turn, repaired: srl.Result, spans: tuple[tuple[int, int], ...]) -> nlp.Request:
    """What PH1.NLP is asked: the repaired text, and every span of it as it stands there."""
    unsure = [
        *turn.uncertain_spans,
        *(nlp.UncertainSpan(flag.start, flag.end, flag.kind) for flag in repaired.flags),
    ]
    if repaired.repairs:
        moved = [(span, repaired.repaired(span.start, span.end)) for span in unsure]
        # What was dropped is nothing that could be unsure.
        unsure = [replace(s, start=start, end=end) for s, (start, end) in moved if start < end]
    unheard = repaired.reason_code is not ReasonCode.SRL_REPAIR_OK
    if len(unsure) > nlp.UNCERTAIN_SPANS_MAX >= len(turn.uncertain_spans):
        # More than PH1.NLP looks at: then the whole transcript is not to be trusted.
        unsure, unheard = unsure[: len(turn.uncertain_spans)], True
    pending = turn.pending
    if turn.waiting:
        pending = asking(turn.waiting)
    return nlp.Request(
        text=repaired.text,
        language=turn.language,
        now=turn.now,
        # What could not be looked at for repair is not to be trusted at HIGH.
        transcript_confidence="LOW" if unheard else turn.transcript_confidence,
        uncertain_spans=tuple(unsure),
        confirmed=turn.confirmed,
        pending=pending,
        terms=turn.hints.terms,
        focus=spans,
        policy=turn.policy,
        correlation_id=turn.correlation_id,
        turn_id=turn.turn_id,
    )


def asking(drafts: Sequence[Draft]) -> dict[str, Any]:
    """Drafts that wait for a yes, as PH1.NLP takes what the turn before left open."""
    return {
        "intent_type": None,
        "asked": nlp.CONFIRMATION,
        "fields": [],
        "drafts": [_as_pending(draft) for draft in drafts],
    }


def _as_pending(draft: Draft) -> dict[str, Any]:
    """A draft that waits, in the form in which PH1.NLP keeps what it asked about."""
    return {
        "intent_type": draft.result.intent_type,
        "fields": [heard.as_record() for heard in draft.result.fields],
        "unsettled": {},
        "uncertain": [],
        "firm": draft.result.overall_confidence == "HIGH",
    }


# ---- PH1.KNOW, PH1.SRL, focus


def _known(hints: Hints) -> HandOver:
    became = REFUSED if hints.closed else USED if hints.terms else PASSED
    return HandOver(know.NAME, know.VERSION, hints.reason_code.name, became, hints.digest)


def _repair(turn: Turn) -> tuple[srl.Result, HandOver]:
    text = nlp.check_utterance(turn.text)
    result = srl.run(srl.Request(text, turn.language, turn.hints.known))
    if result.reason_code is not ReasonCode.SRL_REPAIR_OK:
        return result, HandOver(srl.NAME, srl.VERSION, result.reason_code.name, REFUSED)
    if not result.repairs and not result.flags:
        return result, _SRL_PASSED
    handed = {
        "repairs": [plain(repair) for repair in result.repairs],
        "flags": [plain(flag) for flag in result.flags],
    }
    asked = {"text": text, "language": turn.language}
    return result, handed_on(srl, result.reason_code, asked, handed)


def _salient(
    turn: Turn, repaired: srl.Result
) -> tuple[tuple[tuple[int, int], ...], str | None, HandOver]:
    """The salient spans of the repaired text, the first one's reference, and what focus said.

    A span that is none of this text closes the whole ranking; the turn goes on without it.
    """
    if not turn.items:
        return (), None, _FOCUS_PASSED
    ranked = focus.run(focus.Request(turn.items))
    spans: list[tuple[int, int]] = []
    refs: list[str] = []
    for item in ranked.ranked:
        if (named := _SPAN.fullmatch(item.content_ref)) is None:
            continue
        start, end = int(named[1]), int(named[2])
        if not 0 <= start < end <= len(turn.text):
            code = ReasonCode.FOCUS_VALIDATION_FAILED
            return (), None, HandOver(focus.NAME, focus.VERSION, code.name, REFUSED)
        start, end = repaired.repaired(start, end) if repaired.repairs else (start, end)
        if start < end:
            spans.append((start, end))
            refs.append(item.content_ref)
    asked = {"items": [plain(item) for item in turn.items]}
    handed = {"ranked": [item.item_id for item in ranked.ranked]}
    told = handed_on(focus, ranked.reason_code, asked, handed)
    return tuple(spans), refs[0] if refs else None, told


# ---- PH1.PRUNE and PH1.X


def _prune(
    request: nlp.Request, result: nlp.Result, pack: nlp.Pack | None
) -> tuple[nlp.Result, HandOver]:
    """Let PH1.PRUNE choose among several missing fields; its refusal changes nothing."""
    missing = result.required_fields_missing
    if result.decision != "CLARIFY" or len(missing) < prune.MISSING_MIN or result.pending is None:
        return result, _PRUNE_NOT_NEEDED
    try:
        asked = prune.Request(
            missing,
            ambiguous_fields=tuple(result.pending["unsettled"]),
            uncertain_fields=tuple(result.pending["uncertain"]),
            previous_clarify_field=(request.pending or {}).get("asked"),
        )
    except BadField:
        code = ReasonCode.PRUNE_INPUT_SCHEMA_INVALID
        return result, HandOver(prune.NAME, prune.VERSION, code.name, REFUSED)
    chosen = prune.run(asked)
    if chosen.selected not in missing or not set(chosen.ordered) <= set(missing):
        code = ReasonCode.PRUNE_VALIDATION_FAILED
        return result, HandOver(prune.NAME, prune.VERSION, code.name, REFUSED)
    result = nlp.ask_about(result, chosen.selected, request, pack)
    handed = {"ordered": list(chosen.ordered), "selected": chosen.selected}
    return result, handed_on(prune, chosen.reason_code, plain(asked), handed)


def _settling(reason: str, became: str, drafts: Sequence[Draft]) -> HandOver:
    handed = {"drafts": [draft.event_id for draft in drafts]} if drafts else None
    return HandOver(
        PH1_X, PH1_X_VERSION, reason, became, digest_of(handed) if handed else None, None, handed
    )


# ---- evidence in what was really said


def _as_said(result: nlp.Result, text: str, repaired: srl.Result) -> nlp.Result:
    """The answer with every piece of evidence as a slice of what was said, not of the repair."""
    if not repaired.repairs:
        return result

    def moved(record: dict[str, Any]) -> dict[str, Any]:
        if record.get("source") is not None:
            return record
        start, end = repaired.original(record["start"], record["end"])
        value = text[start:end] if record["value"] == record["text"] else record["value"]
        return {**record, "start": start, "end": end, "text": text[start:end], "value": value}

    def field_moved(heard: nlp.Field) -> nlp.Field:
        told = moved({**heard.as_record(), "source": heard.source})
        return replace(
            heard, start=told["start"], end=told["end"], text=told["text"], value=told["value"]
        )

    pending = result.pending
    if pending is not None:
        pending = {**pending, "fields": [moved(record) for record in pending["fields"]]}
        if "drafts" in pending:
            pending["drafts"] = [
                {**draft, "fields": [moved(record) for record in draft["fields"]]}
                for draft in pending["drafts"]
            ]
    return replace(
        result,
        fields=tuple(map(field_moved, result.fields)),
        pending=pending,
        drafts=tuple(_as_said(draft, text, repaired) for draft in result.drafts),
    )


_SRL_PASSED: Final = HandOver(srl.NAME, srl.VERSION, ReasonCode.SRL_REPAIR_OK.name, PASSED)
_FOCUS_PASSED: Final = HandOver(focus.NAME, focus.VERSION, ReasonCode.FOCUS_RANK_OK.name, PASSED)
_PRUNE_NOT_NEEDED: Final = HandOver(
    prune.NAME, prune.VERSION, ReasonCode.PRUNE_SELECT_OK.name, NOT_NEEDED
)
