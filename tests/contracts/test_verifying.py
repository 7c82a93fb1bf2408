"""Whatever is changed behind the ledger's back is found, and named: by the log, on every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledgers import ACME, CHAT, GLOBEX, START_NS, Ledger
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
from selene_os.proof.checkpoint import Checkpoint, sign_checkpoint
from selene_os.proof.merkle import Frontier


@pytest.fixture
def sealed(ledger: Ledger) -> Ledger:
    """Eleven rows of acme under checkpoints of 4, 8 and 11 leaves, and three of globex."""
    return seal_eleven(ledger)


# Every column that a leaf holds, with another value that the table takes.
CHANGES = {
    "engine": "engine = 'PH1.X2'",
    "event_type": "event_type = 'Other'",
    "reason_code": "reason_code = reason_code + 1",
    "severity": "severity = 'WARN'",
    "correlation_id": "correlation_id = 'ffffffffffffffffffffffffffffffff'",
    "turn_id": "turn_id = turn_id + 1",
    "user_id": "user_id = 'bob'",
    "device_id": "device_id = 'desk'",
    "session_id": "session_id = NULL",
    "idempotency_key": "idempotency_key = 'other'",
    "payload_min": """payload_min = '{"decision":"CHAT"}'""",
    "one space in the payload": "payload_min = payload_min || ' '",
    "created_at": "created_at = created_at + 1",
}
RECORDS = {
    "engine": None,
    "engine_version": "engine_version = '2'",
    "pack_digest": "pack_digest = ''",
    "key_id": "key_id = 'other'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_column_names_its_row(sealed: Ledger, change: str) -> None:
    event_id = event_of(sealed, 6)
    tamper(sealed, f"UPDATE audit_events SET {CHANGES[change]} WHERE event_id = '{event_id}'")
    came = verified(sealed)
    assert [(one.kind, one.leaf_index, one.event_id) for one in came.differences] == [
        ("changed", 6, event_id)
    ]
    assert not came.held
    assert verified(sealed, GLOBEX).held


@pytest.mark.parametrize("change", [one for one in RECORDS.values() if one])
def test_a_changed_record_names_its_row(sealed: Ledger, change: str) -> None:
    tamper(sealed, f"UPDATE replay_inputs SET {change} WHERE event_id = '{event_of(sealed, 0)}'")
    assert told(sealed) == [("changed", 0)]


def test_other_words_in_a_record_name_its_row(sealed: Ledger) -> None:
    words = blob(sealed, b'{"of":"somebody else"}')
    tamper(
        sealed,
        f"UPDATE replay_inputs SET record = {words} WHERE event_id = '{event_of(sealed, 9)}'",
    )
    assert told(sealed) == [("changed", 9)]


def test_a_record_that_is_gone_names_its_row(sealed: Ledger) -> None:
    tamper(sealed, f"DELETE FROM replay_inputs WHERE event_id = '{event_of(sealed, 3)}'")
    (one,) = verified(sealed).differences
    assert (one.kind, one.leaf_index) == ("changed", 3)
    assert "record is gone" in one.found


def test_a_row_that_is_gone_is_removed(sealed: Ledger) -> None:
    event_id = event_of(sealed, 5)
    tamper(
        sealed,
        f"DELETE FROM replay_inputs WHERE event_id = '{event_id}'",
        f"DELETE FROM audit_events WHERE event_id = '{event_id}'",
    )
    first, counted = verified(sealed).differences
    assert (first.kind, first.leaf_index, first.event_id) == ("removed", 5, event_id)
    assert (counted.kind, counted.found) == ("removed", "1 rows fewer than were committed")


@pytest.mark.parametrize("index", [0, 5, ROWS - 1])
def test_a_leaf_that_is_gone_with_its_row_is_removed(sealed: Ledger, index: int) -> None:
    event_id = event_of(sealed, index)
    tamper(
        sealed,
        f"DELETE FROM replay_inputs WHERE event_id = '{event_id}'",
        f"DELETE FROM merkle_leaves WHERE event_id = '{event_id}'",
        f"DELETE FROM audit_events WHERE event_id = '{event_id}'",
    )
    assert told(sealed) == [("removed", index)]


def test_a_whole_tree_that_is_gone_is_removed(sealed: Ledger) -> None:
    tamper(sealed, "DELETE FROM merkle_leaves")
    kinds = told(sealed)
    assert kinds[:2] == [("removed", 0), ("removed", 1)]
    assert ("added", None) in kinds


def test_a_row_that_nobody_committed_is_added(sealed: Ledger) -> None:
    columns = (
        "tenant_id, engine, event_type, reason_code, severity, correlation_id, turn_id, user_id,"
        " device_id, session_id, payload_min, created_at, event_id, idempotency_key"
    )
    added = "01a1fc00-0000-7000-8000-000000000000"
    tamper(
        sealed,
        f"INSERT INTO audit_events ({columns}) SELECT {columns.rpartition(', event_id')[0]},"
        f" '{added}', 'added' FROM audit_events WHERE event_id = '{event_of(sealed, 0)}'",
    )
    (one,) = verified(sealed).differences
    assert (one.kind, one.event_id) == ("added", added)


def swap(ledger: Ledger, one: int, other: int, *columns: str) -> None:
    """Exchange columns of two leaves."""
    rows = {row[0]: row for row in ledger.store.proofs.sealed_rows(ACME, 0, 99)}
    values = {
        place: ", ".join(
            f"{column} = "
            + (f"'{rows[place][1]}'" if column == "event_id" else blob(ledger, rows[place][2]))
            for column in columns
        )
        for place in (one, other)
    }
    where = "WHERE tenant_id = 'acme' AND leaf_index ="
    tamper(
        ledger,
        f"UPDATE merkle_leaves SET event_id = 'x' {where} {other}",
        f"UPDATE merkle_leaves SET {values[other]} {where} {one}"
        if "event_id" not in columns
        else f"UPDATE merkle_leaves SET event_id = 'y' {where} {one}",
        f"UPDATE merkle_leaves SET {values[one]}"
        + ("" if "event_id" in columns else f", event_id = '{rows[other][1]}'")
        + f" {where} {other}",
        f"UPDATE merkle_leaves SET {values[other]} {where} {one}",
    )


@pytest.mark.parametrize(("one", "other"), [(0, 3), (5, 6), (2, 9)])
def test_rows_under_each_others_leaves_are_reordered(sealed: Ledger, one: int, other: int) -> None:
    swap(sealed, one, other, "event_id")
    assert told(sealed) == [("reordered", one), ("reordered", other)]


@pytest.mark.parametrize(("one", "other"), [(0, 3), (5, 6), (2, 9)])
def test_leaves_that_changed_places_are_found(sealed: Ledger, one: int, other: int) -> None:
    swap(sealed, one, other, "event_id", "leaf_hash")
    came = verified(sealed)
    assert came.differences[0].kind == "reordered"
    assert came.differences[0].leaf_index in (one, one + 1, other)


@pytest.mark.parametrize("index", range(ROWS))
def test_a_row_that_was_changed_with_its_leaf_is_found_by_what_was_signed(
    sealed: Ledger, index: int
) -> None:
    event_id = event_of(sealed, index)
    tamper(sealed, f"UPDATE audit_events SET turn_id = 99 WHERE event_id = '{event_id}'")
    forge_leaf(sealed, index)
    (one,) = verified(sealed).differences
    # The nodes were left, and tell it to the neighbour; above the last leaf there is none yet, so
    # that it is told to its checkpoint.
    assert one.kind == "changed"
    assert one.leaf_index == (8 if index == ROWS - 1 else index // 2 * 2)


def test_a_tree_that_was_made_again_from_other_rows_is_not_what_was_signed(sealed: Ledger) -> None:
    tamper(sealed, f"UPDATE audit_events SET turn_id = 9 WHERE event_id = '{event_of(sealed, 5)}'")
    forge_leaf(sealed, 5)
    leaves = [row[2] for row in sealed.store.proofs.sealed_rows(ACME, 0, 99)]
    tree, runs = Frontier().extend(leaves)
    nodes = [
        f"('acme', {level}, {first}, {blob(sealed, b''.join(hashes))})"
        for level, first, hashes in runs
    ]
    tamper(
        sealed,
        "DELETE FROM merkle_nodes WHERE tenant_id = 'acme'",
        f"INSERT INTO merkle_nodes (tenant_id, level, first, hashes) VALUES {', '.join(nodes)}",
    )
    first, *_ = verified(sealed).differences
    assert (first.kind, first.leaf_index) == ("changed", 4)
    assert "one of the leaves 4 to 7 is not what was signed at 8 leaves" in first.found
    # Signed again, by a key that nobody gave to an auditor.
    forger = NEXT_SIGNER
    note = sign_checkpoint(Checkpoint(f"{LOG}/acme", ROWS, tree.root()), [forger])
    tamper(
        sealed,
        "DELETE FROM checkpoints WHERE tenant_id = 'acme'",
        "INSERT INTO checkpoints (tenant_id, size, frontier, note, created_at) VALUES"
        f" ('acme', {ROWS}, {blob(sealed, tree.encode())}, {blob(sealed, note)}, {START_NS})",
    )
    assert verified(sealed).differences[0].kind == "checkpoint forged"


def test_a_forged_checkpoint_is_named(sealed: Ledger) -> None:
    tree = Frontier().extend([bytes(32)] * 8).frontier
    notes = {
        "signed by another": sign_checkpoint(
            Checkpoint(f"{LOG}/acme", 8, tree.root()), [NEXT_SIGNER]
        ),
        "of another tenant": sign_checkpoint(Checkpoint(f"{LOG}/globex", 8, tree.root()), [SIGNER]),
        "of another size": sign_checkpoint(Checkpoint(f"{LOG}/acme", 9, tree.root()), [SIGNER]),
        "a byte off": bytes([*newest(sealed).note[:-9], newest(sealed).note[-9] ^ 1])
        + newest(sealed).note[-8:],
        "no note at all": b"checkpoint",
    }
    for note in notes.values():
        tamper(
            sealed,
            f"UPDATE checkpoints SET note = {blob(sealed, note)} WHERE tenant_id = 'acme'"
            " AND size = 8",
        )
        assert told(sealed)[0] == ("checkpoint forged", 7)


def test_a_frontier_or_node_that_was_changed_is_told_as_proof_not_as_row(sealed: Ledger) -> None:
    other = Frontier().extend([bytes(32)] * 8).frontier.encode()
    tamper(
        sealed,
        f"UPDATE checkpoints SET frontier = {blob(sealed, other)} WHERE tenant_id = 'acme'"
        " AND size = 8",
    )
    assert told(sealed) == [("proof changed", 7)]


def test_a_changed_node_is_told_as_proof(sealed: Ledger) -> None:
    tamper(
        sealed,
        f"UPDATE merkle_nodes SET hashes = {blob(sealed, bytes(64))} WHERE tenant_id = 'acme'"
        " AND level = 1 AND first = 2",
    )
    assert told(sealed) == [("proof changed", 4)]


def test_leaves_behind_the_last_signature_are_added(sealed: Ledger) -> None:
    tamper(sealed, "DELETE FROM checkpoints WHERE tenant_id = 'acme' AND size = 11")
    (one,) = verified(sealed).differences
    assert (one.kind, one.leaf_index) == ("added", 8)
    assert "3 leaves stand behind what was signed" in one.found


# ---- what is no difference


def test_a_ledger_without_rows_or_seals_holds(ledger: Ledger) -> None:
    came = verified(ledger)
    assert (came.held, came.size, came.newest) == (True, 0, None)
    ledger.write(CHAT)
    came = verified(ledger)
    assert (came.held, tuple(came.counts)) == (True, (1, 0, 1))
    note = sign_checkpoint(Checkpoint(f"{LOG}/acme", 1, bytes(32)), [SIGNER])
    assert [one.kind for one in verified(ledger, against=[note]).differences] == ["rolled back"]


def test_rows_that_are_written_and_sealed_meanwhile_are_no_difference(sealed: Ledger) -> None:
    def write() -> None:
        for turn in range(1, 30):
            sealed.write(CHAT, turn=turn, key=str(turn))
            sealer(sealed.store).seal_all()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            came = verified(sealed)
            assert came.held, came.differences
        writing.result()
    assert verified(sealed).size == ROWS + 29
