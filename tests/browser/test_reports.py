"""Reports by the public in the console: taken, decided and taken down by keyboard; hostile ones are only shown."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.local.demo import Demo
from deploy.local.processes import wait_until
from gateway.demo import APP_KEY, TENANT
from tests.browser.hostile import HOSTILE
from tests.browser.test_accessible import PHONE, assert_accessible
from tests.browser.test_queue import press
from tests.browser.visit import Scheme, visiting

REPORT = re.compile(r"/console/reports/demo/[0-9a-f]{32}")


def publish(demo: Demo, text: str) -> str:
    """Publish something that nobody minds; the message's id. Where the classifiers were too busy to answer in time it
    is held, so it is tried again."""
    answers: list[httpx.Response] = []

    def allowed() -> bool:
        answers.append(demo.publish("demo-verified", text))
        return answers[-1].status_code == 200

    assert wait_until(allowed, 30.0), answers[-1].text
    return str(answers[-1].json()["message_id"])


def report(demo: Demo, explanation: str, reference: str, category: str = "self_harm") -> None:
    """Report it, as the app does for one of its users."""
    body = {
        "tenant": TENANT,
        "explanation": explanation,
        "category": category,
        "message_ids": [reference],
        "name": "Reader Rhabdoid",
        "email": "rhabdoid@reader.example",
        "bona_fide": True,
    }
    response = httpx.post(f"{demo.url}/v1/reports", json=body, headers={"Authorization": f"Bearer {APP_KEY}"})
    assert response.status_code == 201, response.text


def is_gone(demo: Demo, message_id: str) -> bool:
    """Whether the chat app's readers do not see it any more."""
    return [row["taken_down"] for row in demo.published() if row["key"] == message_id] == [True]


def go_to(page: Page, demo: Demo, words: str) -> None:
    """From the list to a report, by keys."""
    page.goto(f"{demo.url}/console/reports")
    texts = page.locator("[data-open]").all_inner_texts()
    for _ in range([words in text for text in texts].index(True) + 1):
        page.keyboard.press("j")
    press(page, "Enter")
    expect(page).to_have_url(REPORT)


def test_what_is_reported_is_taken_down_by_keyboard(browser: Browser, demo: Demo) -> None:
    message_id = publish(demo, "Good morning from the bakery at the corner.")
    report(demo, "They bake without me.", message_id)
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        go_to(visit.page, demo, "bakery at the corner")
        expect(visit.page.locator("main")).to_contain_text("They bake without me.")
        expect(visit.page.locator("main")).not_to_contain_text("Rhabdoid")
        press(visit.page, "c")
        expect(visit.page.get_by_role("status")).to_contain_text("It is yours for a while")
        press(visit.page, "l")
        expect(visit.page.get_by_role("status")).to_have_text("You gave the report back.")
        go_to(visit.page, demo, "bakery at the corner")
        press(visit.page, "x")
        expect(visit.page.get_by_role("status")).to_contain_text("the message is being taken down")
        press(visit.page, "o")
        expect(visit.page).to_have_url(re.compile(f"/console/queue/demo/{message_id}$"))

        assert wait_until(lambda: is_gone(demo, message_id), 20.0)

        def shown() -> bool:
            visit.page.reload()
            return visit.page.locator("main .badge", has_text="Taken down").count() == 1

        assert wait_until(shown, 20.0)


def test_the_help_names_the_keys_of_a_report(browser: Browser, demo: Demo) -> None:
    report(demo, "Help.", "help-is-needed")
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        go_to(visit.page, demo, "help-is-needed")
        visit.page.keyboard.press("?")
        told = visit.page.get_by_role("dialog", name="Shortcuts")
        for words in (
            "Act against",
            "Do not act on",
            "hold it against its reporters",
            "Take this one",
            "Go on to",
            "Back to",
        ):
            expect(told).to_contain_text(words)
        visit.page.keyboard.press("Escape")
        press(visit.page, "d")
        expect(visit.page.get_by_role("status")).to_contain_text("Not acted on")


def test_a_message_is_taken_down_from_its_page_without_scripts(browser: Browser, demo: Demo) -> None:
    message_id = publish(demo, "Good evening from the brewery.")
    with visiting(browser, demo, java_script_enabled=False) as visit:
        visit.sign_in("demo-reviewer")
        visit.open(f"/console/queue/demo/{message_id}")
        panel = visit.page.locator("section", has=visit.page.get_by_role("heading", name="Take down"))
        panel.locator("summary").click()
        panel.get_by_label("Category").select_option("spam")
        panel.get_by_label("Reason").fill("ticket 7")
        panel.get_by_role("button", name="Take it down").click()
        expect(visit.page.get_by_role("status")).to_contain_text("told to take it down")
    assert wait_until(lambda: is_gone(demo, message_id), 20.0)


def test_what_reporters_write_is_only_shown(browser: Browser, demo: Demo) -> None:
    for number, text in enumerate(HOSTILE):
        report(demo, text, f"hostile-{number}-{text}"[:200].replace("\n", " "), "hate")
    with visiting(browser, demo) as visit:
        visit.sign_in()
        visit.open("/console/reports")
        paths = [link.get_attribute("href") or "" for link in visit.page.locator("[data-open]").all()]
        seen = 0
        for path in paths:
            visit.open(path)
            if visit.page.locator(".alike", has_text="hostile-").count():
                seen += 1
                assert visit.page.locator("main .message").count() >= 1
        assert seen >= min(len(HOSTILE), 20)
        assert visit.page.locator("main img").count() == 0
        visit.assert_nothing_happened()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_and_a_panel_are_accessible(browser: Browser, demo: Demo, scheme: Scheme) -> None:
    message_id = publish(demo, f"Good night from the library, {scheme}.")
    report(demo, "It is closed.", message_id)
    with visiting(browser, demo, scheme, bypass_csp=True) as visit:
        visit.sign_in()
        for path in ("report", f"/console/queue/demo/{message_id}"):
            if path == "report":
                go_to(visit.page, demo, f"library, {scheme}")
            else:
                visit.open(path)
            for summary in visit.page.locator("details.reveal summary").all():
                summary.click()
            assert_accessible(visit)
            visit.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            assert_accessible(visit)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert visit.page.evaluate(wide) <= 0
            visit.page.set_viewport_size({"width": 1280, "height": 800})
