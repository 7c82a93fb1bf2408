"""Hand-overs: what became of each engine's part in a turn, as the record of the turn tells it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from selene_os.reasons import ReasonCode

USED: Final = "used"
PASSED: Final = "passed through"
REFUSED: Final = "refused"
NOT_NEEDED: Final = "not needed"


@dataclass(frozen=True, slots=True)
class HandOver:
    """What became of one engine's part in a turn.

    Attributes:
        engine, version, reason_code: which engine, and what it said.
        became: used, passed through, refused or not needed.
        digest: names what it handed on; None where that was nothing. Of PH1.KNOW the bundle's.
        request: what it was asked, as JSON, where the record does not hold that elsewhere.
        handed: what it handed on, as JSON; None for PH1.KNOW, whose bundle the digest names, and
            for PH1.NLP, whose answer stands in the record itself.
    """

    engine: str
    version: str
    reason_code: str
    became: str
    digest: str | None = None
    request: dict[str, Any] | None = None
    handed: dict[str, Any] | None = None

    def as_record(self) -> dict[str, Any]:
        """The hand-over as the record keeps it."""
        return {
            "engine": self.engine,
            "version": self.version,
            "reason_code": self.reason_code,
            "became": self.became,
            "digest": self.digest,
            "request": self.request,
            "handed": self.handed,
        }


def handed_on(
    engine: Any, reason_code: ReasonCode, asked: dict[str, Any], handed: dict[str, Any]
) -> HandOver:
    """The hand-over of an engine whose result was used."""
    return HandOver(
        engine.NAME, engine.VERSION, reason_code.name, USED, digest_of(handed), asked, handed
    )


def digest_of(handed: dict[str, Any]) -> str:
    """Names what was handed on: SHA-256 of its JSON, 64 hexadecimal digits."""
    text = json.dumps(handed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """A frozen dataclass as JSON. Not `asdict`, which copies deeply and took a third of a turn."""
    if names := getattr(value, "__dataclass_fields__", None):
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value
