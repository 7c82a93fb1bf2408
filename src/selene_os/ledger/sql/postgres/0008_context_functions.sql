-- Guards, functions and rights of what 0006 added, and of confirmations.

CREATE TRIGGER term_bundles_no_change
    BEFORE UPDATE OR DELETE OR TRUNCATE ON os_core.term_bundles
    FOR EACH STATEMENT EXECUTE FUNCTION os_core.refuse_change();
ALTER TABLE os_core.term_bundles ENABLE ALWAYS TRIGGER term_bundles_no_change;

-- A confirmation settles a draft of its own user's in its conversation, once. Behind `unsettled`,
-- which says so before anything is written: this one is for whoever does not go that way. After the
-- insert, so that a retry has been left out, and rows that come back together may be in any order.
-- It waits for others at that draft.
CREATE FUNCTION os_core.settle_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_draft TEXT COLLATE "C" := NEW.payload_min::JSON ->> 'draft_event_id';
BEGIN
    PERFORM FROM os_core.audit_events AS a WHERE a.tenant_id = NEW.tenant_id
        AND a.event_id = v_draft AND a.engine = 'PH1.NLP'
        AND a.payload_min::JSON ->> 'decision' = 'INTENT_DRAFT'
        AND a.correlation_id = NEW.correlation_id AND a.user_id = NEW.user_id
        FOR NO KEY UPDATE;
    IF NOT FOUND OR 1 < (SELECT count(*) FROM os_core.audit_events AS a
        WHERE a.tenant_id = NEW.tenant_id AND a.correlation_id = NEW.correlation_id
        AND a.engine = 'PH1.X' AND a.payload_min::JSON ->> 'draft_event_id' = v_draft)
    THEN
        RAISE EXCEPTION 'append-only: a draft of its user''s is settled once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_events_settle_once
    AFTER INSERT ON os_core.audit_events
    FOR EACH ROW WHEN (NEW.engine = 'PH1.X') EXECUTE FUNCTION os_core.settle_once();
ALTER TABLE os_core.audit_events ENABLE ALWAYS TRIGGER audit_events_settle_once;

ALTER TABLE os_core.term_bundles ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_tenant ON os_core.term_bundles FOR SELECT
    USING (tenant_id = os_core.reader());
CREATE POLICY every_tenant ON os_core.term_bundles FOR SELECT TO selene_auditor
    USING (TRUE);
GRANT SELECT ON os_core.term_bundles TO selene_app, selene_tenant, selene_auditor;

-- What keeps drafts from being settled: 'draft' (one was settled before), 'elsewhere' (one is no draft
-- of that user's in this conversation), or NULL. Locks them to the end of the transaction, so that of
-- two who settle one draft the second is told. A retry settles nothing, and is left to its key.
CREATE FUNCTION os_core.unsettled(p_tenant_id TEXT, p_event JSONB, p_drafts TEXT[]) RETURNS TEXT
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_correlation TEXT := p_event ->> 5;
    v_user TEXT := p_event ->> 7;
BEGIN
    PERFORM FROM os_core.audit_events AS a
        WHERE a.tenant_id = p_tenant_id AND a.event_id = ANY (p_drafts)
        ORDER BY a.event_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
        AND a.correlation_id = v_correlation AND a.idempotency_key = p_event ->> 10)
    THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
        AND a.correlation_id = v_correlation AND a.engine = 'PH1.X'
        AND a.payload_min::JSON ->> 'draft_event_id' = ANY (p_drafts))
    THEN
        RETURN 'draft';
    END IF;
    IF cardinality(p_drafts) <> (
        SELECT count(*) FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
        AND a.event_id = ANY (p_drafts) AND a.correlation_id = v_correlation
        AND a.engine = 'PH1.NLP' AND a.payload_min::JSON ->> 'decision' = 'INTENT_DRAFT'
        AND a.user_id = v_user)
    AND EXISTS (
        -- A scope that does not hold is told as what it is, when the event is appended.
        SELECT FROM os_core.devices AS d, os_core.identities AS i
        WHERE d.tenant_id = p_tenant_id AND d.device_id = p_event ->> 8 AND d.user_id = v_user
        AND i.tenant_id = p_tenant_id AND i.user_id = v_user AND i.status = 'ACTIVE')
    THEN
        RETURN 'elsewhere';
    END IF;
    RETURN NULL;
END
$$;

-- Commit units of one tenant, each wholly or not at all, in one transaction and one round trip.
--
-- p_runs: a list of runs, in order. A run is {"events"} (see `append_events`) of any number of
-- units of one event each; or one unit, with "rest", its further events, and with "next_turn",
-- "after_profile" (see `overtaken`) and "settles" (see `unsettled`).
-- p_again: an earlier try of this very call may have been committed unheard.
-- Returns NULL where everything was new; else for each run NULL, or what was found instead.
CREATE OR REPLACE FUNCTION os_core.commit_units(
    p_tenant_id TEXT, p_runs JSONB, p_again BOOLEAN
) RETURNS JSON
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_run JSONB;
    v_found JSON;
    v_overtaken TEXT;
    v_all JSON[] := '{}';
    v_any BOOLEAN := FALSE;
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    FOR v_run IN SELECT r.value FROM jsonb_array_elements(p_runs) AS r LOOP
        v_overtaken := NULL;
        IF v_run ? 'next_turn' THEN
            v_overtaken := os_core.overtaken(p_tenant_id, v_run -> 'events' -> 0,
                (v_run ->> 'next_turn')::BOOLEAN, v_run ->> 'after_profile', p_again);
        END IF;
        IF v_overtaken IS NULL AND v_run ? 'settles' THEN
            v_overtaken := os_core.unsettled(p_tenant_id, v_run -> 'events' -> 0,
                ARRAY(SELECT jsonb_array_elements_text(v_run -> 'settles')));
        END IF;
        IF v_overtaken IS NOT NULL THEN
            v_found := json_build_object('overtaken', v_overtaken);
        ELSIF v_run ? 'rest' THEN
            v_found := os_core.append_whole(p_tenant_id, v_run -> 'events', v_run -> 'rest');
        ELSE
            v_found := os_core.append_events(p_tenant_id, v_run -> 'events');
        END IF;
        v_any := v_any OR v_found IS NOT NULL;
        v_all := v_all || v_found;
    END LOOP;
    RETURN CASE WHEN v_any THEN array_to_json(v_all) END;
END
$$;

-- Of PH1.NLP and PH1.X: a confirmation is a turn of the user's as well.
DROP FUNCTION os_core.turn_before(TEXT, TEXT, TEXT, TEXT, INTEGER);

CREATE FUNCTION os_core.turn_before(
    p_tenant_id TEXT, p_correlation_id TEXT, p_user_id TEXT, p_turn_id INTEGER
) RETURNS TABLE (event_id TEXT, turn_id INTEGER, user_id TEXT, engine TEXT, record BYTEA,
    key_id TEXT, created_at BIGINT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.event_id, e.turn_id, e.user_id, e.engine, r.record, r.key_id,
        e.created_at
    FROM os_core.audit_events AS e, os_core.replay_inputs AS r
    WHERE e.tenant_id = p_tenant_id AND e.correlation_id = p_correlation_id
    AND e.engine IN ('PH1.NLP', 'PH1.X') AND e.user_id = p_user_id AND e.turn_id = (
        SELECT b.turn_id FROM os_core.audit_events AS b
        WHERE b.tenant_id = p_tenant_id AND b.correlation_id = p_correlation_id
        AND b.engine IN ('PH1.NLP', 'PH1.X') AND b.user_id = p_user_id AND b.turn_id < p_turn_id
        ORDER BY b.turn_id DESC LIMIT 1)
    AND r.tenant_id = p_tenant_id AND r.event_id = e.event_id AND os_core.may_act(p_tenant_id)
    ORDER BY e.event_id
$$;

DROP FUNCTION os_core.last_profile(TEXT, TEXT);

CREATE FUNCTION os_core.last_profile(p_tenant_id TEXT, p_user_id TEXT)
RETURNS TABLE (event_id TEXT, turn_id INTEGER, user_id TEXT, engine TEXT, record BYTEA,
    key_id TEXT, created_at BIGINT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.event_id, e.turn_id, e.user_id, e.engine, r.record, r.key_id,
        e.created_at
    FROM os_core.audit_events AS e, os_core.replay_inputs AS r
    WHERE e.tenant_id = p_tenant_id AND e.user_id = p_user_id AND e.engine = 'PH1.PERSONA'
    AND r.tenant_id = p_tenant_id AND r.event_id = e.event_id AND os_core.may_act(p_tenant_id)
    ORDER BY e.event_id DESC LIMIT 1
$$;

DROP FUNCTION os_core.add_tenant(TEXT, TEXT, TEXT, TEXT, TEXT, BIGINT, BOOLEAN);

-- A new tenant is the application's to add, never a tenant's own login's.
CREATE FUNCTION os_core.add_tenant(
    p_tenant_id TEXT, p_currency TEXT, p_time_policy TEXT, p_date_order TEXT, p_zone TEXT,
    p_created_at BIGINT, p_confirm_within_s INTEGER, p_again BOOLEAN
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF starts_with(session_user::TEXT, 'selene_t_') THEN
        RAISE EXCEPTION 'no tenant''s login adds tenants' USING ERRCODE = 'SE403';
    END IF;
    PERFORM os_core.check_login(p_tenant_id);
    INSERT INTO os_core.tenants (tenant_id, currency, time_policy, date_order, zone, created_at,
        confirm_within_s)
    VALUES (p_tenant_id, p_currency, p_time_policy, p_date_order, p_zone, p_created_at,
        p_confirm_within_s)
    ON CONFLICT DO NOTHING;
    RETURN FOUND OR p_again AND EXISTS (SELECT FROM os_core.tenants AS t
        WHERE t.tenant_id = p_tenant_id AND t.created_at = p_created_at);
END
$$;

-- Change the settings that p_settings names, and no other.
CREATE OR REPLACE FUNCTION os_core.set_tenant(p_tenant_id TEXT, p_settings JSON) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_given TEXT[] := ARRAY(SELECT json_object_keys(p_settings));
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    UPDATE os_core.tenants AS t SET
        currency = CASE WHEN 'currency' = ANY (v_given)
            THEN p_settings ->> 'currency' ELSE t.currency END,
        time_policy = CASE WHEN 'time_policy' = ANY (v_given)
            THEN p_settings ->> 'time_policy' ELSE t.time_policy END,
        date_order = CASE WHEN 'date_order' = ANY (v_given)
            THEN p_settings ->> 'date_order' ELSE t.date_order END,
        zone = CASE WHEN 'zone' = ANY (v_given) THEN p_settings ->> 'zone' ELSE t.zone END,
        confirm_within_s = CASE WHEN 'confirm_within_s' = ANY (v_given)
            THEN (p_settings ->> 'confirm_within_s')::INTEGER ELSE t.confirm_within_s END
    WHERE t.tenant_id = p_tenant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'tenant_id';
    END IF;
END
$$;

-- Make a bundle of terms the tenant's, if the one that it was made from (NULL: none) still is.
CREATE FUNCTION os_core.put_terms(
    p_tenant_id TEXT, p_digest TEXT, p_bundle BYTEA, p_key_id TEXT, p_created_at BIGINT,
    p_after TEXT
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_there TEXT;
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    SELECT t.terms_digest INTO v_there FROM os_core.tenants AS t
        WHERE t.tenant_id = p_tenant_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'tenant_id';
    END IF;
    IF v_there = p_digest THEN
        -- It is there already, or this very call made it so and never heard.
        RETURN TRUE;
    END IF;
    IF v_there IS DISTINCT FROM p_after THEN
        RETURN FALSE;
    END IF;
    INSERT INTO os_core.term_bundles (tenant_id, digest, bundle, key_id, created_at)
    VALUES (p_tenant_id, p_digest, p_bundle, p_key_id, p_created_at) ON CONFLICT DO NOTHING;
    UPDATE os_core.tenants AS t SET terms_digest = p_digest WHERE t.tenant_id = p_tenant_id;
    RETURN TRUE;
END
$$;

CREATE FUNCTION os_core.term_bundle(p_tenant_id TEXT, p_digest TEXT)
RETURNS SETOF os_core.term_bundles
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT b.* FROM os_core.term_bundles AS b
    WHERE b.tenant_id = p_tenant_id AND b.digest = p_digest AND os_core.may_act(p_tenant_id)
$$;

REVOKE ALL ON FUNCTION os_core.settle_once, os_core.unsettled, os_core.turn_before, os_core.last_profile,
    os_core.add_tenant, os_core.put_terms, os_core.term_bundle FROM PUBLIC;
GRANT EXECUTE ON FUNCTION os_core.add_tenant, os_core.put_terms TO selene_app, selene_tenant;
GRANT EXECUTE ON FUNCTION os_core.turn_before, os_core.last_profile, os_core.term_bundle
    TO selene_app, selene_tenant, selene_auditor;
