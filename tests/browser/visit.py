"""A visit to the console in a real browser, which notices all that must not happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route

from deploy.local.demo import Demo
from tests.browser.pages import Shown

Scheme = Literal["light", "dark"]

# A hostile text that gets to run says so here, or in a dialog.
_WATCH = """
document.addEventListener('securitypolicyviolation', (event) => {
  if (event.effectiveDirective !== 'require-trusted-types-for' || event.sourceFile.includes('/console/'))
    window.told({kind: 'policy', text: `${event.effectiveDirective} ${event.blockedURI} ${event.sample}`});
});
let ran = false;
Object.defineProperty(window, 'pwned', {
  get: () => ran,
  set(value) { ran = value; window.told({kind: 'ran', text: String(value)}); },
});
"""


@dataclass
class Visit:
    """One browser context. ``page`` is its page, ``told`` what happened that must not: a script of somebody else's, a
    violation of the policy, a dialog, an error, a request to elsewhere."""

    demo: Demo
    context: BrowserContext
    page: Page
    told: list[str] = field(default_factory=list)

    def sign_in(self, name: str = "demo-admin") -> None:
        """Sign in by the form."""
        self.open("/console/sign-in")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Password", exact=True).fill(self.demo.passwords[name])
        self.page.locator("form[action='/console/sign-in'] button").click()
        self.page.wait_for_url("**/console/")

    def open(self, path: str) -> None:
        """Load a page."""
        self.page.goto(self.demo.url + path)

    def show(self, page: Shown) -> None:
        """Load one of the pages that people look at."""
        self.open(page.path)
        for wanted in page.click:
            with self.page.expect_navigation():
                self.page.locator(wanted).first.click()

    def assert_nothing_happened(self) -> None:
        """Fail if something did that must not."""
        assert self.told == []


@contextmanager
def visiting(browser: Browser, demo: Demo, scheme: Scheme = "light", **options: Any) -> Iterator[Visit]:
    """A browser context of its own; at its end nothing may have happened that must not."""
    options.setdefault("viewport", {"width": 1280, "height": 800})
    options.setdefault("locale", "en-GB")
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", **options)
    visit = Visit(demo, context, context.new_page())
    here = urlsplit(demo.url).netloc

    def pass_on(route: Route) -> None:
        if urlsplit(route.request.url).netloc == here:
            route.continue_()
            return
        visit.told.append(f"request to {route.request.url}")
        route.abort()

    context.route("**/*", pass_on)
    context.expose_binding("told", lambda _source, what: visit.told.append(f"{what['kind']}: {what['text']}"))
    context.add_init_script(_WATCH)

    def dismiss(dialog: Dialog) -> None:
        visit.told.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    visit.page.on("dialog", dismiss)
    visit.page.on("pageerror", lambda error: visit.told.append(f"error: {error}"))
    try:
        yield visit
        visit.assert_nothing_happened()
    finally:
        context.close()
