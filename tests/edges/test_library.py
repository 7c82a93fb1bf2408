"""Selene as a library: handles, batches, threads, and two runs that give the same bytes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import selene_os
from command import NOON, OTHER_TALK, TALK, counted, dump, environment, rows
from selene_os import Brought, Chat, Clarify, Fault, IntentDraft, ReasonCode, Refusal, Signal, names
from selene_os.app import Tenant

KITCHEN = ("alice", "kitchen")
DRAFT = IntentDraft(ReasonCode.NLP_INTENT_OK, "SET_REMINDER", "HIGH", ("task", "when"))
ASKED = Clarify(ReasonCode.NLP_CLARIFY_MISSING_FIELD, "when", "cu_1", ("5 pm", "tomorrow"))
SHORT = (Signal("brevity_preference", "short answers please", "row:1"),)
LONG = (Signal("brevity_preference", "long answers please", "row:2"),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "selene.db"


@pytest.fixture
def selene(path: Path) -> Iterator[selene_os.Selene]:
    with selene_os.open(str(path), create=True) as opened:
        opened.add_tenant("acme")
        opened.tenant("acme").register(*KITCHEN, "s")
        opened.tenant("acme").register("bob", "office")
        yield opened


@pytest.fixture
def acme(selene: selene_os.Selene) -> Tenant:
    return selene.tenant("acme")


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do things in a thread each, begun together; returns what each came to."""
    gate = threading.Barrier(len(acts))

    def begin(act: Callable[[], Any]) -> Any:
        gate.wait(timeout=30)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [begun.result(timeout=60) for begun in [pool.submit(begin, act) for act in acts]]


# ---- opening and closing


def test_open_makes_a_ledger_only_when_it_is_told_to(path: Path) -> None:
    with pytest.raises(Fault, match="selene init"):
        selene_os.open(str(path))
    assert not path.exists()
    for _ in range(2):
        with selene_os.open(f"sqlite:///{path}", create=True) as selene:
            selene.add_tenant("acme")
    with selene_os.open(str(path)) as selene:
        assert [tenant.tenant_id for tenant in selene.tenants()] == ["acme"]


def test_closing_twice_is_no_fault(selene: selene_os.Selene) -> None:
    selene.close()
    selene.close()
    with selene:
        pass


USES: dict[str, Callable[[selene_os.Selene, Tenant], object]] = {
    "take_turn": lambda selene, acme: acme.take_turn(*KITCHEN, "hello"),
    "commit_decision": lambda selene, acme: acme.commit_decision(Chat(), *KITCHEN),
    "commit_decisions": lambda selene, acme: acme.commit_decisions([Brought(Chat(), *KITCHEN)]),
    "commit_profile": lambda selene, acme: acme.commit_profile(*KITCHEN, speaker="alice"),
    "register": lambda selene, acme: acme.register("carol"),
    "set": lambda selene, acme: acme.set(currency="USD"),
    "disable": lambda selene, acme: acme.disable("alice"),
    "enable": lambda selene, acme: acme.enable("alice"),
    "close_session": lambda selene, acme: acme.close_session("s"),
    "add_tenant": lambda selene, acme: selene.add_tenant("globex"),
    "trace": lambda selene, acme: acme.trace(TALK),
    "conversation": lambda selene, acme: acme.conversation(TALK),
    "settings": lambda selene, acme: acme.settings,
    "tenants": lambda selene, acme: selene.tenants(),
    "tenant": lambda selene, acme: selene.tenant("acme"),
}


@pytest.mark.parametrize("use", USES)
def test_using_a_closed_ledger_is_a_clear_fault(
    selene: selene_os.Selene, acme: Tenant, path: Path, use: str
) -> None:
    before = dump(path)
    selene.close()
    with pytest.raises(Fault, match="Open the ledger again"):
        USES[use](selene, acme)
    assert dump(path) == before


def test_closing_while_threads_write_loses_nothing_that_was_acknowledged(
    selene: selene_os.Selene, acme: Tenant, path: Path
) -> None:
    def write() -> list[str]:
        written: list[str] = []
        try:
            for _ in range(1_000):
                answer = acme.take_turn(*KITCHEN, "hello")
                written.append(answer.event_id)
        except Fault:
            return written
        raise AssertionError("the ledger was closed in between")

    def close() -> list[str]:
        threading.Event().wait(0.2)
        selene.close()
        return []

    acknowledged = list(chain.from_iterable(together(write, write, write, close)))
    kept = {row[0] for row in rows(path, "SELECT event_id FROM audit_events")}
    assert acknowledged
    assert set(acknowledged) <= kept


# ---- threads


def test_eight_threads_take_turns_of_one_conversation_and_lose_none(
    acme: Tenant, path: Path
) -> None:
    def speak(number: int) -> list[int]:
        return [
            acme.take_turn(*KITCHEN, f"hello {number} {n}", correlation=TALK).turn_id
            for n in range(5)
        ]

    def begin(number: int) -> Callable[[], list[int]]:
        return lambda: speak(number)

    with counted(path, dict.fromkeys(("audit_events", "replay_inputs", "conversation_ledger"), 40)):
        taken = together(*map(begin, range(8)))
    assert sorted(chain.from_iterable(taken)) == list(range(1, 41))
    assert len({said.text for said in acme.conversation(TALK)}) == 40


def test_eight_threads_that_retry_one_turn_make_one_row(acme: Tenant, path: Path) -> None:
    def turn() -> selene_os.Answer:
        return acme.take_turn(*KITCHEN, "remind me to call mom", correlation=TALK, turn=1)

    with counted(path, dict.fromkeys(("audit_events", "replay_inputs", "conversation_ledger"), 1)):
        answers = together(*[turn] * 8)
    assert len({answer.event_id for answer in answers}) == 1
    assert sorted(answer.deduplicated for answer in answers) == [False] + [True] * 7
    assert len({repr(answer.result) for answer in answers}) == 1


def test_profiles_without_a_turn_are_never_taken_for_retries_of_each_other(acme: Tenant) -> None:
    def commit(user: str, device: str, signals: tuple[Signal, ...]) -> Callable[[], Any]:
        return lambda: acme.commit_profile(
            user, device, speaker=user, signals=signals, correlation=TALK
        )

    for _ in range(10):
        acts = [commit(*KITCHEN, SHORT), commit("bob", "office", LONG)] * 2
        profiles = together(*acts)
        assert [profile.snapshot.user_id for profile in profiles] == ["alice", "bob"] * 2
        assert not any(profile.receipt.deduplicated for profile in profiles)


def test_decisions_without_a_turn_are_never_taken_for_retries_of_each_other(acme: Tenant) -> None:
    def commit() -> selene_os.Committed:
        return acme.commit_decision(Chat(), *KITCHEN, correlation=TALK)

    committed = [one for _ in range(10) for one in together(*[commit] * 4)]
    assert not any(one.receipt.deduplicated for one in committed)
    assert len({one.turn_id for one in committed}) == 40


# ---- decisions brought along


def test_a_brought_decision_is_a_row_with_what_was_said(acme: Tenant, path: Path) -> None:
    with counted(path, dict.fromkeys(("audit_events", "replay_inputs", "conversation_ledger"), 1)):
        made = acme.commit_decision(DRAFT, *KITCHEN, text="call mom at 5", correlation=TALK)
    (event,) = acme.trace(TALK)
    assert (event.event_id, made.turn_id) == (made.receipt.event_id, 1)
    assert event.event_type == "NlpIntentDraft"
    assert [said.text for said in acme.conversation(TALK)] == [b"call mom at 5"]
    with counted(path, {"audit_events": 1, "replay_inputs": 1}):
        acme.commit_decision(ASKED, *KITCHEN, correlation=TALK)


def test_a_turn_that_was_brought_is_answered_as_it_was_recorded(acme: Tenant) -> None:
    made = acme.commit_decision(DRAFT, *KITCHEN, correlation=TALK, turn=1)
    answer = acme.take_turn(*KITCHEN, "thank you", correlation=TALK, turn=1)
    assert (answer.event_id, answer.deduplicated) == (made.receipt.event_id, True)
    assert (answer.decision, answer.result.intent_type) == ("INTENT_DRAFT", "SET_REMINDER")
    assert answer.same_decision is False


def test_one_bad_decision_of_a_batch_fails_alone_and_verdicts_come_in_order(
    acme: Tenant, path: Path
) -> None:
    batch = [
        Brought(Chat(), *KITCHEN),
        Brought(Chat(), "nobody", "kitchen"),
        Brought(DRAFT, *KITCHEN, session="s"),
        Brought(Chat(), "bob", "kitchen"),
        Brought(ASKED, *KITCHEN, text="x" * 32_769),
        Brought(ASKED, *KITCHEN, correlation="c1"),
        Brought(ASKED, *KITCHEN, turn=0),
        Brought(ASKED, *KITCHEN, key=""),
        Brought(ASKED, "bob", "office", text="hi"),
    ]
    with counted(path, {"audit_events": 3, "replay_inputs": 3, "conversation_ledger": 1}):
        verdicts = acme.commit_decisions(batch)
    refused = [getattr(verdict, "field", None) for verdict in verdicts]
    assert refused == [
        None, "user_id", None, "device_id", "text", "correlation_id", "turn_id",
        "idempotency_key", None,
    ]  # fmt: skip
    assert [isinstance(verdict, Refusal) for verdict in verdicts] == [
        field is not None for field in refused
    ]


def test_an_empty_batch_and_one_of_a_thousand_are_taken(acme: Tenant, path: Path) -> None:
    assert acme.commit_decisions([]) == []
    batch = [Brought(Chat(), *KITCHEN, correlation=TALK, turn=n) for n in range(1, 1_001)]
    with counted(path, {"audit_events": 1_000, "replay_inputs": 1_000}):
        verdicts = acme.commit_decisions(batch)
    turns = [one.turn_id for one in verdicts if isinstance(one, selene_os.Committed)]
    assert turns == list(range(1, 1_001))


def test_a_batch_for_one_conversation_without_turns_loses_no_decision(acme: Tenant) -> None:
    batch = [Brought(one, *KITCHEN, correlation=TALK) for one in (Chat(), DRAFT, ASKED)]
    acme.commit_decisions(batch)
    assert [event.event_type for event in acme.trace(TALK)] == [
        "NlpIntentDraft", "NlpIntentDraft", "NlpClarify",
    ]  # fmt: skip


@pytest.mark.parametrize("brought", ["profile", "dict", "result"])
def test_what_is_no_decision_of_an_utterance_is_refused(
    acme: Tenant, path: Path, brought: str
) -> None:
    profile = selene_os.ProfileDecision(
        ReasonCode.PERSONA_PROFILE_OK, "GENTLE", "VOICE_ALLOWED", "persona:v1:0"
    )
    result = acme.take_turn(*KITCHEN, "hello").result
    given: dict[str, Any] = {"profile": profile, "dict": {"decision": "CHAT"}, "result": result}
    with counted(path, {}), pytest.raises(Refusal):
        acme.commit_decision(given[brought], *KITCHEN)


def test_the_keys_of_further_drafts_are_no_callers_to_take(acme: Tenant, path: Path) -> None:
    acme.take_turn(*KITCHEN, "send $20 to Bob and send $30 to Ann", correlation=TALK)
    with counted(path, {}), pytest.raises(Refusal, match="idempotency_key"):
        acme.commit_decision(Chat(), *KITCHEN, correlation=TALK, turn=9, key="k#2")
    with counted(path, {}), pytest.raises(Refusal, match="idempotency_key"):
        acme.take_turn(*KITCHEN, "both", correlation=TALK, turn=2, key="k" * 127)


# ---- what is refused


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user": None}, "user_id"), ({"device": 5}, "device_id"), ({"text": b"hi"}, "text"),
        ({"text": None}, "text"), ({"session": 5}, "session_id"), ({"turn": True}, "turn_id"),
        ({"turn": "2"}, "turn_id"), ({"turn": 2.0}, "turn_id"), ({"key": 5}, "idempotency_key"),
        ({"correlation": 5}, "correlation_id"), ({"correlation": b"x"}, "correlation_id"),
        ({"now": 5}, "now"), ({"now": "x"}, "now"), ({"language": None}, "language"),
        ({"transcript_confidence": "X"}, "transcript_confidence"),
        ({"uncertain_spans": [selene_os.UncertainSpan(0, 99)]}, "uncertain_spans.end"),
        ({"uncertain_spans": [selene_os.UncertainSpan(0, 1)] * 33}, "uncertain_spans"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_refused_by_name(
    acme: Tenant, path: Path, changes: dict[str, Any], field: str
) -> None:
    given: dict[str, Any] = {"user": "alice", "device": "kitchen", "text": "hello"} | changes
    with counted(path, {}), pytest.raises(Refusal) as refused:
        acme.take_turn(**given)
    assert refused.value.field == field
    assert field in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"speaker": None}, {"speaker": ""}, {"speaker": "x\n"}, {"place": "HERE"},
        {"style_hint": "LOUD"}, {"correction_event_count": -1}, {"signals": SHORT * 17},
        {"correction_event_count": 1_001}, {"session": "none"}, {"turn": 0},
    ],
)  # fmt: skip
def test_a_bad_profile_is_refused_and_writes_nothing(
    acme: Tenant, path: Path, changes: dict[str, Any]
) -> None:
    with counted(path, {}), pytest.raises(Refusal):
        acme.commit_profile(*KITCHEN, **({"speaker": "alice"} | changes))


def test_a_refusal_and_a_fault_are_told_apart(selene: selene_os.Selene) -> None:
    with pytest.raises(Refusal) as refused:
        selene.tenant("nobody")
    assert isinstance(refused.value, selene_os.SeleneError)
    assert not isinstance(refused.value, Fault)
    assert refused.value.next_step in str(refused.value)


# ---- the same bytes

_WORKLOAD = f"""
import itertools, sys
import selene_os
from selene_os import Brought, Chat, Signal, Surroundings, names
ticks, ids, talks = itertools.count(10**18, 10**9), itertools.count(1), itertools.count(1)
around = Surroundings(
    lambda: next(ticks),
    lambda: names.event_id_of(10**18 + next(ids) * 10**6, 7),
    lambda: names.CorrelationId(f"{{next(talks):032x}}"),
)
with selene_os.open(
    sys.argv[1], create=True, surroundings=around, keys=sys.argv[2]
) as selene:
    for tenant in ("acme", "globex"):
        selene.add_tenant(tenant)
        one = selene.tenant(tenant)
        one.set(currency="EUR", zone="Europe/Berlin", date_order="DMY")
        one.register("alice", tenant + "-kitchen", "s")
        for text in ("remind me to call mom", "5 pm", "send $20 to Bob and send 30 to Ann",
                     "both", "thank you", "pls remind me 2 buy milk tmr", "order me a pizza"):
            one.take_turn("alice", tenant + "-kitchen", text, correlation="{TALK}", session="s")
        one.take_turn("alice", tenant + "-kitchen", "hello")
        one.commit_decisions([Brought(Chat(), "alice", tenant + "-kitchen", text="hi")] * 3)
        signals = [Signal("brevity_preference", "short please", "row:1")]
        one.commit_profile("alice", tenant + "-kitchen", speaker="alice", signals=signals)
        one.commit_profile("alice", tenant + "-kitchen", speaker="alice")
        one.close_session("s")
        one.disable("alice")
"""


def test_two_runs_in_the_same_surroundings_write_the_same_bytes(tmp_path: Path) -> None:
    dumps = []
    for seed in ("0", "1"):
        file = tmp_path / f"{seed}.db"
        env = environment(PYTHONHASHSEED=seed, TZ="UTC" if seed == "0" else "Asia/Tokyo")
        # With the same keys, for these alone are drawn by lot.
        line = [sys.executable, "-c", _WORKLOAD, str(file), str(tmp_path / "keys")]
        subprocess.run(line, env=env, check=True, timeout=60)
        dumps.append(dump(file))
    assert dumps[0].count('INSERT INTO "audit_events"') == 28
    assert dumps[0] == dumps[1]


def test_the_clock_tells_what_today_is(path: Path) -> None:
    ids = iter(range(1, 100))
    around = selene_os.Surroundings(
        lambda: 1_772_535_600 * 10**9,
        lambda: names.event_id_of(next(ids) * 10**6, 1),
        lambda: names.CorrelationId(OTHER_TALK),
    )
    with selene_os.open(str(path), create=True, surroundings=around) as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register(*KITCHEN)
        answer = acme.take_turn(*KITCHEN, "remind me to call mom tomorrow")
        given = acme.take_turn(*KITCHEN, "remind me to call mom tomorrow", turn=2, now=NOON)
    assert (answer.correlation_id, answer.turn_id) == (OTHER_TALK, 1)
    assert [field.value for field in answer.result.fields] == ["call mom", "2026-03-04"]
    assert answer.result.fields == given.result.fields
    assert {row[0] for row in rows(path, "SELECT created_at FROM audit_events")} == {
        1_772_535_600 * 10**9
    }
