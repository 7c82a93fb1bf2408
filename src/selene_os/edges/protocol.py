"""HTTP as bytes: uvicorn's protocol, with bounds on what nobody is answerable for yet.

The parser keeps a head, the line that begins a chunk and a trailer until they are whole, however
long they become and however long that takes: before any key is looked at. Here what it keeps is
counted and timed, and so is what waits to be answered and what nobody reads. What is no HTTP gets a
problem as everything else does, and no line in the log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from selene_os.edges.http.operations import encode
from selene_os.edges.http.problems import MEDIA_TYPE, Problem, Refused, of_http

HEAD_BYTES_MAX: Final = 65_536
HEAD_WAIT_S: Final = 10.0
# Behind the request that is being answered.
PIPELINE_MAX: Final = 16
# Of an answer so much is read in that time, or all that is left of it.
READ_BYTES_MIN: Final = 65_536
READ_WAIT_S: Final = 60.0
# Who still sends is listened to for as long: a connection that is cut takes the answer along.
_LINGER_S: Final = 1.0


def _no_request() -> Problem:
    return of_http("BadRequest", "It is no request of HTTP/1.1.", "Mend what sends it.")


def _too_large() -> Problem:
    return of_http("HeadersTooLarge", f"{HEAD_BYTES_MAX} bytes are accepted.", "Send fewer.")


def _too_slow(wait_s: float) -> Problem:
    return of_http("HeadTooSlow", f"{wait_s:g} s are waited.", "Send it at once.")


def _too_many() -> Problem:
    detail = f"{PIPELINE_MAX} wait on this connection; this one was not done."
    return of_http("TooBusy", detail, "Send it again, after the answers before it.")


class _Flow(FlowControl):
    """Reads no further while requests wait: each that is answered would let more come."""

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if self.read_paused and not self._waiting:
            super().resume_reading()


class Protocol(HttpToolsProtocol):
    """One connection.

    Args:
        event_id: makes the names of requests that are refused here.
        malformed: called for each that is refused here, in the event loop's thread.
        head_wait_s: until a head that began must be whole.
        read_wait_s: in which `READ_BYTES_MIN` of an answer must be read.
        given: uvicorn's.
    """

    def __init__(
        self,
        event_id: Callable[[], str],
        malformed: Callable[[], object] = lambda: None,
        head_wait_s: float = HEAD_WAIT_S,
        read_wait_s: float = READ_WAIT_S,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self._event_id = event_id
        self._malformed = malformed
        self._head_wait_s = head_wait_s
        self._read_wait_s = read_wait_s
        # How many bytes came since there was something whole; and how many a head can have that
        # ends in what is parsed now.
        self._kept_bytes = 0
        self._most_bytes = 0
        # How many of those that are kept may be of what was whole before.
        self._doubtful_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        # What is not read yet, and when that is looked at again.
        self._unread_bytes = 0
        self._unread: asyncio.TimerHandle | None = None
        self._refused = False
        # What is told once everything before it is answered.
        self._problem: Problem | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; who says nothing is waited for as long as between two requests."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._whole()
        self._unset_keepalive_if_required()
        self._unset_unread()
        super().connection_lost(exc)

    # ---- what comes

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        # As uvicorn's, which logs what is malformed, and stops waiting for a request with the first
        # byte that comes, an empty line's too.
        if self._refused:
            return
        self._kept_bytes += len(data)
        self._most_bytes = self._kept_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem if isinstance(cause, Refused) else _no_request())
            return
        if self._kept_bytes:
            self._wait(data)
        elif self.scope is not self.cycle.scope:
            # A head began behind something whole, and the parser does not tell where.
            self._kept_bytes = self._doubtful_bytes = len(data)
            self._wait(data)

    def on_headers_complete(self) -> None:
        """A request, whose body may follow."""
        # The parser makes an error of its own of what is raised.
        if self._most_bytes > HEAD_BYTES_MAX and self._head_bytes() > HEAD_BYTES_MAX:
            raise Refused(_too_large())
        if len(self.pipeline) >= PIPELINE_MAX:
            raise Refused(_too_many())
        self._whole()
        self._unset_keepalive_if_required()
        if self.parser.should_upgrade():
            # Not yet: it is parsed again, see `_stay`.
            return
        super().on_headers_complete()
        # Trailers are not the head's: whoever stands before us never looked at them.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._whole()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A body's end."""
        self._whole()
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _stay(self, rest: bytes) -> None:
        """Take the request again, without what asks for another protocol, and what follows it.

        Nobody has to change to another one. But the parser leaves out the body of whoever asks,
        and would take it for the next request.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(_no_request())
            return
        fields = b"".join(b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade")
        version = self.parser.get_http_version().encode()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, fields))
        if rest:
            self.data_received(rest)

    def _head_bytes(self) -> int:
        # With the first piece of a body more came than the head.
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _whole(self) -> None:
        self._kept_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._doubtful_bytes = 0

    def _wait(self, data: bytes) -> None:
        """Something began that is not whole; empty lines between requests are nothing."""
        if not data.strip(b"\r\n"):
            self._kept_bytes -= len(data)
        elif self._kept_bytes - self._doubtful_bytes > HEAD_BYTES_MAX:
            self._refuse(_too_large())
        elif self._deadline is None:
            self._unset_keepalive_if_required()
            self._deadline = self.loop.call_later(self._head_wait_s, self._late)

    def _late(self) -> None:
        self._deadline = None
        if self.flow.read_paused:
            # It is we who do not read on.
            self._deadline = self.loop.call_later(self._head_wait_s, self._late)
        elif not self.transport.is_closing():
            self._refuse(_too_slow(self._head_wait_s))

    # ---- what is answered

    def on_response_complete(self) -> None:
        """An answer's end: the next one begins, if a request waits."""
        was_last = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_reading()
        elif was_last:
            if self._problem is not None:
                self._tell(self._problem)
            elif self._deadline is not None:
                # The next request began already.
                self._unset_keepalive_if_required()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came: the connection ends."""
        super().timeout_keep_alive_handler()
        self._watch_reading()

    def pause_writing(self) -> None:
        """More of an answer is made than is read."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """It is read again."""
        if not self.transport.is_closing():
            # The end of what is closed must be read, too.
            self._unset_unread()
        super().resume_writing()

    def _watch_reading(self) -> None:
        # An answer may come to its end when its connection did already.
        if self._unread is None and self in self.connections:
            self._unread_bytes = self.transport.get_write_buffer_size()
            self._unread = self.loop.call_later(self._read_wait_s, self._look_at_reading)

    def _look_at_reading(self) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size() > self._unread_bytes - READ_BYTES_MIN:
            self.transport.abort()
        else:
            self._watch_reading()

    def _unset_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # ---- what is refused

    def _refuse(self, problem: Problem) -> None:
        """Take nothing more; tell what is wrong behind the answers to what came before."""
        self._refused = True
        self._malformed()
        self._whole()
        self._unset_keepalive_if_required()
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._tell(problem)
        elif not cycle.more_body:
            # Of a request behind it.
            self._problem = problem
        elif self.pipeline:
            # Of this one, the last that waits.
            self.pipeline.popleft()
            self._problem = problem
        else:
            # Of this one: whoever waits for its body need not.
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.timeout_keep_alive_handler()
            else:
                self._tell(problem)

    def _tell(self, problem: Problem) -> None:
        """Answer, and end the connection."""
        self._unset_keepalive_if_required()
        request_id = self._event_id()
        content = encode(problem.as_record(request_id))
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(content)}\r\n"
            f"x-request-id: {request_id}\r\n"
            "cache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + content)
        self.transport.write_eof()
        self.timeout_keep_alive_task = self.loop.call_later(
            _LINGER_S, self.timeout_keep_alive_handler
        )
