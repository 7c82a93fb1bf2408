"""A ledger under siege: filled by two tenants, one of which is hostile and has a login."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
import pytest

from api_keys import let_in
from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    CHAT,
    GLOBEX,
    OTHER_TALK,
    PROFILE,
    TALK,
    Ledger,
    Result,
    Row,
    Tables,
)
from postgres_databases import PostgresDatabase
from selene_os.ledger.postgres import roles
from selene_os.names import TenantId
from servers import GivenServer

APP: Final = roles.APP
AUDITOR: Final = roles.AUDITOR
# What every tenant's login is a member of.
TENANT: Final = roles.TENANT
# The tables that no tenant, nor the application, reads.
HIDDEN: Final = ("device_bindings", "api_keys", "operators")
# The hostile one is globex, and what it is after is acme's.
HOSTILE: Final = roles.tenant_role(GLOBEX)
HONEST: Final = roles.tenant_role(ACME)

# Whatever of this shows up before globex has crossed the line.
ACME_WORDS: Final = (
    "alice", "bob", "kitchen", "desk", "morning", "office", "acme-key", "acme-memory",
    "acme-value", "acme-said", "acme-label", "acme-target", "acme-scrypt",
)  # fmt: skip

# Of what is the same on every server, once is enough.
ONE_SERVER: Final = pytest.mark.parametrize("siege", ["postgres"], indirect=True)

# What the schema is, as far as an attack might bend it.
_CATALOG: Final = (
    "SELECT oid, relname, relowner, relkind, relrowsecurity, relforcerowsecurity, relacl::text,"
    " relhasrules, relhastriggers FROM pg_class WHERE relnamespace = 'os_core'::regnamespace",
    "SELECT oid, proname, proowner, prosecdef, proconfig, proacl::text, prosrc,"
    " pg_get_function_sqlbody(oid) FROM pg_proc WHERE pronamespace = 'os_core'::regnamespace",
    "SELECT oid, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT oid, polname, polroles, polqual::text FROM pg_policy",
    "SELECT oid, nspname, nspowner, nspacl::text FROM pg_namespace WHERE nspname = 'os_core'",
    "SELECT attrelid, attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL",
    "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname ~ '^selene'",
    "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members",
    "SELECT * FROM os_core.schema_migrations",
)


class Siege:
    """A ledger that holds rows of both tenants in every table."""

    def __init__(self, database: PostgresDatabase) -> None:
        self.database = database
        self.ledger = Ledger(database)
        for tenant_id in (ACME, GLOBEX):
            give_login(database, tenant_id)
        scribe = self.ledger.scribe
        for scope, talk, name in ((ALICE, TALK, "acme"), (CAROL, OTHER_TALK, "globex")):
            self.ledger.write(scope=scope, correlation=talk, key=f"{name}-key")
            self.ledger.write(PROFILE, scope, correlation=talk, turn=2, key=f"{name}-key-2")
            said = scribe.utterance(f"{name}-said", scope, correlation=talk, turn=9)
            self.ledger.store.append_utterance(said)
            memory = scribe.memory(
                scope=scope, memory_key=f"{name}-memory", value=f"{name}-value".encode()
            )
            self.ledger.store.append_memory(memory)
            let_in(self.ledger, scope.tenant_id)
        self.ledger.write(CHAT, BOB, correlation=TALK, turn=3, key="acme-key-3")

    def by(self, role: str, *statements: str) -> list[Result]:
        """Run SQL as a login, on one connection of its own."""
        return self.database.raw_as(role, *statements)

    def asked(self, role: str, *statements: str) -> Result:
        """What the last of some statements came to, the ones before it having been allowed."""
        *before, last = self.by(role, *statements)
        assert [result.error for result in before] == [None] * len(before)
        return last

    def superuser(self, statement: str) -> list[Row]:
        """The rows of one statement of the superuser, which must work."""
        (result,) = self.database.raw(statement)
        assert result.error is None, result.error
        return result.rows

    def state(self) -> tuple[Tables, list[list[Row]]]:
        """Every row of every table, and everything of the schema that a guard rests on."""
        catalog = [sorted(self.superuser(statement), key=repr) for statement in _CATALOG]
        return self.ledger.tables(), catalog

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing of the ledger is another than it was."""
        before = self.state()
        yield
        assert self.state() == before

    def connect(self, role: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of a login, which its user closes."""
        return psycopg.connect(self.database.url(role), autocommit=True)

    def end(self) -> None:
        """Close and drop it."""
        self.ledger.store.close()
        self.database.drop()


def give_login(database: PostgresDatabase, tenant_id: TenantId) -> str:
    """Make a tenant's login, unless another test has; roles belong to the server."""
    role = roles.tenant_role(tenant_id)
    name = role.replace("'", "''")
    (found,) = database.raw(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'")
    # The role is the server's; the last statement lets it into this database's ledger.
    statements = roles.tenant_statements(tenant_id)
    made = database.raw(*(statements[-1:] if found.rows else statements))
    assert [result.error for result in made] == [None] * len(made)
    if isinstance(database.server, GivenServer):
        try:
            database.raw_as(role, "SELECT 1")
        except psycopg.OperationalError:
            pytest.skip("the given server does not let a new login in unasked")
    return role


def acme_in(results: Sequence[Result]) -> list[str]:
    """Words of acme's in what statements answered, in their errors too."""
    shown = " ".join(
        f"{error} " + " ".join(_text(value) for row in rows for value in row)
        for rows, error in results
    )
    return [word for word in ACME_WORDS if word in shown]


def _text(value: object) -> str:
    return value.decode("utf8", "replace") if isinstance(value, bytes) else str(value)
