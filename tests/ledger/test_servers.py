"""The servers that PostgreSQL is tested on: they start, die, come back, and end with us."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

import servers
from bouncers import PgBouncer
from postgres_databases import PostgresDatabase
from processes import alive, children

TESTS = Path(__file__).parent.parent

# One row under the keys of audit_events, and nothing that guards it.
UNGUARDED = """
CREATE SCHEMA os_core;
CREATE TABLE os_core.audit_events (
    tenant_id text, event_id text, engine text, event_type text, reason_code bigint, severity text,
    correlation_id text, turn_id bigint, user_id text, device_id text, session_id text,
    idempotency_key text, payload_min text, created_at bigint, PRIMARY KEY (tenant_id, event_id),
    UNIQUE (tenant_id, correlation_id, idempotency_key)
);
CREATE TABLE os_core.replay_inputs (tenant_id text);
INSERT INTO os_core.audit_events VALUES
    ('acme', '1', 'e', 't', 1, 'INFO', 'c', 1, 'u', 'd', 's', 'k', '{"a":1}', 5)
"""

# A process that starts a server, says where, and is then killed with no chance to tidy up.
VICTIM = """
import sys; sys.path.insert(0, sys.argv[1])
import servers
server = servers.PostgresServer(servers.wheel())
server.start()
print(server._process.pid, server._lair.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=servers.names())
def server(request: pytest.FixtureRequest) -> servers.PostgresServer:
    """Each server of the session."""
    return servers.named(request.param)


@pytest.fixture
def name(server: servers.PostgresServer) -> Iterator[str]:
    """An empty database of a server."""
    name = server.new_database()
    yield name
    server.drop_database(name)


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """The rows of one statement on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_server_answers_on_its_socket_and_over_tcp(
    server: servers.PostgresServer, name: str
) -> None:
    facts = "SELECT current_user, current_database(), current_setting('server_version_num')::int,"
    facts += " inet_server_addr() IS NULL, pg_encoding_to_char(encoding), datcollate"
    facts += " FROM pg_database WHERE datname = current_database()"
    ours = not isinstance(server, servers.GivenServer)
    for tcp in (False, True):
        ((user, database, version, on_socket, *text),) = execute(server.url(name, tcp=tcp), facts)
        assert (database, text[0]) == (name, "UTF8")
        assert isinstance(version, int)
        assert version // 10_000 == server.version
        assert not ours or (user, on_socket, text[1]) == ("postgres", not tcp, "C")
    command = [str(server.bin("pg_dump")), "--schema-only", server.url(name)]
    assert not ours or b"dump complete" in subprocess.run(command, capture_output=True).stdout


def test_a_database_made_from_a_template_is_a_copy_of_its_own(
    server: servers.PostgresServer, name: str
) -> None:
    execute(server.url(name), "CREATE TABLE kept AS SELECT 7 AS number")
    copy = server.new_database(name)
    execute(server.url(copy), "UPDATE kept SET number = 8")
    assert execute(server.url(name), "SELECT * FROM kept") == [(7,)]
    assert execute(server.url(copy), "SELECT * FROM kept") == [(8,)]
    with psycopg.connect(server.url(copy)) as connection:
        server.drop_database(copy)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        execute(server.url(copy), "SELECT 1")


@pytest.mark.parametrize("way", ["kill", "stop", "immediate", "restart"])
def test_what_was_committed_is_there_after_the_server_went_and_came(
    server: servers.PostgresServer, name: str, way: str
) -> None:
    execute(server.url(name), "CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    with psycopg.connect(server.url(name)) as connection:
        if way == "immediate":
            server.stop("immediate")
        else:
            getattr(server, way)()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert server.running() is (way == "restart")
    server.start()
    server.start()
    assert execute(server.url(name), "SELECT count(*) FROM kept") == [(1000,)]


def test_a_server_ends_with_the_process_that_started_it_however_that_ends() -> None:
    command = [sys.executable, "-c", VICTIM, str(TESTS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        pid, folder = victim.stdout.readline().split()
        family = [int(pid), *children(int(pid))]
        assert len(family) > 1
        assert all(map(alive, family))
        victim.kill()
    end = time.monotonic() + 30
    while any(map(alive, family)) or Path(folder.decode()).exists():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_pgbouncer_lends_one_connection_to_many_a_transaction_each(
    server: servers.PostgresServer, name: str
) -> None:
    bouncer = PgBouncer(server)
    try:
        url = bouncer.url(name)

        def ask(number: int) -> tuple[object, ...]:
            (row,) = execute(url, f"SELECT {number}, current_database(), pg_backend_pid()")
            return row

        with psycopg.connect(url) as held, ThreadPoolExecutor(4) as pool:
            # Idle between two transactions, it keeps no server connection from the others.
            held.execute("SELECT 1")
            held.commit()
            rows = list(pool.map(ask, range(40)))
        assert [row[:2] for row in rows] == [(number, name) for number in range(40)]
        assert len({row[2] for row in rows}) <= 5
    finally:
        bouncer.stop()
        bouncer.stop()
    with pytest.raises(psycopg.OperationalError):
        ask(1)


@pytest.mark.parametrize("overwrite", PostgresDatabase.overwrites)
def test_each_overwrite_does_overwrite_a_row_that_nothing_guards(
    server: servers.PostgresServer, name: str, overwrite: str
) -> None:
    database = PostgresDatabase(server, name)
    rows = "SELECT * FROM audit_events"
    made, before, done, after = database.raw(UNGUARDED, rows, overwrite, rows)
    assert (made.error, before.error, done.error) == (None, None, None)
    assert after != before


def test_a_stranger_gets_plain_rows_and_the_words_of_each_error(
    server: servers.PostgresServer, name: str
) -> None:
    database = PostgresDatabase(server, name)
    plain, made, wrong, ended, late = database.raw(
        "SELECT 1::bigint, 'a%s', '\\x00ff'::bytea, NULL, '{\"a\": 1}'::jsonb",
        "CREATE TABLE public.t ()",
        "SELECT nothing",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SELECT 1",
    )
    assert plain.rows == [(1, "a%s", b"\x00\xff", None, '{"a": 1}')]
    assert (made.rows, made.error) == ([], None)
    assert wrong.error is not None
    assert "UndefinedColumn" in wrong.error
    assert ended.error
    assert late.error
    database.raw("CREATE ROLE selene_test_guest LOGIN")
    (told,) = database.raw_as("selene_test_guest", "SELECT current_user::text, session_user::text")
    database.raw("DROP ROLE selene_test_guest")
    assert told.rows == [("selene_test_guest", "selene_test_guest")]
