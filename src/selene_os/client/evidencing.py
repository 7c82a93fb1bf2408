"""Requests that prove and audit: checkpoints, bundles, sealing.

Written by tests/client_writing.py from the API's description; not by hand.
"""

from __future__ import annotations

from selene_os.client.answers import AccessEvents, Checkpoints, Proof, Sealed
from selene_os.client.asking import Ask, ask


def get_proof(event_id: str) -> Ask[Proof]:
    """Prove that one decision stands in the signed log.

    The leaf is made of `row`, byte for byte as in a bundle's rows.jsonl; the proof is RFC
    6962's, against the newest checkpoint. `keys` came with the answer: compare the key's id
    with one that you were given.
    """
    return ask(
        "getProof",
        "GET",
        (
            "decisions",
            event_id,
            "proof",
        ),
        Proof,
    )


def list_checkpoints(*, cursor: str | None = None, limit: int = 50) -> Ask[Checkpoints]:
    """List checkpoints, the smallest first.

    Args:
        cursor: Of the page before.
    """
    return ask(
        "listCheckpoints",
        "GET",
        ("checkpoints",),
        Checkpoints,
        query={"cursor": cursor, "limit": limit},
    )


def get_checkpoint(size: int | str) -> Ask[str]:
    """Read one checkpoint as it was signed; `latest` is the newest."""
    return ask(
        "getCheckpoint",
        "GET",
        (
            "checkpoints",
            str(size),
        ),
        str,
    )


def get_bundle(
    correlation_id: str,
    *,
    unsealed: bool = False,
    with_inputs: bool = False,
    against: str | None = None,
) -> Ask[bytes]:
    """Take a conversation's evidence as one file, to be checked without Selene.

    Args:
        unsealed: Carry unsealed rows, unproven.
        with_inputs: Disclose what was said.
        against: An older checkpoint that was kept, in base64url.
    """
    return ask(
        "getBundle",
        "GET",
        (
            "conversations",
            correlation_id,
            "bundle",
        ),
        bytes,
        query={"unsealed": unsealed, "with_inputs": with_inputs, "against": against},
    )


def seal() -> Ask[Sealed]:
    """Seal what is committed, and sign a checkpoint."""
    return ask("seal", "POST", ("seal",), Sealed)


def list_access_events(*, cursor: str | None = None, limit: int = 50) -> Ask[AccessEvents]:
    """List who asked for what, the newest first.

    Args:
        cursor: Of the page before.
    """
    return ask(
        "listAccessEvents",
        "GET",
        ("access-events",),
        AccessEvents,
        query={"cursor": cursor, "limit": limit},
    )
