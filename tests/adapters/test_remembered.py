"""Opinions remembered: what is not asked again, what always is, and what makes all of it forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from classifiers.contract import Answer, Opinion, Picture, Reply, Score, Silence, Span, Unanswered
from gateway import metrics
from gateway.adapters.remembered import RememberedClassifiers, content_key
from gateway.core.model import Media, Message
from gateway.settings import RememberSettings
from tests.fakes import FakeClock, ScriptedClassifiers

NAMES = ("text", "news")
PNG = Media("image/png")


class Versioned(ScriptedClassifiers):
    """Whose opinions carry the version and the duration that they are told."""

    def __init__(self) -> None:
        super().__init__()
        self.version = dict.fromkeys((*NAMES, "campaign", "eyes"), "1")
        self.passing: set[str] = set()

    def _answer(self, name: str) -> Answer:
        answer = super()._answer(name)
        if isinstance(answer, Opinion):
            return Opinion(name, self.version[name], answer.scores, lasting=name not in self.passing)
        return answer


class Desk:
    """A memory before scripted classifiers. ``certain`` are the versions of which it is certain."""

    def __init__(self, **settings: float) -> None:
        self.clock = FakeClock()
        self.inner = Versioned()
        self.certain: Mapping[str, str] = dict(self.inner.version)
        self.memory = RememberedClassifiers(
            self.inner, lambda: self.certain, self.clock, RememberSettings.model_validate(settings)
        )

    async def ask(
        self,
        *names: str,
        text: str = "hello",
        tenant: str = "t1",
        media: tuple[Media, ...] = (),
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        message = Message(tenant, "a1", "native", (text,), "", media)
        return await self.memory.ask("m1", message, names or NAMES, self.clock.now + 1000, pictures)

    @property
    def asked(self) -> list[tuple[str, ...]]:
        """The names of each question since this was last read."""
        found = [names for _, names, _ in self.inner.asked]
        self.inner.asked.clear()
        return found

    def runs(self, version: str, *names: str) -> None:
        """These run in another version, and that is known."""
        self.inner.version |= dict.fromkeys(names, version)
        self.certain = dict(self.inner.version)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def counted(reason: str) -> float:
    value: float = metrics.FORGOTTEN.labels(reason)._value.get()
    return value


async def test_the_same_content_is_judged_once(desk: Desk) -> None:
    desk.inner.say("text", "spam", 0.7)
    first = await desk.ask()
    assert first == (Opinion("text", "1", (Score("spam", 0.7),)), Opinion("news", "1", ()))
    assert [await desk.ask(), await desk.ask("news", "text")] == [first, first[::-1]]
    assert desk.asked == [NAMES]


async def test_only_what_is_missing_is_asked_and_answers_keep_their_order(desk: Desk) -> None:
    await desk.ask("news")
    answers = await desk.ask("text", "news", "campaign")
    assert [answer.classifier for answer in answers] == ["text", "news", "campaign"]
    assert desk.asked == [("news",), ("text", "campaign")]


async def test_what_depends_on_more_than_the_content_is_asked_each_time(desk: Desk) -> None:
    desk.inner.passing.add("campaign")
    for _ in range(3):
        await desk.ask("text", "campaign")
    assert desk.asked == [("text", "campaign"), ("campaign",), ("campaign",)]


@pytest.mark.parametrize("silence", Silence)
async def test_a_silence_is_not_remembered(desk: Desk, silence: Silence) -> None:
    desk.inner.silences["news"] = silence
    assert (await desk.ask())[1] == Unanswered("news", silence)
    desk.inner.say("news", "news", 0.9)
    assert (await desk.ask())[1] == Opinion("news", "1", (Score("news", 0.9),))
    assert desk.asked == [NAMES, ("news",)]


async def test_tenants_get_nothing_of_each_other(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(tenant="t2")
    assert desk.asked == [NAMES, NAMES]


async def test_who_sends_it_and_when_does_not_matter(desk: Desk) -> None:
    for account, platform, message_id in (("a1", "native", "m1"), ("a2", "matrix", "m2")):
        message = Message("t1", account, platform, ("hello",), account)
        await desk.memory.ask(message_id, message, NAMES, desk.clock.now + 1)
        desk.clock.now += 5
    assert desk.asked == [NAMES]


SAID = Message("t1", "a1", "native", ("ab", "c"), "")
SEEN = (Picture("image/png", b"xy"), Picture("image/png", b"z"))


@pytest.mark.parametrize(
    ("message", "pictures"),
    [
        (Message("t2", "a1", "native", ("ab", "c"), ""), ()),
        (Message("t1", "a1", "native", ("a", "bc"), ""), ()),
        (Message("t1", "a1", "native", ("abc",), ""), ()),
        (Message("t1", "a1", "native", ("ab", "c", ""), ""), ()),
        (Message("t1", "a1", "native", ("ab", "C"), ""), ()),
        (Message("t1", "a1", "native", ("ab",), "", (Media("c"),)), ()),
        (Message("t1a", "a1", "native", ("b", "c"), ""), ()),
        (SAID, SEEN),
        (SAID, SEEN[:1]),
        (SAID, SEEN[::-1]),
        (SAID, (Picture("image/png", b"x"), Picture("image/png", b"yz"))),
        (SAID, (Picture("image/jpeg", b"xy"), SEEN[1])),
        (Message("t1", "a1", "native", ("ab", "c", "image/png", "xy", "image/png", "z"), ""), ()),
        (Message("t1", "a1", "native", ("ab", "\ud800"), ""), ()),
    ],
)
def test_another_content_has_another_key(message: Message, pictures: Sequence[Picture]) -> None:
    assert content_key(message, pictures) != content_key(SAID, ())
    assert content_key(message, pictures) == content_key(message, pictures)


@pytest.mark.parametrize("size", [3, 600_000])
async def test_pictures_are_told_apart_by_their_bytes(desk: Desk, size: int) -> None:
    one, other = Picture("image/png", b"a" * size), Picture("image/png", b"a" * (size - 1) + b"b")
    for pictures in ([one], [other], [one], [other]):
        await desk.ask("eyes", media=(PNG,), pictures=pictures)
    assert desk.asked == [("eyes",), ("eyes",)]
    assert desk.inner.seen == [one, other]


async def test_a_change_of_one_version_forgets_everything(desk: Desk) -> None:
    before = counted("version")
    await desk.ask()
    await desk.ask(text="something else")
    assert len(desk.memory) == 2
    desk.runs("2", "news")
    assert (await desk.ask())[1] == Opinion("news", "2", ())
    assert len(desk.memory) == 1
    assert desk.asked == [NAMES, NAMES, NAMES]
    assert counted("version") == before + 2


async def test_a_classifier_that_is_new_changes_nothing(desk: Desk) -> None:
    await desk.ask()
    desk.certain = {**desk.certain, "image": "1"}
    await desk.ask()
    assert desk.asked == [NAMES]


async def test_while_nothing_is_certain_everything_is_asked_and_nothing_kept(desk: Desk) -> None:
    desk.certain = {}
    await desk.ask()
    await desk.ask()
    assert (desk.asked, len(desk.memory)) == ([NAMES, NAMES], 0)
    desk.certain = {"text": "1"}
    await desk.ask()
    await desk.ask()
    desk.certain = {"text": "1", "news": "1"}
    await desk.ask()
    await desk.ask()
    assert desk.asked == [NAMES, ("news",), ("news",)]


async def test_what_was_certain_before_is_given_again_once_it_is_certain_again(desk: Desk) -> None:
    await desk.ask()
    certain, desk.certain = desk.certain, {}
    await desk.ask()
    desk.certain = certain
    await desk.ask()
    assert desk.asked == [NAMES, NAMES]


async def test_an_opinion_of_another_version_than_the_certain_one_is_not_kept(desk: Desk) -> None:
    desk.inner.version["text"] = "2"
    await desk.ask()
    await desk.ask()
    assert desk.asked == [NAMES, ("text",)]


async def test_a_change_while_a_question_is_under_way(desk: Desk) -> None:
    desk.inner.answering.clear()
    asking = asyncio.create_task(desk.ask())
    await desk.inner.waiting.wait()
    old, desk.inner.version = desk.inner.version, {**desk.inner.version, "text": "2"}
    desk.certain, desk.inner.version = desk.inner.version, old  # the answer on its way is the old one
    desk.inner.answering.set()
    assert (await asking)[0] == Opinion("text", "1", ())
    await desk.ask()
    assert desk.asked == [NAMES, ("text",)]


async def test_after_the_deadline_nothing_is_answered_from_memory(desk: Desk) -> None:
    await desk.ask()
    message = Message("t1", "a1", "native", ("hello",), "")
    await desk.memory.ask("m1", message, NAMES, desk.clock.now)
    assert desk.asked == [NAMES, NAMES]


@pytest.mark.parametrize("seconds", [10, -1])
async def test_nothing_is_remembered_for_longer_than_set_or_by_a_clock_set_back(seconds: int) -> None:
    desk, before = Desk(seconds=10), counted("age")
    await desk.ask()
    desk.clock.now += 9999
    await desk.ask()
    desk.clock.now += seconds * 1000 - 9999
    await desk.ask()
    assert desk.asked == [NAMES, NAMES]
    assert counted("age") == before + 1


async def test_an_entry_ends_with_its_first_opinion() -> None:
    desk = Desk(seconds=10)
    await desk.ask("text")
    desk.clock.now += 9000
    await desk.ask()
    desk.clock.now += 1000
    await desk.ask()
    assert desk.asked == [("text",), ("news",), NAMES]


async def test_what_was_longest_unused_makes_room() -> None:
    desk, before = Desk(entries=2), counted("room")
    for text in ("a", "b", "a", "c", "a", "b"):
        await desk.ask(text=text)
    assert desk.asked == [NAMES] * 4  # a, b, c, and b again
    assert (len(desk.memory), counted("room")) == (2, before + 2)


async def test_the_memory_is_bounded_in_bytes() -> None:
    desk = Desk(budget=100_000)
    desk.inner.scores["text"] = (Score("spam", 0.5, tuple([Span(0, n, n + 1) for n in range(50)])),)
    for number in range(100):
        await desk.ask(text=f"text {number}")
        assert desk.memory.size <= 100_000
    assert 5 < len(desk.memory) < 20
    desk.inner.scores["text"] = (Score("spam", 0.5, tuple([Span(0, n, n + 1) for n in range(1000)])),)
    await desk.ask(text="too much for all of it")
    assert (len(desk.memory), desk.memory.size) == (0, 0)


async def test_an_opinion_given_anew_takes_the_place_of_the_old_one(desk: Desk) -> None:
    desk.inner.answering.clear()
    both = [asyncio.create_task(desk.ask()) for _ in range(2)]
    await desk.inner.waiting.wait()
    desk.inner.answering.set()
    await asyncio.gather(*both)
    size = desk.memory.size
    await Desk().ask()
    other = Desk()
    await other.ask()
    assert (len(desk.memory), size) == (1, other.memory.size)


async def test_the_rest_is_left_to_the_classifiers(desk: Desk) -> None:
    async def apply(reply: Reply) -> None:
        """Nothing comes."""

    desk.memory.on_late(apply)
    assert desk.inner.late is apply
    desk.inner.is_ready = False
    assert (desk.memory.ready(), desk.memory.healthy()) == (False, True)
    desk.inner.is_ready, desk.inner.is_healthy = True, False
    assert (desk.memory.ready(), desk.memory.healthy()) == (True, False)


async def test_what_was_asked_is_counted_by_how_much_was_remembered(desk: Desk) -> None:
    results = ("whole", "part", "none", "off")
    before = [metrics.REMEMBERED.labels(result)._value.get() for result in results]
    await desk.ask("text")
    await desk.ask()
    await desk.ask()
    desk.certain = {}
    await desk.ask()
    after = [metrics.REMEMBERED.labels(result)._value.get() for result in results]
    assert [one - other for one, other in zip(after, before, strict=True)] == [1, 1, 1, 1]
    assert metrics.REMEMBERED_ENTRIES._value.get() == 1
    assert metrics.REMEMBERED_BYTES._value.get() == desk.memory.size
