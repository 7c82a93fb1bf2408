"""Focus: which spans and context items are salient, ranked.

Advisory: PH1.NLP may order what a question offers by it; it never fills a field.
Source: docs/spec/002 §9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from selene_os.errors import BadField
from selene_os.names import check_count, check_text
from selene_os.reasons import ReasonCode

NAME: Final = "PH1.FOCUS"
VERSION: Final = "1.0.0"

ITEMS_MAX: Final = 12
SCORE_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Item:
    """One span or context item: a score from -20,000 to 20,000, and where it comes from."""

    item_id: str
    kind: str
    score: int
    content_ref: str
    evidence_ref: str

    def __post_init__(self) -> None:
        check_text("item_id", self.item_id, 96)
        check_text("kind", self.kind, 32)
        check_count("score", self.score, -SCORE_MAX, SCORE_MAX)
        check_text("content_ref", self.content_ref, 96)
        check_text("evidence_ref", self.evidence_ref, 128)


@dataclass(frozen=True, slots=True)
class Request:
    """At most 12 items, each named once."""

    items: tuple[Item, ...] = ()

    def __post_init__(self) -> None:
        if len(self.items) > ITEMS_MAX:
            raise BadField(
                "items", f"holds {len(self.items)}; {ITEMS_MAX} are accepted", "Give the best ones."
            )
        if len({item.item_id for item in self.items}) != len(self.items):
            raise BadField("items", "name one id twice", "Name each once.")


@dataclass(frozen=True, slots=True)
class Result:
    """The same items, the most salient first."""

    reason_code: ReasonCode
    ranked: tuple[Item, ...] = ()


def run(request: Request) -> Result:
    """Rank by score, down, then by id."""
    ranked = sorted(request.items, key=lambda item: (-item.score, item.item_id))
    return Result(ReasonCode.FOCUS_RANK_OK, tuple(ranked))
