-- Scope of what 0014 added, held by a composite key.

ALTER TABLE os_core.packs ADD CONSTRAINT packs_of_tenant
    FOREIGN KEY (tenant_id) REFERENCES os_core.tenants (tenant_id);
