"""For operators: is the process alive, may it be sent requests, what ails it, how much does it do."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable
from time import perf_counter
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Metric, generate_latest, multiprocess

from gateway.http.admin.desk import Desk
from gateway.http.api import json_response
from gateway.http.health import Reports, without_details
from gateway.http.management import is_management
from gateway.http.problems import Answer
from gateway.http.requests import hash_key
from gateway.ports import StoreUnavailable

router = APIRouter()

_NAMING: Final = frozenset({"tenant", "listener"})
"""Labels whose values name tenants."""
_SHARE: Final = 20
"""Metrics for strangers are made anew after so many times what making them took: a twentieth of the time at most."""


class Document:
    """The OpenAPI document of an application: made once, in a thread, and kept as bytes."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._making: asyncio.Task[bytes] | None = None
        self.tag = ""

    async def read(self) -> bytes:
        """The document."""
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)

    def _make(self) -> bytes:
        body = orjson.dumps(self._app.openapi())
        self.tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return body


class _Nameless:
    """A registry's metrics but for those that name tenants."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        for family in self._registry.collect():
            if not any(_NAMING & sample.labels.keys() for sample in family.samples):
                yield family


class Exposition:
    """The metrics as text. What strangers get names no tenant, and is kept for a while."""

    def __init__(self) -> None:
        self._kept = b""
        self._until = 0.0

    def whole(self) -> bytes:
        """All of it."""
        return generate_latest(_registry())

    def for_strangers(self) -> bytes:
        """Without the metrics that name tenants."""
        began = perf_counter()
        if began >= self._until:
            self._kept = generate_latest(_Nameless(_registry()))
            ended = perf_counter()
            self._until = ended + _SHARE * (ended - began)
        return self._kept


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


async def _report(request: Request) -> dict[str, Any]:
    reports: Reports = request.app.state.reports
    return await reports.read(request.app.state.components)


async def sees_all(request: Request) -> bool:
    """Whether who asks may see what concerns all tenants: everybody on the management listener, else an operator of
    all tenants by a key, unless the store is away."""
    if is_management(request.scope, request.app.state.management_port):
        return True
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    desk: Desk | None = request.app.state.desk
    if scheme.lower() != "bearer" or not key or desk is None:
        return False
    try:
        operator = await desk.operators.by_key(hash_key(key))
    except StoreUnavailable:
        return False
    return operator is not None and operator.tenant_id is None


SeesAll = Annotated[bool, Depends(sees_all)]


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
    found = await _report(request)
    bad = [f"{name}: {part['detail']}" for name, part in found.items() if part["admission"] and not part["ok"]]
    return Response(("\n".join(bad) or "ok") + "\n", 503 if bad else 200, media_type="text/plain")


@router.get("/healthz", summary="Each component, for people")
async def healthz(request: Request, all_of_it: SeesAll) -> Response:
    """Always 200 while the process answers; ``ok`` says whether every component is well. ``detail`` says why not, on
    the management listener, or to the key of an operator of all tenants: it may name tenants."""
    found = await _report(request)
    body = {
        "ok": all(part["ok"] for part in found.values()),
        "draining": request.app.state.draining,
        "pid": os.getpid(),
        "components": found if all_of_it else without_details(found),
    }
    return json_response(Answer(200, orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)))


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(request: Request, all_of_it: SeesAll) -> Response:
    """The metrics of all processes behind this port. Those with a tenant or a listener among their labels are there on
    the management listener, or for the key of an operator of all tenants; for others the rest, at most a twentieth of
    the time."""
    exposition: Exposition = request.app.state.exposition
    body = exposition.whole() if all_of_it else exposition.for_strangers()
    return Response(body, media_type=CONTENT_TYPE_LATEST)


async def openapi(request: Request) -> Response:
    """This API's document (OpenAPI)."""
    document: Document = request.app.state.document
    body = await document.read()
    headers = {"ETag": document.tag, "Cache-Control": "no-cache"}
    if document.tag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


router.add_route("/openapi.json", openapi, methods=["GET"], include_in_schema=False)
