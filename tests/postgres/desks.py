"""The command line at work on a server's database, and ledgers rich enough to be kept and moved."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
import pytest

from api_keys import HOUR_NS, KEY_ID, key_row, let_in
from command import Command, Ran, Record
from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    CHAT,
    CLARIFY,
    DRAFT,
    OTHER_TALK,
    PROFILE,
    START_NS,
    TALK,
    Ledger,
    Row,
    widen,
)
from selene_os.ledger import manifests
from selene_os.ledger.codec import Decided, Scope
from selene_os.ledger.manifests import Manifest
from selene_os.ledger.postgres import catalog
from selene_os.ledger.store import Store
from selene_os.names import CorrelationId, DeviceId, SessionId, UserId
from servers import SUPERUSER, GivenServer, PostgresServer, debian, wheel

ZOE: Final = Scope(ACME, UserId("Zoë 张"), DeviceId("кухня"), SessionId("séance"))
SECRET: Final = "S3cr3t-of-paul"
_SCOPES: Final = (ALICE, BOB, CAROL, ZOE)
_DECISIONS: Final[tuple[Decided, ...]] = (DRAFT, CLARIFY, CHAT)


def install_of(kind: str) -> Path:
    """Where the binaries of a kind of server are."""
    return wheel() if kind == "postgres" else debian()[kind]


class Desk:
    """The command line of this process on one database of a server.

    Args:
        command: how a line is run.
        server, name: the database.
    """

    def __init__(self, command: Command, server: PostgresServer, name: str) -> None:
        self.command = command
        self.server = server
        self.name = name

    def url(self, user: str = SUPERUSER) -> str:
        """How a login reaches the database."""
        return self.server.url(self.name, user)

    def __call__(self, *arguments: str, user: str = SUPERUSER) -> Ran:
        """Run a command line."""
        return self.command("--db", self.url(user), *arguments)

    def done(self, *arguments: str, user: str = SUPERUSER) -> Ran:
        """Run a command line that succeeds in silence on stderr."""
        return self.command.done("--db", self.url(user), *arguments)

    def record(self, *arguments: str, user: str = SUPERUSER) -> Record:
        """What a command line that succeeds answers as JSON."""
        return self.done(*arguments, "--json", user=user).record

    def fault(self, *arguments: str, user: str = SUPERUSER) -> Record:
        """The error of a command line that is the operator's to mend."""
        ran = self(*arguments, "--json", user=user)
        assert (ran.code, ran.out) == (1, ""), ran
        return ran.error

    def refused(self, *arguments: str, user: str = SUPERUSER) -> Record:
        """The error of a command line that is refused."""
        ran = self(*arguments, "--json", user=user)
        assert (ran.code, ran.out) == (2, ""), ran
        return ran.error

    def sql(self, *statements: str, user: str = SUPERUSER) -> list[Row]:
        """Run SQL on a connection of its own; the rows of the last statement."""
        with psycopg.connect(self.url(user), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description is not None else []

    def there(self) -> bool:
        """Whether there is a schema."""
        return bool(self.sql("SELECT FROM pg_namespace WHERE nspname = 'os_core'"))

    def catalog(self) -> dict[str, str]:
        """The schema's objects."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            return catalog.there(connection)

    def manifest(self) -> Manifest:
        """Every table's number of rows and their digest."""

        def read(table: str, columns: str, key: str) -> list[Row]:
            return self.sql(f"SELECT {columns} FROM os_core.{table} ORDER BY {key}")

        return manifests.take("postgres", (), read)

    def state(self) -> object:
        """All that a look must not change: rows, their versions, migrations, the catalog."""
        tables = [*manifests.TABLES, "schema_migrations"]
        rows = {
            table: sorted(self.sql(f"SELECT xmin::text, ctid::text, * FROM os_core.{table}"))
            for table in ("audit_events", "tenants", "schema_migrations")
        }
        counts = [self.sql(f"SELECT count(*) FROM os_core.{table}") for table in tables]
        return rows, counts, self.manifest(), self.catalog()

    def unguarded(self, *statements: str) -> None:
        """Run SQL as the superuser who switches every guard off and puts it back."""
        tables = [row[0] for row in self.sql("SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'os_core'::regnamespace")]  # fmt: skip
        with psycopg.connect(self.url(), autocommit=True) as connection, connection.transaction():
            for table in tables:
                connection.execute(f"ALTER TABLE os_core.{table} DISABLE TRIGGER ALL".encode())
            for statement in statements:
                connection.execute(statement.encode())
            for table in tables:
                connection.execute(f"ALTER TABLE os_core.{table} ENABLE TRIGGER ALL".encode())
            for table, name in connection.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
                " AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace ="
                " 'os_core'::regnamespace)"
            ).fetchall():
                connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}".encode())


def rich(ledger: Ledger, many: int = 20) -> Ledger:
    """Fill every table: several tenants, all scripts, a disabled user, a closed session."""
    widen(ledger)
    store = ledger.store
    store.set_tenant(ACME, {"currency": "EUR", "date_order": "DMY", "zone": "Europe/Berlin"})
    store.register(ACME, ZOE.user_id, ZOE.device_id, ZOE.session_id, START_NS)
    scribe = ledger.scribe
    for number, scope in enumerate(_SCOPES, 1):
        talk = CorrelationId(f"{number:x}" * 32)
        ledger.write(PROFILE, scope, correlation=talk, key="profile")
        store.append_utterance(
            scribe.utterance("çà 你好 \u2028 \U0001f469", scope, turn=90 + number)
        )
        store.append_memory(scribe.memory(scope=scope, memory_key="tea", key="m1"))
        store.append_memory(scribe.memory("FORGOTTEN", scope, memory_key="tea", key="m2"))
        value = bytes(range(256))
        store.append_memory(scribe.memory(scope=scope, memory_key="café", value=value, key="m3"))
    units = [
        scribe.unit(
            _DECISIONS[number % 3],
            _SCOPES[number % 4],
            correlation=CorrelationId(f"{1 + number // 100:032x}"),
            turn=2 + number % 100,
            key=f"clé-{number}",
        )
        for number in range(many)
    ]
    for start in range(0, many, 500):
        store.commit(units[start : start + 500])
    let_in(ledger, ACME)
    # Replaced by one whose name comes first.
    store.access.replace_api_key(KEY_ID, key_row("a2a3a4a5a6a7"), START_NS + HOUR_NS)
    store.access.end_api_key(ACME, "a2a3a4a5a6a7", START_NS + 1)
    return ledger


def works_on(store: Store, ledger: Ledger) -> None:
    """Check that a ledger which `rich` filled goes on elsewhere: retries, profiles, new rows."""
    scribe = ledger.scribe
    again = scribe.unit(DRAFT, ALICE, correlation=CorrelationId(f"{1:032x}"), turn=2,
        key="clé-0")  # fmt: skip
    (verdict,) = store.commit([again])
    assert isinstance(verdict, tuple)
    assert (verdict[0].deduplicated, verdict[0].same_decision) == (True, True)
    fresh = scribe.unit(DRAFT, ALICE, correlation=OTHER_TALK, turn=500, key="fresh")
    (verdict,) = store.commit([fresh])
    assert isinstance(verdict, tuple)
    assert not verdict[0].deduplicated
    assert store.trace(ACME, TALK)


def programs(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a server's own pg_dump and pg_restore first on the PATH."""
    folder = server.bin("pg_dump").parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def with_password(server: PostgresServer, database: str, password: str = SECRET) -> str:
    """The address of paul, the one login of the server that needs a password; he is a superuser."""
    if isinstance(server, GivenServer):
        pytest.skip("a given server's logins are not ours to change")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        ((hba,),) = connection.execute("SHOW hba_file").fetchall()
        line = "host all paul all scram-sha-256\n"
        text = Path(hba).read_text()
        if not text.startswith(line):
            with Path(hba).open("r+") as file:
                file.write(line + text)
            connection.execute(f"CREATE ROLE paul LOGIN SUPERUSER PASSWORD '{SECRET}'".encode())
            connection.execute("SELECT pg_reload_conf()")
    url = server.url(database, "paul", tcp=True)
    return url.replace("paul@", f"paul:{quote(password)}@")


def manifest_of(file: Path) -> Mapping[str, tuple[int, str]]:
    """The tables of a backup's manifest."""
    record = json.loads(file.with_name(file.name + ".manifest.json").read_text())
    return {name: (one["rows"], one["sha256"]) for name, one in record["tables"].items()}
