"""Everything an operator can set, read once from the environment (prefix ``GATEWAY_``) and then frozen."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.core.wording import told
from gateway.settings_strangers import HoldsSettings, StrangersSettings


class KafkaSettings(BaseModel):
    """How to reach Kafka, and the topics' shape. Without ``bootstrap_servers`` the classifiers run in-process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = ""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    topic_prefix: str = "moderation."
    partitions: int = Field(default=16, ge=1, le=1000)
    """Partitions of each topic. Those of the opinions topic are the slots: they bound the number of processes."""
    replication: int = Field(default=1, ge=1)


class KmsSettings(BaseModel):
    """The transit engine of HashiCorp Vault or OpenBao that keeps the master key of registrants' personal data, see
    `gateway.adapters.transit`. Without ``url`` the master key comes from ``keys_file``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = ""
    token_file: Path | None = None
    """Whose first line is the token; read again for each request, so that it may be renewed."""
    key: str = "registrants"
    """A key with ``derived=true``; beside it there must be one whose name ends in ``-index``."""
    mount: str = "transit"
    namespace: str = ""
    seconds: float = Field(default=5.0, gt=0)
    """Time for one answer."""

    @model_validator(mode="after")
    def _needs_a_token(self) -> Self:
        if self.url and self.token_file is None:
            raise ValueError("GATEWAY_KMS__URL needs GATEWAY_KMS__TOKEN_FILE")
        return self


def _checked_pairs(given: str) -> str:
    for pair in given.split(","):
        host, _, port = pair.strip().rpartition(":")
        if pair.strip() and not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"give host:port pairs, comma separated; {pair.strip()!r} is none")
    return given


def _pairs_in(given: str) -> frozenset[str]:
    return frozenset({pair.strip().lower() for pair in given.split(",") if pair.strip()})


class PicturesSettings(BaseModel):
    """How pictures are fetched that a message names by their address; see `gateway.adapters.fetching`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    http: bool = False
    """Whether http is fetched, beside https. Whoever is on the way could show the gateway another picture."""
    ports: tuple[int, ...] = (80, 443)
    """With none nothing is fetched from the public Internet, and a message with such pictures is held."""
    seconds: float = Field(2.0, gt=0)
    """Time for one picture; the request's own deadline comes first."""
    limit: int = Field(8 * 1024 * 1024, ge=1024)
    """Bytes of one picture."""
    budget: int = Field(64 * 1024 * 1024, ge=1024)
    """Bytes of all pictures that one process keeps at once; what is beyond is held unseen. Over Kafka each byte takes
    about three, while its question is written."""
    at_once: int = Field(16, ge=1)
    """Pictures fetched at once."""
    per_host: int = Field(4, ge=1)
    """Of these, from one host."""
    private_hosts: str = ""
    """``host:port`` pairs, comma separated, from which pictures are fetched although they are not on the public
    Internet: an app's own media server inside, or a test's. Each opens exactly itself, for http too."""

    @field_validator("private_hosts")
    @classmethod
    def _pairs(cls, given: str) -> str:
        return _checked_pairs(given)

    @property
    def trusted(self) -> frozenset[str]:
        """The pairs."""
        return _pairs_in(self.private_hosts)


class NotifySettings(BaseModel):
    """Where notices to tenants may go; see `gateway.adapters.webhooks`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    http: bool = False
    """Whether notices go to http addresses, beside https. Whoever is on the way could read them."""
    ports: tuple[int, ...] = (443,)
    seconds: float = Field(10.0, gt=0, le=50)
    """Time for one delivery. Another process may take a notice over after a minute."""
    private_hosts: str = ""
    """``host:port`` pairs, comma separated, that notices go to although they are not on the public Internet. Each opens
    exactly itself, for http too."""

    @field_validator("private_hosts")
    @classmethod
    def _pairs(cls, given: str) -> str:
        return _checked_pairs(given)

    @property
    def trusted(self) -> frozenset[str]:
        """The pairs."""
        return _pairs_in(self.private_hosts)


class ReportsSettings(BaseModel):
    """How many reports by the public one process takes from clients without a key, see `gateway.http.rate`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(10, ge=1)
    """Reports of one client in ``seconds``; an IPv6 client is its network of 64 bits."""
    seconds: float = Field(600.0, gt=0)
    total: int = Field(1000, ge=1)
    """Reports of one application by all such clients together in ``seconds``; what is no report does not count."""
    looks: int = Field(600, ge=1)
    """Looks of one client at receipts, and complaints, in ``seconds``."""
    clients: int = Field(10_000, ge=1)
    """Clients that are told apart at once."""
    trusted_peers: str = ""
    """Networks (``10.0.0.0/8``), comma separated, of the proxies before the gateway: what their ``X-Forwarded-For``
    says of the client is believed. Without any, everybody behind one proxy is one client."""

    @field_validator("trusted_peers")
    @classmethod
    def _networks(cls, given: str) -> str:
        for text in filter(None, map(str.strip, given.split(","))):
            try:
                ip_network(text)
            except ValueError as error:
                raise ValueError(f"give networks such as 10.0.0.0/8, comma separated; {text!r} is none") from error
        return given

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks."""
        return tuple([ip_network(text) for text in map(str.strip, self.trusted_peers.split(",")) if text])


class RememberSettings(BaseModel):
    """How long and how many opinions are remembered, see `gateway.adapters.remembered`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(300.0, ge=0, le=86_400)
    """How long the same content is not judged again; 0 has everything judged each time."""
    entries: int = Field(20_000, ge=1)
    """Contents whose opinions one process remembers."""
    budget: int = Field(64 * 1024 * 1024, ge=1024)
    """Bytes that this may take in one process."""


class ConsoleSettings(BaseModel):
    """The web console, see `gateway.http.console`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Whether there is one."""
    origin: str = ""
    """Where browsers find it: ``https://moderation.example.org``, without a path. What comes from another page is
    refused. Without it, whatever host a request names; it is needed with OpenID Connect, and behind a proxy that
    changes the Host header."""
    idle_minutes: float = Field(30.0, gt=0)
    """A session that is not used for so long ends."""
    hours: float = Field(12.0, gt=0)
    """A session ends after this time, used or not."""
    tries_per_name: int = Field(10, ge=1)
    """Tries to sign in under one name from one address (IPv6: one /64) in a quarter of an hour."""
    tries_per_name_anywhere: int = Field(100, ge=1)
    """Tries to sign in under one name from all addresses in a quarter of an hour."""
    tries_per_address: int = Field(50, ge=1)
    """Tries to sign in from one address (IPv6: one /64) in a quarter of an hour."""
    trusted_peers: str = ""
    """Networks of proxies, comma separated, whose ``X-Forwarded-For`` tells the address that a try is counted for."""

    @field_validator("origin")
    @classmethod
    def _an_origin(cls, given: str) -> str:
        parts = urlsplit(given)
        if given and (parts.scheme not in ("http", "https") or given != f"{parts.scheme}://{parts.netloc}".lower()):
            raise ValueError("give scheme, host and port only, in lower case, as in https://moderation.example.org")
        return given

    @field_validator("trusted_peers")
    @classmethod
    def _are_networks(cls, given: str) -> str:
        for each in given.split(","):
            if each.strip():
                ip_network(each.strip())
        return given

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks."""
        return tuple([ip_network(each.strip()) for each in self.trusted_peers.split(",") if each.strip()])


class OidcSettings(BaseModel):
    """The OpenID provider that operators may sign in by, beside their passwords; none without ``issuer``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = ""
    """As the provider writes it. Its metadata is at ``/.well-known/openid-configuration`` below it."""
    client_id: str = ""
    secret_env: str = ""
    """The environment variable that holds the client's secret; a public client has none."""
    claim: str = "email"
    """The claim that names the operator. An ``email`` counts only where the provider has verified it."""
    scope: str = "openid email"
    label: str = "OpenID Connect"
    """What the provider is called on the sign-in page."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        parts = urlsplit(self.issuer)
        if self.issuer and not (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))
        ):
            raise ValueError("the issuer is an https address")
        if self.issuer and not self.client_id:
            raise ValueError("GATEWAY_OIDC__ISSUER needs GATEWAY_OIDC__CLIENT_ID")
        if "openid" not in self.scope.split():
            raise ValueError("the scope has openid in it")
        return self


class Settings(BaseSettings):
    """Settings of one gateway process. Nested ones are set as ``GATEWAY_KAFKA__BOOTSTRAP_SERVERS`` and the like."""

    model_config = SettingsConfigDict(
        env_prefix="GATEWAY_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        nested_model_default_partial_update=True,
    )

    database_url: str = "sqlite+aiosqlite:///gateway.db"
    """``sqlite+aiosqlite:///FILE`` or ``postgresql+asyncpg://...``."""
    policy_file: Path = Path(__file__).parent / "policy.yaml"
    kafka: KafkaSettings = KafkaSettings()
    listeners_file: Path | None = None
    """The platforms that are listened for, see `gateway.platforms.listeners`; without it the native API only."""
    keys_file: Path | None = None
    """The keys that seal platforms' requests, made by ``gateway keys new``; needed with ``listeners_file``. The master
    key of registrants' personal data is derived from them, unless ``kms`` says where it is."""
    kms: KmsSettings = KmsSettings()
    pictures: PicturesSettings = PicturesSettings()
    notify: NotifySettings = NotifySettings()
    remember: RememberSettings = RememberSettings()
    reports: ReportsSettings = ReportsSettings()
    strangers: StrangersSettings = StrangersSettings()
    holds: HoldsSettings = HoldsSettings()
    providers_file: Path | None = None
    """The identity providers, see `gateway.providers.config`; without it none is heard or asked."""
    console: ConsoleSettings = ConsoleSettings()
    oidc: OidcSettings = OidcSettings()
    classifiers: str = ""
    """Which classifiers run in-process, comma separated: names of the catalogue, and ``package.module:Class`` for
    others. Empty: those that ship. With Kafka it is the workers' own setting."""
    lexicon: str = ""
    """A terms file for the classifiers that run in-process, in place of the shipped one, or beside it when it begins
    with ``+``; a change of it is taken up while running. With Kafka it is the workers' own setting."""
    known_pictures: Path | None = None
    """A list of known pictures for the classifier ``image`` that runs in-process, as `classifiers.images.known`
    describes it; read once. With Kafka it is the workers' own setting."""

    management_port: int | None = Field(None, ge=1, le=65535)
    """Where console, admin API, metrics, details of health and OpenAPI are answered, and nowhere else then; without it
    they are answered on the main port. Must be no other listener's."""
    management_host: str = "127.0.0.1"
    """The address that ``management_port`` is listened to on."""
    connections_per_address: int = Field(1024, ge=1)
    """Clients' connections of one address, of 4096; one more closes the oldest of them that is idle. An IPv6 address is
    its network of 64 bits. Behind a load balancer all clients have its address: then 4096."""
    max_in_flight: int = Field(512, ge=1)
    """Publish requests worked on at once; more are answered 429."""
    body_limit: int = Field(8 * 1024 * 1024, ge=1024)
    """Bytes of a request body."""
    body_budget: int = Field(64 * 1024 * 1024, ge=1024)
    """Bytes of the bodies of all requests that one process reads or works on at once; more are answered 429. Must not
    be less than ``body_limit``."""
    body_read_seconds: float = Field(10.0, gt=0)
    """Time a client may take to send its body."""
    upstream_seconds: float = Field(10.0, gt=0)
    """Time an upstream may take to answer."""
    upstream_connections: int = Field(128, ge=1)
    """Connections to one upstream."""
    lease_seconds: float = Field(30.0, gt=0)
    """How long a silent process keeps its slot. Must be more than twice ``upstream_seconds``."""
    slots: int = Field(16, ge=1)
    """Gateway processes on one database when the classifiers run in-process (with Kafka: ``kafka.partitions``)."""
    cache_size: int = Field(100_000, ge=1)
    """Entries of the registry cache."""
    cache_trust_ms: int = Field(1000, ge=0)
    """How long the registry cache may answer while its change feed is silent."""
    ask_again_ms: int = Field(2000, ge=1)
    """Time for a classifier to answer on a hold that is asked about again, and the first pause between two tries."""
    warm_seconds: float = Field(10.0, ge=0, le=300)
    """How long a process that starts waits for a first answer of each classifier over Kafka before it is ready without.
    """
    drain_seconds: float = Field(20.0, gt=0)
    """Time for requests under way after SIGTERM."""
    trace_endpoint: str | None = None
    """OTLP/HTTP address of an OpenTelemetry collector's traces."""
    trace_ratio: float = Field(0.01, ge=0, le=1)
    """Share of the traces beginning here that are recorded."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")) or url.endswith(":///"):
            raise ValueError("give sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE")
        return url

    @model_validator(mode="after")
    def _listeners_need_keys(self) -> Self:
        if self.listeners_file is not None and self.keys_file is None:
            raise ValueError("GATEWAY_LISTENERS_FILE needs GATEWAY_KEYS_FILE; make a file with `gateway keys new`")
        return self

    def off_without_keys(self) -> tuple[str, ...]:
        """What is off because there is no key file; nothing where there is one."""
        if self.keys_file is not None:
            return ()
        off = ("reports by the public", "listeners", "WeChat tokens")
        return off if self.kms.url else (*off, "registrants' personal data")

    @model_validator(mode="after")
    def _browsers_come_back(self) -> Self:
        if self.oidc.issuer and not self.console.origin:
            raise ValueError("GATEWAY_OIDC__ISSUER needs GATEWAY_CONSOLE__ORIGIN, where browsers come back to")
        if self.oidc.secret_env and not os.environ.get(self.oidc.secret_env):
            raise ValueError(f"GATEWAY_OIDC__SECRET_ENV names {self.oidc.secret_env}, which is not set")
        return self

    @model_validator(mode="after")
    def _lease_outlives_forwards(self) -> Self:
        if self.lease_seconds <= 2 * self.upstream_seconds:
            raise ValueError("GATEWAY_LEASE_SECONDS must be more than twice GATEWAY_UPSTREAM_SECONDS")
        return self

    @model_validator(mode="after")
    def _one_body_fits(self) -> Self:
        if self.body_budget < self.body_limit:
            raise ValueError("GATEWAY_BODY_BUDGET must not be less than GATEWAY_BODY_LIMIT")
        return self


class SettingsError(ValueError):
    """The environment does not make valid settings; the text names each variable."""


def load_settings(**given: Any) -> Settings:
    """Read the settings; what is ``given`` comes before the environment. Raises `SettingsError` for a bad value, and
    for a variable that is no setting: a typing error must not leave a default in force."""
    known = {f"GATEWAY_{name}".upper() for name in Settings.model_fields}
    unknown = [
        name for name in os.environ if name.startswith("GATEWAY_") and name.partition("__")[0].upper() not in known
    ]
    if unknown:
        raise SettingsError(f"unknown settings: {', '.join(sorted(unknown))}")
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join([_problem(e["loc"], told(e)) for e in error.errors()])) from error


def _problem(place: tuple[int | str, ...], message: str) -> str:
    return f"{('GATEWAY_' + '__'.join(map(str, place))).upper()}: {message}" if place else message
