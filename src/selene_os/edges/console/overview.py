"""The overview: what was decided over time, what had to be asked back, what nobody understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from selene_os.edges.console import charts, snippets
from selene_os.edges.console.shown import edge, iso, lasting, number, share
from selene_os.edges.console.visits import Shown, Visit
from selene_os.edges.http.moments import nanoseconds
from selene_os.edges.latency import Latency
from selene_os.errors import BadField
from selene_os.ledger.insight import Counted, Span
from selene_os.reasons import ReasonCode, reason_name

_SECOND: Final = 1_000_000_000
_HOUR: Final = 3_600 * _SECOND
_DAY: Final = 24 * _HOUR
# Name -> how long, in how many parts.
RANGES: Final = {
    "1h": (_HOUR, 60),
    "24h": (_DAY, 48),
    "7d": (7 * _DAY, 56),
    "30d": (30 * _DAY, 60),
    "90d": (90 * _DAY, 45),
    "1y": (364 * _DAY, 52),
}
DEFAULT: Final = "7d"
_PARTS: Final = 48
_FIELDS_MAX: Final = 8
# Layer -> its title, from the bottom up.
LAYERS: Final = {
    "intent": "Requests",
    "unknown": "Unknown requests",
    "clarify": "Questions back",
    "chat": "Talk",
    "profile": "Profiles",
    "settled": "Yes or no",
    "custody": "Erasures and holds",
}
_SETTLED: Final = ("X_CONFIRMED", "X_DECLINED", "X_CHANGED")


@dataclass(frozen=True, slots=True)
class Overview:
    """What a stretch of a tenant's time came to.

    Attributes:
        span: the stretch. parts: rows by layer in each part of it. reasons: rows by reason.
        missing: the fields asked for, with how often. unsealed: rows that wait for a seal.
    """

    span: Span
    parts: tuple[Counter[str], ...]
    reasons: Counter[str]
    missing: list[tuple[str, int]]
    unsealed: int

    @property
    def layers(self) -> Counter[str]:
        """Rows by layer over all of it."""
        return sum(self.parts, Counter())

    @property
    def asked(self) -> int:
        """Rows in which something was asked for, understood or not."""
        layers = self.layers
        return layers["intent"] + layers["unknown"] + layers["clarify"]


def layer_of(event_type: str, reason: str) -> str:
    """Which layer rows of an event type and a reason belong to."""
    if event_type == "NlpClarify":
        return "clarify"
    if event_type == "NlpIntentDraft":
        if reason == ReasonCode.NLP_CHAT_DEFAULT.name:
            return "chat"
        return "unknown" if reason == ReasonCode.NLP_INTENT_UNKNOWN.name else "intent"
    if reason in _SETTLED:
        return "settled"
    return "profile" if reason.startswith("PERSONA_") else "custody"


def span_of(visit: Visit) -> tuple[str | None, Span]:
    """The stretch that an address asks for, and its name; raises BadField."""
    since, until = visit.asked("since"), visit.asked("until")
    now = visit.console.clock()
    if since is None and until is None:
        named = visit.asked("range") or DEFAULT
        if named not in RANGES:
            raise BadField("range", "is not known", "Give " + " | ".join(RANGES) + ".")
        long, parts = RANGES[named]
        width = long // parts
        # To the end of the part that runs, so that parts stay where they are from view to view.
        end = (now // width + 1) * width
        return named, Span(max(end - long, 0), width, parts)
    end = now + 1 if until is None else nanoseconds("until", until)
    begin = max(end - 7 * _DAY, 0) if since is None else nanoseconds("since", since)
    if begin >= end:
        raise BadField("since", "is not before until", "Give an earlier moment.")
    return None, Span(begin, -(-(end - begin) // _PARTS), _PARTS)


def overview_of(visit: Visit, span: Span) -> Overview:
    """Count a stretch."""
    insight, tenant_id = visit.console.store.insight, visit.here.tenant_id
    parts = tuple(Counter[str]() for _ in range(span.parts))
    reasons: Counter[str] = Counter()
    for one in insight.kinds(tenant_id, span):
        _count(parts, reasons, one)
    missing = insight.missing(tenant_id, span, _FIELDS_MAX)
    return Overview(span, parts, reasons, missing, insight.unsealed(tenant_id))


def _count(parts: tuple[Counter[str], ...], reasons: Counter[str], one: Counted) -> None:
    reason = reason_name(one.reason_code)
    parts[one.part][layer_of(one.event_type, reason)] += one.rows
    reasons[reason] += one.rows


def overview(visit: Visit) -> Shown:
    """The page."""
    named, span = span_of(visit)
    found = overview_of(visit, span)
    layers, titles = found.layers, _titles(found)
    commits = visit.console.metrics() if visit.console.metrics else None
    newest = visit.console.store.insight.newest(visit.here.tenant_id)
    visit.note("console.overview", None)
    told = {
        "named": named,
        "ranges": list(RANGES),
        "span": span,
        "since": visit.asked("since"),
        "until": visit.asked("until"),
        "layers": [
            (name, title, layers[name])
            for name, title in LAYERS.items()
            if layers[name] or name in ("intent", "clarify", "chat")
        ],
        "chart": charts.stacked(
            [[(name, part[name]) for name in LAYERS] for part in found.parts],
            titles,
            f"{number(sum(layers.values()))} decisions over time, by kind; see the table below it",
        ),
        "rows": list(zip(titles, found.parts, strict=True)),
        "total": sum(layers.values()),
        "clarify_rate": share(layers["clarify"], found.asked),
        "unknown_rate": share(layers["unknown"], found.asked),
        "found": found,
        "newest": newest,
        "commits": commits,
        "peak": max(sum(part.values()) for part in found.parts),
        "part_long": lasting(span.width),
        "snippets": snippets.of_search(visit, {"since": iso(span.since), "until": iso(span.until)}),
        "bar": charts.bar,
    }
    record = _record(found, commits)
    # What is of the server as a whole stands in each row: a table has one form.
    measured = record["metrics"] or {}
    header = ["since", *LAYERS, *(f"server_{name}" for name in measured)]
    rows = [[*part.values(), *measured.values()] for part in record["parts"]]
    return Shown("overview.html", told, record, (header, rows))


def _record(found: Overview, commits: Latency | None) -> dict[str, Any]:
    span, layers = found.span, found.layers
    return {
        "since": iso(span.since),
        "until": iso(span.until),
        "layers": {name: layers[name] for name in LAYERS},
        "reasons": dict(found.reasons.most_common()),
        "clarify_rate": layers["clarify"] / found.asked if found.asked else None,
        "top_missing": [{"field": field, "rows": rows} for field, rows in found.missing],
        "unsealed": found.unsealed,
        "parts": [
            {"since": iso(span.since + place * span.width)} | {name: part[name] for name in LAYERS}
            for place, part in enumerate(found.parts)
        ],
        "metrics": None if commits is None else _measured(commits),
    }


def _measured(commits: Latency) -> dict[str, Any]:
    """How long the server's commits took, in milliseconds to the microsecond."""
    return {
        "since": iso(commits.since),
        "commits": commits.counted,
        "commit_p50_ms": None if commits.p50_ms is None else round(commits.p50_ms, 3),
        "commit_p99_ms": None if commits.p99_ms is None else round(commits.p99_ms, 3),
    }


def _titles(found: Overview) -> list[str]:
    span, titles = found.span, []
    for place, part in enumerate(found.parts):
        begins = edge(span.since + place * span.width)
        told = ", ".join(f"{LAYERS[name].lower()} {part[name]}" for name in LAYERS if part[name])
        titles.append(f"{begins}: {told or 'nothing'}")
    return titles
