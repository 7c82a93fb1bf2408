"""Several decisions by one commit: conversations that begin, and turns that nobody named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ledgers import ACME, ALICE, BOB, CHAT, TALK, Ledger, written
from selene_os import Brought, Chat, Committed, IntentDraft, ReasonCode
from selene_os.errors import Overtaken, ScopeRefused, SeleneError
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import Unit
from selene_os.names import TURN_ID_MAX, CorrelationId
from talking import Desk


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


def test_of_conversations_that_begin_together_each_has_its_own_verdict(ledger: Ledger) -> None:
    def begins(number: int, scope: Scope = ALICE, key: str = "first") -> Unit:
        talk = CorrelationId(f"{number:032x}")
        return replace(ledger.scribe.unit(CHAT, scope, correlation=talk, key=key), next_turn=True)

    nobody = replace(ALICE, device_id=BOB.device_id)
    assert len(ledger.commit(begins(2))) == 1
    together = ledger.store.commit([begins(number) for number in range(10, 13)])
    assert all(isinstance(verdict, tuple) for verdict in together)
    units = [begins(1), begins(2), begins(3, nobody), begins(4), begins(4, key="other"), begins(5)]
    verdicts = ledger.store.commit(units)
    told = [type(verdict) for verdict in verdicts]
    assert told == [tuple, Overtaken, ScopeRefused, tuple, Overtaken, tuple]
    for place in (0, 3, 5):
        (receipt,) = written(verdicts[place])
        assert receipt.event_id == units[place].events[0].event_id
    rows = [len(ledger.store.trace(ACME, one.events[0].correlation_id)) for one in units]
    assert rows == [1, 1, 0, 1, 1, 1]


# ---- batches of decisions that name no turn


def turns(desk: Desk, *brought: Brought) -> list[int | str]:
    """The turn that each of a batch comes to stand in, or the field of its refusal."""
    verdicts = desk.tenant.commit_decisions(brought)
    return [one.turn_id if isinstance(one, Committed) else str(one.field) for one in verdicts]


def chat(key: str | None = None, turn: int | None = None, user: str = "alice") -> Brought:
    return Brought(Chat(), user, ALICE.device_id, None, TALK, turn, key)


def test_what_is_refused_takes_no_turn(desk: Desk) -> None:
    # Each of its parts is in bounds, and all of them are too much for one row.
    many = tuple("x" * 62 + f"{number:02}" for number in range(16))
    flags = tuple(name.upper() for name in many)
    wrong = replace(
        chat(), decision=IntentDraft(ReasonCode.NLP_INTENT_OK, "SET_REMINDER", "HIGH", many, flags)
    )
    assert turns(desk, wrong, chat(), wrong, chat()) == ["payload_min", 1, "payload_min", 2]


def test_a_key_twice_in_one_batch_is_one_row_and_one_turn(desk: Desk) -> None:
    assert turns(desk, chat("k"), chat("k"), chat(), chat("k")) == [1, 1, 2, 1]
    assert len(desk.tenant.trace(TALK)) == 2


def test_a_last_turn_that_is_not_written_ends_no_conversation(desk: Desk) -> None:
    last = TURN_ID_MAX
    assert turns(desk, chat(turn=last, user="nobody"), chat(), chat()) == ["user_id", 1, 2]
    assert turns(desk, chat(), chat(turn=last), chat()) == [3, last, "turn_id"]


def test_batches_that_cross_write_each_key_once(desk: Desk) -> None:
    named = [replace(chat(f"k{number}"), correlation=None) for number in range(40)]

    def commit(number: int) -> list[Committed | SeleneError]:
        # Half of them begin at the other end, so that they meet in the middle.
        batch = named if number % 2 else named[::-1]
        return desk.tenant.commit_decisions(batch)[:: 1 if number % 2 else -1]

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(commit, range(8)))
    rows = [[one.receipt for one in batch if isinstance(one, Committed)] for batch in told]
    assert [len(receipts) for receipts in rows] == [len(named)] * 8
    for receipts in zip(*rows, strict=True):
        assert len({receipt.event_id for receipt in receipts}) == 1
        assert [receipt.deduplicated for receipt in receipts].count(False) == 1
    assert len(desk.tenant.search(rows=1_000).events) == len(named)
