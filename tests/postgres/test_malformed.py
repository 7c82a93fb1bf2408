"""What the functions are fed by whoever may call them: nonsense is refused whole, no less."""

from __future__ import annotations

import json
from typing import Any, Final

import psycopg
import pytest

from postgres.sieges import APP, HOSTILE, ONE_SERVER, Siege

Json = Any
# As os_core.append_events takes one.
_RECORD: Final = ["1", None, "plain", "x", None]
_SAID: Final = ["USER", "TYPED_TEXT", "plain", "PRIVATE", 1, "x", None]
_EVENT: Final[dict[str, Json]] = {
    "event_id": "00000000-0000-7000-8000-00000000abcd", "engine": "PH1.NLP", "event_type": "X",
    "reason_code": 1, "severity": "INFO", "correlation_id": "3" * 32, "turn_id": 1,
    "user_id": "carol", "device_id": "porch", "session_id": None, "idempotency_key": "k",
    "payload_min": "{}", "created_at": 1, "beyond": None, "record": None, "said": None,
}  # fmt: skip
_MEMORY: Final[dict[str, Json]] = {
    "memory_event_id": "m", "user_id": "carol", "memory_key": "tea", "event": "STORED",
    "value": "eA==", "key_id": "plain", "layer": "LONG_TERM", "sensitivity": "LOW",
    "confidence": "HIGH", "consent": "CONFIRMED", "use_policy": "ALWAYS_USABLE",
    "expires_at": None, "provenance": "said", "idempotency_key": "fresh", "created_at": 1,
}  # fmt: skip


def _run(*events: Json, **more: Json) -> str:
    listed = [list(event.values()) if isinstance(event, dict) else event for event in events]
    return json.dumps([{"events": listed, **more}])


def _event(**changed: Json) -> dict[str, Json]:
    assert changed.keys() <= _EVENT.keys()
    return _EVENT | changed


def _put(row: list[Json], place: int, value: Json) -> list[Json]:
    return [*row[:place], value, *row[place + 1 :]]


_OTHER: Final = _event(event_id="00000000-0000-7000-8000-00000000abce", idempotency_key="k2")
# An event that is right, and after it one that is wrong: neither may be there afterwards.
_AFTER_A_RIGHT_ONE: Final[dict[str, str]] = {
    field: _run(_OTHER, _event(**{field: value}))
    for field, value in {
        "event_id": None, "engine": "", "event_type": "x" * 33, "reason_code": 2**32,
        "severity": "FATAL", "correlation_id": "x" * 32, "turn_id": 0, "idempotency_key": "k" * 129,
        "payload_min": "[]", "created_at": -1,
    }.items()
}  # fmt: skip
COMMITS: Final[dict[str, str]] = {
    **_AFTER_A_RIGHT_ONE,
    "no list": "{}",
    "a word": '"x"',
    "events that are no list": '[{"events": 1}]',
    "events that are no objects": '[{"events": [1]}]',
    "turn beyond int": _run(_event(turn_id=2**31)),
    "turn beyond bigint": _run(_event(turn_id=2**70)),
    "a turn that is none": _run(_event(turn_id=1.5)),
    "payload too long": _run(_event(payload_min=json.dumps({"a": "x" * 2048}))),
    "payload no JSON": _run(_event(payload_min="{")),
    "a letter that text cannot hold": _run(_event(idempotency_key="\0")),
    "half a letter": _run(_event(idempotency_key="\ud800")),
    "no base64": _run(_event(record=_put(_put(_RECORD, 3, None), 4, "!"))),
    "no record": _run(_event(record=_put(_RECORD, 3, None))),
    "a record that is no list": _run(_event(record="x")),
    "an empty record": _run(_event(record=[])),
    "said by nobody": _run(_event(said=_put(_SAID, 0, "NOBODY"))),
    "said too much": _run(_event(said=_put(_SAID, 5, "x" * 65_537))),
    "said nothing": _run(_event(said=_put(_SAID, 5, ""))),
    "an event that is none": _run(_OTHER, "x"),
    "an event that is empty": _run(_OTHER, []),
    "an event that is nothing": _run(_OTHER, None),
    "an odd answer": _run(_OTHER, next_turn="perhaps"),
    "no user": _run(_event(user_id=None, device_id=None)),
    "no device": _run(_event(device_id=None)),
    "deep": "[" * 100_000 + "]" * 100_000,
    "deep within": _run(_event(payload_min="[" * 100_000)),
    "a rest that is wrong": _run(_OTHER, rest=[list(_event(turn_id=0).values())]),
    "a rest that is no list": _run(_OTHER, rest="x"),
    "not JSON": "x",
    "cut off": "[{",
    "nothing": "",
}
MEMORIES: Final[dict[str, str]] = {
    "no object": "[]",
    "a word": '"x"',
    "no base64": json.dumps(_MEMORY | {"value": "!"}),
    "no value": json.dumps(_MEMORY | {"value": None}),
    "forgotten with a value": json.dumps(_MEMORY | {"event": "FORGOTTEN"}),
    "no layer": json.dumps(_MEMORY | {"layer": None}),
    "an odd layer": json.dumps(_MEMORY | {"layer": "X"}),
    "a long key": json.dumps(_MEMORY | {"memory_key": "x" * 129}),
    "no id": json.dumps(_MEMORY | {"memory_event_id": None}),
    "no time": json.dumps(_MEMORY | {"created_at": None}),
    "deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "not JSON": "x",
}
SETTINGS: Final[dict[str, str]] = {
    "no object": "[]",
    "a word": '"x"',
    "a currency that is none": '{"time_policy": "ask", "currency": "euro"}',
    "a policy that is none": '{"currency": "EUR", "time_policy": null}',
    "an order that is none": '{"currency": "EUR", "date_order": "YYYY"}',
    "a zone too long": json.dumps({"currency": "EUR", "zone": "x" * 65}),
    "a zone that is none": '{"currency": "EUR", "zone": ""}',
    "an object": '{"currency": {"a": 1}}',
    "not JSON": "x",
}
_TRIES: Final = [
    *((f"commit {name}", "commit_units(%s, %s, FALSE)", fed) for name, fed in COMMITS.items()),
    *((f"memory {name}", "append_memory(%s, %s)", fed) for name, fed in MEMORIES.items()),
    *((f"settings {name}", "set_tenant(%s, %s)", fed) for name, fed in SETTINGS.items()),
]


@pytest.mark.parametrize("role", [APP, HOSTILE])
def test_what_is_malformed_is_refused_whole_and_the_connection_lives(
    siege: Siege, role: str
) -> None:
    taken = []
    with siege.connect(role) as connection, siege.unchanged():
        for name, call, fed in _TRIES:
            try:
                connection.execute(f"SELECT os_core.{call}".encode(), ("globex", fed))
                taken.append(name)
            except psycopg.errors.DatabaseError as error:
                # Neither a fault of the server's own, nor the end of the connection.
                assert not (error.sqlstate or "XX").startswith(("XX", "58")), name
            assert connection.execute("SELECT 1").fetchall() == [(1,)], name
        assert taken == []


@ONE_SERVER
@pytest.mark.parametrize("fed", ["[]", '["x"]', "[{}]", "[null]", "[[]]"])
def test_runs_that_hold_nothing_write_nothing(siege: Siege, fed: str) -> None:
    with siege.unchanged():
        result = siege.asked(HOSTILE, f"SELECT os_core.commit_units('globex', '{fed}', FALSE)")
    assert result == ([(None,)], None)


def test_what_is_well_formed_is_written(siege: Siege) -> None:
    """What the malformed ones differ from is no mistake itself."""
    for call, fed in (
        ("commit_units", _run(_event(record=_RECORD, said=_SAID), _OTHER)),
        ("append_memory", json.dumps(_MEMORY)),
    ):
        more = ", FALSE" if call == "commit_units" else ""
        result = siege.asked(HOSTILE, f"SELECT os_core.{call}('globex', '{fed}'{more})")
        assert result == ([(None,)], None)


def test_a_large_call_is_written_whole(siege: Siege) -> None:
    events = [
        _event(event_id=f"00000000-0000-7000-8000-{n:012x}", idempotency_key=f"k{n}", turn_id=n + 1)
        for n in range(5_000)
    ]
    result = siege.asked(APP, f"SELECT os_core.commit_units('globex', '{_run(*events)}', FALSE)")
    assert result == ([(None,)], None)
    found = siege.superuser("SELECT count(*) FROM audit_events WHERE event_type = 'X'")
    assert found == [(5_000,)]


COMMIT: Final = b"SELECT os_core.commit_units('globex', %s, FALSE)"
_SAME_ID: Final = _event(idempotency_key="k2", turn_id=2)
_SAME_KEY: Final = _OTHER | {"idempotency_key": "k"}
_AGAIN: Final = json.loads(_run(_SAME_ID))
# Within one run there is no first and second; in a later one its id is another event's.
_TWICE: Final[dict[str, str]] = {
    "under two keys": _run(_EVENT, _SAME_ID),
    "under one key": _run(_EVENT, _EVENT),
    "with two records": _run(_EVENT | {"record": _RECORD}, _SAME_ID | {"record": _RECORD}),
    "in a later run": json.dumps([*json.loads(_run(_EVENT)), *_AGAIN]),
    "in the rest": _run(_EVENT, rest=[list(_SAME_ID.values())]),
    "after a run that is right": json.dumps(
        [*json.loads(_run(_OTHER)), *json.loads(_run(_EVENT, _SAME_ID))]
    ),
}
_TOLD: Final[dict[str, str]] = {
    "the same key": _run(_EVENT, _SAME_KEY),
    "the same key in the rest": _run(_EVENT, rest=[list(_SAME_KEY.values())]),
}


@ONE_SERVER
@pytest.mark.parametrize("role", [APP, HOSTILE])
@pytest.mark.parametrize("twice", _TWICE)
def test_one_id_for_two_events_is_refused_whole(siege: Siege, twice: str, role: str) -> None:
    with siege.connect(role) as connection, siege.unchanged():
        with pytest.raises(psycopg.errors.DatabaseError) as caught:
            connection.execute(COMMIT, (_TWICE[twice],))
        assert caught.value.sqlstate in ("22023", "23505", "SE500")
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


@ONE_SERVER
@pytest.mark.parametrize("twice", _TWICE)
def test_nor_is_it_once_the_first_is_there(siege: Siege, twice: str) -> None:
    with siege.connect(HOSTILE) as connection:
        assert connection.execute(COMMIT, (_run(_EVENT),)).fetchall() == [(None,)]
        if twice == "in the rest":
            # A retry of the first, whose other event was never written: that is told.
            assert connection.execute(COMMIT, (_TWICE[twice],)).fetchall() != [(None,)]
            return
        with siege.unchanged(), pytest.raises(psycopg.errors.DatabaseError) as caught:
            connection.execute(COMMIT, (_TWICE[twice],))
        assert caught.value.sqlstate in ("22023", "SE500")


@pytest.mark.parametrize("told", _TOLD)
def test_an_event_that_was_not_written_is_told(siege: Siege, told: str) -> None:
    fed = _TOLD[told]
    result = siege.asked(APP, f"SELECT os_core.commit_units('globex', '{fed}', FALSE)::text")
    assert result.error is None
    assert result.rows != [(None,)]
    written = siege.superuser("SELECT count(*) FROM audit_events WHERE event_type = 'X'")
    assert written == [(0 if "rest" in told else 1,)]
