"""Callers over kept connections, in a process of their own: `python -m bench.http_load`.

    python -m bench.http_load PORT CONNECTIONS REQUESTS < a JSON list of requests, as they are sent

They are sent in turn, again and again; in each `%(number)012d` stands for a number that no other
has. Prints one JSON object: requests a second, the 50th and 99th percentile in milliseconds, and
answers by status.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from typing import Any

import uvloop

NUMBER = b"%(number)012d"


class Caller(asyncio.Protocol):
    """One connection: a request, its answer, the next one."""

    def __init__(
        self, requests: list[bytes], numbers: itertools.count[int], until: int, waits: list[float]
    ) -> None:
        self._parts = [request.split(NUMBER) for request in requests]
        self._numbers, self._until, self._waits = numbers, until, waits
        self._buffer = b""
        self.statuses: Counter[str] = Counter()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are no subclass.
        self._transport: Any = transport
        self._next()

    def _next(self) -> None:
        number = next(self._numbers)
        if number >= self._until:
            self._transport.close()
            self.done.set_result(None)
            return
        self._began = time.perf_counter()
        self._transport.write((b"%012d" % number).join(self._parts[number % len(self._parts)]))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        self._waits.append(time.perf_counter() - self._began)
        self.statuses[head[9:12].decode()] += 1
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or EOFError("the server closed the connection"))


async def load(port: int, connections: int, requests: int, given: list[bytes]) -> dict[str, object]:
    """Send so many requests; what became of them."""
    loop = asyncio.get_running_loop()
    # The same numbers must not come again in the next run on the same ledger.
    first = time.time_ns() // 1_000_000 % 1_000_000 * 1_000_000
    numbers, waits = itertools.count(first), list[float]()
    callers: list[Caller] = []

    def made() -> Caller:
        callers.append(Caller(given, numbers, first + requests, waits))
        return callers[-1]

    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(made, "127.0.0.1", port)
    await asyncio.gather(*(caller.done for caller in callers))
    took = time.perf_counter() - began
    waits.sort()
    statuses = sum((caller.statuses for caller in callers), Counter[str]())
    return {
        "rate": requests / took,
        "p50_ms": 1_000 * waits[len(waits) // 2],
        "p99_ms": 1_000 * waits[int(0.99 * (len(waits) - 1))],
        "statuses": dict(statuses),
    }


def main() -> None:
    """As the command line says."""
    port, connections, requests = map(int, sys.argv[1:4])
    given = [request.encode() for request in json.load(sys.stdin)]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(load(port, connections, requests, given))))


if __name__ == "__main__":
    main()
