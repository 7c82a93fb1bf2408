-- The only way to write, and the hot ways to read: one call, one round trip.
--
-- Each function runs as the schema's owner, who is no superuser and passes row-level security only
-- because it owns the tables; each names its tenant first, fixes its search_path and qualifies
-- every name. A login of one tenant (selene_t_<tenant>) acts for that tenant alone, whatever it
-- says. Look-ups in scalar and OFFSET 0 subqueries stay look-ups by index, row for row.
-- What must be one after the other waits for a lock on a row, which no caller can take by itself;
-- an advisory lock is anybody's.

-- Whether this login may act for a tenant: a tenant's own login for that one; who is a member of
-- the application's, the auditor's or the owner's role for all; nobody else.
CREATE FUNCTION os_core.may_act(p_tenant_id TEXT) RETURNS BOOLEAN
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN starts_with(session_user::TEXT, 'selene_t_')
    THEN session_user::TEXT = 'selene_t_' || p_tenant_id
    ELSE pg_has_role(session_user, 'selene_app', 'MEMBER')
        OR pg_has_role(session_user, 'selene_auditor', 'MEMBER')
        OR pg_has_role(session_user, 'selene_owner', 'MEMBER')
    END;

-- The tenant that this transaction reads; NULL where it named none, or one that is not this login's.
-- The policies compare with this, so that an index is never entered for another's tenant.
CREATE FUNCTION os_core.reader() RETURNS TEXT
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN os_core.may_act(current_setting('selene.tenant', TRUE))
    THEN current_setting('selene.tenant', TRUE) END;

CREATE FUNCTION os_core.check_login(p_tenant_id TEXT) RETURNS VOID
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF os_core.may_act(p_tenant_id) IS NOT TRUE THEN
        RAISE EXCEPTION 'this login is another tenant''s' USING ERRCODE = 'SE403';
    END IF;
END
$$;

-- What there is of a scope, each part looked up within the tenant alone.
CREATE FUNCTION os_core.scope_found(
    p_tenant_id TEXT, p_user_id TEXT, p_device_id TEXT, p_session_id TEXT
) RETURNS JSON
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_array(
        EXISTS (SELECT FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id),
        (SELECT i.status FROM os_core.identities AS i
            WHERE i.tenant_id = p_tenant_id AND i.user_id = p_user_id),
        (SELECT d.user_id FROM os_core.devices AS d
            WHERE d.tenant_id = p_tenant_id AND d.device_id = p_device_id),
        (SELECT json_build_array(s.user_id, s.device_id, s.closed_at) FROM os_core.sessions AS s
            WHERE s.tenant_id = p_tenant_id AND s.session_id = p_session_id))
$$;

-- Why events were not inserted: the rows that their keys name, and what there is of their scopes.
CREATE FUNCTION os_core.not_inserted(p_tenant_id TEXT, p_events JSONB, p_fresh TEXT[]) RETURNS JSON
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_agg(json_build_object(
        'place', g.place,
        'event_id', e.event_id,
        'engine', e.engine,
        'same_scope', (e.user_id, e.device_id, e.session_id)
            IS NOT DISTINCT FROM (g.v ->> 7, g.v ->> 8, g.v ->> 9),
        'same', (e.engine, e.event_type, e.reason_code, e.severity, e.payload_min)
            = (g.v ->> 1, g.v ->> 2, (g.v ->> 3)::BIGINT, g.v ->> 4, g.v ->> 11),
        'beyond', EXISTS (SELECT FROM os_core.audit_events AS b WHERE b.tenant_id = p_tenant_id
            AND b.correlation_id = g.v ->> 5 AND b.idempotency_key = g.v ->> 13
            AND b.engine = e.engine),
        'found', os_core.scope_found(p_tenant_id, g.v ->> 7, g.v ->> 8, g.v ->> 9)
    ))
    FROM (
        SELECT v, ordinality - 1 AS place FROM jsonb_array_elements(p_events) WITH ORDINALITY AS a (v)
    ) AS g
    LEFT JOIN LATERAL (
        SELECT a.* FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
        AND a.correlation_id = g.v ->> 5 AND a.idempotency_key = g.v ->> 10 OFFSET 0
    ) AS e ON TRUE
    WHERE g.v ->> 0 <> ALL (p_fresh)
$$;

-- Append events whose scope holds and whose key is free, with their records and what was said.
-- NULL where all were new; else what `not_inserted` finds of the others, which left nothing.
--
-- p_events: a list of events, each a list: the columns of audit_events from event_id on (0 to 12),
-- the key of a draft further than the unit's last (13), its record (14): [engine_version,
-- pack_digest, key_id, text, base64], and what was said (15): [role, source, key_id, privacy_scope,
-- created_at, text, base64]. Bytes are text where they are UTF-8, else base64.
CREATE FUNCTION os_core.append_events(p_tenant_id TEXT, p_events JSONB) RETURNS JSON
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_fresh TEXT[];
    v_lost TEXT;
    v_found JSON;
BEGIN
    WITH given AS MATERIALIZED (
        SELECT v ->> 0 AS event_id, v ->> 7 AS user_id, v ->> 8 AS device_id, v ->> 9 AS session_id,
            v
        FROM jsonb_array_elements(p_events) AS a (v)
    ), fresh AS (
        INSERT INTO os_core.audit_events (tenant_id, event_id, engine, event_type, reason_code,
            severity, correlation_id, turn_id, user_id, device_id, session_id, idempotency_key,
            payload_min, created_at)
        SELECT p_tenant_id, g.event_id, g.v ->> 1, g.v ->> 2, (g.v ->> 3)::BIGINT, g.v ->> 4,
            g.v ->> 5, (g.v ->> 6)::INTEGER, g.user_id, g.device_id, g.session_id, g.v ->> 10,
            g.v ->> 11, (g.v ->> 12)::BIGINT
        FROM given AS g
        WHERE CASE
            WHEN g.device_id IS NOT NULL THEN 'ACTIVE' = (
                SELECT i.status FROM os_core.devices AS d, os_core.identities AS i
                WHERE d.tenant_id = p_tenant_id AND d.device_id = g.device_id
                AND d.user_id = g.user_id
                AND i.tenant_id = p_tenant_id AND i.user_id = g.user_id)
            WHEN g.user_id IS NOT NULL THEN 'ACTIVE' = (
                SELECT i.status FROM os_core.identities AS i
                WHERE i.tenant_id = p_tenant_id AND i.user_id = g.user_id)
            ELSE p_tenant_id = (
                SELECT t.tenant_id FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id)
        END
        AND (g.session_id IS NULL OR (
            SELECT s.user_id = g.user_id AND s.device_id = g.device_id AND s.closed_at IS NULL
            FROM os_core.sessions AS s
            WHERE s.tenant_id = p_tenant_id AND s.session_id = g.session_id))
        ON CONFLICT DO NOTHING
        RETURNING event_id, engine, correlation_id, turn_id, user_id, device_id
    ), recorded AS (
        INSERT INTO os_core.replay_inputs (tenant_id, event_id, engine, engine_version,
            pack_digest, record, key_id)
        SELECT p_tenant_id, f.event_id, f.engine, g.v -> 14 ->> 0, g.v -> 14 ->> 1,
            coalesce(convert_to(g.v -> 14 ->> 3, 'UTF8'), decode(g.v -> 14 ->> 4, 'base64')),
            g.v -> 14 ->> 2
        FROM fresh AS f JOIN given AS g USING (event_id) WHERE g.v ->> 14 IS NOT NULL
    ), spoken AS (
        INSERT INTO os_core.conversation_ledger (tenant_id, correlation_id, turn_id, role, source,
            user_id, device_id, text, key_id, privacy_scope, created_at)
        SELECT p_tenant_id, f.correlation_id, f.turn_id, g.v -> 15 ->> 0, g.v -> 15 ->> 1,
            f.user_id, f.device_id,
            coalesce(convert_to(g.v -> 15 ->> 5, 'UTF8'), decode(g.v -> 15 ->> 6, 'base64')),
            g.v -> 15 ->> 2, g.v -> 15 ->> 3, (g.v -> 15 ->> 4)::BIGINT
        FROM fresh AS f JOIN given AS g USING (event_id) WHERE g.v ->> 15 IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    SELECT coalesce(array_agg(f.event_id), '{}') INTO v_fresh FROM fresh AS f;
    IF cardinality(v_fresh) = jsonb_array_length(p_events) THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(DISTINCT v ->> 0) < count(*) FROM jsonb_array_elements(p_events) AS a (v)) THEN
        RAISE EXCEPTION 'an event_id is given twice' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_lost := (SELECT v ->> 0 FROM jsonb_array_elements(p_events) AS a (v)
        WHERE v ->> 0 <> ALL (v_fresh) AND (
            SELECT (e.correlation_id, e.idempotency_key) <> (v ->> 5, v ->> 10)
            FROM os_core.audit_events AS e
            WHERE e.tenant_id = p_tenant_id AND e.event_id = v ->> 0)
        AND (SELECT e.event_id FROM os_core.audit_events AS e WHERE e.tenant_id = p_tenant_id
            AND e.correlation_id = v ->> 5 AND e.idempotency_key = v ->> 10) IS NULL
        LIMIT 1);
    IF v_lost IS NOT NULL THEN
        -- The id of one event under the key of another: nothing of the call is written.
        RAISE EXCEPTION '%', v_lost USING ERRCODE = 'SE500';
    END IF;
    v_found := os_core.not_inserted(p_tenant_id, p_events, v_fresh);
    IF EXISTS (
        SELECT FROM json_array_elements(v_found) AS f (value), LATERAL (
            SELECT p_events -> (f.value ->> 'place')::INTEGER AS v, f.value -> 'found' AS part
        ) AS g
        WHERE f.value ->> 'event_id' IS NULL
        AND (g.part ->> 0)::BOOLEAN
        AND (g.v ->> 7 IS NULL OR g.part ->> 1 = 'ACTIVE')
        AND (g.v ->> 8 IS NULL OR g.part ->> 2 = g.v ->> 7)
        AND (g.v ->> 9 IS NULL OR (g.part -> 3 ->> 0 = g.v ->> 7 AND g.part -> 3 ->> 1 = g.v ->> 8
            AND g.part -> 3 ->> 2 IS NULL)))
    THEN
        -- It did not hold when it was asked for, and holds now: this call is to be made once more.
        RAISE EXCEPTION 'a scope changed meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN v_found;
END
$$;

-- Whether what a unit was decided from is the state no more: 'turn', 'profile', or NULL.
-- The lock is held to the end of the transaction, so that of two who decided from one state one
-- is told: on the conversation's last event (on the tenant, where it has none), or on the user.
CREATE FUNCTION os_core.overtaken(
    p_tenant_id TEXT, p_event JSONB, p_next_turn BOOLEAN, p_after_profile TEXT, p_again BOOLEAN
) RETURNS TEXT
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_event TEXT COLLATE "C" := p_event ->> 0;
    v_correlation TEXT := p_event ->> 5;
    v_user TEXT := p_event ->> 7;
    v_there TEXT;
    v_last TEXT;
    v_locked TEXT := '';
BEGIN
    WHILE p_next_turn LOOP
        -- Who waited may find that the last event is not the last one any more.
        v_last := (SELECT a.event_id FROM os_core.audit_events AS a
            WHERE a.tenant_id = p_tenant_id AND a.correlation_id = v_correlation
            ORDER BY a.turn_id DESC, a.event_id DESC LIMIT 1);
        EXIT WHEN v_last IS NOT DISTINCT FROM v_locked;
        IF v_last IS NULL THEN
            PERFORM FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id FOR NO KEY UPDATE;
        ELSE
            PERFORM FROM os_core.audit_events AS a
                WHERE a.tenant_id = p_tenant_id AND a.event_id = v_last FOR NO KEY UPDATE;
        END IF;
        v_locked := v_last;
    END LOOP;
    IF p_after_profile IS NOT NULL THEN
        PERFORM FROM os_core.identities AS i
            WHERE i.tenant_id = p_tenant_id AND i.user_id = v_user FOR NO KEY UPDATE;
    END IF;
    v_there := (SELECT a.event_id FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
        AND a.correlation_id = v_correlation AND a.idempotency_key = p_event ->> 10);
    IF p_again AND v_there = v_event THEN
        -- This very call wrote it, and never heard so.
        RETURN NULL;
    END IF;
    IF p_next_turn AND (p_event ->> 6)::INTEGER <= (
        SELECT a.turn_id FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
        AND a.correlation_id = v_correlation ORDER BY a.turn_id DESC LIMIT 1)
    THEN
        RETURN 'turn';
    END IF;
    IF p_after_profile IS NOT NULL AND v_there IS NULL AND (v_event <= p_after_profile
        OR p_after_profile <> coalesce((
            SELECT a.event_id FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
            AND a.user_id = v_user AND a.engine = 'PH1.PERSONA'
            ORDER BY a.event_id DESC LIMIT 1), ''))
    THEN
        RETURN 'profile';
    END IF;
    RETURN NULL;
END
$$;

-- A unit of several events: all of them, or nothing.
CREATE FUNCTION os_core.append_whole(p_tenant_id TEXT, p_first JSONB, p_rest JSONB) RETURNS JSON
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_first JSON;
    v_rest JSON;
BEGIN
    v_first := os_core.append_events(p_tenant_id, p_first);
    IF v_first IS NOT NULL THEN
        -- A retry: what of the others the first try wrote.
        RETURN json_build_object('first', v_first,
            'rest', os_core.not_inserted(p_tenant_id, p_rest, '{}'));
    END IF;
    v_rest := os_core.append_events(p_tenant_id, p_rest);
    IF v_rest IS NOT NULL THEN
        RAISE EXCEPTION 'the rest of a unit was refused' USING ERRCODE = 'SE001';
    END IF;
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'SE001' THEN
    RETURN json_build_object('split', v_rest);
END
$$;

-- Commit units of one tenant, each wholly or not at all, in one transaction and one round trip.
--
-- p_runs: a list of runs, in order. A run is {"events"} (see `append_events`) of any number of
-- units of one event each; or one unit, with "rest", its further events, and with "next_turn" and
-- "after_profile" (see `overtaken`).
-- p_again: an earlier try of this very call may have been committed unheard.
-- Returns NULL where everything was new; else for each run NULL, or what was found instead.
CREATE FUNCTION os_core.commit_units(p_tenant_id TEXT, p_runs JSONB, p_again BOOLEAN) RETURNS JSON
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

-- What follows takes p_again as `commit_units` does: what an earlier try of this very call did and
-- never heard counts as done now.

-- Add a line of conversation: [whether it was added, what there is of its scope].
CREATE FUNCTION os_core.append_utterance(
    p_tenant_id TEXT, p_correlation_id TEXT, p_turn_id INTEGER, p_role TEXT, p_source TEXT,
    p_user_id TEXT, p_device_id TEXT, p_text BYTEA, p_key_id TEXT, p_privacy_scope TEXT,
    p_created_at BIGINT, p_again BOOLEAN
) RETURNS JSON
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_found JSON;
    v_added BOOLEAN;
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    v_found := os_core.scope_found(p_tenant_id, p_user_id, p_device_id, NULL);
    IF (v_found ->> 1) = 'ACTIVE' AND (v_found ->> 2) = p_user_id THEN
        INSERT INTO os_core.conversation_ledger (tenant_id, correlation_id, turn_id, role, source,
            user_id, device_id, text, key_id, privacy_scope, created_at)
        VALUES (p_tenant_id, p_correlation_id, p_turn_id, p_role, p_source, p_user_id, p_device_id,
            p_text, p_key_id, p_privacy_scope, p_created_at)
        ON CONFLICT DO NOTHING;
        v_added := FOUND OR p_again AND EXISTS (SELECT FROM os_core.conversation_ledger AS c
            WHERE c.tenant_id = p_tenant_id AND c.correlation_id = p_correlation_id
            AND c.turn_id = p_turn_id AND c.role = p_role AND c.user_id = p_user_id
            AND c.text = p_text AND c.created_at = p_created_at);
        RETURN json_build_array(v_added, NULL);
    END IF;
    RETURN json_build_array(FALSE, v_found);
END
$$;

-- Bring what a user's memories add up to in line with the ledger: one memory, or all (NULL).
CREATE FUNCTION os_core.project_memory(p_tenant_id TEXT, p_user_id TEXT, p_memory_key TEXT)
RETURNS BIGINT
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_rows BIGINT;
BEGIN
    DELETE FROM os_core.memory_current AS c WHERE c.tenant_id = p_tenant_id
        AND c.user_id = p_user_id AND (p_memory_key IS NULL OR c.memory_key = p_memory_key);
    INSERT INTO os_core.memory_current (tenant_id, user_id, memory_key, version, active, value,
        key_id, layer, sensitivity, confidence, consent, use_policy, expires_at, provenance,
        memory_event_id, updated_at)
    SELECT DISTINCT ON (m.memory_key) m.tenant_id, m.user_id, m.memory_key, m.version,
        (m.event <> 'FORGOTTEN')::INTEGER, m.value, m.key_id, m.layer, m.sensitivity, m.confidence,
        m.consent, m.use_policy, m.expires_at, m.provenance, m.memory_event_id, m.created_at
    FROM os_core.memory_ledger AS m WHERE m.tenant_id = p_tenant_id AND m.user_id = p_user_id
        AND (p_memory_key IS NULL OR m.memory_key = p_memory_key)
    ORDER BY m.memory_key, m.version DESC;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END
$$;

-- Append a memory event with the next version of its key and project it. p_event: its columns, the
-- value in base64. Returns {"event_id", "same"} where its key was there, {"found"} where the scope
-- is wrong, NULL where it is new.
CREATE FUNCTION os_core.append_memory(p_tenant_id TEXT, p_event JSON) RETURNS JSON
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_new os_core.memory_ledger;
    v_there os_core.memory_ledger;
    v_found JSON;
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    SELECT p_tenant_id, e.memory_event_id, e.user_id, e.memory_key, 0, e.event,
        decode(e.value, 'base64'), e.key_id, e.layer, e.sensitivity, e.confidence, e.consent,
        e.use_policy, e.expires_at, e.provenance, e.idempotency_key, e.created_at
    INTO v_new
    FROM json_to_record(p_event) AS e (memory_event_id TEXT, user_id TEXT, memory_key TEXT,
        event TEXT, value TEXT, key_id TEXT, layer TEXT, sensitivity TEXT, confidence TEXT,
        consent TEXT, use_policy TEXT, expires_at BIGINT, provenance TEXT, idempotency_key TEXT,
        created_at BIGINT);
    v_found := os_core.scope_found(p_tenant_id, v_new.user_id, NULL, NULL);
    IF (v_found ->> 1) IS DISTINCT FROM 'ACTIVE' THEN
        RETURN json_build_object('found', v_found);
    END IF;
    -- Versions count up, one writer at a time.
    PERFORM FROM os_core.identities AS i
        WHERE i.tenant_id = p_tenant_id AND i.user_id = v_new.user_id FOR NO KEY UPDATE;
    SELECT m.* INTO v_there FROM os_core.memory_ledger AS m WHERE m.tenant_id = p_tenant_id
        AND m.user_id = v_new.user_id AND m.idempotency_key = v_new.idempotency_key;
    IF FOUND THEN
        v_new.version := v_there.version;
        RETURN json_build_object('event_id', v_there.memory_event_id, 'same',
            (v_new.memory_key, v_new.event, v_new.value, v_new.key_id, v_new.layer,
                v_new.sensitivity, v_new.confidence, v_new.consent, v_new.use_policy,
                v_new.expires_at, v_new.provenance)
            IS NOT DISTINCT FROM
            (v_there.memory_key, v_there.event, v_there.value, v_there.key_id, v_there.layer,
                v_there.sensitivity, v_there.confidence, v_there.consent, v_there.use_policy,
                v_there.expires_at, v_there.provenance));
    END IF;
    v_new.version := 1 + coalesce((
        SELECT m.version FROM os_core.memory_ledger AS m WHERE m.tenant_id = p_tenant_id
        AND m.user_id = v_new.user_id AND m.memory_key = v_new.memory_key
        ORDER BY m.version DESC LIMIT 1), 0);
    INSERT INTO os_core.memory_ledger SELECT v_new.*;
    PERFORM os_core.project_memory(p_tenant_id, v_new.user_id, v_new.memory_key);
    RETURN NULL;
END
$$;

CREATE FUNCTION os_core.rebuild_memory(p_tenant_id TEXT, p_user_id TEXT) RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    PERFORM FROM os_core.identities AS i
        WHERE i.tenant_id = p_tenant_id AND i.user_id = p_user_id FOR NO KEY UPDATE;
    RETURN os_core.project_memory(p_tenant_id, p_user_id, NULL);
END
$$;

-- Registrations. What is refused raises SE404 or SE409 with the field as its CONSTRAINT, so that
-- nothing of the call stays behind.

-- A new tenant is the application's to add, never a tenant's own login's.
CREATE FUNCTION os_core.add_tenant(
    p_tenant_id TEXT, p_currency TEXT, p_time_policy TEXT, p_date_order TEXT, p_zone TEXT,
    p_created_at BIGINT, p_again BOOLEAN
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF starts_with(session_user::TEXT, 'selene_t_') THEN
        RAISE EXCEPTION 'no tenant''s login adds tenants' USING ERRCODE = 'SE403';
    END IF;
    PERFORM os_core.check_login(p_tenant_id);
    INSERT INTO os_core.tenants (tenant_id, currency, time_policy, date_order, zone, created_at)
    VALUES (p_tenant_id, p_currency, p_time_policy, p_date_order, p_zone, p_created_at)
    ON CONFLICT DO NOTHING;
    RETURN FOUND OR p_again AND EXISTS (SELECT FROM os_core.tenants AS t
        WHERE t.tenant_id = p_tenant_id AND t.created_at = p_created_at);
END
$$;

-- Change the settings that p_settings names, and no other.
CREATE FUNCTION os_core.set_tenant(p_tenant_id TEXT, p_settings JSON) RETURNS VOID
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
        zone = CASE WHEN 'zone' = ANY (v_given) THEN p_settings ->> 'zone' ELSE t.zone END
    WHERE t.tenant_id = p_tenant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'tenant_id';
    END IF;
END
$$;

-- Add what is missing of an identity, its device and a session on it; whether anything was.
CREATE FUNCTION os_core.register(
    p_tenant_id TEXT, p_user_id TEXT, p_device_id TEXT, p_session_id TEXT, p_created_at BIGINT,
    p_again BOOLEAN
) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_added BOOLEAN;
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    IF NOT EXISTS (SELECT FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id) THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'tenant_id';
    END IF;
    INSERT INTO os_core.identities (tenant_id, user_id, created_at)
    VALUES (p_tenant_id, p_user_id, p_created_at) ON CONFLICT DO NOTHING;
    v_added := FOUND OR p_again AND EXISTS (SELECT FROM os_core.identities AS i
        WHERE i.tenant_id = p_tenant_id AND i.user_id = p_user_id AND i.created_at = p_created_at);
    IF 'ACTIVE' <> (SELECT i.status FROM os_core.identities AS i
        WHERE i.tenant_id = p_tenant_id AND i.user_id = p_user_id)
    THEN
        RAISE EXCEPTION 'disabled' USING ERRCODE = 'SE409', CONSTRAINT = 'user_id';
    END IF;
    IF p_device_id IS NULL THEN
        RETURN v_added;
    END IF;
    INSERT INTO os_core.device_bindings (device_id, tenant_id, created_at)
    VALUES (p_device_id, p_tenant_id, p_created_at) ON CONFLICT DO NOTHING;
    v_added := v_added OR FOUND;
    IF p_tenant_id = (SELECT b.tenant_id FROM os_core.device_bindings AS b
        WHERE b.device_id = p_device_id)
    THEN
        INSERT INTO os_core.devices (tenant_id, device_id, user_id, created_at)
        VALUES (p_tenant_id, p_device_id, p_user_id, p_created_at) ON CONFLICT DO NOTHING;
        v_added := v_added OR FOUND OR p_again AND EXISTS (SELECT FROM os_core.devices AS d
            WHERE d.tenant_id = p_tenant_id AND d.device_id = p_device_id
            AND d.created_at = p_created_at);
    END IF;
    IF p_user_id IS DISTINCT FROM (SELECT d.user_id FROM os_core.devices AS d
        WHERE d.tenant_id = p_tenant_id AND d.device_id = p_device_id)
    THEN
        -- The same words whether another user or another tenant holds it.
        RAISE EXCEPTION 'refused' USING ERRCODE = 'SE409', CONSTRAINT = 'device_id';
    END IF;
    IF p_session_id IS NULL THEN
        RETURN v_added;
    END IF;
    INSERT INTO os_core.sessions (tenant_id, session_id, user_id, device_id, created_at)
    VALUES (p_tenant_id, p_session_id, p_user_id, p_device_id, p_created_at)
    ON CONFLICT DO NOTHING;
    v_added := v_added OR FOUND OR p_again AND EXISTS (SELECT FROM os_core.sessions AS s
        WHERE s.tenant_id = p_tenant_id AND s.session_id = p_session_id
        AND s.created_at = p_created_at);
    IF NOT EXISTS (SELECT FROM os_core.sessions AS s WHERE s.tenant_id = p_tenant_id
        AND s.session_id = p_session_id AND s.user_id = p_user_id AND s.device_id = p_device_id
        AND s.closed_at IS NULL)
    THEN
        RAISE EXCEPTION 'refused' USING ERRCODE = 'SE409', CONSTRAINT = 'session_id';
    END IF;
    RETURN v_added;
END
$$;

CREATE FUNCTION os_core.set_identity_status(p_tenant_id TEXT, p_user_id TEXT, p_status TEXT)
RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    UPDATE os_core.identities AS i SET status = p_status
    WHERE i.tenant_id = p_tenant_id AND i.user_id = p_user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'user_id';
    END IF;
END
$$;

CREATE FUNCTION os_core.close_session(
    p_tenant_id TEXT, p_session_id TEXT, p_closed_at BIGINT, p_again BOOLEAN
) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM os_core.check_login(p_tenant_id);
    UPDATE os_core.sessions AS s SET closed_at = greatest(p_closed_at, s.created_at)
    WHERE s.tenant_id = p_tenant_id AND s.session_id = p_session_id AND s.closed_at IS NULL;
    IF FOUND OR p_again AND EXISTS (SELECT FROM os_core.sessions AS s
        WHERE s.tenant_id = p_tenant_id AND s.session_id = p_session_id
        AND s.closed_at = greatest(p_closed_at, s.created_at))
    THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM os_core.sessions AS s
        WHERE s.tenant_id = p_tenant_id AND s.session_id = p_session_id)
    THEN
        RAISE EXCEPTION 'closed' USING ERRCODE = 'SE409', CONSTRAINT = 'session_id';
    END IF;
    RAISE EXCEPTION 'unknown' USING ERRCODE = 'SE404', CONSTRAINT = 'session_id';
END
$$;

-- Reads. Another tenant's login finds nothing.

CREATE FUNCTION os_core.trace(p_tenant_id TEXT, p_correlation_id TEXT)
RETURNS SETOF os_core.audit_events
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.* FROM os_core.audit_events AS a
    WHERE a.tenant_id = p_tenant_id AND a.correlation_id = p_correlation_id
    AND os_core.may_act(p_tenant_id) ORDER BY a.turn_id, a.event_id
$$;

CREATE FUNCTION os_core.event(p_tenant_id TEXT, p_event_id TEXT)
RETURNS SETOF os_core.audit_events
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.* FROM os_core.audit_events AS a
    WHERE a.tenant_id = p_tenant_id AND a.event_id = p_event_id AND os_core.may_act(p_tenant_id)
$$;

CREATE FUNCTION os_core.event_by_key(p_tenant_id TEXT, p_correlation_id TEXT, p_key TEXT)
RETURNS SETOF os_core.audit_events
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.* FROM os_core.audit_events AS a
    WHERE a.tenant_id = p_tenant_id AND a.correlation_id = p_correlation_id
    AND a.idempotency_key = p_key AND os_core.may_act(p_tenant_id)
$$;

CREATE FUNCTION os_core.record(p_tenant_id TEXT, p_event_id TEXT)
RETURNS SETOF os_core.replay_inputs
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.* FROM os_core.replay_inputs AS r
    WHERE r.tenant_id = p_tenant_id AND r.event_id = p_event_id AND os_core.may_act(p_tenant_id)
$$;

CREATE FUNCTION os_core.last_turn(p_tenant_id TEXT, p_correlation_id TEXT) RETURNS INTEGER
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.turn_id FROM os_core.audit_events AS a
    WHERE a.tenant_id = p_tenant_id AND a.correlation_id = p_correlation_id
    AND os_core.may_act(p_tenant_id) ORDER BY a.turn_id DESC LIMIT 1
$$;

CREATE FUNCTION os_core.turn_before(
    p_tenant_id TEXT, p_correlation_id TEXT, p_engine TEXT, p_user_id TEXT, p_turn_id INTEGER
) RETURNS TABLE (event_id TEXT, turn_id INTEGER, user_id TEXT, engine TEXT, record BYTEA,
    key_id TEXT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.event_id, e.turn_id, e.user_id, e.engine, r.record, r.key_id
    FROM os_core.audit_events AS e, os_core.replay_inputs AS r
    WHERE e.tenant_id = p_tenant_id AND e.correlation_id = p_correlation_id
    AND e.engine = p_engine AND e.user_id = p_user_id AND e.turn_id = (
        SELECT b.turn_id FROM os_core.audit_events AS b
        WHERE b.tenant_id = p_tenant_id AND b.correlation_id = p_correlation_id
        AND b.engine = p_engine AND b.user_id = p_user_id AND b.turn_id < p_turn_id
        ORDER BY b.turn_id DESC LIMIT 1)
    AND r.tenant_id = p_tenant_id AND r.event_id = e.event_id AND os_core.may_act(p_tenant_id)
    ORDER BY e.event_id
$$;

CREATE FUNCTION os_core.last_profile(p_tenant_id TEXT, p_user_id TEXT)
RETURNS TABLE (event_id TEXT, turn_id INTEGER, user_id TEXT, engine TEXT, record BYTEA,
    key_id TEXT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.event_id, e.turn_id, e.user_id, e.engine, r.record, r.key_id
    FROM os_core.audit_events AS e, os_core.replay_inputs AS r
    WHERE e.tenant_id = p_tenant_id AND e.user_id = p_user_id AND e.engine = 'PH1.PERSONA'
    AND r.tenant_id = p_tenant_id AND r.event_id = e.event_id AND os_core.may_act(p_tenant_id)
    ORDER BY e.event_id DESC LIMIT 1
$$;

-- How many of a tenant's devices are bound to another tenant, or to none: 0, where nobody helped.
CREATE FUNCTION os_core.unbound_devices(p_tenant_id TEXT) RETURNS BIGINT
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM os_core.devices AS d
    WHERE d.tenant_id = p_tenant_id AND os_core.may_act(p_tenant_id)
    AND p_tenant_id IS DISTINCT FROM (
        SELECT b.tenant_id FROM os_core.device_bindings AS b WHERE b.device_id = d.device_id)
$$;

CREATE FUNCTION os_core.list_tenants() RETURNS SETOF os_core.tenants
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.* FROM os_core.tenants AS t WHERE os_core.may_act(t.tenant_id) ORDER BY t.tenant_id
$$;

CREATE FUNCTION os_core.tenant(p_tenant_id TEXT) RETURNS SETOF os_core.tenants
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.* FROM os_core.tenants AS t
    WHERE t.tenant_id = p_tenant_id AND os_core.may_act(p_tenant_id)
$$;
