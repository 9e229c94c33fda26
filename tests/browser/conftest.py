"""A real browser at the demo. Where there is none, and none can be installed, that is a failure and says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.local.chromium import arguments, chromium
from deploy.local.demo import Demo
from deploy.local.processes import wait_until
from gateway.demo import TRIES
from tests.browser.hostile import HOSTILE


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`gateway demo`, shared by all these tests: each looks for what it made itself. An appeal waits in it, and one
    was decided."""
    directory: Path = tmp_path_factory.mktemp("demo")
    # More people sign in from this one address, in a few minutes, than would anywhere else.
    with Demo(directory, {"GATEWAY_CONSOLE__TRIES_PER_ADDRESS": "10000"}) as demo:
        blocked = demo.publish("demo-verified", TRIES[2][2]).json()["message_id"]
        demo.appeal(blocked, f"It was a joke. {HOSTILE[4]}")
        decided = demo.appeal(demo.publish("demo-verified", TRIES[2][2]).json()["message_id"], "It was a joke.")
        why = ("--uphold", "--note", "It was none.", "--reason", "ticket 7", "--actor", "Ann")
        demo.command("appeals", "decide", "demo", decided, *why)
        yield demo


@pytest.fixture(scope="session")
def hostile(demo: Demo) -> list[str]:
    """The ids of messages that are held and say hostile things, in text and title."""
    ids = []
    for number, text in enumerate(HOSTILE):
        response = demo.publish(f"nobody-{number}", text, title=text[:200])
        if response.status_code == 202:
            ids.append(response.json()["message_id"])
    assert len(ids) >= 20
    assert wait_until(lambda: all(demo.queued(message_id) for message_id in ids), 20.0)
    return ids


@pytest.fixture(scope="module")
def browser(demo: Demo) -> Iterator[Browser]:
    """A Chromium for the tests of one file; they are not async, so its loop is in nobody's way."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=arguments())
        yield browser
        browser.close()
