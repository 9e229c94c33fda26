"""Opinions remembered for a while: what the classifiers said of a text, they need not say again of the same text."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import Final

from classifiers.contract import Answer, Opinion, Picture, Reply
from gateway import metrics
from gateway.core.model import Message
from gateway.ports import Classifiers, Clock
from gateway.settings import RememberSettings

_ENTRY_BYTES: Final = 400
_OPINION_BYTES: Final = 300
_SCORE_BYTES: Final = 90
_SPAN_BYTES: Final = 140
"""What they take in memory, as measured and rounded up."""
_AT_ONCE_BYTES: Final = 256 * 1024
"""Hashing more than this is left to a thread: it would hold up the event loop for a millisecond and longer."""


@dataclass(slots=True)
class _Entry:
    """The opinions on one content, by classifier. It begins with the first of them, and ends with all."""

    since_ms: int
    opinions: dict[str, Opinion] = field(default_factory=dict)
    size: int = _ENTRY_BYTES


class RememberedClassifiers:
    """See `gateway.ports.Classifiers`. Asks ``classifiers`` only for opinions that it does not remember.

    ``versions`` tells in which version each classifier runs, as far as it is certain at this moment. An opinion is
    remembered and given only under that version, so nothing is where nothing is certain, and a change empties the
    memory. Nor is an opinion remembered that depends on more than the content (`Opinion.lasting`), or a silence. One
    tenant gets nothing that was said to another, whose texts could be told from how fast the answer is.

    Questions that ask the same at once are each asked: a late reply finds its hold by the question's message.
    """

    def __init__(
        self,
        classifiers: Classifiers,
        versions: Callable[[], Mapping[str, str]],
        clock: Clock,
        settings: RememberSettings,
    ) -> None:
        self._classifiers = classifiers
        self._versions = versions
        self._clock = clock
        self._lives_ms = int(settings.seconds * 1000)
        self._most = settings.entries
        self._budget = settings.budget
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._size = 0
        self._seen: Mapping[str, str] = {}
        self._under: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """About how many bytes the memory takes."""
        return self._size

    def ready(self) -> bool:
        """See `gateway.ports.Classifiers`, as for every method below."""
        return self._classifiers.ready()

    def healthy(self) -> bool:
        return self._classifiers.healthy()

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        # A late reply does not tell what was asked, so nothing of it is remembered.
        self._classifiers.on_late(apply)

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        versions = self._certain()
        # After the deadline there is no answer, whoever would give it.
        if deadline_ms <= self._clock.now_ms() or not any(name in versions for name in names):
            metrics.child(metrics.REMEMBERED, "off").inc()
            return await self._classifiers.ask(message_id, message, names, deadline_ms, pictures)
        if sum([len(picture.data) for picture in pictures]) > _AT_ONCE_BYTES:
            key = await asyncio.to_thread(content_key, message, pictures)
        else:
            key = content_key(message, pictures)
        given: dict[str, Answer] = {**self._find(key, names)}
        missing = [name for name in names if name not in given]
        metrics.child(metrics.REMEMBERED, "part" if missing and given else "none" if missing else "whole").inc()
        if missing:
            answers = await self._classifiers.ask(message_id, message, tuple(missing), deadline_ms, pictures)
            self._keep(key, answers)
            given.update(zip(missing, answers, strict=True))
        return tuple([given[name] for name in names])

    def _certain(self) -> Mapping[str, str]:
        """The versions of this moment. When one is another than before, everything is forgotten."""
        versions = self._versions()
        if versions is not self._seen:
            self._seen = versions
            under = self._under
            if any(under.get(name, version) != version for name, version in versions.items()):
                self._forget(len(self._entries), "version")
            under.update(versions)
        return versions

    def _find(self, key: bytes, names: Sequence[str]) -> dict[str, Opinion]:
        versions = self._certain()
        entry = self._entries.get(key)
        if entry is None:
            return {}
        if not 0 <= self._clock.now_ms() - entry.since_ms < self._lives_ms:
            self._entries.move_to_end(key, last=False)
            self._forget(1, "age")
            return {}
        self._entries.move_to_end(key)
        found = [entry.opinions[name] for name in names if name in entry.opinions]
        return {opinion.classifier: opinion for opinion in found if opinion.version == versions.get(opinion.classifier)}

    def _keep(self, key: bytes, answers: Sequence[Answer]) -> None:
        versions = self._certain()
        lasting = [
            answer
            for answer in answers
            if isinstance(answer, Opinion) and answer.lasting and answer.version == versions.get(answer.classifier)
        ]
        if not lasting:
            return
        entry = self._entries.setdefault(key, _Entry(self._clock.now_ms()))
        self._entries.move_to_end(key)
        before = entry.size if entry.opinions else 0
        for opinion in lasting:
            if (old := entry.opinions.get(opinion.classifier)) is not None:
                entry.size -= _size(old)
            entry.opinions[opinion.classifier] = opinion
            entry.size += _size(opinion)
        self._size += entry.size - before
        while len(self._entries) > self._most or self._size > self._budget:
            self._forget(1, "room")
        self._show()

    def _forget(self, number: int, reason: str) -> None:
        """Forgets so many of the entries, from that on which was longest unused."""
        if number == len(self._entries):
            self._entries.clear()
            self._size = 0
        else:
            for _ in range(number):
                self._size -= self._entries.popitem(last=False)[1].size
        if number:
            metrics.child(metrics.FORGOTTEN, reason).inc(number)
        self._show()

    def _show(self) -> None:
        metrics.REMEMBERED_ENTRIES.set(len(self._entries))
        metrics.REMEMBERED_BYTES.set(self._size)


def content_key(message: Message, pictures: Sequence[Picture]) -> bytes:
    """SHA-256 of all that may decide a lasting opinion: the tenant, the texts, the media types, the pictures' bytes."""
    digest = hashlib.sha256()
    parts: list[bytes] = [message.tenant_id.encode("utf-8", "surrogatepass")]
    parts += [text.encode("utf-8", "surrogatepass") for text in message.texts]
    parts += [media.content_type.encode("utf-8", "surrogatepass") for media in message.media]
    for picture in pictures:
        parts += [picture.content_type.encode("utf-8", "surrogatepass"), picture.data]
    # Counts and lengths go before, so that no two contents make the same bytes.
    counts = (len(message.texts), len(message.media), len(pictures))
    digest.update(pack(f">{3 + len(parts)}Q", *counts, *[len(part) for part in parts]))
    for part in parts:
        digest.update(part)
    return digest.digest()


def _size(opinion: Opinion) -> int:
    spans = sum([len(score.spans) for score in opinion.scores])
    return _OPINION_BYTES + _SCORE_BYTES * len(opinion.scores) + _SPAN_BYTES * spans
