"""A whole ledger into an empty one, in one transaction, every row compared before it counts.

While it is under way, and for as long as it was cut off, the schema carries a mark that keeps
others from writing there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Final

import psycopg

from selene_os.errors import BadField, Fault, LedgerUnavailable
from selene_os.ledger import keyrings, manifests
from selene_os.ledger.keyrings import Rows
from selene_os.ledger.manifests import Row
from selene_os.ledger.postgres import backup, roles, schema
from selene_os.ledger.postgres.connection import Connection, connect, named, parse, unavailable

# (table, columns, order) -> the source's rows, all of one moment.
Read = Callable[[str, str, str], Iterable[Row]]
_EMPTY: Final = object()
_TAKE_OUT: Final = (
    f"DELETE FROM {schema.SCHEMA}.unsealed_events AS u WHERE EXISTS (SELECT FROM"
    f" {schema.SCHEMA}.merkle_leaves AS l WHERE l.tenant_id = u.tenant_id"
    " AND l.event_id = u.event_id)"
)


def copy(url: str, source: str, read: Read, at: int, say: Callable[[str], None], ring: Rows) -> int:
    """Copy a ledger, and its keyring: the same wrapped keys, under the same root key.

    Args:
        url: the target, whose login may act as the owner; its schema is made where it is missing.
        source: the source's name, for whoever finds the mark.
        read: the source's rows.
        at: nanoseconds since 1970 UTC, noted with each migration.
        say: told what is being done.
        ring: the source's keyring.

    Returns:
        How many rows of the ledger were copied.

    Raises:
        BadField: the target is not empty, or another fills it. Fault: a row differs; the target
        is empty again. LedgerUnavailable, SchemaDiffers: the target cannot be used.
    """
    name = named(parse(url))
    try:
        with connect(url) as connection:
            mark = _check_alone(connection, name)
            schema.create(url, at)
            if mark is not None:
                say(f"{mark}, and was cut off; nothing of it is there. Beginning again.")
            try:
                with schema.as_owner(connection):
                    _check_empty(connection, name)
                    schema.set_mark(connection, schema.COPY_MARK, source)
                with schema.as_owner(connection):
                    # Nobody registers, hence nobody writes, until this is over.
                    connection.execute("LOCK TABLE os_core.tenants IN SHARE ROW EXCLUSIVE MODE")
                    _check_empty(connection, name)
                    rows = _copy_all(connection, read, say)
                    _copy_ring(connection, ring, name)
                    schema.unmark(connection)
            except BadField:
                # Who had it open before wrote there: it is a ledger, and no half of one.
                with schema.as_owner(connection):
                    schema.unmark(connection)
                raise
        schema.analyze(url)
    except psycopg.errors.InsufficientPrivilege as error:
        raise LedgerUnavailable(
            f"{name} does not let this login write tables",
            f"Use one that is a member of {roles.OWNER}.",
        ) from error
    except psycopg.Error as error:
        raise unavailable(name, error) from error
    return rows


def _check_alone(connection: Connection, name: str) -> str | None:
    """The mark of a copy that was cut off, if there is one. Raises BadField."""
    if not schema.is_alone(connection):
        raise BadField("to", f"{name} is being copied or restored into", "Wait until that is done.")
    mark = schema.mark_of(connection)
    if mark is not None and schema.is_restore(mark):
        raise BadField(
            "to",
            f"{name} is not whole: {mark}, and was cut off",
            "Run the same `selene restore` again, or name an empty database.",
        )
    return mark


def _copy_all(connection: Connection, read: Read, say: Callable[[str], None]) -> int:
    total = 0
    for table, (columns, key) in manifests.TABLES.items():
        if table == "unsealed_events":
            # The guard of audit_events filled it; what was sealed before does not wait again.
            connection.execute(_TAKE_OUT)
        else:
            _copy_table(connection, table, columns, read(table, columns, key))
        count = _compare(connection, table, columns, key, read)
        say(f"{table}: {count} rows, each compared")
        total += count
    return total


def _copy_ring(connection: Connection, ring: Rows, name: str) -> None:
    """The keyring in the transaction of the rows: no ledger is there whose keys are not."""
    for table, (columns, key) in keyrings.TABLES.items():
        there = f"SELECT {columns} FROM {schema.KEYS}.{table} ORDER BY {key}"
        if connection.execute(f"{there} LIMIT 1").fetchall():
            raise BadField("to", f"{name} holds keys in {table} already", "Name another database.")
        _copy_table(connection, table, columns, ring[table], schema.KEYS)
        if connection.execute(there).fetchall() != list(ring[table]):
            raise Fault(f"{table} is not what the source holds", "Nothing was copied. Copy again.")


def _copy_table(
    connection: Connection,
    table: str,
    columns: str,
    rows: Iterable[Row],
    home: str = schema.SCHEMA,
) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {home}.{table} ({columns}) FROM STDIN") as into,
    ):
        for row in rows:
            into.write_row(row)


def _compare(connection: Connection, table: str, columns: str, key: str, read: Read) -> int:
    count = 0
    there = backup.rows(connection, table, columns, key)
    for mine, theirs in zip_longest(read(table, columns, key), there, fillvalue=_EMPTY):
        if mine != theirs:
            raise Fault(
                f"row {count + 1} of {table} is not what the source holds",
                "Nothing was copied. Check the source with `selene doctor`, then copy again.",
            )
        count += 1
    return count


def _check_empty(connection: Connection, name: str) -> None:
    for table in manifests.TABLES:
        if connection.execute(f"SELECT FROM {schema.SCHEMA}.{table} LIMIT 1").fetchall():
            raise BadField("to", f"{name} holds rows in {table} already", "Name an empty database.")
