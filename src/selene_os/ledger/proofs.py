"""What a store keeps of proofs: which row is which leaf, the tree's nodes, what was signed of it.

Nothing here is computed or believed: a tree is grown and checked in the room of proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from selene_os.ledger.events import CheckpointRow, Placed, SigningKeyRow, WholeRow
from selene_os.names import CorrelationId, EventId, TenantId

# Rows under one checkpoint at most; also the longest run of nodes, which readers rely on.
BATCH_ROWS_MAX: Final = 1_000
HASH_BYTES: Final = 32


class NodeRun(NamedTuple):
    """Neighbouring nodes of one level: the hashes of `first` and those behind it, joined."""

    level: int
    first: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one seal adds to a tenant's tree, all of it or nothing.

    Attributes:
        tenant_id: whose.
        size: how many leaves the tree has before.
        events: 1 to 1,000 rows, in the order of their leaves.
        leaves: their hashes, 32 bytes each, joined.
        runs: the nodes that they complete.
        checkpoint: of the tree behind them.
        keys: the statements of the keys that sign; those that are noted already are left alone.
    """

    tenant_id: TenantId
    size: int
    events: tuple[EventId, ...]
    leaves: bytes
    runs: tuple[NodeRun, ...]
    checkpoint: CheckpointRow
    keys: tuple[SigningKeyRow, ...]


class Counts(NamedTuple):
    """How many rows there are of a tenant, in one moment.

    Attributes:
        events: committed rows.
        leaves: rows that a leaf stands for.
        unsealed: rows that wait for one.
    """

    events: int
    leaves: int
    unsealed: int


class Proofs(Protocol):
    """The part of a store that keeps proofs; errors as for `ledger.store.Store`."""

    def unsealed_tenants(self) -> list[TenantId]:
        """The tenants that have rows to seal, by name."""

    def unsealed(self, tenant_id: TenantId, rows_max: int) -> list[WholeRow]:
        """A tenant's committed rows that no leaf stands for yet, by id."""

    def unsealed_rows(self, tenant_id: TenantId) -> int:
        """How many rows of a tenant wait to be sealed."""

    def seal(self, batch: Batch) -> bool:
        """Add a batch, and take its rows out of what waits; False where another was first."""

    def whole_rows(self, tenant_id: TenantId, correlation_id: CorrelationId) -> list[WholeRow]:
        """A conversation's rows with what their records are, in the order of `trace`."""

    def placed(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, Placed]:
        """Where each of these rows stands, as far as they are sealed."""

    def sealed_rows(self, tenant_id: TenantId, first: int, rows_max: int) -> list[tuple[Any, ...]]:
        """Leaves from `first` on, in order: leaf_index, event_id, leaf_hash, and the columns of the
        WholeRow that the leaf stands for, all None where the row is gone.
        """

    def nodes(self, tenant_id: TenantId, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """The hashes of nodes (level, place), in order. Raises Fault where one is missing."""

    def runs(self, tenant_id: TenantId, level: int, first: int, end: int) -> list[NodeRun]:
        """The runs that hold nodes of a level from place `first` up to, not including, `end`."""

    def nodes_bytes(self, tenant_id: TenantId) -> int:
        """The length of all runs together."""

    def checkpoint(self, tenant_id: TenantId, size: int | None = None) -> CheckpointRow | None:
        """The checkpoint of a size, or the newest; None where there is none."""

    def checkpoints(self, tenant_id: TenantId, size: int, rows_max: int) -> list[CheckpointRow]:
        """Checkpoints of more than `size` leaves, the smallest first."""

    def signing_keys(self, tenant_id: TenantId) -> list[SigningKeyRow]:
        """The keys that signed, by the time they were noted; `key_chain.in_order` orders them."""

    def counts(self, tenant_id: TenantId) -> Counts:
        """How many rows there are, sealed and not."""

    def unplaced(self, tenant_id: TenantId, rows_max: int) -> list[EventId]:
        """Rows that are neither sealed nor wait for it: nobody committed them so."""
