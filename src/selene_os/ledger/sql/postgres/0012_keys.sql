-- The keyring: wrapped keys, and who is held, in a schema that back-ups of os_core leave out.
--
-- The schema os_keys is made where os_core is, and may outlive it: a restored os_core finds it, so
-- everything here is made only where it is missing, and depends on nothing in os_core. Nobody reads
-- or writes its tables but its functions, which act as the owner for the tenant of the login.
-- A key is destroyed by taking its bytes away; the row stays and says when. Nothing else of a row
-- ever changes, and none is deleted. The bytes of the old row go with the next VACUUM.

CREATE TABLE IF NOT EXISTS os_keys.tenant_keys (
    tenant_id TEXT COLLATE "C" NOT NULL PRIMARY KEY
        CHECK (tenant_id ~ '^[A-Za-z0-9_.-]{1,64}$'),
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id ~ '^[0-9a-f]{32}$'),
    -- By the root key, which may be a key service's.
    wrapped BYTEA NOT NULL CHECK (length(wrapped) BETWEEN 1 AND 4096),
    created_at BIGINT NOT NULL CHECK (created_at >= 0)
);

CREATE TABLE IF NOT EXISTS os_keys.user_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL CHECK (key_id ~ '^[0-9a-f]{32}$'),
    subject TEXT COLLATE "C" NOT NULL CHECK (octet_length(subject) <= 128),
    wrapped BYTEA CHECK (length(wrapped) = 60),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    destroyed_at BIGINT CHECK (destroyed_at >= 0),
    PRIMARY KEY (tenant_id, key_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CONSTRAINT user_keys_of_tenant FOREIGN KEY (tenant_id)
        REFERENCES os_keys.tenant_keys (tenant_id)
);
-- One key at a time for new rows.
CREATE UNIQUE INDEX IF NOT EXISTS user_keys_live ON os_keys.user_keys (tenant_id, subject)
    WHERE wrapped IS NOT NULL;
CREATE INDEX IF NOT EXISTS user_keys_by_subject
    ON os_keys.user_keys (tenant_id, subject, created_at);

CREATE TABLE IF NOT EXISTS os_keys.holds (
    tenant_id TEXT COLLATE "C" NOT NULL,
    hold_id TEXT COLLATE "C" NOT NULL CHECK (hold_id ~ '^[0-9a-f]{32}$'),
    subject TEXT COLLATE "C" NOT NULL CHECK (octet_length(subject) <= 128),
    created_at BIGINT NOT NULL CHECK (created_at >= 0),
    released_at BIGINT CHECK (released_at >= 0),
    PRIMARY KEY (tenant_id, hold_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS holds_in_force ON os_keys.holds (tenant_id, subject)
    WHERE released_at IS NULL;

-- ---- guards

CREATE OR REPLACE FUNCTION os_keys.refuse_key_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'keys: % on %', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

-- A key is only ever destroyed, once, and not while its subject is held.
CREATE OR REPLACE FUNCTION os_keys.only_destroyed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.tenant_id, NEW.key_id, NEW.subject, NEW.created_at)
        IS DISTINCT FROM (OLD.tenant_id, OLD.key_id, OLD.subject, OLD.created_at)
        OR OLD.wrapped IS NULL OR NEW.wrapped IS NOT NULL
    THEN
        RAISE EXCEPTION 'keys: a key is only ever destroyed, once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM os_keys.holds AS h WHERE h.tenant_id = OLD.tenant_id
        AND h.subject = OLD.subject AND h.released_at IS NULL)
    THEN
        RAISE EXCEPTION 'held' USING ERRCODE = 'SE409', CONSTRAINT = 'user_id';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION os_keys.only_released() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.tenant_id, NEW.hold_id, NEW.subject, NEW.created_at)
        IS DISTINCT FROM (OLD.tenant_id, OLD.hold_id, OLD.subject, OLD.created_at)
        OR OLD.released_at IS NOT NULL OR NEW.released_at IS NULL
    THEN
        RAISE EXCEPTION 'keys: a hold is only ever released, once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER tenant_keys_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_keys.tenant_keys
    FOR EACH STATEMENT EXECUTE FUNCTION os_keys.refuse_key_change();
ALTER TABLE os_keys.tenant_keys ENABLE ALWAYS TRIGGER tenant_keys_no_change;
CREATE OR REPLACE TRIGGER user_keys_no_delete
    BEFORE DELETE OR TRUNCATE ON os_keys.user_keys
    FOR EACH STATEMENT EXECUTE FUNCTION os_keys.refuse_key_change();
ALTER TABLE os_keys.user_keys ENABLE ALWAYS TRIGGER user_keys_no_delete;
CREATE OR REPLACE TRIGGER user_keys_only_destroyed
    BEFORE UPDATE ON os_keys.user_keys
    FOR EACH ROW EXECUTE FUNCTION os_keys.only_destroyed();
ALTER TABLE os_keys.user_keys ENABLE ALWAYS TRIGGER user_keys_only_destroyed;
CREATE OR REPLACE TRIGGER holds_no_delete
    BEFORE DELETE OR TRUNCATE ON os_keys.holds
    FOR EACH STATEMENT EXECUTE FUNCTION os_keys.refuse_key_change();
ALTER TABLE os_keys.holds ENABLE ALWAYS TRIGGER holds_no_delete;
CREATE OR REPLACE TRIGGER holds_only_released
    BEFORE UPDATE ON os_keys.holds
    FOR EACH ROW EXECUTE FUNCTION os_keys.only_released();
ALTER TABLE os_keys.holds ENABLE ALWAYS TRIGGER holds_only_released;

-- No policy: whoever does not own these tables meets no row in them.
ALTER TABLE os_keys.tenant_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE os_keys.user_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE os_keys.holds ENABLE ROW LEVEL SECURITY;

-- ---- functions; os_core.check_login is looked up when they run

CREATE OR REPLACE FUNCTION os_keys.tenant_key(p_tenant_id TEXT)
RETURNS SETOF os_keys.tenant_keys
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    RETURN QUERY SELECT k.* FROM os_keys.tenant_keys AS k WHERE k.tenant_id = p_tenant_id;
END
$$;

CREATE OR REPLACE FUNCTION os_keys.live_key(p_tenant_id TEXT, p_subject TEXT)
RETURNS SETOF os_keys.user_keys
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    RETURN QUERY SELECT k.* FROM os_keys.user_keys AS k
        WHERE k.tenant_id = p_tenant_id AND k.subject = p_subject AND k.wrapped IS NOT NULL;
END
$$;

CREATE OR REPLACE FUNCTION os_keys.key(p_tenant_id TEXT, p_key_id TEXT)
RETURNS SETOF os_keys.user_keys
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    RETURN QUERY SELECT k.* FROM os_keys.user_keys AS k
        WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id;
END
$$;

-- A subject's keys, or all of a tenant's where p_subject is NULL.
CREATE OR REPLACE FUNCTION os_keys.keys_of(p_tenant_id TEXT, p_subject TEXT)
RETURNS SETOF os_keys.user_keys
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    RETURN QUERY SELECT k.* FROM os_keys.user_keys AS k WHERE k.tenant_id = p_tenant_id
        AND (p_subject IS NULL OR k.subject = p_subject) ORDER BY k.created_at, k.key_id;
END
$$;

CREATE OR REPLACE FUNCTION os_keys.holds_of(p_tenant_id TEXT)
RETURNS SETOF os_keys.holds
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    RETURN QUERY SELECT h.* FROM os_keys.holds AS h WHERE h.tenant_id = p_tenant_id
        ORDER BY h.created_at, h.hold_id;
END
$$;

-- Add what is not there yet; what is there comes back, this or another writer's.
CREATE OR REPLACE FUNCTION os_keys.add_tenant_key(
    p_tenant_id TEXT, p_key_id TEXT, p_wrapped BYTEA, p_created_at BIGINT
) RETURNS SETOF os_keys.tenant_keys
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    INSERT INTO os_keys.tenant_keys VALUES (p_tenant_id, p_key_id, p_wrapped, p_created_at)
        ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT k.* FROM os_keys.tenant_keys AS k WHERE k.tenant_id = p_tenant_id;
END
$$;

CREATE OR REPLACE FUNCTION os_keys.add_key(
    p_tenant_id TEXT, p_key_id TEXT, p_subject TEXT, p_wrapped BYTEA, p_created_at BIGINT
) RETURNS SETOF os_keys.user_keys
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    INSERT INTO os_keys.user_keys
        VALUES (p_tenant_id, p_key_id, p_subject, p_wrapped, p_created_at, NULL)
        ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT k.* FROM os_keys.user_keys AS k
        WHERE k.tenant_id = p_tenant_id AND k.subject = p_subject AND k.wrapped IS NOT NULL;
END
$$;

-- TRUE where it was destroyed now, FALSE where before, NULL where there is no such key. A hold and
-- an erasure at once are one after the other: both lock the tenant's row.
CREATE OR REPLACE FUNCTION os_keys.destroy_key(p_tenant_id TEXT, p_key_id TEXT, p_at BIGINT)
RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    PERFORM FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id FOR NO KEY UPDATE;
    UPDATE os_keys.user_keys AS k SET wrapped = NULL, destroyed_at = p_at
        WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id AND k.wrapped IS NOT NULL;
    IF FOUND THEN
        RETURN TRUE;
    END IF;
    RETURN (SELECT FALSE FROM os_keys.user_keys AS k
        WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id);
END
$$;

CREATE OR REPLACE FUNCTION os_keys.add_hold(
    p_tenant_id TEXT, p_hold_id TEXT, p_subject TEXT, p_created_at BIGINT
) RETURNS SETOF os_keys.holds
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    PERFORM FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id FOR NO KEY UPDATE;
    INSERT INTO os_keys.holds VALUES (p_tenant_id, p_hold_id, p_subject, p_created_at, NULL)
        ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT h.* FROM os_keys.holds AS h
        WHERE h.tenant_id = p_tenant_id AND h.subject = p_subject AND h.released_at IS NULL;
END
$$;

CREATE OR REPLACE FUNCTION os_keys.release_hold(p_tenant_id TEXT, p_hold_id TEXT, p_at BIGINT)
RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    UPDATE os_keys.holds AS h SET released_at = p_at
        WHERE h.tenant_id = p_tenant_id AND h.hold_id = p_hold_id AND h.released_at IS NULL;
    RETURN FOUND;
END
$$;

-- Whether any row is encrypted, or any key kept: then no new root key may be made beside it.
CREATE OR REPLACE FUNCTION os_keys.any_encrypted() RETURNS BOOLEAN
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM os_keys.tenant_keys)
        OR EXISTS (SELECT FROM os_core.replay_inputs WHERE key_id <> 'plain')
        OR EXISTS (SELECT FROM os_core.conversation_ledger WHERE key_id <> 'plain')
        OR EXISTS (SELECT FROM os_core.memory_ledger WHERE key_id <> 'plain')
        OR EXISTS (SELECT FROM os_core.term_bundles WHERE key_id <> 'plain');
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA os_keys FROM PUBLIC;
GRANT USAGE ON SCHEMA os_keys TO selene_app, selene_auditor;
GRANT EXECUTE ON FUNCTION os_keys.tenant_key, os_keys.live_key, os_keys.key, os_keys.keys_of,
    os_keys.holds_of TO selene_app, selene_tenant, selene_auditor;
GRANT EXECUTE ON FUNCTION os_keys.add_tenant_key, os_keys.add_key TO selene_app, selene_tenant;
-- A tenant's own login neither erases nor ends a hold: that is whose the ledger is.
GRANT EXECUTE ON FUNCTION os_keys.destroy_key, os_keys.add_hold, os_keys.release_hold TO selene_app;
GRANT EXECUTE ON FUNCTION os_keys.any_encrypted TO selene_app, selene_auditor;
