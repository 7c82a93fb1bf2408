"""Each command that a page of the console names is one, with options that it has."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import click
import pytest

from consoles import Desk
from selene_os.edges.cli.main import cli
from selene_os.edges.console import snippets

TEMPLATES = Path(snippets.__file__).parent / "templates"


def named(text: str) -> list[str]:
    """The command lines in a page."""
    return [unescape(line) for line in re.findall(r"<(?:code|pre)[^>]*>(selene [^<]*)", text)]


def check(line: str) -> None:
    """That there is such a command, and that it has these options."""
    _, *words = shlex.split(line)
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    known = {option for one in command.params for option in one.opts}
    assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_a_template_names_commands_that_there_are(path: Path) -> None:
    text = re.sub(r"\{\{.*?\}\}", "NAME", path.read_text())
    lines = named(text)
    assert len(lines) == len(re.findall(r">selene [a-z]", text))
    for line in lines:
        check(line)


def test_the_same_question_for_the_command_line_is_one_that_it_takes(desk: Desk) -> None:
    desk.log_in()
    asked = "user=alice&device=kitchen&since=2026-01-01T00:00Z&intent=SEND_MONEY"
    for page in (f"search?{asked}", f"c/{desk.talk}"):
        lines = named(desk.get(f"t/acme/{page}").text)
        assert lines
        for line in lines:
            check(line)
