"""The parts that a request is taken apart with, and what others add beside them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from selene_os.edges.http import cursors, headers
from selene_os.edges.http.app import OPERATIONS, create_app
from selene_os.edges.http.auth import token_of
from selene_os.edges.http.moments import nanoseconds, rfc3339
from selene_os.edges.http.operations import Routes, encode, segments_of
from selene_os.errors import BadField
from serving import Served

YEAR_9999_NS = 253_402_300_799_999_999_999


@given(st.integers(0, 2**63 - 1))
def test_a_moment_is_read_as_it_was_told(at: int) -> None:
    assert nanoseconds("since", rfc3339(at)) == nanoseconds("since", str(at)) == at


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        assert 0 <= nanoseconds("since", text) < 2**63
    except BadField as refused:
        assert refused.field == "since" and refused.next_step


def test_a_moment_behind_every_calendar_is_told_all_the_same() -> None:
    assert rfc3339(YEAR_9999_NS).startswith("9999-12-31T23:59:59.")
    assert rfc3339(YEAR_9999_NS + 1) == f"+{YEAR_9999_NS + 1}"


@given(st.text(max_size=20), st.integers(0, 2**63 - 1), st.integers(0, 200))
def test_a_cursor_is_read_as_it_was_made_and_not_otherwise(query: str, at: int, place: int) -> None:
    made = cursors.encode("acme", query, f"{at}.x")
    assert cursors.decode("acme", query, made) == f"{at}.x"
    other = made[: place % len(made)] + ("A" if made[place % len(made)] != "A" else "B")
    for tenant, asked, text in (
        ("acm", query, made),
        ("acme", query + "x", made),
        ("acme", query, other + made[len(other) :]),
        ("acme", query, made + "A"),
    ):
        with pytest.raises(BadField, match="is no cursor"):
            cursors.decode(tenant, asked, text)


@given(st.binary(max_size=60))
def test_any_bytes_of_a_header_are_a_token_or_none(value: bytes) -> None:
    token = token_of([(b"authorization", b"Bearer " + value)])
    assert token is None or token.encode() == value.strip(b" ")


@given(st.binary(max_size=80))
def test_any_bytes_of_a_traceparent_are_a_trace_or_none(value: bytes) -> None:
    parent = headers.parent([(b"traceparent", value)])
    found = None if parent is None else parent[0]
    assert found is None or len(found) == 32


@given(st.binary(max_size=80).map(lambda tail: b"/v1/tenants/acme/" + tail))
def test_any_path_is_taken_apart_or_none(path: bytes) -> None:
    segments = segments_of(path)
    if segments is not None:
        found = Routes(OPERATIONS).find(segments[3:])
        for operation, values in found.values():
            assert len(values) == len(operation.variables) and all(values)


def test_every_operation_is_found_at_its_own_path() -> None:
    routes = Routes(OPERATIONS)
    for one in OPERATIONS:
        path = [part if not part.startswith("{") else "x y" for part in one.segments]
        assert routes.find(path)[one.method] == (one, ["x y"] * len(one.variables))


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"a": "\ud800b"}, {"a": "?b"}),
        ({"\udfff": ["\ud800"]}, {"?": ["?"]}),
        ({"a": float("nan"), "b": [float("inf")]}, {"a": None, "b": [None]}),
        ({"a": 2**70}, {"a": 2**70}),
    ],
)
def test_what_no_json_can_hold_is_told_as_what_it_can(record: Any, told: Any) -> None:
    assert json.loads(encode(record)) == told


def test_others_can_add_routes(served: Served) -> None:
    async def page(_request: Request) -> Response:
        return Response("a console")

    own = served.app
    served.app = create_app(
        served.selene,
        check=served.check,
        note=served.events.append,
        routes=[Route("/console", page)],
    )
    try:
        told = served.get("/console", None)
        assert (told.status, told.content) == (200, b"a console")
        assert served.get("settings", None).status == 401
    finally:
        served.app.state.api.close()
        served.app = own


def test_a_websocket_is_not_accepted(served: Served) -> None:
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await served.app({"type": "websocket", "path": "/v1/x", "headers": []}, receive, send)
        await asyncio.sleep(0)

    served.run(run())
    assert [message["type"] for message in sent] == ["websocket.close"]
