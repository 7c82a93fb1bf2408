"""Keys inside keys: 32 bytes that only the key above opens, for the one place they were made for.

Whoever keeps the root key elsewhere, in a key service, gives a `RootKey` that asks it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from selene_os.errors import BadField, KeysMissing
from selene_os.keys.cipher import KEY_BYTES, NONCE_BYTES, aead, invalid_tag
from selene_os.ledger.keyrings import WRAPPED_BYTES

# So many bytes of a random source.
Random = Callable[[int], bytes]


class RootKey(Protocol):
    """What wraps the tenants' keys: 32 bytes in this process, or a key service."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """32 bytes as 60 that only this key opens, and only with the same context."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What `wrap` wrapped. Raises KeysMissing: it was another key, or another context."""


class LocalKey:
    """A key in this process that wraps others: AES-256-GCM with a random nonce.

    Args:
        key: 32 bytes.
        random: a random source.
    """

    def __init__(self, key: bytes, random: Random) -> None:
        if len(key) != KEY_BYTES:
            raise BadField("key", f"has {len(key)} bytes", f"Give {KEY_BYTES}.")
        self._key = key
        self._random = random

    def wrap(self, key: bytes, context: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        return nonce + aead()(self._key).encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            if len(wrapped) == WRAPPED_BYTES:
                return aead()(self._key).decrypt(
                    wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context
                )
        except invalid_tag():
            pass
        raise KeysMissing(
            "what is wrapped there was not wrapped with the key above it",
            "Put the right root key and keyring back; they belong together.",
        )
