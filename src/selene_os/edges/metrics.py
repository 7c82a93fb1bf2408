"""What a server counts, as Prometheus reads it: never whose a request was, nor what was said.

With several processes the figures of all are told by whichever is asked: they share files in the
folder that PROMETHEUS_MULTIPROC_DIR names, which `selene serve` makes before it starts them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from selene_os.edges.http.outcomes import Outcome
from selene_os.edges.latency import Latency, latency_of
from selene_os.errors import Fault
from selene_os.ledger.events import CheckpointRow, Unit
from selene_os.ledger.store import Store, Verdict
from selene_os.names import TenantId
from selene_os.proof.sealer import Sealer

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
# When each figure began would be as many lines again.
disable_created_metrics()  # type: ignore[no-untyped-call]
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_UNSEALED_KEPT_S: Final = 5.0
_NOT_KNOWN: Final = "NotAuthenticated"
_BEGUN: Final = "selene_begun_seconds"
_COMMITS: Final = "selene_commit_seconds"
_NANOSECONDS: Final = 1_000_000_000


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "selene_requests", "Requests below /v1.", ["operation", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "selene_request_seconds",
            "From a request's first byte to its answer's last.",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._decisions = Counter(
            "selene_decisions", "Decisions that were recorded.", ["kind"], registry=registry
        )
        self._deduplicated = Counter(
            "selene_deduplicated", "Writes that were there before.", registry=registry
        )
        self._refusals = Counter(
            "selene_refusals", "Requests that were refused.", ["code"], registry=registry
        )
        self._unknown = Counter(
            "selene_unknown_keys", "Requests without a key that is good.", registry=registry
        )
        self._malformed = Counter(
            "selene_malformed_requests",
            "What was no HTTP, had a head too large or too slow, or was one too many.",
            registry=registry,
        )
        # Called for each, with nothing to tell.
        self.malformed: Callable[[], object] = self._malformed.inc
        self._commits = Histogram(
            _COMMITS,
            "Until a commit was durable.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._seals = Histogram(
            "selene_seal_seconds",
            "Sealing what had been committed.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._sealed = Counter("selene_sealed_rows", "Rows that were sealed.", registry=registry)
        # Of several processes the first: what one counted that has ended is still told.
        Gauge(
            _BEGUN,
            "When counting began, in seconds since 1970.",
            multiprocess_mode="min",
            registry=registry,
        ).set(time.time())
        self._labelled: dict[tuple[str, ...], Any] = {}

    def watch(self, outcome: Outcome) -> None:
        """Count a request."""
        operation = outcome.operation
        self._of(self._requests, operation, str(outcome.status)).inc()
        self._of(self._request_seconds, operation).observe(outcome.seconds)
        for kind in outcome.decisions:
            self._of(self._decisions, kind).inc()
        if outcome.deduplicated:
            self._deduplicated.inc(outcome.deduplicated)
        if outcome.code is not None:
            self._of(self._refusals, outcome.code).inc()
            if outcome.code == _NOT_KNOWN:
                self._unknown.inc()

    def _of(self, family: Any, *labels: str) -> Any:
        # The library finds a label's figure under a lock, each time.
        key = (family._name, *labels)
        found = self._labelled.get(key)
        if found is None:
            found = self._labelled[key] = family.labels(*labels)
        return found

    def timed(self, store: Store) -> Store:
        """The same store, whose commits are timed."""
        return cast(Store, _TimedStore(store, self._commits.observe))

    def sealer(self, sealer: Sealer) -> Sealer:
        """The same sealer, whose work is timed."""
        return cast(Sealer, _TimedSealer(sealer, self._seals.observe, self._sealed.inc))

    def commits(self) -> Latency:
        """How long commits took, of every process of this server and of every tenant."""
        begun, buckets = 0.0, []
        for family in self._all().collect():
            if family.name == _BEGUN:
                (begun,) = [sample.value for sample in family.samples]
            elif family.name == _COMMITS:
                buckets = [
                    (float(sample.labels["le"]), sample.value)
                    for sample in family.samples
                    if "le" in sample.labels
                ]
        return latency_of(int(begun * _NANOSECONDS), buckets)

    def _all(self) -> CollectorRegistry:
        """The figures of this process, or of all of them where there are several."""
        if FOLDER not in os.environ:
            return self._registry
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry

    def text(self, store: Store) -> bytes:
        """All figures, as they are now; without the rows that wait where nobody can tell them."""
        whole = CollectorRegistry()
        for one in (self._all(), _Unsealed(store)):
            whole.register(cast(Collector, one))
        PlatformCollector(registry=whole)
        ProcessCollector(registry=whole)
        return generate_latest(whole)


class _TimedStore:
    """A store; all but its commits goes straight through."""

    def __init__(self, store: Store, observe: Callable[[float], None]) -> None:
        self._store = store
        self._observe = observe

    def __getattr__(self, name: str) -> Any:
        # Kept, so that it is looked up once.
        found = self.__dict__[name] = getattr(self._store, name)
        return found

    def commit(self, units: Sequence[Unit]) -> list[Verdict]:
        """As the store's."""
        began = time.perf_counter()
        try:
            return self._store.commit(units)
        finally:
            self._observe(time.perf_counter() - began)


class _TimedSealer:
    """A sealer; rounds that found nothing to seal are not counted."""

    def __init__(
        self, sealer: Sealer, observe: Callable[[float], None], rows: Callable[[float], None]
    ) -> None:
        self._sealer = sealer
        self._observe = observe
        self._rows = rows

    def seal_all(
        self, told: Callable[[CheckpointRow, int], None] = lambda _row, _count: None
    ) -> int:
        """As the sealer's."""
        return self._timed(lambda: self._sealer.seal_all(told))

    def seal_tenant(self, tenant_id: TenantId) -> int:
        """As the sealer's."""
        return self._timed(lambda: self._sealer.seal_tenant(tenant_id))

    def _timed(self, work: Callable[[], int]) -> int:
        began = time.perf_counter()
        rows = work()
        if rows:
            self._observe(time.perf_counter() - began)
            self._rows(rows)
        return rows


class _Unsealed(Collector):
    """How many rows wait to be sealed: asked of the ledger, a few times a minute at most."""

    _lock = threading.Lock()
    # When, and how many; None where the ledger could not be asked.
    _told: tuple[float, int | None] | None = None

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The one figure, or none."""
        with self._lock:
            kept, now = type(self)._told, time.monotonic()
            if kept is None or now - kept[0] >= _UNSEALED_KEPT_S:
                kept = type(self)._told = (now, self._rows())
        rows = kept[1]
        if rows is None:
            return []
        return [GaugeMetricFamily("selene_unsealed_rows", "Rows that wait to be sealed.", rows)]

    def _rows(self) -> int | None:
        proofs = self._store.proofs
        try:
            return sum(map(proofs.unsealed_rows, proofs.unsealed_tenants()))
        except Fault:
            # What this process counted is told all the same.
            return None
