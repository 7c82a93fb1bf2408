"""Backups of a server's ledger: pg_dump and pg_restore, in the snapshot that the manifest is of.

Both programs come with PostgreSQL and are looked for on the PATH, in the server's version: an older
pg_dump refuses a newer server, a newer pg_restore writes what an older server does not know.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
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
# Lines of `pg_restore --list`. The schema is made here, for its mark must be there before a table;
# a comment of its own would take the mark's place.
_SCHEMA_LINE: Final = re.compile(r"[0-9]+; [0-9]+ [0-9]+ SCHEMA ")
_LAST_LINE: Final = re.compile(r"[0-9]+; [0-9]+ [0-9]+ (DEFAULT ACL|ACL|COMMENT - SCHEMA) ")
# What newer versions write for psql alone.
_PSQL_LINE: Final = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)


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


def restore(
    file: Path, url: str, environment: Mapping[str, str], say: Callable[[str], None]
) -> int:
    """Make a ledger from a backup, compared row by row with what was backed up.

    The schema carries a mark until that is done: nobody opens it, and where a restore was cut off
    the next one begins again.

    Args:
        environment: in which pg_restore is looked for and run.
        say: told what else is being done.

    Returns:
        How many rows it has.

    Raises:
        BadField: there is a ledger already, or no such backup. LedgerUnavailable: the login may
        not do this. Fault: a row differs; the schema is removed again.
    """
    expected = manifests.load(file, "postgres")
    expected.check_version(migrations.load("postgres"))
    name = named(parse(url))
    first, last = _parts(_run("pg_restore", None, ["--list", str(file)], environment))
    try:
        with connect(url) as connection:
            _make_room(connection, url, file, say)
            try:
                # Without privileges nobody can write before every row is compared.
                once = ["--exit-on-error", "--single-transaction", "--no-privileges"]
                _restore_part(first, url, file, once, environment)
                _compare(connection, url, expected)
                granted = _restore_part(last, None, file, ["--file=-"], environment)
                _open(connection, name, granted)
            except BaseException:
                # By the session that is alone, and never a whole ledger. Where it fails as well,
                # the mark says what to do.
                with suppress(psycopg.Error):
                    if schema.mark_of(connection) is not None:
                        schema.drop(connection)
                raise
    except psycopg.Error as error:
        raise unavailable(name, error) from error
    schema.analyze(url)
    return expected.rows


def _parts(listed: str) -> tuple[list[str], list[str]]:
    """The lines of a backup's contents: what is compared, and what then opens it to others."""
    lines = [line for line in listed.splitlines() if not _SCHEMA_LINE.match(line)]
    first = [line for line in lines if not _LAST_LINE.match(line)]
    return first, [line for line in lines if _LAST_LINE.match(line)]


def _make_room(connection: Connection, url: str, file: Path, say: Callable[[str], None]) -> None:
    """Make the schema, empty and marked, in place of what a restore that was cut off left."""
    name = named(parse(url))
    if not schema.is_alone(connection):
        raise BadField(
            "database_url", f"{name} is being copied or restored into", "Wait until that is done."
        )
    mark = schema.mark_of(connection)
    if mark is not None and not schema.is_restore(mark):
        raise BadField(
            "database_url",
            f"{name} is not whole: {mark}, and was cut off",
            "Run the same `selene copy` again, or name an empty database.",
        )
    if mark is not None:
        try:
            schema.drop(connection)
        except psycopg.errors.LockNotAvailable as error:
            raise LedgerUnavailable(
                f"{name} is in use by another session, maybe by the pg_restore of one that was"
                " cut off",
                "Wait until it ends, or end it (see pg_stat_activity); then restore again.",
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise LedgerUnavailable(
                f"{name} does not let this login remove what a restore that was cut off left",
                f"Use one that is a member of {roles.OWNER}.",
            ) from error
        say(f"{mark}, and was cut off; what it left is removed. Beginning again.")
    schema.make_empty(url, str(file))


def _restore_part(
    lines: list[str],
    url: str | None,
    file: Path,
    options: list[str],
    environment: Mapping[str, str],
) -> str:
    """Restore these lines of a backup's contents, or tell them as SQL where there is no URL."""
    with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8") as chosen:
        chosen.writelines(f"{line}\n" for line in lines)
        chosen.flush()
        chosen_options = [*options, f"--use-list={chosen.name}", str(file)]
        return _run("pg_restore", url, chosen_options, environment)


def _compare(connection: Connection, url: str, expected: Manifest) -> None:
    """Raise Fault where rows or schema are not what was backed up."""
    name = named(parse(url))
    with _snapshot(url) as reader:
        manifests.check(expected, _manifest(reader), name)
    found = bypasses.look(connection, name)
    changed = (one for one in found.schema if not one.startswith("grant "))
    if faults := (*changed, *found.faults):
        raise Fault(f"the restored ledger is not sound: {faults[0]}", "Take another backup.")


def _open(connection: Connection, name: str, granted: str) -> None:
    """Grant what was granted, and take the mark away.

    In one transaction: whoever may write finds a ledger that is never begun again.
    """
    try:
        with schema.as_owner(connection):
            schema.unmark(connection)
            # As pg_restore would: what others granted is theirs to grant.
            connection.execute("RESET ROLE")
            connection.execute(_PSQL_LINE.sub("", granted))
    except psycopg.errors.UndefinedObject as error:
        raise LedgerUnavailable(
            f"{name} lacks something that the backup grants to"
            f" ({error.diag.message_primary or error})",
            "Let an administrator make that role, then restore again.",
        ) from error


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
        encoding="utf-8",
        errors="replace",
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
