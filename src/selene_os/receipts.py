"""What goes into the library and what comes out of it: decisions brought along, and receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from selene_os import names
from selene_os.decision import Decision
from selene_os.engines import nlp, persona
from selene_os.gates import ClarifyPacket, packet_of
from selene_os.handovers import HandOver
from selene_os.ledger.events import Receipt
from selene_os.reasons import ReasonCode


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What comes from outside: the clock in nanoseconds since 1970 UTC, and fresh names."""

    clock: Callable[[], int]
    event_id: Callable[[], names.EventId]
    correlation_id: Callable[[], names.CorrelationId]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn came to, and the receipt of its row.

    Attributes:
        result: PH1.NLP's answer; on a retry the one that was recorded.
        receipts: one for each row, the first one's values beside it.
        confirmation: CONFIRMED, DECLINED or CHANGED where a draft that waited was settled; of a
            yes or a no, `result` is that draft.
        drafts: the events of the drafts that were settled.
        confirm_by: until when this draft waits for a yes, in nanoseconds since 1970 UTC; None
            where it needs none, or is not fit to be confirmed.
        lapsed: why a yes, a no or a change was not taken.
        refused: the hand-overs that were refused, so that the turn went on without them: terms
            that closed their bundle, a transcript too long to repair.
    """

    result: nlp.Result
    correlation_id: names.CorrelationId
    turn_id: names.TurnId
    receipts: tuple[Receipt, ...]
    confirmation: str | None = None
    drafts: tuple[names.EventId, ...] = ()
    confirm_by: int | None = None
    lapsed: ReasonCode | None = None
    refused: tuple[HandOver, ...] = ()

    @property
    def decision(self) -> str:
        """INTENT_DRAFT, CLARIFY or CHAT; CONFIRMED or DECLINED where that is all that was said."""
        if self.confirmation in ("CONFIRMED", "DECLINED"):
            return self.confirmation
        return self.result.decision

    @property
    def clarify_packet(self) -> ClarifyPacket | None:
        """What PH1.X gets of a CLARIFY; None for anything else."""
        return packet_of(self.result) if self.decision == "CLARIFY" else None

    @property
    def event_id(self) -> names.EventId:
        """The row's id; on a retry the first row's."""
        return self.receipts[0].event_id

    @property
    def deduplicated(self) -> bool:
        """Whether this was a retry: nothing was written."""
        return self.receipts[0].deduplicated

    @property
    def same_decision(self) -> bool:
        """Whether the recorded row says what this call says."""
        return all(receipt.same_decision for receipt in self.receipts)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile commit came to, and the receipt of its row.

    Attributes:
        notes: what was known of the user and not used, and why; never their words.
    """

    result: persona.Result
    snapshot: persona.Snapshot
    correlation_id: names.CorrelationId
    turn_id: names.TurnId
    receipt: Receipt
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brought:
    """A decision of a team's own understanding, for `Tenant.commit_decisions`.

    Attributes:
        decision: an IntentDraft, a Clarify or a Chat.
        user, device, session: whose it is.
        correlation, turn, key: where it stands; None makes a new conversation, its first turn,
            and the default key.
        text: what was said, kept in conversation_ledger; None keeps nothing.
        trace: the W3C trace id of what this is part of, kept in the record.
    """

    decision: Decision
    user: str
    device: str
    session: str | None = None
    correlation: str | None = None
    turn: int | None = None
    key: str | None = None
    text: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """Where a brought decision stands now, and what made it, as the record says.

    Attributes:
        engine: whose row it is.
        engine_version: empty where a caller decided; None where the row has no record.
        pack_digest: None where no pack decided.
        trace_id: of the call that brought it first; None where that named none.
    """

    correlation_id: names.CorrelationId
    turn_id: names.TurnId
    receipt: Receipt
    engine: str
    engine_version: str | None
    pack_digest: str | None
    trace_id: str | None = None
