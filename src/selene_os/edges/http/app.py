"""The server as one ASGI app: /v1 behind its keys, and beside it what needs none."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from selene_os.edges.http import auth, deciding, evidencing, reading, registered, registering
from selene_os.edges.http.api import Api, Settings
from selene_os.edges.http.description import describe, page_of
from selene_os.edges.http.operations import JSON, AccessEvents, Deployment, Operation, encode
from selene_os.edges.http.outcomes import Watch
from selene_os.edges.http.problems import (
    MEDIA_TYPE,
    Problem,
    Refused,
    of_error,
    of_http,
    refused,
)
from selene_os.edges.library import Selene
from selene_os.edges.surroundings import system
from selene_os.errors import SeleneError
from selene_os.names import EventId, TenantId

OPERATIONS: Final[tuple[Operation, ...]] = (
    *deciding.OPERATIONS,
    *reading.OPERATIONS,
    *evidencing.OPERATIONS,
    *registering.OPERATIONS,
    *registered.OPERATIONS,
)
_API: Final = "/v1"
_READY_KEPT_S: Final = 1.0
_CSP: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def create_app(
    selene: Selene,
    *,
    check: auth.Check,
    note: auth.Note,
    settings: Settings | None = None,
    clock: Callable[[], int] = time.time_ns,
    event_id: Callable[[], EventId] | None = None,
    access_events: AccessEvents | None = None,
    seal: Callable[[TenantId], int] | None = None,
    ready: Callable[[], object] | None = None,
    routes: Sequence[BaseRoute] = (),
    watch: Watch = lambda _: None,
) -> Starlette:
    """The server.

    Args:
        selene: the ledger with its engines; it stays open for as long as the app runs.
        check: tells the key of a token, or None; may block, and is not asked again for a good key
            within `settings.key_kept_s`.
        note: keeps an access event; where it raises, what was asked for is not told.
        settings: limits.
        clock: nanoseconds since 1970 UTC. event_id: names of access events and incidents.
        access_events: reads those events of a tenant; None where they are not kept.
        seal: seals one tenant; None where the signing key is elsewhere.
        ready: raises SeleneError where the ledger cannot be worked with; by default a read of it.
        routes: further ones, such as a console's, with an authentication of their own.
        watch: told what became of each request below /v1.

    Returns:
        The ASGI app; `app.state.api` is what serves /v1, with its counters.
    """
    fresh = event_id or system().event_id
    api = Api(
        Deployment(selene, clock, access_events, seal),
        OPERATIONS,
        check=check,
        note=note,
        settings=settings or Settings(),
        event_id=fresh,
        watch=watch,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        api.open()
        yield
        # Not in this thread: what still runs may need the event loop to come to its end.
        await run_in_threadpool(api.close)

    description = encode(describe(OPERATIONS))
    page = page_of(OPERATIONS)

    async def openapi(_request: Request) -> Response:
        return Response(description, media_type=JSON)

    async def docs(_request: Request) -> Response:
        return HTMLResponse(page, headers={"content-security-policy": _CSP})

    app = _App(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", _readiness(api, ready or selene.is_there, fresh)),
            Route("/openapi.json", openapi),
            Route("/docs", docs),
            *routes,
        ],
        exception_handlers={HTTPException: _elsewhere(fresh)},
        lifespan=lifespan,
    )
    # "/docs/" is not /docs: one path for each thing.
    app.router.redirect_slashes = False
    app.state.api = api
    return app


class _App(Starlette):
    """An app with what serves /v1 in front: a turn passes no layer that is not its own.

    All below /v1 is the API's, whatever it is: a pattern would miss a path that holds a line's end.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path == _API or path.startswith(f"{_API}/"):
            await self.state.api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _elsewhere(
    event_id: Callable[[], EventId],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What is beside every path, or asked for by another method."""

    async def answer(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        code = {404: "NoSuchPath", 405: "MethodNotAllowed"}.get(status, "BadHeader")
        problem = of_http(code, "It is not here.", "See /docs for what there is.")
        return _told(problem, event_id(), getattr(error, "headers", None))

    return answer


def _told(problem: Problem, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem of what is not below /v1, named as those below it are."""
    named = {**(headers or {}), "x-request-id": request_id}
    content = encode(problem.as_record(request_id))
    return Response(content, problem.status, headers=named, media_type=MEDIA_TYPE)


async def _alive(_request: Request) -> Response:
    return Response(encode({"status": "alive"}), media_type=JSON)


def _readiness(
    api: Api, ready: Callable[[], object], event_id: Callable[[], EventId]
) -> Callable[[Request], object]:
    """Whether the ledger can be worked with; asked once a second at most, whoever asks."""
    told: tuple[float, Problem | None] | None = None

    def ask() -> Problem | None:
        try:
            if api.leaving:
                raise refused("Stopping", "It finishes what it accepted.", "Ask another one.")
            ready()
        except Refused as error:
            problem = error.problem
        except SeleneError as error:
            problem = of_error(error)
        except Exception:
            problem = of_http("Incident", "The ledger could not be asked.", "See the log.")
        else:
            return None
        return replace(problem, status=503)

    async def answer(_request: Request) -> Response:
        nonlocal told
        now = time.monotonic()
        if api.leaving or told is None or now - told[0] >= _READY_KEPT_S:
            told = (now, await run_in_threadpool(ask))
        problem = told[1]
        if problem is None:
            return Response(encode({"status": "ready"}), media_type=JSON)
        return _told(problem, event_id())

    return answer
