"""Settings come from the environment, and a typing error there leaves no default in force."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.settings import SettingsError, load_settings


def test_what_is_not_set_has_its_default() -> None:
    assert load_settings().max_in_flight == 512
    assert load_settings().kafka.bootstrap_servers == ""


def test_what_is_set_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_MAX_IN_FLIGHT", "7")
    monkeypatch.setenv("GATEWAY_KAFKA__BOOTSTRAP_SERVERS", "one:9092")
    monkeypatch.setenv("GATEWAY_KAFKA__PARTITIONS", "3")
    settings = load_settings()
    assert (settings.max_in_flight, settings.kafka.bootstrap_servers, settings.kafka.partitions) == (7, "one:9092", 3)
    assert settings.kafka.topic_prefix == "moderation."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_MAX_INFLIGHT", "7"),
        ("GATEWAY_", "7"),
        ("GATEWAY_KAFKA__BOOTSTRAP_SERVER", "one:9092"),
        ("GATEWAY_KAFKA_BOOTSTRAP_SERVERS", "one:9092"),
        ("GATEWAY_MAX_IN_FLIGHT", "many"),
        ("GATEWAY_MAX_IN_FLIGHT", "0"),
        ("GATEWAY_BODY_LIMIT", "1023"),
        ("GATEWAY_UPSTREAM_SECONDS", "0"),
        ("GATEWAY_TRACE_RATIO", "1.1"),
        ("GATEWAY_LOG_LEVEL", "loud"),
        ("GATEWAY_DATABASE_URL", "sqlite:///gateway.db"),
        ("GATEWAY_DATABASE_URL", "sqlite+aiosqlite:///"),
        ("GATEWAY_DATABASE_URL", "postgresql://host/database"),
        ("GATEWAY_KAFKA__SECURITY_PROTOCOL", "none"),
        ("GATEWAY_KAFKA__PARTITIONS", "0"),
    ],
)
def test_what_is_no_setting_or_no_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize(("lease", "upstream"), [("20", "10"), ("5", "10"), ("1", "0.5")])
def test_a_lease_lasts_longer_than_two_forwards(monkeypatch: pytest.MonkeyPatch, lease: str, upstream: str) -> None:
    monkeypatch.setenv("GATEWAY_LEASE_SECONDS", lease)
    monkeypatch.setenv("GATEWAY_UPSTREAM_SECONDS", upstream)
    with pytest.raises(SettingsError, match="GATEWAY_LEASE_SECONDS must be more than twice GATEWAY_UPSTREAM_SECONDS"):
        load_settings()


def test_every_unknown_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_B", "1")
    monkeypatch.setenv("GATEWAY_A", "1")
    with pytest.raises(SettingsError, match=r"unknown settings: GATEWAY_A, GATEWAY_B$"):
        load_settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().slots = 3  # type: ignore[misc]


def test_the_budget_of_all_bodies_takes_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_BODY_BUDGET", "4096")
    with pytest.raises(SettingsError, match="GATEWAY_BODY_BUDGET must not be less than GATEWAY_BODY_LIMIT"):
        load_settings()


def test_pictures_are_fetched_from_the_public_internet_by_default() -> None:
    pictures = load_settings().pictures
    assert (pictures.http, pictures.ports, pictures.trusted) == (False, (80, 443), frozenset())


def test_private_hosts_are_exact_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PICTURES__PRIVATE_HOSTS", "Media.internal:8080, [::1]:9000,")
    assert load_settings().pictures.trusted == {"media.internal:8080", "[::1]:9000"}


@pytest.mark.parametrize("given", ["media.internal", "media.internal:", ":80", "a:b", "a:0", "a:65536", "10.0.0.0/8"])
def test_what_is_no_pair_is_named(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("GATEWAY_PICTURES__PRIVATE_HOSTS", given)
    with pytest.raises(SettingsError, match=r"GATEWAY_PICTURES__PRIVATE_HOSTS: .*host:port"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GATEWAY_CONSOLE__ORIGIN", "moderation.example.org", "GATEWAY_CONSOLE__ORIGIN: give scheme, host and port"),
        ("GATEWAY_CONSOLE__ORIGIN", "https://moderation.example.org/console", "GATEWAY_CONSOLE__ORIGIN"),
        ("GATEWAY_CONSOLE__ORIGIN", "https://Moderation.example.org", "GATEWAY_CONSOLE__ORIGIN"),
        ("GATEWAY_CONSOLE__IDLE_MINUTES", "0", "GATEWAY_CONSOLE__IDLE_MINUTES"),
        ("GATEWAY_CONSOLE__TRUSTED_PEERS", "10.0.0.0/33", "GATEWAY_CONSOLE__TRUSTED_PEERS"),
        ("GATEWAY_OIDC__ISSUER", "http://login.example.org", "GATEWAY_OIDC: the issuer is an https address"),
        ("GATEWAY_OIDC__ISSUER", "https://login.example.org", "needs GATEWAY_OIDC__CLIENT_ID"),
        ("GATEWAY_OIDC__SCOPE", "email", "GATEWAY_OIDC: the scope has openid in it"),
        ("GATEWAY_OIDC__SECRET_ENV", "NOT_SET_ANYWHERE", "names NOT_SET_ANYWHERE, which is not set"),
    ],
)
def test_what_the_console_cannot_work_with_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert said in str(raised.value)


def test_the_openid_provider_needs_to_know_where_browsers_come_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_OIDC__ISSUER", "https://login.example.org")
    monkeypatch.setenv("GATEWAY_OIDC__CLIENT_ID", "console")
    with pytest.raises(SettingsError, match="GATEWAY_OIDC__ISSUER needs GATEWAY_CONSOLE__ORIGIN"):
        load_settings()
    monkeypatch.setenv("GATEWAY_CONSOLE__ORIGIN", "https://moderation.example.org")
    assert load_settings().oidc.claim == "email"


def test_proxies_of_the_console_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_CONSOLE__TRUSTED_PEERS", "10.0.0.0/8, 2001:db8::/32")
    assert [str(each) for each in load_settings().console.proxies] == ["10.0.0.0/8", "2001:db8::/32"]
