"""What is sent inside of requests.

Written by tests/client_writing.py from the API's description; not by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict


class BringOne(TypedDict):
    """One of many."""

    user_id: str
    device_id: str
    session_id: NotRequired[str | None]
    correlation_id: NotRequired[str | None]
    turn_id: NotRequired[int | None]
    decision: Draft | Clarify | Chat
    text: NotRequired[str | None]
    idempotency_key: NotRequired[str | None]


class Chat(TypedDict):
    """Talk: nothing to draft, nothing to ask."""

    kind: Literal["CHAT"]
    reason_code: NotRequired[Literal["NLP_CHAT_DEFAULT"]]
    focus_span_ref: NotRequired[str | None]


class Clarify(TypedDict):
    """One question about exactly one field."""

    kind: Literal["CLARIFY"]
    reason_code: Literal[
        "NLP_CLARIFY_MISSING_FIELD",
        "NLP_CLARIFY_AMBIGUOUS_REFERENCE",
        "NLP_UNCERTAIN_SPAN",
        "NLP_MULTI_INTENT",
    ]
    what_is_missing: str
    clarification_unit_id: str
    accepted_answer_formats: Sequence[str]
    focus_span_ref: NotRequired[str | None]


class Draft(TypedDict):
    """One intent was understood."""

    kind: Literal["INTENT_DRAFT"]
    reason_code: Literal["NLP_INTENT_OK", "NLP_INTENT_UNKNOWN", "NLP_MULTI_INTENT"]
    intent_type: str
    overall_confidence: Literal["HIGH", "MED", "LOW"]
    required_fields: NotRequired[Sequence[str]]
    ambiguity_flags: NotRequired[Sequence[str]]
    focus_span_ref: NotRequired[str | None]


class Salient(TypedDict):
    """A salient item of the context; advisory."""

    item_id: str
    kind: str
    score: int
    content_ref: str
    evidence_ref: str


class Signal(TypedDict):
    """One preference of the user, as it was found."""

    key: str
    value: str
    evidence_ref: str


class UncertainSpan(TypedDict):
    """A part of the transcript that the transcriber was unsure of: text[start:end]."""

    start: int
    end: int
    kind: NotRequired[
        Literal["NUMBER_LIKE", "NAME_LIKE", "DATE_TIME_LIKE", "AMOUNT_LIKE", "UNKNOWN"]
    ]
    field: NotRequired[str | None]
