"""The chat app behind a gateway under load: answers 201 at once, and can write down everything that reached it.

Unlike a real upstream it never takes two requests for one, so a message that was forwarded twice is seen twice.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import BinaryIO, cast

import httptools
import orjson
import uvloop


class Upstream(asyncio.Protocol):
    """One connection. With ``log``, each request is one line of JSON: its idempotency key and body."""

    def __init__(self, log: BinaryIO | None) -> None:
        self._log = log
        self._parser = httptools.HttpRequestParser(self)
        self._key = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"idempotency-key":
            self._key = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._log is not None:
            self._log.write(
                orjson.dumps({"key": self._key.decode(), "body": self._body.decode()}, option=orjson.OPT_APPEND_NEWLINE)
            )
            self._log.flush()  # the operating system has it, so it survives the end of this process
        answer = b'{"published":"%b"}' % self._key
        self._body = b""
        self._transport.write(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(answer), answer)
        )


async def serve(port: int, log: Path | None) -> None:
    """Serve on 127.0.0.1 until SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    file = log.open("ab") if log is not None else None
    server = await loop.create_server(lambda: Upstream(file), "127.0.0.1", port, backlog=1024)
    async with server:
        await ended.wait()
    if file is not None:
        file.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.log))


if __name__ == "__main__":
    main()
