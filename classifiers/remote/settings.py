"""Settings of the remote classifier: environment variables with the prefix ``CLASSIFIERS_REMOTE_``, read once.

They are the same ones in a worker and in a gateway that runs the classifiers in its own process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from classifiers.plugins import ClassifierError

_PREFIX: Final = "CLASSIFIERS_REMOTE_"
_VERSION_PATH: Final = "/v1"


class RemoteSettings(BaseSettings):
    """All there is to set. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    """The endpoint's address up to ``/v1/moderations``; a base URL that ends in ``/v1``, as SDKs have it, will do."""
    key: SecretStr | None = None
    """Sent as bearer token; unset, none is sent."""
    model: str | None = Field(default=None, min_length=1, max_length=200)
    """The model to ask for; unset, the endpoint chooses."""
    seconds: float = Field(default=0.6, gt=0, le=60)
    """Time for one answer, waiting for a turn included. A question's own deadline comes first."""
    concurrency: int = Field(default=8, ge=1, le=32)
    """Requests under way at once, and so the connections. Only as many as there are threads that judge can be used."""
    failures: int = Field(default=5, ge=1, le=1000)
    """After so many failures in a row nothing is asked for a while."""
    pause_seconds: float = Field(default=5.0, gt=0, le=3600)
    """How long that is. Then one request tries."""
    response_limit: int = Field(default=1024 * 1024, ge=1024)
    """Longest answer that is read."""
    flagged: float = Field(default=0.6, ge=0, le=1)
    """What a category scores at least that the endpoint calls true, for its own threshold may be lower than ours."""
    ssl_cafile: Path | None = None
    """Certificates (PEM) to trust in place of the public ones."""

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        try:
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("give http://HOST or https://HOST, with a port and a path if need be")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ValueError(f"leave out user, password, query and fragment; the key goes to {_PREFIX}KEY")
        return url.rstrip("/").removesuffix(_VERSION_PATH)

    @field_validator("key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        value = key.get_secret_value() if key is not None else "-"
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ValueError("give visible ASCII characters without spaces or a line end")
        return key


def load_settings() -> RemoteSettings:
    """Reads them. Raises `ClassifierError` naming each variable that is missing or wrong, without its value."""
    try:
        return RemoteSettings()
    except ValidationError as error:
        raise ClassifierError("; ".join([_told(each["loc"], each["msg"]) for each in error.errors()])) from None


def _told(place: tuple[int | str, ...], message: str) -> str:
    name = _PREFIX + "__".join(map(str, place)).upper()
    if message == "Field required":
        return f"{name} is not set; give the address of an OpenAI-compatible moderations endpoint, or leave out remote"
    return f"{name}: {message}"
