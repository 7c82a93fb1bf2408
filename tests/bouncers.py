"""PgBouncer in front of a server, pooling by transaction."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from processes import ENDINGS, PATIENCE_SECONDS, Lair, free_port, missing, popen, wait
from servers import LOGINS, SUPERUSER, PostgresServer

_CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
pidfile = {folder}/pid
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
"""


@functools.cache
def program() -> Path:
    """The PgBouncer of this machine, which CI installs where it is missing."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    if os.environ.get("CI") and os.geteuid() == 0 and not shutil.which("pgbouncer", path=path):
        for command in (["update"], ["install", "-y", "pgbouncer"]):
            subprocess.run(
                ["apt-get", "-q", *command], env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            )
    found = shutil.which("pgbouncer", path=path)
    return Path(found) if found else missing("pgbouncer is not installed")


class PgBouncer:
    """One PgBouncer in transaction mode on a TCP port; it believes any of `users`."""

    def __init__(self, server: PostgresServer, users: Sequence[str] = LOGINS) -> None:
        binary = program()
        self._lair = Lair("pid", "TERM")
        self.port = free_port()
        reach = conninfo_to_dict(server.url("postgres"))
        there = " ".join(f"{key}={reach[key]}" for key in ("host", "port") if key in reach)
        settings = _CONFIGURATION.format(server=there, port=self.port, folder=self._lair.path)
        (self._lair.path / "ini").write_text(settings)
        (self._lair.path / "users").write_text("".join(f'"{user}" ""\n' for user in users))
        self._process = popen([binary, "ini"], self._lair.path)
        ENDINGS.callback(self.stop)
        wait(self._answers, "PgBouncer starts")

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """How to reach a database of the server through it."""
        return f"postgresql://{quote(user)}@127.0.0.1:{self.port}/{quote(database)}"

    def stop(self) -> None:
        """End it, also a second time."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE_SECONDS)
        self._lair.remove()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(self._lair.log())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False
