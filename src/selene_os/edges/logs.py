"""The log of a server: lines on stderr, for people or as JSON, and never a word that was said.

Of an exception only its kind and where it was raised are told: its message may quote anything.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from selene_os.edges.http.outcomes import Outcome

TEXT: Final = "text"
JSON: Final = "json"
FORMATS: Final = (TEXT, JSON)
_PLACES_MAX: Final = 6
# Another one may be any word that a caller chose.
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
# What a line may have beside its message; nothing else that somebody hands over is told.
_FIELDS: Final = (
    "request_id", "correlation_id", "operation", "method", "status", "ms", "code", "decision",
    "tenant_id", "rows", "size",
)  # fmt: skip
_log: Final = logging.getLogger("selene.requests")


class _Line(logging.Formatter):
    """One record as one line."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        given = record.__dict__
        fields: dict[str, Any] = {
            name: given[name] for name in _FIELDS if name in given and given[name] is not None
        }
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = told(record.exc_info[1])
        message = record.getMessage()
        if self._kind == JSON:
            line: dict[str, Any] = {"at": stamp, "level": record.levelname.lower()}
            line |= {"logger": record.name, "message": message, **fields}
            return json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        # One line, whatever the message holds: who reads the log trusts its lines.
        plain = message.encode("unicode_escape").decode() if not message.isprintable() else message
        more = "".join(f" {name}={value}" for name, value in fields.items())
        return f"{stamp} {record.levelname:<7} {record.name}: {plain}{more}"


def told(error: BaseException) -> str:
    """An exception's kind and where it was raised, and nothing of what it says."""
    places = [f"{one.name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
    return " ".join((type(error).__name__, "at", *places[-_PLACES_MAX:]))


def configure(kind: str) -> None:
    """Let all that is logged in this process come out so."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(kind))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("selene").setLevel(logging.INFO)
    # Which threads and modules log is nobody's question here, and costs each line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def write(outcome: Outcome) -> None:
    """Log one request that came with a good key; of others there are figures and one warning.

    Whoever has no key could otherwise fill the disk, a line for each request.
    """
    if not outcome.known or not _log.isEnabledFor(logging.INFO):
        return
    kinds = outcome.decisions
    # Made here: to look for the line of code that logs costs as much as all the rest.
    record = logging.LogRecord(_log.name, logging.INFO, "", 0, "request", (), None)
    record.__dict__.update(
        request_id=outcome.request_id,
        correlation_id=outcome.correlation_id,
        operation=outcome.operation,
        method=outcome.method if outcome.method in _METHODS else None,
        status=outcome.status,
        ms=round(1_000 * outcome.seconds, 2),
        code=outcome.code,
        # Of a batch there are too many to name.
        decision=kinds[0] if len(kinds) == 1 else None,
        rows=len(kinds) if len(kinds) > 1 else None,
    )
    _log.handle(record)
