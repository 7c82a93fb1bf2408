"""What becomes of a visit: who it is is looked at, the page is made, and told in its form.

Who is not logged in learns nothing but that; a tenant that an operator does not look after and one
that does not exist are answered alike.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from selene_os.app import Tenant
from selene_os.edges.console.forms import FORM_BYTES_MAX, Denied, form_of, not_here, stale
from selene_os.edges.console.shown import csv_text
from selene_os.edges.console.visits import (
    HTML,
    ROOM,
    SESSION,
    THEME,
    VISITOR,
    Console,
    Shown,
    Visit,
)
from selene_os.edges.http.operations import encode
from selene_os.edges.operators import may_see
from selene_os.errors import BadField, Fault, NotFound, Refusal
from selene_os.ledger.access import OperatorRow
from selene_os.names import parse_tenant_id

QUERY_BYTES_MAX: Final = 4_096
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
_log: Final = logging.getLogger("selene.console")

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
        made: Callable[[Visit], Response] = partial(_made, show=show, form=form, alone=alone)
        if request.method == "POST":
            # Who sends it, before a byte of it is read.
            refused = await run_in_threadpool(_answered, visit, partial(_admit, alone=alone), form)
            if refused is not None:
                return refused
            try:
                visit.form = await form_of(request, bytes_max)
            except Denied as denied:
                made = partial(_refuse, denied=denied)
            except ClientDisconnect:
                return Response(status_code=400)
        shown = await run_in_threadpool(_answered, visit, made, form)
        assert shown is not None
        return shown

    return answer


def _made(visit: Visit, show: Page, form: str, alone: bool) -> Response:
    # Of a form too: who sent it may have been disabled while it was read.
    _admit(visit, alone)
    if visit.request.method == "POST":
        _check_token(visit)
    shown = show(visit)
    return shown if isinstance(shown, Response) else _rendered(visit, shown, form)


def _refuse(_visit: Visit, denied: Denied) -> Response:
    raise denied


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
        # A page of a tenant asks the ledger for the others.
        visit.tenant = None
        answer = _denied(visit, Denied(503, "The ledger cannot answer", str(fault)), form)
    except Exception as error:
        # Where and of which kind, never its text: that may hold what was said.
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.error("%s at %s:%s", type(error).__name__, place.filename, place.lineno)
        visit.tenant = None
        broken = Denied(500, "Something broke", "It is a defect of Selene’s; the log has more.")
        answer = _denied(visit, broken, form)
    return _finished(visit, answer)


def _admit(visit: Visit, alone: bool) -> None:
    """Look at who it is, what their form brought, and whose rows they ask for."""
    if len(visit.request.scope["query_string"]) > QUERY_BYTES_MAX:
        raise Denied(414, "Too much is asked for", f"{QUERY_BYTES_MAX} bytes are accepted.")
    cookie = visit.cookie(SESSION)
    found = visit.console.sessions.read(cookie)
    visit.session, visit.operator = found or (None, None)
    visit.tenant = None
    if found is not None:
        visit.secret = cookie or ""
    elif not alone:
        raise Denied(401, "Log in first", "There is no session, or none any more.")
    else:
        visit.secret = visit.cookie(VISITOR) or ""
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
    foreign = origin is not None and _is_foreign(origin, request.headers.get("host"))
    fetched = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if foreign or fetched or not visit.secret:
        raise stale()


def _is_foreign(origin: str, host: str | None) -> bool:
    try:
        return urlsplit(origin).netloc != host
    except ValueError:
        # What cannot be read is no address of ours.
        return True


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
        name = visit.path.rpartition("/")[2]
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
        "path": visit.path,
        "again": visit.address,
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
    return visit.go(f"{ROOM}/login?{urlencode({'next': visit.address})}")


def _finished(visit: Visit, answer: Response) -> Response:
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    for name, (content, age) in visit.fresh.items():
        answer.set_cookie(
            visit.named(name) if name != THEME else name,
            content,
            max_age=age,
            path="/",
            secure=visit.secure,
            httponly=True,
            samesite="strict",
        )
    return answer
