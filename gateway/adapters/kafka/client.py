"""How this process reaches Kafka, and the topics it needs."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.helpers import create_ssl_context

from gateway.settings import KafkaSettings

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 5.0
_CANCEL_SECONDS = 1.0

MEDIA_RECORD = 32 * 1024 * 1024
"""Bytes of a record with pictures. Those of one message (20 MiB) in base64, and its texts, fit."""

TOPICS = {
    "questions": {"retention.ms": "3600000"},
    # Read at once or not at all. Kafka deletes whole segments, so they are small, and so is what a partition keeps.
    "media-questions": {
        "retention.ms": "600000",
        "retention.bytes": "1073741824",
        "segment.bytes": "134217728",
        "max.message.bytes": str(MEDIA_RECORD),
    },
    "opinions": {"retention.ms": "3600000"},
    "sketches": {"retention.ms": "3600000"},
    "decisions": {"retention.ms": "604800000"},
    "dead-letters": {"retention.ms": "2592000000"},
}
"""The topics behind the prefix, how long their records are kept, and how large they may be."""


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """The options that every aiokafka client of this process takes: addresses, TLS, SASL."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol in ("SSL", "SASL_SSL"):
        options["ssl_context"] = create_ssl_context(
            cafile=_path(settings.ssl_cafile),
            certfile=_path(settings.ssl_certfile),
            keyfile=_path(settings.ssl_keyfile),
        )
    if settings.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password
    return options


async def ensure_topics(settings: KafkaSettings) -> None:
    """Create the topics that are not there yet. Raises `aiokafka.errors.KafkaError`."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [
            NewTopic(settings.topic_prefix + name, settings.partitions, settings.replication, topic_configs=configs)
            for name, configs in TOPICS.items()
            if settings.topic_prefix + name not in there
        ]
        if missing:
            response = await admin.create_topics(missing)
            for topic, code, *_ in response.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise for_code(code)(f"topic {topic} cannot be created")
            log.info("topics created", {"topics": [topic.name for topic in missing]})
    finally:
        await admin.close()


class Client(Protocol):
    """What can be closed."""

    async def stop(self) -> None:
        """Disconnect."""


async def close(client: Client) -> None:
    """Close a client, without waiting long for a broker that is gone. Raises nothing.

    In a task of its own: without a broker, the client's own cancelled tasks surface in ``stop`` as a cancellation.
    """
    closing = asyncio.create_task(client.stop())
    await asyncio.wait((closing,), timeout=_CLOSE_SECONDS)
    if not closing.done():
        closing.cancel()
        await asyncio.wait((closing,), timeout=_CANCEL_SECONDS)
    if not closing.done() or closing.cancelled() or closing.exception() is not None:
        log.warning("Kafka client not closed in order")


def _path(path: object) -> str | None:
    return str(path) if path is not None else None
