"""`serve` and `demo` as processes: what they say when they begin to listen, and when they cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

import gateway
from gateway.demo_upstream import create_demo_upstream

HOME = Path(gateway.__file__).parents[1]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def free() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "gateway", *words]


def environment(directory: Path) -> dict[str, str]:
    return {**os.environ, "GATEWAY_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/gateway.db"}


@pytest.mark.parametrize("words", [("serve",), ("serve", "--workers", "2")])
def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path, taken: int, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        command(*words, "--port", str(taken)),
        env=environment(tmp_path),
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    why = f"cannot listen on 127.0.0.1 port {taken}: Address already in use; choose another with --port"
    assert (done.returncode, done.stderr) == (1, f"Error: {why}\n")


@pytest.mark.parametrize("option", ["--port", "--upstream-port"])
def test_the_demo_does_not_invite_to_a_port_that_it_does_not_have(
    tmp_path: Path, taken: int, free: int, option: str
) -> None:
    other = "--upstream-port" if option == "--port" else "--port"
    words = ("demo", option, str(taken), other, str(free), "--data", str(tmp_path))
    done = subprocess.run(
        command(*words), cwd=HOME, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {taken}: Address already in use; choose another with {option}" in done.stderr


def test_the_log_says_where_and_when_it_is_ready(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("serve", "--port", "0"), env=environment(tmp_path), cwd=HOME, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            ready = next(row for line in process.stdout if (row := orjson.loads(line))["message"] == "ready")
            [address] = ready["addresses"]
            assert httpx.get(f"{address}/readyz", trust_env=False).text == "ok\n"
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
    assert process.returncode == 0


async def test_the_demo_page_counts_in_words_that_fit(tmp_path: Path) -> None:
    app = create_demo_upstream(tmp_path / "published.ndjson")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo") as client:
        for said in ("0 messages, newest", "1 message, newest", "2 messages, newest"):
            assert said in (await client.get("/")).text
            await client.post("/publish", json={"text": "hello"}, headers={"Idempotency-Key": said})


def test_a_policy_file_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"
    done = subprocess.run(
        command("policy", "check", str(file)), cwd=HOME, capture_output=True, text=True, timeout=60, check=False
    )
    told = f"{file}: line 1: file: cannot be read: No such file or directory\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_a_bad_providers_file_is_told_with_line_and_field(tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text("providers:\n  - {name: a, kind: stripe, framework: eidas, level: high, tenants: [t]}\n")
    done = subprocess.run(
        command("serve", "--port", "0"),
        env={**environment(tmp_path), "GATEWAY_PROVIDERS_FILE": str(file)},
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = "providers.0: secret_env: name the variables that hold the webhook's secrets"
    assert (done.returncode, done.stderr) == (2, f"{file}: line 2: {told}\n")
