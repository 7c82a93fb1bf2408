"""A file that is whole or not there: what is fetched stands beside it until it has all come."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple


class Saved(NamedTuple):
    """What was written: how many bytes, and their SHA-256 in hex."""

    path: Path
    size: int
    sha256: str


class Download:
    """A file on its way. Use as a context; `saved` is there behind it."""

    saved: Saved

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._digest = hashlib.sha256()
        self._size = 0

    def __enter__(self) -> Download:
        self._file = tempfile.NamedTemporaryFile(
            dir=self._path.absolute().parent, prefix=f".{self._path.name}.", delete=False
        )
        return self

    def write(self, chunk: bytes) -> None:
        """The next bytes."""
        self._digest.update(chunk)
        self._size += len(chunk)
        self._file.write(chunk)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        beside = Path(self._file.name)
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                beside.replace(self._path)
                self.saved = Saved(self._path, self._size, self._digest.hexdigest())
        finally:
            beside.unlink(missing_ok=True)
