-- Proof: a Merkle tree over each tenant's committed rows, and what was signed of it.
-- Source: RFC 6962, c2sp.org/tlog-checkpoint.
-- Differs by necessity: keys (0010) and what rests on them (0011) come after a chance to distribute.

-- Which row is which leaf. Within what one checkpoint added, leaves are in the order of their ids.
CREATE TABLE os_core.merkle_leaves (
    tenant_id TEXT COLLATE "C" NOT NULL,
    leaf_index BIGINT NOT NULL CHECK (leaf_index >= 0),
    event_id TEXT COLLATE "C" NOT NULL,
    leaf_hash BYTEA NOT NULL CHECK (length(leaf_hash) = 32),
    PRIMARY KEY (tenant_id, leaf_index),
    UNIQUE (tenant_id, event_id)
);

-- Complete subtrees: neighbours of one level in one row, as they were completed together.
CREATE TABLE os_core.merkle_nodes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    level INTEGER NOT NULL CHECK (level BETWEEN 1 AND 62),
    first BIGINT NOT NULL CHECK (first >= 0),
    hashes BYTEA NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0),
    PRIMARY KEY (tenant_id, level, first)
);

-- The tree's right edge at a size, and the signed note of its root.
CREATE TABLE os_core.checkpoints (
    tenant_id TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL CHECK (size >= 1),
    frontier BYTEA NOT NULL,
    note BYTEA NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, size)
);

-- Whose signatures these are: each key but the first is signed by the one before it.
CREATE TABLE os_core.signing_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id ~ '^[0-9a-f]{8}$'),
    statement BYTEA NOT NULL,
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, key_id)
);
