"""What several suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres


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
