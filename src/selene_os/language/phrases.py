"""Phrases: patterns of words alone, and where one ends that begins at a token."""

from __future__ import annotations

from collections.abc import Collection

from selene_os.language.grammar import LIGHT_MARKS, Choice, Sequence, Word
from selene_os.language.tokens import Tokens


def phrase_end(
    said: Tokens, skipped: Collection[int], phrase: Sequence, first: int, last: int
) -> int | None:
    """Where a phrase ends that begins at `first`, the longest way; None where it does not.

    Args:
        skipped: tokens that are passed over, as light marks are.
    """
    ends = _ends(said, skipped, phrase, (first,), last)
    return max(ends) if ends else None


def _ends(
    said: Tokens, skipped: Collection[int], phrase: Sequence, starts: Collection[int], last: int
) -> Collection[int]:
    """Every place where a phrase may end that begins at one of these."""
    words = said.words
    for element in phrase:
        found: list[int] = []
        for began in starts:
            at = began
            while at < last and (words[at] in LIGHT_MARKS or at in skipped):
                at += 1
            if isinstance(element, Word):
                if element.text in LIGHT_MARKS:
                    found += [at] if element.text in words[began:at] else []
                elif at < last and words[at] == element.text:
                    found.append(at + 1)
            elif isinstance(element, Choice):
                for way in element.by_word.get(words[at], ()) if at < last else ():
                    found += _ends(said, skipped, way, (at,), last)
                for way in element.others:
                    found += _ends(said, skipped, way, (began,), last)
        if not found:
            return ()
        # Each place once: what can be left out leads to the same places again and again.
        starts = found if len(found) == 1 else dict.fromkeys(found)
    return starts
