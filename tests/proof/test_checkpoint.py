"""Checkpoints, against a real one of the world's largest log of its kind."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selene_os.errors import BadField
from selene_os.proof.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from selene_os.proof.merkle import EMPTY_ROOT, SIZE_MAX
from selene_os.proof.notes import parse_note, sign_note
from selene_os.proof.signing import Ed25519Signer, parse_verifier_key

# c2sp.org/tlog-checkpoint shows this checkpoint of Go's checksum database under another name; under
# its own, and with the key that every Go installation holds, the signature is right.
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB_ORIGIN = "go.sum database tree"
SUMDB_ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
SUMDB_SIGNATURE = (
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
)
SUMDB = f"{SUMDB_ORIGIN}\n20852163\n{SUMDB_ROOT}\n\n— sum.golang.org {SUMDB_SIGNATURE}\n".encode()
SPEC = (
    f"example.com/behind-the-sofa\n20852163\n{SUMDB_ROOT}\n\n"
    f"— example.com/behind-the-sofa {SUMDB_SIGNATURE}\n"
).encode()

SIGNER = Ed25519Signer("example.com/log", bytes(32))
ACME = Checkpoint("example.com/log/acme", 5, bytes(range(32)))
ROOT = base64.b64encode(ACME.root).decode()

LINES = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1, max_size=60)
CHECKPOINTS = st.builds(
    Checkpoint,
    LINES,
    st.integers(1, SIZE_MAX),
    st.binary(min_size=32, max_size=32),
    st.lists(LINES, max_size=3).map(tuple),
)


def test_a_checkpoint_of_gos_checksum_database_is_verified() -> None:
    key = parse_verifier_key(SUMDB_KEY)
    found, signed_by = open_checkpoint(SUMDB, SUMDB_ORIGIN, [key])
    assert found == Checkpoint(SUMDB_ORIGIN, 20_852_163, base64.b64decode(SUMDB_ROOT))
    assert signed_by == (key,)


def test_the_specifications_example_is_taken_apart() -> None:
    note = parse_note(SPEC)
    found = parse_checkpoint(note.text)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert [one.name for one in note.signatures] == ["example.com/behind-the-sofa"]


@given(CHECKPOINTS)
def test_a_checkpoint_comes_back_as_it_was(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(checkpoint.encode()) == checkpoint
    data = sign_checkpoint(checkpoint, [SIGNER])
    opened = open_checkpoint(data, checkpoint.origin, [SIGNER.verifier])
    assert opened == (checkpoint, (SIGNER.verifier,))


@given(st.text(st.sampled_from("a1 0=\n\r\té—")) | st.lists(LINES).map("\n".join))
def test_text_is_a_checkpoint_in_one_form_or_refused(noise: str) -> None:
    for text in (noise, ACME.encode() + noise, noise + ACME.encode()):
        try:
            found = parse_checkpoint(text)
        except BadField:
            continue
        assert found.encode() == text


def test_one_tenants_checkpoint_does_not_pass_for_anothers() -> None:
    data = sign_checkpoint(ACME, [SIGNER])
    with pytest.raises(BadField, match="is of another log"):
        open_checkpoint(data, "example.com/log/globex", [SIGNER.verifier])


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    data = sign_note("anything else\n", [SIGNER])
    with pytest.raises(BadField, match="fewer than three lines"):
        open_checkpoint(data, "anything else", [SIGNER.verifier])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "fewer than three lines"),
        ("o\n5\n", "fewer than three lines"),
        (f"o\n5\n{ROOT}", "fewer than three lines"),
        (f"\n5\n{ROOT}\n", "empty"),
        (f"o\n5\n{ROOT}\n\n", "empty"),
        (f"o\n5\n{ROOT}\n\nx\n", "empty"),
        (f"o\r\n5\n{ROOT}\n", "control"),
        (f"{'o' * 257}\n5\n{ROOT}\n", "more than 256 bytes"),
        (f"o\n05\n{ROOT}\n", "leading zeros"),
        (f"o\n00\n{ROOT}\n", "leading zeros"),
        (f"o\n\n{ROOT}\n", "leading zeros"),
        (f"o\n-5\n{ROOT}\n", "leading zeros"),
        (f"o\n+5\n{ROOT}\n", "leading zeros"),
        (f"o\n5 \n{ROOT}\n", "leading zeros"),
        (f"o\n5_0\n{ROOT}\n", "leading zeros"),
        (f"o\n0x5\n{ROOT}\n", "leading zeros"),
        (f"o\n٥\n{ROOT}\n", "leading zeros"),
        (f"o\n{2**63}\n{ROOT}\n", "size that no tree has"),
        (f"o\n{10**19}\n{ROOT}\n", "leading zeros"),
        (f"o\n0\n{ROOT}\n", "empty tree"),
        ("o\n5\nAAAA\n", "3 bytes, not 32"),
        (f"o\n5\n{ROOT[:-1]}\n", "not base64"),
        (f"o\n5\n {ROOT}\n", "not base64"),
        (f"o\n5\n{ROOT[:-2]}9=\n", "not base64"),
        (f"o\n5\n{ACME.root.hex()}\n", "48 bytes, not 32"),
    ],
)
def test_a_text_that_deviates_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadField, match=reason):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, ACME.root),
        ("a\nb", 1, ACME.root),
        ("a", -1, ACME.root),
        ("a", 1, b""),
        ("\ud800", 1, ACME.root),
        ("a", 2**63, ACME.root),
    ],
)
def test_a_checkpoint_that_could_not_be_read_again_is_not_made(
    origin: str, size: int, root: bytes
) -> None:
    with pytest.raises(BadField, match="checkpoint"):
        Checkpoint(origin, size, root)


def test_the_longest_origin_and_the_largest_tree_have_a_checkpoint() -> None:
    largest = Checkpoint("é" * 128, SIZE_MAX, ACME.root)
    assert parse_checkpoint(largest.encode()) == largest


def test_the_empty_tree_has_a_checkpoint() -> None:
    empty = Checkpoint("o", 0, EMPTY_ROOT)
    assert parse_checkpoint(empty.encode()) == empty
