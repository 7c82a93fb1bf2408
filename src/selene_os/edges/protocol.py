"""HTTP as bytes: uvicorn's protocol, with bounds on what nobody is answerable for yet.

The parser keeps a head, the line that begins a chunk and a trailer until they are whole, however
long they become and however long that takes: before any key is looked at. Here what it keeps is
counted and timed. What is no HTTP gets a problem as everything else does, and no line in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from selene_os.edges.http.operations import encode
from selene_os.edges.http.problems import MEDIA_TYPE, Problem, of_http

HEAD_BYTES_MAX: Final = 65_536
HEAD_WAIT_S: Final = 10.0
# Who still sends is listened to for as long: a connection that is cut takes the answer along.
_LINGER_S: Final = 1.0


def _no_request() -> Problem:
    return of_http("BadRequest", "It is no request of HTTP/1.1.", "Mend what sends it.")


def _too_large() -> Problem:
    return of_http("HeadersTooLarge", f"{HEAD_BYTES_MAX} bytes are accepted.", "Send fewer.")


def _too_slow(wait_s: float) -> Problem:
    return of_http("HeadTooSlow", f"{wait_s:g} s are waited.", "Send it at once.")


class _TooLargeError(Exception):
    """A head that came at once, its end with it, is too large."""


class Protocol(HttpToolsProtocol):
    """One connection.

    Args:
        malformed: called for each that is refused here, in the event loop's thread.
        head_wait_s: until a head that began must be whole.
        given: uvicorn's.
    """

    def __init__(
        self,
        malformed: Callable[[], object] = lambda: None,
        head_wait_s: float = HEAD_WAIT_S,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self._malformed = malformed
        self._head_wait_s = head_wait_s
        # How many bytes came since there was something whole.
        self._kept_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; who says nothing is waited for as long as between two requests."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._whole()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        # As uvicorn's, which logs what is malformed, and stops waiting for a request with the first
        # byte of it: here that is done once its head is whole.
        if self._refused:
            return
        self._kept_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nobody has to: it is answered as what it is without.
            self._whole()
        except httptools.HttpParserError as error:
            large = isinstance(error.__context__, _TooLargeError)
            self._refuse(_too_large() if large else _no_request())
            return
        if self._kept_bytes:
            self._wait(data)

    def on_headers_complete(self) -> None:
        """A request, whose body may follow."""
        if self._kept_bytes > HEAD_BYTES_MAX and self._head_bytes() > HEAD_BYTES_MAX:
            # The parser makes an error of its own of it.
            raise _TooLargeError
        self._whole()
        self._unset_keepalive_if_required()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._whole()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A body's end."""
        self._whole()
        super().on_message_complete()

    def _head_bytes(self) -> int:
        # With the first piece of a body more came than the head.
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _whole(self) -> None:
        self._kept_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _wait(self, data: bytes) -> None:
        """Something began that is not whole; empty lines between requests are nothing."""
        if not data.strip(b"\r\n"):
            self._kept_bytes -= len(data)
        elif self._kept_bytes > HEAD_BYTES_MAX:
            self._refuse(_too_large())
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._head_wait_s, self._late)

    def _late(self) -> None:
        self._deadline = None
        if self.flow.read_paused:
            # It is we who do not read on.
            self._deadline = self.loop.call_later(self._head_wait_s, self._late)
        elif not self.transport.is_closing():
            self._refuse(_too_slow(self._head_wait_s))

    def _refuse(self, problem: Problem) -> None:
        """Tell what is wrong, if nobody is being answered; then end the connection."""
        self._refused = True
        self._malformed()
        self._whole()
        self._unset_keepalive_if_required()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # Of the request before: it is answered, and the connection ends behind that.
                cycle.keep_alive = False
                return
            # Of this one: whoever waits for its body need not.
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
        content = encode(problem.as_record(None))
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(content)}\r\n"
            "cache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + content)
        self.transport.write_eof()
        self.timeout_keep_alive_task = self.loop.call_later(
            _LINGER_S, self.timeout_keep_alive_handler
        )
