"""Signing in by name and password, how long it lasts, and how often it may be tried."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network

import pytest

from gateway.adapters.passwords import Argon2Passwords
from gateway.core.registration import By
from gateway.core.sessions import SESSIONS, Tries
from gateway.http.console import cookies
from gateway.http.requests import hash_key
from tests.http.console.visiting import ADMIN, HOUR_MS, MINUTE_MS, PASSWORD, House, Visitor, quick_passwords, text_of


class CountingPasswords:
    """Counts how often one was compared."""

    def __init__(self) -> None:
        self._real: Argon2Passwords = quick_passwords()
        self.compared: list[bool] = []

    async def hashed(self, password: str) -> str:
        """See `gateway.ports.Passwords`, as for `matches`."""
        return await self._real.hashed(password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        self.compared.append(password_hash is not None)
        return await self._real.matches(password_hash, password)


async def test_who_signs_in_gets_a_session_of_which_only_a_hash_is_kept(house: House, visitor: Visitor) -> None:
    await house.with_password()
    response = await visitor.sign_in()
    assert (response.status_code, response.headers["location"]) == (303, "/console/")
    [set_cookie] = [each for each in response.headers.get_list("set-cookie") if each.startswith(cookies.SESSION)]
    attributes = {each.strip().lower() for each in set_cookie.split(";")[1:]}
    assert attributes == {"secure", "httponly", "samesite=lax", "path=/"}
    token = visitor.client.cookies[cookies.SESSION]
    assert len(token) == 43
    assert await house.console.sessions.find(hash_key(token)) is not None
    assert await house.console.sessions.find(token) is None
    assert (await visitor.get("/")).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/console/audit?kind=decision", "/console/audit?kind=decision"),
        ("", "/console/"),
        ("https://evil.example/", "/console/"),
        ("//evil.example/", "/console/"),
        ("/\\evil.example", "/console/"),
        ("/console/\\..\\..", "/console/"),
        ("/console/\r\nX: y", "/console/"),
        ("/v1/messages", "/console/"),
        ("javascript:alert(1)", "/console/"),
        ("/console/sign-in", "/console/"),
    ],
)
async def test_nobody_is_sent_elsewhere(house: House, visitor: Visitor, wanted: str, there: str) -> None:
    await house.with_password()
    assert (await visitor.sign_in(next=wanted)).headers["location"] == there


async def test_a_page_that_needs_it_is_come_back_to(house: House, visitor: Visitor) -> None:
    await house.with_password()
    to = await visitor.get("/audit?kind=decision&actor=a%26b")
    page = await visitor.client.get(to.headers["location"])
    assert 'name="next" value="/console/audit?kind=decision&amp;actor=a%26b"' in page.text


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (ADMIN, "not the password"),
        ("nobody", PASSWORD),
        ("our viewer", PASSWORD),
        (ADMIN, PASSWORD.upper()),
        (f"{ADMIN}\0", PASSWORD),
    ],
)
async def test_what_is_wrong_is_not_said(house: House, visitor: Visitor, name: str, password: str) -> None:
    passwords = CountingPasswords()
    house.app.state.console = replace(house.console, passwords=passwords)
    await house.with_password()
    response = await visitor.sign_in(name, password)
    assert response.status_code == 401
    assert "Name or password is wrong." in text_of(response)
    assert password not in response.text
    assert len(passwords.compared) == 1  # also where there is no such name: it takes as long
    assert (await visitor.get("/")).status_code == 303


async def test_letters_may_be_composed_in_either_way(house: House, visitor: Visitor) -> None:
    await house.with_password(password="déjà vu, twice over")
    assert (await visitor.sign_in(password="de\u0301ja\u0300 vu, twice over")).status_code == 303


async def test_signing_in_makes_a_new_session_and_ends_the_old_one(house: House) -> None:
    await house.with_password()
    async with await house.signed_in("the viewer") as visitor:
        old = visitor.client.cookies[cookies.SESSION]
        assert (await visitor.sign_in()).status_code == 303
        assert visitor.client.cookies[cookies.SESSION] != old
        assert await house.console.sessions.find(hash_key(old)) is None


async def test_a_token_that_somebody_else_chose_becomes_no_session(house: House, visitor: Visitor) -> None:
    await house.with_password()
    chosen = cookies.new_token()
    visitor.client.cookies.set(cookies.SESSION, chosen, domain="console.example", path="/")
    assert (await visitor.sign_in()).status_code == 303
    assert await house.console.sessions.find(hash_key(chosen)) is None


async def test_a_session_ends_when_it_is_not_used(house: House, admin: Visitor) -> None:
    for _ in range(3):
        house.clock.now += 29 * MINUTE_MS
        assert (await admin.get("/")).status_code == 200
    house.clock.now += 30 * MINUTE_MS
    gone = await admin.get("/")
    assert (gone.status_code, gone.headers["location"]) == (303, "/console/sign-in?done=ended")
    assert f'{cookies.SESSION}=""' in gone.headers["set-cookie"]
    assert "Your session has ended" in text_of(await admin.client.get(gone.headers["location"]))


async def test_a_session_ends_after_its_time_however_it_is_used(house: House, admin: Visitor) -> None:
    began = house.clock.now
    for _ in range(24):
        house.clock.now += 29 * MINUTE_MS
        assert (await admin.get("/")).status_code == 200
    house.clock.now = began + 12 * HOUR_MS - 1
    assert (await admin.get("/")).status_code == 200
    house.clock.now += 1
    assert (await admin.get("/")).status_code == 303


async def test_what_a_page_fetches_by_itself_keeps_no_session_alive(house: House, admin: Visitor) -> None:
    for _ in range(29):
        house.clock.now += MINUTE_MS
        assert (await admin.get("/?live=1")).status_code == 200
    house.clock.now += MINUTE_MS
    assert (await admin.get("/?live=1")).status_code == 401


async def test_swept_sessions_are_gone_and_the_others_are_not(house: House) -> None:
    async with await house.signed_in(ADMIN) as early:
        house.clock.now += 29 * MINUTE_MS
        async with await house.signed_in(ADMIN) as late:
            house.clock.now += 2 * MINUTE_MS
            await house.console.sessions.sweep(house.console.lifetimes, house.console.tries, house.clock.now)
            found = [
                await house.console.sessions.find(hash_key(each.client.cookies[cookies.SESSION]))
                for each in (early, late)
            ]
    assert [each is None for each in found] == [True, False]


async def test_signing_out_ends_the_session_for_good(house: House, admin: Visitor) -> None:
    token = admin.client.cookies[cookies.SESSION]
    assert (await admin.post("/sign-out")).headers["location"] == "/console/sign-in?done=signed_out"
    admin.client.cookies.set(cookies.SESSION, token, domain="console.example", path="/")
    assert (await admin.get("/")).status_code == 303


async def test_one_may_sign_out_everywhere_else(house: House, admin: Visitor) -> None:
    async with await house.signed_in(ADMIN) as other, await house.signed_in("the viewer") as viewer:
        assert (await admin.post("/profile/sign-out-elsewhere")).status_code == 303
        assert (await admin.get("/")).status_code == 200
        assert (await viewer.get("/")).status_code == 200
        assert (await other.get("/")).status_code == 303


async def test_an_operator_has_a_bounded_number_of_sessions(house: House) -> None:
    visitors = []
    for _ in range(SESSIONS + 2):
        house.clock.now += 1
        visitors.append(await house.signed_in(ADMIN))
    statuses = [(await each.get("/?live=1")).status_code for each in visitors]
    assert statuses == [401] * 2 + [200] * SESSIONS


async def test_a_new_password_ends_all_other_sessions(house: House, admin: Visitor) -> None:
    await house.with_password()
    async with house.visitor() as mine, house.visitor() as other:
        for each in (mine, other):
            assert (await each.sign_in()).status_code == 303
        new = "another five words, with commas"
        changed = await mine.post("/profile/password", {"old": PASSWORD, "new": new, "again": new, "username": ADMIN})
        assert changed.headers["location"] == "/console/profile?done=password_changed"
        assert (await mine.get("/")).status_code == 200
        assert (await other.get("/")).status_code == 303
        assert (await other.sign_in(password=PASSWORD)).status_code == 401
        assert (await other.sign_in(password=new)).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "field"),
    [
        ("wrong one, sorry", "another five words", "another five words", "old"),
        (PASSWORD, "eleven char", "eleven char", "new"),
        (PASSWORD, "aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "new"),
        (PASSWORD, "x" * 201, "x" * 201, "new"),
        (PASSWORD, "another five words", "another six words", "again"),
    ],
)
async def test_a_password_that_does_not_do_is_refused_at_its_field(
    house: House, visitor: Visitor, old: str, new: str, again: str, field: str
) -> None:
    await house.with_password()
    await visitor.sign_in()
    response = await visitor.post("/profile/password", {"old": old, "new": new, "again": again})
    assert response.status_code == 422
    assert f'id="f-{field}-more"' in response.text
    assert response.text.count('aria-invalid="true"') == 1
    assert new not in response.text
    async with house.visitor() as again_:
        assert (await again_.sign_in()).status_code == 303


async def test_a_name_may_be_tried_so_often_only(house: House) -> None:
    await house.with_password()
    async with house.visitor("192.0.2.1") as one, house.visitor("198.51.100.9") as two:
        statuses = [(await one.sign_in(password=f"wrong number {number}")).status_code for number in range(11)]
        assert statuses == [401] * 10 + [429]
        refused = await one.sign_in()  # right, and too late
        assert (refused.status_code, "tried too often" in text_of(refused)) == (429, True)
        assert (await one.sign_in("our admin", "x" * 12)).status_code == 401
        assert (await two.sign_in()).status_code == 303  # its owner, from elsewhere
        house.clock.now += 15 * MINUTE_MS
        assert (await one.sign_in()).status_code == 303


async def test_a_name_may_be_tried_more_often_from_many_addresses_and_not_for_ever(house: House) -> None:
    house.app.state.console = replace(house.console, tries=Tries(name=3, name_anywhere=7))
    await house.with_password()
    statuses = []
    for number in range(4):
        async with house.visitor(f"192.0.2.{number}") as one:
            statuses += [(await one.sign_in(password="wrong all over")).status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429] * 2 + [401, 429, 429, 429] + [429] * 4
    async with house.visitor("198.51.100.9") as owner:
        assert (await owner.sign_in()).status_code == 429
        house.clock.now += 15 * MINUTE_MS
        assert (await owner.sign_in()).status_code == 303


async def test_an_address_may_try_so_often_only(house: House) -> None:
    await house.with_password()
    async with house.visitor("2001:db8::1") as one, house.visitor("2001:db8::ffff") as same, house.visitor() as other:
        for number in range(50):
            assert (await one.sign_in(f"name-{number}", "x" * 12)).status_code == 401
        assert (await same.sign_in()).status_code == 429  # another address of the same network
        assert (await other.sign_in()).status_code == 303


async def test_tries_at_once_are_as_many_as_one_after_the_other(house: House) -> None:
    await house.with_password()
    visitors = [house.visitor() for _ in range(14)]
    for each in visitors:
        await each.get("/sign-in")
    answers = await asyncio.gather(*[each.sign_in(password="wrong all over") for each in visitors])
    assert sorted(each.status_code for each in answers) == [401] * 10 + [429] * 4


async def test_who_signs_in_at_last_begins_anew(house: House, visitor: Visitor) -> None:
    await house.with_password()
    for _ in range(3):
        for number in range(9):
            assert (await visitor.sign_in(password=f"wrong number {number}")).status_code == 401
        assert (await visitor.sign_in()).status_code == 303
        await visitor.post("/sign-out")


@pytest.mark.parametrize(("proxies", "throttled"), [((), True), ((ip_network("192.0.2.0/24"),), False)])
async def test_only_a_proxy_of_ours_says_whose_request_it_is(house: House, proxies: tuple, throttled: bool) -> None:  # type: ignore[type-arg]
    house.app.state.console = replace(house.console, proxies=proxies)
    await house.with_password()
    async with house.visitor("192.0.2.1") as visitor:
        for number in range(50):
            form = {"name": f"name-{number}", "password": "x" * 12}
            forwarded = {"X-Forwarded-For": f"203.0.113.1, 198.51.100.{number}"}
            assert (await visitor.post("/sign-in", form, **forwarded)).status_code == 401
        assert ((await visitor.sign_in()).status_code == 429) is throttled


async def test_a_later_operator_of_the_same_name_is_another(house: House, admin: Visitor) -> None:
    await house.with_password()
    operators = house.console.desk.operators
    [before] = [each for each in await operators.operators() if each.operator.name == ADMIN]
    why = By("Zoe", "left")
    assert await operators.revoke(ADMIN, why, house.clock.now)
    assert await operators.add(before.operator, "e" * 64, why, house.clock.now)
    assert (await admin.get("/")).status_code == 303
    async with house.visitor() as visitor:
        assert (await visitor.sign_in()).status_code == 401
