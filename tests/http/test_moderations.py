"""OpenAI's moderations: what is asked, what is answered, and that silence is never an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import orjson
import pytest
from fastapi import FastAPI
from openai.types import Moderation, ModerationTextInputParam

from classifiers.catalogue import load
from classifiers.contract import Category, Score, Silence
from classifiers.judge import judge
from gateway.adapters.clock import SystemClock
from gateway.adapters.inprocess import InProcessClassifiers
from gateway.examine import Examine
from gateway.http.budget import Budget
from gateway.http.moderations import CATEGORIES, NOT_TOLD_APART, PATH
from gateway.http.requests import Receive
from tests.e2e.support import TEXTS
from tests.fakes import NOW_MS
from tests.http.compatible import gone, listening, never, post, serve_compatible
from tests.http.conftest import BODY_LIMIT, client_of
from tests.policies import policy
from tests.world import KEY, World, open_world

ALL = tuple({category for ours in CATEGORIES.values() for category in ours})
OPENAI = {field.alias or name for name, field in Moderation.model_fields["categories"].annotation.model_fields.items()}  # type: ignore[union-attr]
OURS = {"spam", "fraud", "gambling", "terrorism", "illegal-goods"}


def looked_for(world: World, **found: float) -> None:
    """Let the text classifier look for everything, and find this."""
    world.classifiers.scores["text"] = tuple([Score(category, found.get(category, 0.0)) for category in ALL])  # type: ignore[arg-type]


@pytest.fixture
def app(world: World) -> FastAPI:
    looked_for(world)
    return serve_compatible(world)


async def ask(client: httpx.AsyncClient, given: object = "hello") -> dict[str, Any]:
    answer = await client.post(PATH, json={"input": given})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


# -- what is answered


async def test_nothing_found_is_not_flagged(client: httpx.AsyncClient, world: World) -> None:
    body = await ask(client)
    assert set(body) == {"id", "model", "results"}
    assert body["id"].startswith("modr-")
    assert body["model"] == "text-1,news-1"
    [result] = body["results"]
    assert set(result) == {"flagged", "categories", "category_scores", "category_applied_input_types"}
    assert result["flagged"] is False
    assert set(result["categories"]) == OPENAI | OURS
    assert not any(result["categories"].values())
    assert world.store.journal == []
    [(examination_id, names, deadline_ms)] = world.classifiers.asked
    assert (f"modr-{examination_id}", names, deadline_ms) == (body["id"], ("text", "news"), NOW_MS + 800)


MAPPED: list[tuple[Category, set[str]]] = [
    ("harassment", {"harassment"}),
    ("hate", {"hate"}),
    ("self_harm", {"self-harm"}),
    ("sexual", {"sexual"}),
    ("sexual_minors", {"sexual", "sexual/minors"}),
    ("violence", {"violence"}),
    ("spam", {"spam"}),
    ("fraud", {"fraud"}),
    ("gambling", {"gambling"}),
    ("terrorism", {"terrorism"}),
    ("illegal_goods", {"illegal-goods"}),
]


@pytest.mark.parametrize(("category", "names"), MAPPED)
async def test_each_category_is_told_under_its_name(
    client: httpx.AsyncClient, world: World, category: str, names: set[str]
) -> None:
    looked_for(world, **{category: 0.75})
    [result] = (await ask(client))["results"]
    assert result["flagged"] is True
    assert {name for name, true in result["categories"].items() if true} == names
    assert {name: score for name, score in result["category_scores"].items() if score} == dict.fromkeys(names, 0.75)


async def test_what_is_not_told_apart_was_not_judged(client: httpx.AsyncClient, world: World) -> None:
    looked_for(world, **dict.fromkeys(ALL, 1.0))
    [result] = (await ask(client))["results"]
    for name, types in result["category_applied_input_types"].items():
        judged = name not in NOT_TOLD_APART
        assert types == (["text"] if judged else [])
        assert result["categories"][name] is judged
        assert result["category_scores"][name] == float(judged)
    assert set(NOT_TOLD_APART) == OPENAI - {name for _, names in MAPPED for name in names}


@pytest.mark.parametrize(("score", "flagged"), [(0.49, False), (0.5, True)])
async def test_the_policys_hold_threshold_flags(
    client: httpx.AsyncClient, world: World, score: float, flagged: bool
) -> None:
    looked_for(world, gambling=score)
    [result] = (await ask(client))["results"]
    assert (result["flagged"], result["categories"]["gambling"]) == (flagged, flagged)
    world.policy = policy(("gambling: {hold: 0.5, block: 0.9}", "gambling: {hold: 0.4, block: 0.9}"))
    [result] = (await ask(client))["results"]
    assert result["flagged"] is True


async def test_the_highest_score_of_several_classifiers_counts(client: httpx.AsyncClient, world: World) -> None:
    looked_for(world, spam=0.2)
    world.classifiers.scores["news"] = (Score("spam", 0.8), Score("news", 1.0))
    [result] = (await ask(client))["results"]
    assert (result["category_scores"]["spam"], result["categories"]["spam"]) == (0.8, True)
    world.classifiers.scores["news"] = (Score("spam", 0.1), Score("news", 1.0))
    [result] = (await ask(client))["results"]
    assert (result["category_scores"]["spam"], result["flagged"]) == (0.2, False)


async def test_a_category_that_nobody_looked_for_has_no_applied_type(client: httpx.AsyncClient, world: World) -> None:
    world.classifiers.scores["text"] = (Score("hate", 0.1), Score("sexual_minors", 0.1))
    [result] = (await ask(client))["results"]
    applied = {name for name, types in result["category_applied_input_types"].items() if types}
    assert applied == {"hate", "sexual/minors"}
    world.classifiers.scores["text"] = (Score("sexual_minors", 0.9),)
    [result] = (await ask(client))["results"]
    assert (result["categories"]["sexual"], result["category_applied_input_types"]["sexual"]) == (True, ["text"])


# -- what is asked


@pytest.mark.parametrize(
    ("given", "items"),
    [
        ("a", [("a",)]),
        ("", [("",)]),
        (["a", "b", ""], [("a",), ("b",), ("",)]),
        ([{"type": "text", "text": "a"}], [("a",)]),
        ([{"type": "text", "text": "a"}, {"text": "b", "type": "text"}], [("a", "b")]),
        (["x"] * 100, [("x",)] * 100),
    ],
)
async def test_each_text_has_a_result_and_the_parts_of_one_have_one(
    client: httpx.AsyncClient, world: World, given: object, items: list[tuple[str, ...]]
) -> None:
    asked: list[tuple[str, ...]] = []
    inner = world.classifiers.ask

    async def listen(message_id: str, message: Any, names: Any, deadline_ms: int, pictures: Any = ()) -> Any:
        asked.append(message.texts)
        assert message.tenant_id == "t1"
        return await inner(message_id, message, names, deadline_ms)

    world.classifiers.ask = listen  # type: ignore[method-assign]
    assert len((await ask(client, given))["results"]) == len(items)
    assert asked == items


async def test_the_model_may_be_any(client: httpx.AsyncClient) -> None:
    for model in ("omni-moderation-latest", "text-moderation-stable", None):
        answer = await client.post(PATH, json={"input": "a", "model": model})
        assert (answer.status_code, answer.json()["model"]) == (200, "text-1,news-1")


IMAGE = {"type": "image_url", "image_url": {"url": "https://chat.example/a.png"}}
TEXT = {"type": "text", "text": "a"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b'{"input": "\xff"}', None),
        (b'{"input": "a", "input": "b"}', "input"),
        (b"{}", "input"),
        ({"input": None}, "input"),
        ({"input": 1}, "input"),
        ({"input": {}}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a"] * 101}, "input"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": [1, 2]}, "input[0]"),
        ({"input": ["a", TEXT]}, "input[1]"),
        ({"input": [TEXT, "a"]}, "input[1]"),
        ({"input": [["a"]]}, "input[0]"),
        ({"input": [IMAGE]}, "input[0].image_url"),
        ({"input": [TEXT, IMAGE]}, "input[1].image_url"),
        ({"input": [{"type": "audio"}]}, "input[0]"),
        ({"input": [{}]}, "input[0]"),
        ({"input": [{"type": ["text"], "text": "a"}]}, "input[0]"),
        ({"input": [{"type": "text"}]}, "input[0].text"),
        ({"input": [{"type": "text", "text": 1}]}, "input[0].text"),
        ({"input": [{**TEXT, "more": "b"}]}, "input[0]"),
        ({"input": "a", "model": 1}, "model"),
        ({"input": "a", "more": 1}, "more"),
    ],
)
async def test_a_body_that_cannot_be_judged_names_the_field(
    client: httpx.AsyncClient, world: World, body: object, param: str | None
) -> None:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = await client.post(PATH, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"]
    assert world.classifiers.asked == []


@pytest.mark.parametrize(("length", "status"), [(100_000, 200), (100_001, 400)])
async def test_a_text_has_a_bound(app: FastAPI, client: httpx.AsyncClient, length: int, status: int) -> None:
    app.state.service.body_limit = 10**6
    app.state.service.budget = Budget(10**6)
    answer = await client.post(PATH, json={"input": ["a", "é" * length]})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["param"] == "input[1]"


@pytest.mark.parametrize(
    ("headers", "status", "kind", "code"),
    [
        ({"Authorization": "Bearer wrong"}, 401, "invalid_request_error", "invalid_api_key"),
        ({"Authorization": ""}, 401, "invalid_request_error", "invalid_api_key"),
        ({"Content-Type": "text/plain"}, 415, "invalid_request_error", "content_type"),
        ({"Content-Encoding": "gzip"}, 415, "invalid_request_error", "content_encoding"),
    ],
)
async def test_headers_are_refused_in_openais_format(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, kind: str, code: str
) -> None:
    answer = await client.post(PATH, content=b'{"input": "a"}', headers=headers)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == (kind, code)
    assert ("www-authenticate" in answer.headers) is (status == 401)


async def test_a_body_that_is_too_large_is_413(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b" " * (BODY_LIMIT + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("receive", "status"), [(never, 408), (gone, 400)])
async def test_a_body_that_is_slow_or_cut_off_is_not_judged(world: World, receive: Receive, status: int) -> None:
    app = serve_compatible(world, read_seconds=0.01)
    answered, body = await post(app, PATH, "", {"Authorization": f"Bearer {KEY}"}, receive)
    assert (answered, body["error"]["type"]) == (status, "invalid_request_error")
    assert world.classifiers.asked == []


# -- faults


@pytest.mark.parametrize("silence", list(Silence))
@pytest.mark.parametrize("name", ["text", "news"])
async def test_a_silent_classifier_is_503_even_if_another_found_something(
    client: httpx.AsyncClient, world: World, name: str, silence: Silence
) -> None:
    world.classifiers.say("text", "spam", 0.99)
    world.classifiers.silences[name] = silence
    answer = await client.post(PATH, json={"input": ["a", "b"]})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    error = answer.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("server_error", None, f"classifier_{silence}")
    assert name in error["message"]


async def test_one_silence_among_many_is_503(client: httpx.AsyncClient, world: World) -> None:
    inner = world.classifiers.ask

    async def once_silent(message_id: str, message: Any, names: Any, deadline_ms: int, pictures: Any = ()) -> Any:
        world.classifiers.silences = {"text": Silence.TIMEOUT} if message.texts == ("b",) else {}
        return await inner(message_id, message, names, deadline_ms)

    world.classifiers.ask = once_silent  # type: ignore[method-assign]
    answer = await client.post(PATH, json={"input": ["a", "b", "c"]})
    assert answer.status_code == 503


async def test_a_classifier_that_is_not_required_may_be_silent_but_not_all(
    client: httpx.AsyncClient, world: World
) -> None:
    world.policy = policy(
        ("text: {required: true, silence: hold}", "text: {required: false}"),
        ("news: {required: true, silence: hold}", "news: {required: false}"),
    )
    world.classifiers.silences["news"] = Silence.TIMEOUT
    assert (await ask(client))["model"] == "text-1"
    world.classifiers.silences["text"] = Silence.UNAVAILABLE
    answer = await client.post(PATH, json={"input": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "classifier_unavailable")


async def test_while_the_store_is_away_it_is_503(client: httpx.AsyncClient, world: World) -> None:
    world.store.down = True
    answer = await client.post(PATH, json={"input": "a"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["type"] == "server_error"


async def test_what_exceeds_the_limit_is_429() -> None:
    world = await open_world(limit=3)
    looked_for(world)
    world.classifiers.answering.clear()
    async with client_of(serve_compatible(world)) as client:
        first = asyncio.create_task(client.post(PATH, json={"input": ["a", "b"]}))
        await world.classifiers.waiting.wait()
        refused = await client.post(PATH, json={"input": ["c", "d"]})
        fits = asyncio.create_task(client.post(PATH, json={"input": "c"}))
        world.classifiers.waiting.clear()
        await world.classifiers.waiting.wait()
        world.classifiers.answering.set()
        assert [(await first).status_code, (await fits).status_code] == [200, 200]
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        error = refused.json()["error"]
        assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
        large = await client.post(PATH, json={"input": ["x"] * 100})
        assert (large.status_code, len(large.json()["results"])) == (200, 100)


# -- the real client, and the classifiers that ship


@pytest.fixture
async def url(world: World) -> AsyncIterator[str]:
    """A server with real classifiers."""
    app = serve_compatible(world)
    shipped, clock = load(), SystemClock()
    classifiers = InProcessClassifiers(lambda question: judge(question, shipped), clock)
    generous = policy(("deadline_ms: 800", "deadline_ms: 30000"))
    app.state.examine = Examine(classifiers=classifiers, policy=lambda: generous, clock=clock, limit=100)
    async with listening(app) as url:
        yield url
    await classifiers.stop()


def sync(url: str, key: str, **arguments: Any) -> Any:
    with openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0) as client:
        return client.moderations.create(**arguments)


async def moderated(url: str, way: str, key: str = KEY, **arguments: Any) -> Any:
    if way == "sync":
        return await asyncio.to_thread(sync, url, key, **arguments)
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0) as client:
        return await client.moderations.create(**arguments)


WAYS = ("sync", "async")


@pytest.mark.parametrize("way", WAYS)
async def test_the_openai_client_reads_every_result(url: str, way: str) -> None:
    texts = [TEXTS["allow"][0], TEXTS["block"][0], TEXTS["hold"][0], TEXTS["allow"][1], TEXTS["block"][1]]
    answer = await moderated(url, way, input=texts, model="omni-moderation-latest")
    assert [result.flagged for result in answer.results] == [False, True, True, False, True]
    threat, offer = answer.results[1], answer.results[2]
    assert (threat.categories.violence, threat.category_scores.violence > 0.5) == (True, True)
    assert threat.category_applied_input_types.violence == ["text"]
    assert threat.categories.violence_graphic is False
    assert threat.category_applied_input_types.violence_graphic == []
    assert offer.categories.model_extra["fraud"] is True


@pytest.mark.parametrize("way", WAYS)
async def test_the_openai_client_sends_parts(url: str, way: str) -> None:
    parts = [ModerationTextInputParam(type="text", text=text) for text in (TEXTS["allow"][0], TEXTS["block"][0])]
    answer = await moderated(url, way, input=parts)
    assert [result.flagged for result in answer.results] == [True]


@pytest.mark.parametrize("way", WAYS)
async def test_the_openai_client_raises_its_ordinary_errors(url: str, way: str) -> None:
    with pytest.raises(openai.AuthenticationError) as unknown:
        await moderated(url, way, "wrong", input="a")
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError) as image:
        await moderated(url, way, input=[TEXT, IMAGE])
    assert image.value.param == "input[1].image_url"


@pytest.mark.parametrize("way", WAYS)
async def test_the_openai_client_raises_for_silence(world: World, way: str) -> None:
    world.classifiers.silences["text"] = Silence.TIMEOUT
    async with listening(serve_compatible(world)) as url:
        with pytest.raises(openai.InternalServerError) as silent:
            await moderated(url, way, input="a")
    assert (silent.value.status_code, silent.value.code) == (503, "classifier_timeout")
