"""The keys of a log, one after another: from any key that an auditor trusts, the later ones follow.

A log has the name of its signing key, and keeps it when the key is replaced. Each key begins with a
statement: a signed note with exactly one signature, whose text is

    selene signing key
    <log name>
    <verifier key line>

signed by the key before it, and the first one by itself. No checkpoint can pass for a statement, or
the other way round: a checkpoint begins with the log's origin, <log name>/<tenant>, and a log name
holds no space.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from selene_os.errors import BadField
from selene_os.names import TenantId
from selene_os.proof.notes import open_note, parse_note, sign_note
from selene_os.proof.signing import Signer, VerifierKey, parse_verifier_key

HEADLINE: Final = "selene signing key"


class Statement(NamedTuple):
    """What one statement says; to be believed only as `chain_of` does."""

    log: str
    key: VerifierKey


def origin_of(log: str, tenant_id: TenantId) -> str:
    """The origin of a tenant's checkpoints: <log name>/<tenant>."""
    return f"{log}/{tenant_id}"


def sign_statement(key: VerifierKey, signer: Signer) -> bytes:
    """The statement with which a key of a log begins.

    Args:
        key: the key that begins. Its name is the log's.
        signer: the key before it; of a log's first key, that key itself.

    Raises:
        BadField: the signer is of another log.
    """
    if signer.name != key.name:
        raise BadField("key", "is of another log than its signer", "Keep the log's name.")
    return sign_note(f"{HEADLINE}\n{key.name}\n{key.encode()}\n", [signer])


def read_statement(data: bytes) -> Statement:
    """What a statement says, without verifying who signed it.

    Raises:
        BadField: it deviates from the format.
    """
    note = parse_note(data)
    headline, *rest = note.text.removesuffix("\n").split("\n")
    if headline != HEADLINE or len(rest) != 2:
        raise _refused(f"is not the line {HEADLINE!r}, a log's name and a key")
    if len(note.signatures) != 1:
        raise _refused("is signed by more than the key before it")
    log, line = rest
    key = parse_verifier_key(line)
    if key.name != log:
        raise _refused("names a key of another log")
    return Statement(log, key)


def in_order(statements: Sequence[bytes]) -> list[bytes]:
    """Statements as they follow each other: by who signed them, not by when they were noted.

    A clock that was put back between two keys, or a database that gave them one time, would else
    break a chain that is whole. Nothing is believed here: `chain_of` verifies what comes of it, and
    refuses those that follow nobody, which stay at the end.

    Raises:
        BadField: one deviates from the format.
    """
    left: dict[bytes, list[bytes]] = {}
    ids: dict[bytes, bytes] = {}
    first: list[bytes] = []
    for data in statements:
        key_id = ids[data] = read_statement(data).key.key_id
        signed_by = parse_note(data).signatures[0].key_id
        if signed_by == key_id and not first:
            first = [data]
        else:
            left.setdefault(signed_by, []).append(data)
    found = first
    while found and (behind := left.get(ids[found[-1]])):
        found = [*found, behind.pop(0)]
    return found + [data for rest in left.values() for data in rest]


def chain_of(
    statements: Sequence[bytes], trusted: Collection[VerifierKey] | None = None
) -> list[VerifierKey]:
    """The keys that may be believed, the oldest first.

    Each statement is verified, also of keys older than those that are trusted: what is handed over
    as a chain must be one from its first link on.

    Args:
        statements: those of one log, the oldest first.
        trusted: keys that were given by somebody who is believed. None takes the first key at its
            own word, which shows no more than that the chain agrees with itself.

    Returns:
        The trusted key that stands first in the chain, and those that follow it.

    Raises:
        BadField: a statement is not of its form, not signed by the key before it, or of another
            log; a key stands twice; or none of the trusted keys is among them.
    """
    keys: list[VerifierKey] = []
    for place, data in enumerate(statements, 1):
        key = read_statement(data).key
        before = keys[-1] if keys else key
        if key.name != before.name:
            raise _refused(f"{place} is of another log")
        if key in keys:
            raise _refused(f"{place} names a key that began before")
        open_note(data, [before])
        keys.append(key)
    if trusted is None:
        return keys
    for place, key in enumerate(keys):
        if key in trusted:
            return keys[place:]
    raise BadField(
        "key", "that you trust is none of this log's", "Ask where the log's key was published."
    )


def _refused(problem: str) -> BadField:
    return BadField("statement", problem, "Use the files exactly as the log wrote them.")
