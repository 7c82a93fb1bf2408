"""What cannot be decided again, and why; and that nothing in a record breaks a replay."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgers import ACME, ALICE, GLOBEX, TALK, Ledger, Scribe
from replays import REMIND, TWO, Record, changed, first, of, replayed
from selene_os.decision import Chat
from selene_os.ledger.events import ReplayRecord
from selene_os.names import EventId
from selene_os.replaying import (
    BROUGHT,
    DIFFERENT,
    ERASED,
    FAULTS,
    IDENTICAL,
    KEY_AWAY,
    NOT_REPLAYABLE,
    RECORD_DAMAGED,
    RECORD_MISSING,
    TERMS_MISSING,
    Replayer,
)
from talking import Desk


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


def test_a_decision_that_was_brought_is_told_as_such(desk: Desk) -> None:
    desk.tenant.commit_decision(Chat(), ALICE.user_id, ALICE.device_id, text="hello")
    (found,) = replayed(desk)
    assert (found.outcome, found.reason, found.differs) == (NOT_REPLAYABLE, BROUGHT, False)


UNREADABLE: dict[str, tuple[dict[str, Any], str]] = {
    "erased": ({"key_id": "erased", "record": b""}, ERASED),
    "another key": ({"key_id": "k-7", "record": b"\x00\xff"}, KEY_AWAY),
    "no JSON": ({"record": b"{"}, RECORD_DAMAGED),
    "no UTF-8": ({"record": b"\xff\xfe\xff"}, RECORD_DAMAGED),
    "no object": ({"record": b"[]"}, RECORD_DAMAGED),
    "empty": ({"record": b"{}"}, RECORD_DAMAGED),
    "nobody's": ({"record": b'{"decided_by":"PH9"}'}, RECORD_DAMAGED),
    "a list for a name": ({"record": b'{"decided_by":[]}'}, RECORD_DAMAGED),
    "half": ({"record": b'{"decided_by":"PH1.NLP","request":{}}'}, RECORD_DAMAGED),
    "half a yes": ({"record": b'{"decided_by":"PH1.X","request":{}}'}, RECORD_DAMAGED),
    "half a profile": ({"record": b'{"decided_by":"PH1.PERSONA","request":7}'}, RECORD_DAMAGED),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_says_why(ledger: Ledger, desk: Desk, what: str) -> None:
    values, reason = UNREADABLE[what]
    desk.say(REMIND)
    event, kept = first(ledger)
    found = of(ledger, event, kept._replace(**values))
    assert (found.outcome, found.reason, found.differs) == (
        NOT_REPLAYABLE, reason, reason in FAULTS,
    )  # fmt: skip


def test_a_row_without_a_record_counts_as_a_difference(ledger: Ledger, desk: Desk) -> None:
    unit = ledger.scribe.unit()
    ledger.commit(replace(unit, records=()))
    (found,) = replayed(desk)
    assert (found.outcome, found.reason, found.differs) == (NOT_REPLAYABLE, RECORD_MISSING, True)


def test_a_bundle_of_terms_that_is_not_there_is_told(ledger: Ledger, desk: Desk) -> None:
    desk.tenant.import_terms([{"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED",
                               "canonical": "Orion"}])  # fmt: skip
    desk.say(REMIND)
    event, kept = first(ledger)
    other = changed(kept, lambda r: r["request"].update(terms_digest="f" * 64))
    found = of(ledger, event, other)
    assert (found.outcome, found.reason, found.differs) == (NOT_REPLAYABLE, TERMS_MISSING, True)


def test_a_yes_to_a_draft_that_cannot_be_read_is_not_replayable(ledger: Ledger, desk: Desk) -> None:
    desk.confirm(desk.say(REMIND).event_id)
    _, yes = ledger.store.trace(ACME, TALK)
    kept = ledger.store.record(ACME, yes.event_id)
    assert kept is not None
    nobodys = EventId("00000000-0000-7000-8000-000000000000")
    for named in (nobodys, "nothing", 7, yes.event_id):

        def other_draft(record: Record, named: object = named) -> None:
            record["request"]["draft_event_id"] = named

        other = changed(kept, other_draft)
        assert of(ledger, yes, other).outcome == NOT_REPLAYABLE


def test_nothing_of_another_tenant_is_read(ledger: Ledger, desk: Desk) -> None:
    desk.confirm(desk.say(REMIND).event_id)
    _, yes = ledger.store.trace(ACME, TALK)
    kept = ledger.store.record(ACME, yes.event_id)
    found = Replayer(ledger.store, GLOBEX).event(yes, kept)
    assert (found.outcome, found.reason) == (NOT_REPLAYABLE, RECORD_MISSING)
    assert list(ledger.selene().tenant("globex").replay_all()) == []
    assert list(ledger.selene().tenant("globex").replay(TALK)) == []


# ---- whatever a record may hold

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value but its root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, one in inner:
        found.append((*path, key))
        if isinstance(one, dict | list):
            found += paths(one, (*path, key))
    return found


@pytest.mark.parametrize("talk", [(TWO, "both", "the second one"), ("um call mom tmr pls", "5 pm")])
def test_whatever_stands_in_a_record_nothing_crashes(
    ledger: Ledger, desk: Desk, talk: tuple[str, ...]
) -> None:
    for text in talk:
        desk.say(text)
    desk.tenant.commit_profile(ALICE.user_id, ALICE.device_id, speaker="alice", correlation=TALK)
    rows = [(event, ledger.store.record(ACME, event.event_id))
            for event in ledger.store.trace(ACME, TALK)]  # fmt: skip
    replayer = Replayer(ledger.store, ACME)

    @settings(max_examples=150)
    @given(st.data())
    def spoil(data: st.DataObject) -> None:
        event, kept = data.draw(st.sampled_from(rows))
        assert kept is not None
        record = json.loads(kept.record)
        place = data.draw(st.sampled_from(paths(record)))
        *way, last = place
        at = record
        for key in way:
            at = at[key]
        at[last] = data.draw(JSON)
        spoilt = json.dumps(record).encode()
        found = replayer.event(event, kept._replace(record=spoilt))
        assert found.outcome in (IDENTICAL, DIFFERENT, NOT_REPLAYABLE)
        # What was asked is taken as it stands; what was answered must be what it comes to.
        same = json.dumps(json.loads(kept.record)) == json.dumps(record)
        assert found.outcome != IDENTICAL or same or place[0] != "answer"

    spoil()


@settings(max_examples=100)
@given(st.binary(max_size=64) | JSON.map(lambda value: json.dumps(value).encode()))
def test_garbage_is_no_record(garbage: bytes) -> None:
    event = Scribe().event()
    kept = ReplayRecord(ACME, event.event_id, "PH1.NLP", "1", None, garbage, "plain")
    found = Replayer(None, ACME).event(event, kept)  # type: ignore[arg-type]
    assert (found.outcome, found.reason) == (NOT_REPLAYABLE, RECORD_DAMAGED)
