"""A web server of a few lines, on this machine alone, that is posted to."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Posted = tuple[str, str, bytes]


@dataclass
class Desk:
    """Where posts arrive.

    Attributes:
        address: where to post to.
        answer: the status that the next ones get; 0 for an answer that is no HTTP.
        posted: (path, tenant, body) of those that came, in order.
    """

    address: str = ""
    answer: int = 200
    posted: list[Posted] = field(default_factory=list)


@contextmanager
def desk() -> Iterator[Desk]:
    """A desk that is open as long as the block runs."""
    opened = Desk()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            opened.posted.append((self.path, self.headers["Selene-Tenant"], body))
            if opened.answer == 0:
                self.wfile.write(b"what?\r\n\r\n")
                return
            self.send_response(opened.answer)
            if opened.answer == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Nothing: a test is quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        opened.address = f"http://127.0.0.1:{server.server_address[1]}/checkpoints"
        try:
            yield opened
        finally:
            server.shutdown()
            thread.join()
