"""What is committed is sealed: all of it, once, in order, whoever seals and whoever is late."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ledgers import ACME, ALICE, CAROL, CHAT, GLOBEX, START_NS, TALK, Ledger
from seals import KEYS, LOG, NEXT_KEYS, NEXT_SIGNER, SIGNER, fill, newest, sealer, verified
from selene_os.errors import CheckpointForged, Fault, Refusal
from selene_os.ledger.events import CheckpointRow, Unit
from selene_os.names import EventId, TenantId
from selene_os.proof.checkpoint import open_checkpoint
from selene_os.proof.key_chain import sign_statement
from selene_os.proof.leaves import leaf_of
from selene_os.proof.merkle import Frontier
from selene_os.proof.merkle_proofs import (
    consistency_proof,
    inclusion_plan,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from selene_os.proof.signing import Ed25519Signer

NOBODY = TenantId("nobody")


def test_every_committed_row_becomes_one_leaf_and_waits_no_more(ledger: Ledger) -> None:
    fill(ledger, 7)
    told: list[tuple[str, int, int]] = []

    def tell(row: CheckpointRow, count: int) -> None:
        told.append((row.tenant_id, row.size, count))

    assert ledger.store.proofs.unsealed_tenants() == [ACME, GLOBEX]
    assert sealer(ledger.store).seal_all(tell) == 21
    assert told == [("acme", 14, 14), ("globex", 7, 7)]
    tables = ledger.tables()
    assert tables["unsealed_events"] == []
    assert len(tables["merkle_leaves"]) == 21
    assert {row[:2] for row in tables["audit_events"]} == {
        (tenant_id, event_id) for tenant_id, _, event_id, _ in tables["merkle_leaves"]
    }
    assert ledger.store.proofs.unsealed_tenants() == []
    assert sealer(ledger.store).seal_all(tell) == 0
    assert len(told) == 2
    assert verified(ledger).held and verified(ledger, GLOBEX).held


def test_a_batch_is_in_the_order_of_its_ids_and_of_a_thousand_rows_at_most(ledger: Ledger) -> None:
    fill(ledger, 11, [ALICE])
    assert sealer(ledger.store, rows_max=4).seal_all() == 11
    rows = ledger.store.proofs.checkpoints(ACME, 0, 10)
    assert [row.size for row in rows] == [4, 8, 11]
    assert ledger.store.proofs.checkpoints(ACME, 4, 1) == [rows[1]]
    assert ledger.store.proofs.checkpoint(ACME, 8) == rows[1]
    assert ledger.store.proofs.checkpoint(ACME, 9) is None
    leaves = ledger.store.proofs.sealed_rows(ACME, 0, 100)
    assert [row[0] for row in leaves] == list(range(11))
    for first, end in ((0, 4), (4, 8), (8, 11)):
        assert [row[1] for row in leaves[first:end]] == sorted(row[1] for row in leaves[first:end])
    assert ledger.store.proofs.sealed_rows(ACME, 9, 100) == leaves[9:]
    assert ledger.store.proofs.sealed_rows(ACME, 2, 3) == leaves[2:5]


def test_a_checkpoint_is_a_signed_note_of_the_tenants_own_log(ledger: Ledger) -> None:
    fill(ledger, 3, [ALICE, CAROL])
    sealer(ledger.store).seal_all()
    row = newest(ledger)
    opened = open_checkpoint(row.note, f"{LOG}/acme", [SIGNER.verifier]).checkpoint
    frontier = Frontier.decode(row.frontier)
    assert (opened.size, opened.root) == (3, frontier.root())
    assert row.created_at == START_NS
    leaves = [leaf_of(one) for one in ledger.store.proofs.whole_rows(ACME, TALK)]
    kept = {bytes(leaf) for _, _, leaf, *_ in ledger.store.proofs.sealed_rows(ACME, 0, 9)}
    assert set(leaves) <= kept
    (key,) = ledger.store.proofs.signing_keys(ACME)
    assert (key.key_id, key.statement) == (SIGNER.key_id.hex(), KEYS[0][1])
    assert ledger.store.proofs.checkpoint(NOBODY) is None
    assert ledger.store.proofs.signing_keys(NOBODY) == []


@pytest.mark.parametrize("rows_max", [1, 3, 64])
def test_any_row_is_proven_in_any_later_tree_and_each_tree_begins_the_next(
    ledger: Ledger, rows_max: int
) -> None:
    fill(ledger, 21, [ALICE])
    proofs = ledger.store.proofs
    sealer(ledger.store, rows_max).seal_all()
    roots = {
        row.size: Frontier.decode(row.frontier).root() for row in proofs.checkpoints(ACME, 0, 99)
    }
    leaves = [row[2] for row in proofs.sealed_rows(ACME, 0, 99)]

    def read(level: int, place: int) -> bytes:
        return proofs.nodes(ACME, [(level, place)])[0]

    for size, root in roots.items():
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            assert verify_inclusion(index, size, leaves[index], proof, root)
        assert verify_consistency(size, 21, root, roots[21], consistency_proof(size, 21, read))
    wanted = [node for nodes in inclusion_plan(5, 21) for node in nodes]
    assert proofs.nodes(ACME, wanted) == [read(*node) for node in wanted]
    with pytest.raises(Fault, match="lacks node 21 of level 0"):
        proofs.nodes(ACME, [(0, 3), (0, 21)])
    with pytest.raises(Fault, match="lacks node 16 of level 1"):
        proofs.nodes(ACME, [(1, 16)])


def test_where_a_row_stands_is_told_of_this_tenants_alone(ledger: Ledger) -> None:
    fill(ledger, 2)
    sealer(ledger.store).seal_all()
    late = ledger.write(CHAT, key="late").event_id
    leaves = ledger.store.proofs.sealed_rows(GLOBEX, 0, 9)
    hers = EventId(leaves[1][1])
    placed = ledger.store.proofs.placed(GLOBEX, [hers, late])
    assert {event: tuple(place) for event, place in placed.items()} == {hers: (1, leaves[1][2])}
    assert ledger.store.proofs.placed(ACME, [hers, late]) == {}
    assert ledger.store.proofs.placed(ACME, []) == {}
    counts = ledger.store.proofs.counts(ACME)
    assert tuple(counts) == (5, 4, 1)
    assert tuple(ledger.store.proofs.counts(NOBODY)) == (0, 0, 0)
    assert ledger.store.proofs.unplaced(ACME, 9) == []


def test_of_two_sealers_at_once_none_seals_a_row_twice_or_skips_one(ledger: Ledger) -> None:
    fill(ledger, 40, [ALICE])
    stop = threading.Event()
    sealed: list[int] = []

    def seal(rows_max: int) -> None:
        mine = sealer(ledger.store, rows_max)
        while True:
            last = stop.is_set()
            sealed.append(mine.seal_all())
            if last and not ledger.store.proofs.unsealed_tenants():
                return

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(seal, rows_max) for rows_max in (1, 3, 7)]
        fill_more = pool.submit(
            lambda: [ledger.write(CHAT, turn=turn, key=str(turn)) for turn in range(1, 41)]
        )
        written = {receipt.event_id for receipt in fill_more.result()}
        stop.set()
        for one in running:
            one.result()
    assert sum(sealed) == 80
    leaves = ledger.store.proofs.sealed_rows(ACME, 0, 99)
    assert [row[0] for row in leaves] == list(range(80))
    assert written <= {row[1] for row in leaves}
    assert verified(ledger).held


def test_a_sealer_that_comes_late_writes_nothing(ledger: Ledger) -> None:
    fill(ledger, 4, [ALICE])
    slow, quick = sealer(ledger.store, 2), sealer(ledger.store, 3)
    late = slow._next(ACME)
    assert late is not None
    quick.seal_all()
    before = ledger.tables()
    assert not ledger.store.proofs.seal(late)
    # Neither a batch of rows that are sealed already under the size that is there now.
    assert not _sealed_or_refused(ledger, replace(late, size=4))
    assert ledger.tables() == before
    assert slow.seal_all() == 0
    assert verified(ledger).held


def _sealed_or_refused(ledger: Ledger, batch: object) -> bool:
    try:
        return ledger.store.proofs.seal(batch)  # type: ignore[arg-type]
    except (Fault, Refusal):
        return False


def test_a_batch_with_a_row_that_does_not_wait_is_refused_whole(ledger: Ledger) -> None:
    fill(ledger, 2, [ALICE, CAROL])
    mine = sealer(ledger.store)._next(ACME)
    theirs = sealer(ledger.store)._next(GLOBEX)
    assert mine is not None and theirs is not None
    before = ledger.tables()
    assert not _sealed_or_refused(ledger, replace(mine, events=theirs.events))
    assert not _sealed_or_refused(ledger, replace(mine, events=(mine.events[0], EventId("x"))))
    assert ledger.tables() == before
    assert sealer(ledger.store).seal_all() == 4


def test_an_older_id_that_is_committed_late_is_sealed_all_the_same(ledger: Ledger) -> None:
    early = ledger.scribe.unit(key="early", turn=1)
    fill(ledger, 3, [ALICE])
    sealer(ledger.store).seal_all()
    ledger.commit(early)
    assert sealer(ledger.store).seal_all() == 1
    leaves = ledger.store.proofs.sealed_rows(ACME, 0, 9)
    assert leaves[3][1] == early.events[0].event_id < leaves[0][1]
    assert verified(ledger).held


def test_the_record_of_a_row_is_part_of_its_leaf_and_may_be_missing(ledger: Ledger) -> None:
    with_record = ledger.scribe.unit(key="with")
    without = Unit(ledger.scribe.unit(key="without", turn=2).events)
    ledger.commit(with_record)
    ledger.commit(without)
    rows = ledger.store.proofs.unsealed(ACME, 9)
    assert [row.record_digest is None for row in rows] == [False, True]
    assert (rows[1].engine_version, rows[1].key_id) == (None, None)
    sealer(ledger.store).seal_all()
    assert verified(ledger).held


def test_nothing_is_signed_behind_what_this_log_did_not_sign(ledger: Ledger) -> None:
    fill(ledger, 2, [ALICE])
    sealer(ledger.store).seal_all()
    ledger.write(CHAT, key="more")
    stranger = Ed25519Signer(LOG, bytes(32))
    other = Ed25519Signer("another-log", bytes(32))
    for signer in (stranger, other):
        with pytest.raises(CheckpointForged, match="not this log's"):
            sealer(ledger.store, signer=signer, keys=[(signer.verifier, b"x")]).seal_all()
    assert ledger.store.proofs.counts(ACME).unsealed == 1


def test_a_new_key_goes_on_where_the_old_one_ended_and_is_followed_to(ledger: Ledger) -> None:
    fill(ledger, 2, [ALICE])
    sealer(ledger.store).seal_all()
    ledger.write(CHAT, key="more")
    assert sealer(ledger.store, signer=NEXT_SIGNER, keys=NEXT_KEYS).seal_all() == 1
    found = [key.key_id for key in ledger.store.proofs.signing_keys(ACME)]
    assert found == [SIGNER.key_id.hex(), NEXT_SIGNER.key_id.hex()]
    # Who has the old key only can follow; who has the new one only cannot believe the old notes.
    assert verified(ledger).held
    alone = verified(ledger, trusted=[NEXT_SIGNER.verifier])
    assert [one.kind for one in alone.differences] == ["checkpoint forged"]


def test_keys_that_are_noted_at_once_are_followed_in_the_order_in_which_they_began(
    ledger: Ledger,
) -> None:
    signers = [SIGNER, *(Ed25519Signer(LOG, bytes([number] * 32)) for number in range(1, 7))]
    keys = [
        (signer.verifier, sign_statement(signer.verifier, before))
        for before, signer in zip([SIGNER, *signers], signers, strict=False)
    ]
    fill(ledger, 1, [ALICE])
    sealer(ledger.store, signer=signers[-1], keys=keys).seal_all()
    assert len({key.key_id for key in ledger.store.proofs.signing_keys(ACME)}) == 7
    # The one that signed is the last; who has the first one only must come to it.
    assert verified(ledger).held


def test_a_row_that_nobody_can_have_written_stops_its_tenant_alone(ledger: Ledger) -> None:
    ledger.write(CHAT)
    ledger.write(CHAT, CAROL)

    class Bent:
        def __getattr__(self, name: str) -> object:
            return getattr(ledger.store.proofs, name)

        def unsealed(self, tenant_id: TenantId, rows_max: int) -> object:
            rows = ledger.store.proofs.unsealed(tenant_id, rows_max)
            if tenant_id != ACME:
                return rows
            return [row._replace(user_id=b"x") for row in rows]  # type: ignore[arg-type]

    bent = sealer(ledger.store)
    bent._proofs = Bent()  # type: ignore[assignment]
    with pytest.raises(Fault, match="cannot be sealed: user_id holds a value"):
        bent.seal_all()
    assert ledger.store.proofs.counts(GLOBEX).unsealed == 0
    assert ledger.store.proofs.counts(ACME).unsealed == 1
