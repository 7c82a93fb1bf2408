"""Every page is JSON and a table as well, and none is without."""

from __future__ import annotations

import csv
import io
import re

import pytest
from starlette.routing import Route

from consoles import Desk, filled, table_of
from selene_os.edges.console.routes import PAGES
from selene_os.edges.console.shown import csv_text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_json_and_csv_as_well(read: Desk, path: str) -> None:
    page = filled(read, path)
    assert read.get(f"{page}?all").headers["content-type"] == "text/html; charset=utf-8"
    record = read.get(f"{page}.json")
    assert record.headers["content-type"] == "application/json" and record.json()
    table = read.get(f"{page}.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"filename={page.rpartition('/')[2]}.csv" in table.headers["content-disposition"]
    rows = table_of(table)
    assert len({len(row) for row in rows}) == 1 and len(rows[0]) == len(set(rows[0]))
    if not path.endswith(("try", "terms")):
        assert len(rows) > 1
    if not path.endswith("replay"):
        # A difference alone is told as JSON.
        assert not [cell for row in rows for cell in row if cell.startswith("[")]


def test_no_page_is_without_its_place_in_the_table_of_pages(read: Desk) -> None:
    for route in read.routes:
        assert isinstance(route, Route)
        if "GET" not in (route.methods or ()) or route.path in PAGES:
            continue
        path = filled(read, re.sub(r"\{(name|rest:path|size)\}", "3", route.path))
        told = read.get(path)
        # The overview stands at a second address.
        if told.status_code == 200 and route.path != "/console/t/{tenant}":
            assert not told.headers["content-type"].startswith("text/html"), route.path


def test_what_was_tried_is_json_and_csv_by_the_same_form(read: Desk) -> None:
    token = read.token("t/acme/try")
    form = {"token": token, "text": "send $20 to Bob"}
    record = read.ask("POST", "t/acme/try.json", data=form).json()
    assert record["result"]["intent_type"] == "SEND_MONEY"
    rows = table_of(read.ask("POST", "t/acme/try.csv", data=form))
    assert ["field", "amount", "$20", "20 USD"] in rows
    assert read.ask("POST", "t/acme/try.csv", data=form | {"text": ""}).status_code == 422
    assert read.get("t/acme/try.json").json()["result"] is None
    assert read.ask("POST", "t/acme/try.json", data={"text": "x"}).status_code == 403


def test_a_conversation_as_a_table_tells_what_was_said_and_decided(read: Desk) -> None:
    header, *rows = table_of(read.get(f"t/acme/c/{read.talk}.csv"))
    told = [dict(zip(header, row, strict=True)) for row in rows]
    assert [one["what"] for one in told if one["turn_id"] == "2"] == ["USER", "CONFIRMED", "SELENE"]
    assert (told[0]["text"], told[1]["fields"]) == (
        "send $20 to Bob", "amount: 20 USD; recipient: Bob",
    )  # fmt: skip
    assert told[1]["leaf_index"] == "0" and told[-1]["text"] == "When should that be?"


def test_lists_stand_in_one_cell_as_a_page_shows_them(read: Desk) -> None:
    header, *rows = table_of(read.get("t/acme/packs.csv"))
    needs = {row[0]: row[header.index("required")] for row in rows}
    assert needs["SEND_MONEY"] == "amount recipient"
    ((cell,),) = list(csv.reader(io.StringIO(csv_text(["x"], [[["at 5 pm", "soon"]]]).decode())))[
        1:
    ]
    assert cell == "at 5 pm; soon"
