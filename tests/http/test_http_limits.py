"""Limits: of one key, of bodies, of time; and what is beside /v1."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledgers import Ledger, SqliteDatabase
from selene_os.edges.http.api import Settings
from selene_os.edges.http.throttling import Buckets
from selene_os.errors import LedgerUnavailable
from serving import Served, turn

Make = Callable[..., Served]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a server with other limits."""
    ledger = Ledger(SqliteDatabase(tmp_path))
    made: list[Served] = []

    def of(**limits: Any) -> Served:
        made.append(Served(ledger, Settings(**limits)))
        return made[-1]

    yield of
    for one in made:
        one.close()
    ledger.store.close()


def test_a_bucket_fills_at_its_rate() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3, lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 1]
    assert buckets.take("b") == 0
    now[0] = 0.5
    assert [buckets.take("a") for _ in range(2)] == [0, 1]
    now[0] = 1_000.0
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 1]


def test_a_key_that_asks_too_often_waits_alone(make: Make) -> None:
    served = make(requests_per_s=0.1, burst=3)
    assert [served.get("settings").status for _ in range(4)] == [200, 200, 200, 429]
    told = served.get("settings")
    assert (told.code, 1 <= int(told.headers["retry-after"]) <= 10) == ("TooManyRequests", True)
    assert served.get("settings", "read").status == 200
    assert served.get("settings", None).status == 401
    refused = [one.reason for one in served.events if one.outcome == "REFUSED"]
    assert refused == ["TooManyRequests"]


@pytest.mark.parametrize("cut", [1, 7, 65_536])
def test_a_body_is_counted_as_it_comes(make: Make, cut: int) -> None:
    served = make()
    body = b" " * 65_537
    parts = [body[at : at + cut * 1_000] for at in range(0, len(body), cut * 1_000)]
    told = served.ask("POST", "turns", chunks=parts, stall=True)
    assert (told.status, told.code) == (413, "BodyTooLarge")
    assert told.headers["connection"] == "close"


def test_a_body_in_many_parts_is_one(make: Make) -> None:
    import json

    whole = json.dumps(turn()).encode()
    parts = [whole[at : at + 1] for at in range(len(whole))]
    assert make().ask("POST", "turns", chunks=parts).status == 201


def test_a_body_may_be_as_large_as_is_said(make: Make) -> None:
    served = make()
    text = "é" * 16_384
    assert served.post("turns", turn(text)).status == 413
    import json

    raw = json.dumps(turn(text), ensure_ascii=False).encode()
    assert served.ask("POST", "turns", raw).status == 201


def test_a_body_that_does_not_end_is_cut_off(make: Make) -> None:
    told = make(body_wait_s=0.05).ask("POST", "turns", chunks=[b"{"], stall=True)
    assert (told.status, told.code) == (408, "BodyTooSlow")
    assert told.headers["connection"] == "close"


def test_who_waits_too_long_or_with_too_many_is_told_so(make: Make) -> None:
    served = make(waiting_max=2, answer_wait_s=0.2, threads=2)
    hold = threading.Event()
    tenant = served.app.state.api._tenant("acme")
    real = tenant.take_turn

    def slow(*given: Any, **named: Any) -> Any:
        hold.wait(5)
        return real(*given, **named)

    tenant.take_turn = slow

    async def several() -> list[Any]:
        asked = [
            served.asked(
                "POST", "/v1/tenants/acme/turns", turn(), headers=[("idempotency-key", key)]
            )
            for key in "abc"
        ]
        return await asyncio.gather(*asked)

    told = served.run(several())
    assert [one.status for one in told] == [503, 503, 503]
    assert sorted(one.code for one in told) == ["TooBusy", "TooSlow", "TooSlow"]
    assert {one.headers["retry-after"] for one in told} == {"1"}
    hold.set()
    while served.app.state.api.threads.busy:
        pass
    tenant.take_turn = real
    # What was too slow was written all the same, and the same key finds it.
    assert served.post("turns", turn(), idempotency_key="a").status == 200
    assert served.post("turns", turn(), idempotency_key="c").status == 201


def test_a_fault_is_told_without_the_operator_s_words(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    served = make()

    def gone(*_: Any, **__: Any) -> Any:
        raise LedgerUnavailable("db.internal:5432 refused", "Look at the server.")

    served.app.state.api._tenant("acme").take_turn = gone
    told = served.post("turns", turn())
    assert (told.status, told.code) == (503, "LedgerUnavailable")
    assert b"internal" not in told.content and "db.internal" in caplog.text
    assert told.headers["retry-after"] == "1"
    assert "Idempotency-Key" in told.json["next_step"]


def test_other_methods_are_named(make: Make) -> None:
    served = make()
    told = served.ask("DELETE", "settings")
    assert (told.status, told.headers["allow"]) == (405, "GET, HEAD, PATCH")
    assert served.ask("OPTIONS", "turns").headers["allow"] == "POST"
    assert served.get("turns").status == 405


def test_what_needs_no_key(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    served = make()
    for path, kind in (
        ("/healthz", "application/json"),
        ("/readyz", "application/json"),
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
    ):
        told = served.get(path, None)
        assert (told.status, told.headers["content-type"]) == (200, kind)
        assert served.ask("POST", path, {}, None).status == 405
    page = served.get("/docs", None)
    assert b"http://" not in page.content and b"https://" not in page.content
    assert (
        b"<script" not in page.content
        and "default-src 'none'" in (page.headers["content-security-policy"])
    )
    for path in ("/", "/docs/", "/v2", "/v1x", "/v10/tenants"):
        assert served.get(path, None).code == "NoSuchPath"


def test_not_ready_says_why_and_alive_stays_alive(make: Make) -> None:
    served = make()
    served.ledger.store.close()
    told = served.get("/readyz", None)
    assert (told.status, told.json["status"]) == (503, 503)
    assert served.get("/healthz", None).status == 200


def test_what_is_not_offered_says_so(make: Make) -> None:
    from dataclasses import replace

    served = make()
    api = served.app.state.api
    api._deployment = replace(api._deployment, seal=None, access_events=None)
    assert served.post("seal", None).code == "NotOffered"
    assert served.get("access-events").status == 501
