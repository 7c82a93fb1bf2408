"""The app behind a real server: connections, slow bodies, bytes that are no request."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import uvicorn

from ledgers import Ledger, SqliteDatabase
from selene_os.edges.http.api import Settings
from selene_os.edges.protocol import HEAD_BYTES_MAX, Protocol
from selene_os.edges.surroundings import system
from serving import Served, token_of, turn

BODY = json.dumps(turn()).encode()
KEY = f"authorization: Bearer {token_of('all')}\r\n"
HEAD_WAIT_S = 0.5
# One for each that the protocol refused.
MALFORMED: list[int] = []


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where uvicorn listens, with the protocols that are deployed."""
    ledger = Ledger(SqliteDatabase(tmp_path_factory.mktemp("server")))
    served = Served(ledger, Settings(body_wait_s=0.3))
    listener = socket.create_server(("127.0.0.1", 0))
    protocol: Any = partial(Protocol, system().event_id, lambda: MALFORMED.append(1), HEAD_WAIT_S)
    config = uvicorn.Config(served.app, loop="uvloop", http=protocol, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()
    served.close()
    ledger.store.close()


def asked(port: int, *parts: bytes, wait_s: float = 0.0) -> bytes:
    """What comes back until the server closes, or says nothing more."""
    with socket.create_connection(("127.0.0.1", port), timeout=1.5) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(wait_s)
        got = b""
        try:
            while more := connection.recv(65_536):
                got += more
        except OSError:
            pass
        return got


def request(line: str, *fields: str, body: bytes = b"") -> bytes:
    head = f"{line} HTTP/1.1\r\nhost: here\r\n" + "".join(f"{field}\r\n" for field in fields)
    return head.encode() + b"\r\n" + body


def test_a_turn_goes_through(port: int) -> None:
    kind = "content-type: application/json"
    size = f"content-length: {len(BODY)}"
    got = asked(
        port,
        request(
            "POST /v1/tenants/acme/turns", KEY.strip(), kind, size, "connection: close", body=BODY
        ),
    )
    assert got.startswith(b"HTTP/1.1 201 ") and b"SET_REMINDER" in got


def test_no_body_is_asked_for_before_the_key(port: int) -> None:
    for fields in ((), (KEY.strip(),)):
        path = "/v1/tenants/globex/turns"
        got = asked(
            port,
            request(f"POST {path}", *fields, "content-length: 900000000", "expect: 100-continue"),
        )
        assert got.startswith(b"HTTP/1.1 403 " if fields else b"HTTP/1.1 401 ")
        assert b"100 Continue" not in got and b"connection: close" in got


def test_a_slow_body_is_cut_off_and_the_connection_ends(port: int) -> None:
    began = time.monotonic()
    head = request(
        "POST /v1/tenants/acme/turns", KEY.strip(), "content-type: application/json",
        "content-length: 60000",
    )  # fmt: skip
    got = asked(port, head, *[b"{"] * 8, wait_s=0.1)
    assert got.startswith(b"HTTP/1.1 408 ") and b"BodyTooSlow" in got
    assert time.monotonic() - began < 1.4


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET /v1 HTTP/9.9\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nhost\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nhost: a\r\n" + b"x: \x00\r\n\r\n",
        b"POST /v1 HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /v1 HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1 HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET //v1/tenants/acme/settings HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET http://here/v1/tenants/acme/settings HTTP/1.1\r\nhost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_come_to_no_answer_of_ours(port: int, sent: bytes) -> None:
    got = asked(port, sent)
    status = got.split(b" ", 2)[1:2]
    assert status in ([], [b"400"], [b"401"], [b"404"]), got[:200]
    assert b"zone" not in got


@pytest.mark.parametrize(
    ("key", "status", "code"), [("", 401, "NotAuthenticated"), (KEY, 413, "BodyTooLarge")]
)
def test_who_sends_too_much_is_told_so_and_not_cut_off(
    port: int, key: str, status: int, code: str
) -> None:
    # More than any buffer between holds: all of it is sent before a byte of the answer is read.
    size = 6_000_000
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/tenants/acme/turns HTTP/1.1\r\nhost: a\r\n" + key.encode()
            + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % size
        )  # fmt: skip
        connection.sendall(b"x" * size)
        got = b""
        while piece := connection.recv(65_536):
            got += piece
    assert refused(got) == (status, code)


def refused(got: bytes) -> tuple[int, str]:
    """Status and code of the one problem that came back, behind which the connection ended."""
    head, _, content = got.partition(b"\r\n\r\n")
    assert b"\r\ncontent-type: application/problem+json\r\n" in head, got[:300]
    assert b"\r\nconnection: close" in head
    told = json.loads(content)
    assert int(head.split(b" ", 2)[1]) == told["status"] and told["next_step"]
    request_id = head.partition(b"\r\nx-request-id: ")[2].partition(b"\r\n")[0].decode()
    assert told["instance"] == f"urn:uuid:{request_id}" and len(request_id) == 36
    return told["status"], told["code"]


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nhost\r\n\r\n",
        b"POST /v1 HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST /console/login HTTP/1.1\r\nhost: a\r\n"
        b"content-type: application/x-www-form-urlencoded\r\n"
        b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_a_problem_and_counted(port: int, sent: bytes) -> None:
    before = len(MALFORMED)
    assert refused(asked(port, sent)) == (400, "BadRequest")
    assert len(MALFORMED) == before + 1


LINE = b"GET /v1/tenants/acme/settings HTTP/1.1\r\nhost: a\r\n"
CHUNKED = b"POST /v1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        LINE + b"x: " + b"x" * 60_000_000,
        LINE + b"a: b\r\n" * 300_000,
        # All of it at once, its end with it.
        LINE + b"x: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n",
        b"GET /" + b"x" * 1_000_000,
        LINE + b"x" * 1_000_000,
        b"x" * 1_000_000,
    ],
    ids=("line", "lines", "whole", "path", "name", "method"),
)
def test_no_more_of_a_head_is_kept_than_it_may_have(port: int, sent: bytes) -> None:
    before = len(MALFORMED)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        told: list[tuple[int, str]] = []

        def listen() -> None:
            got = b""
            with suppress(OSError):
                while more := connection.recv(65_536):
                    got += more
            told.append(refused(got))

        listener = threading.Thread(target=listen)
        listener.start()
        with suppress(OSError):
            connection.sendall(sent)
        listener.join()
    # No method is as long, and that is found out sooner.
    assert told == [(400, "BadRequest") if sent[:2] == b"xx" else (431, "HeadersTooLarge")]
    assert len(MALFORMED) == before + 1


def test_nor_of_what_stands_behind_a_body(port: int) -> None:
    trailer = b"0\r\nx: " + b"x" * 100_000
    # Answered before its body was whole, or refused for what came behind it.
    assert asked(port, CHUNKED, b"1\r\na\r\n", trailer).count(b"HTTP/1.1 ") == 1


def test_a_head_that_is_as_long_as_it_may_be_goes_through(port: int) -> None:
    head = LINE + b"x: " + b"x" * (HEAD_BYTES_MAX - 200) + b"\r\nconnection: close\r\n\r\n"
    assert asked(port, head).startswith(b"HTTP/1.1 401 ")
    assert asked(port, head[:1_000], head[1_000:], wait_s=0.1).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("sent", [b"G", LINE, LINE + b"x: y"])
def test_a_head_that_does_not_come_to_its_end_is_waited_for_so_long(port: int, sent: bytes) -> None:
    began = time.monotonic()
    assert refused(asked(port, sent)) == (408, "HeadTooSlow")
    # The loop's clock has milliseconds.
    assert time.monotonic() - began > 0.9 * HEAD_WAIT_S
    # Also where something comes again and again.
    assert refused(asked(port, LINE, *[b"x"] * 8, wait_s=0.1)) == (408, "HeadTooSlow")


def test_what_came_before_is_answered_first(port: int) -> None:
    good = request("GET /v1/tenants/acme/settings", KEY.strip())
    got = asked(port, good + b"FOO / HTTP/1.1\r\n\r\n")
    first, *rest = got.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 ")
    assert [refused(b"HTTP/1.1 " + one) for one in rest] == [(400, "BadRequest")]


def test_empty_lines_between_requests_are_nothing(port: int) -> None:
    good = request("GET /v1/tenants/acme/settings", KEY.strip())
    last = request("GET /v1/tenants/acme/settings", "connection: close")
    got = asked(port, b"\r\n" + good, b"\r\n", b"\r\n" + last, wait_s=HEAD_WAIT_S + 0.1)
    assert [one.split(b" ")[0] for one in got.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401"]


def test_another_protocol_that_is_asked_for_is_left_unanswered(port: int) -> None:
    fields = ("connection: upgrade", "upgrade: h2c", KEY.strip())
    got = asked(port, request("GET /v1/tenants/acme/settings", *fields))
    assert got.startswith(b"HTTP/1.1 200 ") and got.count(b"HTTP/1.1 ") == 1


def test_two_requests_on_one_connection_are_two_answers(port: int) -> None:
    good = request("GET /v1/tenants/acme/settings", KEY.strip())
    last = request("GET /v1/tenants/acme/settings", "connection: close")
    got = asked(port, good + good + last)
    assert [one.split(b" ")[0] for one in got.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"401"]


def test_sixty_four_callers_at_once_each_get_their_own_row(port: int) -> None:
    told: list[dict[str, object]] = []

    def call(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        fields = {
            "authorization": f"Bearer {token_of('all')}",
            "content-type": "application/json",
            "idempotency-key": f"caller-{number}",
        }
        for _ in range(3):
            connection.request("POST", "/v1/tenants/acme/turns", BODY, fields)
            told.append(json.loads(connection.getresponse().read()))
        connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 192 and len({one["event_id"] for one in told}) == 64
    assert sum(one["deduplicated"] is True for one in told) == 128
