"""The production shape, each time on a database and topics of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import free_port
from deploy.local.stack import Stack
from tests.e2e.support import PATIENT, SHIPPED, shipped


@contextmanager
def fresh_stack(
    kafka: Kafka,
    postgres: Postgres,
    directory: Path,
    *,
    upstream: bool = True,
    patient: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """A seeded stack with an upstream that writes down all that reaches it, or none; the rest is left to start.

    Unless it is ``patient``, whoever has not answered by the shipped policy's deadline is silent, and on a busy machine
    anybody may be.
    """
    policy = directory / "stack-policy.yaml"
    policy.write_text(shipped(PATIENT) if patient else SHIPPED)
    managed = {"GATEWAY_MANAGEMENT_PORT": str(free_port())}
    given = {"GATEWAY_POLICY_FILE": str(policy), **managed, **(settings or {})}
    name = f"e2e_{uuid.uuid4().hex[:12]}"
    with ExitStack() as opened:
        url = postgres.create_database(name)
        opened.callback(postgres.drop_database, name)
        stack = opened.enter_context(Stack(url, kafka.bootstrap, directory, settings=given))
        stack.seed(idempotent=False)
        if upstream:
            stack.start_load_upstream(log=True)
        yield stack


@pytest.fixture(scope="module")
def running(kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two gateway processes and a worker that all tests of a module share."""
    with fresh_stack(kafka, postgres, tmp_path_factory.mktemp("stack")) as stack:
        stack.start_gateway(workers=2)
        stack.start_worker()
        yield stack


@pytest.fixture
def stack(kafka: Kafka, postgres: Postgres, tmp_path: Path) -> Iterator[Stack]:
    """A stack of the test's own, of which gateway and worker are not started yet."""
    with fresh_stack(kafka, postgres, tmp_path) as made:
        yield made


@pytest.fixture
def hasty_stack(kafka: Kafka, postgres: Postgres, tmp_path: Path) -> Iterator[Stack]:
    """As `stack`, with the shipped policy's deadline: for tests about opinions that do not come in time."""
    with fresh_stack(kafka, postgres, tmp_path, patient=False) as made:
        yield made


@pytest.fixture
def bare_stack(kafka: Kafka, postgres: Postgres, tmp_path: Path) -> Iterator[Stack]:
    """A stack whose upstream is left to start too."""
    with fresh_stack(kafka, postgres, tmp_path, upstream=False) as made:
        yield made
