"""Commands that run something, or look at its files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
import orjson
import uvicorn

from classifiers.lexicon.files import Origin
from classifiers.lexicon.terms import TermError
from classifiers.rulefiles import contexts
from gateway import demo_console, demo_news, logs
from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import audit_key, new_keys
from gateway.adapters.listeners_file import read_listeners
from gateway.adapters.passwords import Argon2Passwords
from gateway.adapters.providers_file import read_providers
from gateway.adapters.sql import SqlOperators, check_schema, open_store
from gateway.adapters.sql.news import SqlNews
from gateway.adapters.sql.sessions import SqlSessions
from gateway.app import create_app
from gateway.app_classifiers import Judge
from gateway.cli.common import checked_policy, in_a_sentence, settings
from gateway.demo import APP_KEY, BOT_FILE, bot_try, listeners, seed, tries
from gateway.demo_bots import TOKEN
from gateway.demo_upstream import create_demo_upstream
from gateway.embedded import embedded_judge
from gateway.platforms.listeners import Listener, ListenersError
from gateway.ports import SchemaNewer, StoreUnavailable
from gateway.providers.config import ProvidersError
from gateway.server import Line, listen, run
from gateway.settings import Settings, SettingsError, load_settings
from gateway.supervisor import supervise


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Gateway processes behind the port.")
@click.option("--fds", hidden=True, help="Listening sockets, from the supervisor.")
@click.option("--line", hidden=True, help="Pipes to the supervisor: its life, our readiness.")
def serve(host: str, port: int, workers: int, fds: str | None, line: str | None) -> None:
    """Run the gateway until SIGTERM. SIGHUP reloads the policy; with --workers, SIGUSR1 replaces the processes."""
    chosen = settings()
    logs.configure(chosen.log_level)
    checked_policy(chosen.policy_file)
    check_providers(chosen.providers_file)
    check_lexicon(chosen)
    check_known_pictures(chosen)
    check_database(chosen)
    ports = [port, *[listener.port for listener in checked_listeners(chosen.listeners_file) if listener.port]]
    if fds is None:
        sockets = [*_listen(host, ports), *_listen_for_management(chosen, ports)]
    else:
        sockets = [socket.socket(fileno=int(fd)) for fd in fds.split(",")]
    if workers > 1:
        sys.exit(supervise(sockets, workers))
    sys.exit(_serve(chosen, sockets, _line(line)))


@click.command()
@click.option("--port", default=8080, show_default=True)
@click.option("--upstream-port", default=8081, show_default=True)
@click.option("--bots-port", default=8082, show_default=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=Path(".data"), show_default=True)
def demo(port: int, upstream_port: int, bots_port: int, data: Path) -> None:
    """Run gateway, classifiers and a chat app to publish to, all on this machine, with demo accounts.

    Database, key file and listeners are its own, in --data; other settings come from the environment.
    """
    upstream_url = f"http://127.0.0.1:{upstream_port}"
    chosen = _demo_settings(data)
    _demo_files(chosen, bots_port, upstream_url)
    logs.configure(chosen.log_level)
    checked_policy(chosen.policy_file)
    check_providers(chosen.providers_file)
    check_lexicon(chosen)
    check_known_pictures(chosen)
    checked_listeners(chosen.listeners_file)
    listening = [*_demo_listen(port, "--port"), *_demo_listen(bots_port, "--bots-port")]
    listening += _listen_for_management(chosen, [port, bots_port])
    for each in _demo_listen(upstream_port, "--upstream-port"):
        each.close()
    check_database(chosen)
    asyncio.run(_seed(chosen, upstream_url, data / "console-passwords"))
    upstream = [sys.executable, "-m", "gateway", "demo-upstream", "--port", str(upstream_port), "--data", str(data)]
    with subprocess.Popen(upstream) as process:
        try:
            _wait_for(upstream_port, process)
            click.echo(f"Gateway on http://127.0.0.1:{port}, chat app on {upstream_url}. Try:\n")
            click.echo(tries(f"http://127.0.0.1:{port}"))
            click.echo(demo_news.tries(f"http://127.0.0.1:{port}", APP_KEY))
            click.echo(bot_try(f"http://127.0.0.1:{bots_port}"))
            click.echo(demo_console.ways_in(data / "console-passwords", f"http://127.0.0.1:{port}"))
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


def checked_listeners(file: Path | None) -> tuple[Listener, ...]:
    """The listeners in a file; a bad one ends the command with status 2 and its problems."""
    if file is None:
        return ()
    try:
        return read_listeners(file)
    except ListenersError as error:
        for problem in error.problems:
            click.echo(f"{file}: {problem}", err=True)
        sys.exit(2)


def check_providers(file: Path | None) -> None:
    """End the command with status 2 and the problems of a bad providers file."""
    if file is None:
        return
    try:
        read_providers(file, os.environ)
    except ProvidersError as error:
        for problem in error.problems:
            click.echo(f"{file}: {problem}", err=True)
        sys.exit(2)


def check_database(chosen: Settings) -> None:
    """End the command with status 3 where a later version has changed the database's tables."""
    try:
        asyncio.run(check_schema(chosen.database_url))
    except SchemaNewer as fault:
        raise in_a_sentence(fault) from fault
    except StoreUnavailable:
        return  # whether it is there is seen when it is opened


def check_lexicon(chosen: Settings) -> None:
    """End the command with status 2 and the problems of a bad terms file for the classifiers in this process."""
    if chosen.kafka.bootstrap_servers:
        return
    try:
        origin = Origin.of(chosen.lexicon)
        origin.terms(origin.read(), contexts()[0])
    except TermError as error:
        for problem in error.problems:
            click.echo(f"GATEWAY_LEXICON: {problem}", err=True)
        sys.exit(2)


def check_known_pictures(chosen: Settings) -> None:
    """End the command with status 2 and the problem of a bad list for the classifiers in this process."""
    if chosen.kafka.bootstrap_servers or chosen.known_pictures is None:
        return
    # What reads hashes of pictures is loaded for those alone who have such a list.
    from classifiers.images import known

    try:
        known.load(chosen.known_pictures)
    except known.ListError as error:
        click.echo(f"GATEWAY_KNOWN_PICTURES: {error}", err=True)
        sys.exit(2)


def _listen(host: str, ports: Sequence[int], way: str = "--port") -> list[socket.socket]:
    """A listening socket on each port: what connects from now on is served once the process is ready. A taken port
    ends the command."""
    try:
        return listen(host, ports)
    except OSError as error:
        raise click.ClickException(f"{error}; choose another with {way}") from error


def _listen_for_management(chosen: Settings, others: Sequence[int]) -> list[socket.socket]:
    """The management listener's socket, if there is one. A port that another listener has ends the command: requests
    are told apart by their port, whatever address they came to."""
    port = chosen.management_port
    if port is None:
        return []
    if port in others:
        raise click.ClickException(f"GATEWAY_MANAGEMENT_PORT: {port} is another listener's port; choose one of its own")
    return _listen(chosen.management_host, [port], "GATEWAY_MANAGEMENT_PORT")


def _serve(chosen: Settings, sockets: list[socket.socket], line: Line | None) -> int:
    app = create_app(chosen, _judge(chosen))
    return 0 if run(app, sockets, line, chosen.drain_seconds, chosen.connections_per_address) else 1


def _judge(chosen: Settings) -> Judge | None:
    """The classifiers in this process, unless Kafka has them. One that cannot run here ends the command."""
    if chosen.kafka.bootstrap_servers:
        return None
    try:
        return embedded_judge(chosen.classifiers, chosen.lexicon, chosen.known_pictures)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _line(text: str | None) -> Line | None:
    if text is None:
        return None
    life, ready = text.split(",")
    return Line(int(life), int(ready))


def _demo_listen(port: int, option: str) -> list[socket.socket]:
    # The whole command: `make run`, from which it mostly comes, takes no options.
    return _listen("127.0.0.1", [port], f"`.venv/bin/python -m gateway demo {option} N`")


def _demo_settings(data: Path) -> Settings:
    """The demo's settings; a bad one ends the command with what is wrong."""
    try:
        return load_settings(
            database_url=f"sqlite+aiosqlite:///{data.resolve()}/gateway.db",
            keys_file=data / "keys.json",
            listeners_file=data / "listeners.yaml",
            log_level="warning",
        )
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _demo_files(chosen: Settings, bots_port: int, upstream_url: str) -> None:
    """Make the files that the demo's settings name; the keys stay, for what they sealed is still there."""
    if chosen.keys_file is None or chosen.listeners_file is None:
        raise ValueError("these are not the demo's settings")
    chosen.keys_file.parent.mkdir(parents=True, exist_ok=True)
    if not chosen.keys_file.exists():
        new_keys(chosen.keys_file)
    chosen.listeners_file.write_text(listeners(bots_port, upstream_url), encoding="utf-8")
    chosen.listeners_file.with_name(BOT_FILE).write_text(TOKEN, encoding="utf-8")


async def _seed(chosen: Settings, upstream_url: str, passwords_file: Path) -> None:
    async with open_store(chosen.database_url, audit_key=audit_key(chosen.keys_file)) as (store, register):
        await seed(register, SqlNews(store.database), SystemClock(), upstream_url)
        passwords, sessions = Argon2Passwords(), SqlSessions(store.database)
        operators = SqlOperators(store.database)
        await demo_console.seed(operators, sessions, passwords, passwords_file, SystemClock().now_ms())
        passwords.close()
