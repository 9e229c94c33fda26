"""Settings of the campaign classifier: environment variables with the prefix ``CLASSIFIERS_CAMPAIGN_``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CampaignSettings(BaseSettings):
    """What is remembered, and from where on it is a campaign."""

    model_config = SettingsConfigDict(env_prefix="CLASSIFIERS_CAMPAIGN_", frozen=True, extra="forbid")

    minutes: float = Field(default=60, gt=0, le=1440)
    """How long a message counts."""
    accounts: int = Field(default=3, ge=2, le=1000)
    """From how many accounts on nearly the same text is a campaign."""
    entries: int = Field(default=200_000, ge=100, le=5_000_000)
    """How many messages are remembered at most, at about 0.8 kB each."""
