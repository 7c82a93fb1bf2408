"""A ledger whose words are encrypted: any store, seen in plain from above.

Above it a row's words are plain, and its key_id is PLAIN_KEY_ID; where its key was destroyed they
are nothing, and it is ERASED_KEY_ID. Below it are encrypted bytes with the key's own name, or plain
ones that an older version stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from selene_os.errors import Fault, KeysMissing, Refusal
from selene_os.keys import cipher
from selene_os.keys.keys import KEY_ID, Keys
from selene_os.ledger import refusals, scope
from selene_os.ledger.access import Access
from selene_os.ledger.events import (
    ERASED_KEY_ID,
    PLAIN_KEY_ID,
    UNENCRYPTED_KEY_ID,
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
from selene_os.ledger.keyrings import OWN
from selene_os.ledger.proofs import Proofs
from selene_os.ledger.registrations import Registrations
from selene_os.ledger.store import Setting, Store, Verdict
from selene_os.names import (
    CorrelationId,
    DeviceId,
    EventId,
    IdempotencyKey,
    SessionId,
    TenantId,
    TurnId,
    UserId,
    moment_of_event,
)

RECORDS: Final = "replay_inputs"
LINES: Final = "conversation_ledger"
# memory_current holds the bytes of its ledger, and they are bound to the ledger's row.
MEMORIES: Final = "memory_ledger"
TERMS: Final = "term_bundles"
# A row is dated before its key is made, where it is the tenant's first.
_FIRST_WRITE_NS: Final = 10_000_000_000

Memory = TypeVar("Memory", MemoryEvent, CurrentMemory)


class EncryptedStore:
    """See `ledger.store.Store` for what each method does.

    A row whose key the keyring does not know comes out without words, and with that key's name.

    Args:
        below: the store that holds the rows; it is closed with this one.
        keys: the keys of their words.
    """

    def __init__(self, below: Store, keys: Keys) -> None:
        self.below = below
        self.keys = keys
        # Of the rows as they are stored: none of these needs a key, or holds a word that was said.
        self.proofs: Proofs = below.proofs
        self.access: Access = below.access
        self.insight: Insight = below.insight
        self.registrations: Registrations = below.registrations

    def close(self) -> None:
        self.below.close()
        self.keys.close()

    # ---- decisions

    def commit(self, units: Sequence[Unit]) -> list[Verdict]:
        verdicts: dict[int, Verdict] = {}
        sealed: dict[int, Unit] = {}
        for place, unit in enumerate(units):
            try:
                sealed[place] = self._sealed_unit(unit)
            except Refusal as refusal:
                verdicts[place] = refusal
        if sealed:
            told = self.below.commit(list(sealed.values()))
            verdicts.update(zip(sealed, told, strict=True))
        return [verdicts[place] for place in range(len(units))]

    def trace(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[AuditEvent]:
        return self.below.trace(tenant_id, correlation_id)

    def event(self, tenant_id: TenantId, event_id: EventId) -> AuditEvent | None:
        return self.below.event(tenant_id, event_id)

    def event_by_key(
        self, tenant_id: TenantId, correlation_id: CorrelationId, key: IdempotencyKey
    ) -> AuditEvent | None:
        return self.below.event_by_key(tenant_id, correlation_id, key)

    def record(self, tenant_id: TenantId, event_id: EventId) -> ReplayRecord | None:
        return self._opened_record(self.below.record(tenant_id, event_id))

    def disclose(self, tenant_id: TenantId, event_id: EventId) -> Disclosed | None:
        stored = self.below.record(tenant_id, event_id)
        if stored is None or stored.key_id == ERASED_KEY_ID:
            return None
        if stored.key_id == PLAIN_KEY_ID:
            return Disclosed(stored.record, None, stored.record)
        row_key = self.row_key(tenant_id, stored.key_id, RECORDS, (event_id,))
        opened = self._opened_record(stored)
        if row_key is None or opened is None or opened.key_id != PLAIN_KEY_ID:
            return None
        return Disclosed(stored.record, row_key, opened.record)

    def turns_taken(self, tenant_id: TenantId, named: Sequence[Named]) -> list[TurnsTaken]:
        return self.below.turns_taken(tenant_id, named)

    def turn_before(
        self,
        tenant_id: TenantId,
        correlation_id: CorrelationId,
        user_id: UserId,
        turn_id: TurnId,
    ) -> list[RecordedTurn]:
        rows = self.below.turn_before(tenant_id, correlation_id, user_id, turn_id)
        return [self._opened_turn(tenant_id, row) for row in rows]

    def last_profile(self, tenant_id: TenantId, user_id: UserId) -> RecordedTurn | None:
        row = self.below.last_profile(tenant_id, user_id)
        return None if row is None else self._opened_turn(tenant_id, row)

    def search(self, tenant_id: TenantId, wanted: Wanted, rows_max: int) -> list[AuditEvent]:
        return self.below.search(tenant_id, wanted, rows_max)

    def events_between(
        self, tenant_id: TenantId, stretch: Stretch, rows_max: int
    ) -> list[Recorded]:
        found = self.below.events_between(tenant_id, stretch, rows_max)
        return [(event, self._opened_record(record)) for event, record in found]

    # ---- conversation

    def append_utterance(self, utterance: Utterance) -> bool:
        key = self._current(utterance.tenant_id, utterance.user_id)
        return self.below.append_utterance(_sealed_line(key, utterance))

    def conversation(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[Utterance]:
        lines = []
        for line in self.below.conversation(tenant_id, correlation_id):
            stored = (line.key_id, line.text, line.created_at)
            words, key_id = self._opened(LINES, tenant_id, _place(line), *stored)
            lines.append(line._replace(text=words, key_id=key_id))
        return lines

    # ---- memory

    def append_memory(self, event: MemoryEvent) -> Receipt:
        if event.value is None:
            return self.below.append_memory(event)
        key = self._current(event.tenant_id, event.user_id)
        context = cipher.context_of(MEMORIES, event.tenant_id, (event.user_id, event.memory_key))
        sealed = event._replace(value=cipher.seal_row(key, context, event.value), key_id=key.key_id)
        receipt = self.below.append_memory(sealed)
        if receipt.deduplicated and not receipt.same_decision and self._says(receipt, event):
            # It is there in plain, of an older version: other bytes, and the same words.
            return replace(receipt, same_decision=True)
        return receipt

    def memory_events(self, tenant_id: TenantId, user_id: UserId) -> list[MemoryEvent]:
        rows = self.below.memory_events(tenant_id, user_id)
        return [self._opened_memory(row) for row in rows]

    def memory_current(self, tenant_id: TenantId, user_id: UserId) -> list[CurrentMemory]:
        rows = self.below.memory_current(tenant_id, user_id)
        return [self._opened_memory(row) for row in rows]

    def rebuild_memory(self, tenant_id: TenantId, user_id: UserId) -> int:
        return self.below.rebuild_memory(tenant_id, user_id)

    # ---- terms

    def terms_name(self, tenant_id: TenantId, bundle: bytes) -> str:
        return cipher.name_of(self._current(tenant_id, None), bundle)

    def put_terms(self, bundle: TermBundle, after: str | None) -> bool:
        if self.below.tenant(bundle.tenant_id) is None:
            raise refusals.tenant_unknown(bundle.tenant_id)
        key = self._current(bundle.tenant_id, None)
        context = cipher.context_of(TERMS, bundle.tenant_id, (bundle.digest,))
        words = cipher.seal_row(key, context, bundle.bundle)
        return self.below.put_terms(bundle._replace(bundle=words, key_id=key.key_id), after)

    def term_bundle(self, tenant_id: TenantId, digest: str) -> TermBundle | None:
        row = self.below.term_bundle(tenant_id, digest)
        if row is None:
            return None
        words, key_id = self._opened(TERMS, tenant_id, (digest,), row.key_id, row.bundle)
        return row._replace(bundle=words, key_id=key_id)

    # ---- packs

    def put_pack(self, pack: PackRow) -> bool:
        return self.below.put_pack(pack)

    def pack(self, tenant_id: TenantId, digest: str) -> PackRow | None:
        return self.below.pack(tenant_id, digest)

    # ---- registrations

    def add_tenant(self, tenant: TenantRow) -> bool:
        return self.below.add_tenant(tenant)

    def set_tenant(self, tenant_id: TenantId, settings: Mapping[str, Setting]) -> None:
        self.below.set_tenant(tenant_id, settings)

    def tenant(self, tenant_id: TenantId) -> TenantRow | None:
        return self.below.tenant(tenant_id)

    def tenants(self) -> list[TenantRow]:
        return self.below.tenants()

    def register(
        self,
        tenant_id: TenantId,
        user_id: UserId,
        device_id: DeviceId | None,
        session_id: SessionId | None,
        created_at: int,
    ) -> bool:
        return self.below.register(tenant_id, user_id, device_id, session_id, created_at)

    def identity_status(self, tenant_id: TenantId, user_id: UserId) -> str | None:
        return self.below.identity_status(tenant_id, user_id)

    def set_identity_status(self, tenant_id: TenantId, user_id: UserId, status: str) -> None:
        self.below.set_identity_status(tenant_id, user_id, status)

    def close_session(self, tenant_id: TenantId, session_id: SessionId, closed_at: int) -> None:
        self.below.close_session(tenant_id, session_id, closed_at)

    # ---- erasure

    def plain_rows(self, tenant_id: TenantId, user_id: UserId) -> int:
        return self.below.plain_rows(tenant_id, user_id)

    def row_key(
        self, tenant_id: TenantId, key_id: str, table: str, identity: Sequence[object]
    ) -> bytes | None:
        """The key that opens one row and no other, to be shown to whoever may read that one.

        Args:
            key_id: of the row as it is stored.
            table, identity: as `cipher.context_of` takes them.

        Returns:
            32 bytes; None where the key was destroyed.
        """
        key = self.keys.key(tenant_id, key_id)
        context = cipher.context_of(table, tenant_id, identity)
        return None if key is None else cipher.row_key(key, context)

    # ---- how it is done

    def _current(self, tenant_id: TenantId, user_id: UserId | None) -> cipher.DataKey:
        """The key of a subject's new rows. Raises ScopeRefused: there is no such subject."""

        def check() -> None:
            # A write that is refused leaves nothing behind, and no key either.
            found = scope.Found(
                self.below.tenant(tenant_id) is not None,
                None
                if user_id is None or self.below.identity_status(tenant_id, user_id) is None
                else scope.ACTIVE,
                None,
                None,
            )
            if refused := scope.wrong_part(found, tenant_id, user_id, None, None):
                raise refused

        return self.keys.current(tenant_id, user_id or OWN, check)

    def _sealed_unit(self, unit: Unit) -> Unit:
        if not unit.records and unit.said is None:
            return unit
        first = unit.events[0]
        key = self._current(first.tenant_id, first.user_id)
        records = tuple(
            row._replace(
                record=cipher.seal_row(
                    key, cipher.context_of(RECORDS, row.tenant_id, (row.event_id,)), row.record
                ),
                key_id=key.key_id,
            )
            for row in unit.records
        )
        said = None if unit.said is None else _sealed_line(key, unit.said)
        return replace(unit, records=records, said=said)

    def _opened(
        self,
        table: str,
        tenant_id: TenantId,
        identity: tuple[object, ...],
        key_id: str,
        stored: bytes,
        at: int | None = None,
    ) -> tuple[bytes, str]:
        """A row's words and the key_id that is seen above; `at` is when it was written.

        Raises Fault: the bytes are not what was encrypted there; KeysMissing: another root key.
        """
        if key_id == PLAIN_KEY_ID and at is not None:
            began = self.keys.began(tenant_id)
            if began is not None and at >= began - _FIRST_WRITE_NS:
                # Older versions wrote in plain, and nobody since: somebody put other words there.
                return b"", UNENCRYPTED_KEY_ID
        if key_id in (PLAIN_KEY_ID, ERASED_KEY_ID):
            return stored, key_id
        try:
            key = self.keys.key(tenant_id, key_id)
        except KeysMissing as missing:
            if missing.field != KEY_ID:
                raise
            # Who reads it is told the key's name, and nothing of the rest is lost.
            return b"", key_id
        if key is None:
            return b"", ERASED_KEY_ID
        context = cipher.context_of(table, tenant_id, identity)
        try:
            return cipher.open_row(cipher.row_key(key, context), stored, context), PLAIN_KEY_ID
        except Fault as fault:
            row = " ".join(map(str, identity))
            problem = f"{table}, row {row} of tenant {tenant_id}: {fault.problem}"
            raise Fault(problem, fault.next_step) from fault

    def _opened_record(self, row: ReplayRecord | None) -> ReplayRecord | None:
        if row is None:
            return None
        named = (row.event_id,)
        stored = (row.key_id, row.record, moment_of_event(row.event_id))
        words, key_id = self._opened(RECORDS, row.tenant_id, named, *stored)
        return row._replace(record=words, key_id=key_id)

    def _opened_turn(self, tenant_id: TenantId, row: RecordedTurn) -> RecordedTurn:
        stored = (row.key_id, row.record, moment_of_event(row.event_id))
        words, key_id = self._opened(RECORDS, tenant_id, (row.event_id,), *stored)
        return row._replace(record=words, key_id=key_id)

    def _opened_memory(self, row: Memory) -> Memory:
        if row.value is None:
            return row
        named = row.user_id, row.memory_key
        at = row.created_at if isinstance(row, MemoryEvent) else row.updated_at
        words, key_id = self._opened(MEMORIES, row.tenant_id, named, row.key_id, row.value, at)
        return row._replace(value=words, key_id=key_id)

    def _says(self, receipt: Receipt, event: MemoryEvent) -> bool:
        """Whether what was kept under an event's key says what the event says."""
        there = (
            row
            for row in self.memory_events(event.tenant_id, event.user_id)
            if row.memory_event_id == receipt.event_id
        )
        return any(
            row
            == event._replace(
                memory_event_id=row.memory_event_id,
                version=row.version,
                created_at=row.created_at,
            )
            for row in there
        )


def _sealed_line(key: cipher.DataKey, line: Utterance) -> Utterance:
    text = cipher.seal_row(key, cipher.context_of(LINES, line.tenant_id, _place(line)), line.text)
    return line._replace(text=text, key_id=key.key_id)


def _place(line: Utterance) -> tuple[object, ...]:
    return line.correlation_id, line.turn_id, line.role
