"""Every small change of what is sealed is found, and what is not covered is listed here.

SELENE_DRILLS=1 makes ten thousand changes, the same ones in every run.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

import servers
from ledgers import ALICE, CHAT, Ledger, SqliteDatabase
from postgres_databases import PostgresDatabase
from seals import NEXT_KEYS, NEXT_SIGNER, fill, sealer
from servers import SUPERUSER
from simulation.sealing_drills import DRILLS
from simulation.tamperings import CHANGES, PROOF, SEALED, Scratch, ScratchFile, ScratchServer

TAMPERINGS: Final = 10_000 if DRILLS else 200
ON_A_SERVER: Final = 300 if DRILLS else 40

# What verifying one ledger by itself cannot tell, and why. Each is tried below: were one of them
# found one day, its test says so.
NOT_COVERED: Final = {
    "when a checkpoint or a key was noted": (
        # The note holds no time: a clock proves nothing. Chains of keys follow by who signed.
        "UPDATE checkpoints SET created_at = created_at + 1",
        "UPDATE signing_keys SET created_at = created_at + 1",
    ),
    "an older checkpoint that is gone": (
        # A newer one signs the same leaves and more; found only where a late row stands behind it.
        # Who kept it can still hold it against the log.
        "DELETE FROM checkpoints WHERE tenant_id = 'acme' AND size = 114",
        "UPDATE checkpoints SET tenant_id = 'nobody' WHERE tenant_id = 'globex' AND size = 50",
    ),
    "what waits to be sealed": (
        # Nothing was signed of it yet: seal often.
        "UPDATE audit_events SET turn_id = turn_id + 1 WHERE NOT " + SEALED.format("audit_events"),
        "UPDATE replay_inputs SET record = X'00' WHERE NOT " + SEALED.format("replay_inputs"),
    ),
    "a row that waits, taken from all tables": (
        "DELETE FROM audit_events WHERE NOT " + SEALED.format("audit_events"),
        "DELETE FROM unsealed_events",
    ),
    "a record of no row": (
        # It is no part of any leaf; `selene doctor` finds it.
        "INSERT INTO replay_inputs (tenant_id, event_id, engine, engine_version, record, key_id)"
        " VALUES ('acme', 'nothing', 'PH1.NLP', '1', X'00', 'plain')",
    ),
    "who is registered, and what was said and remembered": (
        # No decision's row rests on them but by what its record holds, which is covered.
        "UPDATE identities SET status = 'DISABLED'",
        "UPDATE conversation_ledger SET text = X'00'",
    ),
    "the newest checkpoints with all their leaves, nodes and rows": (
        # An older state is one that was signed. Whoever kept a newer checkpoint sees it: --against.
        "DELETE FROM checkpoints WHERE tenant_id = 'acme' AND size > 64",
        "DELETE FROM unsealed_events WHERE tenant_id = 'acme'",
        "DELETE FROM merkle_nodes WHERE tenant_id = 'acme' AND (first + 1) << level > 64",
        "DELETE FROM replay_inputs WHERE tenant_id = 'acme' AND event_id NOT IN"
        " (SELECT event_id FROM merkle_leaves WHERE tenant_id = 'acme' AND leaf_index < 64)",
        "DELETE FROM audit_events WHERE tenant_id = 'acme' AND event_id NOT IN"
        " (SELECT event_id FROM merkle_leaves WHERE tenant_id = 'acme' AND leaf_index < 64)",
        "DELETE FROM merkle_leaves WHERE tenant_id = 'acme' AND leaf_index >= 64",
    ),
}  # fmt: skip


def seal_hundreds(ledger: Ledger) -> None:
    """Some hundred rows of two tenants under two keys, some that came late, and some that wait."""
    early = [ledger.scribe.unit(scope=ALICE, key=f"early-{number}", turn=1) for number in range(5)]
    fill(ledger, 64, [ALICE])
    sealer(ledger.store).seal_all()
    for unit in early:
        ledger.commit(unit)
    fill(ledger, 61)
    sealer(ledger.store, 50).seal_all()
    ledger.write(CHAT, key="more", turn=2)
    sealer(ledger.store, signer=NEXT_SIGNER, keys=NEXT_KEYS).seal_all()
    fill(ledger, 70)
    sealer(ledger.store, 64, signer=NEXT_SIGNER, keys=NEXT_KEYS).seal_all()
    for number in range(3):
        ledger.write(CHAT, key=f"waits-{number}", turn=3 + number)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchFile]:
    """A copy of such a ledger, whose guards are off."""
    database = SqliteDatabase(tmp_path_factory.mktemp("tampered"))
    ledger = Ledger(database)
    seal_hundreds(ledger)
    ledger.store.close()
    scratch = ScratchFile(database.path)
    assert scratch.differences() == []
    yield scratch


def change_often(scratch: Scratch, times: int) -> None:
    """Change something, and see that it is found; undo it, and again."""
    chance, made, tables = random.Random(20_260_303), 0, Counter[str]()
    while made < times:
        change = chance.choice(CHANGES)
        with scratch.undone():
            try:
                changed = change(scratch, chance)
            except scratch.refused:
                # The table itself does not take it, guards or not.
                continue
            if changed is None:
                continue
            table, what = changed
            found = scratch.differences()
            assert found, f"{table}: {what}"
            if table in PROOF:
                kinds = {one.kind for one in found}
                expected = {"proof changed"}
                if table == "signing_keys":
                    expected |= {"checkpoint forged"}
                assert kinds <= expected, f"{table}: {what}: {found}"
        made += 1
        tables[table] += 1
    assert scratch.differences() == []
    # All of them, and none of them hardly ever.
    assert len(tables) == 6 and min(tables.values()) * 30 > times, tables


def test_every_small_change_is_found_and_told_as_what_it_is(scratch: ScratchFile) -> None:
    change_often(scratch, TAMPERINGS)


@pytest.mark.parametrize("what", NOT_COVERED)
def test_what_is_not_covered_is_what_is_listed(scratch: ScratchFile, what: str) -> None:
    with scratch.undone():
        for statement in NOT_COVERED[what]:
            assert scratch.run(statement) > 0, statement
        assert scratch.differences() == []


# ---- on a server, as its owner


@pytest.mark.parametrize("kind", servers.usual())
def test_every_small_change_on_a_server_is_found(kind: str) -> None:
    database = PostgresDatabase.fresh(kind)
    ledger = Ledger(database)
    seal_hundreds(ledger)
    ledger.store.close()
    with psycopg.connect(database.url(SUPERUSER), autocommit=True) as connection:
        scratch = ScratchServer(connection)
        assert scratch.differences() == []
        change_often(scratch, ON_A_SERVER)
    database.drop()
