"""Selene: an utterance goes in, a decision comes out, and the decision is a row nobody can change.

    with selene_os.open("sqlite:///selene.db", create=True) as selene:
        selene.add_tenant("acme")
        acme = selene.tenant("acme")
        acme.register(user="alice", device="kitchen")
        answer = acme.take_turn("alice", "kitchen", "remind me to call mom tomorrow at 5 pm")
        for event in acme.trace(answer.correlation_id):
            print(event)

What stands in `__all__` is public, and `selene_os.language.times`; nothing else is.
"""

from selene_os.decision import Chat, Clarify, IntentDraft, ProfileDecision
from selene_os.edges.library import Selene, open
from selene_os.engines.nlp import UncertainSpan
from selene_os.engines.persona import Signal
from selene_os.errors import Fault, Refusal, SeleneError
from selene_os.ledger.events import AuditEvent, Receipt
from selene_os.reasons import ReasonCode
from selene_os.receipts import Answer, Brought, Committed, Profile, Surroundings

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "AuditEvent",
    "Brought",
    "Chat",
    "Clarify",
    "Committed",
    "Fault",
    "IntentDraft",
    "Profile",
    "ProfileDecision",
    "ReasonCode",
    "Receipt",
    "Refusal",
    "Selene",
    "SeleneError",
    "Signal",
    "Surroundings",
    "UncertainSpan",
    "__version__",
    "open",
]
