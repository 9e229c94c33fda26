"""What the audit chain tells, as it is read again for what follows from it: queues, strikes, statements, notices.

Whoever decides something writes one row. What follows from it is written by those who follow the chain, so the hot path
knows nothing of them, and nothing is forgotten when a process dies.
"""

from __future__ import annotations

from typing import Any

from classifiers.contract import Value
from gateway.core.model import Case, Message, MessageState


class MessageStep(Value, frozen=True):
    """A message that was held, blocked, released or rejected, or decided on anew.

    ``before`` is None for a new message. ``decision_id`` and ``case`` are of the decision that was taken with this
    step, None where none was. ``created_ms`` is when the message came (unix ms), ``at_ms`` when the step was taken.
    """

    at_ms: int
    message_id: str
    before: MessageState | None
    after: MessageState
    actor: str
    note: str
    message: Message
    created_ms: int
    decision_id: str | None = None
    case: Case | None = None

    @property
    def tenant_id(self) -> str:
        """Whose account it is about."""
        return self.message.tenant_id


class Act(Value, frozen=True):
    """An act of one of the kinds `gateway.core.audit.FOLLOWED`. ``act`` is its name, ``body`` the row's whole body."""

    at_ms: int
    kind: str
    act: str
    actor: str
    tenant_id: str
    body: dict[str, Any]


Happened = MessageStep | Act
