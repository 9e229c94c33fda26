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
def free() -> list[int]:
    """Two ports that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return [listening.getsockname()[1] for listening in (one, two)]


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


def demo(directory: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a demo that does not get far, on ports that do not matter unless they are given."""
    return subprocess.run(
        command("demo", "--data", str(directory / "data"), *words),
        cwd=HOME,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("option", ["--port", "--bots-port", "--upstream-port"])
def test_the_demo_does_not_invite_to_a_port_that_it_does_not_have(
    tmp_path: Path, taken: int, free: list[int], option: str
) -> None:
    others = [name for name in ("--port", "--bots-port", "--upstream-port") if name != option]
    given = [str(word) for pair in zip(others, free, strict=True) for word in pair]
    done = demo(tmp_path, option, str(taken), *given)
    why = f"cannot listen on 127.0.0.1 port {taken}: Address already in use"
    way = f"choose another with `.venv/bin/python -m gateway demo {option} N`"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {why}; {way}\n")


def test_the_demo_refuses_a_variable_that_is_no_setting_as_serve_does(tmp_path: Path) -> None:
    done = demo(tmp_path, GATEWAY_PROVIDER_FILE="providers.yaml")
    told = "Error: unknown settings: GATEWAY_PROVIDER_FILE\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
    assert not (tmp_path / "data").exists()


def test_the_demo_says_what_is_wrong_with_a_file_before_it_invites_to_anything(tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text("providers: []\n")
    done = demo(tmp_path, GATEWAY_PROVIDERS_FILE=str(file))
    told = f"{file}: line 1: providers: give at least 1\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)

    done = demo(tmp_path, "--bots-port", "65536")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{tmp_path}/data/listeners.yaml: line 5: listeners.0.port: ")


def test_the_demo_has_keys_and_listeners_of_its_own(tmp_path: Path, taken: int) -> None:
    others = {
        "GATEWAY_LISTENERS_FILE": str(tmp_path / "none.yaml"),
        "GATEWAY_DATABASE_URL": "sqlite+aiosqlite:///none/x",
    }
    done = demo(tmp_path, "--port", str(taken), **others)
    assert "Address already in use" in done.stderr
    assert sorted(each.name for each in (tmp_path / "data").iterdir()) == ["bot", "keys.json", "listeners.yaml"]


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


async def test_the_demo_page_shows_nothing_that_was_taken_down_also_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "published.ndjson"

    async def post(path: str, body: dict[str, str], key: str = "m") -> int:
        app = create_demo_upstream(file)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo") as client:
            return (await client.post(path, json=body, headers={"Idempotency-Key": key})).status_code

    async def shown() -> tuple[bool, list[bool]]:
        app = create_demo_upstream(file)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo") as client:
            rows = (await client.get("/published")).json()
            return "hello" in (await client.get("/")).text, [row["taken_down"] for row in rows]

    assert await post("/publish", {"text": "hello"}) == 201
    for _ in range(2):
        assert await post("/takedowns", {"action": "take_down", "message_id": "m"}) == 200
        assert await shown() == (False, [True])
    for _ in range(2):
        assert await post("/takedowns", {"action": "restore", "message_id": "m"}) == 200
        assert await shown() == (True, [False])
    assert len(file.read_bytes().splitlines()) == 3
    assert await post("/takedowns", {"action": "take_down", "message_id": "none"}) == 410
    assert await post("/takedowns", {"action": "burn", "message_id": "m"}) == 400


def test_a_policy_file_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"
    done = subprocess.run(
        command("policy", "check", str(file)), cwd=HOME, capture_output=True, text=True, timeout=60, check=False
    )
    told = f"{file}: no such file\n"
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


@pytest.mark.parametrize("words", [("serve",), ("serve", "--workers", "2")])
def test_a_bad_terms_file_is_told_by_line_before_anything_starts(tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "terms.tsv"
    file.write_text("word\tspam\t0.5\nother\tspam\t7\nthird\tnews\t0.5\n", encoding="utf-8")
    done = subprocess.run(
        command(*words, "--port", "0"),
        env={**environment(tmp_path), "GATEWAY_LEXICON": f"+{file}"},
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert [line.partition(" give ")[0] for line in done.stderr.splitlines()] == [
        f"GATEWAY_LEXICON: {file}:2:3: weight: '7';",
        f"GATEWAY_LEXICON: {file}:3:2: category: unknown 'news';",
    ]


@pytest.mark.parametrize("words", [("serve",), ("serve", "--workers", "2")])
def test_a_bad_list_of_known_pictures_is_told_before_anything_starts(tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "known.tsv"
    file.write_text(f"{'0' * 64}\thate\n{'1' * 64}\tnews\n", encoding="utf-8")
    done = subprocess.run(
        command(*words, "--port", "0"),
        env={**environment(tmp_path), "GATEWAY_KNOWN_PICTURES": str(file)},
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = f"GATEWAY_KNOWN_PICTURES: known pictures: {file}: line 2: category: expected one of fraud, gambling, "
    assert (done.returncode, done.stderr[: len(told)]) == (2, told)
