"""The evidence of one conversation: its rows, where they stand in the log, and what proves it.

    Case = the rows + for each its leaf's index and inclusion proof
         + the checkpoint that they are proven against + the statements of the log's keys
         + optionally a consistency proof from an older checkpoint that somebody kept
         + optionally what was said

It is made here from what a store holds, and checked before it is given away: a store that was
changed from outside gives no evidence. `bundle` writes it as files, `judging` judges those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from selene_os.errors import BadField, Fault
from selene_os.keys import cipher
from selene_os.ledger.events import CheckpointRow, Disclosed, Placed, WholeRow
from selene_os.names import EventId, TenantId
from selene_os.proof.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from selene_os.proof.key_chain import chain_of, origin_of
from selene_os.proof.leaves import leaf_of
from selene_os.proof.merkle_proofs import (
    Node,
    Plan,
    consistency_plan,
    inclusion_plan,
    proof_of,
    verify_consistency,
    verify_inclusion,
)
from selene_os.proof.notes import parse_note

ROWS_MAX: Final = 10_000
# What a record's encryption is bound to; see `keys.cipher`.
RECORDS: Final = "replay_inputs"


class Proven(NamedTuple):
    """One row, and what proves it; no index and no hashes where it is not sealed yet."""

    row: WholeRow
    leaf_index: int | None
    proof: tuple[bytes, ...]


class Consistency(NamedTuple):
    """That the log still begins with what it was when it had `size` leaves and this root."""

    size: int
    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The evidence of one conversation.

    Attributes:
        rows: 1 to 10,000 rows of one tenant and correlation, by turn and then by event id.
        note: the checkpoint as it was signed.
        sealed_at: when the log says that it made the checkpoint, in nanoseconds since 1970 UTC;
            no signature covers that.
        statements: of the log's keys, the oldest first.
        consistency: from an older checkpoint to this one, where somebody asked for it.
        inputs: what was said, of the rows that it was asked of.
    """

    rows: tuple[Proven, ...]
    note: bytes
    sealed_at: int
    statements: tuple[bytes, ...]
    consistency: Consistency | None = None
    inputs: Mapping[EventId, Disclosed] = field(default_factory=dict)

    @property
    def unsealed(self) -> tuple[WholeRow, ...]:
        """The rows that nothing proves yet."""
        return tuple(row for row, index, _ in self.rows if index is None)


class Sealing(NamedTuple):
    """What of a log proves its rows: its newest checkpoint, and the statements of its keys."""

    checkpoint: CheckpointRow
    statements: tuple[bytes, ...]


def read_older(note: bytes) -> Checkpoint:
    """The checkpoint that somebody kept, taken apart and not verified: theirs to trust."""
    return parse_checkpoint(parse_note(note).text)


def wanted_nodes(
    size: int, placed: Mapping[EventId, Placed], older: Checkpoint | None = None
) -> list[Node]:
    """The nodes of the tree that the proofs are made of, each once, in order.

    Args:
        size: how many leaves the checkpoint has.
        placed: the rows that are to be proven.
        older: the checkpoint that consistency is to be shown with.

    Raises:
        BadField: the older checkpoint is of a larger tree.
    """
    plans: list[Plan] = [inclusion_plan(one.leaf_index, size) for one in placed.values()]
    if older is not None:
        plans.append(_consistency_plan(older, size))
    return sorted({node for plan in plans for nodes in plan for node in nodes})


def make_case(
    rows: Sequence[WholeRow],
    placed: Mapping[EventId, Placed],
    nodes: Mapping[Node, bytes],
    sealing: Sealing,
    *,
    older: Checkpoint | None = None,
    inputs: Mapping[EventId, Disclosed] | None = None,
) -> Case:
    """Make the evidence of a conversation, and check it.

    Args:
        rows: its rows, all of one tenant and correlation.
        placed: where they stand in the log; a row that is not among these is carried unproven.
        nodes: the hashes of `wanted_nodes`.
        sealing: what they are proven against.
        older: the checkpoint that consistency is to be shown with.
        inputs: what was said, of the rows that shall disclose it.

    Raises:
        BadField: the older checkpoint is of another log, or of a larger tree.
        Fault: what the store holds does not prove what it holds; something was changed.
    """
    newest, statements = sealing
    tenant_id = rows[0].tenant_id
    with_proofs = tuple(
        _proven(row, placed.get(row.event_id), newest.size, nodes)
        for row in sorted(rows, key=lambda row: (row.turn_id, row.event_id))
    )
    consistency = None
    if older is not None:
        proof = proof_of(
            _consistency_plan(older, newest.size), lambda level, place: nodes[Node(level, place)]
        )
        consistency = Consistency(older.size, older.root, proof)
    case = Case(with_proofs, newest.note, newest.created_at, statements, consistency, inputs or {})
    _check(case, placed, tenant_id, older)
    return case


def _proven(row: WholeRow, place: Placed | None, size: int, nodes: Mapping[Node, bytes]) -> Proven:
    if place is None:
        return Proven(row, None, ())
    plan = inclusion_plan(place.leaf_index, size)
    proof = proof_of(plan, lambda level, at: nodes[Node(level, at)])
    return Proven(row, place.leaf_index, proof)


def _consistency_plan(older: Checkpoint, size: int) -> Plan:
    if older.size > size:
        raise BadField(
            "against",
            f"has {older.size} leaves, the log's newest checkpoint {size}",
            "See whether it is of this log; if it is, leaves were taken away.",
        )
    return consistency_plan(older.size, size)


def _check(
    case: Case, placed: Mapping[EventId, Placed], tenant_id: TenantId, older: Checkpoint | None
) -> None:
    """Hold what was made against the checkpoint, as whoever gets it will."""
    try:
        keys = chain_of(case.statements)
        if not keys:
            raise BadField("statement", "is missing", "See `selene doctor`.")
        origin = origin_of(keys[0].name, tenant_id)
        checkpoint = open_checkpoint(case.note, origin, keys).checkpoint
    except BadField as error:
        raise _damaged(f"its checkpoint or keys do not hold ({error.field} {error.problem})") from (
            error
        )
    if older is not None and older.origin != origin:
        raise BadField("against", "is of another log", f"Give a checkpoint of {origin}.")
    for row, index, proof in case.rows:
        if index is None:
            continue
        leaf = leaf_of(row)
        if leaf != placed[row.event_id].leaf_hash:
            raise _damaged(f"row {row.event_id} is not what was sealed")
        held = verify_inclusion(index, checkpoint.size, leaf, proof, checkpoint.root)
        if not held:
            raise _damaged(f"row {row.event_id} is not proven ({held.reason})")
    if case.consistency is not None:
        size, root, proof = case.consistency
        held = verify_consistency(size, checkpoint.size, root, checkpoint.root, proof)
        if not held:
            raise _damaged(f"the log does not begin with that checkpoint ({held.reason})")
    _check_inputs(case)


def _check_inputs(case: Case) -> None:
    rows = {one.row.event_id: one.row for one in case.rows}
    for event_id, given in case.inputs.items():
        row = rows.get(event_id)
        problem = "has no row" if row is None else unlike(given, row)
        if problem:
            raise _damaged(f"the record of row {event_id} {problem}")


def unlike(given: Disclosed, row: WholeRow) -> str | None:
    """Why what is disclosed is not what was sealed with a row; None where it is."""
    if hashlib.sha256(given.stored).digest() != row.record_digest:
        return "is not the one that its row names"
    if given.row_key is None:
        return None if given.stored == given.plaintext else "is encrypted, and comes without a key"
    context = cipher.context_of(RECORDS, row.tenant_id, (row.event_id,))
    try:
        words = cipher.open_row(given.row_key, given.stored, context)
    except Fault:
        return "is not opened by the key that comes with it"
    return None if words == given.plaintext else "says something else than what was encrypted"


def _damaged(problem: str) -> Fault:
    return Fault(problem, "Run `selene verify`; somebody wrote past the ledger.")
