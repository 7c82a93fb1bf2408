"""Text cut into tokens, each with its place in what was said.

Offsets are Unicode code points, as in Python slices. Folding never changes the length, so that
one offset serves both texts: `text[start:end]` is always the evidence, verbatim.

What is a word is said by what it is *not* (no space, no mark, no digit, no CJK character), and
what folds to what by the tables of Unicode 3.2, which every Python carries: so the answer does not
depend on the Python that runs it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# ASCII marks, Latin-1 signs, general punctuation (with zero-width and bidirectional controls),
# currency signs, CJK marks, vertical forms. A soft hyphen, a byte-order mark and variation
# selectors join nothing.
_MARKS: Final = (
    "\\x00-\\x2f\\x3a-\\x40\\x5b-\\x5e\\x60\\x7b-\\xa9\\xab-\\xb9\\xbb-\\xbf\\xd7\\xf7"
    "\u2000-\u206f\u20a0-\u20cf\u3000-\u3004"
    "\u3008-\u3020\u3030\u303d\ufe00-\ufe4f\ufeff\uff00-\uff0f"
)
_CJK: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = f"[^\\s0-9{_MARKS}{_CJK}]"
_TOKEN: Final = re.compile(
    f"(?P<word>{_WORD}(?:{_WORD}|[0-9]|'(?={_WORD}))*)|(?P<number>[0-9]+)|(?P<cjk>[{_CJK}])"
    f"|(?P<mark>[^\\s])"
)
_FIGURES: Final = re.compile("[0-9]+")
_SILENT: Final = frozenset(
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
)

WORD: Final = "word"
NUMBER: Final = "number"
CJK: Final = "cjk"
MARK: Final = "mark"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text, as columns of equal length.

    Attributes:
        text: what was said, unchanged.
        folded: the same length, lower case, full-width forms as plain ones.
        words: each token's slice of `folded`.
        starts, ends: each token's place in code points, end exclusive.
        kinds: WORD, NUMBER (ASCII digits), CJK (one character) or MARK (one character).
    """

    text: str
    folded: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.words)

    def said(self, first: int, last: int) -> str:
        """What was said from token `first` to before token `last`, verbatim."""
        return self.text[self.starts[first] : self.ends[last - 1]]

    def joined(self, index: int) -> bool:
        """Whether token `index` follows the one before it without a space between them."""
        return index > 0 and self.starts[index] == self.ends[index - 1]


def tokenize(text: str) -> Tokens:
    """Cut `text` into tokens; linear in its length, total for any string."""
    folded = fold(text)
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    kinds: list[str] = []
    for found in _TOKEN.finditer(folded):
        word = found[0]
        if word in _SILENT:
            continue
        words.append(word)
        starts.append(found.start())
        ends.append(found.end())
        kinds.append(found.lastgroup or MARK)
    return Tokens(text, folded, tuple(words), tuple(starts), tuple(ends), tuple(kinds))


def is_figures(text: str) -> bool:
    """Whether a text is ASCII digits; those of other scripts are words like any other."""
    return _FIGURES.fullmatch(text) is not None


def fold(text: str) -> str:
    """Lower case and plain forms, character by character, so that the length stays."""
    if text.isascii():
        return text.lower()
    return "".join([_FOLDED.get(c) or _fold_one(c) for c in text])


def _fold_one(char: str) -> str:
    """One character's plain lower form, or itself where that would be longer than one.

    Characters that are younger than Unicode 3.2 stay as they are: its tables are part of every
    Python, those of later versions differ from one Python to the next.
    """
    if unicodedata.ucd_3_2_0.category(char) == "Cn":
        return char
    plain = _QUOTES.get(char) or unicodedata.normalize("NFKC", char)
    folded = plain.lower() if len(plain) == 1 else char.lower()
    folded = folded if len(folded) == 1 else char
    if len(_FOLDED) < _FOLDED_MAX:
        _FOLDED[char] = folded
    return folded


_QUOTES: Final = {"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'}
_FOLDED_MAX: Final = 4_096
_FOLDED: dict[str, str] = {}
