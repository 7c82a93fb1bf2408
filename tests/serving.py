"""A server to ask: the app on a real ledger, with keys in memory, in an event loop of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from ledgers import START_NS, Ledger
from seals import sealer
from selene_os import Listed, Selene, Surroundings
from selene_os.edges.http import auth
from selene_os.edges.http.api import Settings
from selene_os.edges.http.app import create_app
from selene_os.edges.http.auth import SCOPES
from selene_os.gates import DenyAll
from selene_os.ledger.access import AccessEvent
from selene_os.names import CorrelationId, TenantId, event_id_of
from selene_os.remembering import INTENTS, Ports

T = TypeVar("T")
NOON = "2026-11-21T09:30+01:00"
TALK = "1" * 32
# Who may do what, by the name that a test gives: of acme unless the name says so.
KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "all": ("acme", SCOPES),
    "globex": ("globex", SCOPES),
    **{scope: ("acme", (scope,)) for scope in SCOPES},
}


class Known(NamedTuple):
    """A key that is known."""

    tenant_id: TenantId
    key_id: str
    scopes: frozenset[str]


def token_of(name: str) -> str:
    """A key's text."""
    return f"sel_{KEYS[name][0]}_{name:x<12}_{'s' * 43}"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The content, which must be one JSON value."""
        return json.loads(self.content, parse_constant=lambda name: 1 / 0)

    @property
    def code(self) -> str:
        """Of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        code = self.json["code"]
        assert isinstance(code, str)
        return code


class Served:
    """The app on a ledger.

    Attributes:
        events: the access events that were noted. checked: the tokens that were asked for.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings | None = None,
        *,
        memory: bool = False,
        check: auth.Check | None = None,
    ) -> None:
        self.ledger = ledger
        self.events: list[AccessEvent] = []
        self.checked: list[str] = []
        self.now_ns, made = START_NS, itertools.count(1)
        lock = threading.Lock()

        def number() -> int:
            with lock:
                return next(made)

        self.around = Surroundings(
            lambda: self.now_ns,
            lambda: event_id_of(self.now_ns, number()),
            lambda: CorrelationId(f"{number():032x}"),
        )
        ports = Ports(Listed(INTENTS), Listed(INTENTS)) if memory else Ports(DenyAll(), DenyAll())
        self.selene = Selene(ledger.store, self.around, None, ports)
        incidents = itertools.count(1)
        seals = sealer(ledger.store)
        self.app = create_app(
            self.selene,
            check=check or self.check,
            note=self.events.append,
            settings=settings,
            clock=lambda: self.now_ns,
            event_id=lambda: event_id_of(self.now_ns, 2**40 + next(incidents)),
            access_events=self.access_events,
            seal=lambda tenant: seals.seal_tenant(TenantId(tenant)),
        )
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def check(self, token: str) -> Known | None:
        """The key of a token."""
        self.checked.append(token)
        for name, (tenant, scopes) in KEYS.items():
            if token == token_of(name):
                return Known(TenantId(tenant), name, frozenset(scopes))
        return None

    def access_events(
        self, tenant: str, after: tuple[int, str] | None, rows_max: int
    ) -> list[AccessEvent]:
        """The newest first."""
        mine = sorted(
            (one for one in self.events if one.tenant_id == tenant),
            key=lambda one: (one.at, one.access_id),
            reverse=True,
        )
        behind = [one for one in mine if after is None or (one.at, one.access_id) < after]
        return behind[:rows_max]

    def close(self) -> None:
        """Stop the loop and the app's threads; the ledger stays open."""
        self.app.state.api.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the app's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def ask(
        self, method: str, path: str, body: Any = None, key: str | None = "all", **more: Any
    ) -> Told:
        """One request below a tenant's room, or of a path that begins with a slash."""
        whole = path if path.startswith("/") else f"/v1/tenants/acme/{path}"
        return self.run(self.asked(method, whole, body, key, **more))

    def get(self, path: str, key: str | None = "all", **headers: str) -> Told:
        """Read."""
        return self.ask("GET", path, None, key, headers=list(headers.items()))

    def post(self, path: str, body: Any, key: str | None = "all", **headers: str) -> Told:
        """Send JSON."""
        return self.ask("POST", path, body, key, headers=list(headers.items()))

    async def asked(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str | None = "all",
        *,
        headers: Iterable[tuple[str, str]] = (),
        chunks: Iterable[bytes] | None = None,
        kind: str | None = "application/json",
        stall: bool = False,
    ) -> Told:
        """One request, its path as it is sent. `chunks`, `stall`: a body in parts, or one cut."""
        content = body if isinstance(body, bytes) else b"" if body is None else dumped(body)
        parts = [content] if chunks is None else list(chunks)
        raw, _, query = path.encode().partition(b"?")
        given = [
            (name.lower().replace("_", "-").encode(), _bytes(value)) for name, value in headers
        ]
        if key is not None:
            given.append((b"authorization", f"Bearer {token_of(key)}".encode()))
        if body is not None or chunks is not None:
            given += [(b"content-type", kind.encode())] if kind else []
            size = str(sum(map(len, parts))).encode()
            given += [
                (b"content-length", size) if chunks is None else (b"transfer-encoding", b"chunked")
            ]
        waiting = [
            {"type": "http.request", "body": part, "more_body": number < len(parts) or stall}
            for number, part in enumerate(parts, 1)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            if waiting:
                return waiting.pop(0)
            return await asyncio.sleep(3600)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": _decoded(raw), "raw_path": raw, "query_string": query,
            "root_path": "", "headers": given, "client": ("127.0.0.1", 1), "server": ("here", 80),
        }  # fmt: skip
        await self.app(scope, receive, send)
        start, *bodies = sent
        return Told(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(one.get("body", b"") for one in bodies),
        )


def dumped(body: Any) -> bytes:
    """JSON, as a careless client writes it: halves of surrogate pairs and NaN as they come."""
    return json.dumps(body).encode()


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _decoded(raw: bytes) -> str:
    return unquote(raw.decode("latin-1"))


def turn(text: str = "remind me to call mom tomorrow at 5 pm", **but: Any) -> dict[str, Any]:
    """A body of POST turns."""
    return {"user_id": "alice", "device_id": "kitchen", "text": text, "now": NOON} | but
