"""Accounts: found by id, shown without personal data, which is revealed for a reason only."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import orjson
import pytest
from sqlalchemy import text

from gateway.core.audit import ADMINISTRATORS, subject
from gateway.core.model import Account, AccountState
from gateway.core.registration import By, ChangeAccount
from tests.fakes import NOW_MS
from tests.http.console.visiting import House, Visitor, text_of
from tests.http.keeping import CANARY, RULES
from tests.policies import policy

ACCOUNT = "/accounts/t1/acc-1"


async def ids(visitor: Visitor, path: str) -> tuple[list[str], str | None]:
    """The accounts on a page of the search, and where it goes on."""
    page = await visitor.get(path)
    assert page.status_code == 200
    following = re.search(r'rel="next" href="([^"]+)"', page.text)
    found = re.findall(r'href="/console/accounts/[^/"]+/([^/"]+)"', page.text)
    return found, unescape(following[1]).removeprefix("/console") if following else None


async def test_accounts_are_found_by_how_their_ids_begin(house: House, admin: Visitor) -> None:
    for number in range(120):
        account = Account(f"shop-{number:03}", AccountState.ACTIVE)
        await house.keeping.register.put_account("t1", account, "test", house.clock.now)
    assert await ids(admin, "/accounts?tenant=t1&q=acc-") == (["acc-1", "acc-2", "acc-3"], None)
    found: list[str] = []
    path: str | None = "/accounts?tenant=t1&q=shop-"
    pages = 0
    while path is not None:
        more, path = await ids(admin, path)
        found, pages = found + more, pages + 1
    assert (found, pages) == ([f"shop-{number:03}" for number in range(120)], 3)
    assert await ids(admin, "/accounts?tenant=t2&q=shop-") == ([], None)
    assert (await ids(admin, "/accounts?tenant=t1&q=%25"))[0] == []  # no pattern
    assert (await ids(admin, "/accounts"))[0] == []  # of which tenant?
    assert (await admin.get("/accounts?tenant=none")).status_code == 404


async def test_a_suspended_renewal_is_named_as_the_policy_means_it(house: House, admin: Visitor) -> None:
    page = text_of(await admin.get(ACCOUNT))
    assert ("Renewal suspended" in page, "Updates suspended" in page) == (True, False)
    house.keeping.world.policy = policy(
        (
            "suspend_renewal: allow, suspend: block, close: block}",
            "suspend_renewal: hold, suspend: block, close: block}",
        ),
        ("  suspended: block", "  suspended: block\n  suspend_renewal_means: updates"),
    )
    page = text_of(await admin.get(ACCOUNT))
    assert ("Renewal suspended" in page, "Updates suspended" in page) == (False, True)


async def test_who_keeps_one_tenant_need_not_choose_it(house: House) -> None:
    async with await house.signed_in("our viewer") as visitor:
        assert (await ids(visitor, "/accounts?q=acc"))[0] == ["acc-1", "acc-2", "acc-3"]
        assert (await visitor.get("/accounts?tenant=t2")).status_code == 404
        assert (await visitor.get("/accounts/t2/acc-1")).status_code == 404


async def test_that_an_account_becomes_private_is_agreed_to_by_another_person(house: House) -> None:
    async def private() -> tuple[bool, bool]:
        found = await house.keeping.desk.registrar.registered("t1", "acc-1")
        assert found is not None
        return found.account.private, found.proposal is not None

    change, by = ChangeAccount("acc-1", private=True), By("the registrar", "a bot for staff")
    registrar = house.keeping.desk.registrar
    await registrar.carry_out("t1", change, by, RULES, NOW_MS)
    why = {"reason": "ticket 7"}
    async with await house.signed_in("the registrar") as proposer, await house.signed_in("the viewer") as viewer:
        page = await proposer.get(ACCOUNT)
        assert "a bot for staff" in text_of(page)
        assert ("/withdraw-private" in page.text, "/agree-private" in page.text) == (True, False)
        refused = await proposer.post(f"{ACCOUNT}/agree-private", why)
        assert (refused.status_code, "another person has to agree" in text_of(refused)) == (409, True)
        seen = await viewer.get(ACCOUNT)
        assert ("a bot for staff" in text_of(seen), "-private" in seen.text.split("<main")[1]) == (True, False)
        assert await private() == (False, True)
        withdrawn = await proposer.post(f"{ACCOUNT}/withdraw-private", why)
        assert withdrawn.headers["location"] == f"/console{ACCOUNT}?done=private_withdrawn"
        assert await private() == (False, False)
        assert "a bot for staff" not in (await proposer.get(ACCOUNT)).text.split("history-title")[0]
    await registrar.carry_out("t1", change, by, RULES, NOW_MS)
    async with await house.signed_in("our admin") as admin:
        assert "/agree-private" in (await admin.get(ACCOUNT)).text
        agreed = await admin.post(f"{ACCOUNT}/agree-private", why)
        assert agreed.headers["location"] == f"/console{ACCOUNT}?done=private_agreed"
        assert await private() == (True, False)
        late = await admin.post(f"{ACCOUNT}/agree-private", why)
        assert (late.status_code, "Nobody proposes it any more." in text_of(late)) == (409, True)


async def test_an_account_is_shown_with_what_is_known_of_it(admin: Visitor) -> None:
    page = text_of(await admin.get(ACCOUNT))
    for words in ("acc-1", "Active", "Name 1", "person-1", "Person", "CreateAccount", "setting up"):
        assert words in page
    assert CANARY not in page
    assert (await admin.get("/accounts/t1/acc-4")).status_code == 404
    assert (await admin.get("/accounts/t1/acc-4%00")).status_code == 404


async def test_its_history_goes_back_in_pages(house: House, admin: Visitor) -> None:
    for number in range(70):
        account = Account("acc-1", AccountState.ACTIVE if number % 2 else AccountState.SUSPENDED)
        await house.keeping.register.put_account("t1", account, f"actor-{number}", house.clock.now + number)
    rows = await house.console.audit.about("t1", subject("account", "acc-1"), None, 1000)
    first = await admin.get(ACCOUNT)
    onward = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert onward is not None
    second = await admin.client.get(unescape(onward[1]))
    seqs = [int(each) for page in (first, second) for each in re.findall(r"row (\d+)</summary>", page.text)]
    assert seqs == [row.seq for row in rows]


async def test_personal_data_is_told_once_and_who_asked_why_is_on_record(house: House, admin: Visitor) -> None:
    before = await house.acts()
    page = await admin.get(ACCOUNT)
    assert (CANARY in page.text, "Reveal personal data" in page.text) == (False, True)
    assert await house.acts() == before
    told = await admin.post(f"{ACCOUNT}/reveal", {"reason": "ticket 7"})
    assert (told.status_code, CANARY in told.text, "canary@quux.example" in told.text) == (200, True, True)
    assert told.headers["cache-control"] == "no-store"
    rows = [row async for row in house.keeping.store.audit() if row.chain == ADMINISTRATORS]
    body = orjson.loads(rows[-1].body)
    assert (body["actor"], body["reason"], body["act"]) == ("the admin", "ticket 7", "RevealPersonal")
    assert CANARY not in rows[-1].body
    assert CANARY not in (await admin.get(ACCOUNT)).text


async def test_one_field_is_told_where_one_was_asked_for(admin: Visitor) -> None:
    told = await admin.post(f"{ACCOUNT}/reveal", {"reason": "ticket 7", "fields": "email"})
    assert (CANARY in told.text, "canary@quux.example" in told.text) == (False, True)
    wrong = await admin.post(f"{ACCOUNT}/reveal", {"reason": "ticket 7", "fields": "shoe_size"})
    assert (wrong.status_code, 'id="f-fields-more"' in wrong.text) == (422, True)


async def test_a_reason_may_not_quote_what_it_asks_for(house: House, admin: Visitor) -> None:
    before = await house.acts()
    refused = await admin.post(f"{ACCOUNT}/reveal", {"reason": f"is this {CANARY}?"})
    assert refused.status_code == 422
    assert "say it without the registrant" in unescape(refused.text)
    assert "canary@quux.example" not in refused.text
    assert await house.acts() == before


@pytest.mark.parametrize("name", ["the viewer", "the registrar", "the reviewer", "the policy", "our viewer"])
async def test_nobody_else_is_offered_it(house: House, name: str) -> None:
    async with await house.signed_in(name) as visitor:
        page = text_of(await visitor.get(ACCOUNT))
    assert ("Reveal" in page, "told to administrators only" in page) == (False, True)


async def test_without_a_master_key_there_is_nothing_to_reveal(house: House, admin: Visitor) -> None:
    desk = replace(house.console.desk, personal=None)
    house.app.state.console = replace(house.console, desk=desk)
    assert (await admin.get(ACCOUNT)).status_code == 200
    refused = await admin.post(f"{ACCOUNT}/reveal", {"reason": "ticket 7"})
    assert (refused.status_code, "no master key" in text_of(refused)) == (503, True)


async def test_a_store_that_is_away_is_a_page(house: House, admin: Visitor) -> None:
    async with house.keeping.store.database.writing("test") as connection:
        await connection.execute(text("ALTER TABLE accounts RENAME TO elsewhere"))
    page = await admin.get(ACCOUNT)
    assert (page.status_code, "The database could not be reached" in text_of(page)) == (503, True)
