"""Who gets in, in PostgreSQL; see `ledger.access.Access` for what each method does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from selene_os.errors import Refusal
from selene_os.ledger import refusals
from selene_os.ledger.access import KEPT, AccessEvent, ApiKeyRow, OperatorRow
from selene_os.ledger.events import columns_of
from selene_os.ledger.postgres.calls import AGAIN
from selene_os.names import EventId, TenantId

Rows = list[tuple[Any, ...]]

_ADD_KEY: Final = "SELECT os_core.add_api_key(%s, %s, %s, %s, %s, %s, %s, %s)"
_KEY: Final = f"SELECT {columns_of(ApiKeyRow)} FROM os_core.api_key(%s, %s)"
_KEYS: Final = f"SELECT {columns_of(ApiKeyRow)} FROM os_core.list_api_keys(%s)"
_KEY_NAMES: Final = "SELECT tenant_id, key_id FROM os_core.api_key_names()"
_END_KEY: Final = "SELECT os_core.end_api_key(%s, %s, %s)"
_REPLACE_KEY: Final = f"SELECT os_core.replace_api_key({', '.join(['%s'] * 10)})"
_APPEND: Final = "SELECT os_core.append_access(%s, %s, %s, %s, %s, %s, %s, %s)"
_EVENTS: Final = (
    f"SELECT {columns_of(AccessEvent)} FROM os_core.access_events WHERE tenant_id = %(t)s"
    " AND at <= coalesce(%(at)s::BIGINT, 9223372036854775807)"
    " AND (%(at)s::BIGINT IS NULL OR (at, access_id) < (%(at)s, %(id)s))"
    " ORDER BY at DESC, access_id DESC LIMIT %(rows_max)s"
)
_ADD_OPERATOR: Final = "SELECT os_core.add_operator(%s, %s, %s, %s, %s, %s, %s)"
_OPERATOR: Final = f"SELECT {columns_of(OperatorRow)} FROM os_core.operator(%s)"
_OPERATORS: Final = f"SELECT {columns_of(OperatorRow)} FROM os_core.list_operators()"
_SET_OPERATOR: Final = "SELECT os_core.set_operator(%s, %s, %s, %s, %s, %s)"


class PostgresAccess:
    """Who gets into a ledger in one database.

    Args:
        call: rows of one function's call, in a transaction of its own.
        read: rows of an ad-hoc read of one tenant, under row-level security.
    """

    def __init__(self, call: Callable[..., Rows], read: Callable[..., Rows]) -> None:
        self._call = call
        self._read = read

    def add_api_key(self, row: ApiKeyRow) -> bool:
        ((added,),) = self._call(_ADD_KEY, (*row.beginning, AGAIN), _no_tenant(row.tenant_id))
        return bool(added)

    def api_key(self, tenant_id: TenantId, key_id: str) -> ApiKeyRow | None:
        rows = self._call(_KEY, (tenant_id, key_id))
        return ApiKeyRow._make(rows[0]) if rows else None

    def api_keys(self, tenant_id: TenantId) -> list[ApiKeyRow]:
        return list(map(ApiKeyRow._make, self._call(_KEYS, (tenant_id,))))

    def api_key_names(self) -> list[tuple[TenantId, str]]:
        return [(tenant_id, key_id) for tenant_id, key_id in self._call(_KEY_NAMES, ())]

    def end_api_key(self, tenant_id: TenantId, key_id: str, at: int) -> None:
        self._call(_END_KEY, (tenant_id, key_id, at), _no_key(key_id))

    def replace_api_key(self, old_key_id: str, row: ApiKeyRow, ends_at: int) -> None:
        values = (row.tenant_id, old_key_id, ends_at, *row.beginning[1:], AGAIN)
        self._call(_REPLACE_KEY, values, _no_key(old_key_id))

    def append_access(self, event: AccessEvent) -> None:
        self._call(_APPEND, event, _no_tenant(event.tenant_id))

    def access_events(
        self, tenant_id: TenantId, after: tuple[int, EventId] | None, rows_max: int
    ) -> list[AccessEvent]:
        at, access_id = after or (None, None)
        values = {"t": tenant_id, "at": at, "id": access_id, "rows_max": rows_max}
        return list(map(AccessEvent._make, self._read(tenant_id, _EVENTS, values)))

    def add_operator(self, row: OperatorRow) -> bool:
        ((added,),) = self._call(_ADD_OPERATOR, (*row, AGAIN))
        return bool(added)

    def operator(self, login: str) -> OperatorRow | None:
        rows = self._call(_OPERATOR, (login,))
        return OperatorRow._make(rows[0]) if rows else None

    def operators(self) -> list[OperatorRow]:
        return list(map(OperatorRow._make, self._call(_OPERATORS, ())))

    def set_operator(
        self,
        login: str,
        *,
        password: str | None = None,
        tenants: str | None = None,
        disabled_at: int | None = KEPT,
        valid_after: int | None = None,
    ) -> None:
        changed = disabled_at != KEPT
        values = (login, password, tenants, changed, disabled_at if changed else None, valid_after)
        self._call(_SET_OPERATOR, values, {"SE404 login": lambda: refusals.operator_unknown(login)})


def _no_tenant(tenant_id: TenantId) -> Mapping[str, Callable[[], Refusal]]:
    return {"SE404 tenant_id": lambda: refusals.tenant_unknown(tenant_id)}


def _no_key(key_id: str) -> Mapping[str, Callable[[], Refusal]]:
    return {
        "SE404 key_id": lambda: refusals.key_unknown(key_id),
        "SE409 key_id": lambda: refusals.key_ended(key_id),
    }
