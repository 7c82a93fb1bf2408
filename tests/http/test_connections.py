"""One connection and a program behind it: what it is handed, how much waits, who reads nothing."""

from __future__ import annotations

import asyncio
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

from selene_os.edges.protocol import HEAD_BYTES_MAX, PIPELINE_MAX, Protocol
from selene_os.edges.surroundings import system

KEEP_ALIVE_S = 1
HEAD_WAIT_S = 1.2
READ_WAIT_S = 0.5
LARGE_BYTES = 24_000_000
HEAD = b"HTTP/1.1\r\nhost: here\r\n"
UPGRADE = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
LAST = b"GET /last " + HEAD + b"connection: close\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Tell what came: at /slow late, at /large a lot."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.2)
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] == "/large":
        content = bytes(LARGE_BYTES)
    else:
        fields = {name.decode(): value.decode() for name, value in scope["headers"]}
        told = {"path": scope["path"], "fields": fields, "body": body.decode()}
        content = json.dumps(told).encode()
    size = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": size})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="module")
def server() -> Iterator[uvicorn.Server]:
    """A server of that, with short waits; its state has its connections."""
    protocol: Any = partial(
        Protocol, system().event_id, head_wait_s=HEAD_WAIT_S, read_wait_s=READ_WAIT_S
    )
    config = uvicorn.Config(
        echo, port=0, loop="uvloop", http=protocol, log_level="critical", lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_S,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server
    server.should_exit = True
    thread.join()


@pytest.fixture
def port(server: uvicorn.Server) -> int:
    number: int = server.servers[0].sockets[0].getsockname()[1]
    return number


def asked(port: int, *parts: bytes, wait_s: float = 0.05) -> list[dict[str, Any]]:
    """What the answers say until the server closes, each part sent that long after the one before.

    A problem has `status`, what the program told has not.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, part in enumerate(parts):
            if number:
                time.sleep(wait_s)
            with suppress(OSError):
                connection.sendall(part)
        with connection.makefile("rb") as stream:
            return list(answers(stream))


def answers(stream: Any) -> Iterator[dict[str, Any]]:
    while line := stream.readline():
        assert line.startswith(b"HTTP/1.1 "), line
        fields = {}
        while (field := stream.readline().strip()) != b"":
            name, _, value = field.partition(b": ")
            fields[name] = value
        told = json.loads(stream.read(int(fields[b"content-length"])))
        if "status" in told:
            assert told["instance"] == f"urn:uuid:{fields[b'x-request-id'].decode()}"
        yield told


def paths(told: list[dict[str, Any]]) -> list[str]:
    """The path of each request that was answered, the code of each that was refused."""
    return [one.get("path") or one["code"] for one in told]


# ---- another protocol that is asked for

HIDDEN = b"GET /hidden HTTP/1.1\r\n\r\n"
SIZED = b"POST /one " + HEAD + UPGRADE + b"content-length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN
CHUNKED = (
    b"POST /one " + HEAD + UPGRADE + b"transfer-encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)
)  # fmt: skip


@pytest.mark.parametrize("sent", [SIZED, CHUNKED], ids=("sized", "chunked"))
def test_who_asks_for_another_protocol_keeps_the_body(port: int, sent: bytes) -> None:
    for at in (0, 5, 30, 60, *range(len(sent) - 60, len(sent) + 1, 6)):
        told = asked(port, *filter(None, (sent[:at], sent[at:] + LAST)), wait_s=0.01)
        assert paths(told) == ["/one", "/last"], at
        assert told[0]["body"] == HIDDEN.decode()
        assert "upgrade" not in told[0]["fields"] and told[0]["fields"]["host"] == "here"


def test_several_that_ask_for_it_are_answered_in_turn(port: int) -> None:
    asking = b"GET /bare " + HEAD + UPGRADE + b"\r\n"
    assert paths(asked(port, asking + SIZED + asking + LAST)) == ["/bare", "/one", "/bare", "/last"]


@pytest.mark.parametrize("target", [b"/one", b"here:443"])
def test_nobody_is_connected_to_another_server(port: int, target: bytes) -> None:
    sent = b"CONNECT " + target + b" " + HEAD + b"content-length: 24\r\n\r\n" + HIDDEN
    assert paths(asked(port, sent)) == ["BadRequest"]


# ---- trailers


@pytest.mark.parametrize("parts", [1, 2])
def test_a_trailer_is_no_header(port: int, parts: int) -> None:
    trailers = (
        b"x-forwarded-for: 203.0.113.7\r\nauthorization: Bearer of somebody\r\nhost: there\r\n"
    )
    head = b"POST /slow " + HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n"
    end = b"0\r\n" + trailers + b"\r\n" + LAST
    told = asked(port, *([head + end] if parts == 1 else [head, end]))
    assert paths(told) == ["/slow", "/last"]
    assert told[0]["fields"] == {"host": "here", "transfer-encoding": "chunked"}
    assert told[0]["body"] == "a"


# ---- requests that wait


def test_no_more_requests_wait_than_may(port: int) -> None:
    got = asked(port, (b"GET /one " + HEAD + b"\r\n") * 1_000)
    assert paths(got) == ["/one"] * (1 + PIPELINE_MAX) + ["TooBusy"]


def test_who_sends_on_is_read_once_nothing_waits(port: int) -> None:
    some = (b"GET /slow " + HEAD + b"\r\n") + (b"GET /one " + HEAD + b"\r\n") * (PIPELINE_MAX - 2)
    told = asked(port, some, some, LAST)
    assert len(told) == 2 * (PIPELINE_MAX - 1) + 1 and told[-1]["path"] == "/last"


def test_what_is_wrong_with_a_request_that_waits_is_told_behind_the_others(port: int) -> None:
    slow = b"GET /slow " + HEAD + b"\r\n"
    wrong = b"POST /one " + HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n"
    assert paths(asked(port, slow + wrong)) == ["/slow", "BadRequest"]
    assert paths(asked(port, slow + slow + wrong)) == ["/slow", "/slow", "BadRequest"]
    assert paths(asked(port, slow, wrong[:-4], wrong[-4:])) == ["/slow", "BadRequest"]


# ---- heads that come late


def test_a_head_that_began_in_time_is_waited_for(port: int) -> None:
    # Its end comes later than a connection is kept that says nothing.
    told = asked(port, b"", LAST[:20], LAST[20:], wait_s=0.6)
    assert paths(told) == ["/last"]
    told = asked(port, b"GET /one " + HEAD + b"\r\n", LAST[:20], LAST[20:], wait_s=0.6)
    assert paths(told) == ["/one", "/last"]


def test_so_is_one_that_began_behind_a_whole_request_and_no_longer(port: int) -> None:
    one = b"GET /one " + HEAD + b"\r\n"
    assert paths(asked(port, one + LAST[:20], LAST[20:])) == ["/one", "/last"]
    began = time.monotonic()
    assert paths(asked(port, one + LAST[:20])) == ["/one", "HeadTooSlow"]
    assert 0.9 * HEAD_WAIT_S < time.monotonic() - began < HEAD_WAIT_S + 2


def test_nor_may_it_be_larger(port: int) -> None:
    one = b"GET /one " + HEAD + b"\r\n"
    long = b"GET /two " + HEAD + b"x: " + b"x" * (HEAD_BYTES_MAX + 1)
    end = b"\r\nconnection: close\r\n\r\n"
    assert paths(asked(port, one + long + end)) == ["/one", "HeadersTooLarge"]
    assert paths(asked(port, one + long[:40_000], long[40_000:] + end)) == [
        "/one",
        "HeadersTooLarge",
    ]
    assert paths(asked(port, one + long[:100], long[100:], long)) == ["/one", "HeadersTooLarge"]
    fits = long[: HEAD_BYTES_MAX - 100] + end
    assert paths(asked(port, one + fits[:40_000], fits[40_000:])) == ["/one", "/two"]


# ---- answers that nobody reads


def connected(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(sent)
    return connection


def read(connection: socket.socket, wait_s: float = 0.0) -> int:
    """How many bytes come, waiting so long before each million."""
    size = 0
    with suppress(OSError):
        while more := len(connection.recv(1_000_000, socket.MSG_WAITALL)):
            size += more
            time.sleep(wait_s)
    return size


@pytest.mark.parametrize("field", [b"", b"connection: close\r\n"], ids=("kept", "closed"))
def test_who_reads_nothing_is_cut_off(server: uvicorn.Server, port: int, field: bytes) -> None:
    with connected(port, b"GET /large " + HEAD + field + b"\r\n") as connection:
        until = time.monotonic() + 5
        time.sleep(READ_WAIT_S / 2)
        while server.server_state.connections:
            assert time.monotonic() < until, "the connection is still there"
            time.sleep(0.05)
        assert read(connection) < LARGE_BYTES


@pytest.mark.parametrize("field", [b"", b"connection: close\r\n"], ids=("kept", "closed"))
def test_who_reads_slowly_is_not(port: int, field: bytes) -> None:
    with connected(port, b"GET /large " + HEAD + field + b"\r\n") as connection:
        began = time.monotonic()
        assert read(connection, READ_WAIT_S / 10) > LARGE_BYTES
        assert time.monotonic() - began > 2 * READ_WAIT_S
