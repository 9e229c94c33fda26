"""An appeal on the author's own page, and in the console by keyboard, until the message is published."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from deploy.local.demo import Demo
from deploy.local.processes import wait_until
from gateway.demo import TRIES
from tests.browser.test_accessible import assert_accessible
from tests.browser.visit import visiting


def block(demo: Demo) -> str:
    """Publish something that is blocked; the message's id."""
    response = demo.publish("demo-verified", TRIES[2][2])
    assert response.status_code == 403, response.text
    return str(response.json()["message_id"])


def test_an_author_appeals_and_a_reviewer_grants_it_by_keyboard(browser: Browser, demo: Demo) -> None:
    message_id = block(demo)
    with visiting(browser, demo, "dark", locale="zh-CN", bypass_csp=True) as author:
        author.open(demo.statement(message_id)["appeal"]["page"])
        assert_accessible(author)
        author.page.get_by_role("button", name="提交申诉").click()
        expect(author.page.get_by_role("alert")).to_contain_text("申诉没有提交")
        assert_accessible(author)
        author.page.locator("textarea").fill("这是小说里的一句话。")
        author.page.get_by_role("button", name="提交申诉").click()
        expect(author.page.get_by_role("status")).to_contain_text("我们已于")
        assert_accessible(author)
        with visiting(browser, demo) as visit:
            visit.sign_in("demo-reviewer")
            visit.open(f"/console/queue/demo/{message_id}")
            visit.page.get_by_role("link", name="Open", exact=True).click()  # the state of the appeal, in the panel
            expect(visit.page.locator(".message").first).to_contain_text("这是小说里的一句话。")
            visit.page.get_by_role("textbox", name="Reason").fill("ticket 7")
            visit.page.get_by_role("textbox", name="What the author reads of it").fill("Of course.")
            visit.page.keyboard.press("Escape")  # letters are letters in a field
            with visit.page.expect_navigation():
                visit.page.keyboard.press("v")
            expect(visit.page.locator(".decide")).to_contain_text("The message was queued")
            assert wait_until(lambda: demo.message(message_id)["state"] == "published", 30.0)
            assert [row["key"] for row in demo.published()].count(message_id) == 1
        author.page.reload()
        expect(author.page.get_by_role("status")).to_contain_text("申诉成立")
        expect(author.page.get_by_role("status")).to_contain_text("Of course.")
