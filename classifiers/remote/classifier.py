"""The classifier that asks a moderations endpoint; any that is compatible with OpenAI's, a gateway's own included."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

from classifiers.contract import Answer, Opinion, Question, Silence, Unanswered
from classifiers.passages import unreadable
from classifiers.remote.endpoint import Endpoint, Trouble
from classifiers.remote.reading import inputs, read, request
from classifiers.remote.settings import RemoteSettings, load_settings

_VERSION: Final = "remote-1"
_MARGIN_SECONDS: Final = 0.05
"""Kept of a question's time for the way back of the answer."""


class RemoteClassifier:
    """Sends the text parts of a message, and nothing else of it, and answers with what comes back.

    Unlike the other classifiers it is not pure: the same version may answer differently tomorrow. It waits for the
    network inside `judge`, so it belongs into a worker with ``threads``.
    """

    name: Final = "remote"

    def __init__(
        self, settings: RemoteSettings | None = None, now_ms: Callable[[], int] = lambda: int(time.time() * 1000)
    ) -> None:
        """Reads its settings from the environment unless they are given. Raises `ClassifierError` for bad ones."""
        self._settings = settings if settings is not None else load_settings()
        self._endpoint = Endpoint(self._settings)
        self._now_ms = now_ms
        self.version: Final = f"{_VERSION}-{self._settings.model or 'any'}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._endpoint.close()

    def judge(self, question: Question) -> Answer:
        """The endpoint's scores, under the model that it names as version; UNSUPPORTED for media alone.

        Trouble with the endpoint is `Unanswered`: TIMEOUT, UNAVAILABLE (not reached, overloaded, or left alone after
        failures), or FAILED (it refuses this message, or its answer is none).
        """
        if unreadable(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        asked = inputs(question.texts)
        if not asked:
            return Opinion(self.name, self.version, (), lasting=False)
        left = (question.deadline_ms - self._now_ms()) / 1000 - _MARGIN_SECONDS
        if left <= 0:
            return Unanswered(self.name, Silence.TIMEOUT)
        body, seconds = request(asked, self._settings.model), min(left, self._settings.seconds)
        try:
            model, scores = self._endpoint.ask(
                body, seconds, partial(read, asked=len(asked), flagged=self._settings.flagged)
            )
        except Trouble as trouble:
            return Unanswered(self.name, trouble.silence)
        return Opinion(self.name, f"{_VERSION}-{model}" if model else self.version, scores, lasting=False)
