"""The command `selene` as a person runs it, in a process of its own or in this one; and its rows.

Files are read back by the standard library's SQLite, as a stranger would, and in a process of its
own: two copies of SQLite in one process take each other's file locks away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selene_os.edges.cli.main import main

TALK = "0123456789abcdef0123456789abcdef"
OTHER_TALK = "fedcba9876543210fedcba9876543210"
NOON = "2026-03-03T12:00:00+01:00"
ALICE = ("--tenant", "acme", "--user", "alice", "--device", "kitchen")
BOB = ("--tenant", "acme", "--user", "bob", "--device", "office")
LISTED = {"audit_events", "replay_inputs", "conversation_ledger"}

Record = dict[str, Any]
Argument = str | bytes

_READ = """
import json, sqlite3, sys
def plain(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
rows = sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()
print(json.dumps([[plain(value) for value in row] for row in rows]))
"""
_DUMP = """
import sqlite3, sys
sys.stdout.reconfigure(encoding="utf-8", newline="")
for line in sqlite3.connect(sys.argv[1]).iterdump():
    print(line)
"""
_CHANGE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.executescript(sys.argv[2])
connection.close()
"""


@dataclass(frozen=True)
class Ran:
    """What came of a command line."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> Record:
        """The one JSON object on stdout."""
        return _object(self.out)

    @property
    def error(self) -> Record:
        """What the JSON on stderr says went wrong."""
        error = _object(self.err)["error"]
        assert isinstance(error, dict)
        return error


def selene_command() -> list[str]:
    """How to start `selene`: the script beside this Python, or the same by hand."""
    script = shutil.which("selene", path=str(Path(sys.executable).parent))
    by_hand = "from selene_os.edges.cli.main import main; main()"
    return [script] if script else [sys.executable, "-c", by_hand]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would change an answer, and with these changes."""
    unwanted = {"NO_COLOR", "FORCE_COLOR", "SELENE_DATABASE_URL", "SELENE_KEYS"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | changes


def run(
    *arguments: Argument,
    folder: Path | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run a command line in a process of its own."""
    ran = subprocess.run(
        [*selene_command(), *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env=env or environment(),
        timeout=60,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def python(
    source: str, *arguments: str, env: Mapping[str, str] | None = None, bare: bool = False
) -> str:
    """Run a Python program in a process of its own; returns what it printed.

    Args:
        bare: it needs the standard library alone, and starts faster so.
    """
    options = ["-I", "-S"] if bare else []
    ran = subprocess.run(
        [sys.executable, *options, "-c", source, *arguments],
        capture_output=True,
        env=env or environment(),
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode()


def rows(path: Path, statement: str) -> list[list[Any]]:
    """The rows of a statement; bytes as text."""
    found = json.loads(python(_READ, str(path), statement, bare=True))
    assert isinstance(found, list)
    return found


def dump(path: Path) -> str:
    """Every table and row of a file as SQL text."""
    return python(_DUMP, str(path), bare=True)


def change(path: Path, script: str) -> None:
    """Run SQL on a file, as someone may who can write it."""
    python(_CHANGE, str(path), script, bare=True)


def whole(path: Path) -> bytes:
    """A ledger as one file's bytes, with what still stands in the log beside it."""
    change(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


@contextmanager
def counted(path: Path, added: Mapping[str, int]) -> Iterator[None]:
    """Check that a block adds so many rows to each of the listed tables, and none elsewhere."""
    before = _counts(path)
    yield
    grown = {table: count - before[table] for table, count in _counts(path).items()}
    assert grown == {table: added.get(table, 0) for table in LISTED}


def _counts(path: Path) -> dict[str, int]:
    parts = [f"SELECT '{table}', count(*) FROM {table}" for table in sorted(LISTED)]
    return {str(table): int(count) for table, count in rows(path, " UNION ALL ".join(parts))}


def _object(text: str) -> Record:
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


# The files that the first `prepare` made, a ledger and its keys; the others copy them.
_PREPARED: dict[str, bytes] = {}


class Command:
    """The command line in this process, in a folder of its own.

    Args:
        folder: where it runs; the default ledger is there.
        capsys, monkeypatch: pytest's.
    """

    def __init__(
        self,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.folder = folder
        self.path = folder / "selene.db"
        self._capsys = capsys
        monkeypatch.chdir(folder)
        for name in ("NO_COLOR", "FORCE_COLOR", "SELENE_DATABASE_URL", "SELENE_KEYS"):
            monkeypatch.delenv(name, raising=False)

    def __call__(self, *arguments: str) -> Ran:
        """Run a command line."""
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = self._capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Ran(code, out, err)

    def done(self, *arguments: str) -> Ran:
        """Run a command line that succeeds in silence on stderr."""
        ran = self(*arguments)
        assert (ran.code, ran.err) == (0, "")
        return ran

    def refused(self, *arguments: str) -> Record:
        """Run a command line that is refused; returns the error on stderr."""
        ran = self(*arguments, "--json")
        assert (ran.code, ran.out) == (2, "")
        return ran.error

    def prepare(self) -> Command:
        """Make a ledger with acme: alice in the kitchen and bob in the office."""
        if _PREPARED:
            return self.put(_PREPARED)
        self.done("init")
        self.done("tenant", "add", "acme")
        self.done("register", "--tenant", "acme", "--user", "alice", "--device", "kitchen")
        self.done("register", "--tenant", "acme", "--user", "bob", "--device", "office")
        _PREPARED.update(self.files())
        return self

    def files(self) -> dict[str, bytes]:
        """The default ledger and its keys, by name."""
        keys = (path for path in (self.folder / "selene.db.keys").rglob("*") if path.is_file())
        kept = {str(path.relative_to(self.folder)): path.read_bytes() for path in keys}
        return {"selene.db": whole(self.path), **kept}

    def put(self, files: Mapping[str, bytes]) -> Command:
        """Make the default ledger out of such files."""
        for name, content in files.items():
            (self.folder / name).parent.mkdir(mode=0o700, exist_ok=True)
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o600)
        return self

    def say(self, text: str, *options: str) -> Record:
        """Say something as alice in the kitchen; returns the answer."""
        return self.done("say", *ALICE, *options, "--json", "--", text).record
