"""One utterance with every value that was recognised in it, and the phrases it holds.

Recognised before any pattern looks: times, amounts, quotations, known names, and which value was
corrected by a later one. Source: docs/nlp.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from selene_os.engines.nlp.contract import Request
from selene_os.language import times
from selene_os.language.grammar import LIGHT_MARKS, WORDS
from selene_os.language.matching import Matcher, Values
from selene_os.language.money import Money, find_money
from selene_os.language.numbers import Number, read_number
from selene_os.language.pack import Pack
from selene_os.language.phrases import phrase_end
from selene_os.language.speech import Language, Phrases
from selene_os.language.tokens import CJK, MARK, NUMBER, WORD, Tokens, tokenize

PHRASE_TOKENS_MAX: Final = 8
_LETTERS_END: Final = "\u218f"
_SAID_TWICE: Final = frozenset("i me my to the a for at of on in with and".split())
_OR: Final = (["or"], ["或"], ["或", "者"], ["还", "是"])
COUNT_MAX: Final = 1_000
READINGS_MAX: Final = 4
_COURTESIES_MAX: Final = 12
_QUOTES: Final = {'"': '"', "«": "»", "「": "」", "『": "』"}


class Spoken:
    """An utterance with its values.

    Args:
        request: the utterance and its context.
        pack, language: which fields there are, and the words around them.

    Attributes:
        said: the tokens.
        times, money, counts, durations: every value by its first token; a corrected one is not
            among them.
        quoted: tokens inside quotation marks.
        skipped: tokens that a correction took back.
        matcher: matches patterns against all this.
    """

    def __init__(self, request: Request, pack: Pack, language: Language) -> None:
        self._kinds = pack.kinds
        self.language = language
        self.said = said = tokenize(request.text)
        self._request = request
        named = request.terms.tokens_in(said)
        found = times.find(_without(said, named), **reading_of(request))
        self.times: dict[int, times.TimeSpan] = {
            span.first: span
            for span in map(self._with_preposition, found)
            if span.kind != "duration"
        }
        self.durations = {span.first: span for span in found if span.kind == "duration"}
        self.money: dict[int, Money] = {money.first: money for money in find_money(said)}
        self.counts: dict[int, Number] = {}
        self._bare_numbers()
        # Neither a quotation nor the name of a thing is a trigger.
        self.quoted = _quoted_tokens(said) | named
        self.skipped = set(_unmeant(said, language.words["fillers"]))
        self._time_ends: set[int] = set()
        self.matcher = Matcher(said, Values(), lambda slot: self._kinds.get(slot, WORDS))
        if not language.phrases["correction"].keys().isdisjoint(said.words):
            self._correct()
        self._join_alternatives()
        self._time_ends = {span.last for span in self.times.values()}
        self.matcher.values = self._values()

    def _values(self) -> Values:
        words = self.language.words
        return Values(
            times={first: span.last for first, span in self.times.items()},
            money={first: money.last for first, money in self.money.items()},
            counts={first: number.last for first, number in self.counts.items()},
            durations={first: span.last for first, span in self.durations.items()},
            names_end=words["names_end"],
            skipped=frozenset(self.skipped),
            unexplained_never=words["unexplained_never"],
            quoted=self.quoted,
            inside=frozenset(
                index for span in self.times.values() for index in range(span.first, span.last)
            ),
            own_times={
                first: span.last for first, span in self.times.items() if not is_owner(span)
            },
        )

    def _with_preposition(self, span: times.TimeSpan) -> times.TimeSpan:
        """A time with the "at" or "on" before it, which says nothing else."""
        if span.first == 0 or self.said.words[span.first - 1] not in ("at", "on"):
            return span
        start = self.said.starts[span.first - 1]
        text = self.said.text[start : span.end]
        return replace(span, first=span.first - 1, start=start, text=text)

    def _bare_numbers(self) -> None:
        """Numbers that are no part of a time or of an amount: how many, or money in no currency."""
        taken: set[int] = set()
        for span in self.times.values():
            taken.update(range(span.first, span.last))
        for money in self.money.values():
            taken.update(range(money.first, money.last))
        for index, kind in enumerate(self.said.kinds):
            if index in taken or kind == MARK:
                continue
            number = read_number(self.said, index)
            if number is None or self._inside_word(index):
                continue
            if 0 < number.value <= COUNT_MAX and number.value % 1 == 0:
                self.counts[index] = number
                taken.update(range(index, number.last))
            # "One" and "a" are mostly no numbers of money: "send one to Bob".
            if kind == NUMBER or number.value != 1:
                amount = f"{number.value:f}"
                self.money[index] = Money(amount, None, index, number.last)
                taken.update(range(index, number.last))

    def _inside_word(self, index: int) -> bool:
        """Whether a token goes on with the one before it: the 2 of "T2"; not that of "订2人"."""
        return self.said.joined(index) and CJK not in self.said.kinds[index - 1 : index + 1]

    def _correct(self) -> None:
        """Of two values with "no, I mean" between them, the last one holds."""
        all_values: tuple[dict[int, Any], ...] = (
            self.times, self.money, self.counts, self.durations,
        )  # fmt: skip
        for values in all_values:
            ordered = sorted(values.values(), key=lambda value: value.first)
            for earlier, later in pairwise(ordered):
                if earlier.first in values and self._corrects(earlier.last, later.first):
                    self.skipped.update(range(earlier.first, later.first))
                    del values[earlier.first]
                    if isinstance(earlier, times.TimeSpan) and isinstance(later, times.TimeSpan):
                        self.times[later.first] = self._with_its_day(earlier, later)

    def _join_alternatives(self) -> None:
        """Two times with "or" between them are two readings of one: none is picked.

        Of two numbers so joined, neither is how many.
        """
        for one, other in pairwise(sorted(self.counts.values(), key=lambda number: number.first)):
            if self.said.words[one.last : other.first] in (("or",), ("to",), ("或",)):
                self.counts.pop(one.first, None)
                self.counts.pop(other.first, None)
        ordered = sorted(self.times.values(), key=lambda span: span.first)
        for earlier, later in pairwise(ordered):
            between = [
                word
                for word in self.said.words[earlier.last : later.first]
                if word not in LIGHT_MARKS
            ]
            if between in _OR and earlier.first in self.times:
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
        """Whether what stands between two values corrects the first: "two, no, for three"."""
        head = self.light(first, last)
        if head >= last or last - first > PHRASE_TOKENS_MAX:
            return False
        if self.said.words[head] not in self.language.phrases["correction"]:
            return False
        before = last - (self.said.words[last - 1] in self.language.words["names_end"])
        return any(self.is_phrase("correction", first, end) for end in {last, before})

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
            phrase_end(self.said, self.skipped, phrase, first, last) == last
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
        return self.past_one_of(self.language.phrases[name], first, last, longer_than)

    def past_one_of(
        self, phrases: Phrases, first: int, last: int, longer_than: int = 0
    ) -> int | None:
        """The end of the longest of these phrases that begins at `first`, or None."""
        first = self.light(first, last)
        if first >= last:
            return None
        ends = [
            end
            for phrase in phrases.get(self.said.words[first], ())
            if (end := phrase_end(self.said, self.skipped, phrase, first, last)) is not None
            and end - first > longer_than
        ]
        return max(ends) if ends else None

    def without_thanks(self, first: int, last: int) -> int:
        """The end of a clause without the courtesies behind it."""
        for _ in range(_COURTESIES_MAX):
            last = self.heavy_end(first, last)
            for start in range(max(first + 1, last - PHRASE_TOKENS_MAX), last):
                if self.said.words[start - 1] not in self.language.words[
                    "saying"
                ] and self.is_phrase("after", start, last):
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


def is_owner(span: times.TimeSpan) -> bool:
    """Whether a time says whose something is: "tomorrow's meeting" is no time to do anything."""
    return span.text.endswith(("'s", "\u2019s"))


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


def _unmeant(said: Tokens, fillers: frozenset[str]) -> Iterator[int]:
    """The tokens that mean nothing: fillers, pictures, dashes between spaces, "to to"."""
    words = said.words
    for index, word in enumerate(words):
        if word in fillers or (word[0] > _LETTERS_END and _is_picture(word[0])):
            yield index
        elif word == "-":
            if not (said.joined(index) or (index + 1 < len(said) and said.joined(index + 1))):
                yield index
        elif word in _SAID_TWICE and words[index + 1 : index + 2] == (word,):
            yield index


def _is_picture(char: str) -> bool:
    return char >= "\U0001f000" or "\u2190" <= char <= "\u2bff"


def _without(said: Tokens, named: Collection[int]) -> Tokens:
    """The tokens with those that name a thing made unreadable: Project Noon is at no time."""
    if not named:
        return said
    folded = list(said.folded)
    for index in named:
        folded[said.starts[index] : said.ends[index]] = "x" * (
            said.ends[index] - said.starts[index]
        )
    words = tuple("x" if at in named else word for at, word in enumerate(said.words))
    kinds = tuple(WORD if at in named else kind for at, kind in enumerate(said.kinds))
    return replace(said, folded="".join(folded), words=words, kinds=kinds)
