"""Rows as tests replay them: as a store holds them, or with something in them changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ledgers import ACME, TALK, Ledger
from selene_os.ledger import codec
from selene_os.ledger.events import AuditEvent, ReplayRecord
from selene_os.replaying import Replayed, Replayer
from talking import Desk

REMIND = "remind me to call mom tomorrow at 5 pm"
TWO = "send $20 to Bob and send $30 to Ann"
Record = dict[str, Any]


def replayed(desk: Desk) -> tuple[Replayed, ...]:
    """Every event of the desk's tenant, decided again."""
    return tuple(desk.tenant.replay_all())


def first(ledger: Ledger) -> tuple[AuditEvent, ReplayRecord]:
    """The oldest row of acme's, with its record."""
    event = ledger.store.trace(ACME, TALK)[0]
    kept = ledger.store.record(ACME, event.event_id)
    assert kept is not None
    return event, kept


def of(ledger: Ledger, event: AuditEvent, kept: ReplayRecord | None) -> Replayed:
    """One event of acme's, decided again."""
    return Replayer(ledger.store, ACME).event(event, kept)


def changed(kept: ReplayRecord, change: Callable[[Record], object]) -> ReplayRecord:
    """A record with something in it changed."""
    record = json.loads(kept.record)
    change(record)
    return kept._replace(record=codec.encode_json(record))
