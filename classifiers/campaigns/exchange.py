"""Sketches between workers: each tells the others what it judged, for each sees some of the messages only.

Nothing waits for it. What cannot be sent is lost and counted, and a lost broker is waited for. At the start a worker
reads what was told within the window, and is not ready before it has.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from classifiers import contract, kafka, metrics
from classifiers.campaigns import sketch
from classifiers.campaigns.classifier import CampaignClassifier
from classifiers.campaigns.sketch import Sketch
from classifiers.contract import ContractError
from classifiers.health import Health
from classifiers.judge import Classifier
from classifiers.outages import Outage
from classifiers.settings import Settings

MOST_WAITING: Final = 10_000
"""Sketches that wait to be sent; more are lost."""
_MOST_IN_RECORD: Final = 100
"""Each costs its reader some 50 us, and for so long the reader answers no question."""
_POLL_MS: Final = 500
_RECONNECT_SECONDS: Final = 1.0


class Exchange:
    """The sketches of one worker's campaign classifier on their way to all others, and those of the others here."""

    def __init__(self, settings: Settings, campaign: CampaignClassifier, health: Health, outage: Outage) -> None:
        self._settings = settings
        self._outage = outage
        self._campaign = campaign
        self._health = health
        self._waiting: deque[Sketch] = deque()
        self._more = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._positions: dict[object, int] = {}
        campaign.tell = self._offer
        health.caught_up(False)
        metrics.CAMPAIGN_MESSAGES.set_function(lambda: len(campaign.window))
        metrics.CAMPAIGN_BYTES.set(campaign.window.nbytes)
        metrics.CAMPAIGN_OVERWRITTEN.set_function(lambda: campaign.window.forgotten_early)

    async def run(self, stop: asyncio.Event) -> None:
        """Tells and listens until ``stop`` is set."""
        self._loop = asyncio.get_running_loop()
        while not stop.is_set():
            session, stopping = asyncio.create_task(self._session()), asyncio.create_task(stop.wait())
            await asyncio.wait({session, stopping}, return_when=asyncio.FIRST_COMPLETED)
            session.cancel()
            stopping.cancel()
            try:
                await session
            except asyncio.CancelledError:
                continue
            except (KafkaError, OSError) as error:
                self._outage.failed("sketches", type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_RECONNECT_SECONDS):
                        await stop.wait()

    def _offer(self, made: Sketch) -> None:
        if len(self._waiting) >= MOST_WAITING:
            metrics.SKETCHES.labels("lost").inc()
            return
        self._waiting.append(made)
        if self._loop is None:
            self._more.set()
        else:  # it may come from the thread of long texts
            self._loop.call_soon_threadsafe(self._more.set)

    async def _session(self) -> None:
        async with (
            kafka.open_producer(self._settings) as producer,
            kafka.open_reader(self._settings, self._settings.sketches_topic) as reader,
        ):
            self._outage.works("sketches")
            works = [asyncio.create_task(self._send(producer)), asyncio.create_task(self._read(reader))]
            try:
                await asyncio.wait(works, return_when=asyncio.FIRST_EXCEPTION)
                for work in works:
                    if work.done():
                        work.result()
            finally:
                for work in works:
                    work.cancel()
                await asyncio.gather(*works, return_exceptions=True)

    async def _send(self, producer: AIOKafkaProducer) -> None:
        headers = [("v", b"%d" % contract.VERSION), ("sketch", sketch.VERSION.encode())]
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(_MOST_IN_RECORD, len(self._waiting)))]
                try:
                    await producer.send_and_wait(self._settings.sketches_topic, sketch.encode(some), headers=headers)
                except KafkaError:
                    metrics.SKETCHES.labels("lost").inc(len(some))
                    self._more.set()
                    raise
                metrics.SKETCHES.labels("sent").inc(len(some))

    async def _read(self, reader: AIOKafkaConsumer) -> None:
        while not reader.assignment():  # the gateway makes the topic when it starts
            await reader.getmany(timeout_ms=_POLL_MS)
        begin = int((time.time() - 60 * self._campaign.minutes) * 1000)
        partitions = reader.assignment()
        for partition, found in (await reader.offsets_for_times(dict.fromkeys(partitions, begin))).items():
            if partition in self._positions:
                reader.seek(partition, self._positions[partition])
            elif found is not None:
                reader.seek(partition, found.offset)
        behind = await reader.end_offsets(partitions)
        while True:
            behind = {partition: end for partition, end in behind.items() if await reader.position(partition) < end}
            if not behind:
                self._health.caught_up(True)
            for partition, records in (await reader.getmany(timeout_ms=_POLL_MS)).items():
                for record in records:
                    self._hear(record)
                    self._positions[partition] = record.offset + 1
                    await asyncio.sleep(0)

    def _hear(self, record: ConsumerRecord) -> None:
        headers = dict(record.headers)
        try:
            if headers.get("v") != b"%d" % contract.VERSION or headers.get("sketch") != sketch.VERSION.encode():
                raise ContractError("another version")
            heard = sketch.decode(record.value or b"")
        except ContractError:
            metrics.SKETCHES.labels("ignored").inc()
            return
        metrics.SKETCHES.labels("read").inc(len(heard))
        for each in heard:
            self._campaign.learn(each)


def exchange_of(
    classifiers: Mapping[str, Classifier], settings: Settings, health: Health, outage: Outage
) -> Exchange | None:
    """The exchange for the campaign classifier, if it is among these."""
    campaign = classifiers.get(CampaignClassifier.name)
    return Exchange(settings, campaign, health, outage) if isinstance(campaign, CampaignClassifier) else None
