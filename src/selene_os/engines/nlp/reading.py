"""What an utterance asks for: its clauses, and for each the pattern that explains all of it.

A clause is a request only where a pattern explains it from its first token to its last, behind
courtesies alone. That is why a negation, a quotation, a hypothesis, a question about ability or
history, or a trigger inside a longer thought is no request: nothing explains the words around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from selene_os.engines.nlp.contract import Request
from selene_os.language import times
from selene_os.language.grammar import LIGHT_MARKS, WORDS, Match, Matcher, Sequence, Values
from selene_os.language.money import Money, find_money
from selene_os.language.numbers import read_number
from selene_os.language.pack import Language, Pack, Pattern
from selene_os.language.tokens import NUMBER, WORD, Tokens, tokenize

_SENTENCE_ENDS: Final = frozenset(".!?;…。！？；")
_QUOTES: Final = {'"': '"', "«": "»", "「": "」", "『": "』"}
_SPLITS_MAX: Final = 8
_COURTESIES_MAX: Final = 12
_COURTESY_TOKENS_MAX: Final = 6
# Behind these, thanks are what is to be said, and no courtesy.
_SAYING: Final = frozenset("say saying tell write writing sing send the a my with of".split())
_UNKNOWN_OBJECTS: Final = frozenset("me my us our the this that these those a an some".split())
_STATIVES: Final = frozenset("is are was were isn't has had have of 's".split())


@dataclass(frozen=True, slots=True)
class Heard:
    """One request in an utterance, or None as intent where no pack knows what is asked for.

    Attributes:
        intent_type: the intent, or None.
        slots: field -> (first, last) tokens.
        times: the time expressions that belong to the clause itself.
        money: first token -> amount.
        literals: the trigger's tokens.
        firm: the pattern begins with its trigger, not with a value.
    """

    intent_type: str | None
    first: int
    last: int
    slots: dict[str, tuple[int, int]]
    times: tuple[times.TimeSpan, ...] = ()
    literals: tuple[int, ...] = ()
    firm: bool = True


@dataclass(frozen=True, slots=True)
class Read:
    """An utterance, read.

    Attributes:
        said: its tokens.
        requests: what it asks for, in spoken order.
        withdrawn: it was taken back.
        times, money: every value, by first token; a corrected one is not among them.
    """

    said: Tokens
    requests: tuple[Heard, ...]
    withdrawn: bool
    times: dict[int, times.TimeSpan]
    money: dict[int, Money]


class Reader:
    """Reads one utterance.

    Args:
        request: the utterance and its context.
        pack: the intents.
        language: how they are said.
    """

    def __init__(self, request: Request, pack: Pack, language: Language) -> None:
        self.pack = pack
        self.language = language
        self.said = said = tokenize(request.text)
        self._request = request
        found = times.find(said, **reading_of(request))
        named = _term_tokens(said, [term.term for term in request.terms])
        self.times = {
            span.first: span
            for span in found
            if span.kind != "duration" and not named & set(range(span.first, span.last))
        }
        self.money = {money.first: money for money in find_money(said)}
        self._bare_amounts()
        self._quoted = _quoted_tokens(said)
        self._skipped: set[int] = set()
        self._time_ends: set[int] = set()
        self.matcher = self._matcher()
        self._correct()
        self._time_ends = {span.last for span in self.times.values()}
        self.matcher = self._matcher()

    def _matcher(self) -> Matcher:
        values = Values(
            {first: span.last for first, span in self.times.items()},
            {first: money.last for first, money in self.money.items()},
            self.language.words["names_end"],
            frozenset(self._skipped),
        )
        return Matcher(self.said, values, lambda slot: self.pack.kinds.get(slot, WORDS))

    def _bare_amounts(self) -> None:
        """Figures that are no part of a time or of an amount: perhaps an amount in no currency."""
        taken = {
            index
            for span in (*self.times.values(), *self.money.values())
            for index in range(span.first, span.last)
        }
        for index, kind in enumerate(self.said.kinds):
            if kind == NUMBER and index not in taken and not self.said.joined(index):
                number = read_number(self.said, index)
                if number is not None:
                    amount = f"{number.value:f}"
                    self.money[index] = Money(amount, None, index, number.last)
                    taken.update(range(index, number.last))

    def _correct(self) -> None:
        """Of two values with "no, I mean" between them, the last one holds."""
        for values in (self.times, self.money):
            ordered = sorted(values.values(), key=lambda value: value.first)
            for earlier, later in zip(ordered, ordered[1:], strict=False):
                if earlier.first in values and self._corrects(earlier.last, later.first):
                    self._skipped.update(range(earlier.first, later.first))
                    del values[earlier.first]
                    if isinstance(earlier, times.TimeSpan) and isinstance(later, times.TimeSpan):
                        self.times[later.first] = self._with_its_day(earlier, later)

    def _with_its_day(self, earlier: times.TimeSpan, later: times.TimeSpan) -> times.TimeSpan:
        """The day of what was corrected, where the correction has none: "tomorrow at 5, no, 6"."""
        if not earlier.form or not later.form or later.form.date or not earlier.form.date:
            return later
        day = replace(earlier, form=times.Moment(date=earlier.form.date))
        readings = times.combine(day, later, **reading_of(self._request))
        return replace(later, readings=readings) if readings is not None else later

    def _corrects(self, first: int, last: int) -> bool:
        return last - first <= _COURTESY_TOKENS_MAX and self.is_phrase("correction", first, last)

    # ---- the utterance

    def read(self) -> Read:
        """Read it whole."""
        requests: list[Heard] = []
        withdrawn = False
        for first, last in self._sentences():
            if self._withdraws(first, last):
                withdrawn = True
                continue
            heard = list(self._requests(first, last))
            if heard:
                withdrawn = False
            requests += heard
        return Read(self.said, tuple(requests), withdrawn, self.times, self.money)

    def _sentences(self) -> Iterator[tuple[int, int]]:
        inside = {i for span in self.times.values() for i in range(span.first, span.last)}
        inside |= {i for money in self.money.values() for i in range(money.first, money.last)}
        words, first = self.said.words, 0
        for index, word in enumerate(words):
            if word not in _SENTENCE_ENDS or index in inside or index in self._quoted:
                continue
            joined = index + 1 < len(words) and self.said.joined(index + 1)
            short = word == "." and words[index - 1] in self.language.words["abbreviations"]
            if not (joined and words[index + 1] not in _SENTENCE_ENDS) and not (index and short):
                yield first, index
                first = index + 1
        yield first, len(words)

    def _withdraws(self, first: int, last: int) -> bool:
        """Whether a sentence takes back what was said before it, or takes itself back at its end."""
        first = self._light(first, last)
        end = self._heavy_end(first, last)
        for start in range(max(first, end - _COURTESY_TOKENS_MAX), end):
            fresh = start == first or self.said.words[start - 1] in LIGHT_MARKS
            spoken = self.said.words[start] in ("actually", "oh", "no", "wait")
            if (fresh or spoken) and self.is_phrase("withdrawal", start, end):
                return True
        return False

    def _requests(self, first: int, last: int) -> Iterator[Heard]:
        """The requests of one sentence: it whole, or its parts behind joining words."""
        whole = self._clause(first, last)
        parts = list(self._parts(first, last))
        if whole is not None and whole.intent_type is not None and not (
            len(parts) > 1 and self._is_cut_behind_time(parts)
        ):
            yield whole
        elif parts:
            yield from parts
        elif whole is not None:
            yield whole

    def _is_cut_behind_time(self, parts: list[Heard]) -> bool:
        """Whether the first part is complete: free text may go on behind "and", a time ends it."""
        first = parts[0]
        text_ends = [last for key, (_, last) in first.slots.items() if self._is_text(key)]
        return not text_ends or max(text_ends) < max((t.first for t in first.times), default=0)

    def _is_text(self, key: str) -> bool:
        return self.pack.kinds.get(key, WORDS) == WORDS

    def _parts(self, first: int, last: int) -> Iterator[Heard]:
        """Requests that stand side by side; nothing unless each side is understood."""
        for split, behind in self._splits(first, last):
            after = self._clause(behind, last)
            if after is None or after.intent_type is None:
                after = self._another(self._clause(first, split), behind, last) or after
            if after is None:
                continue
            before = self._clause(first, split)
            if before is not None and (before.intent_type or after.intent_type):
                yield before
                yield from (nested if (nested := list(self._parts(behind, last))) else [after])
                return
            if before is None and after.intent_type and self._is_preamble(first, split):
                yield after
                return

    def _splits(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Places where a sentence may fall apart: (end of one part, begin of the next)."""
        joiners, found = self.language.words["joiners"], 0
        for index in range(first + 1, last):
            word = self.said.words[index]
            if index in self._quoted or index in self._skipped or found >= _SPLITS_MAX:
                continue
            if word in joiners or word in ",—–":
                behind = index + 1
                while behind < last and (
                    self.said.words[behind] in joiners or self.said.words[behind] in LIGHT_MARKS
                ):
                    behind += 1
                if behind < last:
                    found += 1
                    yield index, behind

    def _another(self, before: Heard | None, first: int, last: int) -> Heard | None:
        """Another one of the same kind, said without its verb: "… and to Bob $30"."""
        if before is None or before.intent_type is None:
            return None
        for pattern in self.language.more.get(before.intent_type, ()):
            if match := self.matcher.match(pattern.sequence, first, last):
                return self._heard(pattern, match, first, last, firm=True)
        return None

    def _is_preamble(self, first: int, last: int) -> bool:
        """Whether the words before a request leave it one: no condition, no negation, no quote."""
        first = self._light(first, last)
        if any(index in self._quoted for index in range(first, last)):
            return False
        return not (
            self._begins("hypothetical", first, last) or self._begins("negation", first, last)
        )

    # ---- one clause

    def _clause(self, first: int, last: int) -> Heard | None:
        """The request that explains a whole clause, or None."""
        lead: list[times.TimeSpan] = []
        asked = able = False
        for _ in range(_COURTESIES_MAX):
            first = self._light(first, last)
            if first in self.times and self.times[first].last < last and not self._tries(first):
                lead.append(self.times[first])
                first = self.times[first].last
            elif (end := self._past("ability", first, last)) and not self._past(
                "request", first, last, longer_than=end - first
            ):
                first, able = end, True
            elif end := self._past("request", first, last):
                if self._best(first, self._without_thanks(first, last)):
                    break
                first, asked = end, True
            elif (end := self._past("before", first, last)) and not self._best(first, last):
                first = end
            elif self._stutters(first, last):
                first += 1
            else:
                break
        for end in dict.fromkeys((self._without_thanks(first, last), last)):
            if heard := self._best(first, end):
                if able and not (heard.slots or heard.times) and self._needs(heard):
                    # "Can you send money?" asks about an ability.
                    return None
                return replace(heard, times=(*lead, *heard.times))
        end = self._without_thanks(first, last)
        return self._unknown(first, end, able) if not lead or asked else None

    def _needs(self, heard: Heard) -> bool:
        return bool(heard.intent_type and self.pack.intents[heard.intent_type].required)

    def _tries(self, first: int) -> bool:
        """Whether a pattern can begin with the word of a time: "time in Tokyo" is none."""
        return self.said.words[first] in self.language.starting

    def _stutters(self, first: int, last: int) -> bool:
        words = self.said.words
        return first + 1 < last and words[first] == words[first + 1] and len(words[first]) > 2

    def _best(self, first: int, last: int) -> Heard | None:
        """The pattern with the most words of its own that explains all of [first, last)."""
        if first >= last:
            return None
        best: Heard | None = None
        word = self.said.words[self._light(first, last) if first < last else first]
        head = self._after_times(first, last)
        candidates = self.language.starting.get(word, ())
        if head < last and self.said.words[head] != word:
            candidates += self.language.starting.get(self.said.words[head], ())
        for pattern in (*candidates, *self.language.anywhere):
            if (
                match := self.matcher.match(pattern.sequence, first, last)
            ) and self._is_sound(pattern, match):
                firm = pattern not in self.language.anywhere
                heard = self._heard(pattern, match, first, last, firm=firm)
                if best is None or len(heard.literals) > len(best.literals):
                    best = heard
        return best

    def _after_times(self, first: int, last: int) -> int:
        at = self._light(first, last)
        while at in self.times and self.times[at].last < last:
            at = self._light(self.times[at].last, last)
        return min(at, last - 1) if last > first else at

    def _is_sound(self, pattern: Pattern, match: Match) -> bool:
        """Whether what stands in the slots can be what they are for."""
        if any(index in self._quoted for index in match.literals):
            return False
        recipient = match.slots.get("recipient")
        return recipient is None or (
            self.said.words[recipient[1] - 1] not in self.language.words["things"]
        )

    def _heard(
        self, pattern: Pattern, match: Match, first: int, last: int, *, firm: bool
    ) -> Heard:
        spans = tuple(self.times[index] for index in match.times)
        return Heard(
            pattern.intent_type, first, last, dict(match.slots), spans, match.literals, firm
        )

    def _unknown(self, first: int, last: int, able: bool) -> Heard | None:
        """A plain request that no pattern knows: an imperative with something behind it."""
        words, lists = self.said.words, self.language.words
        first = self._light(first, last)
        if last - first < 2 or first in self._quoted:
            return None
        head, behind = words[first], words[first + 1]
        if head not in lists["requests"] or behind in _STATIVES or behind in LIGHT_MARKS:
            return None
        if able and not _UNKNOWN_OBJECTS & set(words[first + 1 : first + 3]) - {"the", "a", "an"}:
            return None
        joined = [" ".join(words[first : first + size]) for size in (1, 2, 3, 4)]
        if any(talk in lists["talk_heads"] for talk in joined):
            return None
        return Heard(None, first, last, {}, literals=(first,))

    # ---- phrases

    def is_phrase(self, name: str, first: int, last: int) -> bool:
        """Whether the tokens are one of the phrases of that name and nothing else."""
        return self.is_one_of(self.language.phrases[name], first, last)

    def is_one_of(self, phrases: tuple[Sequence, ...], first: int, last: int) -> bool:
        """Whether the tokens are one of these phrases and nothing else."""
        first, last = self.trimmed(first, last)
        return first < last and any(
            self.matcher.prefix(phrase, first, last) == last for phrase in phrases
        )

    def trimmed(self, first: int, last: int) -> tuple[int, int]:
        """The same tokens without light marks at either end."""
        first = self._light(first, last)
        return first, self._heavy_end(first, last)

    def _begins(self, name: str, first: int, last: int) -> bool:
        return self._past(name, first, last) is not None

    def _past(self, name: str, first: int, last: int, longer_than: int = 0) -> int | None:
        """The end of the longest phrase of that name that begins at `first`, or None."""
        ends = [
            end
            for phrase in self.language.phrases[name]
            if (end := self.matcher.prefix(phrase, first, last)) is not None
            and end - first > longer_than
        ]
        return max(ends) if ends else None

    def _without_thanks(self, first: int, last: int) -> int:
        """The end of a clause without the courtesies behind it."""
        for _ in range(_COURTESIES_MAX):
            last = self._heavy_end(first, last)
            for start in range(max(first + 1, last - _COURTESY_TOKENS_MAX), last):
                if self.said.words[start - 1] not in _SAYING and self.is_phrase(
                    "after", start, last
                ):
                    last = start
                    break
            else:
                return last
        return last

    def _light(self, at: int, last: int) -> int:
        while at < last and (self.said.words[at] in LIGHT_MARKS or at in self._skipped):
            at += 1
        return at

    def _heavy_end(self, first: int, last: int) -> int:
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
