"""The ports that tests script: time, classifiers, the upstream, and a store that fails on request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from classifiers.contract import Answer, Category, Opinion, Picture, Reply, Score, Silence, Unanswered
from gateway.adapters.memory import MemoryStore
from gateway.core.model import Case, Message, Repost, SourceFact
from gateway.core.records import Entry, Owner, Request, Tenant, Transition, UpstreamAnswer
from gateway.ports import Fault, KeyTaken, StoreUnavailable

NOW_MS = 1_800_000_000_000


class FakeClock:
    """A clock that only tests move."""

    def __init__(self, now_ms: int = NOW_MS, process: int = 0) -> None:
        self.now = now_ms
        self.ahead = 0
        """How much of the time of day is somebody's mistake, who set it."""
        self._count = process << 64

    def now_ms(self) -> int:
        """See `gateway.ports.Clock`."""
        return self.now

    def steady_ms(self) -> int:
        """See `gateway.ports.Clock`."""
        return self.now - self.ahead

    def new_id(self) -> str:
        """See `gateway.ports.Clock`."""
        self._count += 1
        return f"{self._count:032x}"


class ScriptedClassifiers:
    """Answers each name as told: the scores in ``scores``, the silence in ``silences``, else an empty opinion."""

    def __init__(self) -> None:
        self.scores: dict[str, tuple[Score, ...]] = {}
        self.silences: dict[str, Silence] = {}
        self.asked: list[tuple[str, tuple[str, ...], int]] = []
        self.seen: list[Picture] = []
        """The pictures of all questions."""
        self.answering = asyncio.Event()
        """Cleared: questions wait until it is set."""
        self.answering.set()
        self.waiting = asyncio.Event()
        """Set once a question waits."""
        self.is_ready = self.is_healthy = True
        self.late: Callable[[Reply], Awaitable[None]] | None = None

    def say(self, name: str, category: Category, value: float) -> None:
        """Let one classifier score one category."""
        self.scores[name] = (Score(category, value),)
        self.silences.pop(name, None)

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        """See `gateway.ports.Classifiers`, as for every method below."""
        self.seen += pictures
        self.asked.append((message_id, tuple(names), deadline_ms))
        self.waiting.set()
        await self.answering.wait()
        return tuple([self._answer(name) for name in names])

    def ready(self) -> bool:
        return self.is_ready

    def healthy(self) -> bool:
        return self.is_healthy

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        self.late = apply

    def _answer(self, name: str) -> Answer:
        if name in self.silences:
            return Unanswered(name, self.silences[name])
        return Opinion(name, "1", self.scores.get(name, ()))


class LookingClassifiers(ScriptedClassifiers):
    """Whose ``image`` cannot judge a message unless it sees all of its media."""

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        """See `gateway.ports.Classifiers`."""
        answers = await super().ask(message_id, message, names, deadline_ms, pictures)
        blind = len(pictures) < len(message.media)
        return tuple(
            [
                Unanswered("image", Silence.UNSUPPORTED)
                if blind and answer.classifier == "image" and isinstance(answer, Opinion)
                else answer
                for answer in answers
            ]
        )


class ScriptedSources:
    """Says of every source what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.fact = SourceFact(False)
        self.fault: Fault | None = None
        self.asked: list[tuple[str, Repost, tuple[str, ...], int]] = []

    async def source(self, tenant_id: str, repost: Repost, texts: Sequence[str], at_ms: int) -> SourceFact:
        """See `gateway.ports.Sources`."""
        self.asked.append((tenant_id, repost, tuple(texts), at_ms))
        if self.fault is not None:
            raise self.fault
        return self.fact


class ScriptedUpstream:
    """Answers what it is told, and remembers what it was sent."""

    def __init__(self, journal: list[str]) -> None:
        self.answer = UpstreamAnswer(200, b'{"id":"up-1"}', "application/json")
        self.fault: Fault | None = None
        self.got: list[tuple[Tenant, str, Request]] = []
        self.answering = asyncio.Event()
        """Cleared: requests wait until it is set."""
        self.answering.set()
        self.waiting = asyncio.Event()
        """Set once a request waits."""
        self._journal = journal

    async def forward(self, tenant: Tenant, message_id: str, request: Request, content_hash: str) -> UpstreamAnswer:
        """See `gateway.ports.Upstream`."""
        self.got.append((tenant, message_id, request))
        self._journal.append("forward")
        self.waiting.set()
        await self.answering.wait()
        if self.fault is not None:
            raise self.fault
        return self.answer


class WatchedStore(MemoryStore):
    """The store in memory, which notes its writes in ``journal`` and fails as told.

    ``refuse`` names methods that raise and write nothing, ``doubt`` those that write and raise all the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[str] = []
        self.refuse: set[str] = set()
        self.doubt: set[str] = set()
        self.refuse_ids: set[str] = set()
        """Messages whose moves raise and write nothing."""
        self.before_commit: Callable[[], None] | None = None
        self.before_move: Callable[[], None] | None = None
        """Called once as the next one begins."""
        self.meet: asyncio.Barrier | None = None
        """Where readers of cases wait for each other, once, so that none has acted before all have read."""

    async def commit(self, owner: Owner, entry: Entry) -> KeyTaken | None:
        """See `gateway.ports.Store`, as for every method below."""
        self._fail("commit")
        if (meanwhile := self.before_commit) is not None:
            self.before_commit = None
            meanwhile()
        taken = await super().commit(owner, entry)
        self.journal.append(f"commit {entry.state}" if taken is None else "key taken")
        self._doubt("commit")
        return taken

    async def move(self, owner: Owner, transition: Transition) -> bool:
        self._fail("move")
        if transition.message_id in self.refuse_ids:
            raise StoreUnavailable("told to refuse this message")
        if (meanwhile := self.before_move) is not None:
            self.before_move = None
            meanwhile()
        moved = await super().move(owner, transition)
        self.journal.append(f"move {transition.state}" if moved else f"not moved {transition.state}")
        self._doubt("move")
        return moved

    async def tenant(self, tenant_id: str) -> Tenant | None:
        self._fail("tenant")
        return await super().tenant(tenant_id)

    async def cases(self, message_id: str) -> list[tuple[str, Case]]:
        found = await super().cases(message_id)
        if (meet := self.meet) is not None:
            await meet.wait()
            self.meet = None
        return found

    def _fail(self, method: str) -> None:
        if method in self.refuse:
            raise StoreUnavailable("told to refuse")

    def _doubt(self, method: str) -> None:
        if method in self.doubt:
            raise StoreUnavailable("told to leave it in doubt")
