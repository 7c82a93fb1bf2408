"""A second opinion on a clause, in integers: does it look like what its pattern says it is?

A linear model over hashed words and pairs of words, one weight of a byte each, trained offline
(`make scorer`) and shipped with the pack as a table. It never makes a request of anything: it is
asked about a clause that a pattern explains, and lowers the confidence, or refuses a loose match.
Source: docs/packs.md, "The scorer".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

from selene_os.language.tokens import is_figures

MAGIC: Final = b"selene-scorer 1\n"
BUCKETS: Final = 1 << 15
_HEADER_BYTES_MAX: Final = 65_536

AGREES: Final = "agrees"
ALLOWS: Final = "allows"
_ROW: Final = ("intent", "bias", "allow", "agree")
REFUSES: Final = "refuses"


class ScorerError(ValueError):
    """A table that cannot be read, with what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the scorer says of a clause: AGREES, ALLOWS or REFUSES, and the score behind it."""

    verdict: str
    score: int


@dataclass(frozen=True, slots=True)
class Weights:
    """One intent's part of the table: scores from `allow` are allowed, from `agree` agreed to."""

    bias: int
    allow: int
    agree: int
    weights: memoryview


@dataclass(frozen=True, slots=True)
class Scorer:
    """A loaded table.

    Attributes:
        language: whose clauses it knows.
        weights: intent -> its weights; others have no table.
    """

    language: str
    weights: Mapping[str, Weights]

    def opinion(self, intent_type: str, words: Iterable[str]) -> Opinion | None:
        """The opinion on a clause's words (folded), or None for an intent without a table."""
        table = self.weights.get(intent_type)
        if table is None:
            return None
        weights = table.weights
        score = table.bias + sum([weights[feature] for feature in features(words)])
        verdict = AGREES if score >= table.agree else ALLOWS if score >= table.allow else REFUSES
        return Opinion(verdict, score)


def features(words: Iterable[str]) -> list[int]:
    """The buckets of a clause: each word, and each pair with the ends of the clause; sorted, once.

    Figures count as one word, so that no amount or date is learned.
    """
    row = ["^", *("0" if is_figures(word) else word for word in words), "$"]
    said = {*row[1:-1], *map(" ".join, pairwise(row))}
    return sorted({crc32(one.encode("utf-8", "surrogatepass")) % BUCKETS for one in said})


def load_scorer(content: bytes) -> Scorer:
    """Read a table: a line of magic, a line of JSON, and 32,768 signed bytes an intent.

    Raises:
        ScorerError: it is cut off, or of another format.
    """
    if not content.startswith(MAGIC):
        raise ScorerError("is no table of this version")
    end = content.find(b"\n", len(MAGIC), len(MAGIC) + _HEADER_BYTES_MAX)
    try:
        header = json.loads(content[len(MAGIC) : end])
        rows = [tuple(row[key] for key in _ROW) for row in header["rows"]]
        language = header["language"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ScorerError("has a header that cannot be read") from error
    for intent, bias, allow, agree in rows:
        numbers = (bias, allow, agree)
        if not isinstance(intent, str) or any(type(number) is not int for number in numbers):
            raise ScorerError("has a header in which something is no name or no whole number")
        if allow > agree:
            raise ScorerError(f"agrees to {intent} before it allows it")
    if not isinstance(language, str) or len({row[0] for row in rows}) < len(rows):
        raise ScorerError("names no language, or an intent twice")
    body = memoryview(content)[end + 1 :].cast("b")
    if len(body) != BUCKETS * len(rows):
        raise ScorerError(f"holds {len(body)} weights, not {BUCKETS} for each of {len(rows)}")
    return Scorer(
        language,
        {
            intent: Weights(bias, allow, agree, body[at * BUCKETS : (at + 1) * BUCKETS])
            for at, (intent, bias, allow, agree) in enumerate(rows)
        },
    )


def save_scorer(language: str, rows: Iterable[tuple[dict[str, Any], bytes]]) -> bytes:
    """The table as `load_scorer` reads it, from {intent, bias, allow, agree} and weights each."""
    listed = list(rows)
    header = {"language": language, "rows": [row for row, _ in listed]}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    return MAGIC + text.encode() + b"\n" + b"".join(weights for _, weights in listed)
