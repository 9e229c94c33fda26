"""How many questions are answered: who ails, since when, and what is not concluded."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from classifiers.contract import Silence
from gateway.adapters.answering import AnsweringClassifiers
from gateway.core.model import Message
from tests.fakes import FakeClock, ScriptedClassifiers

MESSAGE = Message("t1", "a1", "native", ("hello",), "0" * 64)


class Desk:
    """Counted questions to scripted classifiers."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.inner = ScriptedClassifiers()
        self.answering = AnsweringClassifiers(self.inner, self.clock)

    async def ask(self, number: int, *names: str, silence: Silence | None = None) -> None:
        self.inner.silences = dict.fromkeys(names, silence) if silence else {}
        for _ in range(number):
            await self.answering.ask("m1", MESSAGE, names, self.clock.now + 800)
        await self.answering.look()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg for record in caplog.records]


async def test_nothing_asked_is_no_sign_of_anything(desk: Desk) -> None:
    await desk.answering.look()
    assert (dict(desk.answering.counts()), desk.answering.is_silent(), dict(desk.answering.ailing())) == ({}, False, {})


@pytest.mark.parametrize("silence", [Silence.TIMEOUT, Silence.UNAVAILABLE, Silence.FAILED])
async def test_one_line_when_a_classifier_falls_silent_and_one_when_it_answers_again(
    desk: Desk, caplog: pytest.LogCaptureFixture, silence: Silence
) -> None:
    await desk.ask(2, "text", silence=silence)
    assert lines(caplog) == []
    for _ in range(3):
        await desk.ask(1, "text", silence=silence)
    assert (desk.answering.is_silent(), dict(desk.answering.ailing())) == (True, {"text": "0 of 5"})
    assert REGISTRY.get_sample_value("gateway_answered_share", {"classifier": "text"}) == 0.0
    for _ in range(15):
        await desk.ask(1, "text")
    assert (desk.answering.is_silent(), dict(desk.answering.ailing())) == (False, {})
    assert lines(caplog) == ["classifier does not answer; messages are held", "classifier answers again"]
    assert REGISTRY.get_sample_value("gateway_answered_share", {"classifier": "text"}) == 0.75


@pytest.mark.parametrize("silence", [Silence.UNSUPPORTED, Silence.INCOMPLETE])
async def test_what_cannot_be_judged_is_answered(desk: Desk, silence: Silence) -> None:
    await desk.ask(9, "text", silence=silence)
    assert dict(desk.answering.counts()) == {"text": (9, 9)}
    assert not desk.answering.is_silent()


async def test_one_silent_classifier_of_several_is_named(desk: Desk) -> None:
    await desk.ask(3, "text")
    await desk.ask(3, "news", silence=Silence.TIMEOUT)
    assert dict(desk.answering.ailing()) == {"news": "0 of 3"}
    assert not desk.answering.is_silent()


async def test_what_is_a_minute_old_says_nothing_any_more(desk: Desk) -> None:
    await desk.ask(5, "text", silence=Silence.TIMEOUT)
    desk.clock.now += 66_000
    await desk.answering.look()
    assert (dict(desk.answering.counts()), desk.answering.is_silent(), dict(desk.answering.ailing())) == ({}, False, {})
    assert REGISTRY.get_sample_value("gateway_answered_share", {"classifier": "text"}) == 1.0
