"""Sanctions in the console by keyboard, from an account's page to what people decide; and a policy that is tried."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from deploy.local.demo import Demo
from tests.browser.test_accessible import PHONE, assert_accessible
from tests.browser.visit import Visit, visiting

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def look(visit: Visit) -> None:
    """The page is accessible, on a phone too, where nothing scrolls sideways."""
    desk = visit.page.viewport_size
    assert_accessible(visit)
    visit.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert_accessible(visit)
    assert visit.page.evaluate(WIDER) <= 0
    assert desk is not None
    visit.page.set_viewport_size(desk)


def test_a_closing_is_proposed_and_somebody_else_declines_it(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo, "dark", bypass_csp=True) as first, visiting(browser, demo) as second:
        first.sign_in("demo-reviewer")
        first.open("/console/accounts/demo/demo-news")
        first.page.locator("#impose summary").click()
        look(first)
        first.page.get_by_label("Degree").select_option(label="Closure")
        first.page.get_by_label("Reason").fill("ticket 7")
        first.page.get_by_role("button", name="Impose").click()
        expect(first.page.get_by_role("status")).to_contain_text("waits for another person")
        expect(first.page.locator(".decide")).to_contain_text("You have agreed; somebody else has to be the next.")
        look(first)

        second.sign_in("demo-admin")
        second.open("/console/sanctions")
        second.page.keyboard.press("j")
        with second.page.expect_navigation():
            second.page.keyboard.press("Enter")
        expect(second.page.locator(".decide")).to_contain_text("One more person has to agree.")
        reason = second.page.get_by_label("Reason")
        second.page.keyboard.press("g")  # without a reason it asks for one
        expect(reason).to_be_focused()
        reason.fill("ticket 8")
        second.page.keyboard.press("Enter")  # which answer would it be?
        second.page.keyboard.press("Escape")
        with second.page.expect_navigation():
            second.page.keyboard.press("w")
        expect(second.page.get_by_role("status")).to_contain_text("It was declined.")
        expect(second.page.locator(".heading")).to_contain_text("Declined")


def test_a_sanction_in_force_is_lifted_by_keyboard(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo, bypass_csp=True) as visit:
        visit.sign_in("demo-reviewer")
        visit.open("/console/accounts/demo/demo-news")
        visit.page.locator("#impose summary").click()
        visit.page.get_by_label("Degree").select_option(label="Warning")
        visit.page.get_by_label("Days").fill("0")
        visit.page.get_by_label("Reason").fill("ticket 9")
        visit.page.get_by_role("button", name="Impose").click()
        expect(visit.page.locator("#i-days-more")).to_have_text("Give at least 1.")
        look(visit)
        visit.page.get_by_label("Days").fill("1")
        visit.page.get_by_role("button", name="Impose").click()
        expect(visit.page.locator(".heading")).to_contain_text("In force")
        look(visit)
        visit.page.get_by_label("Reason").fill("ticket 10")
        visit.page.keyboard.press("Escape")
        with visit.page.expect_navigation():
            visit.page.keyboard.press("f")
        expect(visit.page.get_by_role("status")).to_contain_text("It was lifted.")


def test_a_policy_is_tried(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo, "dark", bypass_csp=True) as visit:
        visit.sign_in()
        visit.open("/console/policy")
        visit.page.locator("details summary").first.click()
        look(visit)
        text = visit.page.get_by_label("Its YAML")
        good = text.input_value()
        text.fill(good.replace("decay_days: 90", "decay_days: often"))
        visit.page.get_by_role("button", name="Try it").click()
        expect(visit.page.locator(".problems")).to_contain_text("ladder.decay_days: give a whole number")
        assert text.input_value() != good
        look(visit)
        text.fill(good)
        visit.page.get_by_label("tried on the last 30 days of").select_option("demo")
        visit.page.get_by_role("button", name="Try it").click()
        expect(visit.page.locator("#tried")).to_contain_text("The one in force")
        look(visit)
