"""How the first message after a start fares: `python -m loadtest.cold`, embedded and as a cluster. Each start is that
of all processes, on a database and topics that are there."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import APP_KEY, Stack

Process = subprocess.Popen[bytes]

_TEXTS = ("Good morning! The library opens at nine today.", "早上好！图书馆今天九点开门。")
_PATIENCE = {"GATEWAY_WARM_SECONDS": "55"}
"""On a busy machine a worker that starts beside the gateway takes long."""


@dataclass(frozen=True, slots=True)
class First:
    """What became of the first message: how long the processes took to be ready and the answer to come, and why the
    message was not allowed, if it was not."""

    ready_s: float
    answer_s: float
    status: int
    codes: tuple[str, ...]


def embedded(stack: Stack, number: int) -> Iterator[First]:
    """So many starts of one process with its classifiers inside. The stack's database is SQLite, its Kafka nothing."""
    for turn in range(number):
        began = time.monotonic()
        gateway = stack.start_gateway(1)
        yield _first(stack, turn, time.monotonic() - began)
        stack.end(gateway)


def cluster(stack: Stack, number: int) -> Iterator[First]:
    """So many starts of gateway and worker, both at once."""
    stack.end(stack.start_gateway(1, {"GATEWAY_WARM_SECONDS": "0"}))  # it makes the topics
    with ThreadPoolExecutor(2) as threads:
        for turn in range(number):
            began = time.monotonic()
            starting = [
                partial(stack.start_gateway, 1, _PATIENCE),
                partial(stack.start_worker, questions="both"),
            ]
            processes = list(threads.map(_call, starting))
            yield _first(stack, turn, time.monotonic() - began)
            for process in processes:
                stack.end(process)


def _call(start: Callable[[], Process]) -> Process:
    return start()


def _first(stack: Stack, turn: int, ready_s: float) -> First:
    body = json.dumps({"account_id": "demo-verified", "text": _TEXTS[turn % 2]}).encode()
    headers = {"Authorization": f"Bearer {APP_KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{stack.url}/v1/messages", body, headers)  # noqa: S310 - our own
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - our own
            status, answer = response.status, json.load(response)
    except urllib.error.HTTPError as error:
        status, answer = error.code, json.load(error)
    codes = tuple([reason["code"] for reason in answer.get("reasons", ())])
    return First(ready_s, time.monotonic() - began, status, codes)


def main() -> int:
    """The command line; ends with 1 if a first message was not published."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("shapes", nargs="*", default=["embedded", "cluster"])
    options = parser.parse_args()
    bad = 0
    for shape in options.shapes:
        with ExitStack() as opened:
            directory = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="cold-")))
            url, bootstrap = f"sqlite+aiosqlite:///{directory}/gateway.db", ""
            if shape == "cluster":
                bootstrap = opened.enter_context(Kafka()).bootstrap
                url = opened.enter_context(Postgres()).create_database("cold")
            stack = opened.enter_context(Stack(url, bootstrap, directory))
            stack.seed(idempotent=False)
            stack.start_load_upstream(log=False)
            for first in (cluster if shape == "cluster" else embedded)(stack, options.starts):
                why = f" {', '.join(first.codes)}" if first.codes else ""
                line = f"{shape}: ready {first.ready_s:.1f} s, first {first.answer_s:.3f} s, {first.status}{why}"
                print(line, flush=True)  # noqa: T201
                bad += first.status != 200
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
