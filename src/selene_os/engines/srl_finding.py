"""Where a text is repaired, and where it may have been misheard.

Three steps, each over what the one before left standing: sounds made while thinking are dropped,
words said twice are said once, shorthand is written out. So "to um to" is one "to", and the words
beside a form are those that will stand there: a repaired text has nothing left to repair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress, count, islice, pairwise
from typing import Final

from selene_os.engines.srl_words import Words, is_letter, is_space
from selene_os.language.shorthand import (
    CLOCK,
    DOUBLED,
    FILLER,
    PUNCTUATION,
    Rules,
    Table,
)

# A text with more places than this to look at is no utterance; each costs some microseconds.
PLACES_MAX: Final = 512
# (start, end, text, kind) and (start, end, kind), into what was said.
RawRepair = tuple[int, int, str, str]
RawFlag = tuple[int, int, str]
_Matches = list[re.Match[str]]

_PLAIN: Final = re.compile("[a-z0-9]+")
_PAUSE: Final = re.compile("(?:,+|\\.\\.+)?[ \\t]+(?=[A-Za-z0-9\u3400-\u9fff])")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one text, in the order of its places.

    Attributes:
        too_much: there are more places to look at than any utterance has.
    """

    repairs: tuple[RawRepair, ...] = ()
    flags: tuple[RawFlag, ...] = ()
    too_much: bool = False


NOTHING: Final = Found()
TOO_MUCH: Final = Found(too_much=True)


def without(found: Found, text: str, known: frozenset[str]) -> Found:
    """What was found without the repairs of words that name something: a project called TMR."""

    def names_nothing(start: int, end: int) -> bool:
        return known.isdisjoint(words_of(text[start:end]))

    kept = Found(
        tuple(repair for repair in found.repairs if names_nothing(*repair[:2])),
        tuple(flag for flag in found.flags if names_nothing(*flag[:2])),
        found.too_much,
    )
    return NOTHING if kept == NOTHING else kept


def words_of(text: str) -> list[str]:
    """The plain words of a text, in lower case."""
    return _PLAIN.findall(text.lower())


def find(text: str, table: Table) -> Found:
    """Everything in a text that is to be repaired or marked as uncertain."""
    words = words_of(text)
    if (
        table.triggers.isdisjoint(words)
        and table.pairs.isdisjoint(pairwise(words))
        and not table.telling.search(text)
    ):
        # So it is with nearly every text, which is why this comes first.
        return NOTHING
    marks, sounds = (
        list(islice(pattern.finditer(text), PLACES_MAX + 1))
        for pattern in (table.repeated, table.sounds)
    )
    places = len(marks) + len(sounds)
    if places > PLACES_MAX:
        return TOO_MUCH
    said = Words(text, table)
    if said.is_verbatim or table.quoting.search(text):
        return NOTHING
    finding = _Finding(text, table, said)
    if finding.places + places > PLACES_MAX:
        return TOO_MUCH
    finding.drop_sounds(sounds)
    finding.drop_fillers()
    finding.drop_doubled()
    finding.write_out()
    finding.flag()
    finding.drop_marks(marks)
    return Found(_apart(sorted(finding.repairs)), tuple(sorted(finding.flags)))


class _Finding:
    """The steps over one text.

    Attributes:
        places: how many words there are to look at.
        repairs, flags: found so far.
    """

    def __init__(self, text: str, table: Table, words: Words) -> None:
        self._text, self._table, self._words = text, table, words
        triggers, pairs = table.triggers, table.pairs
        # "tmr's" too, which says whose.
        forms = words.words
        if "'" in text or "\u2019" in text:
            forms = [word.removesuffix("'s") for word in forms]
        self._known = list(compress(count(), map(triggers.__contains__, forms)))
        # The first of two words in a row of which one may be dropped or flagged.
        self._firsts = list(compress(count(), map(pairs.__contains__, pairwise(words.words))))
        self.places = len(self._known) + len(self._firsts)
        self.repairs: list[RawRepair] = []
        self.flags: list[RawFlag] = []

    def drop_sounds(self, sounds: _Matches) -> None:
        """Drop sounds of Mandarin with the pause behind them."""
        for sound in reversed(sounds):
            if self._words.is_free(sound.start()):
                self.repairs.append((*sound.span(), "", FILLER))
                self._words.cut(*sound.span())

    def drop_fillers(self) -> None:
        """Drop the sounds made while thinking, with the pause behind each."""
        words, rules = self._words, self._table.fillers
        for at in self._known:
            start, end = words.starts[at], words.ends[at]
            pause = _PAUSE.match(self._text, end)
            if pause and words.words[at] in rules and words.stands_free(at, at):
                if self._fits(rules, words.words[at], at, at) is None:
                    continue
                self.repairs.append((start, pause.end(), "", FILLER))
                behind = words.behind[at]
                words.gaps[behind] = words.gaps[at] + words.gaps[behind][pause.end() - end :]
                self._drop(at)

    def drop_doubled(self) -> None:
        """Drop the second of two function words, and those behind it that are the same."""
        words, until = self._words, 0
        for at in sorted(self._firsts):
            if at < until or at in words.dropped:
                continue
            run = self._run(at)
            until = run[-1] + 1
            if not self._is_stutter(run):
                continue
            for before, one in pairwise(run):
                # Between the two, a sound may have been dropped already.
                start, gap = words.ends[before], len(words.gaps[one])
                if start + gap < words.starts[one]:
                    self.repairs.append((start, start + gap, "", DOUBLED))
                    start = words.starts[one]
                self.repairs.append((start, words.ends[one], "", DOUBLED))
                self._drop(one)

    def write_out(self) -> None:
        """Write out shorthand, and put in the apostrophes that are missing."""
        words, rules = self._words, self._table.shorthand
        for at in self._known:
            word = words.words[at]
            form = word.removesuffix("'s")
            if at in words.dropped or form not in rules or not words.stands_free(at, at):
                continue
            kind, means = rules[form][0].kind, self._fits(rules, form, at, at)
            if means is None or (form != word and kind == PUNCTUATION) or self._is_named(at):
                continue
            start = words.starts[at]
            if self._text[start].isupper():
                means = means[0].upper() + means[1:]
            self.repairs.append((start, start + len(form), means, kind))

    def _is_named(self, at: int) -> bool:
        """Whether a form is a name by the words beside it, or begins an address."""
        words, names = self._words, self._table.verbatim
        behind = words.said_behind(at)
        if not (
            names["names_after"].keys().isdisjoint(words.said_before(at))
            and names["names_before"].keys().isdisjoint(behind)
        ):
            return True
        if words.words[at] != "@" or CLOCK in behind:
            return False
        # "@ home.com" goes on where a word would end; "@ 明天" has no word behind it.
        place = words.behind[at]
        return place == len(words) or not words.is_closed(place)

    def flag(self) -> None:
        """Mark the words that may be others, misheard."""
        words = self._words
        for at in dict.fromkeys(words.behind[first] for first in self._firsts):
            if at < len(words) and at not in words.dropped and words.stands_free(at, at):
                before, behind = words.said_before(at), words.said_behind(at)
                for rule in self._table.flags.get(words.words[at], ()):
                    if rule.fits(before, behind):
                        self.flags.append((words.starts[at], words.ends[at], rule.kind))
                        break

    def drop_marks(self, marks: _Matches) -> None:
        """Drop marks typed twice, but for the first."""
        for mark in marks:
            if self._words.is_free(mark.start()) and _is_slip(self._text, *mark.span()):
                self.repairs.append((mark.start() + 1, mark.end(), "", PUNCTUATION))

    # ---- what the steps ask

    def _fits(self, rules: Rules, form: str, first: int, last: int) -> str | None:
        """What a form becomes by the first rule that fits where it stands; None where none does."""
        found = rules.get(form)
        if not found:
            return None
        before, behind = self._words.said_before(first), self._words.said_behind(last)
        return next((rule.means for rule in found if rule.fits(before, behind)), None)

    def _drop(self, at: int) -> None:
        self._words.drop(at)
        if self._words.before[at] >= 0:
            # Two words stand side by side that did not.
            self._firsts.append(self._words.before[at])

    def _run(self, at: int) -> list[int]:
        """A word and those behind it that are the same, with nothing but spaces between."""
        words, run = self._words, [at]
        meaning, behind = words.meaning(at), words.behind[at]
        while (
            behind < len(words)
            and words.meaning(behind) == meaning
            and is_space(words.gaps[behind])
        ):
            run.append(behind)
            behind = words.behind[behind]
        return run

    def _is_stutter(self, run: list[int]) -> bool:
        """Whether a word said several times in a row means no more than said once."""
        words, first, last = self._words, run[0], run[-1]
        rules = self._table.doubled.get(words.meaning(first), ())
        if not rules or len(run) == 1 or (len(run) > 2 and not rules[0].often):
            return False
        if not all(words.written(one).islower() or words.written(one) == "I" for one in run[1:]):
            return False
        return (
            words.stands_free(first, last)
            and self._fits(self._table.doubled, words.meaning(first), first, last) is not None
        )


def _is_slip(text: str, start: int, end: int) -> bool:
    """Whether a mark typed twice closes a word: `a ?? b`, "5!!" and "a,,b" mean something."""
    if start == 0 or not is_letter(text[start - 1]):
        return False
    behind = text[end : end + 1]
    return not behind or behind.isspace() or (not behind.isascii() and is_letter(behind))


def _apart(repairs: Iterable[RawRepair]) -> tuple[RawRepair, ...]:
    """Repairs in order without those that lie in the one before: the ",," of "um,, so"."""
    kept: list[RawRepair] = []
    for repair in repairs:
        if not kept or repair[0] >= kept[-1][1]:
            kept.append(repair)
    return tuple(kept)
