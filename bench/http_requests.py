"""What HTTP costs: processor time of a request, the server's own part and with a whole turn.

    python -m bench.http_requests

`own` answers with a record that is ready; `turn` takes turns on a file; `fastapi` is the peer, the
same body and answer by a FastAPI endpoint with the same models, its key checked as a dependency.
`socket` is uvicorn with uvloop and httptools in a process of its own, asked over keep-alive.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import uvloop

import selene_os
import selene_os.edges.surroundings
from selene_os.edges.http.api import Api, Settings
from selene_os.edges.http.app import OPERATIONS, create_app
from selene_os.edges.http.models import TakeTurn
from selene_os.edges.http.operations import Call, Deployment, Operation, Reply, replied

REQUESTS: Final = 4_000
TOKEN: Final = f"sel_acme_{'k' * 12}_{'s' * 43}"
BODY: Final = json.dumps(
    {"user_id": "alice", "device_id": "kitchen", "text": "remind me to call mom tomorrow at 5 pm"}
).encode()
HEADERS: Final = [
    (b"host", b"localhost"),
    (b"user-agent", b"bench"),
    (b"accept", b"*/*"),
    (b"authorization", f"Bearer {TOKEN}".encode()),
    (b"content-type", b"application/json"),
    (b"content-length", str(len(BODY)).encode()),
]
LIMITS: Final = Settings(requests_per_s=1e9, burst=1_000_000_000)


class Known(NamedTuple):
    """A key that is known."""

    tenant_id: str
    key_id: str
    scopes: frozenset[str]


KNOWN: Final = Known("acme", "k" * 12, frozenset(["write"]))
RECORD: dict[str, Any] = {}


def check(token: str) -> Known | None:
    """The one key."""
    return KNOWN if token == TOKEN else None


def ready(call: Call) -> Reply:
    """An answer that costs nothing but its JSON."""
    return replied(RECORD, 201)


def own(selene: selene_os.Selene) -> Api:
    """The server without turn and ledger."""
    rows: tuple[Operation, ...] = tuple(
        Operation(one.name, one.method, one.path, one.scopes, ready, "", body=one.body, keyed=True)
        if one.name == "takeTurn"
        else one
        for one in OPERATIONS
    )
    deployment = Deployment(selene, time.time_ns)
    event_id = selene_os.edges.surroundings.system().event_id
    return Api(
        deployment, rows, check=check, note=lambda _: None, settings=LIMITS, event_id=event_id
    )


def fastapi_app() -> Any:
    """The peer."""
    from fastapi import Depends, FastAPI, Header, HTTPException

    def known(authorization: str = Header()) -> Known:
        found = check(authorization.removeprefix("Bearer "))
        if found is None:
            raise HTTPException(401)
        return found

    async def aware(authorization: str = Header()) -> Known:
        return known(authorization)

    app = FastAPI()

    async def take(tenant_id: str, body: TakeTurn, key: Known) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lambda: RECORD)

    # Their types are names until they are looked up, and these are local.
    take.__annotations__ = {
        "tenant_id": str,
        "body": TakeTurn,
        "key": Annotated[Known, Depends(aware)],
        "return": Any,
    }
    aware.__annotations__ = {"authorization": str, "return": Known}
    app.post("/v1/tenants/{tenant_id}/turns", status_code=201)(take)
    return app


async def asked(app: Any, count: int) -> None:
    """Requests one after another, without a socket."""
    statuses = set()
    path = "/v1/tenants/acme/turns"

    async def receive() -> Any:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.add(message["status"])

    for _ in range(count):
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
            "root_path": "", "headers": list(HEADERS), "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }  # fmt: skip
        await app(scope, receive, send)
    assert statuses == {201}, statuses


def cpu_us(app: Any, count: int = REQUESTS) -> float:
    """Processor time of a request in microseconds, the best of three."""

    async def measured() -> float:
        await asked(app, 200)
        best = float("inf")
        for _ in range(3):
            before = time.process_time()
            await asked(app, count)
            best = min(best, (time.process_time() - before) / count)
        return best * 1e6

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measured())


def serve(path: str, port: int, told: Any) -> None:
    """uvicorn on the app, in a process of its own."""
    import uvicorn

    selene = selene_os.open(path)
    app = create_app(selene, check=check, note=lambda _: None, settings=LIMITS)
    config = uvicorn.Config(
        app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
    server = uvicorn.Server(config)
    threading.Thread(target=lambda: (told.recv(), setattr(server, "should_exit", True))).start()
    server.run()
    used = resource.getrusage(resource.RUSAGE_SELF)
    told.send(used.ru_utime + used.ru_stime)
    selene.close()


def over_socket(path: str, clients: int, each: int) -> tuple[float, float]:
    """Processor time of a turn in the server's process in microseconds, and turns a second."""
    port = 18_471
    used = []
    rate = 0.0
    for count in (0, each):
        here, there = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(path, port, there)
        )
        process.start()
        _wait(port)
        began = time.perf_counter()
        threads = [threading.Thread(target=_ask, args=(port, count)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = clients * count / (time.perf_counter() - began)
        here.send(None)
        used.append(here.recv())
        process.join()
    return (used[1] - used[0]) / (clients * each) * 1e6, rate


def _ask(port: int, count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {name.decode(): value.decode() for name, value in HEADERS[3:]}
    for _ in range(count):
        connection.request("POST", "/v1/tenants/acme/turns", BODY, headers)
        assert connection.getresponse().read()


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/readyz")
            if connection.getresponse().read():
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not begin")


def main(say: Callable[[str], object] = print) -> None:
    """Measure, and print a line each."""
    path = str(Path(tempfile.mkdtemp()) / "bench.db")
    with selene_os.open(path, create=True) as selene:
        selene.add_tenant("acme")
        tenant = selene.tenant("acme")
        tenant.register("alice", "kitchen")
        app = create_app(selene, check=check, note=lambda _: None, settings=LIMITS)
        RECORD.update(tenant.take_turn("alice", "kitchen", "remind me").result.as_record())

        def library() -> float:
            before = time.process_time()
            for _ in range(500):
                tenant.take_turn("alice", "kitchen", "remind me to call mom tomorrow at 5 pm")
            return (time.process_time() - before) / 500 * 1e6

        library()
        say(f"own      {cpu_us(own(selene)):7.0f} us")
        say(f"fastapi  {cpu_us(fastapi_app()):7.0f} us")
        say(f"library  {library():7.0f} us a turn, without HTTP")
        say(f"turn     {cpu_us(app, 1_000):7.0f} us")
    if "--socket" in sys.argv:
        for clients in (1, 16):
            used, rate = over_socket(path, clients, 2_000 // clients)
            say(f"socket   {used:7.0f} us a turn, {rate:.0f} turns/s, {clients} connections")


if __name__ == "__main__":
    main()
