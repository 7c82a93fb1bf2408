"""The one way to write: callers hand operations over, one thread commits them in groups.

A drain of the queue is one transaction and one fsync, without a timer: while one group is being
made durable, the next one gathers. Each operation has a verdict of its own. A refusal has written
nothing; anything else that goes wrong rolls the group back, and each operation is tried alone, so
that one bad write fails alone. Source: docs/decisions/0003-group-commit.md, with the figures.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from copy import copy
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

import apsw

from selene_os.errors import LedgerBusy, LedgerUnavailable, Refusal, SeleneError
from selene_os.ledger.sqlite.connection import unavailable

T = TypeVar("T")

QUEUE_MAX: Final = 1_024
GROUP_MAX: Final = 256
WAIT_MS: Final = 10_000
# How often a waiting caller looks whether the writer still lives.
_HEARTBEAT_S: Final = 1.0


class _Write(Generic[T]):
    """An operation on its way, and its verdict once `done` is released."""

    __slots__ = ("atomic", "done", "error", "operation", "result")

    def __init__(self, operation: Callable[[apsw.Connection], T], atomic: bool) -> None:
        self.operation = operation
        self.atomic = atomic
        self.result: T | None = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class Writer:
    """Owns the writing connection and the thread that uses it.

    Args:
        connection: used by the writer's thread alone from now on.
        path: what errors name.
        queue_max: operations that may wait; a further one waits for a place.
        group_max: operations in one transaction.
        wait_ms: how long a caller waits for a place before LedgerBusy.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        path: str,
        *,
        queue_max: int = QUEUE_MAX,
        group_max: int = GROUP_MAX,
        wait_ms: int = WAIT_MS,
    ) -> None:
        self._connection = connection
        self._path = path
        self._group_max = group_max
        self._wait_s = wait_ms / 1_000
        self._queue: SimpleQueue[_Write[Any] | None] = SimpleQueue()
        self._places = threading.Semaphore(queue_max)
        self._closing = False
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._serve, name="selene-writer", daemon=True)
        self._thread.start()

    def run(self, operation: Callable[[apsw.Connection], T], *, atomic: bool = False) -> T:
        """Run an operation inside a group's transaction; durable when this returns.

        Args:
            operation: called with the connection, perhaps more than once; a Refusal it raises
                must have written nothing.
            atomic: give it a savepoint, so that it may refuse after it has written.

        Raises:
            Refusal: what the operation raised. LedgerBusy: no place in the queue in time.
            LedgerUnavailable: nothing was written, or the writer has ended.
        """
        if not self._places.acquire(timeout=self._wait_s):
            raise LedgerBusy(
                f"no place in the queue of {self._path} within {self._wait_s:g} s",
                "Send the same request again, later or more slowly.",
            )
        try:
            write = _Write(operation, atomic)
            if self._closing or os.getpid() != self._pid:
                raise self._ended()
            self._queue.put(write)
            while not write.done.acquire(timeout=_HEARTBEAT_S):
                if not self._thread.is_alive() and not write.done.acquire(timeout=_HEARTBEAT_S):
                    raise self._ended()
        finally:
            self._places.release()
        if write.error is not None:
            raise write.error
        return write.result  # type: ignore[return-value]

    def close(self) -> None:
        """Write what waits, refuse what comes, and close the connection."""
        self._closing = True
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _ended(self) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"the writer of {self._path} has ended", "Open the ledger again, in this process."
        )

    def _serve(self) -> None:
        try:
            while (write := self._queue.get()) is not None:
                group = [write]
                while len(group) < self._group_max and not self._queue.empty():
                    if (more := self._queue.get()) is None:
                        self._queue.put(None)
                        break
                    group.append(more)
                self._write(group)
        finally:
            # Also where this thread dies: nobody waits for a writer that is gone.
            self._closing = True
            while True:
                try:
                    left = self._queue.get_nowait()
                except Empty:
                    break
                if left is not None:
                    left.error = self._ended()
                    left.done.release()

    def _write(self, group: list[_Write[Any]]) -> None:
        """Commit a group; where that fails for a reason that is no refusal, each one alone."""
        try:
            if (locked := self._begin()) is not None:
                # Each alone would wait for the same lock once more.
                for write in group:
                    # One each: a raised exception carries the traceback of whoever raised it.
                    write.error = copy(locked)
                return
            failed = self._transact(group)
            if failed is None or len(group) == 1:
                group[0].error = failed or group[0].error
                return
            for write in group:
                if (failed := self._begin() or self._transact([write])) is not None:
                    write.error = failed
        except BaseException as error:
            for write in group:
                write.error = write.error or self._ended()
            raise error
        finally:
            for write in group:
                write.done.release()

    def _begin(self) -> SeleneError | None:
        """Begin a transaction, or say why that cannot be."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            return unavailable(self._path, error)
        return None

    def _transact(self, group: list[_Write[Any]]) -> BaseException | None:
        """One transaction, begun; returns why it was rolled back, or None where it is durable."""
        try:
            for write in group:
                write.error = None
                try:
                    if write.atomic:
                        with self._connection:
                            write.result = write.operation(self._connection)
                    else:
                        write.result = write.operation(self._connection)
                except Refusal as refusal:
                    write.error = refusal
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            self._rollback()
            return unavailable(self._path, error)
        except Exception as error:
            self._rollback()
            return error
        return None

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
