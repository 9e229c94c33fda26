"""An outage in the log: a line when it begins, one a minute, one when it is over."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from classifiers.outages import EVERY_SECONDS, Outage

TRIES = 40


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg for record in caplog.records]


def test_one_line_at_its_begin_one_a_minute_and_one_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    outage = Outage(clock)
    outage.works("text")
    for _ in range(150):
        for what in ("text", "versions", "sketches"):
            outage.failed(what, "KafkaConnectionError")
        clock.now += 1
    for what in ("text", "versions", "sketches"):
        outage.works(what)
        outage.works(what)
    assert lines(caplog) == ["kafka unavailable", *["kafka still unavailable"] * 2, "kafka available again"]
    assert 2 * EVERY_SECONDS < 150 < 3 * EVERY_SECONDS
    outage.failed("text", "KafkaConnectionError")
    assert lines(caplog)[-1] == "kafka unavailable"


def test_what_works_meanwhile_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(Clock())
    for _ in range(10):
        outage.failed("media", "GroupAuthorizationFailedError")
        outage.works("text")
    assert lines(caplog) == ["kafka unavailable"]


async def test_a_worker_without_kafka_writes_one_line_however_often_it_tries() -> None:
    """Who listens there closes each connection."""
    tried = asyncio.Semaphore(0)

    def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        tried.release()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    given = {"CLASSIFIERS_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}", "CLASSIFIERS_CLASSIFIERS": "constant,campaign"}
    async with server:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "classifiers", env={**os.environ, **given}, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(120):
            for _ in range(TRIES):
                await tried.acquire()
            worker.send_signal(signal.SIGTERM)
            _, log = await worker.communicate()
    assert worker.returncode == 0
    found = [json.loads(line) for line in log.splitlines()]
    assert [row["event"] for row in found] == ["started", "kafka unavailable", "stopped"], log.decode()[-3000:]
