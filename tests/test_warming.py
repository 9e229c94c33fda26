"""Ready means warm: whom a process asks about what before it is ready, and for how long."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from classifiers.catalogue import DEFAULT, load
from classifiers.contract import Answer, Opinion, Picture, Question, Reply, Silence
from classifiers.contract.warming import PICTURES, TEXTS
from classifiers.judge import judge
from classifiers.warming import warm
from gateway.core.model import Message
from gateway.core.policy import parse_policy
from gateway.warming import Warming
from tests.e2e.support import SHIPPED
from tests.fakes import FakeClock, ScriptedClassifiers

POLICY = parse_policy(SHIPPED)


class Heard(ScriptedClassifiers):
    """Remembers whole messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, list[tuple[tuple[str, ...], int]]] = {}

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        for name in names:
            self.messages.setdefault(name, []).append((message.texts, len(pictures)))
        return await super().ask(message_id, message, names, deadline_ms, pictures)


class Desk:
    """A process that starts. Each pause takes its time."""

    def __init__(self, seconds: float = 10.0) -> None:
        self.clock = FakeClock()
        self.classifiers = Heard()
        self.warming = Warming(self.classifiers, lambda: POLICY, self.clock, seconds, self._pause)

    async def _pause(self, seconds: float) -> None:
        self.clock.now += round(seconds * 1000)


async def test_each_classifier_of_the_policy_judges_texts_or_pictures_once() -> None:
    desk = Desk()
    await desk.warming.run()
    assert (desk.warming.is_over, desk.warming.silent) == (True, [])
    assert desk.classifiers.messages == {
        **{name: [(texts, 0) for texts in TEXTS] for name in POLICY.policy.ask(False)},
        **{name: [((), len(PICTURES))] for name in POLICY.policy.looking()},
    }
    await desk.warming.ask()
    assert len(desk.classifiers.asked) == 3


async def test_one_that_stays_silent_is_waited_for_no_longer_than_is_set_and_asked_on() -> None:
    desk = Desk(seconds=1.0)
    desk.classifiers.silences["news"] = Silence.UNAVAILABLE
    await desk.warming.run()
    assert (desk.warming.is_over, desk.warming.silent) == (True, ["news"])
    assert {tuple(names) for _, names, _ in desk.classifiers.asked[3:]} == {("news",)}
    desk.classifiers.silences.clear()
    await desk.warming.ask()
    assert desk.warming.silent == []


async def test_nobody_is_asked_before_the_bus_is_there_and_the_time_begins_with_it() -> None:
    desk = Desk(seconds=1.0)
    desk.classifiers.is_ready = False
    desk.clock.now += 60_000
    await desk.warming.run()
    await desk.warming.ask()
    assert (desk.warming.is_over, desk.classifiers.asked) == (False, [])
    desk.classifiers.is_ready = True
    desk.classifiers.silences["news"] = Silence.TIMEOUT
    await desk.warming.ask()
    assert not desk.warming.is_over
    desk.classifiers.is_ready = False
    desk.classifiers.is_ready = True
    desk.classifiers.silences.clear()
    await desk.warming.ask()
    assert desk.warming.is_over


async def test_an_outage_after_the_start_changes_nothing() -> None:
    desk = Desk()
    await desk.warming.run()
    desk.classifiers.is_ready = False
    await desk.warming.ask()
    assert desk.warming.is_over


@pytest.mark.parametrize("name", DEFAULT)
def test_each_shipped_classifier_judges_what_it_is_warmed_with(name: str) -> None:
    classifiers = load((name,))
    answers: list[Answer] = []

    def answer(question: Question) -> Reply:
        reply = judge(question, classifiers)
        answers.extend(reply.answers)
        return reply

    warm(answer, (name,))
    assert len(answers) == 3
    assert any(isinstance(each, Opinion) for each in answers)


def test_a_classifier_that_fails_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def answer(_: Question) -> Reply:
        raise ZeroDivisionError

    warm(answer, ("text",))
    assert [record.msg for record in caplog.records] == ["classifier fails at the start"] * 3


def test_nothing_is_found_in_the_first_message_and_something_in_the_second() -> None:
    """So the first is looked at for its language, and the second for what moved it."""
    text = load(("text",))["text"]
    highest = []
    for texts in TEXTS:
        answer = text.judge(Question("w", "w", "", ("text",), texts, (), 2**52))
        assert isinstance(answer, Opinion)
        highest.append(max(score.value for score in answer.scores))
    assert highest[0] < 0.1 < 0.5 < highest[1]
