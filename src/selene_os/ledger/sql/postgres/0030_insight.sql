-- What an overview counts along: rows by kind, read from the index alone.
-- Differs by necessity: no index over a field of payload_min, for reading JSON is not IMMUTABLE.
CREATE INDEX audit_events_by_kind
    ON os_core.audit_events (tenant_id, event_type, reason_code, created_at);
