"""`selene backup`, `restore` and `copy`: keeping a ledger, and moving it to a server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from selene_os.edges import signing_keys
from selene_os.edges.cli.options import (
    db_option,
    json_option,
    key_directory,
    ledger,
    named_database,
    show,
)
from selene_os.edges.databases import Database, PostgresDatabase, SqliteFile, database
from selene_os.edges.encryption import tried
from selene_os.edges.key_directory import USERS, path_of, share_root
from selene_os.errors import BadField, KeysMissing
from selene_os.ledger.access import Access, ApiKeyRow, OperatorRow
from selene_os.ledger.events import TenantRow

# What else holds keys, of each kind of database.
_KEYRING = {
    "sqlite": "which holds the keyring as well",
    "postgres": "and the keyring, which is the schema os_keys",
}
_file = click.argument("file", type=click.Path(path_type=Path))


def _say(line: str) -> None:
    click.echo(line, err=True)


@click.command()
@_file
@db_option
@json_option
def backup(file: Path, db: str | None, as_json: bool) -> None:
    """Write a ledger as of one moment to a new FILE, and FILE.manifest.json beside it.

    Others may go on writing meanwhile. A file is copied by SQLite's online backup, a server's
    ledger by pg_dump, which must be on the PATH.
    """
    chosen = named_database(db)
    rows = chosen.backup(file)
    keys = str(Path(chosen.keys).absolute())
    show(
        as_json,
        {"file": str(file), "rows": rows, "keys": keys},
        f"{rows} rows in {file}. Keep the manifest beside it: `selene restore` compares every row."
        f"\nNo key is in it: back up {keys} apart, {_KEYRING[chosen.kind]}. Without"
        " them nobody reads the words.",
    )


@click.command()
@_file
@click.option("--end-keys", is_flag=True, help="Revoke every API key that the backup brings.")
@db_option
@json_option
def restore(file: Path, end_keys: bool, db: str | None, as_json: bool) -> None:
    """Make a ledger from a backup, and compare every row with what was backed up.

    There must be no ledger yet at the address. Where a row differs, nothing stays; what was cut
    off is no ledger to anybody, and the same command begins again. API keys that were revoked
    since, and operators that were disabled, are there as they were.
    """
    chosen = named_database(db)
    rows = chosen.restore(file, _say)
    keys = Path(chosen.keys).absolute()
    told = f"The ledger is restored: {rows} rows, each compared."
    try:
        # Before all that may fail: until then whoever holds an old key gets in.
        with ledger(db) as store:
            api_keys, operators = _let_in(store.access, store.tenants(), time.time_ns())
            if end_keys:
                for row in api_keys:
                    store.access.end_api_key(row.tenant_id, row.key_id, time.time_ns())
        told += f"\nAPI keys that were good: {len(api_keys)}"
        told += f"{' (all ended now)' if end_keys else ''}. Operators: {len(operators)}. Revoke and"
        told += " disable again who was since: `selene apikey revoke`, `selene operator disable`."
        wrong = _wrong_keys(chosen)
    except Exception:
        # The ledger is there, and the same command would be refused.
        _say(told)
        raise
    if wrong:
        told += f"\nIts keys are not here, for no back-up holds them: put them back at {keys}"
        told += f", {_KEYRING[chosen.kind]} ({wrong[0]})."
    record = {
        "rows": rows,
        "keys": str(keys),
        "api_keys": len(api_keys),
        "api_keys_ended": end_keys,
        "operators": len(operators),
    }
    show(as_json, record, told)


def _wrong_keys(chosen: Database) -> list[str]:
    """Make the keys of a ledger that has none yet; what is wrong with those of one that has."""
    try:
        chosen.make_keys()
        return tried(chosen.open)
    except KeysMissing as missing:
        return [missing.problem]


def _let_in(
    access: Access, tenants: Sequence[TenantRow], now: int
) -> tuple[list[ApiKeyRow], list[OperatorRow]]:
    """The API keys and the operators that get in."""
    keys = [
        row
        for tenant in tenants
        for row in access.api_keys(tenant.tenant_id)
        if row.revoked_at is None and (row.expires_at is None or row.expires_at > now)
    ]
    return keys, [row for row in access.operators() if row.disabled_at is None]


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help="sqlite:///path, or a path.")
@click.option("--to", "target", required=True, metavar="URL", help="postgresql://…")
@json_option
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy a ledger from a file into an empty PostgreSQL database, comparing every row.

    The file is read as of one moment and not changed: end its writers first, or what they write
    later stays behind. It is one transaction; cut off, nothing of it is there, and the same
    command begins again.
    """
    given, wanted = database(source, key_directory()), database(target, key_directory())
    if not isinstance(given, SqliteFile) or not isinstance(wanted, PostgresDatabase):
        raise BadField(
            "from", "and --to are not a file and a server", "Copy from sqlite to postgresql."
        )
    from selene_os.ledger.postgres import copying
    from selene_os.ledger.sqlite import keyring
    from selene_os.ledger.sqlite.backup import snapshot

    ring = keyring.rows(path_of(given.keys, USERS))
    if any(ring.values()):
        share_root(given.keys, wanted.keys)
    if signing_keys.there(Path(given.keys)):
        signing_keys.share(Path(given.keys), Path(wanted.keys))
    with snapshot(given.path) as read:
        rows = copying.copy(wanted.url, given.path, read, time.time_ns(), _say, ring)
    wanted.make_keys()
    keys = str(Path(wanted.keys).absolute())
    show(
        as_json,
        {"rows": rows, "keys": keys},
        f"Copied {rows} rows, each compared. The file is as it was.\n"
        f"Its keyring is copied too; the root key that opens it, and the key that signs, are in"
        f" {keys}.",
    )
