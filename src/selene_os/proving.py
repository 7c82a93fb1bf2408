"""A conversation's evidence out of a ledger: what is read of it, in which order, and when not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from selene_os.errors import BadField, NotFound
from selene_os.ledger.events import (
    AuditEvent,
    CheckpointRow,
    Disclosed,
    Placed,
    SigningKeyRow,
    WholeRow,
)
from selene_os.names import CorrelationId, EventId, TenantId
from selene_os.proof.evidence import (
    ROWS_MAX,
    Case,
    Sealing,
    make_case,
    read_older,
    wanted_nodes,
)

Disclose = Callable[[TenantId, EventId], Disclosed | None]
_SEAL_FIRST: Final = (
    "Seal them first: POST seal, or `selene seal`. Or carry them unproven: unsealed=true, or"
    " --unsealed."
)


class SealedLog(Protocol):
    """What of `ledger.proofs.Proofs` evidence is made of."""

    def whole_rows(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[WholeRow]: ...
    def placed(
        self, tenant_id: TenantId, event_ids: Sequence[EventId]
    ) -> dict[EventId, Placed]: ...
    def nodes(self, tenant_id: TenantId, wanted: Sequence[tuple[int, int]]) -> list[bytes]: ...
    def checkpoint(self, tenant_id: TenantId, size: int | None = None) -> CheckpointRow | None: ...
    def signing_keys(self, tenant_id: TenantId) -> list[SigningKeyRow]: ...


def case_of(
    proofs: SealedLog,
    tenant_id: TenantId,
    correlation_id: CorrelationId,
    *,
    against: bytes | None = None,
    unsealed: bool = False,
    inputs: Mapping[EventId, Disclosed] | None = None,
) -> Case:
    """The evidence of one conversation, against the newest checkpoint.

    Args:
        proofs: a ledger's.
        tenant_id: the tenant.
        correlation_id: the conversation.
        against: an older checkpoint of this log, as its file; that the log still begins with it is
            proven along.
        unsealed: carry rows that are not sealed yet, marked as not proven.
        inputs: what was said, of the rows that shall disclose it; see `inputs_of`.

    Raises:
        NotFound: there is no such conversation. BadField: nothing is sealed yet, or not all of it,
        or `against` is not of this log. Fault: the ledger does not prove what it holds.
    """
    older = None if against is None else read_older(against)
    if older is not None and not older.size:
        raise BadField("against", "has no leaves", "Every log begins with it: leave it out.")
    # The checkpoint first: rows that are sealed while this runs may be too new for it.
    newest = proofs.checkpoint(tenant_id)
    rows = proofs.whole_rows(tenant_id, correlation_id)
    if not rows:
        raise NotFound(
            f"{correlation_id!r} has no rows",
            "Find it: GET decisions, or `selene search`.",
            field="correlation_id",
        )
    if len(rows) > ROWS_MAX:
        raise BadField("correlation_id", f"has more than {ROWS_MAX} rows", "Ask for another.")
    if newest is None or not newest.size:
        raise BadField(
            "tenant_id", "has no seal yet", "Seal it first: POST seal, or `selene seal`."
        )
    found = proofs.placed(tenant_id, [row.event_id for row in rows])
    placed = {name: place for name, place in found.items() if place.leaf_index < newest.size}
    missing = len(rows) - len(placed)
    if missing and not unsealed:
        raise BadField(
            "correlation_id", f"has {missing} of {len(rows)} rows not sealed yet", _SEAL_FIRST
        )
    wanted = wanted_nodes(newest.size, placed, older)
    nodes = dict(zip(wanted, proofs.nodes(tenant_id, wanted), strict=True))
    statements = tuple(key.statement for key in proofs.signing_keys(tenant_id))
    sealing = Sealing(newest, statements)
    return make_case(rows, placed, nodes, sealing, older=older, inputs=inputs)


def proof_of(proofs: SealedLog, event: AuditEvent) -> Case:
    """The evidence of one row alone, against the newest checkpoint.

    Raises:
        NotFound: it is not sealed yet. Fault: the ledger does not prove what it holds.
    """
    tenant_id = event.tenant_id
    newest = proofs.checkpoint(tenant_id)
    found = proofs.placed(tenant_id, [event.event_id])
    placed = {
        name: place for name, place in found.items() if newest and place.leaf_index < newest.size
    }
    if newest is None or not placed:
        raise NotFound("is not sealed yet", "Ask again behind the next seal.", field="event_id")
    rows = proofs.whole_rows(tenant_id, event.correlation_id)
    wanted = wanted_nodes(newest.size, placed)
    nodes = dict(zip(wanted, proofs.nodes(tenant_id, wanted), strict=True))
    statements = tuple(key.statement for key in proofs.signing_keys(tenant_id))
    own = [row for row in rows if row.event_id == event.event_id]
    return make_case(own, placed, nodes, Sealing(newest, statements))


def inputs_of(
    proofs: SealedLog, disclose: Disclose, tenant_id: TenantId, correlation_id: CorrelationId
) -> dict[EventId, Disclosed]:
    """What was said in a conversation, of each row whose words are still there.

    Raises:
        Fault: a record is encrypted, and its key is not here.
    """
    found = {}
    for row in proofs.whole_rows(tenant_id, correlation_id):
        if row.record_digest is not None:
            said = disclose(tenant_id, row.event_id)
            if said is not None:
                found[row.event_id] = said
    return found
