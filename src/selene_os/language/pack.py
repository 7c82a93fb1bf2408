"""A pack: what can be asked for, and how each language says it; loaded from a directory.

    pack.toml         name, version, the intents with their fields, the kinds of fields
    <language>.toml   patterns, questions with their formats, phrases and words (`speech_file.py`)
    scorer.bin        a second opinion, named by its digest in pack.toml (`scorer.py`)

A pack with anything in it that means nothing is refused: a key misspelt is a rule left out. The
digest over the bytes of every file is part of each decision's replay record. Packs combine: a
tenant's own stands beside the core pack, and where two disagree that is found when they are loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from selene_os.errors import PackInvalid
from selene_os.language import grammar
from selene_os.language.pack_file import NEXT_STEP, Entry, read_file
from selene_os.language.scorer import Scorer, ScorerError, load_scorer
from selene_os.language.speech import Language, Pattern, check_questions, merge
from selene_os.language.speech_file import read_language

if TYPE_CHECKING:
    # Only named: importing it takes as long as everything else here.
    from importlib.resources.abc import Traversable

SENSITIVITIES: Final = ("PUBLIC", "PRIVATE", "CONFIDENTIAL")
# The kinds of verified terms, as PH1.NLP's requests name them.
TERM_KINDS: Final = (
    "EMPLOYEE_NAME_PREFERRED", "APPROVED_ABBREVIATION", "INTERNAL_PRODUCT_NAME", "PROJECT_CODE",
)  # fmt: skip
HEAD: Final = "pack.toml"
SCORER: Final = "scorer.bin"
_HEAD_KEYS: Final = ("name", "version", "intents", "kinds", "terms", "scorer")
_INTENT_KEYS: Final = ("required", "one_of", "optional", "clock", "confirm", "sensitivity")
_FILE_BYTES_MAX: Final = 4_194_304
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Intent:
    """What one intent needs, and what must be asked before it is acted on.

    Attributes:
        one_of: fields of which one is needed, the one to ask for first.
        clock: fields that need a time of day: a table is not booked for a day.
    """

    intent_type: str
    required: tuple[str, ...]
    one_of: tuple[str, ...]
    optional: tuple[str, ...]
    clock: tuple[str, ...]
    confirm: bool
    sensitivity: str

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field, the required ones first, in the pack's order."""
        return self.required + self.one_of + self.optional

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that may have to be asked for."""
        return self.required + self.one_of


@dataclass(frozen=True, slots=True)
class Part:
    """One of the packs that a pack was combined from, so that it can be kept and made again.

    Attributes:
        digest: of its own files alone.
        files: their bytes by name; None for the core pack, which ships with Selene.
    """

    name: str
    version: str
    digest: str
    files: Mapping[str, bytes] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pack:
    """Intents and the languages that say them.

    Attributes:
        languages: code -> the language; each understands what is said in any of them.
        scorer: None where there is no table.
        parts: what it was combined from, in order; itself alone where it was not. Where the files
            came from makes no other pack of the same content.
    """

    name: str
    version: str
    digest: str
    intents: dict[str, Intent]
    kinds: dict[str, str]
    terms: dict[str, frozenset[str]]
    languages: dict[str, Language]
    scorer: Scorer | None
    parts: tuple[Part, ...] = field(default=(), compare=False, repr=False)


@cache
def core_pack() -> Pack:
    """The pack that ships with Selene, loaded once."""
    return load_pack(core_directory())


def core_directory() -> Path:
    """Where the core pack's files are."""
    return Path(__file__).parent / "packs" / "core"


def load_pack(*directories: Traversable | Path) -> Pack:
    """Load and check a pack, or several that combine.

    Args:
        directories: each holds pack.toml and one TOML file a language.

    Raises:
        PackInvalid: naming the file, the line and the reason, or the two packs that disagree.
    """
    core = core_directory()
    return _joined([_load_core() if one == core else _load(one) for one in directories])


def load_parts(parts: Sequence[Part]) -> Pack:
    """The pack that was combined from these parts, made again from the bytes that they keep.

    Raises:
        PackInvalid: the core pack was another one than ships now, or what is kept is no pack.
    """
    if not parts:
        raise PackInvalid("a pack of no parts", "Restore the archive from a backup.")
    core = _load_core()
    found = []
    for part in parts:
        if part.files is None and part.digest != core.digest:
            raise PackInvalid(
                f"{part.name} {part.version} is not the {core.name} {core.version} that ships here",
                "Use the version of Selene that it came with.",
            )
        found.append(core if part.files is None else _parsed(dict(part.files)))
    return _joined(found)


def _joined(found: list[Pack]) -> Pack:
    """One pack of those that were loaded, checked together."""
    one = found[0] if len(found) == 1 else _combined(found)
    for pack in found:
        # A language that a pack does not speak asks about its fields in one that it does.
        asked = dict.fromkeys(field for own in pack.intents.values() for field in own.fields)
        check_questions({code: one.languages[code] for code in pack.languages}, asked)
    _check_distinct(one)
    everyone = tuple(one.languages.values())
    merged = {code: merge(code, everyone) for code in one.languages}
    parts = tuple(part for pack in found for part in pack.parts)
    return replace(one, languages=merged, parts=parts)


@cache
def _load_core() -> Pack:
    """The core pack as it stands beside others: its files do not change while a process runs."""
    core = _load(core_directory())
    return replace(core, parts=tuple(replace(part, files=None) for part in core.parts))


def _load(directory: Traversable | Path) -> Pack:
    return _parsed(_contents(directory))


def _parsed(files: dict[str, bytes]) -> Pack:
    """A pack out of the bytes of its files, in the order of their names."""
    kept = dict(files)
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    head = read_file(HEAD, files.pop(HEAD))
    head.table(_HEAD_KEYS)
    kinds = {key: kind.one_of(grammar.KINDS) for key, kind in head["kinds"].table().items()}
    intents = {name: _intent(name, body, kinds) for name, body in head["intents"].table().items()}
    scorer = _scorer(head["scorer"], files.pop(SCORER, None), intents)
    fields = {name: intent.fields for name, intent in intents.items()}
    codes = {name: name.removesuffix(".toml") for name in files}
    return Pack(
        head["name"].text(),
        head["version"].text(),
        digest.hexdigest(),
        intents,
        kinds,
        {
            key: frozenset(kind.one_of(TERM_KINDS) for kind in given.entries())
            for key, given in head["terms"].table(kinds).items()
        },
        {
            codes[name]: read_language(codes[name], read_file(name, content), fields, kinds)
            for name, content in files.items()
        },
        scorer,
        (Part(head["name"].text(), head["version"].text(), digest.hexdigest(), kept),),
    )


def _contents(directory: Traversable | Path) -> dict[str, bytes]:
    """The bytes of each of a pack's files, by name, in the order of the names."""
    try:
        files = {
            file.name: file.read_bytes()
            for file in sorted(directory.iterdir(), key=lambda file: file.name)
            if file.name.endswith(".toml") or file.name == SCORER
        }
    except (OSError, ValueError) as error:
        raise PackInvalid(f"{directory}: {error}", "Name a pack's directory.") from error
    if HEAD not in files:
        raise PackInvalid(f"{directory} holds no {HEAD}", "Name a pack's directory.")
    for name, content in files.items():
        if len(content) > _FILE_BYTES_MAX:
            raise PackInvalid(f"{name} has over {_FILE_BYTES_MAX} bytes", "Make it smaller.")
    if not any(name.endswith(".toml") and name != HEAD for name in files):
        raise PackInvalid(f"{directory} holds no language", "Add a file such as en.toml.")
    return files


def _intent(name: str, body: Entry, kinds: Mapping[str, str]) -> Intent:
    body.table(_INTENT_KEYS)
    seen: set[str] = set()
    listed = [entry for key in ("required", "one_of", "optional") for entry in body[key].entries()]
    for entry in listed:
        field = entry.text()
        if field not in kinds:
            raise entry.refuse(f"field {field!r} of {name} has no kind")
        if field in seen:
            raise entry.refuse(f"field {field!r} of {name} stands twice")
        seen.add(field)
    for entry in body["clock"].entries():
        if entry.text() not in seen or kinds[entry.text()] != grammar.TIME:
            raise entry.refuse(f"{entry.text()!r:.60} is no time that {name} has a field for")
    return Intent(
        name,
        body["required"].texts(),
        body["one_of"].texts(),
        body["optional"].texts(),
        body["clock"].texts(),
        body["confirm"].flag(default=True),
        body["sensitivity"].one_of(SENSITIVITIES),
    )


def _scorer(given: Entry, content: bytes | None, intents: Collection[str]) -> Scorer | None:
    """The table that pack.toml names by its digest, and no other."""
    given.table(("digest",))
    if content is None:
        if given.given:
            raise given.refuse(f"{SCORER} is missing")
        return None
    if given["digest"].text() != hashlib.sha256(content).hexdigest():
        raise given["digest"].refuse(f"{SCORER} is another table than the one of this digest")
    try:
        scorer = load_scorer(content)
    except ScorerError as error:
        raise PackInvalid(f"{SCORER}, line 1: {error}", NEXT_STEP) from error
    for intent in scorer.weights:
        if intent not in intents:
            raise PackInvalid(f"{SCORER}, line 1: {intent} is no intent of {HEAD}", NEXT_STEP)
    return scorer


# ---- several


def _combined(packs: list[Pack]) -> Pack:
    """Several packs as one; what two of them say differently is refused."""
    digest = hashlib.sha256()
    for pack in packs:
        digest.update(f"{pack.name}\0{pack.digest}\n".encode())
    codes = dict.fromkeys(code for pack in packs for code in pack.languages)
    scorers = [pack for pack in packs if pack.scorer]
    if len(scorers) > 1:
        raise _conflict(scorers[0], scorers[1], "both have a scorer")
    return Pack(
        "+".join(pack.name for pack in packs),
        "+".join(pack.version for pack in packs),
        digest.hexdigest(),
        _union(packs, "intent", lambda pack: pack.intents, same=False),
        _union(packs, "kind of field", lambda pack: pack.kinds),
        _union(packs, "terms of field", lambda pack: pack.terms),
        {code: _spoken(code, packs) for code in codes},
        scorers[0].scorer if scorers else None,
    )


def _spoken(code: str, packs: list[Pack]) -> Language:
    """One language of several packs; each field has one question in it."""
    having = [pack for pack in packs if code in pack.languages]
    _union(having, f"{code} question about", lambda pack: pack.languages[code].questions)
    return merge(code, [pack.languages[code] for pack in having])


def _union(
    packs: Iterable[Pack], what: str, of: Callable[[Pack], dict[str, _V]], *, same: bool = True
) -> dict[str, _V]:
    """What packs say by name, all together. Two may say the `same`, or not even that."""
    found: dict[str, _V] = {}
    owners: dict[str, Pack] = {}
    for pack in packs:
        for name, value in of(pack).items():
            if name in found and not (same and found[name] == value):
                raise _conflict(owners[name], pack, f"each have their own {what} {name}")
            found[name] = value
            owners.setdefault(name, pack)
    return found


def _check_distinct(pack: Pack) -> None:
    """Refuse one pattern for two intents: which of them it is, nobody could say."""
    for code, language in pack.languages.items():
        # Only patterns that need the same words can be the same; the others are told apart cheaply.
        seen: dict[tuple[frozenset[str], ...], list[Pattern]] = {}
        for pattern in language.patterns():
            for before in seen.setdefault(pattern.needs, []):
                if (
                    before.sequence == pattern.sequence
                    and before.intent_type != pattern.intent_type
                ):
                    raise PackInvalid(
                        f"{code}.toml, line 1: {pattern.text!r:.80} is a pattern of"
                        f" {before.intent_type} and of {pattern.intent_type}",
                        "Leave it to one of them.",
                    )
            seen[pattern.needs].append(pattern)


def _conflict(one: Pack, other: Pack, how: str) -> PackInvalid:
    return PackInvalid(f"packs {one.name} and {other.name} {how}", "Rename it in one of them.")
