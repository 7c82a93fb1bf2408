"""Reads on PostgreSQL: the events of one conversation of 3 to 20 rows, out of a large ledger."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Final

import psycopg

from bench import postgres_tables, rows
from bench.postgres_peers import EventSourcing, Ours
from bench.postgres_server import Server
from bench.rounds import Effort, measure, note, say
from bench.table import Bound, Figure, compare
from selene_os.ledger.codec import PH1_NLP
from selene_os.ledger.events import AuditEvent
from selene_os.names import CorrelationId, TurnId
from selene_os.spots import default_key

_SHORTEST, _LONGEST = 3, 20
_COLUMNS: Final = ", ".join(AuditEvent._fields)
_RAW: Final = (
    f"SELECT {_COLUMNS} FROM os_core.audit_events"
    " WHERE tenant_id = %s AND correlation_id = %s ORDER BY turn_id, event_id"
)
# A conversation's name is the digest of its number: names of neighbours lie apart, as random ones.
_NAMED: Final = "md5(talk::text)"
# The turns of many conversations lie interleaved, as they came; ids sort as the rows were written.
_FILL: Final = f"""
INSERT INTO os_core.audit_events ({_COLUMNS})
SELECT p.tenant_id, substr(id, 1, 8) || '-' || substr(id, 9, 4) || '-7' || substr(id, 13, 3)
    || '-8' || substr(id, 16, 3) || '-' || substr(id, 19, 12),
    p.engine, p.event_type, p.reason_code, p.severity, {_NAMED}, turn, p.user_id, p.device_id,
    p.session_id, (%(keys)s::text[])[turn], p.payload_min, p.created_at
FROM (
    SELECT talk, turn, lpad(to_hex(row_number() OVER (ORDER BY turn, talk)), 15, '0')
        || substr(md5((talk * 32 + turn)::text), 1, 15) AS id
    FROM generate_series(1, %(talks)s) AS talk,
        LATERAL generate_series(1, %(shortest)s + talk %% %(spread)s) AS turn
) AS made
JOIN pattern AS p ON p.turn_id = talk %% %(patterns)s
ORDER BY id
"""
_FILL_LIBRARY: Final = f"""
INSERT INTO eventsourcing.stored_events (originator_id, originator_version, topic, state)
SELECT correlation_id, turn_id, event_type,
    convert_to(concat_ws(E'\\x1f', {_COLUMNS}), 'UTF8')
FROM os_core.audit_events ORDER BY event_id
"""


def figures(effort: Effort) -> list[Figure]:
    """The store's trace against the statement alone, and against the library's."""
    with Server() as server:
        note(server.settings())
        postgres_tables.new_ledger(server, "selene")
        ours = Ours(server, "selene")
        postgres_tables.register(ours.store, [rows.SCOPE])
        with server.connect("selene") as raw:
            raw.execute("CREATE SCHEMA eventsourcing")
            # One pool of one connection: one reader reads.
            library = EventSourcing(server, callers=1, schema="selene")
            conversations = _fill(raw, effort.postgres_rows)
            picked = random.Random(1).choices(conversations, k=effort.traces)
            work = _readers(ours.store, raw, library, picked)
            taken = measure(work, effort.rounds, "PostgreSQL trace, conversations/s")
        library.close()
        ours.close()
    title = f"pg trace of {effort.postgres_rows:,} rows"
    return [
        compare(f"{title} / raw SELECT", "/s", taken["selene"], taken["raw"], Bound(least=0.45)),
        compare(f"{title} / eventsourcing", "/s", taken["selene"], taken["eventsourcing"],
                Bound(least=1)),
    ]  # fmt: skip


def _readers(
    store: Any,
    raw: psycopg.Connection[Any],
    library: EventSourcing,
    picked: Sequence[CorrelationId],
) -> dict[str, Callable[[], float]]:
    """The three ways to read, over the same conversations in the same order."""
    parameters = [(rows.TENANT, name) for name in picked]

    def by_store() -> int:
        return sum(len(store.trace(rows.TENANT, name)) for name in picked)

    def by_raw() -> int:
        # As the owner: no row-level security, and nothing to say who reads.
        return sum(len(raw.execute(_RAW, pair).fetchall()) for pair in parameters)

    def by_library() -> int:
        return sum(len(library.select(name)) for name in picked)

    if not by_store() == by_raw() == by_library():
        raise ValueError("the readers did not find the same rows")
    readers = {"selene": by_store, "raw": by_raw, "eventsourcing": by_library}
    return {name: _timed(read, len(picked)) for name, read in readers.items()}


def _timed(read: Callable[[], int], traces: int) -> Callable[[], float]:
    def turn() -> float:
        began = perf_counter()
        read()
        return traces / (perf_counter() - began)

    return turn


def _fill(owner: psycopg.Connection[Any], count: int) -> list[CorrelationId]:
    """Write the audit rows by SQL, ours and the library's; returns the conversations' names.

    By a replica's session, which foreign keys do not check: the rows are made of one unit each.
    """
    say(f"filling a PostgreSQL ledger of {count:,} rows")
    patterns = [
        unit.events[0]._replace(turn_id=TurnId(number))
        for number, unit in enumerate(rows.Source().units(50))
    ]
    spread = _LONGEST - _SHORTEST + 1
    talks = 2 * count // (_SHORTEST + _LONGEST)
    owner.execute("CREATE TEMPORARY TABLE pattern (LIKE os_core.audit_events)")
    marks = ", ".join(["%s"] * len(AuditEvent._fields))
    owner.cursor().executemany(f"INSERT INTO pattern ({_COLUMNS}) VALUES ({marks})", patterns)
    owner.execute("SET session_replication_role = replica")
    owner.execute(
        _FILL,
        {
            "keys": [default_key(PH1_NLP, TurnId(turn + 1)) for turn in range(_LONGEST)],
            "talks": talks,
            "shortest": _SHORTEST,
            "spread": spread,
            "patterns": len(patterns),
        },
    )
    owner.execute("RESET session_replication_role")
    owner.execute(_FILL_LIBRARY)
    # The state that a ledger is in that has been there for a while.
    owner.execute("VACUUM ANALYZE")
    owner.execute("CHECKPOINT")
    named = owner.execute(
        f"SELECT {_NAMED} FROM generate_series(1, %s) AS talk", (talks,)
    ).fetchall()
    return [CorrelationId(name) for (name,) in named]
