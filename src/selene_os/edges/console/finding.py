"""The search: what is asked for stands in the address, beside it what would narrow it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from selene_os.edges.console import snippets
from selene_os.edges.console.overview import span_of
from selene_os.edges.console.shown import iso, moment
from selene_os.edges.console.visits import Shown, Visit
from selene_os.edges.http import records
from selene_os.edges.http.moments import nanoseconds
from selene_os.ledger.events import AuditEvent
from selene_os.names import DeviceId, UserId
from selene_os.reasons import ReasonCode, reason_name
from selene_os.registry import DECISIONS

PAGE_ROWS: Final = 50
TABLE_ROWS: Final = 1_000
# So many of the newest rows that match are looked at for what a search could be narrowed by.
FACET_ROWS: Final = 500
_FACETS_MAX: Final = 8
_TIMES_MAX: Final = 24
_HOUR: Final = 3_600_000_000_000
_DAY: Final = 24 * _HOUR
_WORDS: Final = ("decision", "intent", "reason", "user", "device")
_TITLES: Final = {
    "decision": "Decision",
    "intent": "Intent",
    "reason": "Reason",
    "user": "User",
    "device": "Device",
}
COLUMNS: Final = (
    "created_at", "event_id", "correlation_id", "turn_id", "engine", "decision", "intent_type",
    "what_is_missing", "reason_code", "severity", "user_id", "device_id", "session_id",
    "overall_confidence",
)  # fmt: skip

# A name, its title, and of each value how often it is there and the address.
Facet = tuple[str, str, list[tuple[str, int, str]]]


def asked_of(visit: Visit) -> dict[str, str]:
    """What an address asks for, in the order of the form."""
    asked = {name: value for name in _WORDS if (value := visit.asked(name)) is not None}
    if visit.asked("range") is not None:
        _, span = span_of(visit)
        return asked | {"since": iso(span.since), "until": iso(span.until)}
    for name in ("since", "until"):
        if (value := visit.asked(name)) is not None:
            asked[name] = value
    return asked


def search(visit: Visit, rows: int = PAGE_ROWS) -> Shown:
    """The page."""
    asked = asked_of(visit)
    wanted: dict[str, Any] = {name: asked.get(name) for name in _WORDS}
    for name in ("since", "until"):
        wanted[name] = nanoseconds(name, asked[name]) if name in asked else None
    found = visit.here.search(**wanted, after=visit.asked("cursor"), rows=rows)
    events = [records.event(event) for event in found.events]
    answer = {"events": events, "next_cursor": found.cursor, "asked": asked}
    newest = visit.here.search(**wanted, rows=FACET_ROWS).events
    visit.note("console.search", None)
    told = {
        "asked": asked,
        "rows": [row_of(event) for event in found.events],
        "cursor": found.cursor,
        "later": visit.asked("cursor") is not None,
        "facets": [*_facets(visit, newest, asked), *_times(visit, newest, asked)],
        "elsewhere": [
            (one, visit.elsewhere(one)) for one in visit.tenants() if one != visit.here.tenant_id
        ],
        "facet_rows": FACET_ROWS,
        "link": lambda **but: _link(visit, asked, **but),
        "decisions": DECISIONS,
        "reasons": [code.name for code in ReasonCode],
        "titles": _TITLES,
        "snippets": snippets.of_search(visit, asked),
    }
    cells = [[row_of(event)[name] for name in COLUMNS] for event in found.events]
    return Shown("search.html", told, answer, (COLUMNS, cells))


def table(visit: Visit) -> Shown:
    """The search as a table, of more rows at a time."""
    return search(visit, TABLE_ROWS)


def row_of(event: AuditEvent) -> dict[str, Any]:
    """One row of the search's table."""
    payload = payload_of(event)
    return {
        "created_at": iso(event.created_at),
        "at": event.created_at,
        "event_id": event.event_id,
        "correlation_id": event.correlation_id,
        "turn_id": event.turn_id,
        "engine": event.engine,
        "decision": str(payload.get("decision", "PROFILE")),
        "intent_type": payload.get("intent_type"),
        "what_is_missing": payload.get("what_is_missing"),
        "reason_code": reason_name(event.reason_code),
        "severity": event.severity,
        "user_id": event.user_id,
        "device_id": event.device_id,
        "session_id": event.session_id,
        "overall_confidence": payload.get("overall_confidence"),
    }


def payload_of(event: AuditEvent) -> dict[str, Any]:
    """A row's payload; of a row that was damaged, nothing."""
    try:
        payload = json.loads(event.payload_min)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _facets(visit: Visit, newest: Sequence[AuditEvent], asked: dict[str, str]) -> list[Facet]:
    """By what it could be narrowed: of each name its values, how often, and the address."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in _WORDS}
    for event in newest:
        payload = payload_of(event)
        counted["decision"][str(payload.get("decision", "PROFILE"))] += 1
        counted["reason"][reason_name(event.reason_code)] += 1
        counted["user"][event.user_id or UserId("")] += 1
        counted["device"][event.device_id or DeviceId("")] += 1
        counted["intent"][str(payload.get("intent_type", ""))] += 1
    return [
        (
            name,
            _TITLES[name],
            [
                (value, count, _link(visit, asked, **{name: value}))
                for value, count in counted[name].most_common(_FACETS_MAX)
                if value
            ],
        )
        for name in _WORDS
        if name not in asked
    ]


def _times(visit: Visit, newest: Sequence[AuditEvent], asked: dict[str, str]) -> list[Facet]:
    """The same by hours, or by days where the rows are of more than two; the newest first."""
    if not newest:
        return []
    moments = [event.created_at for event in newest]
    width = _DAY if max(moments) - min(moments) > 2 * _DAY else _HOUR
    counted = Counter(at // width for at in moments)
    if len(counted) == 1 and "since" in asked and "until" in asked:
        # There is nothing left to narrow.
        return []
    digits = len("2026-11-21" if width == _DAY else "2026-11-21 09:30")
    values = []
    for part, count in sorted(counted.items(), reverse=True)[:_TIMES_MAX]:
        begins, ends = iso(part * width), iso((part + 1) * width)
        named = moment(part * width)[:digits]
        values.append((named, count, _link(visit, asked, since=begins, until=ends)))
    return [("time", "Day" if width == _DAY else "Hour", values)]


def _link(visit: Visit, asked: dict[str, str], **but: str | None) -> str:
    """The address of a search like this one, but for what is given; form names the form."""
    form = but.pop("form", None) or ""
    query = {key: value for key, value in (asked | but).items() if value}
    url = visit.url(f"search{form}")
    return f"{url}?{urlencode(query)}" if query else url
