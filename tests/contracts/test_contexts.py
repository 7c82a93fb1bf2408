"""What a profile is decided from: what its user wants remembered, and what they said.

Only what consent, use policy and time allow, of that verified user alone. Source: design,
"PH1.PERSONA" and "Memory and conversation"; docs/spec/000 §3.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import talking
from ledgers import ALICE, BOB, CAROL, GLOBEX, NOBODYS, OTHER_TALK, START_NS, TALK, Ledger
from selene_os import Profile, Signal
from selene_os.engines import persona
from selene_os.errors import IdentityRequired, Refusal
from selene_os.ledger.codec import Scope
from selene_os.ledger.memories import Memories, Remembered
from selene_os.names import CorrelationId, IdempotencyKey
from selene_os.reasons import ReasonCode

SECOND = 1_000_000_000
LANGUAGE, BREVITY, TONE, PRIVACY = (
    "preferred_language", "brevity_preference", "response_tone_target", "privacy_preference",
)  # fmt: skip


class Desk(talking.Desk):
    """A desk whose clock moves a second before each thing that happens."""

    def __init__(self, ledger: Ledger, tenant: str = "acme") -> None:
        super().__init__(ledger, tenant)
        self._memories = Memories(ledger.store, self.around.event_id)
        self._keys = map(str, itertools.count())

    def keep(
        self,
        key: str,
        said: str | None,
        *,
        scope: Scope = ALICE,
        event: str = "STORED",
        **more: Any,
    ) -> str:
        """Remember something; returns its evidence reference."""
        self.now_ns += SECOND
        change = Remembered(event, key, said, "row:1", **({"use_policy": "ALWAYS_USABLE"} | more))
        user, name = (scope.tenant_id, scope.user_id), IdempotencyKey(next(self._keys))
        receipt = self._memories.append(*user, change, name, self.now_ns)
        return f"memory:{receipt.event_id}"

    def forget(self, key: str) -> None:
        """Forget it."""
        self.keep(key, None, event="FORGOTTEN")

    def says(self, text: str, scope: Scope = ALICE, talk: CorrelationId = TALK) -> str:
        """Say something; returns its decision."""
        self.now_ns += SECOND
        answer = self.tenant.take_turn(scope.user_id, scope.device_id, text, correlation=talk)
        return answer.decision

    def profile(self, *signals: Signal, scope: Scope = ALICE, **more: Any) -> Profile:
        """Decide a profile, in TALK where nothing else is named."""
        self.now_ns += SECOND
        more = {"speaker": scope.user_id, "correlation": TALK, "signals": signals} | more
        return self.tenant.commit_profile(scope.user_id, scope.device_id, **more)


def parts(profile: Profile) -> tuple[str, str, str, str | None]:
    """Delivery, brevity, style and language."""
    one = profile.snapshot
    return (
        one.delivery_policy_ref, one.brevity_ref, one.style_profile_ref, one.preferred_language,
    )  # fmt: skip


def evidence(profile: Profile) -> dict[str, str]:
    """What decided each part."""
    return dict(profile.result.evidence)


DEFAULT = ("VOICE_ALLOWED", "BALANCED", "GENTLE", None)


# ---- memory


@pytest.mark.parametrize("policy", ["ALWAYS_USABLE", "CONTEXT_RELEVANT_ONLY"])
def test_a_wish_that_may_be_used_unasked_decides_its_part(ledger: Ledger, policy: str) -> None:
    desk = Desk(ledger)
    refs = [
        desk.keep(key, said, use_policy=policy)
        for key, said in (
            (LANGUAGE, "German"), (BREVITY, "short answers please"), (TONE, "direct"),
            (PRIVACY, "text only"),
        )
    ]  # fmt: skip
    profile = desk.profile()
    assert parts(profile) == ("TEXT_ONLY", "BRIEF", "DOMINANT", "de")
    told = evidence(profile)
    assert [told[part] for part in ("language", "brevity", "style", "delivery")] == refs
    assert told["confirmation"] == "default"
    assert profile.notes == ()


@pytest.mark.parametrize(
    "more",
    [
        {"use_policy": "REPEAT_CONFIRMED"}, {"use_policy": "USER_REQUESTED_ONLY"},
        {"consent": "NOT_REQUESTED"}, {"expires_at": START_NS + 2 * SECOND},
        {"scope": BOB}, {"scope": Scope(GLOBEX, ALICE.user_id, NOBODYS)},
    ],
)  # fmt: skip
def test_a_wish_that_may_not_be_used_decides_nothing(ledger: Ledger, more: dict[str, Any]) -> None:
    ledger.store.register(GLOBEX, ALICE.user_id, NOBODYS, None, START_NS)
    desk = Desk(ledger)
    for key, said in ((LANGUAGE, "German"), (BREVITY, "short answers please")):
        desk.now_ns = START_NS  # What expires does so at the moment of the profile.
        desk.keep(key, said, **more)
    profile = desk.profile()
    assert desk.now_ns == START_NS + 2 * SECOND
    assert parts(profile) == DEFAULT
    assert set(evidence(profile).values()) == {"default"}
    assert len(profile.notes) == (0 if "scope" in more else 2)
    shown = repr((profile, desk.tenant.record(profile.receipt.event_id)))
    assert "German" not in shown
    assert "short" not in shown


def test_a_wish_counts_to_the_nanosecond_before_it_expires_and_its_part_goes_with_it(
    ledger: Ledger,
) -> None:
    desk = Desk(ledger)
    desk.keep(LANGUAGE, "German", expires_at=START_NS + 10 * SECOND)
    desk.keep(BREVITY, "short answers please")
    for at, language in ((10 * SECOND - 1, "de"), (10 * SECOND, None), (11 * SECOND, None)):
        desk.now_ns = START_NS + at - SECOND
        assert parts(desk.profile()) == ("VOICE_ALLOWED", "BRIEF", "GENTLE", language)


def test_what_is_forgotten_does_not_live_on_in_the_profile(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.keep(PRIVACY, "text only")
    desk.keep(BREVITY, "short answers please")
    for _ in range(2):
        assert parts(desk.profile()) == ("TEXT_ONLY", "BRIEF", "GENTLE", None)
    desk.forget(BREVITY)
    profile = desk.profile()
    assert parts(profile) == ("TEXT_ONLY", "BALANCED", "GENTLE", None)
    assert len(profile.notes) == 1
    desk.keep(BREVITY, "long answers please")
    assert parts(desk.profile())[1] == "DETAILED"
    desk.forget(PRIVACY)
    assert parts(desk.profile()) == ("VOICE_ALLOWED", "DETAILED", "GENTLE", None)
    # Another user, and another conversation, are untouched by all of it.
    assert parts(desk.profile(scope=BOB)) == DEFAULT
    assert parts(desk.profile(correlation=OTHER_TALK))[1] == "DETAILED"


@pytest.mark.parametrize("ref", ["memory:42", "memory:", "conversation:42"])
def test_a_callers_own_reference_is_nobodys_memory(ledger: Ledger, ref: str) -> None:
    # The ledger has no such event; that is not to say that it was forgotten.
    desk = Desk(ledger)
    assert parts(desk.profile(Signal(PRIVACY, "text only", ref)))[0] == "TEXT_ONLY"
    assert parts(desk.profile())[0] == "TEXT_ONLY"


@pytest.mark.parametrize("way", ["signal", "line"])
def test_a_part_that_never_rested_on_what_was_forgotten_stays(ledger: Ledger, way: str) -> None:
    # Else voice would come back that nobody asked for.
    desk = Desk(ledger)
    desk.keep(PRIVACY, "voice is fine")
    assert parts(desk.profile())[0] == "VOICE_ALLOWED"
    if way == "signal":
        profile = desk.profile(Signal(PRIVACY, "text only", "call:1"))
    else:
        assert desk.says("no voice please") == "CHAT"
        profile = desk.profile()
    assert parts(profile)[0] == "TEXT_ONLY"
    desk.forget(PRIVACY)
    assert parts(desk.profile(correlation=OTHER_TALK))[0] == "TEXT_ONLY"


def test_what_is_remembered_after_forgetting_and_may_not_be_used_keeps_nothing_alive(
    ledger: Ledger,
) -> None:
    desk = Desk(ledger)
    desk.keep(LANGUAGE, "German")
    assert parts(desk.profile())[3] == "de"
    desk.forget(LANGUAGE)
    desk.keep(LANGUAGE, "French", use_policy="USER_REQUESTED_ONLY")
    assert parts(desk.profile())[3] is None


# ---- conversation


def test_a_wish_said_in_passing_decides_in_its_conversation_and_after(ledger: Ledger) -> None:
    desk = Desk(ledger)
    assert desk.says("hello") == desk.says("please keep your answers short") == "CHAT"
    profile = desk.profile()
    assert parts(profile)[1] == "BRIEF"
    assert evidence(profile)["brevity"] == f"conversation:{TALK}:2"
    later = desk.profile(correlation=OTHER_TALK)
    assert (parts(later)[1], evidence(later)["brevity"]) == ("BRIEF", "previous_snapshot")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("answer in German from now on", ("language", "de")),
        ("always ask me first", ("confirmation", "ALWAYS")),
        ("please keep your answers short", ("brevity", "BRIEF")),
    ],
)  # fmt: skip
def test_a_line_is_read_as_the_wish_that_it_was_found_to_be(
    ledger: Ledger, text: str, part: tuple[str, str]
) -> None:
    desk = Desk(ledger)
    assert desk.says(text) == "CHAT"
    profile = desk.profile()
    one = profile.snapshot
    told = {
        "language": one.preferred_language, "brevity": one.brevity_ref,
        "confirmation": one.confirmation_ref,
    }  # fmt: skip
    assert told[part[0]] == part[1]
    assert evidence(profile)[part[0]] == f"conversation:{TALK}:1"


def test_a_line_with_a_tab_in_it_stops_no_profile(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.says("please keep\tyour answers short")
    desk.says("be brief\nfrom now on")
    assert desk.profile().receipt.deduplicated is False


def test_only_this_users_own_talk_is_listened_to(ledger: Ledger) -> None:
    desk, theirs = Desk(ledger), Desk(ledger, "globex")
    wish = "please keep your answers short"
    desk.says(wish, BOB)
    desk.says(wish, talk=OTHER_TALK)
    theirs.says(wish, CAROL)
    desk.says("hello")
    desk.tenant.append_answer("alice", "kitchen", wish, correlation=TALK, turn=2)
    # What PH1.NLP did not take for talk, and a line that no decision belongs to.
    assert desk.says("text only please") != "CHAT"
    ledger.store.append_utterance(ledger.scribe.utterance(wish, turn=9))
    assert parts(desk.profile()) == DEFAULT
    assert parts(desk.profile(scope=BOB))[1] == "BRIEF"


# ---- which of them


def test_the_latest_of_memory_talk_and_caller_wins(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.keep(BREVITY, "short answers please")
    assert desk.says("your answers are too short") == "CHAT"
    assert parts(desk.profile())[1] == "DETAILED"
    ref = desk.keep(BREVITY, "short answers please", event="UPDATED")
    profile = desk.profile()
    assert (parts(profile)[1], evidence(profile)["brevity"]) == ("BRIEF", ref)
    given = [Signal(BREVITY, "short answers please", "call:1"), Signal(BREVITY, "long", "call:2")]
    profile = desk.profile(*given)
    assert (parts(profile)[1], evidence(profile)["brevity"]) == ("DETAILED", "call:2")
    # A caller's wish was this call's; what is remembered speaks again, and the latest of a key
    # that is not understood hides the earlier ones.
    assert parts(desk.profile())[1] == "BRIEF"
    desk.keep(BREVITY, "like a heron", event="UPDATED")
    profile = desk.profile(correlation=OTHER_TALK)
    assert (parts(profile)[1], evidence(profile)["brevity"]) == ("BRIEF", "previous_snapshot")
    assert profile.result.diagnostics


@pytest.mark.parametrize("same", [False, True])
def test_sixteen_signals_of_a_caller_are_taken_beside_what_is_remembered(
    ledger: Ledger, same: bool
) -> None:
    # Also where it is one signal, given sixteen times.
    desk = Desk(ledger)
    for key, said in ((LANGUAGE, "German"), (PRIVACY, "text only")):
        desk.keep(key, said)
    ref = itertools.repeat("call") if same else map(str, itertools.count())
    one = Signal(BREVITY, "short answers please", "call")
    signals = [one if same else Signal(BREVITY, "long", next(ref)) for _ in range(15)] + [one]
    assert parts(desk.profile(*signals)) == ("TEXT_ONLY", "BRIEF", "GENTLE", "de")


@pytest.mark.parametrize(
    ("place", "delivery"), [("UNKNOWN", "SILENT"), ("SHARED", "SILENT"), ("PRIVATE", "TEXT_ONLY")]
)
def test_a_privacy_wish_that_nobody_understands_gives_no_voice(
    ledger: Ledger, place: str, delivery: str
) -> None:
    desk = Desk(ledger)
    desk.keep(PRIVACY, "voice is fine")
    assert parts(desk.profile(place=place))[0] == "VOICE_ALLOWED"
    for said in ("purple", "voice " * 40):
        desk.keep(PRIVACY, said, event="UPDATED")
        profile = desk.profile(place=place)
        assert parts(profile)[0] == delivery
        assert profile.result.diagnostics
    desk.keep(PRIVACY, "voice is fine", event="UPDATED", consent="NOT_REQUESTED")
    # What may not be used opens nothing either.
    assert parts(desk.profile(place=place))[0] == delivery


@pytest.mark.parametrize(
    "value",
    [b"green", b"5", b"\xff", b'{"verbatim":7}', b"[" * 99_999],
    ids=["no JSON", "no object", "no text", "a number", "deep"],
)
def test_a_privacy_memory_that_is_damaged_gives_no_voice(ledger: Ledger, value: bytes) -> None:
    desk = Desk(ledger)
    ledger.store.append_memory(
        ledger.scribe.memory(memory_key=PRIVACY, value=value, use_policy="ALWAYS_USABLE")
    )
    assert parts(desk.profile(place="PRIVATE"))[0] == "TEXT_ONLY"


# ---- identity, and the record


def test_without_a_verified_speaker_nothing_is_decided_and_nothing_written(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.keep(PRIVACY, "text only")
    desk.says("please keep your answers short")
    desk.profile()
    before = ledger.tables()
    for talk in (TALK, OTHER_TALK, None):
        with pytest.raises(IdentityRequired) as refused:
            desk.profile(speaker=None, correlation=talk)
        assert refused.value.reason == ReasonCode.PERSONA_IDENTITY_REQUIRED.name
    for speaker in ("", "x" * 129, "a\nb"):
        with pytest.raises(Refusal):
            desk.profile(speaker=speaker)
    assert ledger.tables() == before


def test_the_record_of_a_profile_makes_it_again(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.keep(PRIVACY, "text only")
    desk.keep(TONE, "direct", use_policy="REPEAT_CONFIRMED")
    desk.says("please keep your answers short")
    made = [
        desk.profile(Signal(TONE, "gentle", "call:1"), style_hint="NEUTRAL", place="SHARED"),
        desk.profile(correction_event_count=7, correlation=OTHER_TALK),
    ]
    desk.forget(PRIVACY)
    made.append(desk.profile())
    for profile in made:
        record = desk.tenant.record(profile.receipt.event_id)
        assert record is not None
        asked = dict(record["request"])
        asked["signals"] = tuple(Signal(**signal) for signal in asked["signals"])
        previous = asked["previous"]
        asked["previous"] = None if previous is None else persona.Snapshot(**previous)
        again = persona.run(persona.Request(**asked))
        assert again == profile.result
        assert (
            again.snapshot == profile.snapshot == persona.Snapshot(**record["answer"]["snapshot"])
        )
        assert record["notes"] == list(profile.notes)
    assert [parts(profile)[0] for profile in made] == ["TEXT_ONLY", "TEXT_ONLY", "VOICE_ALLOWED"]
    # What was taken back rests on nothing any more, and its evidence says so.
    assert evidence(made[2])["delivery"] == "default"


def test_a_retried_profile_is_the_one_that_was_recorded(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.keep(BREVITY, "short answers please")
    first = desk.profile(turn=1)
    desk.keep(BREVITY, "long answers please", event="UPDATED")
    again = desk.profile(turn=1)
    assert (again.receipt.event_id, again.receipt.deduplicated) == (first.receipt.event_id, True)
    assert (again.snapshot, again.receipt.same_decision) == (first.snapshot, False)
