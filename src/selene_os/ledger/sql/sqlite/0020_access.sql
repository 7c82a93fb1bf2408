-- Who gets in: keys of the API, operators of the console, and who looked at what.
-- No hidden rowid, so no way in by one.

-- A key is kept as the SHA-256 of its secret: who reads the file cannot use it. It ends early, by
-- revoked_at, or is replaced by another of the same scopes, which may shorten its time.
CREATE TABLE api_keys (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    key_id TEXT NOT NULL CHECK (length(key_id) = 12 AND key_id NOT GLOB '*[^a-z0-9]*'),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    -- Each once, in this order.
    scopes TEXT NOT NULL CHECK (scopes <> '' AND scopes = trim(
        CASE WHEN ' ' || scopes || ' ' GLOB '* admin *' THEN 'admin ' ELSE '' END
        || CASE WHEN ' ' || scopes || ' ' GLOB '* audit *' THEN 'audit ' ELSE '' END
        || CASE WHEN ' ' || scopes || ' ' GLOB '* export *' THEN 'export ' ELSE '' END
        || CASE WHEN ' ' || scopes || ' ' GLOB '* read *' THEN 'read ' ELSE '' END
        || CASE WHEN ' ' || scopes || ' ' GLOB '* write *' THEN 'write ' ELSE '' END)),
    label TEXT NOT NULL CHECK (length(CAST(label AS BLOB)) <= 64),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    expires_at INTEGER CHECK (expires_at > created_at),
    revoked_at INTEGER CHECK (revoked_at >= created_at),
    replaced_by TEXT CHECK (replaced_by <> key_id),
    PRIMARY KEY (tenant_id, key_id),
    FOREIGN KEY (tenant_id, replaced_by) REFERENCES api_keys (tenant_id, key_id)
) STRICT, WITHOUT ROWID;

-- What somebody did with a tenant's rows, or was refused: names and ids, never words said.
CREATE TABLE access_events (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    access_id TEXT NOT NULL CHECK (length(access_id) = 36),
    at INTEGER NOT NULL CHECK (at >= 0),
    actor TEXT NOT NULL CHECK (length(CAST(actor AS BLOB)) <= 80
        AND (actor GLOB 'key:?*' OR actor GLOB 'operator:?*')),
    action TEXT NOT NULL CHECK (length(CAST(action AS BLOB)) BETWEEN 1 AND 64),
    target TEXT CHECK (length(CAST(target AS BLOB)) BETWEEN 1 AND 256),
    outcome TEXT NOT NULL CHECK (outcome IN ('OK', 'REFUSED')),
    reason TEXT CHECK (length(CAST(reason AS BLOB)) BETWEEN 1 AND 64),
    PRIMARY KEY (tenant_id, access_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_events_by_time ON access_events (tenant_id, at, access_id);

-- Of no tenant: who looks after several. `tenants` is '*' or ids with a space between.
CREATE TABLE operators (
    login TEXT NOT NULL CHECK (length(login) BETWEEN 1 AND 64
        AND login NOT GLOB '*[^a-z0-9_.@+-]*'),
    password TEXT NOT NULL CHECK (length(password) BETWEEN 1 AND 256),
    tenants TEXT NOT NULL CHECK (length(tenants) BETWEEN 1 AND 16384),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    disabled_at INTEGER CHECK (disabled_at >= 0),
    valid_after INTEGER NOT NULL CHECK (valid_after >= 0),
    PRIMARY KEY (login)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER api_keys_no_change
BEFORE UPDATE OF tenant_id, key_id, digest, scopes, label, created_at ON api_keys BEGIN
    SELECT RAISE(ABORT, 'append-only: a key only ever ends');
END;
CREATE TRIGGER api_keys_no_revival BEFORE UPDATE ON api_keys BEGIN
    SELECT RAISE(ABORT, 'append-only: a key is revoked once')
        WHERE OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at;
    SELECT RAISE(ABORT, 'append-only: a key is replaced once, by one of the same scopes')
        WHERE NEW.replaced_by IS NOT OLD.replaced_by AND (OLD.replaced_by IS NOT NULL
            OR NOT EXISTS (SELECT 1 FROM api_keys WHERE tenant_id = NEW.tenant_id
                AND key_id = NEW.replaced_by AND scopes = NEW.scopes));
    SELECT RAISE(ABORT, 'append-only: the time of a key is shortened as it is replaced')
        WHERE NEW.expires_at IS NOT OLD.expires_at AND (OLD.replaced_by IS NOT NULL
            OR NEW.replaced_by IS NULL OR NEW.expires_at IS NULL
            OR NEW.expires_at > OLD.expires_at);
END;
CREATE TRIGGER api_keys_no_delete BEFORE DELETE ON api_keys BEGIN
    SELECT RAISE(ABORT, 'append-only: api_keys is never deleted from');
END;
CREATE TRIGGER api_keys_insert_guard BEFORE INSERT ON api_keys BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM api_keys
        WHERE tenant_id = NEW.tenant_id AND key_id = NEW.key_id);
    SELECT RAISE(ABORT, 'append-only: a key begins without an end')
        WHERE NEW.revoked_at IS NOT NULL OR NEW.replaced_by IS NOT NULL;
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM tenants WHERE tenant_id = NEW.tenant_id);
END;

CREATE TRIGGER access_events_no_update BEFORE UPDATE ON access_events BEGIN
    SELECT RAISE(ABORT, 'append-only: access_events is never updated');
END;
CREATE TRIGGER access_events_no_delete BEFORE DELETE ON access_events BEGIN
    SELECT RAISE(ABORT, 'append-only: access_events is never deleted from');
END;
CREATE TRIGGER access_events_insert_guard BEFORE INSERT ON access_events BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM access_events
        WHERE tenant_id = NEW.tenant_id AND access_id = NEW.access_id);
    SELECT RAISE(ABORT, 'scope: refused') WHERE NOT EXISTS (
        SELECT 1 FROM tenants WHERE tenant_id = NEW.tenant_id);
END;

CREATE TRIGGER operators_no_change BEFORE UPDATE OF login, created_at ON operators BEGIN
    SELECT RAISE(ABORT, 'registrations: an operator is never renamed');
END;
CREATE TRIGGER operators_no_revival BEFORE UPDATE ON operators BEGIN
    SELECT RAISE(ABORT, 'registrations: what was void stays void')
        WHERE NEW.valid_after < OLD.valid_after;
END;
CREATE TRIGGER operators_no_delete BEFORE DELETE ON operators BEGIN
    SELECT RAISE(ABORT, 'append-only: operators is never deleted from');
END;
CREATE TRIGGER operators_insert_guard BEFORE INSERT ON operators BEGIN
    SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM operators WHERE login = NEW.login);
END;
