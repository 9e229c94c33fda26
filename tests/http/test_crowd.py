"""Too many connections: who is idle makes room, and nobody has all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from gateway.http.bounded import BoundedHttp
from gateway.http.crowd import Crowd
from tests.http.test_connections import Peer, answer, body, request

TOTAL, EACH = 6, 3
LIVE = b"GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n"


class Client:
    """A connection that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def shed(self) -> None:
        """Close it."""
        self.closed = True


STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "idle", "busy", "leave"]), st.sampled_from(["a", "b", "c", ""]), st.integers(0)),
    max_size=60,
)


@given(STEPS)
def test_the_crowd_against_a_list(steps: list[tuple[str, str, int]]) -> None:
    crowd = Crowd(TOTAL, EACH)
    order: list[Client] = []  # the idle ones, longest idle first
    there: dict[Client, str] = {}
    for act, address, number in steps:
        chosen = list(there)[number % len(there)] if there else Client()
        if act == "join":
            client = Client()
            full = bool(address) and list(there.values()).count(address) >= EACH
            candidates = [one for one in order if not full or there[one] == address]
            crowded = full or len(there) >= TOTAL
            assert crowd.join(client, address) is (not crowded or bool(candidates))
            if crowded and candidates:
                assert candidates[0].closed
                order.remove(candidates[0])
                del there[candidates[0]]
            if not crowded or candidates:
                there[client] = address
                order.append(client)
        else:
            getattr(crowd, act)(chosen)
            if chosen in order:
                order.remove(chosen)
            if act == "idle" and chosen in there:
                order.append(chosen)
            elif act == "leave":
                there.pop(chosen, None)
        assert len(crowd) == len(there) <= TOTAL
        assert not any(client.closed for client in there)


class Small(BoundedHttp):
    """With few places."""

    per_address = EACH


class Port:
    """The application on a port that takes few connections."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.peers: list[Peer] = []

    async def connect(self, address: str = "127.0.0.1") -> Peer:
        """A connection from this address."""
        self.peers.append(await asyncio.open_connection("127.0.0.1", self.number, local_addr=(address, 0)))
        return self.peers[-1]


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[Port]:
    """A port of the application."""
    config = uvicorn.Config(
        app, log_config=None, lifespan="off", ws="none", proxy_headers=False, limit_concurrency=TOTAL
    )
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: Small(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    port = Port(server.sockets[0].getsockname()[1])
    yield port
    for _, writer in port.peers:
        writer.close()
    server.close()
    await server.wait_closed()


async def lives(peer: Peer) -> bool:
    """Whether a connection is served."""
    reader, writer = peer
    writer.write(LIVE)
    try:
        return (await answer(reader))[0] == 200
    except (asyncio.IncompleteReadError, ConnectionError):
        return False


async def test_idle_connections_of_one_address_shut_nobody_out(port: Port) -> None:
    flood = [await port.connect() for _ in range(3 * TOTAL)]
    assert await lives(await port.connect("127.0.0.2"))
    assert await lives(await port.connect())
    assert [await lives(peer) for peer in flood[:TOTAL]] == [False] * TOTAL


async def test_the_one_that_is_idle_longest_is_closed(port: Port) -> None:
    peers = [await port.connect() for _ in range(EACH)]
    for peer in peers:
        assert await lives(peer)
    assert await lives(peers[0])
    assert await lives(await port.connect())
    assert [await lives(peer) for peer in peers] == [True, False, True]


async def test_a_connection_that_is_worked_for_is_not_closed(port: Port) -> None:
    reader, writer = busy = await port.connect()
    whole = request(body())
    writer.write(whole[:-1])
    others = [await port.connect() for _ in range(3 * EACH)]
    assert await lives(others[-1])
    writer.write(whole[-1:])
    assert (await answer(reader))[0] == 200
    assert await lives(busy)


async def test_where_all_of_an_address_are_worked_for_one_more_is_closed_and_another_address_served(port: Port) -> None:
    under_way = [await port.connect() for _ in range(EACH)]
    whole = request(body())
    for _, writer in under_way:
        writer.write(whole[:-1])
    assert await lives(await port.connect("127.0.0.2"))  # so that what was sent before is read
    assert not await lives(await port.connect())
    for reader, writer in under_way:
        writer.write(whole[-1:])
        assert (await answer(reader))[0] == 200
