"""Forms are read only if this console's own page sent them, and it is bounded what they may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.http.console import cookies
from tests.http.console.visiting import ORIGIN, House, Visitor, text_of

REVEAL = "/accounts/t1/acc-1/reveal"
WHY = {"reason": "ticket 7"}


async def assert_refused(house: House, visitor: Visitor, token: str | None = None, **headers: str) -> None:
    """Whatever is sent in this way changes nothing."""
    before = await house.acts()
    response = await visitor.post(REVEAL, WHY, token=token, **headers)
    assert response.status_code == 403, response.text
    assert "nothing was done" in text_of(response)
    assert "Canary" not in response.text
    assert await house.acts() == before


async def test_with_its_token_a_form_is_carried_out(admin: Visitor) -> None:
    assert (await admin.post(REVEAL, WHY)).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "ü"])
async def test_a_form_without_its_token_is_refused(house: House, admin: Visitor, token: str) -> None:
    await assert_refused(house, admin, token=token)


async def test_another_sessions_token_is_none(house: House, admin: Visitor) -> None:
    async with await house.signed_in("the admin") as other:
        await assert_refused(house, admin, token=cookies.derived(other.secret, "form"))
    await assert_refused(house, admin, token=admin.secret)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://console.example.evil.example"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://console.example:8443"},
    ],
    ids=str,
)
async def test_another_pages_form_is_refused(house: House, admin: Visitor, headers: dict[str, str]) -> None:
    await assert_refused(house, admin, **headers)


async def test_where_the_console_is_may_be_said(house: House, admin: Visitor) -> None:
    house.app.state.console = replace(house.console, origin="https://moderation.example")
    await assert_refused(house, admin, Origin=ORIGIN)
    assert (await admin.post(REVEAL, WHY, Origin="https://moderation.example")).status_code == 200


async def test_a_browser_that_names_no_origin_says_at_least_that_it_is_the_same(house: House, admin: Visitor) -> None:
    fields = {**WHY, "csrf": cookies.derived(admin.secret, "form")}
    assert (await admin.client.post(f"/console{REVEAL}", data=fields)).status_code == 403
    same = {"Sec-Fetch-Site": "same-origin"}
    assert (await admin.client.post(f"/console{REVEAL}", data=fields, headers=same)).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        ("{}", "application/json", 415),
        ("reason=x", "text/plain", 415),
        ("reason=x", "multipart/form-data; boundary=b", 415),
        ("csrf={csrf}&reason=x&reason=y", "application/x-www-form-urlencoded", 400),
        ("csrf={csrf}&csrf={csrf}&reason=x", "application/x-www-form-urlencoded", 400),
        ("csrf={csrf}&reason=%ff", "application/x-www-form-urlencoded", 400),
        ("csrf={csrf}&" + "&".join([f"f{n}=1" for n in range(101)]), "application/x-www-form-urlencoded", 400),
        ("csrf={csrf}&reason=" + "x" * 70_000, "application/x-www-form-urlencoded", 413),
        ("csrf={csrf}&reason=x&other=1", "application/x-www-form-urlencoded", 422),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_what_is_no_form_is_refused(
    house: House, admin: Visitor, content: str, content_type: str, status: int
) -> None:
    before = await house.acts()
    content = content.replace("{csrf}", cookies.derived(admin.secret, "form"))
    headers = {"Content-Type": content_type, "Origin": ORIGIN}
    response = await admin.client.post(f"/console{REVEAL}", content=content, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert await house.acts() == before


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\nb", "a\x1b[2Jb", "a\u202eb"])
async def test_a_reason_is_one_line_that_can_be_seen(house: House, admin: Visitor, reason: str) -> None:
    before = await house.acts()
    response = await admin.post(REVEAL, {"reason": reason})
    assert response.status_code == 422
    assert 'id="f-reason-more"' in response.text
    assert await house.acts() == before


async def test_the_form_that_signs_in_is_bound_to_its_browser_too(house: House) -> None:
    await house.with_password()
    async with house.visitor() as victim, house.visitor() as attacker:
        await victim.get("/sign-in")
        await attacker.get("/sign-in")
        form = {"name": "the admin", "password": "four words and a stop."}
        other = cookies.derived(attacker.secret, "form")
        assert (await victim.post("/sign-in", form, token=other)).status_code == 403
        assert cookies.SESSION not in victim.client.cookies
