-- Every table of the ledger, with its keys. Source: docs/spec/000 and 002, §2, §3 and §5.
--
-- tenant_id stands first in every key, so that one schema also runs sharded by tenant. Bounds that
-- the code checks when a value is built are repeated here on purpose: SQL is a way in as well.
-- Differs by necessity: SQLite cannot add a foreign key later, so they stand inside the tables.
-- Every table keeps its rowid: WITHOUT ROWID made the file 2.7 times as large and inserts twice as
-- dear (docs/decisions/0004-rowid-tables.md). The guards close what a hidden rowid opens.

CREATE TABLE tenants (
    tenant_id TEXT NOT NULL PRIMARY KEY
        CHECK (length(tenant_id) BETWEEN 1 AND 64 AND tenant_id NOT GLOB '*[^A-Za-z0-9_.-]*'),
    currency TEXT CHECK (currency IS NULL OR currency GLOB '[A-Z][A-Z][A-Z]'),
    time_policy TEXT NOT NULL DEFAULT 'ask' CHECK (time_policy IN ('ask', 'next_occurrence')),
    date_order TEXT CHECK (date_order IS NULL OR date_order IN ('DMY', 'MDY', 'YMD')),
    zone TEXT CHECK (zone IS NULL OR length(zone) BETWEEN 1 AND 64),
    created_at INTEGER NOT NULL CHECK (created_at >= 0)
) STRICT;

CREATE TABLE identities (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    user_id TEXT NOT NULL CHECK (length(CAST(user_id AS BLOB)) BETWEEN 1 AND 128),
    status TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISABLED')),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, user_id)
) STRICT;

-- One deterministic tenant binding for each device_id, over all tenants: the one key without
-- tenant_id. Written only when a device is registered.
CREATE TABLE device_bindings (
    device_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    created_at INTEGER NOT NULL CHECK (created_at >= 0)
) STRICT;

CREATE TABLE devices (
    tenant_id TEXT NOT NULL,
    device_id TEXT NOT NULL CHECK (length(CAST(device_id AS BLOB)) BETWEEN 1 AND 128),
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, device_id),
    UNIQUE (tenant_id, user_id, device_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identities (tenant_id, user_id)
) STRICT;

CREATE TABLE sessions (
    tenant_id TEXT NOT NULL,
    session_id TEXT NOT NULL CHECK (length(CAST(session_id AS BLOB)) BETWEEN 1 AND 128),
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    closed_at INTEGER CHECK (closed_at >= created_at),
    PRIMARY KEY (tenant_id, session_id),
    UNIQUE (tenant_id, session_id, user_id, device_id),
    FOREIGN KEY (tenant_id, user_id, device_id) REFERENCES devices (tenant_id, user_id, device_id)
) STRICT;

CREATE TABLE audit_events (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    event_id TEXT NOT NULL CHECK (length(event_id) = 36 AND event_id NOT GLOB '*[^0-9a-f-]*'),
    engine TEXT NOT NULL CHECK (length(engine) BETWEEN 1 AND 32),
    event_type TEXT NOT NULL CHECK (length(event_type) BETWEEN 1 AND 32),
    reason_code INTEGER NOT NULL CHECK (reason_code BETWEEN 1 AND 4294967295),
    severity TEXT NOT NULL CHECK (severity IN ('INFO', 'WARN')),
    correlation_id TEXT NOT NULL
        CHECK (length(correlation_id) = 32 AND correlation_id NOT GLOB '*[^0-9a-f]*'),
    turn_id INTEGER NOT NULL CHECK (turn_id BETWEEN 1 AND 2147483647),
    user_id TEXT,
    device_id TEXT,
    session_id TEXT,
    idempotency_key TEXT NOT NULL CHECK (length(CAST(idempotency_key AS BLOB)) BETWEEN 1 AND 128),
    payload_min TEXT NOT NULL
        CHECK (length(CAST(payload_min AS BLOB)) <= 2048 AND json_type(payload_min) = 'object'),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, event_id),
    -- A NULL user or device would switch the composite keys below off.
    CHECK (engine NOT IN ('PH1.NLP', 'PH1.PERSONA')
        OR (user_id IS NOT NULL AND device_id IS NOT NULL)),
    FOREIGN KEY (tenant_id, user_id, device_id) REFERENCES devices (tenant_id, user_id, device_id),
    FOREIGN KEY (tenant_id, session_id, user_id, device_id)
        REFERENCES sessions (tenant_id, session_id, user_id, device_id)
) STRICT;

CREATE UNIQUE INDEX audit_idempotency_index_legacy
    ON audit_events (tenant_id, correlation_id, idempotency_key);
CREATE INDEX audit_events_by_turn ON audit_events (tenant_id, correlation_id, turn_id, event_id);
CREATE INDEX audit_events_by_time ON audit_events (tenant_id, created_at);
-- A user's last profile; partial, so that the many other rows do not pay for it.
CREATE INDEX audit_events_profiles ON audit_events (tenant_id, user_id, event_id)
    WHERE engine = 'PH1.PERSONA';

-- What an engine was asked, with which version and pack, and what it answered: enough to decide
-- again. A person's words, hence bytes with the key that encrypts them ('plain' while none does).
CREATE TABLE replay_inputs (
    tenant_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    engine TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    pack_digest TEXT,
    record BLOB NOT NULL,
    key_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES audit_events (tenant_id, event_id)
) STRICT;

CREATE TABLE conversation_ledger (
    tenant_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL
        CHECK (length(correlation_id) = 32 AND correlation_id NOT GLOB '*[^0-9a-f]*'),
    turn_id INTEGER NOT NULL CHECK (turn_id BETWEEN 1 AND 2147483647),
    role TEXT NOT NULL CHECK (role IN ('USER', 'SELENE')),
    -- Not IN (…): for three and more values SQLite builds an index at each insert.
    source TEXT NOT NULL CHECK (source = 'VOICE_TRANSCRIPT' OR source = 'TYPED_TEXT'
        OR source = 'SELENE_OUTPUT' OR source = 'TOMBSTONE'),
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    text BLOB NOT NULL CHECK (length(text) BETWEEN 1 AND 65536),
    key_id TEXT NOT NULL,
    privacy_scope TEXT NOT NULL CHECK (privacy_scope = 'PUBLIC' OR privacy_scope = 'PRIVATE'
        OR privacy_scope = 'CONFIDENTIAL'),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, correlation_id, turn_id, role),
    FOREIGN KEY (tenant_id, user_id, device_id) REFERENCES devices (tenant_id, user_id, device_id)
) STRICT;

CREATE TABLE memory_ledger (
    tenant_id TEXT NOT NULL,
    memory_event_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    memory_key TEXT NOT NULL CHECK (length(CAST(memory_key AS BLOB)) BETWEEN 1 AND 128),
    -- Counts the events of one memory, so that a rebuild has one order on every store.
    version INTEGER NOT NULL CHECK (version >= 1),
    event TEXT NOT NULL CHECK (event IN ('STORED', 'UPDATED', 'FORGOTTEN')),
    value BLOB,
    key_id TEXT NOT NULL,
    layer TEXT NOT NULL CHECK (layer IN ('WORKING', 'MICRO', 'LONG_TERM')),
    sensitivity TEXT NOT NULL CHECK (sensitivity IN ('LOW', 'SENSITIVE', 'CONFIDENTIAL')),
    confidence TEXT NOT NULL CHECK (confidence IN ('HIGH', 'MED', 'LOW')),
    consent TEXT NOT NULL CHECK (consent IN ('NOT_REQUESTED', 'CONFIRMED')),
    use_policy TEXT NOT NULL CHECK (use_policy IN ('ALWAYS_USABLE', 'REPEAT_CONFIRMED',
        'CONTEXT_RELEVANT_ONLY', 'USER_REQUESTED_ONLY')),
    expires_at INTEGER,
    provenance TEXT NOT NULL CHECK (length(CAST(provenance AS BLOB)) BETWEEN 1 AND 128),
    idempotency_key TEXT NOT NULL CHECK (length(CAST(idempotency_key AS BLOB)) BETWEEN 1 AND 128),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, memory_event_id),
    UNIQUE (tenant_id, user_id, idempotency_key),
    UNIQUE (tenant_id, user_id, memory_key, version),
    CHECK ((event = 'FORGOTTEN') = (value IS NULL)),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identities (tenant_id, user_id)
) STRICT;

-- What the ledger above adds up to; may be dropped and built again from it, row for row.
CREATE TABLE memory_current (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    memory_key TEXT NOT NULL,
    version INTEGER NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    value BLOB,
    key_id TEXT NOT NULL,
    layer TEXT NOT NULL,
    sensitivity TEXT NOT NULL,
    confidence TEXT NOT NULL,
    consent TEXT NOT NULL,
    use_policy TEXT NOT NULL,
    expires_at INTEGER,
    provenance TEXT NOT NULL,
    memory_event_id TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, memory_key),
    CHECK (active = (value IS NOT NULL)),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identities (tenant_id, user_id)
) STRICT;

-- Committed, not yet sealed. The commit writes it, the sealer removes it: nothing is ever skipped.
CREATE TABLE unsealed_events (
    tenant_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
) STRICT, WITHOUT ROWID;
