"""What was kept elsewhere shows a ledger that was rewritten or put back, and saves work."""

from __future__ import annotations

import pytest

from ledgers import ACME, CHAT, Ledger
from seals import (
    LOG,
    NEXT_SIGNER,
    ROWS,
    SIGNER,
    blob,
    event_of,
    forge_leaf,
    newest,
    seal_eleven,
    sealer,
    tamper,
    told,
    verified,
)
from selene_os.errors import BadField, CheckpointForged
from selene_os.proof import verifying
from selene_os.proof.checkpoint import Checkpoint, sign_checkpoint
from selene_os.proof.merkle import Frontier


@pytest.fixture
def sealed(ledger: Ledger) -> Ledger:
    """Eleven rows of acme under checkpoints of 4, 8 and 11 leaves, and three of globex."""
    return seal_eleven(ledger)


# ---- what was kept elsewhere


def test_an_older_state_is_shown_by_a_checkpoint_that_was_kept(sealed: Ledger) -> None:
    kept = newest(sealed).note
    assert verified(sealed, against=[kept]).held
    events = "', '".join(event_of(sealed, index) for index in (8, 9, 10))
    tamper(
        sealed,
        "DELETE FROM checkpoints WHERE tenant_id = 'acme' AND size = 11",
        "DELETE FROM merkle_leaves WHERE tenant_id = 'acme' AND leaf_index >= 8",
        "DELETE FROM merkle_nodes WHERE tenant_id = 'acme' AND first << level >= 8",
        f"DELETE FROM replay_inputs WHERE event_id IN ('{events}')",
        f"DELETE FROM audit_events WHERE event_id IN ('{events}')",
    )
    # By itself it is a ledger like any other.
    assert verified(sealed).held
    (one,) = verified(sealed, against=[kept]).differences
    assert (one.kind, one.found) == ("rolled back", "11 leaves were signed, and 8 are there")
    # And stays one when it grows over that size again with other rows.
    for turn in range(50, 60):
        sealed.write(CHAT, turn=turn, key=str(turn))
    sealer(sealed.store).seal_all()
    assert verified(sealed).held
    (one,) = verified(sealed, against=[kept]).differences
    assert (one.kind, one.leaf_index) == ("changed", 8)
    # A sealer that ran all the time would have noticed by itself.


def test_a_sealer_that_runs_does_not_sign_behind_an_older_state(sealed: Ledger) -> None:
    mine = sealer(sealed.store)
    sealed.write(CHAT, key="one more")
    mine.seal_all()
    tamper(
        sealed,
        "DELETE FROM checkpoints WHERE tenant_id = 'acme' AND size > 4",
        "DELETE FROM merkle_leaves WHERE tenant_id = 'acme' AND leaf_index >= 4",
        "DELETE FROM merkle_nodes WHERE tenant_id = 'acme' AND first << level >= 4",
    )
    sealed.write(CHAT, key="another")
    with pytest.raises(CheckpointForged, match="fewer leaves than the 12 that were signed"):
        mine.seal_all()


def test_history_between_two_kept_checkpoints_cannot_be_rewritten_by_the_keys_owner(
    sealed: Ledger,
) -> None:
    kept = [row.note for row in sealed.store.proofs.checkpoints(ACME, 0, 9)]
    tamper(sealed, f"UPDATE audit_events SET turn_id = 7 WHERE event_id = '{event_of(sealed, 9)}'")
    forge_leaf(sealed, 9)
    leaves = [row[2] for row in sealed.store.proofs.sealed_rows(ACME, 0, 99)]
    tree, runs = Frontier().extend(leaves)
    note = sign_checkpoint(Checkpoint(f"{LOG}/acme", ROWS, tree.root()), [SIGNER])
    nodes = [
        f"('acme', {level}, {first}, {blob(sealed, b''.join(hashes))})"
        for level, first, hashes in runs
    ]
    tamper(
        sealed,
        "DELETE FROM merkle_nodes WHERE tenant_id = 'acme'",
        f"INSERT INTO merkle_nodes (tenant_id, level, first, hashes) VALUES {', '.join(nodes)}",
        f"UPDATE checkpoints SET note = {blob(sealed, note)},"
        f" frontier = {blob(sealed, tree.encode())} WHERE tenant_id = 'acme' AND size = {ROWS}",
    )
    assert verified(sealed).held
    assert verified(sealed, against=kept[:2]).held
    (one,) = verified(sealed, against=kept[2:]).differences
    assert (one.kind, one.leaf_index) == ("checkpoint forged", ROWS - 1)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"no checkpoint",
        sign_checkpoint(Checkpoint(f"{LOG}/acme", 4, bytes(32)), [NEXT_SIGNER]),
        sign_checkpoint(Checkpoint(f"{LOG}/globex", 4, bytes(32)), [SIGNER]),
    ],
)
def test_what_was_kept_and_is_no_checkpoint_of_this_log_is_refused(
    sealed: Ledger, note: bytes
) -> None:
    for given in ({"against": [note]}, {"after": note}):
        with pytest.raises(BadField):
            verified(sealed, **given)


# ---- going on where it stopped


def test_what_was_verified_before_is_not_read_again(
    sealed: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sealed.store.proofs.checkpoints(ACME, 0, 9)
    seen = {}
    for changed in (None, 3, 4, 10):
        if changed is not None:
            where = f"WHERE event_id = '{event_of(sealed, changed)}'"
            tamper(sealed, f"UPDATE audit_events SET turn_id = turn_id + 1 {where}")
        for level in (1, 2, 3, 16):
            monkeypatch.setattr(verifying, "RANGE_LEVEL", level)
            monkeypatch.setattr(verifying, "RANGE_ROWS", 1 << level)
            monkeypatch.setattr("selene_os.proof.verification.RANGE_LEVEL", level)
            for row in rows:
                came = verified(sealed, after=row.note)
                assert (came.checked, came.size) == (ROWS - row.size, ROWS)
                seen[changed, level, row.size] = [one.leaf_index for one in came.differences]
            assert [leaf for _, leaf in told(sealed)] == ([changed] if changed else [])
        if changed is not None:
            tamper(sealed, f"UPDATE audit_events SET turn_id = turn_id - 1 {where}")
    assert seen == {
        (changed, level, size): [changed] if changed and changed >= size else []
        for changed, level, size in seen
    }
    assert len(seen) == 48


def test_what_was_verified_before_must_be_there(sealed: Ledger) -> None:
    row = sealed.store.proofs.checkpoints(ACME, 0, 9)[1]
    other = Frontier().extend([bytes(32)] * 8).frontier
    note = sign_checkpoint(Checkpoint(f"{LOG}/acme", 8, other.root()), [SIGNER])
    assert [one.kind for one in verified(sealed, after=note).differences] == ["checkpoint forged"]
    later = sign_checkpoint(Checkpoint(f"{LOG}/acme", 64, bytes(32)), [SIGNER])
    assert [one.kind for one in verified(sealed, after=later).differences] == ["rolled back"]
    tamper(sealed, "DELETE FROM checkpoints WHERE tenant_id = 'acme' AND size = 8")
    assert [one.kind for one in verified(sealed, after=row.note).differences] == ["removed"]


def test_a_kept_checkpoint_below_what_was_verified_before_is_held_against_it(
    sealed: Ledger,
) -> None:
    first, second, _ = sealed.store.proofs.checkpoints(ACME, 0, 9)
    leaves = [row[2] for row in sealed.store.proofs.sealed_rows(ACME, 0, 99)]
    # Also of a size that this ledger has no checkpoint of: it may have been taken away.
    for size in range(1, second.size + 1):
        root = Frontier().extend(leaves[:size]).frontier.root()
        right = sign_checkpoint(Checkpoint(f"{LOG}/acme", size, root), [SIGNER])
        wrong = sign_checkpoint(Checkpoint(f"{LOG}/acme", size, bytes(32)), [SIGNER])
        assert verified(sealed, after=second.note, against=[right]).held
        assert not verified(sealed, after=second.note, against=[wrong]).held
    tamper(sealed, "DELETE FROM checkpoints WHERE tenant_id = 'acme' AND size = 4")
    assert verified(sealed, after=second.note, against=[first.note]).held
