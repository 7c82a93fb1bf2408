"""Deciding again what was recorded, on each store: what is identical, what differs, what cannot be.

Rows are replayed as a store holds them; what nobody can write there is handed to the replayer as
it would stand there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledgers import ACME, ALICE, TALK, Ledger
from replays import REMIND, TWO, Record, changed, first, of, replayed
from selene_os.engines import focus, nlp, persona
from selene_os.errors import BadField
from selene_os.replaying import (
    DIFFERENT,
    IDENTICAL,
    TIME_UNCHECKED,
)
from talking import Desk

# Every kind of hand-over: repairs, flags, dropped words, questions, several drafts, yes, no.
TALKS = (
    (REMIND, "yes"), (REMIND, "no"), (REMIND, "make it 6 pm instead", "yes"), (TWO, "both", "yes"),
    (TWO, "both", "the first one"), (TWO, "both", "both"), (REMIND, "what's the weather in Rome"),
    ("remind me to to call mom um tmr", "at 5 pm", "yes"), ("send $20 to him", "to Ann", "yes"),
    ("明天下午五点提醒我给妈妈打电话", "好的"), ("hello there",), ("book a table",),
    ("sing me a song",),
    ("pls send Ann $20 thx", "yes"), ("remind me", "never mind"),
)  # fmt: skip


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


# ---- what is identical


@pytest.mark.parametrize("talk", TALKS, ids=" / ".join)
def test_what_was_just_decided_is_decided_the_same_again(desk: Desk, talk: tuple[str, ...]) -> None:
    for text in talk:
        desk.say(text)
        desk.now_ns += 1_000_000_000
    found = replayed(desk)
    assert [(one.outcome, one.differences, one.unchecked) for one in found] == [
        (IDENTICAL, (), ())
    ] * len(found)
    assert found == tuple(desk.tenant.replay(TALK))


def test_a_replay_writes_nothing(ledger: Ledger, desk: Desk) -> None:
    desk.tenant.import_terms([{"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED",
                               "canonical": "Orion"}])  # fmt: skip
    for text in (REMIND, "make it 6 pm instead", "yes"):
        desk.say(text)
    desk.tenant.commit_profile(ALICE.user_id, ALICE.device_id, speaker="alice")
    before = ledger.tables()
    assert {one.outcome for one in replayed(desk)} == {IDENTICAL}
    assert ledger.tables() == before


def test_words_and_spans_that_come_with_a_turn_are_decided_from_again(desk: Desk) -> None:
    desk.tenant.set(zone="Europe/Berlin", currency="EUR", date_order="DMY")
    text = "um remind me to to call mom tmr at 5 pm"
    desk.say(text, salient=[focus.Item("a", "SPAN", 5, "span:19-27", "said")])
    mom = text.index("mom")
    for confidence in ("HIGH", "MED", "LOW"):
        spans = [nlp.UncertainSpan(mom, mom + 3, "NAME_LIKE"), nlp.UncertainSpan(0, 2)]
        desk.say(text, transcript_confidence=confidence, uncertain_spans=spans)
    desk.say("send 20 to Ann on 10/11")
    found = replayed(desk)
    assert {one.outcome for one in found} == {IDENTICAL}, [one.differences for one in found]


def test_what_focus_refused_is_said_not_to_be_checked(desk: Desk) -> None:
    desk.say("remind me", salient=[focus.Item("a", "SPAN", 5, "span:100-200", "said")])
    (found,) = replayed(desk)
    assert found.outcome == IDENTICAL
    assert ["PH1.FOCUS" in part for part in found.unchecked] == [True]


@pytest.mark.parametrize("now", ["2026-11-21T09:30+01:00", "2026-07-01T09:30+02:00",
                                 "2026-11-21T09:30-05:00", None])  # fmt: skip
def test_summer_time_is_the_tenants_zone_s_now_and_again(desk: Desk, now: str | None) -> None:
    # The offset of the moment of speaking is not that of the moment that is spoken of.
    desk.tenant.set(zone="Europe/Berlin")
    desk.say("remind me to call mom on July 15 at 10 am UTC", now=now)
    desk.say("remind me to call mom on December 15 at 10 am UTC", now=now)
    assert {one.outcome for one in replayed(desk)} == {IDENTICAL}


def test_a_caller_s_moment_decides_by_its_offset_and_the_tenant_s_zone_alone(desk: Desk) -> None:
    said = "remind me to call mom on July 15 at 10 am UTC"
    elsewhere = datetime(2026, 11, 21, 9, 30, tzinfo=ZoneInfo("America/New_York"))
    answer = desk.say(said, now=elsewhere)
    (when,) = [field.value for field in answer.result.fields if field.key == "when"]
    assert when == "2027-07-15T05:00"
    assert {one.outcome for one in replayed(desk)} == {IDENTICAL}


def test_a_yes_that_came_too_late_is_told_again(desk: Desk) -> None:
    desk.say(REMIND)
    desk.now_ns += 3_600 * 1_000_000_000
    assert desk.say("yes").lapsed is not None
    assert [one.outcome for one in replayed(desk)] == [IDENTICAL] * 2
    assert not any(one.unchecked for one in replayed(desk))


@pytest.mark.parametrize("yes", [True, False])
def test_a_yes_or_no_by_call_is_checked_but_for_its_time(desk: Desk, yes: bool) -> None:
    desk.confirm(desk.say(REMIND).event_id, yes)
    _, found = replayed(desk)
    assert (found.outcome, found.unchecked) == (IDENTICAL, (TIME_UNCHECKED,))


def test_a_profile_is_decided_again_with_what_came_before_it(desk: Desk) -> None:
    desk.say("keep your answers short")
    for wish in ("text only", "banana", None):
        signals = [] if wish is None else [persona.Signal("privacy_preference", wish, "row-1")]
        desk.tenant.commit_profile(
            ALICE.user_id, ALICE.device_id, speaker="alice", signals=signals, correlation=TALK
        )
    found = replayed(desk)
    assert [one.outcome for one in found] == [IDENTICAL] * 4
    assert [one.event.engine for one in found[1:]] == ["PH1.PERSONA"] * 3


def test_turns_that_are_numbered_out_of_order_are_decided_again(desk: Desk) -> None:
    desk.say(REMIND, turn=1)
    desk.say("yes", turn=9)
    desk.say("send $20 to Ann", turn=5)
    assert {one.outcome for one in replayed(desk)} == {IDENTICAL}


def test_the_terms_that_were_recorded_decide_and_not_those_of_today(desk: Desk) -> None:
    code = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED"}
    desk.tenant.import_terms([{**code, "canonical": "tmr"}])
    desk.say("remind me to call mom tmr")
    desk.tenant.import_terms([{**code, "canonical": "Orion"}], replace_all=True)
    desk.say("remind me to call mom tmr")
    assert [one.outcome for one in replayed(desk)] == [IDENTICAL] * 2


@pytest.mark.parametrize("wrong", [-1, 2**63, True, "2026-01-01"])
def test_a_stretch_outside_its_bounds_is_refused_at_once(desk: Desk, wrong: Any) -> None:
    with pytest.raises(BadField):
        desk.tenant.replay_all(since=wrong)
    with pytest.raises(BadField):
        desk.tenant.replay_all(until=wrong)


# ---- what differs


CHANGES: dict[str, tuple[Callable[[Record], object], str]] = {
    "what was said": (lambda r: r["request"].update(text="send $20 to Ann"), "/answer/intent_type"),
    "a value": (lambda r: r["answer"]["fields"][0].update(value="x"), "/answer/fields/0/value"),
    "an offset": (lambda r: r["answer"]["fields"][1].update(start=0), "/answer/fields/1/start"),
    "a field less": (lambda r: r["answer"]["fields"].pop(), "/answer/fields/1"),
    "a field more": (lambda r: r["answer"]["fields"].append({}), "/answer/fields/2"),
    "a key more": (lambda r: r["answer"].update({"a/b~": 1}), "/answer/a~1b~0"),
    "true for 1": (lambda r: r["answer"].update(requires_confirmation=1),
                   "/answer/requires_confirmation"),
    "a hand-over": (lambda r: r["hand_overs"][1].update(became="refused"),
                    "/hand_overs/1/became"),
    "no hand-over": (lambda r: r["hand_overs"].pop(), "/hand_overs/4"),
    "the turn": (lambda r: r["request"].update(turn_id=7), "/request/turn_id"),
    "the moment": (lambda r: r["request"].update(now="2026-11-22T09:30:00+01:00"),
                   "/answer/fields/1/value"),
    "the policy": (lambda r: r["request"]["policy"].update(extra=1), "/request/policy/extra"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_in_a_record_is_named(ledger: Ledger, desk: Desk, what: str) -> None:
    change, path = CHANGES[what]
    desk.say(REMIND)
    event, kept = first(ledger)
    found = of(ledger, event, changed(kept, change))
    assert found.outcome == DIFFERENT and found.differs
    assert path in [one.path for one in found.differences]


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "the engine": ({"engine": "PH1.PERSONA"}, "/engine"),
    "the event type": ({"event_type": "NlpClarify"}, "/event_type"),
    "the reason": ({"reason_code": 7}, "/reason_code"),
    "the severity": ({"severity": "WARN"}, "/severity"),
    "a key of the payload": ({"payload_min": '{"decision":"CHAT"}'}, "/payload_min/decision"),
    "the payload's bytes": ({"payload_min": " {}"}, "/payload_min/decision"),
    "no payload": ({"payload_min": "not JSON"}, "/payload_min"),
    "the draft's number": ({"idempotency_key": "PH1.NLP:1#2"}, ""),
    "a wrong number": ({"idempotency_key": "PH1.NLP:1#0"}, ""),
}


@pytest.mark.parametrize("what", ROWS)
def test_what_was_changed_in_a_row_is_named(ledger: Ledger, desk: Desk, what: str) -> None:
    values, path = ROWS[what]
    desk.say(REMIND)
    event, kept = first(ledger)
    found = of(ledger, event._replace(**values), kept)
    assert found.outcome == DIFFERENT
    assert path in [one.path for one in found.differences]


def test_a_payload_that_says_the_same_in_other_bytes_differs(ledger: Ledger, desk: Desk) -> None:
    desk.say(REMIND)
    event, kept = first(ledger)
    spaced = event.payload_min.replace(":", ": ")
    (one,) = of(ledger, event._replace(payload_min=spaced), kept).differences
    assert (one.path, one.recorded, one.replayed) == ("/payload_min", spaced, event.payload_min)


def test_each_further_draft_is_compared_with_its_own(ledger: Ledger, desk: Desk) -> None:
    desk.say(TWO)
    desk.say("both")
    *_, second = ledger.store.trace(ACME, TALK)
    kept = ledger.store.record(ACME, second.event_id)
    assert kept is not None and second.idempotency_key.endswith("#2")
    assert of(ledger, second, kept).outcome == IDENTICAL
    other = changed(kept, lambda r: r["answer"]["fields"][0].update(value="x"))
    assert [one.path for one in of(ledger, second, other).differences] == ["/answer/fields/0/value"]
    as_first = second._replace(idempotency_key=ledger.store.trace(ACME, TALK)[-2].idempotency_key)
    assert of(ledger, as_first, kept).outcome == DIFFERENT


def test_a_settlement_of_other_words_or_another_draft_differs(ledger: Ledger, desk: Desk) -> None:
    desk.say(REMIND)
    desk.say("yes")
    draft, yes = ledger.store.trace(ACME, TALK)
    kept = ledger.store.record(ACME, yes.event_id)
    assert kept is not None
    assert of(ledger, yes, kept).outcome == IDENTICAL
    for change in (
        lambda r: r["request"].update(text="no"),
        lambda r: r["draft"].update(digest="0" * 64),
        lambda r: r["draft"].update(event_id=yes.event_id),
        lambda r: r["answer"].update(decision="DECLINED"),
    ):
        assert of(ledger, yes, changed(kept, change)).outcome == DIFFERENT
    payload = yes.payload_min.replace(draft.event_id, yes.event_id)
    assert of(ledger, yes._replace(payload_min=payload), kept).outcome == DIFFERENT


def test_a_profile_that_was_changed_differs(ledger: Ledger, desk: Desk) -> None:
    desk.tenant.commit_profile(ALICE.user_id, ALICE.device_id, speaker="alice", correlation=TALK)
    event, kept = first(ledger)
    for change, path in (
        (lambda r: r["answer"]["snapshot"].update(brevity_ref="BRIEF"),
         "/answer/snapshot/brevity_ref"),
        (lambda r: r["rests_on"].update(style="memory:x"), "/rests_on/style"),
        (lambda r: r["request"].update(identity_verified=False), ""),
    ):  # fmt: skip
        found = of(ledger, event, changed(kept, change))
        assert (found.outcome, path in [one.path for one in found.differences]) == (DIFFERENT, True)


def test_another_version_compares_all_the_same_and_says_so(
    ledger: Ledger, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.say(REMIND)
    event, kept = first(ledger)
    older = of(ledger, event, kept._replace(engine_version="0.9"))
    assert (older.outcome, older.recorded_version) == (IDENTICAL, "0.9")
    assert older.replayed_version == nlp.VERSION
    run = nlp.run

    def surer(request: nlp.Request, pack: nlp.Pack | None = None) -> nlp.Result:
        return replace(run(request, pack), overall_confidence="MED")

    monkeypatch.setattr(nlp, "run", surer)
    found = of(ledger, event, kept._replace(engine_version="0.9"))
    assert [one.path for one in found.differences] == [
        "/payload_min/overall_confidence",
        "/answer/overall_confidence",
    ]


@pytest.mark.parametrize("error", [ZeroDivisionError, RecursionError, MemoryError, AssertionError])
def test_what_breaks_an_engine_is_a_difference_and_no_crash(
    ledger: Ledger, desk: Desk, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    desk.say(REMIND)
    event, kept = first(ledger)

    def broken(request: nlp.Request, pack: nlp.Pack | None = None) -> nlp.Result:
        raise error("inside")

    monkeypatch.setattr(nlp, "run", broken)
    found = of(ledger, event, kept)
    assert (found.outcome, found.differences[0].replayed) == (
        DIFFERENT,
        f"{error.__name__}: inside",
    )
