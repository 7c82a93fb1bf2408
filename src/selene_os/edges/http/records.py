"""What is answered, as records: the edges' common form, with moments that any reader can hold."""

from __future__ import annotations

import json
from typing import Any

from selene_os.edges import wire
from selene_os.edges.http.moments import told
from selene_os.ledger.access import AccessEvent
from selene_os.ledger.events import AuditEvent, CheckpointRow, ReplayRecord, TenantRow
from selene_os.ledger.insight import MadeBy
from selene_os.ledger.registrations import DeviceRow, IdentityRow, SessionRow
from selene_os.proof import bundle
from selene_os.proof.evidence import Case
from selene_os.proof.merkle import Frontier
from selene_os.receipts import Committed

Record = dict[str, Any]
Registered = IdentityRow | DeviceRow | SessionRow


def event(row: AuditEvent) -> Record:
    """A row."""
    return told(wire.event_record(row), "created_at")


def made_by(kept: ReplayRecord | MadeBy | None) -> Record:
    """What decided a row: engine's version and pack, where they are known."""
    return {
        "engine_version": None if kept is None else kept.engine_version,
        "pack_digest": None if kept is None else kept.pack_digest,
    }


def made(engine: str, engine_version: str, pack_digest: str | None, trace_id: str | None) -> Record:
    """What made a row just now, and in which trace."""
    return {
        "engine": engine,
        "engine_version": engine_version,
        "pack_digest": pack_digest,
        "trace_id": trace_id,
    }


def committed(one: Committed) -> Record:
    """Where a decision stands that was brought, and what made it."""
    return {
        **wire.receipt_record(one.receipt),
        "correlation_id": one.correlation_id,
        "turn_id": one.turn_id,
        "engine": one.engine,
        "engine_version": one.engine_version,
        "pack_digest": one.pack_digest,
        "trace_id": one.trace_id,
    }


def story(record: Record) -> Record:
    """A conversation's story, changed in place."""
    for turn in record["turns"]:
        for line in turn["said"]:
            told(line, "created_at")
        for one in turn["events"]:
            told(one, "created_at")
            if one["waits"] is not None:
                told(one["waits"], "confirm_by")
    return record


def settings(row: TenantRow) -> Record:
    """A tenant's settings."""
    return told(row._asdict(), "created_at")


def registered(row: Registered) -> Record:
    """A user, a device or a session; whose tenant's it is the path says."""
    record = row._asdict()
    del record["tenant_id"]
    return told(record, *(name for name in ("created_at", "closed_at") if name in record))


def checkpoint(row: CheckpointRow) -> Record:
    """A checkpoint: its tree, and the note that was signed."""
    record = {
        "size": row.size,
        "root": Frontier.decode(row.frontier).root().hex(),
        "note": row.note.decode(),
        "created_at": row.created_at,
    }
    return told(record, "created_at")


def proof(case: Case) -> Record:
    """What proves one row: as in a bundle, its leaf is made of `row` as it stands there."""
    (proven,) = case.rows
    record = {
        "row": json.loads(bundle.encode_row(proven.row)),
        "leaf_index": proven.leaf_index,
        "proof": [one.hex() for one in proven.proof],
        "checkpoint": case.note.decode(),
        "keys": bundle.verifiers_of(case.statements).decode().split(),
        "statements": [one.decode() for one in case.statements],
        "sealed_at": case.sealed_at,
    }
    return told(record, "sealed_at")


def access(one: AccessEvent) -> Record:
    """One use of a key."""
    return told(one._asdict(), "at")
