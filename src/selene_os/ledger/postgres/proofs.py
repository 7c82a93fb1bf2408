"""Proofs in PostgreSQL; see `ledger.proofs.Proofs` for what each method does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from selene_os.ledger import refusals
from selene_os.ledger.events import (
    AuditEvent,
    CheckpointRow,
    Placed,
    SigningKeyRow,
    WholeRow,
    columns_of,
)
from selene_os.ledger.proofs import BATCH_ROWS_MAX, HASH_BYTES, Batch, Counts, NodeRun
from selene_os.names import CorrelationId, EventId, TenantId

Rows = list[tuple[Any, ...]]

_WHOLE: Final = (
    f"{columns_of(AuditEvent, 'e')}, r.engine_version, r.pack_digest, r.key_id, sha256(r.record)"
)
_UNSEALED_TENANTS: Final = "SELECT * FROM os_core.unsealed_tenants()"
_UNSEALED: Final = f"SELECT {columns_of(WholeRow)} FROM os_core.unsealed(%s, %s)"
_SEAL: Final = f"SELECT os_core.seal({', '.join(['%s'] * 12)})"
_OF_CONVERSATION: Final = (
    f"SELECT {_WHOLE} FROM os_core.audit_events AS e"
    " LEFT JOIN os_core.replay_inputs AS r USING (tenant_id, event_id)"
    " WHERE e.tenant_id = %s AND e.correlation_id = %s ORDER BY e.turn_id, e.event_id"
)
_SEALED_ROWS: Final = (
    f"SELECT l.leaf_index, l.event_id, l.leaf_hash, {_WHOLE} FROM os_core.merkle_leaves AS l"
    # A record of another engine is none of this row's: no leaf holds its column.
    " LEFT JOIN os_core.audit_events AS e USING (tenant_id, event_id)"
    " LEFT JOIN os_core.replay_inputs AS r ON r.tenant_id = l.tenant_id"
    " AND r.event_id = l.event_id AND r.engine = e.engine"
    " WHERE l.tenant_id = %s AND l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index"
)
_PLACED: Final = (
    "SELECT event_id, leaf_index, leaf_hash FROM os_core.merkle_leaves"
    " WHERE tenant_id = %s AND event_id = ANY (%s)"
)
# One statement for all the nodes of a proof; a leaf is a node of level 0.
_NODES: Final = (
    "SELECT CASE WHEN w.level = 0 THEN (SELECT l.leaf_hash FROM os_core.merkle_leaves AS l"
    "  WHERE l.tenant_id = %(tenant_id)s AND l.leaf_index = w.place)"
    " ELSE (SELECT substr(n.hashes, ((w.place - n.first) * 32 + 1)::INTEGER, 32)"
    "  FROM os_core.merkle_nodes AS n WHERE n.tenant_id = %(tenant_id)s AND n.level = w.level"
    "  AND n.first <= w.place ORDER BY n.first DESC LIMIT 1) END"
    " FROM unnest(%(levels)s::INTEGER[], %(places)s::BIGINT[])"
    " WITH ORDINALITY AS w (level, place, number) ORDER BY w.number"
)
_RUNS: Final = (
    "SELECT level, first, hashes FROM os_core.merkle_nodes WHERE tenant_id = %s AND level = %s"
    " AND first > %s AND first < %s ORDER BY first"
)
_NODES_BYTES: Final = (
    "SELECT coalesce(sum(length(hashes)), 0) FROM os_core.merkle_nodes WHERE tenant_id = %s"
)
_CHECKPOINTS: Final = (
    f"SELECT {columns_of(CheckpointRow)} FROM os_core.checkpoints WHERE tenant_id = %s"
)
_SIGNING_KEYS: Final = (
    f"SELECT {columns_of(SigningKeyRow)} FROM os_core.signing_keys WHERE tenant_id = %s"
    " ORDER BY created_at, key_id"
)
_COUNTS: Final = (
    "SELECT (SELECT count(*) FROM os_core.audit_events WHERE tenant_id = %(t)s),"
    " (SELECT count(*) FROM os_core.merkle_leaves WHERE tenant_id = %(t)s),"
    " (SELECT count(*) FROM os_core.unsealed_events WHERE tenant_id = %(t)s)"
)
_UNSEALED_ROWS: Final = "SELECT count(*) FROM os_core.unsealed_events WHERE tenant_id = %s"
_UNPLACED: Final = (
    "SELECT event_id FROM os_core.audit_events AS e WHERE tenant_id = %(t)s"
    " AND NOT EXISTS (SELECT FROM os_core.merkle_leaves AS l"
    "  WHERE l.tenant_id = %(t)s AND l.event_id = e.event_id)"
    " AND NOT EXISTS (SELECT FROM os_core.unsealed_events AS u"
    "  WHERE u.tenant_id = %(t)s AND u.event_id = e.event_id)"
    " ORDER BY event_id LIMIT %(rows_max)s"
)


class PostgresProofs:
    """The proofs of a ledger in one database.

    Args:
        call: rows of one function's call, in a transaction of its own.
        read: rows of an ad-hoc read of one tenant, under row-level security.
    """

    def __init__(self, call: Callable[..., Rows], read: Callable[..., Rows]) -> None:
        self._call = call
        self._read = read

    def unsealed_tenants(self) -> list[TenantId]:
        return [tenant_id for (tenant_id,) in self._call(_UNSEALED_TENANTS, ())]

    def unsealed(self, tenant_id: TenantId, rows_max: int) -> list[WholeRow]:
        return list(map(WholeRow._make, self._call(_UNSEALED, (tenant_id, rows_max))))

    def unsealed_rows(self, tenant_id: TenantId) -> int:
        ((rows,),) = self._read(tenant_id, _UNSEALED_ROWS, (tenant_id,))
        return int(rows)

    def seal(self, batch: Batch) -> bool:
        levels, firsts, hashes = [list(part) for part in zip(*batch.runs, strict=True)] or [[]] * 3
        values = (
            batch.tenant_id, batch.size, list(batch.events), batch.leaves, levels, firsts, hashes,
            batch.checkpoint.frontier, batch.checkpoint.note, batch.checkpoint.created_at,
            [key.key_id for key in batch.keys], [key.statement for key in batch.keys],
        )  # fmt: skip
        ((sealed,),) = self._call(_SEAL, values)
        return bool(sealed)

    def whole_rows(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[WholeRow]:
        rows = self._read(tenant_id, _OF_CONVERSATION, (tenant_id, correlation_id))
        return list(map(WholeRow._make, rows))

    def placed(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, Placed]:
        rows = self._read(tenant_id, _PLACED, (tenant_id, list(event_ids)))
        return {event_id: Placed(index, leaf) for event_id, index, leaf in rows}

    def sealed_rows(self, tenant_id: TenantId, first: int, rows_max: int) -> list[tuple[Any, ...]]:
        return self._read(tenant_id, _SEALED_ROWS, (tenant_id, first, first + rows_max))

    def nodes(self, tenant_id: TenantId, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        values = {
            "tenant_id": tenant_id,
            "levels": [level for level, _ in wanted],
            "places": [place for _, place in wanted],
        }
        found = [node for (node,) in self._read(tenant_id, _NODES, values)]
        for (level, place), node in zip(wanted, found, strict=True):
            if node is None or len(node) != HASH_BYTES:
                raise refusals.node_missing(tenant_id, level, place)
        return found

    def runs(self, tenant_id: TenantId, level: int, first: int, end: int) -> list[NodeRun]:
        values = (tenant_id, level, first - BATCH_ROWS_MAX, end)
        return list(map(NodeRun._make, self._read(tenant_id, _RUNS, values)))

    def nodes_bytes(self, tenant_id: TenantId) -> int:
        return int(self._read(tenant_id, _NODES_BYTES, (tenant_id,))[0][0])

    def checkpoint(self, tenant_id: TenantId, size: int | None = None) -> CheckpointRow | None:
        if size is None:
            statement = f"{_CHECKPOINTS} ORDER BY size DESC LIMIT 1"
            rows = self._read(tenant_id, statement, (tenant_id,))
        else:
            rows = self._read(tenant_id, f"{_CHECKPOINTS} AND size = %s", (tenant_id, size))
        return CheckpointRow._make(rows[0]) if rows else None

    def checkpoints(self, tenant_id: TenantId, size: int, rows_max: int) -> list[CheckpointRow]:
        statement = f"{_CHECKPOINTS} AND size > %s ORDER BY size LIMIT %s"
        rows = self._read(tenant_id, statement, (tenant_id, size, rows_max))
        return list(map(CheckpointRow._make, rows))

    def signing_keys(self, tenant_id: TenantId) -> list[SigningKeyRow]:
        return list(map(SigningKeyRow._make, self._read(tenant_id, _SIGNING_KEYS, (tenant_id,))))

    def counts(self, tenant_id: TenantId) -> Counts:
        return Counts._make(self._read(tenant_id, _COUNTS, {"t": tenant_id})[0])

    def unplaced(self, tenant_id: TenantId, rows_max: int) -> list[EventId]:
        values = {"t": tenant_id, "rows_max": rows_max}
        return [event_id for (event_id,) in self._read(tenant_id, _UNPLACED, values)]
