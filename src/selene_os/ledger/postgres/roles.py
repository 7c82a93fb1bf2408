"""The roles of a ledger's database: who owns, who works, who audits, and a tenant's own login.

Roles belong to the whole server, so several ledgers on one server share them; what each may do is
granted in each database. None is given a password here: that is the administrator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from selene_os.errors import BadField, LedgerUnavailable, RegistrationRefused
from selene_os.ledger import refusals
from selene_os.ledger.postgres.connection import (
    SESSION_SETTINGS,
    Connection,
    connect,
    named,
    parse,
    unavailable,
)
from selene_os.names import TenantId

OWNER: Final = "selene_owner"
APP: Final = "selene_app"
AUDITOR: Final = "selene_auditor"
TENANT: Final = "selene_tenant"
TENANT_PREFIX: Final = "selene_t_"
# PostgreSQL cuts a longer name off, and two tenants would share a login.
ROLE_BYTES_MAX: Final = 63
# Role -> how it is made.
ROLES: Final = {OWNER: "NOLOGIN", APP: "LOGIN", TENANT: "NOLOGIN", AUDITOR: "LOGIN"}
# What one tenant's login may take of the server's connections: one process's, keyring and all.
TENANT_CONNECTIONS_MAX: Final = 18


@dataclass(frozen=True, slots=True)
class Login:
    """A tenant's own login, and whether it was made just now."""

    role: str
    created: bool


def tenant_role(tenant_id: TenantId) -> str:
    """The login of one tenant. Raises BadField: the tenant's name is too long to be part of one."""
    role = TENANT_PREFIX + tenant_id
    if len(role.encode()) > ROLE_BYTES_MAX:
        raise BadField(
            "tenant_id",
            f"is longer than the {ROLE_BYTES_MAX - len(TENANT_PREFIX)} bytes that a login allows",
            "Give a tenant with a login of its own a shorter name.",
        )
    return role


def missing(connection: Connection) -> list[str]:
    """Our roles that the server does not have."""
    there = {
        name
        for (name,) in connection.execute(
            "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)", (list(ROLES),)
        )
    }
    return [role for role in ROLES if role not in there]


def may_create(connection: Connection) -> bool:
    """Whether this login may make roles."""
    row = connection.execute(
        "SELECT rolcreaterole OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    ).fetchone()
    return bool(row and row[0])


def statements(wanted: list[str]) -> list[str]:
    """SQL that makes roles, with the time-outs that every session of theirs begins with."""
    made = []
    for role in wanted:
        name = sql.Identifier(role).as_string()
        made.append(f"CREATE ROLE {name} {ROLES.get(role, 'LOGIN')}")
        if ROLES.get(role) != "NOLOGIN":
            made += [
                f"ALTER ROLE {name} SET {setting} = '{value}'"
                for setting, value in SESSION_SETTINGS.items()
            ]
    return made


def tenant_statements(tenant_id: TenantId) -> list[str]:
    """SQL that makes one tenant's login: a member of selene_tenant, held to its tenant by name."""
    role = tenant_role(tenant_id)
    name = sql.Identifier(role).as_string()
    return [
        *statements([role]),
        f"ALTER ROLE {name} CONNECTION LIMIT {TENANT_CONNECTIONS_MAX}",
        _join(role),
        _let_in(role),
    ]


def _join(role: str) -> str:
    return f"GRANT {TENANT} TO {sql.Identifier(role).as_string()}"


def _let_in(role: str) -> str:
    """Roles are the server's; into the schema each is let by name, database by database."""
    return f"GRANT USAGE ON SCHEMA os_core, os_keys TO {sql.Identifier(role).as_string()}"


def for_an_administrator(lines: Sequence[str]) -> str:
    """The next step where this login may not: what somebody else runs."""
    return "\n".join(["Let an administrator run, then try again:", *(f"  {one};" for one in lines)])


def grant_login(url: str, tenant_id: TenantId) -> Login:
    """Make the login of one tenant, if it is not there.

    Raises:
        NotFound: no such tenant. BadField: see `tenant_role`. RegistrationRefused: a role of that
        name has powers. LedgerUnavailable: this login may not make roles; the error holds what an
        administrator runs.
    """
    role, name = tenant_role(tenant_id), named(parse(url))
    with connect(url) as connection:
        try:
            there = connection.execute("SELECT FROM os_core.tenant(%s)", (tenant_id,)).fetchall()
            if not there:
                raise refusals.tenant_unknown(tenant_id)
            created = not exists(connection, role)
            if not created and role in powerful(connection):
                raise RegistrationRefused(
                    f"has a login {role} that may do more than act for it",
                    "Take its powers and its memberships of other roles from it, or drop it.",
                    field="tenant_id",
                )
            lines = tenant_statements(tenant_id) if created else _lacking(connection, role)
            with connection.transaction():
                for line in lines:
                    connection.execute(line)
        except psycopg.errors.InsufficientPrivilege as error:
            raise LedgerUnavailable(
                f"{name} does not let this login make roles", for_an_administrator(lines)
            ) from error
        except psycopg.Error as error:
            raise unavailable(name, error) from error
    return Login(role, created)


def _lacking(connection: Connection, role: str) -> list[str]:
    """SQL that gives a tenant's login what it lacks here; it may be another ledger's as well."""
    ((member, let_in),) = connection.execute(
        "SELECT pg_has_role(%(r)s, %(t)s, 'MEMBER'),"
        " has_schema_privilege(%(r)s, 'os_core', 'USAGE')"
        " AND has_schema_privilege(%(r)s, 'os_keys', 'USAGE')",
        {"r": role, "t": TENANT},
    ).fetchall()
    return [*([] if member else [_join(role)]), *([] if let_in else [_let_in(role)])]


def powerful(connection: Connection) -> list[str]:
    """Logins of tenants that are held to their tenant by name, and could get round it by power."""
    rows = connection.execute(
        "SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE starts_with(r.rolname, %s)"
        " AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication"
        " OR EXISTS (SELECT FROM pg_catalog.pg_roles AS g WHERE g.oid <> r.oid AND g.rolname <> %s"
        "  AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')))"
        " ORDER BY r.rolname",
        (TENANT_PREFIX, TENANT),
    ).fetchall()
    return [str(name) for (name,) in rows]


def exists(connection: Connection, role: str) -> bool:
    """Whether the server has a role."""
    return bool(
        connection.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (role,)).fetchall()
    )
