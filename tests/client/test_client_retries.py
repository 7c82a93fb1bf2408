"""Retries: one row whatever is lost on the way, and nothing sent again in vain."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from selene_os.client import (
    AsyncClient,
    Client,
    NotConfigured,
    NotReached,
    NotSelene,
    Retries,
    errors,
)
from selene_os.client.courses import Course
from selene_os.client.deciding import take_turn
from selene_os.client.places import place_of
from serving import TALK, Served, token_of
from transports import AFTER, BEFORE, Fault, Through

KINDS = [Client, AsyncClient]


def problem(code: str, status: int, **headers: str) -> Callable[[], httpx.Response]:
    """An answer that is a problem."""
    kind = {"content-type": "application/problem+json"}
    record = json.dumps({"code": code, "title": code, "status": status})
    return lambda: httpx.Response(status, headers=kind | headers, content=record)


def page(status: int, **headers: str) -> Callable[[], httpx.Response]:
    """An answer of something else than Selene."""
    return lambda: httpx.Response(status, headers={"content-type": "text/html"} | headers)


class Flaky:
    """A client of either kind on a way with faults; notes how long it waited."""

    def __init__(self, kind: Any, served: Served, *faults: Fault, **more: Any) -> None:
        self._served = served
        self.way = Through(served, faults)
        self.waits: list[float] = []

        async def wait(wait_s: float) -> None:
            self.waits.append(wait_s)

        sleep = self.waits.append if kind is Client else wait
        self.client = kind("http://here", token_of("all"), transport=self.way, sleep=sleep, **more)

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        made = getattr(self.client, name)(*args, **kwargs)
        return self._served.run(made) if inspect.iscoroutine(made) else made

    @property
    def keys(self) -> list[str | None]:
        return [one.headers.get("idempotency-key") for one in self.way.requests]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "faults",
    [
        (BEFORE,),
        (AFTER,),
        (AFTER, AFTER, AFTER),
        (BEFORE, AFTER, problem("TooSlow", 503)),
        (page(502), AFTER, page(504)),
        (problem("TooManyRequests", 429), problem("LedgerUnavailable", 503)),
    ],
    ids=["before", "after", "thrice after", "slow", "a proxy's", "too often"],
)
def test_whatever_is_lost_there_is_one_row(
    kind: Any, faults: tuple[Fault, ...], served: Served
) -> None:
    flaky = Flaky(kind, served, *faults)
    told = flaky("take_turn", "alice", "kitchen", "hello")
    (row,) = served.get("decisions").json["events"]
    assert told.event_id == row["event_id"]
    assert told.deduplicated == (AFTER in faults)
    assert len(flaky.waits) == len(faults)
    assert len(flaky.keys) == len(faults) + 1 and len(set(flaky.keys)) == 1
    assert len({one.content for one in flaky.way.requests}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_many_that_are_sent_again_are_written_once(kind: Any, served: Served) -> None:
    flaky = Flaky(kind, served, AFTER)
    one = {"user_id": "alice", "device_id": "kitchen", "decision": {"kind": "CHAT"}}
    told = flaky("bring_decisions", [one, {**one, "idempotency_key": "mine"}, one])
    assert (told.written, told.deduplicated) == (0, 3)
    assert len(served.get("decisions").json["events"]) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_refused_is_not_sent_again(kind: Any, served: Served) -> None:
    for code, status in (("BadField", 422), ("Incident", 500), ("NotOffered", 501)):
        flaky = Flaky(kind, served, problem(code, status))
        with pytest.raises(errors.CODES[code]) as caught:
            flaky("take_turn", "alice", "kitchen", "hello")
        assert caught.value.idempotency_key is not None and caught.value.status == status
        assert (len(flaky.way.requests), flaky.waits) == (1, [])
    assert served.get("decisions").json["events"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_end_the_error_says_what_may_have_happened(kind: Any, served: Served) -> None:
    for fault, happened in ((BEFORE, False), (AFTER, True)):
        flaky = Flaky(kind, served, *[fault] * 9, retries=Retries(attempts=3))
        with pytest.raises(NotReached) as caught:
            flaky("take_turn", "alice", "kitchen", "hello")
        assert caught.value.may_have_happened is happened and caught.value.attempts == 3
        assert token_of("all") not in str(caught.value) and "hello" not in str(caught.value)
        # With the key that the error carries, a program can go on where the client gave up.
        key = caught.value.idempotency_key
        told = Flaky(kind, served)("take_turn", "alice", "kitchen", "hello", idempotency_key=key)
        assert told.deduplicated is happened


@pytest.mark.parametrize("kind", KINDS)
def test_an_end_that_cannot_be_repeated_is_sent_again_only_where_nothing_was_done(
    kind: Any, served: Served
) -> None:
    assert Flaky(kind, served, BEFORE, problem("TooBusy", 503))("close_session", "morning").closed
    for fault in (AFTER, problem("TooSlow", 503), page(502)):
        flaky = Flaky(kind, served, fault)
        with pytest.raises((NotReached, NotSelene, errors.TooSlow)):
            flaky("delete_session", "office")
        assert len(flaky.way.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_that_breaks_off_is_fetched_again_and_never_half(
    kind: Any, served: Served, tmp_path: Path
) -> None:
    talk = Flaky(kind, served)("take_turn", "alice", "kitchen", "hello").correlation_id
    Flaky(kind, served)("seal")
    (tmp_path / "out").mkdir()
    file = tmp_path / "out" / "case.zip"

    class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Any:
            yield b"PK half"
            raise httpx.ReadError("reset")

        async def __aiter__(self) -> Any:
            yield b"PK half"
            raise httpx.ReadError("reset")

    def half() -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "application/zip"}, stream=Broken())

    flaky = Flaky(kind, served, half, page(503))
    assert flaky("save_bundle", file, talk).size == file.stat().st_size > 1_000
    for faults, error in (((half,) * 9, NotReached), ((page(200),), NotSelene)):
        before = file.read_bytes()
        with pytest.raises(error):
            Flaky(kind, served, *faults)("save_bundle", file, talk)
        assert file.read_bytes() == before and list(file.parent.iterdir()) == [file]


def test_a_yes_keeps_the_key_that_its_draft_gives_it(served: Served) -> None:
    flaky = Flaky(Client, served)
    draft = flaky("take_turn", "alice", "kitchen", "send $20 to Bob")
    yes = [flaky("confirm", draft.event_id) for _ in range(2)]
    assert [one.deduplicated for one in yes] == [False, True]
    assert flaky.keys[-2:] == [None, None]


def test_a_request_that_names_its_turn_is_a_retry_of_its_like_without_a_key(served: Served) -> None:
    flaky = Flaky(Client, served)
    spot = {"correlation_id": TALK, "turn_id": 1}
    told = [flaky("take_turn", "alice", "kitchen", "hello", **spot) for _ in range(2)]
    assert [one.deduplicated for one in told] == [False, True] and flaky.keys == [None, None]
    spot = {**spot, "turn_id": 2}
    one = {"user_id": "bob", "device_id": "desk", "decision": {"kind": "CHAT"}, **spot}
    for written in (1, 0):
        assert flaky("bring_decisions", [one]).written == written


def test_a_trace_names_the_conversation_though_a_key_is_made(served: Served) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    flaky = Flaky(Client, served, AFTER)
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    told = flaky("take_turn", "alice", "kitchen", "hi", traceparent=parent)
    assert (told.correlation_id, told.trace_id, told.deduplicated) == (trace, trace, True)
    alice = {"user_id": "alice", "device_id": "kitchen", "traceparent": parent}
    told = flaky("commit_profile", **alice, speaker_id="alice")
    assert (told.correlation_id, told.trace_id) == (trace, trace)
    told = flaky("bring_decision", **alice, decision={"kind": "CHAT"})
    assert (told.correlation_id, told.trace_id) == (trace, trace)
    draft = flaky("take_turn", "alice", "kitchen", "send $20 to Bob")
    assert flaky("confirm", draft.event_id, traceparent=parent).trace_id == trace
    one = {"user_id": "bob", "device_id": "desk", "decision": {"kind": "CHAT"}}
    (verdict,) = flaky("bring_decisions", [one], traceparent=parent).results
    assert verdict.committed.trace_id == trace != verdict.committed.correlation_id
    for unread in (f"ff{parent[2:]}", parent.replace("00f067aa0ba902b7", "0" * 16), "x"):
        told = flaky("take_turn", "alice", "kitchen", "hi", traceparent=unread)
        assert (told.correlation_id != trace, told.trace_id) == (True, None)


@pytest.mark.parametrize("key", ["order-17", ' "a" ', "Bestellung-ü", "k" * 128])
def test_a_key_comes_as_it_is(served: Served, key: str) -> None:
    flaky = Flaky(Client, served)
    told = [flaky("take_turn", "alice", "kitchen", "hi", idempotency_key=key) for _ in range(2)]
    assert [one.deduplicated for one in told] == [False, True]
    (row,) = served.get("decisions").json["events"]
    assert row["idempotency_key"] == key


@pytest.mark.parametrize("key", ["", "a\nb", "a\r\nx: y", "\x00", "k" * 129, "\ud800"])
def test_a_key_that_cannot_be_sent_is_told_before(served: Served, key: str) -> None:
    flaky = Flaky(Client, served)
    with pytest.raises(NotConfigured, match="idempotency_key"):
        flaky("take_turn", "alice", "kitchen", "hi", idempotency_key=key)
    assert not flaky.way.requests


def test_sixty_four_tasks_with_one_key_write_one_row(served: Served) -> None:
    async def all_at_once() -> list[Any]:
        faults = [AFTER if number % 3 else BEFORE for number in range(20)]
        way = Through(served, faults)
        quick = Retries(first_wait_s=0.001, attempts=9)
        async with AsyncClient(
            "http://here", token_of("all"), transport=way, retries=quick
        ) as selene:
            calls: list[Coroutine[Any, Any, Any]] = [
                selene.take_turn("alice", "kitchen", "hello", idempotency_key="one")
                for _ in range(64)
            ]
            return await asyncio.gather(*calls)

    told = served.run(all_at_once())
    assert len({one.event_id for one in told}) == 1
    assert len(served.get("decisions").json["events"]) == 1


# ---- when


def course(retries: Retries | None = None, **more: Any) -> Course[Any]:
    place = place_of("http://here", token_of("all"), None)
    return Course(take_turn("a", "b", "c"), place, retries or Retries(), **more)


def test_waits_double_up_to_their_bound_and_are_left_to_chance() -> None:
    retries = Retries(attempts=99, first_wait_s=1, wait_s_max=8)
    longest = course(retries, chance=lambda: 1.0)
    lost = httpx.ReadTimeout("late")
    assert [longest.failed(lost) for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    chance = random.Random(7)
    waits = [course(retries, chance=chance.random).failed(lost) for _ in range(100)]
    assert 0 < min(waits) < 0.1 and 0.9 < max(waits) < 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_says_how_long_to_wait(kind: Any, served: Served) -> None:
    in_9_s = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    for text, least, most in (("7", 7, 7.2), (in_9_s, 7, 9.3), ("soon", 0, 0.2), ("-1", 0, 0.2)):
        flaky = Flaky(kind, served, problem("TooManyRequests", 429, **{"retry-after": text}))
        flaky("get_settings")
        (wait_s,) = flaky.waits
        assert least <= wait_s <= most, text
    for far in ("61", "999999999999"):
        flaky = Flaky(kind, served, problem("TooManyRequests", 429, **{"retry-after": far}))
        with pytest.raises(errors.TooManyRequests) as caught:
            flaky("get_settings")
        assert flaky.waits == [] and (caught.value.retry_after_s or 0) > 60


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_selene_is_told_so_and_gets_no_key(kind: Any, served: Served) -> None:
    for fault in (page(200), page(404), page(302, location="http://elsewhere/"), page(204)):
        flaky = Flaky(kind, served, fault)
        with pytest.raises(NotSelene, match="Check the address"):
            flaky("get_settings")
        assert len(flaky.way.requests) == 1
    wrong = httpx.Response(200, headers={"content-type": "application/json"}, content=b"[]")
    with pytest.raises(NotSelene, match="not as described"):
        Flaky(kind, served, lambda: wrong)("get_settings")
    deep = httpx.Response(200, headers={"content-type": "application/json"}, content=b"[" * 10**5)
    with pytest.raises(NotSelene, match="not as described"):
        Flaky(kind, served, lambda: deep)("get_settings")
    flaky = Flaky(kind, served, problem("LedgerMissing", 503))
    with pytest.raises(errors.LedgerMissing):
        flaky("is_ready")
    assert len(flaky.way.requests) == 1


WRONG = {
    "url": ["", "here", "ftp://here", "http://", "http://u:p@here", "http://here/v1/tenants/acme",
            "http://here?x=1", "http://here:port"],
    "key": ["", "sel_acme_short", token_of("all") + " ", "Bearer " + token_of("all")],
    "tenant": ["globex", ""],
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, them in WRONG.items() for v in them])
@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_right_is_told_before_anything_is_sent(
    kind: Any, field: str, value: str
) -> None:
    given: dict[str, Any] = {"url": "http://here", "key": token_of("all")} | {field: value}
    with pytest.raises(NotConfigured) as caught:
        kind(**given)
    assert caught.value.field == field
    assert "s" * 43 not in str(caught.value)


def test_a_wrong_key_and_an_unreachable_server_are_told_apart(served: Served) -> None:
    wrong = token_of("all").replace("s" * 43, "t" * 43)
    client = Client("http://here", wrong, transport=Through(served))
    with pytest.raises(errors.NotAuthenticated, match="API key"):
        client.get_settings()
    assert "ttt" not in repr(client) + repr(client.__dict__)
    with pytest.raises(errors.ScopeMissing, match="scope admin"):
        Client("http://here", token_of("read"), transport=Through(served)).seal()
    nobody = Client("http://127.0.0.1:1", token_of("all"), retries=Retries(attempts=1))
    with nobody, pytest.raises(NotReached, match="nothing was sent"):
        nobody.get_settings()
