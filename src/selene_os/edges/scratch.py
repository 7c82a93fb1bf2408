"""The check of a file: its schema and rows as they are, the ways round the guards on a copy."""

from __future__ import annotations

import tempfile
from pathlib import Path

import apsw

from selene_os import names
from selene_os.app import Tenant
from selene_os.decision import Chat
from selene_os.edges.surroundings import system
from selene_os.errors import SeleneError
from selene_os.ledger.access import AccessEvent, ApiKeyRow, OperatorRow
from selene_os.ledger.events import PLAIN_KEY_ID, MemoryEvent, PackRow, TenantRow
from selene_os.ledger.inspection import Attempt, Inspection
from selene_os.ledger.sqlite import bypasses
from selene_os.ledger.sqlite.connection import connect
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.proof.sealer import Sealer
from selene_os.proof.signing import Ed25519Signer

_NOW = "2026-11-21T09:30:00+00:00"
_COMPLETE = "remind me to call mom tomorrow at 5 pm"
_TERM = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": "Doctor"}


def inspect(path: str) -> Inspection:
    """Check a ledger in a file, and change nothing in it."""
    connection = connect(path, write=True)
    tried: list[Attempt] = []
    try:
        schema = bypasses.schema_differences(connection, path)
        faults = bypasses.row_faults(connection)
        with tempfile.TemporaryDirectory(prefix="selene-doctor-") as folder:
            copy = str(Path(folder) / "scratch.db")
            try:
                bypasses.scratch(connection, copy)
                _fill(copy)
                tried = bypasses.attempts(copy)
            except (SeleneError, apsw.Error) as error:
                # A guard or table that is missing, or was added: what was found, not a failure.
                schema.append(f"a scratch copy of this schema cannot be used ({error})")
    finally:
        connection.close()
    return Inspection(
        str(Path(path).absolute()),
        tuple(schema),
        tuple(faults),
        tuple(tried),
        "on a scratch copy, by SQL on a connection of its own",
        bypasses.BEYOND,
    )


def _fill(path: str) -> None:
    """Give every table of the copy a row to attack, whatever the ledger holds."""
    around = system()
    tenant_id = names.parse_tenant_id(f"doctor-{around.correlation_id()[:8]}")
    store = SqliteStore(path, synchronous="OFF")
    try:
        store.add_tenant(TenantRow(tenant_id, None, "ask", None, None, around.clock()))
        tenant = Tenant(store, around, tenant_id)
        device = f"device-{tenant_id}"
        tenant.register("doctor", device, "session")
        tenant.commit_decision(Chat(), "doctor", device, session="session", text="hello")
        draft = tenant.take_turn("doctor", device, _COMPLETE, session="session", now=_NOW)
        tenant.confirm(draft.event_id)
        tenant.import_terms([_TERM])
        store.put_pack(PackRow(tenant_id, "0" * 64, b"{}", around.clock()))
        store.append_memory(_memory(tenant_id, around.event_id(), around.clock()))
        _let_in(store, tenant_id, around.event_id(), around.clock())
        # A key that signs nothing else.
        signer = Ed25519Signer("doctor", bytes(32))
        Sealer(store.proofs, signer, [(signer.verifier, b"doctor")], around.clock).seal_all()
        tenant.commit_decision(Chat(), "doctor", device, session="session", text="unsealed")
    finally:
        store.close()


def _let_in(
    store: SqliteStore, tenant_id: names.TenantId, event_id: names.EventId, at: int
) -> None:
    """A key and an operator that nobody can use, and what one of them did."""
    store.access.add_api_key(ApiKeyRow(tenant_id, "0" * 12, bytes(32), "read", "doctor", at))
    store.access.append_access(
        AccessEvent(tenant_id, event_id, at, "operator:doctor", "trace", None, "OK", None)
    )
    store.access.add_operator(OperatorRow("doctor", "none", tenant_id, at, at, at))


def _memory(tenant_id: names.TenantId, event_id: names.EventId, at: int) -> MemoryEvent:
    return MemoryEvent(
        tenant_id,
        event_id,
        names.parse_user_id("doctor"),
        "k",
        0,
        "STORED",
        b"{}",
        PLAIN_KEY_ID,
        "WORKING",
        "LOW",
        "HIGH",
        "NOT_REQUESTED",
        "USER_REQUESTED_ONLY",
        None,
        "doctor",
        names.parse_idempotency_key("doctor"),
        at,
    )
