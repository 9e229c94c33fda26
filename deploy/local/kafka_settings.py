"""The settings of a single-node KRaft broker, whichever way it is started."""

from __future__ import annotations

import re
from pathlib import Path

POM = Path(__file__).resolve().parents[1] / "kafka" / "pom.xml"

_COMMON = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # A misspelt topic name has to fail, as it does in production.
    "auto.create.topics.enable": "false",
    # One node: nothing to replicate to; few partitions: each costs files and start-up time.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "2",
    # Consumers get their partitions at once instead of waiting 3 s for others to join.
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker is let in again only when the session of its former life has run out (default 9 s).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    # The default takes a quarter of the small heap.
    "log.cleaner.dedupe.buffer.size": "16777216",
}


def settings(port: int, controller_port: int, bind: str = "127.0.0.1") -> dict[str, str]:
    """Settings of a broker that clients reach at 127.0.0.1:`port`; `bind` is the address it listens on."""
    return _COMMON | {
        "listeners": f"PLAINTEXT://{bind}:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
    }


def version() -> str:
    """The Kafka release that deploy/kafka/pom.xml pins."""
    found = re.search(r"<kafka\.version>([^<]+)</", POM.read_text())
    if found is None:
        raise ValueError(f"{POM} has no property kafka.version")
    return found[1]
