"""The console's overview of a large ledger, as an operator's browser asks `selene serve` for it."""

from __future__ import annotations

import re
import tempfile
import time
from html import unescape
from pathlib import Path
from typing import Final

import httpx

from bench import rows
from bench.http import Server, made, serving
from bench.proof_rows import fill
from bench.rounds import Effort, note, say
from bench.table import Bound, Figure, Unmeasured, compare
from selene_os.edges.databases import database
from selene_os.edges.operators import Operators
from selene_os.ledger.sqlite.store import SqliteStore

OVERVIEW_MS: Final = 300.0
_PASSWORD: Final = "a long password of nobody's"
_PAGES: Final = 10


def figures(effort: Effort) -> list[Figure]:
    """The overview of all rows: the first after a start, and those behind it."""
    total = effort.memory_rows
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "selene.db")
        key = made(path)
        source = rows.Source()
        store = SqliteStore(path)
        fill(store, source, total)
        store.close()
        _add_operator(path)
        with serving(path, key) as server:
            _await_sealed(server)
        # What a page counts is all of them, in the parts of the stretch that they fill.
        stretch = f"since={rows.BEGINNING_NS}&until={rows.BEGINNING_NS + total * rows.TURN_NS + 1}"
        first, behind = [], []
        for _ in range(effort.rounds):
            with serving(path, key) as server:
                taken = _overviews(server, stretch, total)
            first.append(taken[0])
            behind += taken[1:]
    ordered = sorted(behind)
    note(f"overview of {total:,} rows, behind the first: {ordered[len(ordered) // 2]:.0f} ms")
    title = f"overview of {total:,} rows, the first after a start: the limit"
    return [compare(title, "ms", first, [OVERVIEW_MS] * len(first), Bound(most=1.0))]


def _add_operator(path: str) -> None:
    store = database(path, None).bare()
    Operators(store.access, time.time_ns).add("ada", _PASSWORD, "acme")
    store.close()


def _await_sealed(server: Server) -> None:
    """As it is where a server runs: what was written is sealed."""
    asked = f"http://127.0.0.1:{server.port}/metrics"
    while not re.search(r"^selene_unsealed_rows 0(\.0)?$", httpx.get(asked).text, re.MULTILINE):
        say("  rows wait to be sealed")
        time.sleep(5)


def _overviews(server: Server, stretch: str, total: int) -> list[float]:
    """How long each of some views took, in milliseconds."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}/console", timeout=60) as browser:
        page = browser.get("/login").text
        token = re.search(r'name="token" value="([^"]+)"', page)
        if token is None:
            raise Unmeasured("the console has no page to log in")
        form = {"login": "ada", "password": _PASSWORD, "token": unescape(token[1])}
        browser.post("/login", data=form)
        spent = []
        for _ in range(_PAGES):
            began = time.perf_counter()
            shown = browser.get(f"/t/acme?{stretch}")
            spent.append(1_000 * (time.perf_counter() - began))
        counted = browser.get(f"/t/acme/overview.json?{stretch}").json()
    if shown.status_code != 200 or sum(counted["layers"].values()) != total:
        raise Unmeasured(f"the overview counts {counted}")
    return spent
