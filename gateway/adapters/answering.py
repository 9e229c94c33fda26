"""How many questions are answered: health is judged by that, for a bus that takes questions says nothing of workers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from classifiers.contract import Answer, Picture, Reply, Silence, Unanswered
from gateway import metrics
from gateway.core.model import Message
from gateway.ports import Classifiers, Clock

log = logging.getLogger(__name__)

SECONDS: Final = 60
"""How far back it is looked."""
_SLICE_MS: Final = 5_000
_FEWEST: Final = 3
"""Of fewer questions nothing is concluded."""
_BAD: Final = 0.5
_WELL: Final = 0.75
"""A classifier ails below the first share of answers, and is well again from the second on."""
SILENCES: Final = frozenset({Silence.TIMEOUT, Silence.UNAVAILABLE, Silence.FAILED})
"""No answer. Of the others, the classifier or the message is the cause, and the classifier is well."""


class AnsweringClassifiers:
    """See `gateway.ports.Classifiers`. Asks ``classifiers``, and counts by classifier what was asked and answered."""

    def __init__(self, classifiers: Classifiers, clock: Clock) -> None:
        self._classifiers = classifiers
        self._clock = clock
        self._slices: dict[int, tuple[Counter[str], Counter[str]]] = {}
        self._names: set[str] = set()
        self._ailing: dict[str, str] = {}

    def ready(self) -> bool:
        """See `gateway.ports.Classifiers`, as for the next three."""
        return self._classifiers.ready()

    def healthy(self) -> bool:
        return self._classifiers.healthy()

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        self._classifiers.on_late(apply)

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        answers = await self._classifiers.ask(message_id, message, names, deadline_ms, pictures)
        asked, answered = self._slices.setdefault(self._clock.steady_ms() // _SLICE_MS, (Counter(), Counter()))
        self._names.update(names)
        for answer in answers:
            asked[answer.classifier] += 1
            if not (isinstance(answer, Unanswered) and answer.silence in SILENCES):
                answered[answer.classifier] += 1
        return answers

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """For each classifier asked in the last minute, how many questions it answered and how many there were."""
        oldest = (self._clock.steady_ms() - SECONDS * 1000) // _SLICE_MS
        self._slices = {number: counts for number, counts in self._slices.items() if number >= oldest}
        asked, answered = Counter[str](), Counter[str]()
        for some, of_those in self._slices.values():
            asked.update(some)
            answered.update(of_those)
        return {name: (answered[name], asked[name]) for name in sorted(asked)}

    def ailing(self) -> Mapping[str, str]:
        """The classifiers that leave many questions unanswered, and how many they answered, as of the last `look`."""
        return self._ailing

    def is_silent(self) -> bool:
        """Whether nothing of what was asked in the last minute was answered."""
        counts = self.counts().values()
        return sum([asked for _, asked in counts]) >= _FEWEST and not any(answered for answered, _ in counts)

    async def look(self) -> None:
        """Find out who ails, set the gauge, and log who does since now, or no longer."""
        counts, ailing = self.counts(), dict(self._ailing)
        for name in self._names:
            answered, asked = counts.get(name, (0, 0))
            metrics.ANSWERED_SHARE.labels(name).set(answered / asked if asked else 1.0)
            share = f"{answered} of {asked}"
            if asked >= _FEWEST and answered < _BAD * asked:
                if name not in ailing:
                    log.error("classifier does not answer; messages are held", {"classifier": name, "answered": share})
                ailing[name] = share
            elif not asked:  # nothing can be concluded
                ailing.pop(name, None)
            elif name in ailing and answered >= _WELL * asked:
                log.warning("classifier answers again", {"classifier": name, "answered": share})
                del ailing[name]
        self._ailing = ailing
