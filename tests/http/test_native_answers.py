"""What a route says of itself: its own answers, the time after which to try again, that without words it passes."""

from __future__ import annotations

from pathlib import Path

from gateway.core.model import Account, AccountState, Degree, Sanction
from tests.http.moderated import ROUTES, site
from tests.policies import policy
from tests.world import ACCOUNT

RESTRICTED = Account("acc-limited", AccountState.ACTIVE, ACCOUNT.registrant, sanctions=(Sanction(Degree.RESTRICT, 0),))
HOOK = '{limited: {status: 429, headers: {Retry-After: "{retry_after:int}"}, text: "no: {code}"}}'
WITH_HOOK = ROUTES.replace(
    "routes:\n",
    f'routes:\n  - {{id: hook, methods: [POST], path: "/hooks/{{hook}}", text: [json:text], answers: {HOOK}}}\n',
)


async def test_a_route_answers_in_its_own_words_and_says_when_to_try_again(tmp_path: Path) -> None:
    async with site(tmp_path, WITH_HOOK) as chatty:
        await chatty.put(RESTRICTED)
        chatty.me(RESTRICTED.account_id)
        chatty.world.policy = policy(("restrict: hold", "restrict: block"))

        answer = await chatty.client.post("/hooks/h1", json={"text": "hello"}, headers={"Authorization": "Bearer b"})

        assert (answer.status_code, answer.text) == (429, "no: sanction_restrict")
        assert answer.headers["retry-after"] == "3600"
        assert (await chatty.post(token="b")).json()["kind"] == "limited"


async def test_a_body_that_cannot_be_read_is_refused_in_the_route_s_own_words(tmp_path: Path) -> None:
    routes = WITH_HOOK.replace(
        "{limited: {status: 429,", '{malformed: {status: 422, text: "unreadable"}, limited: {status: 429,'
    )
    async with site(tmp_path, routes) as chatty:
        chatty.me(ACCOUNT.account_id)

        answer = await chatty.client.post("/hooks/h1", content=b"{", headers={"Authorization": "Bearer b"})

        assert (answer.status_code, answer.text) == (422, "unreadable")


async def test_a_request_without_words_passes_where_the_route_says_so(tmp_path: Path) -> None:
    routes = ROUTES.replace("text: [json:text], target: path:room, body: [json]", "text: [json:text], if_empty: pass")
    async with site(tmp_path, routes) as chatty:
        await chatty.put(RESTRICTED)
        chatty.me(RESTRICTED.account_id)
        chatty.plays()

        assert (await chatty.post("")).headers["x-upstream"] == "1"
        assert await chatty.states() == [], "nothing was decided"
        assert (await chatty.post("hello")).json()["kind"] == "held"
        assert len(chatty.peer.requests) == 2, "one asked who calls, one passed"
