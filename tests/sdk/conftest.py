"""Platforms, and the gateway in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from deploy.local.synapse import SERVER_NAME, Synapse
from tests.sdk.gateway import GatewayProcess, Place
from tests.sdk.site import Site
from tests.sdk.upstreams.discord import Discord
from tests.sdk.upstreams.line import Line
from tests.sdk.upstreams.mattermost import Mattermost
from tests.sdk.upstreams.qq import QQ
from tests.sdk.upstreams.server import Platform
from tests.sdk.upstreams.slack import Slack
from tests.sdk.upstreams.telegram import Telegram
from tests.sdk.upstreams.wechat import WeChat

KINDS: dict[str, type[Platform]] = {
    "discord": Discord,
    "line": Line,
    "mattermost": Mattermost,
    "qq": QQ,
    "slack": Slack,
    "telegram": Telegram,
    "wechat": WeChat,
}
PASSWORD = "a password"


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    """A real Matrix homeserver with three users."""
    with Synapse() as server:
        for name in ("news", "restricted", "reader"):
            server.register(name, PASSWORD)
        yield server


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, Platform]]:
    """A server for each of the other platforms."""
    with ExitStack() as opened:
        yield {name: opened.enter_context(kind()) for name, kind in KINDS.items()}


@pytest.fixture(scope="session")
def gateway(
    synapse: Synapse, servers: dict[str, Platform], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """The gateway, listening for all of them."""
    places = {name: Place(s.url, good=s.GOOD[1], restricted=s.RESTRICTED[1]) for name, s in servers.items()}
    places["matrix"] = Place(synapse.url, good=f"@news:{SERVER_NAME}", restricted=f"@restricted:{SERVER_NAME}")
    with GatewayProcess(tmp_path_factory.mktemp("gateway"), places) as process:
        yield process


@pytest.fixture(scope="session")
def sites(servers: dict[str, Platform], gateway: GatewayProcess) -> dict[str, Site[Platform]]:
    """Every platform but Matrix, with the gateway in front of it."""
    return {name: Site(server, gateway.url_of(name), gateway) for name, server in servers.items()}
