"""A row's words to bytes that only their key opens, and back: AES-256-GCM, a key for each row.

    context     version, table, tenant and what names the row there, each behind its length
    row key     HMAC-SHA256(data key, "row" || context)
    nonce       HMAC-SHA256(HMAC-SHA256(data key, "nonce"), context || words), the first 12 bytes
    commitment  HMAC-SHA256(row key, "commitment")
    stored      version || nonce || commitment || AES-256-GCM(row key, nonce, words, context)

The nonce comes of the words: the same words at the same place are the same bytes again, so that a
store sees what is a retry without reading it, and no two different words share a nonce. A row's key
opens that row alone, and may be shown to whoever may read that one: the commitment lets no other
key open the same bytes to other words, which AES-GCM by itself would.

`cryptography` is loaded by the first row that is encrypted or opened, not before.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from selene_os.errors import Fault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION: Final = 1
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_VERSION: Final = bytes([VERSION])
_ROW: Final = b"selene row key\0"
_NONCE: Final = b"selene nonce key\0"
_NAMES: Final = b"selene names key\0"
_COMMITMENT: Final = b"selene row key commitment\0"
_COMMITMENT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class DataKey:
    """A subject's key, and what comes of it alone.

    Attributes:
        key_id: its name, which stands beside each row.
        key: 32 bytes; like the next two never shown by repr.
        nonces: what makes the nonces of its rows. names: what makes names of what is kept.
    """

    key_id: str
    key: bytes = field(repr=False)
    nonces: bytes = field(init=False, repr=False)
    names: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nonces", hmac.digest(self.key, _NONCE, "sha256"))
        object.__setattr__(self, "names", hmac.digest(self.key, _NAMES, "sha256"))


def context_of(table: str, tenant_id: str, identity: Sequence[object]) -> bytes:
    """What binds bytes to one row: no other row has the same.

    Args:
        table: which table.
        identity: what names the row among its tenant's: replay_inputs (event_id);
            conversation_ledger (correlation_id, turn_id, role); memory_ledger (user_id,
            memory_key); term_bundles (digest).
    """
    parts = [_VERSION]
    for part in (table, tenant_id, *identity):
        told = str(part).encode()
        parts += (len(told).to_bytes(4, "big"), told)
    return b"".join(parts)


def row_key(key: DataKey, context: bytes) -> bytes:
    """The key of one row: 32 bytes that open it and no other."""
    return hmac.digest(key.key, _ROW + context, "sha256")


def seal_row(key: DataKey, context: bytes, words: bytes) -> bytes:
    """A row's words as they are stored."""
    nonce = hmac.digest(key.nonces, context + words, "sha256")[:NONCE_BYTES]
    mine = row_key(key, context)
    return _VERSION + nonce + _commitment(mine) + aead()(mine).encrypt(nonce, words, context)


def open_row(key: bytes, stored: bytes, context: bytes) -> bytes:
    """A row's words again.

    Args:
        key: the row's own, as `row_key` makes it.
        context: the row's.

    Raises:
        Fault: these bytes were not encrypted with that key at that place.
    """
    if stored[:1] != _VERSION:
        raise Fault(
            "its bytes are not what was encrypted there, or of a later version",
            "See `selene doctor`; restore a backup.",
        )
    nonce, rest = stored[1 : 1 + NONCE_BYTES], stored[1 + NONCE_BYTES :]
    try:
        if not hmac.compare_digest(rest[:_COMMITMENT_BYTES], _commitment(key)):
            raise ValueError("encrypted with another key")
        return aead()(key).decrypt(nonce, rest[_COMMITMENT_BYTES:], context)
    except (invalid_tag(), ValueError) as error:
        raise Fault(
            "its bytes are not what was encrypted there", "See `selene doctor`; restore a backup."
        ) from error


def _commitment(key: bytes) -> bytes:
    return hmac.digest(key, _COMMITMENT, "sha256")


def name_of(key: DataKey, content: bytes) -> str:
    """A name of content, 64 hex digits, that says nothing to whoever has not the key."""
    return hmac.digest(key.names, content, "sha256").hex()


@cache
def aead() -> type[AESGCM]:
    """AES-GCM; loaded when it is first asked for."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM


@cache
def invalid_tag() -> type[Exception]:
    """What AES-GCM raises where bytes, key or context differ."""
    from cryptography.exceptions import InvalidTag

    return InvalidTag
