"""A seeded workload, and an auditor of plain dicts that predicts every receipt and refusal.

The auditor shares no code with the ledger: it knows the rules of docs/spec and of what a retry is,
and remembers what was acknowledged. SELENE_DRILLS=1 makes the histories ten times as long.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from ledgers import CHAT, CLARIFY, DRAFT, PROFILE, START_NS, Ledger
from selene_os.errors import (
    IdempotencyConflict,
    NotFound,
    Refusal,
    RegistrationRefused,
    ScopeRefused,
)
from selene_os.ledger.codec import Decided, Scope
from selene_os.ledger.events import AuditEvent, Unit
from selene_os.names import CorrelationId, DeviceId, SessionId, TenantId, UserId

OPERATIONS = 25_000 if "SELENE_DRILLS" in os.environ else 2_500
SEEDS = (1, 2, 3)

TENANTS = ("acme", "globex", "initech")  # Nobody adds the last one.
USERS = ("alice", "bob", "carol", "dave")
DEVICES = tuple(f"device-{number}" for number in range(8))
SESSIONS = tuple(f"session-{number}" for number in range(12))
TALKS = tuple(f"{number:032x}" for number in range(1, 7))
KEYS = tuple(f"key-{number}" for number in range(90))
DECISIONS: tuple[Decided, ...] = (
    DRAFT,
    replace(DRAFT, overall_confidence="MED"),
    CLARIFY,
    CHAT,
    PROFILE,
    replace(PROFILE, style_profile_ref="DOMINANT"),
)

Name = tuple[str, str]


@dataclass
class Row:
    """What the auditor remembers of an event."""

    engine: str
    said: tuple[object, ...]
    scope: tuple[str, str, str, str | None]
    event: AuditEvent


@dataclass
class Auditor:
    """The ledger's rules once more, on dicts.

    Attributes:
        status: (tenant, user) -> whether the user may write.
        owner: device -> (tenant, user), over all tenants.
        opened: (tenant, session) -> (user, device).
        closed: the sessions that have ended.
        rows: (tenant, correlation, key) -> the event.
        lines: (tenant, correlation, turn) -> what was said first.
    """

    status: dict[Name, bool] = field(default_factory=dict)
    owner: dict[str, Name] = field(default_factory=dict)
    opened: dict[Name, Name] = field(default_factory=dict)
    closed: set[Name] = field(default_factory=set)
    rows: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    lines: dict[tuple[str, str, int], bytes] = field(default_factory=dict)

    def wrong_field(self, scope: Scope) -> str | None:
        """The first part of a scope that does not hold."""
        tenant, user, session = scope.tenant_id, scope.user_id, scope.session_id
        if tenant == "initech":
            return "tenant_id"
        if not self.status.get((tenant, user), False):
            return "user_id"
        if self.owner.get(scope.device_id) != (tenant, user):
            return "device_id"
        if session is not None and (
            self.opened.get((tenant, session)) != (user, scope.device_id)
            or (tenant, session) in self.closed
        ):
            return "session_id"
        return None

    def expect(self, unit: Unit) -> str:
        """What a commit of one unit must come to; remembers what it wrote."""
        event = unit.events[0]
        scope = (event.tenant_id, str(event.user_id), str(event.device_id), event.session_id)
        said = (event.engine, event.event_type, event.reason_code, event.payload_min)
        name = (event.tenant_id, event.correlation_id, event.idempotency_key)
        there = self.rows.get(name)
        wrong = self.wrong_field(
            Scope(event.tenant_id, UserId(scope[1]), DeviceId(scope[2]), event.session_id)
        )
        if there is not None and there.engine != event.engine:
            return "conflict" if wrong is None or there.scope == scope else f"conflict or {wrong}"
        if there is not None and there.scope == scope:
            # Also after the session was closed: what was acknowledged stays acknowledged.
            return f"retry {there.event.event_id} {there.said == said}"
        assert unit.said is not None
        place = (event.tenant_id, event.correlation_id, event.turn_id)
        if wrong is not None:
            return f"refused {wrong}"
        if there is not None:
            # Another scope that holds as well: the first row, and not the same decision.
            return f"retry {there.event.event_id} False"
        self.rows[name] = Row(event.engine, said, scope, event)
        self.lines[place] = unit.said.text
        return f"written {event.event_id}"

    def expect_registration(
        self, tenant: str, user: str, device: str | None, session: str | None
    ) -> str:
        """What a registration must come to; remembers what it added."""
        if tenant == "initech":
            return "not found tenant_id"
        if not self.status.get((tenant, user), True):
            return "refused user_id"
        if device is not None and self.owner.get(device, (tenant, user)) != (tenant, user):
            return "refused device_id"
        if device is not None and session is not None:
            if self.opened.get((tenant, session), (user, device)) != (user, device):
                return "refused session_id"
            if (tenant, session) in self.closed:
                return "closed session"
        before = (len(self.status), len(self.owner), len(self.opened))
        self.status.setdefault((tenant, user), True)
        if device is not None:
            self.owner[device] = (tenant, user)
            if session is not None:
                self.opened[tenant, session] = (user, device)
        return f"added {before != (len(self.status), len(self.owner), len(self.opened))}"


def outcome_of(verdict: object, unit: Unit) -> str:
    """A verdict in the auditor's words."""
    if isinstance(verdict, IdempotencyConflict):
        return "conflict"
    if isinstance(verdict, ScopeRefused):
        return f"refused {verdict.field}"
    assert isinstance(verdict, tuple), verdict
    (receipt,) = verdict
    if receipt.deduplicated:
        return f"retry {receipt.event_id} {receipt.same_decision}"
    assert receipt.same_decision
    assert receipt.event_id == unit.events[0].event_id
    return f"written {receipt.event_id}"


class Workload:
    """Operations on one ledger, chosen by one seed, each checked against the auditor."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger = ledger
        self.random = random.Random(seed)
        self.auditor = Auditor()
        self.seen: Counter[str] = Counter()
        self.auditor.status.update({("acme", "alice"): True, ("acme", "bob"): True})
        self.auditor.status[("globex", "carol")] = True

    def step(self) -> None:
        """One operation."""
        (operation,) = self.random.choices(
            (self.commit, self.register, self.close_session, self.set_status, self.reopen),
            weights=(80, 14, 2, 3, 0.3),
        )
        operation()

    def scope(self) -> Scope:
        """Mostly one that was right once, sometimes with one part of it another."""
        pick = self.random.choice
        sessions = sorted(self.auditor.opened)
        if not sessions or self.random.random() < 0.05:
            tenant, user, device = pick(TENANTS), pick(USERS), pick(DEVICES)
            session: str | None = pick(SESSIONS)
        else:
            tenant, session = pick(sessions)
            user, device = self.auditor.opened[tenant, session]
        if self.random.random() < 0.25:
            session = None
        if self.random.random() < 0.2:
            part = pick(("tenant", "user", "device", "session"))
            tenant = pick(TENANTS) if part == "tenant" else tenant
            user = pick(USERS) if part == "user" else user
            device = pick(DEVICES) if part == "device" else device
            session = pick(SESSIONS) if part == "session" else session
        return Scope(
            TenantId(tenant),
            UserId(user),
            DeviceId(device),
            None if session is None else SessionId(session),
        )

    def unit(self) -> Unit:
        """A new decision, or a retry in the same or another scope with the same or other words."""
        scope = self.scope()
        key, talk = self.random.choice(KEYS), self.random.choice(TALKS)
        turn = self.random.randint(1, 20)
        decision = self.random.choice(DECISIONS)
        if self.auditor.rows and self.random.random() < 0.3:
            event = self.random.choice(list(self.auditor.rows.values())).event
            talk, key, turn = event.correlation_id, event.idempotency_key, event.turn_id
            if self.random.random() < 0.7:
                assert event.user_id is not None
                assert event.device_id is not None
                scope = Scope(event.tenant_id, event.user_id, event.device_id, event.session_id)
        unit = self.ledger.scribe.unit(
            decision, scope, correlation=CorrelationId(talk), turn=turn, key=key
        )
        assert unit.said is not None
        # A turn has one utterance, whatever is decided of it: other words in it are not tried.
        text = f"turn {turn} \U0001f9ff".encode()
        return replace(unit, said=unit.said._replace(text=text))

    def commit(self) -> None:
        """One unit, or several in one batch."""
        size = self.random.choice((1, 1, 1, 2, 7))
        units = [self.unit() for _ in range(size)]
        verdicts = self.ledger.store.commit(units)
        assert len(verdicts) == size
        for unit, verdict in zip(units, verdicts, strict=True):
            expected, outcome = self.auditor.expect(unit), outcome_of(verdict, unit)
            if expected.startswith("conflict or "):
                assert outcome in ("conflict", expected.replace("conflict or", "refused"))
            else:
                assert outcome == expected, unit
            kind = expected.split()
            self.seen[" ".join(kind[:1] + kind[2:])] += 1

    def register(self) -> None:
        """A user, a device, a session; perhaps ones that are another's."""
        pick = self.random.choice
        tenant, user, device = pick(TENANTS), pick(USERS), pick((*DEVICES, None))
        session = pick((*SESSIONS, None)) if device is not None else None
        expected = self.auditor.expect_registration(tenant, user, device, session)
        try:
            outcome = "added " + str(
                self.ledger.store.register(
                    TenantId(tenant),
                    UserId(user),
                    None if device is None else DeviceId(device),
                    None if session is None else SessionId(session),
                    START_NS,
                )
            )
        except RegistrationRefused as refusal:
            outcome = f"refused {refusal.field}"
        except NotFound as refusal:
            outcome = f"not found {refusal.field}"
        # Whether to register a closed session again is refused or adds nothing is nowhere said.
        allowed = ("added False", "refused session_id") if "closed" in expected else (expected,)
        assert outcome in allowed, (tenant, user, device, session)
        self.seen[expected] += 1

    def close_session(self) -> None:
        """End a session, if it is there and has not ended."""
        tenant, session = self.random.choice(TENANTS), self.random.choice(SESSIONS)
        name = (tenant, session)
        expected: type[Refusal] | None = None
        if name not in self.auditor.opened:
            expected = NotFound
        elif name in self.auditor.closed:
            expected = RegistrationRefused
        self.auditor.closed |= {name} & self.auditor.opened.keys()
        met: type[Refusal] | None = None
        try:
            self.ledger.store.close_session(TenantId(tenant), SessionId(session), START_NS + 1)
        except Refusal as refusal:
            met = type(refusal)
        assert met is expected
        self.seen["closed" if met is None else "not closed"] += 1

    def set_status(self) -> None:
        """Disable or enable a user."""
        tenant, user = self.random.choice(TENANTS), self.random.choice(USERS)
        active = self.random.random() < 0.7
        known = (tenant, user) in self.auditor.status
        try:
            self.ledger.store.set_identity_status(
                TenantId(tenant), UserId(user), "ACTIVE" if active else "DISABLED"
            )
            assert known
        except NotFound:
            assert not known
        if known:
            self.auditor.status[tenant, user] = active
            self.seen[f"active {active}"] += 1

    def reopen(self) -> None:
        """Close the ledger and open it again."""
        self.ledger.reopen()
        self.seen["reopened"] += 1

    def check_rows(self) -> None:
        """What is stored is what was acknowledged, no more and no less, column for column."""
        tables = self.ledger.tables()
        events = [row.event for row in self.auditor.rows.values()]
        assert tables["audit_events"] == sorted(map(tuple, events), key=repr)
        ids = sorted((event.tenant_id, event.event_id) for event in events)
        assert sorted(row[:2] for row in tables["unsealed_events"]) == ids
        assert sorted(row[:2] for row in tables["replay_inputs"]) == ids
        lines = {(row[0], row[1], row[2]): row[7] for row in tables["conversation_ledger"]}
        assert lines == self.auditor.lines
        assert len(tables["conversation_ledger"]) == len(lines)
        devices = {str(row[1]): (row[0], row[2]) for row in tables["devices"]}
        bindings = {row[0]: row[1] for row in tables["device_bindings"]}
        assert bindings == {device: tenant for device, (tenant, _) in devices.items()}
        for device in DEVICES:
            assert devices.get(device) == self.auditor.owner.get(device)
        for tenant in TENANTS[:2]:
            for talk in TALKS:
                trace = self.ledger.store.trace(TenantId(tenant), CorrelationId(talk))
                mine = [e for e in events if (e.tenant_id, e.correlation_id) == (tenant, talk)]
                assert trace == sorted(mine, key=lambda event: (event.turn_id, event.event_id))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_verdict_of_a_random_history_is_as_the_auditor_says(
    ledger: Ledger, seed: int
) -> None:
    workload = Workload(ledger, seed)
    for _ in range(OPERATIONS):
        workload.step()
    workload.check_rows()
    ledger.reopen()
    workload.check_rows()
    # A history that met too little would prove too little.
    for kind in (
        "written", "retry True", "retry False", "conflict", "closed", "reopened", "active False",
        "added True", "refused device_id", "refused session_id",
    ):  # fmt: skip
        assert workload.seen[kind], (kind, workload.seen)
    assert sum(workload.seen.values()) >= OPERATIONS
