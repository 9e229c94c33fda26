"""Asking a broker, in Kafka's own protocol, whether it takes requests."""

from __future__ import annotations

import socket
import struct

_METADATA, _VERSION, _CORRELATION = 3, 1, 7


def answers(bootstrap: str) -> bool:
    """Whether one of the servers of `bootstrap` (host:port, comma separated, PLAINTEXT) names a live broker.

    A Metadata request is used because an open port and even an ApiVersions answer come earlier: a starting
    broker is fenced for a moment, and creating a topic then fails for want of brokers.
    """
    return any(_names_a_broker(*server.strip().rsplit(":", 1)) for server in bootstrap.split(","))


def _names_a_broker(host: str, port: str) -> bool:
    # Header (key, version, correlation id, client id), then an empty array of topics: brokers only.
    body = struct.pack(">hhih5si", _METADATA, _VERSION, _CORRELATION, 5, b"probe", 0)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            # Size, correlation id, number of brokers.
            _, correlation, brokers = struct.unpack(">iii", _receive(connection, 12))
    except OSError:  # refused, closed or silent: not ready yet
        return False
    return bool(correlation == _CORRELATION and brokers > 0)


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionResetError("closed before the answer was complete")
        received += part
    return received
