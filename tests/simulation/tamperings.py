"""Small changes of a sealed SQLite ledger, each undone when it was looked at.

One connection changes, verifies in the same transaction, and rolls back: thousands a minute.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

import apsw
import psycopg

from ledgers import ACME, GLOBEX
from seals import SIGNER
from selene_os.edges.verifying import one_process, verify_tenant
from selene_os.errors import Fault
from selene_os.ledger.postgres.proofs import PostgresProofs
from selene_os.ledger.proofs import Proofs
from selene_os.ledger.sqlite.proofs import SqliteProofs
from selene_os.proof.verifying import Difference

# The columns that are covered, each table's key first. See `test_tamperings.NOT_COVERED`.
COVERED: Final = {
    "audit_events": (
        "tenant_id", "event_id", "engine", "event_type", "reason_code", "severity",
        "correlation_id", "turn_id", "user_id", "device_id", "session_id", "idempotency_key",
        "payload_min", "created_at",
    ),
    "replay_inputs": (
        "tenant_id", "event_id", "engine", "engine_version", "pack_digest", "record", "key_id",
    ),
    "merkle_leaves": ("tenant_id", "leaf_index", "event_id", "leaf_hash"),
    "merkle_nodes": ("tenant_id", "level", "first", "hashes"),
    "checkpoints": ("tenant_id", "size", "frontier", "note"),
    "signing_keys": ("tenant_id", "key_id", "statement"),
}  # fmt: skip
# What a row rests on is not in these: of a change there the rows are what they were.
PROOF: Final = ("merkle_nodes", "signing_keys")
SEALED: Final = (
    "event_id IN (SELECT l.event_id FROM merkle_leaves AS l WHERE l.tenant_id = {}.tenant_id)"
)


class Scratch(ABC):
    """A sealed ledger without its guards, that is read by the connection that changes it."""

    proofs: Proofs
    refused: tuple[type[Exception], ...]

    @abstractmethod
    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes something; how many rows it changed."""

    @abstractmethod
    def read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows, as they are now."""

    def differences(self) -> list[Difference]:
        """What verifying both tenants comes to."""
        store: Any = SimpleNamespace(proofs=self.proofs)
        return [
            one
            for tenant_id in (ACME, GLOBEX)
            for one in verify_tenant(
                store, tenant_id, [SIGNER.verifier], one_process(store, tenant_id)
            ).differences
        ]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what the block changes."""
        self.run("BEGIN")
        try:
            yield
        finally:
            self.run("ROLLBACK")


class ScratchFile(Scratch):
    """A copy of a file in this process's memory.

    Args:
        path: of the ledger, which nobody writes now.
    """

    refused = (apsw.ConstraintError, apsw.MismatchError)

    def __init__(self, path: str) -> None:
        self._connection = apsw.Connection(":memory:")
        source = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        with self._connection.backup("main", source, "main") as copying:
            copying.step()
        source.close()
        for (name,) in self.read("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
            self.run(f"DROP TRIGGER {name}")
        self.run("PRAGMA ignore_check_constraints = ON")
        self.proofs = SqliteProofs(None, self._rows)  # type: ignore[arg-type]

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        self._connection.execute(statement, tuple(values)).fetchall()
        return self._connection.changes()

    def read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._rows(statement, values)

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except UnicodeDecodeError as error:
            # As the store has it.
            raise Fault("no UTF-8", "") from error


class ScratchServer(Scratch):
    """A database of a server, as its owner.

    Args:
        connection: of the owner, each statement its own transaction.
    """

    refused = (psycopg.IntegrityError, psycopg.DataError, UnicodeDecodeError)

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        connection.execute("SET search_path = os_core")
        connection.execute("SET session_replication_role = replica")
        for table in (*COVERED, "unsealed_events"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        self.proofs = PostgresProofs(self._rows, lambda _tenant_id, *asked: self._rows(*asked))

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        if "CAST(? AS TEXT)" in statement:
            # What is no UTF-8 the server does not take as text.
            statement = statement.replace("CAST(? AS TEXT)", "?", 1)
            values = (values[0].decode(), *values[1:])
        return self._connection.execute(statement.replace("?", "%s"), values or None).rowcount

    def read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._rows(statement.replace("?", "%s"), values)

    def _rows(self, statement: str, values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values or None).fetchall()


Change = Callable[[Scratch, random.Random], tuple[str, str] | None]


def change_bytes(content: bytes, chance: random.Random) -> bytes:
    """One bit, or one byte, changed, added or taken out."""
    if not content:
        return b"x"
    place, byte = chance.randrange(len(content)), bytes([chance.randrange(256)])
    before, after = content[:place], content[place + 1 :]
    flipped = bytes([content[place] ^ 1 << chance.randrange(8)])
    return chance.choice(
        [before + flipped + after, before + byte + after, before + after, before + byte + content]
        if place == 0
        else [before + flipped + after, before + byte + after, before + after]
    )


def _pick(scratch: Scratch, table: str, chance: random.Random) -> tuple[Any, ...]:
    """A row's key and its columns; of rows that are sealed, where the table holds others too."""
    waits = table in ("audit_events", "replay_inputs")
    where = f" WHERE {SEALED.format(table)}" if waits else ""
    key = KEYS[table]
    columns = ", ".join((*key, *COVERED[table]))
    rows = scratch.read(f"SELECT {columns} FROM {table}{where} ORDER BY {', '.join(key)}")
    return chance.choice(rows)


KEYS: Final = {
    "audit_events": ("tenant_id", "event_id"),
    "replay_inputs": ("tenant_id", "event_id"),
    "merkle_leaves": ("tenant_id", "leaf_index"),
    "merkle_nodes": ("tenant_id", "level", "first"),
    "checkpoints": ("tenant_id", "size"),
    "signing_keys": ("tenant_id", "key_id"),
}


def _where(table: str) -> str:
    return " AND ".join(f"{column} = ?" for column in KEYS[table])


def change_column(scratch: Scratch, chance: random.Random) -> tuple[str, str] | None:
    """One bit or byte of one column of one row, or the column emptied."""
    table = chance.choice(tuple(COVERED))
    key, row = _split(table, _pick(scratch, table, chance))
    place = chance.randrange(len(row))
    column, value = COVERED[table][place], row[place]
    if (table, column) == ("checkpoints", "tenant_id"):
        # An older one is gone then: see what is not covered.
        return None
    to = "?"
    if isinstance(value, str):
        # As bytes, so that it may be no UTF-8.
        changed: Any = change_bytes(value.encode(), chance)
        same, to = changed == value.encode(), "CAST(? AS TEXT)"
    elif isinstance(value, bytes):
        changed = change_bytes(value, chance)
        same = changed == value
    elif isinstance(value, int):
        changed = chance.choice((value + 1, value - 1, value ^ 1 << chance.randrange(62)))
        same = False
    else:
        changed, same = "x", False
    if chance.random() < 0.02 and value is not None:
        changed, to = None, "?"
    if same:
        return None
    scratch.run(f"UPDATE {table} SET {column} = {to} WHERE {_where(table)}", (changed, *key))
    return table, f"{column} of {key}: {value!r} is {changed!r}"


def delete(scratch: Scratch, chance: random.Random) -> tuple[str, str] | None:
    """One row taken out; of checkpoints the newest, for an older one says nothing more."""
    table = chance.choice(tuple(COVERED))
    key, _ = _split(table, _pick(scratch, table, chance))
    if table == "checkpoints":
        ((newest,),) = scratch.read("SELECT max(size) FROM checkpoints WHERE tenant_id = ?", key[0])
        key = (key[0], newest)
    scratch.run(f"DELETE FROM {table} WHERE {_where(table)}", key)
    return table, f"{key} deleted"


def insert(scratch: Scratch, chance: random.Random) -> tuple[str, str] | None:
    """One row more: another one's copy under a key that was free."""
    table = chance.choice([one for one in COVERED if one != "replay_inputs"])
    key, row = _split(table, _pick(scratch, table, chance))
    free: Any = key[-1] + chance.randrange(1, 5_000) if isinstance(key[-1], int) else None
    if free is None:
        free = f"{chance.getrandbits(32):08x}" + ("" if table == "signing_keys" else key[-1][8:])
    changes = {KEYS[table][-1]: free}
    if table == "merkle_leaves":
        changes["event_id"] = f"{chance.getrandbits(32):08x}-0000-7000-8000-000000000000"
    if table == "audit_events":
        changes["idempotency_key"] = f"{chance.getrandbits(32)}"
    columns = COVERED[table]
    more = ("created_at",) if table in ("checkpoints", "signing_keys") else ()
    values = [changes.get(column, value) for column, value in zip(columns, row, strict=True)]
    scratch.run(
        f"INSERT INTO {table} ({', '.join((*columns, *more))})"
        f" VALUES ({', '.join(['?'] * (len(columns) + len(more)))})",
        (*values, *(1 for _ in more)),
    )
    return table, f"{key} once more as {free!r}"


def swap(scratch: Scratch, chance: random.Random) -> tuple[str, str] | None:
    """Two rows' values of one column exchanged; not of a key, which cannot stand twice."""
    table = chance.choice(tuple(COVERED))
    columns = [column for column in COVERED[table] if column not in KEYS[table]]
    if table == "merkle_leaves":
        columns = ["leaf_hash"]
    column = chance.choice(columns)
    one, first = _split(table, _pick(scratch, table, chance))
    other, second = _split(table, _pick(scratch, table, chance))
    place = COVERED[table].index(column)
    if first[place] == second[place]:
        return None
    for key, value in ((one, second[place]), (other, first[place])):
        scratch.run(f"UPDATE {table} SET {column} = ? WHERE {_where(table)}", (value, *key))
    return table, f"{column} of {one} and {other} exchanged"


def _split(table: str, picked: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    count = len(KEYS[table])
    return picked[:count], picked[count:]


CHANGES: Final[tuple[Change, ...]] = (
    change_column,
    change_column,
    change_column,
    delete,
    insert,
    swap,
)
