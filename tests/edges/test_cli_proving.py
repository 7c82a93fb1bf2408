"""`selene seal` and `selene checkpoint` at the command line: once, again and again, outwards."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command import Command, change, environment, rows, selene_command
from posting import Desk, desk
from processes import wait
from selene_os.edges import sealing
from selene_os.proof.notes import parse_note


@pytest.fixture
def ledger(selene: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """acme with two rows that wait, and the keys of its log."""
    for name in ("SELENE_KEYS", "SELENE_CHECKPOINT_HOOK"):
        monkeypatch.delenv(name, raising=False)
    selene.prepare().done("init")
    for text in ("remind me to call mom tomorrow at 5 pm", "what is on my calendar"):
        selene.say(text)
    return selene


@pytest.fixture
def posts() -> Iterator[Desk]:
    """A desk to post to."""
    with desk() as opened:
        yield opened


def waiting(selene: Command) -> int:
    ((count,),) = rows(selene.path, "SELECT count(*) FROM unsealed_events")
    return int(count)


def with_globex(selene: Command) -> Command:
    """The same with a second tenant, and one row of it."""
    selene.done("tenant", "add", "globex")
    names = ("--tenant", "globex", "--user", "carol", "--device", "porch")
    selene.done("register", *names)
    selene.done("say", *names, "hello")
    return selene


# ---- once


def test_what_waits_is_sealed_once_and_told(ledger: Command) -> None:
    assert ledger.done("seal").out == "acme: 2 rows sealed\n"
    assert ledger.done("seal").out == "Nothing was sealed.\n"
    assert ledger.done("seal", "--json").record == {"rows": 0, "tenants": {}}
    with_globex(ledger).say("hello")
    assert ledger.done("seal", "--json").record == {"rows": 2, "tenants": {"acme": 1, "globex": 1}}
    assert waiting(ledger) == 0


def test_without_keys_nothing_is_sealed_and_the_next_step_is_told(
    ledger: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named in ("none", "none/below"):
        monkeypatch.setenv("SELENE_KEYS", named)
        ran = ledger("seal")
        assert (ran.code, ran.out) == (1, "")
        assert f"{named} holds no signing key" in ran.err
        assert "SELENE_KEYS" in ran.err
    (ledger.folder / "file").write_text("no directory")
    monkeypatch.setenv("SELENE_KEYS", "file")
    ran = ledger("seal", "--json")
    assert (ran.code, ran.error["code"]) == (1, "KeysMissing")
    assert "file holds no signing key" in ran.error["message"]
    assert waiting(ledger) == 2


def test_keys_elsewhere_are_used_where_they_are_named(
    ledger: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ledger.folder / "selene.db.keys").rename(ledger.folder / "vault")
    monkeypatch.setenv("SELENE_KEYS", "vault")
    ledger.done("seal")
    assert ledger.done("verify").out.startswith("held  acme: 2 rows sealed")


def test_a_tenant_that_cannot_be_sealed_leaves_the_others_sealed(ledger: Command) -> None:
    with_globex(ledger).done("seal")
    ledger.say("hello")
    ledger.done("say", "--tenant", "globex", "--user", "carol", "--device", "porch", "hello")
    change(
        ledger.path,
        "DROP TRIGGER checkpoints_no_update;"
        "UPDATE checkpoints SET note = X'00' WHERE tenant_id = 'acme'",
    )
    ran = ledger("seal")
    assert (ran.code, ran.out) == (1, "globex: 1 rows sealed\n")
    assert "the last checkpoint of tenant acme is not this log's" in ran.err
    assert "selene verify" in ran.err


@pytest.mark.parametrize(
    "every", ["", "1", "0s", "10ms", "-1s", "1d", "s", "1 s", "25h", "9" * 400 + "h", "٣s"]
)
def test_a_time_that_is_none_is_refused(ledger: Command, every: str) -> None:
    error = ledger.refused("seal", "--every", every)
    assert error["field"] == "every"
    assert error["next_step"] == "Give 1s, 500ms, 5m."
    assert waiting(ledger) == 2


# ---- outwards


def test_a_command_gets_each_tenants_newest_checkpoint(ledger: Command) -> None:
    with_globex(ledger)
    ledger.done("seal", "--hook", 'cat > "$SELENE_TENANT.txt"')
    for tenant in ("acme", "globex"):
        kept = (ledger.folder / f"{tenant}.txt").read_bytes()
        assert kept == ledger.done("checkpoint", "--tenant", tenant).out.encode()
        assert parse_note(kept).text.splitlines()[0].endswith(f"/{tenant}")


def test_the_environment_names_a_hook_and_the_option_wins(
    ledger: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELENE_CHECKPOINT_HOOK", "cat > by-environment")
    ledger.done("seal")
    ledger.say("hello")
    ledger.done("seal", "--hook", "cat > by-option")
    sizes = {
        name: (ledger.folder / name).read_text().splitlines()[1]
        for name in ("by-environment", "by-option")
    }
    assert sizes == {"by-environment": "2", "by-option": "3"}


def test_an_address_is_posted_to(ledger: Command, posts: Desk) -> None:
    with_globex(ledger).done("seal", "--hook", posts.address)
    assert [(path, tenant) for path, tenant, _ in posts.posted] == [
        ("/checkpoints", "acme"),
        ("/checkpoints", "globex"),
    ]
    assert posts.posted[0][2].decode() == ledger.done("checkpoint", "--tenant", "acme").out


@pytest.mark.parametrize("answer", [0, 302, 404, 500])
def test_an_answer_that_is_no_yes_is_told_and_the_row_stays_sealed(
    ledger: Command, posts: Desk, answer: int
) -> None:
    posts.answer = answer
    ran = ledger("seal", "--hook", posts.address)
    assert (ran.code, ran.out) == (1, "acme: 2 rows sealed\n")
    assert "the hook did not take the newest checkpoint of tenant acme" in ran.err
    assert "selene checkpoint" in ran.err
    assert waiting(ledger) == 0
    assert ledger.done("verify").out.startswith("held")


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("echo it is full >&2; exit 3", "(exit 3: it is full)"),
        ("no-such-program", "exit 127"),
        ("http://127.0.0.1:1/nobody", "refused"),
        ("http://", "no host given"),
        ("http://127.0.0.1:1/a b", "control characters"),
    ],
)
def test_a_hook_that_fails_is_told_and_the_row_stays_sealed(
    ledger: Command, hook: str, told: str
) -> None:
    ran = ledger("seal", "--hook", hook)
    assert (ran.code, ran.out) == (1, "acme: 2 rows sealed\n")
    assert told in ran.err
    assert waiting(ledger) == 0


def test_a_hook_that_is_neither_is_refused_before_anything_is_sealed(ledger: Command) -> None:
    for hook in ("ftp://example.com/x", "file:///etc/passwd"):
        error = ledger.refused("seal", "--hook", hook)
        assert (error["field"], error["next_step"]) == ("hook", "Give one of the two.")
    assert waiting(ledger) == 2
    assert ledger.done("seal", "--hook", "   ").out == "acme: 2 rows sealed\n"


def test_what_a_hook_left_running_is_ended_with_it(
    ledger: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "HOOK_WAIT_S", 0.2)
    monkeypatch.setattr(sealing.Hook.__init__, "__defaults__", (0.2,))
    ran = ledger("seal", "--hook", "(sleep 60; touch late) & echo $$ > pid; sleep 60")
    assert ran.code == 1
    assert "it took longer than 0.2 s" in ran.err
    group = int((ledger.folder / "pid").read_text())
    wait(lambda: not _runs(group), "the hook and its children are gone")
    assert not (ledger.folder / "late").exists()


def _runs(group: int) -> bool:
    listed = subprocess.run(["ps", "-axo", "pgid=,stat="], capture_output=True, text=True)
    lines = (line.split() for line in listed.stdout.splitlines())
    return any(int(pgid) == group and not stat.startswith("Z") for pgid, stat in lines)


# ---- again and again


@contextmanager
def sealing_on(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A sealer in a process of its own, that has sealed what was there."""
    process = subprocess.Popen(
        [*selene_command(), "seal", "--every", "50ms", "--json", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sealer_that_is_told_to_end_seals_what_is_committed_first(
    ledger: Command, number: int
) -> None:
    with sealing_on(ledger.folder) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first == {"tenant_id": "acme", "rows": 2, "size": 2}
        for word in ("one", "two", "three"):
            ledger.say(f"remember that my locker is {word}")
        code, out, err = ended(process, number)
    assert (code, err) == (0, "")
    assert sum(json.loads(line)["rows"] for line in out.splitlines()) == 3
    assert waiting(ledger) == 0
    assert ledger.done("verify").out.startswith("held  acme: 5 rows sealed")


def test_a_hook_that_hangs_or_fails_holds_up_no_row_and_is_told_once(ledger: Command) -> None:
    with_globex(ledger)
    # It takes nothing until somebody says so.
    hook = 'test -e open && cat > "$SELENE_TENANT.txt" || { echo shut >&2; exit 1; }'
    with sealing_on(ledger.folder, "--hook", hook) as process:
        wait(lambda: waiting(ledger) == 0, "sealed")
        ledger.say("hello")
        wait(lambda: waiting(ledger) == 0, "sealed again")
        time.sleep(0.3)
        (ledger.folder / "open").touch()
        # Nothing is sealed any more: it is offered again all the same.
        kept = [ledger.folder / f"{tenant}.txt" for tenant in ("acme", "globex")]
        wait(lambda: all(path.exists() for path in kept), "taken")
        wait(lambda: all(path.read_text().endswith("\n") for path in kept), "whole")
        code, _, err = ended(process, signal.SIGTERM)
    assert code == 0
    assert err.count("the hook did not take") == 1
    assert kept[0].read_text() == ledger.done("checkpoint", "--tenant", "acme").out


def test_two_sealers_at_once_seal_each_row_once(ledger: Command) -> None:
    with sealing_on(ledger.folder) as one, sealing_on(ledger.folder) as other:
        assert one.stdout is not None and other.stdout is not None
        said = 0
        # Until each of them was first once.
        while len(select.select([one.stdout, other.stdout], [], [], 0)[0]) < 2:
            ledger.say(f"remember that my locker is {said}")
            said += 1
        told = [ended(process, signal.SIGTERM) for process in (one, other)]
    assert [(code, err) for code, _, err in told] == [(0, ""), (0, "")]
    sealed = [json.loads(line) for _, out, _ in told for line in out.splitlines()]
    assert sum(one["rows"] for one in sealed) == said + 2
    assert len({one["size"] for one in sealed}) == len(sealed)
    assert waiting(ledger) == 0
    assert ledger.done("verify").out.startswith("held")


# ---- a checkpoint


def test_a_checkpoint_is_written_for_whoever_keeps_it(ledger: Command) -> None:
    ledger.done("seal")
    ledger.say("hello")
    ledger.done("seal")
    newest = ledger.done("checkpoint", "--tenant", "acme").out
    assert newest.splitlines()[1] == "3"
    told = ledger.done("checkpoint", "--tenant", "acme", "--size", "2", "--out", "kept.txt").out
    assert told == "The checkpoint of 2 rows of acme is in kept.txt.\n"
    assert (ledger.folder / "kept.txt").read_text().splitlines()[1] == "2"
    assert sorted(os.listdir(ledger.folder)) == ["kept.txt", "selene.db", "selene.db.keys"]


def test_a_checkpoint_that_is_not_there_or_cannot_be_written_is_told(ledger: Command) -> None:
    for tenant in ("acme", "nobody"):
        ran = ledger("checkpoint", "--tenant", tenant)
        assert ran.code == 2
        assert f"'{tenant}' has no checkpoint" in ran.err and "selene seal" in ran.err
    ledger.done("seal")
    ran = ledger("checkpoint", "--tenant", "acme", "--size", "7")
    assert ran.code == 2 and "has no checkpoint of 7 leaves" in ran.err
    ran = ledger("checkpoint", "--tenant", "acme", "--out", "no/folder/kept.txt")
    assert ran.code == 2
    assert "out 'no/folder/kept.txt' cannot be written (No such file or directory)" in ran.err
    assert ledger("checkpoint", "--tenant", "a b").code == 2
    assert ledger("checkpoint").code == 2
    assert ledger("checkpoint", "--tenant", "acme", "--size", "0").code == 2
