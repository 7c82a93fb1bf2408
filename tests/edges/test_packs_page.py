"""The page about packs stays true: its example runs, and every table it speaks of is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from command import Command
from selene_os.edges import cases
from selene_os.language import grammar, pack, speech, speech_file

PAGE = (Path(__file__).parents[2] / "docs" / "packs.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`(parking/[a-z./]+)`:\n\n```toml\n(.*?)```", PAGE, re.S))
SESSION = re.findall(r"```console\n(.*?)```", PAGE, re.S)[-1]


@pytest.fixture
def parking(selene: Command) -> Command:
    """The page's example, in a folder of its own."""
    for name, text in FILES.items():
        (selene.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (selene.folder / name).write_text(text, encoding="utf-8")
    return selene


def test_the_example_has_its_files() -> None:
    assert set(FILES) == {"parking/pack.toml", "parking/en.toml", "parking/cases/english.toml"}


@pytest.mark.parametrize("shown", re.split(r"^\$ ", SESSION, flags=re.M)[1:])
def test_the_example_prints_what_the_page_shows(parking: Command, shown: str) -> None:
    line, _, expected = shown.partition("\n")
    words = shlex.split(line)
    assert words[0] == "selene"
    out = parking.done(*words[1:]).out
    assert re.fullmatch(re.escape(expected).replace("…", ".*"), out), out


def test_every_table_key_and_list_is_on_the_page() -> None:
    tables = re.findall(r"\[([a-z]+)\]", speech_file.__doc__ or "")
    assert len(tables) > 8
    names = {
        *(f"[{table}]" for table in tables if table != "questions"),
        *speech.WORD_LISTS,
        *speech.PHRASE_LISTS,
        *grammar.KINDS,
        *pack.SENSITIVITIES,
        *pack.TERM_KINDS,
        *cases.DECISIONS,
        *("text", "before", "now", "language", "policy"),
        *("decision", "intent", "confidence", "fields", "asks", "flags"),
        *(
            "name",
            "version",
            "required",
            "one_of",
            "optional",
            "clock",
            "confirm",
            "sensitivity",
            "digest",
        ),
    }
    assert not [name for name in names if f"`{name}`" not in PAGE]


def test_every_construct_of_a_pattern_is_on_the_page() -> None:
    constructs = re.findall(r"^    (\S.*?)  ", grammar.__doc__ or "", re.M)
    assert len(constructs) > 6
    for construct in constructs:
        shown = construct.replace("|", "\\|")
        assert f"`{shown}`" in PAGE, construct
