"""A conversation's evidence out of a ledger: what is read of it, in which order, and when not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from selene_os.errors import BadField, Fault, NotFound
from selene_os.ledger.events import PLAIN_KEY_ID, ReplayRecord, WholeRow
from selene_os.names import CorrelationId, EventId, TenantId
from selene_os.proof.evidence import (
    ROWS_MAX,
    Case,
    CheckpointRow,
    Disclosed,
    Placed,
    Sealing,
    SigningKeyRow,
    make_case,
    read_older,
    wanted_nodes,
)
from selene_os.proof.merkle_proofs import Node

_SEAL_FIRST = "Run `selene seal` first, or carry them unproven with --unsealed."


@runtime_checkable
class SealedLog(Protocol):
    """What of a ledger its rows and their proofs are read from."""

    def whole_rows(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[WholeRow]:
        """A conversation's rows with what their records are, by turn."""

    def placed(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, Placed]:
        """Where rows stand in the tenant's log: those that are sealed."""

    def nodes(self, tenant_id: TenantId, wanted: Sequence[Node]) -> list[bytes]:
        """The hashes of nodes of the tenant's tree, in the order asked; level 0 are the leaves."""

    def checkpoint(self, tenant_id: TenantId, size: int | None = None) -> CheckpointRow | None:
        """The checkpoint of a size, by default the newest; None where there is none."""

    def signing_keys(self, tenant_id: TenantId) -> list[SigningKeyRow]:
        """The statements of the log's keys, the oldest first."""

    def record(self, tenant_id: TenantId, event_id: EventId) -> ReplayRecord | None:
        """What is needed to decide one event again, or None."""


def case_of(
    log: SealedLog,
    tenant_id: TenantId,
    correlation_id: CorrelationId,
    *,
    against: bytes | None = None,
    unsealed: bool = False,
    inputs: Mapping[EventId, Disclosed] | None = None,
) -> Case:
    """The evidence of one conversation, against the newest checkpoint.

    Args:
        log: a ledger.
        tenant_id: the tenant.
        correlation_id: the conversation.
        against: an older checkpoint of this log, as its file; that the log still begins with it is
            proven along.
        unsealed: carry rows that are not sealed yet, marked as not proven.
        inputs: what was said, of the rows that shall disclose it; see `plain_inputs`.

    Raises:
        NotFound: there is no such conversation. BadField: nothing is sealed yet, or not all of it,
        or `against` is not of this log. Fault: the ledger does not prove what it holds.
    """
    older = None if against is None else read_older(against)
    if older is not None and not older.size:
        raise BadField("against", "has no leaves", "Every log begins with it: leave it out.")
    # The checkpoint first: rows that are sealed while this runs may be too new for it.
    newest = log.checkpoint(tenant_id)
    rows = log.whole_rows(tenant_id, correlation_id)
    if not rows:
        raise NotFound(
            f"{correlation_id!r} has no rows", "Find it by `selene search`.", field="correlation_id"
        )
    if len(rows) > ROWS_MAX:
        raise BadField("correlation_id", f"has more than {ROWS_MAX} rows", "Ask for another.")
    if newest is None or not newest.size:
        raise BadField("tenant_id", "has no seal yet", "Run `selene seal` first.")
    found = log.placed(tenant_id, [row.event_id for row in rows])
    placed = {name: place for name, place in found.items() if place.leaf_index < newest.size}
    missing = len(rows) - len(placed)
    if missing and not unsealed:
        raise BadField(
            "correlation_id", f"has {missing} of {len(rows)} rows not sealed yet", _SEAL_FIRST
        )
    wanted = wanted_nodes(newest.size, placed, older)
    nodes = dict(zip(wanted, log.nodes(tenant_id, wanted), strict=True))
    statements = tuple(key.statement for key in log.signing_keys(tenant_id))
    sealing = Sealing(newest, statements)
    return make_case(rows, placed, nodes, sealing, older=older, inputs=inputs)


def plain_inputs(
    log: SealedLog, tenant_id: TenantId, correlation_id: CorrelationId
) -> dict[EventId, Disclosed]:
    """What was said in a conversation, of each row with a record.

    Raises:
        Fault: a record is encrypted, and its key is not here.
    """
    found = {}
    for row in log.whole_rows(tenant_id, correlation_id):
        kept = log.record(tenant_id, row.event_id)
        if kept is None:
            continue
        if kept.key_id != PLAIN_KEY_ID:
            raise Fault(f"the record's key {kept.key_id} is not here", "Provide the key.")
        found[row.event_id] = Disclosed(kept.record, None, kept.record)
    return found
