-- Scope of what 0009 added, held by composite keys.

ALTER TABLE os_core.merkle_leaves ADD CONSTRAINT merkle_leaves_of_event
    FOREIGN KEY (tenant_id, event_id) REFERENCES os_core.audit_events (tenant_id, event_id);
ALTER TABLE os_core.merkle_nodes ADD CONSTRAINT merkle_nodes_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
ALTER TABLE os_core.checkpoints ADD CONSTRAINT checkpoints_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
ALTER TABLE os_core.signing_keys ADD CONSTRAINT signing_keys_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
