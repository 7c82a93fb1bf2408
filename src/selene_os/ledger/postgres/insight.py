"""Counts over a ledger in PostgreSQL; see `ledger.insight.Insight` for what each method does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from selene_os.ledger.insight import Counted, MadeBy, Span
from selene_os.names import EventId, TenantId

Rows = list[tuple[Any, ...]]

_WITHIN: Final = (
    " FROM os_core.audit_events WHERE tenant_id = %(t)s"
    " AND created_at >= %(since)s::BIGINT AND created_at < %(until)s::BIGINT"
)
_KINDS: Final = (
    "SELECT event_type, reason_code, ((created_at - %(since)s::BIGINT) / %(width)s::BIGINT)::INT,"
    f" count(*){_WITHIN} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_MISSING: Final = (
    f"SELECT payload_min::JSON ->> 'what_is_missing', count(*){_WITHIN}"
    " AND event_type = 'NlpClarify' AND payload_min::JSON ->> 'what_is_missing' IS NOT NULL"
    " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(rows_max)s"
)
_UNSEALED: Final = "SELECT count(*) FROM os_core.unsealed_events WHERE tenant_id = %(t)s"
_NEWEST: Final = (
    "SELECT created_at FROM os_core.audit_events WHERE tenant_id = %(t)s"
    " ORDER BY created_at DESC LIMIT 1"
)
_MADE_BY: Final = (
    "SELECT event_id, engine_version, pack_digest FROM os_core.replay_inputs"
    " WHERE tenant_id = %(t)s AND event_id = ANY (%(event_ids)s)"
)


class PostgresInsight:
    """Counts over a ledger in one database.

    Args:
        read: rows of an ad-hoc read of one tenant, under row-level security.
    """

    def __init__(self, read: Callable[..., Rows]) -> None:
        self._read = read

    def kinds(self, tenant_id: TenantId, span: Span) -> list[Counted]:
        values = {"t": tenant_id, "since": span.since, "until": span.until, "width": span.width}
        return list(map(Counted._make, self._read(tenant_id, _KINDS, values)))

    def missing(self, tenant_id: TenantId, span: Span, rows_max: int) -> list[tuple[str, int]]:
        values = {"t": tenant_id, "since": span.since, "until": span.until, "rows_max": rows_max}
        return [
            (str(field), int(count)) for field, count in self._read(tenant_id, _MISSING, values)
        ]

    def unsealed(self, tenant_id: TenantId) -> int:
        ((count,),) = self._read(tenant_id, _UNSEALED, {"t": tenant_id})
        return int(count)

    def newest(self, tenant_id: TenantId) -> int | None:
        rows = self._read(tenant_id, _NEWEST, {"t": tenant_id})
        return int(rows[0][0]) if rows else None

    def made_by(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, MadeBy]:
        values = {"t": tenant_id, "event_ids": list(event_ids)}
        rows = self._read(tenant_id, _MADE_BY, values)
        return {event_id: MadeBy._make(made) for event_id, *made in rows}
