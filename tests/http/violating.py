"""Violations by an account of `Keeping`, with what follows from them."""

from __future__ import annotations

from gateway.adapters.sql import SqlFollower
from gateway.core.model import MessageState
from gateway.core.records import Entry, Owner, Request
from tests.contract.punishing import blocked
from tests.http.keeping import Keeping
from tests.world import submission


async def violate(desk: Keeping, number: int, at_ms: int, category: str = "spam") -> str:
    """Let ``acc-1`` be blocked for its content, and what follows be written; the message's id."""
    lease = await desk.store.lease(f"process-{number}", 8, 10**6, at_ms)
    assert lease is not None
    owner: Owner = lease.owner
    new = Entry(
        message_id=f"m-{number}",
        decision_id=f"d-{number}",
        message=submission(f"text {number}").message,
        request=Request(b"{}", "application/json"),
        case=blocked(category),
        state=MessageState.BLOCKED,
        forwards=True,
        at_ms=at_ms,
    )
    assert await desk.store.commit(owner, new) is None
    follower = SqlFollower(desk.store.database, [desk.desk.sanctions])  # type: ignore[list-item]
    while await follower.follow(owner.slot, at_ms):
        pass
    await desk.store.release(owner)
    return new.message_id
