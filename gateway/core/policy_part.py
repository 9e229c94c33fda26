"""What every part of a policy is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.core.model import Outcome


class Part(BaseModel):
    """A part of a policy: it knows all its fields, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Choice = Annotated[Outcome, Field(strict=False)]
