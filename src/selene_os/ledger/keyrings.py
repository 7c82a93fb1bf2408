"""What every keyring does: it keeps wrapped keys, destroys them for good, and holds some back.

A keyring never sees a key that opens anything: what it keeps is wrapped by a key above it. It lies
apart from the ledger's rows, so that back-ups of those can leave it out. Two keyrings stand side by
side, beside the stores they belong to. Every method is safe to call from several threads, and every
change is durable when the call returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from selene_os.ledger.events import columns_of
from selene_os.names import TenantId

# A nonce of 12 bytes, the key of 32, and a tag of 16.
WRAPPED_BYTES: Final = 60
# The subject of what is the tenant's own, and no user's.
OWN: Final = ""


class TenantKey(NamedTuple):
    """One row of tenant_keys: what a tenant's other keys are wrapped with, itself wrapped."""

    tenant_id: TenantId
    key_id: str
    wrapped: bytes
    created_at: int


class WrappedKey(NamedTuple):
    """One row of user_keys; once it is destroyed, `wrapped` is None and `destroyed_at` a time."""

    tenant_id: TenantId
    key_id: str
    subject: str
    wrapped: bytes | None
    created_at: int
    destroyed_at: int | None


class Hold(NamedTuple):
    """One row of holds: from when to when a subject's keys cannot be destroyed."""

    tenant_id: TenantId
    hold_id: str
    subject: str
    created_at: int
    released_at: int | None


# Table -> its columns, in an order that every reference allows, and its key.
TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "tenant_keys": (columns_of(TenantKey), "tenant_id"),
    "user_keys": (columns_of(WrappedKey), "tenant_id, key_id"),
    "holds": (columns_of(Hold), "tenant_id, hold_id"),
}
# Every row of each of these tables, of one moment.
Rows = Mapping[str, Sequence[tuple[Any, ...]]]


class Keyring(Protocol):
    """Wrapped keys, apart from the rows that are encrypted with them."""

    @property
    def name(self) -> str:
        """Where it is, for people."""

    def close(self) -> None:
        """Let go of it."""

    def tenant_key(self, tenant_id: TenantId) -> TenantKey | None:
        """A tenant's key, or None."""

    def add_tenant_key(self, key: TenantKey) -> TenantKey:
        """Add a tenant's key; returns the one that is there, which may be another writer's."""

    def live_key(self, tenant_id: TenantId, subject: str) -> WrappedKey | None:
        """The key that a subject's new rows are encrypted with, or None."""

    def add_key(self, key: WrappedKey) -> WrappedKey:
        """Add a subject's key; returns the one that is live, which may be another writer's."""

    def key(self, tenant_id: TenantId, key_id: str) -> WrappedKey | None:
        """One key, destroyed or not, or None."""

    def keys(self, tenant_id: TenantId, subject: str | None) -> list[WrappedKey]:
        """A subject's keys, or all of a tenant's, the oldest first."""

    def destroy_key(self, tenant_id: TenantId, key_id: str, at: int) -> bool:
        """Destroy a key for good; False where it was destroyed before.

        Raises:
            UnderHold: its subject is held. KeysMissing: there is no such key.
        """

    def add_hold(self, hold: Hold) -> Hold:
        """Hold a subject; returns the hold that is in force, which may be an older one."""

    def release_hold(self, tenant_id: TenantId, hold_id: str, at: int) -> bool:
        """End a hold; False where it was ended before."""

    def holds(self, tenant_id: TenantId) -> list[Hold]:
        """A tenant's holds, also those that were released, the oldest first."""
