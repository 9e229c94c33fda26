"""Screenshots of the console for the README, light and dark: `make screenshots`.

They are of the demo, with messages that everybody may read.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser, Playwright, sync_playwright

from deploy.local.chromium import arguments, chromium
from deploy.local.demo import Demo
from gateway.demo import TRIES

DIRECTORY: Final = Path(__file__).parents[1] / "deploy" / "screenshots"
LIMIT: Final = 155_000
"""Bytes of one picture."""
_WIDTH: Final = 1200


class Shot(NamedTuple):
    """A picture: its name, the page's address (``{statement}`` is where an author reads why a message was blocked),
    whether of the outside, what is clicked before it is taken, and its height in pixels."""

    name: str
    path: str
    outside: bool = False
    click: Sequence[str] = ()
    height: int = 780


SHOTS: Final = [
    Shot("sign-in", "/console/sign-in", outside=True),
    Shot("overview", "/console/"),
    Shot("queue", "/console/queue"),
    Shot("message", "/console/queue", click=["[data-open]"]),
    Shot("report-form", "/report?tenant=demo", outside=True),
    Shot("statement", "{statement}", outside=True, height=1330),
    Shot("appeals", "/console/appeals"),
    Shot("appeal", "/console/appeals", click=["[data-open]"], height=690),
    Shot("account", "/console/accounts/demo/demo-news"),
    Shot("audit", "/console/audit"),
]


HELD: Final = [
    "Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it.",
    "稳赚不赔，保本高收益，日赚三千，加微信领取内部名额。",
    "Cheap pills without a prescription, delivered overnight, write to me.",
    "I want to end my life tonight, nobody would miss me.",
    "Bet on tonight's match with us, first stake free, withdraw at once.",
]
"""What waits in the queue."""

APPEALS: Final = [
    (
        "demo-verified",
        TRIES[2][2],
        "It is the last line of my crime novel, and threatens nobody. Chapter nine has the rest.",
    ),
    ("demo-news", HELD[0], "We report on these advertisements; we do not sell anything."),
    ("demo-news", HELD[1], "这是对诈骗广告的提醒，不是广告。"),
]
"""What authors appeal against, and what they say."""


def fill(demo: Demo, seconds: float = 75.0) -> str:
    """Let something happen that can be seen, for so long that it draws a line; where an author reads why a message was
    blocked, and may appeal."""
    until = time.monotonic() + seconds
    for text in HELD:
        demo.publish("demo-news", text)
    dice = random.Random(1)  # noqa: S311 - it only chooses what is shown
    while time.monotonic() < until:
        for (_, account, text), often in zip(TRIES, (0.9, 0.2, 0.1), strict=True):
            if dice.random() < often:
                demo.publish(account, text)
    for account, text, words in APPEALS:
        demo.appeal(demo.publish(account, text).json()["message_id"], words)
    blocked = demo.publish("demo-verified", TRIES[2][2]).json()["message_id"]
    page: str = demo.statement(blocked)["appeal"]["page"]
    return page


def take(demo: Demo, browser: Browser, shots: Sequence[Shot], directory: Path, statement: str) -> list[Path]:
    """Take the pictures; the files. Raises `ValueError` for one that is too large."""
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for scheme in ("light", "dark"):
        context = browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            locale="en-GB",
            reduced_motion="reduce",
        )
        page = context.new_page()
        for shot in sorted(shots, key=lambda shot: not shot.outside):
            if not shot.outside and "__Host-session" not in [each["name"] for each in context.cookies()]:
                page.goto(f"{demo.url}/console/sign-in")
                page.get_by_label("Name", exact=True).fill("demo-admin")
                page.get_by_label("Password", exact=True).fill(demo.passwords["demo-admin"])
                page.keyboard.press("Enter")
                page.wait_for_url("**/console/")
            page.set_viewport_size({"width": _WIDTH, "height": shot.height})
            page.goto(demo.url + shot.path.format(statement=statement))
            for selector in shot.click:
                page.locator(selector).first.click()
                page.wait_for_load_state()
            file = directory / f"{shot.name}-{scheme}.png"
            page.screenshot(path=file)
            if file.stat().st_size > LIMIT:
                raise ValueError(f"{file}: larger than {LIMIT} bytes")
            files.append(file)
        context.close()
    return files


def main(playwright: Playwright, names: Sequence[str], directory: Path) -> None:
    """Take the pictures that are asked for, of a demo that is started for it."""
    shots = [shot for shot in SHOTS if not names or shot.name in names]
    browser = playwright.chromium.launch(executable_path=chromium(playwright), args=arguments())
    with tempfile.TemporaryDirectory() as data, Demo(Path(data)) as demo:
        statement = fill(demo)
        for file in take(demo, browser, shots, directory, statement):
            print(file)  # noqa: T201 - the command's output
    browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="which, of: " + ", ".join(shot.name for shot in SHOTS))
    parser.add_argument("--directory", type=Path, default=DIRECTORY)
    given = parser.parse_args()
    with sync_playwright() as started:
        main(started, given.names, given.directory)
