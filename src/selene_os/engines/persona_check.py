"""The rules of PH1.PERSONA stated a second time, as properties that every profile must have.

The builder in `persona` asks "who decides this part?"; here each property is a sentence that holds
or not, and none of them builds a profile. What words mean is one reading for both (`read_value`),
with one exception: that voice was asked for is checked against the words themselves, because that
is the one mistake which cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from selene_os.engines.persona_lines import read_value
from selene_os.engines.persona_words import (
    BREVITY_PREFERENCE,
    CONFIRMATION_PREFERENCE,
    PREFERRED_LANGUAGE,
    PRIVACY_PREFERENCE,
    RESPONSE_TONE_TARGET,
)
from selene_os.language.tokens import fold

# Who decides each part, in the order of `_unspoken_parts`.
_DECIDED_BY: Final = (
    RESPONSE_TONE_TARGET,
    PRIVACY_PREFERENCE,
    BREVITY_PREFERENCE,
    PREFERRED_LANGUAGE,
    CONFIRMATION_PREFERENCE,
)

if TYPE_CHECKING:
    from selene_os.engines.persona import Request, Signal, Snapshot

# Without one of these in it, in any case and script, a value cannot have asked for voice.
_VOICE_STEMS: Final = (
    "voice", "speak", "spoken", "speech", "talk", "loud", "read", "sound", "mut",
    "语音", "語音", "说", "說", "説", "讲", "講", "声", "聲", "静音", "靜音", "读", "讀", "念",
    "唸", "开口", "開口",
)  # fmt: skip


def validate(request: Request, proposed: Snapshot) -> tuple[str, ...]:
    """Name the rules that a proposed profile breaks.

    Args:
        request: what the profile was to be decided from.
        proposed: the profile that someone decided.

    Returns:
        The names of the broken properties, in the order of this module; empty when it is right.

    Source: docs/spec/000 §1, §4 and §5.
    """
    asked = _read(request)
    return tuple(name for name, holds in _PROPERTIES if not holds(asked, proposed))


class _Asked(NamedTuple):
    """A request with its last signal of each key, and what each of these asks for if understood."""

    request: Request
    signals: dict[str, Signal]
    wishes: dict[str, str | None]


def _read(request: Request) -> _Asked:
    """Look for the last signals from the end, and read each once."""
    signals: dict[str, Signal] = {}
    for signal in reversed(request.signals):
        signals.setdefault(signal.key, signal)
    wishes = {key: read_value(key, signal.value) for key, signal in signals.items()}
    return _Asked(request, signals, wishes)


def _own_previous(asked: _Asked) -> Snapshot | None:
    previous = asked.request.previous
    return previous if previous is not None and previous.user_id == asked.request.user_id else None


def _identity_is_verified(asked: _Asked, _: Snapshot) -> bool:
    """There is no fallback profile: without an identity every profile is wrong."""
    return asked.request.identity_verified and asked.request.speaker_id is not None


def _names_this_user(asked: _Asked, proposed: Snapshot) -> bool:
    return proposed.user_id == asked.request.user_id


def _understood_wishes_are_kept(asked: _Asked, proposed: Snapshot) -> bool:
    """No part contradicts an understood wish about it."""
    parts = {
        RESPONSE_TONE_TARGET: proposed.style_profile_ref,
        PRIVACY_PREFERENCE: proposed.delivery_policy_ref,
        BREVITY_PREFERENCE: proposed.brevity_ref,
        PREFERRED_LANGUAGE: proposed.preferred_language,
        CONFIRMATION_PREFERENCE: proposed.confirmation_ref,
    }
    return all(asked.wishes.get(key) in (None, part) for key, part in parts.items())


def _closed_wish_yields_no_voice(asked: _Asked, proposed: Snapshot) -> bool:
    wish = asked.wishes.get(PRIVACY_PREFERENCE)
    return wish not in ("TEXT_ONLY", "SILENT") or proposed.delivery_policy_ref != "VOICE_ALLOWED"


def _unknown_wish_yields_no_voice(asked: _Asked, proposed: Snapshot) -> bool:
    unknown = _privacy_is_unknown(asked)
    return not unknown or proposed.delivery_policy_ref != "VOICE_ALLOWED"


def _unknown_wish_is_silent_among_others(asked: _Asked, proposed: Snapshot) -> bool:
    shared = _privacy_is_unknown(asked) and asked.request.place in ("SHARED", "UNKNOWN")
    return not shared or proposed.delivery_policy_ref == "SILENT"


def _unknown_wish_is_text_in_private(asked: _Asked, proposed: Snapshot) -> bool:
    private = _privacy_is_unknown(asked) and asked.request.place == "PRIVATE"
    return not private or proposed.delivery_policy_ref == "TEXT_ONLY"


def _privacy_is_unknown(asked: _Asked) -> bool:
    return PRIVACY_PREFERENCE in asked.signals and asked.wishes[PRIVACY_PREFERENCE] is None


def _voice_was_asked_for_in_words(asked: _Asked, proposed: Snapshot) -> bool:
    """Where there is a privacy signal, voice needs a word in it that can ask for voice."""
    spoken = asked.signals.get(PRIVACY_PREFERENCE)
    if spoken is None or proposed.delivery_policy_ref != "VOICE_ALLOWED":
        return True
    # Full-width letters read as plain ones, so the stems are looked for among those.
    plain = fold(spoken.value)
    return any(stem in plain for stem in _VOICE_STEMS)


def _hint_decides_style_alone(asked: _Asked, proposed: Snapshot) -> bool:
    """Without an understood tone wish, the hint is the style."""
    if asked.request.style_hint is None or asked.wishes.get(RESPONSE_TONE_TARGET) is not None:
        return True
    return proposed.style_profile_ref == asked.request.style_hint


def _own_profile_stays(asked: _Asked, proposed: Snapshot) -> bool:
    """What nobody spoke of stays as it was in the user's own previous profile, if it stands."""
    own = _own_previous(asked)
    return own is None or _standing(asked, proposed) == _standing(asked, own)


def _standing(asked: _Asked, profile: Snapshot) -> list[tuple[int, str | None]]:
    return [(at, part) for at, part in _unspoken_parts(asked, profile) if not _is_gone(asked, at)]


def _is_gone(asked: _Asked, at: int) -> bool:
    return _DECIDED_BY[at] in asked.request.gone


def _without_any_word_it_is_the_default(asked: _Asked, proposed: Snapshot) -> bool:
    """What nobody spoke of is the default where no profile of the user's own stands for it."""
    own = _own_previous(asked)
    default = ("GENTLE", "VOICE_ALLOWED", "BALANCED", None, None)
    return all(
        part == default[at]
        for at, part in _unspoken_parts(asked, proposed)
        if own is None or _is_gone(asked, at)
    )


def _unspoken_parts(asked: _Asked, profile: Snapshot) -> list[tuple[int, str | None]]:
    """The parts of a profile, by place, that neither a signal nor the hint decides."""
    toned = (
        asked.request.style_hint is not None or asked.wishes.get(RESPONSE_TONE_TARGET) is not None
    )
    parts: tuple[tuple[bool, str | None], ...] = (
        (toned, profile.style_profile_ref),
        (asked.signals.get(PRIVACY_PREFERENCE) is not None, profile.delivery_policy_ref),
        (asked.wishes.get(BREVITY_PREFERENCE) is not None, profile.brevity_ref),
        (asked.wishes.get(PREFERRED_LANGUAGE) is not None, profile.preferred_language),
        (asked.wishes.get(CONFIRMATION_PREFERENCE) is not None, profile.confirmation_ref),
    )
    return [(at, part) for at, (spoken, part) in enumerate(parts) if not spoken]


_PROPERTIES: Final[tuple[tuple[str, Callable[[_Asked, Snapshot], bool]], ...]] = (
    ("identity_is_verified", _identity_is_verified),
    ("snapshot_names_this_user", _names_this_user),
    ("understood_wishes_are_kept", _understood_wishes_are_kept),
    ("text_only_or_silent_wish_yields_no_voice", _closed_wish_yields_no_voice),
    ("unknown_privacy_wish_yields_no_voice", _unknown_wish_yields_no_voice),
    ("unknown_privacy_wish_is_silent_among_others", _unknown_wish_is_silent_among_others),
    ("unknown_privacy_wish_is_text_only_in_private", _unknown_wish_is_text_in_private),
    ("voice_was_asked_for_in_words", _voice_was_asked_for_in_words),
    ("style_hint_decides_unspoken_style", _hint_decides_style_alone),
    ("own_previous_profile_stays", _own_profile_stays),
    ("without_any_word_it_is_the_default", _without_any_word_it_is_the_default),
)
