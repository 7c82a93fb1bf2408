"""Token buckets: how often one key may ask."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_BUCKETS_MAX: Final = 10_000


class Buckets:
    """One bucket for each name; used from one thread, the event loop's.

    Args:
        per_s: how many tokens a second are filled in.
        most: how many a bucket holds.
        clock: seconds, which only rise.
    """

    def __init__(self, per_s: float, most: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._most = float(most)
        self._clock = clock
        # name -> tokens, when they were counted; who was away longest is forgotten first, and
        # begins with a full bucket again.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> int:
        """Take a token: 0, or after how many seconds there is one."""
        now = self._clock()
        tokens, at = self._buckets.get(name, (self._most, now))
        tokens = min(self._most, tokens + (now - at) * self._per_s)
        taken = tokens >= 1
        self._buckets[name] = (tokens - 1 if taken else tokens, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > _BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return 0 if taken else max(1, math.ceil((1 - tokens) / self._per_s))
