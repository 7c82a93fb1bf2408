"""What every ledger store does. A store is what passes tests/contracts/test_ledger.py.

Two stores stand side by side with the same names in the same order. Every method is safe to call
from several threads, and every write is durable when the call returns. Where LedgerUnavailable is
raised nothing was acknowledged; the same call again, with the same keys, tells what was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from selene_os.errors import Refusal
from selene_os.ledger.access import Access
from selene_os.ledger.events import (
    AuditEvent,
    CurrentMemory,
    Disclosed,
    MemoryEvent,
    Named,
    PackRow,
    Receipt,
    Recorded,
    RecordedTurn,
    ReplayRecord,
    Stretch,
    TenantRow,
    TermBundle,
    TurnsTaken,
    Unit,
    Utterance,
    Wanted,
)
from selene_os.ledger.insight import Insight
from selene_os.ledger.proofs import Proofs
from selene_os.ledger.registrations import Registrations
from selene_os.names import (
    CorrelationId,
    DeviceId,
    EventId,
    IdempotencyKey,
    SessionId,
    TenantId,
    TurnId,
    UserId,
)

Verdict = tuple[Receipt, ...] | Refusal
Setting = str | int | None


class Store(Protocol):
    """A ledger.

    Attributes:
        proofs: which of its rows are sealed, and what was signed of them.
        access: who gets in, and who looked at what.
        insight: counts, for those who look over it.
        registrations: who may write.
    """

    @property
    def proofs(self) -> Proofs: ...

    @property
    def access(self) -> Access: ...

    @property
    def insight(self) -> Insight: ...

    @property
    def registrations(self) -> Registrations: ...

    def close(self) -> None:
        """Finish the writes that wait, then let go of the database."""

    # ---- decisions

    def commit(self, units: Sequence[Unit]) -> list[Verdict]:
        """Write each unit wholly or not at all, all units in one transaction.

        Returns:
            A verdict for each unit, in order: its receipts (one for each event), or the Refusal
            that left nothing of it behind; Overtaken where `next_turn` or `after_profile` fails,
            ConfirmationRefused where what it settles is settled, or no draft of that user's.

        Raises:
            LedgerBusy: too many writes wait. LedgerUnavailable: nothing was written.
        """

    def trace(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[AuditEvent]:
        """A conversation's events by turn, within a turn in the order they were made."""

    def event(self, tenant_id: TenantId, event_id: EventId) -> AuditEvent | None:
        """One event of one tenant, or None."""

    def event_by_key(
        self, tenant_id: TenantId, correlation_id: CorrelationId, key: IdempotencyKey
    ) -> AuditEvent | None:
        """The event that a key names in a conversation, or None."""

    def record(self, tenant_id: TenantId, event_id: EventId) -> ReplayRecord | None:
        """What is needed to decide one event again, or None."""

    def disclose(self, tenant_id: TenantId, event_id: EventId) -> Disclosed | None:
        """One event's record for whoever must see that it is the one that was sealed.

        None where there is none, or where it was erased. Raises Fault: its key is not here.
        """

    def turns_taken(self, tenant_id: TenantId, named: Sequence[Named]) -> list[TurnsTaken]:
        """For each conversation and key, in order: which turns are taken there."""

    def turn_before(
        self,
        tenant_id: TenantId,
        correlation_id: CorrelationId,
        user_id: UserId,
        turn_id: TurnId,
    ) -> list[RecordedTurn]:
        """PH1.NLP's and PH1.X's events in the user's last turn before `turn_id`, in order."""

    def last_profile(self, tenant_id: TenantId, user_id: UserId) -> RecordedTurn | None:
        """The user's profile commit with the highest event id, or None."""

    def search(self, tenant_id: TenantId, wanted: Wanted, rows_max: int) -> list[AuditEvent]:
        """A tenant's events that are wanted, the newest first, at most `rows_max` of them."""

    def events_between(
        self, tenant_id: TenantId, stretch: Stretch, rows_max: int
    ) -> list[Recorded]:
        """A tenant's events of a stretch of time with their records, the oldest first.

        At most `rows_max` of them, by created_at and event_id; the last one's are `after` of the
        next page. A record is None where there is none.
        """

    # ---- conversation

    def append_utterance(self, utterance: Utterance) -> bool:
        """Add a line of conversation; False where its place is taken. Raises ScopeRefused."""

    def conversation(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[Utterance]:
        """What was said in a conversation, by turn, the user before the answer."""

    # ---- memory

    def append_memory(self, event: MemoryEvent) -> Receipt:
        """Add a memory event and bring memory_current up to date in the same transaction.

        Raises ScopeRefused: the identity is unknown or disabled.
        """

    def memory_events(self, tenant_id: TenantId, user_id: UserId) -> list[MemoryEvent]:
        """A user's memory events by key and version."""

    def memory_current(self, tenant_id: TenantId, user_id: UserId) -> list[CurrentMemory]:
        """What a user's memories add up to, by key; a forgotten one is there, without value."""

    def rebuild_memory(self, tenant_id: TenantId, user_id: UserId) -> int:
        """Build memory_current again from the ledger alone; returns the number of rows."""

    # ---- terms

    def terms_name(self, tenant_id: TenantId, bundle: bytes) -> str:
        """How a bundle is named by its content, 64 hex digits: by SHA-256, or by a key's."""

    def put_terms(self, bundle: TermBundle, after: str | None) -> bool:
        """Make a bundle the tenant's terms; False where they are not `after` any more.

        Args:
            after: the digest of the bundle that it was made from; None where there was none.

        Raises:
            NotFound: no such tenant.
        """

    def term_bundle(self, tenant_id: TenantId, digest: str) -> TermBundle | None:
        """One bundle of a tenant's terms, in use or not, or None."""

    # ---- packs

    def put_pack(self, pack: PackRow) -> bool:
        """Keep a pack as long as the ledger; False where it is kept. Raises NotFound: no tenant."""

    def pack(self, tenant_id: TenantId, digest: str) -> PackRow | None:
        """One pack that decisions of a tenant were made with, or None."""

    # ---- registrations

    def add_tenant(self, tenant: TenantRow) -> bool:
        """Add a tenant; False where it is there already."""

    def set_tenant(self, tenant_id: TenantId, settings: Mapping[str, Setting]) -> None:
        """Change some of a tenant's settings, and no other. Raises NotFound."""

    def tenant(self, tenant_id: TenantId) -> TenantRow | None:
        """One tenant, or None."""

    def tenants(self) -> list[TenantRow]:
        """Every tenant, by name."""

    def register(
        self,
        tenant_id: TenantId,
        user_id: UserId,
        device_id: DeviceId | None,
        session_id: SessionId | None,
        created_at: int,
    ) -> bool:
        """Add what is missing of an identity, its device and a session on it; all or nothing.

        Returns:
            Whether anything was added.

        Raises:
            NotFound: no such tenant. RegistrationRefused: the device or session is another's.
        """

    def identity_status(self, tenant_id: TenantId, user_id: UserId) -> str | None:
        """ACTIVE or DISABLED; None where there is no such user."""

    def set_identity_status(self, tenant_id: TenantId, user_id: UserId, status: str) -> None:
        """Set ACTIVE or DISABLED. Raises NotFound."""

    def close_session(self, tenant_id: TenantId, session_id: SessionId, closed_at: int) -> None:
        """End a session, once. Raises NotFound, or RegistrationRefused where it has ended."""

    # ---- erasure

    def plain_rows(self, tenant_id: TenantId, user_id: UserId) -> int:
        """How many rows of a user hold words that no key encrypts; of older versions."""
