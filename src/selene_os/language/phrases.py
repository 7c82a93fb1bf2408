"""Phrases: patterns without slots, and where one ends that begins at a token."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from selene_os.language.grammar import LIGHT_MARKS, Choice, Element, Sequence, Word
from selene_os.language.tokens import Tokens


def phrase_end(
    said: Tokens, skipped: Collection[int], phrase: Sequence, first: int, last: int
) -> int | None:
    """Where a phrase ends that begins at `first`, the longest way; None where it does not.

    Args:
        skipped: tokens that are passed over, as light marks are.
    """
    ends = [first]
    for element in phrase:
        ends = _once(end for at in ends for end in _ends(said, skipped, element, at, last))
    return max(ends) if ends else None


def _ends(
    said: Tokens, skipped: Collection[int], element: Element, at: int, last: int
) -> list[int]:
    if isinstance(element, Word):
        began, words = at, said.words
        while at < last and (words[at] in LIGHT_MARKS or at in skipped):
            at += 1
        if element.text in LIGHT_MARKS:
            return [at] if element.text in words[began:at] else []
        return [at + 1] if at < last and words[at] == element.text else []
    if not isinstance(element, Choice):
        return []
    found = []
    for way in element.ways:
        reached = [at]
        for inner in way:
            reached = _once(end for r in reached for end in _ends(said, skipped, inner, r, last))
        found += reached
    return _once(found)


def _once(ends: Iterable[int]) -> list[int]:
    """Each place once: what can be left out leads to the same places again and again."""
    return list(dict.fromkeys(ends))
