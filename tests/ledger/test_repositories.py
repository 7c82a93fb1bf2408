"""Typed repositories: what may be written, checked where it is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selene_os.decision import Chat, ProfileDecision
from selene_os.edges.surroundings import system
from selene_os.errors import BadField, ScopeRefused
from selene_os.ledger import codec, repositories
from selene_os.ledger.events import TenantRow
from selene_os.ledger.memories import Memories, Remembered
from selene_os.ledger.repositories import (
    Conversations,
    Devices,
    Entry,
    Identities,
    NlpDecisions,
    PersonaProfiles,
    Sessions,
)
from selene_os.ledger.sqlite.schema import create
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.names import (
    CorrelationId,
    DeviceId,
    IdempotencyKey,
    SessionId,
    TenantId,
    TurnId,
    UserId,
)
from selene_os.reasons import ReasonCode

ACME, ALICE, KITCHEN = TenantId("acme"), UserId("alice"), DeviceId("kitchen")
SCOPE = codec.Scope(ACME, ALICE, KITCHEN)
TALK = CorrelationId("4bf92f3577b34da6a3ce929d0e0e4736")
PROFILE = ProfileDecision(ReasonCode.PERSONA_PROFILE_OK, "GENTLE", "TEXT_ONLY", "persona:v1:x")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    path = str(tmp_path / "selene.db")
    create(path, 1)
    opened = SqliteStore(path)
    opened.add_tenant(TenantRow(ACME, None, "ask", None, None, 1))
    yield opened
    opened.close()


def place(turn: int = 1) -> codec.Place:
    return codec.Place(TALK, TurnId(turn), IdempotencyKey(f"k{turn}"))


def test_registrations_add_what_is_missing_once(store: SqliteStore) -> None:
    assert Identities(store).register(ACME, ALICE, 2)
    assert Devices(store).register(ACME, ALICE, KITCHEN, 3)
    assert not Devices(store).register(ACME, ALICE, KITCHEN, 4)
    sessions = Sessions(store)
    assert sessions.open(ACME, ALICE, KITCHEN, SessionId("s1"), 5)
    sessions.close(ACME, SessionId("s1"), 6)
    Identities(store).disable(ACME, ALICE)
    with pytest.raises(ScopeRefused, match="disabled"):
        Conversations(store).append(repositories.utterance(SCOPE, place(), "hello", 7))


def test_a_conversation_keeps_one_line_a_turn_and_role(store: SqliteStore) -> None:
    Devices(store).register(ACME, ALICE, KITCHEN, 2)
    conversations = Conversations(store)
    line = repositories.utterance(SCOPE, place(), "你好 — hello", 3, source="VOICE_TRANSCRIPT")
    reply = repositories.utterance(
        SCOPE, place(), "hi", 4, role="SELENE", source="SELENE_OUTPUT", privacy_scope="PUBLIC"
    )
    assert conversations.append(line) and conversations.append(reply)
    assert not conversations.append(line)
    assert [row.text.decode() for row in store.conversation(ACME, TALK)] == ["你好 — hello", "hi"]


@pytest.mark.parametrize(
    "wrong", [{"role": "GOD"}, {"source": "RUMOUR"}, {"privacy_scope": "SECRET"}, {"text": ""}]
)
def test_a_line_outside_its_bounds_is_refused_by_name(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {"text": "hello", "created_at": 1} | wrong
    with pytest.raises(BadField, match=next(iter(wrong))):
        repositories.utterance(SCOPE, place(), **given)


def test_memories_add_up_and_are_built_again_the_same(store: SqliteStore) -> None:
    Devices(store).register(ACME, ALICE, KITCHEN, 2)
    memories = Memories(store, system().event_id)
    wishes = Remembered("STORED", "coffee", "black", "said:1", normalised="BLACK")
    changed = Remembered("UPDATED", "coffee", "with milk", "said:2", use_policy="ALWAYS_USABLE")
    gone = Remembered("FORGOTTEN", "tea", None, "said:3")
    for number, change in enumerate((wishes, changed, gone, changed)):
        key = IdempotencyKey(f"m{min(number, 2)}")
        receipt = memories.append(ACME, ALICE, change, key, 10 + number)
        assert receipt.deduplicated == (number == 3)
    live = memories.current(ACME, ALICE)
    assert [(row.memory_key, row.version, row.active) for row in live] == [
        ("coffee", 2, 1),
        ("tea", 1, 0),
    ]
    assert live[0].value == b'{"verbatim":"with milk","normalised":null}'
    assert live[1].value is None
    assert memories.rebuild(ACME, ALICE) == 2
    assert memories.current(ACME, ALICE) == live


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"event": "LOST"}, "event"),
        ({"verbatim": None}, "verbatim"),
        ({"event": "FORGOTTEN"}, "verbatim"),
        ({"verbatim": "x" * 257}, "verbatim"),
        ({"normalised": "x" * 257}, "normalised"),
        ({"memory_key": ""}, "memory_key"),
        ({"memory_key": "x" * 129}, "memory_key"),
        ({"provenance": ""}, "provenance"),
        ({"layer": "DEEP"}, "layer"),
        ({"sensitivity": "NONE"}, "sensitivity"),
        ({"confidence": "SURE"}, "confidence"),
        ({"consent": "DENIED"}, "consent"),
        ({"use_policy": "ANY"}, "use_policy"),
        ({"expires_at": -1}, "expires_at"),
    ],
)
def test_a_memory_outside_its_bounds_is_refused_by_name(wrong: dict[str, Any], field: str) -> None:
    given = {"event": "STORED", "memory_key": "k", "verbatim": "v", "provenance": "p"} | wrong
    with pytest.raises(BadField, match=field):
        Remembered(**given)


def test_decisions_and_profiles_are_not_taken_for_each_other(store: SqliteStore) -> None:
    make_id = system().event_id
    with pytest.raises(BadField, match="profile"):
        NlpDecisions(store, make_id).unit(
            SCOPE, place(), [Entry(PROFILE, "", None, b"{}")], None, 1
        )
    with pytest.raises(BadField, match="profile"):
        PersonaProfiles(store, make_id).unit(SCOPE, place(), Entry(Chat(), "", None, b"{}"), 1)
