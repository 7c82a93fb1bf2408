"""The part of the PostgreSQL store that a replay reads: terms, packs, events with their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from selene_os.errors import Refusal
from selene_os.ledger import refusals
from selene_os.ledger.events import PackRow, Recorded, Stretch, TermBundle, recorded_of
from selene_os.ledger.postgres import statements
from selene_os.names import TenantId

# Stands for whether an earlier try of the call may have been committed unheard.
AGAIN: Final = object()
Rows = list[tuple[Any, ...]]


class Calling(Protocol):
    """How a store reads and writes."""

    def _rows(
        self,
        statement: str,
        values: Sequence[Any],
        refused: Mapping[str, Callable[[], Refusal]] | None = None,
    ) -> Rows: ...

    def _read(
        self, tenant_id: TenantId, statement: str, values: Sequence[Any] | Mapping[str, Any]
    ) -> Rows: ...


class Archives:
    """What stands beside a store's other methods; see `ledger.store.Store`."""

    def events_between(
        self: Calling, tenant_id: TenantId, stretch: Stretch, rows_max: int
    ) -> list[Recorded]:
        values = {"tenant_id": tenant_id, "rows_max": rows_max, **stretch.bound()}
        return list(map(recorded_of, self._read(tenant_id, statements.EVENTS_BETWEEN, values)))

    def term_bundle(self: Calling, tenant_id: TenantId, digest: str) -> TermBundle | None:
        rows = self._rows(statements.TERM_BUNDLE, (tenant_id, digest))
        return TermBundle._make(rows[0]) if rows else None

    def put_pack(self: Calling, pack: PackRow) -> bool:
        ((put,),) = self._rows(
            statements.PUT_PACK,
            (*pack, AGAIN),
            {"SE404 tenant_id": lambda: refusals.tenant_unknown(pack.tenant_id)},
        )
        return bool(put)

    def pack(self: Calling, tenant_id: TenantId, digest: str) -> PackRow | None:
        rows = self._rows(statements.PACK, (tenant_id, digest))
        return PackRow._make(rows[0]) if rows else None
