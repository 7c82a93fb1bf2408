"""What a person does with the console, in a browser; and what the browser must not see."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from consoles import PASSWORD, SECOND, Desk
from ledgers import Ledger, SqliteDatabase

SCRIPT = "window.cspViolations = []; document.addEventListener('securitypolicyviolation',"
SCRIPT += " event => window.cspViolations.push(event.violatedDirective + ' ' + event.blockedURI));"
WIDTHS = (360, 900, 1440)
pytestmark = pytest.mark.skipif(
    "SELENE_NO_BROWSER" in os.environ, reason="SELENE_NO_BROWSER says that there is none"
)


def chromium() -> str:
    """Where the browser is; a missing one fails, unless SELENE_NO_BROWSER says so."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise AssertionError("no chromium: install one, or set SELENE_NO_BROWSER")


class Seen:
    """What a browser's page did beside what it shows."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.troubles: list[str] = []
        page.add_init_script(SCRIPT)
        page.on("request", self._requested)
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def _requested(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.base:
            self.troubles.append(f"asked {request.url}")

    def _told(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(message.text)

    def go(self, path: str) -> None:
        """Open a page of the console."""
        self.page.goto(f"{self.base}/console/{path}")
        self.check()

    def check(self) -> None:
        """Nothing happened that must not."""
        assert self.page.evaluate("window.cspViolations") == []
        assert self.troubles == []

    def log_in(self) -> None:
        """As ada."""
        self.go("login")
        self.page.get_by_label("Login").fill("ada")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/console/t/acme")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Desk]]:
    """A server that a browser can reach, and whose it is."""
    import uvicorn

    ledger = Ledger(SqliteDatabase(tmp_path_factory.mktemp("site")))
    desk = Desk(ledger)
    desk.add_operators()
    desk.fill()
    desk.now_ns += SECOND
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    config = uvicorn.Config(desk.app, port=port, log_level="error", loop="asyncio", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}", desk
    server.should_exit = True
    thread.join()
    desk.close()
    ledger.store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def state(browser: Any, site: tuple[str, Desk]) -> Any:
    """What a browser keeps of a login; made once, since a password's check is slow on purpose."""
    context = browser.new_context()
    Seen(context.new_page(), site[0]).log_in()
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def seen(browser: Any, site: tuple[str, Desk], state: Any) -> Iterator[Seen]:
    """A page of somebody who is logged in."""
    context = browser.new_context(storage_state=state)
    context.set_default_timeout(5_000)
    seen = Seen(context.new_page(), site[0])
    yield seen
    seen.check()
    context.close()


def test_from_a_figure_of_the_overview_to_the_row_behind_it(seen: Seen) -> None:
    seen.go("t/acme?range=1h")
    seen.page.get_by_text("unknown requests").first.click()
    seen.page.wait_for_url("**/search?**reason=NLP_INTENT_UNKNOWN**")
    seen.page.locator("table a").first.click()
    assert "Klingon" in seen.page.locator(".said").inner_text()
    assert seen.page.locator(".decision:target").count() == 1


def test_a_search_is_narrowed_by_a_facet_and_widened_again(seen: Seen) -> None:
    seen.go("t/acme/search")
    assert seen.page.locator("tbody tr").count() == 6
    seen.page.locator(".facets").get_by_role("link", name="Clarify").click()
    assert seen.page.locator("tbody tr").count() == 1
    seen.page.locator(".chip").click()
    assert seen.page.locator("tbody tr").count() == 6
    seen.page.get_by_label("User").fill("bob")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url("**/search?**user=bob**")
    assert seen.page.locator("tbody tr").count() == 1


def test_a_timeline_is_opened_and_closed_and_nothing_hostile_runs(
    seen: Seen, site: tuple[str, Desk]
) -> None:
    seen.go(f"t/acme/c/{site[1].talk}")
    seen.page.get_by_role("button", name="Expand all").click()
    assert seen.page.locator(".turns details:not([open])").count() == 0
    assert "PH1.SRL" in seen.page.locator(".turns").inner_text()
    assert seen.page.locator(".hidden-char").first.inner_text() == "\\u{202e}"
    seen.page.get_by_role("button", name="Collapse all").click()
    assert seen.page.locator(".turns details[open]").count() == 0


def test_a_conversation_is_replayed_and_its_evidence_taken(
    seen: Seen, site: tuple[str, Desk]
) -> None:
    seen.go(f"t/acme/c/{site[1].talk}")
    with seen.page.expect_download() as download:
        seen.page.get_by_role("link", name="Evidence bundle").click()
    assert download.value.suggested_filename == f"case-{site[1].talk}.zip"
    seen.page.get_by_role("link", name="Replay").click()
    assert "5 of 5 came out identical" in seen.page.locator(".seal").inner_text()


def test_a_sentence_is_tried_by_keyboard_alone(seen: Seen) -> None:
    seen.go("t/acme/try")
    seen.page.keyboard.press("/")
    seen.page.keyboard.type("remind me to call mom tomorrow at 5 pm")
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_selector(".tried")
    assert seen.page.locator("mark").count() == 2


def test_one_skips_to_the_content_and_sees_where_one_is(seen: Seen) -> None:
    seen.go("t/acme/search")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    assert seen.page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "main"
    seen.page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert seen.page.evaluate(outline) == "solid"


def test_the_colours_are_switched_and_stay_so(seen: Seen) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    seen.go("t/acme")
    light = seen.page.evaluate(colour)
    seen.page.get_by_role("button", name="Dark colours").click()
    seen.page.wait_for_load_state()
    dark = seen.page.evaluate(colour)
    seen.go("t/acme/packs")
    assert seen.page.evaluate(colour) == dark != light


def test_terms_are_imported_and_a_refused_line_is_told(seen: Seen) -> None:
    seen.go("t/acme/terms")
    box = seen.page.get_by_label("CSV with a header, or JSON lines")
    box.fill("kind,source,canonical\nPROJECT_CODE,HR_ORG_AUTHORIZED,Blue Heron")
    seen.page.get_by_role("button", name="Import").click()
    assert "Imported." in seen.page.get_by_role("status").inner_text()
    assert "Blue Heron" in seen.page.locator("tbody").first.inner_text()


def test_a_snippet_is_copied(seen: Seen) -> None:
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.go("t/acme/search?user=bob")
    seen.page.get_by_text("Copy as curl").click()
    seen.page.get_by_role("button", name="Copy").first.click()
    seen.page.get_by_role("button", name="Copied").wait_for()
    told = seen.page.evaluate("navigator.clipboard.readText()")
    assert told.startswith("curl ") and "decisions?user=bob" in told


def test_one_logs_out_and_is_out(browser: Any, site: tuple[str, Desk]) -> None:
    context = browser.new_context()
    seen = Seen(context.new_page(), site[0])
    seen.log_in()
    seen.page.locator(".who summary").click()
    seen.page.get_by_role("button", name="Log out").click()
    seen.page.wait_for_url("**/console/login")
    seen.go("t/acme")
    assert seen.page.url.endswith("/console/login?next=%2Fconsole%2Ft%2Facme")
    seen.check()
    context.close()


def pages_of(desk: Desk) -> list[str]:
    event = desk.selene.tenant("acme").trace(desk.talk)[0].event_id
    return [
        "t/acme?range=1h", "t/acme/search", f"t/acme/c/{desk.talk}", f"t/acme/c/{desk.talk}/replay",
        f"t/acme/e/{event}", "t/acme/try", "t/acme/terms", "t/acme/packs", "t/acme/checkpoints",
        "t/acme/access", "me", "?all",
    ]  # fmt: skip


def test_no_page_is_wider_than_its_screen(seen: Seen, site: tuple[str, Desk]) -> None:
    for path in pages_of(site[1]):
        seen.go(path)
        for width in WIDTHS:
            seen.page.set_viewport_size({"width": width, "height": 800})
            wider = "document.documentElement.scrollWidth - window.innerWidth"
            assert seen.page.evaluate(wider) <= 0, (path, width)


def test_on_a_phone_one_sees_where_one_is_and_what_narrows_a_search(seen: Seen) -> None:
    seen.page.set_viewport_size({"width": 380, "height": 800})
    for page in ("", "/search", "/try", "/terms", "/packs", "/checkpoints", "/access"):
        seen.go(f"t/acme{page}")
        place = seen.page.locator(".tabs [aria-current]").bounding_box()
        assert place["x"] >= 0 and place["x"] + place["width"] <= 380, page
    seen.go("t/acme/search")
    facets = seen.page.locator(".facets").bounding_box()
    rows = seen.page.locator(".results").bounding_box()
    assert facets["y"] + facets["height"] <= rows["y"]


# How many parts of a name, between the places where it may break, stand in two lines.
BROKEN = """[...document.querySelectorAll(".whole bdi, .bar-name bdi")]
  .flatMap((name) => [...name.childNodes]).filter((part) => !/\\s/.test(part.textContent))
  .filter((part) => {
    const range = document.createRange();
    range.selectNodeContents(part);
    return range.getClientRects().length > 1;
  }).length"""


@pytest.mark.parametrize("width", [380, 800, 1400])
def test_names_break_behind_their_marks_alone(seen: Seen, width: int) -> None:
    seen.page.set_viewport_size({"width": width, "height": 800})
    for page in ("?range=1h", "/search", "/packs", "/access"):
        seen.go(f"t/acme{page}")
        assert seen.page.locator(".whole bdi, .bar-name bdi").count()
        assert seen.page.evaluate(BROKEN) == 0, page


def test_a_choice_stands_level_with_the_fields_beside_it(seen: Seen) -> None:
    seen.page.set_viewport_size({"width": 1400, "height": 800})
    seen.go("t/acme/search")
    choice = seen.page.locator("select[name=decision]").bounding_box()
    beside = seen.page.locator("input[name=intent]").bounding_box()
    assert (choice["y"], choice["height"]) == (beside["y"], beside["height"])


@pytest.fixture
def paper(browser: Any, site: tuple[str, Desk], state: Any) -> Iterator[Seen]:
    """What a browser that is dark on the screen prints on A4."""
    context = browser.new_context(
        storage_state=state, color_scheme="dark", viewport={"width": 688, "height": 970}
    )
    seen = Seen(context.new_page(), site[0])
    seen.page.emulate_media(media="print", color_scheme="dark")
    yield seen
    seen.check()
    context.close()


def test_a_case_file_is_printed_whole_and_light(paper: Seen, site: tuple[str, Desk]) -> None:
    paper.go(f"t/acme/c/{site[1].talk}")
    told = paper.page.locator("main").inner_text()
    for part in ("Tenant acme", "Newest row here", "Newest checkpoint", "PH1.SRL", "ada"):
        assert part in told, part
    for hidden in (".top", ".actions", ".foot", "form", ".raw"):
        assert not paper.page.locator(hidden).first.is_visible(), hidden
    assert paper.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    dot = "getComputedStyle(document.querySelector('.turn'), '::before').left"
    left = paper.page.evaluate("document.querySelector('.turn').getBoundingClientRect().left")
    assert left + float(paper.page.evaluate(dot).removesuffix("px")) >= 0


@pytest.mark.parametrize("theme", ["auto", "dark"])
def test_an_overview_is_printed_without_its_controls(
    paper: Seen, site: tuple[str, Desk], theme: str
) -> None:
    cookie = {"name": "selene-theme", "value": theme, "url": site[0]}
    paper.page.context.add_cookies([cookie])
    paper.go("t/acme?range=1h")
    for hidden in ("form.inline", ".segments", ".forms", ".copy"):
        assert not paper.page.locator(hidden).first.is_visible(), hidden
    fill = "getComputedStyle(document.querySelector('rect.fill-intent')).fill"
    assert paper.page.evaluate(fill) == "rgb(74, 93, 176)"
    cut = "[...document.querySelectorAll('.bar-name')].some((o) => o.scrollWidth > o.clientWidth)"
    assert paper.page.locator(".bar-name").count() > 3 and not paper.page.evaluate(cut)


@pytest.mark.parametrize("scheme", ["light", "dark"] if "SELENE_DRILLS" in os.environ else ["dark"])
def test_axe_finds_nothing_serious(
    browser: Any, site: tuple[str, Desk], state: Any, scheme: str
) -> None:
    spec = find_spec("axe_playwright_python")
    assert spec is not None and spec.origin is not None
    source = (Path(spec.origin).parent / "axe.min.js").read_text()
    # Its script is not the console's: the policy would refuse it.
    context = browser.new_context(storage_state=state, color_scheme=scheme, bypass_csp=True)
    page, serious = context.new_page(), []
    for path in pages_of(site[1]):
        page.goto(f"{site[0]}/console/{path}")
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = 1")
        page.evaluate(source)
        told = page.evaluate("axe.run()")
        assert len(told["passes"]) > 15, path
        serious += [
            (path, one["id"], one["nodes"][0]["html"][:160], one["nodes"][0]["failureSummary"])
            for one in told["violations"]
            if one["impact"] in ("serious", "critical")
        ]
    context.close()
    assert serious == []
