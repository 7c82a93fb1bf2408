"""A pattern against what was said: which tokens it explains, and which stand for which value.

Matching tries one way after another and goes back where one fails. So that no utterance costs more
than its length allows, all of it together has a number of steps; where they are used up, nothing
matches any more, which is the safe side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from selene_os.language.grammar import (
    COUNT,
    DURATION,
    LIGHT_MARKS,
    MONEY,
    NAME,
    TIME,
    Choice,
    Element,
    Free,
    Piece,
    Pieces,
    Prefix,
    Rest,
    Sequence,
    Slot,
    Word,
)
from selene_os.language.recognised import Values as Values
from selene_os.language.tokens import CJK, NUMBER, WORD, Tokens

_NAME_TOKENS_MAX: Final = 8
_WORDS_BEFORE_LITERAL_MAX: Final = 64
# More times than this are no request, and would make the number of ways grow with each.
_TIMES_MAX: Final = 4
_MATCH_STEPS_MAX: Final = 3_000
STEPS_MAX: Final = 24_000


class Match(NamedTuple):
    """How a pattern explains a clause.

    Attributes:
        slots: field -> (first, last) tokens.
        times: the time expressions between the elements, by first token.
        literals: the tokens that are words of the pattern: the trigger.
        unexplained: tokens that `...` passed over.
        reached: the token behind the last one that an element explained; times may follow.
        last: the token behind what was matched.
    """

    slots: dict[str, tuple[int, int]]
    times: tuple[int, ...] = ()
    literals: tuple[int, ...] = ()
    unexplained: tuple[int, ...] = ()
    reached: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class _Close:
    """The end of a slot that looks like something: it began at `first`."""

    name: str
    first: int


@dataclass(frozen=True, slots=True)
class _Here:
    """The end of a piece among unexplained words: whatever follows."""


_Way = tuple[Element | _Close | _Here, ...]


class Matcher:
    """Matches patterns against one utterance's tokens.

    Args:
        said: the tokens.
        values: what was recognised in them.
        kind_of: (slot's name) -> a kind of `grammar.KINDS`.
        steps: how many are left for the whole utterance.
    """

    def __init__(
        self, said: Tokens, values: Values, kind_of: Callable[[str], str], steps: int = STEPS_MAX
    ) -> None:
        self._said = said
        self.values = values
        self._kind_of = kind_of
        self.steps = steps
        self._times = values.times
        self._pieces: tuple[Piece, ...] = ()
        self._until = 0

    def match(
        self,
        pattern: Sequence,
        first: int,
        last: int,
        pieces: tuple[Piece, ...] = (),
        *,
        timed: bool = True,
        owned: bool = True,
    ) -> Match | None:
        """The first way in which the pattern explains all of [first, last), or None.

        Args:
            pieces: what {*} stands for.
            timed: time expressions may stand between its elements; else they are words like others.
            owned: those as well that say whose something is ("tomorrow's meeting").
        """
        self._pieces = pieces
        self._times = {} if not timed else self.values.times if owned else self.values.own_times
        self._until = max(0, self.steps - _MATCH_STEPS_MAX)
        return next(self._walk(pattern, first, last, Match({})), None)

    def _walk(self, rest: _Way, at: int, last: int, so_far: Match) -> Iterator[Match]:
        """Every way to explain [at, last) by the elements that are left."""
        self.steps -= 1
        if self.steps < self._until:
            return
        words, times = self._said.words, self._times
        while rest and type(rest[0]) is Word:
            # A word either stands there or not; no other way has to be kept in mind.
            began, behind = at, self._light(at, last)
            if behind in times:
                break
            text = rest[0].text
            if text in LIGHT_MARKS:
                if text not in words[began:behind]:
                    return
                at = behind
            elif behind >= last or words[behind] != text:
                return
            else:
                so_far, at = _read(so_far, behind), behind + 1
            rest = rest[1:]
        element = rest[0] if rest else None
        if isinstance(element, _Close):
            yield from self._walk_close(element, rest[1:], at, last, so_far)
            return
        if isinstance(element, _Here):
            yield so_far._replace(last=at)
            return
        began, at = at, self._light(at, last)
        if (
            times.get(at, last + 1) <= last
            and len(so_far.times) < _TIMES_MAX
            and (isinstance(element, Free) or not self._opens_name(rest))
        ):
            # A time between two elements; tried first, since no free text should swallow it.
            taken = so_far._replace(times=(*so_far.times, at))
            yield from self._walk(rest, times[at], last, taken)
        if element is None:
            if at >= last:
                yield so_far
            return
        yield from self._walk_element(element, rest[1:], began, at, last, so_far)

    def _walk_element(
        self, element: Element, rest: _Way, began: int, at: int, last: int, so_far: Match
    ) -> Iterator[Match]:
        """Every way in which an element begins at `at`; marks stand between `began` and it."""
        word = self._said.words[at] if at < last else ""
        if isinstance(element, Choice):
            for way in element.by_word.get(word, ()):
                yield from self._walk(way + rest, at, last, so_far)
            for way in element.others:
                yield from self._walk(way + rest, began, last, so_far)
        elif isinstance(element, Word):
            if element.text in LIGHT_MARKS:
                if element.text in self._said.words[began:at]:
                    yield from self._walk(rest, at, last, so_far)
            elif word == element.text:
                yield from self._walk(rest, at + 1, last, _read(so_far, at))
        elif isinstance(element, Prefix):
            if word.startswith(element.text) and len(word) > len(element.text):
                yield from self._walk(rest, at + 1, last, _read(so_far, at))
        elif isinstance(element, Slot):
            yield from self._walk_slot(element, rest, at, last, so_far)
        elif isinstance(element, Pieces):
            yield from self._walk_pieces(element, rest, at, last, so_far)
        elif isinstance(element, Rest):
            yield from self._walk_unexplained(rest, at, last, so_far)
        elif isinstance(element, Free):
            ends = self._free_ends(at, last)
            if element.named:
                ends = self._name_ends(at, last, figures=True, timed=not self._opens_name(rest))
            for end in ends:
                yield from self._walk(rest, end, last, so_far._replace(reached=end))

    def _opens_name(self, rest: _Way) -> bool:
        """Whether the slot that is open is a name's: no time stands inside one."""
        close = next((element for element in rest if isinstance(element, _Close)), None)
        return close is not None and self._kind_of(close.name) == NAME

    def _walk_close(
        self, close: _Close, rest: _Way, at: int, last: int, so_far: Match
    ) -> Iterator[Match]:
        """The end of a slot. A time behind the value does not belong to it; one inside it does."""
        end = so_far.reached
        if end > close.first:
            place = (close.first, self._trimmed(close.first, end))
            times = tuple(time for time in so_far.times if not close.first <= time < end)
            closed = so_far._replace(slots={**so_far.slots, close.name: place}, times=times)
            yield from self._walk(rest, at, last, closed)

    def _walk_slot(
        self, slot: Slot, rest: _Way, at: int, last: int, so_far: Match
    ) -> Iterator[Match]:
        if slot.name in so_far.slots:
            return
        if slot.inner is not None:
            inner = (*slot.inner, _Close(slot.name, at), *rest)
            yield from self._walk(inner, at, last, so_far)
            return
        for end in self._slot_ends(slot, rest, at, last):
            filled = {**so_far.slots, slot.name: (at, end)}
            yield from self._walk(rest, end, last, so_far._replace(slots=filled, reached=end))

    def _walk_pieces(
        self, pieces: Pieces, rest: _Way, at: int, last: int, so_far: Match
    ) -> Iterator[Match]:
        """Each piece that was not used yet, then those behind it; at last none."""
        left = self._pieces if pieces.left is None else pieces.left
        for place, piece in enumerate(left):
            if self._can_begin(piece, at, last):
                others = Pieces(left[:place] + left[place + 1 :])
                yield from self._walk((*piece.sequence, others, *rest), at, last, so_far)
        yield from self._walk(rest, at, last, so_far)

    def _walk_unexplained(self, rest: _Way, at: int, last: int, so_far: Match) -> Iterator[Match]:
        """Words that nothing explains: up to where the pattern goes on, or all that is left."""
        if rest:
            for end in range(at, min(last, at + _WORDS_BEFORE_LITERAL_MAX) + 1):
                if end > at and not self._may_pass(end - 1):
                    return
                passed = so_far._replace(unexplained=(*so_far.unexplained, *range(at, end)))
                yield from self._walk(rest, end, last, passed)
            return
        while at < last:
            at = self._light(at, last)
            if at >= last:
                break
            if self._times.get(at, last + 1) <= last:
                if len(so_far.times) < _TIMES_MAX:
                    so_far = so_far._replace(times=(*so_far.times, at))
                at = self._times[at]
                continue
            piece = self._piece(at, last, so_far)
            if piece is not None:
                at, so_far = piece.last, piece
            elif self._may_pass(at):
                so_far = so_far._replace(unexplained=(*so_far.unexplained, at))
                at += 1
            else:
                return
        if self.steps >= self._until:
            yield so_far

    def _piece(self, at: int, last: int, so_far: Match) -> Match | None:
        """A piece that begins here and ends anywhere, the one that explains most."""
        best: Match | None = None
        for piece in self._pieces:
            if not self._can_begin(piece, at, last):
                continue
            found = next(self._walk((*piece.sequence, _Here()), at, last, so_far), None)
            if found is not None and (best is None or found.last > best.last) and found.last > at:
                best = found
        return best

    def _can_begin(self, piece: Piece, at: int, last: int) -> bool:
        """Whether a piece may begin at `at`, by its first word; a time may stand before it."""
        return at < last and (
            not piece.heads or self._said.words[at] in piece.heads or at in self._times
        )

    def _may_pass(self, index: int) -> bool:
        return (
            self._said.words[index] not in self.values.unexplained_never
            and index not in self.values.quoted
        )

    def _light(self, at: int, last: int) -> int:
        """Past marks and skipped words."""
        words, skipped = self._said.words, self.values.skipped
        while at < last and (words[at] in LIGHT_MARKS or at in skipped):
            at += 1
        return at

    def _slot_ends(self, slot: Slot, rest: _Way, at: int, last: int) -> Iterator[int]:
        """Where a value that begins at `at` may end."""
        if at >= last:
            return
        kind = self._kind_of(slot.name)
        if found := self._found(kind):
            if found[0].get(at, last + 1) <= last:
                yield found[0][at]
        elif kind == NAME:
            yield from self._name_ends(at, last)
        elif any(start <= at and end >= last for start, end in self._times.items()):
            # All of it says when: that is no free text.
            return
        elif not rest:
            yield from self._text_ends(at, last)
        else:
            yield from self._free_ends(at, last)

    def _found(self, kind: str) -> tuple[dict[int, int], ...]:
        """The values of a kind that were recognised beforehand; nothing for any other kind."""
        values = self.values
        return {
            TIME: (values.times,), MONEY: (values.money,), COUNT: (values.counts,),
            DURATION: (values.durations,),
        }.get(kind, ())  # fmt: skip

    def _free_ends(self, at: int, last: int) -> Iterator[int]:
        yield from range(at + 1, min(last, at + _WORDS_BEFORE_LITERAL_MAX) + 1)

    def _text_ends(self, at: int, last: int) -> Iterator[int]:
        """Free text at the end of a clause: before the times that end it, or the whole of it."""
        starts = [start for start in self._times if at < start < last]
        for start in sorted(starts):
            end = start
            while end < last and (end in self._times or self._light(end, last) > end):
                end = self._times.get(end, 0) or self._light(end, last)
            if end >= last:
                yield self._trimmed(at, start)
                return
        yield self._trimmed(at, last)

    def _trimmed(self, at: int, end: int) -> int:
        """`end` without the light marks and skipped words that stand before it."""
        words, skipped = self._said.words, self.values.skipped
        while end > at + 1 and (words[end - 1] in LIGHT_MARKS or end - 1 in skipped):
            end -= 1
        return end

    def _name_ends(
        self, at: int, last: int, *, figures: bool = False, timed: bool = True
    ) -> Iterator[int]:
        """Ends of a name, the longest first: words without one that names never hold.

        Args:
            figures: figures may stand in it ("Room 4").
            timed: it may begin with the word of a time ("my Monday standup").
        """
        end = at
        while (
            end < last
            and end - at < _NAME_TOKENS_MAX
            and self._in_name(at, end, figures)
            and (timed or end not in self.values.inside)
        ):
            end += 1
        for stop in range(end, at, -1):
            if self._said.words[stop - 1] not in LIGHT_MARKS | {"-", "&"}:
                yield stop

    def _in_name(self, at: int, index: int, figures: bool) -> bool:
        """Whether a name goes on at `index`; figures may stand in some ("Room 4")."""
        word, kind = self._said.words[index], self._said.kinds[index]
        if index in self.values.skipped:
            return False
        if index in self.values.money and not (figures and index in self.values.counts):
            return False
        if index in self.values.times and index > at:
            return False
        if kind in (WORD, CJK):
            return word not in self.values.names_end
        # Marks and figures only inside: "O'Neil-Smith", "J. R.", "Bob 2".
        return index > at and (word in "-.&" or (kind == NUMBER and not self._said.joined(index)))


def _read(so_far: Match, at: int) -> Match:
    """A match that has read one more word of its own."""
    literals = (*so_far.literals, at)
    return Match(so_far.slots, so_far.times, literals, so_far.unexplained, at + 1)
