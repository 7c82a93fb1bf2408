"""What the catalog of a migrated database must not hold: each rule is a query of its breaches."""

from __future__ import annotations

from typing import Final

# The tables of no tenant's, and the one key over all tenants.
_UNTENANTED: Final = "'schema_migrations', 'operators'"
_OVER_ALL: Final = "'device_bindings_pkey'"
# Whoever is not the owner, and might be granted something: PUBLIC is 0.
_TABLES: Final = (
    "pg_class AS c WHERE c.relnamespace = 'os_core'::regnamespace AND c.relkind IN"
    " ('r', 'p', 'f', 'v', 'm')"
)
_OURS: Final = f"{_TABLES} AND c.relkind IN ('r', 'p', 'f') AND c.relname NOT IN ({_UNTENANTED})"
_FUNCTIONS: Final = "pg_proc AS p WHERE p.pronamespace = 'os_core'::regnamespace"
_FIRST: Final = (
    "(SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = {0} AND a.attnum = {1}) IS"
    " DISTINCT FROM 'tenant_id'"
)
_OWNER: Final = "'selene_owner'::regrole"
_WRITES: Final = "('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')"
_GUARDED: Final = (
    "audit_events", "replay_inputs", "conversation_ledger", "memory_ledger", "device_bindings",
    "tenants", "identities", "devices", "sessions", "term_bundles", "packs", "access_events",
    "api_keys", "operators",
)  # fmt: skip
# The bits of pg_trigger.tgtype.
_ROW, _BEFORE, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 8, 16, 32

RULES: Final[dict[str, str]] = {
    "a table without tenant_id NOT NULL": f"""
        SELECT c.relname FROM {_OURS} AND NOT EXISTS (SELECT FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull)""",
    "a unique index that tenant_id does not lead": f"""
        SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
            JOIN pg_class AS c ON c.oid = x.indrelid
        WHERE c.relnamespace = 'os_core'::regnamespace AND c.relname NOT IN ({_UNTENANTED})
            AND x.indisunique AND i.relname NOT IN ({_OVER_ALL})
            AND {_FIRST.format("x.indrelid", "x.indkey[0]")}""",
    "any index that tenant_id does not lead": f"""
        SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
            JOIN pg_class AS c ON c.oid = x.indrelid
        WHERE c.relnamespace = 'os_core'::regnamespace AND c.relname NOT IN ({_UNTENANTED})
            AND i.relname NOT IN ({_OVER_ALL}) AND {_FIRST.format("x.indrelid", "x.indkey[0]")}""",
    "an exclusion constraint": """
        SELECT conname FROM pg_constraint WHERE contype = 'x'
            AND connamespace = 'os_core'::regnamespace""",
    "a foreign key that tenant_id does not lead on both sides": f"""
        SELECT k.conname FROM pg_constraint AS k WHERE k.contype = 'f'
            AND k.connamespace = 'os_core'::regnamespace
            AND ({_FIRST.format("k.conrelid", "k.conkey[1]")}
                OR {_FIRST.format("k.confrelid", "k.confkey[1]")})""",
    "a foreign key that does more than refuse, or is not checked": """
        SELECT conname FROM pg_constraint WHERE contype IN ('f', 'c')
            AND connamespace = 'os_core'::regnamespace AND (NOT convalidated OR condeferrable
                OR contype = 'f' AND (confupdtype <> 'a' OR confdeltype <> 'a'))""",
    "a sequence": """
        SELECT relname FROM pg_class
            WHERE relnamespace = 'os_core'::regnamespace AND relkind = 'S'""",
    "an identity, or a default that counts": f"""
        SELECT c.relname FROM {_TABLES} AND EXISTS (SELECT FROM pg_attribute AS a
            LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = c.oid AND (a.attidentity <> ''
                OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval%'))""",
    "forced row-level security": f"SELECT c.relname FROM {_TABLES} AND c.relforcerowsecurity",
    "a table without row-level security": f"SELECT c.relname FROM {_TABLES} AND c.relkind IN"
    " ('r', 'p', 'f') AND c.relname <> 'schema_migrations' AND NOT c.relrowsecurity",
    "a view or a foreign table": f"SELECT c.relname FROM {_TABLES} AND c.relkind IN"
    " ('v', 'm', 'f')",
    "a policy with a subquery": """
        SELECT c.relname || '.' || polname FROM pg_policy JOIN pg_class AS c ON c.oid = polrelid
        WHERE coalesce(pg_get_expr(polqual, polrelid), '')
            || coalesce(pg_get_expr(polwithcheck, polrelid), '') ~* '\\mselect\\M'""",
    "a policy that writes, or one that is neither the reader's nor the auditor's": """
        SELECT c.relname || '.' || polname FROM pg_policy JOIN pg_class AS c ON c.oid = polrelid
        WHERE polcmd <> 'r' OR polwithcheck IS NOT NULL OR NOT CASE
            WHEN polroles = ARRAY['selene_auditor'::regrole::oid]
            THEN pg_get_expr(polqual, polrelid) = 'true'
            ELSE pg_get_expr(polqual, polrelid) ~ '^\\(tenant_id = (os_core\\.)?reader\\(\\)\\)$'
            AND EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_policy'::regclass
                AND d.objid = pg_policy.oid AND d.refclassid = 'pg_proc'::regclass
                AND d.refobjid = 'os_core.reader()'::regprocedure) END""",
    "who holds a device or a key, read by more than the auditor": f"""
        SELECT g.grantee::regrole::text FROM pg_class AS c, aclexplode(c.relacl) AS g
        WHERE c.oid IN ('os_core.device_bindings'::regclass, 'os_core.api_keys'::regclass)
            AND g.grantee NOT IN ({_OWNER}, 'selene_auditor'::regrole)""",
    "an operator's password, read by anybody": f"""
        SELECT g.grantee::regrole::text FROM pg_class AS c, aclexplode(c.relacl) AS g
        WHERE c.oid = 'os_core.operators'::regclass AND g.grantee <> {_OWNER}""",
    "a function that takes an advisory lock, which is anybody's": f"""
        SELECT p.proname FROM {_FUNCTIONS} AND p.prosrc
            || coalesce(pg_get_function_sqlbody(p.oid), '') ~* 'advisory'""",
    "a write granted": f"""
        SELECT c.relname || ' ' || g.privilege_type FROM pg_class AS c,
            aclexplode(c.relacl) AS g
        WHERE c.relnamespace = 'os_core'::regnamespace AND g.grantee <> {_OWNER}
            AND (g.privilege_type IN {_WRITES} OR g.is_grantable)
        UNION ALL
        SELECT c.relname || '.' || a.attname FROM pg_class AS c JOIN pg_attribute AS a
            ON a.attrelid = c.oid, aclexplode(a.attacl) AS g
        WHERE c.relnamespace = 'os_core'::regnamespace AND g.grantee <> {_OWNER}
        UNION ALL
        SELECT c.relname || ' PUBLIC' FROM pg_class AS c, aclexplode(c.relacl) AS g
        WHERE c.relnamespace = 'os_core'::regnamespace AND g.grantee = 0""",
    "a function that everybody may call": f"""
        SELECT p.proname FROM {_FUNCTIONS} AND EXISTS (
            SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS g
            WHERE g.grantee = 0 OR (g.is_grantable AND g.grantee <> {_OWNER}))""",
    "a definer's function with too mighty an owner": f"""
        SELECT p.proname FROM {_FUNCTIONS} AND EXISTS (SELECT FROM pg_roles AS r
            WHERE r.oid = p.proowner AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole
                OR r.rolcanlogin OR r.oid <> {_OWNER}))""",
    "a definer's function without a path that ends in pg_temp": f"""
        SELECT p.proname FROM {_FUNCTIONS} AND p.prosecdef AND NOT EXISTS (
            SELECT FROM unnest(p.proconfig) AS s WHERE s = 'search_path=pg_catalog, pg_temp')""",
    "a function whose text is read again on a path that is not fixed": f"""
        SELECT p.proname FROM {_FUNCTIONS} AND p.prosqlbody IS NULL AND p.proconfig IS NULL""",
    "a function in another language": f"""
        SELECT p.proname FROM {_FUNCTIONS} AND p.prolang NOT IN (SELECT oid FROM pg_language
            WHERE lanname IN ('sql', 'plpgsql'))""",
    "a schema open to more than its owner": f"""
        SELECT g.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS g
        WHERE n.nspname = 'os_core' AND g.grantee <> {_OWNER}
            AND (g.privilege_type <> 'USAGE' OR g.grantee = 0 OR g.is_grantable)""",
    "something that is not the owner's": f"""
        SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'os_core'::regnamespace
            AND c.relowner <> {_OWNER}
        UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'os_core'
            AND nspowner <> {_OWNER}""",
    "a role with more than it needs": """
        SELECT rolname FROM pg_roles WHERE rolname IN ('selene_owner', 'selene_app',
            'selene_auditor', 'selene_tenant') AND rolcanlogin =
                (rolname IN ('selene_owner', 'selene_tenant'))
        UNION ALL SELECT rolname FROM pg_roles WHERE (rolname IN ('selene_owner', 'selene_app',
            'selene_auditor', 'selene_tenant') OR starts_with(rolname, 'selene_t_'))
            AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)""",
    "a tenant's login that is a member of one that logs in, or of more than the tenants' role": """
        SELECT m.rolname FROM pg_roles AS m, pg_roles AS r
        WHERE (starts_with(m.rolname, 'selene_t_') OR m.rolname = 'selene_tenant')
            AND r.oid <> m.oid AND pg_has_role(m.oid, r.oid, 'MEMBER')
            AND (r.rolcanlogin OR r.rolname <> 'selene_tenant')""",
    "a trigger that can be switched off": """
        SELECT t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'os_core'::regnamespace AND NOT t.tgisinternal
            AND t.tgenabled <> 'A'""",
    "a table without its guard": f"""
        SELECT g.name FROM unnest(ARRAY{list(_GUARDED)}) AS g (name) WHERE NOT EXISTS (
            SELECT FROM pg_trigger AS t WHERE t.tgrelid = to_regclass('os_core.' || g.name)
            AND t.tgfoid = 'os_core.refuse_change'::regproc AND t.tgqual IS NULL
            AND t.tgtype & {_ROW} = 0 AND t.tgtype & {_BEFORE} <> 0
            AND t.tgtype & {_DELETE} <> 0 AND t.tgtype & {_TRUNCATE} <> 0)
        UNION ALL SELECT g.name FROM unnest(ARRAY{list(_GUARDED)}) AS g (name) WHERE NOT EXISTS (
            SELECT FROM pg_trigger AS t WHERE t.tgrelid = to_regclass('os_core.' || g.name)
            AND t.tgfoid IN ('os_core.refuse_change'::regproc, 'os_core.refuse_move'::regproc)
            AND t.tgtype & {_BEFORE} <> 0 AND t.tgtype & {_UPDATE} <> 0)""",
    "a rule": """
        SELECT r.rulename FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
        WHERE c.relnamespace = 'os_core'::regnamespace AND c.relkind = 'r'""",
    "text that is not ordered by its bytes": f"""
        SELECT c.relname || '.' || a.attname FROM pg_attribute AS a JOIN pg_class AS c
            ON c.oid = a.attrelid
        WHERE c.oid IN (SELECT c.oid FROM {_TABLES}) AND a.attcollation NOT IN
            (0, '"C"'::regcollation)""",
}  # fmt: skip
