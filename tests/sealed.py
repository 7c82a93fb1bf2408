"""Sealed conversations to test with: real rows of a ledger, and their tenant's log in memory.

What a store keeps of a log is kept in plain dicts here, so that evidence can be made of any rows,
also of rows that no store would hold. Keys, ids and times are the same in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ledgers import ACME, ALICE, CHAT, CLARIFY, DRAFT, PROFILE, START_NS, TALK, Ledger
from ledgers import SqliteDatabase as Sqlite
from selene_os import proving
from selene_os.decision import Confirmation
from selene_os.keys import cipher
from selene_os.ledger import refusals
from selene_os.ledger.codec import Decided
from selene_os.ledger.events import (
    CheckpointRow,
    Disclosed,
    Placed,
    ReplayRecord,
    SigningKeyRow,
    WholeRow,
)
from selene_os.names import CorrelationId, EventId, TenantId
from selene_os.proof import bundle
from selene_os.proof.checkpoint import Checkpoint, sign_checkpoint
from selene_os.proof.evidence import Case
from selene_os.proof.key_chain import origin_of, sign_statement
from selene_os.proof.leaves import leaf_of
from selene_os.proof.merkle import Frontier
from selene_os.proof.signing import Ed25519Signer
from selene_os.reasons import ReasonCode

LOG: Final = "selene-3f2a9c1d0b5e4f77"
FIRST: Final = Ed25519Signer(LOG, bytes(range(32)))
SECOND: Final = Ed25519Signer(LOG, bytes(range(1, 33)))
FOREIGN: Final = Ed25519Signer(LOG, bytes(range(2, 34)))
SEALED_AT: Final = START_NS + 60 * 1_000_000_000
# What the records of even turns are encrypted with.
KEY: Final = cipher.DataKey("0123456789abcdef0123456789abcdef", bytes(range(3, 35)))
# Rows of other conversations before and between, so that no proof is short.
OTHERS: Final = 19


def context_of(event_id: EventId) -> bytes:
    """What binds a record's encryption to its row."""
    return cipher.context_of("replay_inputs", ACME, (event_id,))


class MemoryLog:
    """A tenant's rows and log, with what `proving.SealedLog` reads of one."""

    def __init__(
        self, rows: Sequence[WholeRow], records: Sequence[ReplayRecord] = (), sealed: int = 0
    ) -> None:
        self.rows = list(rows)
        self.records = {one.event_id: one for one in records}
        self.leaves: list[bytes] = []
        self.places: dict[EventId, Placed] = {}
        self.checkpoints: dict[int, CheckpointRow] = {}
        self.statements = [sign_statement(FIRST.verifier, FIRST)]
        self.signer = FIRST
        self.seal(rows[: sealed or len(rows)])

    def seal(self, rows: Sequence[WholeRow], tenant_id: TenantId = ACME) -> CheckpointRow:
        """Append rows to the log, and sign what it is then."""
        for row in rows:
            self.places[row.event_id] = Placed(len(self.leaves), leaf_of(row))
            self.leaves.append(leaf_of(row))
        frontier = Frontier().extend(self.leaves).frontier
        checkpoint = Checkpoint(origin_of(LOG, tenant_id), frontier.size, frontier.root())
        note = sign_checkpoint(checkpoint, [self.signer])
        made = CheckpointRow(tenant_id, frontier.size, frontier.encode(), note, SEALED_AT)
        self.checkpoints[frontier.size] = made
        return made

    def replace_key(self) -> None:
        """Begin the second key."""
        self.statements.append(sign_statement(SECOND.verifier, FIRST))
        self.signer = SECOND

    def whole_rows(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[WholeRow]:
        wanted = (tenant_id, correlation_id)
        return [row for row in self.rows if (row.tenant_id, row.correlation_id) == wanted]

    def placed(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, Placed]:
        return {name: self.places[name] for name in event_ids if name in self.places}

    def nodes(self, tenant_id: TenantId, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        found = []
        for level, place in wanted:
            leaves = self.leaves[place << level : (place + 1) << level]
            found.append(Frontier().extend(leaves).frontier.root())
        return found

    def checkpoint(self, tenant_id: TenantId, size: int | None = None) -> CheckpointRow | None:
        return self.checkpoints.get(size or max(self.checkpoints, default=0))

    def signing_keys(self, tenant_id: TenantId) -> list[SigningKeyRow]:
        return [SigningKeyRow(tenant_id, "", one, START_NS) for one in self.statements]

    def disclose(self, tenant_id: TenantId, event_id: EventId) -> Disclosed | None:
        kept = self.records.get(event_id)
        if kept is None or kept.key_id != KEY.key_id:
            return refusals.plainly(kept)
        context = context_of(event_id)
        mine = cipher.row_key(KEY, context)
        return Disclosed(kept.record, mine, cipher.open_row(mine, kept.record, context))


@cache
def written() -> tuple[tuple[WholeRow, ...], tuple[ReplayRecord, ...]]:
    """Rows and records as a ledger on SQLite gives them: TALK, and other conversations around."""
    with TemporaryDirectory() as folder:
        ledger = Ledger(Sqlite(Path(folder)))
        others = [CorrelationId(f"{number:032x}") for number in range(500, 500 + OTHERS)]
        for number, other in enumerate(others):
            ledger.write(CHAT, correlation=other, turn=1, key=f"other-{number}")
        draft = ledger.write(DRAFT, turn=1, key="draft")
        said: list[Decided] = [
            CLARIFY,
            Confirmation(ReasonCode.X_CONFIRMED, draft.event_id),
            CHAT,
            PROFILE,
        ]
        for turn, decision in enumerate(said, 2):
            ledger.write(decision, ALICE, turn=turn, key=f"key-{turn}")
        rows, records = [], []
        for correlation in (*others[:11], TALK, *others[11:]):
            for event in ledger.store.trace(ACME, correlation):
                kept = ledger.store.record(ACME, event.event_id)
                assert kept is not None
                if event.turn_id % 2 == 0:
                    record = cipher.seal_row(KEY, context_of(event.event_id), kept.record)
                    kept = kept._replace(record=record, key_id=KEY.key_id)
                digest = hashlib.sha256(kept.record).digest()
                rows.append(
                    WholeRow(*event, kept.engine_version, kept.pack_digest, kept.key_id, digest)
                )
                records.append(kept)
        ledger.store.close()
    return tuple(rows), tuple(records)


def sealed_log() -> MemoryLog:
    """All of them sealed, in two steps and under two keys."""
    rows, records = written()
    log = MemoryLog(rows, records, sealed=13)
    log.replace_key()
    log.seal(rows[13:])
    return log


def case(*, inputs: bool = True, against: int | None = 13) -> Case:
    """The evidence of TALK."""
    log = sealed_log()
    older = None if against is None else log.checkpoints[against].note
    said = proving.inputs_of(log, log.disclose, ACME, TALK) if inputs else None
    return proving.case_of(log, ACME, TALK, against=older, inputs=said)


def older_note() -> bytes:
    """The checkpoint that an auditor kept."""
    return sealed_log().checkpoints[13].note


def sealed_case() -> bytes:
    """A bundle of TALK, with what was said and an older checkpoint."""
    return bundle.write(case())
