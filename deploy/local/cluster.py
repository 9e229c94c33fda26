"""`make cluster`: the production shape on one machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import APP_KEY, Stack


@contextmanager
def cluster(
    gateways: int, workers: int, *, port: int | None = None, upstream_port: int | None = None
) -> Iterator[Stack]:
    """Kafka, PostgreSQL, gateway processes behind one port, classifier workers (and one more, for questions with
    pictures) and the demo chat app, with demo accounts. Everything is temporary and gone afterwards.

    Raises `Missing` when Kafka or PostgreSQL cannot be had.
    """
    with ExitStack() as opened:
        kafka = opened.enter_context(Kafka())
        postgres = opened.enter_context(Postgres())
        database = "moderation_cluster"
        url = postgres.create_database(database)
        opened.callback(postgres.drop_database, database)
        directory = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
        stack = opened.enter_context(Stack(url, kafka.bootstrap, directory, port=port, upstream_port=upstream_port))
        stack.seed(idempotent=True)
        stack.start_demo_upstream()
        stack.start_gateway(gateways)
        for _ in range(workers):
            stack.start_worker()
        stack.start_worker(questions="media")
        yield stack


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--upstream-port", type=int, default=8081)
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    print("Starting Kafka, PostgreSQL, gateways, classifiers and the demo chat app ...", flush=True)  # noqa: T201
    with cluster(options.gateways, options.workers, port=options.port, upstream_port=options.upstream_port) as stack:
        print(  # noqa: T201
            f"Gateway {stack.url} ({options.gateways} processes), chat app {stack.upstream_url}, "
            f"Kafka {stack.bootstrap},\ndatabase {stack.database_url}, logs {stack.directory}, key {APP_KEY}.\n"
            "Ctrl-C ends everything.",
            flush=True,
        )
        ended.wait()
        print("Ending ...", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
