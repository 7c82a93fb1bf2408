"""What a user wants remembered: a ledger of changes, what it adds up to, and who may change it.

Source: design, "Memory and conversation" and "PH1.X hand-off, and the gates"; docs/spec/000 §3.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgers import ACME, ALICE, BOB, CAROL, START_NS, TALK, Ledger, SqliteDatabase
from selene_os import Answer, Selene, Surroundings
from selene_os.app import Tenant
from selene_os.errors import BadField, NotFound, Refusal, ScopeRefused
from selene_os.gates import AccessPort, DenyAll, Listed, SimulationPort
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import AuditEvent, MemoryEvent, Receipt, Utterance
from selene_os.ledger.memories import USE_POLICIES, Memories, Remembered
from selene_os.names import CorrelationId, EventId, IdempotencyKey, UserId, event_id_of
from selene_os.remembering import INTENTS, Applied, Ports

EVERYTHING = Listed(INTENTS)
SECOND = 1_000_000_000
LOCKER = "remember that my locker code is 4921"


class Desk:
    """A tenant with ports, and a clock that moves as little as it must."""

    def __init__(self, ledger: Ledger, tenant: str = "acme") -> None:
        self.ledger, self.now_ns, self.made = ledger, START_NS, itertools.count(1)
        talks = (CorrelationId(f"{number:032x}") for number in itertools.count(9))
        self.around = Surroundings(self.tick, self.event_id, lambda: next(talks))
        self.tenant = self.ported(EVERYTHING, EVERYTHING, tenant)
        self.memories = Memories(ledger.store, self.event_id)

    def ported(self, access: AccessPort, live: SimulationPort, tenant: str = "acme") -> Tenant:
        """The tenant with other ports."""
        return Selene(self.ledger.store, self.around, None, Ports(access, live)).tenant(tenant)

    def tick(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def event_id(self) -> EventId:
        return event_id_of(self.now_ns, next(self.made))

    def say(self, text: str, scope: Scope = ALICE, **more: Any) -> Answer:
        return self.tenant.take_turn(scope.user_id, scope.device_id, text, **more)

    def agreed(self, text: str, scope: Scope = ALICE) -> tuple[Answer, Answer]:
        """A draft, and the yes to it."""
        return (draft := self.say(text, scope)), self.tenant.confirm(draft.event_id)

    def does(self, text: str, scope: Scope = ALICE) -> Applied:
        return self.tenant.apply_memory(*self.agreed(text, scope))

    def append(self, change: Remembered, key: str, scope: Scope = ALICE) -> Receipt:
        """A change that no draft asked for."""
        user, name = (scope.tenant_id, scope.user_id), IdempotencyKey(key)
        return self.memories.append(*user, change, name, self.tick())

    def held(self, user: str = "alice", at: int | None = None) -> set[str]:
        return {memory.text for memory in self.tenant.memories(user, at)}

    def query(self, text: str, scope: Scope = ALICE) -> set[object]:
        """What a MEMORY_QUERY finds, without a yes and without a row."""
        found = self.tenant.apply_memory(self.say(text, scope))
        return {found.receipt or memory.text for memory in found.memories}


# ---- the ledger, and what it adds up to


class Step(NamedTuple):
    scope: Scope
    change: Remembered
    key: int


def change_of(event: str, name: str, words: str, normal: str | None, **more: Any) -> Remembered:
    """A change that is sound: what forgets holds no words."""
    words_kept = (None, None) if event == "FORGOTTEN" else (words, normal)
    return Remembered(event, name, words_kept[0], "row:1", normalised=words_kept[1], **more)


CHANGES = st.builds(
    change_of,
    st.sampled_from(["STORED", "STORED", "UPDATED", "FORGOTTEN"]),
    st.sampled_from(["tea", "Tea", "car", "猫"]),
    st.text("aé猫 \U0001f9ff'\"\\", min_size=1, max_size=9),
    st.sampled_from([None, "x"]),
    layer=st.sampled_from(["WORKING", "MICRO", "LONG_TERM"]),
    sensitivity=st.sampled_from(["LOW", "SENSITIVE", "CONFIDENTIAL"]),
    confidence=st.sampled_from(["HIGH", "MED", "LOW"]),
    consent=st.sampled_from(["NOT_REQUESTED", "CONFIRMED"]),
    use_policy=st.sampled_from(USE_POLICIES),
    expires_at=st.sampled_from([None, START_NS, START_NS + 5]),
)
STEPS = st.builds(Step, st.sampled_from([ALICE, BOB, CAROL]), CHANGES, st.integers(0, 14))
KEPT = ("sensitivity", "consent", "use_policy", "expires_at", "layer", "confidence", "provenance")


@given(history=st.lists(STEPS, max_size=22))
@settings(max_examples=25)
def test_a_history_adds_up_to_its_last_changes_live_and_rebuilt(
    ledger: Ledger, history: list[Step]
) -> None:
    desk, store = Desk(ledger), ledger.store
    # The ledger is one for all examples: each has names, keys and times of its own.
    round_ = desk.now_ns = ledger.scribe.now()
    last: dict[tuple[Scope, str], tuple[int, Step, Receipt]] = {}
    done: dict[tuple[str, UserId, int], tuple[Receipt, Remembered]] = {}
    for step in history:
        scope, name = step.scope, f"{round_}{step.change.memory_key}"
        change = replace(step.change, memory_key=name)
        receipt = desk.append(change, f"{round_}.{step.key}", scope)
        there = done.setdefault((scope.tenant_id, scope.user_id, step.key), (receipt, change))
        if there[0] is not receipt:
            assert receipt == Receipt(there[0].event_id, True, there[1] == change)
            continue
        assert not receipt.deduplicated
        version = last[scope, name][0] + 1 if (scope, name) in last else 1
        last[scope, name] = (version, step._replace(change=change), receipt)
    for scope in (ALICE, BOB, CAROL):
        live = store.memory_current(scope.tenant_id, scope.user_id)
        mine = [row for row in live if row.memory_key.startswith(str(round_))]
        assert len(mine) == len([one for one in last if one[0] == scope])
        for row in mine:
            version, step, receipt = last[scope, row.memory_key]
            change = step.change
            assert (row.version, row.memory_event_id) == (version, receipt.event_id)
            gone = change.event == "FORGOTTEN"
            assert (row.active, row.value is None) == ((0, True) if gone else (1, False))
            assert [getattr(row, one) for one in KEPT] == [getattr(change, one) for one in KEPT]
        assert desk.memories.rebuild(scope.tenant_id, scope.user_id) == len(live)
        assert store.memory_current(scope.tenant_id, scope.user_id) == live
        versions: dict[str, list[int]] = {}
        for event in store.memory_events(scope.tenant_id, scope.user_id):
            versions.setdefault(event.memory_key, []).append(event.version)
        assert all(found == [*range(1, len(found) + 1)] for found in versions.values())


def test_a_rebuild_takes_back_what_somebody_widened(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.append(Remembered("STORED", "tea", "green", "row:1", sensitivity="CONFIDENTIAL"), "a")
    desk.append(Remembered("STORED", "car", "red", "row:1", consent="NOT_REQUESTED"), "b")
    desk.append(Remembered("FORGOTTEN", "car", None, "row:1"), "c")
    before = ledger.tables()["memory_current"]
    ledger.raw(
        "UPDATE memory_current SET use_policy = 'ALWAYS_USABLE', consent = 'CONFIRMED', active = 1",
        "DELETE FROM memory_current WHERE memory_key = 'car'",
    )
    assert desk.tenant.rebuild_memories("alice") == 2
    assert ledger.tables()["memory_current"] == before
    assert desk.held() == {"green"}


def test_a_memory_is_held_to_the_nanosecond_before_it_expires(ledger: Ledger) -> None:
    desk, ends = Desk(ledger), START_NS + 5_000
    desk.append(Remembered("STORED", "tea", "green", "row:1", expires_at=ends), "a")
    desk.append(Remembered("STORED", "car", "red", "row:1"), "b")
    for at, held in ((ends - 1, {"green", "red"}), (ends, {"red"}), (ends + 1, {"red"})):
        rows = desk.memories.held(ACME, ALICE.user_id, at)
        assert len(rows) == len(held)
        assert desk.held(at=at) == held
        desk.now_ns = at - 2  # The clock is asked twice: for the turn, and for what is held.
        assert desk.query("what do you know about me") == held
    desk.append(Remembered("FORGOTTEN", "car", None, "row:1"), "c")
    assert (desk.held(at=0), desk.held(at=ends)) == ({"green"}, set())


@pytest.mark.parametrize(
    "wrong",
    [
        {"verbatim": None}, {"event": "UPDATED", "verbatim": None}, {"event": "FORGOTTEN"},
        {"event": "ERASED"}, {"consent": "DENIED"}, {"consent": ""}, {"use_policy": "ANY"},
        {"memory_key": ""}, {"memory_key": "k" * 129}, {"verbatim": ""}, {"verbatim": "é" * 129},
        {"verbatim": "a\nb"}, {"normalised": "x" * 257}, {"provenance": ""}, {"expires_at": -1},
        {"provenance": "p" * 129}, {"layer": "DEEP"}, {"sensitivity": "NONE"}, {"confidence": "?"},
        {"expires_at": 2**63}, {"expires_at": True},
    ],
)  # fmt: skip
def test_a_change_outside_its_bounds_is_none(wrong: dict[str, Any]) -> None:
    sound: dict[str, Any] = {
        "event": "STORED", "memory_key": "tea", "verbatim": "green", "provenance": "row:1"
    }  # fmt: skip
    assert Remembered(**{**sound, "verbatim": "é" * 128, "memory_key": "k" * 128})
    with pytest.raises(BadField):
        Remembered(**{**sound, **wrong})


def attacks(
    ledger: Ledger, table: str, row: type[tuple[Any, ...]], **changed: str
) -> Iterator[str]:
    """SQL that would change rows of an append-only table, in the words of its database."""
    columns = ", ".join(row._fields)  # type: ignore[attr-defined]
    copy = ", ".join(changed.get(one, one) for one in row._fields)  # type: ignore[attr-defined]
    for column, value in changed.items():
        yield f"UPDATE {table} SET {column} = {value}"
    yield f"DELETE FROM {table}"
    if isinstance(ledger.database, SqliteDatabase):
        yield f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {copy} FROM {table}"
        yield f"REPLACE INTO {table} (rowid, {columns}) SELECT rowid, {copy} FROM {table}"
        yield f"UPDATE OR REPLACE {table} SET created_at = 1"
    else:
        yield f"TRUNCATE {table} CASCADE"
        yield f"WITH gone AS (DELETE FROM {table} RETURNING *) SELECT * FROM gone"


def test_what_was_said_and_remembered_is_never_changed_by_anybody(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.does(LOCKER)
    desk.tenant.append_answer("alice", "kitchen", "Done.", correlation=TALK, turn=1)
    before = ledger.tables()
    for attack in (
        *attacks(ledger, "memory_ledger", MemoryEvent, use_policy="'ALWAYS_USABLE'",
                 value="NULL", event="'FORGOTTEN'", idempotency_key="'other'"),
        *attacks(ledger, "conversation_ledger", Utterance, source="'TOMBSTONE'",
                 user_id="'bob'", turn_id="9"),
    ):  # fmt: skip
        ledger.raw(attack)
        assert ledger.tables() == before, attack


# ---- what a draft may do


def refused(ledger: Ledger, act: Callable[[], object]) -> Refusal:
    """The refusal of a call, which leaves nothing behind."""
    before = ledger.tables()
    with pytest.raises(Refusal) as found:
        act()
    assert ledger.tables() == before
    return found.value


def test_nothing_is_remembered_without_the_ports_and_a_yes_to_this_very_draft(
    ledger: Ledger,
) -> None:
    desk = Desk(ledger)
    draft, yes = desk.agreed(LOCKER)
    twin, no = desk.say(LOCKER), desk.say(LOCKER)
    said_no = desk.tenant.confirm(no.event_id, False)
    reminder = desk.agreed("remind me to call mom tomorrow at 5 pm")
    theirs = desk.ported(EVERYTHING, EVERYTHING, "globex")
    bare = Selene(ledger.store, desk.around).tenant("acme")
    forgets = Listed(["MEMORY_FORGET"])
    for tenant, one, said, refusal in (
        (desk.ported(DenyAll(), EVERYTHING), draft, yes, "GATE_ACCESS_DENIED"),
        (desk.ported(EVERYTHING, DenyAll()), draft, yes, "GATE_SIMULATION_INACTIVE"),
        (desk.ported(forgets, EVERYTHING), draft, yes, "GATE_ACCESS_DENIED"),
        (bare, draft, yes, "GATE_ACCESS_DENIED"),
        (desk.tenant, draft, None, "GATE_CONFIRMATION_MISSING"),
        (desk.tenant, twin, yes, "GATE_CONFIRMATION_DIFFERS"),
        (desk.tenant, draft, said_no, "GATE_CONFIRMATION_DIFFERS"),
        (desk.tenant, no, said_no, "GATE_CONFIRMATION_DECLINED"),
        (theirs, draft, yes, NotFound), (desk.tenant, draft, draft, BadField),
        (desk.tenant, yes, yes, BadField), (desk.tenant, *reminder, BadField),
        (desk.tenant, "garbage", yes, BadField), (desk.tenant, draft, "garbage", BadField),
    ):  # fmt: skip
        found = refused(ledger, functools.partial(tenant.apply_memory, one, said))
        assert refusal in (type(found), found.reason)
    desk.tenant.disable("alice")
    apply = functools.partial(desk.tenant.apply_memory, draft, yes)
    assert isinstance(refused(ledger, apply), ScopeRefused)
    desk.tenant.enable("alice")
    assert desk.held() == set()
    assert apply().receipt is not None
    assert desk.held() == {"my locker code is 4921"}


def test_a_yes_acts_once_and_in_its_time(ledger: Ledger) -> None:
    desk = Desk(ledger)
    late = desk.agreed("remember that my desk is 12")
    desk.now_ns += 600 * SECOND - 100
    draft, yes = desk.agreed(LOCKER)
    first = desk.tenant.apply_memory(draft, yes)
    assert first.receipt is not None
    desk.now_ns += 100
    refusal = refused(ledger, functools.partial(desk.tenant.apply_memory, *late))
    assert refusal.reason == "GATE_CONFIRMATION_LATE"
    before = ledger.tables()
    for later in (0, 9_000 * SECOND):
        desk.now_ns += later
        again = desk.tenant.apply_memory(draft.event_id, yes.event_id)
        assert again.receipt == Receipt(first.receipt.event_id, True, True)
    assert ledger.tables() == before


def test_of_eight_threads_with_one_yes_one_remembers(ledger: Ledger) -> None:
    desk, gate = Desk(ledger), threading.Barrier(8)
    pair = desk.agreed(LOCKER)

    def act(_: int) -> Receipt | None:
        gate.wait(timeout=30)
        return desk.tenant.apply_memory(*pair).receipt

    with ThreadPoolExecutor(8) as pool:
        receipts = [receipt for receipt in pool.map(act, range(8)) if receipt is not None]
    assert sorted(one.deduplicated for one in receipts) == [False] + [True] * 7
    assert len({one.event_id for one in receipts}) == 1
    assert len(ledger.store.memory_events(ACME, ALICE.user_id)) == 1


class Hasty:
    """A port that lets another caller act between the question to the gates and the act."""

    def __init__(self, first: Callable[[], object]) -> None:
        self.first = first

    def decide(self, *_: object) -> str:
        first, self.first = self.first, lambda: None
        first()
        return "ALLOW"

    def status(self, *_: object) -> str:
        return "ACTIVE"


@pytest.mark.parametrize("text", [LOCKER, "forget my locker code"])
def test_who_acts_second_on_one_yes_is_told_that_it_was_done(ledger: Ledger, text: str) -> None:
    desk = Desk(ledger)
    if text != LOCKER:
        desk.does(LOCKER)
    pair = desk.agreed(text)
    port = Hasty(functools.partial(desk.tenant.apply_memory, *pair))
    second = desk.ported(port, port).apply_memory(*pair)
    assert second.receipt is not None
    assert (second.receipt.deduplicated, second.receipt.same_decision) == (True, True)


def test_one_thing_is_forgotten_or_none(ledger: Ledger) -> None:
    desk = Desk(ledger)
    for text in (LOCKER, "remember that my locker key is green", "remember that I like tea"):
        desk.does(text)
    desk.does("remember that my locker code is 1111", BOB)
    for text, reason in (
        ("forget my locker", "MEMORY_SUBJECT_AMBIGUOUS"),
        ("forget my car", "MEMORY_SUBJECT_UNKNOWN"),
        ("forget everything", "MEMORY_SUBJECT_UNKNOWN"),
    ):
        pair = desk.agreed(text)
        refusal = refused(ledger, functools.partial(desk.tenant.apply_memory, *pair))
        assert refusal.reason == reason
    draft, yes = desk.agreed("forget my locker code")
    done = desk.tenant.apply_memory(draft, yes)
    assert [memory.text for memory in done.memories] == [""]
    assert desk.held() == {"my locker key is green", "I like tea"}
    desk.does(LOCKER)
    assert done.receipt is not None
    assert desk.tenant.apply_memory(draft, yes).receipt == replace(done.receipt, deduplicated=True)
    assert len(desk.held()) == 3
    assert desk.held("bob") == {"my locker code is 1111"}
    assert desk.tenant.rebuild_memories("alice") == 4


def test_a_query_finds_what_is_held_of_that_user_alone(ledger: Ledger) -> None:
    desk, theirs = Desk(ledger), Desk(ledger, "globex")
    desk.does(LOCKER)
    desk.does("remember that my locker key is red", BOB)
    theirs.does("remember that my locker is blue", CAROL)
    ask = "do you remember my locker"
    assert desk.query(ask) == {"my locker code is 4921"}
    assert desk.query(ask, BOB) == {"my locker key is red"}
    assert theirs.query(ask, CAROL) == {"my locker is blue"}
    assert desk.query("do you remember my car") == set()
    desk.does("forget my locker code")
    assert desk.query("what do you know about me") == set()
    shut = desk.ported(DenyAll(), EVERYTHING)
    refusal = refused(ledger, functools.partial(shut.apply_memory, desk.say(ask, BOB)))
    assert refusal.reason == "GATE_ACCESS_DENIED"


def test_no_word_that_was_said_stands_in_a_column_that_cannot_be_erased(ledger: Ledger) -> None:
    desk = Desk(ledger)
    for text in ("remember that my Zebulon code is 4921", "forget my Zebulon",
                 "remember that my preferred language is German"):  # fmt: skip
        desk.does(text)
    rows = ledger.raw(
        f"SELECT {', '.join(one for one in MemoryEvent._fields if one != 'value')}"
        " FROM memory_ledger",
        f"SELECT {', '.join(AuditEvent._fields)} FROM audit_events",
        "SELECT memory_key, provenance, use_policy FROM memory_current",
    )
    shown = repr([result.rows for result in rows]).lower()
    assert all(result.rows and not result.error for result in rows)
    assert "preferred_language" in shown
    for word in ("zebulon", "4921", "german", "'de'"):
        assert word not in shown
