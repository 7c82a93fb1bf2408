"""Quantiles out of buckets: as near as the buckets are narrow, and never invented."""

from __future__ import annotations

import math

import pytest

from selene_os.edges.latency import latency_of

INF = math.inf


@pytest.mark.parametrize(
    ("buckets", "counted", "p50", "p99"),
    [
        ([], 0, None, None),
        ([(0.001, 0), (INF, 0)], 0, None, None),
        # All in the first: spread evenly from nothing on.
        ([(0.001, 100), (INF, 100)], 100, 0.5, 0.99),
        ([(0.001, 50), (0.01, 100), (INF, 100)], 100, 1.0, 9.82),
        ([(0.001, 0), (0.002, 0), (0.004, 10), (INF, 10)], 10, 3.0, 3.98),
        # Behind the last bound it is longer than that, and nobody knows how much.
        ([(0.001, 1), (0.01, 1), (INF, 4)], 4, 10.0, 10.0),
        ([(INF, 4), (0.01, 1), (0.001, 1)], 4, 10.0, 10.0),
    ],
)
def test_quantiles_are_estimated_within_their_bucket(
    buckets: list[tuple[float, float]], counted: int, p50: float | None, p99: float | None
) -> None:
    told = latency_of(7, buckets)
    assert (told.since, told.counted) == (7, counted)
    assert told.p50_ms == (p50 if p50 is None else pytest.approx(p50))
    assert told.p99_ms == (p99 if p99 is None else pytest.approx(p99))
