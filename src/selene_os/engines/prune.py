"""PH1.PRUNE: of several missing fields, the one to ask about.

Advisory: PH1.NLP names what is missing; nothing is added to it. The previous question is not put
again while there is another. Source: docs/spec/002 §8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from selene_os.errors import BadField
from selene_os.reasons import ReasonCode

NAME: Final = "PH1.PRUNE"
VERSION: Final = "1.0.0"

MISSING_MIN: Final = 2
MISSING_MAX: Final = 16

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """What is still open.

    Attributes:
        required_fields_missing: 2 to 16 keys in the pack's order, each once.
        ambiguous_fields, uncertain_fields: those that were heard, but not clearly.
        filled_fields: prefilled or confirmed, hence not to be asked.
        previous_clarify_field: what was asked in the turn before, or None.

    Raises:
        BadField: a value is outside these bounds.
    """

    required_fields_missing: tuple[str, ...]
    ambiguous_fields: tuple[str, ...] = ()
    uncertain_fields: tuple[str, ...] = ()
    filled_fields: tuple[str, ...] = ()
    previous_clarify_field: str | None = None

    def __post_init__(self) -> None:
        missing = self.required_fields_missing
        if not MISSING_MIN <= len(missing) <= MISSING_MAX or len(set(missing)) != len(missing):
            raise BadField(
                "required_fields_missing",
                f"must be {MISSING_MIN} to {MISSING_MAX} keys, each once",
                "Ask about the only one without PH1.PRUNE.",
            )
        if not all(_KEY.fullmatch(key) for key in missing):
            raise BadField("required_fields_missing", "holds no key", "Keys match [a-z][a-z0-9_]*.")


@dataclass(frozen=True, slots=True)
class Result:
    """What is still missing, in the order to ask, and the first of it; None where nothing is."""

    reason_code: ReasonCode
    ordered: tuple[str, ...] = ()
    selected: str | None = None


def run(request: Request) -> Result:
    """Order by doubt first, then by the pack; the field that was just asked goes last."""
    doubtful = {*request.ambiguous_fields, *request.uncertain_fields}
    place = {key: index for index, key in enumerate(request.required_fields_missing)}
    open_keys = [key for key in place if key not in request.filled_fields]
    ordered = sorted(
        open_keys,
        key=lambda key: (key == request.previous_clarify_field, key not in doubtful, place[key]),
    )
    return Result(ReasonCode.PRUNE_SELECT_OK, tuple(ordered), ordered[0] if ordered else None)
