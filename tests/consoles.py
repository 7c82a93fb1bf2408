"""A console to visit: the whole server on a real ledger, two operators, and a conversation."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import re
import threading
from collections.abc import Coroutine
from html import unescape
from typing import Any, TypeVar

import httpx

from ledgers import ACME, START_NS, Ledger
from seals import sealer
from selene_os import Selene, Surroundings
from selene_os.edges.console.routes import console_routes
from selene_os.edges.http.app import create_app
from selene_os.edges.operators import Operators
from selene_os.names import CorrelationId, event_id_of

T = TypeVar("T")
PASSWORD = "correct horse battery"
FIRST = "first-token"
HOSTILE = "hello <script>alert(1)</script> \u202egnp.exe thanks"
SECOND = 1_000_000_000


class Desk:
    """The server, and who visits it.

    Attributes:
        now_ns: the clock. talk: a conversation of acme's. foreign: one of globex'.
        loop_thread: where the server's event loop runs.
    """

    def __init__(self, ledger: Ledger, base: str = "http://console.test", **more: Any) -> None:
        self.ledger, self.now_ns, made = ledger, START_NS, itertools.count(1)
        self.tokens, lock = {FIRST}, threading.Lock()
        self.talk = self.foreign = ""

        def number() -> int:
            with lock:
                return next(made)

        self.around = Surroundings(
            lambda: self.now_ns,
            lambda: event_id_of(self.now_ns, number()),
            lambda: CorrelationId(f"{number():032x}"),
        )
        self.selene = Selene(ledger.store, self.around)
        self.routes = console_routes(
            self.selene,
            ledger.store,
            clock=lambda: self.now_ns,
            event_id=self.around.event_id,
            key=b"k" * 32,
            first_token=self.first,
            **more,
        )
        self.app = create_app(
            self.selene, check=lambda token: None, note=lambda event: None, routes=self.routes
        )
        self.operators = Operators(ledger.store.access, lambda: self.now_ns)
        # In a thread of its own: a browser's tests have a loop in theirs.
        self.loop = asyncio.new_event_loop()
        self.loop_thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.loop_thread.start()
        self.visitor = self.client(base)

    def first(self, token: str) -> bool:
        """Whether a token lets the first operator be made; once."""
        found = token in self.tokens
        self.tokens.discard(token)
        return found

    def client(self, base: str = "http://console.test") -> httpx.AsyncClient:
        """Another browser."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url=base)

    def close(self) -> None:
        """Let go of everything but the ledger."""
        self.run(self.visitor.aclose())
        self.app.state.api.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.loop_thread.join()
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the visitor's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Read a page: below /console, or of a path that begins with a slash."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, page: str | None = None, **form: str) -> httpx.Response:
        """Send a form, with the token of the page that it stands on."""
        given = {"token": self.token(page if page is not None else path)} | form
        return self.ask("POST", path, data=given)

    def token(self, page: str) -> str:
        """What a form of a page brings along."""
        found = re.search(r'name="token" value="([^"]+)"', self.get(page).text)
        assert found is not None, page
        return unescape(found[1])

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request."""
        whole = path if path.startswith("/") else f"/console/{path}"
        return self.run(self.visitor.request(method, whole, **more))

    def log_in(self, login: str = "ada") -> httpx.Response:
        """Log in as ada, who looks after acme, or bea, who looks after all."""
        return self.post("login", login=login, password=PASSWORD)

    def add_operators(self) -> None:
        """Add ada and bea."""
        self.operators.add("ada", PASSWORD, "acme")
        self.operators.add("bea", PASSWORD, "*")

    def fill(self) -> None:
        """Have some conversations: of acme's, sealed and not; and of globex'."""
        tenant = self.selene.tenant("acme")
        tenant.set(currency="USD")
        first = tenant.take_turn("alice", "kitchen", "send $20 to Bob")
        self.talk = first.correlation_id
        tenant.take_turn("alice", "kitchen", "yes", correlation=self.talk)
        tenant.append_answer("alice", "kitchen", "Done.", correlation=self.talk, turn=2)
        tenant.commit_profile("alice", "kitchen", speaker="alice", correlation=self.talk)
        sealer(self.ledger.store).seal_all()
        self.now_ns += SECOND
        tenant.take_turn("alice", "kitchen", HOSTILE, correlation=self.talk)
        tenant.take_turn("alice", "kitchen", "remind me to call mom", correlation=self.talk)
        self.now_ns += SECOND
        tenant.take_turn("bob", "desk", "translate this novel into Klingon")
        theirs = self.selene.tenant("globex").take_turn("carol", "porch", "hello there carol")
        self.foreign = theirs.correlation_id

    def access(self) -> list[tuple[str, str, str | None]]:
        """Who did what to which thing, the newest first, of acme."""
        found = self.ledger.store.access.access_events(ACME, None, 100)
        return [(one.actor, one.action, one.target) for one in found]


def filled(desk: Desk, path: str) -> str:
    """A path of the table of pages, of acme's first row and its conversation."""
    event = desk.selene.tenant("acme").trace(desk.talk)[0].event_id
    return path.format(tenant="acme", correlation=desk.talk, event=event)


def table_of(told: httpx.Response) -> list[list[str]]:
    """A CSV's rows, its header first."""
    return list(csv.reader(io.StringIO(told.text, newline="")))
