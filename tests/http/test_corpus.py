"""Attempts to publish past the gateway, on every platform: none reaches the platform unjudged.

Each line of ``corpus/PLATFORM.tsv`` is a request with a threat, a picture that cannot be judged, or a way past the
gateway in it: method, path and query, content type, body (``\\r\\n`` and ``\\xNN`` stand for bytes), and what it tries.
The account is registered and verified, and the classifiers are those that ship, so only the judgement stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from gateway.adapters.inprocess import InProcessClassifiers
from gateway.core.policy import parse_policy
from gateway.embedded import EmbeddedJudge, embedded_judge
from gateway.platforms import mapping
from gateway.platforms.mapping import Ambiguous, BadRequest, Call
from gateway.platforms.shipped import load_shipped, shipped, text_of
from tests.fakes import FakeClock
from tests.http.moderated import Site, site
from tests.world import ACCOUNT, TENANT

CORPUS = Path(__file__).parent / "corpus"
POLICY = parse_policy(Path("gateway/policy.yaml").read_text())
THREAT = "I am going to kill you tonight"
FINE = "Good morning, the library opens at nine"
CREDENTIALS: dict[str, dict[str, str]] = {
    "discord": {"authorization": "Bot tok"},
    "qq": {"authorization": "QQBot tok"},
    "rocketchat": {"x-auth-token": "tok", "x-user-id": "u1"},
    "telegram": {},
    "wechat": {},
    "zulip": {"authorization": "Basic dUBvbmUuZXhhbXBsZTpr"},
}
FEWEST = 400
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True)
class Attempt:
    """One line of the corpus."""

    method: str
    target: str
    content_type: str
    body: bytes
    why: str

    def saying(self, text: str) -> Attempt:
        """The same with another text instead of the threat."""
        body = self.body.replace(THREAT.encode(), text.encode())
        return replace(self, body=body.replace(quote_plus(THREAT).encode(), quote_plus(text).encode()))

    def call(self, headers: dict[str, str]) -> Call:
        """The request, with these headers."""
        path, _, query = self.target.partition("?")
        found = {**headers, **({"content-type": self.content_type} if self.content_type else {})}
        if self.body:
            found["content-length"] = str(len(self.body))
        fields = tuple((name.encode(), value.encode()) for name, value in found.items())
        return Call(self.method, path.encode(), query.encode(), fields, self.body)


def attempts(name: str) -> list[Attempt]:
    """The lines of a platform."""
    found = []
    for line in (CORPUS / f"{name}.tsv").read_text().splitlines():
        method, target, content_type, body, why = line.split("\t")
        data = body.encode().replace(b"\\r\\n", b"\r\n")
        found.append(Attempt(method, target, content_type, _BYTE.sub(lambda m: bytes([int(m[1], 16)]), data), why))
    return found


@pytest.fixture(scope="module")
def judge() -> EmbeddedJudge:
    """The classifiers that ship. ``campaign`` would hold the same text sent again and again."""
    return embedded_judge("text,news,lexicon,image")


@contextlib.asynccontextmanager
async def before(name: str, judge: EmbeddedJudge, tmp_path: Path) -> AsyncIterator[Site]:
    """A gateway before a platform."""
    clock = FakeClock()
    bus = InProcessClassifiers(judge, clock)
    async with site(tmp_path, text_of(name), bus=bus, policy=POLICY) as found:
        yield found
    await bus.stop()


async def send(found: Site, name: str, attempt: Attempt) -> int:
    """Send an attempt as a registered account; how many requests the platform got by it."""
    platform = load_shipped(name)
    headers = CREDENTIALS.get(name, {"authorization": "Bearer tok"})
    call = attempt.call(headers)
    with contextlib.suppress(Ambiguous, BadRequest):
        match = mapping.recognise(platform, call.method, call.raw_path, call.query, call.headers)
        credential = mapping.credential(platform, call, match)
        if credential is not None:
            index = found.sealer.index(credential)
            await found.world.store.put_credential(TENANT.tenant_id, name, index, ACCOUNT.account_id, None)
    before = len(found.peer.requests)
    reader, writer = await asyncio.open_connection("127.0.0.1", found.front.port)
    lines = [f"{attempt.method} {attempt.target} HTTP/1.1".encode(), b"Host: a", b"Connection: close"]
    lines += [name + b": " + value for name, value in call.headers]
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + attempt.body)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 "), attempt
    return len(found.peer.requests) - before


@pytest.mark.parametrize("name", shipped())
async def test_nothing_reaches_the_platform_unjudged(name: str, judge: EmbeddedJudge, tmp_path: Path) -> None:
    async with before(name, judge, tmp_path) as found:
        through = [one for one in attempts(name) if await send(found, name, one)]
    assert through == []


@pytest.mark.parametrize("name", shipped())
async def test_the_same_with_kind_words_is_published(name: str, judge: EmbeddedJudge, tmp_path: Path) -> None:
    kind = [attempt.saying(FINE) for attempt in attempts(name) if attempt.body != attempt.saying(FINE).body][:25]
    async with before(name, judge, tmp_path) as found:
        published = [attempt for attempt in kind if await send(found, name, attempt)]
    assert len(published) >= 5


def test_there_are_many() -> None:
    assert sum(len(attempts(name)) for name in shipped()) >= FEWEST
