"""One turn: what was said, by whom, where; and the only file where engines meet.

Engines never call engines. `understand` hands each one's result on, hands nothing on that did not
validate, and notes every hand-over, so that a record tells which engine ran and what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from selene_os.engines import focus, know, nlp, prune, srl
from selene_os.errors import BadField
from selene_os.reasons import ReasonCode

USED: Final = "used"
PASSED: Final = "passed through"
REFUSED: Final = "refused"
NOT_NEEDED: Final = "not needed"


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
        entries: the tenant's dictionary.
        items: salient spans, from context.
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
    entries: tuple[know.Entry, ...] = ()
    items: tuple[focus.Item, ...] = ()


@dataclass(frozen=True, slots=True)
class HandOver:
    """What became of one engine's part in a turn.

    Attributes:
        engine, version, reason_code: which engine, and what it said.
        became: used, passed through, refused or not needed.
        request: what it was asked, as JSON; None where it was not, and for PH1.NLP, whose request
            stands in the record itself.
    """

    engine: str
    version: str
    reason_code: str
    became: str
    request: dict[str, Any] | None = None

    def as_record(self) -> dict[str, Any]:
        """The hand-over as the record keeps it."""
        return {
            "engine": self.engine,
            "version": self.version,
            "reason_code": self.reason_code,
            "became": self.became,
            "request": self.request,
        }


@dataclass(frozen=True, slots=True)
class Understood:
    """What a turn came to: PH1.NLP's request and result, and every hand-over before and after.

    Attributes:
        pack: what decided it; None for the core pack.
    """

    request: nlp.Request
    result: nlp.Result
    hand_overs: tuple[HandOver, ...]
    pack: nlp.Pack | None = None


def understand(turn: Turn, pack: nlp.Pack | None = None) -> Understood:
    """Run the engines of one turn in their order: KNOW, SRL, focus, NLP, PRUNE.

    Args:
        turn: what was said, and where it stands.
        pack: what can be asked for; the core pack where none is given.

    Raises:
        BadField: what was said, or its context, is outside its bounds.
    """
    asked_know = know.Request(turn.tenant_id, turn.entries)
    hints = know.run(asked_know)
    asked_srl = srl.Request(nlp.check_utterance(turn.text), turn.language)
    repaired = srl.run(asked_srl)
    asked_focus = focus.Request(turn.items)
    ranked = focus.run(asked_focus)
    request = nlp.Request(
        text=repaired.text,
        language=turn.language,
        now=turn.now,
        transcript_confidence=turn.transcript_confidence,
        uncertain_spans=turn.uncertain_spans,
        pending=turn.pending,
        terms=tuple(
            nlp.Term(entry.canonical, entry.kind)
            for entry in hints.hints
            if entry.kind in nlp.TERM_KINDS
        ),
        policy=turn.policy,
        correlation_id=turn.correlation_id,
        turn_id=turn.turn_id,
    )
    result, pruned = _prune(request, nlp.run(request, pack), pack)
    closed = bool(turn.entries) and not hints.hints
    return Understood(
        request,
        result,
        (
            _handed(know, hints.reason_code, REFUSED if closed else _came(hints.hints), asked_know),
            _handed(srl, repaired.reason_code, _came(repaired.repairs), asked_srl),
            _handed(focus, ranked.reason_code, _came(ranked.ranked), asked_focus),
            HandOver(nlp.NAME, nlp.VERSION, result.reason_code, USED),
            pruned,
        ),
        pack,
    )


def _came(found: tuple[Any, ...]) -> str:
    return USED if found else PASSED


def _handed(engine: Any, reason_code: ReasonCode, became: str, request: Any = None) -> HandOver:
    asked = None if request is None else _plain(request)
    return HandOver(engine.NAME, engine.VERSION, reason_code.name, became, asked)


def _plain(value: Any) -> Any:
    """A frozen dataclass as JSON. Not `asdict`, which copies deeply and took a third of a turn."""
    if names := getattr(value, "__dataclass_fields__", None):
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _prune(
    request: nlp.Request, result: nlp.Result, pack: nlp.Pack | None
) -> tuple[nlp.Result, HandOver]:
    """Let PH1.PRUNE choose among several missing fields; its refusal changes nothing."""
    missing = result.required_fields_missing
    if result.decision != "CLARIFY" or len(missing) < prune.MISSING_MIN or result.pending is None:
        return result, _handed(prune, ReasonCode.PRUNE_SELECT_OK, NOT_NEEDED)
    try:
        asked = prune.Request(
            missing,
            ambiguous_fields=tuple(result.pending["unsettled"]),
            uncertain_fields=tuple(result.pending["uncertain"]),
            previous_clarify_field=(request.pending or {}).get("asked"),
        )
    except BadField:
        return result, _handed(prune, ReasonCode.PRUNE_INPUT_SCHEMA_INVALID, REFUSED)
    chosen = prune.run(asked)
    if chosen.selected not in missing:
        return result, _handed(prune, ReasonCode.PRUNE_VALIDATION_FAILED, REFUSED, asked)
    result = nlp.ask_about(result, chosen.selected, request, pack)
    return result, _handed(prune, chosen.reason_code, USED, asked)
