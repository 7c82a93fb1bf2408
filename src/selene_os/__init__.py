"""Selene: an utterance goes in, a decision comes out, and the database refuses to change it.

    with selene_os.open("sqlite:///selene.db", create=True) as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register(user="alice", device="kitchen")
        answer = acme.take_turn("alice", "kitchen", "remind me to call mom tomorrow at 5 pm")
        for event in acme.trace(answer.correlation_id):
            print(event)

What stands in `__all__` is public, and `selene_os.language.times`; nothing else is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selene_os.decision import Chat, Clarify, Confirmation, IntentDraft, ProfileDecision
    from selene_os.dictionary import Imported
    from selene_os.differences import Difference
    from selene_os.edges.library import Selene, open
    from selene_os.engines.focus import Item
    from selene_os.engines.nlp import UncertainSpan
    from selene_os.engines.persona import Signal
    from selene_os.erasing import Erasure, Held
    from selene_os.errors import Fault, Refusal, SeleneError
    from selene_os.gates import (
        AccessPort,
        ClarifyPacket,
        Listed,
        SimulationPort,
        Verdict,
    )
    from selene_os.ledger.events import AuditEvent, Receipt
    from selene_os.proof.verification import Verified
    from selene_os.reasons import ReasonCode
    from selene_os.receipts import Answer, Brought, Committed, Profile, Surroundings
    from selene_os.remembering import Applied, Memory
    from selene_os.replaying import Replayed

__version__ = "0.1.0"

__all__ = [
    "AccessPort",
    "Answer",
    "Applied",
    "AuditEvent",
    "Brought",
    "Chat",
    "Clarify",
    "ClarifyPacket",
    "Committed",
    "Confirmation",
    "Difference",
    "Erasure",
    "Fault",
    "Held",
    "Imported",
    "IntentDraft",
    "Item",
    "Listed",
    "Memory",
    "Profile",
    "ProfileDecision",
    "ReasonCode",
    "Receipt",
    "Refusal",
    "Replayed",
    "Selene",
    "SeleneError",
    "Signal",
    "SimulationPort",
    "Surroundings",
    "UncertainSpan",
    "Verdict",
    "Verified",
    "__version__",
    "open",
]

# Each name is loaded when it is first used: `selene --help` must not load the engines.
_HOMES = {
    "AccessPort": "gates",
    "Answer": "receipts",
    "Applied": "remembering",
    "AuditEvent": "ledger.events",
    "Brought": "receipts",
    "Chat": "decision",
    "Clarify": "decision",
    "ClarifyPacket": "gates",
    "Committed": "receipts",
    "Confirmation": "decision",
    "Difference": "differences",
    "Erasure": "erasing",
    "Fault": "errors",
    "Held": "erasing",
    "Imported": "dictionary",
    "IntentDraft": "decision",
    "Item": "engines.focus",
    "Listed": "gates",
    "Memory": "remembering",
    "Profile": "receipts",
    "ProfileDecision": "decision",
    "ReasonCode": "reasons",
    "Receipt": "ledger.events",
    "Refusal": "errors",
    "Replayed": "replaying",
    "Selene": "edges.library",
    "SeleneError": "errors",
    "Signal": "engines.persona",
    "SimulationPort": "gates",
    "Surroundings": "receipts",
    "UncertainSpan": "engines.nlp",
    "Verdict": "gates",
    "Verified": "proof.verification",
    "open": "edges.library",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'selene_os' has no attribute {name!r}")
    found = getattr(import_module(f"selene_os.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
