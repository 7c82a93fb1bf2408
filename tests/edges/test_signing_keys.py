"""The signing key's files: shown, rotated, cut off at any step, and never silently a new one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from command import Command, environment, selene_command
from selene_os.edges import signing_keys
from selene_os.errors import KeysMissing

# Stops a rotation, or the making of a key, dead before the numbered call that changes a file.
_CUT = """
import os, sys
from pathlib import Path
from selene_os.edges import signing_keys
what, directory, left = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
def counted(call):
    def counting(*given, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return call(*given, **named)
    return counting
os.open, os.fsync, os.replace = counted(os.open), counted(os.fsync), counted(os.replace)
Path.replace, Path.unlink, Path.mkdir = map(counted, (Path.replace, Path.unlink, Path.mkdir))
os.fdopen = counted(os.fdopen)
getattr(signing_keys, what)(directory)
"""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with a log's first key."""
    directory = tmp_path / "keys"
    signing_keys.make(directory)
    return directory


@pytest.fixture
def ledger(selene: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """acme with a row that is sealed."""
    for name in ("SELENE_KEYS", "SELENE_CHECKPOINT_HOOK"):
        monkeypatch.delenv(name, raising=False)
    selene.prepare().done("init")
    selene.say("hello")
    selene.done("seal")
    return selene


def modes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): f"{path.stat().st_mode & 0o777:o}"
        for path in [directory, *sorted(directory.rglob("*"))]
    }


def cut(what: str, directory: Path, calls: int) -> bool:
    """Do something and be killed before its numbered call; whether it was killed."""
    ran = subprocess.run(
        [sys.executable, "-c", _CUT, what, str(directory), str(calls)],
        capture_output=True,
        env={**environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr.decode()
    return ran.returncode != 0


def told(directory: Path) -> str:
    """The error that says why a directory cannot be used."""
    with pytest.raises(KeysMissing) as caught:
        signing_keys.load(directory)
    assert caught.value.next_step
    return str(caught.value)


# ---- at the command line


def test_the_keys_files_are_their_owners_alone(ledger: Command) -> None:
    ledger.done("signing-key", "rotate")
    assert modes(ledger.folder / "selene.db.keys") == {
        ".": "700",
        "root.key": "600",
        "users.db": "600",
        "signing.key": "600",
        "signing-keys": "700",
        "signing-keys/0001.note": "600",
        "signing-keys/0002.note": "600",
    }


def test_a_rotation_is_followed_by_who_has_the_first_key_alone(ledger: Command) -> None:
    first = ledger.done("signing-key", "show").out.strip()
    for number in range(2, 5):
        shown = ledger.done("signing-key", "rotate", "--json").record
        assert len(shown["keys"]) == number
        assert shown["keys"][0] == first
        assert shown["key_id"] in shown["keys"][-1]
        ledger.say(f"remember that my locker is {number}")
        ledger.done("seal")
    assert ledger.done("signing-key", "show", "--json").record == shown
    assert ledger.done("verify", "--key", first).out.startswith("held  acme: 4 rows sealed")
    assert ledger.done("verify").out.startswith("held  acme: 4 rows sealed")
    # Who has the last key only cannot believe what the first ones signed.
    assert ledger("verify", "--key", shown["keys"][-1]).code == 3


def test_keys_that_were_rotated_before_a_tenants_first_seal_are_followed(ledger: Command) -> None:
    first = ledger.done("signing-key", "show").out.strip()
    for _ in range(6):
        ledger.done("signing-key", "rotate")
    ledger.done("tenant", "add", "globex")
    carol = ("--tenant", "globex", "--user", "carol", "--device", "porch")
    ledger.done("register", *carol)
    ledger.done("say", *carol, "hello")
    ledger.done("seal")
    assert ledger.done("verify", "--key", first, "--tenant", "globex").out.startswith("held")


def test_without_a_key_nothing_is_shown_or_rotated(ledger: Command) -> None:
    directory = ledger.folder / "selene.db.keys"
    directory.rename(ledger.folder / "elsewhere")
    for command in ("show", "rotate"):
        ran = ledger("signing-key", command)
        assert (ran.code, ran.out) == (1, "")
        assert "selene.db.keys holds no signing key" in ran.err and "SELENE_KEYS" in ran.err
    assert not directory.exists()
    # Nor does making the ledger again give its rows a second log.
    ran = ledger("init")
    assert ran.code == 1
    ledger("db", "upgrade", "--yes")
    assert not directory.exists()
    (ledger.folder / "elsewhere").rename(directory)
    # Also where what was said can be read, and the signing key alone is not there.
    for name in ("signing.key", "signing-keys"):
        (directory / name).rename(ledger.folder / name)
    ran = ledger("init")
    assert ran.code == 1
    assert "the rows of tenant acme are sealed, and the key is not in" in ran.err
    for name in ("signing.key", "signing-keys"):
        (ledger.folder / name).rename(directory / name)
    ledger.done("init")
    assert ledger.done("verify").out.startswith("held")


def test_a_sealer_with_the_old_key_does_not_sign_behind_the_new_one(ledger: Command) -> None:
    shutil.copytree(ledger.folder / "selene.db.keys", ledger.folder / "old")
    ledger.done("signing-key", "rotate")
    ledger.say("hello again")
    ledger.done("seal")
    ledger.say("and again")
    env = {**environment(), "SELENE_KEYS": "old"}
    ran = subprocess.run(
        [*selene_command(), "seal", "--json"], cwd=ledger.folder, env=env, capture_output=True
    )
    assert ran.returncode == 1
    error = json.loads(ran.stderr)["error"]
    assert (error["code"], "is not this log's" in error["message"]) == ("CheckpointForged", True)
    ledger.done("seal")
    assert ledger.done("verify").out.startswith("held  acme: 3 rows sealed")


# ---- the files themselves


def test_making_again_changes_nothing(keys: Path) -> None:
    before = signing_keys.load(keys).keys
    assert not signing_keys.make(keys)
    assert signing_keys.load(keys).keys == before


@pytest.mark.parametrize("what", ["make", "rotate"])
def test_whatever_is_cut_off_goes_on_with_a_key_of_the_log(tmp_path: Path, what: str) -> None:
    killed = 0
    for calls in range(60):
        directory = tmp_path / str(calls)
        first: tuple[object, ...] = ()
        if what == "rotate":
            signing_keys.make(directory)
            first = signing_keys.load(directory).keys
        if not cut(what, directory, calls):
            break
        killed += 1
        if what == "make":
            # Nothing was signed yet: made again, or refused; never half a key.
            signing_keys.make(directory)
        log = signing_keys.load(directory)
        assert log.keys[: len(first)] == first
        assert len(log.keys) - len(first) in (0, 1)
        assert log.signer.verifier == log.keys[-1][0]
        # And what comes next is not kept from coming.
        after = signing_keys.rotate(directory)
        assert after.keys[:-1] == log.keys
        assert not list(directory.rglob("*.part"))
    assert killed > 10


Harm = Callable[[Path], object]
NOTE = "signing-keys/0002.note"
HARMS: dict[str, tuple[Harm, str]] = {
    "the key": (lambda at: _replace(at / "signing.key", None), "signing.key is gone"),
    "every statement": (lambda at: shutil.rmtree(at / "signing-keys"), "is not the last key"),
    "the first statement": (
        lambda at: _replace(at / "signing-keys/0001.note", None),
        "none of the given keys",
    ),
    "the last statement": (lambda at: _replace(at / NOTE, None), "not the last key"),
    "an empty key": (lambda at: _replace(at / "signing.key", b""), "does not begin with"),
    "half a key": (lambda at: _replace(at / "signing.key", _half(at / "signing.key")), "key "),
    "no text": (lambda at: _replace(at / "signing.key", b"\xff\xfe"), "cannot be used"),
    "a folder": (
        lambda at: shutil.copytree(_other(at), (at / NOTE).replace(at / "x").parent / NOTE),
        "Is a",
    ),
    "half a statement": (lambda at: _replace(at / NOTE, _half(at / NOTE)), "note "),
    "a stranger's statement": (
        lambda at: shutil.copy(_other(at) / "signing-keys/0001.note", at / "signing-keys/3.note"),
        "is of another log",
    ),
    "a stranger's key": (
        lambda at: shutil.copy(_other(at) / "signing.key", at / "signing.key"),
        "not the last key",
    ),
    "an older key": (
        lambda at: shutil.copy(at.parent / "before/signing.key", at / "signing.key"),
        "not the last key",
    ),
}


def _replace(path: Path, content: bytes | None) -> None:
    path.unlink()
    if content is not None:
        path.write_bytes(content)


def _half(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: len(content) // 2]


def _other(directory: Path) -> Path:
    other = directory.parent / "other"
    signing_keys.make(other)
    return other


@pytest.mark.parametrize("harm", HARMS)
def test_files_that_do_not_fit_together_are_told_and_never_made_anew(keys: Path, harm: str) -> None:
    shutil.copytree(keys, keys.parent / "before")
    signing_keys.rotate(keys)
    change, expected = HARMS[harm]
    change(keys)
    left = {path: path.read_bytes() for path in keys.rglob("*") if path.is_file()}
    assert expected in told(keys)
    with pytest.raises(KeysMissing):
        signing_keys.rotate(keys)
    with suppress(KeysMissing):
        # Where it does not say it at once, it is said when they are used.
        signing_keys.make(keys)
        told(keys)
    after = {path: path.read_bytes() for path in keys.rglob("*") if path.is_file()}
    assert after == left


def test_a_rotation_that_lost_its_new_key_is_told(keys: Path) -> None:
    """Cut off behind the statement: the next key alone may sign, and where it is gone, none."""
    for calls in range(60):
        directory = keys.parent / str(calls)
        shutil.copytree(keys, directory)
        assert cut("rotate", directory, calls)
        if (directory / "signing-keys" / "0002.note").exists():
            break
    (directory / "signing.key.next").unlink()
    assert "is not the last key" in told(directory)


def test_rotations_at_once_follow_each_other(keys: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        logs = list(pool.map(lambda _: signing_keys.rotate(keys), range(24)))
    assert len(signing_keys.load(keys).keys) == 25
    assert {log.keys[0] for log in logs} == {signing_keys.load(keys).keys[0]}


def test_keys_made_at_once_are_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: signing_keys.make(tmp_path / "keys"), range(24)))
    assert made.count(True) == 1
    assert len(signing_keys.load(tmp_path / "keys").keys) == 1
