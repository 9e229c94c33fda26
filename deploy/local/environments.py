"""Virtual environments for programs that are run beside this project and are no dependency of it."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from deploy.local.errors import StartFailed
from deploy.local.processes import run

_ROOT = Path(__file__).parents[2]


def environment(name: str) -> Path:
    """The folder of the programs in an environment with what ``requirements/<name>.txt`` locks, made once for each
    content of that file. Raises `StartFailed` with the installer's output."""
    requirements = _ROOT / "requirements" / f"{name}.txt"
    directory = _ROOT / ".cache" / name / hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    programs = directory / "bin"
    if (directory / "whole").exists():
        return programs
    directory.parent.mkdir(parents=True, exist_ok=True)
    uv, python = [sys.executable, "-m", "uv"], str(programs / "python")
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(directory)],
        [*uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(requirements)],
    ):
        done = run(command)
        if done.returncode != 0:
            raise StartFailed(f"{name} could not be installed:\n{done.stdout[-2000:]}")
    (directory / "whole").touch()
    return programs
