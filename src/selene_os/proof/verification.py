"""`verify`: one tenant's log against its signatures, and against a checkpoint kept elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from selene_os.errors import BadField, Fault
from selene_os.ledger.events import CheckpointRow
from selene_os.ledger.proofs import Counts, Proofs
from selene_os.names import TenantId
from selene_os.proof import verifying
from selene_os.proof.checkpoint import Checkpoint, open_checkpoint
from selene_os.proof.merkle import HASH_BYTES, Frontier
from selene_os.proof.merkle_proofs import consistency_proof, verify_consistency
from selene_os.proof.signing import VerifierKey
from selene_os.proof.verifying import (
    ADDED,
    CHANGED,
    DIFFERENCES_MAX,
    FORGED,
    PROOF_CHANGED,
    RANGE_LEVEL,
    REMOVED,
    REORDERED,
    ROLLED_BACK,
    Difference,
    Range,
    RangeFound,
)

_PAGE: Final = 1_000
_TRIES_MAX: Final = 16
# Ranges -> what each came to, in order; in one process or in many.
Check = Callable[[Iterable[Range]], Iterable[RangeFound]]


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of verifying one tenant's log.

    Attributes:
        size: how many leaves the newest checkpoint signs.
        checked: how many of them were made again from their rows.
        checkpoints: how many signatures and roots were checked.
        counts: of rows, at the end.
        differences: by leaf, at most 20; none where all is as it was signed.
        newest: the newest checkpoint, for whoever keeps it.
    """

    tenant_id: TenantId
    size: int
    checked: int
    checkpoints: int
    counts: Counts
    differences: tuple[Difference, ...]
    newest: CheckpointRow | None

    @property
    def held(self) -> bool:
        """Everything is as it was signed."""
        return not self.differences


def verify(
    proofs: Proofs,
    tenant_id: TenantId,
    origin: str,
    keys: Sequence[VerifierKey],
    check: Check,
    *,
    against: Sequence[Checkpoint] = (),
    after: Checkpoint | None = None,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Verified:
    """Verify one tenant's log.

    Args:
        origin: the log's name, as its checkpoints say it.
        keys: whom to believe.
        check: makes ranges again: `verifying.check_range` over each, in some number of processes.
        against: checkpoints that were kept elsewhere, opened; this log must still be what they say.
        after: such a one up to which the log was verified before: what is behind it is checked.
        told: called with the number of leaves that are checked, and of all.

    Raises:
        Fault: the ledger cannot be read.
    """
    rows = _checkpoints(proofs, tenant_id)
    found: list[Difference] = []
    signed: dict[int, bytes] = {}
    for row in rows:
        checkpoint = _opened(row, origin, keys, found)
        if checkpoint is not None:
            signed[row.size] = checkpoint.root
    # Not of a forged one: who forges may write any number.
    size = max(signed, default=0)
    trusted = _trusted(rows, after, found)
    for kept in against:
        if kept.size > size:
            found.append(_rolled_back(kept, size))
        elif kept.size <= trusted.size and kept.size not in signed:
            # Its rows are not read again: that the trusted tree begins with it is proven instead.
            found += _within(proofs, tenant_id, kept, trusted)
        elif kept.size and (other := signed.setdefault(kept.size, kept.root)) != kept.root:
            found.append(_other_root(kept, other))
    sizes = sorted(one for one in signed if trusted.size < one)
    found += _trees(proofs, tenant_id, trusted, sizes, signed, check, told)
    counts, beyond = _counted(proofs, tenant_id)
    found += beyond
    found.sort(key=lambda one: size if one.leaf_index is None else one.leaf_index)
    return Verified(
        tenant_id,
        size,
        size - trusted.size,
        len(rows),
        counts,
        tuple(found[:DIFFERENCES_MAX]),
        rows[-1] if rows else None,
    )


def _checkpoints(proofs: Proofs, tenant_id: TenantId) -> list[CheckpointRow]:
    rows: list[CheckpointRow] = []
    while page := proofs.checkpoints(tenant_id, rows[-1].size if rows else 0, _PAGE):
        rows += page
    return rows


def _opened(
    row: CheckpointRow, origin: str, keys: Sequence[VerifierKey], found: list[Difference]
) -> Checkpoint | None:
    """A checkpoint that may be believed; else what is wrong with it is found."""
    try:
        checkpoint = open_checkpoint(row.note, origin, keys).checkpoint
        frontier = Frontier.decode(row.frontier)
    except BadField as error:
        found.append(_forged(row.size, f"{error.field} {error.problem}"))
        return None
    if checkpoint.size != row.size:
        found.append(_forged(row.size, f"its note is of {checkpoint.size} leaves"))
        return None
    if (frontier.size, frontier.root()) != (row.size, checkpoint.root):
        at = f"the right edge that was kept at {row.size} leaves is not of the signed tree"
        found.append(Difference(PROOF_CHANGED, row.size - 1, None, at))
    return checkpoint


def _trusted(
    rows: Sequence[CheckpointRow], after: Checkpoint | None, found: list[Difference]
) -> Frontier:
    """The frontier of what was verified before; empty where it does not fit."""
    if after is None:
        return Frontier()
    row = next((row for row in rows if row.size == after.size), None)
    try:
        frontier = Frontier() if row is None else Frontier.decode(row.frontier)
    except BadField:
        # That it is damaged was found with the checkpoint; all is verified again.
        return Frontier()
    if row is None:
        size = rows[-1].size if rows else 0
        gone = f"the checkpoint of {after.size} leaves is not there any more"
        lost = Difference(REMOVED, after.size - 1, None, gone)
        found.append(_rolled_back(after, size) if after.size > size else lost)
    elif frontier.root() != after.root:
        found.append(_other_root(after, frontier.root()))
        return Frontier()
    return frontier


def _within(
    proofs: Proofs, tenant_id: TenantId, kept: Checkpoint, trusted: Frontier
) -> list[Difference]:
    """What keeps a kept checkpoint from being the beginning of a tree that is believed."""
    if not kept.size:
        return []
    try:
        proof = consistency_proof(
            kept.size, trusted.size, lambda *node: proofs.nodes(tenant_id, [node])[0]
        )
        held = verify_consistency(kept.size, trusted.size, kept.root, trusted.root(), proof)
        reason = held.reason
    except Fault as fault:
        held, reason = None, fault.problem
    if held:
        return []
    at = f"the checkpoint of {kept.size} leaves is not shown to be the beginning: {reason}"
    return [Difference(FORGED, kept.size - 1, None, at)]


def _trees(
    proofs: Proofs,
    tenant_id: TenantId,
    trusted: Frontier,
    sizes: Sequence[int],
    signed: dict[int, bytes],
    check: Check,
    told: Callable[[int, int], None],
) -> list[Difference]:
    """Make the tree again, and compare its root at each size that was signed."""
    found: list[Difference] = []
    high = (trusted.size >> RANGE_LEVEL).bit_count()
    above = Frontier(trusted.size >> RANGE_LEVEL, trusted.edge[:high])
    before, sound = trusted.size, True
    parts = list(verifying.ranges(trusted, sizes))
    for part, came in zip(parts, check(parts), strict=True):
        found += came.differences[: DIFFERENCES_MAX - len(found)]
        other = None
        for size, edge in zip(part.sizes, came.edges, strict=True):
            whole = size - part.start == verifying.RANGE_ROWS
            tree = above.append(edge[0]).frontier.edge if whole else (*above.edge, *edge)
            if sound and size in signed and Frontier(size, tree).root() != signed[size]:
                sound, other = False, size
            before = before if not sound else size
        if other is not None and not found:
            found.append(_other_tree(before, other, came.node))
        elif sound and came.node is not None and not found:
            at = f"a node above leaf {came.node} is not what its leaves make"
            found.append(Difference(PROOF_CHANGED, came.node, None, at))
        if part.end - part.start == verifying.RANGE_ROWS:
            above, runs = above.append(came.edge[0])
            for level, first, hashes in runs:
                level += RANGE_LEVEL
                kept = verifying.nodes_kept(proofs, tenant_id, level, first, len(hashes))
                if sound and not found and kept != b"".join(hashes):
                    at = f"node {first} of level {level} is not what its leaves make"
                    found.append(Difference(PROOF_CHANGED, first << level, None, at))
        told(part.end, sizes[-1])
    return [_as_signed(one, before) for one in found]


def _as_signed(one: Difference, sound: int) -> Difference:
    """A row that differs from what was kept of it, where the row is what was signed."""
    within = one.leaf_index is not None and one.leaf_index < sound
    if not within or one.kind not in (CHANGED, REORDERED):
        return one
    found = "the row is what was signed, and what was kept of its leaf is not"
    return Difference(PROOF_CHANGED, one.leaf_index, one.event_id, found)


def _counted(proofs: Proofs, tenant_id: TenantId) -> tuple[Counts, list[Difference]]:
    """How many rows there are, and those that came past the ledger."""
    for _ in range(_TRIES_MAX):
        before = proofs.checkpoint(tenant_id)
        counts = proofs.counts(tenant_id)
        nodes_bytes = proofs.nodes_bytes(tenant_id)
        after = proofs.checkpoint(tenant_id)
        if before == after:
            break
    size = 0 if after is None else after.size
    found = []
    # A tree of n leaves has n nodes above them, less one for each bit that is set in n. That those
    # which belong there are right was seen one by one; this is about those that do not.
    whole = before == after and counts.leaves == size
    if whole and nodes_bytes != (size - size.bit_count()) * HASH_BYTES:
        kept = "other nodes are kept than this tree has"
        found.append(Difference(PROOF_CHANGED, None, None, kept))
    if counts.leaves > size:
        extra = f"{counts.leaves - size} leaves stand behind what was signed"
        found.append(Difference(ADDED, size, None, extra))
    if counts.events != counts.leaves + counts.unsealed:
        for event_id in proofs.unplaced(tenant_id, DIFFERENCES_MAX):
            behind = "it is neither sealed nor waits for it: nobody committed it so"
            found.append(Difference(ADDED, None, event_id, behind))
        if counts.events < counts.leaves + counts.unsealed:
            lost = counts.leaves + counts.unsealed - counts.events
            gone = f"{lost} rows fewer than were committed"
            found.append(Difference(REMOVED, None, None, gone))
    return counts, found


def _forged(size: int, problem: str) -> Difference:
    return Difference(FORGED, size - 1, None, f"the checkpoint of {size} leaves: {problem}")


def _rolled_back(kept: Checkpoint, size: int) -> Difference:
    return Difference(
        ROLLED_BACK, size, None, f"{kept.size} leaves were signed, and {size} are there"
    )


def _other_root(kept: Checkpoint, root: bytes) -> Difference:
    return Difference(
        FORGED,
        kept.size - 1,
        None,
        f"of {kept.size} leaves the root {kept.root.hex()} was signed before, not {root.hex()}",
    )


def _other_tree(before: int, size: int, node: int | None) -> Difference:
    first = before if node is None or not before <= node < size else node
    last = size - 1 if node is None else min(node + 1, size - 1)
    where = f"leaf {first}" if first == last else f"one of the leaves {first} to {last}"
    return Difference(CHANGED, first, None, f"{where} is not what was signed at {size} leaves")
