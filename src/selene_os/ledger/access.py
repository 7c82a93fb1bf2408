"""What a store keeps of who gets in: keys of the API, operators, and who looked at what.

Nothing here is decided: whether a key or a password is right is checked at the edges.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

from selene_os.names import EventId, TenantId

# Stands for `disabled_at` as it is.
KEPT: Final = -1
ACTOR_BYTES_MAX: Final = 80
ACTION_BYTES_MAX: Final = 64
TARGET_BYTES_MAX: Final = 256
LABEL_BYTES_MAX: Final = 64
LOGIN_BYTES_MAX: Final = 64
TENANTS_BYTES_MAX: Final = 16_384
OUTCOMES: Final = ("OK", "REFUSED")


class ApiKeyRow(NamedTuple):
    """One row of api_keys: what a key may do, and until when.

    digest is the SHA-256 of the secret, 32 bytes; scopes the sorted ones with a space between;
    times are nanoseconds since 1970 UTC. expires_at: from then on it is of no use; None for never.
    revoked_at: whatever it says, the key is of no use. replaced_by: the key that took its place.
    """

    tenant_id: TenantId
    key_id: str
    digest: bytes
    scopes: str
    label: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    replaced_by: str | None = None

    @property
    def beginning(self) -> tuple[Any, ...]:
        """What a key begins with: without its end, which comes later."""
        return self[:7]


class AccessEvent(NamedTuple):
    """One row of access_events: what somebody did with a tenant's rows, or was refused.

    actor is "key:<key_id>" or "operator:<login>"; target an id, never words said; outcome OK or
    REFUSED.
    """

    tenant_id: TenantId
    access_id: EventId
    at: int
    actor: str
    action: str
    target: str | None
    outcome: str
    reason: str | None


class OperatorRow(NamedTuple):
    """One row of operators: who may use the console, for which tenants.

    password is its argon2id hash; tenants "*" or ids with a space between. valid_after: sessions of
    the console that began before are void.
    """

    login: str
    password: str
    tenants: str
    created_at: int
    disabled_at: int | None
    valid_after: int


class Access(Protocol):
    """The part of a store that keeps who gets in; errors as for `ledger.store.Store`."""

    def add_api_key(self, row: ApiKeyRow) -> bool:
        """Add a key, which has no end but its time; False where one of that name is there.

        Raises NotFound: no such tenant.
        """

    def api_key(self, tenant_id: TenantId, key_id: str) -> ApiKeyRow | None:
        """One key of a tenant, or None."""

    def api_keys(self, tenant_id: TenantId) -> list[ApiKeyRow]:
        """A tenant's keys, the oldest first, those that have ended too."""

    def api_key_names(self) -> list[tuple[TenantId, str]]:
        """Tenant and name of every key of every tenant, those that have ended too, in any order."""

    def end_api_key(self, tenant_id: TenantId, key_id: str, at: int) -> None:
        """Revoke a key, for good; what was revoked stays as it is. Raises NotFound."""

    def replace_api_key(self, old_key_id: str, row: ApiKeyRow, ends_at: int) -> None:
        """Add a key in the place of another of the same scopes; both or neither.

        The other one ends at `ends_at`, or before that where it would have anyway.

        Raises:
            NotFound: the tenant has no such key. RegistrationRefused: it has ended at
            row.created_at, was replaced already, or has other scopes.
        """

    def append_access(self, event: AccessEvent) -> None:
        """Note what somebody did; again with the same id changes nothing. Raises NotFound."""

    def access_events(
        self, tenant_id: TenantId, after: tuple[int, EventId] | None, rows_max: int
    ) -> list[AccessEvent]:
        """What was done with a tenant's rows, the newest first, at most `rows_max` of it.

        Args:
            after: (at, access_id) of the last row of the page before.
        """

    def add_operator(self, row: OperatorRow) -> bool:
        """Add an operator; False where one of that login is there."""

    def operator(self, login: str) -> OperatorRow | None:
        """One operator, or None."""

    def operators(self) -> list[OperatorRow]:
        """Every operator, by login."""

    def set_operator(
        self,
        login: str,
        *,
        password: str | None = None,
        tenants: str | None = None,
        disabled_at: int | None = KEPT,
        valid_after: int | None = None,
    ) -> None:
        """Change what is given of an operator. Raises NotFound.

        Args:
            disabled_at: None lets the operator in again.
            valid_after: earlier than it is changes nothing.
        """
