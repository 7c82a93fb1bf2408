"""What PH1.NLP is asked and what it answers: the contract, checked once where it is built.

The JSON form of both is fixed, key by key and in order, because tools and the record of a decision
rest on it. Offsets are Unicode code points, as in Python slices. Source: docs/nlp.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from selene_os.engines.nlp.terms import NO_TERMS, Terms
from selene_os.errors import BadField
from selene_os.names import check_count, check_text

TEXT_BYTES_MAX: Final = 32_768
UNCERTAIN_SPANS_MAX: Final = 32
FOCUS_MAX: Final = 12
LANGUAGES: Final = ("en", "zh")
TRANSCRIPT_CONFIDENCES: Final = ("HIGH", "MED", "LOW")
SPAN_KINDS: Final = ("NUMBER_LIKE", "NAME_LIKE", "DATE_TIME_LIKE", "AMOUNT_LIKE", "UNKNOWN")
TIME_POLICIES: Final = ("ask", "next_occurrence")
DATE_ORDERS: Final = ("DMY", "MDY", "YMD")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UncertainSpan:
    """A part of the transcript that the transcriber was unsure of: text[start:end]."""

    start: int
    end: int
    kind: str = "UNKNOWN"
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The tenant's settings: how ambiguous values are read. Recorded with the decision."""

    time: str = "ask"
    currency: str | None = None
    date_order: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A value that was heard, with its evidence.

    Attributes:
        key: the pack's name of it.
        text: `source[start:end]`, verbatim.
        start, end: place of the evidence in the utterance, or in the earlier one named by source.
        value: what it means; None where it has several readings, or stays relative.
        grain: of a time.
        readings: what it could mean, when that is more than one thing.
        source: None, or "pending" or "confirmed" where it was said in an earlier turn.
    """

    key: str
    text: str
    start: int
    end: int
    value: Any = None
    grain: str | None = None
    readings: tuple[Any, ...] = ()
    source: str | None = None

    def as_record(self) -> Record:
        """The field as JSON, without what it has not."""
        record: Record = {
            "key": self.key,
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "value": self.value,
        }
        if self.grain:
            record["grain"] = self.grain
        if self.readings:
            record["readings"] = list(self.readings)
        if self.source:
            record["source"] = self.source
        return record


@dataclass(frozen=True, slots=True)
class Request:
    """One utterance and its context.

    Attributes:
        text: 1 to 32,768 bytes of UTF-8.
        language: "en" or "zh".
        now: the moment of speaking with its offset; None leaves time phrases relative.
        transcript_confidence: HIGH, MED or LOW.
        uncertain_spans: at most 32.
        confirmed: {intent_type, fields: [{key, text, value}]} of a confirmed earlier draft.
        pending: the `pending` of the answer before, verbatim.
        terms: the tenant's verified terms, made ready once for many requests.
        focus: salient spans (start, end), at most 12; advisory.
        policy: the tenant's settings.
        correlation_id, turn_id: name the exchange; no meaning is taken from them.

    Raises:
        BadField: a value is outside these bounds.
    """

    text: str
    language: str = "en"
    now: datetime | None = None
    transcript_confidence: str = "HIGH"
    uncertain_spans: tuple[UncertainSpan, ...] = ()
    confirmed: Record | None = None
    pending: Record | None = None
    # By a factory: what can be compared by content has no hash, as a default would need.
    terms: Terms = field(default_factory=lambda: NO_TERMS)
    focus: tuple[tuple[int, int], ...] = ()
    policy: Policy = field(default_factory=Policy)
    correlation_id: str = ""
    turn_id: int = 0

    def __post_init__(self) -> None:
        check_utterance(self.text)
        _one_of("language", self.language, LANGUAGES)
        _one_of("transcript_confidence", self.transcript_confidence, TRANSCRIPT_CONFIDENCES)
        if self.now is not None and self.now.tzinfo is None:
            raise BadField("now", "has no offset from UTC", "Write it like 2026-11-21T09:30+01:00.")
        _at_most("uncertain_spans", self.uncertain_spans, UNCERTAIN_SPANS_MAX)
        check_text("correlation_id", self.correlation_id, 64, bytes_min=0)
        for span in self.uncertain_spans:
            if span.field is not None:
                check_text("uncertain_spans.field", span.field, 64)
            _check_span("uncertain_spans", span.start, span.end, len(self.text))
            _one_of("uncertain_spans.kind", span.kind, SPAN_KINDS)
        _at_most("focus", self.focus, FOCUS_MAX)
        for start, end in self.focus:
            _check_span("focus", start, end, len(self.text))
        _one_of("policy.time", self.policy.time, TIME_POLICIES)
        if self.policy.date_order is not None:
            _one_of("policy.date_order", self.policy.date_order, DATE_ORDERS)
        if self.policy.currency is not None:
            check_currency("policy.currency", self.policy.currency)
        if self.policy.zone is not None:
            check_text("policy.zone", self.policy.zone, 64)

    def as_record(self, *, with_terms: bool = True) -> Record:
        """The request as canonical JSON, from which `decode_request` makes it again."""
        return {
            "text": self.text,
            "language": self.language,
            "now": self.now.isoformat() if self.now else None,
            "transcript_confidence": self.transcript_confidence,
            "uncertain_spans": [
                {"start": s.start, "end": s.end, "kind": s.kind, "field": s.field}
                for s in self.uncertain_spans
            ],
            "confirmed": self.confirmed,
            "pending": self.pending,
            "terms": [{"term": t.term, "kind": t.kind} for t in self.terms.items]
            if with_terms
            else [],
            "focus": [{"start": start, "end": end} for start, end in self.focus],
            "policy": {
                "time": self.policy.time,
                "currency": self.policy.currency,
                "date_order": self.policy.date_order,
                "zone": self.policy.zone,
            },
            "correlation_id": self.correlation_id,
            "turn_id": self.turn_id,
        }


@dataclass(frozen=True, slots=True)
class Result:
    """Exactly one of INTENT_DRAFT, CLARIFY or CHAT; the attributes are the JSON keys."""

    decision: str
    reason_code: str
    intent_type: str | None = None
    overall_confidence: str | None = None
    fields: tuple[Field, ...] = ()
    required_fields: tuple[str, ...] = ()
    required_fields_missing: tuple[str, ...] = ()
    ambiguity_flags: tuple[str, ...] = ()
    requires_confirmation: bool | None = None
    sensitivity: str | None = None
    what_is_missing: str | None = None
    question: str | None = None
    accepted_answer_formats: tuple[str, ...] = ()
    clarification_unit_id: str | None = None
    pending: Record | None = None
    drafts: tuple[Result, ...] = ()

    def as_record(self) -> Record:
        """The answer as JSON, keys in the contract's order."""
        record: Record = {
            "decision": self.decision,
            "reason_code": self.reason_code,
            "intent_type": self.intent_type,
            "overall_confidence": self.overall_confidence,
            "fields": [heard.as_record() for heard in self.fields],
            "required_fields": list(self.required_fields),
            "required_fields_missing": list(self.required_fields_missing),
            "ambiguity_flags": list(self.ambiguity_flags),
            "requires_confirmation": self.requires_confirmation,
            "sensitivity": self.sensitivity,
        }
        if self.what_is_missing is not None:
            record["what_is_missing"] = [self.what_is_missing]
            record["question"] = self.question
            record["accepted_answer_formats"] = list(self.accepted_answer_formats)
            record["clarification_unit_id"] = self.clarification_unit_id
        if self.pending is not None:
            record["pending"] = self.pending
        if self.drafts:
            record["drafts"] = [draft.as_record() for draft in self.drafts]
        return record


def check_currency(name: str, code: object) -> str:
    """Return an ISO 4217 code: three capital letters; raises BadField."""
    if not isinstance(code, str) or not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise BadField(name, "must be an ISO 4217 code", "Give it like USD.")
    if not code.isupper():
        raise BadField(name, "must be in capital letters", "Give it like USD.")
    return code


def check_utterance(text: object) -> str:
    """Return what was said if it is text of 1 to 32,768 bytes of UTF-8; raises BadField."""
    if not isinstance(text, str):
        raise BadField("text", f"must be text, not {type(text).__name__}", "Give a string.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise BadField(
            "text", f"holds half of a surrogate pair at {error.start}", "Send valid UTF-8."
        ) from error
    if not 1 <= size <= TEXT_BYTES_MAX:
        raise BadField(
            "text",
            f"is {size} bytes of UTF-8; 1 to {TEXT_BYTES_MAX} are accepted",
            "Say something." if size == 0 else "Cut it into several turns.",
        )
    return text


def _one_of(name: str, given: object, accepted: tuple[str, ...]) -> None:
    if given not in accepted:
        raise BadField(name, f"{given!r:.60} is not accepted", f"Give {' | '.join(accepted)}.")


def _at_most(name: str, given: tuple[Any, ...], most: int) -> None:
    if len(given) > most:
        raise BadField(name, f"holds {len(given)} entries; {most} are accepted", "Send fewer.")


def _check_span(name: str, start: object, end: object, length: int) -> None:
    first = check_count(f"{name}.start", start, 0, length)
    check_count(f"{name}.end", end, first + 1, length)
