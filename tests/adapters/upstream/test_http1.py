"""One connection: an answer is the same however the network cuts it up, and nothing but the answer is taken for one."""

from __future__ import annotations

import asyncio
import itertools

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.http1 import ClosedEarly, Connection
from gateway.core.records import UpstreamAnswer
from tests.peer import OK

CHUNKED = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\ncOnTeNt-TyPe: text/plain\r\n\r\n"
    b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n"
)


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def abort(self) -> None:
        self.aborted = True


def connected() -> tuple[Connection, Wire]:
    """A new connection."""
    connection, wire = Connection(), Wire()
    connection.connection_made(wire)
    return connection, wire


async def exchange(connection: Connection, body_limit: int = 100) -> asyncio.Task[UpstreamAnswer]:
    """An exchange whose request has been written."""
    task = asyncio.create_task(connection.exchange(b"request", body_limit))
    await asyncio.sleep(0)
    return task


@given(st.lists(st.integers(0, len(CHUNKED)), max_size=8))
def test_an_answer_in_pieces_is_one_answer(cuts: list[int]) -> None:
    async def run() -> None:
        connection, wire = connected()
        task = await exchange(connection)
        edges = [0, *sorted(cuts), len(CHUNKED)]
        for start, end in itertools.pairwise(edges):
            if start != end:
                connection.data_received(CHUNKED[start:end])
        assert await task == UpstreamAnswer(202, b"abcdefg", "text/plain")
        assert connection.usable
        assert not wire.aborted

    asyncio.run(run())


async def test_it_is_usable_before_and_after_but_not_during_an_exchange() -> None:
    connection, wire = connected()
    usable = [connection.usable]
    task = await exchange(connection)
    usable.append(connection.usable)
    with pytest.raises(ClosedEarly):
        await connection.exchange(b"another", 100)
    connection.data_received(OK)
    await task
    usable.append(connection.usable)
    assert usable == [True, False, True]
    assert wire.written == b"request"


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    connection, wire = connected()
    connection.data_received(OK)
    assert wire.aborted
    assert not connection.usable


@pytest.mark.parametrize("last", [b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n", b"HTTP/1.0 204 X\r\n\r\n"])
async def test_a_last_answer_closes_the_connection(last: bytes) -> None:
    connection, wire = connected()
    task = await exchange(connection)
    connection.data_received(last)
    assert await task == UpstreamAnswer(204, b"", "")
    assert wire.aborted
    assert not connection.usable


async def test_a_second_answer_ends_the_connection() -> None:
    connection, wire = connected()
    task = await exchange(connection)
    connection.data_received(OK)
    connection.data_received(OK)
    assert await task == UpstreamAnswer(200, b"{}", "application/json")
    assert wire.aborted
    assert not connection.usable


async def test_the_headers_of_one_answer_are_not_those_of_the_next() -> None:
    connection, _ = connected()
    task = await exchange(connection)
    connection.data_received(OK)
    await task
    task = await exchange(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    assert await task == UpstreamAnswer(200, b"x", "")


async def test_pieces_beyond_the_limit_are_not_kept() -> None:
    connection, wire = connected()
    task = await exchange(connection, body_limit=5)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nabc")
    assert not task.done()
    connection.data_received(b"defghi")
    connection.data_received(b"jkl")
    assert await task == UpstreamAnswer(200, b"abcde", "")
    assert wire.aborted


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset")])
async def test_closed_while_waiting(error: Exception | None) -> None:
    connection, _ = connected()
    task = await exchange(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nabc")
    connection.connection_lost(error)
    with pytest.raises(ClosedEarly, match="closed by the peer" if error is None else "reset"):
        await task
    assert not connection.usable


async def test_a_body_that_ends_with_the_connection_is_not_whole_when_that_broke() -> None:
    connection, _ = connected()
    task = await exchange(connection)
    connection.data_received(b"HTTP/1.0 200 OK\r\n\r\nabc")
    connection.connection_lost(ConnectionResetError("reset"))
    with pytest.raises(ClosedEarly):
        await task


async def test_closing_ends_an_exchange_under_way() -> None:
    connection, wire = connected()
    task = await exchange(connection)
    connection.close()
    assert wire.aborted
    connection.connection_lost(None)
    with pytest.raises(ClosedEarly):
        await task


async def test_what_is_no_http_ends_the_connection() -> None:
    connection, wire = connected()
    task = await exchange(connection)
    connection.data_received(b"nonsense")
    with pytest.raises(httptools.HttpParserError):
        await task
    assert wire.aborted


async def test_before_it_is_connected_nothing_can_be_sent() -> None:
    with pytest.raises(ClosedEarly):
        await Connection().exchange(b"request", 1)
