"""The ``campaign`` classifier: nearly the same text from several accounts, or again and again from one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import islice
from typing import Final

from classifiers.campaigns import sketch
from classifiers.campaigns.settings import CampaignSettings
from classifiers.campaigns.shingles import LEAST, folded, placed, shingles, significance
from classifiers.campaigns.sketch import Sketch, token
from classifiers.campaigns.window import SAME, Found, Window
from classifiers.contract import Answer, Opinion, Question, Score, Silence, Span, Unanswered
from classifiers.passages import MAX_SPANS, Passage, passages, unreadable

FEWEST_SHINGLES: Final = 6
"""A text with fewer never counts."""
_MOST_PASSAGES: Final = 5
"""How much of a long message is looked at."""
_REPEATS: Final = 5
"""From how many messages on an account repeats itself."""
_GAP: Final = 12
"""Shared stretches so close, in characters, are shown as one: only a sample of what is shared is known."""


def value(found: Found, accounts: int) -> float:
    """How sure it is that this is a campaign: 0.5 from so many accounts, rising to 0.9 with their number.

    One account that repeats itself is a weaker sign: 0.25 at five messages, and always below 0.5.
    """
    many = 0.5 + 0.4 * (1 - accounts / found.accounts) if found.accounts >= accounts else 0.0
    again = 0.25 + 0.25 * (1 - _REPEATS / found.repeats) if found.repeats >= _REPEATS else 0.0
    return round(max(many, again), 4)


class CampaignClassifier:
    """Remembers what it judged. Unlike other classifiers it gives a text another answer when others send it, too; the
    same message never counts twice.

    ``tell``, if set, is given the sketch of every message that is new and counts, for other workers.
    """

    name: Final = "campaign"

    def __init__(self, settings: CampaignSettings | None = None, clock: Callable[[], float] = time.time) -> None:
        """``clock`` tells unix time in seconds; without ``settings`` they are read from the environment."""
        self._settings = settings or CampaignSettings()
        self._clock = clock
        self._lock = threading.Lock()  # long texts are judged in a thread of their own
        self.window: Final = Window(self._settings.minutes, self._settings.entries)
        self.version: Final = f"campaign-{sketch.VERSION}-{self._settings.accounts}-{self._settings.minutes:g}"
        self.tell: Callable[[Sketch], None] | None = None
        self._nothing: Final = Opinion(self.name, self.version, (Score("spam", 0.0),), lasting=False)

    @property
    def minutes(self) -> float:
        """How long a message counts."""
        return self._settings.minutes

    def judge(self, question: Question) -> Answer:
        """One score, for ``spam``, with what the text shares with the others; UNSUPPORTED for media alone."""
        if unreadable(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        own, significant, read = prepared(question)
        if significant < LEAST or len(own) < FEWEST_SHINGLES:
            return self._nothing
        whole = sketch.values(own)
        now_ms = int(self._clock() * 1000)
        made = Sketch(
            token(question.tenant_id),
            token(question.tenant_id, question.author) if question.author else "",
            token(question.tenant_id, question.message_id),
            now_ms,
            min(len(own), sketch.MOST_SHINGLES),
            sketch.signature(whole),
        )
        with self._lock:
            is_new = not self.window.knows(made)
            found = self.window.note(made, now_ms)
        if self.tell is not None and is_new:
            self.tell(made)
        if (sure := value(found, self._settings.accounts)) == 0.0:
            return self._nothing
        # Who shares nearly everything is spared the finer look, which costs more than all the rest.
        shared = own if found.shared.mean() >= SAME else set(sketch.holders([*own], whole, found.shared))
        return Opinion(self.name, self.version, (Score("spam", sure, _spans(read, shared)),), lasting=False)

    def learn(self, heard: Sketch) -> None:
        """Remembers what another worker judged."""
        with self._lock:
            if not self.window.knows(heard):
                self.window.note(heard, int(self._clock() * 1000))


def prepared(question: Question) -> tuple[set[str], int, list[tuple[Passage, str]]]:
    """The shingles of a message, how much of it is its own words, and its passages with their folded texts."""
    read = [(each, folded(each.view.text)) for each in islice(passages(question), _MOST_PASSAGES)]
    # A part that is one word in Latin letters is an address, an identifier or the name of a room.
    read = [(each, text) for each, text in read if not text.isascii() or " " in text.strip()]
    own: set[str] = set()
    for _, text in read:
        own |= shingles(text)
    return own, sum([significance(text) for _, text in read]), read


def _spans(read: list[tuple[Passage, str]], shared: set[str]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for passage, text in read:
        stretches: list[tuple[int, int]] = []
        for start, end in sorted([(start, end) for each, start, end in placed(text) if each in shared]):
            if stretches and start <= stretches[-1][1] + _GAP:
                stretches[-1] = stretches[-1][0], max(stretches[-1][1], end)
            else:
                stretches.append((start, end))
        spans += passage.spans(stretches)
    return tuple(spans[:MAX_SPANS])
