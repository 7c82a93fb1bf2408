"""`selene verify` at the command line: whom it believes, what was kept, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import Command, change, rows

TAMPER = (
    "DROP TRIGGER audit_events_no_update; UPDATE audit_events SET turn_id = 9"
    " WHERE event_id = (SELECT event_id FROM merkle_leaves WHERE leaf_index = {})"
)


@pytest.fixture
def ledger(selene: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """acme with two rows that are sealed, and one that waits."""
    for name in ("SELENE_KEYS", "SELENE_CHECKPOINT_HOOK"):
        monkeypatch.delenv(name, raising=False)
    selene.prepare().done("init")
    for text in ("remind me to call mom tomorrow at 5 pm", "what is on my calendar"):
        selene.say(text)
    selene.done("seal")
    selene.done("checkpoint", "--tenant", "acme", "--out", "kept.txt")
    selene.say("hello")
    return selene


def guards(path: Path) -> str:
    """The statement that makes the guard of audit_events again."""
    ((sql,),) = rows(path, "SELECT sql FROM sqlite_schema WHERE name = 'audit_events_no_update'")
    return str(sql)


def tamper(ledger: Command, leaf: int = 0) -> None:
    """Change a row and leave the schema as it was."""
    guard = guards(ledger.path)
    change(ledger.path, f"{TAMPER.format(leaf)}; {guard}")


def key(ledger: Command) -> str:
    return ledger.done("signing-key", "show").out.strip()


def other_log(ledger: Command, name: str = "other") -> str:
    """The key of another ledger's log, and its checkpoint in <name>.txt."""
    url = ("--db", f"{name}.db")
    ledger.done("init", *url)
    ledger.done("tenant", "add", "acme", *url)
    place = ("--tenant", "acme", "--user", "alice", "--device", "kitchen")
    ledger.done("register", *place, *url)
    ledger.done("say", *place, *url, "hello")
    ledger.done("seal", *url)
    ledger.done("checkpoint", "--tenant", "acme", "--out", f"{name}.txt", *url)
    return ledger.done("signing-key", "show", *url).out.strip()


def test_a_ledger_that_holds_is_told_with_what_waits(ledger: Command) -> None:
    out = ledger.done("verify").out
    assert out.startswith("held  acme: 2 rows sealed, 1 wait, 1 checkpoints, the newest of ")
    assert "the keys that lie beside the ledger" in out
    record = ledger.done("verify", "--json").record
    assert record == {
        "held": True,
        "schema": [],
        "tenants": [
            {
                "tenant_id": "acme", "held": True, "size": 2, "checked": 2, "checkpoints": 1,
                "rows": 3, "unsealed": 1, "differences": [],
            }
        ],
    }  # fmt: skip


def test_a_row_that_was_changed_ends_with_3_and_is_named(ledger: Command) -> None:
    tamper(ledger)
    ran = ledger("verify")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.startswith("DIFFERS  acme: 2 rows sealed")
    assert "\n  changed leaf 0 event " in ran.out
    ran = ledger("verify", "--json")
    (one,) = ran.record["tenants"][0]["differences"]
    assert (ran.code, one["kind"], one["leaf_index"]) == (3, "changed", 0)
    assert one["event_id"] == rows(ledger.path, "SELECT event_id FROM merkle_leaves")[0][0]


def test_a_guard_that_is_gone_ends_with_3(ledger: Command) -> None:
    change(ledger.path, "DROP TRIGGER merkle_leaves_no_update")
    ran = ledger("verify")
    assert ran.code == 3
    assert "schema: " in ran.out and "merkle_leaves_no_update" in ran.out
    assert not ledger("verify", "--json").record["held"]


def test_what_cannot_be_asked_ends_with_2_and_what_cannot_be_done_with_1(ledger: Command) -> None:
    ran = ledger("verify", "--tenant", "nobody")
    assert (ran.code, "selene tenant list" in ran.err) == (2, True)
    assert ledger("verify", "--jobs", "0").code == 2
    assert ledger("verify", "--resume", "r.txt").code == 2
    ran = ledger("verify", "--db", "nothing.db")
    assert (ran.code, "selene init" in ran.err) == (1, True)
    (ledger.folder / "selene.db.keys").rename(ledger.folder / "gone")
    ran = ledger("verify")
    assert (ran.code, "selene.db.keys holds no signing key" in ran.err) == (1, True)


# ---- whom to believe


def test_a_key_is_believed_by_its_line_or_in_a_file_without_the_directory(ledger: Command) -> None:
    line = key(ledger)
    (ledger.folder / "selene.db.keys").rename(ledger.folder / "gone")
    (ledger.folder / "keys.txt").write_text(f"\n{line}\n")
    for given in (line, "keys.txt"):
        out = ledger.done("verify", "--key", given).out
        assert out.startswith("held  acme") and "beside the ledger" not in out


def test_another_logs_key_is_not_believed(ledger: Command) -> None:
    wrong = other_log(ledger)
    ran = ledger("verify", "--key", wrong)
    assert ran.code == 3
    assert "key that you trust is none of this log's" in ran.out
    assert "is signed by none of the given keys" in ran.out
    error = ledger.refused("verify", "--key", wrong, "--key", key(ledger))
    assert (error["field"], error["next_step"]) == (
        "key",
        "Give the keys of this ledger's log alone.",
    )


@pytest.mark.parametrize("given", ["nothing", "no+such+key", "a" * 300, "a+" * 300, ".", ""])
def test_what_is_no_key_is_refused(ledger: Command, given: str) -> None:
    error = ledger.refused("verify", "--key", given)
    assert error["field"] == "key"
    assert "neither a verifier key nor a file that can be read" in error["message"]
    assert "selene signing-key show" in error["next_step"]


def test_a_file_that_holds_no_key_is_refused(ledger: Command) -> None:
    line = key(ledger)
    for content, told in (
        (b"", "is in none of the files"),
        (b"\xff\xfe", "neither a verifier key nor a file"),
        (f"{line}\nmore".encode(), "in the file 'keys.txt' is not a name"),
        (f"{line[:-9]}AAAAAAAA=".encode(), "in the file 'keys.txt'"),
        ((ledger.folder / "kept.txt").read_bytes(), "in the file 'keys.txt'"),
    ):
        (ledger.folder / "keys.txt").write_bytes(content)
        error = ledger.refused("verify", "--key", "keys.txt")
        assert (error["field"], told in error["message"]) == ("key", True), error


# ---- what was kept elsewhere


def test_a_checkpoint_that_was_kept_must_still_hold(ledger: Command) -> None:
    ledger.done("seal")
    ledger.done("verify", "--against", "kept.txt")
    ledger.done("verify", "--against", "kept.txt", "--tenant", "acme", "--key", key(ledger))
    ledger.done("checkpoint", "--tenant", "acme", "--out", "newest.txt")
    before = ledger.path.read_bytes()
    ledger.say("goodbye")
    ledger.done("seal")
    ledger.done("checkpoint", "--tenant", "acme", "--out", "later.txt")
    change(ledger.path, "PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.path.write_bytes(before)
    ledger.done("verify", "--against", "newest.txt", "--against", "kept.txt")
    ran = ledger("verify", "--against", "newest.txt", "--against", "later.txt")
    assert ran.code == 3
    assert "rolled back leaf 3: 4 leaves were signed, and 3 are there" in ran.out


def test_a_checkpoint_of_another_tenant_or_log_is_refused(ledger: Command) -> None:
    other_log(ledger)
    error = ledger.refused("verify", "--against", "other.txt")
    assert "is signed by none of the given keys" in error["message"]
    ledger.done("tenant", "add", "globex")
    error = ledger.refused("verify", "--against", "kept.txt", "--tenant", "globex")
    assert (error["field"], error["next_step"]) == ("against", "Name that --tenant.")
    text = (ledger.folder / "kept.txt").read_text()
    (ledger.folder / "kept.txt").write_text(text.replace("/acme", "/globex"))
    error = ledger.refused("verify", "--against", "kept.txt")
    assert "signature that is not of its key" in error["message"]


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\xff" * 99, b"x\n\n\xe2\x80\x94 a b\n", b"no checkpoint\n"]
)
def test_what_is_no_checkpoint_is_refused_by_its_file(ledger: Command, content: bytes) -> None:
    (ledger.folder / "kept.txt").write_bytes(content)
    error = ledger.refused("verify", "--against", "kept.txt")
    assert error["field"] == "against"
    assert "against 'kept.txt' is no checkpoint" in error["message"]
    assert ledger("verify", "--against", "nothing.txt").code == 2
    assert ledger("verify", "--against", ".").code == 2


# ---- going on


def test_a_file_to_resume_from_is_made_kept_up_to_date_and_used(ledger: Command) -> None:
    resume = ("--tenant", "acme", "--resume", "resume.txt", "--json")
    checked = [ledger.done("verify", *resume).record["tenants"][0]["checked"]]
    assert (ledger.folder / "resume.txt").read_bytes() == (ledger.folder / "kept.txt").read_bytes()
    checked.append(ledger.done("verify", *resume).record["tenants"][0]["checked"])
    ledger.done("seal")
    checked.append(ledger.done("verify", *resume).record["tenants"][0]["checked"])
    assert checked == [2, 0, 1]
    kept = (ledger.folder / "resume.txt").read_text()
    assert kept == ledger.done("checkpoint", "--tenant", "acme").out
    assert "3 rows sealed (0 of them now)" in ledger.done("verify", *resume[:-1]).out


def test_a_file_to_resume_from_is_left_where_something_differs(ledger: Command) -> None:
    resume = ("--tenant", "acme", "--resume", "resume.txt")
    ledger.done("verify", *resume)
    kept = (ledger.folder / "resume.txt").read_bytes()
    ledger.done("seal")
    tamper(ledger, 2)
    assert ledger("verify", *resume).code == 3
    assert (ledger.folder / "resume.txt").read_bytes() == kept


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\x00"])
def test_a_file_to_resume_from_that_is_no_checkpoint_is_refused(
    ledger: Command, content: bytes
) -> None:
    (ledger.folder / "resume.txt").write_bytes(content)
    error = ledger.refused("verify", "--tenant", "acme", "--resume", "resume.txt")
    assert error["field"] == "resume"
    assert "resume is no checkpoint of this log" in error["message"]
    assert (ledger.folder / "resume.txt").read_bytes() == content


def test_a_file_to_resume_from_that_cannot_be_written_is_refused(ledger: Command) -> None:
    error = ledger.refused("verify", "--tenant", "acme", "--resume", "no/folder/resume.txt")
    assert error["field"] == "resume"
    assert "cannot be written (No such file or directory)" in error["message"]


@pytest.mark.parametrize("jobs", ["1", "2", "256"])
def test_any_number_of_processes_finds_the_same(ledger: Command, jobs: str) -> None:
    ledger.done("verify", "--jobs", jobs)
    tamper(ledger)
    assert ledger("verify", "--jobs", jobs).code == 3
