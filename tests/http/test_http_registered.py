"""Who is registered, read over HTTP: pages, narrowed, of the key's tenant alone."""

from __future__ import annotations

from typing import Any

import pytest

from selene_os.edges.http import cursors
from serving import Served

NAMES = ["alice", "bob", "zoe \u4f60/\U0001f469", "\u4f60" * 42]


@pytest.fixture
def full(anywhere: Served) -> Served:
    for number, name in enumerate(NAMES):
        session = {"user_id": name, "device_id": f"d{number}", "session_id": f"s{number}"}
        assert anywhere.post("sessions", session).status == 201
    assert anywhere.post("sessions/s1/close", None).status == 200
    path = "identities/bob"
    assert anywhere.ask("PATCH", path, {"status": "DISABLED"}).status == 200
    return anywhere


def pages(served: Served, path: str, **query: str) -> list[Any]:
    """Every row, one a page, by the links that lead on."""
    asked = "&".join(f"{key}={value}" for key, value in {**query, "limit": "1"}.items())
    url, found = f"/v1/tenants/acme/{path}?{asked}", []
    while url:
        told = served.ask("GET", url)
        assert told.status == 200, told
        found += told.json[path]
        url = told.headers.get("link", "<>").partition(">")[0][1:]
        assert bool(url) == (told.json["next_cursor"] is not None)
    return found


def test_every_list_leads_through_all_once_by_name(full: Served) -> None:
    users = pages(full, "identities")
    assert [one["user_id"] for one in users] == sorted(NAMES, key=lambda name: name.encode())
    assert users == full.get("identities?limit=1000").json["identities"]
    for path, name in (("devices", "device_id"), ("sessions", "session_id")):
        rows = pages(full, path)
        assert rows == full.get(path).json[path] and len(rows) > 3
        assert [one[name] for one in rows] == sorted(one[name] for one in rows)
        assert "tenant_id" not in rows[0] and rows[0]["created_at_ns"].isdigit()


def test_lists_are_narrowed(full: Served) -> None:
    assert [one["user_id"] for one in pages(full, "identities", status="DISABLED")] == ["bob"]
    assert {one["user_id"] for one in pages(full, "devices", user_id="bob")} == {"bob"}
    closed = {one["session_id"] for one in pages(full, "sessions") if one["closed_at"]}
    still_open = {one["session_id"] for one in pages(full, "sessions", open="true")}
    assert "s1" in closed and "s0" in still_open and not closed & still_open
    his = full.get("sessions?user_id=bob&open=true").json["sessions"]
    assert [one["session_id"] for one in his] == ["office"]


def test_one_is_told_as_it_stands(full: Served) -> None:
    told = full.get("identities/bob").json
    assert (told["status"], told["user_id"]) == ("DISABLED", "bob")
    assert "d1" in [one["device_id"] for one in told["devices"]]
    ended = full.get("sessions/s1").json
    assert (ended["user_id"], ended["device_id"]) == ("bob", "d1")
    assert ended["closed_at"].endswith("Z") and ended["closed_at_ns"].isdigit()
    assert full.get("sessions/s0").json["closed_at"] is None
    assert full.get("/v1/tenants/acme").json == full.get("settings").json
    for path, field in (("identities/mallory", "user_id"), ("sessions/never", "session_id")):
        missing = full.get(path)
        assert (missing.status, missing.json["field"]) == (404, field)


def test_a_cursor_is_of_one_list_and_one_question(full: Served) -> None:
    cursor = full.get("identities?limit=1").json["next_cursor"]
    for path in ("devices?", "sessions?", "identities?status=ACTIVE&"):
        told = full.get(f"{path}cursor={cursor}")
        assert (told.status, told.json["field"]) == (422, "cursor")
    # One that somebody makes for themselves leads nowhere else, and breaks nothing.
    for place in ("", "\x00", "\u4f60" * 45):
        made = cursors.encode("acme", "identities ", place)
        assert full.get(f"identities?cursor={made}").status in (200, 422)


def test_another_tenants_are_not_told(full: Served) -> None:
    for path in ("", "/identities", "/devices", "/sessions", "/identities/alice", "/sessions/s0"):
        assert full.ask("GET", f"/v1/tenants/acme{path}", key="globex").code == "TenantForbidden"
    theirs = full.ask("GET", "/v1/tenants/globex/sessions", key="globex").json["sessions"]
    assert {"s0", "s1"}.isdisjoint(one["session_id"] for one in theirs)
    told = full.ask("GET", "/v1/tenants/globex/sessions/s0", key="globex")
    assert (told.status, told.code) == (404, "NotFound")


def test_an_auditor_who_reads_them_is_noted(full: Served) -> None:
    before = len(full.events)
    assert full.get("identities/bob", "audit").status == 200
    assert full.get("sessions", "audit").status == 200
    noted = [(one.action, one.target) for one in full.events[before:]]
    assert noted == [("getIdentity", "bob"), ("listSessions", None)]
