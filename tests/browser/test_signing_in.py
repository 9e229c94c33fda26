"""Signing in and out in a real browser, which takes the console's cookies on one's own machine, too."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from deploy.local.demo import Demo
from tests.browser.visit import visiting


def test_a_browser_keeps_the_session_and_loses_it_on_signing_out(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in()
        [kept] = [each for each in visit.context.cookies() if each["name"] == "__Host-session"]
        assert (kept["secure"], kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, True, "Lax", "/")
        assert visit.page.evaluate("document.cookie") == ""
        visit.page.get_by_role("button", name="Sign out").click()
        expect(visit.page.get_by_role("status")).to_have_text("You have signed out.")
        visit.open("/console/audit")
        expect(visit.page).to_have_url(f"{demo.url}/console/sign-in?next=%2Fconsole%2Faudit")


def test_a_wrong_password_is_said_and_the_name_stays(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.open("/console/sign-in?next=/console/audit")
        visit.page.get_by_label("Name", exact=True).fill("demo-admin")
        visit.page.get_by_label("Password", exact=True).fill("not the password")
        visit.page.keyboard.press("Enter")
        expect(visit.page.get_by_role("alert")).to_have_text("Name or password is wrong.")
        expect(visit.page.get_by_label("Name", exact=True)).to_have_value("demo-admin")
        expect(visit.page.get_by_label("Password", exact=True)).to_have_value("")
        visit.page.get_by_label("Password", exact=True).fill(demo.passwords["demo-admin"])
        visit.page.keyboard.press("Enter")
        expect(visit.page).to_have_url(f"{demo.url}/console/audit")


def test_everything_works_without_a_script(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo, java_script_enabled=False) as visit:
        visit.sign_in("demo-reviewer")
        visit.page.get_by_role("link", name="Accounts").click()
        visit.page.get_by_label("Id begins with").fill("demo-n")
        visit.page.get_by_role("button", name="Filter").click()
        visit.page.get_by_role("link", name="demo-news").click()
        expect(visit.page.get_by_role("heading", level=1)).to_have_text("demo-news")
        visit.page.get_by_role("button", name="中文").click()
        expect(visit.page.get_by_role("link", name="账号", exact=True).first).to_be_visible()
        visit.page.get_by_role("button", name="深色").click()
        expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")
        visit.page.get_by_role("button", name="English").click()
        visit.open("/console/")
        assert visit.page.locator("noscript meta[http-equiv=refresh]").count() == 1


def test_the_overview_is_refreshed_where_it_is(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.page.clock.install()
        visit.sign_in()
        for _ in range(2):
            visit.page.evaluate("document.getElementById('live').dataset.before = ''")
            with visit.page.expect_response(lambda response: "live=1" in response.url) as fetched:
                visit.page.clock.run_for(5000)
            assert fetched.value.status == 200
            expect(visit.page.locator("main > #live:not([data-before])")).to_have_count(1)
