"""Conversations that begin by one commit, as a batch of decisions may write them."""

from __future__ import annotations

from dataclasses import replace

from ledgers import ACME, ALICE, BOB, CHAT, Ledger, written
from selene_os.errors import Overtaken, ScopeRefused
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import Unit
from selene_os.names import CorrelationId


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
