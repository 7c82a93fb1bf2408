"""Random changes of bundles, ten thousand of them in a drill: both verifiers find each one."""

from __future__ import annotations

import os
from random import Random

import pytest

from judges import (
    DIFFERS,
    Files,
    both,
    by_package,
    files,
    rebuilt,
)
from sealed import (
    sealed_case,
)
from selene_os.proof import bundle

DRILL = os.environ.get("SELENE_DRILLS") == "1"
TAMPERINGS = 10_000 if DRILL else 300
SEEDS = 4


# ---- random changes of the whole file


def tampered(data: bytes, random: Random) -> bytes:
    """The file with one small change: somewhere, near a header, or two files swapped."""
    while True:
        place = random.randrange(len(data))
        if random.random() < 0.3:
            # Headers are few; without this they would hardly be hit.
            heads = [at for at in range(len(data) - 4) if data[at : at + 2] == b"PK"]
            place = min(len(data) - 1, random.choice(heads) + random.randrange(60))
        other = bytes([random.randrange(256)])
        end = min(len(data), place + random.randrange(1, 40))
        start = random.randrange(len(data))
        changed = random.choice(
            [
                data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :],
                data[:place] + other + data[place + 1 :],
                data[:place] + other + data[place:],
                data[:place] + data[place + 1 :],
                data[:place] + data[end:],
                data[:place] + data[start : start + 9] + data[place:],
                data[:place],
                data + other,
                other + data,
            ]
        )
        if changed != data:
            return changed


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_random_change_of_a_bundle_is_found_by_both(seed: int) -> None:
    random, whole = Random(seed), sealed_case()
    for _ in range(TAMPERINGS // SEEDS):
        changed = tampered(whole, random)
        assert both(changed) == DIFFERS, changed


# ---- random changes of evidence, with every hash made again


def forged(random: Random) -> Files:
    """One small change of what is evidence; the manifest and the zip are made again after it."""
    found = files()
    evidence = [
        name
        for name in found
        if name not in (bundle.MANIFEST, bundle.README, bundle.REPORT, bundle.VERIFIER)
    ]
    name = random.choice([*evidence, bundle.ROWS, bundle.PROOFS, bundle.PROOFS])
    data = found[name]
    while True:
        place = random.randrange(len(data))
        kind = random.randrange(6)
        if kind == 0 and data[place : place + 1].isdigit():
            changed = data[:place] + str(random.randrange(10)).encode() + data[place + 1 :]
        elif kind == 1 and b"\n" in data[:-1]:
            lines = data.splitlines(keepends=True)
            one, two = random.randrange(len(lines)), random.randrange(len(lines))
            lines[one], lines[two] = random.choice(
                [(lines[two], lines[one]), (lines[one] + lines[one], lines[two]), (b"", b"")]
            )
            changed = b"".join(lines)
        elif kind == 2:
            other = found[random.choice(evidence)]
            changed = other
        else:
            flipped = bytes([data[place] ^ 1 << random.randrange(8)])
            changed = random.choice(
                [
                    data[:place] + flipped + data[place + 1 :],
                    data[:place] + data[place + 1 :],
                    data[:place] + flipped + data[place:],
                ]
            )
        if changed != data:
            return found | {name: changed}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_forged_piece_of_evidence_is_found_by_both_though_all_hashes_fit(seed: int) -> None:
    random = Random(seed + 1_000)
    for _ in range(TAMPERINGS // SEEDS):
        changed = forged(random)
        data = rebuilt(changed)
        # When the log says it sealed is signed by nobody: the report is what shows it changed.
        if only_the_time_differs(changed):
            assert by_package(data, None) == DIFFERS
            continue
        assert both(data) == DIFFERS, changed


def only_the_time_differs(changed: Files) -> bool:
    try:
        proofs = bundle.decode_proofs(changed[bundle.PROOFS])
    except Exception:
        return False
    real = bundle.decode_proofs(files()[bundle.PROOFS])
    return proofs._replace(sealed_at=real.sealed_at) == real and proofs != real
