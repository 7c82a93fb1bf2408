-- Append-only, held by the database itself: also against SQL on another connection that leaves
-- triggers on, as SQLite does by default. Who turns them off leaves a trace only in a checkpoint.
--
-- UPDATE and DELETE triggers are not enough: INSERT OR REPLACE, by id, by key or by the hidden
-- rowid, deletes the old row without firing them. The insert guards leave such a row out, which
-- keeps ON CONFLICT DO NOTHING and retries working. Scope is checked here once more, because
-- foreign keys are off by default on a stranger's connection. NEW.rowid is -1 in a BEFORE trigger
-- where none was given, so no stored row may have one below 1: that is what the AFTER triggers see.

CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'append-only: audit_events is never updated');
END;
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'append-only: audit_events is never deleted from');
END;
CREATE TRIGGER audit_events_insert_guard BEFORE INSERT ON audit_events BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM audit_events
        WHERE tenant_id = NEW.tenant_id AND event_id = NEW.event_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM audit_events
        WHERE tenant_id = NEW.tenant_id AND correlation_id = NEW.correlation_id
        AND idempotency_key = NEW.idempotency_key);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM audit_events
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NEW.device_id IS NULL AND (
        NOT EXISTS (SELECT 1 FROM tenants WHERE tenant_id = NEW.tenant_id)
        OR NEW.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM identities
            WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id AND status = 'ACTIVE'));
    SELECT RAISE(ABORT, 'scope: refused') WHERE NEW.device_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM devices AS d JOIN identities AS i USING (tenant_id, user_id)
        WHERE d.tenant_id = NEW.tenant_id AND d.device_id = NEW.device_id
        AND d.user_id = NEW.user_id AND i.status = 'ACTIVE');
    SELECT RAISE(ABORT, 'scope: refused') WHERE NEW.session_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM sessions WHERE tenant_id = NEW.tenant_id AND session_id = NEW.session_id
        AND user_id = NEW.user_id AND device_id = NEW.device_id AND closed_at IS NULL);
END;
CREATE TRIGGER audit_events_inserted AFTER INSERT ON audit_events BEGIN
    SELECT RAISE(ABORT, 'append-only: a rowid is never chosen') WHERE NEW.rowid < 1;
    INSERT INTO unsealed_events (tenant_id, event_id) VALUES (NEW.tenant_id, NEW.event_id);
END;

CREATE TRIGGER replay_inputs_no_update BEFORE UPDATE ON replay_inputs BEGIN
    SELECT RAISE(ABORT, 'append-only: replay_inputs is never updated');
END;
CREATE TRIGGER replay_inputs_no_delete BEFORE DELETE ON replay_inputs BEGIN
    SELECT RAISE(ABORT, 'append-only: replay_inputs is never deleted from');
END;
CREATE TRIGGER replay_inputs_insert_guard BEFORE INSERT ON replay_inputs BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM replay_inputs
        WHERE tenant_id = NEW.tenant_id AND event_id = NEW.event_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM replay_inputs
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM audit_events WHERE tenant_id = NEW.tenant_id AND event_id = NEW.event_id);
END;
CREATE TRIGGER replay_inputs_inserted AFTER INSERT ON replay_inputs BEGIN
    SELECT RAISE(ABORT, 'append-only: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER conversation_ledger_no_update BEFORE UPDATE ON conversation_ledger BEGIN
    SELECT RAISE(ABORT, 'append-only: conversation_ledger is never updated');
END;
CREATE TRIGGER conversation_ledger_no_delete BEFORE DELETE ON conversation_ledger BEGIN
    SELECT RAISE(ABORT, 'append-only: conversation_ledger is never deleted from');
END;
CREATE TRIGGER conversation_ledger_insert_guard BEFORE INSERT ON conversation_ledger BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM conversation_ledger
        WHERE tenant_id = NEW.tenant_id AND correlation_id = NEW.correlation_id
        AND turn_id = NEW.turn_id AND role = NEW.role);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM conversation_ledger
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM devices AS d JOIN identities AS i USING (tenant_id, user_id)
        WHERE d.tenant_id = NEW.tenant_id AND d.device_id = NEW.device_id
        AND d.user_id = NEW.user_id AND i.status = 'ACTIVE');
END;
CREATE TRIGGER conversation_ledger_inserted AFTER INSERT ON conversation_ledger BEGIN
    SELECT RAISE(ABORT, 'append-only: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER memory_ledger_no_update BEFORE UPDATE ON memory_ledger BEGIN
    SELECT RAISE(ABORT, 'append-only: memory_ledger is never updated');
END;
CREATE TRIGGER memory_ledger_no_delete BEFORE DELETE ON memory_ledger BEGIN
    SELECT RAISE(ABORT, 'append-only: memory_ledger is never deleted from');
END;
CREATE TRIGGER memory_ledger_insert_guard BEFORE INSERT ON memory_ledger BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM memory_ledger
        WHERE tenant_id = NEW.tenant_id AND memory_event_id = NEW.memory_event_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM memory_ledger
        WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id
        AND idempotency_key = NEW.idempotency_key);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM memory_ledger
        WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id
        AND memory_key = NEW.memory_key AND version = NEW.version);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM memory_ledger
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM identities WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id
        AND status = 'ACTIVE');
END;
CREATE TRIGGER memory_ledger_inserted AFTER INSERT ON memory_ledger BEGIN
    SELECT RAISE(ABORT, 'append-only: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER device_bindings_no_update BEFORE UPDATE ON device_bindings BEGIN
    SELECT RAISE(ABORT, 'append-only: device_bindings is never updated');
END;
CREATE TRIGGER device_bindings_no_delete BEFORE DELETE ON device_bindings BEGIN
    SELECT RAISE(ABORT, 'append-only: device_bindings is never deleted from');
END;
CREATE TRIGGER device_bindings_insert_guard BEFORE INSERT ON device_bindings BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM device_bindings
        WHERE device_id = NEW.device_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM device_bindings
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM tenants WHERE tenant_id = NEW.tenant_id);
END;
CREATE TRIGGER device_bindings_inserted AFTER INSERT ON device_bindings BEGIN
    SELECT RAISE(ABORT, 'append-only: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

-- Registrations: what the ledger's keys rest on is never moved, removed or replaced. Only a tenant's
-- settings, a user's status and the end of a session may change, and a closed session stays closed.

CREATE TRIGGER tenants_no_delete BEFORE DELETE ON tenants BEGIN
    SELECT RAISE(ABORT, 'registrations: tenants is never deleted from');
END;
CREATE TRIGGER tenants_no_move BEFORE UPDATE ON tenants WHEN NEW.rowid IS NOT OLD.rowid
    OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.created_at IS NOT OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'registrations: a key of tenants is never changed');
END;
CREATE TRIGGER tenants_insert_guard BEFORE INSERT ON tenants BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM tenants
        WHERE tenant_id = NEW.tenant_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM tenants
        WHERE rowid = NEW.rowid);
END;
CREATE TRIGGER tenants_inserted AFTER INSERT ON tenants BEGIN
    SELECT RAISE(ABORT, 'registrations: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER identities_no_delete BEFORE DELETE ON identities BEGIN
    SELECT RAISE(ABORT, 'registrations: identities is never deleted from');
END;
CREATE TRIGGER identities_no_move BEFORE UPDATE ON identities WHEN NEW.rowid IS NOT OLD.rowid
    OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.user_id IS NOT OLD.user_id
    OR NEW.created_at IS NOT OLD.created_at BEGIN
    SELECT RAISE(ABORT, 'registrations: a key of identities is never changed');
END;
CREATE TRIGGER identities_insert_guard BEFORE INSERT ON identities BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM identities
        WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM identities
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM tenants WHERE tenant_id = NEW.tenant_id);
END;
CREATE TRIGGER identities_inserted AFTER INSERT ON identities BEGIN
    SELECT RAISE(ABORT, 'registrations: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER devices_no_delete BEFORE DELETE ON devices BEGIN
    SELECT RAISE(ABORT, 'registrations: devices is never deleted from');
END;
CREATE TRIGGER devices_no_move BEFORE UPDATE ON devices WHEN 1 BEGIN
    SELECT RAISE(ABORT, 'registrations: a key of devices is never changed');
END;
CREATE TRIGGER devices_insert_guard BEFORE INSERT ON devices BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM devices
        WHERE tenant_id = NEW.tenant_id AND device_id = NEW.device_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM devices
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM identities WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id)
        OR NOT EXISTS (SELECT 1 FROM device_bindings
        WHERE device_id = NEW.device_id AND tenant_id = NEW.tenant_id);
END;
CREATE TRIGGER devices_inserted AFTER INSERT ON devices BEGIN
    SELECT RAISE(ABORT, 'registrations: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER sessions_no_delete BEFORE DELETE ON sessions BEGIN
    SELECT RAISE(ABORT, 'registrations: sessions is never deleted from');
END;
CREATE TRIGGER sessions_no_move BEFORE UPDATE ON sessions WHEN NEW.rowid IS NOT OLD.rowid
    OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.session_id IS NOT OLD.session_id
    OR NEW.user_id IS NOT OLD.user_id OR NEW.device_id IS NOT OLD.device_id
    OR NEW.created_at IS NOT OLD.created_at OR OLD.closed_at IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'registrations: a key of sessions is never changed');
END;
CREATE TRIGGER sessions_insert_guard BEFORE INSERT ON sessions BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM sessions
        WHERE tenant_id = NEW.tenant_id AND session_id = NEW.session_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM sessions
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM devices WHERE tenant_id = NEW.tenant_id AND device_id = NEW.device_id
        AND user_id = NEW.user_id);
END;
CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions BEGIN
    SELECT RAISE(ABORT, 'registrations: a rowid is never chosen') WHERE NEW.rowid < 1;
END;
