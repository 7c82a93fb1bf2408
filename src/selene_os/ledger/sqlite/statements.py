"""The SQL of the SQLite store. Every statement names its tenant first, and has an index for it."""

from __future__ import annotations

from typing import Any, Final

from selene_os.ledger.events import (
    AuditEvent,
    CurrentMemory,
    MemoryEvent,
    PackRow,
    ReplayRecord,
    TenantRow,
    TermBundle,
    Utterance,
    columns_of,
)


def _insert(table: str, row: type[Any]) -> str:
    marks = ", ".join("?" * len(row._fields))
    return f"INSERT INTO {table} ({columns_of(row)}) VALUES ({marks})"


INSERT_EVENT: Final = _insert("audit_events", AuditEvent)
INSERT_RECORD: Final = _insert("replay_inputs", ReplayRecord)
INSERT_UTTERANCE: Final = _insert("conversation_ledger", Utterance)
INSERT_MEMORY: Final = _insert("memory_ledger", MemoryEvent)
INSERT_TENANT: Final = _insert("tenants", TenantRow)
INSERT_TERMS: Final = _insert("term_bundles", TermBundle)
INSERT_PACK: Final = _insert("packs", PackRow)

_EVENTS: Final = f"SELECT {columns_of(AuditEvent)} FROM audit_events"
TRACE: Final = f"{_EVENTS} WHERE tenant_id = ? AND correlation_id = ? ORDER BY turn_id, event_id"
EVENT_BY_ID: Final = f"{_EVENTS} WHERE tenant_id = ? AND event_id = ?"
EVENT_BY_KEY: Final = (
    f"{_EVENTS} WHERE tenant_id = ? AND correlation_id = ? AND idempotency_key = ?"
)
RECORD: Final = (
    f"SELECT {columns_of(ReplayRecord)} FROM replay_inputs WHERE tenant_id = ? AND event_id = ?"
)
LAST_TURN: Final = (
    "SELECT turn_id FROM audit_events WHERE tenant_id = ? AND correlation_id = ?"
    " ORDER BY turn_id DESC LIMIT 1"
)
TURNS_TAKEN: Final = (
    "SELECT (SELECT turn_id FROM audit_events"
    " WHERE tenant_id = ?1 AND correlation_id = ?2 AND idempotency_key = ?3),"
    " coalesce((SELECT turn_id FROM audit_events WHERE tenant_id = ?1 AND correlation_id = ?2"
    " ORDER BY turn_id DESC LIMIT 1), 0)"
)
# What a search may ask for; each is read along the tenant's rows by time.
SEARCH: Final = (
    f"{_EVENTS} WHERE tenant_id = :tenant_id"
    " AND created_at >= coalesce(:since, 0) AND created_at < coalesce(:until, 9223372036854775807)"
    " AND (:after_at IS NULL OR (created_at, event_id) < (:after_at, :after_id))"
    " AND created_at <= coalesce(:after_at, 9223372036854775807)"
    " AND (:user_id IS NULL OR user_id = :user_id)"
    " AND (:device_id IS NULL OR device_id = :device_id)"
    " AND (:reason_code IS NULL OR reason_code = :reason_code)"
    " AND (:intent_type IS NULL OR payload_min ->> 'intent_type' = :intent_type)"
    " AND (:decision IS NULL"
    " OR coalesce(payload_min ->> 'decision', 'PROFILE') = :decision)"
    " ORDER BY created_at DESC, event_id DESC LIMIT :rows_max"
)
# Along the same index the other way, each event with its record.
EVENTS_BETWEEN: Final = (
    f"SELECT {columns_of(AuditEvent, 'e')}, {columns_of(ReplayRecord, 'r')} FROM audit_events AS e"
    " LEFT JOIN replay_inputs AS r ON r.tenant_id = e.tenant_id AND r.event_id = e.event_id"
    " WHERE e.tenant_id = :tenant_id"
    " AND e.created_at >= coalesce(:after_at, :since, 0)"
    " AND e.created_at < coalesce(:until, 9223372036854775807)"
    " AND (:after_at IS NULL OR (e.created_at, e.event_id) > (:after_at, :after_id))"
    " ORDER BY e.created_at, e.event_id LIMIT :rows_max"
)
_RECORDED: Final = (
    "SELECT e.event_id, e.turn_id, e.user_id, e.engine, r.record, r.key_id, e.created_at"
    " FROM audit_events AS e JOIN replay_inputs AS r USING (tenant_id, event_id)"
)
TURN_BEFORE: Final = (
    f"{_RECORDED} WHERE e.tenant_id = ?1 AND e.correlation_id = ?2"
    " AND e.engine IN ('PH1.NLP', 'PH1.X') AND e.user_id = ?3"
    " AND e.turn_id = (SELECT turn_id FROM audit_events WHERE tenant_id = ?1"
    " AND correlation_id = ?2 AND engine IN ('PH1.NLP', 'PH1.X') AND user_id = ?3 AND turn_id < ?4"
    " ORDER BY turn_id DESC LIMIT 1)"
    " ORDER BY e.event_id"
)
SETTLED: Final = (
    "SELECT 1 FROM audit_events WHERE tenant_id = ? AND correlation_id = ? AND engine = 'PH1.X'"
    " AND payload_min ->> 'draft_event_id' = ? LIMIT 1"
)
OWN_DRAFT: Final = (
    "SELECT 1 FROM audit_events WHERE tenant_id = ? AND event_id = ? AND correlation_id = ?"
    " AND engine = 'PH1.NLP' AND payload_min ->> 'decision' = 'INTENT_DRAFT' AND user_id = ?"
)
LAST_PROFILE: Final = (
    f"{_RECORDED} WHERE e.tenant_id = ? AND e.user_id = ? AND e.engine = 'PH1.PERSONA'"
    " ORDER BY e.event_id DESC LIMIT 1"
)
CONVERSATION: Final = (
    f"SELECT {columns_of(Utterance)} FROM conversation_ledger"
    " WHERE tenant_id = ? AND correlation_id = ? ORDER BY turn_id, role DESC"
)

MEMORY_EVENTS: Final = (
    f"SELECT {columns_of(MemoryEvent)} FROM memory_ledger"
    " WHERE tenant_id = ? AND user_id = ? ORDER BY memory_key, version"
)
MEMORY_BY_KEY: Final = (
    f"SELECT {columns_of(MemoryEvent)} FROM memory_ledger"
    " WHERE tenant_id = ? AND user_id = ? AND idempotency_key = ?"
)
MEMORY_VERSION: Final = (
    "SELECT coalesce(max(version), 0) FROM memory_ledger"
    " WHERE tenant_id = ? AND user_id = ? AND memory_key = ?"
)
MEMORY_CURRENT: Final = (
    f"SELECT {columns_of(CurrentMemory)} FROM memory_current"
    " WHERE tenant_id = ? AND user_id = ? ORDER BY memory_key"
)
CLEAR_CURRENT: Final = "DELETE FROM memory_current WHERE tenant_id = ? AND user_id = ?"
# What a memory is now is its latest event: the same statement after each append and in a rebuild,
# so that the two cannot part. {which} narrows it to one memory or to all of a user's.
_PROJECTED: Final = (
    "SELECT tenant_id, user_id, memory_key, version, event <> 'FORGOTTEN', value, key_id, layer,"
    " sensitivity, confidence, consent, use_policy, expires_at, provenance, memory_event_id,"
    " created_at FROM memory_ledger AS m WHERE tenant_id = ?1 AND user_id = ?2{which}"
    " AND version = (SELECT max(version) FROM memory_ledger WHERE tenant_id = m.tenant_id"
    " AND user_id = m.user_id AND memory_key = m.memory_key)"
)
_PROJECT: Final = (
    f"INSERT OR REPLACE INTO memory_current ({columns_of(CurrentMemory)}) {_PROJECTED}"
)
PROJECT_ONE: Final = _PROJECT.format(which=" AND memory_key = ?3")
PROJECT_ALL: Final = _PROJECT.format(which="")
MEMORY_PROJECTED: Final = _PROJECTED.format(which="") + " ORDER BY memory_key"

TENANT: Final = f"SELECT {columns_of(TenantRow)} FROM tenants WHERE tenant_id = ?"
TENANTS: Final = f"SELECT {columns_of(TenantRow)} FROM tenants ORDER BY tenant_id"
# A setting at a time, so that two writers of two settings do not undo each other.
SET_TENANT: Final = {
    name: f"UPDATE tenants SET {name} = ? WHERE tenant_id = ?"
    for name in ("currency", "time_policy", "date_order", "zone", "confirm_within_s")
}
TERM_BUNDLE: Final = (
    f"SELECT {columns_of(TermBundle)} FROM term_bundles WHERE tenant_id = ? AND digest = ?"
)
PACK: Final = f"SELECT {columns_of(PackRow)} FROM packs WHERE tenant_id = ? AND digest = ?"
SET_TERMS: Final = "UPDATE tenants SET terms_digest = ? WHERE tenant_id = ?"
INSERT_IDENTITY: Final = "INSERT INTO identities (tenant_id, user_id, created_at) VALUES (?, ?, ?)"
INSERT_BINDING: Final = (
    "INSERT INTO device_bindings (device_id, tenant_id, created_at) VALUES (?, ?, ?)"
)
INSERT_DEVICE: Final = (
    "INSERT INTO devices (tenant_id, device_id, user_id, created_at) VALUES (?, ?, ?, ?)"
)
INSERT_SESSION: Final = (
    "INSERT INTO sessions (tenant_id, session_id, user_id, device_id, created_at)"
    " VALUES (?, ?, ?, ?, ?)"
)
IDENTITY_STATUS: Final = "SELECT status FROM identities WHERE tenant_id = ? AND user_id = ?"
DEVICE_USER: Final = "SELECT user_id FROM devices WHERE tenant_id = ? AND device_id = ?"
BINDING_TENANT: Final = "SELECT tenant_id FROM device_bindings WHERE device_id = ?"
SESSION: Final = (
    "SELECT user_id, device_id, closed_at FROM sessions WHERE tenant_id = ? AND session_id = ?"
)
# Rarely asked, along all rows of the tenant's: nothing is indexed by what is not encrypted.
PLAIN_ROWS: Final = (
    "SELECT (SELECT count(*) FROM audit_events AS e JOIN replay_inputs AS r"
    " USING (tenant_id, event_id) WHERE e.tenant_id = ?1 AND e.user_id = ?2 AND r.key_id = 'plain')"
    " + (SELECT count(*) FROM conversation_ledger"
    " WHERE tenant_id = ?1 AND user_id = ?2 AND key_id = 'plain')"
    " + (SELECT count(*) FROM memory_ledger"
    " WHERE tenant_id = ?1 AND user_id = ?2 AND key_id = 'plain' AND value IS NOT NULL)"
)
ANY_ENCRYPTED: Final = " UNION ALL ".join(
    f"SELECT 1 FROM {table} WHERE key_id <> 'plain'"
    for table in ("replay_inputs", "conversation_ledger", "memory_ledger", "term_bundles")
)
SET_IDENTITY_STATUS: Final = "UPDATE identities SET status = ? WHERE tenant_id = ? AND user_id = ?"
CLOSE_SESSION: Final = (
    "UPDATE sessions SET closed_at = max(?, created_at) WHERE tenant_id = ? AND session_id = ?"
)
