"""Files of terms: CSV or JSONL, cut into lines, each of which stands or falls by itself."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from selene_os.dictionary import TERM_KEYS, Imported
from selene_os.errors import BadField, NotFound, Refusal
from selene_os.reasons import ReasonCode

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
LINES_MAX: Final = 65_536
CSV: Final = "csv"
JSONL: Final = "jsonl"
FORMATS: Final = (CSV, JSONL)
_SUFFIXES: Final = {".csv": CSV, ".jsonl": JSONL, ".ndjson": JSONL}
_REQUIRED: Final = ("kind", "source", "canonical")
_BOM: Final = b"\xef\xbb\xbf"

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file that is not empty.

    Attributes:
        number: its place in the file, from 1 on.
        given: the keys of a term; none where it cannot be read.
        refusal: why it cannot be read; None where it can.
    """

    number: int
    given: Given
    refusal: Refusal | None = None


def format_of(file: str) -> str | None:
    """The format that a file's name says, or None."""
    return _SUFFIXES.get(Path(file).suffix.lower())


def load(file: str) -> bytes:
    """What stands in a file. Raises NotFound, BadField: it cannot be read, or is too big."""
    try:
        with Path(file).open("rb") as opened:
            return read(opened)
    except FileNotFoundError as error:
        raise NotFound(f"{file!r:.200} is not there", "Check its path.", field="file") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadField("file", f"{file!r:.200} cannot be read ({why})", "Name another.") from error


def read(stream: BinaryIO) -> bytes:
    """Everything that a stream holds. Raises BadField: that is too much."""
    found = stream.read(FILE_BYTES_MAX + 1)
    if len(found) > FILE_BYTES_MAX:
        raise BadField("file", f"is over {FILE_BYTES_MAX} bytes", "Cut it into several files.")
    return found


def lines_of(content: bytes, form: str) -> list[Line]:
    """The terms of a file, line by line; one that cannot be read is there with its refusal.

    Args:
        content: the file, UTF-8, with or without a byte order mark.
        form: csv (the first line names the keys) or jsonl (one object a line).

    Raises:
        BadField: the first line of a CSV names no keys, or the file holds no term, or too many.
    """
    numbered = [
        (number, line.removesuffix(b"\r"))
        for number, line in enumerate(content.removeprefix(_BOM).split(b"\n"), 1)
        if line.strip()
    ]
    if len(numbered) > LINES_MAX:
        raise BadField("file", f"holds over {LINES_MAX} lines", "Cut it into several files.")
    decode: Callable[[bytes], Given] = _object
    if form == CSV and numbered:
        decode = partial(_row, keys=_header(numbered.pop(0)[1]))
    if not numbered:
        # An empty file is a pipe that broke more often than a wish to lose a dictionary.
        raise BadField("file", "holds no term", "Take terms out with `selene terms remove`.")
    return list(_decoded(numbered, decode))


def told(imported: Imported, lines: list[Line]) -> Imported:
    """An import's report with the numbers of the file, and a reason for each refused line."""
    found = []
    for became, line in zip(imported.lines, lines, strict=True):
        if refusal := line.refusal or became.refusal:
            refusal.reason = refusal.reason or _reason(refusal).name
        entry_id = became.entry_id if line.refusal is None else None
        found.append(replace(became, number=line.number, entry_id=entry_id, refusal=refusal))
    return replace(imported, lines=tuple(found))


def _reason(refusal: Refusal) -> ReasonCode:
    """What PH1.KNOW would say of a term, where the refusal itself does not."""
    if refusal.field == "entries":
        return ReasonCode.KNOW_BUDGET_EXCEEDED
    return ReasonCode.KNOW_INPUT_SCHEMA_INVALID


def _decoded(numbered: list[tuple[int, bytes]], decode: Callable[[bytes], Given]) -> Iterator[Line]:
    for number, line in numbered:
        try:
            yield Line(number, decode(line))
        except Refusal as refusal:
            yield Line(number, {}, refusal)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        at = f"byte {error.start + 1}"
        raise BadField("line", f"is no UTF-8 at {at}", "Save the file as UTF-8.") from error


# ---- CSV


def _cells(line: bytes) -> list[str]:
    """The cells of one line. No value may hold a line's end, so that a quote left open costs one
    line, and not all that follow."""
    try:
        (cells,) = csv.reader([_text(line)], strict=True)
    except csv.Error as error:
        raise BadField(
            "line", f"is no line of CSV ({error})", 'Write a quote in a cell as "".'
        ) from error
    return cells


def _header(line: bytes) -> list[str]:
    keys = _cells(line)
    step = f"Name the keys in the first line, parted by commas: {','.join(TERM_KEYS)}"
    for key in keys:
        if key not in TERM_KEYS:
            raise BadField("header", f"has {key!r:.60}, which is no key of a term", f"{step}.")
    if len(set(keys)) != len(keys):
        raise BadField("header", "names a key twice", f"{step}.")
    if missing := [key for key in _REQUIRED if key not in keys]:
        raise BadField("header", f"lacks {', '.join(missing)}", f"{step}.")
    return keys


def _row(line: bytes, keys: list[str]) -> Given:
    cells = _cells(line)
    if len(cells) != len(keys):
        raise BadField(
            "line",
            f"has {len(cells)} cells where the first line names {len(keys)}",
            "Put what holds a comma into quotes; leave a cell empty, but do not leave it out.",
        )
    return dict(zip(keys, cells, strict=True))


# ---- JSONL


def _object(line: bytes) -> Given:
    text = _text(line)
    try:
        given = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        problem = f"is no JSON ({error.msg} at column {error.colno})"
        raise BadField("line", problem, "Write one object a line.") from error
    except (ValueError, RecursionError) as error:
        raise BadField("line", f"is no JSON ({error})"[:160], "Write one object a line.") from error
    if not isinstance(given, dict):
        raise BadField("line", "is no JSON object", "Write one object a line.")
    return given


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys each stand once: of two values nobody could say which was meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found
