"""Remembered opinions over a real broker: Kafka is spared, and a change of one worker is known although nobody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from tests.e2e.conftest import fresh_stack
from tests.e2e.support import PATIENT, counter, publish, shipped, tell, until

TEXT = "Please come to the quibblefrog meeting in the town hall on Friday evening, there will be tea for everybody."
WHOLE = 'gateway_remembered_total{result="whole"}'


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    """The terms file that all workers read."""
    file = tmp_path / "terms.tsv"
    file.write_text("zzalpha\tspam\t0.4\n", encoding="utf-8")
    return file


@pytest.fixture
def own(kafka: Kafka, postgres: Postgres, tmp_path: Path, terms: Path) -> Iterator[Stack]:
    """A stack whose policy asks only what can be remembered, and whose workers share a terms file."""
    policy = tmp_path / "policy.yaml"
    lines = shipped(PATIENT).splitlines(keepends=True)
    policy.write_text("".join([line for line in lines if not line.startswith("  campaign:")]))
    settings = {"GATEWAY_POLICY_FILE": str(policy), "CLASSIFIERS_LEXICON": str(terms)}
    with fresh_stack(kafka, postgres, tmp_path, settings=settings) as made:
        made.start_gateway(1)
        yield made


async def is_remembered(stack: Stack) -> bool:
    """Whether the text is answered without a question, to which it may come by and by."""
    before = await counter(stack, WHOLE)
    assert (await publish(stack, TEXT)).status == 200
    return await counter(stack, WHOLE) > before


async def answers(stack: Stack, status: int) -> bool:
    return (await publish(stack, TEXT)).status == status


async def test_a_change_is_known_although_nobody_asks(own: Stack, terms: Path) -> None:
    for _ in range(2):
        await asyncio.to_thread(own.start_worker)
    await until(partial(is_remembered, own), 40, "the text is remembered")
    asked = await counter(own, "gateway_question_batch_count")
    for _ in range(20):
        assert (await publish(own, TEXT)).status == 200
    assert await counter(own, "gateway_question_batch_count") == asked

    await asyncio.to_thread(terms.write_text, "quibblefrog\tfraud\t0.99\n", encoding="utf-8")
    seconds = await until(partial(answers, own, 403), 40, "the new lexicon decides")
    tell(f"a changed lexicon decided after {seconds:.2f} s")
    whole = await counter(own, WHOLE)
    await until(partial(blocks_by_heart, own, whole), 40, "the new opinion is remembered")
    for _ in range(20):
        assert (await publish(own, TEXT)).status == 403


async def blocks_by_heart(stack: Stack, whole: float) -> bool:
    """Whether it is blocked without a question. While one worker has the old lexicon yet, either is asked."""
    status = (await publish(stack, TEXT)).status
    by_heart = await counter(stack, WHOLE) > whole
    assert status == 403 or not by_heart
    return by_heart


async def test_where_workers_differ_nothing_is_remembered(own: Stack, terms: Path, tmp_path: Path) -> None:
    await asyncio.to_thread(own.start_worker)
    await until(partial(is_remembered, own), 40, "the text is remembered")
    other = tmp_path / "other.tsv"
    await asyncio.to_thread(other.write_text, "zzbeta\tspam\t0.4\n", encoding="utf-8")
    second = await asyncio.to_thread(own.start_worker, more={"CLASSIFIERS_LEXICON": str(other)})
    part = 'gateway_remembered_total{result="part"}'  # of text and news both say the same
    before = await counter(own, part)
    await until(partial(is_asked, own, part, before), 20, "the lexicon is asked again")
    asked = await counter(own, "gateway_question_batch_count")
    whole = await counter(own, WHOLE)
    for _ in range(10):
        assert (await publish(own, TEXT)).status == 200
    # A classifier without a worker is asked now and then, too.
    assert await counter(own, "gateway_question_batch_count") >= asked + 10
    assert await counter(own, WHOLE) == whole
    await asyncio.to_thread(own.end, second)
    await until(partial(is_remembered, own), 60, "who has ended differs no more")


async def is_asked(stack: Stack, part: str, before: float) -> bool:
    assert (await publish(stack, TEXT)).status == 200
    return await counter(stack, part) > before
