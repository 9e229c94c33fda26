"""The remote classifier against real servers on the loopback: one that plays every kind of trouble, and a gateway."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from typing import Any

import orjson
import pytest

from classifiers.batch import Record
from classifiers.catalogue import load
from classifiers.contract import Answer, Opinion, Question, Silence, Unanswered, decode_replies, encode_questions
from classifiers.judge import judge
from classifiers.remote.classifier import RemoteClassifier
from classifiers.remote.settings import RemoteSettings
from gateway.adapters.clock import SystemClock
from gateway.adapters.inprocess import InProcessClassifiers
from gateway.examine import Examine
from tests.batches import judged
from tests.e2e.support import TEXTS
from tests.http.compatible import listening, serve_compatible
from tests.peer import Peer, Play
from tests.world import KEY, open_world

LONG, SHORT = 30.0, 0.2
"""Seconds: more than any answer takes here, and little enough to wait for in vain."""
SECRET = "sk-do-not-show-me"
GOOD = orjson.dumps({"model": "m-1", "results": [{"category_scores": {"violence": 0.875, "hate": 0.0}}]})


def question(*texts: str, seconds: float = 60.0, media: tuple[str, ...] = ()) -> Question:
    return Question("e-1", "m-1", "t-1", ("remote",), texts, media, int((time.time() + seconds) * 1000))


def http(body: bytes, status: str = "200 OK", head: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n{head}\r\n".encode() + body
    )


@contextmanager
def remote(netloc: str, scheme: str = "http", **fields: Any) -> Iterator[RemoteClassifier]:
    given = {"seconds": LONG, "failures": 1000, **fields}
    with RemoteClassifier(RemoteSettings(url=f"{scheme}://{netloc}", **given)) as classifier:
        yield classifier


async def ask(classifier: RemoteClassifier, *texts: str, **fields: Any) -> Answer:
    return await asyncio.to_thread(classifier.judge, question(*(texts or ("hello",)), **fields))


def silent(silence: Silence) -> Unanswered:
    return Unanswered("remote", silence)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer() as peer:
        yield peer


async def test_the_texts_alone_are_sent_with_the_key(peer: Peer) -> None:
    peer.plays = [Play(http(GOOD))]
    with remote(peer.netloc, key=SECRET, model="m") as classifier:
        answer = await ask(classifier, "早上好", media=("image/png",))
    assert isinstance(answer, Opinion)
    assert (answer.classifier, answer.version) == ("remote", "remote-1-m-1")
    assert {score.category: score.value for score in answer.scores} == {"violence": 0.875, "hate": 0.0}
    [sent] = peer.requests
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/moderations HTTP/1.1\r\n")
    assert b"accept-encoding: identity\r\n" in head.lower() + b"\r\n"
    assert f"authorization: bearer {SECRET}".encode() in head.lower()
    assert orjson.loads(body) == {"input": ["早上好"], "model": "m"}


@pytest.mark.parametrize(
    ("data", "silence"),
    [
        (http(b"{}", "429 Too Many Requests", "Retry-After: 1\r\n"), Silence.UNAVAILABLE),
        (http(b"{}", "500 Internal Server Error"), Silence.UNAVAILABLE),
        (http(b"{}", "503 Service Unavailable"), Silence.UNAVAILABLE),
        (http(b"{}", "401 Unauthorized"), Silence.UNAVAILABLE),
        (http(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"), Silence.UNAVAILABLE),
        (http(b"{}", "400 Bad Request"), Silence.FAILED),
        (http(b"{}", "413 Content Too Large"), Silence.FAILED),
        (http(b"<html>welcome</html>"), Silence.FAILED),
        (http(b'{"results": []}'), Silence.FAILED),
        (http(b"\x1f\x8b", head="Content-Encoding: gzip\r\n"), Silence.FAILED),
        (http(b" " * 5000 + GOOD), Silence.FAILED),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Silence.UNAVAILABLE),
    ],
)
async def test_an_answer_that_is_none_is_silence(peer: Peer, data: bytes, silence: Silence) -> None:
    peer.plays = [Play(data), Play(http(GOOD))]
    with remote(peer.netloc, response_limit=4096) as classifier:
        assert await ask(classifier) == silent(silence)
        assert len(peer.requests) == 1  # what may have been judged is not sent again
        assert isinstance(await ask(classifier), Opinion)


@pytest.mark.parametrize("data", [b"", http(GOOD)[:40], http(GOOD, length=len(GOOD) + 1)])
async def test_a_connection_that_ends_early_is_not_asked_again(peer: Peer, data: bytes) -> None:
    peer.plays = [Play(data, close=True), Play(http(GOOD))]
    with remote(peer.netloc) as classifier:
        assert await ask(classifier) == silent(Silence.UNAVAILABLE)
    assert len(peer.requests) == 1


@pytest.mark.parametrize("data", [b"", http(GOOD)[:-1]])
async def test_an_answer_that_does_not_come_in_time_is_a_timeout(peer: Peer, data: bytes) -> None:
    peer.plays = [Play(data), Play(data)]
    with remote(peer.netloc, seconds=SHORT) as classifier:
        assert await ask(classifier) == silent(Silence.TIMEOUT)
    with remote(peer.netloc) as classifier:  # the question's own deadline comes before the setting's
        assert await ask(classifier, seconds=SHORT) == silent(Silence.TIMEOUT)


async def test_a_question_without_time_is_not_sent(peer: Peer) -> None:
    with remote(peer.netloc) as classifier:
        assert await ask(classifier, seconds=0.0) == silent(Silence.TIMEOUT)
    assert peer.connections == 0


async def test_nobody_listening_is_unavailable() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and never listening
        with remote("{}:{}".format(*taken.getsockname())) as classifier:
            assert await ask(classifier) == silent(Silence.UNAVAILABLE)


@asynccontextmanager
async def hanging_up() -> AsyncIterator[tuple[str, list[int]]]:
    """A server that ends each connection as soon as it is there, and the number of them."""
    connections = [0]

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections[0] += 1
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}", connections


async def test_a_connection_that_is_not_made_is_tried_once_more() -> None:
    async with hanging_up() as (netloc, connections):
        with remote(netloc, scheme="https") as classifier:  # so it ends within the handshake, before anything was sent
            assert await ask(classifier) == silent(Silence.UNAVAILABLE)
        assert connections == [2]


async def test_after_failures_it_is_left_alone_and_answers_at_once(peer: Peer) -> None:
    peer.plays = [Play(http(b"{}", "500 Internal Server Error")), Play(http(b"garbage"))]
    with remote(peer.netloc, failures=2, pause_seconds=3600.0) as classifier:
        answers = [await ask(classifier) for _ in range(5)]
    assert answers == [silent(Silence.UNAVAILABLE), silent(Silence.FAILED), *[silent(Silence.UNAVAILABLE)] * 3]
    assert len(peer.requests) == 2


async def test_messages_that_it_refuses_do_not_speak_against_it(peer: Peer) -> None:
    peer.plays = [Play(http(b"{}", "400 Bad Request"))] * 3 + [Play(http(GOOD))]
    with remote(peer.netloc, failures=1, pause_seconds=3600.0) as classifier:
        for _ in range(3):
            assert await ask(classifier) == silent(Silence.FAILED)
        assert isinstance(await ask(classifier), Opinion)


async def test_no_more_requests_are_under_way_than_allowed(peer: Peer) -> None:
    peer.plays = [Play(b"")] * 3
    with remote(peer.netloc, concurrency=2) as classifier:
        waiting = [asyncio.create_task(ask(classifier)) for _ in range(2)]
        while len(peer.requests) < 2:
            await peer.arrived.wait()
            peer.arrived.clear()
        assert await ask(classifier, seconds=SHORT) == silent(Silence.TIMEOUT)
        assert len(peer.requests) == 2
    assert await asyncio.gather(*waiting) == [silent(Silence.UNAVAILABLE)] * 2  # closed while they waited


async def test_what_holds_no_words_is_not_sent(peer: Peer) -> None:
    with remote(peer.netloc) as classifier:
        assert await asyncio.to_thread(classifier.judge, question(media=("image/png",))) == silent(Silence.UNSUPPORTED)
        assert await ask(classifier, " \n") == Opinion("remote", "remote-1-any", (), lasting=False)
    assert peer.connections == 0


async def test_neither_key_nor_text_is_ever_logged(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    peer.plays = [Play(http(GOOD)), Play(http(b"secret words", "500 Oops")), Play(b"secret words", close=True)]
    with remote(peer.netloc, key=SECRET, failures=1, pause_seconds=3600.0) as classifier:
        assert isinstance(await ask(classifier, "secret words"), Opinion)
        assert await ask(classifier, "secret words") == silent(Silence.UNAVAILABLE)
    ours = [record for record in caplog.records if record.name.startswith("classifiers")]
    assert [record.getMessage() for record in ours] == ["remote endpoint is left alone for a while"]
    for record in caplog.records:
        told = f"{record.getMessage()} {vars(record)}"
        assert SECRET not in told
        assert "secret words" not in told


@asynccontextmanager
async def gateway() -> AsyncIterator[str]:
    """A gateway whose own moderations endpoint judges with the classifiers that ship; its host and port."""
    world = await open_world()
    app = serve_compatible(world)
    classifiers = InProcessClassifiers(partial(judge, classifiers=load()), SystemClock())
    app.state.examine = Examine(classifiers=classifiers, policy=lambda: world.policy, clock=SystemClock(), limit=8)
    async with listening(app) as url:
        yield url.removeprefix("http://")
    await classifiers.stop()


@pytest.mark.parametrize(("outcome", "category"), [("allow", None), ("hold", "fraud"), ("block", "violence")])
async def test_a_gateway_can_be_asked_and_answers_as_its_classifiers_do(outcome: str, category: str | None) -> None:
    own = load(["text"])
    async with gateway() as netloc:
        with remote(netloc, key=KEY) as classifier:
            for text in TEXTS[outcome]:
                answer = await ask(classifier, text)
                there = own["text"].judge(question(text))
                assert isinstance(answer, Opinion)
                assert isinstance(there, Opinion)
                found = {score.category: score.value for score in answer.scores}
                expected = {score.category: score.value for score in there.scores}
                expected["sexual"] = max(expected["sexual"], expected["sexual_minors"])  # OpenAI's counts both
                assert found.keys() == expected.keys()
                flagged = {name for name, value in expected.items() if value >= 0.5}
                assert {name for name, value in found.items() if value >= 0.5} == flagged
                assert found == {name: max(value, 0.6 if name in flagged else 0.0) for name, value in expected.items()}
                assert category is None or category in flagged


async def test_a_worker_answers_with_it_as_with_any_other() -> None:
    asked = question(TEXTS["block"][0])
    headers = {"v": b"1", "deadline": b"%d" % asked.deadline_ms, "reply-to": b"0"}
    async with gateway() as netloc:
        with remote(netloc, key=KEY) as classifier:
            record = Record("questions", 0, 0, encode_questions([asked]), headers)
            answering = partial(judge, classifiers={"remote": classifier})
            outcome = await asyncio.to_thread(judged, record, answering, int(time.time() * 1000), 3)
    [reply] = decode_replies(outcome.replies[0])
    [answer] = reply.answers
    assert isinstance(answer, Opinion)
    assert max(answer.scores, key=lambda score: score.value).category == "violence"
