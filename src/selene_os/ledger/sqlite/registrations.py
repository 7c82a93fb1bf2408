"""Who is registered, in one file; see `ledger.registrations.Registrations` for each method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from selene_os.ledger.events import columns_of
from selene_os.ledger.registrations import DeviceRow, IdentityRow, SessionRow
from selene_os.names import DeviceId, SessionId, TenantId, UserId

Read = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

_IDENTITIES: Final = f"SELECT {columns_of(IdentityRow)} FROM identities WHERE tenant_id = ?1"
_IDENTITIES_PAGE: Final = (
    f"{_IDENTITIES} AND (?2 IS NULL OR status = ?2) AND user_id > ?3 ORDER BY user_id LIMIT ?4"
)
# Apart, so that a user's devices are read along their own index.
_DEVICES: Final = (
    f"SELECT {columns_of(DeviceRow)} FROM devices WHERE tenant_id = ?1 AND device_id > ?3"
)
_DEVICES_PAGE: Final = f"{_DEVICES} AND ?2 IS NULL ORDER BY device_id LIMIT ?4"
_DEVICES_OF_USER: Final = f"{_DEVICES} AND user_id = ?2 ORDER BY device_id LIMIT ?4"
_SESSIONS: Final = f"SELECT {columns_of(SessionRow)} FROM sessions WHERE tenant_id = ?1"
_SESSIONS_PAGE: Final = (
    f"{_SESSIONS} AND (?2 IS NULL OR user_id = ?2) AND (?3 IS NULL OR (closed_at IS NULL) = ?3)"
    " AND session_id > ?4 ORDER BY session_id LIMIT ?5"
)


class SqliteRegistrations:
    """Who is registered in a ledger in one file.

    Args:
        read: rows by a connection that cannot write.
    """

    def __init__(self, read: Read) -> None:
        self._read = read

    def identity(self, tenant_id: TenantId, user_id: UserId) -> IdentityRow | None:
        rows = self._read(f"{_IDENTITIES} AND user_id = ?2", (tenant_id, user_id))
        return IdentityRow._make(rows[0]) if rows else None

    def identities(
        self, tenant_id: TenantId, status: str | None, after: UserId | None, rows_max: int
    ) -> list[IdentityRow]:
        rows = self._read(_IDENTITIES_PAGE, (tenant_id, status, after or "", rows_max))
        return list(map(IdentityRow._make, rows))

    def devices(
        self, tenant_id: TenantId, user_id: UserId | None, after: DeviceId | None, rows_max: int
    ) -> list[DeviceRow]:
        page = _DEVICES_PAGE if user_id is None else _DEVICES_OF_USER
        rows = self._read(page, (tenant_id, user_id, after or "", rows_max))
        return list(map(DeviceRow._make, rows))

    def session(self, tenant_id: TenantId, session_id: SessionId) -> SessionRow | None:
        rows = self._read(f"{_SESSIONS} AND session_id = ?2", (tenant_id, session_id))
        return SessionRow._make(rows[0]) if rows else None

    def sessions(
        self,
        tenant_id: TenantId,
        user_id: UserId | None,
        is_open: bool | None,
        after: SessionId | None,
        rows_max: int,
    ) -> list[SessionRow]:
        values = (tenant_id, user_id, is_open, after or "", rows_max)
        return list(map(SessionRow._make, self._read(_SESSIONS_PAGE, values)))
