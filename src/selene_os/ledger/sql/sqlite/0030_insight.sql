-- What an overview counts along: rows by kind, and by the field that a CLARIFY asked for. Both are
-- read from the index alone.
CREATE INDEX audit_events_by_kind
    ON audit_events (tenant_id, event_type, reason_code, created_at);
CREATE INDEX audit_events_missing
    ON audit_events (tenant_id, payload_min ->> 'what_is_missing', created_at)
    WHERE event_type = 'NlpClarify';
