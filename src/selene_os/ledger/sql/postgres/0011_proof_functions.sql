-- Guards, functions and rights of what 0009 added.
--
-- Sealing is the application's; who reads, an auditor or a tenant, reads under row-level security.

CREATE TRIGGER merkle_leaves_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.merkle_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.merkle_leaves ENABLE ALWAYS TRIGGER merkle_leaves_no_change;
CREATE TRIGGER merkle_nodes_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.merkle_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.merkle_nodes ENABLE ALWAYS TRIGGER merkle_nodes_no_change;
CREATE TRIGGER checkpoints_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.checkpoints ENABLE ALWAYS TRIGGER checkpoints_no_change;
CREATE TRIGGER signing_keys_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.signing_keys ENABLE ALWAYS TRIGGER signing_keys_no_change;

-- What waits to be sealed leaves only as a leaf.
CREATE TRIGGER unsealed_events_no_change
    BEFORE UPDATE OR TRUNCATE ON os_core.unsealed_events
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.unsealed_events ENABLE ALWAYS TRIGGER unsealed_events_no_change;

-- A plan that is made while the tables are small must not read all of them once they are large.
CREATE FUNCTION os_core.refuse_unsealed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (SELECT FROM removed AS r WHERE NOT EXISTS (SELECT FROM os_core.merkle_leaves AS l
        WHERE l.tenant_id = r.tenant_id AND l.event_id = r.event_id))
    THEN
        RAISE EXCEPTION 'append-only: an event is sealed before it is taken out'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER unsealed_events_sealed AFTER DELETE ON os_core.unsealed_events
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_unsealed();
ALTER TABLE os_core.unsealed_events ENABLE ALWAYS TRIGGER unsealed_events_sealed;

ALTER TABLE os_core.merkle_leaves ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.merkle_leaves FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.merkle_leaves FOR SELECT TO selene_auditor
    USING (TRUE);
ALTER TABLE os_core.merkle_nodes ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.merkle_nodes FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.merkle_nodes FOR SELECT TO selene_auditor
    USING (TRUE);
ALTER TABLE os_core.checkpoints ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.checkpoints FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.checkpoints FOR SELECT TO selene_auditor
    USING (TRUE);
ALTER TABLE os_core.signing_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.signing_keys FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.signing_keys FOR SELECT TO selene_auditor
    USING (TRUE);
GRANT SELECT ON os_core.merkle_leaves, os_core.merkle_nodes, os_core.checkpoints,
    os_core.signing_keys TO selene_app, selene_tenant, selene_auditor;

-- The tenants that have something to seal.
CREATE FUNCTION os_core.unsealed_tenants() RETURNS SETOF TEXT
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.tenant_id FROM os_core.tenants AS t
    WHERE os_core.may_act(t.tenant_id) AND EXISTS (
        SELECT FROM os_core.unsealed_events AS u WHERE u.tenant_id = t.tenant_id)
    ORDER BY t.tenant_id
$$;

-- A tenant's rows that no leaf stands for yet, by id. The record's digest is made here: its bytes
-- are not needed elsewhere.
CREATE FUNCTION os_core.unsealed(p_tenant_id TEXT, p_rows_max INTEGER)
RETURNS TABLE (tenant_id TEXT, event_id TEXT, engine TEXT, event_type TEXT, reason_code BIGINT,
    severity TEXT, correlation_id TEXT, turn_id INTEGER, user_id TEXT, device_id TEXT,
    session_id TEXT, idempotency_key TEXT, payload_min TEXT, created_at BIGINT,
    engine_version TEXT, pack_digest TEXT, key_id TEXT, record_digest BYTEA)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.tenant_id, e.event_id, e.engine, e.event_type, e.reason_code, e.severity,
        e.correlation_id, e.turn_id, e.user_id, e.device_id, e.session_id, e.idempotency_key,
        e.payload_min, e.created_at, r.engine_version, r.pack_digest, r.key_id, sha256(r.record)
    FROM (
        SELECT u.event_id FROM os_core.unsealed_events AS u
        WHERE u.tenant_id = p_tenant_id AND os_core.may_act(p_tenant_id)
        AND (SELECT l.leaf_index FROM os_core.merkle_leaves AS l
            WHERE l.tenant_id = p_tenant_id AND l.event_id = u.event_id) IS NULL
        ORDER BY u.event_id LIMIT p_rows_max
    ) AS w
    JOIN LATERAL (
        SELECT a.* FROM os_core.audit_events AS a
        WHERE a.tenant_id = p_tenant_id AND a.event_id = w.event_id OFFSET 0
    ) AS e ON TRUE
    LEFT JOIN LATERAL (
        SELECT i.* FROM os_core.replay_inputs AS i
        WHERE i.tenant_id = p_tenant_id AND i.event_id = w.event_id OFFSET 0
    ) AS r ON TRUE
    ORDER BY e.event_id
$$;

-- Append a batch to a tenant's tree, with its checkpoint, and take it out of what waits; FALSE where
-- the tree is not of p_size leaves any more: another sealer was first.
--
-- p_leaves: the hashes of p_events, 32 bytes each, one behind another. p_levels, p_firsts, p_hashes:
-- the runs of nodes. p_keys, p_statements: the signing keys that the tenant may not have noted yet.
CREATE FUNCTION os_core.seal(
    p_tenant_id TEXT, p_size BIGINT, p_events TEXT[], p_leaves BYTEA, p_levels INTEGER[],
    p_firsts BIGINT[], p_hashes BYTEA[], p_frontier BYTEA, p_note BYTEA, p_created_at BIGINT,
    p_keys TEXT[], p_statements BYTEA[]
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_count BIGINT := cardinality(p_events);
    v_removed BIGINT;
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    IF p_size <> coalesce((SELECT max(c.size) FROM os_core.checkpoints AS c
        WHERE c.tenant_id = p_tenant_id), 0)
    THEN
        RETURN FALSE;
    END IF;
    -- The checkpoint first: of two sealers with batches of one size the second waits here, and of
    -- two with different ones at the first leaf.
    INSERT INTO os_core.checkpoints (tenant_id, size, frontier, note, created_at)
    VALUES (p_tenant_id, p_size + v_count, p_frontier, p_note, p_created_at);
    INSERT INTO os_core.merkle_leaves (tenant_id, leaf_index, event_id, leaf_hash)
    SELECT p_tenant_id, p_size + w.place - 1, w.event_id,
        substr(p_leaves, ((w.place - 1) * 32 + 1)::INTEGER, 32)
    FROM unnest(p_events) WITH ORDINALITY AS w (event_id, place);
    INSERT INTO os_core.merkle_nodes (tenant_id, level, first, hashes)
    SELECT p_tenant_id, r.level, r.first, r.hashes
    FROM unnest(p_levels, p_firsts, p_hashes) AS r (level, first, hashes);
    INSERT INTO os_core.signing_keys (tenant_id, key_id, statement, created_at)
    SELECT p_tenant_id, k.key_id, k.statement, p_created_at
    FROM unnest(p_keys, p_statements) AS k (key_id, statement)
    ON CONFLICT DO NOTHING;
    DELETE FROM os_core.unsealed_events AS u
    WHERE u.tenant_id = p_tenant_id AND u.event_id = ANY (p_events);
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    IF v_removed <> v_count THEN
        RAISE EXCEPTION 'a row to be sealed does not wait for it'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN TRUE;
EXCEPTION WHEN unique_violation THEN
    RETURN FALSE;
END
$$;

REVOKE ALL ON FUNCTION os_core.refuse_unsealed, os_core.unsealed_tenants, os_core.unsealed,
    os_core.seal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION os_core.unsealed_tenants, os_core.unsealed, os_core.seal TO selene_app;
