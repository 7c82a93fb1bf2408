"""A pack: what can be asked for, and how each language says it; loaded from a directory.

    pack.toml      name, version, the intents with their fields, the kinds of fields
    <language>.toml   patterns, questions with their formats, phrases and words

A pack with anything in it that means nothing is refused: a key misspelt is a rule left out. The
digest over the bytes of every file is part of each decision's replay record.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from selene_os.errors import PackInvalid
from selene_os.language import grammar
from selene_os.language.grammar import Choice, PatternError, Sequence, Slot, compile_pattern
from selene_os.language.pack_file import Entry, read_file

SENSITIVITIES: Final = ("PUBLIC", "PRIVATE", "CONFIDENTIAL")
# The kinds of verified terms, as PH1.NLP's requests name them.
TERM_KINDS: Final = (
    "EMPLOYEE_NAME_PREFERRED", "APPROVED_ABBREVIATION", "INTERNAL_PRODUCT_NAME", "PROJECT_CODE",
)  # fmt: skip
# What is asked about a whole request; every other question is about a field.
REQUEST_QUESTIONS: Final = ("intent_choice", "trigger")
# A slot whose text is heard but fills nothing: "send money from my savings to Bob".
IGNORED_SLOT: Final = "source"
QUESTION_BYTES_MAX: Final = 240
FORMATS_MIN: Final = 2
FORMATS_MAX: Final = 3
FORMAT_CHARS_MAX: Final = 128
FORMAT_BYTES_MAX: Final = 256
_HEAD: Final = "pack.toml"
_HEAD_KEYS: Final = ("name", "version", "intents", "kinds", "terms")
_INTENT_KEYS: Final = ("required", "optional", "confirm", "sensitivity")
_LANGUAGE_KEYS: Final = ("patterns", "more", "answers", "questions", "phrases", "words")
_QUESTION_KEYS: Final = ("ask", "formats", "ask_readings")
_LISTS: Final = (
    "names_end", "pronouns", "task_references", "things", "vague_times", "requests", "talk_heads",
    "abbreviations", "joiners",
)  # fmt: skip
_PHRASES: Final = (
    "before", "request", "ability", "after", "withdrawal", "refusal", "correction", "hypothetical",
    "negation", "both", "yes",
)  # fmt: skip
_ORDINALS: Final = "ordinals"


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
    files = _contents(directory)
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    head = read_file(_HEAD, files.pop(_HEAD))
    head.table(_HEAD_KEYS)
    kinds = {key: kind.one_of(grammar.KINDS) for key, kind in head["kinds"].table().items()}
    intents = {name: _intent(name, body, kinds) for name, body in head["intents"].table().items()}
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
            codes[name]: _language(codes[name], read_file(name, content), intents, kinds)
            for name, content in files.items()
        },
    )


def _contents(directory: Traversable | Path) -> dict[str, bytes]:
    """The bytes of each of a pack's files, by name, in the order of the names."""
    try:
        files = {
            file.name: file.read_bytes()
            for file in sorted(directory.iterdir(), key=lambda file: file.name)
            if file.name.endswith(".toml")
        }
    except (OSError, ValueError) as error:
        raise PackInvalid(f"{directory}: {error}", "Name a pack's directory.") from error
    if _HEAD not in files:
        raise PackInvalid(f"{directory} holds no {_HEAD}", "Name a pack's directory.")
    if len(files) == 1:
        raise PackInvalid(f"{directory} holds no language", "Add a file such as en.toml.")
    return files


def _intent(name: str, body: Entry, kinds: dict[str, str]) -> Intent:
    body.table(_INTENT_KEYS)
    seen: set[str] = set()
    for entry in (*body["required"].entries(), *body["optional"].entries()):
        field = entry.text()
        if field not in kinds:
            raise entry.refuse(f"field {field!r} of {name} has no kind")
        if field in seen:
            raise entry.refuse(f"field {field!r} of {name} stands twice")
        seen.add(field)
    return Intent(
        name,
        body["required"].texts(),
        body["optional"].texts(),
        body["confirm"].flag(default=True),
        body["sensitivity"].one_of(SENSITIVITIES),
    )


def _language(
    code: str, root: Entry, intents: dict[str, Intent], kinds: dict[str, str]
) -> Language:
    root.table(_LANGUAGE_KEYS)
    askable = (*kinds, *REQUEST_QUESTIONS)
    starting: dict[str, list[Pattern]] = {}
    anywhere: list[Pattern] = []
    for pattern in _patterns(root["patterns"], intents):
        for word in grammar.first_words(pattern.sequence) or ():
            starting.setdefault(word, []).append(pattern)
        if not grammar.first_words(pattern.sequence):
            anywhere.append(pattern)
    more: dict[str, list[Pattern]] = {}
    for pattern in _patterns(root["more"], intents):
        more.setdefault(pattern.intent_type, []).append(pattern)
    phrases, words = root["phrases"], root["words"]
    phrases.table((*_PHRASES, _ORDINALS))
    words.table(_LISTS)
    language = Language(
        code,
        {word: tuple(patterns) for word, patterns in starting.items()},
        tuple(anywhere),
        {name: tuple(patterns) for name, patterns in more.items()},
        {
            field: tuple(_sequence(text, askable) for text in given.entries())
            for field, given in root["answers"].table(askable).items()
        },
        {field: _question(body) for field, body in root["questions"].table(askable).items()},
        {name: _phrases(phrases[name]) for name in _PHRASES},
        tuple(_phrases(place) for place in phrases[_ORDINALS].entries()),
        {name: frozenset(words[name].texts()) for name in _LISTS},
    )
    _check_questions(root["questions"], intents, language)
    return language


def _check_questions(questions: Entry, intents: dict[str, Intent], language: Language) -> None:
    """Refuse a language that lacks a question which a turn may come to ask."""
    asked = dict.fromkeys(field for intent in intents.values() for field in intent.required)
    for field in (*asked, *REQUEST_QUESTIONS):
        if field not in language.questions:
            raise questions.refuse(f"questions.{field} is missing")


def _phrases(given: Entry) -> Phrases:
    found: dict[str, list[Sequence]] = {}
    for entry in given.entries():
        sequence = _sequence(entry, ())
        words = grammar.first_words(sequence)
        if not words:
            # Under no first word it would never be found.
            raise entry.refuse(f"the phrase {entry.value!r:.60} can be left out altogether")
        for word in words:
            found.setdefault(word, []).append(sequence)
    return {word: tuple(phrases) for word, phrases in found.items()}


def _patterns(table: Entry, intents: dict[str, Intent]) -> Iterator[Pattern]:
    for name, given in table.table().items():
        if name not in intents:
            raise given.refuse(f"{name} is no intent of {_HEAD}")
        fields = (*intents[name].fields, IGNORED_SLOT)
        for entry in given.entries():
            yield Pattern(name, entry.text(), _sequence(entry, fields))


def _sequence(entry: Entry, fields: Collection[str]) -> Sequence:
    """A pattern, compiled; its slots are among these fields."""
    text = entry.text()
    try:
        sequence = compile_pattern(text)
    except (PatternError, RecursionError) as error:
        raise entry.refuse(f"the pattern {text!r:.60} {error}") from error
    for slot, times in _slots(sequence).items():
        if slot not in fields:
            known = ", ".join(fields) or "none"
            raise entry.refuse(f"{entry.name} has no field {slot!r} to fill; known here: {known}")
        if times > 1:
            raise entry.refuse(f"the pattern {text!r:.60} fills {slot!r} twice")
    return sequence


def _slots(sequence: Sequence) -> Counter[str]:
    """How often one match can fill each slot: of the ways of a choice, only one is taken."""
    found: Counter[str] = Counter()
    for element in sequence:
        if isinstance(element, Slot):
            found[element.name] += 1
        elif isinstance(element, Choice):
            widest: Counter[str] = Counter()
            for way in element.ways:
                widest |= _slots(way)
            found += widest
    return found


def _question(body: Entry) -> Question:
    body.table(_QUESTION_KEYS)
    ask = _line(body["ask"], QUESTION_BYTES_MAX)
    readings = body["ask_readings"]
    return Question(
        ask,
        _formats(body["formats"]),
        _line(readings, QUESTION_BYTES_MAX) if readings.given else ask,
    )


def _formats(given: Entry) -> tuple[str, ...]:
    formats: list[str] = []
    for entry in given.entries():
        text = _line(entry, FORMAT_BYTES_MAX)
        if len(text) > FORMAT_CHARS_MAX:
            raise entry.refuse(f"a format has at most {FORMAT_CHARS_MAX} characters")
        if text in formats:
            raise entry.refuse(f"the format {text!r} stands twice")
        formats.append(text)
    if not FORMATS_MIN <= len(formats) <= FORMATS_MAX:
        raise given.refuse(f"{given.name} must be {FORMATS_MIN} or {FORMATS_MAX} formats")
    return tuple(formats)


def _line(entry: Entry, bytes_max: int) -> str:
    """A text of one line."""
    text = entry.text()
    if text.splitlines() != [text]:
        raise entry.refuse(f"{entry.name} must be one line")
    if len(text.encode()) > bytes_max:
        raise entry.refuse(f"{entry.name} must be at most {bytes_max} bytes")
    return text
