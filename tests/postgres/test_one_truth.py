"""SQLite and PostgreSQL keep one truth: the same calls leave the same rows and the same answers.

Ids and times are arguments: both are given the very same calls. SELENE_DRILLS=1 makes more of them.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import methodcaller
from pathlib import Path

import pytest

from ledgers import CHAT, CLARIFY, DRAFT, PROFILE, START_NS, Ledger, Scribe, SqliteDatabase
from ledgers import TABLES as TABLE_NAMES
from postgres_databases import PostgresDatabase
from selene_os.dictionary import bundle_of
from selene_os.engines.know import Entry
from selene_os.errors import SeleneError
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import AuditEvent, PackRow, Stretch, TenantRow, Unit
from selene_os.ledger.store import Store
from selene_os.names import (
    TIME_NS_MAX,
    TURN_ID_MAX,
    CorrelationId,
    DeviceId,
    EventId,
    IdempotencyKey,
    SessionId,
    TenantId,
    TurnId,
    UserId,
)

DRILLS = "SELENE_DRILLS" in os.environ
SEEDS = range(1, 21) if DRILLS else range(1, 4)
OPERATIONS = 5_000 if DRILLS else 600

# The longest names there are, names that sort otherwise in other orders, and other scripts.
TENANTS = [TenantId(name) for name in ("acme", "Acme", "a.c-m_e", "T" * 64, "initech")]
USERS = [UserId(name) for name in ("alice", "Ärger", "李雷", "🧿" * 32, "zoë\u0301", "' OR ''='")]
DEVICES = [DeviceId(name) for name in ("kitchen", "Kitchen", "küche", "d" * 128, "%s", "$1\\x")]
SESSIONS = [SessionId(name) for name in ("morning", "ноч", '"s"', "s" * 128)]
TALKS = [CorrelationId(f"{number:032x}") for number in (1, 2, 2**128 - 1)]
KEYS = [IdempotencyKey(key) for key in ("k", "K", "é", "e\u0301", "k" * 126, "k" * 128, "{}", "\\")]
KEYS += [IdempotencyKey(f"key-{number}") for number in range(20)]
TURNS = [TurnId(turn) for turn in range(1, 40)]
TIMES = (0, 1, START_NS, TIME_NS_MAX)
TERM = Entry("ann", "acme", "EMPLOYEE_NAME_PREFERRED", "HR_ORG_AUTHORIZED", "Ann Lee")
BYTES = (b"\0", b"\xff\xfe\x80", bytes(range(256)), "🧿".encode(), b"\xed\xa0\x80", b"x" * 65_536)
PAYLOADS = (
    "{}",
    '{"a":"' + "é" * 1_020 + '"}',
    '{"quote":"\\"","slash":"\\\\","u":"\\u00e9","wide":"🧿"}',
    ' { "a" : 1.0 , "a" : 2 } ',
)
DECISIONS = (DRAFT, replace(DRAFT, overall_confidence="MED"), CLARIFY, CHAT, PROFILE)

Call = Callable[[Store], object]


class Pair:
    """Two ledgers that are given the same calls."""

    def __init__(self, sqlite: Ledger, postgres: Ledger, seed: int) -> None:
        self.ledgers = (sqlite, postgres)
        self.random = random.Random(seed)
        self.scribe = Scribe()
        self.seen: Counter[str] = Counter()
        self.units: list[Unit] = []

    def both(self, call: Call) -> object:
        """The one answer of both, or the one error that both met."""
        one, other = (outcome(call, ledger.store) for ledger in self.ledgers)
        assert one == other
        return one

    def scope(self) -> Scope:
        """Few names, so that many hold; now and then none of a session."""
        pick = self.random.choice
        number = self.random.randrange(4)
        scope = Scope(TENANTS[number], USERS[number], DEVICES[number], SESSIONS[number])
        kind = self.random.random()
        if kind < 0.3:
            return replace(scope, session_id=None)
        if kind < 0.5:
            part = pick(("tenant_id", "user_id", "device_id", "session_id"))
            scope = replace(
                scope,
                tenant_id=pick(TENANTS) if part == "tenant_id" else scope.tenant_id,
                user_id=pick(USERS) if part == "user_id" else scope.user_id,
                device_id=pick(DEVICES) if part == "device_id" else scope.device_id,
                session_id=pick(SESSIONS) if part == "session_id" else scope.session_id,
            )
        return scope

    # ---- what is written

    def turn(self) -> TurnId:
        """A turn; the last one there can be is rare, for none comes after it."""
        return TurnId(TURN_ID_MAX) if self.random.random() < 0.002 else self.random.choice(TURNS)

    def unit(self) -> Unit:
        """A unit of any kind: new, a retry, of several drafts, with conditions, with odd values."""
        pick, chance = self.random.choice, self.random.random
        if self.units and chance() < 0.25:
            return self.retried(pick(self.units))
        more = [pick(DECISIONS) for _ in range(self.random.choice((0, 0, 0, 1, 3)))]
        unit = self.scribe.unit(
            pick(DECISIONS), self.scope(), correlation=pick(TALKS), turn=self.turn(),
            key=pick(KEYS[:5] + KEYS[6:]) if not more else pick(KEYS[8:]), more=more,
        )  # fmt: skip
        assert unit.said is not None
        said = unit.said._replace(text=pick(BYTES), created_at=pick(TIMES))
        unit = replace(unit, said=pick((said, said, None)))
        unit = replace(unit, records=tuple(r._replace(record=pick(BYTES)) for r in unit.records))
        if chance() < 0.3:
            unit = self.odd(unit)
        unit = replace(unit, next_turn=chance() < 0.15)
        if unit.events[0].engine == "PH1.PERSONA" and chance() < 0.7:
            unit = replace(unit, after_profile=self.profile_before(unit.events[0]))
        return unit

    def retried(self, unit: Unit) -> Unit:
        """The same unit, or one that says something else under the same keys."""
        change = self.random.randrange(5)
        if change == 1:
            return replace(unit, events=unit.events[:1], records=unit.records[:1])
        if change == 2:
            scope = self.scope()
            events = tuple(e._replace(user_id=scope.user_id, device_id=scope.device_id,
                session_id=scope.session_id) for e in unit.events)  # fmt: skip
            said = unit.said and unit.said._replace(
                user_id=scope.user_id, device_id=scope.device_id
            )
            return self.renamed(replace(unit, events=events, said=said))
        if change == 3:
            return self.renamed(
                replace(unit, events=tuple(e._replace(payload_min="{}") for e in unit.events))
            )
        return unit if change else self.renamed(unit)

    def renamed(self, unit: Unit) -> Unit:
        """The same with new ids, as a caller makes it that has forgotten the first ones."""
        fresh = [self.scribe.event().event_id for _ in unit.events]
        events = tuple(e._replace(event_id=i) for e, i in zip(unit.events, fresh, strict=True))
        pairs = zip(unit.records, fresh, strict=False)
        records = tuple(record._replace(event_id=i) for record, i in pairs)
        return replace(unit, events=events, records=records)

    def odd(self, unit: Unit) -> Unit:
        """Values at the ends of their ranges, and events that are of no user."""
        pick = self.random.choice

        def change(event: AuditEvent) -> AuditEvent:
            event = event._replace(
                reason_code=pick((1, 2**32 - 1)), severity=pick(("INFO", "WARN")),
                payload_min=pick(PAYLOADS), created_at=pick(TIMES), event_type="é" * 32,
            )  # fmt: skip
            if unit.said is None and self.random.random() < 0.5:
                engine = pick(("PH1.OS", "🧿" * 32))
                device = pick((None, event.device_id))
                user = event.user_id if device else pick((None, event.user_id))
                event = event._replace(
                    engine=engine, user_id=user, device_id=device, session_id=None
                )
            return event

        events = tuple(map(change, unit.events))
        engines = {event.event_id: event.engine for event in events}
        records = tuple(
            record._replace(
                engine=engines[record.event_id], pack_digest=pick((None, "sha256:é")), key_id="k1"
            )
            for record in unit.records
        )
        return replace(unit, events=events, records=records)

    def profile_before(self, event: AuditEvent) -> str:
        """What a profile was made from: mostly the newest."""
        assert event.user_id is not None
        user = event.user_id
        last = self.ledgers[0].store.last_profile(event.tenant_id, user)
        right = last.event_id if last else ""
        return self.random.choice((right, right, right, "", event.event_id))

    def commit(self) -> None:
        """One unit or several, perhaps of several tenants, perhaps one of them twice."""
        pick = self.random.choice
        units = [self.unit() for _ in range(pick((1, 1, 2, 5, 20)))]
        if pick((True, False)):
            units += [pick((lambda u: u, self.renamed))(pick(units)) for _ in range(pick((1, 3)))]
        # An id of its own for each: the same unit twice is a retry, the same id elsewhere a fault.
        self.units += units
        told = self.both(lambda store: store.commit(units))
        assert isinstance(told, list)
        for one in told:
            kind = one[0] if isinstance(one[0], str) else f"{one[0].deduplicated}"
            self.seen[f"{kind} of {min(len(one), 2)}" if kind in ("True", "False") else kind] += 1

    def say(self) -> None:
        """A line of conversation."""
        pick = self.random.choice
        line = self.scribe.utterance(
            scope=self.scope(), correlation=pick(TALKS), turn=pick(TURNS),
            role=pick(("USER", "SELENE")),
        )._replace(text=pick(BYTES), privacy_scope=pick(("PUBLIC", "CONFIDENTIAL")))  # fmt: skip
        self.seen[f"said {self.both(lambda store: store.append_utterance(line))!r:.10}"] += 1

    def remember(self) -> None:
        """A memory event, or one again."""
        pick = self.random.choice
        event = self.scribe.memory(
            pick(("STORED", "UPDATED", "FORGOTTEN")), self.scope(), memory_key=pick(KEYS[:4]),
            value=pick((b"", *BYTES)), key=pick(KEYS),
        )._replace(expires_at=pick((None, *TIMES)), created_at=pick(TIMES))  # fmt: skip
        self.both(lambda store: store.append_memory(event))
        if pick((True, False)):
            self.both(lambda store: store.append_memory(event))
        self.seen["remembered"] += 1

    # ---- registrations

    def register(self) -> None:
        """A user, a device, a session, or what is another's."""
        scope, at = self.scope(), self.random.choice(TIMES)
        if self.random.random() < 0.4:
            scope = replace(scope, user_id=self.random.choice(USERS),
                device_id=self.random.choice(DEVICES))  # fmt: skip
        device = self.random.choice((scope.device_id, scope.device_id, None))
        session = scope.session_id if device else None
        call: Call = lambda store: store.register(  # noqa: E731
            scope.tenant_id, scope.user_id, device, session, at
        )
        self.seen[f"registered {self.both(call)!r:.5}"] += 1

    def change(self) -> None:
        """Another state of a tenant, a user or a session."""
        scope, pick = self.scope(), self.random.choice
        status = pick(("ACTIVE", "ACTIVE", "DISABLED"))
        session = scope.session_id or SESSIONS[0]
        settings = {
            "zone": pick((None, "Europe/Wien")),
            "currency": pick((None, "EUR")),
            "confirm_within_s": pick((600, 30)),
        }
        some = dict(self.random.sample(sorted(settings.items()), self.random.randrange(3)))
        terms = bundle_of(scope.tenant_id, pick(((), (TERM,))), START_NS)
        after = pick((None, terms.digest))
        pack = PackRow(scope.tenant_id, pick("0f") * 64, b"{}", START_NS)
        stretch = Stretch(pick((None, *TIMES)), pick((None, *TIMES)))
        row = TenantRow(scope.tenant_id, "USD", "ask", pick((None, "DMY")), None, pick(TIMES))
        calls: Sequence[Call] = (
            lambda store: store.set_identity_status(scope.tenant_id, scope.user_id, status),
            lambda store: store.set_tenant(scope.tenant_id, some),
            lambda store: store.rebuild_memory(scope.tenant_id, scope.user_id),
            lambda store: scope.tenant_id != "initech" and store.put_terms(terms, after),
            lambda store: store.term_bundle(scope.tenant_id, terms.digest),
            lambda store: store.pack(scope.tenant_id, pack.digest),
            lambda store: scope.tenant_id != "initech" and store.put_pack(pack),
            lambda store: store.events_between(scope.tenant_id, stretch, 50),
            lambda store: store.close_session(scope.tenant_id, session, pick((0, START_NS))),
            lambda store: scope.tenant_id != "initech" and store.add_tenant(row),
        )
        (number,) = self.random.choices(range(len(calls)), (3, 3, 3, 2, 1, 1, 1, 1, 1, 1))
        state = self.random.getstate()

        def call(store: Store) -> object:
            self.random.setstate(state)  # Both stores are given the same time.
            return calls[number](store)

        self.both(call)
        self.seen[f"changed {number}"] += 1

    # ---- what is read

    def read(self) -> None:
        """Every way to read, for everything there is, and for what there is not."""
        self.both(lambda store: store.tenants())
        for tenant in TENANTS:
            self.both(methodcaller("tenant", tenant))
            for user in USERS:
                for read in ("memory_events", "memory_current", "last_profile"):
                    self.both(methodcaller(read, tenant, user))
            for talk in TALKS:
                for read in ("trace", "conversation"):
                    self.both(methodcaller(read, tenant, talk))
        for unit in self.random.sample(self.units, min(40, len(self.units))):
            for event in unit.events:
                tenant = self.random.choice((event.tenant_id, TENANTS[0]))
                self.read_of(tenant, event)

    def read_of(self, tenant: TenantId, event: AuditEvent) -> None:
        """The ways to read that name an event."""
        talk, user = event.correlation_id, event.user_id or USERS[0]
        self.both(lambda store: store.event(tenant, event.event_id))
        self.both(lambda store: store.record(tenant, event.event_id))
        self.both(lambda store: store.event_by_key(tenant, talk, event.idempotency_key))
        self.both(lambda store: store.turns_taken(tenant, [(talk, event.idempotency_key)]))
        self.both(lambda store: store.turn_before(tenant, talk, user, event.turn_id))

    def rows(self) -> None:
        """Every row of every table, by raw SQL, with the types of its values."""
        sqlite, postgres = (ledger.tables() for ledger in self.ledgers)
        for table in TABLE_NAMES:
            assert list(map(repr, sqlite[table])) == list(map(repr, postgres[table])), table
        names = [columns_of(ledger) for ledger in self.ledgers]
        assert names[0] == names[1]


def outcome(call: Call, store: Store) -> object:
    """What a call comes to, with an error as its class and its words."""
    try:
        told = call(store)
    except SeleneError as error:
        return words(error)
    if isinstance(told, list):
        return [words(one) if isinstance(one, SeleneError) else one for one in told]
    return told


def words(error: SeleneError) -> tuple[object, ...]:
    """An error as what a caller is shown of it."""
    return (type(error).__name__, *error.as_record().values())


def columns_of(ledger: Ledger) -> dict[str, list[object]]:
    """The columns of every table, in order."""
    sqlite = isinstance(ledger.database, SqliteDatabase)
    asked = (
        "SELECT name FROM pragma_table_info('{}') ORDER BY cid"
        if sqlite
        else "SELECT column_name::text FROM information_schema.columns"
        " WHERE table_schema = 'os_core' AND table_name = '{}' ORDER BY ordinal_position"
    )
    results = ledger.raw(*(asked.format(table) for table in TABLE_NAMES))
    return {
        table: [row[0] for row in result.rows]
        for table, result in zip(TABLE_NAMES, results, strict=True)
    }


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[tuple[Ledger, Ledger]]:
    """A ledger on SQLite and one on PostgreSQL, alike."""
    database = PostgresDatabase.fresh("postgres")
    both = (Ledger(SqliteDatabase(tmp_path)), Ledger(database))
    for ledger in both:
        for number, tenant in enumerate(TENANTS[:4]):
            ledger.store.add_tenant(TenantRow(tenant, None, "ask", None, None, 0))
            ledger.store.register(tenant, USERS[number], DEVICES[number], SESSIONS[number], 0)
    yield both
    for ledger in both:
        ledger.store.close()
    database.drop()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_calls_leave_the_same_rows_and_the_same_answers(
    ledgers: tuple[Ledger, Ledger], seed: int
) -> None:
    pair = Pair(*ledgers, seed)
    steps = (pair.commit, pair.say, pair.remember, pair.register, pair.change)
    for number in range(OPERATIONS):
        pair.random.choices(steps, weights=(10, 3, 4, 2, 1))[0]()
        if number % 200 == 0:
            pair.read()
    pair.read()
    pair.rows()
    # A history that met too little would prove too little.
    for kind in ("False of 1", "False of 2", "True of 1", "True of 2", "ScopeRefused", "Overtaken",
        "IdempotencyConflict", "said True", "said False", "registered True", "registered False",
        "changed 3"):  # fmt: skip
        assert pair.seen[kind], (kind, pair.seen)


def id_taken(scribe: Scribe, first: Unit) -> Unit:
    """A unit whose id another key holds."""
    unit = scribe.unit(key="another", turn=3)
    event = unit.events[0]._replace(event_id=EventId(first.events[0].event_id))
    return replace(unit, events=(event,), records=(), said=None)


@pytest.mark.parametrize("ill", ["an id of another key", "a CHECK violated"])
def test_what_cannot_be_written_fails_its_call_alike(
    ledgers: tuple[Ledger, Ledger], ill: str
) -> None:
    pair = Pair(*ledgers, 0)
    first, good, bad = (pair.scribe.unit(key=key, turn=n) for n, key in enumerate("abc", 1))
    bad = replace(bad, events=(bad.events[0]._replace(reason_code=0),), records=(), said=None)
    if ill == "an id of another key":
        bad = id_taken(pair.scribe, first)
    pair.both(lambda store: store.commit([first]))
    pair.both(lambda store: store.commit([good, bad]))
    pair.rows()
