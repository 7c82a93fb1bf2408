"""A visit: one request of the console, with who makes it, and what every answer has in common.

Who is not logged in learns nothing but that; a tenant that an operator does not look after and one
that does not exist are answered alike.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from selene_os.app import Tenant
from selene_os.dictionary import Dictionaries
from selene_os.edges.console.forms import FORM_BYTES_MAX, Denied, form_of, not_here, stale
from selene_os.edges.console.sessions import SESSION_S, Attempts, Session, Sessions
from selene_os.edges.console.shown import csv_text
from selene_os.edges.http.operations import encode
from selene_os.edges.latency import Latency
from selene_os.edges.library import Selene
from selene_os.edges.operators import EVERY_TENANT, Operators, may_see
from selene_os.errors import BadField, Fault, NotFound, Refusal
from selene_os.ledger.access import AccessEvent, OperatorRow
from selene_os.ledger.store import Store
from selene_os.names import EventId, TenantId, parse_tenant_id

ROOM: Final = "/console"
QUERY_BYTES_MAX: Final = 4_096
THEMES: Final = ("auto", "light", "dark")
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: that would make the Origin of our own forms "null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
HTML: Final = "html"
_SESSION: Final = "selene-session"
_VISITOR: Final = "selene-visitor"
_THEME: Final = "selene-theme"
# Where a page goes on within one tenant.
_PLACES: Final = ("cursor", "after")
_YEAR_S: Final = 31_536_000
_log: Final = logging.getLogger("selene.console")

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
        return self.request.url.scheme == "https"

    @property
    def theme(self) -> str:
        """How the visitor wants it: auto, light or dark."""
        given = self.request.cookies.get(_THEME, THEMES[0])
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
        self.fresh[_SESSION] = (self.console.sessions.begin(login), SESSION_S)
        self.fresh[_VISITOR] = ("", 0)

    def log_out(self) -> None:
        """End the session."""
        if self.session is not None:
            self.console.sessions.end(self.session)
        self.fresh[_SESSION] = ("", 0)

    def set_theme(self, theme: str) -> None:
        """Keep how the visitor wants it."""
        self.fresh[_THEME] = (theme, _YEAR_S)

    def form_token(self) -> str:
        """What the forms of this page bring along."""
        if not self.secret:
            self.secret = os.urandom(24).hex()
            self.fresh[_VISITOR] = (self.secret, SESSION_S)
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
        _, _, page = self.request.url.path.partition(f"/t/{self.here.tenant_id}/")
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


Page = Callable[[Visit], Shown | Response]


def page(
    console: Console,
    show: Page,
    form: str = HTML,
    *,
    alone: bool = False,
    bytes_max: int = FORM_BYTES_MAX,
) -> Callable[[Request], Any]:
    """An endpoint that answers a visit.

    Args:
        show: makes the page; runs in a thread, and may block.
        form: html, json or csv.
        alone: for those who are not logged in, too.
        bytes_max: of what is sent to it.
    """

    async def answer(request: Request) -> Response:
        visit = Visit(console, request, {}, dict(request.query_params))
        if request.method == "POST":
            # Who sends it, before a byte of it is read.
            refused = await run_in_threadpool(_answered, visit, partial(_admit, alone=alone), form)
            if refused is not None:
                return refused
            try:
                visit.form = await form_of(request, bytes_max)
            except Denied as denied:
                return _finished(visit, _denied(visit, denied, form))
            except ClientDisconnect:
                return Response(status_code=400)
        made = partial(_made, show=show, form=form, alone=alone)
        shown = await run_in_threadpool(_answered, visit, made, form)
        assert shown is not None
        return shown

    return answer


def _made(visit: Visit, show: Page, form: str, alone: bool) -> Response:
    if visit.request.method == "POST":
        _check_token(visit)
    else:
        _admit(visit, alone)
    shown = show(visit)
    return shown if isinstance(shown, Response) else _rendered(visit, shown, form)


def _answered(
    visit: Visit, stage: Callable[[Visit], Response | None], form: str
) -> Response | None:
    """What a stage of a visit comes to; None where it goes on."""
    try:
        answer = stage(visit)
        if answer is None:
            return None
    except Denied as denied:
        if denied.status == 401 and form == HTML and visit.request.method != "POST":
            return _finished(visit, _to_login(visit))
        answer = _denied(visit, denied, form)
    except NotFound:
        answer = _denied(visit, not_here(), form)
    except Refusal as refusal:
        answer = _denied(visit, Denied(422, "That cannot be asked for", str(refusal)), form)
    except Fault as fault:
        answer = _denied(visit, Denied(503, "The ledger cannot answer", str(fault)), form)
    except Exception as error:
        # Where and of which kind, never its text: that may hold what was said.
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.error("%s at %s:%s", type(error).__name__, place.filename, place.lineno)
        broken = Denied(500, "Something broke", "It is a defect of Selene’s; the log has more.")
        answer = _denied(visit, broken, form)
    return _finished(visit, answer)


def _admit(visit: Visit, alone: bool) -> None:
    """Look at who it is, what their form brought, and whose rows they ask for."""
    if len(visit.request.url.query) > QUERY_BYTES_MAX:
        raise Denied(414, "Too much is asked for", f"{QUERY_BYTES_MAX} bytes are accepted.")
    cookie = visit.cookie(_SESSION)
    found = visit.console.sessions.read(cookie)
    if found is not None:
        visit.session, visit.operator = found
        visit.secret = cookie or ""
    elif not alone:
        raise Denied(401, "Log in first", "There is no session, or none any more.")
    else:
        visit.secret = visit.cookie(_VISITOR) or ""
    if visit.request.method == "POST":
        _check_origin(visit)
    named = visit.request.path_params.get("tenant")
    if named is not None and visit.operator is not None:
        visit.tenant = _tenant(visit, visit.operator, named)


def _tenant(visit: Visit, operator: OperatorRow, named: str) -> Tenant:
    try:
        tenant_id = parse_tenant_id(named)
    except BadField:
        raise not_here() from None
    if not may_see(operator, tenant_id):
        raise not_here()
    return visit.console.selene.tenant(tenant_id)


def _check_origin(visit: Visit) -> None:
    request = visit.request
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    fetched = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if foreign or fetched or not visit.secret:
        raise stale()


def _check_token(visit: Visit) -> None:
    token = visit.form.get("token", "")
    if not visit.console.sessions.is_form_token(visit.secret, token):
        raise stale()


# ---- what is answered


def _rendered(visit: Visit, shown: Shown, form: str) -> Response:
    if form == "json":
        return Response(encode(shown.record), shown.status, media_type="application/json")
    if form == "csv":
        assert shown.table is not None
        name = visit.request.url.path.rpartition("/")[2]
        disposition = f"attachment; filename={quote(name, safe='.')}"
        headers = {"content-disposition": disposition}
        return Response(csv_text(*shown.table), shown.status, headers, "text/csv; charset=utf-8")
    text = visit.console.pages.get_template(shown.template).render(_context(visit, shown.told))
    content = text.encode(errors="replace")
    return Response(content, shown.status, media_type="text/html; charset=utf-8")


def _context(visit: Visit, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "visit": visit,
        "operator": visit.operator,
        "tenant": visit.tenant and visit.tenant.tenant_id,
        "token": visit.form_token,
        "theme": visit.theme,
        "path": visit.request.url.path,
        "again": visit.request.url.path
        + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
        **told,
    }


def _denied(visit: Visit, denied: Denied, form: str) -> Response:
    if form != HTML:
        record = {"status": denied.status, "title": denied.title, "detail": denied.detail}
        content = encode(record)
        return Response(content, denied.status, media_type="application/problem+json")
    told = {"title": denied.title, "detail": denied.detail, "status": denied.status}
    return _rendered(visit, Shown("problem.html", told, status=denied.status), HTML)


def _to_login(visit: Visit) -> Response:
    path, query = visit.request.url.path, visit.request.url.query
    following = path + (f"?{query}" if query else "")
    return visit.go(f"{ROOM}/login?{urlencode({'next': following})}")


def _finished(visit: Visit, answer: Response) -> Response:
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    for name, (content, age) in visit.fresh.items():
        answer.set_cookie(
            visit.named(name) if name != _THEME else name,
            content,
            max_age=age,
            path="/",
            secure=visit.secure,
            httponly=True,
            samesite="strict",
        )
    return answer
