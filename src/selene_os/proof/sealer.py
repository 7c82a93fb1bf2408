"""The sealer: takes what was committed into each tenant's tree, and signs what the tree is then.

Not in the commit: a chain there would cost half the rate, and could be made again by whoever owns
the database. A commit notes its rows as unsealed in its own transaction, and a seal takes them out
in its own; so none is skipped, however late its writer commits, and none is sealed twice, whoever
seals at the same time. A sealer that is killed leaves nothing behind.

Source: docs/decisions/0016-sealed-behind-the-commit.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from selene_os.errors import BadField, CheckpointForged, Fault, LedgerUnavailable
from selene_os.ledger.events import CheckpointRow, SigningKeyRow, WholeRow
from selene_os.ledger.proofs import BATCH_ROWS_MAX, Batch, NodeRun, Proofs
from selene_os.names import TenantId
from selene_os.proof.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from selene_os.proof.key_chain import origin_of
from selene_os.proof.leaves import leaf_of
from selene_os.proof.merkle import Frontier
from selene_os.proof.signing import Signer, VerifierKey

_TRIES_MAX: Final = 8


class Sealer:
    """Seals one ledger; several may run, in one process or in many.

    Args:
        proofs: the ledger's.
        signer: the key that signs from now on; its name is the log's.
        keys: every key that signed so far, this one last, each with its statement: what the last
            checkpoint is believed by.
        clock: nanoseconds since 1970 UTC.
        rows_max: rows under one checkpoint at most, 1 to 1,000.
    """

    def __init__(
        self,
        proofs: Proofs,
        signer: Signer,
        keys: Sequence[tuple[VerifierKey, bytes]],
        clock: Callable[[], int],
        *,
        rows_max: int = BATCH_ROWS_MAX,
    ) -> None:
        if not 1 <= rows_max <= BATCH_ROWS_MAX:
            raise BadField("rows_max", f"is {rows_max}", f"Give 1 to {BATCH_ROWS_MAX}.")
        self._proofs = proofs
        self._signer = signer
        self._keys = tuple(keys)
        self._clock = clock
        self._rows_max = rows_max
        # The largest tree of each that was seen here: a ledger that is put back is noticed.
        self._sizes: dict[TenantId, int] = {}

    def seal_all(
        self, told: Callable[[CheckpointRow, int], None] = lambda _row, _count: None
    ) -> int:
        """Seal all that is committed, of every tenant.

        Args:
            told: called with each new checkpoint and the number of rows that it added.

        Returns:
            How many rows were sealed here.

        Raises:
            CheckpointForged: a tree's last checkpoint is not this log's, or was put back. Fault: a
            row cannot be sealed. Either is raised when the other tenants are sealed.
        """
        sealed = 0
        first: Fault | None = None
        for tenant_id in self._proofs.unsealed_tenants():
            try:
                sealed += self.seal_tenant(tenant_id, told)
            except LedgerUnavailable:
                raise
            except Fault as fault:
                first = first or fault
        if first is not None:
            raise first
        return sealed

    def seal_tenant(
        self,
        tenant_id: TenantId,
        told: Callable[[CheckpointRow, int], None] = lambda _row, _count: None,
    ) -> int:
        """Seal all that is committed of one tenant; arguments, result and errors as `seal_all`."""
        sealed = lost = 0
        while lost < _TRIES_MAX:
            batch = self._next(tenant_id)
            if batch is None:
                break
            if not self._proofs.seal(batch):
                # Another sealer was first, and goes on where this one would.
                lost += 1
                continue
            self._sizes[tenant_id] = batch.checkpoint.size
            sealed += len(batch.events)
            told(batch.checkpoint, len(batch.events))
            if len(batch.events) < self._rows_max:
                break
        return sealed

    def _next(self, tenant_id: TenantId) -> Batch | None:
        """The batch that comes next, or None where nothing waits."""
        # First where the tree ends, then what waits: another sealer between the two makes this
        # batch one that comes late, which is noticed; in the other order, one of sealed rows.
        frontier = self._frontier(tenant_id)
        rows = self._proofs.unsealed(tenant_id, self._rows_max)
        if not rows:
            return None
        leaves = list(map(_leaf_of, rows))
        grown, runs = frontier.extend(leaves)
        checkpoint = Checkpoint(origin_of(self._signer.name, tenant_id), grown.size, grown.root())
        at = self._clock()
        note = sign_checkpoint(checkpoint, [self._signer])
        return Batch(
            tenant_id,
            frontier.size,
            tuple(row.event_id for row in rows),
            b"".join(leaves),
            tuple(NodeRun(level, first, b"".join(hashes)) for level, first, hashes in runs),
            CheckpointRow(tenant_id, grown.size, grown.encode(), note, at),
            tuple(
                SigningKeyRow(tenant_id, key.key_id.hex(), statement, at)
                for key, statement in self._keys
            ),
        )

    def _frontier(self, tenant_id: TenantId) -> Frontier:
        """Where the tree ends, as this log itself signed it.

        Whoever signs a tree says that it begins with each one that was signed before. So the last
        one is believed by its signature alone, never because it stands in the database.
        """
        last = self._proofs.checkpoint(tenant_id)
        seen = self._sizes.get(tenant_id, 0)
        if (0 if last is None else last.size) < seen:
            raise CheckpointForged(
                f"the tree of tenant {tenant_id} has fewer leaves than the {seen} that were signed",
                "Somebody put an older state back. Compare with a checkpoint that was kept"
                " elsewhere: `selene verify --against FILE`.",
            )
        if last is None:
            return Frontier()
        try:
            opened = open_checkpoint(
                last.note, origin_of(self._signer.name, tenant_id), [key for key, _ in self._keys]
            ).checkpoint
            frontier = Frontier.decode(last.frontier)
        except BadField as error:
            raise _forged(tenant_id, f"{error.field} {error.problem}") from error
        if (opened.size, opened.root) != (last.size, frontier.root()):
            raise _forged(tenant_id, "it signs another tree")
        return frontier


def _leaf_of(row: WholeRow) -> bytes:
    try:
        return leaf_of(row)
    except BadField as error:
        raise Fault(
            f"event {row.event_id!r} of tenant {row.tenant_id} cannot be sealed: {error.field}"
            f" {error.problem}",
            "See `selene doctor`.",
        ) from error


def _forged(tenant_id: TenantId, problem: str) -> Fault:
    return CheckpointForged(
        f"the last checkpoint of tenant {tenant_id} is not this log's: {problem}",
        "Nothing was sealed behind it. See `selene verify`.",
    )
