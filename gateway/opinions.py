"""What the classifiers say of a message: of its texts at once, of its pictures as soon as their bytes are here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from classifiers.contract import Answer, Silence, Unanswered
from gateway.core.fetchable import Missing
from gateway.core.model import Message
from gateway.core.policy import Policy
from gateway.core.records import Request
from gateway.ports import Classifiers, Pictures
from gateway.stages import Stage


class Opinions:
    """Asks about one message at a time, with one deadline for everything. Without ``pictures`` no bytes are asked
    about, and a classifier of pictures says that it cannot judge. With them it is asked when all of them are here."""

    def __init__(self, classifiers: Classifiers, pictures: Pictures | None = None) -> None:
        self._classifiers = classifiers
        self._pictures = pictures

    async def __call__(
        self, message_id: str, message: Message, request: Request, policy: Policy, deadline_ms: int
    ) -> tuple[Message, tuple[Answer, ...]]:
        """One answer for each classifier that the policy asks about such a message, in its order; and the message, with
        the hash of each picture that was fetched."""
        names = policy.ask(bool(message.media))
        looking = policy.looking() if message.media else ()
        if self._pictures is None or not looking:
            return message, await self._classifiers.ask(message_id, message, names, deadline_ms)
        reading = tuple([name for name in names if name not in looking])
        read, (message, seen) = await asyncio.gather(
            self._read(message_id, message, reading, deadline_ms),
            self._look(self._pictures, message_id, message, request, looking, deadline_ms),
        )
        given = {answer.classifier: answer for answer in (*read, *seen)}
        return message, tuple([given[name] for name in names])

    async def _read(
        self, message_id: str, message: Message, names: Sequence[str], deadline_ms: int
    ) -> tuple[Answer, ...]:
        return await self._classifiers.ask(message_id, message, names, deadline_ms) if names else ()

    async def _look(
        self,
        pictures: Pictures,
        message_id: str,
        message: Message,
        request: Request,
        names: Sequence[str],
        deadline_ms: int,
    ) -> tuple[Message, tuple[Answer, ...]]:
        async with AsyncExitStack() as kept:
            with Stage("pictures"):
                brought = await kept.enter_async_context(pictures.bring(message, request, deadline_ms))
            if (silence := _unseen(brought.missing)) is not None:
                return message, tuple([Unanswered(name, silence) for name in names])
            answers = await self._classifiers.ask(message_id, brought.message, names, deadline_ms, brought.pictures)
            return brought.message, answers


def _unseen(missing: frozenset[Missing]) -> Silence | None:
    """Why nobody is asked about pictures of which some are missing; None if the classifiers have to say."""
    if Missing.CROWDED in missing:
        return Silence.UNAVAILABLE  # for want of room in this process only: such a hold is asked about again
    if not missing or Missing.NO_PICTURE in missing:
        return None  # a film, say: that it cannot be judged is theirs to say
    return Silence.INCOMPLETE
