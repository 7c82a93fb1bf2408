"""A tenant at whose desk tests talk: its turns, its yes, and a clock that stands still."""

from __future__ import annotations

import itertools
import json
from typing import Any

from ledgers import ALICE, START_NS, TALK, Ledger
from selene_os import Answer, Selene, Surroundings
from selene_os.ledger.codec import Scope
from selene_os.names import CorrelationId, event_id_of


class Desk:
    """A tenant with a clock of its own, which stands still until a test moves it."""

    def __init__(self, ledger: Ledger, tenant: str = "acme") -> None:
        self.now_ns, made = START_NS, itertools.count(1)
        around = Surroundings(
            lambda: self.now_ns,
            lambda: event_id_of(self.now_ns, next(made)),
            lambda: CorrelationId(f"{next(made):032x}"),
        )
        self.around = around
        self.tenant = Selene(ledger.store, around).tenant(tenant)
        self.confirm = self.tenant.confirm

    def say(self, text: str, scope: Scope = ALICE, **more: Any) -> Answer:
        """One turn of a conversation, TALK where none is named."""
        more = {"correlation": TALK, "now": "2026-11-21T09:30+01:00"} | more
        more |= {} if text.isascii() else {"language": "zh"}
        return self.tenant.take_turn(scope.user_id, scope.device_id, text, **more)

    def settled(self) -> list[tuple[str, str]]:
        """What was said to which draft, in this tenant."""
        events = self.tenant.search(rows=1_000).events
        said = [json.loads(event.payload_min) for event in events if event.engine == "PH1.X"]
        return sorted((one["draft_event_id"], one["decision"]) for one in said)
