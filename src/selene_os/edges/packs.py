"""Packs of a user's own: loaded beside the core pack, described, and begun from an example."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from selene_os.engines import nlp
from selene_os.errors import BadField, PackInvalid
from selene_os.language.pack import HEAD, Intent, Pack, core_directory, core_pack, load_pack
from selene_os.language.pack_file import read_file

CASES: Final = "cases"
# A moment at which every example of a time is still to come.
_NOON: Final = "2026-01-05T12:00:00+00:00"
# What the loader names by the file alone; which directory it is in is known here.
_FILE: Final = re.compile(r"^[^\s/]+\.(toml|bin)\b")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a pack adds to the core pack.

    Attributes:
        name, version: its own.
        digest: of the core pack and this one together, as decisions are recorded with it.
        intents: its own, with their fields.
        patterns: language -> how many patterns its file has.
        cases: how many files of cases there are.
    """

    name: str
    version: str
    digest: str
    intents: tuple[Intent, ...]
    patterns: dict[str, int]
    cases: int


def load(directories: Sequence[str | Path]) -> Pack:
    """The core pack with these packs beside it; the core pack alone where there are none.

    Raises:
        PackInvalid: naming the file with its directory, the line and the reason, or the two packs
            that disagree.
    """
    if not directories:
        return core_pack()
    try:
        return load_pack(core_directory(), *map(Path, directories))
    except PackInvalid as error:
        raise _placed(directories, error) from error


def _placed(directories: Sequence[str | Path], error: PackInvalid) -> PackInvalid:
    """The error of the first pack that is refused by itself, with the directory it is in."""
    for directory in directories:
        try:
            load_pack(core_directory(), Path(directory))
        except PackInvalid as own:
            if _FILE.match(own.problem):
                return PackInvalid(f"{Path(directory) / own.problem}", own.next_step)
            return own
    return error


def contents(directory: str | Path) -> Contents:
    """What a pack holds, once it was loaded with the core pack.

    Raises:
        PackInvalid: it cannot be loaded, or an answer that it offers is not understood.
    """
    pack, core = load([directory]), core_pack()
    folder = Path(directory)
    intents = tuple(intent for name, intent in pack.intents.items() if name not in core.intents)
    _check_formats(folder, pack, intents)
    files = sorted(file for file in folder.glob("*.toml") if file.name != HEAD)
    return Contents(
        pack.name.removeprefix(f"{core.name}+"),
        pack.version.removeprefix(f"{core.version}+"),
        pack.digest,
        intents,
        {file.stem: _patterns(file) for file in files},
        len(case_files(folder)),
    )


def _patterns(file: Path) -> int:
    root = read_file(file.name, file.read_bytes())
    tables = [*root["patterns"].table().values(), *root["likely"].table().values()]
    return sum(len(given.entries()) for given in tables)


def _check_formats(folder: Path, pack: Pack, intents: Sequence[Intent]) -> None:
    """Refuse an answer that a question offers and that nothing understands when it comes back."""
    for code in (code for code in nlp.LANGUAGES if (folder / f"{code}.toml").is_file()):
        file = folder / f"{code}.toml"
        given = read_file(file.name, file.read_bytes())["questions"]
        for intent, field in ((one, field) for one in intents for field in one.asked):
            for offered in pack.languages[code].questions[field].formats:
                if not _is_answer(offered, code, intent, field, pack):
                    raise PackInvalid(
                        f"{file}, line {given[field]['formats'].line}: {offered!r:.80} is offered"
                        f" and not understood as the {field} of {intent.intent_type}",
                        f"Add to answers.{field} how it is said, or offer something else.",
                    )


def _is_answer(offered: str, language: str, intent: Intent, field: str, pack: Pack) -> bool:
    pending = {"intent_type": intent.intent_type, "asked": field, "firm": True}
    request = {"text": offered, "language": language, "now": _NOON, "pending": pending}
    result = nlp.run(nlp.decode_request(request), pack)
    heard = any(one.key == field and one.source is None for one in result.fields)
    return heard and result.what_is_missing != field


def case_files(directory: str | Path) -> list[Path]:
    """The files of cases in a pack, by name."""
    return sorted(Path(directory, CASES).glob("*.toml"))


def begin(directory: str | Path) -> list[Path]:
    """Write the example pack into a directory; returns its files.

    Raises:
        BadField: something is there already, or it cannot be written.
    """
    folder = Path(directory)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadField(
                "directory",
                f"{str(directory)!r:.80} is there and not empty",
                "Name one that is not there yet, or an empty one.",
            )
        return _copy(resources.files("selene_os.edges") / "example_pack", folder)
    except OSError as error:
        problem = f"{str(directory)!r:.80} cannot be written ({error.strerror})"
        raise BadField("directory", problem, "Name another one.") from error


def _copy(source: Traversable, target: Path) -> list[Path]:
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for entry in sorted(source.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            written += _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())
            written.append(target / entry.name)
    return written
