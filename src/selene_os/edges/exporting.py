"""A tenant's rows on their way out: JSONL as in bundles, or CSV whose cells are no formulas."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from selene_os import names
from selene_os.errors import BadField
from selene_os.ledger.events import AuditEvent, Wanted, WholeRow
from selene_os.ledger.store import Store
from selene_os.proof.bundle import encode_row

PAGE_ROWS: Final = 500
FORMATS: Final = ("jsonl", "csv")
COLUMNS: Final = WholeRow._fields
# What a spreadsheet takes for a formula, or for a sign that one follows.
_STRANGE: Final = ("=", "+", "-", "@", "\t", "\r", "'")
_TAIL_BYTES: Final = 65_536
Place = tuple[int, names.EventId]


def rows(store: Store, tenant_id: names.TenantId, wanted: Wanted) -> Iterator[WholeRow]:
    """Every row that is wanted, the newest first, page by page.

    Each page is read by itself: nothing is held open between them, and what is written meanwhile
    stands before the first one, where nobody looks any more.
    """
    while True:
        page = store.search(tenant_id, wanted, PAGE_ROWS)
        yield from _whole(store, tenant_id, page)
        if len(page) < PAGE_ROWS:
            return
        wanted = wanted._replace(after=(page[-1].created_at, page[-1].event_id))


def _whole(store: Store, tenant_id: names.TenantId, page: list[AuditEvent]) -> Iterator[WholeRow]:
    known: dict[str, WholeRow] = {}
    for correlation_id in dict.fromkeys(event.correlation_id for event in page):
        for row in store.proofs.whole_rows(tenant_id, correlation_id):
            known[row.event_id] = row
    for event in page:
        yield known[event.event_id]


# ---- lines


def encoder(kind: str) -> Callable[[WholeRow], bytes]:
    """What makes a line of a row, in one of `FORMATS`."""
    return encode_row if kind == "jsonl" else _csv_row


def header(kind: str) -> bytes:
    """What stands before the first row."""
    return _csv_line(COLUMNS) if kind == "csv" else b""


def _csv_row(row: WholeRow) -> bytes:
    # By way of the one form that a row has, so that both hold the same and refuse the same.
    record = json.loads(encode_row(row))
    return _csv_line([_cell(record[name]) for name in COLUMNS])


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_STRANGE) else text


def _csv_line(cells: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


# ---- where it goes on


def parse_place(text: str) -> Place:
    """The place behind which an export goes on. Raises BadField."""
    at, dot, event_id = text.partition(".")
    if not dot or not (at.isascii() and at.isdecimal() and len(at) <= 19):
        raise BadField("after", "is no place of an export", "Give CREATED_AT.EVENT_ID of a row.")
    return names.parse_time_ns(int(at), "after"), names.parse_event_id(event_id)


def resume(file: BinaryIO, kind: str) -> Place | None:
    """Cut off half a line at a file's end; the place of the last whole row, None where none is.

    Raises:
        BadField: the file is no export of this format.
    """
    size = file.seek(0, os.SEEK_END)
    begin = max(0, size - _TAIL_BYTES)
    file.seek(begin)
    tail = file.read()
    end = tail.rfind(b"\n") + 1
    if end == 0 and begin:
        raise _no_export()
    file.truncate(begin + end)
    file.seek(0, os.SEEK_END)
    lines = tail[:end].splitlines()
    if not lines or lines[-1] + b"\n" == header(kind):
        return None
    return _place(lines[-1], kind)


def _place(line: bytes, kind: str) -> Place:
    try:
        if kind == "csv":
            (cells,) = csv.reader([line.decode()])
            record: Any = dict(zip(COLUMNS, cells, strict=True))
        else:
            record = json.loads(line)
        return parse_place(f"{record['created_at']}.{record['event_id']}")
    except (ValueError, KeyError, TypeError, BadField):
        raise _no_export() from None


def _no_export() -> BadField:
    return BadField(
        "out", "does not end in a row of this format", "Name another file, or the same format."
    )


def opened(path: Path, *, again: bool) -> BinaryIO:
    """A file to write to: a new one, or with `again` one that is there. Raises BadField."""
    try:
        return path.open("r+b" if again and path.exists() else "xb")
    except FileExistsError:
        raise BadField("out", "is there already", "Go on with --resume, or remove it.") from None
    except OSError as error:
        raise BadField("out", f"cannot be written ({error.strerror})", "Name another.") from None
