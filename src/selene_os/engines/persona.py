"""PH1.PERSONA: how one verified user likes to be answered, as a profile of closed references.

A profile is tone and delivery only. It carries no words that were said and no authority: meaning,
permissions, the order of execution and the need to confirm stay as they are, whatever it holds.

Each part of a profile is decided by the first of these that speaks:

1. the latest signal of its key. An earlier one never decides, not even where the latest is not
   understood: the user has spoken since, and the diagnostics say that it was not understood;
2. for the style alone, the style hint of PH1.EMO.GUIDE;
3. the previous snapshot, if it is this user's own, and what it rests on is still there;
4. the default: GENTLE, VOICE_ALLOWED, BALANCED, no language, no confirmation wish.

Privacy fails closed: a latest privacy signal that is not understood decides the delivery, and
never as VOICE_ALLOWED. Source: docs/spec/000; how words are read is in `persona_wishes`, and how a
line that was said in passing is told to be a wish, in `persona_lines`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Final

from selene_os.engines.persona_check import validate
from selene_os.engines.persona_lines import read_value, wish_of
from selene_os.engines.persona_words import (
    BREVITIES,
    BREVITY_PREFERENCE,
    CONFIRMATION_PREFERENCE,
    CONFIRMATIONS,
    DELIVERIES,
    LANGUAGES,
    PREFERRED_LANGUAGE,
    PRIVACY_PREFERENCE,
    RESPONSE_TONE_TARGET,
    STYLES,
)
from selene_os.errors import BadField
from selene_os.names import check_count, check_text, parse_user_id

__all__ = [
    "NAME",
    "VERSION",
    "Request",
    "Result",
    "Signal",
    "Snapshot",
    "run",
    "validate",
    "wish_of",
]

NAME: Final = "PH1.PERSONA"
VERSION: Final = "1.1.0"

KEYS: Final = (
    PREFERRED_LANGUAGE,
    BREVITY_PREFERENCE,
    RESPONSE_TONE_TARGET,
    PRIVACY_PREFERENCE,
    CONFIRMATION_PREFERENCE,
)
# Part of a profile, as evidence names it -> who decides it, and its place in a snapshot.
PARTS: Final = {
    "style": (RESPONSE_TONE_TARGET, "style_profile_ref"),
    "delivery": (PRIVACY_PREFERENCE, "delivery_policy_ref"),
    "brevity": (BREVITY_PREFERENCE, "brevity_ref"),
    "language": (PREFERRED_LANGUAGE, "preferred_language"),
    "confirmation": (CONFIRMATION_PREFERENCE, "confirmation_ref"),
}
_PLACES: Final = ("PRIVATE", "SHARED", "UNKNOWN")
_REASON_CODES: Final = (
    "PERSONA_PROFILE_OK",
    "PERSONA_VALIDATE_OK",
    "PERSONA_INPUT_SCHEMA_INVALID",
    "PERSONA_IDENTITY_REQUIRED",
    "PERSONA_BUDGET_EXCEEDED",
    "PERSONA_VALIDATION_FAILED",
)
VALUE_BYTES_MAX: Final = 96
_EVIDENCE_REF_BYTES_MAX: Final = 128
_SPEAKER_ID_BYTES_MAX: Final = 128
SIGNALS_MAX: Final = 16
_CORRECTION_EVENTS_MAX: Final = 1_000
_REF_PREFIX: Final = "persona:v1:"
# What decided a part where no signal did.
_STYLE_HINT: Final = "style_hint"
_PREVIOUS: Final = "previous_snapshot"
_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Signal:
    """One preference of the user, as the OS found it.

    Args:
        key: what it is about, one of the five preference keys.
        value: the wish in its own words, 1 to 96 bytes.
        evidence_ref: where it was found, 1 to 128 bytes; not one of the names that this engine
            gives to evidence which is no signal.

    Raises:
        BadField: a field is outside its bounds.
    """

    key: str
    value: str
    evidence_ref: str

    def __post_init__(self) -> None:
        _check_closed("signals.key", self.key, KEYS)
        check_text("signals.value", self.value, VALUE_BYTES_MAX)
        check_text("signals.evidence_ref", self.evidence_ref, _EVIDENCE_REF_BYTES_MAX)
        if self.evidence_ref in (_STYLE_HINT, _PREVIOUS, _DEFAULT):
            # Else nobody could tell from the record whether a signal decided or none did.
            raise BadField(
                "signals.evidence_ref",
                f"is {self.evidence_ref}, which names evidence that is no signal",
                "Give the name of the row where the signal was found.",
            )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole profile: references with closed values, and none of the words said.

    Args:
        user_id: whose profile it is, 1 to 128 bytes.
        style_profile_ref: DOMINANT, GENTLE or NEUTRAL.
        delivery_policy_ref: VOICE_ALLOWED, TEXT_ONLY or SILENT.
        brevity_ref: BRIEF, BALANCED or DETAILED.
        preferred_language: a language code of `LANGUAGES`, or None.
        confirmation_ref: ALWAYS, WHEN_REQUIRED or None. It can make a confirmation wordier; what
            must be confirmed is decided elsewhere and stays so.

    Raises:
        BadField: a field is outside its bounds.
    """

    user_id: str
    style_profile_ref: str
    delivery_policy_ref: str
    brevity_ref: str
    preferred_language: str | None = None
    confirmation_ref: str | None = None

    def __post_init__(self) -> None:
        parse_user_id(self.user_id)
        _check_closed("style_profile_ref", self.style_profile_ref, STYLES)
        _check_closed("delivery_policy_ref", self.delivery_policy_ref, DELIVERIES)
        _check_closed("brevity_ref", self.brevity_ref, BREVITIES)
        if self.preferred_language is not None:
            _check_closed("preferred_language", self.preferred_language, LANGUAGES)
        if self.confirmation_ref is not None:
            _check_closed("confirmation_ref", self.confirmation_ref, CONFIRMATIONS)

    @property
    def ref(self) -> str:
        """The content's own name, 75 bytes: equal snapshots have equal names, and no others do."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return _REF_PREFIX + hashlib.sha256(canonical.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """What a profile is decided from.

    Args:
        user_id: whose profile, 1 to 128 bytes.
        speaker_id: the speaker who was recognised, 1 to 128 bytes, or None.
        identity_verified: whether speaker and user are verified to be one.
        signals: 0 to 16, in the order they were made; the latest of a key is the last.
        correction_event_count: 0 to 1,000; recorded, and changes nothing.
        style_hint: DOMINANT, GENTLE, NEUTRAL or None, from PH1.EMO.GUIDE.
        place: PRIVATE, SHARED or UNKNOWN; UNKNOWN acts as SHARED.
        previous: the profile committed last, recomputed from its record, or None.
        gone: keys whose part of that profile rests on nothing any more: it is as by default.

    Raises:
        BadField: a field is outside its bounds.
    """

    user_id: str
    speaker_id: str | None
    identity_verified: bool
    signals: tuple[Signal, ...] = ()
    correction_event_count: int = 0
    style_hint: str | None = None
    place: str = "UNKNOWN"
    previous: Snapshot | None = None
    gone: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parse_user_id(self.user_id)
        for key in self.gone:
            _check_closed("gone", key, KEYS)
        if self.speaker_id is not None:
            check_text("speaker_id", self.speaker_id, _SPEAKER_ID_BYTES_MAX)
        if not isinstance(self.identity_verified, bool):
            # A truthy word such as "no" must not pass for a verified identity.
            raise BadField("identity_verified", "must be true or false", "Give a boolean.")
        if not isinstance(self.signals, tuple) or not all(
            isinstance(signal, Signal) for signal in self.signals
        ):
            raise BadField("signals", "must be a tuple of signals", "Build each as a Signal.")
        if len(self.signals) > SIGNALS_MAX:
            raise BadField(
                "signals",
                f"are {len(self.signals)}; 0 to {SIGNALS_MAX} are accepted",
                "Give the latest of each key.",
            )
        check_count(
            "correction_event_count", self.correction_event_count, 0, _CORRECTION_EVENTS_MAX
        )
        if self.style_hint is not None:
            _check_closed("style_hint", self.style_hint, STYLES)
        _check_closed("place", self.place, _PLACES)
        if self.previous is not None and not isinstance(self.previous, Snapshot):
            raise BadField("previous", "must be a snapshot", "Build it as a Snapshot, or leave it.")


@dataclass(frozen=True, slots=True)
class Result:
    """A profile with what decided it, or a refusal without one.

    Args:
        status: OK or REFUSED.
        reason_code: the name of the reason in the registry.
        snapshot: the profile; present if and only if the status is OK.
        evidence: for each part (style, delivery, brevity, language, confirmation) what decided
            it: a signal's evidence_ref, "style_hint", "previous_snapshot" or "default".
        diagnostics: what was not used, and why; never the words said.

    Raises:
        BadField: the status, the reason and the snapshot do not belong together.
    """

    status: str
    reason_code: str
    snapshot: Snapshot | None
    evidence: tuple[tuple[str, str], ...] = ()
    diagnostics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_closed("status", self.status, ("OK", "REFUSED"))
        _check_closed("reason_code", self.reason_code, _REASON_CODES)
        if (self.status == "OK") != self.reason_code.endswith("_OK"):
            raise BadField(
                "reason_code", f"does not belong to {self.status}", "Give a reason of that status."
            )
        if (self.status == "OK") != (self.snapshot is not None):
            raise BadField(
                "snapshot", "belongs to status OK, and to no other", "Refuse without a snapshot."
            )


def run(request: Request) -> Result:
    """Decide the profile of one verified user; pure, and total for every request.

    Args:
        request: what the OS knows of the user, within its bounds.

    Returns:
        The profile with its evidence, or a refusal where the identity is not verified: there is
        no fallback profile.

    Source: docs/spec/000 §1 and §4.
    """
    if not request.identity_verified or request.speaker_id is None:
        return Result("REFUSED", "PERSONA_IDENTITY_REQUIRED", None)
    diagnostics: list[str] = []
    said = _read_latest(request, diagnostics)
    kept = request.previous
    if kept is not None and kept.user_id != request.user_id:
        diagnostics.append("previous snapshot belongs to another user; ignored")
        kept = None
    if request.style_hint is not None:
        said.setdefault(RESPONSE_TONE_TARGET, (request.style_hint, _STYLE_HINT))
    default = default_profile(request.user_id)
    parts: dict[str, str | None] = {}
    evidence = []
    for part, (key, name) in PARTS.items():
        stands = kept is not None and key not in request.gone
        otherwise = (getattr(kept if stands else default, name), _PREVIOUS if stands else _DEFAULT)
        parts[name], by = said.get(key, otherwise)
        evidence.append((part, by))
    snapshot = replace(default, **parts)  # type: ignore[arg-type]  # str where a default is str
    return Result("OK", "PERSONA_PROFILE_OK", snapshot, tuple(evidence), tuple(diagnostics))


def default_profile(user_id: str) -> Snapshot:
    """The profile of a user of whom nothing is known."""
    return Snapshot(user_id, "GENTLE", "VOICE_ALLOWED", "BALANCED")


def _read_latest(request: Request, diagnostics: list[str]) -> dict[str, tuple[str, str]]:
    """Read the latest signal of each key: key to (closed value, evidence_ref)."""
    latest = {signal.key: signal for signal in request.signals}
    said: dict[str, tuple[str, str]] = {}
    for key in KEYS:
        signal = latest.get(key)
        if signal is None:
            continue
        wish = read_value(key, signal.value)
        if wish is not None:
            said[key] = (wish, signal.evidence_ref)
        elif key == PRIVACY_PREFERENCE:
            closed = "TEXT_ONLY" if request.place == "PRIVATE" else "SILENT"
            said[key] = (closed, signal.evidence_ref)
            diagnostics.append(f"{key}: value not understood; {closed} until it is")
        else:
            diagnostics.append(f"{key}: value not understood")
    if len(latest) < len(request.signals):
        # Counted, so that no signal is passed over in silence.
        passed = len(request.signals) - len(latest)
        diagnostics.append(f"signals: {passed} earlier of the same key not read")
    return said


def _check_closed(field: str, value: object, accepted: Collection[str]) -> None:
    """Raise BadField, naming what is accepted, unless `value` is one of it."""
    if not isinstance(value, str) or value not in accepted:
        raise BadField(field, "is not one of the accepted values", f"Give {', '.join(accepted)}.")
