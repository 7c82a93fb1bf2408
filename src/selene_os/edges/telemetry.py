"""Requests as OpenTelemetry spans: the extra [otel], imported where SELENE_OTEL is set.

Where they go is said as everywhere: OTEL_EXPORTER_OTLP_ENDPOINT and its like. A span names the
operation and what became of it, in attributes `selene.…` that stay as they are; nothing of what was
said, and not whose it was.
"""

from __future__ import annotations

import time
from typing import Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from selene_os import __version__
from selene_os.edges.http.outcomes import Outcome, Watch

SERVICE: Final = "selene"


def exporting() -> TracerProvider:
    """Spans that are sent in batches, by a thread of their own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # What OTEL_SERVICE_NAME says wins over this.
    provider = TracerProvider(resource=Resource({SERVICE_NAME: SERVICE}).merge(Resource.create()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def watching(provider: TracerProvider) -> Watch:
    """What makes a span of each request, below the caller's where a traceparent names it."""
    tracer = provider.get_tracer("selene_os", __version__)

    def watch(outcome: Outcome) -> None:
        ended = time.time_ns()
        given = {
            "selene.operation": outcome.operation,
            "selene.request_id": outcome.request_id,
            "selene.correlation_id": outcome.correlation_id,
            "selene.code": outcome.code,
            "selene.decisions": tuple(sorted(set(outcome.decisions))) or None,
            "selene.deduplicated": outcome.deduplicated,
            "http.response.status_code": outcome.status,
        }
        context = None
        if outcome.parent is not None:
            trace, span_id = (int(one, 16) for one in outcome.parent)
            sampled = TraceFlags(TraceFlags.SAMPLED)
            above = SpanContext(trace, span_id, is_remote=True, trace_flags=sampled)
            context = set_span_in_context(NonRecordingSpan(above))
        span = tracer.start_span(
            f"selene {outcome.operation}",
            context,
            SpanKind.SERVER,
            {name: value for name, value in given.items() if value is not None},
            start_time=ended - int(outcome.seconds * 1e9),
        )
        if outcome.status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    return watch
