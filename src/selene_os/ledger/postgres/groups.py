"""Callers that write at once share transactions; one that writes alone waits for nobody.

Every caller may lead: it takes what waits, its own call among it, and commits that by one function
call on a connection of its own. While all places to lead are taken, calls gather; who has finished
hands the place to the first that waits. One group is made durable while the next one gathers, and
that needs neither a thread nor a timer.
Source: docs/decisions/0009-one-round-trip.md, with the figures.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from selene_os.errors import Fault, LedgerBusy, LedgerUnavailable
from selene_os.ledger.events import Unit
from selene_os.ledger.store import Verdict

UNITS_MAX: Final = 256
QUEUE_MAX: Final = 1_024
WAIT_MS: Final = 10_000


class Call:
    """One caller's units on their way, and their verdicts.

    Attributes:
        units: what is to be written, at least one.
        verdicts: one for each unit, once it is done.
        error: why there are none.
        again: an earlier try of it may have been committed unheard.
    """

    __slots__ = ("again", "awake", "error", "leads", "units", "verdicts")

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = units
        self.verdicts: list[Verdict] | None = None
        self.error: BaseException | None = None
        self.again = False
        # Set with `awake`: the caller is to lead, instead of having been served.
        self.leads = False
        self.awake = threading.Lock()
        self.awake.acquire()

    def take(self, outcomes: Sequence[Verdict | Fault]) -> None:
        """What became of its units; a Fault of one is the whole call's error."""
        self.verdicts = []
        for outcome in outcomes:
            if isinstance(outcome, Fault):
                self.error = outcome
            else:
                self.verdicts.append(outcome)


class Groups:
    """Gathers calls and lets callers lead.

    Args:
        transact: commits calls in one transaction, setting verdicts or error of each.
        leaders_max: transactions at once.
        name: what errors name.
        queue_max: calls that may wait. wait_ms: how long for, before LedgerBusy.
    """

    def __init__(
        self,
        transact: Callable[[list[Call]], None],
        leaders_max: int,
        name: str,
        *,
        queue_max: int = QUEUE_MAX,
        wait_ms: int = WAIT_MS,
    ) -> None:
        self._transact = transact
        self._leaders_max = leaders_max
        self._name = name
        self._queue_max = queue_max
        self._wait_s = wait_ms / 1_000
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._closing = False
        self._waiting: deque[Call] = deque()
        self._leading = 0

    def commit(self, units: Sequence[Unit]) -> list[Verdict]:
        """Write units; returns when they are durable, with a verdict for each.

        Raises:
            LedgerBusy: too many calls wait, or this one waited too long; nothing was written.
            LedgerUnavailable, Fault: what `transact` met.
        """
        call = Call(units)
        with self._lock:
            if self._closing:
                raise self._ended()
            if lead := self._leading < self._leaders_max:
                self._leading += 1
            elif len(self._waiting) >= self._queue_max:
                raise self._busy()
            else:
                self._waiting.append(call)
        if lead or self._await(call):
            self._lead(call)
        if call.error is not None:
            raise call.error
        assert call.verdicts is not None
        return call.verdicts

    def _await(self, call: Call) -> bool:
        """Wait to be served or to lead; whether it is to lead."""
        try:
            if not call.awake.acquire(timeout=self._wait_s):
                with self._lock:
                    if call in self._waiting:
                        self._waiting.remove(call)
                        raise self._busy()
                # A leader has it already, and bounds its own work; or it is just told to lead.
                call.awake.acquire()
        except BaseException:
            self._leave(call)
            raise
        return call.leads

    def _leave(self, call: Call) -> None:
        """Give up the place of a caller that was interrupted."""
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
            elif call.leads:
                self._hand_on()

    def _hand_on(self) -> None:
        """Let the first that waits lead; called with the lock held."""
        if self._waiting:
            following = self._waiting.popleft()
            following.leads = True
            following.awake.release()
            return
        self._leading -= 1
        self._idle.notify_all()

    def close(self, wait_s: float) -> None:
        """Refuse what comes, and finish what waits, as far as the time allows."""
        with self._lock:
            self._closing = True
            self._idle.wait_for(lambda: self._leading == 0, timeout=wait_s)

    def _lead(self, own: Call) -> None:
        """Commit one group, tell its callers, and hand the place on."""
        group = [own]
        try:
            with self._lock:
                units = len(own.units)
                while self._waiting and units + len(self._waiting[0].units) <= UNITS_MAX:
                    group.append(self._waiting.popleft())
                    units += len(group[-1].units)
            self._transact(group)
        finally:
            with self._lock:
                self._hand_on()
            for call in group:
                if call.verdicts is None and call.error is None:
                    call.error = LedgerUnavailable(
                        f"{self._name} was interrupted", "Send the same request again."
                    )
                if call is not own:
                    call.awake.release()

    def _ended(self) -> LedgerUnavailable:
        return LedgerUnavailable(f"{self._name} was closed", "Open the ledger again.")

    def _busy(self) -> LedgerBusy:
        return LedgerBusy(
            f"no place to write to {self._name} within {self._wait_s:g} s",
            "Send the same request again, later or more slowly.",
        )
