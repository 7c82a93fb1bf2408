-- A keyring beside a ledger in a file: wrapped keys, and which users are held.
--
-- A key is destroyed by taking its bytes away; the row stays and says when. Nothing else of a row
-- ever changes, none is deleted or replaced, and no destroyed key comes back. The insert guards
-- leave out what is there, also by the hidden rowid: INSERT OR REPLACE fires no DELETE trigger.

CREATE TABLE tenant_keys (
    tenant_id TEXT NOT NULL PRIMARY KEY
        CHECK (length(tenant_id) BETWEEN 1 AND 64 AND tenant_id NOT GLOB '*[^A-Za-z0-9_.-]*'),
    key_id TEXT NOT NULL CHECK (length(key_id) = 32 AND key_id NOT GLOB '*[^0-9a-f]*'),
    -- By the root key, which may be a key service's.
    wrapped BLOB NOT NULL CHECK (length(wrapped) BETWEEN 1 AND 4096),
    created_at INTEGER NOT NULL CHECK (created_at >= 0)
) STRICT;

CREATE TABLE user_keys (
    tenant_id TEXT NOT NULL REFERENCES tenant_keys (tenant_id),
    key_id TEXT NOT NULL CHECK (length(key_id) = 32 AND key_id NOT GLOB '*[^0-9a-f]*'),
    subject TEXT NOT NULL CHECK (length(CAST(subject AS BLOB)) <= 128),
    wrapped BLOB CHECK (wrapped IS NULL OR length(wrapped) = 60),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    destroyed_at INTEGER CHECK (destroyed_at >= 0),
    PRIMARY KEY (tenant_id, key_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) STRICT;
-- One key at a time for new rows.
CREATE UNIQUE INDEX user_keys_live ON user_keys (tenant_id, subject) WHERE wrapped IS NOT NULL;
CREATE INDEX user_keys_by_subject ON user_keys (tenant_id, subject, created_at);

CREATE TABLE holds (
    tenant_id TEXT NOT NULL,
    hold_id TEXT NOT NULL CHECK (length(hold_id) = 32 AND hold_id NOT GLOB '*[^0-9a-f]*'),
    subject TEXT NOT NULL CHECK (length(CAST(subject AS BLOB)) <= 128),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    released_at INTEGER CHECK (released_at >= 0),
    PRIMARY KEY (tenant_id, hold_id)
) STRICT;
CREATE UNIQUE INDEX holds_in_force ON holds (tenant_id, subject) WHERE released_at IS NULL;

CREATE TRIGGER tenant_keys_no_update BEFORE UPDATE ON tenant_keys BEGIN
    SELECT RAISE(ABORT, 'keys: a tenant''s key is never changed');
END;
CREATE TRIGGER tenant_keys_no_delete BEFORE DELETE ON tenant_keys BEGIN
    SELECT RAISE(ABORT, 'keys: tenant_keys is never deleted from');
END;
CREATE TRIGGER tenant_keys_insert_guard BEFORE INSERT ON tenant_keys BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM tenant_keys WHERE tenant_id = NEW.tenant_id);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM tenant_keys WHERE rowid = NEW.rowid);
END;
CREATE TRIGGER tenant_keys_inserted AFTER INSERT ON tenant_keys BEGIN
    SELECT RAISE(ABORT, 'keys: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER user_keys_only_destroyed BEFORE UPDATE ON user_keys
WHEN NEW.rowid IS NOT OLD.rowid OR NEW.tenant_id IS NOT OLD.tenant_id
    OR NEW.key_id IS NOT OLD.key_id OR NEW.subject IS NOT OLD.subject
    OR NEW.created_at IS NOT OLD.created_at OR OLD.wrapped IS NULL OR NEW.wrapped IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'keys: a key is only ever destroyed, once');
END;
CREATE TRIGGER user_keys_held BEFORE UPDATE ON user_keys BEGIN
    SELECT RAISE(ABORT, 'keys: held') WHERE EXISTS (SELECT 1 FROM holds
        WHERE tenant_id = OLD.tenant_id AND subject = OLD.subject AND released_at IS NULL);
END;
CREATE TRIGGER user_keys_no_delete BEFORE DELETE ON user_keys BEGIN
    SELECT RAISE(ABORT, 'keys: user_keys is never deleted from');
END;
CREATE TRIGGER user_keys_insert_guard BEFORE INSERT ON user_keys BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM user_keys
        WHERE tenant_id = NEW.tenant_id AND key_id = NEW.key_id);
    SELECT RAISE(IGNORE) WHERE NEW.wrapped IS NOT NULL AND EXISTS (SELECT 1 FROM user_keys
        WHERE tenant_id = NEW.tenant_id AND subject = NEW.subject AND wrapped IS NOT NULL);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM user_keys WHERE rowid = NEW.rowid);
    SELECT RAISE(ABORT, 'keys: no tenant of that name') WHERE NOT EXISTS (
        SELECT 1 FROM tenant_keys WHERE tenant_id = NEW.tenant_id);
END;
CREATE TRIGGER user_keys_inserted AFTER INSERT ON user_keys BEGIN
    SELECT RAISE(ABORT, 'keys: a rowid is never chosen') WHERE NEW.rowid < 1;
END;

CREATE TRIGGER holds_only_released BEFORE UPDATE ON holds
WHEN NEW.rowid IS NOT OLD.rowid OR NEW.tenant_id IS NOT OLD.tenant_id
    OR NEW.hold_id IS NOT OLD.hold_id OR NEW.subject IS NOT OLD.subject
    OR NEW.created_at IS NOT OLD.created_at OR OLD.released_at IS NOT NULL
    OR NEW.released_at IS NULL BEGIN
    SELECT RAISE(ABORT, 'keys: a hold is only ever released, once');
END;
CREATE TRIGGER holds_no_delete BEFORE DELETE ON holds BEGIN
    SELECT RAISE(ABORT, 'keys: holds is never deleted from');
END;
CREATE TRIGGER holds_insert_guard BEFORE INSERT ON holds BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM holds
        WHERE tenant_id = NEW.tenant_id AND hold_id = NEW.hold_id);
    SELECT RAISE(IGNORE) WHERE NEW.released_at IS NULL AND EXISTS (SELECT 1 FROM holds
        WHERE tenant_id = NEW.tenant_id AND subject = NEW.subject AND released_at IS NULL);
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM holds WHERE rowid = NEW.rowid);
END;
CREATE TRIGGER holds_inserted AFTER INSERT ON holds BEGIN
    SELECT RAISE(ABORT, 'keys: a rowid is never chosen') WHERE NEW.rowid < 1;
END;
