"""What an utterance asks for: its sentences, and the requests side by side in each.

What a withdrawal takes back, what a correction replaces, and where one request ends and the next
begins. What a single clause asks for is said by `clauses.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from selene_os.engines.nlp.clauses import Clauses, Note
from selene_os.engines.nlp.heard import Heard
from selene_os.engines.nlp.spoken import PHRASE_TOKENS_MAX, Spoken
from selene_os.language.grammar import LIGHT_MARKS
from selene_os.language.pack import Pack
from selene_os.language.speech import Language
from selene_os.language.tokens import CJK, fold

_SENTENCE_ENDS: Final = frozenset(".!?;…。！？；")
# Behind these no space is needed.
_WIDE_ENDS: Final = frozenset("。！？；")
_JOINING_MARKS: Final = frozenset(",，—–")
_SPLITS_MAX: Final = 8
# More requests in one utterance than this are not kept apart; nobody says them.
REQUESTS_MAX: Final = 8


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
    """Reads one utterance; made of the same things as the `Clauses` that it reads by."""

    def __init__(
        self, spoken: Spoken, pack: Pack, language: Language, note: Note | None = None
    ) -> None:
        self.spoken = spoken
        self.said = spoken.said
        self.pack = pack
        self.language = language
        self.clauses = Clauses(spoken, pack, language, note)
        self._note = note

    def read(self) -> Read:
        """Read it whole."""
        requests: list[Heard] = []
        withdrawn = False
        for first, last in self.sentences():
            if self.clauses.is_idle(first, last):
                continue
            if self._withdraws(first, last) or (
                requests and self.spoken.is_phrase("refusal", first, last)
            ):
                self._tell("withdrawal", first=first, last=last)
                requests.clear()
                withdrawn = True
                continue
            heard = [one for one in self._requests(first, last) if not self._is_echo(one, last)]
            if heard:
                withdrawn = False
            requests += heard
            if len(requests) >= REQUESTS_MAX:
                break
        return Read(tuple(requests[:REQUESTS_MAX]), withdrawn)

    def sentences(self) -> Iterator[tuple[int, int]]:
        """(first, last) of each sentence; a full stop inside a value or a shortening ends none."""
        if _SENTENCE_ENDS.isdisjoint(self.said.words):
            yield 0, len(self.said)
            return
        inside = {i for span in self.spoken.times.values() for i in range(span.first, span.last)}
        inside |= {
            i for money in self.spoken.money.values() for i in range(money.first, money.last)
        }
        words, first = self.said.words, 0
        for index, word in enumerate(words):
            if word not in _SENTENCE_ENDS or index in inside or index in self.spoken.quoted:
                continue
            wide = self.said.text[self.said.starts[index]] in _WIDE_ENDS
            joined = not wide and index + 1 < len(words) and self.said.joined(index + 1)
            short = word == "." and words[index - 1] in self.language.words["abbreviations"]
            if short and words[index - 1] in ("am", "pm") and index + 1 < len(words):
                # "at 5 pm. Don't." ends there; "at 5 pm. tomorrow" does not.
                behind = self.said.text[self.said.starts[index + 1]]
                short = fold(behind) == behind
            if not (joined and words[index + 1] not in _SENTENCE_ENDS) and not (index and short):
                yield first, index
                first = index + 1
        yield first, len(words)

    def _tell(self, what: str, **facts: int) -> None:
        if self._note is not None:
            self._note(what, facts)

    def _is_echo(self, heard: Heard, last: int) -> bool:
        """Whether somebody repeats a request and wonders at it: "Send $20 to Bob? Why?"."""
        words = self.said.words
        intent = self.pack.intents.get(heard.intent_type or "")
        acts = intent is not None and intent.confirm and not heard.asked
        return (
            acts
            and words[last : last + 1] == ("?",)
            and self.spoken.light(last, len(words)) < len(words)
        )

    def _withdraws(self, first: int, last: int) -> bool:
        """Whether a sentence takes back what was said before it, or itself at its end."""
        first = self.spoken.light(first, last)
        end = self.spoken.heavy_end(first, last)
        for start in range(max(first, end - PHRASE_TOKENS_MAX), end):
            fresh = start == first or self.said.words[start - 1] in LIGHT_MARKS
            spoken = self.said.words[start] in self.language.words["withdrawal_heads"]
            if (fresh or spoken) and self.spoken.is_phrase("withdrawal", start, end):
                return True
        return False

    def _requests(self, first: int, last: int) -> Iterator[Heard]:
        """The requests of one sentence: it whole, or its parts behind joining words."""
        if corrected := self._corrected(first, last):
            yield corrected
            return
        whole = self.clauses.clause(first, last)
        parts = list(self._parts(first, last))
        if (
            whole is not None
            and whole.intent_type is not None
            and not (len(parts) > 1 and self._is_cut_behind_time(parts))
            and not (whole.unexplained and any(map(_is_plain, parts)))
        ):
            yield whole
        elif parts:
            yield from parts
        elif whole is not None:
            yield whole

    def _corrected(self, first: int, last: int) -> Heard | None:
        """A request whose end takes back one of its values: "… to Bob, no wait, to Carla"."""
        words, tried = self.said.words, 0
        for index in range(first + 1, last):
            if words[index - 1] not in LIGHT_MARKS or words[index] in LIGHT_MARKS:
                continue
            behind = self.spoken.past("correction", index, last)
            if behind is None or behind >= last:
                continue
            tried += 1
            if tried > _SPLITS_MAX:
                break
            before = self.clauses.clause(first, index)
            if before is not None and before.intent_type is not None:
                self._tell("correction", first=index, last=behind)
                return self._with_correction(before, behind, last)
        return None

    def _with_correction(self, before: Heard, first: int, last: int) -> Heard | None:
        """The request with what its correction says, which is said like an answer."""
        assert before.intent_type is not None
        last = self.spoken.without_thanks(first, last)
        fields = self.pack.intents[before.intent_type].fields
        # What names one thing takes any words: it is tried when nothing more definite fits.
        for key in sorted(fields, key=self.clauses.is_reference):
            if self.clauses.is_text(key) or (key not in before.slots and key != "when"):
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
        texts = [place for key, place in first.slots.items() if self._may_go_on(first, key)]
        if not texts:
            return all(part.intent_type is not None for part in parts)
        return max(last for _, last in texts) <= max((t.first for t in first.times), default=0)

    def _may_go_on(self, heard: Heard, key: str) -> bool:
        """Whether a field's words may hold an "and": free text, and what is only asked about."""
        intent = self.pack.intents.get(heard.intent_type or "")
        asked = intent is not None and not intent.confirm
        return self.clauses.is_text(key) or (asked and self.clauses.is_reference(key))

    def _parts(self, first: int, last: int, depth: int = 1) -> Iterator[Heard]:
        """Requests that stand side by side; nothing unless each side is understood."""
        if depth > REQUESTS_MAX:
            return
        for split, behind in self._splits(first, last):
            before, after = self._part(first, split), self._part(behind, last)
            if after is None or after.intent_type is None:
                after = self._another(before, behind, last) or after
            if after is None:
                continue
            if before is not None and (before.intent_type or after.intent_type):
                yield before
                yield from (list(self._parts(behind, last, depth + 1)) or [after])
                return
            if before is None and after.intent_type and self._is_preamble(first, split):
                yield after
                return

    def _part(self, first: int, last: int) -> Heard | None:
        """The request of a part of a sentence, which begins with its trigger."""
        heard = self.clauses.clause(first, last)
        return None if heard is not None and self.clauses.is_headless(heard) else heard

    def _splits(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Places where a sentence may fall apart: (end of one part, begin of the next)."""
        index, found = first + 1, 0
        while index < last and found < _SPLITS_MAX:
            behind = self._past_joiner(index, last, _JOINING_MARKS)
            if behind is None or index in self.spoken.quoted or index in self.spoken.skipped:
                index += 1
                continue
            while (further := self._past_joiner(behind, last, LIGHT_MARKS)) is not None:
                behind = further
            if behind < last:
                found += 1
                yield index, behind
            # Behind all of them: looking at each again would take time that grows as its square.
            index = behind

    def _past_joiner(self, index: int, last: int, marks: frozenset[str]) -> int | None:
        """The token behind a joining word of one or two tokens, or a mark; None for any other."""
        words, joiners = self.said.words, self.language.words["joiners"]
        if index >= last:
            return None
        # Of two tokens there are only Chinese ones: 然后.
        if self.said.kinds[index] == CJK and " ".join(words[index : index + 2]) in joiners:
            return min(index + 2, last)
        return index + 1 if words[index] in joiners or words[index] in marks else None

    def _another(self, before: Heard | None, first: int, last: int) -> Heard | None:
        """Another one of the same kind, said without its verb: "… and to Bob $30"."""
        if before is None or before.intent_type is None:
            return None
        for pattern in self.language.more.get(before.intent_type, ()):
            heard = self.clauses.matched(pattern, first, last)
            if heard is not None and (judged := self.clauses.judged(heard, pattern)):
                return judged
        return None

    def _is_preamble(self, first: int, last: int) -> bool:
        """Whether the words before a request leave it one: no condition, no negation, no quote."""
        first = self.spoken.light(first, last)
        if any(index in self.spoken.quoted for index in range(first, last)):
            return False
        if not self.language.words["reporting"].isdisjoint(self.said.words[first:last]):
            # "Bob said to me, send …": somebody else's wish.
            return False
        return not (
            self.spoken.begins("hypothetical", first, last)
            or self.spoken.begins("negation", first, last)
        )


def _is_plain(heard: Heard) -> bool:
    """Whether a known request is explained to its last word."""
    return heard.intent_type is not None and not heard.unexplained
