"""Every known way round the guards, tried for real by the login at hand, and rolled back.

What a login may not do at all is refused before it takes a lock; what the guards refuse to owners
and superusers is tried only where that stops nobody. What a server cannot refuse to its owner is
listed as well, with what shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

import psycopg

from selene_os.ledger import manifests
from selene_os.ledger.events import AuditEvent, CurrentMemory, columns_of
from selene_os.ledger.inspection import (
    Attempt,
    Inspection,
    bundle_faults,
    differences,
    event_faults,
    first_faults,
    settled_twice,
)
from selene_os.ledger.postgres import catalog, roles
from selene_os.ledger.postgres.connection import Connection, connect, named, parse, unavailable
from selene_os.ledger.postgres.schema import check_schema

# The ledgers: append-only, with a column that an attacker would change.
LEDGERS: Final = {
    "audit_events": "reason_code = 1",
    "replay_inputs": "engine_version = 'x'",
    "conversation_ledger": "source = 'TOMBSTONE'",
    "memory_ledger": "confidence = 'LOW'",
    "device_bindings": "created_at = 0",
    "term_bundles": "key_id = 'x'",
    "merkle_leaves": "leaf_hash = sha256('')",
    "merkle_nodes": "hashes = sha256('')",
    "checkpoints": "frontier = ''",
    "signing_keys": "created_at = 0",
    "packs": "created_at = 0",
    "api_keys": "scopes = 'admin'",
    "access_events": "outcome = 'REFUSED'",
    "operators": "created_at = 0",
}
BEYOND: Final = (
    (
        "as superuser or owner: disable or drop a trigger, change rows, put it back",
        "only a signed checkpoint shows this",
    ),
    (
        "as superuser: turn foreign keys off (session_replication_role), write rows",
        "only a signed checkpoint shows this",
    ),
    ("as superuser or owner: leave a guard dropped, changed or disabled", "selene doctor"),
    ("as superuser: change the files of the server", "only a signed checkpoint shows this"),
    ("replace the database by an older or another one", "only a signed checkpoint shows this"),
    (
        "as the application: name any tenant; it is trusted to name the right one",
        "a login of its own for each tenant (selene tenant grant-login)",
    ),
    (
        "as any login: hold so many advisory locks that the server has room for none",
        "pg_locks; a server of its own for those who are not trusted",
    ),
)
_FETCH: Final = 1_000


def inspect(url: str) -> Inspection:
    """Check a ledger with the login of its address, and change nothing in it.

    Raises:
        LedgerMissing, LedgerUnavailable, SchemaDiffers: there is no ledger of this version.
    """
    name = named(parse(url))
    with connect(url) as connection:
        check_schema(connection, name)
        return look(connection, name)


def schema_differences(url: str) -> list[str]:
    """What of a ledger's schema is not what its migrations made. Raises as `inspect`."""
    name = named(parse(url))
    with connect(url) as connection:
        check_schema(connection, name)
        try:
            return differences(catalog.expected(), catalog.there(connection))
        except psycopg.Error as error:
            raise unavailable(name, error) from error


def look(connection: Connection, name: str) -> Inspection:
    """What `inspect` finds, also where a mark says that the ledger is not whole yet."""
    try:
        owns = _owns(connection)
        login = connection.info.user
        return Inspection(
            name,
            tuple(differences(catalog.expected(), catalog.there(connection))),
            tuple(first_faults(_row_faults(connection))),
            tuple(_attempts(connection, owns)),
            f"as {login}, in transactions that were rolled back",
            BEYOND,
            tuple(_warnings(connection, owns)),
        )
    except psycopg.Error as error:
        raise unavailable(name, error) from error


def _owns(connection: Connection) -> bool:
    """Whether this login can do what the owner can."""
    ((owns,),) = connection.execute(
        "SELECT rolsuper OR pg_has_role(current_user, %s, 'MEMBER') FROM pg_roles"
        " WHERE rolname = current_user",
        (roles.OWNER,),
    ).fetchall()
    return bool(owns)


def _warnings(connection: Connection, owns: bool) -> Iterator[str]:
    if owns:
        yield (
            f"{connection.info.user} is the owner or a superuser; for daily work use {roles.APP}"
        )
    ((bypasses,),) = connection.execute(
        "SELECT rolbypassrls AND NOT rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchall()
    if bypasses:
        yield f"{connection.info.user} passes row-level security (BYPASSRLS)"
    for (role,) in connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) AND (rolsuper OR rolbypassrls)",
        (list(roles.ROLES),),
    ).fetchall():
        yield f"the role {role} is a superuser or passes row-level security"
    for role in roles.powerful(connection):
        yield f"the login {role} may do more than act for its tenant"
    for setting, without in (
        ("fsync", "a crash of the machine can lose and damage acknowledged rows"),
        ("full_page_writes", "a crash of the machine can damage rows"),
        ("synchronous_commit", "a crash of the server can lose acknowledged rows"),
    ):
        ((value,),) = connection.execute("SELECT current_setting(%s)", (setting,)).fetchall()
        if value == "off":
            yield f"{setting} is off: {without}"


# ---- what is there


def _row_faults(connection: Connection) -> Iterator[str]:
    try:
        yield from _readable_faults(connection)
    except psycopg.Error as error:
        yield f"the rows cannot be read ({_words(error)})"


def _readable_faults(connection: Connection) -> Iterator[str]:
    if _owns(connection) or _audits(connection):
        yield from _homeless_rows(connection)
    tenants = connection.execute("SELECT tenant_id FROM os_core.list_tenants()").fetchall()
    for (tenant_id,) in tenants:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute("SELECT set_config('selene.tenant', %s, true)", (tenant_id,))
            connection.execute("SET LOCAL statement_timeout = 0")
            yield from event_faults(_events(connection, tenant_id))
            yield from _lost_rows(connection, tenant_id)
            yield from _context_faults(connection, tenant_id)
            yield from _dangling_rows(connection, tenant_id)


def _homeless_rows(connection: Connection) -> Iterator[str]:
    """Rows of tenants that are not there; who reads one tenant at a time would not meet them."""
    for table in manifests.TABLES.keys() - manifests.OVER_ALL:
        for (tenant_id,) in connection.execute(
            f"SELECT DISTINCT tenant_id FROM os_core.{table} AS c WHERE NOT EXISTS"
            " (SELECT FROM os_core.tenants AS t WHERE t.tenant_id = c.tenant_id) LIMIT 5"
        ).fetchall():
            yield f"{table}: rows of a tenant {tenant_id} that is not there"


def _events(connection: Connection, tenant_id: str) -> Iterator[tuple[Any, ...]]:
    columns = columns_of(AuditEvent, "e")
    with connection.cursor("selene_doctor", binary=True) as cursor:
        cursor.itersize = _FETCH
        yield from cursor.execute(
            f"SELECT {columns}, r.engine, r.record, r.key_id FROM os_core.audit_events AS e"
            " LEFT JOIN os_core.replay_inputs AS r USING (tenant_id, event_id)"
            " WHERE e.tenant_id = %s",
            (tenant_id,),
        )


def _context_faults(connection: Connection, tenant_id: str) -> Iterator[str]:
    """Terms that nobody imported so, and drafts that were settled twice."""
    yield from bundle_faults(
        connection.execute(
            "SELECT tenant_id, digest, bundle, key_id FROM os_core.term_bundles"
            " WHERE tenant_id = %s",
            (tenant_id,),
        )
    )
    yield from settled_twice(
        connection.execute(
            "SELECT tenant_id, payload_min::JSON ->> 'draft_event_id' AS draft"
            " FROM os_core.audit_events WHERE tenant_id = %s AND engine = 'PH1.X'"
            " GROUP BY tenant_id, correlation_id, draft HAVING count(*) > 1",
            (tenant_id,),
        )
    )


def _lost_rows(connection: Connection, tenant_id: str) -> Iterator[str]:
    """Events that no sealer would ever see, and memories that their ledger does not add up to."""
    ((unseen,),) = connection.execute(
        "SELECT count(*) FROM os_core.audit_events AS e WHERE e.tenant_id = %s AND NOT EXISTS"
        " (SELECT FROM os_core.unsealed_events AS u WHERE u.tenant_id = e.tenant_id"
        " AND u.event_id = e.event_id) AND NOT EXISTS"
        " (SELECT FROM os_core.merkle_leaves AS l WHERE l.tenant_id = e.tenant_id"
        " AND l.event_id = e.event_id)",
        (tenant_id,),
    ).fetchall()
    if unseen:
        yield f"unsealed_events: {unseen} events of tenant {tenant_id} are missing from it"
    columns = columns_of(CurrentMemory)
    there = f"SELECT {columns} FROM os_core.memory_current WHERE tenant_id = %(t)s"
    built = (
        "SELECT DISTINCT ON (user_id, memory_key) tenant_id, user_id, memory_key, version,"
        " (event <> 'FORGOTTEN')::integer AS active, value, key_id, layer, sensitivity, confidence,"
        " consent, use_policy, expires_at, provenance, memory_event_id, created_at AS updated_at"
        " FROM os_core.memory_ledger WHERE tenant_id = %(t)s"
        " ORDER BY user_id, memory_key, version DESC"
    )
    for (user_id,) in connection.execute(
        f"WITH there AS ({there}), built AS ({built})"
        " SELECT DISTINCT user_id FROM ((TABLE there EXCEPT TABLE built)"
        " UNION ALL (TABLE built EXCEPT TABLE there)) AS differing",
        {"t": tenant_id},
    ).fetchall():
        yield f"memory_current of user {user_id} is not what the ledger adds up to"


def _dangling_rows(connection: Connection, tenant_id: str) -> Iterator[str]:
    """Rows that refer to nothing: foreign keys hold, unless somebody wrote without them."""
    keys = connection.execute(
        "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text,"
        " ARRAY(SELECT attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (n, place)"
        "  JOIN pg_attribute ON attrelid = c.conrelid AND attnum = n ORDER BY place),"
        " ARRAY(SELECT attname::text FROM unnest(c.confkey) WITH ORDINALITY AS k (n, place)"
        "  JOIN pg_attribute ON attrelid = c.confrelid AND attnum = n ORDER BY place)"
        " FROM pg_constraint AS c"
        " WHERE c.contype = 'f' AND c.connamespace = 'os_core'::regnamespace"
        " AND has_table_privilege(c.conrelid, 'SELECT')"
    ).fetchall()
    for table, parent, columns, theirs in keys:
        given = " AND ".join(f"c.{column} IS NOT NULL" for column in columns)
        same = " AND ".join(f"p.{a} = c.{b}" for a, b in zip(theirs, columns, strict=True))
        ((rows,),) = connection.execute(
            f"SELECT count(*) FROM {table} AS c WHERE c.tenant_id = %s AND {given}"
            f" AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {same})",
            (tenant_id,),
        ).fetchall()
        if rows:
            yield f"{table} of tenant {tenant_id}: {rows} rows refer to nothing in {parent}"
    ((rows,),) = connection.execute("SELECT os_core.unbound_devices(%s)", (tenant_id,)).fetchall()
    if rows:
        yield f"device_bindings: {rows} devices of tenant {tenant_id} are not bound to it"


# ---- what is tried


def _attempts(connection: Connection, owns: bool) -> Iterator[Attempt]:
    for name, statements in _attacks(owns):
        yield _attempt(connection, name, statements)
    if not owns and not _audits(connection):
        ((rows,),) = connection.execute("SELECT count(*) FROM os_core.audit_events").fetchall()
        yield Attempt("read without naming a tenant", rows == 0, f"{rows} rows")


def _audits(connection: Connection) -> bool:
    ((audits,),) = connection.execute(
        "SELECT pg_has_role(current_user, %s, 'MEMBER')", (roles.AUDITOR,)
    ).fetchall()
    return bool(audits)


def _attacks(owns: bool) -> Iterable[tuple[str, tuple[str, ...]]]:
    for table, change in LEDGERS.items():
        full = f"os_core.{table}"
        yield f"UPDATE {table}", (f"UPDATE {full} SET {change}",)
        yield f"DELETE FROM {table}", (f"DELETE FROM {full}",)
        yield (
            f"MERGE INTO {table}",
            (
                f"MERGE INTO {full} AS t USING (SELECT 1) AS s ON TRUE"
                f" WHEN MATCHED THEN UPDATE SET {change}",
            ),
        )
        yield (
            f"UPSERT into {table}",
            (
                f"INSERT INTO {full} SELECT * FROM {full} LIMIT 0"
                f" ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET {change}",
            ),
        )
        if owns:
            continue
        yield f"INSERT INTO {table}", (f"INSERT INTO {full} SELECT * FROM {full} LIMIT 0",)
        yield f"TRUNCATE {table}", (f"TRUNCATE {full}",)
        yield f"disable the triggers of {table}", (f"ALTER TABLE {full} DISABLE TRIGGER ALL",)
        yield (
            f"turn off row-level security of {table}",
            (f"ALTER TABLE {full} DISABLE ROW LEVEL SECURITY",),
        )
        yield f"drop the guard of {table}", (f"DROP TRIGGER {table}_no_change ON {full}",)
    yield "remove a user", ("DELETE FROM os_core.identities",)
    if owns:
        return
    yield (
        "replace a function",
        (
            "CREATE OR REPLACE FUNCTION os_core.may_act(TEXT) RETURNS BOOLEAN"
            " LANGUAGE sql RETURN TRUE",
        ),
    )
    yield (
        "call what is not for callers",
        ("SELECT os_core.append_events('t', '[]', '[]', '[]')",),
    )
    yield "become the owner", (f"SET LOCAL ROLE {roles.OWNER}",)
    yield "switch triggers off", ("SET LOCAL session_replication_role = replica",)
    yield (
        "read with row-level security off",
        ("SET LOCAL row_security = off", "SELECT * FROM os_core.audit_events"),
    )


def _attempt(connection: Connection, name: str, statements: tuple[str, ...]) -> Attempt:
    """An attempt holds where the database refuses it, also where it would meet no row."""
    with suppress(psycopg.Rollback), connection.transaction() as transaction:
        try:
            # Nobody waits for long behind an attempt.
            connection.execute("SET LOCAL lock_timeout = '1s'")
            for statement in statements:
                connection.execute(statement)
        except psycopg.errors.LockNotAvailable as error:
            found, held = f"not tried: {_words(error)}", True
        except psycopg.Error as error:
            found, held = _words(error), True
        else:
            found, held = "was accepted", False
        raise psycopg.Rollback(transaction)
    return Attempt(name, held, found)


def _words(error: psycopg.Error) -> str:
    return str(error).splitlines()[0]
