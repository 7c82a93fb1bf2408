"""Proofs of Merkle trees: made from kept nodes, and judged from nothing but hashes.

An inclusion proof shows that a leaf stands at an index of a tree, a consistency proof that an older
tree is the beginning of a newer one. Either is about log2(n) hashes, and whoever checks it needs no
other part of the tree.

Source: RFC 6962 §2.1.1 and §2.1.2; RFC 9162 §2.1.3 and §2.1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from selene_os.errors import BadField
from selene_os.proof.merkle import HASH_BYTES, SIZE_MAX, Frontier, folded, node_hash


class Node(NamedTuple):
    """The name of a complete subtree, of 2 ** level leaves; `place` counts them from the left."""

    level: int
    place: int


# What reads one complete subtree's hash, of 32 bytes, from wherever nodes are kept.
NodeReader = Callable[[int, int], bytes]
# The nodes that a proof is made of: each inner tuple, from left to right, becomes one hash of it.
Plan = tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a proof holds, and why or why not, as a sentence without its stop; true if it holds.

    No NamedTuple on purpose: that would be true also where the proof fails.
    """

    holds: bool
    reason: str

    def __bool__(self) -> bool:
        return self.holds


def frontier_plan(size: int) -> Plan:
    """The nodes that a tree of `size` leaves has on its right edge, each in a tuple of its own."""
    _check_size("size", size, 0)
    return tuple((node,) for node in _cover(0, size))


def inclusion_plan(index: int, size: int) -> Plan:
    """The nodes that prove that a leaf stands at `index` of the first `size` leaves.

    For stores that read many nodes in one statement; `inclusion_proof` reads one after another.

    Raises:
        BadField: there is no such leaf.
    """
    _check_size("size", size, 1)
    if not 0 <= index < size:
        raise BadField("index", f"is {_shown(index)}; the tree has {size} leaves", "Count from 0.")
    return tuple(_hidden_below(sibling, size) for sibling in _siblings(index, size, 0))


def consistency_plan(old: int, new: int) -> Plan:
    """The nodes that prove that the first `old` leaves are the beginning of the first `new`.

    Raises:
        BadField: old is not from 1 to new. Every tree begins with the empty one: nothing to prove.
    """
    _check_size("new", new, 1)
    _check_size("old", old, 1)
    if old > new:
        raise BadField("old", f"is {old}; the newer tree has {new} leaves", "Swap the two.")
    if old == new:
        return ()
    start = _last_complete(old)
    siblings = _siblings(old - 1, new, start.level)
    plan = tuple(_hidden_below(sibling, new) for sibling in siblings)
    # Where the whole old tree is that node, whoever checks has it already: it is the old root.
    return plan if old == 1 << start.level else ((start,), *plan)


def proof_of(plan: Plan, read: NodeReader) -> tuple[bytes, ...]:
    """The hashes that a plan asks for, 32 bytes each, in the order of the proof.

    What `read` says is not doubted here: check the proof against a signed root before it is given
    away. What `read` raises goes through.
    """
    return tuple(folded([read(level, place) for level, place in nodes]) for nodes in plan)


def inclusion_proof(index: int, size: int, read: NodeReader) -> tuple[bytes, ...]:
    """The proof that a leaf stands at `index` of the first `size` leaves, from the leaf upwards.

    Args:
        index: the leaf's place, from 0.
        size: how many leaves the tree had that is proven against; the store may hold more by now.
        read: gives a node's hash; asked at most 2 * log2(size) times, for complete subtrees of the
            first `size` leaves only.

    Raises:
        BadField: there is no such leaf.

    Source: RFC 6962 §2.1.1.
    """
    return proof_of(inclusion_plan(index, size), read)


def consistency_proof(old: int, new: int, read: NodeReader) -> tuple[bytes, ...]:
    """The proof that the first `old` leaves are the beginning of the first `new`.

    Args:
        old: how many leaves the older tree has, 1 to `new`.
        new: how many leaves the newer tree has.
        read: as for `inclusion_proof`.

    Raises:
        BadField: old is not from 1 to new.

    Source: RFC 6962 §2.1.2.
    """
    return proof_of(consistency_plan(old, new), read)


def frontier_at(size: int, read: NodeReader) -> Frontier:
    """The frontier that the tree had when it had `size` leaves, from the nodes that were kept."""
    return Frontier(size, proof_of(frontier_plan(size), read))


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> Verdict:
    """Whether a proof shows that `leaf` stands at `index` of the tree of `size` leaves and `root`.

    Total: numbers and bytes of any size get a verdict. Take size and root from one signed
    checkpoint: where another size gives the same way to the root, a proof cannot tell them apart.

    Args:
        index: the leaf's place, from 0.
        size: how many leaves the tree has.
        leaf: the leaf's hash, 32 bytes.
        proof: hashes of 32 bytes, from the leaf upwards.
        root: the tree's root hash, 32 bytes.

    Source: RFC 9162 §2.1.3.2.
    """
    if not 0 < size <= SIZE_MAX:
        return Verdict(False, f"no leaf can be proven in a tree of {_shown(size)} leaves")
    if not 0 <= index < size:
        return Verdict(False, f"a tree of {size} leaves has none at index {_shown(index)}")
    siblings = tuple(_siblings(index, size, 0))
    if problem := _misshapen(len(siblings), proof, {"leaf": leaf, "root": root}):
        return Verdict(False, problem)
    reached = leaf
    for sibling, other in zip(siblings, proof, strict=True):
        reached = node_hash(reached, other) if sibling.place & 1 else node_hash(other, reached)
    if reached != root:
        return Verdict(False, f"the proof leads to the root {reached.hex()}, not to {root.hex()}")
    return Verdict(True, f"the leaf stands at index {index} of {size}")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> Verdict:
    """Whether a proof shows that the older tree is the beginning of the newer one.

    Total, and to be used, as `verify_inclusion`: take each size with its root from one signed
    checkpoint. An old size of 0 never holds: every tree begins with the
    empty one, so that such a proof would say nothing.

    Args:
        old: how many leaves the older tree has.
        new: how many leaves the newer tree has.
        old_root: the older tree's root hash, 32 bytes.
        new_root: the newer tree's root hash, 32 bytes.
        proof: hashes of 32 bytes, lower levels first; none where the sizes are the same.

    Source: RFC 9162 §2.1.4.2.
    """
    if not 0 < old <= new <= SIZE_MAX:
        return Verdict(
            False, f"a tree of {_shown(old)} leaves cannot be compared with one of {_shown(new)}"
        )
    level = _last_complete(old).level
    siblings = () if old == new else tuple(_siblings(old - 1, new, level))
    seeded = old != new and old != 1 << level
    needed = len(siblings) + seeded
    # Trees of one size are compared, not hashed: there anything may stand for a root.
    roots = {} if old == new else {"old root": old_root, "new root": new_root}
    if problem := _misshapen(needed, proof, roots):
        return Verdict(False, problem)
    path = iter(proof)
    older = newer = next(path) if seeded else old_root
    for sibling, other in zip(siblings, path, strict=True):
        if sibling.place & 1:
            newer = node_hash(newer, other)
        else:
            older, newer = node_hash(other, older), node_hash(other, newer)
    if older != old_root:
        return Verdict(
            False, f"the proof leads to the old root {older.hex()}, not {old_root.hex()}"
        )
    if newer != new_root:
        return Verdict(
            False, f"the proof leads to the new root {newer.hex()}, not {new_root.hex()}"
        )
    return Verdict(True, f"the first {old} of {new} leaves are unchanged")


def _siblings(leaf: int, size: int, level: int) -> Iterator[Node]:
    """The neighbours on the way from a leaf's ancestor at `level` up to the root of `size` leaves.

    A neighbour with an odd place lies to the right. The last one to the right may be incomplete;
    it is named by the subtree that it will become.
    """
    for step in range(level, size.bit_length()):
        sibling = (leaf >> step) ^ 1
        if sibling << step < size:
            yield Node(step, sibling)


def _hidden_below(node: Node, size: int) -> tuple[Node, ...]:
    """The complete subtrees that cover a node of a tree of `size` leaves, from left to right."""
    start, end = node.place << node.level, (node.place + 1) << node.level
    return tuple(_cover(start, min(end, size)))


def _cover(start: int, end: int) -> Iterator[Node]:
    """The largest complete subtrees from leaf `start` to `end`; start is a multiple of each."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield Node(level, start >> level)
        start += 1 << level


def _last_complete(size: int) -> Node:
    """The smallest subtree on the right edge of a tree of `size` leaves, 1 or more."""
    level = (size & -size).bit_length() - 1
    return Node(level, (size - 1) >> level)


def _misshapen(needed: int, proof: Sequence[bytes], hashes: dict[str, bytes]) -> str | None:
    for name, value in hashes.items():
        if len(value) != HASH_BYTES:
            return f"the {name} is {len(value)} bytes, not {HASH_BYTES}"
    if len(proof) != needed:
        return f"the proof has {len(proof)} hashes, {needed} are needed"
    for place, value in enumerate(proof):
        if len(value) != HASH_BYTES:
            return f"hash {place} of the proof is {len(value)} bytes, not {HASH_BYTES}"
    return None


def _shown(number: int) -> str:
    # Python does not write out a number of thousands of digits.
    return str(number) if number.bit_length() <= 64 else f"a number of {number.bit_length()} bits"


def _check_size(field: str, size: int, least: int) -> None:
    if not least <= size <= SIZE_MAX:
        raise BadField(
            field, f"is {_shown(size)}; {least} to 2**63 - 1 are accepted", "Give a tree's size."
        )
