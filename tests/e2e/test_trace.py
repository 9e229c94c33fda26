"""One trace from the client through gateway, Kafka and classifier to the upstream."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from collections import defaultdict

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from classifiers.contract import decode_questions
from deploy.local.processes import free_port
from deploy.local.stack import Stack
from tests.e2e.support import publish, questions, until
from tests.e2e.upstream import Server, Upstream

SPANS = 7
"""The request, facts, opinions, commit, forward and settle in the gateway, and judge in the worker."""


class Collector(Server):
    """Takes OTLP over HTTP, and keeps the spans of each trace with the service that made them."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "200 OK")
        self.address = f"http://127.0.0.1:{port}/v1/traces"
        self.spans: defaultdict[str, list[tuple[str, Span]]] = defaultdict(list)

    async def take(self, headers: dict[str, str], body: bytes) -> None:
        """Keep the spans."""
        content = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
            attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans[span.trace_id.hex()].append((attributes["service.name"], span))


async def test_one_trace_leads_from_the_client_to_the_upstream(
    bare_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    async with Collector(port) as collector, Upstream(bare_stack) as upstream:
        monkeypatch.setenv("GATEWAY_TRACE_ENDPOINT", collector.address)
        monkeypatch.setenv("GATEWAY_TRACE_RATIO", "0")  # the client's choice to record counts, not ours
        monkeypatch.setenv("CLASSIFIERS_OTLP_ENDPOINT", collector.address)
        gateway = await asyncio.to_thread(bare_stack.start_gateway, 1)
        worker = await asyncio.to_thread(bare_stack.start_worker)
        trace, client = secrets.token_hex(16), secrets.token_hex(8)
        answer = await publish(
            bare_stack, "The library opens at nine.", Traceparent=f"00-{trace}-{client}-01", Idempotency_Key="traced"
        )
        assert answer.status == 200
        for process in (gateway, worker):
            assert await asyncio.to_thread(bare_stack.end, process) == 0
        await until(lambda: len(collector.spans[trace]) >= SPANS, 20, "the spans of the trace")

    spans = {span.name: (service, span) for service, span in collector.spans[trace]}
    assert {name: service for name, (service, _) in spans.items()} == {
        "POST /v1/messages": "gateway",
        **dict.fromkeys(("keys", "facts", "opinions", "commit", "forward", "settle"), "gateway"),
        "judge": "classifiers",
    }
    parents = {name: span.parent_span_id.hex() for name, (_, span) in spans.items()}
    ids = {name: span.span_id.hex() for name, (_, span) in spans.items()}
    assert parents["POST /v1/messages"] == client
    for stage in ("keys", "facts", "opinions", "commit", "forward", "settle"):
        assert parents[stage] == ids["POST /v1/messages"]
    assert parents["judge"] == ids["opinions"]

    [record] = await questions(bare_stack)
    assert dict(record.headers)["traceparent"].decode() == f"00-{trace}-{ids['opinions']}-01"
    assert decode_questions(record.value)[0].traceparent == f"00-{trace}-{ids['opinions']}-01"
    [(headers, _)] = upstream.requests
    assert headers["traceparent"] == f"00-{trace}-{ids['forward']}-01"
    assert headers["idempotency-key"] == answer.body["message_id"]
    said = b"".join(span.SerializeToString() for _, span in collector.spans[trace])
    assert b"library" not in said, "a message's text is in a span"
