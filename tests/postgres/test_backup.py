"""Backups of a server's ledger: consistent, whole, compared on the way back, or nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from command import Command, Ran
from ledgers import Ledger
from postgres.desks import Desk, install_of, manifest_of, works_on
from processes import wait
from selene_os.errors import SeleneError
from selene_os.ledger import manifests
from selene_os.ledger.postgres.store import PostgresStore
from servers import PostgresServer


def left_in(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


# ---- there and back


def test_a_backup_is_restored_row_for_row_and_goes_on(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, ledger = filled
    before = desk.state()
    made = desk.record("backup", "b.dump")
    file = desk.command.folder / "b.dump"
    keys = str(desk.command.folder / "selene.keys")
    assert made == {"file": "b.dump", "rows": desk.manifest().rows, "keys": keys}
    assert manifest_of(file) == desk.manifest().tables
    assert file.stat().st_mode & 0o777 == 0o600
    assert left_in(desk.command.folder) == ["b.dump", "b.dump.manifest.json"]
    assert desk.state() == before
    restored = empty.record("restore", "b.dump")
    let_in = {"api_keys": 0, "api_keys_ended": False, "operators": 1}
    assert restored == {"rows": made["rows"], "keys": keys, **let_in}
    assert empty.manifest() == desk.manifest()
    assert empty.catalog() == desk.catalog()
    for user in ("postgres", "selene_app", "selene_auditor"):
        assert empty.record("doctor", user=user)["held"] is True
    store = PostgresStore(empty.url("selene_app"))
    try:
        works_on(store, ledger)
    finally:
        store.close()


def test_a_backup_beside_a_writer_is_of_one_moment(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, ledger = filled
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            written += 1
            ledger.write(turn=50_000 + written, key=f"while-{written}")

    writer = threading.Thread(target=write)
    writer.start()
    wait(lambda: written > 5, "the writer writes")
    ran = desk("backup", "b.dump")
    stop.set()
    writer.join()
    assert ran.code == 0, ran.err
    tables = manifest_of(desk.command.folder / "b.dump")
    assert tables["audit_events"][0] == tables["replay_inputs"][0]
    assert tables["audit_events"][0] == tables["unsealed_events"][0]
    empty.done("restore", "b.dump")
    assert empty.manifest().tables == tables
    (orphans,) = empty.sql(
        "SELECT count(*) FROM os_core.audit_events AS e WHERE NOT EXISTS (SELECT FROM"
        " os_core.replay_inputs AS r WHERE r.event_id = e.event_id)"
    )
    assert orphans == (0,)


def test_a_restore_on_a_server_that_has_no_roles_makes_them(
    filled: tuple[Desk, Ledger], request: pytest.FixtureRequest
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    server = PostgresServer(install_of(request.node.callspec.params["filled"]))
    try:
        other = Desk(desk.command, server, server.new_database())
        other.done("restore", "b.dump")
        assert other.manifest() == desk.manifest()
        assert other.record("doctor", user="selene_app")["held"] is True
    finally:
        server.end()


# ---- what is refused


def test_nothing_is_overwritten(filled: tuple[Desk, Ledger]) -> None:
    desk, _ = filled
    folder = desk.command.folder
    (folder / "there").write_text("mine")
    (folder / "other.manifest.json").write_text("mine")
    for name in ("there", "other", "no/such/folder/x"):
        assert desk.refused("backup", name)["field"] == "file"
    assert left_in(folder) == ["other.manifest.json", "there"]
    assert (folder / "there").read_text() == "mine"


@pytest.mark.parametrize("name", [".", "/", ""])
@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_file_without_a_name_is_refused(
    filled: tuple[Desk, Ledger], empty: Desk, verb: str, name: str
) -> None:
    desk = filled[0] if verb == "backup" else empty
    assert desk.refused(verb, name)["field"] == "file"


def test_a_restore_onto_a_ledger_is_refused_and_changes_nothing(
    filled: tuple[Desk, Ledger],
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    before = desk.state()
    assert desk.refused("restore", "b.dump")["field"] == "database_url"
    assert desk.state() == before


def flip(file: Path, at: int) -> None:
    """Change one byte of a file."""
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def manifest_changed(file: Path, change: Callable[[manifests.Row], object]) -> None:
    """Change the record in a manifest."""
    path = manifests.path_of(file)
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def refused_whole(empty: Desk, *line: str) -> Ran:
    """A restore that fails with an error in JSON, and after which nothing is there."""
    ran = empty(*line, "--json")
    assert ran.code in (1, 2), ran.out
    assert ran.error["next_step"]
    assert not empty.there(), ran.err
    return ran


def test_a_dump_of_which_one_byte_was_changed_is_refused(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    file = desk.command.folder / "b.dump"
    size = file.stat().st_size
    whole = file.read_bytes()
    kept = []
    # In the head, in the list of contents, and through the rows.
    for at in (2, 6, *range(size // 12, size, size // 12)):
        flip(file, at)
        ran = empty("restore", "b.dump", "--json")
        assert "Traceback" not in ran.err
        if ran.code == 0:
            # The byte said nothing: every row and the catalog are what they were.
            assert (empty.manifest(), empty.catalog()) == (desk.manifest(), desk.catalog())
            kept.append(at)
            empty.sql("DROP SCHEMA os_core CASCADE")
        else:
            assert ran.code in (1, 2)
            assert not empty.there(), (at, ran.err)
        file.write_bytes(whole)
    assert len(kept) < 8
    file.write_bytes(whole[: size // 2])
    refused_whole(empty, "restore", "b.dump")


CHANGES: dict[str, Callable[..., object]] = {
    "fewer rows": lambda one: one["tables"]["audit_events"].update(rows=1),
    "another digest": lambda one: one["tables"]["tenants"].update(sha256="0" * 64),
    "another kind": lambda one: one.update(kind="sqlite"),
    "another format": lambda one: one.update(format=2),
    "a table less": lambda one: one["tables"].pop("sessions"),
    "rows of another type": lambda one: one["tables"]["sessions"].update(rows=None),
    "no object": lambda one: one.clear(),
    "another migration": lambda one: one.update(migrations=["0001_other"]),
}


@pytest.mark.parametrize(
    "what",
    CHANGES,
)
def test_a_manifest_that_was_changed_is_refused(
    filled: tuple[Desk, Ledger], empty: Desk, what: str
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    manifest_changed(desk.command.folder / "b.dump", CHANGES[what])
    refused_whole(empty, "restore", "b.dump")


def test_without_a_manifest_or_with_garbage_nothing_is_restored(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    path = desk.command.folder / "b.dump.manifest.json"
    for content in ("", "[]", "{", "null", '"x"', "\x00"):
        path.write_text(content)
        assert refused_whole(empty, "restore", "b.dump").error["field"] == "file"
    path.unlink()
    assert refused_whole(empty, "restore", "b.dump").error["field"] == "file"
    assert refused_whole(empty, "restore", "missing.dump").error["field"] == "file"


def test_a_backup_of_a_file_is_not_restored_on_a_server(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    empty.command.done("init", "--db", "x.db")
    empty.command.done("--db", "x.db", "backup", "x.backup")
    ran = refused_whole(empty, "restore", "x.backup")
    assert "selene copy" in ran.error["next_step"]


# ---- what is not there


@pytest.mark.parametrize("user", ["selene_app", "selene_auditor"])
def test_who_may_not_read_everything_is_told_so(filled: tuple[Desk, Ledger], user: str) -> None:
    desk, _ = filled
    error = desk.fault("backup", "b.dump", user=user)
    assert error["code"] == "LedgerUnavailable"
    assert "selene_owner" in error["next_step"]
    assert left_in(desk.command.folder) == []


def test_who_may_not_make_a_schema_is_told_so(filled: tuple[Desk, Ledger], empty: Desk) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    error = empty.fault("restore", "b.dump", user="selene_app")
    assert error["code"] == "LedgerUnavailable"
    assert "does not let this login make or change the schema" in error["message"]
    assert "CREATE SCHEMA os_core AUTHORIZATION selene_owner;" in error["next_step"]
    assert not empty.there()


def test_without_the_programs_it_says_what_to_install(
    filled: tuple[Desk, Ledger], empty: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    monkeypatch.setenv("PATH", str(desk.command.folder))
    for error, program in (
        (desk.fault("backup", "c.dump"), "pg_dump"),
        (empty.fault("restore", "b.dump"), "pg_restore"),
    ):
        assert f"{program} is not on the PATH" in error["message"]
        assert "client programs" in error["next_step"]
    assert left_in(desk.command.folder) == ["b.dump", "b.dump.manifest.json"]
    assert not empty.there()


def test_a_program_that_fails_is_told_and_leaves_nothing(
    filled: tuple[Desk, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = filled
    folder = desk.command.folder / "bin"
    folder.mkdir()
    for name, script in {
        "fails": "echo no such luck >&2; exit 7",
        "dies": "kill -9 $$",
        "says nothing": "exit 1",
    }.items():
        (folder / "pg_dump").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "pg_dump").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        error = desk.fault("backup", "b.dump")
        assert "pg_dump failed" in error["message"], name
        assert left_in(desk.command.folder) == ["bin"]


def test_a_database_without_a_ledger_has_nothing_to_back_up(empty: Desk) -> None:
    assert empty.fault("backup", "b.dump")["code"] == "LedgerMissing"
    assert left_in(empty.command.folder) == []


def test_a_server_without_the_roles_has_nothing_to_back_up(command: Command) -> None:
    server = PostgresServer(install_of("postgres"))
    try:
        desk = Desk(command, server, server.new_database())
        assert desk.fault("backup", "b.dump")["code"] == "LedgerMissing"
    finally:
        server.end()


def test_a_full_disk_leaves_no_half_backup(filled: tuple[Desk, Ledger]) -> None:
    desk, _ = filled
    error = desk.refused("backup", "/dev/full")
    assert error["field"] == "file"
    assert Path("/dev/full").exists()


def test_nobody_writes_before_every_row_is_compared(
    filled: tuple[Desk, Ledger], empty: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was acknowledged while a restore compares would be dropped with it."""
    desk, _ = filled
    desk.done("backup", "b.dump")
    met: list[str] = []
    compare = manifests.check

    def meanwhile(*given: object) -> None:
        with pytest.raises(SeleneError) as refused:
            PostgresStore(empty.url("selene_app"))
        met.append(type(refused.value).__name__)
        compare(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(manifests, "check", meanwhile)
    empty.done("restore", "b.dump")
    assert met == ["SchemaDiffers"]
    assert empty.done("tenant", "list", user="selene_app").out
