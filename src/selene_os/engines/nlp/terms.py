"""A tenant's verified terms, made ready once for every utterance that meets them.

A bundle of 4,096 terms is looked at as a whole when it is made; an utterance then costs a look-up
for each of its words. Source: docs/spec/002 §11.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from selene_os.errors import BadField
from selene_os.language.pack import TERM_KINDS
from selene_os.language.tokens import Tokens, tokenize
from selene_os.names import check_text

TERMS_MAX: Final = 4_096
TERM_BYTES_MAX: Final = 120
_NONE: Final[dict[int, set[tuple[str, ...]]]] = {}


@dataclass(frozen=True, slots=True)
class Term:
    """A verified term of the tenant's: it widens what is recognised, and is never evidence."""

    term: str
    kind: str


class Terms:
    """Verified terms with what is looked up of them; never changed once it is made.

    Args:
        items: at most 4,096 terms of 1 to 120 bytes, each of a kind of `TERM_KINDS`.

    Attributes:
        items: the terms, as they were given.

    Raises:
        BadField: a term is outside these bounds.
    """

    __slots__ = ("_by_first", "_by_word", "_by_words", "items")

    def __init__(self, items: Sequence[Term] = ()) -> None:
        self.items: Final = tuple(items)
        if len(self.items) > TERMS_MAX:
            raise BadField(
                "terms",
                f"holds {len(self.items)} entries; {TERMS_MAX} are accepted",
                "Send fewer.",
            )
        # First word -> length -> every term of so many words that begins with it. By length, so
        # that many terms with one first word cost a word of the text no more than one does.
        self._by_first: dict[str, dict[int, set[tuple[str, ...]]]] = {}
        # Kind -> all words of a term -> the first term of these words.
        self._by_words: dict[str, dict[tuple[str, ...], str]] = {}
        # Kind -> one word -> every term that has it.
        self._by_word: dict[str, dict[str, set[str]]] = {}
        for item in self.items:
            self._add(item)

    def _add(self, item: Term) -> None:
        check_text("terms.term", item.term, TERM_BYTES_MAX)
        if item.kind not in TERM_KINDS:
            raise BadField(
                "terms.kind",
                f"{item.kind!r:.60} is not accepted",
                f"Give {' | '.join(TERM_KINDS)}.",
            )
        words = tokenize(item.term).words
        if len(words) > 1:
            by_size = self._by_first.setdefault(words[0], {})
            by_size.setdefault(len(words), set()).add(words)
        self._by_words.setdefault(item.kind, {}).setdefault(words, item.term)
        by_word = self._by_word.setdefault(item.kind, {})
        for word in words:
            by_word.setdefault(word, set()).add(item.term)

    def __bool__(self) -> bool:
        return bool(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Terms) and self.items == other.items

    def __repr__(self) -> str:
        return f"Terms({len(self.items)} items)"

    def tokens_in(self, said: Tokens) -> set[int]:
        """The tokens that a term of several words covers."""
        covered: set[int] = set()
        if not self._by_first:
            return covered
        for index, word in enumerate(said.words):
            for size, terms in self._by_first.get(word, _NONE).items():
                if said.words[index : index + size] in terms:
                    covered.update(range(index, index + size))
        return covered

    def has_kind(self, kinds: Collection[str]) -> bool:
        """Whether the tenant has terms of any of these kinds."""
        return not self._by_words.keys().isdisjoint(kinds)

    def named(self, said: str, kinds: Collection[str]) -> list[str]:
        """The terms that a name can mean: the one of the same words, or all that have its word."""
        words = tokenize(said).words
        for kind in TERM_KINDS:
            if kind in kinds and (same := self._by_words.get(kind, {}).get(words)):
                return [same]
        if len(words) != 1:
            return []
        found = [self._by_word.get(kind, {}).get(words[0], set()) for kind in kinds]
        return sorted(set[str]().union(*found))


NO_TERMS: Final = Terms()
