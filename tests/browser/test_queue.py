"""Held messages in the console, by keyboard alone: released once, rejected, taken back, left to somebody else."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect

from deploy.local.demo import Demo
from deploy.local.processes import wait_until
from tests.browser.visit import Visit, visiting

MESSAGE = re.compile(r"/console/queue/demo/[0-9a-f]{32}")


def hold(demo: Demo, text: str, account_id: str = "demo-verified") -> str:
    """Publish something that is held; the message's id."""
    response = demo.publish(account_id, f"Guaranteed 30% returns weekly, send 500 USDT to my wallet. {text}")
    assert response.status_code == 202, response.text
    return str(response.json()["message_id"])


def state(demo: Demo, message_id: str) -> str:
    return str(demo.message(message_id)["state"])


def times(demo: Demo, message_id: str) -> int:
    """How often the chat app has published it."""
    return [row["key"] for row in demo.published()].count(message_id)


def becomes(demo: Demo, message_id: str, wanted: str) -> None:
    assert wait_until(lambda: state(demo, message_id) == wanted, 30.0), state(demo, message_id)


def go_to(visit: Visit, message_id: str) -> None:
    """From the queue to a message, by keys."""
    visit.open("/console/queue")
    links = visit.page.locator("[data-open]")
    # It comes into the queue a moment after it was held.
    assert wait_until(lambda: _has(visit.page, message_id), 10.0)
    addresses = [link.get_attribute("href") or "" for link in links.all()]
    for _ in range(addresses.index(f"/console/queue/demo/{message_id}") + 1):
        visit.page.keyboard.press("j")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url(f"**/{message_id}")


def _has(page: Page, message_id: str) -> bool:
    if page.locator(f'[data-open][href$="{message_id}"]').count():
        return True
    page.reload()
    return False


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait for it."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_message_is_released_by_keyboard_and_published_once(browser: Browser, demo: Demo) -> None:
    message_id = hold(demo, "Released by keyboard.")
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        go_to(visit, message_id)
        expect(visit.page.locator("mark").first).to_be_visible()
        assert times(demo, message_id) == 0
        press(visit.page, "a")
        expect(visit.page.locator("[data-toast]")).to_contain_text("Will be released.")
        assert state(demo, message_id) == "held"  # until it can no longer be undone
        becomes(demo, message_id, "published")
        assert times(demo, message_id) == 1
        visit.open(f"/console/queue/demo/{message_id}")
        expect(visit.page.locator(".heading")).to_contain_text("Published")
        expect(visit.page.get_by_role("button", name="Release")).to_have_count(0)
    assert times(demo, message_id) == 1


def test_a_message_is_rejected_and_never_published(browser: Browser, demo: Demo) -> None:
    # Nothing was held against this account yet, so the rejection brings it a warning.
    known = ("--registrant", "demo-person", "--kind", "person", "--verification", "verified")
    who = ("--framework", "cn_real_name", "--level", "verified", "--actor", "Ann")
    demo.command("accounts", "put", "demo", "demo-quiet", *known, *who)
    message_id = hold(demo, "Rejected by keyboard.", "demo-quiet")
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        go_to(visit, message_id)
        press(visit.page, "r")
        notice = visit.page.get_by_role("alert")
        expect(notice).to_contain_text("this is held against the account, and brings: ")
        assert state(demo, message_id) == "held"
        press(visit.page, "r")
        expect(visit.page.locator("[data-toast]")).to_contain_text("Will be rejected.")
        becomes(demo, message_id, "rejected")
    assert times(demo, message_id) == 0


def test_a_decision_is_taken_back_in_time(browser: Browser, demo: Demo) -> None:
    message_id = hold(demo, "Taken back.")
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        go_to(visit, message_id)
        press(visit.page, "a")
        press(visit.page, "u")
        expect(visit.page).to_have_url(re.compile(rf"/{message_id}\?done=undone"))
        expect(visit.page.get_by_role("status")).to_contain_text("the message waits again")
        press(visit.page, "e")
        expect(visit.page.get_by_text("It waits for one of these: demo-admin")).to_be_visible()
        visit.open(f"/console/queue/demo/{message_id}")
        expect(visit.page.locator("main")).to_contain_text("Escalated by demo-reviewer")
        assert (state(demo, message_id), times(demo, message_id)) == ("held", 0)


def test_the_help_names_the_keys_of_a_message(browser: Browser, demo: Demo) -> None:
    message_id = hold(demo, "Help.")
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        go_to(visit, message_id)
        wanted = ("Release the held", "Reject the held", "Escalate", "Take this one", "Go on to the next one")
        visit.page.keyboard.press("?")
        help_of: Any = visit.page.get_by_role("dialog", name="Shortcuts").locator("[data-keys]")
        for words in wanted:
            expect(visit.page.locator("[data-line]")).to_contain_text(words)
            expect(help_of).to_contain_text(words)
        expect(help_of).not_to_contain_text("appealed")
        expect(visit.page.locator("[data-elsewhere]")).to_contain_text("Reverse what is appealed against")


def test_a_slash_goes_to_the_filter_which_stays(browser: Browser, demo: Demo) -> None:
    message_id = hold(demo, "Filtered.")
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        assert wait_until(lambda: demo.queued(message_id), 10.0)
        visit.open("/console/queue")
        visit.page.keyboard.press("/")
        expect(visit.page.get_by_label("Category")).to_be_focused()
        visit.page.get_by_label("Category").select_option("spam")
        with visit.page.expect_navigation():
            visit.page.get_by_role("button", name="Filter").click()
        press(visit.page, "t")
        expect(visit.page).to_have_url(re.compile(r"\?.*category=spam"))
        press(visit.page, "q")
        expect(visit.page.get_by_label("Category")).to_have_value("spam")


def test_a_message_works_without_scripts(browser: Browser, demo: Demo) -> None:
    message_id = hold(demo, "Without scripts.")
    with visiting(browser, demo, java_script_enabled=False) as visit:
        visit.sign_in("demo-admin")
        assert wait_until(lambda: demo.queued(message_id), 10.0)
        visit.open(f"/console/queue/demo/{message_id}")
        visit.page.get_by_label("Why reject").select_option("other")
        visit.page.get_by_role("button", name="Reject").click()
        visit.page.wait_for_url(re.compile("was="))
    becomes(demo, message_id, "rejected")


def test_what_is_hostile_in_the_queue_is_only_shown(browser: Browser, demo: Demo, hostile: list[str]) -> None:
    with visiting(browser, demo) as visit:
        visit.sign_in("demo-reviewer")
        visit.open("/console/queue")
        seen: set[str] = set()
        while True:
            seen |= {link.get_attribute("href") or "" for link in visit.page.locator("[data-open]").all()}
            onward = visit.page.locator("a[rel=next]")
            if not onward.count():
                break
            onward.click()
            visit.page.wait_for_load_state()
        wanted = [path for path in sorted(seen) if path.rpartition("/")[2] in hostile]
        assert len(wanted) == len(hostile)
        for path in wanted:
            visit.open(path)
            assert visit.page.locator("main .message").count() >= 1
            for summary in visit.page.locator("details summary").all():
                summary.click()
        assert visit.page.locator("main img").count() == 0
        visit.assert_nothing_happened()
