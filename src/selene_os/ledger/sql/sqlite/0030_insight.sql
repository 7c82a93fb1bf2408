-- What an overview counts along: rows by kind, and by the field that a CLARIFY asked for. Both are
-- read from the index alone. A row that was spoilt is in no field's count, and stands in no way.
CREATE INDEX audit_events_by_kind
    ON audit_events (tenant_id, event_type, reason_code, created_at);
CREATE INDEX audit_events_missing
    ON audit_events (tenant_id,
        CASE WHEN json_valid(payload_min) THEN payload_min ->> 'what_is_missing' END, created_at)
    WHERE event_type = 'NlpClarify';
