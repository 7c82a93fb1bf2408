"""Counts over a ledger in one file; see `ledger.insight.Insight` for what each method does.

Differs by necessity: SQLite groups by sorting, which takes a second for a million rows. What is
counted here is counted along an index instead, each event type and reason and part for itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from selene_os.ledger.insight import Counted, MadeBy, Span
from selene_os.names import EventId, TenantId

Read = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

_PAIRS: Final = "SELECT event_type, reason_code FROM audit_events INDEXED BY audit_events_by_kind"
# Apart, because a comparison of pairs would be looked for along the first of them alone.
_NEXT_REASON: Final = (
    f"{_PAIRS} WHERE tenant_id = ? AND event_type = ? AND reason_code > ?"
    " ORDER BY reason_code LIMIT 1"
)
_NEXT_TYPE: Final = (
    f"{_PAIRS} WHERE tenant_id = ? AND event_type > ? ORDER BY event_type, reason_code LIMIT 1"
)
_KINDS: Final = (
    "WITH RECURSIVE parts (part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM parts"
    " WHERE part + 1 < ?6) SELECT part, (SELECT count(*) FROM audit_events"
    " INDEXED BY audit_events_by_kind WHERE tenant_id = ?1 AND event_type = ?2"
    " AND reason_code = ?3 AND created_at >= ?4 + part * ?5"
    " AND created_at < ?4 + (part + 1) * ?5) AS found FROM parts"
)
# As the index has it, word for word.
_FIELD: Final = "CASE WHEN json_valid(payload_min) THEN payload_min ->> 'what_is_missing' END"
_CLARIFIES: Final = (
    " FROM audit_events INDEXED BY audit_events_missing"
    " WHERE event_type = 'NlpClarify' AND tenant_id = ?"
)
_MISSING_NEXT: Final = f"SELECT {_FIELD}{_CLARIFIES} AND {_FIELD} > ? ORDER BY {_FIELD} LIMIT 1"
_MISSING: Final = (
    f"SELECT count(*){_CLARIFIES} AND {_FIELD} = ? AND created_at >= ? AND created_at < ?"
)
_UNSEALED: Final = "SELECT count(*) FROM unsealed_events WHERE tenant_id = ?"
_NEWEST: Final = (
    "SELECT created_at FROM audit_events WHERE tenant_id = ? ORDER BY created_at DESC LIMIT 1"
)
# A caller's own words may name fields as they like: so many are looked at, by name.
_FIELDS_MAX: Final = 500
_MADE_BY: Final = (
    "SELECT event_id, engine_version, pack_digest FROM replay_inputs WHERE tenant_id = ?"
    " AND event_id IN (SELECT value FROM json_each(?))"
)


class SqliteInsight:
    """Counts over a ledger in one file.

    Args:
        read: rows by a connection that cannot write.
    """

    def __init__(self, read: Read) -> None:
        self._read = read

    def kinds(self, tenant_id: TenantId, span: Span) -> list[Counted]:
        found: list[Counted] = []
        for event_type, reason_code in self._pairs(tenant_id):
            values = (tenant_id, event_type, reason_code, span.since, span.width, span.parts)
            found += [
                Counted(event_type, reason_code, part, count)
                for part, count in self._read(_KINDS, values)
                if count
            ]
        return found

    def _pairs(self, tenant_id: TenantId) -> Iterator[tuple[str, int]]:
        event_type, reason_code = "", 0
        while rows := (
            self._read(_NEXT_REASON, (tenant_id, event_type, reason_code))
            or self._read(_NEXT_TYPE, (tenant_id, event_type))
        ):
            ((event_type, reason_code),) = rows
            yield event_type, reason_code

    def missing(self, tenant_id: TenantId, span: Span, rows_max: int) -> list[tuple[str, int]]:
        counted, field = [], ""
        for _ in range(_FIELDS_MAX):
            rows = self._read(_MISSING_NEXT, (tenant_id, field))
            if not rows:
                break
            ((field,),) = rows
            ((count,),) = self._read(_MISSING, (tenant_id, field, span.since, span.until))
            if count:
                counted.append((field, int(count)))
        return sorted(counted, key=lambda one: (-one[1], one[0]))[:rows_max]

    def unsealed(self, tenant_id: TenantId) -> int:
        ((count,),) = self._read(_UNSEALED, (tenant_id,))
        return int(count)

    def newest(self, tenant_id: TenantId) -> int | None:
        rows = self._read(_NEWEST, (tenant_id,))
        return int(rows[0][0]) if rows else None

    def made_by(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, MadeBy]:
        rows = self._read(_MADE_BY, (tenant_id, json.dumps(event_ids)))
        return {event_id: MadeBy._make(made) for event_id, *made in rows}
