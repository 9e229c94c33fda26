"""The real HTTP layer over ports in memory. Every answer that passes a client here is checked against the document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute

from gateway.app import create_app
from gateway.http.budget import Budget
from gateway.http.intercept import Service
from gateway.settings import Settings
from tests.http import keeping
from tests.http.documented import Documented
from tests.world import KEY, OTHER_KEY, World, open_world

BODY_LIMIT = 4096
BODY_BUDGET = 3 * BODY_LIMIT


def serve(world: World, read_seconds: float = 10.0) -> FastAPI:
    """The application, served by this world instead of by what its start would open."""
    app = create_app(Settings())
    app.router.routes = _routes()
    app.state.store = world.store
    app.state.service = Service(world.publish, world.store, BODY_LIMIT, read_seconds, Budget(BODY_BUDGET))
    app.state.components = []
    return app


@cache
def _routes() -> list[BaseRoute]:
    """The same for all: whom they lead to is worked out at the first request, which takes longer than most tests."""
    return create_app(Settings()).router.routes


def client_of(app: FastAPI, key: str | None = KEY) -> httpx.AsyncClient:
    """A client of one tenant, which fails on an answer that the OpenAPI document does not describe."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://gateway",
        headers={"Authorization": f"Bearer {key}"} if key is not None else {},
        event_hooks={"response": [Documented().check]},
    )


@pytest.fixture
async def world() -> World:
    return await open_world()


@pytest.fixture
def app(world: World) -> FastAPI:
    return serve(world)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the first tenant."""
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the other tenant."""
    async with client_of(app, OTHER_KEY) as client:
        yield client


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a database of registrants and accounts."""
    directory = tmp_path_factory.mktemp("register")
    asyncio.run(keeping.fill(directory))
    return directory


@pytest.fixture
async def desk(world: World, filled: Path, tmp_path: Path) -> AsyncIterator[keeping.Keeping]:
    """A gateway with a copy of it."""
    async with keeping.keeping(serve(world), world, filled, tmp_path) as made:
        yield made
