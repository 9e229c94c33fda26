"""The console by keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from deploy.local.demo import Demo
from tests.browser.visit import visiting


def focused(page: Page) -> str:
    """What has the focus, in words."""
    text: str = page.evaluate("document.activeElement.textContent.trim() || document.activeElement.tagName")
    return text


def test_lists_are_gone_through_and_opened(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in()
        visit.open("/console/accounts?tenant=demo&q=demo-")
        chosen = visit.page.locator("[data-item].chosen")
        expect(chosen).to_have_count(0)
        ids = visit.page.locator("[data-open]").all_inner_texts()
        for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
            visit.page.keyboard.press(key)
            expect(chosen.locator("[data-open]")).to_have_text(ids[place])
        visit.page.keyboard.press("j")
        visit.page.keyboard.press("Enter")
        expect(visit.page).to_have_url(re.compile(f"/console/accounts/demo/{re.escape(ids[1])}$"))


def test_a_slash_goes_to_the_search_where_letters_are_letters(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in()
        visit.open("/console/accounts?tenant=demo")
        visit.page.keyboard.press("/")
        visit.page.keyboard.type("demo-?jk/")
        expect(visit.page.get_by_label("Id begins with")).to_have_value("demo-?jk/")
        expect(visit.page.locator("dialog")).not_to_be_visible()
        visit.page.keyboard.press("Escape")
        visit.page.keyboard.press("?")
        expect(visit.page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
        visit.page.keyboard.press("j")
        expect(visit.page.locator(".chosen")).to_have_count(0)
        visit.page.keyboard.press("Escape")
        expect(visit.page.locator("dialog")).not_to_be_visible()


def test_the_first_stop_of_each_page_skips_the_navigation(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in()
        visit.open("/console/audit")
        visit.page.keyboard.press("Tab")
        assert focused(visit.page) == "Skip to the content"
        assert visit.page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
        visit.page.keyboard.press("Enter")
        assert visit.page.evaluate("document.activeElement.id") == "main"
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.id") == "f-account"


def test_whatever_has_the_focus_shows_it(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in()
        visit.open("/console/profile")
        seen: list[str] = []
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            style = visit.page.evaluate(
                "(style => style.outlineStyle + style.outlineWidth)(getComputedStyle(document.activeElement))"
            )
            if focused(visit.page) == "BODY" or visit.page.evaluate("document.activeElement === document.body"):
                break
            seen.append(focused(visit.page))
            assert style == "solid3px", seen[-1]
        assert "Sign out" in seen
        assert "Change password" in seen or "INPUT" in seen
