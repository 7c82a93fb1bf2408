"""How a language says what a pack knows: ready to be matched, and merged with other languages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from selene_os.errors import PackInvalid
from selene_os.language.grammar import Piece, Sequence
from selene_os.language.pack_file import NEXT_STEP

# What is asked about a whole request; every other question is about a field.
REQUEST_QUESTIONS: Final = ("intent_choice", "trigger")
# A slot whose text is heard but fills nothing: "send money from my savings to Bob".
IGNORED_SLOT: Final = "source"
WORD_LISTS: Final = (
    "names_end", "pronouns", "references", "things", "unexplained_never", "abbreviations",
    "joiners", "question_heads", "auxiliaries", "statives", "objects", "roles", "saying",
    "withdrawal_heads", "indefinites", "statement_heads", "outer_verbs", "own", "question_ends",
    "pointing", "reporting", "fillers", "undoing", "denying",
    "announcing", "adding",
)  # fmt: skip
PHRASE_LISTS: Final = (
    "address", "talk", "before", "request", "ability", "after", "withdrawal", "refusal",
    "correction", "change", "change_after", "hypothetical", "negation", "both", "yes", "no_answer",
    "imperatives", "talk_heads",
)  # fmt: skip
_T = TypeVar("_T")


# Sequences without slots, by each word that one can begin with.
Phrases = dict[str, tuple[Sequence, ...]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to say an intent.

    Attributes:
        needs: sets of words of which any match holds one each, the most telling one first.
        loose: a match may hold words that nothing explains.
        leads: it begins with its trigger, not with a value.
        longest: the most words of its own that a match can hold.
        sure: a match may be HIGH.
    """

    intent_type: str
    text: str
    sequence: Sequence
    needs: tuple[frozenset[str], ...]
    loose: bool
    leads: bool
    longest: int
    sure: bool


@dataclass(frozen=True, slots=True)
class Question:
    """How a field is asked for; `ask_readings` where one of several readings is wanted."""

    ask: str
    formats: tuple[str, ...]
    ask_readings: str


@dataclass(frozen=True, slots=True)
class Moments:
    """How a moment is written, so that it is understood when it comes back.

    Attributes:
        day, hour, minute: templates ($year, $month, $month_name, $day, $hour, $hour12, $minute).
        months: their names; empty where none are used.
        halves: what $half is before noon and after it.
    """

    day: str
    hour: str
    minute: str
    months: tuple[str, ...]
    halves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language:
    """One language, ready to be matched.

    Attributes:
        starting: first word of a clause -> the patterns that can begin with it.
        anywhere: patterns that begin with a value.
        telling: a word -> the places in `anywhere` of patterns whose most telling need it meets.
        pieces: intent -> its pieces.
        more: intent -> patterns for another one of its kind.
        answers: field -> patterns of an answer.
        questions: field -> its question.
        moments: how a moment is written; None where the file does not say.
        phrases: name -> phrases by their first word; `ordinals`: one for each place.
        words: name -> words, folded; several words are joined by spaces.
    """

    code: str
    starting: dict[str, tuple[Pattern, ...]]
    anywhere: tuple[Pattern, ...]
    pieces: dict[str, tuple[Piece, ...]]
    more: dict[str, tuple[Pattern, ...]]
    answers: dict[str, tuple[Sequence, ...]]
    questions: dict[str, Question]
    moments: Moments | None
    phrases: dict[str, Phrases]
    ordinals: tuple[Phrases, ...]
    words: dict[str, frozenset[str]]
    telling: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def patterns(self) -> Iterator[Pattern]:
        """Every pattern, once."""
        found = {
            (p.intent_type, p.text, p.needs): p for each in self.starting.values() for p in each
        }
        yield from found.values()
        yield from self.anywhere


def merge(code: str, languages: Collection[Language]) -> Language:
    """Several languages as one that understands them all and asks in the one of this code.

    Speakers mix them: "book a table 明天7点 at Marina Bay for two".
    """
    ordered = sorted(languages, key=lambda language: language.code != code)
    starting: dict[str, tuple[Pattern, ...]] = {}
    pieces: dict[str, tuple[Piece, ...]] = {}
    more: dict[str, tuple[Pattern, ...]] = {}
    answers: dict[str, tuple[Sequence, ...]] = {}
    phrases: dict[str, Phrases] = {name: {} for name in PHRASE_LISTS}
    for language in ordered:
        _extend(starting, language.starting)
        _extend(pieces, language.pieces)
        _extend(more, language.more)
        _extend(answers, language.answers)
        for name in PHRASE_LISTS:
            _extend(phrases[name], language.phrases[name])
    places = max((len(language.ordinals) for language in ordered), default=0)
    ordinals: tuple[Phrases, ...] = tuple({} for _ in range(places))
    for language in ordered:
        for place, given in zip(ordinals, language.ordinals, strict=False):
            _extend(place, given)
    return Language(
        code,
        starting,
        tuple(pattern for language in ordered for pattern in language.anywhere),
        pieces,
        more,
        answers,
        dict(item for language in reversed(ordered) for item in language.questions.items()),
        next((language.moments for language in ordered if language.moments), None),
        phrases,
        ordinals,
        {
            name: frozenset().union(*(language.words[name] for language in ordered))
            for name in WORD_LISTS
        },
        _telling(pattern for language in ordered for pattern in language.anywhere),
    )


def _telling(patterns: Iterable[Pattern]) -> dict[str, tuple[int, ...]]:
    """A word -> the places of the patterns whose most telling need it meets."""
    found: dict[str, tuple[int, ...]] = {}
    for place, pattern in enumerate(patterns):
        for word in sorted(pattern.needs[0]):
            found[word] = (*found.get(word, ()), place)
    return found


def _extend(into: dict[str, tuple[_T, ...]], given: Mapping[str, tuple[_T, ...]]) -> None:
    for key, values in given.items():
        into[key] = (*into.get(key, ()), *values)


def check_questions(languages: Mapping[str, Language], asked: Collection[str]) -> None:
    """Refuse a language that lacks a question which a turn may come to ask."""
    for code, language in languages.items():
        for key in (*asked, *REQUEST_QUESTIONS):
            if key not in language.questions:
                raise PackInvalid(f"{code}.toml, line 1: questions.{key} is missing", NEXT_STEP)
        if language.moments is None:
            raise PackInvalid(f"{code}.toml, line 1: moments is missing", NEXT_STEP)
