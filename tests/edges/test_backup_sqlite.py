"""Backups of a file: consistent beside a writer, compared on the way back, or nothing."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from command import ALICE, TALK, Command, Ran, change, dump, rows, selene_command, whole
from ledgers import Ledger, SqliteDatabase
from processes import wait
from selene_os.edges.databases import SqliteFile
from selene_os.edges.key_directory import USERS
from selene_os.ledger import manifests, migrations
from selene_os.ledger.access import OperatorRow
from selene_os.ledger.manifests import TABLES, Manifest
from selene_os.ledger.sqlite import backup

# The ledger of the first test, made by the command; the others copy it.
SPOKEN: dict[str, bytes] = {}
TORN: Final = "backup of something that is no database"


@pytest.fixture
def selene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    ready = Command(tmp_path, capsys, monkeypatch)
    if SPOKEN:
        return ready.put(SPOKEN)
    ready.prepare()
    ready.done("register", *ALICE, "--session", "s")
    ready.say("remind me to call mom", "--correlation", TALK, "--session", "s")
    ready.say("tomorrow at 5 pm", "--correlation", TALK)
    ready.done("persona", *ALICE, "--speaker", "alice", "--correlation", TALK)
    SPOKEN.update(ready.files())
    return ready


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger beside the command's, open."""
    (tmp_path / "live").mkdir()
    ledger = Ledger(SqliteDatabase(tmp_path / "live"))
    yield ledger
    ledger.store.close()


def held(path: Path) -> Manifest:
    """What a file holds."""
    with backup.snapshot(str(path)) as read:
        return manifests.take("sqlite", (), read)


def left(selene: Command) -> list[str]:
    """The names of what is in the folder, but for the ledger's own."""
    return sorted(
        path.name for path in selene.folder.iterdir() if not path.name.startswith("selene.db")
    )


def refused_whole(selene: Command, *line: str, code: int = 0) -> Ran:
    """A restore into new.db that fails with an error in JSON, and leaves nothing."""
    before = left(selene)
    ran = selene("--db", "new.db", *line, "--json")
    assert ran.code in ((code,) if code else (1, 2)), ran
    assert ran.out == ""
    assert ran.error["next_step"]
    assert left(selene) == before
    return ran


# ---- there and back


def test_a_backup_is_restored_row_for_row_and_goes_on(selene: Command) -> None:
    before = dump(selene.path)
    made = selene.done("backup", "b.db", "--json").record
    file = selene.folder / "b.db"
    keys = f"{selene.path}.keys"
    assert made == {"file": "b.db", "rows": held(selene.path).rows, "keys": keys}
    assert file.stat().st_mode & 0o777 == 0o600
    assert left(selene) == ["b.db", "b.db.manifest.json"]
    record = json.loads((selene.folder / "b.db.manifest.json").read_text())
    assert record["kind"] == "sqlite"
    assert record["migrations"] == [one.title for one in migrations.load("sqlite")]
    assert set(record["tables"]) == set(TABLES)
    assert dump(selene.path) == before == dump(file)
    restored = selene.done("--db", "new.db", "restore", "b.db", "--json").record
    assert restored == {
        "rows": made["rows"],
        "keys": str(selene.folder / "new.db.keys"),
        "api_keys": 0,
        "api_keys_ended": False,
        "operators": 0,
    }
    shutil.copytree(keys, selene.folder / "new.db.keys")
    new = selene.folder / "new.db"
    assert new.stat().st_mode & 0o777 == 0o600
    assert dump(new) == before
    assert selene.done("--db", "new.db", "doctor", "--json").record["held"] is True
    line = ("say", *ALICE, "--correlation", TALK, "--turn", "2", "tomorrow at 5 pm", "--json")
    assert selene.done("--db", "new.db", *line).record["deduplicated"] is True
    selene.done("--db", "new.db", "say", *ALICE, "hello")
    assert "rows, each compared" in selene.done("--db", "x.db", "restore", "b.db").out


def test_a_backup_beside_a_writer_is_of_one_moment(selene: Command, ledger: Ledger) -> None:
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            written += 1
            ledger.write(turn=written, key=f"key-{written}")

    writer = threading.Thread(target=write)
    writer.start()
    wait(lambda: written > 20, "the writer writes")
    try:
        made = [selene("--db", "live/ledger.db", "backup", f"{number}.db") for number in range(5)]
    finally:
        stop.set()
        writer.join()
    assert [(ran.code, ran.err) for ran in made] == [(0, "")] * 5
    counts = []
    for number in range(5):
        tables = held(selene.folder / f"{number}.db").tables
        events = tables["audit_events"][0]
        assert events == tables["replay_inputs"][0] == tables["unsealed_events"][0]
        counts.append(events)
        selene.done("--db", f"new-{number}.db", "restore", f"{number}.db")
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_a_backup_of_several_steps_ends_while_a_writer_writes(
    selene: Command, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a large file takes many steps of the true size; the writer is given its turn after each.
    monkeypatch.setattr(backup, "_PAGES", 4)
    steps = 0

    class Busy(Exception):
        pass

    class Stepping:
        def __init__(self, of: Any) -> None:
            self._of = of

        def __getattr__(self, name: str) -> Any:
            return getattr(self._of, name)

        def step(self, pages: int) -> None:
            nonlocal steps
            steps += 1
            ledger.write(turn=steps, key=f"step-{steps}")
            self._of.step(pages)
            if steps > 300:
                raise Busy

    class Target(apsw.Connection):
        @contextlib.contextmanager
        def backup(self, *named: Any) -> Iterator[Stepping]:  # type: ignore[override]
            with super().backup(*named) as running:
                yield Stepping(running)

    monkeypatch.setattr(apsw, "Connection", Target)
    backup.write(str(selene.folder / "live" / "ledger.db"), selene.folder / "b.db")


def test_an_empty_ledger_is_backed_up_too(selene: Command) -> None:
    selene.done("init", "--db", "empty.db")
    assert selene.done("--db", "empty.db", "backup", "b.db", "--json").record["rows"] == 0
    selene.done("--db", "new.db", "restore", "b.db")
    assert selene.done("--db", "new.db", "tenant", "list", "--json").record["tenants"] == []


# ---- what is refused


def test_nothing_is_overwritten(selene: Command) -> None:
    (selene.folder / "there").write_text("mine")
    (selene.folder / "other.manifest.json").write_text("mine")
    (selene.folder / "link").symlink_to(selene.folder / "nowhere")
    for name in ("there", "other", "link", "no/such/folder/x", "selene.db", "x" * 300):
        assert selene.refused("backup", name)["field"] == "file"
    assert left(selene) == ["link", "other.manifest.json", "there"]
    assert (selene.folder / "there").read_text() == "mine"


def test_a_restore_tells_who_gets_in_again_and_ends_their_keys(selene: Command) -> None:
    made = [
        selene.done("apikey", "add", "--tenant", "acme", "--scope", "read", "--json").record
        for _ in range(3)
    ]
    names = [str(one["key_id"]) for one in made]
    store = SqliteFile(str(selene.path)).bare()
    for login in ("ada", "bea", "cid"):
        store.access.add_operator(OperatorRow(login, "$argon2id$", "*", 1, None, 1))
    store.close()
    selene.done("apikey", "revoke", names[0], "--tenant", "acme")
    selene.done("operator", "disable", "cid")
    selene.done("backup", "b.db")
    # Both are out since, and the back-up does not know.
    selene.done("apikey", "revoke", names[1], "--tenant", "acme")
    selene.done("operator", "disable", "bea")
    told = selene.done("--db", "new.db", "restore", "b.db").out
    assert "API keys that were good: 2. Operators: 2. Revoke and disable again" in told
    ended = selene.done("--db", "other.db", "restore", "--end-keys", "b.db", "--json").record
    assert (ended["api_keys"], ended["api_keys_ended"], ended["operators"]) == (2, True, 2)
    left = selene.done("--db", "other.db", "apikey", "list", "--tenant", "acme", "--json").record
    assert all(key["revoked_at"] is not None for key in left["keys"])
    there = selene.done("--db", "new.db", "apikey", "list", "--tenant", "acme", "--json").record
    assert sum(key["revoked_at"] is None for key in there["keys"]) == 2


def test_keys_of_the_api_are_ended_and_told_of_where_the_rest_of_a_restore_fails(
    selene: Command,
) -> None:
    selene.done("apikey", "add", "--tenant", "acme", "--scope", "read")
    selene.done("backup", "b.db")
    shutil.copytree(f"{selene.path}.keys", selene.folder / "new.db.keys")
    (selene.folder / "new.db.keys" / USERS).write_bytes(b"no keyring" * 1_000)
    ran = selene("--db", "new.db", "restore", "--end-keys", "b.db")
    assert ran.code and not ran.out
    assert "The ledger is restored" in ran.err
    assert "API keys that were good: 1 (all ended now). Operators: 0." in ran.err
    left = selene.done("--db", "new.db", "apikey", "list", "--tenant", "acme", "--json").record
    assert [key["revoked_at"] is not None for key in left["keys"]] == [True]


@pytest.mark.parametrize("name", [".", "/"])
@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_file_without_a_name_is_refused(selene: Command, verb: str, name: str) -> None:
    assert selene.refused("--db", "selene.db", verb, name)["field"] == "file"


def test_a_restore_onto_a_ledger_is_refused_and_changes_nothing(selene: Command) -> None:
    selene.done("backup", "b.db")
    before = whole(selene.path)
    assert selene.refused("restore", "b.db")["field"] == "database_url"
    (selene.folder / "text").write_text("mine")
    assert selene.refused("--db", "text", "restore", "b.db")["field"] == "database_url"
    assert (selene.folder / "text").read_text() == "mine"
    assert whole(selene.path) == before


ROWS = {
    "a row changed": "DROP TRIGGER audit_events_no_update; UPDATE audit_events SET turn_id = 9",
    "a row gone": "DROP TRIGGER replay_inputs_no_delete; DELETE FROM replay_inputs",
    "a row more": "INSERT INTO tenants (tenant_id, created_at) VALUES ('more', 1)",
    "a guard gone": "DROP TRIGGER audit_events_no_update",
    "a table more": "CREATE TABLE spare (x)",
    "a setting": "UPDATE tenants SET currency = 'USD'",
    "another version": "UPDATE schema_migrations SET digest = 'x' WHERE version = 3",
    "a newer version": "INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 1)",
}


@pytest.mark.parametrize("what", ROWS)
def test_a_backup_that_was_changed_is_refused(selene: Command, what: str) -> None:
    selene.done("backup", "b.db")
    change(selene.folder / "b.db", ROWS[what])
    refused_whole(selene, "restore", "b.db", code=1)


def test_no_byte_that_counts_can_be_changed_unseen(selene: Command) -> None:
    selene.done("backup", "b.db")
    file = selene.folder / "b.db"
    good, expected = file.read_bytes(), held(file)
    refused = 0
    for at in range(0, len(good), len(good) // 60):
        file.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        ran = selene("--db", "new.db", "restore", "b.db", "--json")
        assert "Traceback" not in ran.err
        if ran.code == 0:
            # An unused byte, one of the header's, or when a migration was: of no ledger's row.
            assert held(selene.folder / "new.db") == expected, at
            for path in selene.folder.glob("new.db*"):
                path.unlink()
        else:
            refused += 1
            assert left(selene) == ["b.db", "b.db.manifest.json"], at
    assert refused


@pytest.mark.parametrize(
    ("part", "value"),
    [("kind", "postgres"), ("format", 2), ("migrations", None), ("tables", {}), ("tables", None)],
)
def test_a_manifest_that_was_changed_is_refused(selene: Command, part: str, value: object) -> None:
    selene.done("backup", "b.db")
    path = selene.folder / "b.db.manifest.json"
    record = json.loads(path.read_text()) | {part: value}
    path.write_text(json.dumps(record))
    assert refused_whole(selene, "restore", "b.db", code=2).error["field"] == "file"


@pytest.mark.parametrize("table", TABLES)
def test_the_digest_of_each_table_is_compared(selene: Command, table: str) -> None:
    selene.done("backup", "b.db")
    path = selene.folder / "b.db.manifest.json"
    record = json.loads(path.read_text())
    record["tables"][table]["sha256"] = "0" * 64
    path.write_text(json.dumps(record))
    assert table in refused_whole(selene, "restore", "b.db", code=1).error["message"]


def test_a_backup_that_is_none_is_refused(selene: Command) -> None:
    selene.done("backup", "b.db")
    file = selene.folder / "b.db"
    good = file.read_bytes()
    for content in (b"", TORN.encode(), good[: len(good) // 2], good[:4096] + bytes(len(good))):
        file.write_bytes(content)
        refused_whole(selene, "restore", "b.db", code=1)
    file.unlink()
    refused_whole(selene, "restore", "b.db")
    (selene.folder / "b.db.manifest.json").unlink()
    assert refused_whole(selene, "restore", "b.db", code=2).error["field"] == "file"


def test_what_is_no_ledger_is_not_backed_up(selene: Command) -> None:
    (selene.folder / "garbage").write_bytes(b"x" * 5_000)
    for name in ("missing.db", "garbage"):
        ran = selene("--db", name, "backup", "b.db", "--json")
        assert (ran.code, ran.out) == (1, "")
        assert name in ran.error["message"]
    assert left(selene) == ["garbage"]


def test_text_that_is_no_utf8_is_told(selene: Command) -> None:
    change(
        selene.path,
        "DROP TRIGGER audit_events_no_update;"
        "UPDATE audit_events SET idempotency_key = CAST(x'ff' AS TEXT) WHERE turn_id = 1",
    )
    ran = selene("backup", "b.db", "--json")
    assert ran.code == 1
    assert left(selene) == []


# ---- no room


def test_a_full_disk_leaves_nothing_half_written(selene: Command) -> None:
    # A file that may not grow over 20 kB stands for a disk that is full.
    script = f"ulimit -f 20; trap '' XFSZ; exec {' '.join(selene_command())} "
    for line in ("backup b.db --json", "--db new.db restore g.db --json"):
        if "restore" in line:
            selene.done("backup", "g.db")
        before = left(selene)
        ran = subprocess.run(
            ["sh", "-c", script + line], cwd=selene.folder, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout) == (1, ""), ran
        assert "Traceback" not in ran.stderr
        assert left(selene) == before
    assert rows(selene.path, "SELECT count(*) FROM audit_events") == [[3]]
    assert selene.refused("backup", "/dev/full")["field"] == "file"
