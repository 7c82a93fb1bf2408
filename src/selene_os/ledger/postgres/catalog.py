"""The schema as the database's own catalog tells it, and as it must be.

`sql/postgres/catalog.txt` is what a fresh ledger's catalog says, one object a line; a test makes
one on every server there is and compares. Who reviews a migration reads there what it changed.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from selene_os.ledger.postgres.connection import Connection

# The ledger's, and the keyring's beside it; no name stands in both.
_SCHEMAS: Final = ("os_core", "os_keys")
# Each selects (name, definition). Only what every supported version words alike is told.
_QUERIES: Final = (
    """
    SELECT 'table ' || c.relname, concat_ws(' ', 'owner', pg_get_userbyid(c.relowner),
        CASE WHEN c.relrowsecurity THEN 'row-level security' ELSE 'open' END,
        CASE WHEN c.relforcerowsecurity THEN 'forced' END)
    FROM pg_class AS c WHERE c.relnamespace = ANY (%(ours)s::oid[]) AND c.relkind IN ('r', 'p')
    """,
    """
    SELECT 'other relation ' || c.relname, c.relkind::TEXT FROM pg_class AS c
    WHERE c.relnamespace = ANY (%(ours)s::oid[]) AND c.relkind NOT IN ('r', 'p', 'i', 'I', 't')
    """,
    """
    SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ', a.attnum,
        format_type(a.atttypid, a.atttypmod), l.collname,
        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity, ''), nullif(a.attgenerated, ''))
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
    WHERE c.relnamespace = ANY (%(ours)s::oid[]) AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND NOT a.attisdropped
    """,
    """
    SELECT 'constraint ' || c.relname || '.' || n.conname,
        concat_ws(' ', pg_get_constraintdef(n.oid),
            CASE WHEN NOT n.convalidated THEN 'NOT VALID' END)
    FROM pg_constraint AS n JOIN pg_class AS c ON c.oid = n.conrelid
    WHERE n.connamespace = ANY (%(ours)s::oid[]) AND n.contype IN ('c', 'f', 'p', 'u', 'x')
    """,
    """
    SELECT 'index ' || c.relname, concat_ws(' ', pg_get_indexdef(i.indexrelid),
        CASE WHEN NOT (i.indisvalid AND i.indisready) THEN 'INVALID' END)
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE c.relnamespace = ANY (%(ours)s::oid[])
    """,
    """
    SELECT 'trigger ' || c.relname || '.' || t.tgname,
        concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = ANY (%(ours)s::oid[]) AND NOT t.tgisinternal
    """,
    """
    SELECT 'foreign keys of ' || c.relname, 'checked: ' || bool_and(t.tgenabled = 'O')
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = ANY (%(ours)s::oid[]) AND t.tgisinternal GROUP BY c.relname
    """,
    """
    SELECT 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        concat_ws(' ', pg_get_function_result(p.oid), l.lanname, 'volatility', p.provolatile,
        'owner', pg_get_userbyid(p.proowner), CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END,
        array_to_string(p.proconfig, ', '),
        'md5', md5(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)))
    FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
    WHERE p.pronamespace = ANY (%(ours)s::oid[])
    """,
    """
    SELECT 'policy ' || p.tablename || '.' || p.policyname, concat_ws(' ', p.permissive, p.cmd,
        array_to_string(p.roles, ','), p.qual, p.with_check)
    FROM pg_policies AS p WHERE p.schemaname::text = ANY (%(names)s)
    """,
    """
    SELECT 'rule ' || r.tablename || '.' || r.rulename, r.definition
    FROM pg_rules AS r WHERE r.schemaname::text = ANY (%(names)s)
    """,
    """
    SELECT 'grant ' || g.kind || ' ' || g.name || ' to ' || g.grantee,
        string_agg(g.privilege, ',' ORDER BY g.privilege)
    FROM (
        SELECT 'table' AS kind, c.relname::text AS name, a.privilege_type AS privilege,
            coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC') AS grantee,
            c.relowner AS owner
        FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.relnamespace = ANY (%(ours)s::oid[])
        UNION ALL
        SELECT 'column', c.relname || '.' || t.attname, a.privilege_type,
            coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC'), c.relowner
        FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid, aclexplode(t.attacl) AS a
        WHERE c.relnamespace = ANY (%(ours)s::oid[])
        UNION ALL
        SELECT 'function', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
            a.privilege_type, coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC'), p.proowner
        FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = ANY (%(ours)s::oid[])
        UNION ALL
        SELECT 'schema', n.nspname, a.privilege_type,
            coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC'), n.nspowner
        FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE n.nspname = ANY (%(names)s)
        -- What `selene tenant grant-login` gives to the login of one tenant.
        AND NOT (a.privilege_type = 'USAGE'
            AND starts_with(coalesce(pg_get_userbyid(nullif(a.grantee, 0)), ''), 'selene_t_'))
    ) AS g WHERE g.grantee <> pg_get_userbyid(g.owner) GROUP BY g.kind, g.name, g.grantee
    """,
)


def there(connection: Connection) -> dict[str, str]:
    """The schema's objects as the database has them: name -> definition, on one line each."""
    found: dict[str, str] = {}
    with connection.transaction():
        # Qualified names are told in one way only where nothing is on the path.
        connection.execute("SET LOCAL search_path = pg_catalog")
        rows = connection.execute(
            "SELECT oid FROM pg_namespace WHERE nspname = ANY (%s)", (list(_SCHEMAS),)
        ).fetchall()
        ours = {"ours": [oid for (oid,) in rows], "names": list(_SCHEMAS)}
        for query in _QUERIES:
            for name, definition in connection.execute(query, ours).fetchall():
                found[name] = " ".join(str(definition).split())
    return found


def expected() -> dict[str, str]:
    """The schema's objects as the migrations make them."""
    file = resources.files("selene_os.ledger") / "sql" / "postgres" / "catalog.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def render(objects: dict[str, str]) -> str:
    """Objects as `catalog.txt` holds them."""
    return "".join(f"{name}\t{objects[name]}\n" for name in sorted(objects))
