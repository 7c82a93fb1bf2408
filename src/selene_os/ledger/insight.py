"""What a store tells who looks over a ledger: rows by kind, fields asked for, what made rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from selene_os.names import EventId, TenantId

# How many parts of a stretch are counted at a time.
PARTS_MAX: Final = 200


class Span(NamedTuple):
    """A stretch of time in equal parts; all in nanoseconds, `since` since 1970 UTC.

    The first part begins at `since`; there are `parts` of them, each `width` long.
    """

    since: int
    width: int
    parts: int

    @property
    def until(self) -> int:
        """The first moment behind it."""
        return self.since + self.width * self.parts


class Counted(NamedTuple):
    """How many rows of one event type and reason stand in one part of a stretch, from 0."""

    event_type: str
    reason_code: int
    part: int
    rows: int


class MadeBy(NamedTuple):
    """What made a row: its engine's version, and its pack's digest or None where none decided."""

    engine_version: str
    pack_digest: str | None


class Insight(Protocol):
    """The part of a store that looks over it; errors as for `ledger.store.Store`."""

    def kinds(self, tenant_id: TenantId, span: Span) -> list[Counted]:
        """A tenant's rows of a stretch by event type, reason and part, in this order.

        A part in which there is no such row is left out.
        """

    def missing(self, tenant_id: TenantId, span: Span, rows_max: int) -> list[tuple[str, int]]:
        """The fields that CLARIFY rows of a stretch asked for, the most frequent first."""

    def unsealed(self, tenant_id: TenantId) -> int:
        """How many of a tenant's rows are not sealed yet."""

    def newest(self, tenant_id: TenantId) -> int | None:
        """When a tenant's newest row was made; None where there is none."""

    def made_by(self, tenant_id: TenantId, event_ids: Sequence[EventId]) -> dict[EventId, MadeBy]:
        """What made each of a tenant's rows; those without a record are left out."""
