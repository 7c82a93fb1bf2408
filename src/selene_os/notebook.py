"""For notebooks: rows as a table of pandas, and a conversation that shows itself.

Rows are those of the library, of the client or of an export: tuples or dataclasses with fields, or
mappings.
"""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped,import-not-found,unused-ignore]

_SHOWN: Final = ("turn_id", "engine", "event_type", "reason_code", "user_id", "payload_min")
_STYLE: Final = "text-align:left;vertical-align:top;font-family:monospace;white-space:pre-wrap"


def to_pandas(rows: Iterable[Any]) -> DataFrame:
    """Rows as a DataFrame: a column for each field, created_at as moments in UTC.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "selene_os.notebook.to_pandas needs pandas. Install it: pip install pandas"
        ) from error
    records = [_record(row) for row in rows]
    frame = pandas.DataFrame(records)
    if records and "created_at" in records[0]:
        # The digits are exact; a float in between would lose the last three.
        name = "created_at_ns" if "created_at_ns" in records[0] else "created_at"
        digits = [int(record[name]) for record in records]
        frame["created_at"] = pandas.to_datetime(digits, unit="ns", utc=True)
    return frame


class Trace:
    """A conversation's rows, as a notebook shows them.

    Args:
        rows: as `Tenant.trace` or the client's `trace(…).events` give them.
    """

    def __init__(self, rows: Iterable[Any]) -> None:
        self.records = [_record(row) for row in rows]

    def _repr_html_(self) -> str:
        """A table without scripts, links or images, every value escaped."""
        head = "".join(f'<th style="{_STYLE}">{_escaped(name)}</th>' for name in _SHOWN)
        body = "".join(
            f'<tr data-event="{_escaped(record.get("event_id"))}">'
            + "".join(f'<td style="{_STYLE}">{_escaped(record.get(one))}</td>' for one in _SHOWN)
            + "</tr>"
            for record in self.records
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        return f"Trace({len(self.records)} rows)"


def _record(row: Any) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {one.name: getattr(row, one.name) for one in dataclasses.fields(row)}
    if hasattr(row, "_asdict"):
        found: Mapping[str, Any] = row._asdict()
        return found
    raise TypeError(f"{type(row).__name__} is no row: give tuples or objects with fields.")


def _escaped(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return html.escape(text, quote=True)
