-- Scope of what 0020 added, held by composite keys.

ALTER TABLE os_core.api_keys ADD CONSTRAINT api_keys_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
ALTER TABLE os_core.api_keys ADD CONSTRAINT api_keys_replaced_by
    FOREIGN KEY (tenant_id, replaced_by) REFERENCES os_core.api_keys (tenant_id, key_id);
ALTER TABLE os_core.access_events ADD CONSTRAINT access_events_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
