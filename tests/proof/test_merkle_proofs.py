"""Proofs, as RFC 6962 defines them, and verdicts on them, as transparency-dev's vectors say."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merkle_rfc import ALL, LEAVES, consistent, included, mth, path, subproof
from selene_os.errors import BadField
from selene_os.proof import merkle_proofs
from selene_os.proof.merkle import EMPTY_ROOT, SIZE_MAX
from selene_os.proof.merkle_proofs import (
    Node,
    Plan,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads(Path(__file__).with_name("merkle_vectors.json").read_text())
HASHES = [base64.b64decode(text) for text in VECTORS["hashes"]]
CASES = [(kind, *row) for kind in ("inclusion", "consistency") for row in VECTORS[kind]]
SIZES = st.integers(1, 300)
PROOFS = st.lists(st.sampled_from(LEAVES[:4]), max_size=8)


@given(SIZES, st.data())
def test_an_inclusion_proof_is_the_rfcs_and_holds(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, ALL.read)
    assert list(proof) == path(index, LEAVES[:size])
    assert verify_inclusion(index, size, LEAVES[index], proof, mth(LEAVES[:size]))


@given(SIZES, st.data())
def test_a_consistency_proof_is_the_rfcs_and_holds(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, ALL.read)
    assert list(proof) == subproof(old, LEAVES[:new])
    assert verify_consistency(old, new, mth(LEAVES[:old]), mth(LEAVES[:new]), proof)


def test_every_proof_of_every_small_tree_is_the_rfcs_and_holds() -> None:
    for size in range(1, 34):
        root = mth(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, ALL.read)
            assert list(proof) == path(index, LEAVES[:size])
            assert verify_inclusion(index, size, LEAVES[index], proof, root)
            proof = consistency_proof(index + 1, size, ALL.read)
            assert list(proof) == subproof(index + 1, LEAVES[:size])
            assert verify_consistency(index + 1, size, mth(LEAVES[: index + 1]), root, proof)


def test_the_rfcs_example_of_seven_leaves_is_proven_by_the_nodes_that_it_names() -> None:
    a, b, c, d, e, f, j = (Node(0, place) for place in range(7))
    g, h, i, k = Node(1, 0), Node(1, 1), Node(1, 2), Node(2, 0)
    right = (i, j)  # l in the RFC: not complete, so made of what is

    def whole(*nodes: Node) -> Plan:
        return tuple((node,) for node in nodes)

    inclusion, consistency = merkle_proofs.inclusion_plan, merkle_proofs.consistency_plan
    assert inclusion(0, 7) == (*whole(b, h), right)
    assert inclusion(3, 7) == (*whole(c, g), right)
    assert inclusion(4, 7) == whole(f, j, k)
    assert inclusion(6, 7) == whole(i, k)
    assert consistency(3, 7) == (*whole(c, d, g), right)
    assert consistency(4, 7) == (right,)
    assert consistency(6, 7) == whole(i, j, k)
    assert inclusion(1, 7)[0] == (a,) and inclusion(5, 7)[0] == (e,)


@given(st.integers(1, SIZE_MAX), st.data())
def test_a_proof_reads_few_nodes_and_none_that_is_not_complete(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    for plan in (
        merkle_proofs.inclusion_plan(index, size),
        merkle_proofs.consistency_plan(index + 1, size),
        merkle_proofs.frontier_plan(size),
    ):
        nodes = [node for group in plan for node in group]
        assert len(nodes) <= 2 * size.bit_length()
        assert all((node.place + 1) << node.level <= size for node in nodes)


@pytest.mark.parametrize(
    ("index", "size", "field"),
    [
        (0, 0, "size is 0"),
        (1, 1, "index is 1"),
        (-1, 1, "index is -1"),
        (1 << 70, 1, "index is a number of 71 bits"),
        (0, -1, "size is -1"),
        (0, 1 << 70, "size is a number of 71 bits"),
    ],
)
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int, field: str) -> None:
    with pytest.raises(BadField, match=field):
        inclusion_proof(index, size, ALL.read)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (0, 1, "old is 0"),
        (0, 0, "new is 0"),
        (2, 1, "old is 2"),
        (-1, 1, "old is -1"),
        (1, 1 << 70, "new is a"),
    ],
)
def test_there_is_no_consistency_proof_between_trees_that_are_not_there(
    old: int, new: int, field: str
) -> None:
    with pytest.raises(BadField, match=field):
        consistency_proof(old, new, ALL.read)


# ---- verdicts


def test_all_the_vectors_are_there() -> None:
    assert (len(VECTORS["inclusion"]), len(VECTORS["consistency"])) == (98, 98)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}/{case[1]}")
def test_every_vector_is_judged_as_it_says(
    case: tuple[str, str, int, int, int, int, list[int], bool],
) -> None:
    kind, _, first, second, third, fourth, proof, holds = case
    hashes = [HASHES[place] for place in proof]
    if kind == "inclusion":
        verdict = verify_inclusion(first, second, HASHES[third], hashes, HASHES[fourth])
    else:
        verdict = verify_consistency(first, second, HASHES[third], HASHES[fourth], hashes)
    assert bool(verdict) is verdict.holds is holds, verdict.reason
    assert verdict.reason


@given(st.integers(0, 20), st.integers(1, 20), PROOFS, st.booleans())
@settings(max_examples=500)
def test_inclusion_is_judged_as_the_rfc_judges_it(
    index: int, size: int, proof: list[bytes], fit: bool
) -> None:
    root = LEAVES[0]
    if fit and index < size:
        proof = path(index, LEAVES[:size])
        root = mth(LEAVES[:size])
    leaf = LEAVES[index]
    # Other sizes too: where the way to the root is the same, both must say that the proof holds.
    for other in range(1, 22):
        verdict = verify_inclusion(index, other, leaf, proof, root)
        assert verdict.holds is included(index, other, leaf, proof, root)


@given(st.integers(1, 20), st.integers(1, 20), PROOFS, st.booleans())
@settings(max_examples=500)
def test_consistency_is_judged_as_the_rfc_judges_it(
    old: int, new: int, proof: list[bytes], fit: bool
) -> None:
    old_root, new_root = mth(LEAVES[:old]), mth(LEAVES[:new])
    if fit and old < new:
        proof = subproof(old, LEAVES[:new])
    for one in range(1, 22):
        for other in range(one + 1, 22):
            verdict = verify_consistency(one, other, old_root, new_root, proof)
            assert verdict.holds is consistent(one, other, old_root, new_root, proof)


@given(SIZES, st.data())
def test_every_bit_of_a_leaf_a_proof_and_a_root_counts(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    leaf, older, newer = LEAVES[old - 1], mth(LEAVES[:old]), mth(LEAVES[:new])
    included = inclusion_proof(old - 1, new, ALL.read)
    consistent = consistency_proof(old, new, ALL.read)
    place, bit = data.draw(st.integers(0, 31)), data.draw(st.integers(0, 7))

    def changed(value: bytes) -> bytes:
        return value[:place] + bytes([value[place] ^ 1 << bit]) + value[place + 1 :]

    def changed_proofs(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
        return [(*proof[:n], changed(proof[n]), *proof[n + 1 :]) for n in range(len(proof))]

    assert not verify_inclusion(old - 1, new, changed(leaf), included, newer)
    assert not verify_inclusion(old - 1, new, leaf, included, changed(newer))
    assert not verify_consistency(old, new, changed(older), newer, consistent)
    assert not verify_consistency(old, new, older, changed(newer), consistent)
    for proof in changed_proofs(included):
        assert not verify_inclusion(old - 1, new, leaf, proof, newer)
    for proof in changed_proofs(consistent):
        assert not verify_consistency(old, new, older, newer, proof)
    for other in {0, new - 1, old, old - 2} - {old - 1, new, -1}:
        assert not verify_inclusion(other, new, leaf, included, newer)


NUMBERS = st.integers(-3, 9) | st.sampled_from([SIZE_MAX, SIZE_MAX + 1, 1 << 64, 1 << 50_000])
CHUNKS = st.binary(max_size=3) | st.sampled_from(LEAVES[:3])


@given(NUMBERS, NUMBERS, CHUNKS, CHUNKS, st.lists(CHUNKS, max_size=66))
def test_a_verdict_comes_back_whatever_is_asked(
    first: int, second: int, one: bytes, other: bytes, proof: list[bytes]
) -> None:
    for verdict in (
        verify_inclusion(first, second, one, proof, other),
        verify_consistency(first, second, one, other, proof),
    ):
        assert verdict.reason


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (verify_inclusion(0, 0, LEAVES[0], [], LEAVES[0]), "in a tree of 0 leaves"),
        (verify_inclusion(0, 2**64 - 1, LEAVES[0], [], b""), f"a tree of {2**64 - 1} leaves"),
        (verify_inclusion(0, 2**64, LEAVES[0], [], b""), "a tree of a number of 65 bits leaves"),
        (verify_inclusion(0, SIZE_MAX, LEAVES[0], [], LEAVES[0]), "0 hashes, 63 are needed"),
        (verify_inclusion(3, 3, LEAVES[0], [], LEAVES[0]), "has none at index 3"),
        (verify_inclusion(0, 1, b"x", [], LEAVES[0]), "the leaf is 1 bytes, not 32"),
        (verify_inclusion(0, 1, LEAVES[0], [], b""), "the root is 0 bytes, not 32"),
        (verify_inclusion(0, 2, LEAVES[0], [], LEAVES[0]), "has 0 hashes, 1 are needed"),
        (verify_inclusion(0, 2, LEAVES[0], [b"x"], LEAVES[0]), "hash 0 of the proof is 1 bytes"),
        (verify_inclusion(0, 1, LEAVES[0], [], LEAVES[1]), "leads to the root"),
        (verify_inclusion(0, 1, LEAVES[0], [], LEAVES[0]), "stands at index 0 of 1"),
        (verify_consistency(0, 1, EMPTY_ROOT, LEAVES[0], []), "a tree of 0 leaves cannot"),
        (verify_consistency(2, 1, LEAVES[0], LEAVES[0], []), "cannot be compared with one of 1"),
        (verify_consistency(1, 2, b"", LEAVES[0], [LEAVES[0]]), "the old root is 0 bytes"),
        (verify_consistency(1, 2, LEAVES[0], b"", [LEAVES[0]]), "the new root is 0 bytes"),
        (verify_consistency(1, 1, LEAVES[0], LEAVES[0], [b""]), "has 1 hashes, 0 are needed"),
        (
            verify_consistency(1, SIZE_MAX, LEAVES[0], LEAVES[0], []),
            "0 hashes, 63 are needed",
        ),
        (verify_consistency(1, 1, LEAVES[0], LEAVES[1], []), "leads to the new root"),
        (
            verify_consistency(3, 4, LEAVES[0], LEAVES[1], [LEAVES[2]] * 3),
            "leads to the old root",
        ),
        (verify_consistency(1, 1, LEAVES[0], LEAVES[0], []), "first 1 of 1 leaves are unchanged"),
    ],
)
def test_a_verdict_says_why(verdict: merkle_proofs.Verdict, reason: str) -> None:
    assert reason in verdict.reason
