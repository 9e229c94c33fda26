"""Servers that read multipart bodies as PHP, Node's busboy, Go and Python's aiohttp do, and tell what they read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.local.processes import free_port, is_free, spawn, tail, terminate, wait_until
from deploy.local.programs import program

ECHO = Path(__file__).parent / "echo"
CACHE = Path(".cache/parsers")


def _php(port: int) -> list[str]:
    return [program(["php"], "php-cli"), "-S", f"127.0.0.1:{port}", str(ECHO / "php" / "echo.php")]


def _node(port: int) -> list[str]:
    modules = CACHE / "node"
    if not (modules / "node_modules" / "busboy").exists():
        modules.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            (modules / name).write_bytes((ECHO / "node" / name).read_bytes())
        npm = program(["npm"], "npm")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=modules, check=True, capture_output=True)
    return [program(["node", "nodejs"], "nodejs"), str(ECHO / "node" / "echo.mjs"), str(port), str(modules.resolve())]


def _go(port: int) -> list[str]:
    CACHE.mkdir(parents=True, exist_ok=True)
    built = (CACHE / "go-echo").resolve()
    go = program(["go"], "golang-go")
    more = {"GOCACHE": str((CACHE / "go-build").resolve()), "GO111MODULE": "off"}
    command = [go, "build", "-o", str(built), str(ECHO / "go" / "main.go")]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **more})
    return [str(built), str(port)]


def _python(port: int) -> list[str]:
    return [sys.executable, str(ECHO / "aiohttp_echo.py"), str(port)]


def _is_served(port: int) -> bool:
    return not is_free(port)


@pytest.fixture(scope="session")
def parsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The address of each server, by the parser's name."""
    folder = tmp_path_factory.mktemp("parsers")
    found: dict[str, str] = {}
    running = []
    for name, command in {"php": _php, "busboy": _node, "go": _go, "aiohttp": _python}.items():
        port = free_port()
        running.append(spawn(command(port), output=folder / f"{name}.log"))
        found[name] = f"http://127.0.0.1:{port}"
    try:
        for name, address in found.items():
            port = int(address.rpartition(":")[2])
            assert wait_until(partial(_is_served, port), 60), tail(folder / f"{name}.log")
        yield found
    finally:
        for process in running:
            terminate(process, (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
