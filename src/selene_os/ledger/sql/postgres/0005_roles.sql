-- Who may do what. The application may call the functions and read under row-level security;
-- nobody but the owner may write a table, and the owner does not log in.
--
-- ENABLE, not FORCE, row-level security: FORCE would bind the owner's functions as well, and makes
-- a sharded database hang while it moves a shard. The tenant of a read is set for one transaction:
-- SET LOCAL selene.tenant = '…'. The auditor reads every tenant and writes nothing.
-- selene_tenant is what the logins of single tenants are members of: it does not log in itself, so
-- there is no password, setting or session of it that one of them could change for the others.
-- It may not enter the schema: each login of a tenant is let in by name, in the databases where it
-- was granted, since roles are the server's and other ledgers may have a tenant of the same name.
-- device_bindings is of all tenants, and only the functions read it.

GRANT USAGE ON SCHEMA os_core TO selene_app, selene_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA os_core TO selene_app, selene_tenant, selene_auditor;
REVOKE SELECT ON os_core.device_bindings FROM selene_app, selene_tenant;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA os_core FROM PUBLIC;

GRANT EXECUTE ON FUNCTION
    os_core.commit_units,
    os_core.append_utterance,
    os_core.append_memory,
    os_core.rebuild_memory,
    os_core.add_tenant,
    os_core.set_tenant,
    os_core.register,
    os_core.set_identity_status,
    os_core.close_session
TO selene_app, selene_tenant;
GRANT EXECUTE ON FUNCTION
    os_core.may_act,
    os_core.reader,
    os_core.trace,
    os_core.event,
    os_core.event_by_key,
    os_core.record,
    os_core.last_turn,
    os_core.turn_before,
    os_core.last_profile,
    os_core.unbound_devices,
    os_core.list_tenants,
    os_core.tenant
TO selene_app, selene_tenant, selene_auditor;

ALTER TABLE os_core.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.tenants FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.tenants FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.identities ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.identities FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.identities FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.devices ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.devices FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.devices FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.device_bindings ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.device_bindings FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.device_bindings FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.sessions FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.sessions FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.audit_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.audit_events FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.audit_events FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.replay_inputs ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.replay_inputs FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.replay_inputs FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.conversation_ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.conversation_ledger FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.conversation_ledger FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.memory_ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.memory_ledger FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.memory_ledger FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.memory_current ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.memory_current FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.memory_current FOR SELECT TO selene_auditor
    USING (TRUE);

ALTER TABLE os_core.unsealed_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.unsealed_events FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.unsealed_events FOR SELECT TO selene_auditor
    USING (TRUE);
