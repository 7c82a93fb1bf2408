-- Guards, functions and rights of what 0014 added.

CREATE TRIGGER packs_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.packs
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.packs ENABLE ALWAYS TRIGGER packs_no_change;

ALTER TABLE os_core.packs ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.packs FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.packs FOR SELECT TO selene_auditor
    USING (TRUE);
GRANT SELECT ON os_core.packs TO selene_app, selene_tenant, selene_auditor;

-- Keep a pack for as long as the ledger; FALSE where it is kept already.
CREATE FUNCTION os_core.put_pack(
    p_tenant_id TEXT, p_digest TEXT, p_content BYTEA, p_created_at BIGINT, p_again BOOLEAN
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    PERFORM FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'tenant_id';
    END IF;
    INSERT INTO os_core.packs (tenant_id, digest, content, created_at)
    VALUES (p_tenant_id, p_digest, p_content, p_created_at) ON CONFLICT DO NOTHING;
    RETURN FOUND OR p_again AND EXISTS (SELECT FROM os_core.packs AS p
        WHERE p.tenant_id = p_tenant_id AND p.digest = p_digest AND p.created_at = p_created_at);
END
$$;

CREATE FUNCTION os_core.pack(p_tenant_id TEXT, p_digest TEXT) RETURNS SETOF os_core.packs
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.* FROM os_core.packs AS p
    WHERE p.tenant_id = p_tenant_id AND p.digest = p_digest AND os_core.may_act(p_tenant_id)
$$;

REVOKE ALL ON FUNCTION os_core.put_pack, os_core.pack FROM PUBLIC;
GRANT EXECUTE ON FUNCTION os_core.put_pack TO selene_app, selene_tenant;
GRANT EXECUTE ON FUNCTION os_core.pack TO selene_app, selene_tenant, selene_auditor;
