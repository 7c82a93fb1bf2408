"""`selene serve`: its settings, its door, and the processes behind it.

One process is the rule: SQLite has one writer in any case, and in one process the commits of many
requests share a transaction. With several, this one opens the door, starts them, seals, starts one
again that died, and ends when they have.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Final

from selene_os.edges import logs, settings, working
from selene_os.edges.configuration import every_s, networks, one_of, span_s, whole
from selene_os.edges.databases import database
from selene_os.edges.first_token import FirstToken
from selene_os.edges.http.api import Settings
from selene_os.edges.working import Serving
from selene_os.errors import BadField, Fault
from selene_os.remembering import INTENTS

OFF: Final = "off"
_BACKLOG: Final = 2_048
_WORKERS_MAX: Final = 64
_WAIT_MIN_S: Final = 0.05
# A process that dies so soon died of what the next one would die of.
_SOON_S: Final = 5.0
_DEATHS_MAX: Final = 3
_log: Final = logging.getLogger("selene.server")


def serving_of(found: Mapping[str, str], url: str, keys: str | None) -> Serving:
    """How to serve, by the settings that count. Raises BadField: which of them is wrong."""

    def of(name: str) -> str:
        return found.get(name) or settings.DEFAULTS[name]

    def number(name: str, least: int, most: int) -> int:
        return whole(_short(name), of(name), least, most)

    every = of(settings.SEAL_EVERY)
    threads = number(settings.THREADS, 1, 1_000)
    return Serving(
        url,
        keys,
        settings.pack_directories((), found),
        of(settings.HOST),
        number(settings.PORT, 0, 65_535),
        networks("trusted_proxies", found.get(settings.TRUSTED_PROXIES, "")),
        number(settings.WORKERS, 1, _WORKERS_MAX),
        None if every == OFF else every_s(every),
        found.get(settings.CHECKPOINT_HOOK),
        one_of("log_format", of(settings.LOG_FORMAT), logs.FORMATS),
        one_of("metrics", of(settings.METRICS), ("on", OFF)) == "on",
        found.get(settings.OTEL, "") not in ("", "0", OFF),
        span_s("drain", of(settings.DRAIN)),
        one_of("one_processor", of(settings.ONE_PROCESSOR), ("on", OFF)) == "on",
        INTENTS if one_of("allow", of(settings.ALLOW), ("memory", OFF)) == "memory" else (),
        Settings(
            threads=threads,
            waiting_max=number(settings.WAITING_MAX, threads, 1_000_000),
            requests_per_s=float(number(settings.REQUESTS_PER_S, 1, 10_000_000)),
            burst=number(settings.BURST, 1, 10_000_000),
            body_wait_s=span_s("body_wait", of(settings.BODY_WAIT), _WAIT_MIN_S),
            answer_wait_s=span_s("answer_wait", of(settings.ANSWER_WAIT), _WAIT_MIN_S),
            key_kept_s=span_s("key_kept", of(settings.KEY_KEPT)),
        ),
    )


def _short(name: str) -> str:
    return name.removeprefix("SELENE_").lower()


def run(serving: Serving, say: Callable[[str], object]) -> None:
    """Serve until a signal comes.

    Args:
        say: told where it is, and the link by which the first operator is made.

    Raises:
        BadField: it cannot listen there. SeleneError: the ledger cannot be used.
    """
    _allow_connections()
    first = _first_token(serving)
    with _listening(serving.host, serving.port) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        say(f"Selene serves {address}, its API as {address}/docs tells. Ctrl-C ends it.")
        if first is not None:
            say(
                "There is no operator yet. Make the first one within the hour, by this link, once:"
                f"\n{address}/console/setup?token={first.text}"
            )
        if serving.workers == 1:
            working.work(serving, listener, first, seals=True)
        else:
            _Crew(serving, listener, first).run()


def _first_token(serving: Serving) -> FirstToken | None:
    """Before anything is served: also whether there is a ledger that can be used."""
    store = database(serving.url, serving.keys).open()
    try:
        return None if store.access.operators() else FirstToken()
    finally:
        store.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server(found[0][4][:2], family=found[0][0], backlog=_BACKLOG)
    except OSError as error:
        why = error.strerror or str(error)
        raise BadField(
            "port",
            f"{port} of {host} cannot be listened on ({why})",
            "Stop what listens there, or give another one with --port.",
        ) from error


def _allow_connections() -> None:
    """Each connection is a file that is open, and most systems begin with 1,024 of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        most = hard if hard != resource.RLIM_INFINITY else 65_536
        # Where it is not allowed, fewer must do.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


class _Crew:
    """Several processes on one listening socket."""

    def __init__(self, serving: Serving, listener: socket.socket, first: FirstToken | None) -> None:
        self._serving = serving
        self._listener = listener
        self._first = first
        self._context = multiprocessing.get_context("spawn")
        self._leaving = threading.Event()
        self._begun: dict[SpawnProcess, float] = {}
        self._deaths = 0

    def run(self) -> None:
        """Until a signal comes. Raises Fault: they die as soon as they begin."""
        logs.configure(self._serving.log_format)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._leaving.set())
        with ExitStack() as open_things:
            if self._serving.metrics:
                folder = open_things.enter_context(tempfile.TemporaryDirectory(prefix="selene-"))
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            metrics = working.metrics_of(self._serving)
            store = database(self._serving.url, self._serving.keys).open()
            open_things.callback(store.close)
            # Behind the others' end, which comes first.
            open_things.enter_context(working.sealed(self._serving, store, metrics))
            open_things.callback(self._end)
            for _ in range(self._serving.workers):
                self._start()
            while not self._leaving.is_set():
                self._look()
        _log.info("ended")

    def _start(self) -> None:
        process = self._context.Process(
            target=_work, args=(self._serving, self._listener, self._first)
        )
        process.start()
        self._begun[process] = time.monotonic()

    def _look(self) -> None:
        """Start again what died; what a signal interrupts is looked at again."""
        wait([one.sentinel for one in self._begun], 0.2)
        for process in [one for one in self._begun if not one.is_alive()]:
            lived_s = time.monotonic() - self._begun.pop(process)
            if self._leaving.is_set():
                return
            _log.error("a process ended by itself", extra={"status": process.exitcode})
            self._deaths = self._deaths + 1 if lived_s < _SOON_S else 0
            if self._deaths >= _DEATHS_MAX:
                raise Fault("the server's processes end as soon as they begin", "See the log.")
            self._start()

    def _end(self) -> None:
        for process in self._begun:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGTERM)
        for process in self._begun:
            process.join()


def _work(serving: Serving, listener: socket.socket, first: FirstToken | None) -> None:
    """One of several processes; it ends when the one that started it has."""
    threading.Thread(target=_follow, daemon=True).start()
    working.work(serving, listener, first, seals=False)


def _follow() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
