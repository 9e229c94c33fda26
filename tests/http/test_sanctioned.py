"""A whole gateway: blocked messages warn and then restrict an account, and another process knows it too; an appeal
undoes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from classifiers.contract import Opinion, Question, Reply, Score
from deploy.local.postgres import Postgres
from gateway.adapters.cached import CachedRegistry
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlOperators, open_store
from gateway.app import create_app
from gateway.core.model import Account, AccountState, Registrant, RegistrantKind, VerificationState
from gateway.core.operators import Operator, Role
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.http.requests import hash_key
from gateway.settings import Settings
from tests.e2e.support import until
from tests.http.documented import Documented

PERSON = Registrant("reg-1", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "high")
SHIPPED = Path(__file__).resolve().parents[2] / "gateway" / "policy.yaml"


def judge(question: Question) -> Reply:
    """Classifiers for whom a text with "spam" in it is surely spam."""
    sure = 0.99 if any("spam" in text for text in question.texts) else 0.1
    answers = [Opinion(name, "1", (Score("spam", sure),) if name == "text" else ()) for name in question.ask]
    return Reply(question.correlation, question.message_id, question.tenant_id, tuple(answers))


@dataclass
class Served:
    """A gateway process as a chat app sees it, and what another process on the same database knows of the account."""

    app: FastAPI
    client: httpx.AsyncClient
    cache: CachedRegistry

    async def said(self, text: str) -> tuple[int, list[str]]:
        """What a message is answered: the status, and the codes of the reasons."""
        answer = await self.client.post("/v1/messages", json={"account_id": "acc-1", "text": text})
        return answer.status_code, [reason["code"] for reason in answer.json().get("reasons", [])]

    async def until(self, degrees: list[str]) -> None:
        """Wait until both processes know these degrees."""

        async def known() -> bool:
            here = (await self.client.get("/v1/accounts/acc-1")).json()["sanctions"]
            await self.cache.refresh()
            account = await self.cache.account("t1", "acc-1")
            assert account is not None
            there = [each.degree for each in account.sanctions]
            return [each["degree"] for each in here] == there == degrees

        await until(known, 20, f"{degrees} everywhere")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    yield server.create_database("sanctioned")
    server.drop_database("sanctioned")


@pytest.fixture
async def served(url: str, tmp_path: Path) -> AsyncIterator[Served]:
    """A gateway with the shipped policy, for which no two messages are one incident."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count("  incident_minutes: 60\n") == 1
    policy = tmp_path / "policy.yaml"
    policy.write_text(text.replace("  incident_minutes: 60\n", "  incident_minutes: 0\n"), encoding="utf-8")
    app = create_app(Settings(database_url=url, policy_file=policy), judge)
    async with open_store(url) as (store, register):
        await register.put_tenant(Tenant("t1", "One", "http://127.0.0.1:9/"), hash_key("app"), "test", 0)
        await register.put_account("t1", Account("acc-1", AccountState.ACTIVE, PERSON), "test", 0)
        await SqlOperators(store.database).add(Operator("Ann", Role.REVIEWER), hash_key("ann"), By("test", "test"), 0)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://gateway",
                headers={"Authorization": "Bearer app"},
                event_hooks={"response": [Documented().check]},
            ) as client,
        ):
            yield Served(app, client, CachedRegistry(register, SystemClock(), 100, 1000))


async def test_from_the_first_violation_to_the_appeal(served: Served) -> None:
    await served.until([])
    assert await served.said("spam, the first") == (403, ["content_violation"])
    await served.until(["warn"])
    answer = await served.client.post("/v1/decisions", json={"account_id": "acc-1", "text": "Good morning!"})
    assert answer.json()["decision"] == "allow", "a warning forbids nothing"

    assert await served.said("spam, the second") == (403, ["content_violation"])
    await served.until(["warn", "restrict"])
    assert await served.said("Good morning!") == (202, ["sanction_restrict"])

    assert await served.said("spam, the third") == (403, ["content_violation", "sanction_restrict"])
    await served.until(["warn", "restrict", "restrict"])

    ann = {"Authorization": "Bearer ann"}
    path = "/v1/admin/tenants/t1/sanctions"
    listed = (await served.client.get(f"{path}?account_id=acc-1", headers=ann)).json()["sanctions"]
    _, of_second, of_third = listed
    assert (of_third["days"], of_third["automatic"], of_third["why"]) == (7, True, "ladder")

    async def told() -> bool:
        found = (await served.client.get("/v1/accounts/acc-1/statements")).json()["statements"]
        return {each["sanction_id"] for each in listed} <= {each.get("sanction_id") for each in found}

    await until(told, 20, "a statement for each sanction")
    stated = (await served.client.get("/v1/accounts/acc-1/statements")).json()["statements"]
    [statement] = [each for each in stated if each.get("sanction_id") == of_second["sanction_id"]]
    assert (statement["restriction"], statement["automation"]) == ("restrict", "fully")
    mine = {"statement_id": statement["statement_id"], "text": "It was no spam.", "language": "en"}
    appeal = (await served.client.post("/v1/appeals", json=mine)).json()
    decided = await served.client.post(
        f"/v1/admin/tenants/t1/appeals/{appeal['appeal_id']}:decide",
        json={"outcome": "reversed", "reason": "ticket 12", "note": "You were right."},
        headers=ann,
    )
    assert decided.status_code == 200, decided.text
    await served.until(["warn", "restrict"])
    after = (await served.client.get(f"{path}?state=in_force", headers=ann)).json()["sanctions"]
    assert [(each["degree"], each["days"]) for each in after] == [("warn", None), ("restrict", 3)]
    for each in after:
        lifted = await served.client.post(
            f"{path}/{each['sanction_id']}:lift", json={"reason": "ticket 12"}, headers=ann
        )
        assert lifted.status_code == 200
    await served.until([])
