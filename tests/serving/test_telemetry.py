"""Spans of requests: below the caller's, with what became of them, and no word that was said."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from ledgers import Ledger
from selene_os.edges.http.app import create_app
from selene_os.edges.http.outcomes import Outcome
from selene_os.edges.telemetry import watching
from serving import Served, turn

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CANARY = "xyzzyplughcanary"


def spans_of(*outcomes: Outcome) -> list[ReadableSpan]:
    """The spans that are made of them."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    watch = watching(provider)
    for one in outcomes:
        watch(one)
    return list(exporter.get_finished_spans())


def test_a_turn_is_a_span_below_its_callers(ledger: Ledger) -> None:
    seen: list[Outcome] = []
    served = Served(ledger)
    served.app = create_app(
        served.selene, check=served.check, note=served.events.append, watch=seen.append
    )
    body = turn(f"remind me to call {CANARY} tomorrow at 5 pm")
    parent = f"00-{TRACE}-{SPAN}-01"
    told = served.post("turns", body, traceparent=parent)
    refused = served.post("turns", body | {CANARY: 1})
    served.app.state.api.close()
    served.close()
    assert (told.status, refused.status) == (201, 422)
    made, other = spans_of(*seen)
    assert made.name == "selene takeTurn" and made.attributes is not None
    assert made.parent is not None and f"{made.parent.span_id:016x}" == SPAN
    assert f"{made.get_span_context().trace_id:032x}" == TRACE  # type: ignore[union-attr]
    assert dict(made.attributes) == {
        "selene.operation": "takeTurn",
        "selene.request_id": told.headers["x-request-id"],
        "selene.correlation_id": told.json["correlation_id"],
        "selene.decisions": ("INTENT_DRAFT",),
        "selene.deduplicated": 0,
        "http.response.status_code": 201,
    }
    assert other.attributes is not None and other.attributes["selene.code"] == "BadField"
    assert other.parent is None
    assert CANARY not in made.to_json() + other.to_json()


def test_a_span_lasts_as_long_as_its_request_and_a_fault_is_an_error() -> None:
    (span,) = spans_of(Outcome("r", "GET", "readDecision", 503, 0.25))
    assert span.start_time is not None and span.end_time is not None
    assert span.end_time - span.start_time == 250_000_000
    assert span.status.status_code == StatusCode.ERROR
