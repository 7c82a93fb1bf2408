"""What was recognised in an utterance before any pattern looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Values:
    """Values by their first token, and words with a part to play.

    Attributes:
        times, money, counts, durations: first token -> the token behind the value.
        inside: the tokens of every time expression.
        own_times: those of the times that do not say whose something else is.
        names_end: words that no name holds ("to", "for", "on").
        skipped: tokens that are passed over (withdrawn words, fillers).
        unexplained_never: words and tokens that no pattern may leave unexplained ("not", "if").
        quoted: tokens inside quotation marks.
    """

    times: dict[int, int] = field(default_factory=dict)
    money: dict[int, int] = field(default_factory=dict)
    names_end: frozenset[str] = frozenset()
    skipped: frozenset[int] = frozenset()
    counts: dict[int, int] = field(default_factory=dict)
    durations: dict[int, int] = field(default_factory=dict)
    unexplained_never: frozenset[str] = frozenset()
    quoted: frozenset[int] = frozenset()
    own_times: dict[int, int] = field(default_factory=dict)
    inside: frozenset[int] = frozenset()
