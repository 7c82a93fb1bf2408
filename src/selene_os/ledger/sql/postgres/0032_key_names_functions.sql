-- Every key's name, for who must tell a key that is there from a thousand that are made up.

-- Of all tenants, those that have ended too; without what a key can be checked by.
CREATE FUNCTION os_core.api_key_names() RETURNS TABLE (tenant_id TEXT, key_id TEXT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.tenant_id, k.key_id FROM os_core.api_keys AS k
$$;

REVOKE ALL ON FUNCTION os_core.api_key_names FROM PUBLIC;
GRANT EXECUTE ON FUNCTION os_core.api_key_names TO selene_app;
