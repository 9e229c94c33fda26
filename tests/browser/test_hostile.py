"""Hostile texts, wherever people may write one: no script runs, nothing is loaded, and all of it can be read."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from deploy.local.demo import Demo
from gateway.adapters.keys import audit_key
from gateway.adapters.sql import open_store
from gateway.core.model import Account, AccountState
from tests.browser.hostile import HOSTILE
from tests.browser.pages import PAGES
from tests.browser.visit import visiting

PUT = 12
"""How many of the accounts are in the register; the others nobody knows."""


@pytest.fixture(scope="module")
def filled(demo: Demo) -> list[str]:
    """The ids of accounts that are called like hostile texts, put by those who are called so; each has published its
    text."""
    ids = [f"hostile-{number:02}-{text.replace('/', '∕')[:200]}" for number, text in enumerate(HOSTILE)]

    async def put() -> None:
        url = f"sqlite+aiosqlite:///{demo.directory}/gateway.db"
        async with open_store(url, audit_key=audit_key(demo.directory / "keys.json")) as (_, register):
            for account_id, text in list(zip(ids, HOSTILE, strict=True))[:PUT]:
                account = Account(account_id, AccountState.ACTIVE, account_class="standard")
                await register.put_account("demo", account, f"by {text}", int(time.time() * 1000))

    with ThreadPoolExecutor(1) as pool:  # the browser's loop runs in this thread
        pool.submit(asyncio.run, put()).result()
    for account_id, text in zip(ids, HOSTILE, strict=True):
        response = demo.publish(account_id, text, title=text[:200])
        assert response.status_code in (200, 202, 400, 403), response.text
    return ids


def packed(limit: int) -> list[str]:
    """The texts in as few as fit into so many characters."""
    found = [""]
    for text in HOSTILE:
        if len(found[-1]) + len(text) > limit:
            found.append("")
        found[-1] += text[:limit]
    return found


@pytest.mark.usefixtures("filled")
def test_no_page_runs_what_others_wrote(browser: Browser, demo: Demo, filled: list[str]) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in()
        for page in PAGES:
            visit.show(page)
            visit.page.locator("main").wait_for()
        visit.open("/console/accounts?tenant=demo&q=hostile")
        assert visit.page.locator("[data-item]").count() == PUT
        for account_id in filled[:PUT]:
            visit.open(f"/console/accounts/demo/{quote(account_id, safe='')}")
            visit.open(f"/console/audit?account={quote(account_id, safe='')}")
            assert visit.page.locator("[data-item]").count() >= 1
            for summary in visit.page.locator("details summary").all():
                summary.click()
        visit.open("/console/audit?kind=decision")
        assert visit.page.locator("[data-item]").count() >= 20
        assert visit.page.locator("main img").count() == 0
        visit.assert_nothing_happened()


@pytest.mark.parametrize("field", ["q", "account", "actor", "since", "next", "done"])
def test_no_address_runs_what_stands_in_it(browser: Browser, demo: Demo, field: str) -> None:
    path = {"q": "/console/accounts?tenant=demo&", "next": "/console/sign-in?", "done": "/console/profile?"}
    with visiting(browser, demo) as visit:
        visit.sign_in()
        for text in packed(250):
            visit.open(f"{path.get(field, '/console/audit?')}{field}={quote(text)}")
            visit.page.locator("main").wait_for()


def test_the_watch_sees_a_script_that_runs(browser: Browser, demo: Demo) -> None:
    """Else the tests above would show nothing."""
    with visiting(browser, demo) as visit:
        visit.open("/console/sign-in")
        visit.page.evaluate(
            "document.body.append(Object.assign(document.createElement('img'), {src: 'https://evil.example/'}))"
        )
        visit.page.evaluate("window.pwned = 7")
        visit.page.evaluate("setTimeout(() => alert(8))")
        visit.page.wait_for_timeout(200)
        told = " ".join(visit.told)
        visit.told.clear()
    assert "policy: img-src" in told
    assert "ran: 7" in told
    assert "dialog: 8" in told
