"""What the writer's thread does inside a transaction: append, dedupe, register.

Each function either finishes, or raises a Refusal having written nothing (`register` refuses
inside a savepoint). The guards in the database decide; the queries here only find the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import apsw

from selene_os.errors import Refusal
from selene_os.ledger import refusals, scope
from selene_os.ledger.events import (
    ENGINE_TO_SEVERITY,
    PAYLOAD,
    USER_TO_SESSION,
    AuditEvent,
    MemoryEvent,
    PackRow,
    Receipt,
    TenantRow,
    TermBundle,
    Unit,
)
from selene_os.ledger.sqlite import statements
from selene_os.ledger.store import Verdict
from selene_os.names import DeviceId, IdempotencyKey, SessionId, TenantId, UserId


def append_units(connection: apsw.Connection, units: Sequence[Unit]) -> list[Verdict]:
    """Append each unit, one after the other; a refused one leaves the others alone."""
    verdicts: list[Verdict] = []
    for unit in units:
        try:
            if len(unit.events) == 1:
                verdicts.append(_append_unit(connection, unit))
            else:
                # Its second event may be refused after its first was written.
                with connection:
                    verdicts.append(_append_unit(connection, unit))
        except Refusal as refusal:
            verdicts.append(refusal)
    return verdicts


def insert(connection: apsw.Connection, statement: str, row: tuple[Any, ...]) -> bool:
    """Insert one row; False where a guard left it out because it is there already."""
    connection.execute(statement, row)
    return connection.changes() > 0


def _append_unit(connection: apsw.Connection, unit: Unit) -> tuple[Receipt, ...]:
    first, *others = unit.events
    if unit.next_turn or unit.after_profile is not None or unit.settles:
        _check_not_overtaken(connection, unit)
    receipt = _append_event(connection, first)
    if receipt.deduplicated:
        return _earlier(connection, receipt, unit.events)
    receipts = [receipt]
    for event in others:
        receipts.append(_append_event(connection, event))
        if receipts[-1].deduplicated:
            raise refusals.key_conflict(event)
    for record in unit.records:
        connection.execute(statements.INSERT_RECORD, record)
    if unit.said is not None:
        connection.execute(statements.INSERT_UTTERANCE, unit.said)
    return tuple(receipts)


def _check_not_overtaken(connection: apsw.Connection, unit: Unit) -> None:
    """Refuse what was decided from a state that is not the state any more."""
    event = unit.events[0]
    if unit.next_turn:
        last = connection.execute(
            statements.LAST_TURN, (event.tenant_id, event.correlation_id)
        ).fetchone()
        if last is not None and last[0] >= event.turn_id:
            raise refusals.turn_overtaken(event)
    if unit.after_profile is not None and _by_key(connection, event) is None:
        newest = connection.execute(
            statements.LAST_PROFILE, (event.tenant_id, event.user_id)
        ).fetchone()
        if (newest[0] if newest else "") != unit.after_profile or (
            event.event_id <= unit.after_profile
        ):
            raise refusals.profile_overtaken()
    for draft in unit.settles:
        if _by_key(connection, event) is not None:
            break
        place = (event.tenant_id, event.correlation_id, draft)
        if connection.execute(statements.SETTLED, place).fetchone():
            raise refusals.draft_settled()
        own = (event.tenant_id, draft, event.correlation_id, event.user_id)
        if connection.execute(statements.OWN_DRAFT, own).fetchone() is None:
            check_scope(
                connection, event.tenant_id, event.user_id, event.device_id, event.session_id
            )
            raise refusals.draft_elsewhere()


def _append_event(connection: apsw.Connection, event: AuditEvent) -> Receipt:
    try:
        connection.execute(statements.INSERT_EVENT, event)
    except apsw.ConstraintError:
        check_scope(connection, event.tenant_id, event.user_id, event.device_id, event.session_id)
        raise
    if connection.changes():
        return Receipt(event.event_id, deduplicated=False, same_decision=True)
    there = _by_key(connection, event)
    if there is None:
        raise refusals.event_elsewhere(event.event_id)
    return _receipt_of(connection, there, event)


def _receipt_of(connection: apsw.Connection, there: AuditEvent, event: AuditEvent) -> Receipt:
    """The receipt of a retry, or its refusal."""
    if there.engine != event.engine:
        raise refusals.key_conflict(event)
    if there[USER_TO_SESSION] != event[USER_TO_SESSION]:
        # A retry in the first one's scope is answered even after its session has ended; in
        # another scope it is a write like any other, and refused like one.
        check_scope(connection, event.tenant_id, event.user_id, event.device_id, event.session_id)
    same = all(
        there[part] == event[part] for part in (ENGINE_TO_SEVERITY, USER_TO_SESSION, PAYLOAD)
    )
    return Receipt(there.event_id, deduplicated=True, same_decision=same)


def _earlier(
    connection: apsw.Connection, first: Receipt, events: Sequence[AuditEvent]
) -> tuple[Receipt, ...]:
    """The receipts of a retried unit, as far as the first try wrote its events.

    A retry with more events, or with fewer, does not say the same.
    """
    found = [(_by_key(connection, event), event) for event in events[1:]]
    written = [_receipt_of(connection, there, event) for there, event in found if there]
    receipts = [first, *written]
    beyond = f"{events[0].idempotency_key}#{len(events) + 1}"
    more = _by_key(connection, events[0]._replace(idempotency_key=IdempotencyKey(beyond)))
    if len(receipts) < len(events) or (more is not None and more.engine == events[0].engine):
        receipts[0] = replace(first, same_decision=False)
    return tuple(receipts)


def _by_key(connection: apsw.Connection, event: AuditEvent) -> AuditEvent | None:
    row = connection.execute(
        statements.EVENT_BY_KEY, (event.tenant_id, event.correlation_id, event.idempotency_key)
    ).fetchone()
    return AuditEvent._make(row) if row else None


def check_scope(
    connection: apsw.Connection,
    tenant_id: TenantId,
    user_id: UserId | None,
    device_id: DeviceId | None,
    session_id: SessionId | None,
) -> None:
    """Raise ScopeRefused with the part that is wrong; return where the whole scope holds."""

    def one(statement: str, *values: object) -> Any:
        return connection.execute(statement, values).fetchone()

    identity = one(statements.IDENTITY_STATUS, tenant_id, user_id)
    device = one(statements.DEVICE_USER, tenant_id, device_id)
    found = scope.Found(
        tenant=one(statements.TENANT, tenant_id) is not None,
        identity_status=identity and identity[0],
        device_user=device and device[0],
        session=one(statements.SESSION, tenant_id, session_id),
    )
    if refused := scope.wrong_part(found, tenant_id, user_id, device_id, session_id):
        raise refused


def append_memory(connection: apsw.Connection, event: MemoryEvent) -> Receipt:
    """Append a memory event with the next version of its key, and project it."""
    check_scope(connection, event.tenant_id, event.user_id, None, None)
    row = connection.execute(
        statements.MEMORY_BY_KEY, (event.tenant_id, event.user_id, event.idempotency_key)
    ).fetchone()
    if row is not None:
        there = MemoryEvent._make(row)
        same = there == event._replace(
            memory_event_id=there.memory_event_id,
            version=there.version,
            created_at=there.created_at,
        )
        return Receipt(there.memory_event_id, deduplicated=True, same_decision=same)
    key = (event.tenant_id, event.user_id, event.memory_key)
    ((latest,),) = connection.execute(statements.MEMORY_VERSION, key).fetchall()
    assert isinstance(latest, int)
    connection.execute(statements.INSERT_MEMORY, event._replace(version=latest + 1))
    connection.execute(statements.PROJECT_ONE, key)
    return Receipt(event.memory_event_id, deduplicated=False, same_decision=True)


def put_terms(connection: apsw.Connection, bundle: TermBundle, after: str | None) -> bool:
    """Make a bundle the tenant's, if the one that it was made from still is."""
    row = connection.execute(statements.TENANT, (bundle.tenant_id,)).fetchone()
    if row is None:
        raise refusals.tenant_unknown(bundle.tenant_id)
    there = TenantRow._make(row).terms_digest
    if there == bundle.digest:
        return True
    if there != after:
        return False
    connection.execute(statements.INSERT_TERMS, bundle)
    connection.execute(statements.SET_TERMS, (bundle.digest, bundle.tenant_id))
    return True


def put_pack(connection: apsw.Connection, pack: PackRow) -> bool:
    """Keep a pack; False where it is kept already."""
    if connection.execute(statements.TENANT, (pack.tenant_id,)).fetchone() is None:
        raise refusals.tenant_unknown(pack.tenant_id)
    return insert(connection, statements.INSERT_PACK, pack)


def register(
    connection: apsw.Connection,
    tenant_id: TenantId,
    user_id: UserId,
    device_id: DeviceId | None,
    session_id: SessionId | None,
    created_at: int,
) -> bool:
    """Add what is missing; raises inside the writer's savepoint, so that nothing stays."""
    execute = connection.execute
    if execute(statements.TENANT, (tenant_id,)).fetchone() is None:
        raise refusals.tenant_unknown(tenant_id)
    added = insert(connection, statements.INSERT_IDENTITY, (tenant_id, user_id, created_at))
    if execute(statements.IDENTITY_STATUS, (tenant_id, user_id)).fetchone() != (scope.ACTIVE,):
        raise refusals.user_disabled(user_id)
    if device_id is None:
        return added
    added |= insert(connection, statements.INSERT_BINDING, (device_id, tenant_id, created_at))
    bound = execute(statements.BINDING_TENANT, (device_id,)).fetchone()
    if bound == (tenant_id,):
        device = (tenant_id, device_id, user_id, created_at)
        added |= insert(connection, statements.INSERT_DEVICE, device)
    if execute(statements.DEVICE_USER, (tenant_id, device_id)).fetchone() != (user_id,):
        raise refusals.device_taken(device_id)
    if session_id is None:
        return added
    session = (tenant_id, session_id, user_id, device_id, created_at)
    added |= insert(connection, statements.INSERT_SESSION, session)
    opened = execute(statements.SESSION, (tenant_id, session_id)).fetchone()
    if opened != (user_id, device_id, None):
        raise refusals.session_taken(session_id)
    return added
