-- Who gets in: keys of the API, operators of the console, and who looked at what.
-- Differs by necessity: keys (0021) and what rests on them (0022) come after a chance to distribute.

-- A key is kept as the SHA-256 of its secret: who reads the table cannot use it. It ends early, by
-- revoked_at, or is replaced by another of the same scopes, which may shorten its time.
CREATE TABLE os_core.api_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id ~ '^[a-z0-9]{12}$'),
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    -- Each once, in this order.
    scopes TEXT COLLATE "C" NOT NULL CHECK (scopes <> ''
        AND scopes || ' ' ~ '^(admin )?(audit )?(export )?(read )?(write )?$'),
    label TEXT COLLATE "C" NOT NULL CHECK (octet_length(label) <= 64),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    expires_at BIGINT CHECK (expires_at > created_at),
    revoked_at BIGINT CHECK (revoked_at >= created_at),
    replaced_by TEXT COLLATE "C" CHECK (replaced_by <> key_id),
    PRIMARY KEY (tenant_id, key_id)
);

-- What somebody did with a tenant's rows, or was refused: names and ids, never words said.
CREATE TABLE os_core.access_events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    access_id TEXT COLLATE "C" NOT NULL CHECK (length(access_id) = 36),
    at BIGINT NOT NULL CHECK (at >= 0),
    actor TEXT COLLATE "C" NOT NULL CHECK (octet_length(actor) <= 80
        AND actor ~ '^(key|operator):.'),
    action TEXT COLLATE "C" NOT NULL CHECK (octet_length(action) BETWEEN 1 AND 64),
    target TEXT COLLATE "C" CHECK (octet_length(target) BETWEEN 1 AND 256),
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('OK', 'REFUSED')),
    reason TEXT COLLATE "C" CHECK (octet_length(reason) BETWEEN 1 AND 64),
    PRIMARY KEY (tenant_id, access_id)
);
CREATE INDEX access_events_by_time ON os_core.access_events (tenant_id, at, access_id);

-- Of no tenant: who looks after several. `tenants` is '*' or ids with a space between. Small, and
-- read at a login alone: on a sharded database a reference table.
CREATE TABLE os_core.operators (
    login TEXT COLLATE "C" NOT NULL CHECK (login ~ '^[a-z0-9_.@+-]{1,64}$'),
    password TEXT COLLATE "C" NOT NULL CHECK (length(password) BETWEEN 1 AND 256),
    tenants TEXT COLLATE "C" NOT NULL CHECK (length(tenants) BETWEEN 1 AND 16384),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    disabled_at BIGINT CHECK (disabled_at >= 0),
    valid_after BIGINT NOT NULL CHECK (valid_after >= 0),
    PRIMARY KEY (login)
);
