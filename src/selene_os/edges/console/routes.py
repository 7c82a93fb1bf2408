"""The routes for `create_app(routes=…)`: everything below /console, and the way there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from selene_os.edges.console import entrance, finding, keeping, overview, shown, telling, trying
from selene_os.edges.console.answering import HEADERS, Page, page
from selene_os.edges.console.forms import IMPORT_BYTES_MAX, not_here
from selene_os.edges.console.sessions import Attempts, Sessions
from selene_os.edges.console.visits import (
    HTML,
    ROOM,
    Console,
    Metrics,
)
from selene_os.edges.library import Selene
from selene_os.edges.operators import Operators
from selene_os.edges.surroundings import system
from selene_os.ledger.store import Store

_T: Final = f"{ROOM}/t/{{tenant}}"
# Every page by its path: with .json or .csv behind it, it is the same as JSON, or as a table.
PAGES: Final[dict[str, Page]] = {
    ROOM: entrance.choice,
    f"{ROOM}/me": entrance.me,
    f"{_T}/overview": overview.overview,
    f"{_T}/search": finding.search,
    f"{_T}/c/{{correlation}}": telling.timeline,
    f"{_T}/c/{{correlation}}/replay": telling.replay,
    f"{_T}/e/{{event}}": telling.decision,
    f"{_T}/checkpoints": telling.checkpoints,
    f"{_T}/try": trying.attempt,
    f"{_T}/terms": keeping.terms,
    f"{_T}/packs": keeping.packs,
    f"{_T}/access": keeping.access,
}
# What a table holds more of than its page, and who begins elsewhere than at a choice.
_OTHERWISE: Final[dict[tuple[str, str], Page]] = {
    (f"{_T}/search", "csv"): finding.table,
    (ROOM, HTML): entrance.start,
}


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
        metrics: tells how long the server's commits took, of every tenant.

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
    routes: list[BaseRoute] = [
        Route("/", _to_console),
        Route(f"{ROOM}/static/{{name}}", entrance.static),
        Route(f"{ROOM}/", page(console, entrance.start)),
        Route(f"{ROOM}/login", page(console, entrance.login, alone=True), methods=both),
        Route(f"{ROOM}/setup", page(console, entrance.setup, alone=True), methods=both),
        Route(f"{ROOM}/theme", page(console, entrance.theme, alone=True), methods=["POST"]),
        Route(f"{ROOM}/logout", page(console, entrance.logout), methods=["POST"]),
        Route(_T, page(console, overview.overview)),
        Route(
            f"{_T}/terms",
            page(console, keeping.change_terms, bytes_max=IMPORT_BYTES_MAX),
            methods=["POST"],
        ),
        Route(f"{_T}/c/{{correlation}}/bundle.zip", page(console, telling.bundle)),
        Route(f"{_T}/checkpoints/{{size}}", page(console, telling.checkpoint)),
    ]
    # What has an ending first: a conversation's name would swallow it.
    for form, ending in (("json", ".json"), ("csv", ".csv"), (HTML, "")):
        for path, show in PAGES.items():
            found = _OTHERWISE.get((path, form), show)
            methods = both if show is trying.attempt else ["GET"]
            routes.append(Route(path + ending, page(console, found, form), methods=methods))
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
        "edge": shown.edge,
        "iso": shown.iso,
        "number": shown.number,
        "meaning": shown.meaning_of,
        "heard": shown.heard,
        "word": shown.word,
        "ms": shown.milliseconds,
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
