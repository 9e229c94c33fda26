"""The memory of opinions against a model of it, whatever is asked and whatever changes meanwhile."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from classifiers.contract import Answer, Opinion, Picture, Reply, Score, Silence, Span, Unanswered
from gateway.adapters.remembered import RememberedClassifiers
from gateway.core.model import Message
from gateway.settings import RememberSettings
from tests.fakes import FakeClock

NAMES = ("text", "news", "campaign", "moody")
"""Of these, ``campaign`` gives no lasting opinion, and ``moody`` none at all on some texts."""
ENTRIES = 4
SECONDS = 10

_names = st.lists(st.sampled_from(NAMES), unique=True).map(tuple)


class Judges:
    """Judges whose every opinion tells of which content, by which version and how late it was given."""

    def __init__(self) -> None:
        self.versions = dict.fromkeys(NAMES, 1)
        self.questions: list[tuple[str, ...]] = []

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        self.questions.append(tuple(names))
        return tuple([self.says(name, message) for name in names])

    def says(self, name: str, message: Message) -> Answer:
        if name == "moody" and message.texts[0] > "b":
            return Unanswered(name, Silence.TIMEOUT)
        spans = (Span(0, ord(message.texts[0]), int(message.tenant_id)),)
        version = self.versions[name]
        return Opinion(name, str(version), (Score("spam", 0.5, spans),), lasting=name != "campaign")

    def ready(self) -> bool:
        return True

    def healthy(self) -> bool:
        return True

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        """None is late."""


class Remembering(RuleBasedStateMachine):
    """``kept`` is the model: for each content when it was first kept, and which classifiers in which version."""

    @initialize()
    def begin(self) -> None:
        self.clock, self.judges = FakeClock(), Judges()
        self.certain = dict.fromkeys(NAMES, "1")
        self.memory = RememberedClassifiers(
            self.judges,
            lambda: dict(self.certain),
            self.clock,
            RememberSettings(seconds=SECONDS, entries=ENTRIES, budget=10_000_000),
        )
        self.kept: OrderedDict[tuple[str, str], tuple[int, dict[str, str]]] = OrderedDict()
        self.under: dict[str, str] = {}
        self.runner = asyncio.Runner()

    def teardown(self) -> None:
        self.runner.close()

    @rule(tenant=st.sampled_from("12"), text=st.sampled_from("abc"), names=_names)
    def ask(self, tenant: str, text: str, names: tuple[str, ...]) -> None:
        message = Message(tenant, "a", "native", (text,), "")
        self.follow()
        known = self.known(tenant, text, names)
        truth = {name: self.judges.says(name, message) for name in names}
        answers = self.runner.run(self.memory.ask("m", message, names, self.clock.now + 1))
        missing = tuple([name for name in names if name not in known])
        asked, self.judges.questions = self.judges.questions, []
        assert asked == ([missing] if missing or not any(name in self.certain for name in names) else [])
        for name, answer in zip(names, answers, strict=True):
            if name in known:
                # Never of another content, another tenant, or another version than the one that is certain.
                assert isinstance(answer, Opinion)
                said = truth[name]
                assert isinstance(said, Opinion)
                assert answer == Opinion(name, self.certain[name], said.scores)
            else:
                assert answer == truth[name]
        self.note(tenant, text, names, missing, truth)

    @rule(name=st.sampled_from(NAMES))
    def change(self, name: str) -> None:
        """It runs in another version, of which nothing is known yet."""
        self.judges.versions[name] += 1

    @rule(name=st.sampled_from(NAMES))
    def learn(self, name: str) -> None:
        """It is certain what runs."""
        self.certain[name] = str(self.judges.versions[name])

    @rule(name=st.sampled_from(NAMES))
    def doubt(self, name: str) -> None:
        self.certain.pop(name, None)

    @rule(ms=st.sampled_from([1, 3000, SECONDS * 1000]))
    def wait(self, ms: int) -> None:
        self.clock.now += ms

    @invariant()
    def bounded(self) -> None:
        assert len(self.memory) <= ENTRIES

    def follow(self) -> None:
        if any(self.under.get(name, version) != version for name, version in self.certain.items()):
            self.kept.clear()
        self.under |= self.certain

    def known(self, tenant: str, text: str, names: tuple[str, ...]) -> set[str]:
        since_ms, versions = self.kept.get((tenant, text), (0, {}))
        if not any(name in self.certain for name in names):
            return set()
        if self.clock.now - since_ms >= SECONDS * 1000:
            self.kept.pop((tenant, text), None)
            return set()
        return {name for name in names if name in versions and versions[name] == self.certain.get(name)}

    def note(
        self, tenant: str, text: str, names: tuple[str, ...], missing: tuple[str, ...], truth: dict[str, Answer]
    ) -> None:
        if not any(name in self.certain for name in names):
            return
        if (tenant, text) in self.kept:
            self.kept.move_to_end((tenant, text))
        lasting = {
            name: said.version
            for name in missing
            if isinstance(said := truth[name], Opinion) and said.lasting and said.version == self.certain.get(name)
        }
        if lasting:
            self.kept.setdefault((tenant, text), (self.clock.now, {}))[1].update(lasting)
            if len(self.kept) > ENTRIES:
                self.kept.popitem(last=False)
        assert len(self.memory) == len(self.kept)


TestRemembering = Remembering.TestCase
TestRemembering.settings = settings(max_examples=100, stateful_step_count=40)
