"""A pattern against a text in which some words were recognised, as the tests of the grammar say it.

In `times`, `money`, `counts`, `durations`, `quoted` and `skipped` stand parts of the text, with `|`
between several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from selene_os.language.grammar import (
    COUNT,
    DURATION,
    MONEY,
    NAME,
    REFERENCE,
    TIME,
    WORDS,
    Choice,
    choice,
    compile_pattern,
    piece,
)
from selene_os.language.matching import STEPS_MAX, Match, Matcher, Values
from selene_os.language.tokens import Tokens, tokenize

KINDS = {
    "task": WORDS, "when": TIME, "amount": MONEY, "recipient": NAME, "ref": REFERENCE,
    "party": COUNT, "length": DURATION,
}  # fmt: skip
NAMES_END = frozenset({"to", "for", "at"})


def matcher(
    text: str,
    times: str = "",
    money: str = "",
    *,
    counts: str = "",
    durations: str = "",
    quoted: str = "",
    skipped: str = "",
    never: str = "",
    steps: int = STEPS_MAX,
) -> Matcher:
    """A matcher of a text; `never` are words that no pattern may leave unexplained."""
    said = tokenize(text)
    values = Values(
        times=_places(said, times),
        money=_places(said, money),
        counts=_places(said, counts),
        durations=_places(said, durations),
        names_end=NAMES_END,
        quoted=_inside(said, quoted),
        skipped=_inside(said, skipped),
        unexplained_never=frozenset(never.split()),
    )
    return Matcher(said, values, KINDS.__getitem__, steps)


def _places(said: Tokens, parts: str) -> dict[int, int]:
    """Each part's first token -> the token behind it."""
    found = {}
    for part in filter(None, parts.split("|")):
        at = said.text.index(part)
        inside = [i for i, start in enumerate(said.starts) if at <= start < at + len(part)]
        found[inside[0]] = inside[-1] + 1
    return found


def _inside(said: Tokens, parts: str) -> frozenset[int]:
    places = _places(said, parts).items()
    return frozenset(at for first, last in places for at in range(first, last))


def named_parts(**texts: str) -> dict[str, Choice]:
    """Parts as a pack names them: one may name those above it."""
    parts: dict[str, Choice] = {}
    for name, text in texts.items():
        parts[name] = choice((compile_pattern(f"({text})", parts),))
    return parts


def match(
    pattern: str,
    text: str,
    times: str = "",
    money: str = "",
    *,
    parts: Mapping[str, Choice] | None = None,
    pieces: Iterable[str] = (),
    timed: bool = True,
    **values: Any,
) -> Match | None:
    """How the pattern explains the whole text, or None."""
    given = tuple(piece(compile_pattern(one, parts)) for one in pieces)
    on = matcher(text, times, money, **values)
    compiled = compile_pattern(pattern, parts)
    return on.match(compiled, 0, len(tokenize(text)), given, timed=timed)


def heard(
    pattern: str, text: str, times: str = "", money: str = "", **rest: Any
) -> dict[str, str] | None:
    """field -> what was said, or None where the pattern does not explain the text."""
    found, said = match(pattern, text, times, money, **rest), tokenize(text)
    return None if found is None else {k: said.said(*span) for k, span in found.slots.items()}


def unexplained(found: Match | None, text: str) -> list[str] | None:
    """The words that were passed over, or None where nothing matched."""
    said = tokenize(text)
    return None if found is None else [said.words[at] for at in found.unexplained]
