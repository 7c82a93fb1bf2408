"""A commit whose answer is lost is found again by the store's next try, and reported as written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from deaf_proxy import DeafProxy
from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    CHAT,
    DRAFT,
    PROFILE,
    START_NS,
    TALK,
    Ledger,
    Scribe,
    Tables,
)
from postgres_databases import PostgresDatabase
from selene_os.errors import Overtaken, ScopeRefused
from selene_os.ledger.events import Receipt, TenantRow, Unit
from selene_os.ledger.postgres.store import PostgresStore
from selene_os.names import DeviceId, SessionId, TenantId, UserId

QUICK = (0.0, 0.01, 0.02, 0.05, 0.1)


class Deaf:
    """A ledger whose store reaches its database by way of a proxy."""

    def __init__(self, database: PostgresDatabase) -> None:
        self.ledger = Ledger(database)
        self.other = self.ledger.store
        self.proxy = DeafProxy(database.server.url(database.name, "selene_app", tcp=True))
        self.store = PostgresStore(self.proxy.url(), retry_after_s=QUICK)

    def end(self) -> None:
        """Let go of everything."""
        self.store.close()
        self.other.close()
        self.proxy.close()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    """A ledger that is reached by way of a proxy."""
    database = PostgresDatabase.fresh("postgres")
    deaf = Deaf(database)
    yield deaf
    deaf.end()
    database.drop()


def new(unit: Unit) -> tuple[Receipt, ...]:
    """The receipts of a unit that was written."""
    return tuple(Receipt(event.event_id, False, True) for event in unit.events)


CALLS: dict[str, Callable[[Scribe], list[Unit]]] = {
    "plain": lambda s: [s.unit()],
    "several plain": lambda s: [s.unit(key="one"), s.unit(scope=BOB, key="two")],
    "several drafts": lambda s: [s.unit(more=(DRAFT, CHAT))],
    "next turn": lambda s: [replace(s.unit(turn=7), next_turn=True)],
    "two next turns": lambda s: [
        replace(s.unit(turn=turn, key=f"{turn}"), next_turn=True) for turn in (1, 2)
    ],
    "next turn of several drafts": lambda s: [replace(s.unit(more=(DRAFT,)), next_turn=True)],
    "profile": lambda s: [replace(s.unit(PROFILE), after_profile="")],
    "profile as the next turn": lambda s: [
        replace(s.unit(PROFILE), after_profile="", next_turn=True)
    ],
    "two tenants": lambda s: [s.unit(), s.unit(scope=CAROL), s.unit(turn=2, key="2", more=(CHAT,))],
}


def rows_of(units: list[Unit], tables: Tables) -> None:
    """Every row of the units is there, once, and no other."""
    events = [event for unit in units for event in unit.events]
    records = [record for unit in units for record in unit.records]
    lines = {line[:4]: line for unit in units if (line := unit.said)}
    assert tables["audit_events"] == sorted(map(tuple, events), key=repr)
    assert tables["replay_inputs"] == sorted(map(tuple, records), key=repr)
    assert len(tables["unsealed_events"]) == len(events)
    assert len(tables["conversation_ledger"]) == len(lines)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("before", [False, True], ids=["answer lost", "question lost"])
@pytest.mark.parametrize("kind", CALLS)
def test_what_was_written_unheard_is_reported_as_written(
    deaf: Deaf, kind: str, before: bool, times: int
) -> None:
    units = CALLS[kind](deaf.ledger.scribe)
    # Of several tenants each is a call of its own, and the transaction ends by itself.
    deaf.proxy.lose(
        "COMMIT" if kind == "two tenants" else units[0].events[0].event_id, times, before=before
    )
    assert deaf.store.commit(units) == list(map(new, units))
    assert deaf.proxy.lost == times
    rows_of(units, deaf.ledger.tables())
    # Whoever sends it once more is told that it is a retry.
    again = deaf.store.commit([replace(u, next_turn=False, after_profile=None) for u in units])
    for unit, verdict in zip(units, again, strict=True):
        assert isinstance(verdict, tuple)
        for event, receipt in zip(unit.events, verdict, strict=True):
            assert receipt == Receipt(event.event_id, True, True)
    rows_of(units, deaf.ledger.tables())


def test_what_was_written_unheard_stays_so_when_others_write_behind_it(deaf: Deaf) -> None:
    scribe = deaf.ledger.scribe
    mine = replace(scribe.unit(PROFILE, turn=1), next_turn=True, after_profile="")
    first = mine.events[0].event_id
    theirs = replace(
        scribe.unit(PROFILE, turn=2, key="2", more=()), next_turn=True, after_profile=first
    )
    told: list[object] = []

    def meanwhile() -> None:
        told.extend(deaf.other.commit([theirs]))
        deaf.other.close_session(ACME, SessionId("morning"), START_NS + 1)
        deaf.other.set_identity_status(ACME, ALICE.user_id, "DISABLED")

    deaf.proxy.lose(first, meanwhile=meanwhile)
    assert deaf.store.commit([mine]) == [new(mine)]
    assert told == [new(theirs)]
    rows_of([mine, theirs], deaf.ledger.tables())


def test_what_was_lost_before_it_was_written_may_be_overtaken(deaf: Deaf) -> None:
    scribe = deaf.ledger.scribe
    mine = [replace(scribe.unit(turn=1, key="mine"), next_turn=True)]
    theirs = scribe.unit(turn=1, key="theirs")
    deaf.other.commit([theirs])
    deaf.proxy.lose(mine[0].events[0].event_id, before=True)
    assert isinstance(deaf.store.commit(mine)[0], Overtaken)
    rows_of([theirs], deaf.ledger.tables())


def test_a_batch_keeps_its_verdicts_after_an_unheard_commit(deaf: Deaf) -> None:
    scribe = deaf.ledger.scribe
    first, same, another = scribe.unit(), scribe.unit(), scribe.unit(key="another")
    wrong = scribe.unit(scope=replace(BOB, device_id=ALICE.device_id), key="wrong")
    deaf.proxy.lose(first.events[0].event_id)
    verdicts = deaf.store.commit([first, same, wrong, another])
    assert verdicts[:2] == [new(first), (Receipt(first.events[0].event_id, True, True),)]
    assert isinstance(verdicts[2], ScopeRefused)
    assert verdicts[3] == new(another)


@pytest.mark.parametrize("before", [False, True], ids=["answer lost", "question lost"])
def test_one_unit_twice_in_a_batch_is_written_once_and_told_so(deaf: Deaf, before: bool) -> None:
    unit = deaf.ledger.scribe.unit()
    deaf.proxy.lose(unit.events[0].event_id, before=before)
    verdicts = deaf.store.commit([unit, unit])
    assert verdicts == [new(unit), (Receipt(unit.events[0].event_id, True, True),)]


def test_other_words_under_an_id_that_is_there_are_not_this_calls_own(deaf: Deaf) -> None:
    unit = deaf.ledger.scribe.unit()
    other = replace(unit, events=(unit.events[0]._replace(payload_min="{}"),))
    deaf.other.commit([unit])
    deaf.proxy.lose(unit.events[0].event_id, before=True)
    assert deaf.store.commit([other]) == [(Receipt(unit.events[0].event_id, True, False),)]


def test_a_memory_that_was_written_unheard_is_reported_as_written(deaf: Deaf) -> None:
    event = deaf.ledger.scribe.memory()
    deaf.proxy.lose(event.memory_event_id)
    receipt = deaf.store.append_memory(event)
    assert receipt == Receipt(event.memory_event_id, False, True)
    assert deaf.store.append_memory(event) == replace(receipt, deduplicated=True)
    assert deaf.store.memory_events(ACME, ALICE.user_id) == [event._replace(version=1)]
    assert deaf.proxy.lost == 1


OTHERS: dict[str, tuple[Callable[[Deaf], object], object, str]] = {
    "append_utterance": (
        lambda d: d.store.append_utterance(d.ledger.scribe.utterance()),
        True,
        "remind me",
    ),
    "add_tenant": (
        lambda d: d.store.add_tenant(TenantRow(TenantId("new"), None, "ask", None, None, 1)),
        True,
        "new",
    ),
    "register": (
        lambda d: d.store.register(ACME, UserId("eve"), DeviceId("van"), None, START_NS),
        True,
        "eve",
    ),
    "close_session": (
        lambda d: d.store.close_session(ACME, SessionId("morning"), START_NS),
        None,
        "morning",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_else_was_done_unheard_is_reported_as_done(deaf: Deaf, name: str) -> None:
    call, told, marker = OTHERS[name]
    deaf.proxy.lose(marker)
    assert call(deaf) == told


def test_a_read_whose_answer_is_lost_is_read_again(deaf: Deaf) -> None:
    unit = deaf.ledger.scribe.unit()
    deaf.store.commit([unit])
    for marker, read in ((TALK, deaf.store.trace), ("COMMIT", deaf.store.conversation)):
        deaf.proxy.lose(marker, 2)
        assert len(read(ACME, TALK)) == 1
    assert deaf.proxy.lost == 4
