"""Append-only Merkle trees: hashes, growth and roots. What is proven of them is in `merkle_proofs`.

A tree of n leaves has one root hash. A node is named by (level, place): the complete subtree over
the leaves place << level up to, not including, (place + 1) << level; level 0 is the leaves. Its
hash never changes once its last leaf is there, so that a store can keep it for good. What a tree
has beyond its complete subtrees is made from them.

Source: RFC 6962 §2.1, and RFC 9162 §2.1.1, which kept it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from selene_os.errors import BadField

HASH_BYTES: Final = 32
# Sizes and indices are signed 64-bit integers in both stores, and in other logs' programs.
SIZE_MAX: Final = 2**63 - 1
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
_SIZE_BYTES: Final = 8


class Run(NamedTuple):
    """Neighbouring nodes of one level: the hashes of (level, first), (level, first + 1), ..."""

    level: int
    first: int
    hashes: tuple[bytes, ...]


class Grown(NamedTuple):
    """What became of a tree: its frontier, and the runs of inner nodes (level 1 and up) it got."""

    frontier: Frontier
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree's size and right edge: all that is needed to append to it and to tell its root.

    It does not change; what is appended makes another. A sealer whose transaction fails goes on
    with the frontier that it had.

    Attributes:
        size: how many leaves the tree has, 0 to 2**63 - 1.
        edge: the hashes of the complete subtrees that cover it, from left to right, the largest
            first: one of 32 bytes for each bit that is set in size.

    Raises:
        BadField: size and edge do not belong together.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX:
            raise _broken_frontier("has a size that no tree has")
        if len(self.edge) != self.size.bit_count():
            raise _broken_frontier(
                f"has {len(self.edge)} hashes; a tree of {self.size} leaves has"
                f" {self.size.bit_count()}"
            )
        if not set(map(len, self.edge)) <= {HASH_BYTES}:
            raise _broken_frontier(f"holds a hash that is not {HASH_BYTES} bytes")

    def append(self, leaf: bytes) -> Grown:
        """Append one leaf, given by its hash; `extend` is faster for many."""
        return self.extend((leaf,))

    def extend(self, leaf_hashes: Sequence[bytes]) -> Grown:
        """Append leaves.

        Args:
            leaf_hashes: 32 bytes each, in the order of the tree.

        Returns:
            The frontier behind them, and what they complete: at most one run for a level, the
            lowest level first. The leaves themselves, level 0, are not repeated.

        Raises:
            BadField: one is not 32 bytes, or the tree becomes too large.
        """
        if not set(map(len, leaf_hashes)) <= {HASH_BYTES}:
            raise BadField("leaf_hash", f"is not {HASH_BYTES} bytes", "Give what leaf_hash made.")
        sha256, above = hashlib.sha256, _NODE
        old_edge, new_edge, runs = list(self.edge), [], []
        row, first, level = list(leaf_hashes), self.size, 0
        # Level by level, not leaf by leaf: nearly all the time goes into one list comprehension.
        while row:
            if first & 1:
                first -= 1
                row.insert(0, old_edge.pop())
            if len(row) & 1:
                new_edge.append(row.pop())
            pairs = iter(row)
            row = [
                sha256(above + left + right).digest()
                for left, right in zip(pairs, pairs, strict=True)
            ]
            first, level = first >> 1, level + 1
            if row:
                runs.append(Run(level, first, tuple(row)))
        # What is left of the old edge lies higher than anything that came.
        edge = (*old_edge, *reversed(new_edge))
        return Grown(Frontier(self.size + len(leaf_hashes), edge), tuple(runs))

    def root(self) -> bytes:
        """The tree's root hash, 32 bytes; SHA-256 of nothing where it has no leaves."""
        return folded(self.edge) if self.edge else EMPTY_ROOT

    def encode(self) -> bytes:
        """Size as 8 bytes, most significant first, then the edge's hashes, one behind another."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.edge)

    @classmethod
    def decode(cls, data: bytes) -> Frontier:
        """The frontier that `encode` wrote; raises BadField for anything else."""
        size, hashes = int.from_bytes(data[:_SIZE_BYTES], "big"), data[_SIZE_BYTES:]
        if len(data) < _SIZE_BYTES or len(hashes) % HASH_BYTES:
            raise _broken_frontier(f"of {len(data)} bytes is cut off, or too long")
        starts = range(0, len(hashes), HASH_BYTES)
        return cls(size, tuple(hashes[start : start + HASH_BYTES] for start in starts))


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf with this content, 32 bytes."""
    return hashlib.sha256(_LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two nodes, 32 bytes.

    Leaves and nodes begin with different bytes, so that neither can be passed off as the other.
    """
    return hashlib.sha256(_NODE + left + right).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """The hash above neighbouring complete subtrees of falling size, from left to right."""
    *rest, reached = hashes
    for left in reversed(rest):
        reached = node_hash(left, reached)
    return reached


def _broken_frontier(problem: str) -> BadField:
    return BadField("frontier", problem, "Make it again from the tree's nodes.")
