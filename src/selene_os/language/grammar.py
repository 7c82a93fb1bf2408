"""Patterns over tokens: how a pack says what a command looks like.

A pattern is words with `(one|other)` for alternatives, `[may be left out]`, and `{slot}` for a
value. Time expressions and light marks may stand between any two elements, because that is where
people put them: "remind me tomorrow at 5 to call mom". A pattern must explain every token of its
clause, from the first to the last: a trigger inside a longer thought is not a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from selene_os.language.tokens import CJK, NUMBER, WORD, Tokens

_PART = re.compile(r"\s*(?:(\{[a-z_]+(?::[a-z|]+)?\})|([()\[\]|])|([^\s()\[\]|{}]+))")
LIGHT_MARKS: Final = frozenset(",:;—–.!?…\"'*")
_NAME_TOKENS_MAX: Final = 8
_WORDS_BEFORE_LITERAL_MAX: Final = 64
# More times than this are no request, and would make the number of ways grow with each.
_TIMES_MAX: Final = 4

WORDS: Final = "words"
NAME: Final = "name"
TIME: Final = "time"
MONEY: Final = "money"
KINDS: Final = (WORDS, NAME, TIME, MONEY)


class PatternError(ValueError):
    """A pattern that cannot be read, with what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, folded, that must stand there."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value of the intent's field of that name; `{place:there}` for one word only."""

    name: str
    only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences; an empty one makes it optional."""

    ways: tuple[Sequence, ...]


Element = Word | Slot | Choice
Sequence = tuple[Element, ...]


def compile_pattern(text: str) -> Sequence:
    """Read a pattern. Raises PatternError for a bracket without its other half, or an empty one."""
    parts: list[str] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = _PART.match(stripped, at)
        if not found:
            raise PatternError(f"cannot read {stripped[at:]!r}")
        parts.append(found[1] or found[2] or found[3])
        at = found.end()
    sequence, rest = _sequence(parts, 0)
    if rest != len(parts):
        raise PatternError(f"{parts[rest]!r} has no other half")
    if not sequence:
        raise PatternError("is empty")
    return sequence


def _sequence(parts: list[str], at: int) -> tuple[Sequence, int]:
    elements: list[Element] = []
    while at < len(parts) and parts[at] not in ("|", ")", "]"):
        part = parts[at]
        if part in ("(", "["):
            choice, at = _choice(parts, at)
            elements.append(choice)
        else:
            elements.append(_slot(part[1:-1]) if part[0] == "{" else Word(part))
            at += 1
    return tuple(elements), at


def _slot(text: str) -> Slot:
    name, _, only = text.partition(":")
    return Slot(name, frozenset(only.split("|")) if only else frozenset())


def _choice(parts: list[str], at: int) -> tuple[Choice, int]:
    closing = ")" if parts[at] == "(" else "]"
    ways: list[Sequence] = []
    while True:
        way, at = _sequence(parts, at + 1)
        ways.append(way)
        if at >= len(parts):
            raise PatternError(f"{closing!r} is missing")
        if parts[at] == closing:
            break
        if parts[at] != "|":
            raise PatternError(f"{parts[at]!r} stands where {closing!r} is wanted")
    return Choice((*ways, ()) if closing == "]" else tuple(ways)), at + 1


def slots(sequence: Sequence) -> Iterator[str]:
    """The names of every slot in a pattern."""
    for element in sequence:
        if isinstance(element, Slot):
            yield element.name
        elif isinstance(element, Choice):
            for way in element.ways:
                yield from slots(way)


def first_words(sequence: Sequence) -> set[str]:
    """The words that a match can begin with; empty where it can begin with a value."""
    found: set[str] = set()
    for element in sequence:
        if isinstance(element, Word):
            return found | {element.text}
        if isinstance(element, Slot):
            return set()
        optional = False
        for way in element.ways:
            if not way:
                optional = True
                continue
            words = first_words(way)
            if not words:
                return set()
            found |= words
        if not optional:
            return found
    return set()


@dataclass(frozen=True, slots=True)
class Values:
    """What was recognised in an utterance before any pattern looks at it.

    Attributes:
        times: token index -> index behind the time expression that begins there.
        money: token index -> index behind the amount that begins there.
        names_end: words that no name holds ("to", "for", "on").
        skipped: token indices that are passed over (withdrawn words, fillers).
    """

    times: dict[int, int]
    money: dict[int, int]
    names_end: frozenset[str]
    skipped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """How a pattern explains a clause.

    Attributes:
        slots: field -> (first, last) tokens.
        times: the time expressions between the elements, by first token.
        literals: the tokens that are words of the pattern: the trigger.
    """

    slots: dict[str, tuple[int, int]] = field(default_factory=dict)
    times: tuple[int, ...] = ()
    literals: tuple[int, ...] = ()


class Matcher:
    """Matches patterns against one utterance's tokens.

    Args:
        said: the tokens.
        values: what was recognised in them.
        kind_of: (slot's name) -> WORDS, NAME, TIME or MONEY.
    """

    def __init__(self, said: Tokens, values: Values, kind_of: Callable[[str], str]) -> None:
        self._said = said
        self._values = values
        self._kind_of = kind_of

    def match(self, pattern: Sequence, first: int, last: int) -> Match | None:
        """The first way in which the pattern explains all of [first, last), or None."""
        return next(self._walk(pattern, first, last, Match()), None)

    def prefix(self, pattern: Sequence, first: int, last: int) -> int | None:
        """Where a pattern without slots ends when it begins at `first`, or None."""
        ends = [first]
        for element in pattern:
            ends = [end for at in ends for end in self._literal_ends(element, at, last)]
        return max(ends) if ends else None

    def _literal_ends(self, element: Element, at: int, last: int) -> list[int]:
        if isinstance(element, Word):
            at = self._light(at, last)
            return [at + 1] if at < last and self._said.words[at] == element.text else []
        if isinstance(element, Slot):
            return []
        ends = []
        for way in element.ways:
            reached = [at]
            for inner in way:
                reached = [end for r in reached for end in self._literal_ends(inner, r, last)]
            ends += reached
        return ends

    def _walk(self, rest: Sequence, at: int, last: int, so_far: Match) -> Iterator[Match]:
        """Every way to explain [at, last) by the elements that are left."""
        began, at = at, self._light(at, last)
        if self._values.times.get(at, last + 1) <= last and len(so_far.times) < _TIMES_MAX:
            # A time between two elements; tried first, since no free text should swallow it.
            taken = Match(so_far.slots, (*so_far.times, at), so_far.literals)
            yield from self._walk(rest, self._values.times[at], last, taken)
        if not rest:
            if at >= last:
                yield so_far
            return
        element, rest = rest[0], rest[1:]
        if isinstance(element, Word):
            if element.text in LIGHT_MARKS:
                if element.text in self._said.words[began:at]:
                    yield from self._walk(rest, at, last, so_far)
            elif at < last and self._said.words[at] == element.text:
                read = Match(so_far.slots, so_far.times, (*so_far.literals, at))
                yield from self._walk(rest, at + 1, last, read)
        elif isinstance(element, Choice):
            for way in element.ways:
                yield from self._walk(way + rest, at, last, so_far)
        else:
            for end in self._slot_ends(element, rest, at, last):
                filled = {**so_far.slots, element.name: (at, end)}
                yield from self._walk(rest, end, last, Match(filled, so_far.times, so_far.literals))

    def _light(self, at: int, last: int) -> int:
        """Past marks and skipped words."""
        words, skipped = self._said.words, self._values.skipped
        while at < last and (words[at] in LIGHT_MARKS or at in skipped):
            at += 1
        return at

    def _slot_ends(self, slot: Slot, rest: Sequence, at: int, last: int) -> Iterator[int]:
        """Where a value that begins at `at` may end."""
        kind = self._kind_of(slot.name)
        if at >= last:
            return
        if slot.only:
            if self._said.words[at] in slot.only:
                yield at + 1
        elif kind in (MONEY, TIME):
            found = self._values.money if kind == MONEY else self._values.times
            if found.get(at, last + 1) <= last:
                yield found[at]
        elif kind == NAME:
            yield from self._name_ends(at, last)
        elif any(start <= at and end >= last for start, end in self._values.times.items()):
            # All of it says when: that is no free text.
            return
        elif not rest:
            yield from self._text_ends(at, last)
        else:
            yield from range(at + 1, min(last, at + _WORDS_BEFORE_LITERAL_MAX) + 1)

    def _text_ends(self, at: int, last: int) -> Iterator[int]:
        """Free text at the end of a clause: before the times that end it, or the whole of it."""
        starts = [start for start in self._values.times if at < start < last]
        for start in sorted(starts):
            end = start
            while end < last and (end in self._values.times or self._light(end, last) > end):
                end = self._values.times.get(end, 0) or self._light(end, last)
            if end >= last:
                yield self._trimmed(at, start)
                return
        yield self._trimmed(at, last)

    def _trimmed(self, at: int, end: int) -> int:
        """`end` without the light marks and skipped words that stand before it."""
        words, skipped = self._said.words, self._values.skipped
        while end > at + 1 and (words[end - 1] in LIGHT_MARKS or end - 1 in skipped):
            end -= 1
        return end

    def _name_ends(self, at: int, last: int) -> Iterator[int]:
        """Ends of a name, the longest first: words without one that names never hold."""
        end = at
        while end < last and end - at < _NAME_TOKENS_MAX and self._in_name(at, end):
            end += 1
        for stop in range(end, at, -1):
            if self._said.words[stop - 1] not in LIGHT_MARKS | {"-", "&"}:
                yield stop

    def _in_name(self, at: int, index: int) -> bool:
        word, kind = self._said.words[index], self._said.kinds[index]
        if index in self._values.money or index in self._values.skipped:
            return False
        if index in self._values.times and index > at:
            return False
        if kind in (WORD, CJK):
            return word not in self._values.names_end
        # Marks and figures only inside: "O'Neil-Smith", "J. R.", "Bob 2".
        return index > at and (word in "-.&" or (kind == NUMBER and not self._said.joined(index)))
