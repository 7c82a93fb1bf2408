"""Whether a ledger is what was signed: every leaf from its row, every root from the leaves.

Nothing that is stored is believed but signatures. Leaves are made again from the rows, the tree
from these leaves, and its root at each checkpoint's size compared with the one that was signed; the
hashes that were kept are compared as well, for they tell which row it was.

Work is cut into ranges of leaves that are complete subtrees, so that it can be spread over
processes, and go on where it stopped. Source: RFC 6962 §2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from selene_os.errors import BadField
from selene_os.ledger.proofs import HASH_BYTES, Proofs
from selene_os.names import EventId, TenantId
from selene_os.proof.leaves import leaf_of
from selene_os.proof.merkle import Frontier

# A range is 2**16 leaves: small enough to show progress, large enough to be worth a process.
RANGE_LEVEL: Final = 16
RANGE_ROWS: Final = 1 << RANGE_LEVEL
DIFFERENCES_MAX: Final = 20
_PAGE_ROWS: Final = 4_096

CHANGED: Final = "changed"
REMOVED: Final = "removed"
ADDED: Final = "added"
REORDERED: Final = "reordered"
FORGED: Final = "checkpoint forged"
ROLLED_BACK: Final = "rolled back"
PROOF_CHANGED: Final = "proof changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was signed.

    Attributes:
        kind: changed, removed, added, reordered, checkpoint forged, rolled back, or proof changed:
            of the last the rows are what they were, and what was kept to prove them is not.
        leaf_index: the first leaf that it concerns; None where it concerns none.
        event_id: the row, where it is known which.
        found: what was seen, as a sentence without its stop.
    """

    kind: str
    leaf_index: int | None
    event_id: EventId | None
    found: str


@dataclass(frozen=True, slots=True)
class Range:
    """Leaves `first` up to, not including, `end`, all within one complete subtree of 2**16.

    Attributes:
        sizes: what was signed of them: above first and at most end, ascending.
        edge: the right edge of the subtree's leaves before `first`, which are believed; none where
            `first` is the subtree's first leaf.
    """

    first: int
    end: int
    sizes: tuple[int, ...]
    edge: tuple[bytes, ...] = ()

    @property
    def start(self) -> int:
        """The first leaf of the subtree."""
        return self.first >> RANGE_LEVEL << RANGE_LEVEL


@dataclass(frozen=True, slots=True)
class RangeFound:
    """What one range came to.

    Attributes:
        edges: at each of its sizes, the right edge of the subtree, the largest part first.
        edge: the same at its end: the subtree's own hash where it is complete.
        differences: at most 20, by leaf.
        node: the first leaf below a kept node that is not what the leaves make; None where all are.
    """

    edges: tuple[tuple[bytes, ...], ...]
    edge: tuple[bytes, ...]
    differences: tuple[Difference, ...]
    node: int | None


def ranges(trusted: Frontier, sizes: Sequence[int]) -> Iterator[Range]:
    """The ranges behind a tree that is believed, up to the last of the sizes.

    Args:
        trusted: its frontier; an empty one where nothing is believed.
        sizes: of checkpoints, ascending and above it; the last is the tree's.
    """
    first, place = trusted.size, 0
    edge = trusted.edge[(first >> RANGE_LEVEL).bit_count() :]
    while sizes and first < sizes[-1]:
        stop = min((first >> RANGE_LEVEL) + 1 << RANGE_LEVEL, sizes[-1])
        within = place
        while place < len(sizes) and sizes[place] <= stop:
            place += 1
        yield Range(first, stop, tuple(sizes[within:place]), edge)
        first, edge = stop, ()


def check_range(proofs: Proofs, tenant_id: TenantId, part: Range) -> RangeFound:
    """Make the leaves of a range again from their rows, and compare them with what was kept."""
    grown = Frontier(part.first - part.start, part.edge)
    leaves = _leaves(proofs, tenant_id, part)
    edges: list[tuple[bytes, ...]] = []
    differing: list[tuple[Difference, bytes]] = []
    kept: list[bytes] = []
    levels: dict[int, tuple[int, list[bytes]]] = {}
    first, last_signed = part.first, part.sizes[-1] if part.sizes else 0
    for stop in part.sizes if last_signed == part.end else (*part.sizes, part.end):
        made: list[bytes] = []
        before = ""
        for row in islice(leaves, stop - first):
            index, event_id, leaf_hash = row[0], row[1], row[2]
            leaf, difference = _checked(index, event_id, leaf_hash, row[3:])
            if difference is None:
                if event_id <= before:
                    found = f"stands behind {before}, which sorts after it"
                    difference = Difference(REORDERED, index, event_id, found)
                before = event_id
            if difference is not None and len(differing) < DIFFERENCES_MAX:
                differing.append((difference, leaf))
            made.append(leaf)
            kept.append(leaf_hash)
        grown, runs = grown.extend(made)
        for level, start, nodes in runs:
            levels.setdefault(level, (start, []))[1].extend(nodes)
        if stop in part.sizes:
            edges.append(grown.edge)
        first = stop
    return RangeFound(
        tuple(edges),
        grown.edge,
        tuple(_told(difference, leaf, kept) for difference, leaf in differing),
        _first_other_node(proofs, tenant_id, part.start, levels),
    )


def _leaves(proofs: Proofs, tenant_id: TenantId, part: Range) -> Iterator[tuple[Any, ...]]:
    """One for each leaf of a range, in order, also where it is missing."""
    place = part.first
    while place < part.end:
        page = proofs.sealed_rows(tenant_id, place, min(_PAGE_ROWS, part.end - place))
        if page and page[0][0] == place and page[-1][0] == place + len(page) - 1 < part.end:
            # As nearly every page is: without a gap.
            yield from page
            place += len(page)
            continue
        for row in page:
            for lacking in range(place, min(row[0], part.end)):
                yield (lacking, None, b"")
            if row[0] >= part.end:
                return
            yield row
            place = row[0] + 1
        if not page:
            break
    for lacking in range(place, part.end):
        yield (lacking, None, b"")


def _checked(
    index: int, event_id: EventId | None, kept: bytes, whole: tuple[Any, ...]
) -> tuple[bytes, Difference | None]:
    """The hash that a leaf's row has now, and what differs from what was kept of it."""
    if event_id is None:
        # No root will match without it; but what stands elsewhere is still looked at.
        return bytes(HASH_BYTES), Difference(REMOVED, index, None, "the leaf is missing")
    if whole[0] is None:
        return kept, Difference(REMOVED, index, event_id, "its row is not there any more")
    try:
        made = leaf_of(whole)
    except BadField as error:
        found = f"{error.field} {error.problem}"
        return bytes(HASH_BYTES), Difference(CHANGED, index, event_id, found)
    if made == kept:
        return made, None
    what = "its record is gone, or it" if whole[-1] is None else "it"
    return made, Difference(CHANGED, index, event_id, f"{what} is not what was sealed")


def _told(difference: Difference, leaf: bytes, kept: list[bytes]) -> Difference:
    """A changed row as a moved one, where it is what was sealed elsewhere."""
    if difference.kind == CHANGED and leaf in kept:
        found = "it was sealed in another place"
        return Difference(REORDERED, difference.leaf_index, difference.event_id, found)
    return difference


def _first_other_node(
    proofs: Proofs, tenant_id: TenantId, start: int, levels: dict[int, tuple[int, list[bytes]]]
) -> int | None:
    """The first leaf below a kept node that is not what the leaves make, the lowest level first."""
    for level, (local, made) in sorted(levels.items()):
        first = (start >> level) + local
        kept = nodes_kept(proofs, tenant_id, level, first, len(made))
        if kept != b"".join(made):
            places = range(0, len(kept), HASH_BYTES)
            other = next(
                number
                for number, (at, node) in enumerate(zip(places, made, strict=True))
                if kept[at : at + HASH_BYTES] != node
            )
            return first + other << level
    return None


def nodes_kept(proofs: Proofs, tenant_id: TenantId, level: int, first: int, count: int) -> bytes:
    """The hashes that were kept of neighbouring nodes, joined; zeros where one is missing."""
    kept = bytearray(count * HASH_BYTES)
    for run in proofs.runs(tenant_id, level, first, first + count):
        skip = max(first - run.first, 0)
        hashes = run.hashes[skip * HASH_BYTES : (first + count - run.first) * HASH_BYTES]
        at = (run.first + skip - first) * HASH_BYTES
        kept[at : at + len(hashes)] = hashes
    return bytes(kept)
