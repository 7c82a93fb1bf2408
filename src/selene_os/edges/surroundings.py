"""The clock and the fresh names of a running program."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

from selene_os import names
from selene_os.receipts import Surroundings

# One step of an event id's 12 bits of time: 1 ms / 4096, rounded up.
_ID_STEP_NS: Final = 245


def system() -> Surroundings:
    """The system's clock and random source."""
    return Surroundings(
        time.time_ns,
        event_ids(time.time_ns, lambda: int.from_bytes(os.urandom(8), "big")),
        _correlation_id,
    )


def event_ids(
    clock: Callable[[], int], random_bits: Callable[[], int]
) -> Callable[[], names.EventId]:
    """A source of event ids that rise from one to the next, also when the clock does not."""
    lock = threading.Lock()
    last = 0

    def make() -> names.EventId:
        nonlocal last
        with lock:
            last = max(clock(), last + _ID_STEP_NS)
            return names.event_id_of(last, random_bits())

    return make


def _correlation_id() -> names.CorrelationId:
    return names.CorrelationId(os.urandom(16).hex())
