"""A yes or a no to a draft: one recorded row, once for each draft, in time, by its own user.

First what every store holds, then what `Tenant.confirm` makes of it; a yes in words is in
test_spoken_confirmations.py. Source: design, "PH1.X hand-off, and the gates"; docs/spec/002 §2,
§5 and §8.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    CHAT,
    CLARIFY,
    DRAFT,
    OTHER_TALK,
    PROFILE,
    START_NS,
    TALK,
    Ledger,
    written,
)  # fmt: skip
from selene_os.decision import Confirmation
from selene_os.errors import (
    BadField,
    ConfirmationRefused,
    IdempotencyConflict,
    NotFound,
    Refusal,
    ScopeRefused,
)  # fmt: skip
from selene_os.ledger import codec
from selene_os.ledger.codec import Decided, Scope
from selene_os.ledger.events import AuditEvent, Unit
from selene_os.names import CorrelationId, EventId, IdempotencyKey, SessionId, TurnId, event_id_of
from selene_os.reasons import ReasonCode
from talking import Desk

YES, NO, CHANGED = ReasonCode.X_CONFIRMED, ReasonCode.X_DECLINED, ReasonCode.X_CHANGED
REMIND = "remind me to call mom tomorrow at 5 pm"
SECOND = 1_000_000_000


def together(acts: Sequence[Callable[[], object]]) -> list[object]:
    """Do things in a thread each, begun together; what each came to, a Refusal as it is."""
    gate = threading.Barrier(len(acts))

    def begin(act: Callable[[], object]) -> object:
        gate.wait(timeout=30)
        try:
            return act()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begin, acts))


# ---- what every store does


def settling(
    ledger: Ledger,
    *drafts: EventId,
    key: str,
    reason: ReasonCode = YES,
    scope: Scope = ALICE,
    instead: Decided | None = None,
    correlation: CorrelationId = TALK,
) -> Unit:
    """A unit that settles drafts, in a turn of its own; `instead` is what they became."""
    decisions: list[Decided] = [] if instead is None else [instead]
    decisions += [Confirmation(reason, draft) for draft in drafts]
    return ledger.scribe.unit(
        decisions[0], scope, correlation=correlation, turn=2, key=key, more=decisions[1:]
    )


def refused(ledger: Ledger, act: Unit | Callable[[], object]) -> Refusal:
    """The refusal of a unit or a call, which leaves nothing behind."""
    before = ledger.tables()
    with pytest.raises(Refusal) as found:
        ledger.commit(act) if isinstance(act, Unit) else act()
    assert ledger.tables() == before
    return found.value


def test_a_draft_is_settled_once_whatever_the_key_and_whoever_settles_it(ledger: Ledger) -> None:
    draft = ledger.write(DRAFT).event_id
    first = ledger.commit(settling(ledger, draft, key="a"))
    for reason, scope in ((YES, ALICE), (NO, ALICE), (CHANGED, ALICE), (YES, BOB)):
        instead = DRAFT if reason is CHANGED else None
        refusal = refused(
            ledger, settling(ledger, draft, key="b", reason=reason, scope=scope, instead=instead)
        )
        assert isinstance(refusal, ConfirmationRefused)
        assert refusal.reason == "X_DRAFT_SETTLED"
    before = ledger.tables()
    for reason, same in ((YES, True), (NO, False), (YES, True)):
        (retry,) = ledger.commit(settling(ledger, draft, key="a", reason=reason))
        assert retry == replace(first[0], deduplicated=True, same_decision=same)
    assert ledger.tables() == before
    ledger.reopen()
    assert refused(ledger, settling(ledger, draft, key="c")).reason == "X_DRAFT_SETTLED"


def test_a_unit_settles_all_of_its_drafts_or_none(ledger: Ledger) -> None:
    drafted = ledger.commit(ledger.scribe.unit(DRAFT, more=[DRAFT] * 2))
    one, two, three = (receipt.event_id for receipt in drafted)
    ledger.commit(settling(ledger, one, two, key="both"))
    for drafts in ((one, three), (three, two), (three, two, one)):
        refusal = refused(ledger, settling(ledger, *drafts, key="more"))
        assert refusal.reason == "X_DRAFT_SETTLED"
        refused(ledger, settling(ledger, *drafts, key="more", reason=CHANGED, instead=CLARIFY))
    changes = [
        settling(ledger, three, key="third", reason=CHANGED, instead=DRAFT) for _ in range(2)
    ]
    first, again = map(ledger.commit, changes)
    assert [receipt.deduplicated for receipt in first] == [False, False]
    assert again == tuple(replace(receipt, deduplicated=True) for receipt in first)
    settled = [event for event in ledger.store.trace(ACME, TALK) if event.engine == "PH1.X"]
    named = [json.loads(event.payload_min)["draft_event_id"] for event in settled]
    assert named == [one, two, three]


def test_of_one_batch_the_first_settles_and_each_has_its_own_verdict(ledger: Ledger) -> None:
    draft = ledger.write(DRAFT).event_id
    other = ledger.write(DRAFT, correlation=OTHER_TALK).event_id
    verdicts = ledger.store.commit([
        settling(ledger, draft, key="a", scope=replace(ALICE, session_id=SessionId("no"))),
        settling(ledger, draft, key="b"), settling(ledger, draft, key="c", reason=NO),
        settling(ledger, draft, key="b"), ledger.scribe.unit(CHAT, BOB, turn=3, key="d"),
        settling(ledger, other, key="a", correlation=OTHER_TALK),
    ])  # fmt: skip
    assert [type(verdict).__name__ for verdict in verdicts] == [
        "ScopeRefused", "tuple", "ConfirmationRefused", "tuple", "tuple", "tuple",
    ]  # fmt: skip
    taken = [written(verdicts[place])[0].deduplicated for place in (1, 3, 4, 5)]
    assert taken == [False, True, False, False]


@pytest.mark.parametrize("rest", [False, True])
def test_of_eight_threads_that_settle_one_draft_exactly_one_is_written(
    ledger: Ledger, rest: bool
) -> None:
    instead = CHAT if rest else None
    for number in range(4):
        draft = ledger.write(DRAFT, key=f"d{number}", turn=1).event_id
        # Yes and no by turns; two of the eight have each key.
        units = [
            settling(ledger, draft, key=f"{number}.{place % 4}", reason=answer, instead=instead)
            for place, answer in enumerate((YES, NO) * 4)
        ]
        verdicts = together([functools.partial(ledger.commit, unit) for unit in units])
        taken = [verdict for verdict in verdicts if isinstance(verdict, tuple)]
        late = [verdict for verdict in verdicts if isinstance(verdict, ConfirmationRefused)]
        assert (len(taken), len(late)) == (2, 6)
        assert sorted(receipts[0].deduplicated for receipts in taken) == [False, True]
        assert len({receipts[0].event_id for receipts in taken}) == 1
    events = ledger.store.trace(ACME, TALK)
    assert [event.engine for event in events].count("PH1.X") == 4
    assert len(events) == len(ledger.tables()["replay_inputs"]) == (12 if rest else 8)


def test_a_refused_settlement_leaves_the_draft_open_and_tenants_share_none(ledger: Ledger) -> None:
    unit, theirs = ledger.scribe.unit(DRAFT), ledger.scribe.unit(DRAFT, CAROL)
    draft = unit.events[0].event_id
    events = (theirs.events[0]._replace(event_id=draft),)
    ledger.store.commit([unit, replace(theirs, events=events, records=())])
    ledger.write(PROFILE, key="taken")
    stranger = replace(ALICE, user_id=CAROL.user_id)
    refusal = refused(ledger, settling(ledger, draft, key="a", scope=stranger))
    assert isinstance(refusal, ScopeRefused)
    conflict = refused(ledger, settling(ledger, draft, key="taken"))
    assert isinstance(conflict, IdempotencyConflict)
    assert not ledger.commit(settling(ledger, draft, key="a"))[0].deduplicated
    # The other tenant's draft of the same id, place and keys is a draft of its own.
    (receipt,) = ledger.commit(settling(ledger, draft, key="a", scope=CAROL, reason=NO))
    assert not receipt.deduplicated


# ---- what a row may hold

DRAFT_ID = event_id_of(START_NS, 1)
PLACE = codec.Place(TALK, TurnId(1), IdempotencyKey("k"))


def xconfirm(reason: ReasonCode) -> AuditEvent:
    """A sound row."""
    decision = Confirmation(reason, DRAFT_ID)
    return codec.encode_event(decision, ALICE, PLACE, event_id_of(START_NS, 2), START_NS)


def test_a_confirmation_is_kept_as_two_names_and_nothing_that_was_said() -> None:
    for reason in (YES, NO, CHANGED):
        row, said = xconfirm(reason), reason.name.removeprefix("X_")
        assert row[2:6] == ("PH1.X", "XConfirm", int(reason), "INFO")
        assert row.payload_min == f'{{"decision":"{said}","draft_event_id":"{DRAFT_ID}"}}'
        assert codec.fault_of(row) is None
        for damage in (
            {"engine": "PH1.NLP"}, {"event_type": "Other"}, {"severity": "WARN"},
            {"reason_code": int(ReasonCode.NLP_INTENT_OK)}, {"payload_min": "[]"},
            {"payload_min": row.payload_min.replace(said, "PERHAPS")}, {"payload_min": "{"},
            {"payload_min": row.payload_min.replace(",", ", ")},
            {"payload_min": row.payload_min[:-1] + ',"draft_digest":"x"}'},
            {"payload_min": f'{{"decision":"{said}"}}'},
        ):  # fmt: skip
            assert codec.fault_of(row._replace(**damage)) is not None, damage


def test_a_no_that_bears_the_number_of_a_yes_is_at_fault() -> None:
    # No encoder can have made it.
    assert codec.fault_of(xconfirm(NO)._replace(reason_code=int(YES))) is not None
    assert codec.fault_of(xconfirm(YES)._replace(reason_code=int(CHANGED))) is not None


def test_a_confirmation_of_nothing_or_of_too_much_is_refused() -> None:
    sound: dict[str, Any] = {"decision": "CONFIRMED", "draft_event_id": DRAFT_ID}
    encode = codec.encode_payload
    builds: tuple[Callable[[], object], ...] = (
        *(lambda given=given: Confirmation(YES, given)
          for given in ("", "garbage", DRAFT_ID.upper(), DRAFT_ID.replace("-7", "-4"), None)),
        *(lambda name=name: Confirmation(ReasonCode[name], DRAFT_ID)
          for name in ("NLP_INTENT_OK", "X_DRAFT_SETTLED", "GATE_OPEN")),
        *(lambda more=more: encode(codec.CONFIRMATION, sound | more)
          for more in ({"draft_event_id": "x" * 257}, {"why": "said"}, {"decision": [""] * 17})),
        lambda: encode(codec.CONFIRMATION, {"decision": "CONFIRMED"}),
    )  # fmt: skip
    for build in builds:
        with pytest.raises(BadField):
            build()


# ---- a yes or a no by a call


@pytest.mark.parametrize("yes", [True, False])
def test_a_draft_is_confirmed_or_declined_once_as_one_row(ledger: Ledger, yes: bool) -> None:
    desk, said = Desk(ledger), "CONFIRMED" if yes else "DECLINED"
    draft, before = desk.say(REMIND), ledger.tables()
    answer = desk.confirm(draft.event_id, yes, user="alice")
    assert (answer.decision, answer.drafts) == (said, (draft.event_id,))
    (event,) = [one for one in desk.tenant.trace(TALK) if one.engine == "PH1.X"]
    assert (event.user_id, event.device_id, event.turn_id) == ("alice", "kitchen", 1)
    changed = {name for name, rows in ledger.tables().items() if rows != before[name]}
    assert changed == {"audit_events", "replay_inputs", "unsealed_events"}
    retry = desk.confirm(draft.event_id, yes)
    assert (retry.event_id, retry.deduplicated, retry.same_decision) == (event.event_id, True, True)
    for other, key in ((not yes, None), (yes, "other"), (not yes, "other")):
        again = functools.partial(desk.confirm, draft.event_id, other, key=key)
        assert refused(ledger, again).reason == "X_DRAFT_SETTLED"
    assert desk.say("no" if yes else "yes").confirmation is None
    assert desk.settled() == [(draft.event_id, said)]


def test_what_is_no_draft_of_that_user_and_tenant_cannot_be_confirmed(ledger: Ledger) -> None:
    desk, theirs = Desk(ledger), Desk(ledger, "globex")
    profile = desk.tenant.commit_profile("alice", "kitchen", speaker="alice").receipt
    draft = desk.say(REMIND)
    med = desk.say(REMIND, transcript_confidence="LOW")
    assert med.result.overall_confidence == "MED"
    brought = desk.tenant.commit_decision(DRAFT, "alice", "kitchen", correlation=TALK).receipt
    done = desk.confirm(desk.say(REMIND, correlation=OTHER_TALK).event_id)
    for event_id, kind, reason in (
        (desk.say("hello").event_id, BadField, None),
        (desk.say("remind me to call mom").event_id, BadField, None),
        (profile.event_id, BadField, None), (done.event_id, BadField, None),
        ("garbage", BadField, None), ("", BadField, None),
        (event_id_of(START_NS, 2**40), NotFound, None),
        (theirs.say(REMIND, CAROL).event_id, NotFound, None),
        (med.event_id, ConfirmationRefused, "X_DRAFT_UNFIT"),
        (brought.event_id, ConfirmationRefused, "X_DRAFT_UNFIT"),
    ):  # fmt: skip
        refusal = refused(ledger, functools.partial(desk.confirm, event_id))
        assert (type(refusal), refusal.reason) == (kind, reason), event_id
    wrong = (("user", "bob"), ("user", "carol"), ("device", "desk"), ("session", "office"))
    for name, value in wrong:
        more: dict[str, Any] = {name: value}
        refusal = refused(ledger, functools.partial(desk.confirm, draft.event_id, **more))
        assert isinstance(refusal, ScopeRefused)
    assert desk.confirm(draft.event_id, session="morning").confirmation == "CONFIRMED"


def test_a_brought_draft_has_no_values_that_anybody_could_say_yes_to(ledger: Ledger) -> None:
    # Also where it names no required field, and so lacks none.
    desk = Desk(ledger)
    bare = replace(DRAFT, required_fields=(), ambiguity_flags=())
    brought = desk.tenant.commit_decision(bare, "alice", "kitchen", correlation=TALK).receipt
    refusal = refused(ledger, functools.partial(desk.confirm, brought.event_id))
    assert refusal.reason == "X_DRAFT_UNFIT"


def test_a_yes_that_is_no_boolean_is_refused(ledger: Ledger) -> None:
    # Python takes the word "no" for true.
    desk = Desk(ledger)
    draft = desk.say(REMIND).event_id
    for given in ("no", "", None, 1, 0):
        refused(ledger, functools.partial(desk.confirm, draft, given))  # type: ignore[arg-type]


def test_a_yes_counts_to_the_last_nanosecond_of_its_time_and_a_retry_ever_after(
    ledger: Ledger,
) -> None:
    desk = Desk(ledger)
    desk.tenant.set(confirm_within_s=30)
    spoken, called, late = (desk.say(REMIND, correlation=f"{n:032x}") for n in (7, 8, 9))
    assert late.confirm_by == START_NS + 30 * SECOND
    desk.now_ns += 30 * SECOND
    turn: dict[str, Any] = {"correlation": spoken.correlation_id, "turn": 2}
    yes, call = desk.say("yes", **turn), desk.confirm(called.event_id)
    assert yes.confirmation == call.confirmation == "CONFIRMED"
    desk.say(REMIND, correlation=OTHER_TALK)
    keyed = desk.say("yes", correlation=OTHER_TALK, key="k")
    desk.now_ns += 30 * SECOND + 1
    before = ledger.tables()
    retries = [desk.say("yes", **turn), desk.confirm(called.event_id)]
    retries.append(desk.say("yes", correlation=OTHER_TALK, key="k"))
    assert [(one.event_id, one.confirmation, one.same_decision) for one in retries] == [
        (one.event_id, "CONFIRMED", True) for one in (yes, call, keyed)
    ]
    assert ledger.tables() == before
    for answer in (True, False):
        refusal = refused(ledger, functools.partial(desk.confirm, late.event_id, answer))
        assert refusal.reason == "X_CONFIRMATION_LATE"
    vain = desk.say("yes", correlation=late.correlation_id)
    assert (vain.confirmation, vain.lapsed) == (None, ReasonCode.X_CONFIRMATION_LATE)


def test_a_given_key_names_one_confirmation_and_no_other_decision(ledger: Ledger) -> None:
    desk = Desk(ledger)
    one, two = desk.say(REMIND).event_id, desk.say(REMIND).event_id
    assert isinstance(
        refused(ledger, lambda: desk.confirm(one, key="PH1.NLP:1")), IdempotencyConflict
    )
    assert isinstance(refused(ledger, lambda: desk.confirm(one, key="k#2")), BadField)
    first = desk.confirm(one, key="k")
    assert desk.confirm(one, key="k").event_id == first.event_id
    # The key is taken; that does not settle the second draft.
    assert refused(ledger, lambda: desk.confirm(two, key="k")).reason != "X_DRAFT_SETTLED"
    assert desk.confirm(two).confirmation == "CONFIRMED"
