"""Every statement that a busy ledger runs, tables that make a planner choose, and what it then did.

What a statement reads is counted by the server itself, within functions and foreign keys as well:
scans of each table from end to end, and entries that each index gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import psycopg

from ledgers import ALICE, CHAT, CLARIFY, DRAFT, PROFILE, START_NS, TALK, Scribe
from postgres_databases import PostgresDatabase
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import Unit
from selene_os.ledger.postgres import commits, statements
from selene_os.names import CorrelationId, DeviceId, EventId, SessionId, TenantId, UserId

Connection = psycopg.Connection[tuple[Any, ...]]

# A tenant of many, one talk of its many, and who talked.
BUSY: Final = Scope(TenantId("busy1"), UserId("u7"), DeviceId("d7"), SessionId("s7"))
THEIR_TALK: Final = CorrelationId(f"{7:032x}")
_EVENTS: Final = 2_000
BATCH: Final = 40
# What one unit may read of an index at most, and one scan; a tenant's rows all would be thousands
# of entries on dozens of pages.
ENTRIES_MAX: Final = 60
PAGES_MAX: Final = 8

# What a defect makes a statement do until it is mended; nothing, when it is. Here v_lost of
# append_events: its EXISTS become hash joins, for which the table is read whole.
DEFECTS: Final[dict[str, list[str]]] = {}

_ID: Final = "'00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0')"
_TALK: Final = "lpad(to_hex(n / 4), 32, '0')"
_SERIES: Final = f"(SELECT 'busy' || t AS tenant, n, (n / 4) % 50 AS u FROM generate_series(1, 3)"\
    f" AS t, generate_series(0, {_EVENTS - 1}) AS n) AS s"  # fmt: skip
_USERS: Final = (
    "(SELECT 'busy' || t AS tenant, n AS u FROM generate_series(1, 3) AS t,"
    " generate_series(0, 199) AS n UNION ALL SELECT 'small' || t, 0 FROM"
    " generate_series(1, 3000) AS t) AS s"
)
FILL: Final = (
    "INSERT INTO os_core.tenants (tenant_id, created_at) SELECT DISTINCT tenant, 1 FROM " + _USERS,
    "INSERT INTO os_core.identities (tenant_id, user_id, created_at)"
    f" SELECT tenant, 'u' || u, 1 FROM {_USERS}",
    "INSERT INTO os_core.device_bindings SELECT 'd' || CASE tenant WHEN 'busy1' THEN '' ELSE"
    f" tenant END || u, tenant, 1 FROM {_USERS}",
    f"INSERT INTO os_core.devices SELECT tenant, 'd' || u, 'u' || u, 1 FROM {_USERS}",
    f"INSERT INTO os_core.sessions SELECT tenant, 's' || u, 'u' || u, 'd' || u, 1 FROM {_USERS}",
    f"INSERT INTO os_core.audit_events SELECT tenant, {_ID}, CASE n % 4 WHEN 3 THEN 'PH1.PERSONA'"
    f" ELSE 'PH1.NLP' END, 'X', 1, 'INFO', {_TALK}, n % 4 + 1, 'u' || u, 'd' || u, 's' || u,"
    f" 'key-' || n, '{{}}', n FROM {_SERIES}",
    "INSERT INTO os_core.replay_inputs SELECT tenant_id, event_id, engine, '1', NULL, 'x', 'plain'"
    " FROM os_core.audit_events WHERE tenant_id ~ '^busy'",
    f"INSERT INTO os_core.conversation_ledger SELECT tenant, {_TALK}, n % 4 + 1, 'USER',"
    f" 'TYPED_TEXT', 'u' || u, 'd' || u, 'x', 'plain', 'PRIVATE', 1 FROM {_SERIES}",
    f"INSERT INTO os_core.memory_ledger SELECT tenant, {_ID}, 'u' || n % 200, 'm' || n / 200, 1,"
    " 'STORED', 'x', 'plain', 'MICRO', 'LOW', 'HIGH', 'CONFIRMED', 'ALWAYS_USABLE', NULL, 'said',"
    f" 'key-' || n, 1 FROM {_SERIES}",
    "INSERT INTO os_core.memory_current SELECT tenant_id, user_id, memory_key, 1, 1, value, key_id,"
    " layer, sensitivity, confidence, consent, use_policy, NULL, provenance, memory_event_id, 1"
    " FROM os_core.memory_ledger WHERE tenant_id ~ '^busy'",
)


class Hot(NamedTuple):
    """One statement with its values, and how many units it writes."""

    statement: str
    values: tuple[object, ...]
    units: int = 1


def hot() -> Mapping[str, Hot]:
    """Every hot statement by name."""
    scribe = Scribe()
    tenant, user = BUSY.tenant_id, BUSY.user_id
    talk = (tenant, THEIR_TALK)
    event_id = EventId(f"00000000-0000-7000-8000-{29:012x}")

    def commit(*units: Unit) -> Hot:
        runs = commits.encode(commits.runs_of(list(enumerate(units))))
        return Hot(statements.COMMIT, (tenant, runs, False), len(units))

    def unit(key: str, turn: int = 90, talk: CorrelationId = TALK) -> Unit:
        return scribe.unit(DRAFT, BUSY, correlation=talk, turn=turn, key=key)

    many = [unit(f"many{n}", 100 + n, THEIR_TALK) for n in range(BATCH)]
    beginning = [
        replace(
            scribe.unit(CHAT, BUSY, correlation=CorrelationId(f"{number:032x}")), next_turn=True
        )
        for number in range(0xB00, 0xB20)
    ]
    checked = replace(unit("checked"), next_turn=True, after_profile=event_id)
    whole = scribe.unit(CLARIFY, BUSY, turn=91, key="whole", more=(CHAT, PROFILE))
    stranger = replace(BUSY, device_id=ALICE.device_id)
    memory, said = scribe.memory(scope=BUSY), scribe.utterance(scope=BUSY, turn=94)
    session = (tenant, BUSY.session_id, START_NS, False)
    place = (tenant, user, BUSY.device_id, "s new", START_NS, False)
    return {
        "commit": commit(unit("one")),
        "commit in a known talk": commit(unit("two", 92, THEIR_TALK)),
        "a retry": commit(unit("key-28", 1, THEIR_TALK)),
        "a batch": commit(*many),
        "commit what may be overtaken": commit(checked),
        "begin conversations": commit(*beginning),
        "commit a unit of several": commit(whole),
        "a refused commit": commit(scribe.unit(DRAFT, stranger, turn=93, key="refused")),
        "trace": Hot(statements.TRACE, talk),
        "event": Hot(statements.EVENT_BY_ID, (tenant, event_id)),
        "event_by_key": Hot(statements.EVENT_BY_KEY, (*talk, "key-29")),
        "record": Hot(statements.RECORD, (tenant, event_id)),
        "turns_taken": Hot(statements.TURNS_TAKEN, (talk[0], [talk[1]], ["key-29"])),
        "turn_before": Hot(statements.TURN_BEFORE, (*talk, user, 90)),
        "last_profile": Hot(statements.LAST_PROFILE, (tenant, user)),
        "append_utterance": Hot(statements.APPEND_UTTERANCE, (*said, False)),
        "conversation": Hot(statements.CONVERSATION, talk),
        "append_memory": Hot(statements.APPEND_MEMORY, (tenant, commits.encode_memory(memory))),
        "memory_events": Hot(statements.MEMORY_EVENTS, (tenant, user)),
        "memory_current": Hot(statements.MEMORY_CURRENT, (tenant, user)),
        "rebuild_memory": Hot(statements.REBUILD_MEMORY, (tenant, user), 10),
        "tenant": Hot(statements.TENANT, (tenant,)),
        "register": Hot(statements.REGISTER, place),
        "close_session": Hot(statements.CLOSE_SESSION, session),
        "set_identity_status": Hot(statements.SET_IDENTITY_STATUS, (tenant, user, "ACTIVE")),
    }


def fill(database: PostgresDatabase, *, analyze: bool) -> None:
    """Put thousands of rows of hundreds of tenants into the tables."""
    wanted = (*FILL, "ANALYZE") if analyze else FILL
    results = database.raw(*wanted)
    assert [result.error for result in results] == [None] * len(results)


_COUNTERS: Final = (
    "SELECT relname, relkind::text, pg_stat_get_xact_numscans(oid),"
    " pg_stat_get_xact_tuples_returned(oid), pg_stat_get_xact_blocks_fetched(oid)"
    " FROM pg_catalog.pg_class WHERE relnamespace = 'os_core'::regnamespace"
    " AND relkind IN ('r', 'i') ORDER BY relname"
)


def breaches(connection: Connection, call: Hot) -> list[str]:
    """Run a statement within a transaction: what it read that it should not have."""
    before = connection.execute(_COUNTERS).fetchall()
    connection.execute(statements.SET_READER, (BUSY.tenant_id,))
    connection.execute(call.statement.encode(), call.values)
    return list(_wrong(before, connection.execute(_COUNTERS).fetchall(), call.units))


def _wrong(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]], units: int
) -> Iterator[str]:
    for (name, kind, *counted), (_, _, *counted_before) in zip(after, before, strict=True):
        scans, entries, pages = (
            now - then for now, then in zip(counted, counted_before, strict=True)
        )
        if kind == "r" and scans:
            yield f"{name} from end to end"
        if kind == "i" and entries > ENTRIES_MAX * units:
            yield f"{name}: {entries} entries"
        # A row that is written is put into the index as well.
        if kind == "i" and scans and pages > PAGES_MAX * (scans + units):
            yield f"{name}: {pages} pages in {scans} scans"
