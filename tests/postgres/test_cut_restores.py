"""A restore that is cut off anywhere is no ledger to anybody, says so, and is begun again."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import psycopg
import pytest

from command import Ran, environment, run
from ledgers import Ledger
from postgres.desks import Desk
from processes import wait

# Which call of pg_restore is ours (1: the contents, 2: the tables and rows, 3: the privileges), and
# what happens there instead; {0} is the real one.
CUTS: Final = {
    "before the schema": (1, "kill -9 $PPID"),
    "before the tables": (2, "kill -9 $PPID"),
    "while pg_restore goes on alone": (2, "kill -9 $PPID; sleep 0.2; {0}"),
    "before the comparison": (2, "{0}; kill -9 $PPID"),
    "before the privileges": (3, "kill -9 $PPID"),
    "before the mark is off": (
        3,
        "{0}; echo 'SELECT pg_sleep(2);'; (sleep 1; kill -9 $PPID) >/dev/null 2>&1 &",
    ),
}
OTHERS: Final = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
COMMENT: Final = "SELECT obj_description('os_core'::regnamespace, 'pg_namespace')"


def restored(empty: Desk, call: int, instead: str) -> Ran:
    """A restore in a process of its own, where something else happens at a call of pg_restore."""
    folder = empty.command.folder / "bin"
    folder.mkdir()
    real = f'{empty.server.bin("pg_restore")} "$@"'
    fake = folder / "pg_restore"
    fake.write_text(
        f"#!/bin/sh\necho >> {folder}/calls\n"
        f"if [ $(wc -l < {folder}/calls) = {call} ]; then {instead.format(real)}\n"
        f"else exec {real}; fi\n"
    )
    fake.chmod(0o755)
    # A killed one leaves its list of contents behind.
    changed = environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}", TMPDIR=str(folder))
    line = ("--db", empty.url(), "restore", "b.dump", "--json")
    return run(*line, folder=empty.command.folder, env=changed)


def told_that_it_is_not_whole(empty: Desk) -> None:
    """Check that everybody is told what was begun, and what to do."""
    lines = (("tenant", "list"), ("doctor",), ("init",), ("db", "status"), ("backup", "c.dump"))
    for user in ("postgres", "selene_app", "selene_auditor"):
        for line in lines[: 2 if user != "postgres" else None]:
            error = empty.fault(*line, user=user)
            assert error["code"] == "SchemaDiffers", error
            assert "is not whole: a restore from b.dump was begun" in error["message"]
            assert "run the same `selene restore` again" in error["next_step"]


def no_copy_goes_there(empty: Desk, next_step: str) -> None:
    """Check that a copy is refused."""
    empty.command.done("init", "--db", "file.db")
    error = empty.command.refused("copy", "--from", "file.db", "--to", empty.url())
    assert error["field"] == "to"
    assert next_step in error["next_step"]


@pytest.mark.parametrize("where", CUTS)
def test_a_restore_that_is_killed_is_begun_again(
    filled: tuple[Desk, Ledger], empty: Desk, where: str
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    assert restored(empty, *CUTS[where]).code == -signal.SIGKILL
    wait(lambda: not empty.sql(OTHERS), "the sessions of the killed one end")
    begun = where != "before the schema"
    assert empty.there() == begun
    if begun:
        told_that_it_is_not_whole(empty)
        no_copy_goes_there(empty, "the same `selene restore` again")
    again = empty("restore", "b.dump", "--json")
    assert again.code == 0, again.err
    assert ("was cut off; what it left is removed. Beginning again." in again.err) == begun
    assert (empty.manifest(), empty.catalog()) == (desk.manifest(), desk.catalog())
    assert empty.sql(COMMENT) == [(None,)]
    assert empty.record("doctor", user="selene_app")["held"] is True
    assert "holds a ledger" in empty.refused("restore", "b.dump")["message"]


def test_who_may_not_begin_again_is_told_so(filled: tuple[Desk, Ledger], empty: Desk) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    restored(empty, *CUTS["before the comparison"])
    wait(lambda: not empty.sql(OTHERS), "the sessions of the killed one end")
    error = empty.fault("restore", "b.dump", user="selene_app")
    assert (error["code"], "selene_owner" in error["next_step"]) == ("LedgerUnavailable", True)
    told_that_it_is_not_whole(empty)


def test_what_a_killed_restore_left_running_is_waited_for(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    restored(empty, *CUTS["before the tables"])
    wait(lambda: not empty.sql(OTHERS), "the sessions of the killed one end")
    with psycopg.connect(empty.url()) as left:
        left.execute("CREATE TABLE os_core.audit_events ()")
        error = empty.fault("restore", "b.dump")
        assert "maybe by the pg_restore of one that was cut off" in error["message"]
    empty("restore", "b.dump")
    assert empty.manifest() == desk.manifest()


def test_of_two_restores_at_once_the_second_is_told_so(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    go = empty.command.folder / "go"
    with ThreadPoolExecutor(1) as pool:
        held = f"until [ -e {go} ]; do sleep 0.05; done; {{0}}"
        first = pool.submit(restored, empty, 2, held)
        wait(empty.there, "the first one makes the schema")
        try:
            error = empty.refused("restore", "b.dump")
            assert error["field"] == "database_url"
            assert "is being copied or restored into" in error["message"]
            told_that_it_is_not_whole(empty)
            no_copy_goes_there(empty, "Wait until that is done")
        finally:
            go.touch()
    assert first.result().code == 0
    assert empty.manifest() == desk.manifest()


# ---- what is no restore's to drop


def test_what_a_copy_marked_is_not_restored_onto(filled: tuple[Desk, Ledger], empty: Desk) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    empty.done("init")
    empty.sql("COMMENT ON SCHEMA os_core IS 'a copy from x.db was begun'")
    before = empty.state()
    error = empty.refused("restore", "b.dump")
    assert error["field"] == "database_url"
    assert "selene copy" in error["next_step"]
    assert empty.state() == before


@pytest.mark.parametrize("own", ["a restore from tape, in May", "it's\n\\restrict\nours"])
def test_a_comment_of_an_administrators_own_is_no_mark_and_is_restored(
    filled: tuple[Desk, Ledger], empty: Desk, own: str
) -> None:
    desk, _ = filled
    desk.sql("COMMENT ON SCHEMA os_core IS '{}'".format(own.replace("'", "''")))
    desk.done("backup", "b.dump")
    assert "holds a ledger" in desk.refused("restore", "b.dump")["message"]
    empty.done("restore", "b.dump")
    assert (empty.sql(COMMENT), empty.manifest()) == ([(own,)], desk.manifest())


def test_another_programs_schema_is_left_alone(filled: tuple[Desk, Ledger], empty: Desk) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    theirs = "FUNCTION os_core.theirs() RETURNS int LANGUAGE sql RETURN 1"
    empty.sql("CREATE SCHEMA os_core", f"CREATE {theirs}")
    for line in (("restore", "b.dump"), ("init",)):
        assert "another program's" in empty.fault(*line)["message"]
    assert empty.sql("SELECT os_core.theirs()") == [(1,)]


def test_a_schema_that_an_administrator_made_is_filled_by_a_member_of_the_owner(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, _ = filled
    desk.done("backup", "b.dump")
    for name in ("os_core", "os_keys"):
        empty.sql(f"CREATE SCHEMA {name} AUTHORIZATION selene_owner")
    empty.sql("CREATE ROLE restorer LOGIN")
    empty.sql("GRANT selene_owner TO restorer")
    try:
        empty.done("restore", "b.dump", user="restorer")
    finally:
        empty.sql("DROP ROLE restorer")
    assert (empty.manifest(), empty.catalog()) == (desk.manifest(), desk.catalog())


def test_a_role_that_is_not_there_is_named_and_nothing_stays(
    filled: tuple[Desk, Ledger], empty: Desk
) -> None:
    desk, _ = filled
    default = "ALTER DEFAULT PRIVILEGES IN SCHEMA os_core GRANT SELECT ON TABLES TO selene_auditor"
    desk.sql(default, "CREATE ROLE passing", "GRANT USAGE ON SCHEMA os_core TO passing")
    try:
        desk.done("backup", "b.dump")
    finally:
        desk.sql("DROP OWNED BY passing", "DROP ROLE passing")
        desk.done("backup", "without.dump")
    error = empty.fault("restore", "b.dump")
    assert '"passing" does not exist' in error["message"]
    assert "make that role" in error["next_step"]
    assert not empty.there()
    empty.done("restore", "without.dump")
    assert empty.sql("SELECT count(*) FROM pg_default_acl") == [(1,)]
