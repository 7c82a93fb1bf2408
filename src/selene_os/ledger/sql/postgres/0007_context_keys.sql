-- Scope of what 0006 added, held by a composite key.

ALTER TABLE os_core.term_bundles ADD CONSTRAINT term_bundles_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
