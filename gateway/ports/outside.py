"""What a decision needs of the world around it: time, classifiers, the chat app, and who is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from classifiers.contract import Answer, Picture, Reply
from gateway.core.fetchable import Missing
from gateway.core.model import Message
from gateway.core.records import AuditRow, Request, Tenant, UpstreamAnswer


class Clock(Protocol):
    """Time and fresh identifiers, so that tests can hold both still."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""

    def steady_ms(self) -> int:
        """Milliseconds since some moment, which go on evenly whatever is done to the time of day. Only differences mean
        something, and only in this process."""

    def new_id(self) -> str:
        """A new identifier, unique and sortable by time of creation (32 hexadecimal digits)."""


class Classifiers(Protocol):
    """The classifiers, wherever they run."""

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        """One answer for each name, in order, by the deadline (unix ms) at the latest. Never raises a fault: a
        classifier that did not answer is `Unanswered`. A question with ``pictures`` keeps none without them waiting."""

    def ready(self) -> bool:
        """Whether the position in the replies is known, so that no reply to a question asked from now on is missed."""

    def healthy(self) -> bool:
        """Whether a question asked now is likely to be answered; while it is not, messages are held."""

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        """Hand replies that came after their question's deadline to ``apply``."""


class Upstream(Protocol):
    """The chat app's real publish API."""

    async def forward(self, tenant: Tenant, message_id: str, request: Request, content_hash: str) -> UpstreamAnswer:
        """Send the request's bytes as they are, once. ``content_hash`` is that of the message that was judged: a sealed
        request opens for no other.

        Raises `UpstreamNotReached` or `UpstreamUnknown`.
        """


class Events(Protocol):
    """Decisions announced to downstream systems, at least once each, in the order of their chain."""

    async def announce(self, rows: Sequence[AuditRow]) -> None:
        """Return when the rows are safe downstream. Raises `Fault` when they are not, or may not be."""


@dataclass(frozen=True, slots=True)
class Brought:
    """The pictures of a message that could be had, in its order, and the message: what was fetched by address now has
    its ``sha256``. ``missing``: why others could not."""

    message: Message
    pictures: tuple[Picture, ...]
    missing: frozenset[Missing] = frozenset()


class Pictures(Protocol):
    """The bytes of a message's pictures: from its request, or from where it says they are."""

    def bring(self, message: Message, request: Request, deadline_ms: int) -> AbstractAsyncContextManager[Brought]:
        """Get hold of them by the deadline (unix ms) at the latest, and keep them for as long as the block lasts.

        A picture that cannot be had is left out; that raises nothing. Media with an address and a ``sha256`` were
        judged before, and are left out unless the same bytes are still there.
        """
