"""The documentation stays true: what exists is documented, and what is shown runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest

from api_server import running
from command import Command, Ran, environment
from selene_os import errors
from selene_os.edges.cli.main import COMMANDS, cli
from selene_os.edges.settings import SETTINGS
from selene_os.engines.nlp import asking as nlp_asking
from selene_os.engines.nlp import fields as nlp_fields
from selene_os.engines.nlp import moments as nlp_moments
from selene_os.language.pack import core_pack
from selene_os.ledger import migrations
from selene_os.reasons import MEANINGS, ReasonCode
from serving import token_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCS = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
GUIDES = {path.name: path.read_text() for path in sorted((ROOT / "docs" / "guides").glob("*.md"))}
# Their commands need a server of one's own, so they are set apart as text and no block is marked.
NEED_A_SERVER = {"console.md", "postgresql.md"}
# Run with a server beside them, whose address and key are in the environment.
WITH_THE_API = {"client.md"}
# Pages whose blocks are run, in order and in one folder.
SHOWN = {"README.md": README, "times.md": DOCS["times.md"]} | {
    name: page for name, page in GUIDES.items() if name not in NEED_A_SERVER
}
Block = tuple[str, str, str]
NONE: Block = ("", "", "")


def commands(group: click.Group, before: str) -> dict[str, click.Command]:
    """Every command by its words, groups opened."""
    found: dict[str, click.Command] = {}
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= commands(command, f"{before} {name}")
        else:
            found[f"{before} {name}"] = command
    return found


EVERY_COMMAND = commands(cli, "selene")


@pytest.mark.parametrize("words", EVERY_COMMAND)
def test_every_command_and_option_is_documented(words: str) -> None:
    (line,) = [row for row in DOCS["cli.md"].splitlines() if re.match(rf"\| `{words}[ `]", row)]
    for parameter in EVERY_COMMAND[words].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}`" in line, f"{words} {option}"


def test_no_command_or_option_is_documented_that_is_not_there() -> None:
    rows = [row for row in DOCS["cli.md"].splitlines() if row.startswith("| `selene ")]
    assert len(rows) == len(EVERY_COMMAND)
    for row in rows:
        words = next(w for w in sorted(EVERY_COMMAND, key=len, reverse=True) if f"`{w}" in row)
        known = {o for p in EVERY_COMMAND[words].params for o in p.opts}
        assert set(re.findall(r"`(--[a-z-]+)`", row)) <= known, words


def test_the_help_names_every_command_as_its_module_does() -> None:
    for name, (_, line) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None and command.name == name
        assert line.endswith(".") and len(line) < 60


def test_every_setting_is_documented() -> None:
    for name, meaning in SETTINGS.items():
        assert f"| `{name}` |" in DOCS["cli.md"] and meaning.split(":")[0] in DOCS["cli.md"]


def test_every_reason_code_is_documented_with_its_number_and_meaning() -> None:
    rows = [row for row in DOCS["reason-codes.md"].splitlines() if row.startswith("| `")]
    expected = [f"| `{c.name}` | `0x{c:08X}` | {MEANINGS[c]} |" for c in ReasonCode]
    assert rows == expected


def test_every_error_is_documented_with_its_codes() -> None:
    def leaves(kind: type[errors.SeleneError]) -> list[type[errors.SeleneError]]:
        return [kind, *(leaf for sub in kind.__subclasses__() for leaf in leaves(sub))]

    shown = set(leaves(errors.SeleneError)) - {errors.SeleneError, errors.Refusal, errors.Fault}
    for kind in shown:
        row = f"| `{kind.__name__}` | {'refusal' if kind.exit_code == 2 else 'fault'}"
        assert f"{row} | {kind.exit_code} | {kind.http_status} |" in DOCS["errors.md"]
        assert f"── {kind.__name__} " in (errors.__doc__ or ""), "the tree at the top of errors.py"


def test_every_intent_and_flag_is_documented() -> None:
    for name, intent in core_pack().intents.items():
        assert f"| `{name}` | {', '.join(f'`{key}`' for key in intent.required)}" in DOCS["nlp.md"]
    known = {**vars(nlp_fields), **vars(nlp_moments), **vars(nlp_asking)}
    flags = [v for k, v in known.items() if k.isupper() and isinstance(v, str) and k == v]
    assert len(flags) > 11
    for flag in flags:
        assert f"`{flag}`" in DOCS["nlp.md"]


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.S)
        for target in re.findall(r"\]\(([^)#:]+)\)", prose):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for named in re.findall(r"`(tests/[a-z_/.]+)`", text):
        assert (ROOT / named).exists(), named


def test_the_specifications_are_there_verbatim() -> None:
    texts = [path.read_text() for path in sorted((ROOT / "docs" / "spec").glob("*.txt"))]
    assert [text.splitlines()[0] for text in texts] == [
        "# PH1.PERSONA DB Wiring Spec",
        "# PH1.NLP DB Wiring Spec",
    ]


def test_every_migration_says_at_its_top_what_it_makes() -> None:
    for migration in (*migrations.load("sqlite"), *migrations.load("keyring")):
        assert migration.sql.startswith("-- "), migration.name


def test_the_readme_is_of_the_length_that_is_read() -> None:
    assert 60 <= len(README.splitlines()) <= 100


def test_the_python_example_of_the_readme_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first, *rest = done.stdout.splitlines()
    assert first == "INTENT_DRAFT SET_REMINDER ['call mom', 'tomorrow at 5 pm']"
    assert [line.split()[0] for line in rest] == ["1", "2"]


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server is, with tenant acme and alice in the kitchen."""
    with running(tmp_path_factory.mktemp("api")) as address:
        yield address


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_page_shows_runs_and_prints_what_it_shows(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if name in WITH_THE_API:
        monkeypatch.setenv("SELENE_URL", request.getfixturevalue("address"))
        monkeypatch.setenv("SELENE_KEY", token_of("all"))
    selene, blocks = Command(tmp_path, capsys, monkeypatch), blocks_of(SHOWN[name])
    printed = ""
    for (language, file, content), (following, _, shown) in pairwise([*blocks, NONE]):
        if language == "csv":
            (tmp_path / file).write_text(content, encoding="utf-8")
        elif language == "python":
            done = ran([sys.executable, "-c", content], tmp_path)
            assert not done.err
            assert following != "text" or matches(done.out, shown), done.out
        elif language == "console":
            for command in re.split(r"^\$ ", content, flags=re.M)[1:]:
                line, _, expected = command.partition("\n")
                line = filled(line, printed)
                words = shlex.split(line)
                # The guides' many commands run in this process, the others as a stranger's do.
                here = name in GUIDES and words[0] == "selene" and not {">", "&&", "||"} & {*words}
                done = selene(*words[1:]) if here else ran(["sh", "-c", line], tmp_path)
                assert matches(done.out + done.err, expected), done.out + done.err
                printed += done.out


def test_no_block_of_these_pages_is_passed_over() -> None:
    for name, page in SHOWN.items():
        blocks = blocks_of(page)
        assert len(re.findall("^```", page, re.M)) == 2 * len(blocks) > 0, name
        for (before, _, _), (language, file, content) in pairwise([NONE, *blocks]):
            assert language in ("console", "python", "csv", "text"), name
            assert (language == "csv") == bool(file), name
            assert language != "text" or before == "python", name
            assert language != "console" or content.startswith("$ "), name


def test_every_guide_is_run_but_what_needs_a_server() -> None:
    assert set(GUIDES) == (set(SHOWN) & set(GUIDES)) | NEED_A_SERVER
    assert not any(blocks_of(GUIDES[name]) for name in NEED_A_SERVER)


def blocks_of(page: str) -> list[Block]:
    """The fenced blocks of a page: language, the name of the file that it is, content."""
    return re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", page, re.S | re.M)


def ran(line: list[str], folder: Path) -> Ran:
    """Run a line in a process of its own, where `selene` is on the path."""
    env = environment(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    done = subprocess.run(line, cwd=folder, capture_output=True, env=env, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def filled(line: str, printed: str) -> str:
    """A command in which "…" is what was printed last behind the option before it."""
    return re.sub(r"(--\w+) …", lambda asked: re.findall(rf"{asked[1]} \S+", printed)[-1], line)


def matches(printed: str, shown: str) -> bool:
    """Whether this was printed, where "…" stands for what differs from run to run: ids, times."""
    return bool(re.fullmatch(re.escape(shown).replace("…", ".*"), printed))
