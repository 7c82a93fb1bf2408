"""What stands in rows may be anybody's text: it is shown, and never does anything."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consoles import Desk
from selene_os.edges.console.shown import csv_text, marked, moment, pretty, visible

TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></pre><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "a\u202ecod.exe\u2066 \u200b\ufeff\u00ad",
    "\x1b[31mred\x07\x08",
    "w" * 32_768,
    "' OR 1=1 --",
)
ALLOWED_SCRIPT = "/console/static/console.js"
HIDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class Inspector(HTMLParser):
    """Notes everything on a page that a browser would run, load or style by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("iframe", "object", "embed", "base", "img", "style", "video", "audio"):
            self.found.append(tag)
        if tag == "script" and not (named.get("src") or "").startswith(ALLOWED_SCRIPT):
            self.found.append("script")
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}")
            if name in ("href", "src", "action") and not re.match(r"(/console|#)", value or ""):
                self.found.append(f"{tag} {name}={value}")


def inspected(text: str) -> None:
    inspector = Inspector()
    inspector.feed(text)
    assert inspector.found == []
    assert not HIDING.search(text)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_page_of_hostile_text_holds_nothing_that_runs(desk: Desk, text: str) -> None:
    desk.log_in()
    tenant = desk.selene.tenant("acme")
    said = tenant.take_turn("alice", "kitchen", text.replace("\x07", "").replace("\x08", ""))
    for path in ("", "/replay"):
        told = desk.get(f"t/acme/c/{said.correlation_id}{path}")
        assert told.status_code == 200
        inspected(told.text)
    event = said.receipts[0].event_id
    inspected(desk.get(f"t/acme/e/{event}").text)
    tried = desk.post("t/acme/try", text=text)
    assert tried.status_code in (200, 422)
    # What was typed stands in its field again, byte for byte.
    inspected(re.sub(r"<textarea.*?</textarea>", "", tried.text, flags=re.S))


@pytest.mark.parametrize("text", TEXTS[:7], ids=range(7))
def test_what_an_address_asks_for_is_shown_and_does_nothing(read: Desk, text: str) -> None:
    for query in ("user", "intent", "reason", "since", "cursor", "decision", "device"):
        told = read.ask("GET", "t/acme/search", params={query: text})
        assert told.status_code in (200, 422)
        inspected(re.sub(r'value="[^"]*"', "", told.text))
    for path in ("login", "setup"):
        inspected(read.ask("GET", path, params={"next": text, "token": text}).text)


def test_names_of_users_and_devices_do_nothing_either(desk: Desk) -> None:
    name = "<b>=HYPERLINK(1)</b>"
    tenant = desk.selene.tenant("acme")
    tenant.register(name, "=1+1")
    tenant.take_turn(name, "=1+1", "hello")
    desk.log_in()
    inspected(desk.get("t/acme/search").text)
    rows = list(csv.DictReader(io.StringIO(desk.get("t/acme/search.csv").text)))
    assert rows[0]["device_id"] == "'=1+1" and rows[0]["user_id"] == name
    told = desk.get("t/acme/search?device=%3D1%2B1").text
    assert "selene search --tenant acme" in told


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell: str) -> None:
    ((told,),) = list(csv.reader(io.StringIO(csv_text(["x"], [[cell]]).decode())))[1:]
    assert told[:1] not in ("=", "+", "-", "@", "\t", "\r")


@given(st.text(max_size=60))
def test_any_cell_begins_harmlessly_and_stays_one_cell(text: str) -> None:
    told = csv_text(["a", "b"], [[text, 1]]).decode()
    rows = list(csv.reader(io.StringIO(told, newline="")))
    assert len(rows) == 2 and len(rows[1]) == 2 and rows[1][1] == "1"
    assert rows[1][0][:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")


@given(st.text(max_size=80), st.integers(-5, 90), st.integers(-5, 90))
def test_any_text_is_shown_whole_and_harmless(text: str, start: int, end: int) -> None:
    spans = [{"key": "<k>", "start": start, "end": end}, {"start": "x"}, "no span"]
    for told in (visible(text), marked(text, spans), pretty({"a": text})):
        assert "<k>" not in told
        inspected(str(told))
        assert "<script" not in told


@given(st.integers(0, 2**63 - 1))
def test_any_moment_can_be_told(at: int) -> None:
    assert moment(at)
