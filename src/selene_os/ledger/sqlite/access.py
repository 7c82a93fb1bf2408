"""Who gets in, in one SQLite file; see `ledger.access.Access` for what each method does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import apsw

from selene_os.ledger import refusals
from selene_os.ledger.access import KEPT, AccessEvent, ApiKeyRow, OperatorRow
from selene_os.ledger.events import columns_of
from selene_os.ledger.sqlite import commits, statements
from selene_os.ledger.sqlite.writer import Writer
from selene_os.names import EventId, TenantId

Read = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

_INSERT_KEY: Final = (
    f"INSERT INTO api_keys ({', '.join(ApiKeyRow._fields[:7])}) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_KEYS: Final = f"SELECT {columns_of(ApiKeyRow)} FROM api_keys WHERE tenant_id = ?"
_KEY_NAMES: Final = "SELECT tenant_id, key_id FROM api_keys"
_END_KEY: Final = (
    "UPDATE api_keys SET revoked_at = max(?, created_at)"
    " WHERE tenant_id = ? AND key_id = ? AND revoked_at IS NULL"
)
_REPLACE_KEY: Final = (
    "UPDATE api_keys SET replaced_by = ?1,"
    " expires_at = min(coalesce(expires_at, ?2), max(?2, created_at + 1))"
    " WHERE tenant_id = ?3 AND key_id = ?4"
)
_INSERT_EVENT: Final = (
    f"INSERT INTO access_events ({columns_of(AccessEvent)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_EVENTS: Final = (
    f"SELECT {columns_of(AccessEvent)} FROM access_events WHERE tenant_id = ?1"
    " AND (?2 IS NULL OR at <= ?2 AND (at, access_id) < (?2, ?3))"
    " ORDER BY at DESC, access_id DESC LIMIT ?4"
)
_INSERT_OPERATOR: Final = (
    f"INSERT INTO operators ({columns_of(OperatorRow)}) VALUES (?, ?, ?, ?, ?, ?)"
)
_OPERATORS: Final = f"SELECT {columns_of(OperatorRow)} FROM operators"
_SET_OPERATOR: Final = (
    "UPDATE operators SET password = coalesce(?2, password), tenants = coalesce(?3, tenants),"
    f" disabled_at = CASE WHEN ?4 IS {KEPT} THEN disabled_at ELSE ?4 END,"
    " valid_after = max(valid_after, coalesce(?5, 0)) WHERE login = ?1"
)


class SqliteAccess:
    """Who gets into a ledger in one file.

    Args:
        writer: the file's one writer.
        read: rows by a connection that cannot write.
    """

    def __init__(self, writer: Writer, read: Read) -> None:
        self._writer = writer
        self._read = read

    def add_api_key(self, row: ApiKeyRow) -> bool:
        def add(connection: apsw.Connection) -> bool:
            _check_tenant(connection, row.tenant_id)
            return commits.insert(connection, _INSERT_KEY, row.beginning)

        return self._writer.run(add)

    def api_key(self, tenant_id: TenantId, key_id: str) -> ApiKeyRow | None:
        rows = self._read(f"{_KEYS} AND key_id = ?", (tenant_id, key_id))
        return ApiKeyRow._make(rows[0]) if rows else None

    def api_keys(self, tenant_id: TenantId) -> list[ApiKeyRow]:
        rows = self._read(f"{_KEYS} ORDER BY created_at, key_id", (tenant_id,))
        return list(map(ApiKeyRow._make, rows))

    def api_key_names(self) -> list[tuple[TenantId, str]]:
        return [(tenant_id, key_id) for tenant_id, key_id in self._read(_KEY_NAMES, ())]

    def end_api_key(self, tenant_id: TenantId, key_id: str, at: int) -> None:
        def end(connection: apsw.Connection) -> None:
            _key(connection, tenant_id, key_id)
            connection.execute(_END_KEY, (at, tenant_id, key_id))

        self._writer.run(end)

    def replace_api_key(self, old_key_id: str, row: ApiKeyRow, ends_at: int) -> None:
        def replace(connection: apsw.Connection) -> None:
            old = _key(connection, row.tenant_id, old_key_id)
            over = old.expires_at is not None and old.expires_at <= row.created_at
            ended = over or old.revoked_at is not None or old.replaced_by is not None
            if ended or old.scopes != row.scopes:
                raise refusals.key_ended(old_key_id)
            if not commits.insert(connection, _INSERT_KEY, row.beginning):
                raise refusals.row_refused()
            values = (row.key_id, ends_at, row.tenant_id, old_key_id)
            connection.execute(_REPLACE_KEY, values)

        self._writer.run(replace, atomic=True)

    def append_access(self, event: AccessEvent) -> None:
        def append(connection: apsw.Connection) -> None:
            _check_tenant(connection, event.tenant_id)
            connection.execute(_INSERT_EVENT, event)

        self._writer.run(append)

    def access_events(
        self, tenant_id: TenantId, after: tuple[int, EventId] | None, rows_max: int
    ) -> list[AccessEvent]:
        rows = self._read(_EVENTS, (tenant_id, *(after or (None, None)), rows_max))
        return list(map(AccessEvent._make, rows))

    def add_operator(self, row: OperatorRow) -> bool:
        return self._writer.run(
            lambda connection: commits.insert(connection, _INSERT_OPERATOR, row)
        )

    def operator(self, login: str) -> OperatorRow | None:
        rows = self._read(f"{_OPERATORS} WHERE login = ?", (login,))
        return OperatorRow._make(rows[0]) if rows else None

    def operators(self) -> list[OperatorRow]:
        return list(map(OperatorRow._make, self._read(f"{_OPERATORS} ORDER BY login", ())))

    def set_operator(
        self,
        login: str,
        *,
        password: str | None = None,
        tenants: str | None = None,
        disabled_at: int | None = KEPT,
        valid_after: int | None = None,
    ) -> None:
        def change(connection: apsw.Connection) -> None:
            values = (login, password, tenants, disabled_at, valid_after)
            connection.execute(_SET_OPERATOR, values)
            if not connection.changes():
                raise refusals.operator_unknown(login)

        self._writer.run(change)


def _check_tenant(connection: apsw.Connection, tenant_id: TenantId) -> None:
    if connection.execute(statements.TENANT, (tenant_id,)).fetchone() is None:
        raise refusals.tenant_unknown(tenant_id)


def _key(connection: apsw.Connection, tenant_id: TenantId, key_id: str) -> ApiKeyRow:
    found = connection.execute(f"{_KEYS} AND key_id = ?", (tenant_id, key_id)).fetchone()
    if found is None:
        raise refusals.key_unknown(key_id)
    return ApiKeyRow._make(found)
