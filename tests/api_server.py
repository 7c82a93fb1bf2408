"""The API in a process of its own, on a file: a program, and what starts and ends it.

As a program it prints the port once it listens, and serves until its standard input ends.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from command import environment


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server with tenant acme, alice in the kitchen; gives its address."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def main(folder: Path) -> None:
    """Serve."""
    import uvicorn

    from ledgers import Ledger, SqliteDatabase
    from serving import Served

    ledger = Ledger(SqliteDatabase(folder))
    served = Served(ledger, memory=True)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(served.app, log_level="critical"))

    def wait_for_the_end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listener])
    served.close()
    ledger.store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
