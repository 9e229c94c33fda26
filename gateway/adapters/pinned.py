"""Connections to hosts that others name, without being led to anything that only the gateway can reach.

The name is resolved once; every address it has must be public (`gateway.core.fetchable`), and the connection goes to
one of those very addresses, so that a name which changes its mind in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gateway.adapters.http1 import Connection
from gateway.adapters.pool import verifying
from gateway.core.fetchable import Missing, Unfetchable, Wanted, public

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, each as text. Raises `OSError` where there are none."""

_TRIED: Final = 4
"""Addresses of a host that are tried, one after the other."""


class Pinned:
    """Makes such connections. ``at_once`` names are looked up at once, in threads called ``name``: a name server that
    is slow on purpose must not hold up anybody else's look-ups.

    ``resolve`` and ``allowed`` (which addresses may be connected to) are for tests; so is ``tls``, what servers'
    certificates are checked against.
    """

    def __init__(
        self,
        name: str,
        at_once: int,
        *,
        resolve: Resolve | None = None,
        allowed: Callable[[str], bool] = public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve or self._look_up
        self._allowed = allowed
        self._tls = tls
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)

    def close(self) -> None:
        """Let go of the threads, those that wait for a name server too."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def connect(self, asked: Wanted) -> Connection:
        """A connection to the host that is asked for. Raises `Unfetchable` where it is unknown or not public, `OSError`
        where none is made, and `ValueError` for a name that no certificate can have."""
        try:
            addresses = list(dict.fromkeys(await self._resolve(asked.host, asked.port)))
        except (OSError, UnicodeError) as error:
            raise Unfetchable(Missing.UNKNOWN_HOST) from error
        if not addresses:
            raise Unfetchable(Missing.UNKNOWN_HOST)
        # All of them: a host that is both public and private is somebody's way in.
        if not asked.trusted and not all(self._allowed(address) for address in addresses):
            raise Unfetchable(Missing.PRIVATE)
        tls = (self._tls or verifying()) if asked.tls else None
        failed: OSError | None = None
        for address in addresses[:_TRIED]:
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, address, asked.port, ssl=tls, server_hostname=asked.host if asked.tls else None
                )
                return connection
            except OSError as error:
                failed = error
        raise failed or OSError("no address")

    async def _look_up(self, host: str, port: int) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host, port)
        return [str(address[0]) for *_, address in found]


def _addresses(host: str, port: int) -> list[tuple[int, int, int, str, tuple[str | int, ...]]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # type: ignore[return-value]
