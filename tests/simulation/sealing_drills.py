"""What drills of sealing share: sealers in processes of their own, writers, and what must hold."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from command import environment
from ledgers import ACME, ALICE, BOB, CAROL, GLOBEX, Ledger, written
from processes import wait
from seals import sealer, verified
from selene_os.ledger.events import Unit
from selene_os.names import CorrelationId, EventId, TenantId

DRILLS: Final = "SELENE_DRILLS" in os.environ

# Seals again and again, and says the size of each checkpoint; dies by its own hand at the numbered
# time that it comes to a step.
_SEALER: Final = """
import os, sys
from seals import sealer
from selene_os.edges.databases import database
from selene_os.ledger.sqlite import proofs as sqlite
url, rows_max, step, left = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
def at(here):
    global left
    left -= here == step
    if here == step and left <= 0:
        os.kill(os.getpid(), 9)
store = database(url).bare()
mine = sealer(store, rows_max)
seal, within = store.proofs.seal, sqlite._seal
def sealing(batch):
    at("read")
    sealed = seal(batch)
    at("committed")
    return sealed
def transacting(connection, batch):
    sealed = within(connection, batch)
    at("within")
    return sealed
store.proofs.seal, sqlite._seal = sealing, transacting
def tell(row, count):
    print(row.tenant_id, row.size, count, flush=True)
    at("told")
print("ready", flush=True)
while True:
    mine.seal_all(tell)
"""
STEPS: Final = ("read", "within", "committed", "told")
Told = list[tuple[TenantId, int, int]]


class SealingProcess:
    """A sealer in a process of its own, that is sealing when this returns.

    Args:
        rows_max: rows of a batch.
        step: where it dies by itself, one of STEPS.
        times: how often it comes there before.
    """

    def __init__(self, url: str, rows_max: int, step: str = "never", times: int = 1) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SEALER, url, str(rows_max), step, str(times)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise AssertionError(self._process.communicate()[1])

    @property
    def runs(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    def kill(self) -> Told:
        """Kill it, if it is still there; the tenant, size and number of rows of what it told."""
        self._process.kill()
        out, err = self._process.communicate()
        assert err == ""
        # The last line may have been cut off in the middle.
        lines = [line.split() for line in out.splitlines(keepends=True) if line.endswith("\n")]
        return [(TenantId(tenant_id), int(size), int(count)) for tenant_id, size, count in lines]


def units(ledger: Ledger, name: str, count: int) -> list[Unit]:
    """As many units of all three users, ids rising."""
    return [
        ledger.scribe.unit(
            scope=(ALICE, BOB, CAROL)[number % 3],
            correlation=CorrelationId(f"{number + 1:032x}"),
            key=f"{name}-{number}",
        )
        for number in range(count)
    ]


@contextmanager
def writers(ledger: Ledger, parts: Sequence[Sequence[Unit]]) -> Iterator[list[EventId]]:
    """One thread for each part commits its units one by one as long as the block runs, and on to
    their end; yields the ids that were acknowledged.
    """
    acknowledged: list[EventId] = []

    def write(part: Sequence[Unit]) -> None:
        for unit in part:
            receipts = written(ledger.store.commit([unit])[0])
            acknowledged.extend(receipt.event_id for receipt in receipts)

    threads = [threading.Thread(target=write, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        for thread in threads:
            thread.join()


def check_sealed_once(ledger: Ledger, acknowledged: Sequence[EventId], told: Told) -> None:
    """Seal what is left; then each row stands in one leaf, no leaf is missing, and all holds."""
    mine = sealer(ledger.store)

    def sealed() -> bool:
        mine.seal_all()
        return not ledger.store.proofs.unsealed_tenants()

    # A server may still be at work for a sealer that was killed.
    wait(sealed, "everything is sealed")
    tables = ledger.tables()
    events = {(row[0], row[1]) for row in tables["audit_events"]}
    leaves = Counter((row[0], row[2]) for row in tables["merkle_leaves"])
    assert set(leaves) == events and set(leaves.values()) <= {1}
    assert {event_id for _, event_id in events} >= set(acknowledged)
    assert tables["unsealed_events"] == []
    for tenant_id in (ACME, GLOBEX):
        places = sorted(int(str(row[1])) for row in tables["merkle_leaves"] if row[0] == tenant_id)
        assert places == list(range(len(places)))
        rows = ledger.store.proofs.checkpoints(tenant_id, 0, 1_000_000)
        sizes = {row.size for row in rows}
        assert {size for whose, size, _ in told if whose == tenant_id} <= sizes
        came = verified(ledger, tenant_id, against=[row.note for row in rows])
        assert came.held, came.differences
        assert came.size == len(places)
