-- Scope, held by composite keys: a user, device or session of another tenant cannot be named.
--
-- Every key begins with tenant_id on both sides. device_bindings has none: it is sharded by
-- device_id, and the function that writes it looks the tenant up first.
-- Differs by necessity: SQLite has these inside its tables.

ALTER TABLE os_core.identities ADD CONSTRAINT identities_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
ALTER TABLE os_core.devices ADD CONSTRAINT devices_of_identity
    FOREIGN KEY (tenant_id, user_id) REFERENCES os_core.identities (tenant_id, user_id);
ALTER TABLE os_core.sessions ADD CONSTRAINT sessions_of_device
    FOREIGN KEY (tenant_id, user_id, device_id)
    REFERENCES os_core.devices (tenant_id, user_id, device_id);
ALTER TABLE os_core.audit_events ADD CONSTRAINT audit_events_of_device
    FOREIGN KEY (tenant_id, user_id, device_id)
    REFERENCES os_core.devices (tenant_id, user_id, device_id);
ALTER TABLE os_core.audit_events ADD CONSTRAINT audit_events_of_session
    FOREIGN KEY (tenant_id, session_id, user_id, device_id)
    REFERENCES os_core.sessions (tenant_id, session_id, user_id, device_id);
ALTER TABLE os_core.replay_inputs ADD CONSTRAINT replay_inputs_of_event
    FOREIGN KEY (tenant_id, event_id) REFERENCES os_core.audit_events (tenant_id, event_id);
ALTER TABLE os_core.conversation_ledger ADD CONSTRAINT conversation_ledger_of_device
    FOREIGN KEY (tenant_id, user_id, device_id)
    REFERENCES os_core.devices (tenant_id, user_id, device_id);
ALTER TABLE os_core.memory_ledger ADD CONSTRAINT memory_ledger_of_identity
    FOREIGN KEY (tenant_id, user_id) REFERENCES os_core.identities (tenant_id, user_id);
ALTER TABLE os_core.memory_current ADD CONSTRAINT memory_current_of_identity
    FOREIGN KEY (tenant_id, user_id) REFERENCES os_core.identities (tenant_id, user_id);
