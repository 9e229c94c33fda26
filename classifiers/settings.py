"""Settings of the worker: environment variables with the prefix ``CLASSIFIERS_``, read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from classifiers.plugins import names_in

Kind = Literal["text", "media"]
"""Questions without pictures, and questions with."""

_JUDGES: Final[Mapping[Kind, str]] = {"text": "text,news,lexicon,campaign", "media": "image"}


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
    """Topics are this and ``questions``, ``media-questions``, ``opinions``, ``sketches``, ``dead-letters``."""
    questions: Literal["text", "media", "both"] = "text"
    """Which questions are answered: those without pictures (``text``), those with pictures (``media``), or both."""
    group_id: str = "classifiers"
    """The consumer group; that of questions with pictures is named so with ``-media`` behind."""
    max_tries: int = Field(default=3, ge=1, le=100)
    """How often a question is judged before it becomes a dead letter."""
    max_poll_records: int = Field(default=64, ge=1, le=10_000)
    """Records taken from Kafka at a time."""
    max_unsettled: int = Field(default=256, ge=1, le=100_000)
    """Records taken and not yet settled; at this many, polling waits."""

    classifiers: str = ""
    """Which classifiers run, comma separated: names of the catalogue, and ``package.module:Class`` for others;
    ``constant`` alone for measurements. Empty: all that judge such questions, ``text,news,lexicon,campaign`` for texts
    and ``image`` for pictures."""
    threads: int = Field(default=0, ge=0, le=256)
    """Questions judged at once, each in a thread of its own, for classifiers that wait for something outside. 0: on the
    event loop, one after the other (long ones in a thread all the same), which is best for those that only compute."""
    known_pictures: Path | None = None
    """A list of known pictures for ``image``, as ``images/known.py`` describes it; read once."""

    lexicon: str = ""
    """A terms file in place of the shipped one, or beside it when it begins with ``+``; see ``lexicon/README.md``. A
    change of the file is taken up while running."""
    lexicon_token: SecretStr | None = Field(default=None, min_length=16)
    """What PUT /lexicon of the ops endpoint wants as bearer token; unset, there is no PUT."""

    ops_host: str = "127.0.0.1"
    ops_port: int = Field(default=0, ge=0, le=65535)
    """Port for /livez, /readyz, /metrics and /lexicon; 0 opens none."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str | None = None
    """Where spans go (OTLP over HTTP, the full URL of the traces path); unset, no spans are made."""

    @property
    def names(self) -> tuple[str, ...]:
        """The classifiers to run."""
        return names_in(self.classifiers or ",".join([_JUDGES[kind] for kind in self.kinds]))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of questions that are answered."""
        return ("text", "media") if self.questions == "both" else (self.questions,)

    @property
    def questions_topic(self) -> str:
        """Where questions without pictures are read."""
        return f"{self.topic_prefix}questions"

    @property
    def media_topic(self) -> str:
        """Where questions with pictures are read."""
        return f"{self.topic_prefix}media-questions"

    @property
    def media_group_id(self) -> str:
        """The group of those who read questions with pictures: another one, so that none of them coming or going
        makes the others share their partitions out anew."""
        return f"{self.group_id}-media"

    @property
    def opinions_topic(self) -> str:
        """Where replies go."""
        return f"{self.topic_prefix}opinions"

    @property
    def sketches_topic(self) -> str:
        """Where workers tell each other what they judged."""
        return f"{self.topic_prefix}sketches"

    @property
    def dead_letters_topic(self) -> str:
        """Where goes what could not be answered."""
        return f"{self.topic_prefix}dead-letters"
