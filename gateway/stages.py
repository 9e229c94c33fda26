"""One stage of a publish request, measured and traced in one place."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType

from gateway import metrics, tracing
from gateway.ports import Fault


class Stage:
    """``with Stage("commit"): ...`` observes the time, counts a fault that ends it, and makes a span."""

    __slots__ = ("_name", "_span", "_started")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._started = perf_counter()
        self._span = tracing.begin(self._name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        metrics.child(metrics.STAGE_SECONDS, self._name).observe(perf_counter() - self._started)
        if isinstance(error, Fault):
            metrics.child(metrics.STAGE_FAULTS, self._name, type(error).__name__).inc()
        if self._span is not None:
            self._span.__exit__(kind, error, trace)
