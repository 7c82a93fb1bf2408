"""Each page tells what the ledger holds, in each of its forms."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from consoles import Desk
from ledgers import START_NS

PAGES = ("", "/overview", "/search", "/try", "/terms", "/packs", "/checkpoints", "/access")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_with_one_heading_and_its_place_in_the_tabs(
    read: Desk, page: str
) -> None:
    told = read.get(f"t/acme{page}")
    assert told.status_code == 200
    assert told.text.count("<h1") == 1 and told.text.count('aria-current="page"') == 1
    assert "<title>" in told.text and 'href="#main"' in told.text


@pytest.mark.parametrize("page", ["overview", "search", "terms", "packs", "checkpoints", "access"])
def test_every_table_is_json_and_csv_as_well(read: Desk, page: str) -> None:
    record = read.get(f"t/acme/{page}.json")
    assert record.headers["content-type"] == "application/json" and record.json()
    table = read.get(f"t/acme/{page}.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"filename={page}.csv" in table.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(table.text)))
    assert len({len(row) for row in rows}) == 1


def test_the_overview_counts_what_was_decided(read: Desk) -> None:
    record = read.get("t/acme/overview.json?range=1h").json()
    assert record["layers"] == {
        "intent": 1, "unknown": 1, "clarify": 1, "chat": 1, "profile": 1, "settled": 1,
        "custody": 0,
    }  # fmt: skip
    assert record["top_missing"] == [{"field": "when", "rows": 1}]
    assert record["clarify_rate"] == 1 / 3 and record["unsealed"] == 3
    assert sum(part["chat"] for part in record["parts"]) == 1
    page = read.get("t/acme?range=1h").text
    assert "33.3 %" in page and "ms commit p50" in page and "<svg" in page


def test_an_overview_of_nothing_leads_to_the_newest_row(read: Desk) -> None:
    page = read.get("t/acme?until=2001-01-01T00:00Z").text
    assert "Nothing was decided" in page and "Show the week up to the newest row" in page
    assert read.get("t/acme?range=never").status_code == 422
    assert read.get("t/acme?since=2020-01-01T00:00Z&until=2019-01-01T00:00Z").status_code == 422


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", 6),
        ("decision=CHAT", 1),
        ("intent=SEND_MONEY", 1),
        ("reason=NLP_INTENT_UNKNOWN", 1),
        ("user=bob", 1),
        ("device=kitchen", 5),
        ("device=kitchen&decision=CLARIFY", 1),
        (f"since={START_NS + 1}", 3),
        ("user=carol", 0),
    ],
)
def test_a_search_finds_what_its_address_asks_for(read: Desk, query: str, rows: int) -> None:
    assert len(read.get(f"t/acme/search.json?{query}").json()["events"]) == rows
    page = read.get(f"t/acme/search?{query}").text
    assert page.count('data-label="Decision"') == rows
    assert ("Nothing was found" in page) == (rows == 0)


def test_a_search_that_cannot_be_asked_says_what_is_wrong(read: Desk) -> None:
    told = read.get("t/acme/search?reason=NONSENSE")
    assert told.status_code == 422 and "reason is not known" in told.text
    assert read.get("t/acme/search.json?cursor=x").json()["status"] == 422


def test_a_search_goes_on_from_page_to_page(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from selene_os.edges.console import finding

    monkeypatch.setattr(finding.search, "__defaults__", (4,))
    first = read.get("t/acme/search.json").json()
    rest = read.get(f"t/acme/search.json?cursor={first['next_cursor']}").json()
    found = [event["event_id"] for event in first["events"] + rest["events"]]
    assert len(found) == len(set(found)) == 6 and rest["next_cursor"] is None
    assert "Older rows" in read.get("t/acme/search").text


def test_a_timeline_tells_the_whole_conversation(read: Desk) -> None:
    page = read.get(f"t/acme/c/{read.talk}").text
    for told in (
        "Turn 5", '<mark title="amount">', "Done.", "One known intent", "NLP_CLARIFY_MISSING_FIELD",
        "Hand-overs of engines", "Raw JSON", "3 of 5 rows sealed", "20 USD", "PH1.KNOW",
        "BALANCED", "not sealed", "leaf 0", "selene trace --tenant acme", "turn 2</a>",
    ):  # fmt: skip
        assert told in page, told
    record = read.get(f"t/acme/c/{read.talk}.json").json()
    assert [turn["turn_id"] for turn in record["turns"]] == [1, 2, 3, 4, 5]


def test_one_row_is_shown_with_its_record_and_proof(read: Desk) -> None:
    events = read.get(f"t/acme/c/{read.talk}.json").json()["turns"]
    sealed, open_ = events[0]["events"][0]["event_id"], events[4]["events"][0]["event_id"]
    page = read.get(f"t/acme/e/{sealed}").text
    assert "Leaf 0 of the signed log" in page and "send $20 to Bob" in page
    assert "Not sealed yet" in read.get(f"t/acme/e/{open_}").text
    assert read.get(f"t/acme/e/{sealed}.json").json()["proof"]["leaf_index"] == 0


def test_a_replay_is_told_field_by_field(read: Desk) -> None:
    page = read.get(f"t/acme/c/{read.talk}/replay").text
    assert "5 of 5 came out identical" in page and "Nothing was written" in page
    rows = list(csv.reader(io.StringIO(read.get(f"t/acme/c/{read.talk}/replay.csv").text)))
    assert rows[0][-2:] == ["recorded", "replayed"] and len(rows) == 6


def test_what_comes_out_otherwise_is_shown_beside_what_was_recorded(desk: Desk) -> None:
    desk.log_in()
    changed = desk.ledger.raw(
        "DROP TRIGGER audit_events_no_update",
        "UPDATE audit_events SET payload_min ="
        " replace(payload_min, 'SEND_MONEY', 'SEND_HONEY') WHERE turn_id = 1",
    )
    assert [result.error for result in changed] == [None, None]
    page = desk.get(f"t/acme/c/{desk.talk}/replay").text
    assert "1 differ." in page and "/payload_min/intent_type" in page
    assert "SEND_HONEY" in page and "SEND_MONEY" in page


def test_evidence_can_be_taken_away(read: Desk) -> None:
    refused = read.get(f"t/acme/c/{read.talk}/bundle.zip")
    assert refused.status_code == 422 and "not sealed yet" in refused.text
    made = read.get(f"t/acme/c/{read.talk}/bundle.zip?unsealed=true")
    assert made.headers["content-type"] == "application/zip"
    assert "report.html" in zipfile.ZipFile(io.BytesIO(made.content)).namelist()
    note = read.get("t/acme/checkpoints/3")
    assert note.status_code == 200 and "/acme\n3\n" in note.text
    assert read.get("t/acme/checkpoints/77").status_code == 404


def test_a_sentence_is_explained_and_nothing_is_written(desk: Desk) -> None:
    desk.log_in()
    before = desk.ledger.tables()
    told = desk.post("t/acme/try", text="remind me to call mom tomorrow at 5 pm")
    assert told.status_code == 200
    assert "SET_REMINDER" in told.text and '<mark title="when">' in told.text
    assert "Step by step" in told.text
    assert desk.post("t/acme/try", text="").status_code == 422
    assert desk.ledger.tables() == before


def test_terms_are_imported_all_or_none(desk: Desk) -> None:
    desk.log_in()
    head = "kind,source,canonical\n"
    bad = desk.post("t/acme/terms", terms=f"{head}PROJECT_CODE,NOWHERE,Blue Heron\n")
    assert bad.status_code == 422 and "Nothing was written" in bad.text
    assert desk.post("t/acme/terms", terms="nothing").status_code == 422
    good = f"{head}PROJECT_CODE,HR_ORG_AUTHORIZED,Blue Heron\n"
    assert "Imported." in desk.post("t/acme/terms", terms=good).text
    assert desk.get("t/acme/terms.json").json()["terms"][0]["canonical"] == "Blue Heron"
    assert desk.access()[0][:2] == ("operator:ada", "console.terms")


def test_who_looked_at_what_is_kept_and_shown(desk: Desk) -> None:
    desk.log_in()
    event = desk.get(f"t/acme/c/{desk.talk}.json").json()["turns"][0]["events"][0]["event_id"]
    for path in (f"c/{desk.talk}/replay", f"c/{desk.talk}/bundle.zip?unsealed=true", f"e/{event}"):
        assert desk.get(f"t/acme/{path}").status_code == 200
    assert sorted(desk.access()) == [
        ("operator:ada", "console.bundle", desk.talk),
        ("operator:ada", "console.record", event),
        ("operator:ada", "console.replay", desk.talk),
        ("operator:ada", "console.trace", desk.talk),
    ]
    assert desk.get("t/acme/access").text.count("operator:ada") == 4


def test_where_an_access_event_cannot_be_kept_nothing_is_shown(desk: Desk) -> None:
    desk.log_in()
    desk.ledger.raw("DROP TABLE access_events")
    told = desk.get(f"t/acme/c/{desk.talk}")
    assert told.status_code == 503 and "send $20" not in told.text


def test_what_was_erased_is_shown_as_erased(desk: Desk) -> None:
    desk.log_in()
    desk.ledger.raw(
        "DROP TRIGGER replay_inputs_no_update", "UPDATE replay_inputs SET key_id = 'erased'",
        "DROP TRIGGER conversation_ledger_no_update",
        "UPDATE conversation_ledger SET key_id = 'erased'",
    )  # fmt: skip
    page = desk.get(f"t/acme/c/{desk.talk}").text
    assert "Erased" in page and "send $20" not in page
    assert "What was said here was erased" in page
