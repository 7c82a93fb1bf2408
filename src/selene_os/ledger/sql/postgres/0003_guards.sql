-- Append-only, held by the database itself, behind the privileges that nobody has (0005).
--
-- For each statement, not each row: an attempt that meets no row is refused as well, and UPSERT
-- and MERGE are refused by what they would do. ENABLE ALWAYS, so that session_replication_role
-- does not switch them off. Who owns the tables can drop them; only a checkpoint shows that.

CREATE FUNCTION os_core.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % on %', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION os_core.refuse_move() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'registrations: a key of % is never changed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

-- No committed row is ever skipped, whoever wrote it.
CREATE FUNCTION os_core.note_unsealed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO os_core.unsealed_events (tenant_id, event_id)
    SELECT tenant_id, event_id FROM inserted;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_events_inserted AFTER INSERT ON os_core.audit_events
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.note_unsealed();
ALTER TABLE os_core.audit_events ENABLE ALWAYS TRIGGER audit_events_inserted;

CREATE TRIGGER audit_events_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.audit_events ENABLE ALWAYS TRIGGER audit_events_no_change;

CREATE TRIGGER replay_inputs_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.replay_inputs
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.replay_inputs ENABLE ALWAYS TRIGGER replay_inputs_no_change;

CREATE TRIGGER conversation_ledger_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.conversation_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.conversation_ledger ENABLE ALWAYS TRIGGER conversation_ledger_no_change;

CREATE TRIGGER memory_ledger_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.memory_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.memory_ledger ENABLE ALWAYS TRIGGER memory_ledger_no_change;

CREATE TRIGGER device_bindings_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.device_bindings
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.device_bindings ENABLE ALWAYS TRIGGER device_bindings_no_change;

-- Registrations: what the ledger's keys rest on is never moved or removed. Only a tenant's
-- settings, a user's status and the end of a session may change, and a closed session stays closed.

CREATE TRIGGER tenants_no_delete
    BEFORE DELETE OR TRUNCATE ON os_core.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.tenants ENABLE ALWAYS TRIGGER tenants_no_delete;

CREATE TRIGGER identities_no_delete
    BEFORE DELETE OR TRUNCATE ON os_core.identities
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.identities ENABLE ALWAYS TRIGGER identities_no_delete;

CREATE TRIGGER devices_no_delete
    BEFORE DELETE OR TRUNCATE ON os_core.devices
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.devices ENABLE ALWAYS TRIGGER devices_no_delete;

CREATE TRIGGER sessions_no_delete
    BEFORE DELETE OR TRUNCATE ON os_core.sessions
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.sessions ENABLE ALWAYS TRIGGER sessions_no_delete;
CREATE TRIGGER tenants_no_move
    BEFORE UPDATE ON os_core.tenants
    FOR EACH ROW WHEN (NEW.tenant_id <> OLD.tenant_id
        OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION os_core.refuse_move();
ALTER TABLE os_core.tenants ENABLE ALWAYS TRIGGER tenants_no_move;
CREATE TRIGGER identities_no_move
    BEFORE UPDATE ON os_core.identities
    FOR EACH ROW WHEN (NEW.tenant_id <> OLD.tenant_id
        OR NEW.user_id <> OLD.user_id
        OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION os_core.refuse_move();
ALTER TABLE os_core.identities ENABLE ALWAYS TRIGGER identities_no_move;
CREATE TRIGGER sessions_no_move
    BEFORE UPDATE ON os_core.sessions
    FOR EACH ROW WHEN (NEW.tenant_id <> OLD.tenant_id
        OR NEW.session_id <> OLD.session_id
        OR NEW.user_id <> OLD.user_id
        OR NEW.device_id <> OLD.device_id
        OR NEW.created_at <> OLD.created_at
        OR OLD.closed_at IS NOT NULL)
    EXECUTE FUNCTION os_core.refuse_move();
ALTER TABLE os_core.sessions ENABLE ALWAYS TRIGGER sessions_no_move;
CREATE TRIGGER devices_no_move
    BEFORE UPDATE ON os_core.devices
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_move();
ALTER TABLE os_core.devices ENABLE ALWAYS TRIGGER devices_no_move;
