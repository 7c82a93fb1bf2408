"""What became of a request, for those who watch a server: counters, its log, its spans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

NO_OPERATION: Final = "none"


@dataclass(slots=True)
class Outcome:
    """One request below /v1, without whose it was and what was said.

    Attributes:
        request_id: the answer's X-Request-Id; of a problem the instance too.
        known: whether it came with a key that is good.
        operation: its name, or NO_OPERATION where none was found.
        status: 0 where the caller went away. seconds: until the answer was sent.
        code: of a refusal.
        correlation_id: the conversation, where it is known to be one's id.
        parent: trace and span of a traceparent.
        decisions: the kinds that were made, those that were there before not among them.
        deduplicated: how many were there before.
    """

    request_id: str = ""
    method: str = ""
    operation: str = NO_OPERATION
    status: int = 0
    seconds: float = 0.0
    code: str | None = None
    correlation_id: str | None = None
    parent: tuple[str, str] | None = None
    decisions: list[str] = field(default_factory=list)
    deduplicated: int = 0
    known: bool = False

    def decided(self, kind: str, *, deduplicated: bool) -> None:
        """Note one decision."""
        if deduplicated:
            self.deduplicated += 1
        else:
            self.decisions.append(kind)


# Called once for each request, in the event loop's thread: it must not block, and not raise.
Watch = Callable[[Outcome], None]
