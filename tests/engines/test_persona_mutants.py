"""What `validate` catches: builders that are wrong in one way each, on a fixed list of requests.

And what it cannot see, because a snapshot does not tell: that the evidence names what decided.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.engines.persona import Request, Signal, Snapshot, run, validate

TONE, BREVITY, PRIVACY, LANGUAGE, CONFIRMATION = KEYS = (
    "response_tone_target",
    "brevity_preference",
    "privacy_preference",
    "preferred_language",
    "confirmation_preference",
)
PARTS = {
    "style": ("style_profile_ref", TONE),
    "delivery": ("delivery_policy_ref", PRIVACY),
    "brevity": ("brevity_ref", BREVITY),
    "language": ("preferred_language", LANGUAGE),
    "confirmation": ("confirmation_ref", CONFIRMATION),
}
MINE = Snapshot("ada", "NEUTRAL", "SILENT", "DETAILED", "fr", "ALWAYS")
OPEN = Snapshot("ada", "GENTLE", "VOICE_ALLOWED", "BRIEF", None, None)
THEIRS = Snapshot("bo", "DOMINANT", "SILENT", "BRIEF", "ja", "WHEN_REQUIRED")
# What one user may have said, each line in order.
SAID: list[list[tuple[str, str]]] = [
    [],
    [(TONE, "gentle"), (TONE, "be direct")],
    [(TONE, "neutral")],
    [(TONE, "blue")],
    [(BREVITY, "short"), (BREVITY, "blue")],
    [(BREVITY, "detailed")],
    [(PRIVACY, "voice is fine")],
    [(PRIVACY, "text only")],
    [(PRIVACY, "silent")],
    [(PRIVACY, "don't speak aloud")],
    [(PRIVACY, "don't mute me")],
    [(PRIVACY, "commute")],
    [(PRIVACY, "voice is fine"), (PRIVACY, "only speak when I ask")],
    [(PRIVACY, "no text, don't be silent")],
    [(LANGUAGE, "English"), (LANGUAGE, "not English")],
    [(LANGUAGE, "German"), (PRIVACY, "silent"), (CONFIRMATION, "always")],
    [(CONFIRMATION, "ask me every time"), (CONFIRMATION, "never ask me")],
]
REQUESTS = [
    Request(
        "ada",
        speaker_id,
        verified,
        tuple(Signal(key, value, f"row:{n}") for n, (key, value) in enumerate(said)),
        count,
        hint,
        place,
        previous,
    )
    for said, previous, hint, place in itertools.product(
        SAID, (None, MINE, OPEN, THEIRS), (None, "DOMINANT"), ("PRIVATE", "SHARED", "UNKNOWN")
    )
    for speaker_id, verified, count in (
        ("s", True, 0), ("s", True, 9), (None, True, 0), ("s", False, 0),
    )
]  # fmt: skip
Builder = Callable[[Request], Snapshot]


def built(request: Request) -> Snapshot:
    """What is right for an identity that is verified."""
    snapshot = run(replace(request, speaker_id="s", identity_verified=True)).snapshot
    assert snapshot is not None
    return snapshot


def spoke_of(request: Request, key: str) -> bool:
    return any(signal.key == key for signal in request.signals)


def said_last(request: Request, key: str) -> str:
    return ([""] + [signal.value for signal in request.signals if signal.key == key])[-1]


def only(request: Request, *keys: str) -> Request:
    return replace(request, signals=tuple(s for s in request.signals if s.key in keys))


def understood(request: Request) -> Request:
    """Without the signals that are not understood."""
    kept = tuple(s for s in request.signals if not run(replace(request, signals=(s,))).diagnostics)
    return replace(request, signals=kept, previous=request.previous)


def swap(value: str, **turned: str) -> str:
    return turned.get(value, value)


def lets_the_earliest_signal_decide(request: Request) -> Snapshot:
    return built(replace(request, signals=request.signals[::-1]))


def falls_back_to_an_earlier_understood_signal(request: Request) -> Snapshot:
    own = request.previous if request.previous and request.previous.user_id == "ada" else None
    return built(understood(replace(request, previous=own)))


def passes_over_unknown_privacy(request: Request) -> Snapshot:
    unknown = built(only(request, PRIVACY)) != built(understood(only(request, PRIVACY)))
    return built(only(request, *(set(KEYS) - {PRIVACY})) if unknown else request)


def opens_the_voice_where_privacy_is_unknown(request: Request) -> Snapshot:
    diagnosed = any(PRIVACY in line for line in built_diagnostics(request))
    right = built(request)
    return replace(right, delivery_policy_ref="VOICE_ALLOWED") if diagnosed else right


def built_diagnostics(request: Request) -> tuple[str, ...]:
    return run(replace(request, speaker_id="s", identity_verified=True)).diagnostics


def takes_every_place_for_private(request: Request) -> Snapshot:
    return built(replace(request, place="PRIVATE"))


def takes_every_place_for_shared(request: Request) -> Snapshot:
    return built(replace(request, place="SHARED"))


def takes_an_unknown_place_for_private(request: Request) -> Snapshot:
    return built(replace(request, place=swap(request.place, UNKNOWN="PRIVATE")))


def lets_the_hint_go_before_the_wish(request: Request) -> Snapshot:
    right = built(request)
    return replace(right, style_profile_ref=request.style_hint or right.style_profile_ref)


def ignores_the_hint(request: Request) -> Snapshot:
    return built(replace(request, style_hint=None))


def lets_the_previous_go_before_the_hint(request: Request) -> Snapshot:
    own = request.previous is not None and request.previous.user_id == request.user_id
    return built(replace(request, style_hint=None) if own else request)


def lets_the_hint_decide_brevity(request: Request) -> Snapshot:
    right = built(request)
    return replace(right, brevity_ref="BRIEF") if request.style_hint else right


def lets_the_previous_go_before_the_wishes(request: Request) -> Snapshot:
    own = request.previous if request.previous and request.previous.user_id == "ada" else None
    return own or built(request)


def ignores_the_previous(request: Request) -> Snapshot:
    return built(replace(request, previous=None))


def takes_over_the_profile_of_another(request: Request) -> Snapshot:
    previous = request.previous and replace(request.previous, user_id=request.user_id)
    return built(replace(request, previous=previous))


def names_the_user_of_the_previous(request: Request) -> Snapshot:
    right = built(request)
    return replace(right, user_id=request.previous.user_id) if request.previous else right


def names_the_speaker(request: Request) -> Snapshot:
    return replace(built(request), user_id=request.speaker_id or request.user_id)


def gives_strangers_the_default(request: Request) -> Snapshot:
    known = request.identity_verified and request.speaker_id is not None
    return built(request) if known else Snapshot("ada", "GENTLE", "VOICE_ALLOWED", "BALANCED")


def speaks_in_private_whatever_was_asked(request: Request) -> Snapshot:
    right = built(request)
    private = request.place == "PRIVATE"
    return replace(right, delivery_policy_ref="VOICE_ALLOWED") if private else right


def answers_in_text_where_silence_was_asked(request: Request) -> Snapshot:
    right = built(request)
    policy = swap(right.delivery_policy_ref, SILENT="TEXT_ONLY")
    return replace(right, delivery_policy_ref=policy)


def is_silent_where_text_was_asked(request: Request) -> Snapshot:
    right = built(request)
    policy = swap(right.delivery_policy_ref, TEXT_ONLY="SILENT")
    return replace(right, delivery_policy_ref=policy)


def is_silent_where_voice_was_asked(request: Request) -> Snapshot:
    right = built(request)
    asked = spoke_of(request, PRIVACY) and right.delivery_policy_ref == "VOICE_ALLOWED"
    return replace(right, delivery_policy_ref="SILENT") if asked else right


def drops_negations(request: Request) -> Snapshot:
    signals = tuple(replace(s, value=s.value.replace("don't ", "")) for s in request.signals)
    return built(replace(request, signals=signals))


def finds_words_inside_words(request: Request) -> Snapshot:
    right = built(request)
    found = "mute" in said_last(request, PRIVACY) and request.place == "PRIVATE"
    return replace(right, delivery_policy_ref="SILENT") if found else right


def takes_voice_for_what_is_left_over(request: Request) -> Snapshot:
    right = built(request)
    left = said_last(request, PRIVACY) == "no text, don't be silent"
    return replace(right, delivery_policy_ref="VOICE_ALLOWED") if left else right


def answers_in_english_where_no_language_is_understood(request: Request) -> Snapshot:
    right = built(request)
    unclear = spoke_of(request, LANGUAGE) and right.preferred_language is None
    return replace(right, preferred_language="en") if unclear else right


def invents_a_language(request: Request) -> Snapshot:
    right = built(request)
    return replace(right, preferred_language=right.preferred_language or "en")


def forgets_the_confirmation_wish(request: Request) -> Snapshot:
    right = built(request)
    return right if spoke_of(request, CONFIRMATION) else replace(right, confirmation_ref=None)


def confirms_more_after_corrections(request: Request) -> Snapshot:
    right = built(request)
    return replace(right, confirmation_ref="ALWAYS") if request.correction_event_count else right


def has_a_neutral_default(request: Request) -> Snapshot:
    right = built(request)
    plain = request.previous is None and request.style_hint is None and not request.signals
    return replace(right, style_profile_ref="NEUTRAL") if plain else right


def drops_the_last_signal_when_there_are_three(request: Request) -> Snapshot:
    return built(replace(request, signals=request.signals[:2]))


MUTANTS: list[Builder] = [
    lets_the_earliest_signal_decide, falls_back_to_an_earlier_understood_signal,
    passes_over_unknown_privacy, opens_the_voice_where_privacy_is_unknown,
    takes_every_place_for_private, takes_every_place_for_shared,
    takes_an_unknown_place_for_private, lets_the_hint_go_before_the_wish, ignores_the_hint,
    lets_the_previous_go_before_the_hint, lets_the_hint_decide_brevity,
    lets_the_previous_go_before_the_wishes, ignores_the_previous,
    takes_over_the_profile_of_another, names_the_user_of_the_previous, names_the_speaker,
    gives_strangers_the_default, speaks_in_private_whatever_was_asked,
    answers_in_text_where_silence_was_asked, is_silent_where_text_was_asked,
    is_silent_where_voice_was_asked, drops_negations, finds_words_inside_words,
    takes_voice_for_what_is_left_over, answers_in_english_where_no_language_is_understood,
    invents_a_language, forgets_the_confirmation_wish, confirms_more_after_corrections,
    has_a_neutral_default, drops_the_last_signal_when_there_are_three,
]  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_builder_is_caught_wherever_it_is_wrong(mutant: Builder) -> None:
    wrong = 0
    for request in REQUESTS:
        known = request.identity_verified and request.speaker_id is not None
        proposed = mutant(request)
        right = known and proposed == built(request)
        assert bool(validate(request, proposed)) != right, request
        wrong += known and not right
    assert wrong or mutant is gives_strangers_the_default


def test_the_right_builder_is_never_refused() -> None:
    for request in REQUESTS:
        snapshot = run(request).snapshot
        assert snapshot is None or validate(request, snapshot) == ()


@given(st.sampled_from(REQUESTS), st.lists(st.sampled_from(SAID), max_size=3))
def test_the_evidence_of_a_part_is_what_really_decided_it(
    request: Request, more: list[list[tuple[str, str]]]
) -> None:
    said = [(s.key, s.value) for s in request.signals] + [pair for pairs in more for pair in pairs]
    signals = tuple(Signal(key, value, f"row:{n}") for n, (key, value) in enumerate(said[:16]))
    request = replace(request, signals=signals, speaker_id="s", identity_verified=True)
    result = run(request)
    for part, name in result.evidence:
        field, key = PARTS[part]
        alone = {
            "style_hint": replace(request, signals=(), previous=None),
            "previous_snapshot": replace(request, signals=(), style_hint=None),
            "default": replace(request, signals=(), style_hint=None, previous=None),
        }
        named = tuple(signal for signal in signals if signal.evidence_ref == name)
        nothing_else = replace(request, signals=named, style_hint=None, previous=None)
        # With nothing but what is named, the part is the same; without it, something else decides.
        source = alone.get(name, nothing_else)
        assert getattr(built(source), field) == getattr(built(request), field)
        without = {
            "style_hint": replace(request, style_hint=None),
            "previous_snapshot": replace(request, previous=None),
            "default": replace(request, previous=MINE),
        }
        rest = tuple(signal for signal in signals if signal.evidence_ref != name)
        gone = without.get(name, replace(request, signals=rest))
        assert dict(run(gone).evidence)[part] != name
        assert all(signal.key == key for signal in named)
