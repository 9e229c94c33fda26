"""The ``image`` classifier itself; loading it loads the model."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

from classifiers.contract import Answer, Category, Opinion, Question, Score, Silence, Unanswered
from classifiers.images import header, known, limits
from classifiers.images.decode import looks
from classifiers.images.detector import MODEL_SHA256, Detector
from classifiers.images.facts import Facts
from classifiers.images.hashes import MIN_QUALITY, digest
from classifiers.images.limits import Refused, bounded
from classifiers.images.nudity import sexual
from classifiers.images.views import boxes

_VERSION: Final = "image-2"
_MATCHED: Final = 0.99
"""The score of a known picture: somebody looked at it, and another one gets its hash by design, not by chance."""
_log = logging.getLogger(__name__)


class ImageClassifier:
    """Scores a message by its worst picture: ``sexual`` always, and the categories of the known pictures in it."""

    name: Final = "image"

    def __init__(self, known_pictures: Path | None = None) -> None:
        """``known_pictures`` is a list as `known` describes. Raises `known.ListError` and `detector.ModelError`."""
        started = time.perf_counter()
        self._known = known.load(known_pictures)
        self._detector = Detector()
        self.version: Final = f"{_VERSION}-{MODEL_SHA256[:12]}-{self._known.version}"
        took = round((time.perf_counter() - started) * 1000)
        _log.info("image classifier loaded", extra={"ms": took, "known_pictures": len(self._known)})

    def judge(self, question: Question) -> Answer:
        """An opinion without spans, which are of texts; UNSUPPORTED if there is one medium that is no picture, is not
        here, or cannot be judged, so that nothing passes unseen."""
        scores: dict[Category, float] = {"sexual": 0.0}
        try:
            viewed = 0
            for facts, picture in zip(_checked(question), question.pictures, strict=True):
                found, viewed = self._picture(facts, picture.data, viewed)
                for category, value in found.items():
                    scores[category] = max(scores.get(category, 0.0), value)
        except Refused as refused:
            _log.info("picture not judged", extra={"why": str(refused)})
            return Unanswered(self.name, Silence.UNSUPPORTED)
        return Opinion(
            self.name, self.version, tuple([Score(category, scores[category]) for category in sorted(scores)])
        )

    def _picture(self, facts: Facts, data: bytes, viewed: int) -> tuple[dict[Category, float], int]:
        """Its scores, and how many squares of the message have been looked at with it."""
        scores: dict[Category, float] = {"sexual": 0.0}
        for look, moving in looks(facts, data):
            views = boxes(*look.size, moving=moving)
            viewed = bounded(viewed + len(views), limits.MAX_VIEWS, "views")
            for box in views:
                scores["sexual"] = max(scores["sexual"], sexual(self._detector.detect(look, box)))
            if len(self._known):
                hashes, quality = digest(look)
                if quality >= MIN_QUALITY:
                    scores.update(dict.fromkeys(self._known.search(hashes), _MATCHED))
        return scores, viewed


def _checked(question: Question) -> list[Facts]:
    """What the pictures claim to be, before anything is decoded. Raises `Refused`."""
    bounded(len(question.media), limits.MAX_PICTURES, "pictures")
    if len(question.pictures) != len(question.media):
        raise Refused("pictures: not all media are here")
    for declared in question.media:
        if not header.may_be_picture(declared):
            raise Refused("media: one that is no picture")
    claims = [header.read(picture.content_type, picture.data) for picture in question.pictures]
    bounded(sum([facts.cost for facts in claims]), limits.MAX_PIXELS_MESSAGE, "pixels of all pictures")
    return claims
