"""The openai client's moderations, with ``base_url`` set to the gateway's own address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import openai
import pytest
from openai.types import ModerationTextInputParam

from tests.e2e.support import TEXTS
from tests.sdk.gateway import APP_KEY, GatewayProcess


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=APP_KEY, base_url=f"{gateway.url}/v1") as client:
        yield client


@pytest.fixture
async def aclient(gateway: GatewayProcess) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key=APP_KEY, base_url=f"{gateway.url}/v1") as client:
        yield client


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_text_is_not_flagged(client: openai.OpenAI, text: str) -> None:
    (result,) = client.moderations.create(input=text).results
    assert not result.flagged
    assert not any(result.categories.model_dump().values())


@pytest.mark.parametrize("text", TEXTS["block"])
def test_a_threat_is_flagged_as_one(client: openai.OpenAI, text: str) -> None:
    (result,) = client.moderations.create(input=text, model="omni-moderation-latest").results
    assert result.flagged
    assert result.categories.violence
    assert result.category_scores.violence > 0.5


@pytest.mark.parametrize("text", TEXTS["hold"])
def test_a_held_text_is_flagged(client: openai.OpenAI, text: str) -> None:
    (result,) = client.moderations.create(input=text).results
    assert result.flagged


async def test_every_input_has_its_result(aclient: openai.AsyncOpenAI) -> None:
    texts = [TEXTS["allow"][0], TEXTS["block"][0], TEXTS["allow"][1]]
    answer = await aclient.moderations.create(input=texts)
    assert [result.flagged for result in answer.results] == [False, True, False]


def test_parts_are_judged(client: openai.OpenAI) -> None:
    part = ModerationTextInputParam(type="text", text=TEXTS["block"][0])
    answer = client.moderations.create(input=[part])
    assert [result.flagged for result in answer.results] == [True]


def test_a_wrong_key_raises_the_ordinary_error(gateway: GatewayProcess) -> None:
    with (
        openai.OpenAI(api_key="wrong", base_url=f"{gateway.url}/v1") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.moderations.create(input="Good morning!")
