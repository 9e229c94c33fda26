"""What a listener costs: the same requests to a chat app directly, through the gateway, and through mitmproxy.

``python -m loadtest.passing`` measures these rows alone (with classifiers in-process and SQLite, so the sends are not
those of the table).
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from deploy.local.environments import environment
from deploy.local.processes import free_port
from deploy.local.stack import Stack
from gateway.adapters.keys import new_keys
from gateway.demo import TENANT
from loadtest import client
from loadtest.client import Result
from loadtest.report import Row, passing_table
from loadtest.rounds import Probe, run_rounds, say

CLIENTS = 16
_PROFILE = (
    b"GET /_matrix/client/v3/profile/@ann:matrix.test HTTP/1.1\r\nHost: matrix.test\r\nAuthorization: Bearer t\r\n\r\n"
)
_TEXT = "The municipal library opens at nine today. Everyone is welcome to the reading room."
_transactions = itertools.count()


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the same requests can be sent. ``bare`` is a server without a framework, ``app`` the chat app."""

    app: int
    app_gateway: int
    app_mitmproxy: int
    bare: int
    bare_gateway: int


def listeners(directory: Path, ports: Ports) -> dict[str, str]:
    """Write the listeners' file and the keys; the settings that name them."""
    entries = [
        {"name": name, "platform": "matrix", "tenant": TENANT, "port": port, "upstream": f"http://127.0.0.1:{upstream}"}
        for name, port, upstream in (
            ("chat", ports.app_gateway, ports.app),
            ("bare", ports.bare_gateway, ports.bare),
        )
    ]
    file, keys = directory / "listeners.yaml", directory / "keys.json"
    file.write_text(json.dumps({"listeners": entries}), encoding="utf-8")
    new_keys(keys)
    return {"GATEWAY_LISTENERS_FILE": str(file), "GATEWAY_KEYS_FILE": str(keys)}


def new_ports(bare: int) -> Ports:
    """Ports that are free."""
    return Ports(free_port(), free_port(), free_port(), bare, free_port())


def start_others(stack: Stack, ports: Ports) -> dict[str, int]:
    """The chat app, and mitmproxy before it; the processes by name. The first time, mitmproxy is installed."""
    url = f"http://127.0.0.1:{ports.app}"
    ready = "/_matrix/client/v3/profile/@ann:matrix.test"
    app = stack.start("chatapp", ["-m", "loadtest.chatapp", "--port", str(ports.app)], url + ready)
    mitmdump = environment("mitmproxy") / "mitmdump"
    options = ["--mode", f"reverse:{url}", "--listen-host", "127.0.0.1", "--listen-port", str(ports.app_mitmproxy)]
    options += ["--quiet", "--set", f"confdir={stack.directory}/mitmproxy"]
    proxy = stack.start_program("mitmdump", mitmdump, options, f"http://127.0.0.1:{ports.app_mitmproxy}{ready}")
    return {"chatapp": app.pid, "mitmproxy": proxy.pid}


def probes(ports: Ports, seconds: float) -> list[Probe]:
    """The rows, one after the other what is compared."""

    def probe(row: str, port: int, make: Callable[[], bytes]) -> Probe:
        async def run() -> Result:
            return await client.run(port, make, CLIENTS, seconds)

        return Probe(row, CLIENTS, run)

    return [
        probe("e", ports.app, lambda: _PROFILE),
        probe("f", ports.app_gateway, lambda: _PROFILE),
        probe("g", ports.app_mitmproxy, lambda: _PROFILE),
        probe("h", ports.app, _message),
        probe("i", ports.app_gateway, _message),
        probe("j", ports.app_mitmproxy, _message),
        probe("k", ports.bare, lambda: _PROFILE),
        probe("l", ports.bare_gateway, lambda: _PROFILE),
    ]


def _message() -> bytes:
    """A Matrix send with a transaction of its own."""
    body = json.dumps({"msgtype": "m.text", "body": _TEXT}).encode()
    target = f"/_matrix/client/v3/rooms/!library:matrix.test/send/m.room.message/t{next(_transactions)}"
    head = f"PUT {target} HTTP/1.1\r\nHost: matrix.test\r\nAuthorization: Bearer t\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def alone() -> Iterator[tuple[Ports, dict[str, int]]]:
    """Everything that these rows need, with classifiers in-process."""
    with tempfile.TemporaryDirectory() as directory:
        stack = Stack(f"sqlite+aiosqlite:///{directory}/bench.db", "", Path(directory))
        with stack:
            ports = new_ports(stack.upstream_port)
            stack.seed(idempotent=True)
            bare = stack.start_load_upstream(log=False)
            gateway = stack.start_gateway(1, {**listeners(Path(directory), ports), "GATEWAY_LOG_LEVEL": "warning"})
            others = start_others(stack, ports)
            yield ports, {"gateway": gateway.pid, "upstream": bare.pid, **others}


def measure_alone(rounds: int, seconds: float) -> list[Row]:
    """These rows, alone."""
    with alone() as (ports, processes):
        return uvloop.run(run_rounds(probes(ports, seconds), processes, rounds, warm=1))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each row and round")
    options = parser.parse_args()
    say(passing_table(measure_alone(options.rounds, options.seconds)))


if __name__ == "__main__":
    main()
