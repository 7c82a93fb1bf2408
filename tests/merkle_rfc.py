"""RFC 6962 and RFC 9162, word by word and slowly: what trees and proofs are tested against."""

from __future__ import annotations

from selene_os.proof.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash

LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(301)]


def mth(leaves: list[bytes]) -> bytes:
    """The Merkle Tree Hash of a list of leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    k = split(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b); PROOF(m, D[n]) where b is true."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def included(index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2, step by step."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162 §2.1.4.2, step by step; of trees that are neither empty nor of one size."""
    if not proof:
        return False
    way = [old_root, *proof] if old & (old - 1) == 0 else proof
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = way[0]
    for c in way[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


class Kept:
    """A tree, and of its inner nodes those that it said were complete, as a store keeps them."""

    def __init__(self, leaves: list[bytes], batch: int = 7) -> None:
        self.nodes = {(0, place): leaf for place, leaf in enumerate(leaves)}
        self.frontier = Frontier()
        for start in range(0, len(leaves), batch):
            self.frontier, runs = self.frontier.extend(leaves[start : start + batch])
            for level, first, hashes in runs:
                assert hashes
                for place, value in enumerate(hashes, first):
                    assert self.nodes.setdefault((level, place), value) is value

    def read(self, level: int, place: int) -> bytes:
        return self.nodes[level, place]


ALL = Kept(LEAVES)
