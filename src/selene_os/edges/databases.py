"""Which database an address names, and what can be done with each: one class a kind, side by side.

A driver is imported when a database of its kind is worked with, and no sooner.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from selene_os.edges.key_directory import ROOT, USERS, path_of
from selene_os.edges.settings import SERVER_KEYS, is_postgres, sqlite_path
from selene_os.errors import BadField
from selene_os.names import TenantId

if TYPE_CHECKING:
    from selene_os.ledger.inspection import Inspection
    from selene_os.ledger.migrations import Plan
    from selene_os.ledger.postgres.roles import Login
    from selene_os.ledger.store import Store


class Database(Protocol):
    """A database that holds a ledger, or may."""

    @property
    def kind(self) -> str:
        """sqlite or postgres."""

    @property
    def keys(self) -> str:
        """The directory of its keys; see `edges.key_directory`."""

    def open(self, *, synchronous: str = "FULL") -> Store:
        """The ledger with its keys, open.

        Raises LedgerMissing, LedgerUnavailable, SchemaDiffers, KeysMissing.
        """

    def bare(self, *, synchronous: str = "FULL") -> Store:
        """The ledger as it is stored, its words encrypted: proofs need no key of theirs."""

    def plan(self) -> Plan:
        """What `create` would do."""

    def create(self, at: int) -> Plan:
        """Make the ledger and its keys, or bring its schema up to date; returns what was done.

        Raises KeysMissing: rows are encrypted, and their keys are not there.
        """

    def make_keys(self) -> bool:
        """Make the keys alone, as far as they are missing; whether any were. Raises as `create`."""

    def script(self, at: int) -> str:
        """What `create` does to an empty database, as SQL."""

    def inspect(self) -> Inspection:
        """Check schema and rows, and try the ways round the guards."""

    def schema_differences(self) -> list[str]:
        """What of its schema is not what the migrations made: guards above all."""

    def grant_login(self, tenant_id: TenantId) -> Login:
        """Make a login of one tenant's own. Raises BadField: a file has no logins."""

    def backup(self, file: Path) -> int:
        """Write a consistent copy to a new file, and beside it what it holds; how many rows."""

    def restore(self, file: Path, say: Callable[[str], None]) -> int:
        """Make the ledger from a backup, and compare every row; returns how many.

        Args:
            say: told what else is being done.
        """


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A ledger in one file."""

    path: str
    key_directory: str | None = None
    kind: str = "sqlite"

    @property
    def keys(self) -> str:
        return self.key_directory or f"{self.path}.keys"

    def open(self, *, synchronous: str = "FULL") -> Store:
        from selene_os.edges import encryption
        from selene_os.ledger.sqlite.keyring import SqliteKeyring

        return encryption.opened(
            lambda: self.bare(synchronous=synchronous),
            lambda: SqliteKeyring(path_of(self.keys, USERS)),
            self.keys,
        )

    def bare(self, *, synchronous: str = "FULL") -> Store:
        from selene_os.ledger.sqlite.store import SqliteStore

        return SqliteStore(self.path, synchronous=synchronous)

    def plan(self) -> Plan:
        from selene_os.ledger.sqlite import schema

        return schema.plan(self.path)

    def create(self, at: int) -> Plan:
        from selene_os.ledger.sqlite import schema

        plan = schema.create(self.path, at)
        self.make_keys()
        return plan

    def make_keys(self) -> bool:
        from selene_os.edges import encryption
        from selene_os.ledger.sqlite import keyring

        made = encryption.prepare(self.keys, (ROOT, USERS), self._is_encrypted)
        encryption.make_key(Path(self.keys), self.bare)
        return keyring.create(path_of(self.keys, USERS)) or made

    def _is_encrypted(self) -> bool:
        from selene_os.ledger.sqlite import schema

        return schema.is_encrypted(self.path)

    def script(self, at: int) -> str:
        from selene_os.ledger.sqlite import schema

        return schema.script(at)

    def inspect(self) -> Inspection:
        from selene_os.edges import encryption
        from selene_os.edges.scratch import inspect

        found = inspect(self.path)
        return encryption.inspected(found, self.open, self._is_encrypted, self.keys)

    def schema_differences(self) -> list[str]:
        from selene_os.ledger.sqlite import bypasses
        from selene_os.ledger.sqlite.connection import connect

        connection = connect(self.path, write=False)
        try:
            return bypasses.schema_differences(connection, self.path)
        finally:
            connection.close()

    def grant_login(self, tenant_id: TenantId) -> Login:
        raise BadField("database_url", "names a file, which has no logins", "Use PostgreSQL.")

    def backup(self, file: Path) -> int:
        from selene_os.ledger.sqlite import backup

        return backup.write(self.path, file)

    def restore(self, file: Path, say: Callable[[str], None]) -> int:
        from selene_os.ledger.sqlite import backup

        return backup.restore(file, self.path)


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A ledger in the schema os_core of one database."""

    url: str
    key_directory: str | None = None
    kind: str = "postgres"

    @property
    def keys(self) -> str:
        return self.key_directory or SERVER_KEYS

    def open(self, *, synchronous: str = "FULL") -> Store:
        from selene_os.edges import encryption
        from selene_os.ledger.postgres.keyring import PostgresKeyring

        return encryption.opened(
            lambda: self.bare(synchronous=synchronous),
            lambda: PostgresKeyring(self.url),
            self.keys,
        )

    def bare(self, *, synchronous: str = "FULL") -> Store:
        if synchronous != "FULL":
            raise BadField(
                "synchronous", "is the server's to set", "Set synchronous_commit on the server."
            )
        from selene_os.ledger.postgres.store import PostgresStore

        return PostgresStore(self.url)

    def plan(self) -> Plan:
        from selene_os.ledger.postgres import schema

        return schema.plan(self.url)

    def create(self, at: int) -> Plan:
        from selene_os.ledger.postgres import schema

        plan = schema.create(self.url, at)
        self.make_keys()
        return plan

    def make_keys(self) -> bool:
        from selene_os.edges import encryption

        made = encryption.prepare(self.keys, (ROOT,), self._is_encrypted)
        encryption.make_key(Path(self.keys), self.bare)
        return made

    def _is_encrypted(self) -> bool:
        from selene_os.ledger.postgres import schema

        return schema.is_encrypted(self.url)

    def script(self, at: int) -> str:
        from selene_os.ledger.postgres import schema

        return schema.script(at)

    def inspect(self) -> Inspection:
        from selene_os.edges import encryption
        from selene_os.ledger.postgres import bypasses

        found = bypasses.inspect(self.url)
        return encryption.inspected(found, self.open, self._is_encrypted, self.keys)

    def schema_differences(self) -> list[str]:
        from selene_os.ledger.postgres import bypasses

        return bypasses.schema_differences(self.url)

    def grant_login(self, tenant_id: TenantId) -> Login:
        from selene_os.ledger.postgres import roles

        return roles.grant_login(self.url, tenant_id)

    def backup(self, file: Path) -> int:
        from selene_os.ledger.postgres import backup

        return backup.write(self.url, file, os.environ)

    def restore(self, file: Path, say: Callable[[str], None]) -> int:
        from selene_os.ledger.postgres import backup

        return backup.restore(file, self.url, os.environ, say)


def database(url: str, keys: str | None = None) -> Database:
    """The database of an address.

    Args:
        keys: the directory of its keys; by default beside a file, or ./selene.keys for a server.

    Raises:
        BadField: no such scheme, no path, or the driver is not installed.
    """
    if not is_postgres(url):
        return SqliteFile(sqlite_path(url), keys)
    try:
        import psycopg  # noqa: F401
        import psycopg_pool  # noqa: F401
    except ImportError as error:
        raise BadField(
            "database_url",
            f"names PostgreSQL, whose driver is not installed ({error})",
            "Install it: pip install 'selene-os[postgres]'.",
        ) from error
    return PostgresDatabase(url, keys)
