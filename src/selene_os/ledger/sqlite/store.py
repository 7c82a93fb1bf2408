"""The ledger in one SQLite file: the embedded default."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import apsw

from selene_os.errors import (
    BadField,
    Fault,
    LedgerUnavailable,
)
from selene_os.ledger import refusals
from selene_os.ledger.events import (
    AuditEvent,
    CurrentMemory,
    Disclosed,
    MemoryEvent,
    Named,
    PackRow,
    Receipt,
    Recorded,
    RecordedTurn,
    ReplayRecord,
    Stretch,
    TenantRow,
    TermBundle,
    TurnsTaken,
    Unit,
    Utterance,
    Wanted,
    recorded_of,
)
from selene_os.ledger.sqlite import commits, statements
from selene_os.ledger.sqlite.access import SqliteAccess
from selene_os.ledger.sqlite.checkpoints import Checkpointer
from selene_os.ledger.sqlite.connection import (
    begin_wal,
    connect,
    unavailable,
)
from selene_os.ledger.sqlite.insight import SqliteInsight
from selene_os.ledger.sqlite.proofs import SqliteProofs
from selene_os.ledger.sqlite.registrations import SqliteRegistrations
from selene_os.ledger.sqlite.schema import check_schema
from selene_os.ledger.sqlite.writer import GROUP_MAX, QUEUE_MAX, WAIT_MS, Writer
from selene_os.ledger.store import Setting, Verdict
from selene_os.names import (
    CorrelationId,
    DeviceId,
    EventId,
    IdempotencyKey,
    SessionId,
    TenantId,
    TurnId,
    UserId,
)

Rows = list[tuple[Any, ...]]
SYNCHRONOUS: Final = ("FULL", "NORMAL", "OFF")
_IDLE_MAX: Final = 8
_CLOSE_WAIT_S: Final = 5.0


def _checkpointing(path: str, synchronous: str) -> apsw.Connection:
    connection = connect(path, write=True)
    begin_wal(connection, path, synchronous)
    return connection


class SqliteStore:
    """A ledger in one file; see `ledger.store.Store` for what each method does.

    Args:
        path: an existing file, made by `sqlite.connection.create`.
        synchronous: FULL, NORMAL or OFF; below FULL a power cut may lose acknowledged commits.
        queue_max, group_max, wait_ms: bounds of the writer; see `sqlite.writer.Writer`.

    Raises:
        LedgerMissing, LedgerUnavailable, SchemaDiffers: the file is not a ledger of this version.
    """

    def __init__(
        self,
        path: str,
        *,
        synchronous: str = "FULL",
        queue_max: int = QUEUE_MAX,
        group_max: int = GROUP_MAX,
        wait_ms: int = WAIT_MS,
    ) -> None:
        self.path = path
        if synchronous not in SYNCHRONOUS:
            raise BadField("synchronous", "is not known", "Give " + " | ".join(SYNCHRONOUS) + ".")
        connection = connect(path, write=True)
        try:
            check_schema(connection, path)
            begin_wal(connection, path, synchronous)
            self._checkpointer = Checkpointer(connection, _checkpointing(path, synchronous))
        except BaseException:
            connection.close()
            raise
        self._writer = Writer(
            connection, path, queue_max=queue_max, group_max=group_max, wait_ms=wait_ms
        )
        self.proofs = SqliteProofs(self._writer, self._rows)
        self.access = SqliteAccess(self._writer, self._rows)
        self.insight = SqliteInsight(self._rows)
        self.registrations = SqliteRegistrations(self._rows)
        self._pid = os.getpid()
        self._readers = threading.Condition()
        self._reading = 0
        self._idle: list[apsw.Connection] = []
        self._closed = False

    def close(self) -> None:
        with self._readers:
            if self._closed:
                return
            self._closed = True
            self._readers.wait_for(lambda: self._reading == 0, timeout=_CLOSE_WAIT_S)
            while self._idle:
                self._idle.pop().close()
        self._checkpointer.close()
        # Last: the one that can write folds the WAL into the file, so that one file is the ledger.
        self._writer.close()

    # ---- decisions

    def commit(self, units: Sequence[Unit]) -> list[Verdict]:
        return self._writer.run(lambda connection: commits.append_units(connection, units))

    def trace(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[AuditEvent]:
        return list(
            map(AuditEvent._make, self._rows(statements.TRACE, (tenant_id, correlation_id)))
        )

    def event(self, tenant_id: TenantId, event_id: EventId) -> AuditEvent | None:
        rows = self._rows(statements.EVENT_BY_ID, (tenant_id, event_id))
        return AuditEvent._make(rows[0]) if rows else None

    def event_by_key(
        self, tenant_id: TenantId, correlation_id: CorrelationId, key: IdempotencyKey
    ) -> AuditEvent | None:
        rows = self._rows(statements.EVENT_BY_KEY, (tenant_id, correlation_id, key))
        return AuditEvent._make(rows[0]) if rows else None

    def record(self, tenant_id: TenantId, event_id: EventId) -> ReplayRecord | None:
        rows = self._rows(statements.RECORD, (tenant_id, event_id))
        return ReplayRecord._make(rows[0]) if rows else None

    def disclose(self, tenant_id: TenantId, event_id: EventId) -> Disclosed | None:
        return refusals.plainly(self.record(tenant_id, event_id))

    def turns_taken(self, tenant_id: TenantId, named: Sequence[Named]) -> list[TurnsTaken]:
        rows = self._rows_of_each(statements.TURNS_TAKEN, [(tenant_id, *one) for one in named])
        return list(map(TurnsTaken._make, rows))

    def turn_before(
        self,
        tenant_id: TenantId,
        correlation_id: CorrelationId,
        user_id: UserId,
        turn_id: TurnId,
    ) -> list[RecordedTurn]:
        values = (tenant_id, correlation_id, user_id, turn_id)
        return list(map(RecordedTurn._make, self._rows(statements.TURN_BEFORE, values)))

    def last_profile(self, tenant_id: TenantId, user_id: UserId) -> RecordedTurn | None:
        rows = self._rows(statements.LAST_PROFILE, (tenant_id, user_id))
        return RecordedTurn._make(rows[0]) if rows else None

    def search(self, tenant_id: TenantId, wanted: Wanted, rows_max: int) -> list[AuditEvent]:
        values = {"tenant_id": tenant_id, "rows_max": rows_max, **wanted.bound()}
        return list(map(AuditEvent._make, self._rows(statements.SEARCH, values)))

    def events_between(
        self, tenant_id: TenantId, stretch: Stretch, rows_max: int
    ) -> list[Recorded]:
        values = {"tenant_id": tenant_id, "rows_max": rows_max, **stretch.bound()}
        return list(map(recorded_of, self._rows(statements.EVENTS_BETWEEN, values)))

    # ---- conversation

    def append_utterance(self, utterance: Utterance) -> bool:
        def append(connection: apsw.Connection) -> bool:
            commits.check_scope(
                connection, utterance.tenant_id, utterance.user_id, utterance.device_id, None
            )
            return commits.insert(connection, statements.INSERT_UTTERANCE, utterance)

        return self._writer.run(append)

    def conversation(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[Utterance]:
        return list(
            map(Utterance._make, self._rows(statements.CONVERSATION, (tenant_id, correlation_id)))
        )

    # ---- memory

    def append_memory(self, event: MemoryEvent) -> Receipt:
        return self._writer.run(lambda connection: commits.append_memory(connection, event))

    def memory_events(self, tenant_id: TenantId, user_id: UserId) -> list[MemoryEvent]:
        return list(
            map(MemoryEvent._make, self._rows(statements.MEMORY_EVENTS, (tenant_id, user_id)))
        )

    def memory_current(self, tenant_id: TenantId, user_id: UserId) -> list[CurrentMemory]:
        return list(
            map(CurrentMemory._make, self._rows(statements.MEMORY_CURRENT, (tenant_id, user_id)))
        )

    def rebuild_memory(self, tenant_id: TenantId, user_id: UserId) -> int:
        def rebuild(connection: apsw.Connection) -> int:
            connection.execute(statements.CLEAR_CURRENT, (tenant_id, user_id))
            connection.execute(statements.PROJECT_ALL, (tenant_id, user_id))
            return connection.changes()

        return self._writer.run(rebuild)

    # ---- terms

    def terms_name(self, tenant_id: TenantId, bundle: bytes) -> str:
        return hashlib.sha256(bundle).hexdigest()

    def put_terms(self, bundle: TermBundle, after: str | None) -> bool:
        return self._writer.run(lambda connection: commits.put_terms(connection, bundle, after))

    def term_bundle(self, tenant_id: TenantId, digest: str) -> TermBundle | None:
        rows = self._rows(statements.TERM_BUNDLE, (tenant_id, digest))
        return TermBundle._make(rows[0]) if rows else None

    # ---- packs

    def put_pack(self, pack: PackRow) -> bool:
        return self._writer.run(lambda connection: commits.put_pack(connection, pack))

    def pack(self, tenant_id: TenantId, digest: str) -> PackRow | None:
        rows = self._rows(statements.PACK, (tenant_id, digest))
        return PackRow._make(rows[0]) if rows else None

    # ---- registrations

    def add_tenant(self, tenant: TenantRow) -> bool:
        return self._writer.run(
            lambda connection: commits.insert(connection, statements.INSERT_TENANT, tenant)
        )

    def set_tenant(self, tenant_id: TenantId, settings: Mapping[str, Setting]) -> None:
        def change(connection: apsw.Connection) -> None:
            if connection.execute(statements.TENANT, (tenant_id,)).fetchone() is None:
                raise refusals.tenant_unknown(tenant_id)
            for name, value in settings.items():
                connection.execute(statements.SET_TENANT[name], (value, tenant_id))

        self._writer.run(change)

    def tenant(self, tenant_id: TenantId) -> TenantRow | None:
        rows = self._rows(statements.TENANT, (tenant_id,))
        return TenantRow._make(rows[0]) if rows else None

    def tenants(self) -> list[TenantRow]:
        return list(map(TenantRow._make, self._rows(statements.TENANTS, ())))

    def register(
        self,
        tenant_id: TenantId,
        user_id: UserId,
        device_id: DeviceId | None,
        session_id: SessionId | None,
        created_at: int,
    ) -> bool:
        def register(connection: apsw.Connection) -> bool:
            return commits.register(
                connection, tenant_id, user_id, device_id, session_id, created_at
            )

        return self._writer.run(register, atomic=True)

    def identity_status(self, tenant_id: TenantId, user_id: UserId) -> str | None:
        rows = self._rows(statements.IDENTITY_STATUS, (tenant_id, user_id))
        return str(rows[0][0]) if rows else None

    def set_identity_status(self, tenant_id: TenantId, user_id: UserId, status: str) -> None:
        if not self._changed(statements.SET_IDENTITY_STATUS, (status, tenant_id, user_id)):
            raise refusals.user_unknown(user_id)

    def close_session(self, tenant_id: TenantId, session_id: SessionId, closed_at: int) -> None:
        def close(connection: apsw.Connection) -> None:
            found = connection.execute(statements.SESSION, (tenant_id, session_id)).fetchone()
            if found is None:
                raise refusals.session_unknown(session_id)
            if found[2] is not None:
                raise refusals.session_closed(session_id)
            connection.execute(statements.CLOSE_SESSION, (closed_at, tenant_id, session_id))

        self._writer.run(close)

    # ---- erasure

    def plain_rows(self, tenant_id: TenantId, user_id: UserId) -> int:
        ((count,),) = self._rows(statements.PLAIN_ROWS, (tenant_id, user_id))
        return int(count)

    # ---- how it reads and changes

    def _changed(self, statement: str, values: tuple[Any, ...]) -> bool:
        def change(connection: apsw.Connection) -> bool:
            connection.execute(statement, values)
            return connection.changes() > 0

        return self._writer.run(change)

    def _rows(
        self, statement: str, values: tuple[Any, ...] | dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Rows by a connection that cannot write; connections are kept for the next reader."""
        return self._read(lambda connection: connection.execute(statement, values).fetchall())

    def _rows_of_each(
        self, statement: str, values: Sequence[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        return self._read(lambda connection: connection.executemany(statement, values).fetchall())

    def _read(self, work: Callable[[apsw.Connection], Rows]) -> Rows:
        connection = self._borrow()
        try:
            return work(connection)
        except apsw.Error as error:
            raise unavailable(self.path, error) from error
        except UnicodeDecodeError as error:
            raise Fault(
                f"{self.path} holds text that is no UTF-8", "See `selene doctor`."
            ) from error
        finally:
            self._give_back(connection)

    def _borrow(self) -> apsw.Connection:
        with self._readers:
            if self._closed or os.getpid() != self._pid:
                # A connection must not be used across a fork, nor after its end.
                raise LedgerUnavailable(
                    f"{self.path} was closed, or opened by another process",
                    "Open the ledger again, in this process.",
                )
            self._reading += 1
            if self._idle:
                return self._idle.pop()
        try:
            return connect(self.path, write=False)
        except BaseException:
            with self._readers:
                self._reading -= 1
                self._readers.notify_all()
            raise

    def _give_back(self, connection: apsw.Connection) -> None:
        with self._readers:
            self._reading -= 1
            self._readers.notify_all()
            if not self._closed and len(self._idle) < _IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()
