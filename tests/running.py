"""`selene serve` in a process of its own, and callers that do not stop asking."""

from __future__ import annotations

import http.client
import json
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import selene_os
from command import environment, selene_command
from selene_os.edges.apikeys import IMPLIED, make_key
from selene_os.edges.databases import database
from selene_os.names import TenantId

PATIENCE_S = 30
NOON = "2026-11-21T09:30+01:00"


class Told(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The content, which must be JSON."""
        return json.loads(self.content)


def ledger(folder: Path) -> str:
    """Make a ledger with acme and alice in the kitchen; returns a key that may do all."""
    url = str(folder / "selene.db")
    with selene_os.open(url, create=True) as selene:
        selene.add_tenant("acme")
        selene.add_tenant("globex")
        selene.tenant("acme").register("alice", "kitchen", "morning")
    return key_of(url, tuple(IMPLIED))


def key_of(url: str, scopes: tuple[str, ...], tenant: str = "acme") -> str:
    """A new key of the ledger."""
    store = database(url).bare()
    try:
        row, text = make_key(TenantId(tenant), scopes, time.time_ns())
        assert store.access.add_api_key(row)
    finally:
        store.close()
    return text


class Running:
    """A server that runs.

    Attributes:
        said: what it printed until it listened. port: where. folder: where it runs.
    """

    def __init__(self, folder: Path, *options: str, key: str = "", **variables: str) -> None:
        self.folder = folder
        self.key = key
        self._log = folder / "server.log"
        env = environment(SELENE_DATABASE_URL=str(folder / "selene.db"), **variables)
        command = [*selene_command(), "serve", "--drain", "0s", *options]
        if "--port" not in options:
            command += ["--port", "0"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=log
            )
        self.said = ""
        self.port = self._await()

    def _await(self) -> int:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        found = re.search(r"http://[^ ]*:(\d+)[, ]", line)
        assert found, line + self.log()
        self.said = line
        until = time.monotonic() + PATIENCE_S
        port = int(found[1])
        while time.monotonic() < until:
            try:
                if ask(port, "GET", "/readyz").status == 200:
                    return port
            except OSError:
                time.sleep(0.02)
        raise TimeoutError(self.log())

    def rest(self) -> str:
        """What else it printed; it must have ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read().decode()

    def log(self) -> str:
        """What it logged so far."""
        return self._log.read_text()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """One request: below acme's room, or of a path that begins with a slash."""
        whole = path if path.startswith("/") else f"/v1/tenants/acme/{path}"
        return ask(self.port, method, whole, body, self.key if key is None else key, headers)

    def turn(self, key: str, text: str = "remind me to call mom tomorrow at 5 pm") -> Told:
        """A turn of alice's, under an idempotency key."""
        return self.ask("POST", "turns", said(text), headers={"idempotency-key": key})

    def end(self, how: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)


@contextmanager
def running(folder: Path, *options: str, key: str = "", **variables: str) -> Iterator[Running]:
    """A server, ended with the block if it did not end before."""
    server = Running(folder, *options, key=key, **variables)
    try:
        yield server
    finally:
        server.end()
        assert server.process.stdout is not None
        server.process.stdout.close()


def said(text: str) -> dict[str, str]:
    """A body of POST turns."""
    return {"user_id": "alice", "device_id": "kitchen", "text": text, "now": NOON}


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    key: str = "",
    headers: Mapping[str, str] | None = None,
) -> Told:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        return asked(connection, method, path, body, key, headers)
    finally:
        connection.close()


def asked(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    key: str = "",
    headers: Mapping[str, str] | None = None,
) -> Told:
    """One request on a connection that is kept."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = dict(headers or {})
    if key:
        given["authorization"] = f"Bearer {key}"
    if content is not None:
        given.setdefault("content-type", "application/json")
    connection.request(method, path, content, given)
    answer = connection.getresponse()
    return Told(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


class Load:
    """Callers that take turns without a pause, each under a key of its own.

    Attributes:
        acknowledged: idempotency key -> event id, of each 201. sent: every key that was sent.
    """

    def __init__(self, server: Running, callers: int = 16) -> None:
        self.acknowledged: dict[str, str] = {}
        self.sent: set[str] = set()
        self.others: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._server = server
        self._threads = [threading.Thread(target=self._call, args=(n,)) for n in range(callers)]
        for thread in self._threads:
            thread.start()

    def _call(self, caller: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=PATIENCE_S)
        number = 0
        while True:
            number += 1
            name = f"caller-{caller}-{number}"
            self.sent.add(name)
            try:
                told = asked(
                    connection,
                    "POST",
                    "/v1/tenants/acme/turns",
                    said("remind me to call mom tomorrow at 5 pm"),
                    self._server.key,
                    {"idempotency-key": name},
                )
            except (OSError, http.client.HTTPException, ValueError):
                # The server is gone; what was not answered may have happened.
                connection.close()
                return
            if told.status == 201:
                self.acknowledged[name] = told.json["event_id"]
            else:
                self.others.put(told.status)

    def join(self) -> None:
        """Wait until the server's end has ended all callers."""
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
