"""Each page tells what the ledger holds, in each of its forms."""

from __future__ import annotations

import csv
import io
import zipfile
from urllib.parse import quote

import pytest

from consoles import SECOND, Desk, table_of
from ledgers import START_NS
from selene_os.edges.console.shown import heard, iso

HOUR = 3_600 * SECOND
TABS = ("", "/overview", "/search", "/try", "/terms", "/packs", "/checkpoints", "/access")


@pytest.mark.parametrize("page", TABS)
def test_every_page_is_there_with_one_heading_and_its_place_in_the_tabs(
    read: Desk, page: str
) -> None:
    told = read.get(f"t/acme{page}")
    assert told.status_code == 200
    assert told.text.count("<h1") == 1 and told.text.count('aria-current="page"') == 1
    assert "<title>" in told.text and 'href="#main"' in told.text


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
    assert "33.3 %" in page and "<svg" in page and "6 at most in 1 min" in page


def test_the_overview_tells_how_long_commits_take(read: Desk) -> None:
    page = read.get("t/acme?until=2001-01-01T00:00Z").text
    assert "3.5 ms" in page and "40.2 ms" in page and ">12<" in page
    told = read.get("t/acme/overview.json").json()["metrics"]
    assert told == {
        "since": iso(START_NS), "commits": 12, "commit_p50_ms": 3.5, "commit_p99_ms": 40.25,
    }  # fmt: skip
    header, *rows = table_of(read.get("t/acme/overview.csv"))
    cells = dict(zip(header, rows[0], strict=True))
    assert (cells["server_commits"], cells["server_commit_p99_ms"]) == ("12", "40.25")


def test_an_overview_where_nothing_is_measured_says_nothing_of_it(desk: Desk) -> None:
    desk.log_in()
    assert desk.get("t/acme/overview.json").json()["metrics"] is None
    assert "Commits of this server" not in desk.get("t/acme").text
    assert "server_commits" not in desk.get("t/acme/overview.csv").text


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


def test_a_search_is_narrowed_by_time_counted_and_linked(desk: Desk) -> None:
    desk.log_in()
    page = desk.get("t/acme/search").text
    begins, ends = iso(START_NS // HOUR * HOUR), iso(START_NS // HOUR * HOUR + HOUR)
    link = f"search?since={quote(begins)}&amp;until={quote(ends)}"
    assert "<summary>Hour</summary>" in page and quote(link, safe="?=&;%") in page
    found = desk.get(f"t/acme/search.json?since={begins}&until={ends}").json()["events"]
    assert len(found) == 6
    # Within one hour there is nothing left to narrow.
    assert "<summary>Hour" not in desk.get(f"t/acme/search?since={begins}&until={ends}").text
    desk.now_ns += 3 * 24 * HOUR
    desk.selene.tenant("acme").take_turn("bob", "desk", "hello")
    desk.log_in()
    page = desk.get("t/acme/search").text
    assert "<summary>Day</summary>" in page and iso(desk.now_ns)[:10] in page
    assert "<summary>Day" not in desk.get("t/acme/search?user=alice").text


def test_another_tenant_is_asked_the_same(desk: Desk) -> None:
    desk.log_in("ada")
    assert "globex" not in desk.get("t/acme/search?user=carol").text
    desk.post("logout", "me")
    desk.log_in("bea")
    page = desk.get("t/acme/search?user=carol&cursor=").text
    # By the facet, and by the menu of tenants.
    assert page.count('href="/console/t/globex/search?user=carol') == 2
    assert 'href="/console/t/globex?range=1h"' not in desk.get("t/acme?range=1h").text
    assert 'href="/console/t/globex/overview?range=1h"' in desk.get("t/acme/overview?range=1h").text
    assert 'href="/console/t/globex"' in desk.get(f"t/acme/c/{desk.talk}").text


def test_the_same_question_elsewhere_names_the_device(read: Desk) -> None:
    page = read.get("t/acme/search?device=kitchen&decision=CHAT").text
    assert "decisions?decision=CHAT&amp;device=kitchen" in page
    assert "selene search --tenant acme --decision CHAT --device kitchen" in page


def test_what_could_be_meant_and_was_asked_is_told(desk: Desk) -> None:
    desk.log_in()
    told = desk.selene.tenant("acme").take_turn("alice", "kitchen", "remind me at five to call mom")
    page = desk.get(f"t/acme/c/{told.correlation_id}").text
    assert "several readings: 05:00 or 17:00 on " in page and "<bdi>null" not in page
    assert "Which time do you mean?" in page and page.count("<dt>Missing</dt>") == 1
    one = {"key": "when", "value": None, "readings": [{"start": "2026-11-22"}, {"start": "x"}]}
    assert heard(one) == "several readings: 2026-11-22 or x"
    assert heard({"key": "when", "value": None}) == "not settled"


def test_only_what_was_said_in_a_turn_is_marked_there(desk: Desk) -> None:
    desk.log_in()
    tenant = desk.selene.tenant("acme")
    talk = tenant.take_turn("alice", "kitchen", "remind me to call mom").correlation_id
    tenant.append_answer("alice", "kitchen", "When should that be?", correlation=talk, turn=1)
    tenant.take_turn("alice", "kitchen", "tomorrow at 5 pm", correlation=talk)
    page = desk.get(f"t/acme/c/{talk}").text
    assert page.count("<mark") == 2 and "said earlier" in page


def test_a_timeline_tells_the_whole_conversation(read: Desk) -> None:
    page = read.get(f"t/acme/c/{read.talk}").text
    for told in (
        "Turn 5", '<mark title="amount">', "Done.", "One known intent", "NLP_CLARIFY_MISSING_FIELD",
        "Hand-overs of engines", "Raw JSON", "3 of 5 rows sealed", "20 USD", "PH1.KNOW",
        "BALANCED", "not sealed", "leaf 0", "selene trace --tenant acme", "turn 2</a>",
        "<dt>Became</dt><dd><bdi>confirmed</bdi> in", "made 20", "by operator <bdi>ada</bdi>",
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


def test_a_sentence_is_explained_and_nothing_of_it_is_written(desk: Desk) -> None:
    desk.log_in()
    before = desk.ledger.tables()
    before.pop("access_events")
    told = desk.post("t/acme/try", text="remind me to call mom tomorrow at 5 pm")
    assert told.status_code == 200
    assert "SET_REMINDER" in told.text and '<mark title="when">' in told.text
    assert "Step by step" in told.text
    assert desk.post("t/acme/try", text="").status_code == 422
    after = desk.ledger.tables()
    noted = after.pop("access_events")
    assert after == before and "remind" not in str(noted)
    assert desk.access() == [("operator:ada", "console.try", None)] * 2


def test_a_sentence_is_tried_as_a_turn_would_understand_it(desk: Desk) -> None:
    desk.log_in()
    tenant = desk.selene.tenant("acme")
    tenant.set(zone="Asia/Tokyo", time_policy="next_occurrence")
    tenant.import_terms(
        [{"kind": "CONTACT_NAME", "source": "HR_ORG_AUTHORIZED", "canonical": "Blue Heron"}]
    )
    text = "um remind me at five to to call Blue Heron"
    turn = tenant.take_turn("alice", "kitchen", text)
    kept = tenant.record(turn.event_id)
    assert kept is not None
    token = desk.token("t/acme/try")
    tried = desk.ask("POST", "t/acme/try.json", data={"token": token, "text": text}).json()
    assert tried["result"] == turn.result.as_record()
    assert tried["hand_overs"] == kept["hand_overs"]
    assert tried["explanation"]["text"] == kept["request"]["text"] != text
    page = desk.post("t/acme/try", text=text).text
    assert "the tenant’s time in Asia/Tokyo" in page and "+09:00" in page
    assert "the scorer agrees" in page and "PH1.SRL" in page


def test_terms_are_imported_all_or_none(desk: Desk) -> None:
    desk.log_in()
    head = "kind,source,canonical\n"
    bad = desk.post("t/acme/terms", terms=f"{head}PROJECT_CODE,NOWHERE,Blue Heron\n")
    assert bad.status_code == 422 and "Nothing was written" in bad.text
    assert desk.post("t/acme/terms", terms="nothing").status_code == 422
    good = f"{head}PROJECT_CODE,HR_ORG_AUTHORIZED,Blue Heron\n"
    assert "Imported." in desk.post("t/acme/terms", terms=good).text
    assert desk.get("t/acme/terms.json").json()["terms"][0]["canonical"] == "Blue Heron"
    entry = desk.get("t/acme/terms.json").json()["terms"][0]["entry_id"]
    assert "Removed." in desk.post("t/acme/terms", remove=entry).text
    assert desk.get("t/acme/terms.json").json()["terms"] == []
    again = desk.post("t/acme/terms", remove=entry)
    assert again.status_code == 422 and "names no term" in again.text
    did = [action for _, action, _ in reversed(desk.access()) if action != "console.terms"]
    assert did == ["console.import", "console.remove"]


def test_terms_stay_as_they_are_where_it_cannot_be_noted_who_changes_them(desk: Desk) -> None:
    desk.log_in()
    token = desk.token("me")
    desk.ledger.raw("DROP TABLE access_events")
    good = "kind,source,canonical\nPROJECT_CODE,HR_ORG_AUTHORIZED,Blue Heron\n"
    told = desk.ask("POST", "t/acme/terms", data={"token": token, "terms": good})
    assert told.status_code == 503 and desk.selene.tenant("acme").terms() == ()


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
