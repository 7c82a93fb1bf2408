"""Backups of a server's ledger: pg_dump and pg_restore, in the snapshot that the manifest is of.

Both programs come with PostgreSQL and are looked for on the PATH, in the server's version: an older
pg_dump refuses a newer server, a newer pg_restore writes what an older server does not know.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psycopg
from psycopg import conninfo

from selene_os.errors import BadField, Fault, LedgerMissing, LedgerUnavailable
from selene_os.ledger import manifests, migrations
from selene_os.ledger.manifests import Manifest, Row
from selene_os.ledger.postgres import bypasses, roles, schema
from selene_os.ledger.postgres.connection import Connection, connect, named, parse, unavailable

_FETCH: Final = 1_000


def write(url: str, file: Path, environment: Mapping[str, str]) -> int:
    """Write a ledger as of one moment to a new file (pg_dump's custom format), and its manifest.

    Args:
        environment: in which pg_dump is looked for and run.

    Returns:
        How many rows it holds.

    Raises:
        BadField: the file is there already. LedgerUnavailable: the ledger cannot be read whole by
        this login, or pg_dump is not there. What was begun is removed.
    """
    manifests.check_name(file)
    name = named(parse(url))
    with _snapshot(url) as connection:
        try:
            schema.check_schema(connection, name)
            ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()").fetchall()
            manifests.claim(file)
            try:
                options = [*_dump_options(str(snapshot)), f"--file={file}"]
                _run("pg_dump", url, options, environment)
                manifest = _manifest(connection)
                manifests.save(manifest, file)
            except BaseException:
                file.unlink(missing_ok=True)
                manifests.path_of(file).unlink(missing_ok=True)
                raise
        except psycopg.Error as error:
            raise unavailable(name, error) from error
    return manifest.rows


def restore(file: Path, url: str, environment: Mapping[str, str]) -> int:
    """Make a ledger from a backup, compared row by row with what was backed up.

    Returns:
        How many rows it has.

    Raises:
        BadField: there is a ledger already, or no such backup. LedgerUnavailable: the login may
        not do this. Fault: a row differs; the schema is removed again.
    """
    expected = manifests.load(file, "postgres")
    expected.check_version(migrations.load("postgres"))
    plan = schema.plan(url)
    if not plan.made:
        raise BadField("database_url", f"{plan.name} holds a ledger", "Name an empty database.")
    schema.make_roles(url)
    # Without privileges nobody can write before every row is compared.
    once = ["--exit-on-error", "--single-transaction"]
    _run("pg_restore", url, [*once, "--no-privileges", str(file)], environment)
    try:
        with _snapshot(url) as connection:
            manifests.check(expected, _manifest(connection), plan.name)
        found = bypasses.inspect(url)
        changed = (one for one in found.schema if not one.startswith("grant "))
        if faults := (*changed, *found.faults):
            raise Fault(f"the restored ledger is not sound: {faults[0]}", "Take another backup.")
        with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
            listed = _run("pg_restore", None, ["--list", str(file)], environment)
            chosen.writelines(f"{line}\n" for line in listed.splitlines() if " ACL " in line)
            chosen.flush()
            _run("pg_restore", url, [*once, f"--use-list={chosen.name}", str(file)], environment)
    except BaseException:
        with connect(url) as connection:
            connection.execute(f"DROP SCHEMA {schema.SCHEMA} CASCADE")
        raise
    schema.analyze(url)
    return expected.rows


def rows(connection: Connection, table: str, columns: str, key: str) -> Iterator[Row]:
    """A table's rows in the order of its key."""
    with connection.cursor(f"selene_{table}", binary=True) as cursor:
        cursor.itersize = _FETCH
        yield from cursor.execute(f"SELECT {columns} FROM {schema.SCHEMA}.{table} ORDER BY {key}")


def _dump_options(snapshot: str) -> list[str]:
    return [
        "--format=custom",
        f"--schema={schema.SCHEMA}",
        f"--snapshot={snapshot}",
        f"--role={roles.OWNER}",
    ]


def _snapshot(url: str) -> Connection:
    """A connection whose reads are of one moment, by whoever may read all rows."""
    connection = connect(url, autocommit=False)
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(f"SET LOCAL ROLE {roles.OWNER}")
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    except psycopg.errors.InsufficientPrivilege as error:
        connection.close()
        raise LedgerUnavailable(
            f"{named(parse(url))} does not let this login read everything",
            f"Use one that is a member of {roles.OWNER}.",
        ) from error
    except psycopg.errors.InvalidParameterValue as error:
        connection.close()
        raise LedgerMissing(
            f"{named(parse(url))} holds no ledger, for its server has no {roles.OWNER}",
            "Make one with `selene init`.",
        ) from error
    except psycopg.Error as error:
        connection.close()
        raise unavailable(named(parse(url)), error) from error
    return connection


def _manifest(connection: Connection) -> Manifest:
    return manifests.take(
        "postgres",
        migrations.names(schema.applied(connection)),
        lambda *asked: rows(connection, *asked),
    )


def _run(program: str, url: str | None, options: list[str], environment: Mapping[str, str]) -> str:
    """Run one of PostgreSQL's programs; its password goes where other users do not see it."""
    found = shutil.which(program, path=environment.get("PATH"))
    if found is None:
        raise LedgerUnavailable(
            f"{program} is not on the PATH", "Install PostgreSQL's client programs."
        )
    where, secret = ([], {}) if url is None else _address(url)
    done = subprocess.run(  # noqa: S603 - a program of the PATH, without a shell
        [found, *where, *options],
        env={**environment, **secret},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise LedgerUnavailable(
            f"{program} failed ({lines[0][:300]})",
            "It must be of the server's version, and the login a member of selene_owner.",
        )
    return done.stdout


def _address(url: str) -> tuple[list[str], dict[str, str]]:
    """A database as an argument that anybody may see, and what of it only the environment holds."""
    given = conninfo.conninfo_to_dict(parse(url))
    password = given.pop("password", None)
    if given.pop("sslpassword", None) is not None:
        raise BadField(
            "database_url",
            "holds sslpassword, which others would see while it runs",
            "Use a key without a password, or the password alone.",
        )
    secret = {} if password is None else {"PGPASSWORD": str(password)}
    return [f"--dbname={conninfo.make_conninfo('', **given)}"], secret
