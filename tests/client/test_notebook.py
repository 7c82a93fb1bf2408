"""What notebooks show: nothing that runs, and moments to the nanosecond."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from html.parser import HTMLParser
from typing import Any

import pytest

from command import python
from ledgers import START_NS
from selene_os import notebook
from selene_os.client import Client
from serving import Served, token_of, turn
from transports import Through

EVIL = '<script>alert(1)</script><img src=x onerror="alert(1)">\'">&amp;'


class Tags(HTMLParser):
    """Notes which tags and attributes there are."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"@{name}" for name, _ in attrs)}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_trace_shows_itself_without_anything_that_runs() -> None:
    row = dict.fromkeys(("event_id", *notebook._SHOWN), EVIL)
    tags = Tags()
    other = {**row, "payload_min": ["<b>"], "user_id": None}
    tags.feed(notebook.Trace([row, other])._repr_html_())
    assert tags.seen == {"table", "thead", "tbody", "tr", "th", "td", "@style", "@data-event"}
    assert tags.text.count(EVIL) == 10 and '["<b>"]' in tags.text


def test_rows_of_the_library_and_of_the_client_are_shown_alike(served: Served) -> None:
    talk = served.post("turns", turn()).json["correlation_id"]
    theirs = Client("http://here", token_of("all"), transport=Through(served)).trace(talk).events
    mine = served.selene.tenant("acme").trace(talk)
    assert theirs is not None
    for rows in (theirs, mine):
        shown = notebook.Trace(rows)
        assert repr(shown) == "Trace(1 rows)" and "NlpIntentDraft" in shown._repr_html_()
    with pytest.raises(TypeError, match="str is no row"):
        notebook.Trace(["x"])


def test_without_pandas_the_error_says_what_to_install() -> None:
    source = (
        "import sys; sys.modules['pandas'] = None\n"
        "from selene_os import notebook\n"
        "try: notebook.to_pandas([])\n"
        "except ImportError as error: print(error)"
    )
    assert python(source).strip().endswith("Install it: pip install pandas")


def test_importing_the_notebook_loads_nothing() -> None:
    loaded = python("import selene_os.notebook, sys; print(*sys.modules)").split()
    assert {name for name in loaded if name.startswith("selene_os.")} == {"selene_os.notebook"}
    assert not {"pandas", "numpy", "httpx"} & set(loaded)


def test_what_pandas_is_given_is_exact(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in tells what it was given; with pandas itself the next test runs."""
    given: list[Any] = []

    def note(digits: list[int], **how: Any) -> None:
        given.append((digits, how))

    stand_in = types.ModuleType("pandas")
    stand_in.DataFrame = lambda records: {"records": records}  # type: ignore[attr-defined]
    stand_in.to_datetime = note  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", stand_in)
    served.now_ns += 1
    served.post("turns", turn())
    client = Client("http://here", token_of("all"), transport=Through(served))
    for rows in (list(client.every_decision()), served.selene.tenant("acme").search().events):
        notebook.to_pandas(rows)
    assert given == [([START_NS + 1], {"unit": "ns", "utc": True})] * 2
    notebook.to_pandas([])


@pytest.mark.skipif(
    importlib.util.find_spec("pandas") is None and "SELENE_DRILLS" not in os.environ,
    reason="pandas is of the drills alone",
)
def test_pandas_itself_takes_rows_to_the_nanosecond(served: Served) -> None:
    served.now_ns += 123_456_789
    served.post("turns", turn())
    frame = notebook.to_pandas(served.selene.tenant("acme").search().events)
    assert int(frame["created_at"].iloc[0].value) == START_NS + 123_456_789
    assert len(notebook.to_pandas([])) == 0
