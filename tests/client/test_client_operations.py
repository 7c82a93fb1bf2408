"""Every operation is asked once, by both clients, and answers as its type says."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import client_writing
from selene_os.client import AsyncClient, Client, answers, errors
from selene_os.edges.http.app import OPERATIONS
from serving import NOON, Served, token_of
from transports import Through

Call = Callable[..., Any]


class Asked:
    """A client of either kind, asked in one way; notes which operations there were."""

    def __init__(self, client: Any, run: Callable[[Any], Any]) -> None:
        self._client, self._run = client, run
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Call:
        self.names.add(name)

        def call(*args: Any, **kwargs: Any) -> Any:
            made = getattr(self._client, name)(*args, **kwargs)
            if inspect.isasyncgen(made):
                return self._run(collected(made))
            if name.startswith("every_"):
                return list(made)
            return self._run(made) if inspect.isawaitable(made) else made

        return call


async def collected(items: Any) -> list[Any]:
    return [one async for one in items]


@pytest.fixture(params=[Client, AsyncClient])
def asked(served: Served, request: pytest.FixtureRequest) -> Iterator[Asked]:
    client = request.param("http://here", token_of("all"), transport=Through(served))
    yield Asked(client, served.run)
    closing = client.close()
    if inspect.iscoroutine(closing):
        served.run(closing)


def test_every_operation_is_asked_once(asked: Asked, tmp_path: Path) -> None:
    assert (asked.is_alive().status, asked.is_ready().status) == ("alive", "ready")
    registering(asked)
    registered(asked)
    draft = deciding(asked)
    reading(asked, draft)
    evidencing(asked, draft, tmp_path)
    assert asked.change_identity("alice", "DISABLED").status == "DISABLED"
    ids = {client_writing.method_name(one.name) for one in OPERATIONS}
    assert ids <= asked.names


def registering(asked: Asked) -> None:
    assert asked.add_identity("erin").added is True
    assert asked.add_device("erin", "car").device_id == "car"
    assert asked.open_session("erin", "car", "trip").session_id == "trip"
    assert asked.close_session("trip").closed is True
    assert asked.delete_session("morning").session_id == "morning"
    assert asked.change_settings(currency="USD", zone="Europe/Berlin").zone == "Europe/Berlin"
    assert asked.change_settings(zone=None).zone is None
    assert asked.get_settings().currency == "USD"
    term = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": "Falcon"}
    (line,) = asked.import_terms([term]).lines
    assert [one["canonical"] for one in asked.list_terms().terms] == ["Falcon"]
    assert asked.remove_term(line["entry_id"]).written is True


def registered(asked: Asked) -> None:
    assert asked.get_tenant() == asked.get_settings()
    assert [one.user_id for one in asked.every_identity(limit=1)] == ["alice", "bob", "erin"]
    assert asked.list_identities(status="DISABLED").identities == ()
    assert [one.device_id for one in asked.get_identity("erin").devices] == ["car"]
    assert len(asked.every_device(limit=1)) == len(asked.list_devices().devices) > 2
    assert [one.device_id for one in asked.list_devices(user_id="erin").devices] == ["car"]
    ended = [one.session_id for one in asked.every_session(limit=1) if one.closed_at is not None]
    assert ended == ["morning", "trip"]
    assert [one.session_id for one in asked.list_sessions(open=True).sessions] == ["office"]
    assert asked.get_session("trip").device_id == "car"


def deciding(asked: Asked) -> answers.TurnAnswer:
    draft = asked.take_turn("alice", "kitchen", "send $20 to Bob", now=NOON)
    assert isinstance(draft, answers.TurnAnswer) and draft.intent_type == "SEND_MONEY"
    assert asked.confirm(draft.event_id).decision == "CONFIRMED"
    question = asked.take_turn("alice", "kitchen", "set a reminder to call mom", now=NOON)
    assert question.decision == "CLARIFY" and question.question and question.what_is_missing
    signal = {"key": "brevity_preference", "value": "short", "evidence_ref": "memory:1"}
    profile = asked.commit_profile("alice", "kitchen", speaker_id="alice", signals=[signal])
    assert isinstance(profile, answers.ProfileAnswer)
    brought = asked.bring_decision("alice", "kitchen", {"kind": "CHAT"})
    assert brought.deduplicated is False
    kinds: list[dict[str, str]] = [{"kind": "CHAT"}, {"kind": "MAYBE"}]
    many = [{"user_id": "alice", "device_id": "kitchen", "decision": kind} for kind in kinds]
    assert [one.status for one in asked.bring_decisions(many).results] == [201, 422]
    wish = asked.take_turn("alice", "kitchen", "remember that my locker is 42", now=NOON)
    yes = asked.confirm(wish.event_id)
    applied = asked.apply_memory(wish.event_id, confirmation_event_id=yes.event_id)
    assert isinstance(applied.receipt, answers.Receipt)
    return draft


def reading(asked: Asked, draft: answers.TurnAnswer) -> None:
    talk = draft.correlation_id
    assert [one.event_type for one in asked.trace(talk).events] == ["NlpIntentDraft", "XConfirm"]
    assert asked.trace(talk, explain=True).turns[0]["said"]
    assert asked.replay(talk).totals["identical"] == 2
    assert [one.event_id for one in asked.search(intent="SEND_MONEY").events] == [draft.event_id]
    assert len(asked.every_decision(limit=2, user="alice")) == 8
    assert asked.get_decision(draft.event_id).record is None
    assert asked.get_decision(draft.event_id, record=True).record is not None
    assert asked.explain("call mom", now=NOON).engine == "PH1.NLP"
    assert asked.get_packs().intents and asked.list_memories("alice").memories


def evidencing(asked: Asked, draft: answers.TurnAnswer, tmp_path: Path) -> None:
    assert asked.seal().checkpoint is not None
    assert asked.get_proof(draft.event_id).row["event_id"] == draft.event_id
    assert len(asked.list_checkpoints().checkpoints) == len(asked.every_checkpoint(limit=1)) == 1
    note = asked.get_checkpoint("latest")
    assert asked.get_checkpoint(int(note.splitlines()[1])) == note
    bundle = asked.get_bundle(draft.correlation_id)
    saved = asked.save_bundle(tmp_path / "case.zip", draft.correlation_id)
    written = (tmp_path / "case.zip").read_bytes()
    assert bundle[:2] == written[:2] == b"PK"
    assert (saved.size, saved.sha256) == (len(written), hashlib.sha256(written).hexdigest())
    assert asked.list_access_events(limit=1).next_cursor is not None
    assert len(asked.every_access_event(limit=3)) > 3


def test_an_id_is_one_segment_whatever_it_holds(asked: Asked) -> None:
    for strange in ("../settings", "a/b", ".", "..", "a?b=c", "a#b", "%2e", "é"):
        with pytest.raises(errors.NotFound):
            asked.remove_term(strange)


def test_a_client_of_each_kind_talks_with_a_real_server(address: str, tmp_path: Path) -> None:
    with Client(address, token_of("all"), tenant="acme") as selene:
        told = [selene.take_turn("alice", "kitchen", "hello", idempotency_key="k") for _ in "123"]
        assert [one.deduplicated for one in told] == [False, True, True]
        selene.seal()
        assert selene.save_bundle(tmp_path / "case.zip", told[0].correlation_id).size > 1_000
        with pytest.raises(errors.NotFound):
            selene.save_bundle(tmp_path / "none.zip", "f" * 32)
    assert [path.name for path in tmp_path.iterdir()] == ["case.zip"]
    with Client(address, token_of("all")) as selene, ThreadPoolExecutor(16) as threads:
        told = list(
            threads.map(
                lambda number: selene.take_turn(
                    "alice", "kitchen", "hello", idempotency_key=f"thread-{number // 8}"
                ),
                range(64),
            )
        )
    assert len({one.event_id for one in told}) == 8

    async def many() -> list[answers.TurnAnswer]:
        async with AsyncClient(address, token_of("all")) as selene:
            return await asyncio.gather(
                *(
                    selene.take_turn("alice", "kitchen", "hello", idempotency_key=f"one-{n // 32}")
                    for n in range(64)
                )
            )

    answered = asyncio.run(many())
    assert len({one.event_id for one in answered}) == 2
    assert sum(one.deduplicated for one in answered) == 62
