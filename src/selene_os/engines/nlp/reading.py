"""What an utterance asks for: its clauses, and for each the pattern that explains all of it.

A clause is a request only where a pattern explains it from its first token to its last, behind
courtesies alone. That is why a negation, a quotation, a hypothesis, a question about ability or
history, or a trigger inside a longer thought is no request: nothing explains the words around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from selene_os.engines.nlp.spoken import PHRASE_TOKENS_MAX, Spoken
from selene_os.language import times
from selene_os.language.grammar import LIGHT_MARKS, WORDS, Match
from selene_os.language.pack import Language, Pack, Pattern
from selene_os.language.tokens import tokenize

_SENTENCE_ENDS: Final = frozenset(".!?;…。！？；")
_SPLITS_MAX: Final = 8
# More requests in one utterance than this are not kept apart; nobody says them.
REQUESTS_MAX: Final = 8
_COURTESIES_MAX: Final = 12
_UNKNOWN_OBJECTS: Final = frozenset(
    ["me", "my", "us", "our", "the", "this", "that", "these", "those", "a", "an", "some"]
)
_QUESTION_HEADS: Final = frozenset("which what who whose how why where".split())
_NOW: Final = frozenset("right now currently at the moment please".split())
_STATIVES: Final = frozenset(
    ["is", "are", "was", "were", "isn't", "has", "had", "have", "of", "'s"]
)


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
        requests: what it asks for, in spoken order.
        withdrawn: it was taken back.
    """

    requests: tuple[Heard, ...]
    withdrawn: bool


class Reader:
    """Reads one utterance.

    Args:
        spoken: the utterance with its values.
        pack: the intents.
        language: how they are said.
    """

    def __init__(self, spoken: Spoken, pack: Pack, language: Language) -> None:
        self.spoken = spoken
        self.said = spoken.said
        self.pack = pack
        self.language = language

    # ---- the utterance

    def read(self) -> Read:
        """Read it whole."""
        requests: list[Heard] = []
        withdrawn = False
        for first, last in self._sentences():
            if self._withdraws(first, last) or (
                requests and self.spoken.is_phrase("refusal", first, last)
            ):
                requests.clear()
                withdrawn = True
                continue
            heard = list(self._requests(first, last))
            if heard:
                withdrawn = False
            requests += heard
            if len(requests) >= REQUESTS_MAX:
                break
        return Read(tuple(requests[:REQUESTS_MAX]), withdrawn)

    def _sentences(self) -> Iterator[tuple[int, int]]:
        inside = {i for span in self.spoken.times.values() for i in range(span.first, span.last)}
        inside |= {
            i for money in self.spoken.money.values() for i in range(money.first, money.last)
        }
        words, first = self.said.words, 0
        for index, word in enumerate(words):
            if word not in _SENTENCE_ENDS or index in inside or index in self.spoken.quoted:
                continue
            joined = index + 1 < len(words) and self.said.joined(index + 1)
            short = word == "." and words[index - 1] in self.language.words["abbreviations"]
            if short and words[index - 1] in ("am", "pm") and index + 1 < len(words):
                # "at 5 pm. Don't." ends there; "at 5 pm. tomorrow" does not.
                short = not self.said.text[self.said.starts[index + 1]].isupper()
            if not (joined and words[index + 1] not in _SENTENCE_ENDS) and not (index and short):
                yield first, index
                first = index + 1
        yield first, len(words)

    def _withdraws(self, first: int, last: int) -> bool:
        """Whether a sentence takes back what was said before it, or itself at its end."""
        first = self.spoken.light(first, last)
        end = self.spoken.heavy_end(first, last)
        for start in range(max(first, end - PHRASE_TOKENS_MAX), end):
            fresh = start == first or self.said.words[start - 1] in LIGHT_MARKS
            spoken = self.said.words[start] in ("actually", "oh", "no", "wait")
            if (fresh or spoken) and self.spoken.is_phrase("withdrawal", start, end):
                return True
        return False

    def _requests(self, first: int, last: int) -> Iterator[Heard]:
        """The requests of one sentence: it whole, or its parts behind joining words."""
        if corrected := self._corrected(first, last):
            yield corrected
            return
        whole = self._clause(first, last)
        parts = list(self._parts(first, last))
        if (
            whole is not None
            and whole.intent_type is not None
            and not (len(parts) > 1 and self._is_cut_behind_time(parts))
        ):
            yield whole
        elif parts:
            yield from parts
        elif whole is not None:
            yield whole

    def _corrected(self, first: int, last: int) -> Heard | None:
        """A request whose end takes back one of its values: "… to Bob, no wait, to Carla"."""
        words = self.said.words
        for index in range(first + 1, last):
            if words[index - 1] not in LIGHT_MARKS or words[index] in LIGHT_MARKS:
                continue
            behind = self.spoken.past("correction", index, last)
            if behind is None or behind >= last:
                continue
            before = self._clause(first, index)
            if before is not None and before.intent_type is not None:
                return self._with_correction(before, behind, last)
        return None

    def _with_correction(self, before: Heard, first: int, last: int) -> Heard | None:
        """The request with what its correction says, which is said like an answer."""
        assert before.intent_type is not None
        last = self.spoken.without_thanks(first, last)
        for key in self.pack.intents[before.intent_type].fields:
            if self._is_text(key):
                continue
            for pattern in self.language.answers.get(key, ()):
                match = self.spoken.matcher.match(pattern, first, last)
                if match is not None and (match.slots or match.times):
                    spans = tuple(self.spoken.times[index] for index in match.times)
                    return replace(
                        before, slots={**before.slots, **match.slots}, times=spans or before.times
                    )
        return None

    def _is_cut_behind_time(self, parts: list[Heard]) -> bool:
        """Whether the first part is complete: free text may go on behind "and", a time ends it."""
        first = parts[0]
        text_ends = [last for key, (_, last) in first.slots.items() if self._is_text(key)]
        return not text_ends or max(text_ends) <= max((t.first for t in first.times), default=0)

    def _is_text(self, key: str) -> bool:
        return self.pack.kinds.get(key, WORDS) == WORDS

    def _parts(self, first: int, last: int, depth: int = 1) -> Iterator[Heard]:
        """Requests that stand side by side; nothing unless each side is understood."""
        if depth > REQUESTS_MAX:
            return
        for split, behind in self._splits(first, last):
            after = self._clause(behind, last)
            if after is None or after.intent_type is None:
                after = self._another(self._clause(first, split), behind, last) or after
            if after is None:
                continue
            before = self._clause(first, split)
            if before is not None and (before.intent_type or after.intent_type):
                yield before
                yield from (list(self._parts(behind, last, depth + 1)) or [after])
                return
            if before is None and after.intent_type and self._is_preamble(first, split):
                yield after
                return

    def _splits(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Places where a sentence may fall apart: (end of one part, begin of the next)."""
        joiners, words, found = self.language.words["joiners"], self.said.words, 0
        index = first + 1
        while index < last and found < _SPLITS_MAX:
            behind = index + 1
            unused = index in self.spoken.quoted or index in self.spoken.skipped
            if not unused and (words[index] in joiners or words[index] in ",—–"):
                while behind < last and (words[behind] in joiners or words[behind] in LIGHT_MARKS):
                    behind += 1
                if behind < last:
                    found += 1
                    yield index, behind
            # Behind all of them: looking at each again would take time that grows as its square.
            index = behind

    def _another(self, before: Heard | None, first: int, last: int) -> Heard | None:
        """Another one of the same kind, said without its verb: "… and to Bob $30"."""
        if before is None or before.intent_type is None:
            return None
        for pattern in self.language.more.get(before.intent_type, ()):
            if match := self.spoken.matcher.match(pattern.sequence, first, last):
                return self._heard(pattern, match, first, last, firm=True)
        return None

    def _is_preamble(self, first: int, last: int) -> bool:
        """Whether the words before a request leave it one: no condition, no negation, no quote."""
        first = self.spoken.light(first, last)
        if any(index in self.spoken.quoted for index in range(first, last)):
            return False
        return not (
            self.spoken.begins("hypothetical", first, last)
            or self.spoken.begins("negation", first, last)
        )

    # ---- one clause

    def _clause(self, first: int, last: int) -> Heard | None:
        """The request that explains a whole clause, or None."""
        lead: list[times.TimeSpan] = []
        asked = able = False
        for _ in range(_COURTESIES_MAX):
            first = self.spoken.light(first, last)
            if (
                first in self.spoken.times
                and self.spoken.times[first].last < last
                and not self._tries(first)
            ):
                lead.append(self.spoken.times[first])
                first = self.spoken.times[first].last
            elif (end := self.spoken.past("ability", first, last)) and not self.spoken.past(
                "request", first, last, longer_than=end - first
            ):
                first, able = end, True
            elif end := self.spoken.past("request", first, last):
                if self._best(first, self.spoken.without_thanks(first, last)):
                    break
                first, asked = end, True
            elif (end := self.spoken.past("before", first, last)) and not self._best(first, last):
                first = end
            elif self.spoken.stutters(first, last):
                first += 1
            else:
                break
        for end in dict.fromkeys((self.spoken.without_thanks(first, last), last)):
            if heard := self._best(first, end):
                if able and not (self._says(heard) or heard.times) and self._needs(heard):
                    # "Can you send money?" asks about an ability.
                    return None
                return replace(heard, times=(*lead, *heard.times))
        end = self.spoken.without_thanks(first, last)
        return self._unknown(first, end, able) if not lead or asked else None

    def _says(self, heard: Heard) -> bool:
        """Whether a slot holds more than a word of reference."""
        references = self.language.words["task_references"] | self.language.words["pronouns"]
        return any(
            " ".join(self.said.words[first:last]) not in references
            for first, last in heard.slots.values()
        )

    def _needs(self, heard: Heard) -> bool:
        return bool(heard.intent_type and self.pack.intents[heard.intent_type].required)

    def _tries(self, first: int) -> bool:
        """Whether a pattern can begin with the word of a time: "time in Tokyo" is none."""
        return self.said.words[first] in self.language.starting

    def _best(self, first: int, last: int) -> Heard | None:
        """The pattern with the most words of its own that explains all of [first, last)."""
        if first >= last:
            return None
        best: Heard | None = None
        word = self.said.words[self.spoken.light(first, last) if first < last else first]
        head = self._after_times(first, last)
        candidates = self.language.starting.get(word, ())
        if head < last and self.said.words[head] != word:
            candidates += self.language.starting.get(self.said.words[head], ())
        for pattern in (*candidates, *self.language.anywhere):
            if (
                match := self.spoken.matcher.match(pattern.sequence, first, last)
            ) and self._is_sound(pattern, match):
                firm = pattern not in self.language.anywhere
                heard = self._heard(pattern, match, first, last, firm=firm)
                if best is None or len(heard.literals) > len(best.literals):
                    best = heard
        return best

    def _after_times(self, first: int, last: int) -> int:
        at = self.spoken.light(first, last)
        while at in self.spoken.times and self.spoken.times[at].last < last:
            at = self.spoken.light(self.spoken.times[at].last, last)
        return min(at, last - 1) if last > first else at

    def _is_sound(self, pattern: Pattern, match: Match) -> bool:
        """Whether what stands in the slots can be what they are for."""
        if "when" not in self.pack.intents[pattern.intent_type].fields and any(
            not _NOW.issuperset(tokenize(self.spoken.times[index].text).words)
            for index in match.times
        ):
            # A time that this intent has no field for would be dropped.
            return False
        if any(index in self.spoken.quoted for index in match.literals):
            return False
        task, recipient = match.slots.get("task"), match.slots.get("recipient")
        if task is not None and self.said.words[task[0]] in _QUESTION_HEADS:
            # "Remind me of which plan I am on" asks a question.
            return False
        return recipient is None or (
            self.said.words[recipient[1] - 1] not in self.language.words["things"]
        )

    def _heard(self, pattern: Pattern, match: Match, first: int, last: int, *, firm: bool) -> Heard:
        spans = tuple(self.spoken.times[index] for index in match.times)
        return Heard(
            pattern.intent_type, first, last, dict(match.slots), spans, match.literals, firm
        )

    def _unknown(self, first: int, last: int, able: bool) -> Heard | None:
        """A plain request that no pattern knows: an imperative with something behind it."""
        words, lists = self.said.words, self.language.words
        first = self.spoken.light(first, last)
        if last - first < 2 or first in self.spoken.quoted:
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
