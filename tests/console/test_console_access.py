"""Who looked at what is kept, of every view; what cannot be kept is not shown."""

from __future__ import annotations

import pytest
from httpx import Response

from consoles import Desk, filled, table_of
from selene_os.edges.console import keeping
from selene_os.edges.console.routes import PAGES


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
    assert desk.get("t/acme/access").text.count('data-label="Who"') == 4


NOTED = {
    "overview": "console.overview", "search": "console.search", "terms": "console.terms",
    "packs": "console.packs", "checkpoints": "console.seals", "access": "console.access",
    "{correlation}": "console.trace", "replay": "console.replay", "{event}": "console.record",
    "try": "console.try",
}  # fmt: skip
SEEN = [path for path in PAGES if "{tenant}" in path]


def viewed(desk: Desk, path: str, form: str) -> Response:
    """A page of a tenant's, seen; of the one that shows nothing by itself, with a sentence."""
    page = filled(desk, path) + form
    if not path.endswith("try"):
        return desk.get(page)
    form_data = {"token": desk.token("me"), "text": "send $20 to Bob"}
    return desk.ask("POST", page, data=form_data)


@pytest.mark.parametrize("form", ["", ".json", ".csv"])
def test_every_view_of_a_tenants_leaves_one_access_event(desk: Desk, form: str) -> None:
    desk.log_in()
    for path in SEEN:
        before = len(desk.access())
        assert viewed(desk, path, form).status_code == 200
        (actor, action, target), *rest = desk.access()
        assert (actor, action, len(rest)) == (
            "operator:ada",
            NOTED[path.rpartition("/")[2]],
            before,
        )
        assert target is None or target in filled(desk, path)
    assert desk.get("t/acme").status_code == 200 and desk.get("t/acme/search?user=bob").text
    assert [one[1:] for one in desk.access()[:2]] == [
        ("console.search", None), ("console.overview", None),
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["", ".json", ".csv"])
def test_where_an_access_event_cannot_be_kept_nothing_is_shown(desk: Desk, form: str) -> None:
    desk.log_in()
    desk.ledger.raw("DROP TABLE access_events")
    for path in SEEN:
        told = viewed(desk, path, form)
        assert told.status_code == 503, path
        assert not [word for word in ("send $20", "NLP_", "SEND_MONEY") if word in told.text]


def test_access_events_are_narrowed_by_who_and_by_what_and_lead_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.log_in("bea")
    desk.get("t/acme/packs")
    desk.post("logout", "me")
    desk.log_in("ada")
    event = desk.get(f"t/acme/c/{desk.talk}.json").json()["turns"][0]["events"][0]["event_id"]
    desk.get(f"t/acme/e/{event}")
    page = desk.get("t/acme/access").text
    for place in (f"c/{desk.talk}", f"e/{event}", "access?actor=operator%3Abea"):
        assert f'href="/console/t/acme/{place}"' in page
    found = desk.get("t/acme/access.json?actor=operator:bea").json()["events"]
    assert [one["action"] for one in found] == ["console.packs"]
    query = "actor=operator:ada&action=console.trace"
    assert len(table_of(desk.get(f"t/acme/access.csv?{query}"))) == 2
    assert "Nothing was found" in desk.get("t/acme/access?actor=key:none").text
    # What is rare is looked for further back by the next page.
    monkeypatch.setattr(keeping, "_CHUNK_ROWS", 2)
    monkeypatch.setattr(keeping, "_LOOKED_MAX", 4)
    told = desk.get("t/acme/access.json?actor=operator:bea").json()
    assert told["events"] == []
    assert "Look at older ones" in desk.get("t/acme/access?actor=operator:bea").text
    while not told["events"]:
        cursor = told["next_cursor"]
        told = desk.get(f"t/acme/access.json?actor=operator:bea&cursor={cursor}").json()
    assert told["events"][0]["action"] == "console.packs"
