"""A pack: what can be asked for, and how each language says it; loaded from a directory.

    pack.toml      name, version, the intents with their fields, the kinds of fields
    <language>.toml   patterns, questions with their formats, phrases and words

The digest over every file is part of each decision's replay record.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from selene_os.errors import PackInvalid
from selene_os.language import grammar
from selene_os.language.grammar import PatternError, Sequence, compile_pattern

SENSITIVITIES: Final = ("PUBLIC", "PRIVATE", "CONFIDENTIAL")
QUESTION_BYTES_MAX: Final = 240
FORMAT_CHARS_MAX: Final = 128
_LISTS: Final = (
    "names_end", "pronouns", "task_references", "things", "vague_times", "requests", "talk_heads",
    "abbreviations", "joiners",
)  # fmt: skip
_PHRASES: Final = (
    "before", "request", "ability", "after", "withdrawal", "refusal", "correction", "hypothetical",
    "negation", "both", "yes",
)  # fmt: skip


# Sequences without slots, by each word that one can begin with.
Phrases = dict[str, tuple[Sequence, ...]]


@dataclass(frozen=True, slots=True)
class Intent:
    """What one intent needs, and what must be asked before it is acted on."""

    intent_type: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    confirm: bool
    sensitivity: str

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field, the required ones first, in the pack's order."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to say an intent."""

    intent_type: str
    text: str
    sequence: Sequence


@dataclass(frozen=True, slots=True)
class Question:
    """How a field is asked for; `ask_readings` where one of several readings is wanted."""

    ask: str
    formats: tuple[str, ...]
    ask_readings: str


@dataclass(frozen=True, slots=True)
class Language:
    """One language of a pack, ready to be matched.

    Attributes:
        starting: first word of a clause -> the patterns that can begin with it.
        anywhere: patterns that begin with a value.
        more: intent -> patterns for another one of its kind.
        answers: field -> patterns of an answer.
        questions: field -> its question.
        phrases: name -> phrases by their first word; `ordinals`: one for each place.
        words: name -> words, folded.
    """

    code: str
    starting: dict[str, tuple[Pattern, ...]]
    anywhere: tuple[Pattern, ...]
    more: dict[str, tuple[Pattern, ...]]
    answers: dict[str, tuple[Sequence, ...]]
    questions: dict[str, Question]
    phrases: dict[str, Phrases]
    ordinals: tuple[Phrases, ...]
    words: dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Pack:
    """Intents and the languages that say them."""

    name: str
    version: str
    digest: str
    intents: dict[str, Intent]
    kinds: dict[str, str]
    terms: dict[str, frozenset[str]]
    languages: dict[str, Language]


@cache
def core_pack() -> Pack:
    """The pack that ships with Selene, loaded once."""
    return load_pack(resources.files("selene_os.language.packs") / "core")


def load_pack(directory: Traversable | Path) -> Pack:
    """Load and check a pack.

    Args:
        directory: holds pack.toml and one TOML file a language.

    Raises:
        PackInvalid: naming the file, the line and the reason.
    """
    files = {
        file.name: file.read_text(encoding="utf-8")
        for file in directory.iterdir()
        if file.name.endswith(".toml")
    }
    if "pack.toml" not in files:
        raise PackInvalid(f"{directory} holds no pack.toml", "Name a pack's directory.")
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name].encode())}\0".encode() + files[name].encode())
    head = _File("pack.toml", files["pack.toml"])
    kinds = {key: head.one_of(kind, grammar.KINDS) for key, kind in head.table("kinds").items()}
    intents = {
        name: _intent(head, name, body, kinds) for name, body in head.table("intents").items()
    }
    terms = {key: frozenset(head.strings(kind)) for key, kind in head.table("terms").items()}
    languages = {}
    for name, text in files.items():
        if name != "pack.toml":
            code = name.removesuffix(".toml")
            languages[code] = _language(code, _File(name, text), intents)
    return Pack(
        head.string("name"),
        head.string("version"),
        digest.hexdigest(),
        intents,
        kinds,
        terms,
        languages,
    )


class _File:
    """One TOML file, and errors that name its lines."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text
        try:
            self._root = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PackInvalid(f"{name}: {error}", "Mend the file.") from error

    def refuse(self, near: str, reason: str) -> PackInvalid:
        """The error for something wrong near the text `near`."""
        lines = self._text.splitlines()
        line = next((n for n, text in enumerate(lines, 1) if near and near in text), 1)
        return PackInvalid(f"{self.name}, line {line}: {reason}", "Mend the file.")

    def table(self, name: str) -> dict[str, Any]:
        """A table of the file, empty where it is missing."""
        found = self._root.get(name, {})
        if not isinstance(found, dict):
            raise self.refuse(name, f"{name} must be a table")
        return found

    def string(self, name: str) -> str:
        """A string of the file's root."""
        found = self._root.get(name)
        if not isinstance(found, str) or not found:
            raise self.refuse(name, f"{name} must be text")
        return found

    def strings(self, found: object) -> tuple[str, ...]:
        """A list of strings."""
        if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
            raise self.refuse(str(found)[:20], f"{found!r:.60} must be a list of texts")
        return tuple(found)

    def one_of(self, found: object, accepted: tuple[str, ...]) -> str:
        """A string among those accepted."""
        if not isinstance(found, str) or found not in accepted:
            raise self.refuse(str(found), f"{found!r:.60} must be one of {', '.join(accepted)}")
        return found

    def sequences(self, found: object) -> tuple[Sequence, ...]:
        """Patterns, compiled."""
        return tuple(self.sequence(text) for text in self.strings(found))

    def sequence(self, text: str) -> Sequence:
        """One pattern, compiled."""
        try:
            return compile_pattern(text)
        except PatternError as error:
            raise self.refuse(text, f"the pattern {text!r} {error}") from error


def _intent(head: _File, name: str, body: Any, kinds: dict[str, str]) -> Intent:
    if not isinstance(body, dict):
        raise head.refuse(name, f"intents.{name} must be a table")
    intent = Intent(
        name,
        head.strings(body.get("required", [])),
        head.strings(body.get("optional", [])),
        bool(body.get("confirm", True)),
        head.one_of(body.get("sensitivity"), SENSITIVITIES),
    )
    for field in intent.fields:
        if field not in kinds:
            raise head.refuse(field, f"field {field!r} of {name} has no kind")
    return intent


def _language(code: str, file: _File, intents: dict[str, Intent]) -> Language:
    starting: dict[str, list[Pattern]] = {}
    anywhere: list[Pattern] = []
    for pattern in _patterns(file, file.table("patterns"), intents):
        for word in grammar.first_words(pattern.sequence) or ():
            starting.setdefault(word, []).append(pattern)
        if not grammar.first_words(pattern.sequence):
            anywhere.append(pattern)
    more: dict[str, list[Pattern]] = {}
    for pattern in _patterns(file, file.table("more"), intents):
        more.setdefault(pattern.intent_type, []).append(pattern)
    phrases = file.table("phrases")
    words = file.table("words")
    return Language(
        code,
        {word: tuple(patterns) for word, patterns in starting.items()},
        tuple(anywhere),
        {name: tuple(patterns) for name, patterns in more.items()},
        {field: file.sequences(given) for field, given in file.table("answers").items()},
        {field: _question(file, field, body) for field, body in file.table("questions").items()},
        {name: _by_first_word(file.sequences(phrases.get(name, []))) for name in _PHRASES},
        tuple(_by_first_word(file.sequences(given)) for given in phrases.get("ordinals", [])),
        {name: frozenset(file.strings(words.get(name, []))) for name in _LISTS},
    )


def _by_first_word(sequences: tuple[Sequence, ...]) -> Phrases:
    found: dict[str, list[Sequence]] = {}
    for sequence in sequences:
        for word in grammar.first_words(sequence):
            found.setdefault(word, []).append(sequence)
    return {word: tuple(phrases) for word, phrases in found.items()}


def _patterns(file: _File, table: dict[str, Any], intents: dict[str, Intent]) -> Iterable[Pattern]:
    for name, given in table.items():
        if name not in intents:
            raise file.refuse(name, f"{name} is no intent of pack.toml")
        for text in file.strings(given):
            sequence = file.sequence(text)
            for slot in grammar.slots(sequence):
                if slot not in intents[name].fields and slot != IGNORED_SLOT:
                    raise file.refuse(text, f"{name} has no field {slot!r}")
            yield Pattern(name, text, sequence)


# A slot whose text is heard but fills nothing: "send money from my savings to Bob".
IGNORED_SLOT: Final = "source"


def _question(file: _File, field: str, body: Any) -> Question:
    if not isinstance(body, dict) or not isinstance(body.get("ask"), str):
        raise file.refuse(field, f"questions.{field} needs `ask`")
    formats = file.strings(body.get("formats"))
    if not 2 <= len(formats) <= 3 or any(len(text) > FORMAT_CHARS_MAX for text in formats):
        raise file.refuse(
            field, f"questions.{field} needs 2 or 3 formats of at most 128 characters"
        )
    ask = str(body["ask"])
    ask_readings = str(body.get("ask_readings", ask))
    for line in (ask, ask_readings):
        if len(line.encode()) > QUESTION_BYTES_MAX or len(line.splitlines()) != 1:
            raise file.refuse(field, f"questions.{field} must be one line of at most 240 bytes")
    return Question(ask, formats, ask_readings)
