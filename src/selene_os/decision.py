"""What an engine may conclude, and nothing else can be recorded as a decision.

Each class checks its own bounds once, when it is built. None has a method that acts.
Source: docs/spec/002 §4 and §6, 000 §4; bounds of the public Rust implementation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from selene_os.errors import BadField
from selene_os.names import EventId, UserId, check_text, parse_event_id, parse_user_id
from selene_os.reasons import ReasonCode

CONFIDENCES: Final = ("HIGH", "MED", "LOW")
UNKNOWN_INTENT: Final = "UNKNOWN"
INTENT_TYPE_BYTES_MAX: Final = 64
WHAT_IS_MISSING_BYTES_MAX: Final = 64
FIELDS_MAX: Final = 16
FORMATS_MIN: Final = 2
FORMATS_MAX: Final = 3
FORMAT_BYTES_MAX: Final = 256
FORMAT_CHARS_MAX: Final = 128
STYLES: Final = ("DOMINANT", "GENTLE", "NEUTRAL")
DELIVERIES: Final = ("VOICE_ALLOWED", "TEXT_ONLY", "SILENT")

_FIELD_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_UPPER = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_REF = re.compile(r"[!-~]{1,96}", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def _check_reason(code: ReasonCode, allowed: tuple[ReasonCode, ...], decision: str) -> None:
    if code not in allowed:
        raise BadField(
            "reason_code",
            f"{getattr(code, 'name', code)} does not go with {decision}",
            "Give one of " + ", ".join(a.name for a in allowed) + ".",
        )


def _check_names(field: str, values: tuple[str, ...], pattern: re.Pattern[str], most: int) -> None:
    if not isinstance(values, tuple) or len(values) > most:
        raise BadField(field, f"must be a tuple of at most {most} names", "Give fewer.")
    if len(set(values)) != len(values):
        raise BadField(field, "names something twice", "Name each once.")
    for value in values:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadField(
                field, f"holds {value!r:.80}, which is no name", f"Names match {pattern.pattern}."
            )


def _check_focus(ref: str | None) -> None:
    if ref is not None and not (isinstance(ref, str) and _REF.fullmatch(ref)):
        raise BadField(
            "focus_span_ref", "must be 1 to 96 printable ASCII characters", "Shorten it."
        )


@dataclass(frozen=True, slots=True)
class IntentDraft:
    """One intent was understood; a draft, which no gate has passed yet.

    Attributes:
        reason_code: NLP_INTENT_OK, NLP_INTENT_UNKNOWN or NLP_MULTI_INTENT.
        intent_type: 1 to 64 of A-Z 0-9 _ ; UNKNOWN where no pack knows the request.
        overall_confidence: HIGH, MED or LOW; LOW exactly for UNKNOWN.
        required_fields: keys the intent requires, at most 16.
        ambiguity_flags: what was not plain, at most 16.
        focus_span_ref: the salient span's reference, at most 96 ASCII characters.

    Raises:
        BadField: a value is outside these bounds.
    """

    DECISION: ClassVar[str] = "INTENT_DRAFT"

    reason_code: ReasonCode
    intent_type: str
    overall_confidence: str
    required_fields: tuple[str, ...] = ()
    ambiguity_flags: tuple[str, ...] = ()
    focus_span_ref: str | None = None

    def __post_init__(self) -> None:
        _check_reason(self.reason_code, DRAFT_REASONS, self.DECISION)
        if not isinstance(self.intent_type, str) or not _UPPER.fullmatch(self.intent_type):
            raise BadField(
                "intent_type", "must be 1 to 64 of A-Z 0-9 _", "Name it like SET_REMINDER."
            )
        if self.overall_confidence not in CONFIDENCES:
            raise BadField("overall_confidence", "must be HIGH, MED or LOW", "Give one of them.")
        unknown = self.intent_type == UNKNOWN_INTENT
        if unknown != (self.reason_code == ReasonCode.NLP_INTENT_UNKNOWN):
            raise BadField(
                "intent_type", "UNKNOWN and NLP_INTENT_UNKNOWN go together", "Give both or none."
            )
        if unknown and self.overall_confidence != "LOW":
            raise BadField("overall_confidence", "of UNKNOWN is LOW", "Give LOW.")
        _check_names("required_fields", self.required_fields, _FIELD_KEY, FIELDS_MAX)
        _check_names("ambiguity_flags", self.ambiguity_flags, _UPPER, FIELDS_MAX)
        _check_focus(self.focus_span_ref)


@dataclass(frozen=True, slots=True)
class Clarify:
    """One question about exactly one field.

    Attributes:
        reason_code: why it is asked.
        what_is_missing: the one field's key, 1 to 64 bytes.
        clarification_unit_id: names this exchange; the same on a retry; 1 to 64 bytes.
        accepted_answer_formats: 2 or 3 literal examples of at most 128 characters and 256 bytes.
        focus_span_ref: the salient span's reference, at most 96 ASCII characters.

    Raises:
        BadField: a value is outside these bounds.
    """

    DECISION: ClassVar[str] = "CLARIFY"

    reason_code: ReasonCode
    what_is_missing: str
    clarification_unit_id: str
    accepted_answer_formats: tuple[str, ...]
    focus_span_ref: str | None = None

    def __post_init__(self) -> None:
        _check_reason(self.reason_code, CLARIFY_REASONS, self.DECISION)
        _check_names("what_is_missing", (self.what_is_missing,), _FIELD_KEY, 1)
        check_text("clarification_unit_id", self.clarification_unit_id, 64)
        formats = self.accepted_answer_formats
        if not isinstance(formats, tuple) or not FORMATS_MIN <= len(formats) <= FORMATS_MAX:
            raise BadField(
                "accepted_answer_formats", "must be 2 or 3 literal examples", "Give 2 or 3."
            )
        for example in formats:
            check_text("accepted_answer_formats", example, FORMAT_BYTES_MAX)
            if len(example) > FORMAT_CHARS_MAX:
                raise BadField(
                    "accepted_answer_formats",
                    f"holds an example of {len(example)} characters; 128 are accepted",
                    "Give a shorter example.",
                )
        _check_focus(self.focus_span_ref)


@dataclass(frozen=True, slots=True)
class Chat:
    """Talk: nothing to draft, nothing to ask. Raises BadField for another reason code."""

    DECISION: ClassVar[str] = "CHAT"

    reason_code: ReasonCode = ReasonCode.NLP_CHAT_DEFAULT
    focus_span_ref: str | None = None

    def __post_init__(self) -> None:
        _check_reason(self.reason_code, CHAT_REASONS, self.DECISION)
        _check_focus(self.focus_span_ref)


@dataclass(frozen=True, slots=True)
class ProfileDecision:
    """Tone and delivery for one verified user; carries references, no authority.

    Attributes:
        reason_code: PERSONA_PROFILE_OK.
        style_profile_ref: DOMINANT, GENTLE or NEUTRAL.
        delivery_policy_ref: VOICE_ALLOWED, TEXT_ONLY or SILENT.
        preferences_snapshot_ref: the content-addressed name of the snapshot, 1 to 96 ASCII.

    Raises:
        BadField: a value is outside these bounds.
    """

    reason_code: ReasonCode
    style_profile_ref: str
    delivery_policy_ref: str
    preferences_snapshot_ref: str

    def __post_init__(self) -> None:
        _check_reason(self.reason_code, PROFILE_REASONS, "a profile")
        if self.style_profile_ref not in STYLES:
            raise BadField("style_profile_ref", "is not known", "Give " + " | ".join(STYLES) + ".")
        if self.delivery_policy_ref not in DELIVERIES:
            raise BadField(
                "delivery_policy_ref", "is not known", "Give " + " | ".join(DELIVERIES) + "."
            )
        ref = self.preferences_snapshot_ref
        if not isinstance(ref, str) or not _REF.fullmatch(ref):
            raise BadField(
                "preferences_snapshot_ref", "must be 1 to 96 printable ASCII", "Give the digest."
            )


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the user said to one draft: a decision of its own, once for each draft.

    Attributes:
        reason_code: X_CONFIRMED, X_DECLINED, or X_CHANGED where another draft took its place.
        draft_event_id: the event of the draft that it settles.

    Raises:
        BadField: a value is outside these bounds.
    """

    reason_code: ReasonCode
    draft_event_id: EventId

    def __post_init__(self) -> None:
        _check_reason(self.reason_code, CONFIRMATION_REASONS, "a confirmation")
        parse_event_id(self.draft_event_id)

    @property
    def decision(self) -> str:
        """CONFIRMED, DECLINED or CHANGED."""
        return self.reason_code.name.removeprefix("X_")


@dataclass(frozen=True, slots=True)
class Custody:
    """What became of the key of one user's words: destroyed, held back from that, or let go.

    Attributes:
        reason_code: J_USER_ERASED, J_USER_HELD or J_USER_RELEASED.
        user_id: whose words.
        named: the key that was destroyed, or the hold; 32 lower-case hex digits.

    Raises:
        BadField: a value is outside these bounds.
    """

    reason_code: ReasonCode
    user_id: UserId
    named: str

    def __post_init__(self) -> None:
        _check_reason(self.reason_code, CUSTODY_REASONS, "a key's custody")
        parse_user_id(self.user_id)
        if not isinstance(self.named, str) or not _KEY_ID.fullmatch(self.named):
            raise BadField("key_id", "is no name of a key or a hold", "Give 32 hex digits.")

    @property
    def decision(self) -> str:
        """ERASED, HELD or RELEASED."""
        return self.reason_code.name.removeprefix("J_USER_")


Decision = IntentDraft | Clarify | Chat

DRAFT_REASONS: Final = (
    ReasonCode.NLP_INTENT_OK,
    ReasonCode.NLP_INTENT_UNKNOWN,
    ReasonCode.NLP_MULTI_INTENT,
)
CLARIFY_REASONS: Final = (
    ReasonCode.NLP_CLARIFY_MISSING_FIELD,
    ReasonCode.NLP_CLARIFY_AMBIGUOUS_REFERENCE,
    ReasonCode.NLP_UNCERTAIN_SPAN,
    ReasonCode.NLP_MULTI_INTENT,
)
CHAT_REASONS: Final = (ReasonCode.NLP_CHAT_DEFAULT,)
PROFILE_REASONS: Final = (ReasonCode.PERSONA_PROFILE_OK,)
CONFIRMATION_REASONS: Final = (
    ReasonCode.X_CONFIRMED,
    ReasonCode.X_DECLINED,
    ReasonCode.X_CHANGED,
)
CUSTODY_REASONS: Final = (
    ReasonCode.J_USER_ERASED,
    ReasonCode.J_USER_HELD,
    ReasonCode.J_USER_RELEASED,
)
