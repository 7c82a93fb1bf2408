"""Work that blocks, in threads: within the number and the time that are set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

from selene_os.edges.http.problems import refused

T = TypeVar("T")
_AGAIN: Final = ("retry-after", "1")
_STEP: Final = "Send the same request again, with the same Idempotency-Key."


class Threads:
    """Threads for one event loop, between `open` and `close`.

    Args:
        count: how many run at a time. waiting_max: how many may wait or run.
        answer_wait_s: until work must be done.
        name: of the threads. late: what may have become of work that was not done in time.
    """

    def __init__(
        self,
        count: int,
        waiting_max: int,
        answer_wait_s: float,
        *,
        name: str = "selene-http",
        late: str = "What was to be written may have been.",
    ) -> None:
        self._count = count
        self._waiting_max = waiting_max
        self._answer_wait_s = answer_wait_s
        self._name = name
        self._late = late
        self.busy = 0

    def open(self) -> None:
        """Begin, again if need be."""
        self._threads = ThreadPoolExecutor(self._count, self._name)

    def close(self) -> None:
        """Let what runs come to its end."""
        self._threads.shutdown()

    async def run(self, work: Callable[[], T]) -> T:
        """Run what blocks. Raises Refused: too many wait, or it is not done in time."""
        if self.busy >= self._waiting_max:
            raise refused("TooBusy", "Nothing was done.", _STEP, headers=(_AGAIN,))
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        # The bare hand-over: what asyncio wraps around it costs a third of a request's own part.
        self._threads.submit(self._hand_back, loop, waiter, work)
        self.busy += 1
        late = loop.call_later(self._answer_wait_s, self._give_up, waiter)
        try:
            return await waiter
        finally:
            late.cancel()

    def _hand_back(
        self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[T], work: Callable[[], T]
    ) -> None:
        """Run it, in a thread, and tell who waits."""
        error: BaseException | None = None
        result: T | None = None
        try:
            result = work()
        except BaseException as raised:
            error = raised
        # The loop is closed where a server was made to end without waiting; nobody is left to tell.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._settle, waiter, result, error)

    def _settle(
        self, waiter: asyncio.Future[T], result: T | None, error: BaseException | None
    ) -> None:
        # Counted until it is done, also where nobody waits for it any more.
        self.busy -= 1
        if waiter.done():
            return
        if error is None:
            waiter.set_result(cast(T, result))
        else:
            waiter.set_exception(error)

    def _give_up(self, waiter: asyncio.Future[Any]) -> None:
        if not waiter.done():
            waiter.set_exception(refused("TooSlow", self._late, _STEP, headers=(_AGAIN,)))
