-- The packs of a tenant's own that its decisions were made with, so that they can be made again when
-- the files have changed or gone. Source: docs/spec/002 §2.
-- Differs by necessity: keys (0015) and what rests on them (0016) come after a chance to distribute.

-- Named by the digest that each decision's record names. Files of rules and no words of a person's,
-- hence without a key; the core pack ships with Selene, and only its name and digest stand here.
CREATE TABLE os_core.packs (
    tenant_id TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    content BYTEA NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, digest)
);
