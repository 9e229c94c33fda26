"""What a worker runs, told to every gateway process: a change is known there within a moment, even if nobody asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from secrets import token_hex
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from classifiers import contract, kafka
from classifiers.outages import Outage
from classifiers.settings import Settings

_LOOK_SECONDS: Final = 0.25
"""How often the versions are looked at. That also makes a lexicon look at its file."""
_STANDS_SECONDS: Final = 3 * contract.ANNOUNCE_SECONDS
"""How long an announcement stands: so late a gateway forgets a worker that was killed."""
_NO_REPLIES: Final = contract.encode_replies(())


class Announcer:
    """Announces ``versions`` as `classifiers.contract` says, under a name of its own. A lost broker is waited for."""

    def __init__(self, settings: Settings, versions: Callable[[], Mapping[str, str]], outage: Outage) -> None:
        self._settings = settings
        self._outage = outage
        self._versions = versions
        self._worker = token_hex(8).encode()

    async def run(self, stop: asyncio.Event) -> None:
        """Announces until ``stop`` is set, which is to be after the last reply, and then that nothing runs here."""
        while not stop.is_set():
            try:
                async with AsyncExitStack() as opened:
                    opening = opened.enter_async_context(kafka.open_producer(self._settings))
                    if (producer := await kafka.or_stop(stop, opening)) is not None:
                        await self._announce(producer, stop)
            except (KafkaError, OSError) as error:
                self._outage.failed("versions", type(error).__name__)
                await _pause(stop, 1.0)

    async def _announce(self, producer: AIOKafkaProducer, stop: asyncio.Event) -> None:
        told: Mapping[str, str] | None = None
        again = 0.0
        while not stop.is_set():
            versions = self._versions()
            if versions != told or time.monotonic() >= again:
                await kafka.or_stop(stop, self._send(producer, versions))
                self._outage.works("versions")
                told, again = versions, time.monotonic() + contract.ANNOUNCE_SECONDS - 2 * _LOOK_SECONDS
            await _pause(stop, _LOOK_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._send(producer, {})

    async def _send(self, producer: AIOKafkaProducer, versions: Mapping[str, str]) -> None:
        headers = [
            ("v", b"%d" % contract.VERSION),
            ("deadline", b"%d" % ((time.time() + _STANDS_SECONDS) * 1000)),
            ("worker", self._worker),
            ("versions", contract.encode_versions(versions)),
        ]
        topic = self._settings.opinions_topic
        partitions = await producer.partitions_for(topic)
        sent = [await producer.send(topic, _NO_REPLIES, partition=each, headers=headers) for each in sorted(partitions)]
        await asyncio.gather(*sent)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
