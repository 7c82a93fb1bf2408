"""PH1.PERSONA from outside: the table of wishes, and what holds for every request."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.engines import persona
from selene_os.engines.persona import Request, Result, Signal, Snapshot, run, validate
from selene_os.errors import BadField

CASES = Path(__file__).parents[1] / "cases" / "persona_wishes.toml"
TABLE: dict[str, list[dict[str, str]]] = tomllib.loads(CASES.read_text(encoding="utf-8"))
WISHES = [(key, wish) for key, wishes in TABLE.items() for wish in wishes]
PART_OF = {
    "response_tone_target": "style_profile_ref",
    "brevity_preference": "brevity_ref",
    "privacy_preference": "delivery_policy_ref",
    "preferred_language": "preferred_language",
    "confirmation_preference": "confirmation_ref",
}
CLOSED: dict[str, tuple[str | None, ...]] = {
    "style_profile_ref": ("DOMINANT", "NEUTRAL", "GENTLE"),
    "brevity_ref": ("BRIEF", "BALANCED", "DETAILED"),
    "delivery_policy_ref": ("VOICE_ALLOWED", "TEXT_ONLY", "SILENT"),
    "preferred_language": (None, "en", "zh", "fr"),
    "confirmation_ref": (None, "ALWAYS", "WHEN_REQUIRED"),
}
DEFAULT = Snapshot("ada", "GENTLE", "VOICE_ALLOWED", "BALANCED")

# Words near the tables, so that many generated values are understood and many almost are.
WORDS = """
    don't not no never stop too so less enough or and but , please only speak voice text mute
    silent quiet sound short long detailed gentle direct always ask English Chinese commute when
    不要 别 太 说话 静音 文字 出声 短 长 温柔 直接 ， 可以 吗 中文 不 一点
"""
FRAGMENTS = WORDS.split()
USERS = st.sampled_from(["ada", "bo", "用户"])
VALUES = st.one_of(
    st.sampled_from([wish["say"] for _, wish in WISHES]),
    st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6).map(" ".join),
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=24),
)
SIGNALS = st.builds(
    Signal, key=st.sampled_from(sorted(PART_OF)), value=VALUES, evidence_ref=st.just("row:7")
)
SNAPSHOTS = st.builds(
    Snapshot, USERS, *[st.sampled_from(CLOSED[part]) for part in (
        "style_profile_ref", "delivery_policy_ref", "brevity_ref",
        "preferred_language", "confirmation_ref",
    )]
)  # fmt: skip
REQUESTS = st.builds(
    Request,
    user_id=USERS,
    speaker_id=st.just("voice:ada"),
    identity_verified=st.just(True),
    signals=st.lists(SIGNALS, max_size=16).map(tuple),
    correction_event_count=st.integers(0, 1_000),
    style_hint=st.sampled_from([None, "DOMINANT", "NEUTRAL", "GENTLE"]),
    place=st.sampled_from(["PRIVATE", "SHARED", "UNKNOWN"]),
    previous=st.none() | SNAPSHOTS,
)


def ask(*signals: Signal, **fields: Any) -> Request:
    return Request("ada", "voice:ada", True, signals, **fields)


def changed(snapshot: Snapshot, **parts: Any) -> Snapshot:
    return replace(snapshot, **parts)


def profile(request: Request) -> Snapshot:
    snapshot = run(request).snapshot
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize(("key", "wish"), WISHES, ids=[f"{k}: {w['say']}" for k, w in WISHES])
def test_a_wish_is_understood_by_its_words_or_not_at_all(key: str, wish: dict[str, str]) -> None:
    request = ask(Signal(key, wish["say"], "row:1"), place=wish["place"])
    result = run(request)
    doubt, _, expected = wish["expect"].rpartition("? ")
    unknown = bool(doubt) or wish["expect"].startswith("?")
    part = PART_OF[key]
    assert result.snapshot is not None
    assert bool(result.diagnostics) == unknown
    if expected == "?":
        expected = getattr(DEFAULT, part)
    assert getattr(result.snapshot, part) == expected
    assert replace(result.snapshot, **{part: getattr(DEFAULT, part)}) == DEFAULT
    assert validate(request, result.snapshot) == ()


def test_the_table_has_at_least_ninety_wishes_and_sixty_traps_and_says_each_once() -> None:
    said = [(key, wish["say"], wish["place"]) for key, wish in WISHES]
    traps = [wish["say"] for _, wish in WISHES if "why" in wish]
    assert len(said) >= 90
    assert len(traps) >= 60
    assert sum(not trap.isascii() for trap in traps) >= 20
    assert len(set(said)) == len(said)


def test_the_engine_has_the_shape_of_every_engine() -> None:
    assert persona.NAME == "PH1.PERSONA"
    assert persona.VERSION == "1.1.0"
    with pytest.raises(FrozenInstanceError):
        DEFAULT.user_id = "bo"  # type: ignore[misc]


@pytest.mark.parametrize(("speaker_id", "verified"), [(None, True), ("s", False), (None, False)])
def test_an_unverified_identity_is_refused_without_a_fallback_profile(
    speaker_id: str | None, verified: bool
) -> None:
    request = Request("ada", speaker_id, verified, (), previous=DEFAULT)
    assert run(request) == Result("REFUSED", "PERSONA_IDENTITY_REQUIRED", None)
    assert "identity_is_verified" in validate(request, DEFAULT)


def test_without_any_word_the_profile_is_the_default() -> None:
    result = run(ask())
    assert result.snapshot == DEFAULT
    assert {source for _, source in result.evidence} == {"default"}
    assert result.diagnostics == ()


def test_the_latest_signal_of_a_key_decides_and_an_earlier_one_never_does() -> None:
    early = Signal("brevity_preference", "short", "row:1")
    later = Signal("brevity_preference", "detailed", "row:2")
    unclear = Signal("brevity_preference", "blue", "row:3")
    assert profile(ask(early, later)).brevity_ref == "DETAILED"
    assert dict(run(ask(early, later)).evidence)["brevity"] == "row:2"
    result = run(ask(early, unclear))
    assert result.snapshot == DEFAULT
    assert result.diagnostics == (
        "brevity_preference: value not understood",
        "signals: 1 earlier of the same key not read",
    )


def test_a_signal_goes_before_the_hint_and_the_hint_before_the_previous_snapshot() -> None:
    mine = Snapshot("ada", "NEUTRAL", "SILENT", "BRIEF", "fr", "ALWAYS")
    tone = Signal("response_tone_target", "gentle", "row:1")
    assert profile(ask(previous=mine)) == mine
    hinted = run(ask(previous=mine, style_hint="DOMINANT"))
    assert hinted.snapshot == replace(mine, style_profile_ref="DOMINANT")
    assert hinted.evidence[:2] == (("style", "style_hint"), ("delivery", "previous_snapshot"))
    assert profile(ask(tone, previous=mine, style_hint="DOMINANT")).style_profile_ref == "GENTLE"


def test_another_users_snapshot_is_ignored_and_that_is_said() -> None:
    result = run(ask(previous=Snapshot("bo", "DOMINANT", "SILENT", "BRIEF", "fr", "ALWAYS")))
    assert result.snapshot == DEFAULT
    assert result.diagnostics == ("previous snapshot belongs to another user; ignored",)


def test_a_snapshot_is_named_by_its_content() -> None:
    canonical = (
        b'{"brevity_ref":"BALANCED","confirmation_ref":null,"delivery_policy_ref":"VOICE_ALLOWED",'
        b'"preferred_language":null,"style_profile_ref":"GENTLE","user_id":"ada"}'
    )
    assert DEFAULT.ref == "persona:v1:" + hashlib.sha256(canonical).hexdigest()
    names = {DEFAULT.ref, replace(DEFAULT, user_id="bo").ref}
    for part, values in CLOSED.items():
        names |= {changed(DEFAULT, **{part: value}).ref for value in values}
    assert len(names) == 2 + sum(len(values) - 1 for values in CLOSED.values())
    assert all(len(name.encode()) <= 96 for name in names)


@given(REQUESTS)
def test_every_request_has_one_result_and_it_validates(request: Request) -> None:
    result = run(request)
    assert result == run(replace(request))
    assert result.snapshot is not None
    assert validate(request, result.snapshot) == ()
    assert [part for part, _ in result.evidence] == [
        "style", "delivery", "brevity", "language", "confirmation",
    ]  # fmt: skip


@given(REQUESTS, st.data())
def test_validate_rejects_every_profile_but_the_right_one(
    request: Request, data: st.DataObject
) -> None:
    right = profile(request)
    part = data.draw(st.sampled_from(sorted(CLOSED)))
    wrong = data.draw(st.sampled_from([v for v in CLOSED[part] if v != getattr(right, part)]))
    assert validate(request, changed(right, **{part: wrong}))
    assert "snapshot_names_this_user" in validate(request, replace(right, user_id="eve"))


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=24),
    st.sampled_from(["PRIVATE", "SHARED", "UNKNOWN"]),
)
def test_arbitrary_privacy_text_never_opens_the_voice(text: str, place: str) -> None:
    delivery = profile(ask(Signal("privacy_preference", text, "row:1"), place=place))
    voiced = delivery.delivery_policy_ref == "VOICE_ALLOWED"
    assert not voiced or any(word in text for word in ("语音", "说", "声", "静音", "开口"))


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=4), st.integers(0, 4))
def test_one_unknown_word_closes_any_privacy_wish(words: list[str], at: int) -> None:
    value = " ".join([*words[:at], "zebra", *words[at:]])
    signal = Signal("privacy_preference", value, "row:1")
    assert profile(ask(signal)).delivery_policy_ref == "SILENT"
    assert profile(ask(signal, place="PRIVATE")).delivery_policy_ref == "TEXT_ONLY"


@given(REQUESTS, SNAPSHOTS)
def test_another_users_snapshot_never_changes_a_profile(request: Request, other: Snapshot) -> None:
    stranger = replace(other, user_id="eve")
    assert profile(replace(request, previous=stranger)) == profile(replace(request, previous=None))


@given(REQUESTS, st.integers(0, 1_000))
def test_the_count_of_corrections_changes_nothing(request: Request, count: int) -> None:
    assert run(replace(request, correction_event_count=count)) == run(request)


@given(REQUESTS)
def test_no_word_that_was_said_is_in_a_result(request: Request) -> None:
    marked = tuple(replace(s, value="xyzzy " + s.value[:8]) for s in request.signals)
    assert "xyzzy" not in repr(run(replace(request, signals=marked)))


SIGNAL = {"key": "brevity_preference", "value": "short", "evidence_ref": "row:1"}
REQUEST: dict[str, Any] = {"user_id": "ada", "speaker_id": "s", "identity_verified": True}
SNAPSHOT = {
    "user_id": "ada",
    "style_profile_ref": "GENTLE",
    "delivery_policy_ref": "SILENT",
    "brevity_ref": "BRIEF",
}
LONGEST: list[tuple[Any, dict[str, Any], str, Any, Any]] = [
    (Signal, SIGNAL, "value", "x" * 96, "x" * 97),
    (Signal, SIGNAL, "value", "短" * 32, "短" * 33),
    (Signal, SIGNAL, "value", "x", ""),
    (Signal, SIGNAL, "value", "x", "a\nb"),
    (Signal, SIGNAL, "evidence_ref", "x" * 128, "x" * 129),
    (Signal, SIGNAL, "evidence_ref", "x", "default"),
    (Signal, SIGNAL, "key", "privacy_preference", "volume"),
    (Request, REQUEST, "user_id", "x" * 128, "x" * 129),
    (Request, REQUEST, "speaker_id", "x" * 128, ""),
    (Request, REQUEST, "identity_verified", False, "yes"),
    (Request, REQUEST, "signals", (Signal(**SIGNAL),) * 16, (Signal(**SIGNAL),) * 17),
    (Request, REQUEST, "signals", (), [Signal(**SIGNAL)]),
    (Request, REQUEST, "correction_event_count", 1_000, 1_001),
    (Request, REQUEST, "correction_event_count", 0, -1),
    (Request, REQUEST, "style_hint", "NEUTRAL", "ANGRY"),
    (Request, REQUEST, "place", "SHARED", "OFFICE"),
    (Request, REQUEST, "previous", DEFAULT, "persona:v1:0"),
    (Snapshot, SNAPSHOT, "user_id", "x" * 128, ""),
    (Snapshot, SNAPSHOT, "style_profile_ref", "NEUTRAL", "gentle"),
    (Snapshot, SNAPSHOT, "delivery_policy_ref", "TEXT_ONLY", "LOUD"),
    (Snapshot, SNAPSHOT, "brevity_ref", "DETAILED", ["BRIEF"]),
    (Snapshot, SNAPSHOT, "preferred_language", "yue", "English"),
    (Snapshot, SNAPSHOT, "confirmation_ref", "ALWAYS", "NEVER"),
]


@pytest.mark.parametrize(("shape", "fields", "name", "inside", "outside"), LONGEST)
def test_a_field_is_accepted_up_to_its_bound_and_refused_beyond(
    shape: Any, fields: dict[str, Any], name: str, inside: Any, outside: Any
) -> None:
    assert getattr(shape(**{**fields, name: inside}), name) == inside
    with pytest.raises(BadField) as refused:
        shape(**{**fields, name: outside})
    assert str(refused.value.field).endswith(name)


def test_an_unknown_key_is_refused_with_the_names_of_the_known_ones() -> None:
    with pytest.raises(BadField, match="privacy_preference"):
        Signal("volume", "loud", "row:1")


def test_a_result_without_a_profile_cannot_be_ok() -> None:
    with pytest.raises(BadField):
        Result("OK", "PERSONA_PROFILE_OK", None)
    with pytest.raises(BadField):
        Result("REFUSED", "PERSONA_IDENTITY_REQUIRED", DEFAULT)
