-- The packs of a tenant's own that its decisions were made with, so that they can be made again when
-- the files have changed or gone. Source: docs/spec/002 §2.

-- Named by the digest that each decision's record names. Files of rules and no words of a person's,
-- hence without a key; the core pack ships with Selene, and only its name and digest stand here.
CREATE TABLE packs (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    digest TEXT NOT NULL CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
    content BLOB NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, digest)
) STRICT;

CREATE TRIGGER packs_no_update BEFORE UPDATE ON packs BEGIN
    SELECT RAISE(ABORT, 'append-only: packs is never updated');
END;
CREATE TRIGGER packs_no_delete BEFORE DELETE ON packs BEGIN
    SELECT RAISE(ABORT, 'append-only: packs is never deleted from');
END;
CREATE TRIGGER packs_insert_guard BEFORE INSERT ON packs BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM packs
        WHERE tenant_id = NEW.tenant_id AND digest = NEW.digest);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM packs
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM tenants WHERE tenant_id = NEW.tenant_id);
END;
CREATE TRIGGER packs_inserted AFTER INSERT ON packs BEGIN
    SELECT RAISE(ABORT, 'append-only: a rowid is never chosen') WHERE NEW.rowid < 1;
END;
