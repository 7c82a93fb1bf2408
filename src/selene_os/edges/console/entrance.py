"""The way in: login, logout, the first operator, how it looks, and what pages are made with."""

from __future__ import annotations

import hashlib
import threading
from functools import cache
from importlib import resources
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from selene_os.edges.console.answering import HEADERS
from selene_os.edges.console.forms import Denied, not_here
from selene_os.edges.console.shown import iso
from selene_os.edges.console.visits import (
    ROOM,
    THEMES,
    Shown,
    Visit,
)
from selene_os.edges.operators import EVERY_TENANT
from selene_os.errors import BadField, Refusal

_FILES: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
# A password's hash takes 64 MiB: so many are made at a time.
_HASHING: Final = threading.BoundedSemaphore(2)
_LOGIN_BYTES_MAX: Final = 256
_WRONG: Final = "Login and password do not belong together, or the operator is disabled."


def login(visit: Visit) -> Shown | Response:
    """Ask for login and password, or check them."""
    following = _following(visit.form.get("next") or visit.query.get("next", ""))
    if visit.request.method != "POST":
        if visit.operator is not None:
            return visit.go(following)
        return Shown("login.html", {"next": following, "wrong": None, "login": ""})
    named = visit.form.get("login", "")[:_LOGIN_BYTES_MAX]
    told = {"next": following, "login": named}
    wait_s = visit.console.attempts.take(named, _address(visit))
    if wait_s:
        wrong = f"Too many attempts. Try again in {wait_s} s."
        return Shown("login.html", told | {"wrong": wrong}, status=429)
    with _HASHING:
        row = visit.console.operators.verify(named, visit.form.get("password", ""))
    if row is None:
        return Shown("login.html", told | {"wrong": _WRONG}, status=403)
    visit.log_in(row.login)
    return visit.go(following)


def logout(visit: Visit) -> Response:
    """End the session."""
    visit.log_out()
    return visit.go(f"{ROOM}/login")


def setup(visit: Visit) -> Shown | Response:
    """Let who holds the server's first token make the first operator."""
    console = visit.console
    token = visit.form.get("first") or visit.query.get("token", "")
    if console.first_token is None or not token or console.store.access.operators():
        raise not_here()
    told = {"first": token, "wrong": None, "login": ""}
    if visit.request.method != "POST":
        return Shown("setup.html", told)
    named, password = visit.form.get("login", ""), visit.form.get("password", "")
    told["login"] = named
    if wait_s := console.attempts.take("setup", _address(visit)):
        raise Denied(429, "Too many attempts", f"Try again in {wait_s} s.")
    if password != visit.form.get("again"):
        return Shown("setup.html", told | {"wrong": "The passwords differ."}, status=422)
    try:
        with _HASHING:
            # Checked first: a token that is used up by a password too short would lock all out.
            console.operators.check(named, password)
            if not console.first_token(token):
                raise not_here()
            console.operators.add(named, password, EVERY_TENANT)
    except BadField as bad:
        return Shown("setup.html", told | {"wrong": str(bad)}, status=422)
    except Refusal:
        raise not_here() from None
    visit.log_in(named)
    return visit.go(ROOM)


def theme(visit: Visit) -> Response:
    """Keep how the visitor wants it to look."""
    chosen = visit.form.get("theme", "")
    if chosen in THEMES:
        visit.set_theme(chosen)
    return visit.go(_following(visit.form.get("next", "")))


def start(visit: Visit) -> Shown | Response:
    """Where an operator begins: their one tenant, or a choice."""
    tenants = visit.tenants()
    if len(tenants) == 1 and "all" not in visit.query:
        return visit.go(f"{ROOM}/t/{tenants[0]}")
    return choice(visit)


def choice(visit: Visit) -> Shown:
    """The tenants that an operator looks after."""
    tenants = visit.tenants()
    table = (["tenant_id"], [[one] for one in tenants])
    return Shown("tenants.html", {"tenants": tenants}, {"tenants": tenants}, table)


def me(visit: Visit) -> Shown:
    """Who is logged in, and what they may see."""
    operator, session = visit.operator, visit.session
    assert operator is not None and session is not None
    every = operator.tenants == EVERY_TENANT
    record: dict[str, Any] = {
        "login": operator.login,
        "every_tenant": every,
        "tenants": visit.tenants(),
        "created_at": operator.created_at,
        "session_begun_at": session.begun_at,
    }
    cells = record | {name: iso(record[name]) for name in ("created_at", "session_begun_at")}
    return Shown("me.html", record, record, (list(cells), [list(cells.values())]))


async def static(request: Request) -> Response:
    """A file that pages are made with."""
    name = request.path_params["name"]
    kind = _FILES.get(name)
    if kind is None:
        return Response("not found", 404, HEADERS, "text/plain")
    headers = HEADERS | {"cache-control": "no-cache", "etag": f'"{version()}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(_read(name), 200, headers, kind)


@cache
def _read(name: str) -> bytes:
    return (resources.files(__package__ or "") / "static" / name).read_bytes()


@cache
def version() -> str:
    """Changes with any of the files, so that browsers fetch what belongs together."""
    return hashlib.sha256(b"".join(map(_read, _FILES))).hexdigest()[:12]


def _following(given: str) -> str:
    """Where to go from here: a page of the console, and nowhere else."""
    inside = given == ROOM or given.startswith((f"{ROOM}/", f"{ROOM}?"))
    if not inside or "\\" in given or "//" in given or not given.isprintable():
        return ROOM
    return given


def _address(visit: Visit) -> str:
    client = visit.request.client
    return client.host if client else "?"
