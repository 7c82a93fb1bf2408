"""What is sent: bodies and queries. Types are strict, and keys that are not known are refused.

Bounds of texts and numbers are told here for the description, and checked by the library, which
counts bytes where JSON Schema counts characters.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field

from selene_os import decision, names
from selene_os.engines import focus, nlp
from selene_os.registrations import PAGE_ROWS_MAX

BATCH_MAX: Final = 1_000
UTTERANCE_BYTES_MAX: Final = 32_768


def text(most: int, about: str, **more: Any) -> Any:
    """A text's description: its bounds, which the library checks, and what it is."""
    return Field(description=about, json_schema_extra={"minLength": 1, "maxLength": most, **more})


User = Annotated[str, text(names.USER_ID_BYTES_MAX, "The user.")]
Device = Annotated[str, text(names.DEVICE_ID_BYTES_MAX, "A device of that user's.")]
Session = Annotated[str, text(names.SESSION_ID_BYTES_MAX, "A session on that device.")]
Correlation = Annotated[
    str, text(32, "The conversation; a W3C trace id is one.", minLength=32, pattern="^[0-9a-f]+$")
]
Event = Annotated[str, text(36, "An event's id, a UUID of version 7.", format="uuid")]
Key = Annotated[str, text(names.IDEMPOTENCY_KEY_BYTES_MAX, "The retry's key.")]
TurnNumber = Annotated[
    int,
    Field(
        description="The turn; the next one where it is left out.",
        json_schema_extra={"minimum": 1, "maximum": names.TURN_ID_MAX},
    ),
]
Utterance = Annotated[str, text(UTTERANCE_BYTES_MAX, "What was said, 1 to 32,768 bytes of UTF-8.")]
Moment = Annotated[str, text(64, "RFC 3339, or nanoseconds since 1970 UTC in digits.")]
Ref = Annotated[str, text(96, "1 to 96 printable ASCII characters.", pattern="^[!-~]+$")]
Offset = Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": UTTERANCE_BYTES_MAX})]


class Body(BaseModel):
    """Strict, closed, and silent about what was sent."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class Scope(Body):
    """Who, and on what."""

    user_id: User
    device_id: Device
    session_id: Session | None = None


class Spot(Scope):
    """Who, and where in a conversation."""

    correlation_id: Correlation | None = None
    turn_id: TurnNumber | None = None


class UncertainSpan(Body):
    """A part of the transcript that the transcriber was unsure of: text[start:end]."""

    start: Offset
    end: Offset
    kind: Literal["NUMBER_LIKE", "NAME_LIKE", "DATE_TIME_LIKE", "AMOUNT_LIKE", "UNKNOWN"] = (
        "UNKNOWN"
    )
    field: Annotated[str, text(64, "Which field it belongs to.")] | None = None


class Salient(Body):
    """A salient item of the context; advisory."""

    item_id: Annotated[str, text(96, "Its name.")]
    kind: Annotated[str, text(32, "What kind it is.")]
    score: Annotated[
        int, Field(json_schema_extra={"minimum": -focus.SCORE_MAX, "maximum": focus.SCORE_MAX})
    ]
    content_ref: Annotated[str, text(96, "Of a span of the text: span:START-END.")]
    evidence_ref: Annotated[str, text(128, "Where it was found.")]


class TakeTurn(Spot):
    """One utterance."""

    text: Utterance
    now: Annotated[str, text(64, "The moment of speaking, ISO 8601 with its offset.")] | None = None
    language: Literal["en", "zh"] = "en"
    source: Literal["TYPED_TEXT", "VOICE_TRANSCRIPT"] = "TYPED_TEXT"
    transcript_confidence: Literal["HIGH", "MED", "LOW"] = "HIGH"
    privacy_scope: Literal["PUBLIC", "PRIVATE", "CONFIDENTIAL"] = "PRIVATE"
    # By factories: pydantic would copy a list each time.
    uncertain_spans: list[UncertainSpan] = Field(
        default_factory=list, json_schema_extra={"maxItems": nlp.UNCERTAIN_SPANS_MAX}
    )
    salient: list[Salient] = Field(
        default_factory=list, json_schema_extra={"maxItems": focus.ITEMS_MAX}
    )


class Explain(Body):
    """One utterance, to be understood and forgotten."""

    text: Utterance
    now: Annotated[str, text(64, "The moment of speaking, ISO 8601 with its offset.")] | None = None
    language: Literal["en", "zh"] = "en"
    transcript_confidence: Literal["HIGH", "MED", "LOW"] = "HIGH"


class Signal(Body):
    """One preference of the user, as it was found."""

    key: Annotated[str, text(64, "One of the five preference keys.")]
    value: Annotated[str, text(96, "The wish in its own words.")]
    evidence_ref: Annotated[str, text(128, "Where it was found.")]


class CommitProfile(Spot):
    """A verified user's tone and delivery, to be decided."""

    speaker_id: Annotated[str, text(128, "The verified speaker.")] | None = None
    signals: list[Signal] = []
    place: Literal["PRIVATE", "SHARED", "UNKNOWN"] = "UNKNOWN"
    style_hint: Literal["DOMINANT", "GENTLE", "NEUTRAL"] | None = None
    correction_event_count: Annotated[int, Field(json_schema_extra={"minimum": 0})] = 0


Names = Annotated[list[str], Field(json_schema_extra={"maxItems": decision.FIELDS_MAX})]


class Draft(Body):
    """One intent was understood."""

    kind: Literal["INTENT_DRAFT"]
    reason_code: Literal["NLP_INTENT_OK", "NLP_INTENT_UNKNOWN", "NLP_MULTI_INTENT"]
    intent_type: Annotated[str, text(64, "Like SET_REMINDER.", pattern="^[A-Z][A-Z0-9_]*$")]
    overall_confidence: Literal["HIGH", "MED", "LOW"]
    required_fields: Names = []
    ambiguity_flags: Names = []
    focus_span_ref: Ref | None = None


class Clarify(Body):
    """One question about exactly one field."""

    kind: Literal["CLARIFY"]
    reason_code: Literal[
        "NLP_CLARIFY_MISSING_FIELD",
        "NLP_CLARIFY_AMBIGUOUS_REFERENCE",
        "NLP_UNCERTAIN_SPAN",
        "NLP_MULTI_INTENT",
    ]
    what_is_missing: Annotated[str, text(64, "The field.", pattern="^[a-z][a-z0-9_]*$")]
    clarification_unit_id: Annotated[str, text(64, "Names the exchange; the same on a retry.")]
    accepted_answer_formats: Annotated[
        list[str],
        Field(
            description="2 or 3 literal examples of at most 128 characters.",
            json_schema_extra={
                "minItems": decision.FORMATS_MIN,
                "maxItems": decision.FORMATS_MAX,
            },
        ),
    ]
    focus_span_ref: Ref | None = None


class Chat(Body):
    """Talk: nothing to draft, nothing to ask."""

    kind: Literal["CHAT"]
    reason_code: Literal["NLP_CHAT_DEFAULT"] = "NLP_CHAT_DEFAULT"
    focus_span_ref: Ref | None = None


class BringDecision(Spot):
    """A decision of a team's own understanding."""

    decision: Annotated[Draft | Clarify | Chat, Discriminator("kind")]
    text: Utterance | None = None


class BringOne(BringDecision):
    """One of many."""

    idempotency_key: Key | None = None


class BringDecisions(Body):
    """Many decisions, each with a verdict of its own."""

    # Each is parsed by itself: one that is not as it must be costs itself and not the others.
    decisions: Annotated[
        list[Any],
        Field(
            json_schema_extra={
                "items": {"$ref": "#/components/schemas/BringOne"},
                "minItems": 1,
                "maxItems": BATCH_MAX,
            }
        ),
    ]


class Confirm(Body):
    """A user's yes or no to one draft."""

    draft_event_id: Event
    confirmed: bool = True
    user_id: User | None = None
    device_id: Device | None = None
    session_id: Session | None = None


class ApplyMemory(Body):
    """A MEMORY_… draft and the yes to it; a query needs none."""

    draft_event_id: Event
    confirmation_event_id: Event | None = None


class ChangeSettings(Body):
    """Settings to change; null takes one back, and what is not named stays."""

    currency: Annotated[str, text(3, "ISO 4217.", minLength=3, pattern="^[A-Z]+$")] | None = None
    time_policy: Literal["ask", "next_occurrence"] | None = None
    date_order: Literal["DMY", "MDY", "YMD"] | None = None
    zone: Annotated[str, text(64, "An IANA time zone, like Europe/Berlin.")] | None = None
    confirm_within_s: (
        Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 86_400})] | None
    ) = None


class AddIdentity(Body):
    """A user."""

    user_id: User


class AddDevice(Body):
    """A device of a user; the user is added with it where they are missing."""

    user_id: User
    device_id: Device


class OpenSession(Body):
    """A session on a device; user and device are added with it where they are missing."""

    user_id: User
    device_id: Device
    session_id: Session


class ChangeIdentity(Body):
    """Whether a user's writes are accepted."""

    status: Literal["ACTIVE", "DISABLED"]


_TERM: Final = {
    "type": "object",
    "required": ["kind", "source", "canonical"],
    "properties": {
        "entry_id": {"type": "string", "maxLength": 128},
        "kind": {"type": "string"},
        "source": {"type": "string"},
        "canonical": {"type": "string", "maxLength": 120},
        "locale": {"type": "string"},
        "evidence_ref": {"type": ["string", "null"]},
        "tenant_id": {"type": "string"},
    },
}


class ImportTerms(Body):
    """Terms, each told what became of it."""

    terms: Annotated[list[Any], Field(json_schema_extra={"items": _TERM})]
    replace_all: bool = False
    skip_refused: bool = False


# ---- queries: every value is a text

Switch = Literal["true", "false"]
Limit = Annotated[int, Field(ge=1, le=PAGE_ROWS_MAX)]
Cursor = Annotated[str, text(256, "Of the page before.")]


class Search(Body):
    """What is searched for; all of it must hold."""

    intent: Annotated[str, text(64, "Only drafts of this intent type.")] | None = None
    reason: Annotated[str, text(64, "Only this reason code, by name or number.")] | None = None
    decision: (
        Literal["INTENT_DRAFT", "CLARIFY", "CHAT", "PROFILE", "CONFIRMED", "DECLINED", "CHANGED"]
        | None
    ) = None
    user: User | None = None
    device: (
        Annotated[str, text(names.DEVICE_ID_BYTES_MAX, "Only what was decided on this device.")]
        | None
    ) = None
    since: Moment | None = None
    until: Moment | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class Page(Body):
    """One page."""

    cursor: Cursor | None = None
    limit: Limit = 50


class Identities(Page):
    """Which users."""

    status: Literal["ACTIVE", "DISABLED"] | None = None


class Devices(Page):
    """Whose devices."""

    user_id: User | None = None


class Sessions(Page):
    """Whose sessions."""

    user_id: User | None = None
    open: Annotated[Switch, Field(description="Only those that have not ended.")] = "false"


class Trace(Body):
    """How a conversation is told."""

    explain: Annotated[Switch, Field(description="Tell how each decision came about.")] = "false"


class Read(Body):
    """How much of an event is told."""

    record: Annotated[
        Switch, Field(description="With its record, which holds what was said; scope export.")
    ] = "false"


class Evidence(Body):
    """What a bundle carries."""

    unsealed: Annotated[Switch, Field(description="Carry unsealed rows, unproven.")] = "false"
    with_inputs: Annotated[Switch, Field(description="Disclose what was said.")] = "false"
    against: (
        Annotated[str, text(1024, "An older checkpoint that was kept, in base64url.")] | None
    ) = None


class At(Body):
    """As of when."""

    at: Moment | None = None
