"""What a key management system may do wrong, and what is said of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapters.key_file import KeysError
from gateway.adapters.transit import Transit, TransitMasterKey
from tests.peer import Peer, Play
from tests.transit import EngineKey, TransitServer

KEY = (b"k" * 32, "t1/r1")


@pytest.fixture
async def server() -> AsyncIterator[TransitServer]:
    """The engine."""
    async with TransitServer() as server:
        yield server


@pytest.fixture
async def master(server: TransitServer, tmp_path: Path) -> AsyncIterator[TransitMasterKey]:
    """The master key in it."""
    (tmp_path / "token").write_text(server.token)
    master = TransitMasterKey(Transit(server.url, tmp_path / "token", seconds=2.0))
    yield master
    await master.close()


async def test_a_key_that_would_not_tell_registrants_apart_is_refused(
    server: TransitServer, master: TransitMasterKey
) -> None:
    server.keys["registrants"] = EngineKey(derived=False)

    with pytest.raises(KeysError, match="is not derived"):
        await master.wrap([KEY])


@pytest.mark.parametrize(
    ("status", "says"), [(403, "token is not valid"), (404, "no such mount"), (503, "is sealed"), (500, "answered 500")]
)
async def test_a_refusal_says_what_to_look_at(
    server: TransitServer, master: TransitMasterKey, status: int, says: str
) -> None:
    server.status = status

    with pytest.raises(KeysError, match=says):
        await master.digests(["one"])


async def test_a_new_token_is_taken_up_without_a_restart(
    server: TransitServer, master: TransitMasterKey, tmp_path: Path
) -> None:
    await master.wrap([KEY])
    server.token = "s.renewed"
    with pytest.raises(KeysError, match="403"):
        await master.wrap([KEY])
    (tmp_path / "token").write_text("s.renewed")

    assert len(await master.wrap([KEY])) == 1


@pytest.mark.parametrize("content", [b"", b"two\nlines", "näh".encode(), b"n\xe4h"])
async def test_a_file_without_a_token_is_named(master: TransitMasterKey, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(KeysError, match="holds no token"):
        await master.wrap([KEY])


async def test_a_missing_token_file_is_named(master: TransitMasterKey, tmp_path: Path) -> None:
    (tmp_path / "token").unlink()

    with pytest.raises(KeysError, match=r"token: cannot be read"):
        await master.wrap([KEY])


async def test_a_connection_that_was_closed_meanwhile_is_replaced(
    server: TransitServer, master: TransitMasterKey
) -> None:
    [wrapped] = await master.wrap([KEY])
    server.drop_connections()

    assert await master.unwrap([(wrapped, KEY[1])]) == [KEY[0]]


async def test_nobody_there_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s.token")
    async with Peer() as peer:
        address = f"http://{peer.netloc}"

    with pytest.raises(KeysError, match="cannot be reached"):
        await TransitMasterKey(Transit(address, tmp_path / "token")).digests(["one"])


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"data": {"batch_results": []}}', b'{"data": {"batch_results": [{"error": "no"}]}}']
)
async def test_an_answer_that_is_none_is_a_fault(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "token").write_text("s.token")
    async with Peer() as peer:
        peer.plays = [Play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))]
        master = TransitMasterKey(Transit(f"http://{peer.netloc}/behind", tmp_path / "token", namespace="team"))
        with pytest.raises(KeysError, match="key management system"):
            await master.digests(["one"])
        await master.close()
    head = peer.requests[0].split(b"\r\n")
    assert head[0] == b"POST /behind/v1/transit/hmac/registrants-index HTTP/1.1"
    assert b"X-Vault-Namespace: team" in head


@pytest.mark.parametrize("url", ["", "vault:8200", "ftp://vault"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(KeysError, match="address"):
        TransitMasterKey(Transit(url, tmp_path / "token"))
