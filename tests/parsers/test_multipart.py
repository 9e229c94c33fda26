"""What servers read in a multipart body, the gateway has judged: otherwise it refuses the body."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.platforms.call import BadRequest
from gateway.platforms.multiparts import boundary, read_parts

TYPE = "multipart/form-data; boundary=b"
GOOD = b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n--b--\r\n'
OTHER = b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nkill\r\n'
FILE = (
    b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    b"\x89PNG\r\n--b--\r\n"
)


def judged(body: bytes) -> set[tuple[str, str]] | None:
    """The fields that the gateway judges; None if it refuses the body."""
    try:
        parts = read_parts(body, boundary(TYPE))
    except BadRequest:
        return None
    return {*parts.fields.items(), *[(file.name, f"sha256:{file.sha256}") for file in parts.files]}


def read(address: str, body: bytes) -> set[tuple[str, str]]:
    """The fields that a server reads."""
    answer = httpx.post(address, content=body, headers={"content-type": TYPE}, timeout=10)
    found: Any = answer.json() if answer.status_code == 200 else []
    return {(name, value) for name, value in found}


def check(parsers: dict[str, str], body: bytes) -> bool:
    """Whether the gateway takes the body; what it takes, no server reads differently."""
    ours = judged(body)
    if ours is None:
        return False
    for name, address in parsers.items():
        theirs = read(address, body)
        assert theirs <= ours, f"{name} reads {sorted(theirs - ours)} in {body!r}"
    return True


@pytest.mark.parametrize("body", [GOOD, GOOD.removesuffix(b"\r\n"), FILE, OTHER + FILE], ids=str)
def test_an_ordinary_body_is_read_by_all_alike(parsers: dict[str, str], body: bytes) -> None:
    assert check(parsers, body)
    assert {frozenset(read(address, body)) for address in parsers.values()} == {frozenset(judged(body) or ())}


SMUGGLED = {
    "a part behind the closing boundary": GOOD + OTHER + b"--b--\r\n",
    "a part behind the closing boundary, without a line end": GOOD.removesuffix(b"\r\n") + OTHER + b"--b--\r\n",
    "a part before the first boundary": b"x\r\n" + GOOD,
    "a line end before the first boundary": b"\r\n" + GOOD,
    "a boundary behind a bare line feed": GOOD.replace(b"hello\r\n", b"hello\n--b\n" + OTHER[5:]),
    "a boundary with white space behind it": GOOD.replace(b"hello\r\n", b"hello\r\n--b \t\r\n" + OTHER[5:]),
    "a boundary with more behind it": GOOD.replace(b"hello\r\n", b"hello\r\n--bb\r\n" + OTHER[5:]),
    "a closing boundary inside": GOOD.replace(b"hello\r\n", b"hello\r\n--b--\r\n" + OTHER),
    "a closing boundary with white space": GOOD.replace(b"--b--", b"--b-- "),
    "headers that end in line feeds": GOOD.replace(b"\r\n\r\n", b"\n\n"),
    "a header in two lines": GOOD.replace(b"form-data;", b"form-data;\r\n"),
    "a name given twice": GOOD.replace(b'name="text"', b'name="text"; name="other"'),
    "a name in another form": GOOD.replace(b'name="text"', b"name*=utf-8''text"),
    "a name with an escape": GOOD.replace(b'name="text"', b'name="te\\"xt"'),
    "a field given twice": OTHER + GOOD,
    "a filename that is empty": GOOD.replace(b'name="text"', b'name="text"; filename=""'),
    "an encoding of the part": GOOD.replace(b'"text"\r\n', b'"text"\r\nContent-Transfer-Encoding: base64\r\n'),
    "a charset of the part": GOOD.replace(b'"text"\r\n', b'"text"\r\nContent-Type: text/plain; charset=utf-16\r\n'),
    "parts in a part": GOOD.replace(b'"text"\r\n', b'"text"\r\nContent-Type: multipart/mixed; boundary=c\r\n'),
    "no end": GOOD.removesuffix(b"--b--\r\n"),
    "only the end": b"--b--\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_servers_read_in_different_ways_is_refused(name: str, parsers: dict[str, str]) -> None:
    assert not check(parsers, SMUGGLED[name])


PIECES = st.sampled_from(
    [
        *[b"--b", b"--b--", b"\r\n", b"\n", b"\r", b" ", b"\t", b"--", b"b", b"hello", b"Content-Type: text/plain"],
        *[b'Content-Disposition: form-data; name="text"', b'Content-Disposition: form-data; name="x"; filename="f"'],
        *[b"\r\n\r\n", b"\r\n--b\r\n", b"\r\n--b--\r\n", OTHER, GOOD],
        b'\r\n--b\r\nContent-Disposition: form-data; name="y"\r\n\r\n',
    ]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=8), st.integers(0, 3))
def test_no_server_reads_what_was_not_judged(parsers: dict[str, str], pieces: list[bytes], around: int) -> None:
    middle = b"".join(pieces)
    body = [middle, OTHER + middle + GOOD, GOOD + middle, OTHER.replace(b"kill", b"a" + middle + b"a") + b"--b--\r\n"][
        around
    ]
    check(parsers, body)


def test_a_file_is_found_again_by_its_hash() -> None:
    assert judged(FILE) == {("photo", "sha256:" + hashlib.sha256(b"\x89PNG").hexdigest())}
