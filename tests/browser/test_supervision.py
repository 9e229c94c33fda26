"""Public supervision in a real browser, from a report to an appeal that is granted; personal data that is revealed."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect

from deploy.local.demo import Demo
from deploy.local.processes import wait_until
from gateway.adapters.keys import audit_key
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import open_store
from gateway.adapters.sql.personal import SqlPersonal
from gateway.core.registration import By
from gateway.demo import APP_KEY
from tests.browser.test_accessible import assert_accessible
from tests.browser.visit import Visit, visiting

TEXT = "Miracle water from our spring: one glass a day, ask at the square."
NAME, EMAIL = "Quux Reader", "quux.reader@example.org"


def on_the_page(demo: Demo, message_id: str) -> bool:
    """Whether readers of the chat app see the message."""
    return any(row["key"] == message_id and not row.get("taken_down") for row in demo.published())


def statement(demo: Demo, message_id: str) -> dict[str, Any] | None:
    """The newest statement of reasons of a message, once there is one."""
    headers = {"Authorization": f"Bearer {APP_KEY}"}
    answer = httpx.get(f"{demo.url}/v1/messages/{message_id}/statement?lang=en", headers=headers)
    found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return found


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait for it."""
    with page.expect_navigation():
        page.keyboard.press(key)


def open_row(page: Page, *words: str) -> None:
    """Open the row of a list that says all of this, on whatever page of the list it is."""
    while True:
        rows = page.locator("[data-item]")
        for each in words:
            rows = rows.filter(has_text=each)
        if rows.count():
            rows.last.locator("[data-open]").click()
            return
        page.locator("a[rel=next]").click()
        page.wait_for_load_state()


def report(visit: Visit, message_id: str) -> str:
    """Report a message by the public form; the address of its status."""
    page = visit.page
    visit.open(f"/report?tenant=demo&message_id={message_id}")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("alert")).to_be_focused()  # what is missing is said, and found
    page.get_by_label("What is it?").select_option("fraud")
    page.get_by_label("Why do you think so?").fill("It cures nothing.")
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label(re.compile("I believe in good faith")).check()
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your report was received")
    return page.get_by_role("link", name="See what has become of it").get_attribute("href") or ""


def test_a_report_takes_a_message_down_and_an_appeal_brings_it_back(browser: Browser, demo: Demo) -> None:
    published = demo.publish("demo-news", TEXT)
    assert published.status_code == 200
    message_id = published.json()["message_id"]
    assert on_the_page(demo, message_id)

    with visiting(browser, demo) as reader:
        status = report(reader, message_id)
        with visiting(browser, demo) as reviewer:
            reviewer.sign_in("demo-reviewer")
            reviewer.open("/console/reports")
            open_row(reviewer.page, "Fraud", "demo-news")
            expect(reviewer.page.locator("main")).to_contain_text("It cures nothing.")
            assert NAME not in reviewer.page.content()
            assert EMAIL not in reviewer.page.content()
            press(reviewer.page, "x")
            expect(reviewer.page.get_by_role("alert")).to_contain_text("this is held against the account")
            press(reviewer.page, "x")
        assert wait_until(lambda: not on_the_page(demo, message_id), 20.0)
        reader.page.goto(demo.url + status if status.startswith("/") else status)
        expect(reader.page.locator("main")).to_contain_text(re.compile("removed|acted|action", re.IGNORECASE))

    assert wait_until(lambda: (statement(demo, message_id) or {}).get("restriction") == "takedown", 20.0)
    stated = statement(demo, message_id)
    assert stated is not None
    strikes = _strikes(demo)
    with visiting(browser, demo) as author:
        author.open(stated["appeal"]["page"])
        expect(author.page.get_by_role("heading", level=1)).to_have_text("Your message was removed")
        author.page.locator("textarea").fill("It is only water, and says so on the bottle.")
        author.page.get_by_role("button", name="Send the appeal").click()
        expect(author.page.get_by_role("status")).to_be_visible()

        with visiting(browser, demo) as reviewer:  # who had a part in it does not decide
            reviewer.sign_in("demo-reviewer")
            _open_appeal(reviewer)
            expect(reviewer.page.get_by_role("button", name=re.compile("Reverse|Grant"))).to_have_count(0)
        with visiting(browser, demo) as other:
            other.sign_in("demo-admin")
            _open_appeal(other)
            other.page.get_by_label(re.compile("Reason")).fill("ticket 8")
            other.page.get_by_role("button", name=re.compile("Reverse|Grant")).click()
            other.page.wait_for_load_state()
        assert wait_until(lambda: on_the_page(demo, message_id), 20.0)
        author.page.reload()
        expect(author.page.get_by_role("status")).to_be_visible()
    assert wait_until(lambda: (statement(demo, message_id) or {}).get("lifted") == "reversed", 20.0)
    assert wait_until(lambda: _strikes(demo) == strikes - 1, 20.0)
    assert [row["key"] for row in demo.published()].count(message_id) == 1


def _open_appeal(visit: Visit) -> None:
    visit.open("/console/appeals")
    open_row(visit.page, "demo-news")
    expect(visit.page.locator("main")).to_contain_text("says so on the bottle")


def _strikes(demo: Demo) -> int:
    """How many incidents of the account count."""
    database = sqlite3.connect(f"file:{demo.directory}/gateway.db?mode=ro", uri=True)
    try:
        counted = "SELECT count(*) FROM incidents WHERE account_id = 'demo-news' AND removed_ms IS NULL"
        return int(database.execute(counted).fetchone()[0])
    finally:
        database.close()


def test_the_public_pages_are_accessible(browser: Browser, demo: Demo) -> None:
    message_id = demo.publish("demo-verified", f"{TEXT} Accessible.").json()["message_id"]
    for scheme in ("light", "dark"):
        with visiting(browser, demo, "dark" if scheme == "dark" else "light", bypass_csp=True) as visit:
            visit.open("/report?tenant=demo")
            assert_accessible(visit)
            visit.page.get_by_role("button", name="Send the report").click()
            assert_accessible(visit)
            status = report(visit, message_id)
            assert_accessible(visit)
            visit.page.goto(demo.url + status if status.startswith("/") else status)
            assert_accessible(visit)
    blocked = demo.publish("demo-verified", "I am going to kill you tonight, I know where you live.").json()[
        "message_id"
    ]
    assert wait_until(lambda: statement(demo, blocked) is not None, 20.0)
    stated = statement(demo, blocked)
    assert stated is not None
    for scheme in ("light", "dark"):
        with visiting(browser, demo, "dark" if scheme == "dark" else "light", bypass_csp=True) as visit:
            visit.open(stated["appeal"]["page"])
            assert_accessible(visit)
            visit.page.get_by_role("link", name="中文").click()
            assert_accessible(visit)


def test_personal_data_is_revealed_for_a_reason_that_is_on_record(browser: Browser, demo: Demo) -> None:
    async def keep() -> None:
        keys = PersonalKeys(FileMasterKey(demo.directory / "keys.json"))
        url = f"sqlite+aiosqlite:///{demo.directory}/gateway.db"
        async with open_store(url, audit_key=audit_key(demo.directory / "keys.json")) as (store, _):
            fields = {"legal_name": NAME, "email": EMAIL}
            now_ms = int(time.time() * 1000)
            await SqlPersonal(store.database, keys).put(
                "demo", "demo-publisher", fields, By("test", "ticket 1"), now_ms
            )

    with ThreadPoolExecutor(1) as pool:  # the browser's loop runs in this thread
        pool.submit(asyncio.run, keep()).result()
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-admin")
        visit.open("/console/accounts/demo/demo-news")
        assert NAME not in visit.page.content()
        visit.page.get_by_text("Reveal personal data").click()
        form = visit.page.locator("form[action$='/reveal']")
        form.get_by_label("Reason").fill("court order 12")
        form.get_by_role("button").click()
        expect(visit.page.get_by_role("status")).to_contain_text(NAME)
        visit.page.goto(f"{demo.url}/console/accounts/demo/demo-news")
        assert NAME not in visit.page.content()
        visit.open("/console/audit?actor=demo-admin")
        expect(visit.page.locator("main")).to_contain_text("court order 12")
        assert NAME not in visit.page.content()
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        visit.open("/console/accounts/demo/demo-news")
        expect(visit.page.locator("form[action$='/reveal']")).to_have_count(0)
