"""Enter in a field acts nowhere: every form of every page, and the form for reports."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from deploy.local.demo import Demo
from tests.browser.pages import PAGES, Shown
from tests.browser.test_queue import go_to, hold, state
from tests.browser.visit import visiting

TYPED = ":is(input:not([type=hidden], [type=submit]), select)"
FORMS = f"form[method=post]:not([action='/console/sign-in']) {TYPED}"
_SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
_OPEN = "all => all.forEach((each) => each.click())"


def posts_of(page: Page) -> list[str]:
    """Where the page sends forms to from now on."""
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    return posts


def press_in_each(page: Page, fields: Locator) -> int:
    """Press Enter in each field that can be seen; how many there are."""
    page.locator("main details:not([open]) > summary").evaluate_all(_OPEN)
    seen = [each for each in fields.all() if each.is_visible()]
    for field in seen:
        field.focus()
        if field.evaluate("each => each.matches('input:not([type=checkbox], [readonly])')"):
            field.fill("reject@a.example")
        field.press("Enter")
    page.evaluate(_SETTLED)
    return len(seen)


@pytest.mark.parametrize("shown", [page for page in PAGES if not page.outside], ids=lambda page: page.name)
def test_enter_sends_no_form_of_the_console(browser: Browser, demo: Demo, shown: Shown) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in()
        visit.show(shown)
        posts, address = posts_of(visit.page), visit.page.url
        press_in_each(visit.page, visit.page.locator(FORMS))
        assert (posts, visit.page.url) == ([], address)


def test_enter_in_a_note_releases_nothing_and_rejects_nothing(browser: Browser, demo: Demo) -> None:
    message_id = hold(demo, "Enter in its note.")
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        go_to(visit, message_id)
        posts = posts_of(visit.page)
        assert press_in_each(visit.page, visit.page.locator(FORMS)) >= 3  # both reasons, and the note
        expect(visit.page.get_by_label("Note")).to_have_value("reject@a.example")
        assert (posts, state(demo, message_id)) == ([], "held")
        with visit.page.expect_navigation():
            visit.page.get_by_role("button", name="Escalate").click()
        assert len(posts) == 1


def test_enter_sends_no_report(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.open("/report?tenant=demo")
        posts = posts_of(visit.page)
        assert press_in_each(visit.page, visit.page.locator(FORMS)) >= 5
        assert (posts, visit.page.url) == ([], f"{demo.url}/report?tenant=demo")


def test_enter_signs_in_and_filters(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo) as visit:
        visit.open("/console/sign-in")
        visit.page.get_by_label("Name", exact=True).fill("demo-admin")
        visit.page.get_by_label("Password", exact=True).fill(demo.passwords["demo-admin"])
        visit.page.get_by_label("Password", exact=True).press("Enter")
        visit.page.wait_for_url("**/console/")
        visit.open("/console/accounts?tenant=demo")
        visit.page.keyboard.press("/")
        visit.page.keyboard.type("demo-v")
        with visit.page.expect_navigation():
            visit.page.keyboard.press("Enter")
        expect(visit.page.locator("[data-open]").first).to_contain_text("demo-v")
