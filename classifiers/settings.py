"""Settings of the worker: environment variables with the prefix ``CLASSIFIERS_``, read once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from classifiers.plugins import names_in


class Settings(BaseSettings):
    """All there is to set. Times are in seconds. Nothing changes after the start."""

    model_config = SettingsConfigDict(env_prefix="CLASSIFIERS_", frozen=True, extra="forbid")

    kafka_bootstrap_servers: str = "localhost:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: str | None = None
    kafka_ssl_certfile: str | None = None
    kafka_ssl_keyfile: str | None = None

    topic_prefix: str = "moderation."
    """Topics are this and ``questions``, ``opinions``, ``dead-letters``."""
    group_id: str = "classifiers"
    max_tries: int = Field(default=3, ge=1, le=100)
    """How often a question is judged before it becomes a dead letter."""
    max_poll_records: int = Field(default=64, ge=1, le=10_000)
    """Records taken from Kafka at a time."""
    max_unsettled: int = Field(default=256, ge=1, le=100_000)
    """Records taken and not yet settled; at this many, polling waits."""

    classifiers: str = "text,news"
    """Which classifiers run, comma separated: names of the catalogue, and ``package.module:Class`` for others;
    ``constant`` alone for measurements."""
    threads: int = Field(default=0, ge=0, le=256)
    """Records judged at once, each in a thread of its own, for classifiers that wait for something outside. 0: on the
    event loop, one after the other, which is best for those that only compute."""

    ops_host: str = "127.0.0.1"
    ops_port: int = Field(default=0, ge=0, le=65535)
    """Port for /livez, /readyz and /metrics; 0 opens none."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str | None = None
    """Where spans go (OTLP over HTTP, the full URL of the traces path); unset, no spans are made."""

    @property
    def names(self) -> tuple[str, ...]:
        """The classifiers to run."""
        return names_in(self.classifiers)

    @property
    def questions_topic(self) -> str:
        """Where questions are read."""
        return f"{self.topic_prefix}questions"

    @property
    def opinions_topic(self) -> str:
        """Where replies go."""
        return f"{self.topic_prefix}opinions"

    @property
    def dead_letters_topic(self) -> str:
        """Where goes what could not be answered."""
        return f"{self.topic_prefix}dead-letters"
