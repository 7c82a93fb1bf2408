"""Retries, conversations and what an answer says of where it stands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ledgers import Ledger
from serving import TALK, Served, turn

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
WRITES: dict[str, dict[str, Any]] = {
    "turns": turn(),
    "profiles": {"user_id": "alice", "device_id": "kitchen", "speaker_id": "alice"},
    "decisions": {"user_id": "alice", "device_id": "kitchen", "decision": {"kind": "CHAT"}},
}


@pytest.mark.parametrize("path", WRITES)
def test_a_retry_is_told_the_first_row(anywhere: Served, path: str) -> None:
    first = anywhere.post(path, WRITES[path], idempotency_key="order-17")
    again = anywhere.post(path, WRITES[path], idempotency_key="order-17")
    quoted = anywhere.post(path, WRITES[path], idempotency_key='"order-17"')
    assert (first.status, again.status, quoted.status) == (201, 200, 200)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert first.headers["location"].endswith(first.json["event_id"])
    for key in ("event_id", "correlation_id", "turn_id"):
        assert first.json[key] == again.json[key] == quoted.json[key]
    row = anywhere.get(f"decisions/{first.json['event_id']}").json
    for key in ("engine", "engine_version", "pack_digest"):
        assert first.json[key] == again.json[key] == row[key]
    assert again.json["deduplicated"] and again.json["same_decision"]
    assert len(anywhere.get("decisions").json["events"]) == 1


def test_a_yes_names_what_read_it_at_once_and_on_a_retry(anywhere: Served) -> None:
    pack = anywhere.get("packs").json["digest"]
    anywhere.post("turns", turn("send $20 to Bob", correlation_id=TALK))
    other = anywhere.post("turns", turn("send $30 to Bob")).json
    said = ("turns", turn("yes", correlation_id=TALK, turn_id=2), pack)
    sent = ("confirmations", {"draft_event_id": other["event_id"]}, None)
    for path, body, digest in (said, sent):
        first, again = anywhere.post(path, body), anywhere.post(path, body)
        assert (first.status, again.status, first.json["decision"]) == (201, 200, "CONFIRMED")
        row = anywhere.get(f"decisions/{first.json['event_id']}").json
        for told in (first.json, again.json, row):
            assert (told["engine"], told["pack_digest"]) == ("PH1.X", digest)


def test_each_of_many_names_what_decided_it_at_once_and_on_a_retry(anywhere: Served) -> None:
    heard = anywhere.post("turns", turn(), idempotency_key="heard").json
    brought = WRITES["decisions"]
    given = {"decisions": [brought, {**brought, "idempotency_key": "heard"}]}
    first = anywhere.post("decisions/batch", given, idempotency_key="many").json["results"]
    again = anywhere.post("decisions/batch", given, idempotency_key="many").json["results"]
    assert [one["status"] for one in (*first, *again)] == [201, 200, 200, 200]
    for told in (first, again):
        assert [one["committed"]["engine_version"] for one in told] == ["", heard["engine_version"]]
        assert [one["committed"]["pack_digest"] for one in told] == [None, heard["pack_digest"]]
        assert {one["committed"]["engine"] for one in told} == {"PH1.NLP"}


def test_a_retry_of_another_s_key_is_refused(served: Served) -> None:
    served.post("turns", turn(), idempotency_key="order-17")
    told = served.post("turns", turn(user_id="bob", device_id="desk"), idempotency_key="order-17")
    assert (told.status, told.code) == (409, "IdempotencyConflict")


def test_a_key_means_the_same_by_http_and_by_the_library(ledger: Ledger) -> None:
    served = Served(ledger)
    try:
        mine = served.selene.tenant("acme").take_turn("alice", "kitchen", "hello", key="order-17")
        told = served.post("turns", turn("hello"), idempotency_key="order-17")
        assert (told.status, told.json["event_id"]) == (200, mine.event_id)
    finally:
        served.close()


def test_a_conversation_goes_on_where_it_is_named(served: Served) -> None:
    body = turn("send $20 to Bob", correlation_id=TALK)
    draft = served.post("turns", body).json
    assert (draft["turn_id"], draft["decision"]) == (1, "INTENT_DRAFT")
    assert draft["confirm_by"] == "2023-11-14T22:23:20.000000000Z"
    assert draft["confirm_by_ns"] == "1700000600000000000"
    said = served.post("turns", turn("yes", correlation_id=TALK))
    assert (said.status, said.json["turn_id"], said.json["decision"]) == (201, 2, "CONFIRMED")
    assert said.json["draft_event_ids"] == [draft["event_id"]]
    assert said.json["engine"] == "PH1.X"
    told = served.post("confirmations", {"draft_event_id": draft["event_id"], "confirmed": False})
    assert (told.status, told.json["reason_code"]) == (409, "X_DRAFT_SETTLED")
    assert told.json["decision_id"] == draft["event_id"]


@pytest.mark.parametrize("path", WRITES)
def test_a_trace_names_a_conversation_where_nothing_else_does(served: Served, path: str) -> None:
    body = WRITES[path]
    assert served.post(path, body, traceparent=PARENT).json["correlation_id"] == TRACE
    keyed = served.post(path, body, traceparent=PARENT, idempotency_key="k").json
    assert keyed["correlation_id"] != TRACE and keyed["trace_id"] == TRACE
    named = served.post(path, {**body, "correlation_id": TALK}, traceparent=PARENT).json
    assert (named["correlation_id"], named["trace_id"]) == (TALK, TRACE)


@pytest.mark.parametrize("path", [*WRITES, "confirmations", "turns, yes"])
def test_a_trace_is_kept_with_the_row_it_made(anywhere: Served, path: str) -> None:
    body: dict[str, Any] = WRITES.get(path, {})
    if path in ("confirmations", "turns, yes"):
        draft = anywhere.post("turns", turn("send $20 to Bob", correlation_id=TALK)).json
        body = {"draft_event_id": draft["event_id"]}
        if path == "turns, yes":
            path, body = "turns", turn("yes", correlation_id=TALK)
    first = anywhere.post(path, body, traceparent=PARENT, idempotency_key="order-17")
    # A retry is part of another trace, or of none, and is told the first one's.
    other = PARENT.replace(TRACE, "a" * 32)
    again = anywhere.post(path, body, traceparent=other, idempotency_key="order-17")
    bare = anywhere.post(path, body, idempotency_key="order-17")
    assert (first.status, again.status, bare.status) == (201, 200, 200)
    assert {told.json["trace_id"] for told in (first, again, bare)} == {TRACE}
    assert again.json["same_decision"]
    row = anywhere.get(f"decisions/{first.json['event_id']}?record=true").json
    assert row["record"]["trace_id"] == TRACE
    talk = first.json["correlation_id"]
    replayed = anywhere.post(f"conversations/{talk}/replay", None).json["totals"]
    assert (replayed["different"], replayed["differing"]) == (0, 0)
    # Where there was none, none stands in the record.
    told = anywhere.post("turns", turn("hello"), idempotency_key="none")
    assert told.json["trace_id"] is None
    row = anywhere.get(f"decisions/{told.json['event_id']}?record=true").json
    assert "trace_id" not in row["record"]


def test_a_trace_is_kept_with_each_of_many_and_names_no_conversation(anywhere: Served) -> None:
    many = {"decisions": [WRITES["decisions"]] * 2}
    for parent in (PARENT, ""):
        told = anywhere.post(
            "decisions/batch", many, traceparent=parent, idempotency_key="many"
        ).json
        (one, other) = (verdict["committed"] for verdict in told["results"])
        assert (one["trace_id"], other["trace_id"]) == (TRACE, TRACE)
        assert len({one["correlation_id"], other["correlation_id"], TRACE}) == 3


@pytest.mark.parametrize(
    "parent",
    ["", "x", PARENT.upper(), PARENT.replace(TRACE, "0" * 32), f"ff{PARENT[2:]}", PARENT[:-1]],
)
def test_a_trace_that_cannot_be_read_is_passed_over(served: Served, parent: str) -> None:
    told = served.post("turns", turn(), traceparent=parent)
    assert (told.status, told.json["trace_id"]) == (201, None)


def test_each_of_many_has_its_own_verdict_in_order(anywhere: Served) -> None:
    good = WRITES["decisions"]
    bad: list[Any] = [
        {**good, "decision": {"kind": "MAYBE"}},
        {**good, "user_id": "mallory"},
        {**good, "colour": 1},
        7,
        {**good, "decision": {"kind": "INTENT_DRAFT", "reason_code": "NLP_INTENT_OK",
                              "intent_type": "small", "overall_confidence": "HIGH"}},
        {**good, "idempotency_key": "a#1"},
    ]  # fmt: skip
    given = [good, *bad, good]
    told = anywhere.post("decisions/batch", {"decisions": given}, idempotency_key="batch")
    statuses = [one["status"] for one in told.json["results"]]
    assert statuses == [201, 422, 403, 422, 422, 422, 422, 201]
    assert (told.json["written"], told.json["refused"]) == (2, 6)
    assert told.json["results"][3]["problem"]["field"] == "colour"
    again = anywhere.post("decisions/batch", {"decisions": given}, idempotency_key="batch")
    assert again.json["deduplicated"] == 2
    assert [one["committed"] and one["committed"]["event_id"] for one in again.json["results"]] == [
        one["committed"] and one["committed"]["event_id"] for one in told.json["results"]
    ]
    assert len(anywhere.get("decisions").json["events"]) == 2


def test_a_thousand_are_taken_and_one_more_is_not(served: Served) -> None:
    many = [WRITES["decisions"]] * 1_000
    assert served.post("decisions/batch", {"decisions": many}).json["written"] == 1_000
    for wrong in ([*many, many[0]], []):
        told = served.post("decisions/batch", {"decisions": wrong})
        assert (told.status, told.json["field"]) == (422, "decisions")


def test_pages_lead_through_all_once(anywhere: Served) -> None:
    for _ in range(5):
        anywhere.now_ns += 1
        anywhere.post("turns", turn())
    seen: list[str] = []
    path = "decisions?limit=2&user=alice"
    while path:
        told = anywhere.get(path)
        seen += [event["event_id"] for event in told.json["events"]]
        link = told.headers.get("link", "")
        assert bool(link) == bool(told.json["next_cursor"])
        path = link.partition(">")[0][1:]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_what_does_not_change_is_not_sent_twice(served: Served) -> None:
    made = served.post("turns", turn()).json
    for path in (f"decisions/{made['event_id']}", f"conversations/{made['correlation_id']}"):
        first = served.get(path)
        tag = first.headers["etag"]
        for match in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            told = served.get(path, if_none_match=match)
            assert (told.status, told.content, told.headers["etag"]) == (304, b"", tag)
        assert served.get(path, if_none_match='"x"').content == first.content
        head = served.ask("HEAD", path)
        assert (head.status, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(first.content))
    served.post("turns", turn(correlation_id=made["correlation_id"]))
    assert served.get(path, if_none_match=tag).status == 200


def test_sixty_four_at_once_with_one_key_write_one_row_each(served: Served) -> None:
    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(
                served.asked(
                    "POST",
                    "/v1/tenants/acme/turns",
                    turn(),
                    headers=[("idempotency-key", f"k-{number // 2}")],
                )
                for number in range(64)
            )
        )

    told = served.run(all_at_once())
    assert sorted(one.status for one in told) == [200] * 32 + [201] * 32
    assert len(served.get("decisions").json["events"]) == 32


def test_moments_are_told_to_the_nanosecond(served: Served) -> None:
    served.now_ns += 123_456_789
    served.post("turns", turn())
    (event,) = served.get("decisions").json["events"]
    assert event["created_at"] == "2023-11-14T22:13:20.123456789Z"
    assert event["created_at_ns"] == "1700000000123456789"
    for since, found in (
        ("2023-11-14T22:13:20.123456789Z", 1),
        ("2023-11-14T23:13:20.123456790%2B01:00", 0),
        ("1700000000123456789", 1),
        ("2023-11-14", 1),
        ("2023-11-15", 0),
    ):
        assert len(served.get(f"decisions?since={since}").json["events"]) == found, since


def test_a_search_finds_what_was_decided_on_a_device(anywhere: Served) -> None:
    mine = anywhere.post("turns", turn()).json["event_id"]
    theirs = anywhere.post("turns", turn(user_id="bob", device_id="desk")).json["event_id"]
    for device, events in (("kitchen", [mine]), ("desk", [theirs]), ("cellar", [])):
        told = anywhere.get(f"decisions?device={device}").json["events"]
        assert [one["event_id"] for one in told] == events
    assert anywhere.get("decisions?device=desk&user=alice").json["events"] == []
    for name in ("device", "user"):
        told = anywhere.get(f"decisions?{name}=")
        assert (told.status, told.json["field"]) == (422, name)
