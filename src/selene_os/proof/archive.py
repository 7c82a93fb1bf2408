"""Files as one zip of which there is exactly one form in bytes, so that every byte of it counts.

Nothing is compressed: what a compressor writes differs from one version to the next, and a reader
that never inflates cannot be made to inflate a bomb. Files stand in the order of their names, all
of 1 January 1980 and readable by everyone; there are no extra fields, comments, links or folders.
Whoever reads takes the files out and makes the zip again: any byte that is not the same was changed
after it was written, whatever it means to other programs.

Source: PKWARE APPNOTE 6.3, §4.3.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from selene_os.errors import BadField

ARCHIVE_BYTES_MAX: Final = 256 * 1024 * 1024
FILES_MAX: Final = 30_000

# A name with at most one folder before it. No part begins with a dot, so that none leads upwards.
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}/)?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_VERSION: Final = 20
_UNIX: Final = 3 << 8
_FIRST_DAY: Final = 1 << 5 | 1
_REGULAR_FILE: Final = 0o100644 << 16


class Unpacked(NamedTuple):
    """The files of an archive, and where it is not what they make; None where every byte is."""

    files: dict[str, bytes]
    problem: str | None


def pack(files: Mapping[str, bytes]) -> bytes:
    """The one archive of these files.

    Args:
        files: at most 30,000, by names like `a.txt` or `folder/a.txt`, 256 MiB in all.

    Raises:
        BadField: a name is not like that, or there is too much.
    """
    if len(files) > FILES_MAX:
        raise _refused(f"has more than {FILES_MAX} files")
    if sum(map(len, files.values())) > ARCHIVE_BYTES_MAX:
        raise _refused(f"has more than {ARCHIVE_BYTES_MAX} bytes")
    parts: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name in sorted(files):
        if not _NAME.fullmatch(name):
            raise _refused("has a file with a name that none of its files has")
        content, spelt = files[name], name.encode("ascii")
        size, crc = len(content), zlib.crc32(content)
        common = (_VERSION, 0, 0, 0, _FIRST_DAY, crc, size, size, len(spelt))
        head = _LOCAL.pack(b"PK\x03\x04", *common, 0) + spelt
        entry = (_UNIX | _VERSION, *common, 0, 0, 0, 0, _REGULAR_FILE, offset)
        directory.append(_CENTRAL.pack(b"PK\x01\x02", *entry) + spelt)
        parts += (head, content)
        offset += len(head) + size
    many, length = len(files), sum(map(len, directory))
    end = _END.pack(b"PK\x05\x06", 0, 0, many, many, length, offset, 0)
    return b"".join([*parts, *directory, end])


def unpack(data: bytes) -> Unpacked:
    """The files of an archive that `pack` made, and whether every byte of it is as `pack` made it.

    Files are taken out as far as they can be found, so that whoever judges them can say which of
    them was changed. Nothing is written anywhere.

    Raises:
        BadField: it is no such archive, or too changed for its files to be found.
    """
    if len(data) > ARCHIVE_BYTES_MAX:
        raise _refused(f"has more than {ARCHIVE_BYTES_MAX} bytes")
    files: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04":
        if len(data) < at + _LOCAL.size:
            raise _refused(f"is cut off at byte {at}")
        *_, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size
        name = data[start : start + name_length].decode("ascii", "replace")
        if not _NAME.fullmatch(name) or name in files or len(files) == FILES_MAX:
            raise _refused(f"has a file at byte {at} that it cannot have")
        at = start + name_length + extra_length + size
        if at > len(data):
            raise _refused(f"is cut off in {name}")
        files[name] = data[at - size : at]
    if not files:
        raise _refused("does not begin like a bundle")
    expected = pack(files)
    if expected == data:
        return Unpacked(files, None)
    # Looked for by halves: a comparison of slices is faster than one of bytes.
    low, high = 0, min(len(expected), len(data))
    while low < high:
        middle = (low + high + 1) // 2
        if expected[:middle] == data[:middle]:
            low = middle
        else:
            high = middle - 1
    return Unpacked(files, f"is not what its files make, from byte {low} on")


def _refused(problem: str) -> BadField:
    return BadField("bundle", problem, "Use the file exactly as `selene bundle` wrote it.")
