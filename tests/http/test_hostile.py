"""Hostile requests: a clear refusal each, nothing written, nothing that was said told again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selene_os.edges.http.models import TakeTurn
from serving import TALK, Served, token_of, turn

SECRET = "zanzibar"
GOOD = json.dumps(turn()).encode()
BAD_JSON: dict[str, bytes] = {
    "nothing": b"",
    "half": GOOD[:-1],
    "two": GOOD + GOOD,
    "a key twice": b'{"user_id":"alice","user_id":"bob"}',
    "a key twice, escaped": b'{"text":"a","te\\u0078t":"b"}',
    "a key twice inside": b'{"salient":[{"score":1,"score":2}]}',
    "NaN": b'{"turn_id":NaN}',
    "Infinity": b'{"turn_id":-Infinity}',
    "deep lists": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "just too deep": b"[" * 33 + b"]" * 33,
    "digits": b'{"turn_id":' + b"9" * 50_000 + b"}",
    "latin-1": '{"text":"é"}'.encode("latin-1"),
    "UTF-16": json.dumps(turn()).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a raw half pair": b'{"text":"\xed\xa0\x80"}',
    "a control": b'{"text":"a\nb"}',
    "comments": b"{} // x",
    "a trailing comma": b'{"text":"a",}',
}
BAD_FIELDS: dict[str, tuple[Any, str]] = {
    "no object": ([], "body"),
    "a text": ("x", "body"),
    "null": (None, "body"),
    "a lone surrogate": (turn("a \ud800 b"), "text"),
    "a surrogate as a name": (turn(user_id="\udfff"), "user_id"),
    "a key of surrogates": (turn() | {"\ud800": 1}, "body"),
    "an extra field": (turn() | {"colour": 1}, "colour"),
    "an extra field inside": (turn(salient=[{"colour": 1}]), "salient.0.item_id"),
    "a number as text": (turn() | {"text": 5}, "text"),
    "a text as number": (turn(turn_id="1"), "turn_id"),
    "a float as number": (turn(turn_id=1.0), "turn_id"),
    "a bool as number": (turn(turn_id=True), "turn_id"),
    "a huge number": (turn(turn_id=10**400), "turn_id"),
    "a negative number": (turn(turn_id=-1), "turn_id"),
    "zero": (turn(turn_id=0), "turn_id"),
    "a nul": (turn(user_id="a\0"), "user_id"),
    "an empty name": (turn(user_id=""), "user_id"),
    "a long name": (turn(user_id="é" * 65), "user_id"),
    "no text": (turn(""), "text"),
    "a long text": (turn("x" * 32_769), "text"),
    "a correlation in capitals": (turn(correlation_id="A" * 32), "correlation_id"),
    "a correlation of zeros": (turn(correlation_id="0" * 32), "correlation_id"),
    "an unknown language": (turn(language="fr"), "language"),
    "a moment without offset": (turn(now="2026-11-21T09:30"), "now"),
    "no moment": (turn(now="then"), "now"),
    "a span outside": (turn(uncertain_spans=[{"start": 0, "end": 999}]), "uncertain_spans.end"),
    "a null list": (turn(salient=None), "salient"),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_what_two_readers_may_read_otherwise_is_no_json(shared: Served, name: str) -> None:
    before = shared.ledger.tables()
    told = shared.ask("POST", "turns", BAD_JSON[name])
    assert (told.status, told.code) == (400, "BadJson"), told.content
    assert shared.ledger.tables() == before


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_bad_value_is_refused_by_its_place(shared: Served, name: str) -> None:
    body, field = BAD_FIELDS[name]
    told = shared.ask("POST", "turns", json.dumps(body).encode())
    assert (told.status, told.code) == (422, "BadField"), told.content
    assert told.json["field"] == field
    assert told.json["next_step"]


def test_as_deep_as_is_accepted_is_accepted(shared: Served) -> None:
    deep: Any = "x"
    for _ in range(31):
        deep = [deep]
    told = shared.post("turns", turn(salient=deep))
    assert told.code == "BadField"


@pytest.mark.parametrize("field", [*TakeTurn.model_fields, SECRET])
@pytest.mark.parametrize("wrap", [str, lambda word: [word], lambda word: {word: word}])
def test_no_refusal_tells_again_what_was_sent(
    shared: Served, caplog: pytest.LogCaptureFixture, field: str, wrap: Any
) -> None:
    word = "my pin is 1234" * (3_000 if field == "text" else 30)
    told = shared.post("turns", turn(**{field: wrap(word)}))
    assert told.status in (403, 413, 422), told.content
    assert b"1234" not in told.content and "1234" not in caplog.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/tenants/acme/../globex/settings", 404),
        ("/v1/tenants/acme/%2e%2e/globex/settings", 404),
        ("/v1/tenants/%2e%2e/settings", 403),
        ("/v1/tenants/acme/./settings", 404),
        ("/v1/tenants/acme//settings", 404),
        ("/v1//tenants/acme/settings", 404),
        ("/v1/tenants//settings", 403),
        ("/v1/tenants/acme/settings/", 404),
        ("/v1/tenants/acme%2Fsettings", 403),
        ("/v1/tenants/acme%2fsettings/x", 403),
        ("/v1/tenants/acme/settings;x=1", 404),
        ("/v1/tenants/acme;x=1/settings", 403),
        ("/v1/tenants/acme%20/settings", 403),
        ("/v1/tenants/%61cme/settings", 200),
        ("/v1/tenants/acme/%73ettings", 200),
        ("/v1/tenants/acme/settings%00", 404),
        ("/v1/tenants/acme/settings%2f", 404),
        ("/v1/tenants/acme/settings%ff", 404),
        ("/v1/tenants/acme/settings?", 200),
        ("/v1/tenants/acme/settings?x=1", 422),
        ("/v1/tenants/acme", 200),
        ("/v1/tenants/acme/", 404),
        ("/v1/tenants", 404),
        ("/v1", 404),
        ("/V1/tenants/acme/settings", 404),
        ("/v1/tenants/acme/decisions/x", 422),
        ("/v1/tenants/acme/decisions/%ff", 404),
        ("/v1/tenants/acme/memories/a%2Fb", 200),
        ("/v1/tenants/acme/memories/apply", 200),
        ("/v1/tenants/acme/memories/a%00b", 422),
    ],
)
def test_a_path_is_taken_segment_by_segment(shared: Served, path: str, status: int) -> None:
    assert shared.get(path).status == status


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([("idempotency-key", "a"), ("idempotency-key", "b")], "BadHeader"),
        ([("idempotency-key", "")], "BadField"),
        ([("idempotency-key", "x" * 129)], "BadField"),
        ([("idempotency-key", "a\x00b")], "BadField"),
        ([("idempotency-key", "a#2")], "BadField"),
        ([("idempotency-key", b"\xff")], "BadField"),
        ([("content-type", "text/plain")], "BadHeader"),
        ([("content-encoding", "gzip")], "MediaTypeRefused"),
        ([("content-length", "5")], "BadHeader"),
    ],
)
def test_a_header_game_is_lost(shared: Served, given: list[Any], code: str) -> None:
    told = shared.ask("POST", "turns", turn(), headers=given)
    assert told.code == code, told.content


@pytest.mark.parametrize(
    "kind", [None, "text/json", "application/jsonx", "application/json; charset=latin-1", "*/*"]
)
def test_only_json_is_json(shared: Served, kind: str | None) -> None:
    told = shared.ask("POST", "turns", turn(), kind=kind)
    assert (told.status, told.code) == (415, "MediaTypeRefused")


@pytest.mark.parametrize("kind", ["Application/JSON", 'application/json; charset="UTF-8"'])
def test_json_may_be_spelt_otherwise(shared: Served, kind: str) -> None:
    assert shared.ask("POST", "turns", turn(), kind=kind).status == 201


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=1", "colour"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 4_000, "limit"),
        ("limit=1&limit=2", "limit"),
        ("decision=MAYBE", "decision"),
        ("since=yesterday", "since"),
        ("since=2026-13-01", "since"),
        ("until=99999999999999999999", "until"),
        ("until=1969-12-31T23:59:59Z", "until"),
        ("user=%00", "user"),
        ("user=%ed%a0%80", "query"),
        ("reason=nonsense", "reason"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=" + "A" * 60, "cursor"),
        ("cursor=1700000000000000000.018bcfe5-6800-7000-8000-000000000002", "cursor"),
    ],
)
def test_a_bad_query_is_refused_by_its_place(shared: Served, query: str, field: str) -> None:
    told = shared.get(f"decisions?{query}")
    assert (told.status, told.code, told.json["field"]) == (422, "BadField", field)


def test_a_long_query_is_refused(shared: Served) -> None:
    assert shared.get("decisions?user=" + "x" * 5_000).code == "QueryTooLong"


def test_a_cursor_is_of_one_tenant_and_one_query(served: Served) -> None:
    for _ in range(3):
        served.post("turns", turn())
    cursor = served.get("decisions?limit=1").json["next_cursor"]
    assert served.get(f"decisions?limit=2&cursor={cursor}").status == 200
    for path, key in (
        (f"/v1/tenants/globex/decisions?limit=1&cursor={cursor}", "globex"),
        (f"decisions?limit=1&user=alice&cursor={cursor}", "all"),
        (f"access-events?cursor={cursor}", "all"),
        (f"checkpoints?cursor={cursor}", "all"),
        (f"decisions?cursor={cursor[:-1]}", "all"),
        (f"decisions?cursor={cursor}A", "all"),
        (f"decisions?cursor={'B' if cursor[0] == 'A' else 'A'}{cursor[1:]}", "all"),
    ):
        told = served.get(path, key)
        assert (told.status, told.json.get("field")) == (422, "cursor"), path


def test_an_incident_tells_neither_what_was_said_nor_where_it_broke(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"cannot store {SECRET}")

    served.app.state.api._tenant("acme").take_turn = broken
    told = served.post("turns", turn(SECRET))
    assert (told.status, told.code) == (500, "Incident")
    assert SECRET not in told.content.decode() + caplog.text
    assert "Traceback" not in told.content.decode() and ".py" not in told.content.decode()
    assert told.json["instance"].removeprefix("urn:uuid:") in caplog.text
    assert token_of("all") not in caplog.text


def test_another_s_draft_and_one_that_is_not_there_are_told_alike(served: Served) -> None:
    row = served.post("turns", turn()).json["event_id"]
    made_up = f"{row[:-1]}{'1' if row[-1] != '1' else '2'}"
    path = "/v1/tenants/globex/decisions/"
    mine = served.get(path + row, "globex").json
    nobodys = served.get(path + made_up, "globex").json
    for told in (mine, nobodys):
        told.pop("instance")
    assert json.dumps(mine).replace(row, "") == json.dumps(nobodys).replace(made_up, "")
    assert served.get(f"conversations/{TALK}").status == 404
