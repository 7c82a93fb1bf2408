"""`selene serve` as it is deployed, asked over kept connections by another process.

Each figure against its bound. The server's processor time is the kernel's own count of it, before
and behind a round; the ledger is a file that is durable, and for batches a PostgreSQL server.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import selene_os
from bench import http_requests
from bench.nlp_clock import lines_of
from bench.rounds import Effort, note, say
from bench.table import Bound, Figure, Unmeasured, compare
from selene_os.edges.apikeys import IMPLIED, make_key
from selene_os.edges.databases import database
from selene_os.names import TenantId

CONNECTIONS: Final = 64
TURN_CPU_US: Final = 900.0
TURNS_PER_S: Final = 700.0
OWN_US: Final = 250.0
ROWS_PER_S: Final = 5_000.0
TRACES_PER_S: Final = 1_500.0
MEMORY_MIB: Final = 150.0
GROWTH: Final = 1.1
_BATCH: Final = 100
_QUICK_ROUNDS: Final = 3
_QUICK_REQUESTS: Final = 20_000
_WARM_UP: Final = 60_000
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SERVE: Final = "from selene_os.edges.cli.main import main; main()"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and a key that may do all."""

    pid: int
    port: int
    key: str

    def cpu_s(self) -> float:
        """Processor time that it took so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mib(self) -> float:
        """What of it is in memory."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) / 1_024

    def load(self, requests: int, method: str, path: str, *bodies: Any) -> dict[str, Any]:
        """Ask so often, with one body after the other; what became of it."""
        given = [self._request(method, path, body) for body in bodies or (None,)]
        command = [sys.executable, "-m", "bench.http_load", self.port, CONNECTIONS, requests]
        done = subprocess.run(
            list(map(str, command)),
            input=json.dumps(given).encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        told: dict[str, Any] = json.loads(done.stdout)
        if not set(told["statuses"]) <= {"200", "201"}:
            raise Unmeasured(f"{path} was answered {told['statuses']}")
        return told

    def _request(self, method: str, path: str, body: Any) -> str:
        # In ASCII alone: as many bytes as characters.
        content = "" if body is None else json.dumps(body)
        head = [
            f"{method} /v1/tenants/acme/{path} HTTP/1.1",
            "host: localhost",
            f"authorization: Bearer {self.key}",
        ]
        if content:
            head += [
                "content-type: application/json",
                f"content-length: {len(content)}",
                "idempotency-key: load-%(number)012d",
            ]
        return "\r\n".join([*head, "", content])


@contextmanager
def served(url: str, keys: str | None = None) -> Iterator[Server]:
    """A ledger with acme, served by one process."""
    with serving(url, made(url, keys), keys) as server:
        yield server


def made(url: str, keys: str | None = None) -> str:
    """Make a ledger with acme, alice, her kitchen and her morning; returns a key of acme's."""
    with selene_os.open(url, create=True, keys=keys) as selene:
        selene.add_tenant("acme")
        selene.tenant("acme").register("alice", "kitchen", "morning")
    store = database(url, keys).bare()
    row, key = make_key(TenantId("acme"), tuple(IMPLIED), time.time_ns())
    store.access.add_api_key(row)
    store.close()
    return key


@contextmanager
def serving(url: str, key: str, keys: str | None = None) -> Iterator[Server]:
    """A ledger that is there, served by one process."""
    limits = {"SELENE_REQUESTS_PER_S": "1000000", "SELENE_BURST": "1000000"}
    chosen = {"SELENE_DATABASE_URL": url, **({} if keys is None else {"SELENE_KEYS": keys})}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE, "serve", "--port", "0", "--drain", "0s"],
        env=os.environ | limits | chosen,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        if found is None:
            raise Unmeasured("the server does not begin")
        try:
            yield Server(process.pid, int(found[1]), key)
        finally:
            process.send_signal(signal.SIGTERM)


def figures(effort: Effort) -> list[Figure]:
    """Turns, the server's own part, traces, memory; and batches where PostgreSQL can be had."""
    with tempfile.TemporaryDirectory() as folder, served(f"{folder}/bench.db") as server:
        found = [*_turns(server, effort), *_traces(server, effort), *_memory(server, effort)]
        found.append(_own(f"{folder}/own.db", effort))
    found.append(_batches(effort))
    return found


def _turn(text: str) -> dict[str, str]:
    return {"user_id": "alice", "device_id": "kitchen", "text": text}


def _said() -> list[dict[str, str]]:
    """Turns of all kinds: what people ask for, and what is only talk."""
    return [_turn(text) for text in lines_of("nlp_utterances.txt")]


def _turns(server: Server, effort: Effort) -> list[Figure]:
    bodies, count = _said(), effort.commits
    server.load(500, "POST", "turns", *bodies)
    cpu, rate, p99 = [], [], []
    for _ in range(effort.rounds):
        before = server.cpu_s()
        told = server.load(count, "POST", "turns", *bodies)
        cpu.append(1e6 * (server.cpu_s() - before) / count)
        rate.append(told["rate"])
        p99.append(told["p99_ms"])
    say(f"turns over HTTP: p99 {' '.join(f'{one:.0f}' for one in p99)} ms")
    note(f"{CONNECTIONS} connections: a turn's p99 is {sorted(p99)[len(p99) // 2]:.0f} ms")
    return [
        _most("turn over HTTP, server's processor: the limit", "us", cpu, TURN_CPU_US),
        _least("turns over HTTP, 64 connections: the aim", "1/s", rate, TURNS_PER_S),
    ]


def _traces(server: Server, effort: Effort) -> list[Figure]:
    talk = "1" * 32
    server.load(1, "POST", "turns", _turn("remind me to call mom") | {"correlation_id": talk})
    path = f"conversations/{talk}"
    server.load(500, "GET", path)
    rate = [server.load(effort.traces, "GET", path)["rate"] for _ in range(effort.rounds)]
    return [_least("traces over HTTP, 64 connections: the aim", "1/s", rate, TRACES_PER_S)]


def _memory(server: Server, effort: Effort) -> list[Figure]:
    quick = effort.rounds <= _QUICK_ROUNDS
    requests = _QUICK_REQUESTS if quick else effort.memory_rows
    bodies = _said()
    # Until what each thread's connection keeps of the file's pages is full.
    server.load(_WARM_UP, "POST", "turns", *bodies)
    before = server.memory_mib()
    for _ in range(10):
        server.load(requests // 10, "POST", "turns", *bodies)
    after = server.memory_mib()
    say(f"memory of the server: {before:.0f} MiB, {after:.0f} behind {requests:,} turns")
    return [
        _most("server's memory: the limit", "MiB", [after], MEMORY_MIB),
        _most(f"server's memory behind {requests:,} turns: before", "MiB", [after], before, GROWTH),
    ]


def _own(path: str, effort: Effort) -> Figure:
    with selene_os.open(path, create=True) as selene:
        selene.add_tenant("acme")
        tenant = selene.tenant("acme")
        tenant.register("alice", "kitchen")
        answer = tenant.take_turn("alice", "kitchen", "remind me")
        http_requests.RECORD.update(answer.result.as_record())
        own = http_requests.own(selene)
        taken = [http_requests.cpu_us(own, effort.commits) for _ in range(effort.rounds)]
    return _most("request without turn and ledger: the limit", "us", taken, OWN_US)


def _batches(effort: Effort) -> Figure:
    try:
        from bench.postgres_server import Server as Postgres
    except ImportError as error:
        raise Unmeasured(f"{error}: pip install -r requirements/bench.txt") from error
    one = {
        "decision": {"kind": "CHAT", "reason_code": "NLP_CHAT_DEFAULT"},
        "user_id": "alice",
        "device_id": "kitchen",
    }
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory())
        postgres = opened.enter_context(Postgres())
        server = opened.enter_context(served(postgres.database("http"), f"{folder}/keys"))
        body, count = {"decisions": [one] * _BATCH}, max(64, effort.batches * 8)
        server.load(16, "POST", "decisions/batch", body)
        rows = [
            _BATCH * server.load(count, "POST", "decisions/batch", body)["rate"]
            for _ in range(effort.rounds)
        ]
    return _least("rows in batches of 100, PostgreSQL: the aim", "1/s", rows, ROWS_PER_S)


def _most(measure: str, unit: str, ours: list[float], limit: float, most: float = 1.0) -> Figure:
    return compare(measure, unit, ours, [limit] * len(ours), Bound(most=most))


def _least(measure: str, unit: str, ours: list[float], aim: float) -> Figure:
    return compare(measure, unit, ours, [aim] * len(ours), Bound(least=1.0))
