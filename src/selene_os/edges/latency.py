"""How long something takes, told of a histogram: counts in buckets, and what they let estimate."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Latency(NamedTuple):
    """How long something took since a server began.

    Attributes:
        since: when it began, in nanoseconds since 1970 UTC.
        counted: how often it was measured.
        p50_ms, p99_ms: milliseconds that half, and 99 of 100, stayed below; estimated from
            buckets, None where nothing was measured.
    """

    since: int
    counted: int
    p50_ms: float | None
    p99_ms: float | None


def latency_of(since: int, buckets: Iterable[tuple[float, float]]) -> Latency:
    """What a histogram tells.

    Args:
        since: when counting began, in nanoseconds since 1970 UTC.
        buckets: for each its upper bound in seconds, and how many were at or below it; the last
            bound is infinite.
    """
    found = sorted(buckets)
    count = int(found[-1][1]) if found else 0
    return Latency(since, count, _quantile_ms(found, 0.5), _quantile_ms(found, 0.99))


def _quantile_ms(buckets: list[tuple[float, float]], share: float) -> float | None:
    """Estimated as Prometheus does: within a bucket all are taken to be spread evenly."""
    wanted = share * buckets[-1][1] if buckets else 0
    if not wanted:
        return None
    below, counted = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted:
            # Behind the last finite bound nothing is known but that it is longer.
            inside = 0.0 if math.isinf(bound) else (bound - below) / (count - counted)
            return 1_000 * (below + (wanted - counted) * inside)
        below, counted = bound, count
    return None
