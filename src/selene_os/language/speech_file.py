"""One language's file of a pack, read and checked.

    [parts]      named parts of patterns, for use as <part>
    [patterns]   intent -> what a whole clause looks like
    [likely]     the same, where a doubt stays: a match is never HIGH
    [pieces]     intent -> what may stand in any order where a pattern has {*}, or among its `...`
    [more]       intent -> another one of its kind, said without its verb
    [answers]    field -> what an answer looks like, beside a bare value
    [questions]  field -> ask, formats, ask_readings
    [moments]    how a moment is written in an answer's format
    [phrases], [words]  lists by name

Anything in it that means nothing is refused: a key misspelt is a rule left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from string import Template
from typing import Final

from selene_os.language import grammar
from selene_os.language.grammar import (
    Choice,
    PatternError,
    Piece,
    Sequence,
    Slot,
    compile_pattern,
)
from selene_os.language.pack_file import Entry
from selene_os.language.speech import (
    IGNORED_SLOT,
    PHRASE_LISTS,
    REQUEST_QUESTIONS,
    WORD_LISTS,
    Language,
    Moments,
    Pattern,
    Phrases,
    Question,
)
from selene_os.language.tokens import tokenize

QUESTION_BYTES_MAX: Final = 240
FORMATS_MIN: Final = 2
FORMATS_MAX: Final = 3
FORMAT_CHARS_MAX: Final = 128
FORMAT_BYTES_MAX: Final = 256
_KEYS: Final = (
    "parts", "patterns", "likely", "pieces", "more", "answers", "questions", "moments", "phrases",
    "words",
)  # fmt: skip
_QUESTION_KEYS: Final = ("ask", "formats", "ask_readings")
_ORDINALS: Final = "ordinals"
_MOMENTS: Final = ("day", "hour", "minute")
_MOMENT_NAMES: Final = ("year", "month", "month_name", "day", "hour", "hour12", "minute", "half")
_MONTHS: Final = 12
_HALVES: Final = 2
_SHORT: Final = 4


def read_language(
    code: str, root: Entry, intents: Mapping[str, Collection[str]], kinds: Collection[str]
) -> Language:
    """A language's file.

    Args:
        intents: intent -> its fields.
        kinds: every field that has a kind.

    Raises:
        PackInvalid: naming the file, the line and the reason.
    """
    root.table(_KEYS)
    askable = (*kinds, *REQUEST_QUESTIONS)
    reading = _Reading(_parts(root["parts"]), intents)
    starting: dict[str, list[Pattern]] = {}
    anywhere: list[Pattern] = []
    patterns = (*reading.patterns(root["patterns"]), *reading.patterns(root["likely"], sure=False))
    for pattern in patterns:
        for word in grammar.first_words(pattern.sequence):
            starting.setdefault(word, []).append(pattern)
        if not pattern.leads:
            anywhere.append(pattern)
    more: dict[str, list[Pattern]] = {}
    for pattern in reading.patterns(root["more"]):
        more.setdefault(pattern.intent_type, []).append(pattern)
    phrases, words = root["phrases"], root["words"]
    phrases.table((*PHRASE_LISTS, _ORDINALS))
    words.table(WORD_LISTS)
    return Language(
        code,
        {word: tuple(patterns) for word, patterns in starting.items()},
        tuple(anywhere),
        reading.pieces(root["pieces"]),
        {name: tuple(patterns) for name, patterns in more.items()},
        {
            field: tuple(reading.sequence(text, askable) for text in given.entries())
            for field, given in root["answers"].table(askable).items()
        },
        {field: _question(body) for field, body in root["questions"].table(askable).items()},
        _moments(root["moments"]) if root["moments"].given else None,
        {name: reading.phrases(phrases[name]) for name in PHRASE_LISTS},
        tuple(reading.phrases(place) for place in phrases[_ORDINALS].entries()),
        {name: frozenset(map(folded, words[name].texts())) for name in WORD_LISTS},
    )


def folded(text: str) -> str:
    """A word or several as they will be compared: their tokens with spaces between."""
    return " ".join(tokenize(text).words)


class _Reading:
    """Patterns of one file, with the parts that they may name."""

    def __init__(self, parts: Mapping[str, Choice], intents: Mapping[str, Collection[str]]) -> None:
        self._parts = parts
        self._intents = intents

    def patterns(self, table: Entry, *, sure: bool = True) -> Iterator[Pattern]:
        for name, given in table.table().items():
            for entry in given.entries():
                sequence = self.sequence(entry, self._fields(name, given))
                needs = tuple(sorted(grammar.needs(sequence), key=_commonness))
                if not needs and table.name != "more":
                    raise entry.refuse(f"the pattern {entry.text()!r:.60} has no word of its own")
                yield Pattern(
                    name,
                    entry.text(),
                    sequence,
                    needs,
                    grammar.is_loose(sequence),
                    bool(grammar.first_words(sequence)),
                    grammar.longest(sequence),
                    sure,
                )

    def pieces(self, table: Entry) -> dict[str, tuple[Piece, ...]]:
        found: dict[str, tuple[Piece, ...]] = {}
        for name, given in table.table().items():
            fields = self._fields(name, given)
            for entry in given.entries():
                piece = grammar.piece(self.sequence(entry, fields))
                if not piece.heads and not set(grammar.slots(piece.sequence)):
                    raise entry.refuse(f"the piece {entry.value!r:.60} can be nothing at all")
                found[name] = (*found.get(name, ()), piece)
        return found

    def phrases(self, given: Entry) -> Phrases:
        found: dict[str, list[Sequence]] = {}
        for entry in given.entries():
            sequence = self.sequence(entry, ())
            if not grammar.is_phrase(sequence):
                raise entry.refuse(f"the phrase {entry.value!r:.60} holds more than words")
            words = grammar.first_words(sequence)
            if not words:
                # Under no first word it would never be found.
                raise entry.refuse(f"the phrase {entry.value!r:.60} can be left out altogether")
            for word in words:
                found.setdefault(word, []).append(sequence)
        return {word: tuple(phrases) for word, phrases in found.items()}

    def sequence(self, entry: Entry, fields: Collection[str]) -> Sequence:
        """A pattern, compiled; its slots are among these fields."""
        text = entry.text()
        try:
            sequence = compile_pattern(text, self._parts)
        except (PatternError, RecursionError) as error:
            raise entry.refuse(f"the pattern {text!r:.60} {error}") from error
        for slot, times in _slots(sequence).items():
            if slot not in fields:
                known = ", ".join(fields) or "none"
                raise entry.refuse(
                    f"{entry.name} has no field {slot!r} to fill; known here: {known}"
                )
            if times > 1:
                raise entry.refuse(f"the pattern {text!r:.60} fills {slot!r} twice")
        return sequence

    def _fields(self, intent: str, given: Entry) -> tuple[str, ...]:
        if intent not in self._intents:
            raise given.refuse(f"{intent} is no intent of pack.toml")
        return (*self._intents[intent], IGNORED_SLOT)


def _commonness(need: frozenset[str]) -> tuple[bool, int]:
    """Sets of short words come last: any utterance holds them."""
    return (min(map(len, need)) <= _SHORT, len(need))


def _parts(table: Entry) -> dict[str, Choice]:
    """Named parts; one may name those above it."""
    parts: dict[str, Choice] = {}
    for name, entry in table.table().items():
        try:
            parts[name] = grammar.choice((compile_pattern(f"({entry.text()})", parts),))
        except (PatternError, RecursionError) as error:
            raise entry.refuse(f"the part {name} {error}") from error
    return parts


def _slots(sequence: Sequence) -> Counter[str]:
    """How often one match can fill each slot: of the ways of a choice, only one is taken."""
    found: Counter[str] = Counter()
    for element in sequence:
        if isinstance(element, Slot):
            found[element.name] += 1
            found += _slots(element.inner or ())
        elif isinstance(element, Choice) and element.facts.slotted:
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


def _moments(body: Entry) -> Moments:
    body.table((*_MOMENTS, "months", "halves"))
    months = body["months"].texts()
    if months and len(months) != _MONTHS:
        raise body["months"].refuse(f"{body['months'].name} must be {_MONTHS} names")
    halves = body["halves"].texts() if body["halves"].given else ("am", "pm")
    if len(halves) != _HALVES:
        raise body["halves"].refuse(f"{body['halves'].name} must be {_HALVES} names")
    sample = dict.fromkeys(_MOMENT_NAMES, "1")
    for name in _MOMENTS:
        try:
            Template(_line(body[name], FORMAT_BYTES_MAX)).substitute(sample)
        except (KeyError, ValueError) as error:
            known = ", ".join(f"${one}" for one in _MOMENT_NAMES)
            raise body[name].refuse(f"{body[name].name} can hold {known}") from error
    return Moments(body["day"].text(), body["hour"].text(), body["minute"].text(), months, halves)


def _line(entry: Entry, bytes_max: int) -> str:
    """A text of one line."""
    text = entry.text()
    if text.splitlines() != [text]:
        raise entry.refuse(f"{entry.name} must be one line")
    if len(text.encode()) > bytes_max:
        raise entry.refuse(f"{entry.name} must be at most {bytes_max} bytes")
    return text
