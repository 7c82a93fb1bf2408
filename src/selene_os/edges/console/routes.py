"""The routes for `create_app(routes=…)`: everything below /console, and the way there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from selene_os.edges.console import entrance, finding, keeping, overview, shown, telling
from selene_os.edges.console.forms import IMPORT_BYTES_MAX, not_here
from selene_os.edges.console.sessions import Attempts, Sessions
from selene_os.edges.console.visits import (
    HEADERS,
    HTML,
    ROOM,
    Console,
    Metrics,
    Page,
    page,
)
from selene_os.edges.library import Selene
from selene_os.edges.operators import Operators
from selene_os.edges.surroundings import system
from selene_os.ledger.store import Store

_T: Final = f"{ROOM}/t/{{tenant}}"
_TABLE: Final = (HTML, "json", "csv")
_TREE: Final = (HTML, "json")
# Path below a tenant -> its page and forms; what has .json or .csv behind it is the same page.
_READ: Final[tuple[tuple[str, Page, tuple[str, ...]], ...]] = (
    ("", overview.overview, (HTML,)),
    ("/overview", overview.overview, _TABLE),
    ("/search", finding.search, (HTML, "json")),
    ("/search", finding.table, ("csv",)),
    ("/c/{correlation}", telling.timeline, _TREE),
    ("/c/{correlation}/replay", telling.replay, _TABLE),
    ("/c/{correlation}/bundle.zip", telling.bundle, (HTML,)),
    ("/e/{event}", telling.decision, _TREE),
    ("/checkpoints", telling.checkpoints, _TABLE),
    ("/checkpoints/{size}", telling.checkpoint, (HTML,)),
    ("/try", keeping.attempt, (HTML,)),
    ("/terms", keeping.terms, _TABLE),
    ("/packs", keeping.packs, _TABLE),
    ("/access", keeping.access, _TABLE),
)


def console_routes(
    selene: Selene,
    store: Store,
    *,
    clock: Callable[[], int] = time.time_ns,
    event_id: Callable[[], str] | None = None,
    key: bytes | None = None,
    first_token: Callable[[str], bool] | None = None,
    metrics: Metrics | None = None,
) -> list[BaseRoute]:
    """The console.

    Args:
        selene: the ledger with its engines. store: its store, whose rows are counted and where
            operators and access events are kept.
        clock: nanoseconds since 1970 UTC. event_id: names of access events.
        key: signs sessions, 32 bytes or more; without one they end with this process, and are of
            this process alone.
        first_token: whether a token lets the first operator be made; must say yes once only.
        metrics: what the server measured of a tenant: name -> value, as "commit p50 ms" -> 3.1.

    Returns:
        Routes for `create_app`; they have an authentication of their own.
    """
    console = Console(
        selene,
        store,
        Sessions(store.access, clock, key),
        Attempts(),
        Operators(store.access, clock),
        clock,
        event_id or system().event_id,
        first_token,
        metrics,
        _templates(),
    )
    both = ["GET", "POST"]
    routes = [
        Route("/", _to_console),
        Route(f"{ROOM}/static/{{name}}", entrance.static),
        Route(ROOM, page(console, entrance.start)),
        Route(f"{ROOM}/", page(console, entrance.start)),
        Route(f"{ROOM}/login", page(console, entrance.login, alone=True), methods=both),
        Route(f"{ROOM}/setup", page(console, entrance.setup, alone=True), methods=both),
        Route(f"{ROOM}/theme", page(console, entrance.theme, alone=True), methods=["POST"]),
        Route(f"{ROOM}/logout", page(console, entrance.logout), methods=["POST"]),
        Route(f"{ROOM}/me", page(console, entrance.me)),
        Route(f"{ROOM}/me.json", page(console, entrance.me, "json")),
        Route(f"{_T}/try", page(console, keeping.attempt), methods=["POST"]),
        Route(
            f"{_T}/terms",
            page(console, keeping.import_terms, bytes_max=IMPORT_BYTES_MAX),
            methods=["POST"],
        ),
    ]
    # What has an ending first: a conversation's name would swallow it.
    for path, show, forms in _READ:
        routes += [
            Route(f"{_T}{path}.{form}", page(console, show, form)) for form in forms if form != HTML
        ]
    routes += [
        Route(f"{_T}{path}", page(console, show)) for path, show, forms in _READ if HTML in forms
    ]
    return [*routes, Route(f"{ROOM}/{{rest:path}}", page(console, _nothing))]


def _nothing(_visit: object) -> Response:
    raise not_here()


async def _to_console(_request: Request) -> Response:
    return RedirectResponse(ROOM, 303, HEADERS)


def _templates() -> Environment:
    pages = Environment(
        loader=PackageLoader("selene_os.edges.console"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "shown": shown.visible,
        "pretty": shown.pretty,
        "moment": shown.moment,
        "iso": shown.iso,
        "number": shown.number,
        "meaning": shown.meaning_of,
        "meant": shown.meant,
    }
    pages.globals |= {
        "marked": shown.marked,
        "room": ROOM,
        "assets": entrance.version,
        "decision_words": shown.DECISION_WORDS,
    }
    # Now, so that no visitor waits for it.
    for name in pages.list_templates():
        pages.get_template(name)
    return pages
