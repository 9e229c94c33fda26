"""One trace from the client through gateway, Kafka and classifier to the upstream."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from collections import defaultdict
from contextlib import suppress
from types import TracebackType
from typing import Self

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from classifiers.contract import decode_questions
from deploy.local.processes import free_port
from deploy.local.stack import Stack
from tests.e2e.support import Upstream, publish, read_head, records, until

SPANS = 7
"""The request, facts, opinions, commit, forward and settle in the gateway, and judge in the worker."""


class Collector:
    """Takes OTLP over HTTP, and keeps the spans of each trace by the service that made them."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}/v1/traces"
        self.spans: defaultdict[str, list[tuple[str, Span]]] = defaultdict(list)
        self._port = port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                _, headers = read_head(await reader.readuntil(b"\r\n\r\n"))
                body = await reader.readexactly(int(headers["content-length"]))
                self._take(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def _take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
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
        **dict.fromkeys(("facts", "opinions", "commit", "forward", "settle"), "gateway"),
        "judge": "classifiers",
    }
    parents = {name: span.parent_span_id.hex() for name, (_, span) in spans.items()}
    ids = {name: span.span_id.hex() for name, (_, span) in spans.items()}
    assert parents["POST /v1/messages"] == client
    for stage in ("facts", "opinions", "commit", "forward", "settle"):
        assert parents[stage] == ids["POST /v1/messages"]
    assert parents["judge"] == ids["opinions"]

    [record] = await records(bare_stack, "questions", bool)
    assert dict(record.headers)["traceparent"].decode() == f"00-{trace}-{ids['opinions']}-01"
    assert decode_questions(record.value)[0].traceparent == f"00-{trace}-{ids['opinions']}-01"
    [(headers, _)] = upstream.requests
    assert headers["traceparent"] == f"00-{trace}-{ids['forward']}-01"
    assert headers["idempotency-key"] == answer.body["message_id"]
    said = b"".join(span.SerializeToString() for _, span in collector.spans[trace])
    assert b"library" not in said, "a message's text is in a span"
