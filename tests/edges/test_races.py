"""What another writer does between a read and the write that rests on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import selene_os
from selene_os import Brought, Chat, Signal
from selene_os.app import Tenant
from selene_os.edges.surroundings import system
from selene_os.names import EventId

TALK = "4bf92f3577b34da6a3ce929d0e0e4736"
ALICE = ("alice", "kitchen")


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Tenant]:
    with selene_os.open(str(tmp_path / "selene.db"), create=True) as selene:
        selene.add_tenant("acme")
        tenant = selene.tenant("acme")
        tenant.register(*ALICE)
        yield tenant


def test_a_key_alone_names_its_conversation_so_that_a_retry_finds_its_row(acme: Tenant) -> None:
    first = acme.take_turn(*ALICE, "remind me to call mom", key="k1")
    again = acme.take_turn(*ALICE, "remind me to call mom", key="k1")
    other = acme.take_turn(*ALICE, "remind me to call mom", key="k2")
    assert (again.event_id, again.deduplicated) == (first.event_id, True)
    assert again.correlation_id == first.correlation_id != other.correlation_id
    assert not other.deduplicated


def test_a_retry_with_other_values_does_not_say_the_same(acme: Tenant) -> None:
    first = acme.take_turn(*ALICE, "send $20 to Alex", correlation=TALK, turn=1)
    same = acme.take_turn(*ALICE, "send $20 to Alex", correlation=TALK, turn=1)
    other = acme.take_turn(*ALICE, "send $500 to Mallory", correlation=TALK, turn=1)
    assert same.same_decision and not other.same_decision
    assert other.event_id == first.event_id
    assert [field.text for field in other.result.fields] == ["$20", "Alex"]


def test_keyed_turns_without_a_number_each_take_a_turn_of_their_own(acme: Tenant) -> None:
    def say(number: int) -> None:
        acme.take_turn(
            *ALICE, f"remind me to do thing {number}", correlation=TALK, key=f"k{number}"
        )

    threads = [threading.Thread(target=say, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.turn_id for event in acme.trace(TALK)] == list(range(1, 17))
    assert len(acme.conversation(TALK)) == 16


def test_a_privacy_wish_is_not_undone_by_a_profile_that_did_not_see_it(tmp_path: Path) -> None:
    around = system()
    private = [Signal("privacy_preference", "text only", "r1")]
    between: list[Tenant] = []

    def event_id() -> EventId:
        # Asked for between the read of the last profile and the write of the next one.
        if between:
            between.pop().commit_profile(*ALICE, speaker="alice", signals=private, place="PRIVATE")
        return around.event_id()

    path = str(tmp_path / "selene.db")
    with selene_os.open(
        path, create=True, surroundings=replace(around, event_id=event_id)
    ) as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register(*ALICE)
        between.append(acme)
        tone = [Signal("response_tone_target", "gentle", "r2")]
        acme.commit_profile(*ALICE, speaker="alice", signals=tone, place="PRIVATE")
        last = acme.commit_profile(*ALICE, speaker="alice", place="PRIVATE")
    assert last.snapshot.delivery_policy_ref == "TEXT_ONLY"


def test_two_writers_of_two_settings_both_stay(acme: Tenant) -> None:
    threads = [
        threading.Thread(target=acme.set, kwargs={name: value})
        for name, value in (("currency", "USD"), ("zone", "Europe/Berlin"), ("date_order", "DMY"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = acme.settings
    assert (row.currency, row.zone, row.date_order) == ("USD", "Europe/Berlin", "DMY")


def test_a_disabled_user_is_registered_nothing_more(acme: Tenant) -> None:
    acme.disable("alice")
    with pytest.raises(selene_os.Refusal, match="disabled"):
        acme.register("alice", "tablet")
    acme.enable("alice")
    assert acme.register("alice", "tablet")


def test_one_bad_decision_of_a_batch_is_its_own(acme: Tenant) -> None:
    batch = [Brought(Chat(), *ALICE, correlation=TALK) for _ in range(3)]
    batch.insert(1, replace(batch[0], correlation=[1]))  # type: ignore[arg-type]
    outcomes = acme.commit_decisions(batch)
    assert [isinstance(one, selene_os.Committed) for one in outcomes] == [True, False, True, True]
    turns = [one.turn_id for one in outcomes if isinstance(one, selene_os.Committed)]
    assert turns == [1, 2, 3]


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    import apsw

    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE t (x)")
    other.close()
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(selene_os.Fault):
            selene_os.open(str(path), create=create)
    assert path.read_bytes() == before


def test_a_word_in_place_of_synchronous_never_reaches_the_database(tmp_path: Path) -> None:
    path = str(tmp_path / "selene.db")
    selene_os.open(path, create=True).close()
    for word in ("bogus", "FULL; DROP TRIGGER audit_events_no_update"):
        with pytest.raises(selene_os.Refusal, match="synchronous"):
            selene_os.open(path, synchronous=word)
