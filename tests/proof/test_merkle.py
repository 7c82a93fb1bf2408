"""Trees: their hashes, their growth and their roots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merkle_rfc import ALL, LEAVES, Kept, mth
from selene_os.errors import BadField
from selene_os.proof.merkle import EMPTY_ROOT, SIZE_MAX, Frontier, leaf_hash, node_hash
from selene_os.proof.merkle_proofs import frontier_at

# The eight leaves that tests of Certificate Transparency logs use, and the roots of 1 to 8 of them.
EIGHT = "|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f".split("|")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
SIZES = st.integers(0, 300)


def grown(leaves: list[bytes]) -> Frontier:
    return Frontier().extend(leaves).frontier


def test_leaves_and_nodes_are_hashed_as_certificate_transparency_hashes_them() -> None:
    assert leaf_hash(b"").hex() == ROOTS[0]
    assert leaf_hash(b"L123456").hex() == (
        "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    )
    assert node_hash(b"N123", b"N456").hex() == (
        "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


def test_the_roots_of_the_reference_tree_are_the_known_ones() -> None:
    leaves = [leaf_hash(bytes.fromhex(text)) for text in EIGHT]
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c14")
    for leaf, root in zip(leaves, ROOTS, strict=True):
        frontier = frontier.append(leaf).frontier
        assert frontier.root().hex() == root


@given(SIZES)
def test_a_root_is_the_hash_that_the_rfc_defines(size: int) -> None:
    assert grown(LEAVES[:size]).root() == mth(LEAVES[:size])


@given(st.lists(st.integers(0, 70), max_size=8))
def test_it_does_not_matter_in_which_batches_leaves_come(batches: list[int]) -> None:
    frontier, start, runs = Frontier(), 0, {}
    for count in batches:
        count = min(count, len(LEAVES) - start)
        frontier, new = frontier.extend(LEAVES[start : start + count])
        start += count
        for level, first, hashes in new:
            runs.update({(level, place): value for place, value in enumerate(hashes, first)})
    assert frontier == grown(LEAVES[:start])
    assert runs == {name: value for name, value in Kept(LEAVES[:start], 1).nodes.items() if name[0]}


@given(SIZES)
def test_what_an_append_completes_are_exactly_the_complete_subtrees(size: int) -> None:
    for (level, place), value in Kept(LEAVES[:size]).nodes.items():
        assert value == mth(LEAVES[place << level : (place + 1) << level])
    assert len(Kept(LEAVES[:size]).nodes) == sum(size >> level for level in range(10))


def test_appending_leaves_the_old_frontier_as_it_was() -> None:
    old = grown(LEAVES[:5])
    edge = old.edge
    old.extend(LEAVES[5:])
    assert (old.size, old.edge) == (5, edge)
    assert old.extend([]) == (old, ())


@given(SIZES)
def test_a_frontier_comes_back_from_its_bytes_and_from_kept_nodes(size: int) -> None:
    frontier = grown(LEAVES[:size])
    assert Frontier.decode(frontier.encode()) == frontier
    assert frontier_at(size, ALL.read) == frontier


@pytest.mark.parametrize("cut", [slice(0, 7), slice(0, -1), slice(0, -32), slice(1, None)])
def test_a_frontier_that_was_cut_is_refused(cut: slice) -> None:
    with pytest.raises(BadField, match="frontier"):
        Frontier.decode(grown(LEAVES[:5]).encode()[cut])
    with pytest.raises(BadField, match="size that no tree has"):
        Frontier.decode(b"\xff" * (8 + 64 * 32))


@pytest.mark.parametrize(
    ("size", "edge"),
    [(-1, ()), (SIZE_MAX + 1, (LEAVES[0],)), (1, ()), (0, (LEAVES[0],)), (1, (b"short",))],
)
def test_a_size_and_an_edge_that_do_not_belong_together_are_refused(
    size: int, edge: tuple[bytes, ...]
) -> None:
    with pytest.raises(BadField, match="frontier"):
        Frontier(size, edge)


def test_a_leaf_that_is_no_hash_and_a_tree_that_grows_too_large_are_refused() -> None:
    with pytest.raises(BadField, match="32 bytes"):
        Frontier().extend([LEAVES[0] + b"x", LEAVES[1][:31]])
    full = Frontier(SIZE_MAX, (LEAVES[0],) * 63)
    with pytest.raises(BadField, match="size that no tree has"):
        full.append(LEAVES[0])
