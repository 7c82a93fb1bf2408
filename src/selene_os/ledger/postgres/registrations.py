"""Who is registered, in PostgreSQL; see `ledger.registrations.Registrations` for each method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from selene_os.ledger.events import columns_of
from selene_os.ledger.registrations import DeviceRow, IdentityRow, SessionRow
from selene_os.names import DeviceId, SessionId, TenantId, UserId

Rows = list[tuple[Any, ...]]

_IDENTITIES: Final = (
    f"SELECT {columns_of(IdentityRow)} FROM os_core.identities WHERE tenant_id = %(t)s"
)
_IDENTITIES_PAGE: Final = (
    f"{_IDENTITIES} AND (%(status)s::TEXT IS NULL OR status = %(status)s)"
    " AND user_id > %(after)s ORDER BY user_id LIMIT %(rows_max)s"
)
_DEVICES: Final = f"SELECT {columns_of(DeviceRow)} FROM os_core.devices WHERE tenant_id = %(t)s"
_DEVICES_PAGE: Final = " AND device_id > %(after)s ORDER BY device_id LIMIT %(rows_max)s"
_SESSIONS: Final = f"SELECT {columns_of(SessionRow)} FROM os_core.sessions WHERE tenant_id = %(t)s"
_SESSIONS_PAGE: Final = (
    " AND (%(open)s::BOOLEAN IS NULL OR (closed_at IS NULL) = %(open)s)"
    " AND session_id > %(after)s ORDER BY session_id LIMIT %(rows_max)s"
)
# Apart, so that what is one user's is planned for that user.
_OF_USER: Final = " AND user_id = %(user)s"


class PostgresRegistrations:
    """Who is registered in a ledger in one database.

    Args:
        read: rows of an ad-hoc read of one tenant, under row-level security.
    """

    def __init__(self, read: Callable[..., Rows]) -> None:
        self._read = read

    def identity(self, tenant_id: TenantId, user_id: UserId) -> IdentityRow | None:
        values = {"t": tenant_id, "user": user_id}
        rows = self._read(tenant_id, f"{_IDENTITIES} AND user_id = %(user)s", values)
        return IdentityRow._make(rows[0]) if rows else None

    def identities(
        self, tenant_id: TenantId, status: str | None, after: UserId | None, rows_max: int
    ) -> list[IdentityRow]:
        values = {"t": tenant_id, "status": status, "after": after or "", "rows_max": rows_max}
        return list(map(IdentityRow._make, self._read(tenant_id, _IDENTITIES_PAGE, values)))

    def devices(
        self, tenant_id: TenantId, user_id: UserId | None, after: DeviceId | None, rows_max: int
    ) -> list[DeviceRow]:
        values = {"t": tenant_id, "user": user_id, "after": after or "", "rows_max": rows_max}
        page = _DEVICES + ("" if user_id is None else _OF_USER) + _DEVICES_PAGE
        return list(map(DeviceRow._make, self._read(tenant_id, page, values)))

    def session(self, tenant_id: TenantId, session_id: SessionId) -> SessionRow | None:
        values = {"t": tenant_id, "session": session_id}
        rows = self._read(tenant_id, f"{_SESSIONS} AND session_id = %(session)s", values)
        return SessionRow._make(rows[0]) if rows else None

    def sessions(
        self,
        tenant_id: TenantId,
        user_id: UserId | None,
        is_open: bool | None,
        after: SessionId | None,
        rows_max: int,
    ) -> list[SessionRow]:
        values = {
            "t": tenant_id,
            "user": user_id,
            "open": is_open,
            "after": after or "",
            "rows_max": rows_max,
        }
        page = _SESSIONS + ("" if user_id is None else _OF_USER) + _SESSIONS_PAGE
        return list(map(SessionRow._make, self._read(tenant_id, page, values)))
