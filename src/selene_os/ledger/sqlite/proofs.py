"""Proofs in one SQLite file; see `ledger.proofs.Proofs` for what each method does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw

from selene_os.errors import Fault, LedgerUnavailable
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
from selene_os.ledger.sqlite.writer import Writer
from selene_os.names import CorrelationId, EventId, TenantId

Read = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]

_WHOLE: Final = (
    f"{columns_of(AuditEvent, 'e')}, r.engine_version, r.pack_digest, r.key_id, r.record"
)
_UNSEALED_TENANTS: Final = (
    "SELECT tenant_id FROM tenants AS t WHERE EXISTS"
    " (SELECT 1 FROM unsealed_events AS u WHERE u.tenant_id = t.tenant_id) ORDER BY tenant_id"
)
_UNSEALED: Final = (
    f"SELECT {_WHOLE} FROM unsealed_events AS u"
    " CROSS JOIN audit_events AS e USING (tenant_id, event_id)"
    " LEFT JOIN replay_inputs AS r USING (tenant_id, event_id)"
    " WHERE u.tenant_id = ?1 AND NOT EXISTS (SELECT 1 FROM merkle_leaves AS l"
    " WHERE l.tenant_id = ?1 AND l.event_id = u.event_id) ORDER BY u.event_id LIMIT ?2"
)
_OF_CONVERSATION: Final = (
    f"SELECT {_WHOLE} FROM audit_events AS e"
    " LEFT JOIN replay_inputs AS r USING (tenant_id, event_id)"
    " WHERE e.tenant_id = ? AND e.correlation_id = ? ORDER BY e.turn_id, e.event_id"
)
_SEALED_ROWS: Final = (
    f"SELECT l.leaf_index, l.event_id, l.leaf_hash, {_WHOLE} FROM merkle_leaves AS l"
    " LEFT JOIN audit_events AS e ON e.tenant_id = l.tenant_id AND e.event_id = l.event_id"
    # A record of another engine is none of this row's: no leaf holds its column.
    " LEFT JOIN replay_inputs AS r ON r.tenant_id = l.tenant_id AND r.event_id = l.event_id"
    " AND r.engine = e.engine"
    " WHERE l.tenant_id = ? AND l.leaf_index >= ? ORDER BY l.leaf_index LIMIT ?"
)
# The same with texts as the bytes that they are stored in, for those that are no UTF-8.
_TEXTS: Final = frozenset(WholeRow._fields) - {
    "reason_code", "turn_id", "created_at", "record_digest",
}  # fmt: skip
_SEALED_BYTES: Final = _SEALED_ROWS.replace(
    _WHOLE,
    ", ".join(
        f"CAST({column} AS BLOB)" if column[2:] in _TEXTS else column
        for column in _WHOLE.split(", ")
    ),
).replace("l.event_id,", "CAST(l.event_id AS BLOB),", 1)
_SEALED_COLUMNS: Final = ("event_id", "leaf_hash", *WholeRow._fields)
_PLACED: Final = (
    "SELECT leaf_index, leaf_hash FROM merkle_leaves WHERE tenant_id = ? AND event_id = ?"
)
_LEAF: Final = "SELECT leaf_hash FROM merkle_leaves WHERE tenant_id = ? AND leaf_index = ?"
_RUN_WITH: Final = (
    "SELECT level, first, hashes FROM merkle_nodes"
    " WHERE tenant_id = ? AND level = ? AND first <= ? ORDER BY first DESC LIMIT 1"
)
_RUNS: Final = (
    "SELECT level, first, hashes FROM merkle_nodes WHERE tenant_id = ? AND level = ?"
    " AND first > ? AND first < ? ORDER BY first"
)
_NODES_BYTES: Final = (
    "SELECT coalesce(sum(length(hashes)), 0) FROM merkle_nodes WHERE tenant_id = ?"
)
_CHECKPOINTS: Final = f"SELECT {columns_of(CheckpointRow)} FROM checkpoints WHERE tenant_id = ?"
_SIGNING_KEYS: Final = (
    # An id that is none, perhaps not even text, is told as no id.
    "SELECT tenant_id, iif(key_id GLOB '*[^0-9a-f]*', '', key_id), statement, created_at"
    " FROM signing_keys WHERE tenant_id = ?"
    " ORDER BY created_at, key_id"
)
_COUNTS: Final = (
    "SELECT (SELECT count(*) FROM audit_events WHERE tenant_id = ?1),"
    " (SELECT count(*) FROM merkle_leaves WHERE tenant_id = ?1),"
    " (SELECT count(*) FROM unsealed_events WHERE tenant_id = ?1)"
)
_UNSEALED_ROWS: Final = "SELECT count(*) FROM unsealed_events WHERE tenant_id = ?"
_UNPLACED: Final = (
    # As the digits of its bytes where it is no id, perhaps not even text.
    "SELECT iif(event_id GLOB '*[^0-9a-f-]*', hex(event_id), event_id)"
    " FROM audit_events AS e WHERE tenant_id = ?1"
    " AND NOT EXISTS (SELECT 1 FROM merkle_leaves WHERE tenant_id = ?1 AND event_id = e.event_id)"
    " AND NOT EXISTS (SELECT 1 FROM unsealed_events WHERE tenant_id = ?1 AND event_id = e.event_id)"
    " ORDER BY event_id LIMIT ?2"
)
# One statement for a batch: binding a row at a time costs as much as inserting it.
_INSERT_LEAVES: Final = (
    "INSERT INTO merkle_leaves (tenant_id, leaf_index, event_id, leaf_hash)"
    " SELECT ?1, ?2 + key, value, substr(?3, key * 32 + 1, 32) FROM json_each(?4) ORDER BY key"
)
_INSERT_RUN: Final = (
    "INSERT INTO merkle_nodes (tenant_id, level, first, hashes) VALUES (?, ?, ?, ?)"
)
_INSERT_CHECKPOINT: Final = (
    f"INSERT INTO checkpoints ({columns_of(CheckpointRow)}) VALUES (?, ?, ?, ?, ?)"
)
_INSERT_KEY: Final = (
    f"INSERT INTO signing_keys ({columns_of(SigningKeyRow)}) SELECT ?1, ?2, ?3, ?4"
    " WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE tenant_id = ?1 AND key_id = ?2)"
)
_TAKE_OUT: Final = (
    "DELETE FROM unsealed_events WHERE tenant_id = ?1 AND event_id IN"
    " (SELECT event_id FROM merkle_leaves WHERE tenant_id = ?1 AND leaf_index >= ?2)"
)


class SqliteProofs:
    """The proofs of a ledger in one file.

    Args:
        writer: the file's one writer.
        read: rows by a connection that cannot write.
    """

    def __init__(self, writer: Writer, read: Read) -> None:
        self._writer = writer
        self._read = read

    def unsealed_tenants(self) -> list[TenantId]:
        return [tenant_id for (tenant_id,) in self._read(_UNSEALED_TENANTS, ())]

    def unsealed(self, tenant_id: TenantId, rows_max: int) -> list[WholeRow]:
        return list(map(_whole, self._read(_UNSEALED, (tenant_id, rows_max))))

    def unsealed_rows(self, tenant_id: TenantId) -> int:
        ((rows,),) = self._read(_UNSEALED_ROWS, (tenant_id,))
        return int(rows)

    def seal(self, batch: Batch) -> bool:
        return self._writer.run(lambda connection: _seal(connection, batch), atomic=True)

    def whole_rows(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[WholeRow]:
        return list(map(_whole, self._read(_OF_CONVERSATION, (tenant_id, correlation_id))))

    def placed(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, Placed]:
        found = {}
        for event_id in event_ids:
            for row in self._read(_PLACED, (tenant_id, event_id)):
                found[event_id] = Placed._make(row)
        return found

    def sealed_rows(self, tenant_id: TenantId, first: int, rows_max: int) -> list[tuple[Any, ...]]:
        try:
            rows = self._read(_SEALED_ROWS, (tenant_id, first, rows_max))
        except LedgerUnavailable:
            raise
        except Fault:
            # Text that is no UTF-8, which the ledger never writes: who verifies is told in which
            # row it stands, where that text is given as bytes.
            rows = [
                tuple(map(_text_or_bytes, ("leaf_index", *_SEALED_COLUMNS), row))
                for row in self._read(_SEALED_BYTES, (tenant_id, first, rows_max))
            ]
        sha256 = hashlib.sha256
        return [
            (*row[:-1], sha256(row[-1]).digest() if type(row[-1]) is bytes else row[-1])
            for row in rows
        ]

    def nodes(self, tenant_id: TenantId, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self._node(tenant_id, level, place) for level, place in wanted]

    def runs(self, tenant_id: TenantId, level: int, first: int, end: int) -> list[NodeRun]:
        rows = self._read(_RUNS, (tenant_id, level, first - BATCH_ROWS_MAX, end))
        return list(map(NodeRun._make, rows))

    def nodes_bytes(self, tenant_id: TenantId) -> int:
        return int(self._read(_NODES_BYTES, (tenant_id,))[0][0])

    def checkpoint(self, tenant_id: TenantId, size: int | None = None) -> CheckpointRow | None:
        if size is None:
            rows = self._read(f"{_CHECKPOINTS} ORDER BY size DESC LIMIT 1", (tenant_id,))
        else:
            rows = self._read(f"{_CHECKPOINTS} AND size = ?", (tenant_id, size))
        return CheckpointRow._make(rows[0]) if rows else None

    def checkpoints(self, tenant_id: TenantId, size: int, rows_max: int) -> list[CheckpointRow]:
        rows = self._read(
            f"{_CHECKPOINTS} AND size > ? ORDER BY size LIMIT ?", (tenant_id, size, rows_max)
        )
        return list(map(CheckpointRow._make, rows))

    def signing_keys(self, tenant_id: TenantId) -> list[SigningKeyRow]:
        return list(map(SigningKeyRow._make, self._read(_SIGNING_KEYS, (tenant_id,))))

    def counts(self, tenant_id: TenantId) -> Counts:
        return Counts._make(self._read(_COUNTS, (tenant_id,))[0])

    def unplaced(self, tenant_id: TenantId, rows_max: int) -> list[EventId]:
        return [event_id for (event_id,) in self._read(_UNPLACED, (tenant_id, rows_max))]

    def _node(self, tenant_id: TenantId, level: int, place: int) -> bytes:
        if level == 0:
            rows = self._read(_LEAF, (tenant_id, place))
            start = 0
        else:
            rows = self._read(_RUN_WITH, (tenant_id, level, place))
            start = (place - rows[0][1]) * HASH_BYTES if rows else 0
            rows = [row[2:] for row in rows]
        found: bytes = rows[0][0][start : start + HASH_BYTES] if rows else b""
        if len(found) != HASH_BYTES:
            raise refusals.node_missing(tenant_id, level, place)
        return found


def _text_or_bytes(column: str, value: Any) -> Any:
    """A text that was read as its bytes; those bytes where it is none."""
    if column not in _TEXTS or type(value) is not bytes:
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _whole(row: tuple[Any, ...]) -> WholeRow:
    record = row[-1]
    # Not only where it is None: somebody may have written what is no bytes.
    digest = hashlib.sha256(record).digest() if type(record) is bytes else record
    return WholeRow._make((*row[:-1], digest))


def _seal(connection: apsw.Connection, batch: Batch) -> bool:
    execute, tenant_id = connection.execute, batch.tenant_id
    ((size,),) = execute(
        "SELECT coalesce(max(size), 0) FROM checkpoints WHERE tenant_id = ?", (tenant_id,)
    ).fetchall()
    if size != batch.size:
        return False
    ids = json.dumps(batch.events, ensure_ascii=False)
    execute(_INSERT_LEAVES, (tenant_id, batch.size, batch.leaves, ids))
    connection.executemany(_INSERT_RUN, [(tenant_id, *run) for run in batch.runs])
    execute(_INSERT_CHECKPOINT, batch.checkpoint)
    for key in batch.keys:
        execute(_INSERT_KEY, key)
    execute(_TAKE_OUT, (tenant_id, batch.size))
    if connection.changes() != len(batch.events):
        raise refusals.not_waiting()
    return True
