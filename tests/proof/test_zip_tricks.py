"""A zip has one form in bytes: whatever else a zip may hold is found by both verifiers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from judges import (
    DIFFERS,
    both,
    files,
)
from sealed import (
    sealed_case,
)


def zipped(change: Callable[[zipfile.ZipInfo], None], **options: Any) -> bytes:
    """The files in a zip of another make."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **options) as archive:
        for name, content in sorted(files().items()):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.compress_type = options.get("compression", zipfile.ZIP_STORED)
            change(entry)
            archive.writestr(entry, content)
    return made.getvalue()


def test_a_zip_of_another_make_is_found() -> None:
    def set_to(**values: Any) -> Callable[[zipfile.ZipInfo], None]:
        def change(entry: zipfile.ZipInfo) -> None:
            for name, value in values.items():
                setattr(entry, name, value)

        return change

    assert zipped(set_to()) == sealed_case()
    assert both(zipped(set_to(), compression=zipfile.ZIP_DEFLATED)) == DIFFERS
    for change in (
        set_to(date_time=(2026, 1, 1, 0, 0, 0)),
        set_to(comment=b"x"),
        set_to(extra=b"\x00\x00\x01\x00x"),
        set_to(external_attr=0o120777 << 16),
        set_to(create_system=0),
        set_to(internal_attr=1),
    ):
        assert both(zipped(change)) == DIFFERS


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/b/c", "a\\b", "a/..", ".hidden", "a/.b", "x" * 300, "", "é", "a\n"]
)
def test_no_name_leads_out_of_a_folder(name: str) -> None:
    spelt = name.encode("utf-8")
    data = sealed_case()
    head = bytearray(data[:30])
    head[18:30] = bytes(8) + len(spelt).to_bytes(2, "little") + bytes(2)
    assert both(bytes(head) + spelt + data) == DIFFERS


def test_the_same_file_twice_is_found() -> None:
    data = sealed_case()
    first = data[: data.index(b"PK\x03\x04", 4)]
    assert both(first + data) == DIFFERS


def test_what_is_no_zip_at_all_differs() -> None:
    for data in (b"", b"PK\x03\x04", b"garbage", b"PK\x05\x06" + bytes(18), sealed_case()[1:]):
        assert both(data) == DIFFERS
