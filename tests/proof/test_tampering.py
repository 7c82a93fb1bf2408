"""Ten thousand small changes of what proves one row: each is found.

The evidence is what an auditor holds of one row: the row, where it stands, the proofs, an older
checkpoint kept from before, a newer one, and the key. Sizes and roots stand in the checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

import pytest

from selene_os.errors import BadField
from selene_os.proof.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from selene_os.proof.leaves import leaf_of
from selene_os.proof.merkle import Frontier
from selene_os.proof.merkle_proofs import (
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from selene_os.proof.signing import Ed25519Signer, parse_verifier_key

ORIGIN = "example.com/log/acme"
SIGNER = Ed25519Signer("example.com/log", bytes(range(32)))
TAMPERINGS = 10_000
SEEDS = 4

Row = tuple[object, ...]


class Evidence(NamedTuple):
    """What proves one row."""

    key: bytes
    older: bytes
    newer: bytes
    row: Row
    place: int
    included: tuple[bytes, ...]
    consistent: tuple[bytes, ...]


def row(number: int) -> Row:
    return (
        "acme", f"0198c0de-0000-7000-8000-{number:012x}", "PH1.NLP", "NlpIntentDraft", 20_101,
        "INFO", "0123456789abcdef0123456789abcdef", number + 1, "zoë", "kitchen", None,
        f"key:{number}", '{"decision":"CHAT"}', 1_772_535_600_000_000_000 + number,
        "1.2.0", None, "plain", sha256(b"record %d" % number).digest(),
    )  # fmt: skip


def evidence(index: int, old: int, new: int) -> Evidence:
    """What proves row `index` of `new`, of which `old` were there before."""
    nodes = {(0, place): leaf_of(row(place)) for place in range(new)}
    frontier, runs = Frontier().extend(list(nodes.values()))
    for level, first, hashes in runs:
        nodes |= {(level, place): value for place, value in enumerate(hashes, first)}

    def read(level: int, place: int) -> bytes:
        return nodes[level, place]

    before = Frontier().extend([nodes[0, place] for place in range(old)]).frontier
    older, newer = (
        sign_checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), [SIGNER])
        for tree in (before, frontier)
    )
    return Evidence(
        SIGNER.verifier.encode().encode(),
        older,
        newer,
        row(index),
        index,
        inclusion_proof(index, new, read),
        consistency_proof(old, new, read),
    )


# Most changes leave the checkpoints alone; verifying those again each time would say nothing new.
@cache
def opened(data: bytes, key: bytes) -> Checkpoint:
    try:
        text = key.decode()
    except UnicodeDecodeError:
        raise BadField("key", "is not UTF-8", "") from None
    return open_checkpoint(data, ORIGIN, [parse_verifier_key(text)]).checkpoint


def holds(one: Evidence) -> bool:
    """Whether an auditor accepts the evidence."""
    try:
        older, newer = opened(one.older, one.key), opened(one.newer, one.key)
        leaf = leaf_of(one.row)
    except BadField:
        return False
    return bool(
        verify_inclusion(one.place, newer.size, leaf, one.included, newer.root)
        and verify_consistency(older.size, newer.size, older.root, newer.root, one.consistent)
    )


# ---- changes


def change_bytes(data: bytes, random: Random) -> bytes:
    """A bit flipped, a byte replaced, put in or taken out."""
    place = random.randrange(len(data))
    before, byte, after = data[:place], data[place], data[place + 1 :]
    other = bytes([random.randrange(256)])
    return random.choice(
        [
            before + bytes([byte ^ 1 << random.randrange(8)]) + after,
            before + other + after,
            before + other + data[place:],
            before + after,
        ]
    )


def change_text(text: str, random: Random) -> str:
    return change_bytes(text.encode() or b"x", random).decode("utf-8", "replace")


def change_number(number: int, random: Random) -> int:
    return random.choice([number + 1, number - 1, number ^ 1 << random.randrange(63), -number])


def change_row(one: Row, random: Random) -> Row:
    place = random.randrange(len(one))
    value = one[place]
    changed: object = "x"
    if isinstance(value, str):
        changed = change_text(value, random)
    elif isinstance(value, int):
        changed = change_number(value, random)
    return (*one[:place], changed, *one[place + 1 :])


def change_proof(proof: Sequence[bytes], random: Random) -> tuple[bytes, ...]:
    """A hash changed, taken out or doubled, or two of them swapped."""
    place, other = random.randrange(len(proof)), random.randrange(len(proof))
    before, here, after = list(proof[:place]), proof[place], list(proof[place + 1 :])
    swapped = list(proof)
    swapped[place], swapped[other] = swapped[other], swapped[place]
    changed = [*before, change_bytes(here, random), *after]
    return tuple(
        random.choice(
            [changed, changed, changed, [*before, *after], [*before, here, here, *after], swapped]
        )
    )


def tampered(one: Evidence, random: Random) -> Evidence:
    """The evidence with one small change somewhere."""
    while True:
        name = random.choice(Evidence._fields)
        value = getattr(one, name)
        changed: Any
        if name == "row":
            changed = change_row(value, random)
        elif isinstance(value, bytes):
            changed = change_bytes(value, random)
        elif isinstance(value, int):
            changed = change_number(value, random)
        else:
            changed = change_proof(value, random)
        if changed != value:
            changes: dict[str, Any] = {name: changed}
            return one._replace(**changes)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_small_change_of_evidence_is_found(seed: int) -> None:
    random = Random(seed)
    new = random.randrange(20, 200)
    # Not a power of two, so that no proof is without hashes.
    whole = evidence(random.randrange(new), random.choice([11, 13, 19]), new)
    assert holds(whole)
    for _ in range(TAMPERINGS // SEEDS):
        changed = tampered(whole, random)
        assert not holds(changed), changed


def test_every_bit_of_a_checkpoint_and_of_a_key_counts() -> None:
    whole = evidence(3, 5, 7)
    for name in ("key", "older", "newer"):
        data = getattr(whole, name)
        for bit in range(len(data) * 8):
            other = bytearray(data)
            other[bit // 8] ^= 1 << bit % 8
            changes: dict[str, Any] = {name: bytes(other)}
            assert not holds(whole._replace(**changes)), (name, bit)
