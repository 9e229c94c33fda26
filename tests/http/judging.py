"""The classifiers that ship, for tests in which they are asked but not what is tested."""

from __future__ import annotations

from functools import cache

from gateway.embedded import EmbeddedJudge, embedded_judge


@cache
def shipped() -> EmbeddedJudge:
    """Loaded once: that takes longer than most tests."""
    return embedded_judge()
