"""One utterance with every value that was recognised in it, and the phrases it holds.

Recognised before any pattern looks: times, amounts, quotations, known names, and which value was
corrected by a later one. Source: docs/nlp.md.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from selene_os.engines.nlp.contract import Request
from selene_os.language import times
from selene_os.language.grammar import LIGHT_MARKS, WORDS, Matcher, Values
from selene_os.language.money import Money, find_money
from selene_os.language.numbers import read_number
from selene_os.language.pack import Language, Pack, Phrases
from selene_os.language.tokens import NUMBER, WORD, Tokens, tokenize

PHRASE_TOKENS_MAX: Final = 6
READINGS_MAX: Final = 4
_COURTESIES_MAX: Final = 12
_QUOTES: Final = {'"': '"', "«": "»", "「": "」", "『": "』"}
# Behind these, thanks are what is to be said, and no courtesy.
_SAYING: Final = frozenset(
    ["say", "saying", "tell", "write", "writing", "sing", "send", "the", "a", "my", "with", "of"]
)


class Spoken:
    """An utterance with its values.

    Args:
        request: the utterance and its context.
        pack, language: which fields there are, and the words around them.

    Attributes:
        said: the tokens.
        times, money: every value by its first token; a corrected one is not among them.
        quoted: tokens inside quotation marks.
        skipped: tokens that a correction took back.
        matcher: matches patterns against all this.
    """

    def __init__(self, request: Request, pack: Pack, language: Language) -> None:
        self._kinds = pack.kinds
        self.language = language
        self.said = said = tokenize(request.text)
        self._request = request
        found = times.find(said, **reading_of(request))
        named = _term_tokens(said, [term.term for term in request.terms])
        self.times: dict[int, times.TimeSpan] = {
            span.first: span
            for span in map(self._with_preposition, found)
            if span.kind != "duration" and not named & set(range(span.first, span.last))
        }
        self.money: dict[int, Money] = {money.first: money for money in find_money(said)}
        self._bare_amounts()
        self.quoted = _quoted_tokens(said)
        self.skipped: set[int] = set()
        self._time_ends: set[int] = set()
        self.matcher = self._matcher()
        self._correct()
        self._join_alternatives()
        self._time_ends = {span.last for span in self.times.values()}
        self.matcher = self._matcher()

    def _matcher(self) -> Matcher:
        values = Values(
            {first: span.last for first, span in self.times.items()},
            {first: money.last for first, money in self.money.items()},
            self.language.words["names_end"],
            frozenset(self.skipped),
        )
        return Matcher(self.said, values, lambda slot: self._kinds.get(slot, WORDS))

    def _with_preposition(self, span: times.TimeSpan) -> times.TimeSpan:
        """A time with the "at" or "on" before it, which says nothing else."""
        if span.first == 0 or self.said.words[span.first - 1] not in ("at", "on"):
            return span
        start = self.said.starts[span.first - 1]
        text = self.said.text[start : span.end]
        return replace(span, first=span.first - 1, start=start, text=text)

    def _bare_amounts(self) -> None:
        """Figures that are no part of a time or of an amount: perhaps an amount in no currency."""
        taken: set[int] = set()
        for span in self.times.values():
            taken.update(range(span.first, span.last))
        for money in self.money.values():
            taken.update(range(money.first, money.last))
        for index, kind in enumerate(self.said.kinds):
            if index in taken or self.said.joined(index) or kind not in (NUMBER, WORD):
                continue
            number = read_number(self.said, index)
            # "One" and "a" are mostly no numbers of money: "send one to Bob".
            if number is not None and (kind == NUMBER or number.value != 1):
                amount = f"{number.value:f}"
                self.money[index] = Money(amount, None, index, number.last)
                taken.update(range(index, number.last))

    def _correct(self) -> None:
        """Of two values with "no, I mean" between them, the last one holds."""
        both: tuple[dict[int, Any], ...] = (self.times, self.money)
        for values in both:
            ordered = sorted(values.values(), key=lambda value: value.first)
            for earlier, later in pairwise(ordered):
                if earlier.first in values and self._corrects(earlier.last, later.first):
                    self.skipped.update(range(earlier.first, later.first))
                    del values[earlier.first]
                    if isinstance(earlier, times.TimeSpan) and isinstance(later, times.TimeSpan):
                        self.times[later.first] = self._with_its_day(earlier, later)

    def _join_alternatives(self) -> None:
        """Two times with "or" between them are two readings of one: none is picked."""
        ordered = sorted(self.times.values(), key=lambda span: span.first)
        for earlier, later in pairwise(ordered):
            between = [
                word
                for word in self.said.words[earlier.last : later.first]
                if word not in LIGHT_MARKS
            ]
            if between == ["or"] and earlier.first in self.times:
                del self.times[later.first]
                self.times[earlier.first] = replace(
                    earlier,
                    end=later.end,
                    text=self.said.text[earlier.start : later.end],
                    last=later.last,
                    kind="alternatives",
                    readings=(earlier.readings + later.readings)[:READINGS_MAX],
                    form=None,
                )

    def _with_its_day(self, earlier: times.TimeSpan, later: times.TimeSpan) -> times.TimeSpan:
        """The day of what was corrected, where the correction has none: "tomorrow at 5, no, 6"."""
        if not earlier.form or not later.form or later.form.date or not earlier.form.date:
            return later
        day = replace(earlier, form=times.Moment(date=earlier.form.date))
        readings = times.combine(day, later, **reading_of(self._request))
        return replace(later, readings=readings) if readings is not None else later

    def _corrects(self, first: int, last: int) -> bool:
        return last - first <= PHRASE_TOKENS_MAX and self.is_phrase("correction", first, last)

    def stutters(self, first: int, last: int) -> bool:
        """Whether a word is said twice in a row, as one does: "remind remind me"."""
        words = self.said.words
        return first + 1 < last and words[first] == words[first + 1] and len(words[first]) > 2

    def is_phrase(self, name: str, first: int, last: int) -> bool:
        """Whether the tokens are one of the phrases of that name and nothing else."""
        return self.is_one_of(self.language.phrases[name], first, last)

    def is_one_of(self, phrases: Phrases, first: int, last: int) -> bool:
        """Whether the tokens are one of these phrases and nothing else."""
        first, last = self.trimmed(first, last)
        return first < last and any(
            self.matcher.prefix(phrase, first, last) == last
            for phrase in phrases.get(self.said.words[first], ())
        )

    def trimmed(self, first: int, last: int) -> tuple[int, int]:
        """The same tokens without light marks at either end."""
        first = self.light(first, last)
        return first, self.heavy_end(first, last)

    def begins(self, name: str, first: int, last: int) -> bool:
        return self.past(name, first, last) is not None

    def past(self, name: str, first: int, last: int, longer_than: int = 0) -> int | None:
        """The end of the longest phrase of that name that begins at `first`, or None."""
        first = self.light(first, last)
        if first >= last:
            return None
        ends = [
            end
            for phrase in self.language.phrases[name].get(self.said.words[first], ())
            if (end := self.matcher.prefix(phrase, first, last)) is not None
            and end - first > longer_than
        ]
        return max(ends) if ends else None

    def without_thanks(self, first: int, last: int) -> int:
        """The end of a clause without the courtesies behind it."""
        for _ in range(_COURTESIES_MAX):
            last = self.heavy_end(first, last)
            for start in range(max(first + 1, last - PHRASE_TOKENS_MAX), last):
                if self.said.words[start - 1] not in _SAYING and self.is_phrase(
                    "after", start, last
                ):
                    last = start
                    break
            else:
                return last
        return last

    def light(self, at: int, last: int) -> int:
        while at < last and (self.said.words[at] in LIGHT_MARKS or at in self.skipped):
            at += 1
        return at

    def heavy_end(self, first: int, last: int) -> int:
        """`last` without the light marks before it, but not into a time or an amount."""
        words, ends = self.said.words, self._time_ends
        while last > first and words[last - 1] in LIGHT_MARKS and last not in ends:
            last -= 1
        return last


def reading_of(request: Request) -> dict[str, Any]:
    """How times are read for this request: the local moment, the policy and the date order."""
    return {
        "now": request.now.replace(tzinfo=None) if request.now else None,
        "policy": request.policy.time,
        "order": request.policy.date_order,
    }


def _quoted_tokens(said: Tokens) -> frozenset[int]:
    """The tokens between quotation marks, and behind a mark that is never closed."""
    quoted: set[int] = set()
    begun, closing = 0, ""
    for index, word in enumerate(said.words):
        if closing and word == closing:
            quoted.update(range(begun, index + 1))
            closing = ""
        elif not closing and word in _QUOTES:
            begun, closing = index, _QUOTES[word]
        elif not closing and word == "'" and _opens(said, index):
            begun, closing = index, "'"
    if closing and closing != "'":
        quoted.update(range(begun, len(said)))
    return frozenset(quoted)


def _opens(said: Tokens, index: int) -> bool:
    """Whether a single mark opens a quotation: a space before it, none behind."""
    behind = index + 1 < len(said) and said.joined(index + 1) and said.kinds[index + 1] == WORD
    return behind and not said.joined(index)


def _term_tokens(said: Tokens, terms: list[str]) -> set[int]:
    """The tokens that a verified term of several words covers."""
    covered: set[int] = set()
    for term in terms:
        words = tokenize(term).words
        if len(words) > 1:
            size = len(words)
            for index in range(len(said) - size + 1):
                if said.words[index : index + size] == words:
                    covered.update(range(index, index + size))
    return covered
