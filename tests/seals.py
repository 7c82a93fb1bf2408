"""Logs to test with: a sealer on any ledger, and what verifying it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledgers import ACME, ALICE, BOB, CAROL, START_NS, TABLES, Ledger, SqliteDatabase
from selene_os.edges.verifying import one_process, verify_tenant
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import CheckpointRow
from selene_os.ledger.store import Store
from selene_os.names import CorrelationId, EventId, TenantId
from selene_os.proof.key_chain import sign_statement
from selene_os.proof.leaves import leaf_of
from selene_os.proof.sealer import Sealer
from selene_os.proof.signing import Ed25519Signer, VerifierKey
from selene_os.proof.verification import Verified

ROWS: Final = 11
LOG: Final = "selene-0123456789abcdef"
SIGNER: Final = Ed25519Signer(LOG, bytes(range(32)))
NEXT_SIGNER: Final = Ed25519Signer(LOG, bytes(range(1, 33)))
KEYS: Final = ((SIGNER.verifier, sign_statement(SIGNER.verifier, SIGNER)),)
NEXT_KEYS: Final = (*KEYS, (NEXT_SIGNER.verifier, sign_statement(NEXT_SIGNER.verifier, SIGNER)))


def sealer(
    store: Store,
    rows_max: int = 1_000,
    signer: Ed25519Signer = SIGNER,
    keys: Sequence[tuple[VerifierKey, bytes]] = KEYS,
) -> Sealer:
    """A sealer whose clock stands."""
    return Sealer(store.proofs, signer, keys, lambda: START_NS, rows_max=rows_max)


def fill(ledger: Ledger, count: int, scopes: Sequence[Scope] = (ALICE, BOB, CAROL)) -> None:
    """Decisions of several users, `count` of each, each in a conversation and turn of its own."""
    units = [
        ledger.scribe.unit(
            scope=scope, correlation=CorrelationId(f"{number + 1:032x}"), key=scope.user_id
        )
        for number in range(count)
        for scope in scopes
    ]
    for verdict in ledger.store.commit(units):
        assert isinstance(verdict, tuple)


def verified(
    ledger: Ledger,
    tenant_id: TenantId = ACME,
    *,
    trusted: Sequence[VerifierKey] = (SIGNER.verifier,),
    against: Sequence[bytes] = (),
    after: bytes | None = None,
) -> Verified:
    """What verifying one tenant's log comes to."""
    store = ledger.store
    check = one_process(store, tenant_id)
    return verify_tenant(store, tenant_id, trusted, check, against=against, after=after)


def seal_eleven(ledger: Ledger) -> Ledger:
    """Eleven rows of acme under checkpoints of 4, 8 and 11 leaves, and three of globex."""
    fill(ledger, ROWS, [ALICE])
    fill(ledger, 3, [CAROL])
    assert sealer(ledger.store, rows_max=4).seal_all() == ROWS + 3
    return ledger


def newest(ledger: Ledger, tenant_id: TenantId = ACME) -> CheckpointRow:
    """A tenant's newest checkpoint."""
    row = ledger.store.proofs.checkpoint(tenant_id)
    assert row is not None
    return row


def tamper(ledger: Ledger, *statements: str) -> None:
    """Change a ledger as whoever owns it can: guards off, statements, guards on again as before."""
    if isinstance(ledger.database, SqliteDatabase):
        listed = ledger.raw("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")[0].rows
        before = [f"DROP TRIGGER {name}" for name, _ in listed]
        after = [str(sql) for _, sql in listed]
    else:
        off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES]
        before = ["SET session_replication_role = replica", *off]
        always = ledger.raw(
            "SELECT c.relname, t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid"
            " WHERE tgenabled = 'A' AND relnamespace = 'os_core'::regnamespace"
        )[0].rows
        after = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}" for table, name in always]
    results = ledger.raw(*before, *statements, *after)
    assert [result.error for result in results if result.error] == []


def blob(ledger: Ledger, content: bytes) -> str:
    """Bytes as SQL writes them."""
    if isinstance(ledger.database, SqliteDatabase):
        return f"X'{content.hex()}'"
    return f"'\\x{content.hex()}'::BYTEA"


def event_of(ledger: Ledger, index: int) -> EventId:
    """The row that a leaf stands for."""
    return EventId(ledger.store.proofs.sealed_rows(ACME, index, 1)[0][1])


def told(ledger: Ledger) -> list[tuple[str, int | None]]:
    """What differs: kind and leaf."""
    return [(one.kind, one.leaf_index) for one in verified(ledger).differences]


def forge_leaf(ledger: Ledger, index: int) -> None:
    """Put the hash that a row has now where the one was that it was sealed with."""
    (row,) = ledger.store.proofs.sealed_rows(ACME, index, 1)
    leaf = blob(ledger, leaf_of(row[3:]))
    where = f"WHERE tenant_id = 'acme' AND leaf_index = {index}"
    tamper(ledger, f"UPDATE merkle_leaves SET leaf_hash = {leaf} {where}")
