"""Patterns: how a pack says what a command looks like.

    word                stands there; Chinese words are read character by character
    rem_*               a word that begins so
    (one|other)         one of them
    [may be left out]
    <part>              a part that the pack has named
    {field}             a value of the intent's field, by its kind
    {field: a [b] ~}    a value that looks like this; `~` is any words, `@` is a name
    {*}                 the intent's pieces in any order, each at most once
    ...                 words that are heard and not understood; pieces among them are

Time expressions and light marks may stand between any two elements, because that is where people
put them: "remind me tomorrow at 5 to call mom". A pattern must explain every token of its clause,
from the first to the last: a trigger inside a longer thought is not a command. One with `...`
explains less, and counts for less.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from selene_os.language.tokens import CJK, tokenize

_PART: Final = re.compile(
    r"\s*(?:(\{\*\}|\.\.\.|~|@|<[a-z_]+>|\{[a-z_]+\}|\{[a-z_]+:|[()\[\]|}])|([^\s()\[\]|{}<>~@]+))"
)
# Passed over between any two elements.
LIGHT_MARKS: Final = frozenset("(),:;—–.!?…\"'*，。！？；：、“”")
_PLAIN: Final = re.compile("[a-z_]+")
_OPENING: Final = {"(": ")", "[": "]"}

WORDS: Final = "words"
REFERENCE: Final = "reference"
NAME: Final = "name"
TIME: Final = "time"
MONEY: Final = "money"
COUNT: Final = "count"
DURATION: Final = "duration"
KINDS: Final = (WORDS, REFERENCE, NAME, TIME, MONEY, COUNT, DURATION)


class PatternError(ValueError):
    """A pattern that cannot be read, with what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, folded, that must stand there."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a word, folded, behind which something must follow."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value of that field, perhaps one that looks like `inner`."""

    name: str
    inner: Sequence | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """Words whatever they are; where `named`, such as names are made of."""

    named: bool = False


class Piece(NamedTuple):
    """What may stand in any order: its elements, and the words it begins with, if only those."""

    sequence: Sequence
    heads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The intent's pieces in any order; those that were not used before."""

    left: tuple[Piece, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """Words that nothing explains."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences; an empty one makes it optional.

    Attributes:
        by_word: a word -> the ways that begin with it.
        others: the ways that begin otherwise, or are empty.
        facts: what is asked of every pattern that holds it; parts stand in many.
    """

    ways: tuple[Sequence, ...]
    by_word: dict[str, tuple[Sequence, ...]] = field(compare=False, repr=False)
    others: tuple[Sequence, ...] = field(compare=False, repr=False)
    facts: Facts = field(compare=False, repr=False)


class Facts(NamedTuple):
    """What is known of a choice: words of which any way holds one, and what the ways may hold."""

    need: frozenset[str] | None
    longest: int
    loose: bool
    slotted: bool


Element = Word | Prefix | Slot | Free | Pieces | Rest | Choice
Sequence = tuple[Element, ...]
_MARKS: Final[Mapping[str, Element]] = {
    "{*}": Pieces(), "...": Rest(), "~": Free(), "@": Free(named=True),
}  # fmt: skip


def choice(ways: Iterable[Sequence]) -> Choice:
    """A choice between ways; one that is nothing but a choice itself gives its own ways."""
    flat: list[Sequence] = []
    for way in ways:
        flat += way[0].ways if len(way) == 1 and isinstance(way[0], Choice) else (way,)
    by_word: dict[str, tuple[Sequence, ...]] = {}
    others: list[Sequence] = []
    plain = True
    for way in flat:
        head = way[0] if way else None
        if isinstance(head, Word) and head.text not in LIGHT_MARKS:
            by_word[head.text] = (*by_word.get(head.text, ()), way)
            plain = plain and len(way) == 1
        else:
            others.append(way)
            plain = plain and not way
    if plain:
        # Single words, perhaps left out: most choices are no more than that.
        need = None if others else frozenset(by_word)
        return Choice(tuple(flat), by_word, tuple(others), Facts(need, 1, False, False))
    return Choice(tuple(flat), by_word, tuple(others), _facts(flat))


def _facts(ways: list[Sequence]) -> Facts:
    each = [needs(way) for way in ways]
    return Facts(
        frozenset().union(*(way[0] for way in each)) if all(each) else None,
        max(map(longest, ways)),
        any(map(is_loose, ways)),
        any(next(slots(way), None) for way in ways),
    )


def compile_pattern(text: str, parts: Mapping[str, Choice] | None = None) -> Sequence:
    """Read a pattern; `parts` are those that it may name.

    Raises:
        PatternError: a bracket without its other half, an empty pattern, a part that is not there.
    """
    reading = _Reading(_lexed(text.rstrip()), parts or {})
    sequence = reading.sequence()
    if reading.at < len(reading.tokens):
        raise PatternError(f"{reading.tokens[reading.at]!r} has no other half")
    if not sequence:
        raise PatternError("is empty")
    return sequence


def _lexed(text: str) -> list[str]:
    tokens = []
    at = 0
    for found in _PART.finditer(text):
        if found.start() != at:
            break
        tokens.append(found[1] or found[2])
        at = found.end()
    if at < len(text):
        raise PatternError(f"cannot read {text[at:]!r}")
    return tokens


class _Reading:
    """One pattern on its way from tokens to elements."""

    def __init__(self, tokens: list[str], parts: Mapping[str, Choice]) -> None:
        self.tokens = tokens
        self.at = 0
        self._parts = parts

    def sequence(self) -> Sequence:
        """Elements up to a closing mark or the end."""
        elements: list[Element] = []
        while self.at < len(self.tokens) and self.tokens[self.at] not in ("|", ")", "]", "}"):
            elements += self._elements(self.tokens[self.at])
        return tuple(elements)

    def _elements(self, token: str) -> list[Element]:
        self.at += 1
        if token in _OPENING:
            ways = self._ways(_OPENING[token])
            return [choice((*ways, ()) if token == "[" else ways)]
        if token in _MARKS:
            return [_MARKS[token]]
        if token[0] == "<" and len(token) > 1:
            if token[1:-1] not in self._parts:
                raise PatternError(f"names no part {token}")
            return [self._parts[token[1:-1]]]
        if token[0] == "{":
            if token[-1] == "}":
                return [Slot(token[1:-1])]
            ways = self._ways("}")
            if not all(ways):
                raise PatternError(f"{token} holds nothing")
            return [Slot(token[1:-1], ways[0] if len(ways) == 1 else (choice(ways),))]
        if token[-1] == "*" and len(token) > 1:
            return [Prefix(*(word.text for word in _words(token[:-1])))]
        return list(_words(token))

    def _ways(self, closing: str) -> tuple[Sequence, ...]:
        """Sequences with `|` between them, and past the closing mark."""
        ways = [self.sequence()]
        while self.at < len(self.tokens) and self.tokens[self.at] == "|":
            self.at += 1
            ways.append(self.sequence())
        if self.at >= len(self.tokens):
            raise PatternError(f"{closing!r} is missing")
        if self.tokens[self.at] != closing:
            raise PatternError(f"{self.tokens[self.at]!r} stands where {closing!r} is wanted")
        self.at += 1
        return tuple(ways)


@lru_cache(maxsize=8_192)
def _words(token: str) -> tuple[Word, ...]:
    """The word as it will be found in a text: Chinese by character, anything else whole."""
    if _PLAIN.fullmatch(token):
        return (Word(token),)
    if all("\u4e00" <= char <= "\u9fff" for char in token):
        return tuple(map(Word, token))
    said = tokenize(token)
    if CJK not in said.kinds and said.words != (token,):
        raise PatternError(f"holds {token!r}, which is found as {' '.join(said.words)!r}")
    return tuple(map(Word, said.words))


def slots(sequence: Sequence) -> Iterator[str]:
    """The names of every slot in a pattern."""
    for element in sequence:
        if isinstance(element, Slot):
            yield element.name
            yield from slots(element.inner or ())
        elif isinstance(element, Choice) and element.facts.slotted:
            for way in element.ways:
                yield from slots(way)


def first_words(sequence: Sequence) -> set[str]:
    """The words that a match can begin with; empty where it can begin with a value."""
    found: set[str] = set()
    for element in sequence:
        if isinstance(element, Word):
            return found | {element.text}
        if isinstance(element, Slot) and element.inner:
            words = first_words(element.inner)
            return found | words if words else set()
        if not isinstance(element, Choice):
            return set()
        for way in element.ways:
            words = first_words(way)
            if way and not words:
                return set()
            found |= words
        if () not in element.ways:
            return found
    return set()


def piece(sequence: Sequence) -> Piece:
    """A sequence as a piece."""
    return Piece(sequence, frozenset(first_words(sequence)))


def needs(sequence: Sequence) -> tuple[frozenset[str], ...]:
    """Sets of words of which any match holds at least one each: what is looked for first."""
    found = []
    for element in sequence:
        if isinstance(element, Word):
            found.append(frozenset([element.text]))
        elif isinstance(element, Slot):
            found += needs(element.inner or ())
        elif isinstance(element, Choice) and element.facts.need is not None:
            found.append(element.facts.need)
    return tuple(found)


def is_phrase(sequence: Sequence) -> bool:
    """Whether a pattern is words and nothing else."""
    return all(
        isinstance(element, Word)
        or (isinstance(element, Choice) and all(map(is_phrase, element.ways)))
        for element in sequence
    )


def is_loose(sequence: Sequence) -> bool:
    """Whether a match may hold words that nothing explains."""
    return any(
        isinstance(element, Rest) or (isinstance(element, Choice) and element.facts.loose)
        for element in sequence
    )


def longest(sequence: Sequence) -> int:
    """The most words of its own that a match of a pattern can hold; pieces may hold any number."""
    total = 0
    for element in sequence:
        if isinstance(element, Word | Prefix):
            total += 1
        elif isinstance(element, Slot):
            total += longest(element.inner or ())
        elif isinstance(element, Choice):
            total += element.facts.longest
        elif isinstance(element, Pieces | Rest):
            return sys.maxsize
    return min(total, sys.maxsize)
