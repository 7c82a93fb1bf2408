"""What a store tells of who may write: users, their devices, and the sessions on these."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from selene_os.names import DeviceId, SessionId, TenantId, UserId


class IdentityRow(NamedTuple):
    """One row of identities; status is ACTIVE or DISABLED."""

    tenant_id: TenantId
    user_id: UserId
    status: str
    created_at: int


class DeviceRow(NamedTuple):
    """One row of devices."""

    tenant_id: TenantId
    device_id: DeviceId
    user_id: UserId
    created_at: int


class SessionRow(NamedTuple):
    """One row of sessions; closed_at is None while it is open."""

    tenant_id: TenantId
    session_id: SessionId
    user_id: UserId
    device_id: DeviceId
    created_at: int
    closed_at: int | None


class Registrations(Protocol):
    """The part of a store that tells who is registered; errors as for `ledger.store.Store`.

    Pages are by name, in the order of its bytes: what stands behind `after`, at most `rows_max`.
    """

    def identity(self, tenant_id: TenantId, user_id: UserId) -> IdentityRow | None:
        """One user of a tenant, or None."""

    def identities(
        self, tenant_id: TenantId, status: str | None, after: UserId | None, rows_max: int
    ) -> list[IdentityRow]:
        """A tenant's users; with a status those of that status."""

    def devices(
        self, tenant_id: TenantId, user_id: UserId | None, after: DeviceId | None, rows_max: int
    ) -> list[DeviceRow]:
        """A tenant's devices; with a user that user's."""

    def session(self, tenant_id: TenantId, session_id: SessionId) -> SessionRow | None:
        """One session of a tenant, or None."""

    def sessions(
        self,
        tenant_id: TenantId,
        user_id: UserId | None,
        is_open: bool | None,
        after: SessionId | None,
        rows_max: int,
    ) -> list[SessionRow]:
        """A tenant's sessions; with a user that user's, with `is_open` the open or the closed."""
