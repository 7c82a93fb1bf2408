"""A batch on PostgreSQL: 1,000 turns in one commit call, against one statement that inserts them.

The peer's statement takes one JSON array and writes the same rows: as the owner into tables like
ours, with the same keys and guards and without a question about scope or retries; and into bare
tables, which is printed and not judged, since no statement of ours may leave the foreign keys out.
Making the JSON is part of its work, as making whatever it sends is of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any, Final

from bench import postgres_tables, rows
from bench.peers import WRITTEN, bare_rows
from bench.postgres_peers import Ours
from bench.postgres_server import Server
from bench.rounds import Effort, measure, note
from bench.table import Bound, Figure, compare
from selene_os.ledger.events import Unit

BATCH: Final = 1_000


def figures(effort: Effort) -> list[Figure]:
    """The store's commit against the statement, into tables like ours and into bare ones."""
    with Server() as server, ExitStack() as stack:
        note(server.settings())
        postgres_tables.new_ledger(server, "selene")
        postgres_tables.new_ledger(server, "owner")
        postgres_tables.new_bare(server, "bare")
        ours = Ours(server, "selene")
        stack.callback(ours.close)
        postgres_tables.register(ours.store, [rows.SCOPE])
        owners = postgres_tables.open_store(server, "owner")
        stack.callback(owners.close)
        postgres_tables.register(owners, [rows.SCOPE])
        work = {"selene": _turn(lambda batch: rows.append(ours.store, batch))}
        for database, schema, tables in (
            ("owner", "os_core", WRITTEN[:3]),  # The guards fill the outbox.
            ("bare", "bare", WRITTEN),
        ):
            connection = stack.enter_context(server.connect(database))
            work[database] = _turn(_inserting(connection, schema, tables))
        taken = measure(work, effort.batches, "PostgreSQL batch of 1,000, rows/s")
        _same_rows(server)
    return [
        compare("pg batch of 1,000 / INSERT … SELECT of JSON, same tables", "/s",
                taken["selene"], taken["owner"], Bound(least=0.8)),
        compare("pg batch of 1,000 / INSERT … SELECT of JSON, bare tables", "/s",
                taken["selene"], taken["bare"], Bound()),
    ]  # fmt: skip


def _inserting(
    connection: Any, schema: str, tables: Sequence[str]
) -> Callable[[Sequence[Unit]], None]:
    statement = _statement(connection, schema, tables)

    def insert(batch: Sequence[Unit]) -> None:
        connection.execute(statement, (_json(batch),))

    return insert


def _turn(append: Callable[[Sequence[Unit]], None]) -> Callable[[], float]:
    """Turns a second of one batch."""
    source = rows.Source()

    def turn() -> float:
        batch = source.units(BATCH)
        began = perf_counter()
        append(batch)
        return BATCH / (perf_counter() - began)

    return turn


def _json(batch: Sequence[Unit]) -> str:
    """One array; an element for each turn, in it a list of columns for each table."""
    return json.dumps(
        [
            [[_told(column) for column in row] for row in bare_rows(unit)[:3]]
            for unit in batch
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )  # fmt: skip


def _told(column: Any) -> Any:
    return column.decode() if isinstance(column, bytes) else column


def _statement(connection: Any, schema: str, tables: Sequence[str]) -> str:
    """Data-modifying statements over one array, each column cast as the catalog says."""
    inserts = []
    for number, table in enumerate(tables):
        # The outbox row repeats the audit row's first two columns.
        place = 0 if table == "unsealed_events" else number
        chosen = [
            _cast(f"turn.value -> {place} ->> {column}", kind)
            for column, kind in enumerate(_kinds(connection, schema, table))
        ]
        inserts.append(
            f"INSERT INTO {schema}.{table} ({', '.join(postgres_tables.COLUMNS[table])})"
            f" SELECT {', '.join(chosen)} FROM turn"
        )
    *first, last = inserts
    parts = [f"into_{number} AS ({insert})" for number, insert in enumerate(first)]
    array = "turn AS MATERIALIZED (SELECT value FROM jsonb_array_elements(%s::jsonb))"
    return f"WITH {', '.join([array, *parts])} {last}"


def _kinds(connection: Any, schema: str, table: str) -> list[str]:
    """The types of the columns that are written, in their order."""
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s", (schema, table)
    ).fetchall()  # fmt: skip
    kinds = dict(found)
    return [kinds[column] for column in postgres_tables.COLUMNS[table]]


def _cast(chosen: str, kind: str) -> str:
    if kind == "bytea":
        return f"convert_to({chosen}, 'UTF8')"
    return chosen if kind == "text" else f"({chosen})::{kind}"


def _same_rows(server: Server) -> None:
    """All wrote as many rows everywhere, and the peer's bytes are the ones that were given."""
    counts = []
    for database, schema in (("selene", "os_core"), ("owner", "os_core"), ("bare", "bare")):
        with server.connect(database) as connection:
            counts.append(
                [
                    connection.execute(
                        f"SELECT count(*), sum(hashtext(t::text)) FROM {schema}.{table} AS t"
                    ).fetchone()
                    for table in WRITTEN
                ]
            )
    if not counts[0] == counts[1] == counts[2]:
        raise ValueError(f"ours and the peers wrote different rows: {counts}")
