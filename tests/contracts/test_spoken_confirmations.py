"""A yes, a no or a change in words: as the next turn of the same user, and of nobody else.

Source: design, "PH1.X hand-off, and the gates"; docs/nlp.md. A yes by a call, and what every store
holds of it, is in test_confirmations.py.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledgers import ALICE, BOB, GLOBEX, NOBODYS, START_NS, TALK, Ledger
from selene_os import Answer, UncertainSpan
from selene_os.errors import ConfirmationRefused, Refusal, ScopeRefused
from selene_os.ledger.codec import Scope
from selene_os.reasons import ReasonCode
from talking import Desk

REMIND = "remind me to call mom tomorrow at 5 pm"
TWO = "send $20 to Bob and send $30 to Ann"


Line = tuple[str, str | None] | tuple[str, str | None, dict[str, Any]]
UNSURE = {"transcript_confidence": "LOW"}
ASKED, GIVEN = (REMIND, None), ("send $20 to Bob", None)
BOTH: list[Line] = [(TWO, None), ("both", None)]
YES, NO, NEW, NONE = "CONFIRMED", "DECLINED", "CHANGED", None
# What is said line by line, each with what of a draft it settles.
TALKS: list[Sequence[Line]] = [
    *([ASKED, (text, YES)] for text in ("yes", "Yes, please!", "ok", "好的", "yes, thanks")),
    *([ASKED, (text, NO)] for text in ("no", "no thanks", "never mind", "不要", "don't")),
    *([ASKED, (text, NONE), ("yes", NONE)]
      for text in ("yes?", "好的？", "maybe", "not yes", "yes and send me", "hello", "say yes")),
    [GIVEN, ("yes", NONE, UNSURE)], [GIVEN, ("no", NO, UNSURE)], [(*ASKED, UNSURE), ("yes", NONE)],
    [("what do you know about me", None), ("yes", NONE)], [("yes", NONE), ("yes", NONE)],
    [ASKED, ("yes", NONE, {"uncertain_spans": [UncertainSpan(0, 3)]})],
    [ASKED, ("hello", NONE), ("how are you", NONE), ("yes", NONE)],
    [ASKED, ("yes", NONE, {"scope": BOB}), ("yes", YES)],
    [ASKED, ("yes", NONE, {"scope": BOB}), ("no", NO), ("yes", NONE)],
    [ASKED, ("yes and send $5 to Bob", NONE), ("yes", YES)], [ASKED, ASKED, ("yes", YES)],
    [ASKED, ("make it 6 pm instead", NEW), ("yes", YES), ("yes", NONE)],
    [ASKED, ("make it 6 instead", NEW), ("yes", NONE), ("6 pm", NONE), ("yes", YES)],
    [GIVEN, ("make it $30", NEW), ("no, to Ann", NEW), ("yes", YES)],
    # Of two nobody guesses one; what speaks of something else lets them go.
    [*BOTH, ("yes", NONE), ("the first one", NONE)], [*BOTH, ("the third one", NONE)],
    [*BOTH, ("the first one", YES), ("yes", NONE)], [*BOTH, ("both", YES)], [*BOTH, ("no", NO)],
]  # fmt: skip


def together(acts: Sequence[Callable[[], Answer]]) -> list[Answer | Refusal]:
    """Do things in a thread each, begun together; what each came to, a Refusal as it is."""
    gate = threading.Barrier(len(acts))

    def begin(act: Callable[[], Answer]) -> Answer | Refusal:
        gate.wait(timeout=30)
        try:
            return act()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begin, acts))


def heard(desk: Desk, number: int, lines: Sequence[Line]) -> list[str | None]:
    """What each line of a conversation of its own settled."""
    talk = f"{number + 100:032x}"
    told = [desk.say(line[0], correlation=talk, **(line[2:] or ({},))[0]) for line in lines]
    return [answer.confirmation for answer in told]


def test_a_draft_is_settled_by_words_that_can_mean_nothing_else(ledger: Ledger) -> None:
    desk = Desk(ledger)
    for number, lines in enumerate(TALKS):
        assert heard(desk, number, lines) == [line[1] for line in lines], lines


def test_words_of_courtesy_doubt_and_protest_are_nobodys_name(ledger: Ledger) -> None:
    # Else a yes would send $20 to "wait" or "wrong".
    desk, wrong = Desk(ledger), []
    said: list[tuple[Line, str]] = [
        (GIVEN, text) for text in
        ("no problem", "ok wait", "that's wrong", "yes, really?", "maybe yes", "ok fine", "yes sir",
         "no idea", "不对", "别发", "对不起", "好的谢谢", "不是小明")
    ]  # fmt: skip
    said += [(ASKED, text) for text in ("no that was stupid", "no it was a joke", "no, silly")]
    for number, (first, text) in enumerate(said):
        if heard(desk, number, [first, (text, None)])[1] == NEW:
            wrong.append(text)
    assert not wrong


def test_a_changed_draft_can_be_confirmed_no_more_and_the_new_one_can(ledger: Ledger) -> None:
    desk = Desk(ledger)
    old, asked = desk.say(REMIND), desk.say("make it 6 instead")
    (when,) = [field for field in asked.result.fields if field.key == "when"]
    assert (asked.decision, asked.result.what_is_missing) == ("CLARIFY", "when")
    assert [one["start"][11:] for one in when.readings] == ["06:00", "18:00"]
    new = desk.say("6 pm")
    with pytest.raises(ConfirmationRefused) as refused:
        desk.confirm(old.event_id)
    assert refused.value.reason == "X_DRAFT_SETTLED"
    yes = desk.say("yes")
    assert [field.value for field in yes.result.fields] == ["call mom", "2026-11-22T18:00"]
    assert desk.settled() == [(old.event_id, NEW), (new.event_id, YES)]


def test_conversations_and_tenants_know_nothing_of_each_others_drafts(ledger: Ledger) -> None:
    ledger.store.register(GLOBEX, ALICE.user_id, NOBODYS, None, START_NS)
    twin = Scope(GLOBEX, ALICE.user_id, NOBODYS)
    ours, theirs = Desk(ledger), Desk(ledger, "globex")
    draft = ours.say(REMIND, turn=1, key="k1")
    # The same ids, conversation, turn and keys, where nothing waits.
    assert theirs.say("yes", twin, turn=2, key="k2").confirmation is None
    assert ours.say("yes", correlation="3" * 32).confirmation is None
    mine = theirs.say(REMIND, twin, turn=3, key="k3")
    assert ours.say("yes", turn=2, key="k2").drafts == (draft.event_id,)
    assert theirs.settled() == []
    assert theirs.say("no", twin, turn=4, key="k4").drafts == (mine.event_id,)
    assert ours.settled() == [(draft.event_id, YES)]
    assert theirs.settled() == [(mine.event_id, NO)]


WORDS = ("yes", "no", "make it 6 pm instead")


def test_of_eight_who_say_yes_at_once_one_is_heard_and_each_has_a_turn(ledger: Ledger) -> None:
    """Without a turn of their own, with one each, and beside calls that say yes and no."""
    desk = Desk(ledger)

    def acts(kind: str, talk: str, draft: str) -> list[Callable[[], Answer]]:
        if kind == "next":
            return [functools.partial(desk.say, "yes", correlation=talk)] * 8
        each = [
            functools.partial(desk.say, WORDS[n % 3], correlation=talk, turn=n)
            for n in range(2, 10)
        ]
        if kind == "turns":
            return [*each]
        return [
            *each[:4],
            *(functools.partial(desk.confirm, draft, n % 2 == 0, key=f"k{n}") for n in range(4)),
        ]

    for number, kind in enumerate(("next", "turns", "calls")):
        talk = f"{number + 1:032x}"
        draft = desk.say(REMIND, correlation=talk).event_id
        answers = together(acts(kind, talk, draft))
        heard = [one for one in answers if isinstance(one, Answer) and draft in one.drafts]
        assert len(heard) == 1, kind
        assert len([one for one in desk.settled() if one[0] == draft]) == 1
        if kind != "calls":
            assert {event.turn_id for event in desk.tenant.trace(talk)} == {*range(1, 10)}
            assert len(desk.tenant.conversation(talk)) == 9


def test_whom_the_ledger_refuses_it_refuses_a_yes(ledger: Ledger) -> None:
    desk = Desk(ledger)
    draft = desk.say(REMIND, session="morning").event_id
    yes = functools.partial(desk.confirm, draft, session="morning")
    desk.tenant.disable("alice")
    for act in (yes, functools.partial(desk.say, "yes")):
        with pytest.raises(ScopeRefused):
            act()
    desk.tenant.enable("alice")
    desk.tenant.close_session("morning")
    with pytest.raises(ScopeRefused):
        yes()
    assert desk.settled() == []
    assert desk.confirm(draft).confirmation == YES


def test_a_spoken_yes_retried_is_one_row_and_another_word_is_not_the_same(ledger: Ledger) -> None:
    desk = Desk(ledger)
    draft = desk.say(REMIND)
    yes = desk.say("yes", turn=2)
    for text, same in (("yes", True), ("no", False), ("yes", True)):
        retry = desk.say(text, turn=2)
        assert (retry.event_id, retry.deduplicated) == (yes.event_id, True)
        assert (retry.confirmation, retry.drafts, retry.same_decision) == (
            YES, (draft.event_id,), same,
        ), text  # fmt: skip
    with pytest.raises(ConfirmationRefused):
        desk.confirm(draft.event_id)
    assert len(desk.tenant.trace(TALK)) == 2


def test_a_yes_that_was_said_in_vain_is_retried_as_what_it_was(ledger: Ledger) -> None:
    # Read once more it must not be taken for a yes in time, which another engine would keep.
    desk = Desk(ledger)
    desk.say(REMIND)
    desk.now_ns += 601 * 1_000_000_000
    late = desk.say("yes", turn=2)
    assert (late.confirmation, late.lapsed) == (None, ReasonCode.X_CONFIRMATION_LATE)
    retry = desk.say("yes", turn=2)
    assert (retry.event_id, retry.deduplicated, retry.confirmation) == (late.event_id, True, None)
    assert desk.settled() == []


def test_a_yes_that_came_second_is_retried_as_what_it_was(ledger: Ledger) -> None:
    # The draft was settled by a yes in a later turn, which came first.
    desk = Desk(ledger)
    desk.say(REMIND)
    assert desk.say("yes", turn=3).confirmation == YES
    second = desk.say("yes", turn=2)
    assert (second.confirmation, second.lapsed) == (None, ReasonCode.X_DRAFT_SETTLED)
    retry = desk.say("yes", turn=2)
    assert (retry.event_id, retry.deduplicated) == (second.event_id, True)
    assert len(desk.settled()) == 1


def test_the_rows_of_a_yes_hold_no_word_that_was_said(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.say("send $4321 to Zebulon")
    for text in ("make it $8765", "to Quillon instead", "yes"):
        desk.say(text)
    rows = [event for event in desk.tenant.trace(TALK) if event.engine == "PH1.X"]
    assert [json.loads(row.payload_min)["decision"] for row in rows] == [NEW, NEW, YES]
    for event in desk.tenant.trace(TALK):
        for word in ("zebulon", "quillon", "4321", "8765"):
            assert word not in repr(event).lower()
