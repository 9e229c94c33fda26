"""A thousand holds after the classifiers were away for long: they resolve as fast as the bus can take them."""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic

from deploy.local.stack import Stack
from tests.e2e.books import nothing_waits, query, rows
from tests.e2e.support import Connection, body_of, children, ready, tell, until

HOLDS = 1000
CLIENTS = 50
RESOLVE_SECONDS = 60


async def test_a_thousand_holds_resolve_soon_after_the_classifiers_are_back(hasty_stack: Stack) -> None:
    stack = hasty_stack
    supervisor = await asyncio.to_thread(stack.start_gateway, 2)
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "both processes ready")
    began = monotonic()
    statuses = Counter[int]()

    async def client(share: int) -> None:
        async with Connection(stack.port) as connection:
            for number in range(share, HOLDS, CLIENTS):
                answer = await connection.publish(body_of(f"The library opens at nine today ({number})."))
                statuses[answer.status] += 1

    await asyncio.gather(*(client(share) for share in range(CLIENTS)))
    assert statuses == {202: HOLDS}
    held = monotonic() - began

    async def put_off() -> bool:
        later = await query(stack, "SELECT count(*) FROM messages WHERE rechecks >= 3")
        return bool(later[0][0] >= HOLDS // 2)

    waited = await until(put_off, 180, "the holds to be put off for longer than a try")
    await asyncio.to_thread(stack.start_worker)
    took = await until(lambda: nothing_waits(stack), RESOLVE_SECONDS, "every hold to resolve")
    tell(f"{HOLDS} held within {held:.0f} s, put off {waited:.0f} s later; all resolved {took:.1f} s after the worker")
    assert Counter(row.state for row in (await rows(stack)).values()) == {"published": HOLDS}
