"""Spans of judging, only if an endpoint is set: without one, no question pays for tracing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from classifiers.contract import Question, Reply

AnswerOne = Callable[[Question], Reply]


@contextmanager
def traced(answer: AnswerOne, endpoint: str | None) -> Iterator[AnswerOne]:
    """``answer`` with a span around each question; unchanged if there is no endpoint. Flushes at the end."""
    if endpoint is None:
        yield answer
        return
    with _provided(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))) as provider:
        yield with_spans(answer, provider)


def with_spans(answer: AnswerOne, provider: TracerProvider) -> AnswerOne:
    """``answer`` with a span around each question, child of the question's ``traceparent``."""
    tracer = provider.get_tracer("classifiers")
    propagator = TraceContextTextMapPropagator()

    def answer_in_span(question: Question) -> Reply:
        parent = question.traceparent
        context = propagator.extract({"traceparent": parent}) if isinstance(parent, str) else None
        with tracer.start_as_current_span(
            "judge",
            context=context,
            kind=SpanKind.CONSUMER,
            attributes={"message.id": question.message_id, "classifiers.asked": question.ask},
            record_exception=False,  # an exception's text may quote the message
            set_status_on_exception=False,
        ) as span:
            try:
                return answer(question)
            except Exception as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    return answer_in_span


@contextmanager
def _provided(processor: SpanProcessor) -> Iterator[TracerProvider]:
    provider = TracerProvider(resource=Resource.create({"service.name": "classifiers"}))
    provider.add_span_processor(processor)
    try:
        yield provider
    finally:
        provider.shutdown()
