"""One trace from the client through Kafka and the classifiers to the upstream (W3C Trace Context).

Spans cost nothing until `configure` was called; a client's ``traceparent`` is passed on either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_received: ContextVar[str | None] = ContextVar("traceparent", default=None)
_tracer: trace.Tracer | None = None


def configure(service: str, exporter: SpanExporter, ratio: float) -> TracerProvider:
    """Record spans of this process, ``ratio`` (0..1) of the traces that begin here. Shut the result down at the end."""
    global _tracer
    provider = TracerProvider(
        resource=Resource.create({"service.name": service}), sampler=ParentBased(TraceIdRatioBased(ratio))
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("gateway")
    return provider


def otlp(endpoint: str) -> SpanExporter:
    """An exporter to an OpenTelemetry collector over HTTP."""
    return OTLPSpanExporter(endpoint=endpoint)


@contextmanager
def request(name: str, traceparent: str | None) -> Iterator[None]:
    """The span of one publish request, the child of the client's span if it sent one."""
    token = _received.set(traceparent)
    try:
        if _tracer is None:
            yield
            return
        carrier = {"traceparent": traceparent} if traceparent else {}
        with _tracer.start_as_current_span(name, context=_propagator.extract(carrier), kind=trace.SpanKind.SERVER):
            yield
    finally:
        _received.reset(token)


def begin(name: str) -> AbstractContextManager[object] | None:
    """Begin a span around one step of the request being worked on; whoever began it exits it. None if spans are off."""
    if _tracer is None:
        return None
    span = _tracer.start_as_current_span(name)
    span.__enter__()
    return span


def traceparent() -> str | None:
    """The header value that continues this trace elsewhere; None outside of one."""
    if _tracer is None:
        return _received.get()
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")
