"""For operators: is the process alive, may it be sent requests, what ails it, how much does it do."""

from __future__ import annotations

import os

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from gateway.http.api import json_response
from gateway.http.health import report
from gateway.http.problems import Answer

router = APIRouter()


@router.get("/livez", summary="The process runs", response_class=PlainTextResponse)
async def livez() -> Response:
    """200 as long as the event loop turns."""
    return Response(b"ok\n", media_type="text/plain")


@router.get(
    "/readyz",
    summary="Publish requests are admitted",
    response_class=PlainTextResponse,
    responses={503: {"description": "Why not", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def readyz(request: Request) -> Response:
    """200 when requests can be decided and recorded; 503 with the reasons while starting, draining, or when the store
    is away. An outage of the bus after the start does not count: messages are then held, not refused."""
    if request.app.state.draining:
        return Response(b"draining\n", 503, media_type="text/plain")
    found = await report(request.app.state.components)
    bad = [f"{name}: {part['detail']}" for name, part in found.items() if part["admission"] and not part["ok"]]
    return Response(("\n".join(bad) or "ok") + "\n", 503 if bad else 200, media_type="text/plain")


@router.get("/healthz", summary="Each component, for people")
async def healthz(request: Request) -> Response:
    """Always 200 while the process answers; ``ok`` says whether every component is well."""
    found = await report(request.app.state.components)
    body = {
        "ok": all(part["ok"] for part in found.values()),
        "draining": request.app.state.draining,
        "pid": os.getpid(),
        "components": found,
    }
    return json_response(Answer(200, orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)))


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """The metrics of all processes behind this port."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
