"""A search finds what a look through every row finds, in order, page by page."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from command import ALICE as HER
from command import TALK as THERE
from command import Command, Record, rows
from ledgers import (
    ACME,
    ALICE,
    BOB,
    CAROL,
    CHAT,
    CLARIFY,
    DRAFT,
    GLOBEX,
    OTHER_TALK,
    PROFILE,
    START_NS,
    STEP_NS,
    Ledger,
    SqliteDatabase,
)
from selene_os.app import Tenant
from selene_os.errors import BadField
from selene_os.ledger.codec import Decided
from selene_os.ledger.events import AuditEvent, Unit, Wanted
from selene_os.ledger.sqlite import statements
from selene_os.names import CorrelationId, EventId, TenantId, UserId, event_id_of
from selene_os.reasons import ReasonCode

MANY: Final = 240
INTENTS: Final = ("SET_REMINDER", "SEND_MONEY", "CREATE_NOTE")
SOME: Final = START_NS + 60 * STEP_NS


def fill(ledger: Ledger, many: int = MANY) -> None:
    """Write rows at random, many of them at the same moments, some of another tenant."""
    dice = random.Random(20_261_121)
    scribe = ledger.scribe
    drafts = (replace(DRAFT, intent_type=one) for one in INTENTS)
    choices: list[Decided] = [CHAT, CLARIFY, PROFILE, *drafts]
    units = []
    for number in range(many):
        decision = dice.choice(choices)
        scope = dice.choice([ALICE, ALICE, BOB, CAROL])
        unit = scribe.unit(
            decision, scope, correlation=CorrelationId(f"{1 + number // 7:032x}"),
            turn=1 + number, key=f"key-{number}",
        )  # fmt: skip
        at = START_NS + dice.randrange(many // 3) * STEP_NS
        events = tuple(
            event._replace(created_at=at, event_id=event_id_of(at, dice.getrandbits(62)))
            for event in unit.events
        )
        records = tuple(
            record._replace(event_id=event.event_id)
            for record, event in zip(unit.records, events, strict=True)
        )
        units.append(Unit(events, records, unit.said))
    ledger.store.commit(units)


def every(ledger: Ledger, tenant: TenantId = ACME) -> list[AuditEvent]:
    """Each row of a tenant as a stranger reads them, the newest first."""
    columns = ", ".join(AuditEvent._fields)
    (result,) = ledger.raw(f"SELECT {columns} FROM audit_events WHERE tenant_id = '{tenant}'")
    found = [AuditEvent._make(row) for row in result.rows]
    return sorted(found, key=lambda event: (event.created_at, event.event_id), reverse=True)


def wanted(event: AuditEvent, asked: dict[str, Any]) -> bool:
    """Whether a row is what is asked for, found out without any database."""
    payload = json.loads(event.payload_min)
    decision = "PROFILE" if event.engine == "PH1.PERSONA" else payload["decision"]
    reason = asked.get("reason", event.reason_code)
    number = int(ReasonCode[reason]) if isinstance(reason, str) else reason
    return (
        asked.get("intent", payload.get("intent_type")) == payload.get("intent_type")
        and number == event.reason_code
        and asked.get("decision", decision) == decision
        and asked.get("user", event.user_id) == event.user_id
        and asked.get("since", 0) <= event.created_at < asked.get("until", 2**63)
    )


def pages(tenant: Tenant, rows_max: int, **asked: Any) -> list[list[AuditEvent]]:
    """Every page of a search."""
    found, after = [], None
    while True:
        page = tenant.search(rows=rows_max, after=after, **asked)
        found.append(list(page.events))
        after = page.cursor
        if after is None:
            return found


CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "intent": ("SET_REMINDER", "NOTHING"),
    "reason": ("NLP_INTENT_OK", int(ReasonCode.PERSONA_PROFILE_OK)),
    "decision": ("INTENT_DRAFT", "CHAT"),
    "user": ("alice", "nobody"),
    "since": (SOME, 0),
    "until": (SOME + 10 * STEP_NS, START_NS),
}


def test_every_filter_alone_and_combined_finds_what_is_there(ledger: Ledger) -> None:
    fill(ledger)
    tenant = ledger.selene().tenant("acme")
    rows_there = every(ledger)
    assert len(rows_there) > MANY / 2
    hits = 0
    for count in range(len(CHOICES) + 1):
        for names in itertools.combinations(CHOICES, count):
            for values in itertools.product(*(CHOICES[name] for name in names)):
                asked = dict(zip(names, values, strict=True))
                expected = [event for event in rows_there if wanted(event, asked)]
                assert list(tenant.search(rows=1_000, **asked).events) == expected, asked
                hits += bool(expected)
    assert hits > 20


@pytest.mark.parametrize("decision", ["INTENT_DRAFT", "CLARIFY", "CHAT", "PROFILE"])
def test_each_kind_of_decision_is_found(ledger: Ledger, decision: str) -> None:
    fill(ledger)
    expected = [event for event in every(ledger) if wanted(event, {"decision": decision})]
    assert expected
    found = ledger.selene().tenant("acme").search(decision=decision, rows=1_000)
    assert list(found.events) == expected


def test_bounds_of_time_are_the_one_inside_and_the_other_out(ledger: Ledger) -> None:
    fill(ledger)
    tenant = ledger.selene().tenant("acme")
    at = every(ledger)[50].created_at
    inside = tenant.search(since=at, until=at + 1, rows=1_000).events
    assert inside
    assert {event.created_at for event in inside} == {at}
    assert tenant.search(since=at, until=at).events == ()
    assert tenant.search(since=at + 1, until=at).events == ()
    top = 2**63 - 1
    assert tenant.search(since=0, until=top, rows=1_000).events == tuple(every(ledger))
    assert tenant.search(since=top).events == ()


@pytest.mark.parametrize("size", [1, 2, 7, 50, 1_000])
def test_pages_give_each_row_once_in_order(ledger: Ledger, size: int) -> None:
    fill(ledger)
    tenant = ledger.selene().tenant("acme")
    for asked in ({}, {"user": "alice"}, {"decision": "CHAT", "since": SOME}):
        expected = [event for event in every(ledger) if wanted(event, asked)]
        got = pages(tenant, size, **asked)
        assert list(itertools.chain(*got)) == expected
        assert all(len(page) == size for page in got[:-1])


def test_rows_that_come_between_pages_do_not_shift_them(ledger: Ledger) -> None:
    fill(ledger)
    # Behind every moment that `fill` has given a row.
    for _ in range(2_000):
        ledger.scribe.now()
    tenant = ledger.selene().tenant("acme")
    expected = every(ledger)
    got: list[AuditEvent] = []
    after: str | None = None
    for number in itertools.count():
        page = tenant.search(rows=11, after=after)
        got += page.events
        ledger.write(CHAT, correlation=OTHER_TALK, turn=900 + number, key=f"new-{number}")
        after = page.cursor
        if after is None:
            break
    assert got == expected
    assert len(every(ledger)) > len(expected) + 10


def test_rows_of_one_moment_are_paged_by_their_ids(ledger: Ledger) -> None:
    scribe = ledger.scribe
    for number in range(25):
        unit = scribe.unit(turn=1 + number, key=f"key-{number}")
        events = tuple(event._replace(created_at=START_NS) for event in unit.events)
        ledger.commit(replace(unit, events=events))
    got = pages(ledger.selene().tenant("acme"), 4)
    ids = [event.event_id for event in itertools.chain(*got)]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 25


def test_other_tenants_rows_are_never_found(ledger: Ledger) -> None:
    fill(ledger)
    globex = ledger.selene().tenant("globex")
    theirs = every(ledger, GLOBEX)
    assert theirs
    assert list(itertools.chain(*pages(globex, 9))) == theirs
    assert globex.search(user="alice").events == ()
    # A cursor of another tenant's is a moment and an id, and shows nothing of that tenant.
    cursor = ledger.selene().tenant("acme").search(rows=5).cursor
    assert {event.tenant_id for event in globex.search(after=cursor, rows=1_000).events} == {GLOBEX}
    at, _, _ = str(cursor).partition(".")
    assert all(event.created_at <= int(at) for event in globex.search(after=cursor).events)


BAD: Final[list[tuple[str, Any, str]]] = [
    ("rows", 0, "rows"), ("rows", -1, "rows"), ("rows", 1_001, "rows"),
    ("intent", "", "intent"), ("intent", "x" * 65, "intent"), ("intent", "a\x00b", "intent"),
    ("reason", "NO_SUCH", "reason"), ("reason", 0, "reason"),
    ("reason", 2**32, "reason"), ("reason", "-1", "reason"),
    ("reason", "", "reason"),
    ("decision", "chat", "decision"), ("decision", "", "decision"),
    ("user", "", "user"), ("user", "x" * 129, "user"), ("user", "a\nb", "user"),
    ("device", "", "device"), ("device", "x" * 129, "device"), ("device", "a\nb", "device"),
    ("since", -1, "since"), ("since", 2**63, "since"), ("since", 1.5, "since"),
    ("until", -1, "until"), ("until", 2**63, "until"), ("until", "now", "until"),
    ("after", "", "after"), ("after", "x", "after"), ("after", "1", "after"),
    ("after", "1.", "event_id"), ("after", "-1.x", "after"), ("after", "٣.x", "after"),
    ("after", f"{2**63}.x", "after"), ("after", "1.' OR 1=1 --", "event_id"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "field"), BAD)
def test_a_value_outside_its_bounds_is_refused_by_name(
    tmp_path: Path, name: str, value: Any, field: str
) -> None:
    ledger = Ledger(SqliteDatabase(tmp_path))
    with pytest.raises(BadField) as caught:
        ledger.selene().tenant("acme").search(**{name: value})
    ledger.store.close()
    assert caught.value.field == field
    assert caught.value.next_step


def test_reasons_are_named_by_name_number_and_hexadecimal(ledger: Ledger) -> None:
    ledger.write(PROFILE)
    ledger.write(CHAT, turn=2, key="key-2")
    tenant = ledger.selene().tenant("acme")
    number = int(ReasonCode.PERSONA_PROFILE_OK)
    for given in ("PERSONA_PROFILE_OK", number, str(number), hex(number)):
        assert [event.engine for event in tenant.search(reason=given).events] == ["PH1.PERSONA"]


# ---- how it reads


def plan_of(path: str, asked: Wanted) -> str:
    """How SQLite would run a search, with the values given literally."""
    statement = statements.SEARCH
    values = {"tenant_id": ACME, "rows_max": 51, **asked.bound()}
    for name in sorted(values, key=len, reverse=True):
        value = values[name]
        text = "NULL" if value is None else repr(value)
        statement = statement.replace(f":{name}", text)
    return "; ".join(str(row[3]) for row in rows(Path(path), f"EXPLAIN QUERY PLAN {statement}"))


@pytest.mark.parametrize(
    "asked",
    [
        Wanted(),
        Wanted(intent_type="SET_REMINDER", user_id=UserId("alice")),
        Wanted(since=SOME, until=SOME + 1),
        Wanted(after=(SOME, EventId("x")), reason_code=1, decision="CHAT"),
    ],
)
def test_a_search_in_a_file_reads_along_an_index(tmp_path: Path, asked: Wanted) -> None:
    database = SqliteDatabase(tmp_path)
    plan = plan_of(database.path, asked)
    assert "SCAN" not in plan, plan
    assert (
        "USING INDEX audit_events_by_time (tenant_id=? AND created_at>? AND created_at<?)" in plan
    )
    # Rows of one moment are put in order; the whole is not.
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


# ---- by the command line


@pytest.fixture
def selene(selene: Command) -> Command:
    """With a ledger."""
    return selene.prepare()


def found(selene: Command, *options: str) -> list[Record]:
    """The events that a search prints."""
    events = selene.done("search", "--tenant", "acme", *options, "--json").record["events"]
    assert isinstance(events, list)
    return events


def test_the_command_line_searches_page_by_page(selene: Command) -> None:
    assert selene.done("search", "--tenant", "acme").out == "Nothing was found.\n"
    assert found(selene) == []
    for number in range(5):
        selene.say("remind me to call mom", "--correlation", THERE, "--turn", str(number + 1))
    selene.say("hello")
    selene.done("persona", *HER, "--speaker", "alice")
    assert len(found(selene)) == 7
    assert [one["payload_min"].get("decision") for one in found(selene, "--decision", "CHAT")] == [
        "CHAT"
    ]
    drafts = found(selene, "--decision", "CLARIFY", "--user", "alice")
    assert len(drafts) == 5
    assert found(selene, "--user", "bob") == [] == found(selene, "--device", "desk")
    assert found(selene, "--device", "kitchen") == found(selene)
    assert found(selene, "--reason", "PERSONA_PROFILE_OK")[0]["engine"] == "PH1.PERSONA"
    first = selene.done("search", "--tenant", "acme", "--rows", "4", "--json").record
    rest = found(selene, "--after", first["cursor"])
    assert first["events"] + rest == found(selene)
    shown = selene.done("search", "--tenant", "acme", "--rows", "4").out
    assert shown.splitlines()[-1] == f"More: --after {first['cursor']}"
    assert "More:" not in selene.done("search", "--tenant", "acme", "--rows", "7").out


def test_moments_are_given_as_people_write_them(selene: Command) -> None:
    selene.say("hello")
    ((at,),) = rows(selene.path, "SELECT created_at FROM audit_events")
    moment = datetime.fromtimestamp(at // 10**9, UTC)
    day = moment.date().isoformat()
    assert len(found(selene, "--since", day)) == 1
    assert found(selene, "--until", day) == []
    assert len(found(selene, "--since", moment.isoformat())) == 1
    assert len(found(selene, "--since", moment.isoformat().replace("+00:00", "Z"))) == 1
    assert found(selene, "--since", f"{day}T23:59:59.999999-12:00") == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--since", "yesterday"), "since"), (("--until", ""), "until"),
        (("--since", "1969-12-31"), "since"), (("--until", "9999-12-31"), "until"),
        (("--since", "0001-01-01T00:00+23:59"), "since"), (("--rows", "0"), "rows"),
        (("--rows", "1001"), "rows"), (("--after", "x"), "after"),
        (("--reason", "x"), "reason"),
        (("--user", ""), "user"), (("--device", ""), "device"), (("--intent", ""), "intent"),
    ],
)  # fmt: skip
def test_a_bad_option_is_refused_by_name(
    selene: Command, options: tuple[str, ...], field: str
) -> None:
    assert selene.refused("search", "--tenant", "acme", *options)["field"] == field


def test_an_unknown_tenant_and_decision_are_refused(selene: Command) -> None:
    assert selene.refused("search", "--tenant", "initech")["field"] == "tenant_id"
    assert selene("search", "--tenant", "acme", "--decision", "X").code == 2
    assert selene("search", "--tenant", "acme", "--rows", "x").code == 2
