"""What is deployed exists: commands, options, settings and ports of the files in deploy/."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml  # type: ignore[import-untyped]

from selene_os.edges.cli.main import cli
from selene_os.edges.http.app import create_app
from selene_os.edges.settings import DEFAULTS, SETTINGS
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
    assert f":{PORT}/healthz" in DOCKERFILE and create_app is not None
    extras = re.findall(r"\.\[([a-z,]+)\]", DOCKERFILE)[0].split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(project["optional-dependencies"])
    for file in re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.M)[0].split():
        assert (ROOT / file).exists()


def test_the_services_are_this_image_and_a_database_with_what_there_is_to_set() -> None:
    services = COMPOSE["services"]
    selene = services["selene"]
    check(selene["command"])
    mine = {name for name in selene["environment"] if name.startswith("SELENE_")}
    assert mine and mine <= set(SETTINGS)
    assert selene["environment"]["SELENE_PORT"] == PORT
    assert selene["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert selene["read_only"] is True and selene["cap_drop"] == ["ALL"]
    assert (DEPLOY / selene["build"]["context"] / selene["build"]["dockerfile"]).exists()
    assert "@database/" in selene["environment"]["SELENE_DATABASE_URL"]
    # No password stands in the file.
    assert services["database"]["environment"]["POSTGRES_PASSWORD"].startswith("${")


def test_the_unit_runs_a_command_that_is_there() -> None:
    (line,) = re.findall(r"^ExecStart=/opt/selene/bin/selene (.*)$", UNIT, re.M)
    check(line.split())
    names = re.findall(r"^Environment=(\w+)=", UNIT, re.M)
    assert names and set(names) <= set(SETTINGS)
    assert "NoNewPrivileges=yes" in UNIT and "ProtectSystem=strict" in UNIT


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
