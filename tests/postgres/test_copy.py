"""A ledger moves from a file to a server: wholly, row for row, or not at all."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import psycopg
import pytest

from command import Command, Ran, change, environment, selene_command
from ledgers import ACME, ALICE, START_NS, Ledger, SqliteDatabase
from postgres.desks import ZOE, Desk, rich, works_on
from processes import wait
from seals import sealer
from selene_os.dictionary import bundle_of
from selene_os.edges import signing_keys
from selene_os.edges.databases import SqliteFile
from selene_os.errors import SchemaDiffers, SeleneError
from selene_os.ledger import manifests
from selene_os.ledger.events import PackRow, TenantRow
from selene_os.ledger.postgres.store import PostgresStore
from selene_os.ledger.sqlite.backup import snapshot
from selene_os.names import TenantId
from servers import named

MANY: Final = 5_000
EARLY: Final = TenantRow(TenantId("early"), None, "ask", None, None, START_NS)
TRIGGERS: Final = "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'A'"


class Move(SimpleNamespace):
    """A full file and an empty database.

    Attributes:
        source: the ledger in the file. path: the file. desk: the database.
    """

    source: Ledger
    path: Path
    desk: Desk

    def __call__(self, *options: str, user: str = "postgres") -> Ran:
        """Copy by the command line."""
        return self.desk.command(
            "copy", "--from", str(self.path), "--to", self.desk.url(user), *options
        )

    def hash(self) -> str:
        """Of the source's files' bytes, the log's too."""
        hashed = hashlib.sha256()
        for path in sorted(self.path.parent.glob("ledger.db*")):
            if path.is_file() and not path.name.endswith("-shm"):
                hashed.update(path.read_bytes())
        return hashed.hexdigest()

    def manifest(self) -> manifests.Manifest:
        """What the source holds."""
        with snapshot(str(self.path)) as read:
            return manifests.take("postgres", (), read)

    def nothing_there(self) -> None:
        """Check that no row is in the target, and that opening it says why."""
        assert self.desk.manifest().rows == 0
        error = self.desk.fault("tenant", "list", user="selene_app")
        assert error["code"] == "SchemaDiffers"
        assert "a copy from" in error["message"]
        assert "selene copy" in error["next_step"]


@pytest.fixture
def move(tmp_path: Path, command: Command) -> Iterator[Move]:
    folder = tmp_path / "source"
    folder.mkdir()
    source = rich(Ledger(SqliteDatabase(folder)), 60)
    source.store.close()
    server = named("postgres")
    desk = Desk(command, server, server.new_database())
    yield Move(source=source, path=folder / "ledger.db", desk=desk)
    server.drop_database(desk.name)


def more(move: Move, many: int = MANY, *, sealed: bool = False) -> None:
    """Write many rows to the source."""
    move.source.reopen()
    scribe = move.source.scribe
    for start in range(1, many + 1, 500):
        units = [
            scribe.unit(turn=1_000 + number, key=f"more-{number}")
            for number in range(start, start + 500)
        ]
        assert move.source.store.commit(units)
    assert move.source.store.put_terms(bundle_of(ACME, (), START_NS), None)
    if sealed:
        file = SqliteFile(str(move.path))
        file.make_keys()
        log = signing_keys.load(Path(file.keys))
        assert sealer(move.source.store, signer=log.signer, keys=log.keys).seal_all() > many
    assert move.source.store.commit([scribe.unit(turn=9_999, key="unsealed")])
    assert move.source.store.put_pack(PackRow(ACME, "0" * 64, b"\x00{}", START_NS))
    move.source.store.close()


# ---- it arrives


def test_every_row_arrives_and_the_file_stays_as_it_is(move: Move) -> None:
    more(move, sealed=True)
    before, expected = move.hash(), move.manifest()
    ran = move("--json")
    assert ran.code == 0, ran.err
    assert move.hash() == before
    assert move.desk.manifest() == expected
    assert ran.record["rows"] == expected.rows > 3 * MANY
    assert all(count for count, _ in expected.tables.values())
    assert all(f"{table}: " in ran.err for table in manifests.TABLES)
    assert move.desk.sql(TRIGGERS) != [(0,)]
    assert move.desk.record("doctor", user="selene_app")["held"] is True


def test_the_target_goes_on_where_the_file_ended(move: Move) -> None:
    move.source.reopen()
    last = move.source.store.last_profile(ZOE.tenant_id, ZOE.user_id)
    move.source.store.close()
    assert last is not None
    assert "compared. The file is as it was." in move().out
    store = PostgresStore(move.desk.url("selene_app"))
    try:
        assert store.last_profile(ZOE.tenant_id, ZOE.user_id) == last
        works_on(store, move.source)
        assert store.rebuild_memory(ACME, ALICE.user_id) == 2
    finally:
        store.close()
    assert move.desk.record("doctor")["held"] is True


def test_an_empty_ledger_can_be_copied(move: Move, tmp_path: Path) -> None:
    move.desk.command.done("init", "--db", "empty.db")
    ran = move.desk.command("copy", "--from", "empty.db", "--to", move.desk.url(), "--json")
    assert (ran.code, ran.record["rows"]) == (0, 0)
    assert move.desk.record("tenant", "list", user="selene_app")["tenants"] == []


# ---- what is refused


def test_a_target_that_holds_rows_is_refused_and_stays_as_it_is(move: Move) -> None:
    move.desk.done("init")
    move.desk.done("tenant", "add", "there")
    before = move.desk.state()
    ran = move("--json")
    assert (ran.code, ran.error["field"]) == (2, "to")
    assert "tenants" in ran.error["message"]
    assert move.desk.state() == before
    assert move.desk.record("tenant", "list")["tenants"]


def test_a_copy_that_is_done_is_not_done_again(move: Move) -> None:
    assert move().code == 0
    before = move.desk.state()
    assert move("--json").error["field"] == "to"
    assert move.desk.state() == before


def test_two_of_a_kind_are_refused(move: Move, tmp_path: Path) -> None:
    url, path = move.desk.url(), str(move.path)
    for source, target in ((path, str(tmp_path / "x.db")), (url, url), (url, path)):
        error = move.desk.command.refused("copy", "--from", source, "--to", target)
        assert error["field"] == "from"
    assert not (tmp_path / "x.db").exists()
    assert not move.desk.there()


def test_a_source_that_is_none_is_the_operators_fault(move: Move, tmp_path: Path) -> None:
    (tmp_path / "garbage.db").write_bytes(b"x" * 5_000)
    for name in ("missing.db", "garbage.db"):
        ran = move.desk.command("copy", "--from", name, "--to", move.desk.url(), "--json")
        assert (ran.code, ran.out) == (1, "")
        assert name in ran.error["message"]
    assert not move.desk.there()


def test_a_login_that_may_not_is_told_so(move: Move) -> None:
    move.desk.done("init")
    for user in ("selene_app", "selene_auditor"):
        ran = move("--json", user=user)
        assert (ran.code, ran.error["code"]) == (1, "LedgerUnavailable")
    assert move.desk.record("tenant", "list")["tenants"] == []


# ---- a source that was tampered with

TEXT = "UPDATE audit_events SET {} WHERE rowid = 3"
TAMPERED = {
    "audit_events": TEXT.format("severity = 'FINE'"),
    "is no JSON": TEXT.format("payload_min = 'x'"),
    "another's device": TEXT.format("device_id = 'desk'"),
    "nobody's event": "DELETE FROM audit_events WHERE rowid = 3",
    "no NUL": "UPDATE identities SET user_id = 'a' || char(0) || 'b' WHERE user_id = 'dave'",
    "unsealed": "DELETE FROM unsealed_events",
    "no UTF-8": "UPDATE audit_events SET payload_min = CAST(x'7b22ff227d' AS TEXT) WHERE rowid = 3",
}


@pytest.mark.parametrize(
    "what",
    TAMPERED,
)
def test_a_source_that_the_target_refuses_fails_and_leaves_nothing(move: Move, what: str) -> None:
    guards = "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema"
    ((drops,),) = move.source.raw(f"{guards} WHERE type = 'trigger'")[0].rows
    off = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON"
    change(move.path, f"{off}; {drops}; {TAMPERED[what]};")
    ran = move("--json")
    assert ran.code in (1, 2), ran.out
    assert ran.out == ""
    assert ran.err.splitlines()[-1].startswith('{"error"')
    assert move.desk.manifest().rows == 0


# ---- cut off


@contextmanager
def paused(move: Move) -> Iterator[subprocess.Popen[str]]:
    """A copy in a process of its own, stopped where some tables are behind it and most before."""
    line = [*selene_command(), "copy", "--from", str(move.path), "--to", move.desk.url()]
    with subprocess.Popen(
        line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            told = next(line for line in process.stderr if line.startswith("sessions: "))
            process.send_signal(signal.SIGSTOP)
            assert "each compared" in told
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How a copy that may go on ended, and what it said to the last."""
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_a_copy_that_is_killed_leaves_nothing_and_can_be_begun_again(move: Move) -> None:
    more(move)
    before, expected = move.hash(), move.manifest()
    with paused(move) as process:
        process.kill()
        assert process.wait() == -signal.SIGKILL
    wait(lambda: not move.desk.sql(f"SELECT 1 {OTHERS}"), "the killed one's session ends")
    move.nothing_there()
    again = move("--json")
    assert again.code == 0, again.err
    assert "was cut off; nothing of it is there. Beginning again." in again.err
    assert move.desk.manifest() == expected
    assert move.hash() == before
    assert move.desk.record("doctor", user="selene_app")["held"] is True


def test_a_copy_that_the_server_ends_leaves_nothing_and_can_be_begun_again(move: Move) -> None:
    more(move)
    with paused(move) as process:
        assert len(move.desk.sql(f"SELECT pg_terminate_backend(pid) {OTHERS}")) == 1
        code, err = ended(process)
    assert code == 1
    assert "Traceback" not in err
    assert "selene: " in err
    move.nothing_there()
    assert move().code == 0
    assert move.desk.manifest() == move.manifest()


def test_a_cut_off_target_does_not_become_unusable(move: Move) -> None:
    more(move)
    move.desk.done("init")
    early = PostgresStore(move.desk.url("selene_app"))
    with paused(move) as process:
        process.kill()
    wait(lambda: len(move.desk.sql(f"SELECT 1 {OTHERS}")) <= 1, "the killed one's session ends")
    with suppress(SeleneError):
        early.add_tenant(EARLY)
    early.close()
    assert move().code == 0 or move.desk("tenant", "list").code == 0


# ---- writers meanwhile


def test_who_writes_to_the_target_meanwhile_is_refused_or_comes_after(move: Move) -> None:
    more(move)
    expected = move.manifest()
    move.desk.done("init")
    early = PostgresStore(move.desk.url("selene_app"))
    with paused(move) as process, ThreadPoolExecutor(1) as pool:
        with pytest.raises(SchemaDiffers):
            PostgresStore(move.desk.url("selene_app"))
        waiting = pool.submit(early.add_tenant, EARLY)
        blocked = f"SELECT 1 {OTHERS} AND wait_event_type = 'Lock'"
        wait(lambda: bool(move.desk.sql(blocked)), "the writer waits")
        code, err = ended(process)
        assert waiting.result() is True
    early.close()
    assert code == 0, err
    found = move.desk.manifest()
    assert found.rows == expected.rows + 1
    assert [name for name in found.tables if found.tables[name] != expected.tables[name]] == [
        "tenants"
    ]


def test_a_source_that_is_written_meanwhile_is_copied_as_of_one_moment(move: Move) -> None:
    more(move, 1_000)
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            written += 1
            move.source.write(turn=50_000 + written, key=f"while-{written}")

    move.source.reopen()
    writer = threading.Thread(target=write)
    writer.start()
    wait(lambda: written > 5, "the writer writes")
    try:
        ran = move("--json")
    finally:
        stop.set()
        writer.join()
    move.source.store.close()
    assert ran.code == 0, ran.err
    counts = {table: count for table, (count, _) in move.desk.manifest().tables.items()}
    assert counts["audit_events"] == counts["replay_inputs"]
    assert counts["audit_events"] == counts["unsealed_events"] + counts["merkle_leaves"]
    assert move.desk.record("doctor", user="selene_app")["held"] is True
    with psycopg.connect(move.desk.url()) as connection:
        assert connection.execute("SELECT obj_description('os_core'::regnamespace)").fetchall() == [
            (None,)
        ]


def test_a_copy_by_a_member_of_the_owner_works(move: Move) -> None:
    move.desk.done("init")
    move.desk.sql("CREATE ROLE mover LOGIN", "GRANT selene_owner TO mover")
    try:
        ran = move("--json", user="mover")
        assert ran.code == 0, ran.err
        assert move.desk.manifest() == move.manifest()
    finally:
        move.desk.sql("DROP ROLE mover")
