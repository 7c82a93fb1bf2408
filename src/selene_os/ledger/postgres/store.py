"""The ledger in PostgreSQL: where the database itself refuses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg

from selene_os.errors import SeleneError
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
from selene_os.ledger.postgres import commits, statements
from selene_os.ledger.postgres.access import PostgresAccess
from selene_os.ledger.postgres.calls import AGAIN, CLOSE_WAIT_S, RETRY_AFTER_S, Calls
from selene_os.ledger.postgres.connection import Connection, connect, named, parse, unavailable
from selene_os.ledger.postgres.groups import Call, Groups
from selene_os.ledger.postgres.insight import PostgresInsight
from selene_os.ledger.postgres.proofs import PostgresProofs
from selene_os.ledger.postgres.registrations import PostgresRegistrations
from selene_os.ledger.postgres.schema import check_schema
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

CONNECTIONS_MAX: Final = 16
# Of these, how many may write at once: one group is made durable while the next one gathers.
LEADERS_MAX: Final = 2


class PostgresStore(Calls):
    """A ledger in one database; see `ledger.store.Store` for what each method does.

    Args:
        url: postgresql://…, as a role that `schema.create` made; see docs/guides/postgresql.md.
        connections_max: connections at once.
        leaders_max: of these, how many write at once; callers beyond share transactions.
        retry_after_s: the waits before each further try of what a moment may mend.

    Raises:
        LedgerMissing, LedgerUnavailable, SchemaDiffers: there is no ledger of this version.
    """

    def __init__(
        self,
        url: str,
        *,
        connections_max: int = CONNECTIONS_MAX,
        leaders_max: int = LEADERS_MAX,
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
    ) -> None:
        with connect(url) as connection:
            check_schema(connection, named(parse(url)))
        super().__init__(url, connections_max, retry_after_s)
        self.proofs = PostgresProofs(self._rows, self._read)
        self.access = PostgresAccess(self._rows, self._read)
        self.insight = PostgresInsight(self._read)
        self.registrations = PostgresRegistrations(self._read)
        self._groups = Groups(self._transact, min(leaders_max, connections_max), self.name)

    def close(self) -> None:
        if os.getpid() != self._pid:
            # The connections are the parent's.
            return
        self._groups.close(CLOSE_WAIT_S)
        super().close()

    # ---- decisions

    def commit(self, units: Sequence[Unit]) -> list[Verdict]:
        self._check_process()
        return self._groups.commit(units) if units else []

    def trace(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[AuditEvent]:
        rows = self._rows(statements.TRACE, (tenant_id, correlation_id))
        return list(map(AuditEvent._make, rows))

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
        correlations, keys = [one[0] for one in named], [one[1] for one in named]
        rows = self._rows(statements.TURNS_TAKEN, (tenant_id, correlations, keys))
        if not rows:
            # Another tenant's login is shown nothing here, and refused where it writes.
            return [TurnsTaken(None, 0)] * len(named)
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
        return list(map(AuditEvent._make, self._read(tenant_id, statements.SEARCH, values)))

    def events_between(
        self, tenant_id: TenantId, stretch: Stretch, rows_max: int
    ) -> list[Recorded]:
        values = {"tenant_id": tenant_id, "rows_max": rows_max, **stretch.bound()}
        return list(map(recorded_of, self._read(tenant_id, statements.EVENTS_BETWEEN, values)))

    # ---- conversation

    def append_utterance(self, utterance: Utterance) -> bool:
        ((found,),) = self._rows(statements.APPEND_UTTERANCE, (*utterance, AGAIN))
        added, scope = found
        if scope is not None and (
            refused := commits.refused_scope(
                scope, utterance.tenant_id, utterance.user_id, utterance.device_id, None
            )
        ):
            raise refused
        return bool(added)

    def conversation(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[Utterance]:
        values = (tenant_id, correlation_id)
        return list(map(Utterance._make, self._read(tenant_id, statements.CONVERSATION, values)))

    # ---- memory

    def append_memory(self, event: MemoryEvent) -> Receipt:
        values = (event.tenant_id, commits.encode_memory(event))
        ((found,),), again = self._call(statements.APPEND_MEMORY, values)
        ours = again and found and found.get("event_id") == event.memory_event_id
        if found is None or ours:
            return Receipt(event.memory_event_id, deduplicated=False, same_decision=True)
        if (scope := found.get("found")) is not None and (
            refused := commits.refused_scope(scope, event.tenant_id, event.user_id, None, None)
        ):
            raise refused
        return Receipt(found["event_id"], deduplicated=True, same_decision=found["same"])

    def memory_events(self, tenant_id: TenantId, user_id: UserId) -> list[MemoryEvent]:
        rows = self._read(tenant_id, statements.MEMORY_EVENTS, (tenant_id, user_id))
        return list(map(MemoryEvent._make, rows))

    def memory_current(self, tenant_id: TenantId, user_id: UserId) -> list[CurrentMemory]:
        rows = self._read(tenant_id, statements.MEMORY_CURRENT, (tenant_id, user_id))
        return list(map(CurrentMemory._make, rows))

    def rebuild_memory(self, tenant_id: TenantId, user_id: UserId) -> int:
        ((count,),) = self._rows(statements.REBUILD_MEMORY, (tenant_id, user_id))
        return int(count)

    # ---- terms

    def terms_name(self, tenant_id: TenantId, bundle: bytes) -> str:
        return hashlib.sha256(bundle).hexdigest()

    def put_terms(self, bundle: TermBundle, after: str | None) -> bool:
        ((put,),) = self._rows(
            statements.PUT_TERMS,
            (*bundle, after),
            {"SE404 tenant_id": lambda: refusals.tenant_unknown(bundle.tenant_id)},
        )
        return bool(put)

    def term_bundle(self, tenant_id: TenantId, digest: str) -> TermBundle | None:
        rows = self._rows(statements.TERM_BUNDLE, (tenant_id, digest))
        return TermBundle._make(rows[0]) if rows else None

    # ---- packs

    def put_pack(self, pack: PackRow) -> bool:
        ((put,),) = self._rows(
            statements.PUT_PACK,
            (*pack, AGAIN),
            {"SE404 tenant_id": lambda: refusals.tenant_unknown(pack.tenant_id)},
        )
        return bool(put)

    def pack(self, tenant_id: TenantId, digest: str) -> PackRow | None:
        rows = self._rows(statements.PACK, (tenant_id, digest))
        return PackRow._make(rows[0]) if rows else None

    # ---- registrations

    def add_tenant(self, tenant: TenantRow) -> bool:
        ((added,),) = self._rows(statements.ADD_TENANT, (*tenant[:-1], AGAIN))
        return bool(added)

    def set_tenant(self, tenant_id: TenantId, settings: Mapping[str, Setting]) -> None:
        self._rows(
            statements.SET_TENANT,
            (tenant_id, commits.dumps(dict(settings))),
            {"SE404 tenant_id": lambda: refusals.tenant_unknown(tenant_id)},
        )

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
        ((added,),) = self._rows(
            statements.REGISTER,
            (tenant_id, user_id, device_id, session_id, created_at, AGAIN),
            {
                "SE404 tenant_id": lambda: refusals.tenant_unknown(tenant_id),
                "SE409 user_id": lambda: refusals.user_disabled(user_id),
                "SE409 device_id": lambda: refusals.device_taken(device_id or DeviceId("")),
                "SE409 session_id": lambda: refusals.session_taken(session_id or SessionId("")),
            },
        )
        return bool(added)

    def identity_status(self, tenant_id: TenantId, user_id: UserId) -> str | None:
        rows = self._read(tenant_id, statements.IDENTITY_STATUS, (tenant_id, user_id))
        return str(rows[0][0]) if rows else None

    def set_identity_status(self, tenant_id: TenantId, user_id: UserId, status: str) -> None:
        self._rows(
            statements.SET_IDENTITY_STATUS,
            (tenant_id, user_id, status),
            {"SE404 user_id": lambda: refusals.user_unknown(user_id)},
        )

    def close_session(self, tenant_id: TenantId, session_id: SessionId, closed_at: int) -> None:
        self._rows(
            statements.CLOSE_SESSION,
            (tenant_id, session_id, closed_at, AGAIN),
            {
                "SE404 session_id": lambda: refusals.session_unknown(session_id),
                "SE409 session_id": lambda: refusals.session_closed(session_id),
            },
        )

    # ---- erasure

    def plain_rows(self, tenant_id: TenantId, user_id: UserId) -> int:
        values = {"t": tenant_id, "u": user_id}
        ((count,),) = self._read(tenant_id, statements.PLAIN_ROWS, values)
        return int(count)

    # ---- how it writes

    def _transact(self, group: list[Call]) -> None:
        """Commit a group of calls; where that fails for all of them, each one alone."""
        try:
            self._commit(group)
        except SeleneError as error:
            group[0].error = error
            for call in group[1:]:
                # One each: a raised exception carries the traceback of whoever raised it.
                call.error = type(error)(error.problem, error.next_step)
        except Exception as error:
            if len(group) == 1:
                # A row that cannot be sent is told like an error of the driver.
                known = isinstance(error, psycopg.Error | UnicodeEncodeError)
                group[0].error = unavailable(self.name, error) if known else error
                return
            for call in group:
                self._transact([call])

    def _commit(self, group: list[Call]) -> None:
        """Write what the calls of a group hold, in one transaction."""
        parts = commits.parts_of([unit for call in group for unit in call.units])
        asked = [(tenant_id, commits.encode(runs)) for tenant_id, runs in parts]

        def write(connection: Connection, again: bool) -> tuple[list[Any], bool]:
            again = again or any(call.again for call in group)
            for call in group:
                call.again = again
            if len(asked) == 1:
                row = connection.execute(statements.COMMIT, (*asked[0], again)).fetchone()
                return [row and row[0]], again
            with connection.pipeline(), connection.transaction():
                cursors = [connection.execute(statements.COMMIT, (*one, again)) for one in asked]
            return [(cursor.fetchone() or (None,))[0] for cursor in cursors], again

        found, again = self._tried(write)
        told: dict[int, commits.Outcome] = {}
        for (_, runs), other in zip(parts, found, strict=True):
            told.update(commits.verdicts(runs, other, again=again))
        outcomes = iter([told[place] for place in range(len(told))])
        for call in group:
            call.take([next(outcomes) for _ in call.units])
