"""Garbage in every field of every call of a tenant's: a clear refusal, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import selene_os
from selene_os import Item, Listed, SeleneError
from selene_os.app import Tenant

Call = Callable[[Tenant, Any, str], object]

JUNK: list[Any] = [
    "", " ", "\0", "\ud800", "\u202e", "x" * 32_769, "é" * 16_385, "😀" * 8_000, "yes " * 8_000,
    "tmr " * 8_192, "\x1b[31myes", "\n", None, 5, -1, 2**70, 1.5, True, b"yes", [], {}, [None], (),
    object(),
]  # fmt: skip
TERM = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": "Alpha"}
CALLS: dict[str, Call] = {
    "text": lambda t, j, _: t.take_turn("alice", "kitchen", j),
    "source": lambda t, j, _: t.take_turn("alice", "kitchen", "hi", source=j),
    "privacy_scope": lambda t, j, _: t.take_turn("alice", "kitchen", "hi", privacy_scope=j),
    "confidence": lambda t, j, _: t.take_turn("alice", "kitchen", "hi", transcript_confidence=j),
    "uncertain_spans": lambda t, j, _: t.take_turn("alice", "kitchen", "hi", uncertain_spans=j),
    "salient": lambda t, j, _: t.take_turn("alice", "kitchen", "hi", salient=j),
    "content_ref": lambda t, j, _: t.take_turn(
        "alice", "kitchen", "hi", salient=[Item("a", "SPAN", 1, j, "turn:1")]
    ),
    "confirm": lambda t, j, _: t.confirm(j),
    "yes": lambda t, j, draft: t.confirm(draft, j),
    "user": lambda t, j, draft: t.confirm(draft, user=j),
    "device": lambda t, j, draft: t.confirm(draft, device=j),
    "session": lambda t, j, draft: t.confirm(draft, session=j),
    "key": lambda t, j, draft: t.confirm(draft, key=j),
    "draft": lambda t, j, _: t.apply_memory(j),
    "confirmation": lambda t, j, draft: t.apply_memory(draft, j),
    "asked": lambda t, j, draft: t.may_execute(draft, j),
    "speaker": lambda t, j, _: t.commit_profile("alice", "kitchen", speaker=j),
    "signals": lambda t, j, _: t.commit_profile("alice", "kitchen", speaker="v", signals=j),
    "place": lambda t, j, _: t.commit_profile("alice", "kitchen", speaker="v", place=j),
    "style_hint": lambda t, j, _: t.commit_profile("alice", "kitchen", speaker="v", style_hint=j),
    "terms": lambda t, j, _: t.import_terms(j),
    "term": lambda t, j, _: t.import_terms([j]),
    "canonical": lambda t, j, _: t.import_terms([{**TERM, "canonical": j}]),
    "evidence_ref": lambda t, j, _: t.import_terms([{**TERM, "evidence_ref": j}]),
    "removed": lambda t, j, _: t.remove_terms(j),
    "removed term": lambda t, j, _: t.remove_terms([j]),
    "memories": lambda t, j, _: t.memories(j),
    "at": lambda t, j, _: t.memories("alice", at=j),
    "rebuilt": lambda t, j, _: t.rebuild_memories(j),
    "answer": lambda t, j, _: t.append_answer("alice", "kitchen", j, correlation="1" * 32, turn=1),
    "answered turn": lambda t, j, _: t.append_answer(
        "alice", "kitchen", "x", correlation="1" * 32, turn=j
    ),
    "confirm_within_s": lambda t, j, _: t.set(confirm_within_s=j),
}


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Tenant:
    path: Path = tmp_path_factory.mktemp("garbage") / "selene.db"
    ports = Listed(["MEMORY_REMEMBER", "MEMORY_FORGET", "MEMORY_QUERY"])
    selene = selene_os.open(
        str(path), create=True, synchronous="OFF", access=ports, simulation=ports
    )
    selene.add_tenant("acme")
    tenant = selene.tenant("acme")
    tenant.register("alice", "kitchen")
    return tenant


@pytest.mark.parametrize("name", CALLS)
def test_garbage_is_refused_by_us_and_crashes_nothing(acme: Tenant, name: str) -> None:
    call = CALLS[name]
    for junk in JUNK:
        draft = acme.take_turn("alice", "kitchen", "remember that my locker is 42").event_id
        try:
            call(acme, junk, draft)
        except SeleneError as refused:
            assert refused.next_step, repr(junk)[:40]
            assert refused.exit_code == 2, f"{junk!r:.40}: {refused}"


def test_no_garbage_is_a_yes(acme: Tenant) -> None:
    for junk in JUNK:
        draft = acme.take_turn("alice", "kitchen", "send $20 to Bob")
        try:
            answer = acme.take_turn("alice", "kitchen", junk, correlation=draft.correlation_id)
        except SeleneError:
            continue
        assert answer.confirmation is None, repr(junk)[:40]
