"""The words of one text, what stands beside each, and which of them are nobody's to change.

Verbatim are quotations, addresses, paths and code; names; what is looked up, named or dictated; and
everything, where words themselves are talked about or a secret is given.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate, islice
from typing import Final

from selene_os.language.shorthand import BEGINNING, CLOCK, END, NUMBER, Phrases, Table

Span = tuple[int, int]

# "w/" and "@" are words where they stand between spaces.
_WORD: Final = re.compile("((?<!\\S)(?:w/o?|@)(?=[ \\t])|[A-Za-z0-9]+(?:['\u2019][A-Za-z]+)*)")
_CLOCK: Final = re.compile(
    "(?:(?:[01]?[0-9]|2[0-3])(?::[0-5][0-9])?\\s?(?:[ap]m|o'?clock)"
    "|[0-2]?[0-9]:[0-5][0-9]|noon|midnight)(?![:@./-][A-Za-z0-9])(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# Chinese and its marks need no space between them and a word.
_HAN: Final = "\u3400-\u9fff\u3000-\u3002\uff01\uff0c\uff1a\uff1b\uff1f"
_OPENING: Final = re.compile(f"[\\s({_HAN}]")
_CLOSING: Final = re.compile(f"[,;:!?.)\u2026]*(?:(?P<end>\\Z)|[\\s{_HAN}])")
_SENTENCE_END: Final = ".!?\u3002\uff01\uff1f"
_QUOTED: Final = re.compile(
    '"[^"]*(?:"|\\Z)|\u201c[^\u201d]*(?:\u201d|\\Z)|`[^`]*(?:`|\\Z)|\u00ab[^\u00bb]*(?:\u00bb|\\Z)'
    "|\u300c[^\u300d]*(?:\u300d|\\Z)|\u300e[^\u300f]*(?:\u300f|\\Z)"
    "|\u300a[^\u300b]*(?:\u300b|\\Z)"
    "|\u2018(?:[^\u2019]|\u2019(?=[A-Za-z]))*(?:\u2019|\\Z)"
    # An apostrophe inside is none that closes; one that nothing closes quotes all that follows.
    "|(?<![^\\s(])'(?=\\S)(?:[^']|'(?=[A-Za-z]))*(?:'|\\Z)"
)
_QUOTES: Final = re.compile("[\"\u201c`\u00ab\u300c\u300e\u300a\u2018']")
# A stretch without spaces that holds one of these is an address, a path or code, but no sign.
_MARKS: Final = re.compile("[@\\\\=/#_~<>{}|^]")
_STRETCH: Final = "(?!(?:w/o?|@)(?!\\S))[^\\s@\\\\=/#_~<>{}|^]*[@\\\\=/#_~<>{}|^]\\S*"
_MARKED: Final = re.compile(f"(?<!\\S){_STRETCH}(?:\\s+{_STRETCH})*")
_BESIDE_MAX: Final = 3


class Words:
    """The words of one text as columns, linked so that a dropped one is passed over.

    Args:
        text: what was said.
        table: the lists that say what is verbatim.

    Attributes:
        words: in lower case.
        starts, ends: their places in the text.
        gaps: what stands before each word, and behind the last one.
        before, behind: the places of the words beside each, -1 and `len(words)` beyond the edges.
        dropped: the places of the words that are passed over.
        is_verbatim: words are talked about, or a secret is given.
    """

    def __init__(self, text: str, table: Table) -> None:
        parts = _WORD.split(text)
        edges = list(accumulate(map(len, parts)))
        words = list(map(str.lower, parts[1::2]))
        if "\u2019" in text:
            words = [word.replace("\u2019", "'") for word in words]
        self._text, self._table = text, table
        self.words = words
        self._vocabulary = frozenset(words)
        self.starts, self.ends = edges[:-1:2], edges[1::2]
        self.gaps = parts[::2]
        self.before = list(range(-1, len(words) - 1))
        self.behind = list(range(1, len(words) + 1))
        self.dropped: set[int] = set()
        self.is_verbatim = self._talks_about_words()

    def __len__(self) -> int:
        return len(self.words)

    def cut(self, start: int, end: int) -> None:
        """Take a stretch without words out of what stands between two."""
        at = bisect_right(self.starts, start)
        begun = self.ends[at - 1] if at else 0
        gap = self.gaps[at]
        self.gaps[at] = gap[: start - begun] + gap[end - begun :]

    def drop(self, at: int) -> None:
        """Pass a word over from now on."""
        before, behind = self.before[at], self.behind[at]
        self.dropped.add(at)
        if before >= 0:
            self.behind[before] = behind
        if behind < len(self.words):
            self.before[behind] = before

    def written(self, at: int) -> str:
        """A word as it was written."""
        return self._text[self.starts[at] : self.ends[at]]

    # ---- what is verbatim

    def _phrases(self, name: str) -> Iterator[int]:
        """Where the phrases of a list begin."""
        phrases: Phrases = self._table.verbatim[name]
        if self._vocabulary.isdisjoint(phrases):
            return
        for at, word in enumerate(self.words):
            if word in phrases:
                for phrase in phrases[word]:
                    if len(phrase) == 1 or tuple(self.words[at : at + len(phrase)]) == phrase:
                        yield at
                        break

    def _talks_about_words(self) -> bool:
        excused = self._table.verbatim["anywhere_not_after"]
        return any(at == 0 or self.words[at - 1] not in excused for at in self._phrases("anywhere"))

    @cached_property
    def _limit(self) -> int:
        """The place from which on all is verbatim; the text's length where there is none."""
        found = [*islice(self._phrases("onward"), 1), *islice(self._commands(), 1)]
        for at in islice(self._phrases("dictated"), 1):
            behind = range(at + 1, len(self.words))
            found += islice((one for one in behind if ": " in self.gaps[one]), 1)
        return self.starts[min(found)] if found else len(self._text)

    def _commands(self) -> Iterator[int]:
        """The verbs that begin a clause and take what follows as it is."""
        lists = self._table.verbatim
        for at in self._phrases("heads"):
            ahead = self.words[at + 1 : at + 2]
            begins = self._begins(at) or (at > 0 and self.words[at - 1] in lists["courtesies"])
            if begins and not (ahead and ahead[0] in lists["heads_not_before"]):
                yield at

    @cached_property
    def _stretches(self) -> list[Span]:
        """Quotations, addresses, names and code, in their order."""
        quoted, marked = (
            [found.span() for found in pattern.finditer(self._text)]
            if sign.search(self._text)
            else []
            for sign, pattern in ((_QUOTES, _QUOTED), (_MARKS, _MARKED))
        )
        # A quotation may hold an address.
        return _merged(sorted(quoted + marked)) if quoted and marked else quoted or marked

    @cached_property
    def _begun(self) -> list[int]:
        return [start for start, _ in self._stretches]

    def is_free(self, at: int) -> bool:
        """Whether what stands at a place in the text may be repaired at all."""
        near = bisect_right(self._begun, at)
        return at < self._limit and (near == 0 or self._stretches[near - 1][1] <= at)

    def is_closed(self, at: int) -> bool:
        """Whether a word ends where its letters end: "tmr.txt" goes on behind its mark."""
        behind = self.behind[at]
        closing = _CLOSING.match(self.gaps[behind])
        return closing is not None and (closing["end"] is None or behind == len(self.words))

    def stands_free(self, first: int, last: int) -> bool:
        """Whether words are no part of a name, an address, a compound or a quotation."""
        gap = self.gaps[first]
        return (
            self.is_free(self.starts[first])
            and (not gap or _OPENING.match(gap[-1]) is not None)
            and self.is_closed(last)
            and self._is_lower(first)
        )

    def _is_lower(self, at: int) -> bool:
        """Whether a word is in lower case, but for the capital of a sentence's first word."""
        word = self.written(at)
        if word.lower() == word:
            return True
        gap, behind = self.gaps[at], self.behind[at]
        mark = gap.rstrip()[-1:]
        begins = mark in _SENTENCE_END if mark else self.before[at] < 0 or "\n" in gap
        named = behind < len(self.words) and self._is_name(behind)
        return begins and word[1:].lower() == word[1:] and not named

    def _is_name(self, at: int) -> bool:
        """Whether a word is written as a name is, with a capital: "Tmw Ltd"."""
        return self.written(at)[0].isupper() and self.words[at].split("'")[0] != "i"

    # ---- the words beside a word

    def _begins(self, at: int) -> bool:
        """Whether a clause begins with a word: no word stands before it, nor a character."""
        gap = self.gaps[at]
        return (self.before[at] < 0 or not is_space(gap)) and not is_letter(gap.rstrip()[-1:])

    def meaning(self, at: int) -> str:
        """What a word means, repaired or not: so what stands beside it never depends on order."""
        word = self.words[at]
        return self._table.meanings.get(word, word)

    def said_before(self, at: int) -> tuple[str, ...]:
        """The last words before a word, one to three of them; or that a clause begins with it."""
        gap, before = self.gaps[at], self.before[at]
        if before < 0 or not is_space(gap):
            return (BEGINNING,) if self._begins(at) else ()
        said: list[str] = []
        for _ in range(_BESIDE_MAX):
            said[:0] = self.meaning(before).split()
            gap, before = self.gaps[before], self.before[before]
            if before < 0 or not is_space(gap):
                break
        return tuple([" ".join(said[-count:]) for count in range(1, min(3, len(said)) + 1)])

    def said_behind(self, at: int) -> tuple[str, ...]:
        """The first words behind a word, one or two of them; or that a clause ends with it."""
        behind = self.behind[at]
        gap = self.gaps[behind]
        if behind == len(self.words) or not is_space(gap):
            return () if is_letter(gap.lstrip()[:1]) else (END,)
        said = self.meaning(behind).split()
        further = self.behind[behind]
        if further < len(self.words) and is_space(self.gaps[further]):
            said += self.meaning(further).split()
        found = [said[0], " ".join(said[:2])]
        if said[0][0].isdigit():
            found.append(NUMBER)
        if _CLOCK.match(self._text, self.starts[behind]):
            found.append(CLOCK)
        return tuple(found)


def is_letter(char: str) -> bool:
    """Whether something is a letter or a character of any script, on every Python alike."""
    return bool(char) and unicodedata.ucd_3_2_0.category(char)[0] == "L"


def is_space(gap: str) -> bool:
    """Whether words stand side by side. Other spaces than these two are kept as they are."""
    return not gap.strip(" \t")


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order as ones that do not overlap."""
    found: list[Span] = []
    for start, end in spans:
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
