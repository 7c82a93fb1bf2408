"""An answer on its way: problems as replies, ETags, and the header fields of every answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from selene_os.edges.http import headers, problems
from selene_os.edges.http.auth import Headers
from selene_os.edges.http.bodies import Receive
from selene_os.edges.http.operations import Reply, encode
from selene_os.edges.http.outcomes import Outcome
from selene_os.edges.http.problems import Problem

# How long, and for how much, whoever was answered before their body was read is listened to.
_LINGER_S: Final = 1.0
_LINGER_BYTES: Final = 8_388_608
Asgi = MutableMapping[str, Any]
Send = Callable[[Asgi], Awaitable[None]]


def of_problem(problem: Problem, outcome: Outcome) -> Reply:
    """A problem as it is answered; its instance is the request."""
    outcome.code = problem.code
    content = encode(problem.as_record(outcome.request_id))
    more = tuple((name.encode(), value.encode()) for name, value in problem.headers)
    return Reply(problem.status, content, problems.MEDIA_TYPE, more)


def tagged(reply: Reply, given: Headers) -> Reply:
    """An answer with its ETag; without its content where the caller has that."""
    tag = f'"{hashlib.sha256(reply.content).hexdigest()[:32]}"'.encode()
    more = (*reply.headers, (b"etag", tag), (b"cache-control", b"private, no-cache"))
    if headers.knows(given, tag):
        return Reply(304, b"", reply.media_type, more)
    return reply._replace(headers=more)


async def send_reply(send: Send, reply: Reply, request_id: str, *, head: bool, close: bool) -> None:
    """Send an answer.

    Args:
        head: without its content.
        close: the connection ends with it, once `end` is called: whoever still sends a body would
            else lose the answer together with the connection.
    """
    fields = [
        (b"content-type", reply.media_type.encode()),
        (b"content-length", str(len(reply.content)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        *reply.headers,
    ]
    if not any(name == b"cache-control" for name, _ in reply.headers):
        fields.append((b"cache-control", b"no-store"))
    if reply.status == 304:
        fields = fields[2:]
    if close:
        # What of the body was not read would be taken for the next request, or waited for.
        fields.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": fields})
    content = b"" if head else reply.content
    await send({"type": "http.response.body", "body": content, "more_body": close})


async def end(send: Send, receive: Receive) -> None:
    """End an answer that closes, a second later at most: what still comes is not looked at."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while size < _LINGER_BYTES:
                message = await receive()
                if not message.get("more_body", False):
                    break
                size += len(message.get("body", b""))
    await send({"type": "http.response.body", "body": b""})
