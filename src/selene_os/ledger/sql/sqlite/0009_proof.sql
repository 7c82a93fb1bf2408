-- Proof: a Merkle tree over each tenant's committed rows, and what was signed of it.
-- Source: RFC 6962, c2sp.org/tlog-checkpoint.
--
-- All of it is append-only, and grows at its end: whoever adds a leaf elsewhere, or twice, is
-- refused here; whoever turns that off meets a signature. No hidden rowid, so no way in by one.

-- Which row is which leaf. Within what one checkpoint added, leaves are in the order of their ids.
CREATE TABLE merkle_leaves (
    tenant_id TEXT NOT NULL,
    leaf_index INTEGER NOT NULL CHECK (leaf_index >= 0),
    event_id TEXT NOT NULL,
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    PRIMARY KEY (tenant_id, leaf_index),
    UNIQUE (tenant_id, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES audit_events (tenant_id, event_id)
) STRICT, WITHOUT ROWID;

-- Complete subtrees: neighbours of one level in one row, as they were completed together.
CREATE TABLE merkle_nodes (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    level INTEGER NOT NULL CHECK (level BETWEEN 1 AND 62),
    first INTEGER NOT NULL CHECK (first >= 0),
    hashes BLOB NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0),
    PRIMARY KEY (tenant_id, level, first)
) STRICT, WITHOUT ROWID;

-- The tree's right edge at a size, and the signed note of its root.
CREATE TABLE checkpoints (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    size INTEGER NOT NULL CHECK (size >= 1),
    frontier BLOB NOT NULL,
    note BLOB NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, size)
) STRICT, WITHOUT ROWID;

-- Whose signatures these are: each key but the first is signed by the one before it.
CREATE TABLE signing_keys (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    key_id TEXT NOT NULL CHECK (length(key_id) = 8 AND key_id NOT GLOB '*[^0-9a-f]*'),
    statement BLOB NOT NULL,
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    PRIMARY KEY (tenant_id, key_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER merkle_leaves_no_update BEFORE UPDATE ON merkle_leaves BEGIN
    SELECT RAISE(ABORT, 'append-only: merkle_leaves is never updated');
END;
CREATE TRIGGER merkle_leaves_no_delete BEFORE DELETE ON merkle_leaves BEGIN
    SELECT RAISE(ABORT, 'append-only: merkle_leaves is never deleted from');
END;
CREATE TRIGGER merkle_leaves_insert_guard BEFORE INSERT ON merkle_leaves BEGIN
    SELECT RAISE(ABORT, 'append-only: a leaf is added at the end, once') WHERE NEW.leaf_index <> (
        SELECT coalesce(max(leaf_index) + 1, 0) FROM merkle_leaves WHERE tenant_id = NEW.tenant_id)
        OR EXISTS (SELECT 1 FROM merkle_leaves
            WHERE tenant_id = NEW.tenant_id AND event_id = NEW.event_id);
END;

CREATE TRIGGER merkle_nodes_no_update BEFORE UPDATE ON merkle_nodes BEGIN
    SELECT RAISE(ABORT, 'append-only: merkle_nodes is never updated');
END;
CREATE TRIGGER merkle_nodes_no_delete BEFORE DELETE ON merkle_nodes BEGIN
    SELECT RAISE(ABORT, 'append-only: merkle_nodes is never deleted from');
END;
CREATE TRIGGER merkle_nodes_insert_guard BEFORE INSERT ON merkle_nodes BEGIN
    SELECT RAISE(ABORT, 'append-only: nodes are added behind the last of their level')
        WHERE NEW.first <> coalesce((SELECT first + length(hashes) / 32 FROM merkle_nodes
            WHERE tenant_id = NEW.tenant_id AND level = NEW.level ORDER BY first DESC LIMIT 1), 0);
END;

CREATE TRIGGER checkpoints_no_update BEFORE UPDATE ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'append-only: checkpoints is never updated');
END;
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'append-only: checkpoints is never deleted from');
END;
CREATE TRIGGER checkpoints_insert_guard BEFORE INSERT ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'append-only: a checkpoint is of a tree that grew')
        WHERE NEW.size <= coalesce(
            (SELECT max(size) FROM checkpoints WHERE tenant_id = NEW.tenant_id), 0)
        OR NEW.size <> (
            SELECT max(leaf_index) + 1 FROM merkle_leaves WHERE tenant_id = NEW.tenant_id);
END;

CREATE TRIGGER signing_keys_no_update BEFORE UPDATE ON signing_keys BEGIN
    SELECT RAISE(ABORT, 'append-only: signing_keys is never updated');
END;
CREATE TRIGGER signing_keys_no_delete BEFORE DELETE ON signing_keys BEGIN
    SELECT RAISE(ABORT, 'append-only: signing_keys is never deleted from');
END;
CREATE TRIGGER signing_keys_insert_guard BEFORE INSERT ON signing_keys BEGIN
    SELECT RAISE(ABORT, 'append-only: a key is noted once') WHERE EXISTS (
        SELECT 1 FROM signing_keys WHERE tenant_id = NEW.tenant_id AND key_id = NEW.key_id);
END;

-- What waits to be sealed leaves only as a leaf.
CREATE TRIGGER unsealed_events_no_update BEFORE UPDATE ON unsealed_events BEGIN
    SELECT RAISE(ABORT, 'append-only: unsealed_events is never updated');
END;
CREATE TRIGGER unsealed_events_sealed BEFORE DELETE ON unsealed_events BEGIN
    SELECT RAISE(ABORT, 'append-only: an event is sealed before it is taken out')
        WHERE NOT EXISTS (SELECT 1 FROM merkle_leaves
            WHERE tenant_id = OLD.tenant_id AND event_id = OLD.event_id);
END;
