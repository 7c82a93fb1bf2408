"""One clause: the pattern that explains it, behind the courtesies before it.

A clause is a request only where a pattern explains it from its first token to its last. That is why
a negation, a quotation, a hypothesis, a question about ability or history, or a trigger inside a
longer thought is no request: nothing explains the words around it. A loose pattern (`...`) explains
less; it counts for less, and for nothing where the scorer knows its intent and disagrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from selene_os.engines.nlp import vetoes
from selene_os.engines.nlp.heard import Heard
from selene_os.engines.nlp.spoken import Spoken
from selene_os.language import times
from selene_os.language.grammar import LIGHT_MARKS, REFERENCE, WORDS
from selene_os.language.pack import Pack
from selene_os.language.scorer import AGREES, ALLOWS, REFUSES, Opinion
from selene_os.language.speech import IGNORED_SLOT, Language, Pattern
from selene_os.language.tokens import CJK

_COURTESIES_MAX: Final = 12
_TIME: Final = "time"
_CHANGING: Final = ("imperatives", "withdrawal", "refusal")
# Longer than this is no request with a few words too many.
LOOSE_TOKENS_MAX: Final = 64

# (what was found, facts about it): how an explanation learns of every step.
Note = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Lead:
    """What stands before a clause's request.

    Attributes:
        first: where the request begins.
        times: times said in front of it.
        asked: something there makes a request of what follows ("I would like to").
        able: it asks about an ability ("can you"), which is a request where it says what.
    """

    first: int
    times: tuple[times.TimeSpan, ...] = ()
    asked: bool = False
    able: bool = False


class Clauses:
    """Reads the clauses of one utterance.

    Args:
        spoken: the utterance with its values.
        pack: the intents.
        language: how they are said.
        note: told of every step, for whoever asks why.
    """

    def __init__(
        self, spoken: Spoken, pack: Pack, language: Language, note: Note | None = None
    ) -> None:
        self.spoken = spoken
        self.said = spoken.said
        self.pack = pack
        self.language = language
        self._note = note
        self._vocabulary = frozenset(self.said.words)
        self._vetoed: set[tuple[str, int, int]] = set()
        self._possible: dict[str, tuple[Pattern, ...]] = {}
        places = {place for word in self._vocabulary for place in language.telling.get(word, ())}
        self._anywhere = self._said_of(language.anywhere[place] for place in sorted(places))
        self._read: dict[tuple[int, int], Heard | None] = {}
        self._matched: dict[tuple[int, int], Heard | None] = {}

    def clause(self, first: int, last: int) -> Heard | None:
        """The request that explains a whole clause, or None."""
        place = (first, last)
        if place not in self._read:
            self._read[place] = self._clause(first, last)
        return self._read[place]

    def _clause(self, first: int, last: int) -> Heard | None:
        if self.spoken.begins("talk", first, last):
            return None
        lead = self.lead(first, last)
        first, end = lead.first, self.spoken.without_thanks(lead.first, last)
        for until in dict.fromkeys((end, last)):
            if heard := self._best(first, until):
                if (
                    lead.able
                    and not (vetoes.says(self.spoken, heard) or heard.times)
                    and self._needs(heard)
                ):
                    # "Can you send money?" asks about an ability.
                    self._tell("ability", first=first, last=until)
                    return None
                if self._is_doubtful(lead, heard, last):
                    reason = "it ends as a question does"
                    self._tell("veto", pattern="", reason=reason, first=first, last=last)
                    return None
                if self._may_lead(lead, heard):
                    asked = lead.asked or lead.able
                    if not lead.times and asked == heard.asked:
                        return heard
                    return replace(heard, times=(*lead.times, *heard.times), asked=asked)
        if lead.times and not lead.asked and self.said.kinds[first : first + 1] != (CJK,):
            # Only in Chinese the time stands before a command without a pause.
            return None
        return (
            None if vetoes.asks(self.spoken, first, last) else self._unknown(first, end, lead.able)
        )

    def lead(self, first: int, last: int) -> Lead:
        """What stands before the request of a clause: courtesies, and times said in front."""
        lead = Lead(first)
        for _ in range(_COURTESIES_MAX):
            first = self.spoken.light(lead.first, last)
            name, end = self._step(first, last)
            if end == first:
                return lead if first == lead.first else replace(lead, first=first)
            times = lead.times
            if name == _TIME:
                times = (*times, self.spoken.times[first])
            else:
                self._tell("courtesy", first=first, last=end, name=name)
            asked, able = lead.asked or name == "request", lead.able or name == "ability"
            lead = Lead(end, times, asked, able)
        return lead

    def _step(self, first: int, last: int) -> tuple[str, int]:
        """What stands in front of a request, and where that ends: at once if there is nothing."""
        spoken = self.spoken
        ends = spoken.times[first].last if first in spoken.times else last
        before = spoken.past("before", first, last)
        if ends < last and not self._tries(first) and (before or 0) < ends:
            return _TIME, ends
        if end := spoken.past("address", first, last):
            return "address", end
        able, asked = spoken.past("ability", first, last), spoken.past("request", first, last)
        if able and (asked is None or asked <= able):
            return "ability", able
        if asked:
            begins = self._begins(first, spoken.without_thanks(first, last))
            return "request", first if begins else asked
        # "Now remind me …" is no time.
        just_now = ends <= (before or 0) and not self._tries(first)
        if before and (just_now or not self._begins(first, last)):
            return "before", before
        return "before", first + spoken.stutters(first, last)

    def matched(self, pattern: Pattern, first: int, last: int) -> Heard | None:
        """What one pattern makes of [first, last), or None where it does not explain it."""
        if pattern.loose and (
            last - first > LOOSE_TOKENS_MAX or (pattern.intent_type, first, last) in self._vetoed
        ):
            # What a closer match may not mean, a loose one does not either.
            return None
        if not pattern.leads and not pattern.loose and vetoes.commands(self.spoken, first, last):
            return None
        intent = self.pack.intents[pattern.intent_type]
        if (
            pattern.loose
            and not pattern.leads
            and not vetoes.may_be_headless(self.spoken, first, last)
        ):
            return None
        match = self.spoken.matcher.match(
            pattern.sequence,
            first,
            last,
            self.language.pieces.get(pattern.intent_type, ()),
            timed="when" in intent.fields,
            owned=not intent.confirm,
        )
        if match is None:
            return None
        if reason := vetoes.veto(self.spoken, match):
            self._vetoed.add((pattern.intent_type, first, last))
            self._tell("veto", pattern=pattern.text, reason=reason, first=first, last=last)
            return None
        return Heard(
            pattern.intent_type,
            first,
            last,
            dict(match.slots),
            tuple(self.spoken.times[index] for index in match.times),
            match.literals,
            pattern.sure,
            len(match.unexplained),
        )

    # ---- which pattern

    def _begins(self, first: int, last: int) -> bool:
        """Whether a request begins just here."""
        best = self._best(first, last)
        return best is not None and not self.is_headless(best)

    def is_headless(self, heard: Heard) -> bool:
        """Whether words that nothing explains stand before a request's trigger."""
        head = self.spoken.light(heard.first, heard.last)
        return bool(heard.unexplained) and heard.literals[:1] != (head,)

    def _best(self, first: int, last: int) -> Heard | None:
        place = (first, last)
        if place not in self._matched:
            self._matched[place] = self._find_best(first, last) if first < last else None
        return self._matched[place]

    def _find_best(self, first: int, last: int) -> Heard | None:
        """The pattern with the most words of its own that explains all of [first, last).

        A loose one is taken where none explains everything, and the scorer does not refuse it.
        """
        best: Heard | None = None
        for pattern in self._candidates(first, last):
            if best is not None and not best.unexplained and self._is_beaten(pattern, best):
                continue
            heard = self.matched(pattern, first, last)
            if heard is None:
                continue
            heard = self.judged(heard, pattern)
            if heard is not None and (best is None or self._weight(heard) > self._weight(best)):
                best = heard
        return best

    def _is_beaten(self, pattern: Pattern, best: Heard) -> bool:
        """Whether no match of a pattern can be better than one that explains everything."""
        return pattern.loose or (
            len(best.literals) >= pattern.longest and self._times_passed_over(best) == 0
        )

    def _weight(self, heard: Heard) -> tuple[bool, int, int, int]:
        """What makes a match better: all of it explained, all times heard, a longer trigger."""
        return (
            not heard.unexplained,
            -self._times_passed_over(heard),
            len(heard.literals),
            -heard.unexplained,
        )

    def _times_passed_over(self, heard: Heard) -> int:
        """How many time expressions are neither the request's own nor part of a value."""
        own = {span.first for span in heard.times}
        return sum(
            heard.first <= first < heard.last
            and first not in own
            and not any(start <= first < end for start, end in heard.slots.values())
            for first in self.spoken.times
        )

    def _candidates(self, first: int, last: int) -> tuple[Pattern, ...]:
        words = self.said.words
        head, behind = self.spoken.light(first, last), self._after_times(first, last)
        found: tuple[Pattern, ...] = ()
        if head < last:
            found = self._starting(words[head])
        if behind < last and words[behind] != words[min(head, last - 1)]:
            found += self._starting(words[behind])
        return (*found, *self._anywhere)

    def _starting(self, word: str) -> tuple[Pattern, ...]:
        """The patterns that can begin with a word, and whose other words were said as well."""
        patterns = self.language.starting.get(word)
        if patterns is None:
            return ()
        if word not in self._possible:
            self._possible[word] = self._said_of(patterns)
        return self._possible[word]

    def is_idle(self, first: int, last: int) -> bool:
        """Whether no word of a sentence can begin anything that changes what is asked for."""
        phrases = self.language.phrases
        return not self._anywhere and not any(
            self._starting(word) or any(word in phrases[name] for name in _CHANGING)
            for word in self.said.words[first:last]
        )

    def _said_of(self, patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
        vocabulary = self._vocabulary
        return tuple(
            [
                pattern
                for pattern in patterns
                if not pattern.needs[0].isdisjoint(vocabulary)
                and all(not need.isdisjoint(vocabulary) for need in pattern.needs[1:])
            ]
        )

    def judged(self, heard: Heard, pattern: Pattern) -> Heard | None:
        """A match as the scorer sees it; None where it refuses a loose one."""
        opinion = self._opinion(heard)
        self._tell("pattern", pattern=pattern.text, heard=heard, opinion=opinion)
        verdict = ALLOWS if opinion is None else opinion.verdict
        if not heard.unexplained:
            agrees = pattern.sure and verdict == AGREES
            firm = agrees or (heard.firm and verdict != REFUSES)
            return heard if firm == heard.firm else replace(heard, firm=firm)
        intent = self.pack.intents[pattern.intent_type]
        if verdict == REFUSES or (opinion and verdict == ALLOWS and not intent.confirm):
            return None
        # An action that the scorer is not sure of, or a confidential one, may be asked about; it
        # is not drafted with words left over.
        unsure = opinion is not None and verdict != AGREES
        secret = intent.sensitivity == "CONFIDENTIAL"
        return replace(heard, firm=False, askable=secret or unsure)

    def _opinion(self, heard: Heard) -> Opinion | None:
        scorer, said = self.pack.scorer, self.said
        if scorer is None or heard.intent_type is None:
            return None
        if CJK in said.kinds[heard.first : heard.last]:
            return None
        words = said.words[heard.first : heard.last]
        return scorer.opinion(
            heard.intent_type, [word for word in words if word not in LIGHT_MARKS]
        )

    def _after_times(self, first: int, last: int) -> int:
        at = self.spoken.light(first, last)
        while at in self.spoken.times and self.spoken.times[at].last < last:
            at = self.spoken.light(self.spoken.times[at].last, last)
        return min(at, last - 1) if last > first else at

    def _tries(self, first: int) -> bool:
        """Whether a pattern can begin with the word of a time: "time in Tokyo" is none."""
        return self.said.words[first] in self.language.starting

    # ---- whether it can be so

    def _is_doubtful(self, lead: Lead, heard: Heard, last: int) -> bool:
        """Whether an action is only asked about: nobody was asked to do it."""
        acts = bool(heard.intent_type and self.pack.intents[heard.intent_type].confirm)
        return (
            acts and not (lead.asked or lead.able) and vetoes.asks(self.spoken, heard.first, last)
        )

    def _needs(self, heard: Heard) -> bool:
        return bool(heard.intent_type and self.pack.intents[heard.intent_type].asked)

    def _may_lead(self, lead: Lead, heard: Heard) -> bool:
        """Whether the times in front may be dropped where the intent has no field for them."""
        if not lead.times or heard.intent_type is None:
            return True
        intent = self.pack.intents[heard.intent_type]
        return "when" in intent.fields or not intent.confirm

    def _unknown(self, first: int, last: int, able: bool) -> Heard | None:
        """A plain request that no pattern knows: an imperative with something behind it."""
        words, lists = self.said.words, self.language.words
        first = self.spoken.light(first, last)
        if first >= last or first in self.spoken.quoted:
            return None
        behind = self.spoken.past("imperatives", first, last)
        if behind is None or behind >= last:
            return None
        if words[behind] in LIGHT_MARKS:
            return None
        if not lists["statives"].isdisjoint(words[behind : min(last, behind + 2)]):
            # "Cancel culture is …", "water is …": a thing that is talked about.
            return None
        if able and lists["objects"].isdisjoint(words[behind : behind + 2]):
            return None
        if self.spoken.begins("talk_heads", first, last):
            return None
        if " ".join(words[behind:last]) in lists["references"] | lists["pronouns"]:
            # "Delete it": what, nobody said.
            return None
        self._tell("unknown", first=first, last=last)
        return Heard(None, first, last, {}, literals=(first,))

    def is_text(self, key: str) -> bool:
        """Whether a field takes words as they were said."""
        return key != IGNORED_SLOT and self.pack.kinds.get(key, WORDS) == WORDS

    def is_reference(self, key: str) -> bool:
        """Whether a field's words name one thing, which others may replace as a whole."""
        return self.pack.kinds.get(key) == REFERENCE

    def _tell(self, what: str, **facts: Any) -> None:
        if self._note is not None:
            self._note(what, facts)
