"""A visit: one request of the console, with who makes it and where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from selene_os.app import Tenant
from selene_os.dictionary import Dictionaries
from selene_os.edges.console.sessions import SESSION_S, Attempts, Session, Sessions
from selene_os.edges.latency import Latency
from selene_os.edges.library import Selene
from selene_os.edges.operators import EVERY_TENANT, Operators, may_see
from selene_os.ledger.access import AccessEvent, OperatorRow
from selene_os.ledger.store import Store
from selene_os.names import EventId, TenantId

ROOM: Final = "/console"
THEMES: Final = ("auto", "light", "dark")
HTML: Final = "html"
SESSION: Final = "selene-session"
VISITOR: Final = "selene-visitor"
THEME: Final = "selene-theme"
# Where a page goes on within one tenant.
_PLACES: Final = ("cursor", "after")
_YEAR_S: Final = 31_536_000

Metrics = Callable[[], Latency]


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages work with.

    Attributes:
        selene, store: the ledger with its engines, and its store.
        sessions, attempts, operators: who is logged in, who may try to, who may.
        clock: nanoseconds since 1970 UTC. event_id: names of access events.
        first_token: whether a token lets the first operator be made; once each.
        metrics: how long the server's commits took; None where it is not measured.
        pages: the templates.
        dictionaries: the terms that were used last.
    """

    selene: Selene
    store: Store
    sessions: Sessions
    attempts: Attempts
    operators: Operators
    clock: Callable[[], int]
    event_id: Callable[[], str]
    first_token: Callable[[str], bool] | None
    metrics: Metrics | None
    pages: Environment
    dictionaries: Dictionaries = field(default_factory=Dictionaries)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page tells, in each of its forms.

    Attributes:
        template, told: for people. record: as JSON. table: a header and rows, for CSV.
        status: of the answer.
    """

    template: str
    told: Mapping[str, Any]
    record: Any = None
    table: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = None
    status: int = 200


@dataclass(slots=True)
class Visit:
    """One request.

    Attributes:
        form: what was sent, each name once. query: what the address asks for.
        session, operator: whose it is; None where nobody is logged in.
        tenant: the tenant that the address names.
        secret: the cookie that forms are bound to.
        fresh: cookies to be set, by name: value and how long in seconds.
    """

    console: Console
    request: Request
    form: Mapping[str, str]
    query: Mapping[str, str]
    session: Session | None = None
    operator: OperatorRow | None = None
    tenant: Tenant | None = None
    secret: str = ""
    fresh: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def secure(self) -> bool:
        """Whether the browser came by https."""
        return bool(self.request.scope["scheme"] == "https")

    @property
    def path(self) -> str:
        """Where the visitor is, without what they ask for there."""
        # Not request.url, which raises where the query is no UTF-8.
        return URL(scope={**self.request.scope, "query_string": b""}).path

    @property
    def address(self) -> str:
        """Where the visitor is, with what they ask for there."""
        query: bytes = self.request.scope["query_string"]
        return self.path + (f"?{query.decode(errors='replace')}" if query else "")

    @property
    def theme(self) -> str:
        """How the visitor wants it: auto, light or dark."""
        given = self.request.cookies.get(THEME, THEMES[0])
        return given if given in THEMES else THEMES[0]

    @property
    def here(self) -> Tenant:
        """The tenant; for pages that have one."""
        assert self.tenant is not None
        return self.tenant

    @property
    def login(self) -> str:
        """Whose visit it is; for pages that nobody else sees."""
        assert self.operator is not None
        return self.operator.login

    def cookie(self, name: str) -> str | None:
        """A cookie as it came."""
        return self.request.cookies.get(self.named(name))

    def named(self, name: str) -> str:
        """A cookie's name: with a prefix that browsers guard, where the way is https."""
        return f"__Host-{name}" if self.secure else name

    def log_in(self, login: str) -> None:
        """Begin a session."""
        self.fresh[SESSION] = (self.console.sessions.begin(login), SESSION_S)
        self.fresh[VISITOR] = ("", 0)

    def log_out(self) -> None:
        """End the session."""
        if self.session is not None:
            self.console.sessions.end(self.session)
        self.fresh[SESSION] = ("", 0)

    def set_theme(self, theme: str) -> None:
        """Keep how the visitor wants it."""
        self.fresh[THEME] = (theme, _YEAR_S)

    def form_token(self) -> str:
        """What the forms of this page bring along."""
        if not self.secret:
            self.secret = os.urandom(24).hex()
            self.fresh[VISITOR] = (self.secret, SESSION_S)
        return self.console.sessions.form_token(self.secret)

    def tenants(self) -> list[TenantId]:
        """The tenants that the operator looks after, by name."""
        if self.operator is None:
            return []
        known = [row.tenant_id for row in self.console.selene.tenants()]
        if self.operator.tenants == EVERY_TENANT:
            return known
        return [one for one in known if may_see(self.operator, one)]

    def url(self, *segments: str, **query: object) -> str:
        """The address of something of this tenant's."""
        path = "/".join(quote(one, safe=".") for one in ("t", self.here.tenant_id, *segments))
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{ROOM}/{path}" + (f"?{urlencode(given)}" if given else "")

    def elsewhere(self, tenant_id: TenantId) -> str:
        """The address of this page, and of what it asks for, in another tenant.

        A conversation and a row are of one tenant alone: from there it is the overview.
        """
        url = f"{ROOM}/t/{quote(tenant_id, safe='.')}"
        _, _, page = self.path.partition(f"/t/{self.here.tenant_id}/")
        if not page or "/" in page:
            return url
        query = {key: value for key, value in self.query.items() if key not in _PLACES}
        return f"{url}/{quote(page, safe='.')}" + (f"?{urlencode(query)}" if query else "")

    def note(self, action: str, target: str | None) -> None:
        """Keep that the operator looked at something; where it cannot be kept, nothing is shown."""
        console = self.console
        event = AccessEvent(
            self.here.tenant_id,
            EventId(console.event_id()),
            console.clock(),
            f"operator:{self.login}",
            action,
            target,
            "OK",
            None,
        )
        console.store.access.append_access(event)

    def asked(self, name: str) -> str | None:
        """What the address asks for under a name; None where that is nothing."""
        return self.query.get(name, "").strip() or None

    def go(self, url: str) -> Response:
        """Send the visitor on, to a page that is read."""
        return RedirectResponse(url, 303)
