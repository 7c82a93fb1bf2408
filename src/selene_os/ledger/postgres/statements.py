"""The SQL of the PostgreSQL store: calls of its functions, and reads under row-level security."""

from __future__ import annotations

from typing import Any, Final

from selene_os.ledger.events import (
    AuditEvent,
    CurrentMemory,
    MemoryEvent,
    PackRow,
    RecordedTurn,
    ReplayRecord,
    TenantRow,
    TermBundle,
    TurnsTaken,
    Utterance,
    columns_of,
)


def _call(row: type[Any], function: str, arguments: int) -> str:
    marks = ", ".join(["%s"] * arguments)
    return f"SELECT {columns_of(row)} FROM os_core.{function}({marks})"


COMMIT: Final = "SELECT os_core.commit_units(%s, %s, %s)"
TRACE: Final = _call(AuditEvent, "trace", 2)
EVENT_BY_ID: Final = _call(AuditEvent, "event", 2)
EVENT_BY_KEY: Final = _call(AuditEvent, "event_by_key", 3)
RECORD: Final = _call(ReplayRecord, "record", 2)
TURNS_TAKEN: Final = _call(TurnsTaken, "turns_taken", 3)
TURN_BEFORE: Final = _call(RecordedTurn, "turn_before", 4)
LAST_PROFILE: Final = _call(RecordedTurn, "last_profile", 2)

APPEND_UTTERANCE: Final = (
    f"SELECT os_core.append_utterance({', '.join(['%s'] * len(Utterance._fields))}, %s)"
)
APPEND_MEMORY: Final = "SELECT os_core.append_memory(%s, %s)"
REBUILD_MEMORY: Final = "SELECT os_core.rebuild_memory(%s, %s)"

# Without terms_digest, which is none yet, and with p_again.
ADD_TENANT: Final = f"SELECT os_core.add_tenant({', '.join(['%s'] * len(TenantRow._fields))})"
SET_TENANT: Final = "SELECT os_core.set_tenant(%s, %s)"
TENANT: Final = _call(TenantRow, "tenant", 1)
TENANTS: Final = _call(TenantRow, "list_tenants", 0)
REGISTER: Final = "SELECT os_core.register(%s, %s, %s, %s, %s, %s)"
SET_IDENTITY_STATUS: Final = "SELECT os_core.set_identity_status(%s, %s, %s)"
CLOSE_SESSION: Final = "SELECT os_core.close_session(%s, %s, %s, %s)"

PUT_TERMS: Final = f"SELECT os_core.put_terms({', '.join(['%s'] * len(TermBundle._fields))}, %s)"
TERM_BUNDLE: Final = _call(TermBundle, "term_bundle", 2)
PUT_PACK: Final = "SELECT os_core.put_pack(%s, %s, %s, %s, %s)"
PACK: Final = _call(PackRow, "pack", 2)

# Ad-hoc reads: one transaction, one tenant, held by the policies as well as by the WHERE.
SET_READER: Final = "SELECT set_config('selene.tenant', %s, true)"
CONVERSATION: Final = (
    f"SELECT {columns_of(Utterance)} FROM os_core.conversation_ledger"
    " WHERE tenant_id = %s AND correlation_id = %s ORDER BY turn_id, role DESC"
)
MEMORY_EVENTS: Final = (
    f"SELECT {columns_of(MemoryEvent)} FROM os_core.memory_ledger"
    " WHERE tenant_id = %s AND user_id = %s ORDER BY memory_key, version"
)
MEMORY_CURRENT: Final = (
    f"SELECT {columns_of(CurrentMemory)} FROM os_core.memory_current"
    " WHERE tenant_id = %s AND user_id = %s ORDER BY memory_key"
)
IDENTITY_STATUS: Final = (
    "SELECT status FROM os_core.identities WHERE tenant_id = %s AND user_id = %s"
)
PLAIN_ROWS: Final = (
    "SELECT (SELECT count(*) FROM os_core.audit_events AS e JOIN os_core.replay_inputs AS r"
    " USING (tenant_id, event_id)"
    " WHERE e.tenant_id = %(t)s AND e.user_id = %(u)s AND r.key_id = 'plain')"
    " + (SELECT count(*) FROM os_core.conversation_ledger"
    " WHERE tenant_id = %(t)s AND user_id = %(u)s AND key_id = 'plain')"
    " + (SELECT count(*) FROM os_core.memory_ledger"
    " WHERE tenant_id = %(t)s AND user_id = %(u)s AND key_id = 'plain' AND value IS NOT NULL)"
)
# What a search may ask for; each is read along the tenant's rows by time.
SEARCH: Final = (
    f"SELECT {columns_of(AuditEvent)} FROM os_core.audit_events WHERE tenant_id = %(tenant_id)s"
    " AND created_at >= coalesce(%(since)s::BIGINT, 0)"
    " AND created_at < coalesce(%(until)s::BIGINT, 9223372036854775807)"
    " AND (%(after_at)s::BIGINT IS NULL OR (created_at, event_id) < (%(after_at)s, %(after_id)s))"
    " AND created_at <= coalesce(%(after_at)s, 9223372036854775807)"
    " AND (%(user_id)s::TEXT IS NULL OR user_id = %(user_id)s)"
    " AND (%(device_id)s::TEXT IS NULL OR device_id = %(device_id)s)"
    " AND (%(reason_code)s::BIGINT IS NULL OR reason_code = %(reason_code)s)"
    " AND (%(intent_type)s::TEXT IS NULL"
    " OR payload_min::JSON ->> 'intent_type' = %(intent_type)s)"
    " AND (%(decision)s::TEXT IS NULL"
    " OR coalesce(payload_min::JSON ->> 'decision', 'PROFILE') = %(decision)s)"
    " ORDER BY created_at DESC, event_id DESC LIMIT %(rows_max)s"
)
# Along the same index the other way, each event with its record.
EVENTS_BETWEEN: Final = (
    f"SELECT {columns_of(AuditEvent, 'e')}, {columns_of(ReplayRecord, 'r')}"
    " FROM os_core.audit_events AS e LEFT JOIN os_core.replay_inputs AS r"
    " ON r.tenant_id = e.tenant_id AND r.event_id = e.event_id"
    " WHERE e.tenant_id = %(tenant_id)s"
    " AND e.created_at >= coalesce(%(after_at)s::BIGINT, %(since)s::BIGINT, 0)"
    " AND e.created_at < coalesce(%(until)s::BIGINT, 9223372036854775807)"
    " AND (%(after_at)s::BIGINT IS NULL"
    " OR (e.created_at, e.event_id) > (%(after_at)s, %(after_id)s))"
    " ORDER BY e.created_at, e.event_id LIMIT %(rows_max)s"
)
