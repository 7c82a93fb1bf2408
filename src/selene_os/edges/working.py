"""One process of a server: the ledger it opens, the app on it, and how it comes to its end.

Its end, in this order: /readyz says that it is about to end, for as long as it drains; nobody is
let in any more; what was accepted is finished; what is committed is sealed; the ledger is closed.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from socket import socket
from types import FrameType
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from selene_os.edges import key_directory, logs, packs, sealing, signing_keys
from selene_os.edges.apikeys import EXPIRED, REVOKED, ApiKeys
from selene_os.edges.console.routes import console_routes
from selene_os.edges.databases import database
from selene_os.edges.first_token import FirstToken
from selene_os.edges.http.api import Api, Settings
from selene_os.edges.http.app import create_app
from selene_os.edges.http.auth import Check, Ended
from selene_os.edges.http.outcomes import Outcome, Watch
from selene_os.edges.library import Selene
from selene_os.edges.processors import one_processor
from selene_os.edges.protocol import Protocol
from selene_os.edges.surroundings import system
from selene_os.gates import Listed
from selene_os.ledger.access import Access
from selene_os.ledger.events import CheckpointRow
from selene_os.ledger.store import Store
from selene_os.names import TenantId
from selene_os.proof.sealer import Sealer
from selene_os.remembering import Ports

if TYPE_CHECKING:
    from selene_os.edges.metrics import Metrics

_KEEP_ALIVE_S: Final = 65
# uvicorn's.
_TICKS_PER_S: Final = 10
# How a key ended, as an access event says it.
_ENDED: Final = {REVOKED: "KeyRevoked", EXPIRED: "KeyExpired"}
_log: Final = logging.getLogger("selene.server")


@dataclass(frozen=True, slots=True)
class Serving:
    """How a ledger is served.

    Attributes:
        url: the ledger's address. keys: the directory of its keys; None for the database's default.
        packs: directories. host, port: where it listens. workers: processes.
        proxies: addresses and networks whose word of a visitor's scheme and address is believed.
        seal_every_s: None where somebody else seals. hook: takes checkpoints.
        log_format: one of logs.FORMATS. metrics: whether /metrics is there. otel: whether spans go.
        drain_s: how long /readyz says no before the door is shut.
        one_processor: whether a process keeps to one, where it can.
        allowed: intents that may be acted on once they are confirmed.
        limits: of the API.
    """

    url: str
    keys: str | None = None
    packs: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8100
    proxies: tuple[str, ...] = ()
    workers: int = 1
    seal_every_s: float | None = 1.0
    hook: str | None = None
    log_format: str = logs.TEXT
    metrics: bool = True
    otel: bool = False
    drain_s: float = 1.0
    one_processor: bool = True
    allowed: tuple[str, ...] = ()
    limits: Settings = field(default_factory=Settings)


class Known(NamedTuple):
    """A key that is good."""

    tenant_id: TenantId
    key_id: str
    scopes: frozenset[str]


def checker(access: Access) -> Check:
    """What tells the key of a token, by those that a ledger has."""
    keys = ApiKeys(access)

    def check(token: str) -> Known | Ended | None:
        row, why, ended = keys.check(token)
        if ended is not None and why is not None:
            return Ended(ended.tenant_id, ended.key_id, _ENDED[why])
        if row is None:
            return None
        return Known(row.tenant_id, row.key_id, frozenset(row.scopes.split(" ")))

    return check


def app_of(
    serving: Serving,
    store: Store,
    first: FirstToken | None = None,
    metrics: Metrics | None = None,
    watches: tuple[Watch, ...] = (),
) -> Starlette:
    """The app on a ledger that is open.

    `app.state.store` is the ledger, `app.state.first_token` what makes the first operator, or None.

    Raises:
        PackInvalid: a pack is refused.
    """
    around = system()
    listed = Listed(serving.allowed)
    selene = Selene(store, around, packs.load(serving.packs), Ports(listed, listed))
    routes: list[BaseRoute] = console_routes(
        selene,
        store,
        clock=around.clock,
        event_id=around.event_id,
        key=_session_key(serving),
        first_token=None if first is None else first.take,
        metrics=None if metrics is None else metrics.commits,
    )
    if metrics is not None:
        routes.append(Route("/metrics", _telling(metrics, store)))
    app = create_app(
        selene,
        check=checker(store.access),
        note=store.access.append_access,
        settings=serving.limits,
        clock=around.clock,
        event_id=around.event_id,
        access_events=store.access.access_events,
        seal=_seal_of(serving, store, metrics),
        routes=routes,
        watch=_all_of(watches),
    )
    app.state.store = store
    app.state.first_token = first
    return app


def _session_key(serving: Serving) -> bytes:
    """What signs the console's sessions: the same in every process, and after a restart."""
    root = key_directory.read_root(str(directory_of(serving)))
    return hmac.digest(root, b"selene console sessions", "sha256")


def _all_of(watches: tuple[Watch, ...]) -> Watch:
    if len(watches) == 1:
        return watches[0]

    def watch(outcome: Outcome) -> None:
        for one in watches:
            one(outcome)

    return watch


def _telling(metrics: Metrics, store: Store) -> Callable[[Request], object]:
    from selene_os.edges.metrics import MEDIA_TYPE

    async def answer(_request: Request) -> Response:
        text = await run_in_threadpool(metrics.text, store)
        return Response(text, media_type=MEDIA_TYPE)

    return answer


# ---- sealing


def directory_of(serving: Serving) -> Path:
    """Where the keys are."""
    return Path(database(serving.url, serving.keys).keys)


def _sealer(serving: Serving, store: Store, metrics: Metrics | None) -> Sealer:
    made = sealing.sealer_of(store, directory_of(serving), time.time_ns)
    return made if metrics is None else metrics.sealer(made)


def _seal_of(
    serving: Serving, store: Store, metrics: Metrics | None
) -> Callable[[TenantId], int] | None:
    """What seals one tenant when it is asked for; None where the signing key is elsewhere."""
    if not signing_keys.there(directory_of(serving)):
        return None
    # Another one than the thread's: what the one seals the other leaves.
    return _sealer(serving, store, metrics).seal_tenant


@contextmanager
def sealed(
    serving: Serving, store: Store, metrics: Metrics | None, begun_in: sealing.Begun = nullcontext
) -> Iterator[None]:
    """Seal again and again in a thread, and once more at the end.

    Args:
        begun_in: what the hook's command is started in.

    Raises:
        KeysMissing: the signing key is not there, and sealing is not off. BadField: the hook.
    """
    if serving.seal_every_s is None:
        yield
        return
    every_s, stop = serving.seal_every_s, threading.Event()
    sealer = _sealer(serving, store, metrics)
    hook = sealing.Hook(serving.hook, begun_in=begun_in)

    def work() -> None:
        while True:
            try:
                sealing.run(sealer, every_s, stop, _tell_sealed, _tell_unsealed, hook)
                return
            except Exception as error:
                # A defect must not end sealing for good, and not without a word.
                _log.error("sealing failed", extra={"code": logs.told(error)})
                if stop.wait(every_s):
                    return

    thread = threading.Thread(target=work, name="selene-sealer")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _tell_sealed(row: CheckpointRow, count: int) -> None:
    _log.debug("sealed", extra={"tenant_id": row.tenant_id, "rows": count, "size": row.size})


def _tell_unsealed(fault: Exception) -> None:
    _log.error("%s", fault)


# ---- the process


class Server(uvicorn.Server):
    """A server that says that it ends before it does.

    Args:
        drain_s: how long.
        each_second: called once a second.
    """

    def __init__(
        self, config: uvicorn.Config, api: Api, drain_s: float, each_second: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._api = api
        self._drain_s = drain_s
        self._each_second = each_second
        self._ends_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: the first lets it drain, the second not, the third waits for nobody."""
        # Not uvicorn's, which raises the signal again once it is done; something is left to do.
        if self.should_exit:
            self.force_exit = True
        elif self._api.leaving:
            self.should_exit = True
        else:
            self._api.leaving = True
            self._ends_at = time.monotonic() + self._drain_s

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to end, asked ten times a second."""
        if await super().on_tick(counter):
            return True
        if counter % _TICKS_PER_S == 0:
            self._each_second()
        return self._ends_at is not None and time.monotonic() >= self._ends_at


def work(serving: Serving, listener: socket, first: FirstToken | None, *, seals: bool) -> None:
    """Serve until a signal comes; the process's main thread.

    Args:
        seals: whether this process seals; of several, one does.

    Raises:
        SeleneError: the ledger, its keys or a pack cannot be used.
    """
    logs.configure(serving.log_format)
    with ExitStack() as open_things:
        processor = one_processor() if serving.one_processor else None
        if processor is not None:
            # Before the first thread begins: each is where the one was that began it.
            processor.hold()
            open_things.callback(processor.release)
        metrics = metrics_of(serving)
        store = database(serving.url, serving.keys).open()
        open_things.callback(store.close)
        if seals:
            # A command has a processor of its own, where there is one.
            begun_in = nullcontext if processor is None else processor.anywhere
            open_things.enter_context(sealed(serving, store, metrics, begun_in))
        watches: list[Watch] = [logs.write]
        if metrics is not None:
            store = metrics.timed(store)
            watches.append(metrics.watch)
        if serving.otel:
            from selene_os.edges import telemetry

            provider = telemetry.exporting()
            open_things.callback(provider.shutdown)
            watches.append(telemetry.watching(provider))
        app = app_of(serving, store, first, metrics, tuple(watches))
        limits = serving.limits
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=_protocol(metrics),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=bool(serving.proxies),
            forwarded_allow_ips=list(serving.proxies),
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            # As long as a request may take: none that was accepted is cut off.
            timeout_graceful_shutdown=ceil(limits.body_wait_s + limits.answer_wait_s),
        )
        look = processor.look if processor is not None else lambda: None
        Server(config, app.state.api, serving.drain_s, look).run([listener])
    _log.info("ended")


def _protocol(metrics: Metrics | None) -> type[asyncio.Protocol]:
    """What makes a connection's protocol, as uvicorn calls it: it asks for no more than that."""
    made = partial(Protocol, system().event_id)
    if metrics is not None:
        made = partial(made, metrics.malformed)
    return cast(type[asyncio.Protocol], made)


def metrics_of(serving: Serving) -> Metrics | None:
    """The figures of this process, or None where nobody wants them."""
    if not serving.metrics:
        return None
    # Here: it looks for the folder that several processes share when it is imported.
    from selene_os.edges.metrics import Metrics

    return Metrics()
