"""A Chromium for browser tests and screenshots: the one that is there, else the system's package, else Playwright's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Playwright

from deploy.local.errors import StartFailed
from deploy.local.programs import install, on_path, succeeded

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-pings",
)
"""How it is started: it talks to nobody but the page that it is to show."""


def arguments() -> list[str]:
    """How it is started by this user: as root it has no sandbox to run in."""
    return [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else list(ARGUMENTS)


def chromium(playwright: Playwright) -> str:
    """The path of a Chromium that can be started. Raises `StartFailed` when there is none and none can be installed."""
    if given := os.environ.get("CHROMIUM"):
        if not os.access(given, os.X_OK):
            raise StartFailed(f"CHROMIUM names {given}, which cannot be executed")
        return given
    found = on_path(_NAMES) or (on_path(_NAMES) if install("chromium") else None)
    if found is not None:
        return found
    own = Path(playwright.chromium.executable_path)
    if own.exists() or (succeeded([sys.executable, "-m", "playwright", "install", "chromium"]) and own.exists()):
        return str(own)
    raise StartFailed(
        "there is no browser to test with: install Chromium (on Debian the package chromium), or name one in CHROMIUM"
    )
