-- What a turn reads besides its words: the tenant's terms, and how long a draft waits for a yes.
-- Source: docs/spec/002 §11.

-- How long a draft may be confirmed, in seconds, and which of its bundles of terms a tenant uses.
ALTER TABLE tenants ADD COLUMN confirm_within_s INTEGER NOT NULL DEFAULT 600
    CHECK (confirm_within_s BETWEEN 1 AND 86400);
ALTER TABLE tenants ADD COLUMN terms_digest TEXT
    CHECK (terms_digest IS NULL OR length(terms_digest) = 64);

-- A tenant's dictionary at one time, named by its content: a decision's record names the bundle it
-- was made with, and finds it again. Names of people, hence bytes with a key.
CREATE TABLE term_bundles (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    digest TEXT NOT NULL CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
    bundle BLOB NOT NULL,
    key_id TEXT NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, digest)
) STRICT;

CREATE TRIGGER term_bundles_no_update BEFORE UPDATE ON term_bundles BEGIN
    SELECT RAISE(ABORT, 'append-only: term_bundles is never updated');
END;
CREATE TRIGGER term_bundles_no_delete BEFORE DELETE ON term_bundles BEGIN
    SELECT RAISE(ABORT, 'append-only: term_bundles is never deleted from');
END;
CREATE TRIGGER term_bundles_insert_guard BEFORE INSERT ON term_bundles BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM term_bundles
        WHERE tenant_id = NEW.tenant_id AND digest = NEW.digest);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM term_bundles
        WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM tenants WHERE tenant_id = NEW.tenant_id);
END;
CREATE TRIGGER term_bundles_inserted AFTER INSERT ON term_bundles BEGIN
    SELECT RAISE(ABORT, 'append-only: a rowid is never chosen') WHERE NEW.rowid < 1;
END;
CREATE TRIGGER tenants_no_terms_yet BEFORE INSERT ON tenants WHEN NEW.terms_digest IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'scope: refused');
END;
CREATE TRIGGER tenants_terms_there BEFORE UPDATE OF terms_digest ON tenants
WHEN NEW.terms_digest IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (SELECT 1 FROM term_bundles
        WHERE tenant_id = NEW.tenant_id AND digest = NEW.terms_digest);
END;

-- A confirmation is somebody's: it settles a draft of that user's in that conversation, once. After
-- the insert, so that a retry has been left out by its key before.
CREATE TRIGGER audit_events_settle_once AFTER INSERT ON audit_events WHEN NEW.engine = 'PH1.X' BEGIN
    SELECT RAISE(ABORT, 'scope: refused') WHERE NEW.device_id IS NULL OR NOT EXISTS (
        SELECT 1 FROM audit_events WHERE tenant_id = NEW.tenant_id
        AND event_id = NEW.payload_min ->> 'draft_event_id' AND engine = 'PH1.NLP'
        AND payload_min ->> 'decision' = 'INTENT_DRAFT'
        AND correlation_id = NEW.correlation_id AND user_id = NEW.user_id);
    SELECT RAISE(ABORT, 'append-only: a draft is settled once') WHERE 1 < (
        SELECT count(*) FROM audit_events WHERE tenant_id = NEW.tenant_id
        AND correlation_id = NEW.correlation_id AND engine = 'PH1.X'
        AND payload_min ->> 'draft_event_id' = NEW.payload_min ->> 'draft_event_id');
END;
