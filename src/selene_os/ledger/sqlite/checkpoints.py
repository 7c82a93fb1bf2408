"""Folding the write-ahead log back into the file, beside the writer instead of in its way.

A thread with a connection of its own copies what is in the log whenever it has grown by a step; it
never blocks the writer. Only when the log has reached its bound does the writer finish the copy
itself: by then little is left, and the log begins anew.
"""

from __future__ import annotations

import threading
from typing import Final

import apsw

# Pages of 4 KiB: how much the log grows before it is copied, and before it begins anew.
STEP_PAGES: Final = 1_000
LOG_PAGES_MAX: Final = 8_000


class Checkpointer:
    """Copies the log of one file.

    Args:
        writer: the writing connection; its commits are watched from now on.
        own: a connection for this alone.
    """

    def __init__(self, writer: apsw.Connection, own: apsw.Connection) -> None:
        self._own = own
        self._copied_pages = 0
        self._grown = threading.Event()
        self._closing = False
        writer.set_wal_hook(self._committed)
        self._thread = threading.Thread(target=self._serve, name="selene-checkpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish a copy that is under way, and let go of the connection."""
        self._closing = True
        self._grown.set()
        self._thread.join()
        self._own.close()

    def _committed(self, writer: apsw.Connection, _: str, pages: int) -> int:
        """Called by SQLite behind each commit, with the log's size, instead of its own copying."""
        if pages < self._copied_pages:
            self._copied_pages = 0
        if pages >= LOG_PAGES_MAX:
            _copy(writer)
        elif pages - self._copied_pages >= STEP_PAGES:
            self._copied_pages = pages
            self._grown.set()
        return apsw.SQLITE_OK

    def _serve(self) -> None:
        while True:
            self._grown.wait()
            self._grown.clear()
            if self._closing:
                return
            _copy(self._own)


def _copy(connection: apsw.Connection) -> None:
    """Copy what can be copied now; what another connection holds is left for the next time."""
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.Error:
        # Nothing is lost: the log itself is durable, and the next commit asks again.
        return
