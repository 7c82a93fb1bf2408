"""What a user's turn before left open: a question, drafts that wait for a yes, confirmed values.

All of it comes out of the ledger's own record of that turn, never from a caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from selene_os import gates, records
from selene_os.engines import nlp
from selene_os.errors import ConfirmationRefused
from selene_os.handovers import REFUSED
from selene_os.ledger import codec
from selene_os.ledger.events import ERASED_KEY_ID, AuditEvent, Receipt, TenantRow
from selene_os.ledger.repositories import nth_place
from selene_os.ledger.store import Store
from selene_os.names import EventId, TenantId, UserId
from selene_os.reasons import ReasonCode
from selene_os.receipts import Answer
from selene_os.spots import Spot, find_there, kept_there, record_there
from selene_os.turn import Understood

NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Before:
    """What the user's turn before left open.

    Attributes:
        pending: the question that it left open.
        confirmed: the values that it confirmed.
        waiting: its drafts that a yes may still settle.
        lapsed, reason: those that it may not any more, and why.
    """

    pending: records.Record | None = None
    confirmed: records.Record | None = None
    waiting: tuple[gates.Draft, ...] = ()
    lapsed: tuple[gates.Draft, ...] = ()
    reason: ReasonCode = ReasonCode.X_CONFIRMATION_LATE


def turn_before(
    store: Store, spot: Spot, scope: codec.Scope, settings: TenantRow, now: int, *, settled: bool
) -> Before:
    """Read what a user's last turn before this one left open.

    Args:
        now: nanoseconds since 1970 UTC.
        settled: another writer settled its drafts while this turn was understood.
    """
    if spot.fresh or spot.turn_id == 1:
        return Before()
    kept = [
        (row, records.decode(row))
        for row in store.turn_before(
            scope.tenant_id, spot.correlation_id, scope.user_id, spot.turn_id
        )
        # What was erased left nothing open: no question, and no draft that a yes could settle.
        if row.key_id != ERASED_KEY_ID
    ]
    before = Before(records.pending_of(kept), records.confirmed_of(kept))
    waiting = records.drafts_of(scope.tenant_id, kept)
    if not waiting or before.pending is not None:
        # A question stands open: what follows is its answer, and no yes to a draft beside it.
        return before
    late = all(now > confirm_by(draft, settings) for draft in waiting)
    first = None if spot.next_turn else there(store, scope, spot.place)
    # A retry is what the first call was, however late it comes, and whoever came meanwhile.
    open_still = (
        not settled and not late if first is None else _settles(store, scope, spot.place, first)
    )
    if open_still:
        return replace(before, waiting=waiting)
    reason = ReasonCode.X_CONFIRMATION_LATE if late else ReasonCode.X_DRAFT_SETTLED
    return replace(before, lapsed=waiting, reason=reason)


def _settles(store: Store, scope: codec.Scope, place: codec.Place, first: AuditEvent) -> bool:
    """Whether a turn that is in the ledger settled a draft: it alone, or beside what it became."""
    if first.engine == codec.PH1_X:
        return True
    second = there(store, scope, nth_place(place, 2))
    return second is not None and second.engine == codec.PH1_X


def there(store: Store, scope: codec.Scope, place: codec.Place) -> AuditEvent | None:
    """The event that a place's key names, or None."""
    return store.event_by_key(scope.tenant_id, place.correlation_id, place.idempotency_key)


def confirm_by(draft: gates.Draft, settings: TenantRow) -> int:
    """Until when a draft may be confirmed, in nanoseconds since 1970 UTC."""
    return draft.created_at + settings.confirm_within_s * NANOSECONDS


def waits_until(result: nlp.Result, created_at: int, settings: TenantRow) -> int | None:
    """Until when a draft, or one of several, waits for a yes; None where none does."""
    for one in result.drafts or (result,):
        if one.decision == "INTENT_DRAFT" and one.requires_confirmation:
            draft = gates.Draft(EventId(""), settings.tenant_id, UserId(""), created_at, one)
            if gates.is_fit(draft):
                return confirm_by(draft, settings)
    return None


def late() -> ConfirmationRefused:
    """The refusal of a yes that comes too late."""
    return ConfirmationRefused(
        "has waited longer than the tenant lets a draft wait",
        "Say what is wanted again; the tenant's setting confirm_within_s is the time.",
        field="draft_event_id",
        reason=ReasonCode.X_CONFIRMATION_LATE.name,
    )


def unfit() -> ConfirmationRefused:
    """The refusal of a yes to what is no complete draft at HIGH."""
    return ConfirmationRefused(
        "is not complete and unambiguous at HIGH",
        "Say what is wanted again, in other words.",
        field="draft_event_id",
        reason=ReasonCode.X_DRAFT_UNFIT.name,
    )


def answered(
    understood: Understood,
    spot: Spot,
    receipts: tuple[Receipt, ...],
    created_at: int,
    settings: TenantRow,
) -> Answer:
    """What a turn is answered: what it came to, and what waits for a yes."""
    settlement = understood.settlement
    said = None if settlement is None else settlement.reason_code.name.removeprefix("X_")
    until = waits_until(understood.result, created_at, settings)
    return Answer(
        understood.result,
        spot.correlation_id,
        spot.turn_id,
        receipts,
        said,
        () if settlement is None else tuple(draft.event_id for draft in settlement.drafts),
        None if said in ("CONFIRMED", "DECLINED") else until,
        understood.lapsed,
        tuple(one for one in understood.hand_overs if one.became == REFUSED),
    )


def recorded(store: Store, scope: codec.Scope, mine: Answer, settings: TenantRow) -> Answer:
    """What a retry is told: what the ledger says, and whether it would have said the same."""
    first = find_there(store, scope, mine.receipts[0])
    kept = record_there(store, first)
    if first.engine == codec.PH1_X:
        payload = codec.decode_json(first.payload_min)
        event, draft = drafted(store, scope.tenant_id, payload["draft_event_id"])
        said = payload["decision"]
        answer = replace(mine, result=draft.result, confirmation=said, drafts=(event.event_id,))
    else:
        answer = replace(mine, result=records.answer_of(first, kept))
    same = mine.receipts[0].same_decision and (answer.result.as_record() == mine.result.as_record())
    receipts = (replace(mine.receipts[0], same_decision=same), *mine.receipts[1:])
    waits = answer.decision == "INTENT_DRAFT" and not _is_settled(store, first)
    until = waits_until(answer.result, first.created_at, settings) if waits else None
    return replace(answer, turn_id=first.turn_id, receipts=receipts, confirm_by=until)


def drafted(
    store: Store, tenant_id: TenantId, draft_event_id: str
) -> tuple[AuditEvent, gates.Draft]:
    """A draft and its row. Raises NotFound, also for another tenant's. BadField: it is none."""
    event, kept = kept_there(store, tenant_id, draft_event_id, "draft_event_id")
    return event, records.draft_of(event, kept)


def _is_settled(store: Store, draft: AuditEvent) -> bool:
    """Whether somebody said yes or no to a draft, or wanted it otherwise."""
    return any(
        codec.decode_json(event.payload_min).get("draft_event_id") == draft.event_id
        for event in store.trace(draft.tenant_id, draft.correlation_id)
        if event.engine == codec.PH1_X
    )
