"""PH1.SRL: the transcript's repair, between the transcriber and PH1.NLP.

Advisory: it adds no fact and changes no meaning. This version repairs nothing: the text goes on as
it was said, and the record says so. Source: docs/spec/002 §8A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from selene_os.errors import BadField
from selene_os.reasons import ReasonCode

NAME: Final = "PH1.SRL"
VERSION: Final = "0.1.0"

TEXT_BYTES_MAX: Final = 32_768


@dataclass(frozen=True, slots=True)
class Request:
    """What was transcribed: 1 to 32,768 bytes of UTF-8."""

    text: str
    language: str = "en"

    def __post_init__(self) -> None:
        try:
            size = len(self.text.encode())
        except UnicodeEncodeError as error:
            raise BadField(
                "text", f"holds half of a surrogate pair at {error.start}", "Send valid UTF-8."
            ) from error
        if not 1 <= size <= TEXT_BYTES_MAX:
            raise BadField(
                "text",
                f"is {size} bytes of UTF-8; 1 to {TEXT_BYTES_MAX} are accepted",
                "Cut it into several turns.",
            )


@dataclass(frozen=True, slots=True)
class Result:
    """The text to go on with, and the repairs made: (start, end, repaired) into what was said."""

    reason_code: ReasonCode
    text: str
    repairs: tuple[tuple[int, int, str], ...] = ()


def run(request: Request) -> Result:
    """Hand the transcript on, unchanged."""
    return Result(ReasonCode.SRL_REPAIR_OK, request.text)
