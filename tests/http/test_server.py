"""The app behind a real server: connections, slow bodies, bytes that are no request."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from ledgers import Ledger, SqliteDatabase
from selene_os.edges.http.api import Settings
from serving import Served, token_of, turn

BODY = json.dumps(turn()).encode()
KEY = f"authorization: Bearer {token_of('all')}\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where uvicorn listens, with the protocols that are deployed."""
    ledger = Ledger(SqliteDatabase(tmp_path_factory.mktemp("server")))
    served = Served(ledger, Settings(body_wait_s=0.3))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(served.app, loop="uvloop", http="httptools", log_level="critical")
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
