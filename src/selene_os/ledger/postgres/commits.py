"""Units as one argument of one function, and what it found as verdicts.

What the function returns names only what was not new; a commit that writes everything answers with
nothing.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final

from selene_os.errors import Fault, Refusal
from selene_os.ledger import refusals, scope
from selene_os.ledger.events import AuditEvent, MemoryEvent, Receipt, Unit
from selene_os.ledger.store import Verdict
from selene_os.names import DeviceId, EventId, SessionId, TenantId, UserId

_MEMORY: Final = MemoryEvent._fields[1:]
Found = Mapping[str, Any]
Outcome = Verdict | Fault


class Kind(Enum):
    """How units are appended.

    PLAIN: one event each, and nothing to check that may have changed meanwhile. BEGINNING: one
    event each, with which its conversation begins. SINGLE: anything else, one at a time.
    """

    PLAIN = auto()
    BEGINNING = auto()
    SINGLE = auto()


@dataclass(frozen=True, slots=True)
class Run:
    """Units that are appended by one statement: any number of one kind, or a single one.

    Attributes:
        places: the place of each unit within the call.
        units: the units, all of one tenant.
        kind: of all of them.
    """

    places: tuple[int, ...]
    units: tuple[Unit, ...]
    kind: Kind


def parts_of(units: Sequence[Unit]) -> list[tuple[TenantId, list[Run]]]:
    """Units of several tenants as runs of each; a call of the function is for one tenant."""
    by_tenant: dict[TenantId, list[tuple[int, Unit]]] = {}
    for place, unit in enumerate(units):
        by_tenant.setdefault(unit.events[0].tenant_id, []).append((place, unit))
    return [(tenant_id, runs_of(placed)) for tenant_id, placed in by_tenant.items()]


def runs_of(units: Sequence[tuple[int, Unit]]) -> list[Run]:
    """Units of one tenant, each with its place, as runs in the same order."""
    runs: list[Run] = []
    together: list[tuple[int, Unit]] = []
    seen: set[object] = set()

    def end(kind: Kind) -> None:
        if together:
            places, alike = zip(*together, strict=True)
            runs.append(Run(places, alike, kind))
            together.clear()
            seen.clear()

    before = Kind.SINGLE
    for place, unit in units:
        first = unit.events[0]
        kind = _kind_of(unit)
        named = {
            first.event_id,
            (first.correlation_id, first.idempotency_key),
            (first.correlation_id, first.turn_id),
        }
        if kind is not before or kind is Kind.SINGLE or not seen.isdisjoint(named):
            # Within one statement there is no first and second: the later one is another run.
            end(before)
        before = kind
        seen |= named
        together.append((place, unit))
    end(before)
    return runs


def _kind_of(unit: Unit) -> Kind:
    if len(unit.events) > 1 or unit.after_profile is not None or unit.settles:
        return Kind.SINGLE
    if unit.next_turn:
        return Kind.BEGINNING if unit.events[0].turn_id == 1 else Kind.SINGLE
    return Kind.PLAIN


def encode(runs: Sequence[Run]) -> str:
    """Runs as the argument of os_core.commit_units."""
    return dumps([_run(run) for run in runs])


def encode_memory(event: MemoryEvent) -> str:
    """A memory event as the argument of os_core.append_memory."""
    row = dict(zip(_MEMORY, event[1:], strict=True))
    row["value"] = None if event.value is None else b64encode(event.value).decode()
    return dumps(row)


def _run(run: Run) -> dict[str, Any]:
    if run.kind is not Kind.SINGLE:
        encoded: dict[str, Any] = {"events": [_event(unit, 0) for unit in run.units]}
        if run.kind is Kind.BEGINNING:
            encoded["begins"] = True
        return encoded
    (unit,) = run.units
    encoded = {"events": [_event(unit, 0)]}
    if len(unit.events) > 1:
        encoded["rest"] = [_event(unit, number) for number in range(1, len(unit.events))]
    if unit.next_turn or unit.after_profile is not None or unit.settles:
        # It was decided from a state that may have changed meanwhile.
        encoded["next_turn"] = unit.next_turn
        encoded["after_profile"] = unit.after_profile
        if unit.settles:
            encoded["settles"] = list(unit.settles)
    return encoded


def _event(unit: Unit, number: int) -> list[Any]:
    """An event of a unit as os_core.append_events takes it, with its record; the first one with
    what was said.
    """
    event = unit.events[number]
    record = said = None
    for row in unit.records:
        if row.event_id == event.event_id:
            record = [row.engine_version, row.pack_digest, row.key_id, *_bytes(row.record)]
    if number == 0 and (line := unit.said) is not None:
        # What the event says already is not said again: conversation, turn, user and device.
        said = [line.role, line.source, line.key_id, line.privacy_scope, line.created_at]
        said += _bytes(line.text)
    return [*event[1:], None if number else _beyond(unit), record, said]


def _bytes(value: bytes) -> tuple[str | None, str | None]:
    """Bytes as (text, base64): text where they are text, which is cheaper on both sides."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    return (None, b64encode(value).decode()) if "\0" in text else (text, None)


def _beyond(unit: Unit) -> str:
    """The key of a further draft: a retry without one that was written does not say the same."""
    return f"{unit.events[0].idempotency_key}#{len(unit.events) + 1}"


def verdicts(runs: Sequence[Run], found: list[Any] | None, *, again: bool) -> dict[int, Outcome]:
    """What became of each unit, by its place; a Fault where the database is not as it must be.

    Args:
        found: what os_core.commit_units returned.
        again: an earlier try may have been committed unheard: a same row with this id is ours.
    """
    told: dict[int, Outcome] = {}
    ours = {event.event_id for run in runs for unit in run.units for event in unit.events}
    if not again:
        ours.clear()
    for run, other in zip(runs, found or [None] * len(runs), strict=True):
        if run.kind is Kind.SINGLE:
            told[run.places[0]] = _lone(run.units[0], other, ours)
        elif isinstance(other, dict):
            # A conversation had begun already: each of them was done alone.
            for place, unit, one in zip(run.places, run.units, other["each"], strict=True):
                told[place] = _lone(unit, one, ours)
        else:
            by_place = {one["place"]: one for one in other or ()}
            for number, (place, unit) in enumerate(zip(run.places, run.units, strict=True)):
                told[place] = _verdict(unit, by_place.get(number), (), ours)
    return told


def _lone(unit: Unit, other: Any, ours: set[EventId]) -> Outcome:
    """The verdict of a unit that was alone in its run."""
    if other is None:
        return _verdict(unit, None, (), ours)
    if isinstance(other, list):
        return _verdict(unit, other[0], (), ours)
    if (what := other.get("overtaken")) is not None:
        if what == "turn":
            return refusals.turn_overtaken(unit.events[0])
        if what == "draft":
            return refusals.draft_settled()
        if what == "elsewhere":
            return refusals.draft_elsewhere()
        return refusals.profile_overtaken()
    if (split := other.get("split")) is not None:
        first = split[0]
        event = unit.events[1 + first["place"]]
        if first["event_id"] is not None:
            return refusals.key_conflict(event)
        return scope_refused(first["found"], event) or refusals.event_elsewhere(event.event_id)
    return _verdict(unit, other["first"][0], other["rest"] or (), ours)


def _verdict(unit: Unit, first: Found | None, rest: Sequence[Found], ours: set[EventId]) -> Outcome:
    """Receipts, or why there are none.

    Args:
        first, rest: what was found instead of inserting.
        ours: ids that an earlier try of this call may have written, each taken out when it is met.
    """
    if first is None:
        ours.difference_update(event.event_id for event in unit.events)
        return tuple(
            Receipt(event.event_id, deduplicated=False, same_decision=True) for event in unit.events
        )
    receipt = _receipt(unit.events[0], first, ours)
    if not isinstance(receipt, Receipt):
        return receipt
    receipts = [receipt]
    for one in rest:
        if one["event_id"] is None:
            continue
        further = _receipt(unit.events[1 + one["place"]], one, ours)
        if not isinstance(further, Receipt):
            return further
        receipts.append(further)
    if len(receipts) < len(unit.events) or first["beyond"]:
        receipts[0] = replace(receipts[0], same_decision=False)
    return tuple(receipts)


def _receipt(event: AuditEvent, there: Found, ours: set[EventId]) -> Receipt | Refusal | Fault:
    if there["event_id"] is None:
        return scope_refused(there["found"], event) or refusals.event_elsewhere(event.event_id)
    if there["engine"] != event.engine:
        return refusals.key_conflict(event)
    same = bool(there["same"]) and bool(there["same_scope"])
    if same and there["event_id"] == event.event_id and event.event_id in ours:
        ours.discard(event.event_id)
        return Receipt(event.event_id, deduplicated=False, same_decision=True)
    if not there["same_scope"] and (refused := scope_refused(there["found"], event)):
        # A retry in the first one's scope is answered even after its session has ended; in
        # another scope it is a write like any other, and refused like one.
        return refused
    return Receipt(there["event_id"], deduplicated=True, same_decision=same)


def scope_refused(found: Sequence[Any], event: AuditEvent) -> Refusal | None:
    """The part of an event's scope that does not hold, as os_core.scope_found tells it."""
    return refused_scope(found, event.tenant_id, event.user_id, event.device_id, event.session_id)


def refused_scope(
    found: Sequence[Any],
    tenant_id: TenantId,
    user_id: UserId | None,
    device_id: DeviceId | None,
    session_id: SessionId | None,
) -> Refusal | None:
    """The part of a scope that does not hold, as a refusal; None where all of it does."""
    tenant, status, device_user, session = found
    return scope.wrong_part(
        scope.Found(tenant, status, device_user, None if session is None else tuple(session)),
        tenant_id,
        user_id,
        device_id,
        session_id,
    )


def dumps(value: object) -> str:
    """JSON as the functions take it: text as it is, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
