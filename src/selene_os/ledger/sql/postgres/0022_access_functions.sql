-- Guards, functions and rights of what 0020 added.
--
-- Keys and operators are the application's, by function alone: no login of a tenant's may read a
-- digest, and nobody but the owner a password's hash. Access events are read as any other row is,
-- under row-level security; who may act for a tenant by SQL of its own cannot write them.

-- What of a key or an operator never changes is refused for each statement, as everywhere.
CREATE TRIGGER api_keys_no_change
    BEFORE UPDATE OF tenant_id, key_id, digest, scopes, label, created_at OR DELETE OR TRUNCATE
    ON os_core.api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.api_keys ENABLE ALWAYS TRIGGER api_keys_no_change;
CREATE TRIGGER access_events_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.access_events
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.access_events ENABLE ALWAYS TRIGGER access_events_no_change;
CREATE TRIGGER operators_no_change
    BEFORE UPDATE OF login, created_at OR DELETE OR TRUNCATE ON os_core.operators
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.operators ENABLE ALWAYS TRIGGER operators_no_change;

-- What may change of a key only ever ends it: revoked once; replaced once, by one of the same
-- scopes, and its time is shortened as it is replaced.
CREATE FUNCTION os_core.refuse_revival() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at
        OR NEW.replaced_by IS DISTINCT FROM OLD.replaced_by AND (OLD.replaced_by IS NOT NULL
            OR NOT EXISTS (SELECT FROM os_core.api_keys AS k WHERE k.tenant_id = NEW.tenant_id
                AND k.key_id = NEW.replaced_by AND k.scopes = NEW.scopes))
        OR NEW.expires_at IS DISTINCT FROM OLD.expires_at AND (OLD.replaced_by IS NOT NULL
            OR NEW.replaced_by IS NULL OR NEW.expires_at IS NULL
            OR NEW.expires_at > OLD.expires_at)
    THEN
        RAISE EXCEPTION 'append-only: a key only ever ends' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER api_keys_no_revival BEFORE UPDATE ON os_core.api_keys
    FOR EACH ROW EXECUTE FUNCTION os_core.refuse_revival();
ALTER TABLE os_core.api_keys ENABLE ALWAYS TRIGGER api_keys_no_revival;
-- A session of the console that was void stays void.
CREATE TRIGGER operators_no_revival BEFORE UPDATE ON os_core.operators
    FOR EACH ROW WHEN (NEW.valid_after < OLD.valid_after)
    EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.operators ENABLE ALWAYS TRIGGER operators_no_revival;

ALTER TABLE os_core.api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY every_tenant ON os_core.api_keys FOR SELECT TO selene_auditor
    USING (TRUE);
ALTER TABLE os_core.access_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.access_events FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.access_events FOR SELECT TO selene_auditor
    USING (TRUE);
-- Without a policy: nobody's but the owner's.
ALTER TABLE os_core.operators ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON os_core.api_keys TO selene_auditor;
GRANT SELECT ON os_core.access_events TO selene_app, selene_tenant, selene_auditor;

-- Add a key; FALSE where one of that name is there.
CREATE FUNCTION os_core.add_api_key(
    p_tenant_id TEXT, p_key_id TEXT, p_digest BYTEA, p_scopes TEXT, p_label TEXT,
    p_created_at BIGINT, p_expires_at BIGINT, p_again BOOLEAN
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    PERFORM FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'tenant_id';
    END IF;
    INSERT INTO os_core.api_keys
        (tenant_id, key_id, digest, scopes, label, created_at, expires_at)
    VALUES (p_tenant_id, p_key_id, p_digest, p_scopes, p_label, p_created_at, p_expires_at)
    ON CONFLICT DO NOTHING;
    RETURN FOUND OR p_again AND EXISTS (SELECT FROM os_core.api_keys AS k
        WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id AND k.digest = p_digest);
END
$$;

CREATE FUNCTION os_core.api_key(p_tenant_id TEXT, p_key_id TEXT) RETURNS SETOF os_core.api_keys
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.* FROM os_core.api_keys AS k
    WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id AND os_core.may_act(p_tenant_id)
$$;

CREATE FUNCTION os_core.list_api_keys(p_tenant_id TEXT) RETURNS SETOF os_core.api_keys
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.* FROM os_core.api_keys AS k
    WHERE k.tenant_id = p_tenant_id AND os_core.may_act(p_tenant_id)
    ORDER BY k.created_at, k.key_id
$$;

-- Revoke a key; once it is, nothing changes any more.
CREATE FUNCTION os_core.end_api_key(p_tenant_id TEXT, p_key_id TEXT, p_at BIGINT) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    UPDATE os_core.api_keys AS k SET revoked_at = greatest(p_at, k.created_at)
    WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id AND k.revoked_at IS NULL;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM os_core.api_keys AS k
        WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id)
    THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'key_id';
    END IF;
END
$$;

-- Add a key in the place of another of the same scopes, which ends at p_ends_at, or before that
-- where it would have anyway.
CREATE FUNCTION os_core.replace_api_key(
    p_tenant_id TEXT, p_old_key_id TEXT, p_ends_at BIGINT, p_key_id TEXT, p_digest BYTEA,
    p_scopes TEXT, p_label TEXT, p_created_at BIGINT, p_expires_at BIGINT, p_again BOOLEAN
) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_old os_core.api_keys;
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    SELECT k.* INTO v_old FROM os_core.api_keys AS k
    WHERE k.tenant_id = p_tenant_id AND k.key_id = p_old_key_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'key_id';
    END IF;
    IF p_again AND v_old.replaced_by = p_key_id THEN
        RETURN;
    END IF;
    IF v_old.revoked_at IS NOT NULL OR v_old.replaced_by IS NOT NULL
        OR v_old.expires_at <= p_created_at OR v_old.scopes <> p_scopes
    THEN
        RAISE EXCEPTION 'ended' USING ERRCODE = 'SE409', CONSTRAINT = 'key_id';
    END IF;
    INSERT INTO os_core.api_keys
        (tenant_id, key_id, digest, scopes, label, created_at, expires_at)
    VALUES (p_tenant_id, p_key_id, p_digest, p_scopes, p_label, p_created_at, p_expires_at);
    UPDATE os_core.api_keys AS k
    SET replaced_by = p_key_id,
        expires_at = least(k.expires_at, greatest(p_ends_at, k.created_at + 1))
    WHERE k.tenant_id = p_tenant_id AND k.key_id = p_old_key_id;
END
$$;

CREATE FUNCTION os_core.append_access(
    p_tenant_id TEXT, p_access_id TEXT, p_at BIGINT, p_actor TEXT, p_action TEXT, p_target TEXT,
    p_outcome TEXT, p_reason TEXT
) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    PERFORM FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'tenant_id';
    END IF;
    INSERT INTO os_core.access_events
        (tenant_id, access_id, at, actor, action, target, outcome, reason)
    VALUES (p_tenant_id, p_access_id, p_at, p_actor, p_action, p_target, p_outcome, p_reason)
    ON CONFLICT DO NOTHING;
END
$$;

-- Add an operator; FALSE where one of that login is there.
CREATE FUNCTION os_core.add_operator(
    p_login TEXT, p_password TEXT, p_tenants TEXT, p_created_at BIGINT, p_disabled_at BIGINT,
    p_valid_after BIGINT, p_again BOOLEAN
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO os_core.operators
        (login, password, tenants, created_at, disabled_at, valid_after)
    VALUES (p_login, p_password, p_tenants, p_created_at, p_disabled_at, p_valid_after)
    ON CONFLICT DO NOTHING;
    RETURN FOUND OR p_again AND EXISTS (SELECT FROM os_core.operators AS o
        WHERE o.login = p_login AND o.password = p_password AND o.created_at = p_created_at);
END
$$;

CREATE FUNCTION os_core.operator(p_login TEXT) RETURNS SETOF os_core.operators
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.* FROM os_core.operators AS o WHERE o.login = p_login
$$;

CREATE FUNCTION os_core.list_operators() RETURNS SETOF os_core.operators
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.* FROM os_core.operators AS o ORDER BY o.login
$$;

-- Change what is not NULL; p_disabled_at where p_disables. What was void stays void.
CREATE FUNCTION os_core.set_operator(
    p_login TEXT, p_password TEXT, p_tenants TEXT, p_disables BOOLEAN, p_disabled_at BIGINT,
    p_valid_after BIGINT
) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE os_core.operators AS o
    SET password = coalesce(p_password, o.password),
        tenants = coalesce(p_tenants, o.tenants),
        disabled_at = CASE WHEN p_disables THEN p_disabled_at ELSE o.disabled_at END,
        valid_after = greatest(p_valid_after, o.valid_after)
    WHERE o.login = p_login;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'login';
    END IF;
END
$$;

REVOKE ALL ON FUNCTION os_core.refuse_revival, os_core.add_api_key, os_core.api_key,
    os_core.list_api_keys, os_core.end_api_key, os_core.replace_api_key, os_core.append_access,
    os_core.add_operator, os_core.operator, os_core.list_operators, os_core.set_operator
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION os_core.add_api_key, os_core.api_key, os_core.list_api_keys,
    os_core.end_api_key, os_core.replace_api_key, os_core.append_access, os_core.add_operator,
    os_core.operator, os_core.list_operators, os_core.set_operator TO selene_app;
