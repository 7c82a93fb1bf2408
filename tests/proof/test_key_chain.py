"""Keys of a log: from any one that is trusted the later ones follow, and no others."""

from __future__ import annotations

import pytest

from ledgers import ACME
from sealed import FIRST, FOREIGN, LOG, SECOND
from selene_os.errors import BadField
from selene_os.proof.key_chain import (
    HEADLINE,
    chain_of,
    origin_of,
    read_statement,
    sign_statement,
)
from selene_os.proof.notes import sign_note
from selene_os.proof.signing import Ed25519Signer

THIRD = Ed25519Signer(LOG, bytes(range(3, 35)))
CHAIN = (
    sign_statement(FIRST.verifier, FIRST),
    sign_statement(SECOND.verifier, FIRST),
    sign_statement(THIRD.verifier, SECOND),
)
KEYS = [FIRST.verifier, SECOND.verifier, THIRD.verifier]


def test_a_statement_is_a_note_of_three_lines() -> None:
    text = CHAIN[1].decode().split("\n\n")[0]
    assert text == f"selene signing key\n{LOG}\n{SECOND.verifier.encode()}"
    assert read_statement(CHAIN[1]) == (LOG, SECOND.verifier)
    assert origin_of(LOG, ACME) == f"{LOG}/acme"


@pytest.mark.parametrize("place", range(3))
def test_from_each_trusted_key_the_later_ones_follow_and_no_earlier_one(place: int) -> None:
    assert chain_of(CHAIN, [KEYS[place]]) == KEYS[place:]


def test_of_several_trusted_keys_the_first_in_the_chain_counts() -> None:
    assert chain_of(CHAIN, [THIRD.verifier, SECOND.verifier, FOREIGN.verifier]) == KEYS[1:]


def test_without_a_trusted_key_the_chain_only_agrees_with_itself() -> None:
    assert chain_of(CHAIN) == KEYS
    assert chain_of([sign_statement(FOREIGN.verifier, FOREIGN)]) == [FOREIGN.verifier]
    assert chain_of(()) == []


@pytest.mark.parametrize("trusted", [[], [FOREIGN.verifier]])
def test_no_key_follows_from_one_that_is_not_in_the_chain(trusted: list[object]) -> None:
    with pytest.raises(BadField, match="none of this log's"):
        chain_of(CHAIN, trusted)  # type: ignore[arg-type]
    with pytest.raises(BadField, match="none of this log's"):
        chain_of((), [FIRST.verifier])


@pytest.mark.parametrize(
    "broken",
    [
        CHAIN[1:],
        (CHAIN[0], CHAIN[2]),
        (CHAIN[0], CHAIN[2], CHAIN[1]),
        (*CHAIN, CHAIN[0]),
        (*CHAIN, sign_statement(FIRST.verifier, THIRD)),
        (CHAIN[0], sign_statement(SECOND.verifier, SECOND)),
        (CHAIN[0], sign_statement(SECOND.verifier, FOREIGN)),
        (sign_statement(FIRST.verifier, SECOND), *CHAIN[1:]),
    ],
)
def test_a_link_that_is_not_signed_by_the_one_before_breaks_the_chain(
    broken: tuple[bytes, ...],
) -> None:
    # Also for whoever trusts a later key: what is handed over as a chain must be one.
    for trusted in (None, [THIRD.verifier], [FIRST.verifier]):
        with pytest.raises(BadField):
            chain_of(broken, trusted)


def test_every_bit_of_a_chain_counts() -> None:
    data = CHAIN[1]
    for bit in range(len(data) * 8):
        other = bytearray(data)
        other[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadField):
            chain_of((CHAIN[0], bytes(other), CHAIN[2]))


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADLINE}\n{LOG}\n",
        f"{HEADLINE}\n{LOG}\n{SECOND.verifier.encode()}\nmore\n",
        f"another headline\n{LOG}\n{SECOND.verifier.encode()}\n",
        f"{HEADLINE}\nanother-log\n{SECOND.verifier.encode()}\n",
        f"{HEADLINE}\n{LOG}\nno key\n",
        f"{LOG}/acme\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    ],
)
def test_what_is_no_statement_is_refused_whoever_signed_it(text: str) -> None:
    with pytest.raises(BadField):
        chain_of((CHAIN[0], sign_note(text, [FIRST])))


def test_a_statement_has_one_signature() -> None:
    text = f"{HEADLINE}\n{LOG}\n{SECOND.verifier.encode()}\n"
    with pytest.raises(BadField, match="more than the key before it"):
        read_statement(sign_note(text, [FIRST, SECOND]))


def test_a_key_of_another_log_does_not_begin_here() -> None:
    other = Ed25519Signer("another-log", bytes(32))
    with pytest.raises(BadField, match="another log"):
        sign_statement(other.verifier, FIRST)
    text = f"{HEADLINE}\nanother-log\n{other.verifier.encode()}\n"
    with pytest.raises(BadField, match="another log"):
        chain_of((CHAIN[0], sign_note(text, [FIRST])))
