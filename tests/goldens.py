"""The golden ledger: rows that were recorded once, as text that a review can read.

One line is one row, its bytes as the text or JSON that they are. It is loaded as it stands, by SQL
and not by deciding again, so that a replay of it compares what is decided now with what was then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from selene_os.edges.databases import SqliteFile
from selene_os.ledger import codec, manifests
from selene_os.ledger.sqlite.connection import connect
from selene_os.ledger.sqlite.schema import create

FILE: Final = Path(__file__).parent / "golden" / "ledger.jsonl"
# What a replay reads; what was remembered is in the requests of profiles.
FIRST: Final = (
    "tenants", "term_bundles", "packs", "identities", "device_bindings", "devices", "sessions",
)  # fmt: skip
# Columns of bytes: as the JSON that they are, or as text.
AS_JSON: Final = ("record", "bundle", "content")
AS_TEXT: Final = ("text",)
Line = dict[str, Any]


def lines_of(path: Path) -> Iterator[str]:
    """A ledger in a file as the lines of a golden one: registrations, then row by row, by time."""
    connection = connect(str(path), write=False)
    for table in FIRST:
        yield from map(_line, _rows(connection, table))
    said = {(row["correlation_id"], row["turn_id"]): row for row in
            _rows(connection, "conversation_ledger")}  # fmt: skip
    kept = {row["event_id"]: row for row in _rows(connection, "replay_inputs")}
    for event in sorted(_rows(connection, "audit_events"), key=lambda row: row["event_id"]):
        for row in (
            said.pop((event["correlation_id"], event["turn_id"]), None),
            event,
            kept.pop(event["event_id"]),
        ):
            if row is not None:
                yield _line(row)
    assert not said and not kept
    connection.close()


def load(path: Path, golden: Path = FILE) -> None:
    """Make a ledger in a file of the rows of a golden one, as they were stored."""
    create(str(path), 0)
    SqliteFile(str(path)).make_keys()
    connection = connect(str(path), write=True)
    with connection:
        for text in golden.read_text(encoding="utf-8").splitlines():
            row = json.loads(text)
            table = row.pop("table")
            # The database itself refuses a tenant whose terms are not there yet.
            given = {"terms_digest": None} if table == "tenants" else {}
            values = {name: _stored(name, value) for name, value in (row | given).items()}
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", values
            )
    connection.close()


def _rows(connection: apsw.Connection, table: str) -> list[Line]:
    columns, key = manifests.TABLES[table]
    names = columns.split(", ")
    return [
        {"table": table, **dict(zip(names, row, strict=True))}
        for row in connection.execute(f"SELECT {columns} FROM {table} ORDER BY {key}")
    ]


def _line(row: Line) -> str:
    shown = {name: _shown(name, value) for name, value in row.items()}
    assert {name: _stored(name, value) for name, value in shown.items()} == row
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _shown(name: str, value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return codec.decode_json(value) if name in AS_JSON else value.decode()


def _stored(name: str, value: Any) -> Any:
    if name in AS_JSON:
        return codec.encode_json(value)
    return value.encode() if name in AS_TEXT else value
