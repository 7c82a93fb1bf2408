-- Many calls at once: where each stands by one read, and conversations that begin by one statement.

DROP FUNCTION os_core.last_turn(TEXT, TEXT);

-- For each conversation and key: the turn of the event that the key names there (NULL: none, or no
-- key), and the conversation's highest turn (0: it has none).
CREATE FUNCTION os_core.turns_taken(
    p_tenant_id TEXT, p_correlation_ids TEXT[], p_keys TEXT[]
) RETURNS TABLE (by_key INTEGER, last INTEGER)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT
        (SELECT a.turn_id FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
            AND a.correlation_id = g.correlation_id AND a.idempotency_key = g.key),
        coalesce((SELECT a.turn_id FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
            AND a.correlation_id = g.correlation_id ORDER BY a.turn_id DESC LIMIT 1), 0)
    FROM unnest(p_correlation_ids, p_keys) WITH ORDINALITY AS g (correlation_id, key, place)
    WHERE os_core.may_act(p_tenant_id)
    ORDER BY g.place
$$;

-- Append events that each begin a conversation of their own; see `append_events`.
-- One lock keeps others from beginning any of them, as `overtaken` has it for one. Where one has
-- begun already they are done one by one: {"each"}, for each what it alone would have come to.
CREATE FUNCTION os_core.begin_conversations(
    p_tenant_id TEXT, p_events JSONB, p_again BOOLEAN
) RETURNS JSON
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_event JSONB;
    v_found JSON;
    v_overtaken TEXT;
    v_each JSON[] := '{}';
BEGIN
    PERFORM FROM os_core.tenants AS t WHERE t.tenant_id = p_tenant_id FOR NO KEY UPDATE;
    IF NOT EXISTS (
        SELECT FROM jsonb_array_elements(p_events) AS g (v), LATERAL (
            SELECT FROM os_core.audit_events AS a WHERE a.tenant_id = p_tenant_id
            AND a.correlation_id = g.v ->> 5 LIMIT 1) AS a)
    THEN
        RETURN os_core.append_events(p_tenant_id, p_events);
    END IF;
    FOR v_event IN SELECT g.v FROM jsonb_array_elements(p_events) AS g (v) LOOP
        v_overtaken := os_core.overtaken(p_tenant_id, v_event, TRUE, NULL, p_again);
        v_found := CASE WHEN v_overtaken IS NULL
            THEN os_core.append_events(p_tenant_id, jsonb_build_array(v_event))
            ELSE json_build_object('overtaken', v_overtaken) END;
        v_each := v_each || v_found;
    END LOOP;
    RETURN json_build_object('each', array_to_json(v_each));
END
$$;

-- Commit units of one tenant, each wholly or not at all, in one transaction and one round trip.
--
-- p_runs: a list of runs, in order. A run is {"events"} (see `append_events`) of any number of
-- units of one event each, with "begins" where each begins a conversation; or one unit, with
-- "rest", its further events, and with "next_turn", "after_profile" (see `overtaken`) and "settles"
-- (see `unsettled`).
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
        ELSIF v_run ? 'begins' THEN
            v_found := os_core.begin_conversations(p_tenant_id, v_run -> 'events', p_again);
        ELSE
            v_found := os_core.append_events(p_tenant_id, v_run -> 'events');
        END IF;
        v_any := v_any OR v_found IS NOT NULL;
        v_all := v_all || v_found;
    END LOOP;
    RETURN CASE WHEN v_any THEN array_to_json(v_all) END;
END
$$;

REVOKE ALL ON FUNCTION os_core.turns_taken, os_core.begin_conversations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION os_core.turns_taken TO selene_app, selene_tenant, selene_auditor;
