"""Sealers that are killed, that are many, and writers that are late: each row is sealed once.

SELENE_DRILLS=1 kills more of them, and writes more.
"""

from __future__ import annotations

import random
import time

from ledgers import Ledger, SqliteDatabase
from processes import wait
from seals import sealer
from selene_os.ledger.events import Unit
from simulation.sealing_drills import (
    DRILLS,
    STEPS,
    SealingProcess,
    Told,
    check_sealed_once,
    units,
    writers,
)

KILLS = 60 if DRILLS else 2
ROWS = 20_000 if DRILLS else 100


def dealt(ledger: Ledger, count: int, hands: int = 2) -> list[list[Unit]]:
    made = units(ledger, "row", count)
    return [made[hand::hands] for hand in range(hands)]


# ---- killed


def test_sealers_that_are_killed_at_any_moment_leave_each_row_sealed_once(ledger: Ledger) -> None:
    chance, told = random.Random(5), Told()
    with writers(ledger, dealt(ledger, ROWS)) as acknowledged:
        for _ in range(KILLS):
            running = SealingProcess(ledger.database.url(), chance.choice((1, 3, 50, 1_000)))
            time.sleep(chance.random() / 10)
            told += running.kill()
    check_sealed_once(ledger, acknowledged, told)


def test_sealers_that_die_at_each_step_leave_each_row_sealed_once(ledger: Ledger) -> None:
    chance, told = random.Random(6), Told()
    # On a server the transaction is one call: tests/postgres/test_late_sealing.py is within it.
    inside = isinstance(ledger.database, SqliteDatabase)
    steps = [step for step in STEPS if step != "within" or inside] * (10 if DRILLS else 1)
    with writers(ledger, dealt(ledger, ROWS)) as acknowledged:
        for number, step in enumerate(steps):
            url = ledger.database.url()
            running = SealingProcess(url, chance.choice((1, 7)), step, chance.randrange(1, 6))
            # Also where the writers are at their end.
            for unit in units(ledger, f"{step}-{number}", 48):
                ledger.commit(unit)
            wait(lambda: not running.runs, f"dead at {step}")  # noqa: B023
            told += running.kill()
    check_sealed_once(ledger, acknowledged, told)


# ---- late


def test_ids_that_are_committed_in_any_order_are_sealed(ledger: Ledger) -> None:
    chance = random.Random(7)
    mixed = units(ledger, "row", ROWS // 2)
    # Some come thousands of ids late, as a writer's that slept.
    chance.shuffle(mixed)
    acknowledged = []
    for number, unit in enumerate(mixed):
        acknowledged.append(ledger.commit(unit)[0].event_id)
        if number % 37 == 0:
            sealer(ledger.store, chance.choice((1, 5, 1_000))).seal_all()
    check_sealed_once(ledger, acknowledged, [])


# ---- many


def test_several_sealers_of_different_batches_under_load_seal_each_row_once(
    ledger: Ledger,
) -> None:
    url, told = ledger.database.url(), Told()
    with writers(ledger, dealt(ledger, ROWS, 4)) as acknowledged:
        running = [SealingProcess(url, rows_max) for rows_max in (1, 7, 1_000)]
    wait(lambda: not ledger.store.proofs.unsealed_tenants(), "all is sealed")
    for one in running:
        assert one.runs
        told += one.kill()
    sizes = [(tenant_id, size) for tenant_id, size, _ in told]
    assert len(sizes) == len(set(sizes))
    check_sealed_once(ledger, acknowledged, told)
