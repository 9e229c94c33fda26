"""Ready means warm: what a process asks its classifiers before it says that it admits requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from classifiers.contract import Answer, Picture, Silence, Unanswered
from classifiers.contract.warming import MESSAGE_ID, PICTURES, TEXTS
from gateway.core.model import Media, Message
from gateway.core.policy import PolicyInForce
from gateway.ports import Classifiers, Clock

_TRY_MS: Final = 2000
"""How long one question waits for its answers."""
_PAUSE_S: Final = 0.1
_SILENCES: Final = frozenset({Silence.TIMEOUT, Silence.UNAVAILABLE, Silence.FAILED})


class Warming:
    """Asks each classifier of the policy about texts, or pictures, until it has answered once. Nothing is decided and
    nothing recorded.

    The process is ready for the first time when all have answered, or after ``seconds`` in which they could have; those
    that have not are asked on and on, and `silent` names them.
    """

    def __init__(
        self,
        classifiers: Classifiers,
        policy: Callable[[], PolicyInForce],
        clock: Clock,
        seconds: float,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._classifiers = classifiers
        self._policy = policy
        self._clock = clock
        self._limit_ms = int(seconds * 1000)
        self._pause = pause
        self._since_ms: int | None = None
        self._answered: set[str] = set()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing has to be waited for any more. True for good once it was."""
        return self._is_over

    @property
    def silent(self) -> list[str]:
        """The classifiers of the policy that have not answered yet."""
        return [name for name in self._policy().policy.classifiers if name not in self._answered]

    async def run(self) -> None:
        """Ask until it is over, or the classifiers cannot be reached."""
        while not self._is_over and self._classifiers.ready():
            await self.ask()
            if not self._is_over:  # who cannot be asked says so at once
                await self._pause(_PAUSE_S)

    async def ask(self) -> None:
        """Ask those that have not answered yet, once, if they can be asked."""
        missing = self.silent
        if missing and self._classifiers.ready():
            now_ms = self._clock.steady_ms()
            self._since_ms = now_ms if self._since_ms is None else self._since_ms
            looking = self._policy().policy.looking()
            reading = [name for name in missing if name not in looking]
            found = await asyncio.gather(
                *[self._ask(reading, texts, ()) for texts in TEXTS],
                self._ask([name for name in missing if name in looking], (), PICTURES),
            )
            answers = [answer for some in found for answer in some]
            silent = {answer.classifier for answer in answers if not _has_judged(answer)}
            self._answered |= {answer.classifier for answer in answers} - silent
            over = self._clock.steady_ms() - self._since_ms >= self._limit_ms
            self._is_over = self._is_over or over
        self._is_over = self._is_over or not self.silent

    async def _ask(
        self, names: Sequence[str], texts: tuple[str, ...], pictures: tuple[Picture, ...]
    ) -> tuple[Answer, ...]:
        if not names:
            return ()
        media = tuple([Media(picture.content_type) for picture in pictures])
        message = Message("", "", "native", texts, "0" * 64, media)
        deadline_ms = self._clock.now_ms() + _TRY_MS
        return await self._classifiers.ask(MESSAGE_ID, message, names, deadline_ms, pictures)


def _has_judged(answer: Answer) -> bool:
    return not (isinstance(answer, Unanswered) and answer.silence in _SILENCES)
