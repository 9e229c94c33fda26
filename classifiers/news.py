"""The ``news`` classifier: does the message report news? A topic, not a violation. Pure.

A first version of signs that journalism leaves in a text: datelines, agencies, attribution, the shape of
headlines. It knows nothing of truth or of who may publish; the policy does.
"""

from __future__ import annotations

import re
from typing import Final

from classifiers import rulefiles
from classifiers.contract import Answer, Opinion, Question, Score, Silence, Unanswered
from classifiers.passages import Passage, only_media, passages

_VERSION: Final = "news-1"
_SHAPE_WEIGHT: Final = 0.35
_CEILING: Final = 0.97
_SMALL: Final = re.compile("a|an|and|as|at|but|by|for|from|in|into|of|on|or|over|the|to|up|vs|with|after")
"""Words that headlines leave small."""
_WORD: Final = re.compile(r"[A-Za-z][\w'’-]*")
_ADDRESSED: Final = re.compile(r"\b(?:I|I'm|me|my|you|your|we|our|us)\b|[?@#]", re.IGNORECASE)


class NewsClassifier:
    """Scores a message by the passage that reads most like news."""

    name: Final = "news"

    def __init__(self) -> None:
        self._rules, digest = rulefiles.load(["news"])
        self.version: Final = f"{_VERSION}-{digest}"

    def judge(self, question: Question) -> Answer:
        """One score, for ``news``; UNSUPPORTED for media alone."""
        if only_media(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        best = Score("news", 0.0)
        for passage in passages(question):
            value, stretches = 0.0, []
            for found in self._rules.findings(passage.view):
                value, stretches = found.value, [*found.stretches]
            if headline_shape(passage):
                value = min(round(1.0 - (1.0 - value) * (1.0 - _SHAPE_WEIGHT), 4), _CEILING)
                stretches = [*stretches, (0, _first_line(passage.view.text))]
            if value > best.value:
                best = Score("news", value, passage.spans(stretches))
        return Opinion(self.name, self.version, (best,))


def headline_shape(passage: Passage) -> bool:
    """Whether the first line looks like an English headline: capitals throughout, no full stop, no "you"."""
    if passage.start:
        return False
    line = passage.original.strip().partition("\n")[0][:160]
    words = _WORD.findall(line)
    if not 5 <= len(words) <= 16 or line[-1] in ".!?…" or _ADDRESSED.search(line):
        return False
    great = [word for word in words[1:] if not _SMALL.fullmatch(word.lower())]
    shouted = line.isupper()
    return not shouted and len(great) >= 3 and sum([word[0].isupper() for word in great]) >= 0.8 * len(great)


def _first_line(text: str) -> int:
    end = text.find("\n")
    return len(text) if end < 0 else end
