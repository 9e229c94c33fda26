"""The other floor: a request and its reply over Kafka, one record each, without anything of the gateway."""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress
from time import perf_counter

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from loadtest.client import Result

QUESTIONS, REPLIES = "bench.questions", "bench.replies"


async def create_topics(bootstrap: str) -> None:
    """The two topics, one partition each."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1) for name in (QUESTIONS, REPLIES)])
    await admin.close()


async def answer(bootstrap: str) -> None:
    """Send every record of the questions back as a reply, until SIGTERM."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(QUESTIONS, 0)])
    await consumer.seek_to_end()
    task = asyncio.current_task()
    assert task is not None  # noqa: S101
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with suppress(asyncio.CancelledError):
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    await producer.send(REPLIES, record.value, key=record.key, partition=0)
    await consumer.stop()
    await producer.stop()


class RoundTrips:
    """Asks over Kafka and waits for the reply."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect."""
        await self._consumer.start()
        await self._producer.start()
        partition = TopicPartition(REPLIES, 0)
        self._consumer.assign([partition])
        await self._consumer.seek_to_end(partition)
        await self._consumer.position(partition)
        self._reader = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Disconnect."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()

    async def run(self, payload: bytes, clients: int, seconds: float) -> Result:
        """Round trips by so many clients for so many seconds."""
        result = Result()
        began = perf_counter()

        async def client(number: int) -> None:
            count = 0
            while (started := perf_counter()) < began + seconds:
                count += 1
                key = b"%d-%d" % (number, count)
                future = self._waiting[key] = asyncio.get_running_loop().create_future()
                await self._producer.send(QUESTIONS, payload, key=key, partition=0)
                await future
                result.seconds.append(perf_counter() - started)

        await asyncio.gather(*(client(number) for number in range(clients)))
        result.elapsed = perf_counter() - began
        return result

    async def _read(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    future = self._waiting.pop(record.key, None)
                    if future is not None:
                        future.set_result(None)


def main() -> None:
    """The command line of the answering side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    uvloop.run(answer(parser.parse_args().bootstrap))


if __name__ == "__main__":
    main()
