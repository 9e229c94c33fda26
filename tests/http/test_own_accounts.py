"""What a chat app is told of its own accounts."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    Sanction,
    VerificationState,
)
from tests.fakes import NOW_MS
from tests.http.keeping import DAY_MS, Keeping
from tests.world import TENANT

PERSON = Registrant("r-7", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "high", NOW_MS + DAY_MS)
GOOD = Account("acc-7", AccountState.ACTIVE, PERSON, term_ends_at=NOW_MS + 5)
NEWS = NewsAuthorisation("cn_licence", NewsKind.REPUBLISH, 0, NOW_MS + 9, domains=("news.example",))


async def told(desk: Keeping, account: Account) -> Any:
    """What the application is told of an account."""
    await desk.register.put_account(TENANT.tenant_id, account, "test", NOW_MS)
    response = await desk.ask("key-one", "GET", f"/v1/accounts/{account.account_id}")
    assert response.status_code == 200
    assert "r-7" not in response.text  # a registrant's id may lead to a person
    return response.json()


async def test_an_account_with_nothing_against_it(desk: Keeping) -> None:
    assert await told(desk, replace(GOOD, news=(NEWS,))) == {
        "account_id": "acc-7",
        "state": "active",
        "account_class": "standard",
        "term_ends_at": NOW_MS + 5,
        "private": False,
        "registrant": {
            "verified": True,
            "state": "verified",
            "framework": "eidas",
            "level": "high",
            "until": NOW_MS + DAY_MS,
        },
        "label": {
            "news": "republish",
            "scheme": "cn_licence",
            "licence_no": None,
            "issuer": None,
            "domains": ["news.example"],
            "until": NOW_MS + 9,
        },
        "sanctions": [],
        "decision": "allow",
        "reasons": [],
    }


async def test_the_label_tells_whose_licence_it_is(desk: Keeping) -> None:
    licence = {"holder": "person-1", "kind": "originate", "scheme": "manual", "licence_no": "N-1", "issuer": "Office"}
    times = {"valid_from": 0, "valid_to": NOW_MS + 1, "accounts": ["acc-1"], "reason": "ticket 12"}
    await desk.done("PUT", "/licences/l-1", {**licence, **times})
    label = (await desk.ask("key-one", "GET", "/v1/accounts/acc-1")).json()["label"]
    assert label == {
        "news": "originate",
        "scheme": "manual",
        "licence_no": "N-1",
        "issuer": "Office",
        "domains": [],
        "until": NOW_MS + 1,
    }
    await desk.done("POST", "/licences/l-1:revoke", {"reason": "ticket 13"})
    assert (await desk.ask("key-one", "GET", "/v1/accounts/acc-1")).json()["label"] is None


@pytest.mark.parametrize(
    ("account", "decision", "codes"),
    [
        (replace(GOOD, registrant=None), "block", ["registrant_missing"]),
        (replace(GOOD, registrant=replace(PERSON, expires_at=NOW_MS)), "block", ["registrant_expired"]),
        (
            replace(GOOD, registrant=replace(PERSON, state=VerificationState.REVIEW)),
            "hold",
            ["registrant_under_review"],
        ),
        (replace(GOOD, registrant=replace(PERSON, level="low")), "hold", ["registrant_assurance_insufficient"]),
        (replace(GOOD, state=AccountState.SUSPENDED), "block", ["account_suspended"]),
        (replace(GOOD, term_ends_at=NOW_MS), "block", ["account_term_ended"]),
        (replace(GOOD, sanctions=(Sanction(Degree.RESTRICT, 0),)), "hold", ["sanction_restrict"]),
        (replace(GOOD, sanctions=(Sanction(Degree.WARN, 0),)), "allow", []),
        (
            replace(GOOD, sanctions=(Sanction(Degree.RESTRICT, 0),), registrant=None),
            "block",
            ["registrant_missing", "sanction_restrict"],
        ),
        (replace(GOOD, registrant=None, private=True), "allow", []),
        (
            replace(GOOD, registrant=None, private=True, state=AccountState.CLOSED),
            "block",
            ["account_closed", "registrant_missing"],
        ),
    ],
)
async def test_what_is_missing_and_what_to_do(desk: Keeping, account: Account, decision: str, codes: list[str]) -> None:
    body = await told(desk, account)
    assert (body["decision"], [reason["code"] for reason in body["reasons"]]) == (decision, codes)
    assert all(reason["message"] for reason in body["reasons"])


async def test_only_sanctions_in_force_are_told(desk: Keeping) -> None:
    now, later = Sanction(Degree.WARN, 0, NOW_MS + 1), Sanction(Degree.SUSPEND, NOW_MS + 1)
    body = await told(desk, replace(GOOD, sanctions=(now, later, Sanction(Degree.RESTRICT, 0, NOW_MS))))
    assert body["sanctions"] == [{"degree": "warn", "starts_at": 0, "ends_at": NOW_MS + 1, "sanction_id": None}]


async def test_an_expired_verification_is_no_verification(desk: Keeping) -> None:
    body = await told(desk, replace(GOOD, registrant=replace(PERSON, expires_at=NOW_MS)))
    assert (body["registrant"]["verified"], body["registrant"]["until"]) == (False, NOW_MS)
    assert (await told(desk, replace(GOOD, registrant=None)))["registrant"] is None


async def test_anothers_account_is_not_there(desk: Keeping) -> None:
    await told(desk, GOOD)
    for key, account_id in (("key-two", "acc-7"), ("key-one", "none"), ("key-two", "none")):
        response = await desk.ask(key, "GET", f"/v1/accounts/{account_id}")
        assert (response.status_code, response.json()["code"]) == (404, "account_unknown")
    for key in ("key-admin", "scoped-viewer"):  # an operator's key is no application's
        assert (await desk.ask(key, "GET", "/v1/accounts/acc-7")).status_code == 401
