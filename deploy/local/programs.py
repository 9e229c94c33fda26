"""Programs that tests need beside Python: the one on the PATH, else the system's package."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from deploy.local.errors import StartFailed
from deploy.local.processes import run

INSTALL_SECONDS: Final = 900.0
# Another installation on the machine is waited for.
_APT: Final = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]


def program(names: Sequence[str], *packages: str) -> str:
    """The path of the first of these programs that is there; as root on Debian its packages are installed if none is.

    Raises `StartFailed` when there is none and none can be installed.
    """
    found = on_path(names) or (on_path(names) if install(*packages) else None)
    if found is None:
        raise StartFailed(f"there is no {names[0]}: install it (on Debian the package {' and '.join(packages)})")
    return found


def on_path(names: Sequence[str]) -> str | None:
    """The path of the first of these programs that is there."""
    return next((found for name in names if (found := shutil.which(name)) is not None), None)


def install(*packages: str) -> bool:
    """Install Debian packages; whether that could be done."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    return succeeded([*_APT, "update", "-qq"], [*_APT, "install", "-y", "-qq", "--no-install-recommends", *packages])


def succeeded(*commands: Sequence[str]) -> bool:
    """Whether all of these commands, one after the other, ended well."""
    try:
        return all(run(command, seconds=INSTALL_SECONDS).returncode == 0 for command in commands)
    except (OSError, subprocess.TimeoutExpired):
        return False
