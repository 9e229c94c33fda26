"""A Chromium for browser tests and screenshots: the one that is there, else the system's package, else Playwright's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Playwright

from deploy.local.errors import StartFailed
from deploy.local.processes import run

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_SECONDS: Final = 900.0
# Another installation on the machine is waited for.
_APT: Final = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]

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
    if (found := _on_path()) is not None:
        return found
    may_install = os.geteuid() == 0 and shutil.which("apt-get") is not None
    if may_install and _installed(_APT) and (found := _on_path()) is not None:
        return found
    own = Path(playwright.chromium.executable_path)
    if own.exists() or (_installed([sys.executable, "-m", "playwright"]) and own.exists()):
        return str(own)
    raise StartFailed(
        "there is no browser to test with: install Chromium (on Debian the package chromium), or name one in CHROMIUM"
    )


def _on_path() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name)) is not None), None)


def _installed(way: list[str]) -> bool:
    """Whether installing it in this way succeeded."""
    steps = [["update", "-qq"], ["install", "-y", "-qq", "chromium"]] if way is _APT else [["install", "chromium"]]
    try:
        return all(run([*way, *step], seconds=_INSTALL_SECONDS).returncode == 0 for step in steps)
    except (OSError, subprocess.TimeoutExpired):
        return False
