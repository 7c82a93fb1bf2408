-- Every table of the ledger, with its keys. Source: docs/spec/000 and 002, §2, §3 and §5.
--
-- tenant_id stands first in every key, so that one schema also runs sharded by tenant. Bounds that
-- the code checks when a value is built are repeated here on purpose: SQL is a way in as well.
-- Text is collated by bytes, so that every store has one order.
-- Differs by necessity: the tables come first, then a chance to distribute them, then the foreign
-- keys (0002), for that is the one order in which a sharded database takes them.

CREATE TABLE os_core.tenants (
    tenant_id TEXT COLLATE "C" NOT NULL PRIMARY KEY
        CHECK (tenant_id ~ '^[A-Za-z0-9_.-]{1,64}$'),
    currency TEXT COLLATE "C" CHECK (currency ~ '^[A-Z]{3}$'),
    time_policy TEXT COLLATE "C" NOT NULL DEFAULT 'ask'
        CHECK (time_policy IN ('ask', 'next_occurrence')),
    date_order TEXT COLLATE "C" CHECK (date_order IN ('DMY', 'MDY', 'YMD')),
    zone TEXT COLLATE "C" CHECK (length(zone) BETWEEN 1 AND 64),
    created_at BIGINT NOT NULL CHECK (created_at >= 0)
);

CREATE TABLE os_core.identities (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 128),
    status TEXT COLLATE "C" NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISABLED')),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, user_id)
);

-- One deterministic tenant binding for each device_id, over all tenants: the one key without
-- tenant_id, sharded by device_id. Written only when a device is registered.
CREATE TABLE os_core.device_bindings (
    device_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0)
);

CREATE TABLE os_core.devices (
    tenant_id TEXT COLLATE "C" NOT NULL,
    device_id TEXT COLLATE "C" NOT NULL CHECK (octet_length(device_id) BETWEEN 1 AND 128),
    user_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, device_id),
    UNIQUE (tenant_id, user_id, device_id)
);

CREATE TABLE os_core.sessions (
    tenant_id TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL CHECK (octet_length(session_id) BETWEEN 1 AND 128),
    user_id TEXT COLLATE "C" NOT NULL,
    device_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    closed_at BIGINT CHECK (closed_at >= created_at),
    PRIMARY KEY (tenant_id, session_id),
    UNIQUE (tenant_id, session_id, user_id, device_id)
);

CREATE TABLE os_core.audit_events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL CHECK (event_id ~ '^[0-9a-f-]{36}$'),
    engine TEXT COLLATE "C" NOT NULL CHECK (length(engine) BETWEEN 1 AND 32),
    event_type TEXT COLLATE "C" NOT NULL CHECK (length(event_type) BETWEEN 1 AND 32),
    reason_code BIGINT NOT NULL CHECK (reason_code BETWEEN 1 AND 4294967295),
    severity TEXT COLLATE "C" NOT NULL CHECK (severity IN ('INFO', 'WARN')),
    correlation_id TEXT COLLATE "C" NOT NULL CHECK (correlation_id ~ '^[0-9a-f]{32}$'),
    turn_id INTEGER NOT NULL CHECK (turn_id >= 1),
    user_id TEXT COLLATE "C",
    device_id TEXT COLLATE "C",
    session_id TEXT COLLATE "C",
    idempotency_key TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(idempotency_key) BETWEEN 1 AND 128),
    payload_min TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(payload_min) <= 2048 AND json_typeof(payload_min::json) = 'object'),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, event_id),
    -- A NULL user or device would switch the composite keys of 0002 off.
    CHECK (engine NOT IN ('PH1.NLP', 'PH1.PERSONA')
        OR (user_id IS NOT NULL AND device_id IS NOT NULL))
);

CREATE UNIQUE INDEX audit_idempotency_index_legacy
    ON os_core.audit_events (tenant_id, correlation_id, idempotency_key);
CREATE INDEX audit_events_by_turn
    ON os_core.audit_events (tenant_id, correlation_id, turn_id, event_id);
CREATE INDEX audit_events_by_time ON os_core.audit_events (tenant_id, created_at);
-- A user's last profile; partial, so that the many other rows do not pay for it.
CREATE INDEX audit_events_profiles ON os_core.audit_events (tenant_id, user_id, event_id)
    WHERE engine = 'PH1.PERSONA';

-- What an engine was asked, with which version and pack, and what it answered: enough to decide
-- again. A person's words, hence bytes with the key that encrypts them ('plain' while none does).
CREATE TABLE os_core.replay_inputs (
    tenant_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    engine TEXT COLLATE "C" NOT NULL,
    engine_version TEXT COLLATE "C" NOT NULL,
    pack_digest TEXT COLLATE "C",
    record BYTEA NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);

CREATE TABLE os_core.conversation_ledger (
    tenant_id TEXT COLLATE "C" NOT NULL,
    correlation_id TEXT COLLATE "C" NOT NULL CHECK (correlation_id ~ '^[0-9a-f]{32}$'),
    turn_id INTEGER NOT NULL CHECK (turn_id >= 1),
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('USER', 'SELENE')),
    source TEXT COLLATE "C" NOT NULL
        CHECK (source IN ('VOICE_TRANSCRIPT', 'TYPED_TEXT', 'SELENE_OUTPUT', 'TOMBSTONE')),
    user_id TEXT COLLATE "C" NOT NULL,
    device_id TEXT COLLATE "C" NOT NULL,
    text BYTEA NOT NULL CHECK (length(text) BETWEEN 1 AND 65536),
    key_id TEXT COLLATE "C" NOT NULL,
    privacy_scope TEXT COLLATE "C" NOT NULL
        CHECK (privacy_scope IN ('PUBLIC', 'PRIVATE', 'CONFIDENTIAL')),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, correlation_id, turn_id, role)
);

CREATE TABLE os_core.memory_ledger (
    tenant_id TEXT COLLATE "C" NOT NULL,
    memory_event_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    memory_key TEXT COLLATE "C" NOT NULL CHECK (octet_length(memory_key) BETWEEN 1 AND 128),
    -- Counts the events of one memory, so that a rebuild has one order on every store.
    version BIGINT NOT NULL CHECK (version >= 1),
    event TEXT COLLATE "C" NOT NULL CHECK (event IN ('STORED', 'UPDATED', 'FORGOTTEN')),
    value BYTEA,
    key_id TEXT COLLATE "C" NOT NULL,
    layer TEXT COLLATE "C" NOT NULL CHECK (layer IN ('WORKING', 'MICRO', 'LONG_TERM')),
    sensitivity TEXT COLLATE "C" NOT NULL
        CHECK (sensitivity IN ('LOW', 'SENSITIVE', 'CONFIDENTIAL')),
    confidence TEXT COLLATE "C" NOT NULL CHECK (confidence IN ('HIGH', 'MED', 'LOW')),
    consent TEXT COLLATE "C" NOT NULL CHECK (consent IN ('NOT_REQUESTED', 'CONFIRMED')),
    use_policy TEXT COLLATE "C" NOT NULL CHECK (use_policy IN ('ALWAYS_USABLE',
        'REPEAT_CONFIRMED', 'CONTEXT_RELEVANT_ONLY', 'USER_REQUESTED_ONLY')),
    expires_at BIGINT,
    provenance TEXT COLLATE "C" NOT NULL CHECK (octet_length(provenance) BETWEEN 1 AND 128),
    idempotency_key TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(idempotency_key) BETWEEN 1 AND 128),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, memory_event_id),
    UNIQUE (tenant_id, user_id, idempotency_key),
    UNIQUE (tenant_id, user_id, memory_key, version),
    CHECK ((event = 'FORGOTTEN') = (value IS NULL))
);

-- What the ledger above adds up to; may be dropped and built again from it, row for row.
CREATE TABLE os_core.memory_current (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    memory_key TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    value BYTEA,
    key_id TEXT COLLATE "C" NOT NULL,
    layer TEXT COLLATE "C" NOT NULL,
    sensitivity TEXT COLLATE "C" NOT NULL,
    confidence TEXT COLLATE "C" NOT NULL,
    consent TEXT COLLATE "C" NOT NULL,
    use_policy TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT,
    provenance TEXT COLLATE "C" NOT NULL,
    memory_event_id TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, memory_key),
    CHECK ((active = 1) = (value IS NOT NULL))
);

-- Committed, not yet sealed. The commit writes it, the sealer removes it: nothing is ever skipped.
CREATE TABLE os_core.unsealed_events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);

-- What a ledger looks like, before there is one. A plan is made once for a connection, perhaps while
-- the tables are empty; without statistics all indices cost the same there, one of them is chosen by
-- chance, and that plan reads a tenant's every row until the first automatic ANALYZE. TRUNCATE keeps
-- the statistics of the rows that it removes, and nothing else of them. The savepoint makes it take
-- a new file, as a table that was never counted has one; and the made-up tenants must not be listed
-- as the most common ones, or every other would be thought to have no row.
INSERT INTO os_core.tenants (tenant_id, created_at)
    SELECT 't' || t, 0 FROM generate_series(1, 16) AS t;
INSERT INTO os_core.identities (tenant_id, user_id, created_at)
    SELECT 't' || n % 16, 'u' || n, 0 FROM generate_series(1, 512) AS n;
INSERT INTO os_core.device_bindings (device_id, tenant_id, created_at)
    SELECT 'd' || n, 't' || n % 16, 0 FROM generate_series(1, 512) AS n;
INSERT INTO os_core.devices (tenant_id, device_id, user_id, created_at)
    SELECT 't' || n % 16, 'd' || n, 'u' || n, 0 FROM generate_series(1, 512) AS n;
INSERT INTO os_core.sessions (tenant_id, session_id, user_id, device_id, created_at)
    SELECT 't' || n % 16, 's' || n, 'u' || n % 512, 'd' || n % 512, 0
    FROM generate_series(1, 1024) AS n;
INSERT INTO os_core.audit_events (tenant_id, event_id, engine, event_type, reason_code, severity,
    correlation_id, turn_id, user_id, device_id, idempotency_key, payload_min, created_at)
    SELECT 't' || n % 16, md5(n::TEXT)::UUID, 'PH1.NLP', 'NlpIntentDraft', 1, 'INFO',
        md5((n / 4)::TEXT), 1 + n % 4, 'u' || n % 512, 'd' || n % 512, 'PH1.NLP:' || n % 4,
        '{"decision":"CHAT"}', n
    FROM generate_series(1, 2048) AS n;
INSERT INTO os_core.replay_inputs (tenant_id, event_id, engine, engine_version, record, key_id)
    SELECT tenant_id, event_id, engine, '1', '', 'plain' FROM os_core.audit_events;
INSERT INTO os_core.conversation_ledger (tenant_id, correlation_id, turn_id, role, source, user_id,
    device_id, text, key_id, privacy_scope, created_at)
    SELECT tenant_id, correlation_id, turn_id, 'USER', 'TYPED_TEXT', user_id, device_id, 'x',
        'plain', 'PRIVATE', created_at
    FROM os_core.audit_events;
INSERT INTO os_core.memory_ledger (tenant_id, memory_event_id, user_id, memory_key, version, event,
    value, key_id, layer, sensitivity, confidence, consent, use_policy, provenance,
    idempotency_key, created_at)
    SELECT tenant_id, event_id, user_id, 'k' || turn_id, 1 + created_at / 2048, 'STORED', 'x',
        'plain', 'WORKING', 'LOW', 'HIGH', 'CONFIRMED', 'ALWAYS_USABLE', 'x', event_id, 0
    FROM os_core.audit_events
    ON CONFLICT DO NOTHING;
INSERT INTO os_core.memory_current (tenant_id, user_id, memory_key, version, active, value, key_id,
    layer, sensitivity, confidence, consent, use_policy, provenance, memory_event_id, updated_at)
    SELECT tenant_id, user_id, memory_key, 1, 1, value, key_id, layer, sensitivity, confidence,
        consent, use_policy, provenance, memory_event_id, 0
    FROM os_core.memory_ledger WHERE version = 1;
INSERT INTO os_core.unsealed_events (tenant_id, event_id)
    SELECT tenant_id, event_id FROM os_core.audit_events;
ALTER TABLE os_core.tenants ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.identities ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.device_bindings ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.devices ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.sessions ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.audit_events ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.replay_inputs ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.conversation_ledger ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.memory_ledger ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.memory_current ALTER tenant_id SET STATISTICS 1;
ALTER TABLE os_core.unsealed_events ALTER tenant_id SET STATISTICS 1;
ANALYZE os_core.tenants, os_core.identities, os_core.device_bindings, os_core.devices,
    os_core.sessions, os_core.audit_events, os_core.replay_inputs, os_core.conversation_ledger,
    os_core.memory_ledger, os_core.memory_current, os_core.unsealed_events;
SAVEPOINT analysed;
TRUNCATE os_core.tenants, os_core.identities, os_core.device_bindings, os_core.devices,
    os_core.sessions, os_core.audit_events, os_core.replay_inputs, os_core.conversation_ledger,
    os_core.memory_ledger, os_core.memory_current, os_core.unsealed_events;
RELEASE SAVEPOINT analysed;
ALTER TABLE os_core.tenants ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.identities ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.device_bindings ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.devices ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.sessions ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.audit_events ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.replay_inputs ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.conversation_ledger ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.memory_ledger ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.memory_current ALTER tenant_id SET STATISTICS -1;
ALTER TABLE os_core.unsealed_events ALTER tenant_id SET STATISTICS -1;
