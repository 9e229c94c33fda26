"""A platform before a gateway process: real sockets on both sides, a route map with everything, ports in memory."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from classifiers.contract import Silence
from gateway.adapters.fetching import Fetcher, FetchLimits
from gateway.adapters.keys import FileSealer, new_keys
from gateway.adapters.origin import HttpOrigin
from gateway.adapters.pictures import WebPictures
from gateway.adapters.sealed_upstream import SealedUpstream
from gateway.core.model import Account, MessageState, Outcome
from gateway.core.policy import PolicyInForce
from gateway.core.quota import HoldQuota
from gateway.http.budget import Budget
from gateway.http.platforms import Moderate
from gateway.http.rate import Rate
from gateway.identify import Identify
from gateway.perform import Perform
from gateway.platforms import routemap
from gateway.platforms.listeners import Listener
from gateway.ports import Classifiers
from gateway.publish import Publish
from gateway.review import Review, resolve_by_person
from tests.fakes import ScriptedClassifiers
from tests.http.proxying import Front, front
from tests.peer import Peer, Play
from tests.world import ACCOUNT, TENANT, World, open_world

ROUTES = """
platform: chatty
account: bearer
learn_account:
  path: /me
  headers: {Authorization: "Bearer {credential}"}
  account: json:id
passes: ["PUT /upload"]
routes:
  - {id: send, methods: [PUT], path: "/rooms/{room}/{txn}", text: [json:text], target: path:room, idempotency: path:txn}
  - {id: post, methods: [POST], path: "/rooms/{room}", text: [json:text], target: path:room, body: [json]}
  - {id: draft, methods: [POST], path: /drafts, text: [json:text], remember: [json:draft]}
  - {id: submit, methods: [POST], path: /submit, refs: [json:draft]}
  - id: token
    kind: watch
    methods: [POST]
    path: /token
    learn: {credential: json:token, account: json:app, expires: json:seconds}
verdicts: {field: json:code, good: [0, null], expired: [401]}
answers:
  blocked: {status: 403, body: {kind: blocked, error: "{message}", code: "{code}", id: "{message_id}"}}
  held: {status: 202, body: {kind: held, error: "{message}", id: "{message_id}"}}
  limited: {status: 403, body: {kind: limited, error: "{message}"}}
  unavailable: {status: 503, body: {kind: unavailable, error: "{message}"}}
  malformed: {status: 400, body: {kind: malformed, error: "{message}"}}
"""

ASKS, HOLDS = 5, 4
"""How often a client may be asked about in vain, and leave a hold that is nobody's, in a minute."""
BOT, STRANGER = "bot-token", "stranger-token"


@dataclass
class Site:
    """A listener, the upstream behind it, and the gateway's inside."""

    world: World
    peer: Peer
    front: Front
    review: Review
    publish: Publish
    client: httpx.AsyncClient
    sealer: FileSealer
    budget: Budget
    strangers: Budget

    def me(self, account_id: str | None) -> None:
        """What the platform says next when it is asked who calls; None: it does not know."""
        if account_id is None:
            self.plays(b'{"error":"who?"}', "401 Unauthorized")
        else:
            self.plays(json.dumps({"id": account_id}).encode())

    def plays(self, body: bytes = b"{}", status: str = "200 OK", **fields: Any) -> None:
        """What the upstream answers next."""
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-Upstream: 1\r\nContent-Length: {len(body)}"
        self.peer.plays.append(Play(head.encode() + b"\r\n\r\n" + body, **fields))

    async def put(self, account: Account) -> None:
        """Register an account."""
        await self.world.put(account)

    async def post(self, text: str = "hello", token: str = BOT, **fields: Any) -> httpx.Response:
        """Publish to a room."""
        return await self.client.post("/rooms/1", json={"text": text}, headers=_bearer(token), **fields)

    async def send(self, txn: str, text: str = "hello", token: str = BOT) -> httpx.Response:
        """Publish under a transaction id."""
        return await self.client.put(f"/rooms/1/{txn}", json={"text": text}, headers=_bearer(token))

    async def hold(self) -> str:
        """A message that waits because a classifier is silent; its id."""
        self.me(ACCOUNT.account_id)
        self.world.classifiers.silences["text"] = Silence.TIMEOUT
        message_id: str = (await self.post()).json()["id"]
        return message_id

    async def release(self, message_id: str) -> None:
        """A person lets it go, and the queue sends it."""
        world, stored = self.world, await self.world.stored(message_id)
        released = await resolve_by_person(
            world.store, world.store, world.clock, world.policy, stored, Outcome.ALLOW, "mo", "fine"
        )
        assert released
        await self.review.forward_queued()

    async def states(self) -> list[MessageState]:
        """The states of all messages, oldest first."""
        found = [await self.world.store.in_state(state, 100) for state in MessageState]
        kept = sorted((one.created_ms, one.message_id, one.state) for some in found for one in some)
        return [state for _, _, state in kept]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextlib.asynccontextmanager
async def site(
    tmp_path: Path,
    routes: str = ROUTES,
    classifiers: ScriptedClassifiers | None = None,
    bus: Classifiers | None = None,
    policy: PolicyInForce | None = None,
    quota: HoldQuota | None = None,
    **fields: Any,
) -> AsyncIterator[Site]:
    """Everything, until the block ends. ``bus`` stands for real classifiers, ``fields`` are the listener's."""
    world = await open_world(classifiers=classifiers)
    if policy is not None:
        world.policy = policy
    new_keys(tmp_path / "keys.json")
    sealer = FileSealer(tmp_path / "keys.json")
    origin = HttpOrigin()
    async with Peer() as peer:
        made = Listener(
            name="chatty",
            platform="chatty",
            tenant=TENANT.tenant_id,
            port=1,
            upstream=f"http://{peer.netloc}",
            **fields,
        )
        made.use(routemap.load(routes))
        upstream = SealedUpstream(world.upstream, origin, sealer, {made.name: made}, seconds=5.0)
        perform = Perform(world.store, upstream, world.clock, world.lease)
        ports: dict[str, Any] = {
            "registry": world.store,
            "classifiers": bus or world.classifiers,
            "store": world.store,
            "perform": perform,
            "policy": lambda: world.policy,
            "clock": world.clock,
        }
        fetcher = Fetcher(FetchLimits())
        ports["pictures"] = WebPictures(fetcher, sealer, world.clock, 1 << 20)
        publish, review = Publish(**ports, limit=8, quota=quota), Review(**ports, ask_again_ms=2000)
        budget, strangers = Budget(1 << 20), Budget(1 << 20)
        moderate = Moderate(
            publish=publish,
            registry=world.store,
            identify=Identify(world.store, origin, sealer, world.clock),
            references=world.store,
            sealer=sealer,
            origin=origin,
            clock=world.clock,
            read_seconds=5.0,
            budget=budget,
            strangers=strangers,
            asks=Rate(ASKS, 60.0, 10 * ASKS, 100),
            holds=Rate(HOLDS, 60.0, 10 * HOLDS, 100),
        )
        async with (
            front(made, moderate, origin, moderate.note) as listening,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.port}") as client,
        ):
            yield Site(world, peer, listening, review, publish, client, sealer, budget, strangers)
        fetcher.close()
