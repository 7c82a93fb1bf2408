"""Why an utterance came to what it came to: every step of the decision, in the order of reading.

The decision itself tells of its steps (`note`), so that what is explained is what was done. Only
near misses are looked for afterwards: patterns that explain a part of a sentence, and the words
that kept them from explaining all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from selene_os.engines import nlp
from selene_os.engines.nlp.contract import Request, Result
from selene_os.engines.nlp.explanation import (
    Chosen,
    Explanation,
    Found,
    Matched,
    Passed,
    SetAside,
    Stretch,
)
from selene_os.engines.nlp.heard import Heard
from selene_os.engines.nlp.reading import Reader
from selene_os.engines.nlp.spoken import Spoken
from selene_os.language.grammar import LIGHT_MARKS
from selene_os.language.matching import STEPS_MAX
from selene_os.language.pack import Pack, core_pack
from selene_os.language.scorer import REFUSES, Opinion
from selene_os.language.speech import Language, Pattern

NEAR_MAX: Final = 3
# Longer sentences, and more of them, are not searched for near misses: it would take time that
# grows as a cube.
NEAR_TOKENS_MAX: Final = 32
NEAR_SENTENCES_MAX: Final = 8
_NEAR_TRIES_MAX: Final = 2_000

ABILITY: Final = "asks about an ability, and says not what is to be done"
REFUSED: Final = "the scorer refuses it, and it leaves words unexplained"
UNKNOWN: Final = "a plain request that no pattern knows"
CORRECTED: Final = "taken back by a correction"
WITHDRAWN: Final = "takes back what was said before it"
_COURTESIES: Final = {
    "address": "who is spoken to",
    "before": "courtesy",
    "after": "courtesy",
    "request": "makes a request of what follows",
    "ability": "a request only where it says what",
}


def explain(request: Request, pack: Pack | None = None) -> Explanation:
    """Decide, and tell every step.

    Args:
        request: the utterance and its context.
        pack: what can be asked for; the core pack where none is given.

    Returns:
        The steps; its result is the one that `run` gives for the same request and pack.
    """
    pack = pack or core_pack()
    steps = _Steps(request, pack)
    result = nlp.run(request, pack, steps.note)
    return steps.explained(result)


class _Steps:
    """The steps of one decision, as they are told."""

    def __init__(self, request: Request, pack: Pack) -> None:
        self._request = request
        self._pack = pack
        self._told: list[tuple[str, dict[str, Any]]] = []

    def note(self, what: str, facts: dict[str, Any]) -> None:
        """Take a step down."""
        self._told.append((what, facts))

    def explained(self, result: Result) -> Explanation:
        """Everything that was told, sorted into what a person asks for."""
        read = next(self._of("read"))
        reader: Reader = read["reader"]
        self._spoken = reader.spoken
        requests: tuple[Heard, ...] = read["read"].requests
        sentences = list(reader.sentences())
        matched = self._matched(requests)
        aside = [*self._vetoed(requests), *self._refused(matched)]
        aside += self._near(reader.language, sentences, requests)
        return Explanation(
            self._request.text,
            self._pack.name,
            self._pack.digest,
            tuple(self._at(first, last) for first, last in sentences if self._says(first, last)),
            tuple(dict.fromkeys(self._passed(requests))),
            tuple(sorted(_values(self._spoken, self._at), key=lambda one: one.at.start)),
            matched,
            tuple(dict.fromkeys(aside)),
            tuple(self._chosen(heard) for heard in requests),
            read["read"].withdrawn,
            result,
        )

    def _of(self, *names: str) -> Iterator[dict[str, Any]]:
        for what, facts in self._told:
            if what in names:
                yield facts

    def _says(self, first: int, last: int) -> bool:
        return any(word not in LIGHT_MARKS for word in self._spoken.said.words[first:last])

    def _at(self, first: int, last: int) -> Stretch:
        """The words of some tokens, without the marks at either end."""
        said = self._spoken.said
        if first >= last:
            place = said.starts[first] if first < len(said) else len(said.text)
            return Stretch("", place, place)
        while first + 1 < last and said.words[first] in LIGHT_MARKS:
            first += 1
        while last - 1 > first and said.words[last - 1] in LIGHT_MARKS:
            last -= 1
        start, end = said.starts[first], said.ends[last - 1]
        return Stretch(said.text[start:end], start, end)

    # ---- what was passed over

    def _passed(self, requests: Iterable[Heard]) -> Iterator[Passed]:
        """Courtesies outside every request, the longest that were tried; and corrections."""
        taken = [(heard.first, heard.last) for heard in requests]
        found = {
            (facts["first"], facts["last"]): _COURTESIES.get(facts["name"], facts["name"])
            for facts in self._of("courtesy")
            if not any(_holds(place, (facts["first"], facts["last"])) for place in taken)
        }
        found |= dict.fromkeys(_runs(self._spoken.skipped), CORRECTED)
        found |= {(facts["first"], facts["last"]): CORRECTED for facts in self._of("correction")}
        for place, why in sorted(found.items()):
            if not any(_holds(other, place) for other in found if other != place):
                yield Passed(self._at(*place), why)

    # ---- patterns

    def _matched(self, requests: Iterable[Heard]) -> tuple[Matched, ...]:
        told = [*self._of("pattern")]
        chosen = {
            next((n for n, facts in enumerate(told) if _is_same(facts["heard"], heard)), None)
            for heard in requests
        }
        found: dict[Matched, None] = {}
        for number, facts in enumerate(told):
            heard: Heard = facts["heard"]
            found.setdefault(self._match(facts, heard, number in chosen))
        return tuple(found)

    def _match(self, facts: Mapping[str, Any], heard: Heard, chosen: bool) -> Matched:
        opinion: Opinion | None = facts["opinion"]
        scorer = self._pack.scorer
        table = scorer.weights[str(heard.intent_type)] if scorer and opinion else None
        return Matched(
            str(heard.intent_type),
            _text(facts["pattern"]),
            self._at(heard.first, heard.last),
            heard.unexplained,
            opinion.score if opinion else None,
            table.allow if table else None,
            table.agree if table else None,
            opinion.verdict if opinion else None,
            chosen,
        )

    def _chosen(self, heard: Heard) -> Chosen:
        slots = [(key, self._at(first, last)) for key, (first, last) in heard.slots.items()]
        slots += [("time", Stretch(span.text, span.start, span.end)) for span in heard.times]
        return Chosen(
            heard.intent_type,
            self._at(heard.first, heard.last),
            tuple(sorted(slots, key=lambda slot: slot[1].start)),
        )

    # ---- what was not taken

    def _vetoed(self, requests: tuple[Heard, ...]) -> Iterator[SetAside]:
        for facts in self._of("veto"):
            at = self._at(facts["first"], facts["last"])
            yield SetAside(at, str(facts["reason"]), _text(facts["pattern"]))
        for name, reason in (("ability", ABILITY), ("withdrawal", WITHDRAWN)):
            for facts in self._of(name):
                yield SetAside(self._at(facts["first"], facts["last"]), reason)
        if not requests:
            # Where a request was chosen, it is that one, or a part of it.
            for facts in self._of("unknown"):
                yield SetAside(self._at(facts["first"], facts["last"]), UNKNOWN)

    def _refused(self, matched: Iterable[Matched]) -> Iterator[SetAside]:
        for one in matched:
            if one.verdict == REFUSES and one.unexplained:
                yield SetAside(one.at, REFUSED, one.pattern, one.intent_type)

    def _near(
        self, language: Language, sentences: Iterable[tuple[int, int]], requests: Iterable[Heard]
    ) -> Iterator[SetAside]:
        """Patterns that explain a part of a sentence in which nothing was understood."""
        taken = [heard.first for heard in requests if heard.intent_type]
        taken += [facts["first"] for facts in self._of("ability")]
        # Without `note`, and with steps of its own: nothing of this is part of the decision.
        spoken = Spoken(self._request, self._pack, language)
        reader = Reader(spoken, self._pack, language)
        open_ones = [
            (first, last)
            for first, last in sentences
            if last - first <= NEAR_TOKENS_MAX and not any(first <= at < last for at in taken)
        ]
        for first, last in open_ones[:NEAR_SENTENCES_MAX]:
            misses = _misses(reader, first, last)
            for pattern, begin, end in sorted(misses, key=lambda one: one[1] - one[2])[:NEAR_MAX]:
                places = [place for place in ((first, begin), (end, last)) if self._says(*place)]
                left = " and ".join(f'"{self._at(*place).text}"' for place in places)
                if left:
                    reason = f"leaves {left} unexplained"
                    at = self._at(begin, end)
                    yield SetAside(at, reason, pattern.text, pattern.intent_type)


def _misses(reader: Reader, first: int, last: int) -> list[tuple[Pattern, int, int]]:
    """For each pattern with all its words here, the most of a sentence that it explains."""
    words = frozenset(reader.said.words[first:last])
    tries = 0
    found: dict[str, tuple[Pattern, int, int]] = {}
    for begin in range(first, last):
        for pattern in reader.language.starting.get(reader.said.words[begin], ()):
            if pattern.loose or any(need.isdisjoint(words) for need in pattern.needs):
                continue
            for end in range(last, begin, -1):
                tries += 1
                reader.spoken.matcher.steps = STEPS_MAX
                if reader.clauses.matched(pattern, begin, end):
                    best = found.get(pattern.intent_type)
                    if best is None or end - begin > best[2] - best[1]:
                        found[pattern.intent_type] = (pattern, begin, end)
                    break
                if tries > _NEAR_TRIES_MAX:
                    return list(found.values())
    return list(found.values())


def _values(spoken: Spoken, at: Any) -> Iterator[Found]:
    """Every value that was recognised; a bare number once, though it may be money as well."""
    for span in spoken.times.values():
        readings = tuple(
            one.start if one.end is None else f"{one.start} to {one.end}" for one in span.readings
        )
        kind = "time" if span.kind == "instant" else f"time ({span.kind})"
        yield Found(Stretch(span.text, span.start, span.end), kind, readings, span.grain)
    for span in spoken.durations.values():
        place = Stretch(span.text, span.start, span.end)
        yield Found(place, "duration", (str(span.duration),))
    for money in spoken.money.values():
        if money.currency is not None or money.first not in spoken.counts:
            said = f"{money.amount} {money.currency or 'in no currency'}"
            yield Found(at(money.first, money.last), "money", (said,))
    within = {place for one in spoken.durations.values() for place in range(one.first, one.last)}
    for first, number in spoken.counts.items():
        if first in within:
            continue
        yield Found(at(first, number.last), "number", (f"{number.value:f}",))
    for first, last in _runs(spoken.quoted):
        yield Found(at(first, last), "quotation")


def _runs(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Numbers that follow each other, as (first, last)."""
    first = last = -1
    for place in sorted(places):
        if place != last:
            if first >= 0:
                yield first, last
            first = place
        last = place + 1
    if first >= 0:
        yield first, last


def _holds(place: tuple[int, int], other: tuple[int, int]) -> bool:
    return place[0] <= other[0] and other[1] <= place[1]


def _is_same(heard: Heard, other: Heard) -> bool:
    return (heard.intent_type, heard.first, heard.last, heard.literals) == (
        other.intent_type, other.first, other.last, other.literals,
    )  # fmt: skip


def _text(pattern: object) -> str:
    return pattern.text if isinstance(pattern, Pattern) else str(pattern)
