"""What is allowed arrives as it was sent, and its answer comes back as it was given, byte for byte; what was changed on
the way to the store does not arrive at all."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.core.model import MessageState
from gateway.core.records import Request
from tests.http.moderated import BOT, site
from tests.world import ACCOUNT

REQUESTS = 300
_ALPHABETS = ("abc xyz", "早上好图书馆", 'é\u200b"\\/\b\t', "\U0001f600\U0001f468\u200d\U0001f469")


def body(source: random.Random) -> bytes:
    """A JSON object, written in one of the many ways in which the same can be written."""
    text = "".join(source.choices(source.choice(_ALPHABETS), k=source.choice((1, 20, 3000))))
    fields = {"text": text, "n": source.random(), source.choice("pqr") * 3: [None, True, {"deep": text[:5]}]}
    items = list(fields.items())
    source.shuffle(items)
    separators = source.choice(((",", ":"), (", ", ": "), (" ,\r\n", "\t:  ")))
    written = json.dumps(dict(items), ensure_ascii=source.random() < 0.5, separators=separators)
    return (source.choice(("", " ", "\n\t")) + written + source.choice(("", "\r\n"))).encode()


def target(source: random.Random) -> str:
    """A room, and a query that no route looks at."""
    room = "".join(source.choices(("a", "%2F", "%C3%A9", "-", "!", "%20", ":"), k=6))
    return f"/rooms/{room}" + source.choice(("", "?", "?a=%2f&a", "?x=1+2&%79", "?=&&"))


async def test_allowed_requests_and_their_answers_are_the_same_at_both_ends(tmp_path: Path) -> None:
    source = random.Random(20251125)  # noqa: S311 - no secret
    async with site(tmp_path) as chatty:
        chatty.me(ACCOUNT.account_id)
        for _ in range(REQUESTS):
            sent, path = body(source), target(source)
            answer = json.dumps({"code": 0, "junk": source.randbytes(source.choice((0, 100, 60_000))).hex()}).encode()
            chatty.plays(answer, source.choice(("200 OK", "201 Created", "202 Accepted")))

            received = await chatty.client.post(
                path, content=sent, headers={"Authorization": f"Bearer {BOT}", "Content-Type": "application/json"}
            )

            head, _, arrived = chatty.peer.requests[-1].partition(b"\r\n\r\n")
            assert digest(arrived) == digest(sent)
            assert head.split(b" ")[1] == path.encode()
            assert digest(received.content) == digest(answer)
            assert received.headers["x-upstream"] == "1"
        assert (await chatty.world.store.count(MessageState.PUBLISHED))[0] == REQUESTS


@pytest.mark.parametrize("change", range(24))
async def test_bytes_that_were_changed_after_the_judgement_go_nowhere(tmp_path: Path, change: int) -> None:
    async with site(tmp_path) as chatty:
        message_id = await chatty.hold()
        sealed = bytearray((await chatty.world.stored(message_id)).request.body)
        sealed[change * 7919 % len(sealed)] ^= 1 << (change % 8)
        kept = chatty.world.store._kept[message_id]
        kept.entry = replace(kept.entry, request=Request(bytes(sealed), kept.entry.request.content_type))

        await chatty.release(message_id)

        assert len(chatty.peer.requests) == 1, "only who calls was asked"
        assert await chatty.world.state(message_id) is MessageState.FAILED


def digest(data: bytes) -> str:
    """SHA-256."""
    return hashlib.sha256(data).hexdigest()
