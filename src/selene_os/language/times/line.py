"""The tokens of one text as the grammar reads them: padded, so that looking ahead is safe."""

from __future__ import annotations

from selene_os.language.times.characters import simplified
from selene_os.language.tokens import Tokens

_PAD = ("",) * 12

# "Tomorrow's weather": whose it is does not change the day.
_OWNED = {
    f"{word}'s": word
    for word in (
        "today", "tomorrow", "yesterday", "tonight", "monday", "tuesday", "wednesday", "thursday",
        "friday", "saturday", "sunday", "morning", "afternoon", "evening", "week", "weekend",
        "month",
    )
}  # fmt: skip


class Line:
    """One text under analysis. `words` ends with empty words, so an index may run ahead."""

    __slots__ = ("ends", "kinds", "size", "starts", "text", "tokens", "words")

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.words = tokens.words + _PAD
        self.kinds = tokens.kinds + _PAD
        beyond = (len(tokens.text),) * len(_PAD)
        self.starts = tokens.starts + beyond
        self.ends = tokens.ends + beyond
        self.size = len(tokens.words)
        self.text = simplified(tokens.folded)
        if self.text is not tokens.folded and self.text != tokens.folded:
            places = zip(tokens.starts, tokens.ends, strict=True)
            self.words = tuple(self.text[a:b] for a, b in places) + _PAD
        if "'s" in self.text:
            self.words = tuple(_OWNED.get(word, word) for word in self.words)

    def joined(self, index: int) -> bool:
        """Whether token `index` touches the one before it."""
        return 0 < index < self.size and self.starts[index] == self.ends[index - 1]

    def skip_hyphen(self, index: int) -> int:
        """The index after a hyphen that joins two words, or the same index."""
        if self.words[index] in HYPHENS and self.joined(index) and self.joined(index + 1):
            return index + 1
        return index

    def phrase(self, index: int, *words: str) -> bool:
        """Whether `words` stand at `index`."""
        return self.words[index : index + len(words)] == words


HYPHENS = frozenset({"-", "\u2010", "\u2011"})
DASHES = HYPHENS | {"~", "\u2012", "\u2013", "\u2014", "\u2015"}
