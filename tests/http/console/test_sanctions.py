"""Sanctions: what the pages show, who can do what, and what an account's page says of what is held against it."""

from __future__ import annotations

import re
from html import unescape
from itertools import count
from typing import Any

import pytest

from gateway.core.model import Account, AccountState, Degree
from gateway.core.policy import parse_policy
from gateway.core.registration import By
from gateway.core.sanction_records import Order, SanctionRecord, SanctionRefused, SanctionState
from gateway.http.console import texts
from tests.fakes import NOW_MS
from tests.http.console.test_pages import HOSTILE, Elements
from tests.http.console.visiting import House, Visitor, text_of
from tests.http.keeping import DAY_MS
from tests.http.violating import violate
from tests.policies import POLICY

CLOSE, WARN = "/sanctions/t1/s-close", "/sanctions/t1/s-warn"
ACCOUNT = "/accounts/t1/acc-1"
WHY = {"reason": "ticket 7"}
_numbers = count()


async def sanction(house: House, sanction_id: str) -> SanctionRecord:
    found = await house.console.desk.sanctions.sanction("t1", sanction_id, house.clock.now)
    assert found is not None
    return found


async def state(house: House) -> AccountState:
    found = await house.console.desk.registrar.registered("t1", "acc-1")
    assert found is not None
    return found.account.state


async def made(house: House, account_id: str = "acc-1", *, degree: Degree = Degree.RESTRICT, tenant: str = "t1") -> str:
    """A sanction by somebody else, of three days but for a closing; its id."""
    order = Order(account_id, degree, None if degree is Degree.CLOSE else 3)
    found = await house.console.desk.sanctions.impose(
        tenant, order, By("test", f"ticket {next(_numbers)}"), house.clock.now
    )
    assert isinstance(found, SanctionRecord)
    return found.sanction_id


def under(house: House, ladder: str) -> None:
    """Put another ladder in force."""
    house.keeping.world.policy = parse_policy(f"{POLICY}ladder: {ladder}\n")


def opened(page: Any) -> list[str]:
    """The sanctions on a page of the list."""
    return re.findall(r'data-open href="/console/sanctions/([^"]+)"', page.text)


def ours(page: Any) -> list[str]:
    """Those of them that the tests made, in order."""
    return [each for each in opened(page) if each not in ("t1/s-close", "t1/s-warn")]


async def test_what_waits_for_people_stands_in_front_and_in_the_navigation(house: House, admin: Visitor) -> None:
    page = await admin.get("/sanctions")
    text = text_of(page)
    assert "Sanctions 2" in text  # in the navigation
    assert "2 wait for people" in text
    assert opened(page) == ["t1/s-close", "t2/s-close"]
    assert "Closure" in text
    assert "test 1 of 2 Proposed" in text
    assert opened(await admin.get("/sanctions?tenant=t2")) == ["t2/s-close"]
    assert opened(await admin.get("/sanctions?which=in_force&tenant=t1")) == ["t1/s-warn"]
    assert opened(await admin.get("/sanctions?which=over")) == []
    house.clock.now += 3 * DAY_MS
    async with await house.signed_in("the viewer") as later:
        page = await later.get("/sanctions?which=over&tenant=t1")
        assert opened(page) == ["t1/s-warn"]
        assert "Warning" in text_of(page)
        assert opened(await later.get("/sanctions?which=all&account=acc-1&tenant=t1")) == ["t1/s-warn", "t1/s-close"]
        assert opened(await later.get("/sanctions?which=all&account=acc-2")) == []
        assert (await later.get("/sanctions?which=odd")).status_code == 404


async def test_an_operator_of_one_tenant_sees_that_tenant_s_only(house: House) -> None:
    async with await house.signed_in("our reviewer") as ours:
        page = await ours.get("/sanctions")
        assert (opened(page), "Sanctions 1 " in text_of(page)) == (["t1/s-close"], True)
        assert (await ours.get("/sanctions?tenant=t2")).status_code == 404
        assert (await ours.get("/sanctions/t2/s-close")).status_code == 404
        assert (await ours.post("/sanctions/t2/s-close/agree", WHY)).status_code == 404
        assert (await ours.get("/sanctions/t1/none")).status_code == 404
        assert (await ours.post("/sanctions/t1/none/lift", WHY)).status_code == 404


async def test_a_list_goes_on_where_the_page_before_ended(house: House, admin: Visitor) -> None:
    expected = [await made(house) for _ in range(60)]
    found: list[str] = []
    path: str | None = "/sanctions?which=in_force&tenant=t1"
    while path is not None:
        page = await admin.get(path)
        found += opened(page)
        onward = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = unescape(onward[1]).removeprefix("/console") if onward else None
    assert sorted(found) == sorted(["t1/s-warn", *[f"t1/{each}" for each in expected]])


async def test_a_closing_takes_two_people_and_the_same_is_not_two(house: House) -> None:
    closing = f"/sanctions/t1/{await made(house, 'acc-2', degree=Degree.CLOSE)}"
    async with await house.signed_in("our reviewer") as first, await house.signed_in("our admin") as second:
        own = await first.post("/accounts/t1/acc-1/impose", {"degree": "warn", "days": "3", **WHY})
        assert own.headers["location"].endswith("?done=sanction_in_force")
        text = text_of(await first.get(closing))
        assert "One more person has to agree." in text
        assert "its registrant may register nothing for 1,825 days" in text
        agreed = await first.post(f"{CLOSE}/agree", WHY)
        assert agreed.headers["location"] == "/console/sanctions/t1/s-close?done=sanction_in_force"
        assert await state(house) is AccountState.CLOSED
        page = text_of(await second.get(CLOSE))
        for words in ("Agreed test", "Agreed our reviewer", "Lifting it reopens the account.", "ticket 7"):
            assert words in page
        before = await house.acts()
        again = await second.post(f"{CLOSE}/agree", WHY)
        assert (again.status_code, "it was decided on before" in again.text) == (409, True)
        assert await house.acts() == before


async def test_who_agreed_before_is_told_that_somebody_else_has_to(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        response = await reviewer.post("/accounts/t1/acc-2/impose", {"degree": "close", **WHY})
        location = response.headers["location"]
        assert location.endswith("?done=sanction_waits")
        path = location.removeprefix("/console").partition("?")[0]
        page = await reviewer.get(path)
        assert "You have agreed; somebody else has to be the next." in text_of(page)
        assert (f"{path}/agree" in page.text, f"{path}/decline" in page.text) == (False, True)
        before = await house.acts()
        again = await reviewer.post(f"{path}/agree", WHY)
        assert (again.status_code, "You agreed to it before" in again.text) == (409, True)
        assert 'value="ticket 7"' in again.text  # what was typed is still there
        assert await house.acts() == before


async def test_a_proposal_is_declined(house: House, admin: Visitor) -> None:
    response = await admin.post(f"{CLOSE}/decline", WHY)
    assert response.headers["location"] == "/console/sanctions/t1/s-close?done=sanction_declined"
    found = await sanction(house, "s-close")
    assert (found.state, found.decided_by) == (SanctionState.DECLINED, "the admin")
    assert await state(house) is AccountState.ACTIVE
    assert opened(await admin.get("/sanctions?which=over")) == ["t1/s-close"]


async def test_each_act_wants_a_reason(house: House, admin: Visitor) -> None:
    before = await house.acts()
    for path in (f"{CLOSE}/agree", f"{CLOSE}/decline", f"{WARN}/lift"):
        for reason in ("", " ", "a\nb", "x" * 501):
            response = await admin.post(path, {"reason": reason})
            assert (response.status_code, 'aria-invalid="true"' in response.text) == (422, True)
    assert await house.acts() == before


async def test_a_sanction_shows_what_it_comes_of_and_can_turn_out_to_be_mistaken(house: House, admin: Visitor) -> None:
    first = await violate(house.keeping, 1, NOW_MS)
    second = await violate(house.keeping, 2, NOW_MS + DAY_MS, "hate")
    house.clock.now = NOW_MS + DAY_MS
    async with await house.signed_in("the reviewer") as reviewer:
        [newest, *_] = ours(await reviewer.get("/sanctions?which=in_force&tenant=t1&account=acc-1"))
        path = f"/sanctions/{newest}"
        page = await reviewer.get(path)
        text = text_of(page)
        assert "The ladder, automatically Hate" in text
        assert "It took nobody's agreement." in text
        held = re.findall(r'<a class="id" href="/console/queue/t1/([^"]+)">', page.text)
        assert held[-2:] == [second, first], "newest first"
        assert "Blocked Led to it Hate" in text
        assert (await reviewer.get(f"/queue/t1/{second}")).status_code == 200
        lifted = await reviewer.post(f"{path}/lift", {"mistaken": "yes", **WHY})
        assert lifted.headers["location"].endswith("?done=sanction_lifted")
        assert "Led to it Hate" in text_of(await reviewer.get(path))
        assert "Taken back" in text_of(await reviewer.get(path))
        text = text_of(await reviewer.get(ACCOUNT))
        assert "1 point by what counts now." in text
        rung = await house.console.desk.sanctions.rung("t1", "acc-1", house.clock.now)
        assert rung.points == 1


async def test_what_a_sanction_comes_of_is_told_by_the_policy_of_then(house: House, admin: Visitor) -> None:
    await house.keeping.store.keep_policy(house.keeping.world.policy, NOW_MS)
    message_id = await violate(house.keeping, 1, NOW_MS)
    under(house, "{weights: {spam: 0}}")
    [newest, *_] = ours(await admin.get("/sanctions?which=in_force&tenant=t1"))
    page = await admin.get(f"/sanctions/{newest}")
    assert f"/console/queue/t1/{message_id}" in page.text
    assert "Led to it" in page.text
    assert "Weighs nothing" in text_of(await admin.get(ACCOUNT))


async def test_an_account_s_page_has_its_sanctions_its_incidents_and_what_comes_next(
    house: House, admin: Visitor
) -> None:
    message_id = await violate(house.keeping, 1, NOW_MS)
    page = await admin.get(ACCOUNT)
    assert {"t1/s-close", "t1/s-warn"} <= set(re.findall(r'href="/console/sanctions/([^"]+)"', page.text))
    assert f'href="/console/queue/t1/{message_id}"' in page.text
    text = text_of(page)
    assert "Blocked Spam m-1 Counts until" in text
    assert "1 point by what counts now. By the ladder that is: Warning." in text
    assert "Any other category Restriction, 3 days At once" in text
    assert "Sexual content with minors, Terrorism Closure Proposed to people" in text
    house.clock.now += 90 * DAY_MS
    async with await house.signed_in("the viewer") as later:
        text = text_of(await later.get(ACCOUNT))
    assert "Blocked Spam m-1 Decayed until" in text
    assert "0 points by what counts now." in text
    assert "By the ladder that is" not in text
    assert "Any other category Warning At once" in text
    under(house, "{strikes: []}")
    async with await house.signed_in("the viewer") as later:
        assert "The policy holds nothing against accounts." in text_of(await later.get(ACCOUNT))


async def test_only_so_many_are_shown_and_the_rest_is_a_link_away(house: House, admin: Visitor) -> None:
    for number in range(22):
        await made(house)
        await violate(house.keeping, number, NOW_MS + number * DAY_MS)
    page = await admin.get(ACCOUNT)
    assert '<a href="/console/sanctions?tenant=t1&amp;account=acc-1&amp;which=all">All of them</a>' in page.text
    assert page.text.count('class="id" href="/console/queue/') == 20
    assert "The newest 20;" in text_of(page)
    assert opened(await admin.get("/sanctions?tenant=t1&account=acc-1&which=all"))


async def test_a_sanction_is_imposed_from_an_account_s_page(house: House, admin: Visitor) -> None:
    form = {"degree": "restrict", "days": "7", "category": "hate", **WHY}
    response = await admin.post(f"{ACCOUNT}/impose", form)
    path = response.headers["location"].removeprefix("/console")
    found = await sanction(house, path.split("/")[-1].partition("?")[0])
    assert (found.degree, found.days, found.category) == (Degree.RESTRICT, 7, "hate")
    assert (found.agreed, found.reason, found.state) == (("the admin",), "ticket 7", SanctionState.IN_FORCE)
    text = text_of(await admin.get(path))
    assert "It is in force." in text
    assert "A person Hate" in text
    assert "The incidents behind it" not in text


@pytest.mark.parametrize(
    ("account", "form", "status", "words"),
    [
        ("acc-1", {"degree": "close", "days": "3", **WHY}, 422, "A closure has no end"),
        ("acc-1", {"degree": "close", **WHY}, 409, "Its closure is proposed or in force already"),
        ("acc-3", {"degree": "warn", **WHY}, 409, "The account is closed"),
        ("acc-1", {"degree": "warn"}, 422, "Fill in this field."),
        ("acc-1", {"degree": "scold", **WHY}, 422, "Choose one of these."),
        ("acc-1", {"degree": "warn", "days": "many", **WHY}, 422, "Give a whole number."),
        ("acc-1", {"degree": "warn", "days": "0", **WHY}, 422, "Give at least 1."),
        ("acc-1", {"degree": "warn", "days": "3661", **WHY}, 422, "Give at most 3,660."),
        ("acc-1", {"degree": "warn", "category": "odd", **WHY}, 422, "Choose one of these."),
        ("none", {"degree": "warn", **WHY}, 404, "This tenant has no such account."),
    ],
    ids=str,
)
async def test_what_cannot_be_is_said_and_leaves_nothing_behind(
    house: House, admin: Visitor, account: str, form: dict[str, str], status: int, words: str
) -> None:
    before = await house.acts()
    response = await admin.post(f"/accounts/t1/{account}/impose", form)
    assert (response.status_code, words in text_of(response)) == (status, True), text_of(response)
    assert await house.acts() == before


async def test_an_open_circuit_breaker_is_told(house: House, admin: Visitor) -> None:
    for path in ("/sanctions", ACCOUNT):
        assert "circuit breaker is open" not in text_of(await admin.get(path))
    under(house, "{daily_quota: 1}")
    await violate(house.keeping, 1, NOW_MS)
    for path in ("/sanctions", "/sanctions?tenant=t1", ACCOUNT):
        text = text_of(await admin.get(path))
        assert "The circuit breaker is open: t1 1 automatic sanctions in 24 hours are the most." in text
    assert "Proposed to people: the circuit breaker is open" in text_of(await admin.get(ACCOUNT))
    assert "circuit breaker is open" not in text_of(await admin.get("/sanctions?tenant=t2"))
    await violate(house.keeping, 2, NOW_MS + DAY_MS // 2)
    [*_, newest] = ours(await admin.get("/sanctions?tenant=t1"))
    page = text_of(await admin.get(f"/sanctions/{newest}"))
    assert "It waits because the circuit breaker was open." in page
    assert "Nobody has agreed yet." in page


async def test_a_viewer_reads_and_finds_no_forms(house: House) -> None:
    async with await house.signed_in("our viewer") as viewer:
        for path, form in ((CLOSE, "/agree"), (WARN, "/lift"), (ACCOUNT, "/impose")):
            page = await viewer.get(path)
            assert (page.status_code, form in page.text) == (200, False)


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_others_wrote_does_nothing(house: House, admin: Visitor, text: str) -> None:
    account_id = "x" + text.replace("/", "∕")
    await house.keeping.register.put_account("t1", Account(account_id, AccountState.ACTIVE), "test", NOW_MS)
    order, by = Order(account_id, Degree.CLOSE, category=text), By(f"actor {text}", f"because {text}")
    record = await house.console.desk.sanctions.impose("t1", order, by, NOW_MS)
    assert isinstance(record, SanctionRecord)
    pages = [
        await admin.get("/sanctions"),
        await admin.client.get("/console/sanctions", params={"which": "all", "account": text}),
        await admin.get(f"/sanctions/t1/{record.sanction_id}"),
        await admin.post(f"/sanctions/t1/{record.sanction_id}/lift", {"reason": text, "mistaken": text}),
        await admin.post(f"{ACCOUNT}/impose", {"degree": text, "days": text, "reason": ""}),
    ]
    for page in pages:
        found = Elements(page.text).found
        assert [tag for tag, _ in found].count("script") == 1
        assert not [1 for tag, attributes in found if tag == "img" and attributes.get("src") == "x"]
        assert not [1 for _, attributes in found if [each for each in attributes if each.startswith("on")]]
        assert not [1 for _, attributes in found if str(attributes.get("href", "")).startswith("javascript")]
        assert not re.search("[\u200b\u202e\u2066\ufeff]", re.sub(r'value="[^"]*"', "", page.text))
    assert "because" in pages[2].text


def test_every_refusal_has_its_words() -> None:
    assert all(texts.known(f"refused.{reason}") for reason in SanctionRefused)
