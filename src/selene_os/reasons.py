"""The closed registry of reason codes: why a decision was made, or an engine refused.

A code's number is what the ledger keeps and never changes; its name is what people and JSON see.
Source: docs/spec/002 §4; numbers of the public Rust implementation where it has them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from selene_os.errors import BadField


class ReasonCode(IntEnum):
    """Every reason there is."""

    NLP_INTENT_OK = 0x4E000001
    NLP_CHAT_DEFAULT = 0x4E000003
    NLP_CLARIFY_MISSING_FIELD = 0x4E000011
    NLP_CLARIFY_AMBIGUOUS_REFERENCE = 0x4E000012
    NLP_MULTI_INTENT = 0x4E000013
    NLP_UNCERTAIN_SPAN = 0x4E000014
    NLP_INTENT_UNKNOWN = 0x4E000020
    NLP_INPUT_SCHEMA_INVALID = 0x4E0000F1
    NLP_BUDGET_EXCEEDED = 0x4E0000F3
    NLP_VALIDATION_FAILED = 0x4E0000F4

    PERSONA_PROFILE_OK = 0x50520001
    PERSONA_VALIDATE_OK = 0x50520002
    PERSONA_INPUT_SCHEMA_INVALID = 0x505200F1
    PERSONA_IDENTITY_REQUIRED = 0x505200F2
    PERSONA_BUDGET_EXCEEDED = 0x505200F3
    PERSONA_VALIDATION_FAILED = 0x505200F4

    KNOW_HINTS_OK = 0x4B4E0001
    KNOW_INPUT_SCHEMA_INVALID = 0x4B4E00F1
    KNOW_BUDGET_EXCEEDED = 0x4B4E00F3
    KNOW_VALIDATION_FAILED = 0x4B4E00F4
    KNOW_FOREIGN_TERM = 0x4B4E00F5
    KNOW_UNVERIFIED_TERM = 0x4B4E00F6

    SRL_REPAIR_OK = 0x53520001
    SRL_INPUT_SCHEMA_INVALID = 0x535200F1
    SRL_BUDGET_EXCEEDED = 0x535200F3
    SRL_VALIDATION_FAILED = 0x535200F4

    FOCUS_RANK_OK = 0x464F0001
    FOCUS_INPUT_SCHEMA_INVALID = 0x464F00F1
    FOCUS_BUDGET_EXCEEDED = 0x464F00F3
    FOCUS_VALIDATION_FAILED = 0x464F00F4

    PRUNE_SELECT_OK = 0x50550001
    PRUNE_INPUT_SCHEMA_INVALID = 0x505500F1
    PRUNE_BUDGET_EXCEEDED = 0x505500F3
    PRUNE_VALIDATION_FAILED = 0x505500F4

    X_CONFIRMED = 0x58000001
    X_DECLINED = 0x58000002
    X_CHANGED = 0x58000003
    X_NOT_ANSWERED = 0x58000004
    X_DRAFT_UNFIT = 0x580000F1
    X_DRAFT_SETTLED = 0x580000F5
    X_CONFIRMATION_LATE = 0x580000F6

    GATE_OPEN = 0x47410001
    GATE_DRAFT_NOT_HIGH = 0x474100F1
    GATE_DRAFT_INCOMPLETE = 0x474100F2
    GATE_DRAFT_AMBIGUOUS = 0x474100F3
    GATE_SCOPE_DIFFERS = 0x474100F4
    GATE_ACCESS_DENIED = 0x474100F5
    GATE_SIMULATION_INACTIVE = 0x474100F6
    GATE_CONFIRMATION_MISSING = 0x474100F7
    GATE_CONFIRMATION_DECLINED = 0x474100F8
    GATE_CONFIRMATION_DIFFERS = 0x474100F9
    GATE_CONFIRMATION_LATE = 0x474100FA
    GATE_CONFIRMATION_USED = 0x474100FB

    J_USER_ERASED = 0x4A000001
    J_USER_HELD = 0x4A000002
    J_USER_RELEASED = 0x4A000003
    J_USER_UNDER_HOLD = 0x4A0000F1

    MEMORY_SUBJECT_UNKNOWN = 0x4D4500F1
    MEMORY_SUBJECT_AMBIGUOUS = 0x4D4500F2


MEANINGS: Final[dict[ReasonCode, str]] = {
    ReasonCode.NLP_INTENT_OK: "One known intent, nothing required missing or ambiguous.",
    ReasonCode.NLP_CHAT_DEFAULT: "Talk: nothing here asks for anything that is known.",
    ReasonCode.NLP_CLARIFY_MISSING_FIELD: "A required field was not said.",
    ReasonCode.NLP_CLARIFY_AMBIGUOUS_REFERENCE: "A reference or a value has several readings.",
    ReasonCode.NLP_MULTI_INTENT: "Two or more requests in one utterance.",
    ReasonCode.NLP_UNCERTAIN_SPAN: "The transcript is unsure where a field or the trigger stands.",
    ReasonCode.NLP_INTENT_UNKNOWN: "Plainly a request, but of a kind that no pack knows.",
    ReasonCode.NLP_INPUT_SCHEMA_INVALID: "The request to PH1.NLP was not of its form.",
    ReasonCode.NLP_BUDGET_EXCEEDED: "The request to PH1.NLP was over a bound.",
    ReasonCode.NLP_VALIDATION_FAILED: "An answer of PH1.NLP broke its own contract.",
    ReasonCode.PERSONA_PROFILE_OK: "A profile was decided for a verified user.",
    ReasonCode.PERSONA_VALIDATE_OK: "A proposed profile keeps every rule.",
    ReasonCode.PERSONA_INPUT_SCHEMA_INVALID: "The request to PH1.PERSONA was not of its form.",
    ReasonCode.PERSONA_IDENTITY_REQUIRED: "No verified speaker; there is no fallback profile.",
    ReasonCode.PERSONA_BUDGET_EXCEEDED: "The request to PH1.PERSONA was over a bound.",
    ReasonCode.PERSONA_VALIDATION_FAILED: "A proposed profile breaks a rule.",
    ReasonCode.KNOW_HINTS_OK: "The tenant's terms were handed on as hints.",
    ReasonCode.KNOW_INPUT_SCHEMA_INVALID: "A term was not of its form.",
    ReasonCode.KNOW_BUDGET_EXCEEDED: "More terms than a tenant may have.",
    ReasonCode.KNOW_VALIDATION_FAILED: "The hints broke their own contract.",
    ReasonCode.KNOW_FOREIGN_TERM: "A term of another tenant closed the whole bundle.",
    ReasonCode.KNOW_UNVERIFIED_TERM: "A term without source or consent closed the whole bundle.",
    ReasonCode.SRL_REPAIR_OK: "The transcript was handed on.",
    ReasonCode.SRL_INPUT_SCHEMA_INVALID: "The transcript was not of its form.",
    ReasonCode.SRL_BUDGET_EXCEEDED: "The transcript or its flags were over a bound.",
    ReasonCode.SRL_VALIDATION_FAILED: "A repair broke its own contract.",
    ReasonCode.FOCUS_RANK_OK: "The spans were ranked.",
    ReasonCode.FOCUS_INPUT_SCHEMA_INVALID: "A span was not of its form.",
    ReasonCode.FOCUS_BUDGET_EXCEEDED: "More spans than are ranked.",
    ReasonCode.FOCUS_VALIDATION_FAILED: "The ranking was no permutation.",
    ReasonCode.PRUNE_SELECT_OK: "One missing field was chosen to be asked.",
    ReasonCode.PRUNE_INPUT_SCHEMA_INVALID: "The missing fields were not of their form.",
    ReasonCode.PRUNE_BUDGET_EXCEEDED: "More missing fields than can be pruned.",
    ReasonCode.PRUNE_VALIDATION_FAILED: "The choice was not among the missing fields.",
    ReasonCode.X_CONFIRMED: "The user said yes to this draft.",
    ReasonCode.X_DECLINED: "The user said no to this draft.",
    ReasonCode.X_CHANGED: "The user wants this draft otherwise; another one took its place.",
    ReasonCode.X_NOT_ANSWERED: "What was said is neither a yes nor a no to what waits.",
    ReasonCode.X_DRAFT_UNFIT: "No complete draft at HIGH, so there is nothing to say yes to.",
    ReasonCode.X_DRAFT_SETTLED: "The draft was confirmed, declined or changed before.",
    ReasonCode.X_CONFIRMATION_LATE: "The draft waited longer than the tenant lets it wait.",
    ReasonCode.GATE_OPEN: "Everything holds: the draft may be acted on.",
    ReasonCode.GATE_DRAFT_NOT_HIGH: "The draft is not HIGH.",
    ReasonCode.GATE_DRAFT_INCOMPLETE: "The draft lacks a required field, or its record.",
    ReasonCode.GATE_DRAFT_AMBIGUOUS: "A field of the draft is ambiguous.",
    ReasonCode.GATE_SCOPE_DIFFERS: "The draft is another tenant's or user's.",
    ReasonCode.GATE_ACCESS_DENIED: "The access port did not say ALLOW.",
    ReasonCode.GATE_SIMULATION_INACTIVE: "The simulation port does not know the intent as ACTIVE.",
    ReasonCode.GATE_CONFIRMATION_MISSING: "The intent needs a yes, and there is none.",
    ReasonCode.GATE_CONFIRMATION_DECLINED: "The user said no, or wants it otherwise.",
    ReasonCode.GATE_CONFIRMATION_DIFFERS: "The yes was said to another draft.",
    ReasonCode.GATE_CONFIRMATION_LATE: "The yes is older than the tenant lets it count.",
    ReasonCode.GATE_CONFIRMATION_USED: "The yes was acted on before.",
    ReasonCode.J_USER_ERASED: "The key of a user's words was destroyed.",
    ReasonCode.J_USER_HELD: "A legal hold keeps a user's words from being erased.",
    ReasonCode.J_USER_RELEASED: "A legal hold was taken away.",
    ReasonCode.J_USER_UNDER_HOLD: "The user is under a legal hold, and cannot be erased.",
    ReasonCode.MEMORY_SUBJECT_UNKNOWN: "Nothing that is remembered matches these words.",
    ReasonCode.MEMORY_SUBJECT_AMBIGUOUS: "Several things that are remembered match these words.",
}

_BY_NUMBER: Final = {int(code): code for code in ReasonCode}


def reason_name(number: int) -> str:
    """The name of a recorded number; a number of a later version is shown as hexadecimal."""
    code = _BY_NUMBER.get(number)
    return code.name if code else f"0x{number:08X}"


def reason_number(given: str | int) -> int:
    """The number of a reason code that somebody names: by name, number or hexadecimal.

    Raises:
        BadField: there is no such name, or the number is none.
    """
    if isinstance(given, str) and given in ReasonCode.__members__:
        return int(ReasonCode[given])
    try:
        number = given if isinstance(given, int) else int(given, 0)
    except ValueError:
        number = 0
    if not 1 <= number < 2**32:
        raise BadField("reason", "is not known", "See docs/reason-codes.md.")
    return number
