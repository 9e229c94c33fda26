"""What several suites share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres

# How fast a busy machine draws and runs an example says nothing about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A Kafka broker, started once for all tests that ask for it; nobody may stop it."""
    with Kafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, started once for all tests that ask for it."""
    with Postgres() as server:
        yield server


@pytest.fixture(autouse=True, scope="module")
def _short_collections() -> Iterator[None]:
    """What a module leaves behind (models, tables, caches) is not looked through again and again: collecting all of it
    would stop a test that waits for a moment for longer than the moment lasts."""
    yield
    gc.collect()
    gc.freeze()
