"""Where each platform is listened for, and where its requests go: one YAML file, validated as a whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from gateway.core.yaml_lines import Problem, read_yaml, to_problem
from gateway.platforms.call import Ambiguous
from gateway.platforms.schema import Platform

Seconds = Annotated[float, Field(gt=0, le=3600, strict=False)]


class ListenersError(ValueError):
    """A listeners file that cannot be used, with every problem found in it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class Listener(_Part):
    """One platform of one tenant. Its requests come in on ``port``, or on the main port under ``hostname``.

    ``host``: the Host header that the upstream gets: its own name, the client's, or the name given here.
    ``connections`` bounds the connections to the upstream, so that a slow one slows only itself. ``answer_seconds``
    bounds the wait for the head of an answer (long polls take that long), ``idle_seconds`` the wait between two pieces
    of a body. ``trusted_peers`` are the networks whose ``X-Forwarded-*`` headers are passed on; those of others are
    dropped. ``unknown_accounts`` is what happens to requests of accounts that the gateway does not know.
    ``base_path`` is the path below which the platform's site is, on both sides; nothing beside it is forwarded.
    ``allow_bypass`` lets requests pass by which the platform takes content past the gateway (`Route.kind`).
    ``account_prefix`` is put before the account ids that the platform gives, where the same ids mean others elsewhere
    (two realms, two platforms). ``body_limit`` bounds a publish request, in bytes. What was published is taken down
    with the credential in the environment variable ``takedown_token_env``, or in the file ``takedown_token_file``,
    which is read anew each time: for tokens that are good for hours only.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    platform: str
    """A shipped platform's name, or the path of a route map's file."""
    tenant: str = Field(min_length=1)
    port: int | None = Field(None, ge=1, le=65535)
    hostname: str | None = Field(None, pattern=r"^[a-z0-9.-]+$")
    upstream: str
    base_path: str = Field("", pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    allow_bypass: bool = False
    host: Literal["upstream", "client"] | Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]+$")] = "upstream"
    connections: int = Field(64, ge=1, le=10_000)
    connect_seconds: Seconds = 2.0
    answer_seconds: Seconds = 60.0
    idle_seconds: Seconds = 60.0
    trusted_peers: tuple[str, ...] = Field((), strict=False)
    account_prefix: str = Field("", max_length=63)
    unknown_accounts: Literal["hold", "block", "pass"] = "hold"
    body_limit: int = Field(20 * 1024 * 1024, ge=1024)
    takedown_token_env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    takedown_token_file: str | None = Field(None, min_length=1)
    _networks: tuple[IPv4Network | IPv6Network, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.port is None) == (self.hostname is None):
            raise ValueError("give either port or hostname")
        if self.takedown_token_env and self.takedown_token_file:
            raise ValueError("give either takedown_token_env or takedown_token_file")
        url = urlsplit(self.upstream)
        if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query:
            raise ValueError("upstream: give an origin, such as https://chat.example")
        self._networks = tuple([ip_network(text) for text in self.trusted_peers])
        return self

    @cached_property
    def map(self) -> Platform:
        """The platform's route map, see `use`."""
        raise RuntimeError("the route map was not loaded")

    def use(self, routes: Platform) -> None:
        """Give the listener its route map."""
        vars(self)["map"] = routes  # where a cached property looks first

    def inner_path(self, raw_path: bytes) -> bytes:
        """The path of a request as the route map has it. Raises `Ambiguous` for one that is not below the base path."""
        base = self.base_path.encode("ascii")
        if not base:
            return raw_path
        if not raw_path.startswith(base + b"/"):
            raise Ambiguous(f"the path is not below {self.base_path}, the base path of this listener")
        return raw_path[len(base) :]

    def outer_target(self, target: bytes) -> bytes:
        """The target of a request of the gateway's own, as the platform has it."""
        return self.base_path.encode("ascii") + target

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of `trusted_peers`."""
        return self._networks

    def trusts(self, peer: str) -> bool:
        """Whether the headers that this address sets about the client are believed."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


class _File(_Part):
    listeners: tuple[Listener, ...] = Field(min_length=1, strict=False)


def parse_listeners(text: str, platform: Callable[[str], Platform]) -> tuple[Listener, ...]:
    """Read the listeners from YAML; ``platform`` finds a route map by its name or path, or raises ValueError.

    Raises `ListenersError` naming the line and field of each problem.
    """
    values, lines, problems = read_yaml(text)
    if problems:
        raise ListenersError(problems)
    try:
        listeners = _File.model_validate(values).listeners
    except ValidationError as error:
        raise ListenersError([to_problem(e, lines) for e in error.errors()]) from error
    seen: set[tuple[str, str]] = set()
    for index, listener in enumerate(listeners):
        place = ("listeners", str(index))
        line = lines.get(place, 1)
        for field in ("name", "port", "hostname"):
            value = getattr(listener, field)
            if value is not None and (field, str(value)) in seen:
                problems.append(Problem(lines.get((*place, field), line), f"listeners.{index}.{field}", "given twice"))
            seen.add((field, str(value)))
        try:
            listener.use(platform(listener.platform))
        except ValueError as error:
            problems.append(Problem(lines.get((*place, "platform"), line), f"listeners.{index}.platform", str(error)))
    if problems:
        raise ListenersError(problems)
    return listeners
