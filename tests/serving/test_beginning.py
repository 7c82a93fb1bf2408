"""A server that cannot begin says why, and settings are what they say."""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path

import pytest

from command import Command, Ran, environment, run
from running import ledger
from selene_os.edges import first_token
from selene_os.edges.first_token import FirstToken
from selene_os.edges.settings import SETTINGS


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without settings."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def selene(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    clean: None,
) -> Command:
    """The command line in this process."""
    return Command(tmp_path, capsys, monkeypatch)


def settings_of(ran: Ran) -> dict[str, tuple[object, object]]:
    """Name -> value and source."""
    assert ran.code == 0, ran.err
    listed = json.loads(ran.out)["settings"]
    return {one["name"]: (one["value"], one["source"]) for one in listed}


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    ledger(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = run("serve", "--port", port, folder=tmp_path, env=environment())
    assert (ran.code, ran.out) == (2, "")
    assert f"port {port} of 127.0.0.1 cannot be listened on" in ran.err and "--port" in ran.err


def test_no_ledger_is_made_of_a_path_that_was_mistyped(selene: Command) -> None:
    ran = selene("serve", "--db", "nowhere.db")
    assert ran.code == 1 and "selene init" in ran.err
    assert not (selene.folder / "nowhere.db").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--port", "http"), "port"),
        (("--port", "65536"), "port"),
        (("--workers", "0"), "workers"),
        (("--seal-every", "1"), "every"),
        (("--drain", "2d"), "drain"),
        (("--log-format", "xml"), "log_format"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(
    selene: Command, options: tuple[str, ...], told: str
) -> None:
    ran = selene("serve", *options)
    assert ran.code == 2 and told in ran.err


@pytest.mark.parametrize("text", ["*", "proxy.local", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1 ::1"])
def test_a_proxy_that_is_none_is_told(
    selene: Command, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SELENE_TRUSTED_PROXIES", f"127.0.0.1, {text}")
    ran = selene("serve")
    assert ran.code == 2 and f"trusted_proxies {text!r} is no address, and no network" in ran.err


def test_a_signing_key_that_is_not_there_is_told(selene: Command) -> None:
    selene.prepare()
    for path in selene.folder.glob("selene.db.keys/signing*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ran = selene("serve", "--port", "0")
    assert ran.code == 1 and "signing" in ran.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 8100", "Did you mean port?"),
        ("SELENE_PORT = 1", "Did you mean port?"),
        ("zebra = 1", "See `selene settings`"),
        ("port = ", "is no TOML: at end of document"),
        ("database_url = secret-of-mine", "is no TOML: at line 1"),
        ("port = [1]", "neither text nor a number"),
        ("\xff", "is no UTF-8"),
        ("#" * 70_000, "larger than"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_is_meant(
    selene: Command, text: str, told: str
) -> None:
    (selene.folder / "selene.toml").write_bytes(text.encode("latin-1"))
    ran = selene("--config", "selene.toml", "settings")
    assert ran.code == 2 and told in ran.err and "secret-of-mine" not in ran.err
    assert selene("--config", "nowhere.toml", "settings").code == 2


def test_options_win_over_the_environment_and_that_over_the_file(
    selene: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_of(selene("settings", "--json"))["SELENE_PORT"] == ("8100", "default")
    (selene.folder / "my.toml").write_text('port = 1\nhost = "::1"\npacks = ["a", "b"]\n')
    monkeypatch.setenv("SELENE_CONFIG", "my.toml")
    monkeypatch.setenv("SELENE_PORT", "2")
    found = settings_of(selene("settings", "--json"))
    assert set(found) == set(SETTINGS)
    assert found["SELENE_PORT"] == ("2", "environment")
    assert found["SELENE_HOST"] == ("::1", "my.toml")
    assert found["SELENE_PACKS"] == ("a:b", "my.toml")
    assert found["SELENE_OTEL"] == (None, "not set")
    monkeypatch.setenv("SELENE_PORT", "")
    assert settings_of(selene("settings", "--json"))["SELENE_PORT"] == ("1", "my.toml")


def test_the_directory_of_keys_is_shown_that_is_used(
    selene: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys(*options: str) -> tuple[object, object]:
        return settings_of(selene(*options, "settings", "--json"))["SELENE_KEYS"]

    assert keys() == (str(selene.folder / "selene.db.keys"), "default")
    assert keys("--db", "other.db") == (str(selene.folder / "other.db.keys"), "default")
    assert keys("--db", "postgresql://db/selene") == (str(selene.folder / "selene.keys"), "default")
    assert keys("--db", "mysql://db") == (None, "not set")
    monkeypatch.setenv("SELENE_KEYS", "theirs")
    assert keys() == ("theirs", "environment")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BODY_WAIT", "0s"), ("BODY_WAIT", "10"), ("ANSWER_WAIT", "25h"), ("ANSWER_WAIT", "1ms"),
        ("KEY_KEPT", "-1s"),
    ],
)  # fmt: skip
def test_a_wait_that_is_none_is_told(
    selene: Command, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(f"SELENE_{name}", text)
    ran = selene("serve")
    assert ran.code == 2 and f"{name.lower()} {text!r} is no time of" in ran.err


def test_every_command_takes_its_ledger_from_the_file(selene: Command) -> None:
    (selene.folder / "my.toml").write_text('database_url = "other.db"\nkeys = "elsewhere"\n')
    assert selene("--config", "my.toml", "init").code == 0
    assert (selene.folder / "other.db").exists() and (selene.folder / "elsewhere").is_dir()


def test_no_secret_is_shown(selene: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELENE_DATABASE_URL", "postgresql://me:hunter2@db/selene?password=hunter2")
    monkeypatch.setenv("SELENE_CHECKPOINT_HOOK", "https://keeper/?token=hunter2")
    for options in ((), ("--json",)):
        shown = selene("settings", *options).out
        assert "hunter2" not in shown and "postgresql://me@db/selene" in shown


def test_the_first_token_works_once_and_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    token = FirstToken()
    assert not token.take("") and not token.take("é\ud800") and not token.take(token.text + "x")
    assert token.is_good(token.text) and token.is_good(token.text)
    assert token.take(token.text)
    assert not token.take(token.text) and not token.is_good(token.text)
    late = FirstToken()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + first_token.VALID_S + 1)
    assert not late.take(late.text)
