"""What a login can learn of another tenant: by reading, by errors, plans, counters and paths."""

from __future__ import annotations

import re
from typing import Final

import psycopg
import pytest

from ledgers import CHAT, GLOBEX, TABLES, Result
from postgres.sieges import (
    APP,
    AUDITOR,
    HIDDEN,
    HONEST,
    HOSTILE,
    ONE_SERVER,
    TENANT,
    Siege,
    acme_in,
)
from selene_os.ledger.codec import Scope
from selene_os.ledger.postgres import commits
from selene_os.names import CorrelationId, DeviceId, SessionId, UserId

TALK: Final = "1" * 32
FUNCTIONS: Final = (
    f"SELECT * FROM os_core.trace('acme', '{TALK}')",
    f"SELECT * FROM os_core.event_by_key('acme', '{TALK}', 'acme-key')",
    f"SELECT * FROM os_core.turns_taken('acme', '{{{TALK}}}', '{{acme-key}}')",
    f"SELECT * FROM os_core.turn_before('acme', '{TALK}', 'alice', 100)",
    "SELECT * FROM os_core.last_profile('acme', 'alice')",
    "SELECT * FROM os_core.tenant('acme')",
    "SELECT * FROM os_core.list_tenants() WHERE tenant_id = 'acme'",
)
# A cheap function of the reader's own, which the planner would like to call first, and which
# tells what it was called with by failing.
PEEK: Final = (
    "CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0000001"
    " AS $$ BEGIN RAISE 'peeked at %', $1; END $$"
)
# Each of the ways to read a table; the reader fills in which.
READS: Final = (
    "TABLE os_core.{0}",
    "SELECT * FROM ONLY os_core.{0} TABLESAMPLE SYSTEM (100)",
    "SELECT * FROM os_core.{0} WHERE ctid >= '(0,0)'",
    "SELECT t::text::integer FROM os_core.{0} AS t",
    "SELECT * FROM os_core.{0} AS t WHERE pg_temp.peek(t::text)",
    "SELECT * FROM os_core.{0} AS t WHERE t::text::integer = 1 OR TRUE",
    "SELECT json_agg(t) FROM os_core.{0} AS t",
    "SELECT string_agg(t::text, ' ') OVER () FROM os_core.{0} AS t",
    "TABLE mine",
    "TABLE mine_checked",
)
VIEWS: Final = (
    "CREATE TEMP VIEW mine AS TABLE os_core.{0}",
    "CREATE TEMP VIEW mine_checked WITH (security_barrier) AS SELECT * FROM os_core.{0} AS t"
    " WHERE pg_temp.peek(t::text)",
)
READERS: Final = {
    "the application for nobody": (APP, ()),
    "the application for nobody by name": (APP, ("SET selene.tenant = ''",)),
    "the application for all": (APP, ("SET selene.tenant = '%'",)),
    "the application for globex": (APP, ("SET selene.tenant = 'globex'",)),
    "globex for nobody": (HOSTILE, ()),
    "globex for globex": (HOSTILE, ("SET selene.tenant = 'globex'",)),
    "globex for acme": (HOSTILE, ("SET selene.tenant = 'acme'",)),
    "globex as every tenant": (HOSTILE, ("SET selene.tenant = 'acme'", f"SET ROLE {TENANT}")),
}


@pytest.mark.parametrize("reader", READERS)
def test_no_way_to_read_a_table_shows_another_tenant(siege: Siege, reader: str) -> None:
    role, settings = READERS[reader]
    for table in TABLES:
        before = [*settings, PEEK, *(view.format(table) for view in VIEWS)]
        results = siege.by(role, *before, *(read.format(table) for read in READS))
        assert acme_in(results) == [], table


@ONE_SERVER
@pytest.mark.parametrize("reader", READERS)
def test_no_plan_shows_another_tenant(siege: Siege, reader: str) -> None:
    """Also where the planner takes another way, workers included."""
    role, settings = READERS[reader]
    for table in TABLES:
        before = [*settings, PEEK, *(view.format(table) for view in VIEWS)]
        for plan in ("enable_seqscan = off", "enable_indexscan = off", f"{_parallel(siege)} = on"):
            results = siege.by(role, f"SET {plan}", *before, *(r.format(table) for r in READS))
            assert acme_in(results) == [], (table, plan)


@pytest.mark.parametrize("reader", READERS)
def test_no_copy_shows_another_tenant(siege: Siege, reader: str) -> None:
    role, settings = READERS[reader]
    with siege.connect(role) as connection, connection.cursor() as cursor:
        for setting in settings:
            cursor.execute(setting.encode())
        for table in {*TABLES} - {*HIDDEN}:
            if TENANT in " ".join(settings):
                # That role is not let into the schema at all.
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    cursor.execute(f"COPY os_core.{table} TO STDOUT".encode())
                continue
            with cursor.copy(f"COPY os_core.{table} TO STDOUT".encode()) as copied:
                rows = [(bytes(line),) for line in copied]
            assert acme_in([Result([*rows], None)]) == [], table


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("role", [APP, HOSTILE, HONEST])
def test_who_holds_a_device_and_who_gets_in_is_nobodys_to_read(
    siege: Siege, role: str, hidden: str
) -> None:
    reads = [f"SELECT {column} FROM os_core.{hidden}" for column in ("*", "1", "count(*)", "ctid")]
    reads += [f"COPY os_core.{hidden} TO STDOUT", f"SELECT FROM os_core.{hidden}"]
    reads += [f"EXPLAIN SELECT FROM os_core.{hidden} WHERE created_at = 1"]
    reads += [f"INSERT INTO os_core.{hidden} VALUES ('kitchen') ON CONFLICT DO NOTHING"]
    for read, result in zip(reads, siege.by(role, *reads), strict=True):
        assert (result.error or "").startswith("InsufficientPrivilege"), read


@ONE_SERVER
@pytest.mark.parametrize("named", ["acme", "globex", "initech", "", "%", "globex "])
def test_a_reader_is_whom_its_login_may_act_for(siege: Siege, named: str) -> None:
    asked = (f"SET selene.tenant = '{named}'", "SELECT os_core.reader()")
    told = {role: siege.asked(role, *asked).rows for role in (APP, AUDITOR, HOSTILE, HONEST)}
    assert told == {
        APP: [(named,)],
        AUDITOR: [(named,)],
        HOSTILE: [(named if named == "globex" else None,)],
        HONEST: [(named if named == "acme" else None,)],
    }


def _parallel(siege: Siege) -> str:
    newer = siege.database.server.version >= 16
    return "debug_parallel_query" if newer else "force_parallel_mode"


def test_the_attacks_would_show_what_there_is(siege: Siege) -> None:
    """With no policy in the way, each way to read shows acme's words."""
    siege.superuser("ALTER TABLE os_core.devices DISABLE ROW LEVEL SECURITY")
    for read in READS:
        before = (PEEK, *(view.format("devices") for view in VIEWS))
        result = siege.by(HOSTILE, *before, read.format("devices"))[-1]
        assert "kitchen" in acme_in([result]), read


@pytest.mark.parametrize("statement", FUNCTIONS)
def test_no_function_reads_for_another_tenants_login(siege: Siege, statement: str) -> None:
    (hidden,) = siege.by(HOSTILE, statement)
    (shown,) = siege.by(APP, statement)
    assert hidden.error is None
    assert [row for row in hidden.rows if row != (None,)] == []
    assert [row for row in shown.rows if row != (None,)] != []


def test_an_event_and_its_record_are_hidden_by_id(siege: Siege) -> None:
    ((event_id,), *_) = siege.superuser(
        "SELECT event_id FROM audit_events WHERE tenant_id = 'acme' ORDER BY event_id"
    )
    for tenant in ("acme", "globex"):
        for function in ("event", "record"):
            call = f"SELECT * FROM os_core.{function}('{tenant}', '{event_id}')"
            assert siege.asked(HOSTILE, call).rows == []
            assert len(siege.asked(APP, call).rows) == (tenant == "acme")


def test_statements_and_cursors_follow_the_tenant_of_their_transaction(siege: Siege) -> None:
    count = "SELECT count(*), min(tenant_id), max(tenant_id) FROM os_core.audit_events"
    results = siege.by(
        APP,
        f"PREPARE counted AS {count}",
        "SET plan_cache_mode = force_generic_plan",
        *("BEGIN", "SET LOCAL selene.tenant = 'acme'", "EXECUTE counted", "COMMIT"),
        *("BEGIN", "SET LOCAL selene.tenant = 'globex'", "EXECUTE counted", "COMMIT"),
        "EXECUTE counted",
        *("BEGIN", "SET LOCAL selene.tenant = 'acme'", "EXECUTE counted", "ROLLBACK"),
        "EXECUTE counted",
    )
    assert [result.error for result in results] == [None] * len(results)
    counted = [result.rows[0] for result in results if result.rows]
    none = (0, None, None)
    acme, globex = (3, "acme", "acme"), (2, "globex", "globex")
    assert counted == [acme, globex, none, acme, none]


def test_a_cursor_of_one_tenants_login_shows_it_alone(siege: Siege) -> None:
    results = siege.by(
        HOSTILE,
        "BEGIN",
        "SET LOCAL selene.tenant = 'globex'",
        "DECLARE held CURSOR WITH HOLD FOR TABLE os_core.audit_events",
        "DECLARE c CURSOR FOR TABLE os_core.audit_events",
        "FETCH 1 FROM c",
        "SET LOCAL selene.tenant = 'acme'",
        "FETCH ALL FROM c",
        "COMMIT",
        "SET selene.tenant = 'acme'",
        "FETCH ALL FROM held",
    )
    assert [result.error for result in results] == [None] * len(results)
    assert acme_in(results) == []


def test_statistics_show_no_values_of_others(siege: Siege) -> None:
    siege.superuser("ANALYZE os_core.audit_events")
    siege.superuser("ANALYZE os_core.devices")
    results = siege.by(
        HOSTILE,
        "SET selene.tenant = 'acme'",
        "SELECT * FROM pg_stats WHERE schemaname = 'os_core'",
        "SELECT * FROM pg_stats_ext",
        "SELECT * FROM pg_stat_user_tables",
        "SELECT * FROM pg_stat_user_functions",
        "SELECT query FROM pg_stat_activity",
    )
    assert acme_in(results) == []
    (read,) = siege.by(HOSTILE, "SELECT * FROM pg_statistic")
    assert (read.error or "").startswith("InsufficientPrivilege")


def test_the_auditor_reads_all_and_writes_nothing(siege: Siege) -> None:
    (found,) = siege.by(AUDITOR, "SELECT DISTINCT tenant_id FROM os_core.audit_events ORDER BY 1")
    assert found.rows == [("acme",), ("globex",)]


# ---- plans and counters

_NAMED: Final = (
    "SELECT FROM os_core.identities WHERE user_id = '{}'",
    "SELECT FROM os_core.devices WHERE device_id = '{}'",
    "SELECT FROM os_core.sessions WHERE session_id = '{}'",
    "SELECT FROM os_core.memory_ledger WHERE user_id = '{}'",
)
_ACMES: Final = ("alice", "kitchen", "morning", "alice")


@pytest.mark.parametrize(("read", "acmes"), [*zip(_NAMED, _ACMES, strict=True)])
def test_no_plan_tells_whether_another_tenant_has_a_row(
    siege: Siege, read: str, acmes: str
) -> None:
    plans = []
    for name in (acmes, "nobody-at-all"):
        explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF)"
        results = siege.by(
            HOSTILE,
            "SET selene.tenant = 'acme'",
            "SET enable_seqscan = off",
            f"{explain} {read.format(name)}",
        )
        assert [result.error for result in results] == [None] * len(results)
        shown = "\n".join(str(row[0]) for row in results[-1].rows)
        plans.append(re.sub(rf"'{name}'|Heap Fetches: \d+", "", shown))
    assert plans[0] == plans[1]


def _counters(siege: Siege, role: str, call: str) -> tuple[object, object]:
    """What a call answered, and what it read and wrote of every table and index of ours."""
    with siege.connect(role) as connection, connection.transaction():
        connection.execute("SET LOCAL enable_seqscan = off")
        answered = connection.execute(call.encode()).fetchall()
        counted = connection.execute(
            "SELECT relname, pg_stat_get_xact_numscans(oid), pg_stat_get_xact_tuples_returned(oid),"
            " pg_stat_get_xact_tuples_fetched(oid), pg_stat_get_xact_tuples_inserted(oid)"
            " FROM pg_class WHERE relnamespace = 'os_core'::regnamespace AND relkind IN ('r', 'i')"
            " ORDER BY relname"
        ).fetchall()
    return answered, counted


@pytest.mark.parametrize("statement", FUNCTIONS[:-1])
def test_a_function_looks_at_nothing_of_another_tenants(siege: Siege, statement: str) -> None:
    _, counted = _counters(siege, HOSTILE, statement)
    nothing = _counters(siege, HOSTILE, "SELECT 1")[1]
    assert counted == nothing


def _commit(siege: Siege, user: str, device: str, session: str | None = None) -> str:
    scope = Scope(
        GLOBEX, UserId(user), DeviceId(device), None if session is None else SessionId(session)
    )
    unit = siege.ledger.scribe.unit(CHAT, scope, correlation=CorrelationId("3" * 32))
    runs = commits.encode(commits.runs_of([(0, unit)]))
    return f"SELECT os_core.commit_units('globex', '{runs}', FALSE)::text"


@pytest.mark.parametrize("role", [APP, HOSTILE])
@pytest.mark.parametrize(
    ("theirs", "unknown"),
    [
        (("carol", "kitchen"), ("carol", "nowhere")),
        (("alice", "kitchen"), ("nobody", "nowhere")),
        (("carol", "porch", "morning"), ("carol", "porch", "never")),
    ],
    ids=["a device", "a user and a device", "a session"],
)
def test_what_another_tenant_has_takes_the_path_of_what_nobody_has(
    siege: Siege, role: str, theirs: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    with siege.unchanged():
        found = _counters(siege, role, _commit(siege, *theirs))
        assert found == _counters(siege, role, _commit(siege, *unknown))
    # It was looked up, and refused.
    assert "found" in str(found[0])


def test_registering_what_another_tenant_holds_is_refused_like_any(siege: Siege) -> None:
    siege.database.raw("SELECT os_core.register('globex', 'dan', 'garage', NULL, 1, FALSE)")
    with siege.unchanged():
        theirs, own = siege.by(
            HOSTILE,
            "SELECT os_core.register('globex', 'carol', 'kitchen', NULL, 1, FALSE)",
            "SELECT os_core.register('globex', 'carol', 'garage', NULL, 1, FALSE)",
        )
    assert theirs == own
    assert "refused" in (theirs.error or "")
