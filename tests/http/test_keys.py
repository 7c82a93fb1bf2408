"""Keys before all else: who has none learns nothing, and who has one sees one tenant."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from typing import Any

import pytest

from ledgers import ACME, START_NS, Ledger
from selene_os.edges.apikeys import make_key
from selene_os.edges.http.api import Settings
from selene_os.edges.http.app import OPERATIONS
from selene_os.edges.http.auth import KnownKeys
from selene_os.edges.http.operations import Operation
from selene_os.edges.working import checker
from selene_os.errors import LedgerUnavailable
from serving import TALK, Served, Told, dumped, token_of, turn

ROOMS = ("acme", "globex", "nobody", "..", "ACME", "acme%00", "%F0%9F%98%80")
JUNK: list[Any] = [None, turn(), b"{", b"x" * 5_000_000, b"[" * 100_000, b"\xff"]
BAD_KEYS: list[list[tuple[str, str]]] = [
    [],
    [("authorization", "")],
    [("authorization", "Bearer")],
    [("authorization", "Bearer ")],
    [("authorization", f"Basic {token_of('all')}")],
    [("authorization", token_of("all"))],
    [("authorization", f"Bearer {token_of('all')}x")],
    [("authorization", f"Bearer {token_of('all')} x")],
    [("authorization", f"Bearer {token_of('all')[:-1]}")],
    [("authorization", f"Bearer {token_of('all')}")] * 2,
    [("authorization", "Bearer \u00e9")],
    [("authorization", "Bearer " + "s" * 100_000)],
    [("authorization", f"Bearer {token_of('all').replace('acme', 'globex')}")],
    [("x-api-key", token_of("all"))],
    [("cookie", f"key={token_of('all')}")],
]  # fmt: skip


def without_incident(told: Told) -> tuple[int, dict[str, str], bytes]:
    content = re.sub(rb'"urn:uuid:[0-9a-f-]{36}"', b'"urn:uuid"', told.content)
    # Each has a name of its own: that there is one is the same for all.
    headers = {**told.headers, "x-request-id": str(len(told.headers["x-request-id"]))}
    return told.status, headers, content


def url_of(operation: Operation, tenant: str) -> str:
    filled = re.sub(r"\{[a-z_]+\}", TALK, operation.path)
    return f"/v1/tenants/{tenant}/{filled}".rstrip("/")


@pytest.mark.parametrize("given", BAD_KEYS, ids=range(len(BAD_KEYS)))
def test_no_good_key_is_told_the_same_whatever_else_is_wrong(
    shared: Served, given: list[tuple[str, str]]
) -> None:
    first = shared.ask("GET", "settings", key=None, headers=given)
    assert first.status == 401
    assert first.headers["www-authenticate"] == 'Bearer realm="selene"'
    for path in ("/v1", "/v1/", "/v1/x", "/v1/tenants/acme/turns", "/v1//", "/v1/x%0Ay"):
        for method in ("GET", "POST", "BREW", "DELETE"):
            for body in JUNK:
                told = shared.ask(method, path, body, key=None, headers=given, kind=None)
                closing = {"connection": "close"} if body is not None else {}
                assert without_incident(told)[:2] == (401, without_incident(first)[1] | closing)
                assert without_incident(told)[2] == without_incident(first)[2]


def test_an_unread_body_is_not_waited_for(shared: Served) -> None:
    told = shared.ask("POST", "turns", key=None, chunks=[], stall=True)
    assert told.status == 401


def test_unknown_keys_leave_a_counter_and_no_event(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(40):
        assert served.get("settings", None).status == 401
    assert served.app.state.api.keys.refused == 40
    assert served.events == []
    assert [record.getMessage() for record in caplog.records] == ["requests without a good key: 1"]


def test_a_flood_of_made_up_keys_is_answered_401_and_a_good_one_let_in(ledger: Ledger) -> None:
    served = Served(ledger, check=checker(ledger.store.access))
    try:
        made_up = [make_key(ACME, ["read"], START_NS)[1] for _ in range(300)]
        row, good = make_key(ACME, ["read"], START_NS)
        ledger.store.access.add_api_key(row)

        async def asked() -> list[Told]:
            return await asyncio.gather(
                *(
                    served.asked(
                        "GET", "/v1/tenants/acme/settings", None, None,
                        headers=[("authorization", f"Bearer {token}")],
                    )
                    for token in (*made_up, good)
                )
            )  # fmt: skip

        *refused, let_in = served.run(asked())
        assert {told.status for told in refused} == {401}
        assert let_in.status == 200
    finally:
        served.close()


def test_keys_that_cannot_be_looked_up_are_told_once_and_logged_once_a_minute(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_token: str) -> None:
        raise LedgerUnavailable("db.internal:5432 refused", "Look at the server.")

    served = Served(ledger, check=away)
    try:
        for _ in range(5):
            told = served.get("settings")
            assert (told.status, told.code) == (503, "LedgerUnavailable")
            assert b"internal" not in told.content and told.headers["retry-after"] == "1"
    finally:
        served.close()
    (line,) = caplog.records
    assert line.getMessage() == "keys not looked up: 1; LedgerUnavailable: db.internal:5432 refused"


def test_how_many_there_were_is_told_a_minute_later(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    keys = KnownKeys(1.0, lambda: now[0])
    for seconds in (0.0, 1.0, 59.0, 60.0, 61.0, 120.0):
        now[0] = seconds
        keys.note_fault(LedgerUnavailable("away", "Look."))
        keys.note_unknown()
    told = [record.getMessage().partition(";")[0] for record in caplog.records]
    assert told[::2] == [f"keys not looked up: {count}" for count in (1, 3, 2)]
    assert told[1::2] == [f"requests without a good key: {count}" for count in (1, 3, 2)]
    assert keys.refused == 6


def test_keys_wait_for_a_ledger_that_hangs_so_many_and_so_long(ledger: Ledger) -> None:
    hold, check = threading.Event(), checker(ledger.store.access)

    def slow(token: str) -> Any:
        hold.wait(30)
        return check(token)

    row, good = make_key(ACME, ["read"], START_NS)
    ledger.store.access.add_api_key(row)
    served = Served(ledger, Settings(checks_max=3, answer_wait_s=0.2), check=slow)
    given = [("authorization", f"Bearer {good}")]

    async def several() -> list[Told]:
        path = "/v1/tenants/acme/settings"
        asked = [served.asked("GET", path, None, None, headers=given) for _ in range(4)]
        return await asyncio.gather(*asked)

    try:
        told = served.run(several())
        assert {one.status for one in told} == {503}
        assert sorted(one.code for one in told) == ["TooBusy", *["TooSlow"] * 3]
        assert {one.headers["retry-after"] for one in told} == {"1"}
        assert all("nothing was done" in one.json["detail"].lower() for one in told)
        # Who brings none does not wait for it.
        assert served.get("settings", None).status == 401
        hold.set()
        while served.app.state.api._checks.busy:
            time.sleep(0.01)
        assert served.ask("GET", "settings", None, None, headers=given).status == 200
    finally:
        hold.set()
        served.close()


def test_a_key_that_has_ended_is_noted_once_a_minute_for_its_holder_alone(ledger: Ledger) -> None:
    access = ledger.store.access
    (revoked, theirs), (expired, old) = (
        make_key(ACME, ["read"], START_NS, expires_at=START_NS + end) for end in (2**60, 1)
    )
    for row in (revoked, expired):
        access.add_api_key(row)
    access.end_api_key(ACME, revoked.key_id, START_NS)
    served = Served(ledger, check=checker(access))
    try:
        unknown = without_incident(served.get("settings", None))
        for token in (theirs, old):
            for shown in (token, token, token[:-43] + "A" * 43):
                given = {"authorization": f"Bearer {shown}"}
                told = served.get("settings", None, **given)
                assert told.status == 401 and without_incident(told) == unknown
        assert [event[3:] for event in served.events] == [
            (f"key:{revoked.key_id}", "authenticate", None, "REFUSED", "KeyRevoked"),
            (f"key:{expired.key_id}", "authenticate", None, "REFUSED", "KeyExpired"),
        ]
    finally:
        served.close()


def test_a_key_that_asks_too_often_is_noted_once_a_minute(ledger: Ledger) -> None:
    served = Served(ledger, Settings(requests_per_s=0.01, burst=1))
    try:
        told = [served.get("settings", "read") for _ in range(5)]
        assert [one.status for one in told] == [200, 429, 429, 429, 429]
        (event,) = served.events
        assert event[3:] == ("key:read", "throttle", None, "REFUSED", "TooManyRequests")
        assert told[1].json["instance"] == f"urn:uuid:{event.access_id}"
    finally:
        served.close()


def test_a_refusal_that_cannot_be_noted_is_answered_all_the_same(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    row, text = make_key(ACME, ["read"], START_NS, expires_at=START_NS + 1)
    ledger.store.access.add_api_key(row)
    served = Served(ledger, check=checker(ledger.store.access))
    served.app.state.api._note = lambda _event: 1 / 0
    try:
        assert served.get("settings", None, authorization=f"Bearer {text}").status == 401
        assert "an access event was not kept: ZeroDivisionError" in caplog.text
    finally:
        served.close()


@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.name for one in OPERATIONS])
def test_another_tenant_is_refused_alike_whether_it_is_there_or_not(
    shared: Served, operation: Operation
) -> None:
    told = {
        without_incident(
            shared.ask(operation.method, url_of(operation, room), {"x": 1}, key)
        ).__repr__()
        for key, rooms in (("all", ROOMS[1:]), ("globex", (ROOMS[0], *ROOMS[2:])))
        for room in rooms
    }
    assert len(told) == 1
    assert "(403" in told.pop()


def test_no_path_leads_out_of_the_key_s_tenant(served: Served) -> None:
    event = served.post("turns", turn(), "all").json
    talk, row = event["correlation_id"], event["event_id"]
    for operation in OPERATIONS:
        if operation.name == "listAccessEvents":
            # It tells a key what that key itself has asked for.
            continue
        path = re.sub(r"\{[a-z_]+\}", row if "event" in operation.path else talk, operation.path)
        body: Any = None if operation.body is None else {}
        for room in ("globex", "acme"):
            told = served.ask(
                operation.method, f"/v1/tenants/{room}/{path}".rstrip("/"), body, "globex"
            )
            if told.status == 200:
                assert talk not in told.content.decode() and row not in told.content.decode()
            else:
                assert told.status in (403, 404, 422), (operation.name, told)
            if room == "acme":
                assert told.code == "TenantForbidden"
    for field, value in (("draft_event_id", row),):
        told = served.ask("POST", "/v1/tenants/globex/confirmations", {field: value}, "globex")
        assert (told.status, told.code) == (404, "NotFound")


@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.name for one in OPERATIONS])
def test_a_key_without_the_scope_is_refused_before_its_body_is_read(
    shared: Served, operation: Operation
) -> None:
    for scope in {"admin", "audit", "export", "read", "write"} - set(operation.scopes):
        path = url_of(operation, "acme")
        told = shared.ask(operation.method, path, key=scope, chunks=[], stall=True)
        assert (told.status, told.code) == (403, "ScopeMissing")
        event = shared.events[-1]
        assert told.json["instance"] == f"urn:uuid:{event.access_id}"
        assert event[3:] == (f"key:{scope}", operation.name, None, "REFUSED", "ScopeMissing")


def test_every_read_with_the_scope_audit_leaves_an_event(served: Served) -> None:
    talk = served.post("turns", turn("my locker is 42"), "write").json["correlation_id"]
    assert served.events == []
    for path, status in ((f"conversations/{talk}", 200), (f"conversations/{TALK}", 404)):
        assert served.get(path, "audit").status == status
    assert served.ask("HEAD", "settings", key="audit").status == 200
    assert served.get(f"conversations/{talk}", "read").status == 200
    assert [event[3:] for event in served.events] == [
        ("key:audit", "trace", talk, "OK", None),
        ("key:audit", "trace", TALK, "REFUSED", "NotFound"),
        ("key:audit", "getSettings", None, "OK", None),
    ]
    told = served.get("access-events?limit=2", "audit").json
    assert [one["action"] for one in told["events"]] == ["getSettings", "trace"]
    behind = served.get(f"access-events?limit=2&cursor={told['next_cursor']}", "audit").json
    assert [one["action"] for one in behind["events"]] == ["trace", "trace"] or behind["events"]
    assert "locker" not in json.dumps([told, behind])


def test_every_bundle_and_every_record_leaves_an_event_whoever_takes_them(served: Served) -> None:
    made = served.post("turns", turn(), "write").json
    served.post("seal", None, "admin")
    talk, row = made["correlation_id"], made["event_id"]
    assert served.get(f"conversations/{talk}/bundle?with_inputs=true", "export").status == 200
    assert served.ask("POST", f"conversations/{talk}/replay", key="audit").status == 200
    assert served.ask("POST", f"conversations/{talk}/replay", key="read").status == 200
    assert served.get(f"decisions/{row}?record=true").status == 200
    assert [event[3:7] for event in served.events] == [
        ("key:export", "getBundle", talk, "OK"),
        ("key:audit", "replay", talk, "OK"),
        ("key:all", "getDecision", row, "OK"),
    ]


def test_words_where_an_id_belongs_are_in_no_event_and_no_answer(served: Served) -> None:
    for told in (
        served.get("conversations/my%20pin%20is%201234", "audit"),
        served.get("decisions/my%20pin%20is%201234", "audit"),
        served.get("decisions/my%20pin%20is%201234/proof", "audit"),
        served.get("checkpoints/my%20pin%20is%20a%20long%201234", "audit"),
        served.post("confirmations", {"draft_event_id": "my pin is 1234"}),
        served.post("memories/apply", {"draft_event_id": "my pin is 1234"}),
    ):
        assert told.status == 422 and b"1234" not in told.content
    assert len(served.events) == 4
    assert "1234" not in repr(served.events)


def test_what_cannot_be_noted_is_not_told(served: Served) -> None:
    served.app.state.api._note = lambda _event: 1 / 0
    told = served.get("settings", "audit")
    assert (told.status, told.code) == (500, "Incident")
    assert b"zone" not in told.content


def test_a_scope_refused_by_the_ledger_is_noted_too(served: Served) -> None:
    told = served.post("turns", turn(user_id="mallory"), "write")
    assert (told.status, told.code, told.json["field"]) == (403, "ScopeRefused", "user_id")
    assert [event[4:] for event in served.events] == [("takeTurn", None, "REFUSED", "ScopeRefused")]


def test_a_good_key_is_not_asked_for_again_at_once(served: Served) -> None:
    for _ in range(5):
        assert served.get("settings").status == 200
    assert served.checked == [token_of("all")]


def test_a_record_needs_the_scope_export(served: Served) -> None:
    row = served.post("turns", turn("my locker is 42")).json["event_id"]
    told = served.get(f"decisions/{row}?record=true", "read")
    assert (told.status, told.code) == (403, "ScopeMissing")
    assert b"locker" not in served.get(f"decisions/{row}", "read").content
    assert served.get(f"decisions/{row}?record=true").json["record"]["request"]["text"] == (
        "my locker is 42"
    )


def test_a_huge_header_is_refused_behind_the_key(shared: Served) -> None:
    many = [("x", dumped("y" * 40_000).decode())]
    assert shared.ask("GET", "settings", key=None, headers=many).status == 401
    assert shared.ask("GET", "settings", headers=many).code == "HeadersTooLarge"
