"""What is deployed exists: commands, options, settings and ports of the files in deploy/."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml  # type: ignore[import-untyped]

from command import environment
from selene_os.edges import configuration
from selene_os.edges.cli.main import cli
from selene_os.edges.settings import CONFIG, DEFAULTS, SETTINGS
from selene_os.edges.settings import PORT as PORT_NAME

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNIT = (DEPLOY / "selene.service").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PORT = DEFAULTS[PORT_NAME]


def check(words: Sequence[str]) -> None:
    """That a command line is one: its command is there, and has these options."""
    parser = click.Context(cli)
    options = {option for one in cli.params for option in one.opts}
    rest = list(words)
    while rest and rest[0].startswith("--"):
        assert rest[0] in options
        del rest[:2]
    command = cli.get_command(parser, rest[0])
    assert command is not None, rest
    known = {option for one in command.params for option in one.opts}
    assert {word for word in rest[1:] if word.startswith("--")} <= known


def test_the_image_runs_a_command_that_is_there_as_nobody_special() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
    assert re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.M) == ['["selene"]']
    check(json.loads(command))
    names = re.findall(r"\b(SELENE_[A-Z_]+)=", DOCKERFILE)
    assert names and set(names) <= set(SETTINGS)
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.M) == [PORT]
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.M) == ["10001"]


def test_the_image_asks_after_itself_where_it_was_told_to_listen() -> None:
    (check,) = re.findall(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", DOCKERFILE, re.M)
    python, option, source = json.loads(check)
    assert (python, option) == ("python", "-c")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        env = environment(SELENE_PORT=str(listener.getsockname()[1]))
        asking = subprocess.Popen([sys.executable, option, source], env=env, stderr=subprocess.PIPE)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1_000).startswith(b"GET /healthz ")
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        assert asking.wait(10) == 0
        assert asking.stderr is not None
        asking.stderr.close()


def test_the_image_installs_by_hash_what_the_tests_ran_with() -> None:
    installed = re.findall(r"pip install (?:--no-cache-dir )(.*?)(?: \\)?$", DOCKERFILE, re.M)
    assert installed == [
        "--require-hashes -r requirements/image.txt", "--no-deps --no-build-isolation .",
    ]  # fmt: skip
    pinned = pins("image")
    assert pinned.items() <= pins("dev").items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in ("server", "postgres", "otel"):
        wanted += extras[extra]
    assert {re.split(r"[\[>=]", one)[0] for one in wanted} <= pinned.keys()


def pins(name: str) -> dict[str, str]:
    """Package -> version, each with its hashes."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    found = dict(re.findall(r"^([\w.-]+)==(\S+) \\\n +--hash=sha256:", text, re.M))
    assert len(found) == len(re.findall(r"^\S+", text, re.M))
    return found


def test_the_image_is_built_from_what_is_there_and_sees_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    seen = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        file.rstrip("/")
        for line in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.M)
        for file in line.split()
    }
    assert "*" in lines and copied == seen
    assert all((ROOT / file).exists() for file in copied)


def test_the_services_are_this_image_and_a_database_with_what_there_is_to_set() -> None:
    services = COMPOSE["services"]
    for name in ("init", "selene"):
        check(services[name]["command"])
        mine = {one for one in services[name]["environment"] if one.startswith("SELENE_")}
        assert mine and mine <= set(SETTINGS)
        build = services[name]["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).exists()
        assert services[name]["read_only"] is True and services[name]["cap_drop"] == ["ALL"]
        assert services[name]["volumes"] == ["keys:/data"]
        assert services[name]["environment"]["SELENE_KEYS"] == "/data/keys"
    selene = services["selene"]
    assert selene["environment"]["SELENE_PORT"] == PORT
    assert selene["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    # No password stands in the file.
    for service in services.values():
        secrets = [text for name, text in service["environment"].items() if "PASSWORD" in name]
        assert secrets and all(text.startswith("${") for text in secrets)


def test_the_service_logs_in_as_the_application_and_the_owner_only_makes_it() -> None:
    services = COMPOSE["services"]
    assert "//selene_app@database/" in services["selene"]["environment"]["SELENE_DATABASE_URL"]
    assert "SELENE_APP_PASSWORD" in services["selene"]["environment"]["PGPASSWORD"]
    assert "--create" not in services["selene"]["command"]
    begun = {
        name: [(before, how["condition"]) for before, how in services[name]["depends_on"].items()]
        for name in ("init", "login", "selene")
    }
    assert begun == {
        "init": [("database", "service_healthy")],
        "login": [("init", "service_completed_successfully")],
        "selene": [("login", "service_completed_successfully")],
    }
    assert {services[name]["restart"] for name in ("init", "login")} == {"no"}


def test_the_unit_runs_a_command_that_is_there_by_a_file_alone() -> None:
    (line,) = re.findall(r"^ExecStart=/opt/selene/bin/selene (.*)$", UNIT, re.M)
    check(line.split())
    # Any other one would win over the file.
    assert re.findall(r"^Environment=(.*)$", UNIT, re.M) == [f"{CONFIG}=/etc/selene/selene.toml"]
    assert "EnvironmentFile" not in UNIT and "Documentation" not in UNIT
    assert "NoNewPrivileges=yes" in UNIT and "ProtectSystem=strict" in UNIT
    found = configuration.read(str(DEPLOY / "selene.toml"))
    assert found == {
        "SELENE_DATABASE_URL": "sqlite:////var/lib/selene/selene.db", "SELENE_LOG_FORMAT": "json",
    }  # fmt: skip
    (state,) = re.findall(r"^StateDirectory=(.*)$", UNIT, re.M)
    assert f"/var/lib/{state}/" in found["SELENE_DATABASE_URL"]


def test_what_the_sample_of_settings_suggests_is_taken(tmp_path: Path) -> None:
    sample = (DEPLOY / "selene.toml").read_text()
    suggested = re.findall(r"^# (\w+ = .*)$", sample, re.M)
    (tmp_path / "all.toml").write_text("\n".join(suggested))
    assert len(configuration.read(str(tmp_path / "all.toml"))) == len(suggested) > 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    # The programme is not installed where this is tested.
    unit = tmp_path / "selene.service"
    unit.write_text(UNIT.replace("/opt/selene/bin/selene", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30
    )
    own = [line for line in done.stderr.splitlines() if "selene.service" in line]
    assert not own, done.stderr
