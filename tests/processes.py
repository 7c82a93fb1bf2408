"""Programs that tests run in the background, under an account that may, gone when we are."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import pytest

PATIENCE_SECONDS: Final = 60
MEMORY_MIN: Final = 2 * 2**30

# What ends everything that was begun, the newest first; the session's end calls it as well.
ENDINGS: Final = contextlib.ExitStack()
end_all: Final = ENDINGS.close
atexit.register(end_all)

# Waits until this process is gone or says so, then leaves nothing of ours behind.
_GUARD: Final = """
read -r _
test -f "$1/$2" && kill "-$3" "$(head -n 1 "$1/$2")" && sleep 1
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"""


def missing(reason: str) -> NoReturn:
    """A backend is not there: a skip for a developer, a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI tests every backend", pytrace=False)
    pytest.skip(reason)


def wait(done: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.005)


@functools.cache
def account() -> pwd.struct_passwd | None:
    """Whom servers run as where the tests are root: PostgreSQL and PgBouncer refuse to be."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError("tests that run as root need a user postgres or nobody")


def popen(
    command: Sequence[object], folder: Path, log: str = "log", *, stdin: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a program as that account; in a session of its own, so that Ctrl-C is ours alone."""
    theirs = account()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    with (folder / log).open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=variables | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=theirs.pw_uid if theirs else None,
            group=theirs.pw_gid if theirs else None,
            extra_groups=[] if theirs else None,
        )


def _room() -> str:
    """In memory where there is room: making a database is 10 to 20 times as fast as on a disk."""
    with contextlib.suppress(OSError):
        memory = os.statvfs("/dev/shm")
        if os.access("/dev/shm", os.W_OK) and memory.f_bavail * memory.f_frsize > MEMORY_MIN:
            return "/dev/shm"
    return "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()


class Lair:
    """A short folder of the servers' account, gone with this process, with what runs in it.

    Short because a unix socket's path has about 100 bytes.
    """

    def __init__(self, pid_file: str = "pid", stop_by: str = "KILL", room: str = "") -> None:
        self.path = Path(tempfile.mkdtemp(prefix="selene-", dir=room or _room()))
        self.pid_file = self.path / pid_file
        if theirs := account():
            os.chown(self.path, theirs.pw_uid, theirs.pw_gid)
        guard = ["sh", "-c", _GUARD, "guard", self.path, pid_file, stop_by]
        self._guard = popen(guard, self.path, stdin=subprocess.PIPE)

    def log(self) -> str:
        """The end of what was logged."""
        return (self.path / "log").read_text(errors="replace")[-4000:]

    def remove(self) -> None:
        """Remove it, also a second time; whatever ran in it has been stopped."""
        if self._guard.poll() is not None:
            return
        self.pid_file.unlink(missing_ok=True)  # Its number may be another's by now.
        self._guard.communicate()


def free_port() -> int:
    """A free TCP port; not one that outgoing connections take, for it must outlast a restart."""
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def children(pid: int) -> set[int]:
    """The living processes that a process started; each of PostgreSQL's is a group of its own."""
    command = ["ps", "-axo", "pid=,ppid=,stat="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return {int(child) for child, parent, state in rows if int(parent) == pid and state[0] != "Z"}


def alive(pid: int) -> bool:
    """Whether a process runs; not one that is dead and that nobody has asked about."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return bool(state) and state[0] != "Z"
