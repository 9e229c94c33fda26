"""Commands that run something, or look at its files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import orjson
import uvicorn

from gateway import logs
from gateway.adapters.clock import SystemClock
from gateway.adapters.policy_file import read_policy
from gateway.adapters.sql import open_store
from gateway.app import create_app
from gateway.cli.common import settings
from gateway.core.policy import PolicyError, PolicyInForce
from gateway.demo import seed, tries
from gateway.demo_upstream import create_demo_upstream
from gateway.embedded import embedded_judge
from gateway.server import Line, run
from gateway.settings import Settings
from gateway.supervisor import supervise


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Gateway processes behind the port.")
@click.option("--fd", type=int, hidden=True, help="A listening socket, from the supervisor.")
@click.option("--line", hidden=True, help="Pipes to the supervisor: its life, our readiness.")
def serve(host: str, port: int, workers: int, fd: int | None, line: str | None) -> None:
    """Run the gateway until SIGTERM. SIGHUP reloads the policy; with --workers, SIGUSR1 replaces the processes."""
    chosen = settings()
    logs.configure(chosen.log_level)
    checked_policy(chosen.policy_file)
    if workers > 1:
        sys.exit(supervise(_listen(host, port), workers))
    sys.exit(_serve(chosen, socket.socket(fileno=fd) if fd is not None else _listen(host, port), _line(line)))


@click.command()
@click.option("--port", default=8080, show_default=True)
@click.option("--upstream-port", default=8081, show_default=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=Path(".data"), show_default=True)
def demo(port: int, upstream_port: int, data: Path) -> None:
    """Run gateway, classifiers and a chat app to publish to, all on this machine, with demo accounts."""
    data.mkdir(parents=True, exist_ok=True)
    chosen = Settings(database_url=f"sqlite+aiosqlite:///{data.resolve()}/gateway.db", log_level="warning")
    logs.configure(chosen.log_level)
    checked_policy(chosen.policy_file)
    upstream_url = f"http://127.0.0.1:{upstream_port}"
    listening = _listen("127.0.0.1", port)
    _listen("127.0.0.1", upstream_port, "--upstream-port").close()
    asyncio.run(_seed(chosen, upstream_url))
    upstream = [sys.executable, "-m", "gateway", "demo-upstream", "--port", str(upstream_port), "--data", str(data)]
    with subprocess.Popen(upstream) as process:
        try:
            _wait_for(upstream_port, process)
            click.echo(f"Gateway on http://127.0.0.1:{port}, chat app on {upstream_url}. Try:\n")
            click.echo(tries(f"http://127.0.0.1:{port}"))
            click.echo(f"See what was really published: {upstream_url}\nCtrl-C ends everything.")
            status = _serve(chosen, listening, None)
        finally:
            process.terminate()
    sys.exit(status)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8081, show_default=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=Path(".data"), show_default=True)
def demo_upstream(host: str, port: int, data: Path) -> None:
    """Run the demo chat app alone: POST /publish, and a page that lists what was published."""
    data.mkdir(parents=True, exist_ok=True)
    uvicorn.run(create_demo_upstream(data / "published.ndjson"), host=host, port=port, log_level="warning")


@click.group()
def policy() -> None:
    """Policy files."""


@policy.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def policy_check(file: Path) -> None:
    """Validate FILE; print its version, or every problem with its line and field."""
    click.echo(f"{file}: valid, version {checked_policy(file).version}")


@click.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    click.echo(orjson.dumps(create_app(Settings()).openapi(), option=orjson.OPT_INDENT_2))


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when something listens; end the command when it never will."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise click.ClickException(f"the demo chat app did not start; is port {port} taken?")


def checked_policy(file: Path) -> PolicyInForce:
    """The policy in a file; a bad one ends the command with status 2 and its problems."""
    try:
        return read_policy(file)
    except PolicyError as error:
        for problem in error.problems:
            click.echo(f"{file}: {problem}", err=True)
        sys.exit(2)


def _listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A listening socket: what connects from now on is served once the process is ready. A taken port ends the
    command."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # The system's own words: the library's have the address in them once more.
        number = None if isinstance(error, socket.gaierror) else error.errno
        why = error.strerror if number is None else os.strerror(number)
        raise click.ClickException(
            f"cannot listen on {host} port {port}: {why}; choose another with {option}"
        ) from error


def _serve(chosen: Settings, listening: socket.socket, line: Line | None) -> int:
    judge = None if chosen.kafka.bootstrap_servers else embedded_judge()
    return 0 if run(create_app(chosen, judge), listening, line, chosen.drain_seconds) else 1


def _line(text: str | None) -> Line | None:
    if text is None:
        return None
    life, ready = text.split(",")
    return Line(int(life), int(ready))


async def _seed(chosen: Settings, upstream_url: str) -> None:
    async with open_store(chosen.database_url) as (_, register):
        await seed(register, SystemClock(), upstream_url)
