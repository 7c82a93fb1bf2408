-- What a turn reads besides its words: the tenant's terms, and how long a draft waits for a yes.
-- Source: docs/spec/002 §11.
-- Differs by necessity: keys (0007) and what rests on them (0008) come after a chance to distribute.

-- How long a draft may be confirmed, in seconds, and which of its bundles of terms a tenant uses.
ALTER TABLE os_core.tenants
    ADD COLUMN confirm_within_s INTEGER NOT NULL DEFAULT 600
        CHECK (confirm_within_s BETWEEN 1 AND 86400),
    ADD COLUMN terms_digest TEXT COLLATE "C" CHECK (length(terms_digest) = 64);

-- A tenant's dictionary at one time, named by its content: a decision's record names the bundle it
-- was made with, and finds it again. Names of people, hence bytes with a key.
CREATE TABLE os_core.term_bundles (
    tenant_id TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    bundle BYTEA NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, digest)
);

-- A confirmation is somebody's: without user and device its composite keys would be off.
ALTER TABLE os_core.audit_events ADD CONSTRAINT audit_events_confirmed_by
    CHECK (engine <> 'PH1.X' OR (user_id IS NOT NULL AND device_id IS NOT NULL));
