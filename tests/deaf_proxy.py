"""A way to a PostgreSQL server that loses answers: what was asked is done, and nobody hears so."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

# ReadyForQuery, outside of a transaction: all that was asked has been done.
_DONE: Final = b"Z\0\0\0\5I"
_EXECUTE: Final = b"E\0\0\0\t\0\0\0\0\0"


class DeafProxy:
    """Passes on everything, but for the answers that it is told to lose.

    Attributes:
        lost: how many answers were lost so far.
    """

    def __init__(self, url: str) -> None:
        """Stand before the server that a TCP address names."""
        self._parts = conninfo_to_dict(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._times = 0
        self._marker = b""
        self._before = False
        self._meanwhile: Callable[[], object] = lambda: None
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self) -> str:
        """The same address by way of here."""
        return make_conninfo(**{**self._parts, "port": self._listener.getsockname()[1]})

    def lose(
        self,
        marker: str,
        times: int = 1,
        *,
        before: bool = False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Lose the next answers to what carries a marker, and the connection with them.

        Args:
            before: lose the question already, so that nothing is done.
            meanwhile: what happens between the loss and the caller's learning of it.
        """
        with self._lock:
            self._marker, self._times = marker.encode(), times
            self._before, self._meanwhile = before, meanwhile

    def close(self) -> None:
        """Take nobody any more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                place = (str(self._parts["host"]), int(str(self._parts["port"])))
                try:
                    server = socket.create_connection(place)
                except OSError:
                    client.close()
                    continue
                deaf = threading.Event()
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(client, server, deaf), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while asked := client.recv(1 << 16):
                with self._lock:
                    # Not where a statement is only prepared, which does nothing yet.
                    runs = _EXECUTE in asked or asked[:1] == b"Q"
                    chosen = self._times > 0 and runs and self._marker in asked
                    self._times -= chosen
                    before = self._before
                if chosen and before:
                    self.lost += 1
                    break
                if chosen:
                    deaf.set()
                server.sendall(asked)
        self._part(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        unheard = b""
        try:
            while answer := server.recv(1 << 16):
                if not deaf.is_set():
                    client.sendall(answer)
                    continue
                unheard = (unheard + answer)[-len(_DONE) :]
                if unheard == _DONE:
                    self.lost += 1
                    self._meanwhile()
                    break
        except OSError:
            pass
        finally:
            # Whatever went wrong, nobody is left waiting.
            self._part(client, server)

    @staticmethod
    def _part(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
