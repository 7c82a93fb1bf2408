"""What a store counts is what a look through every row counts."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    CHAT,
    CLARIFY,
    DRAFT,
    GLOBEX,
    PROFILE,
    START_NS,
    TALK,
    Ledger,
)
from seals import sealer
from selene_os.ledger.codec import Decided
from selene_os.ledger.insight import Span
from selene_os.names import EventId, TenantId

NOBODY = TenantId("nobody")
STEP = 7_000_000


def fill(ledger: Ledger) -> list[tuple[TenantId, int, str, int, str]]:
    """Rows of all kinds, in no order: tenant, when, event type, reason, what is missing."""
    dice, units, told = random.Random(11), [], []
    fields = ["time", "task", "place"]
    for number in range(90):
        choices: list[Decided] = [DRAFT, CHAT, PROFILE]
        missing = dice.choice(fields)
        choices.append(replace(CLARIFY, what_is_missing=missing))
        decision = dice.choice(choices)
        scope = dice.choice([ALICE, BOB, CAROL])
        unit = ledger.scribe.unit(decision, scope, turn=number + 1, key=f"k{number}")
        units.append(unit)
        event = unit.events[0]
        asked = missing if event.event_type == "NlpClarify" else ""
        told.append((scope.tenant_id, event.created_at, event.event_type, event.reason_code, asked))
    ledger.store.commit(units)
    return told


def test_what_made_rows_is_told_of_the_tenants_own(ledger: Ledger) -> None:
    fill(ledger)
    store, insight = ledger.store, ledger.store.insight
    for tenant, other in ((ACME, GLOBEX), (GLOBEX, ACME)):
        events = [event.event_id for event in store.trace(tenant, TALK)]
        kept = [store.record(tenant, one) for one in events]
        told = {one.event_id: (one.engine_version, one.pack_digest) for one in kept if one}
        assert events and len(told) == len(events)
        assert insight.made_by(tenant, [*events, EventId("0" * 36)]) == told
        assert insight.made_by(other, events) == {}
    assert insight.made_by(ACME, []) == {}


def test_rows_are_counted_by_kind_and_part(ledger: Ledger) -> None:
    rows, insight = fill(ledger), ledger.store.insight
    span = Span(START_NS + 10_000_000, STEP, 6)
    for tenant in (ACME, GLOBEX, NOBODY):
        inside = [row for row in rows if row[0] == tenant and span.since <= row[1] < span.until]
        expected = Counter((row[2], row[3], (row[1] - span.since) // STEP) for row in inside)
        found = insight.kinds(tenant, span)
        assert {one[:3]: one.rows for one in found} == dict(expected)
        assert found == sorted(found)
        missing = Counter(row[4] for row in inside if row[4])
        ordered = sorted(missing.items(), key=lambda one: (-one[1], one[0]))
        assert insight.missing(tenant, span, 2) == ordered[:2]
        assert insight.missing(tenant, span, 9) == ordered


def test_the_newest_row_and_those_not_sealed_are_known(ledger: Ledger) -> None:
    insight = ledger.store.insight
    assert insight.newest(ACME) is None and insight.unsealed(ACME) == 0
    rows = [row for row in fill(ledger) if row[0] == ACME]
    assert insight.newest(ACME) == max(row[1] for row in rows)
    assert insight.unsealed(ACME) == len(rows)
    sealer(ledger.store).seal_all()
    assert insight.unsealed(ACME) == 0
