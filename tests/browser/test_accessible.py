"""Every page, light and dark, on a desk and on a phone: axe-core finds no violation, and nothing scrolls sideways."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from deploy.local.demo import Demo
from tests.browser.pages import PAGES, Shown
from tests.browser.visit import Scheme, Visit, visiting

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


def assert_accessible(visit: Visit) -> None:
    """Fail on what axe-core finds on this page."""
    found: list[dict[str, Any]] = Axe().run(visit.page, options=RULES).response["violations"]
    told = [
        f"{each['id']}: {node['html'][:200]}: {node['failureSummary'][:300]}"
        for each in found
        for node in each["nodes"]
    ]
    assert told == [], "\n".join(told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_axe_finds_nothing(browser: Browser, demo: Demo, page: Shown, scheme: Scheme) -> None:
    with visiting(browser, demo, scheme, bypass_csp=True) as visit:
        if not page.outside:
            visit.sign_in()
        visit.show(page)
        assert_accessible(visit)
        visit.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert_accessible(visit)
        assert visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_help_and_a_revealing_form_are_accessible_too(browser: Browser, demo: Demo, scheme: Scheme) -> None:
    with visiting(browser, demo, scheme, bypass_csp=True) as visit:
        visit.sign_in()
        visit.open("/console/audit")
        visit.page.keyboard.press("?")
        assert_accessible(visit)
        visit.page.keyboard.press("Escape")
        visit.page.locator("details summary").first.click()
        assert_accessible(visit)
        visit.open("/console/audit?since=yesterday")
        assert_accessible(visit)
