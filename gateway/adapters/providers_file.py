"""The identity providers, from their file, and their secrets, from the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.core.yaml_lines import unreadable
from gateway.providers.config import WEBHOOKS, Provider, ProvidersError, parse_providers
from gateway.providers.webhooks import Endpoint


def read_providers(path: Path, environ: Mapping[str, str]) -> tuple[Provider, ...]:
    """The providers in a file. Raises `ProvidersError`, also when it cannot be read, or names a variable that the
    environment does not have (an empty one counts as missing)."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProvidersError([unreadable(error)]) from error
    return parse_providers(text, frozenset(name for name, value in environ.items() if value.strip()))


def endpoints(providers: Iterable[Provider], environ: Mapping[str, str]) -> dict[str, Endpoint]:
    """How the webhooks of those that tell by webhook are checked, by name."""
    return {
        provider.name: Endpoint(
            provider.name,
            tuple(environ[name].strip().encode() for name in provider.secret_env),
            provider.tolerance_ms,
            environ[provider.client_env].strip() if provider.client_env is not None else None,
        )
        for provider in providers
        if provider.kind in WEBHOOKS
    }
