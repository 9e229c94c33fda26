"""What is sent to a moderations endpoint, and what its answer means. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from classifiers.contract import CATEGORIES, Category, Score

THEIRS: Final[dict[str, Category]] = {
    "sexual": "sexual",
    "sexual/minors": "sexual_minors",
    "hate": "hate",
    "hate/threatening": "hate",
    "harassment": "harassment",
    "harassment/threatening": "harassment",
    "self-harm": "self_harm",
    "self-harm/intent": "self_harm",
    "self-harm/instructions": "self_harm",
    "violence": "violence",
    "violence/graphic": "violence",
    "illicit": "illegal_goods",
    "illicit/violent": "illegal_goods",
    **{category.replace("_", "-"): category for category in sorted(CATEGORIES - {"sexual_minors"})},
}
"""Each category of the endpoint and what it is here. ``illicit`` (advice on wrongdoing) has its nearest. The others are
under their own names, as a gateway's own endpoint gives them."""
MAX_PARTS: Final = 31
"""Parts that are judged one by one; of more, only the whole."""
_MODEL_SIGNS: Final = re.compile(r"[^A-Za-z0-9._:,/-]")
_MODEL_LENGTH: Final = 60


class Unreadable(ValueError):
    """An answer that is none; the text says why and quotes nothing of it."""


class _Result(msgspec.Struct):
    category_scores: dict[str, float | None]
    categories: dict[str, bool | None] = {}
    category_applied_input_types: dict[str, list[str] | None] = {}


class _Answer(msgspec.Struct):
    results: list[_Result]
    model: str | None = None


_decoder = msgspec.json.Decoder(_Answer)
_encoder = msgspec.json.Encoder()


def inputs(texts: Sequence[str]) -> list[str]:
    """What is asked about: each part that is not blank, and all in a row: what is said across parts is said, too."""
    parts = [text for text in texts if text and not text.isspace()]
    if len(parts) < 2:
        return parts
    return [*(parts if len(parts) <= MAX_PARTS else ()), "\n".join(parts)]


def request(asked: Sequence[str], model: str | None) -> bytes:
    """The body of the request."""
    body: dict[str, object] = {"input": list(asked)}
    if model is not None:
        body["model"] = model
    return _encoder.encode(body)


def read(body: bytes, asked: int, flagged: float) -> tuple[str, tuple[Score, ...]]:
    """The model that judged, fit for a version, and the highest score of each category that was looked for.

    ``asked`` is the number of inputs; a category that the endpoint calls true scores ``flagged`` at least. Raises
    `Unreadable` for whatever is not one result for each input with scores between 0 and 1 of categories known here.
    """
    try:
        answer = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error
    if len(answer.results) != asked:
        raise Unreadable("results: expected one for each input")
    found: dict[Category, float] = {}
    for result in answer.results:
        of_one = _scores(result, flagged)
        if not of_one:
            raise Unreadable("category_scores: none of a known category")
        for category, value in of_one.items():
            found[category] = max(found.get(category, 0.0), value)
    model = _MODEL_SIGNS.sub("_", answer.model or "")[:_MODEL_LENGTH]
    return model, tuple([Score(category, value) for category, value in sorted(found.items())])


def _scores(result: _Result, flagged: float) -> dict[Category, float]:
    found: dict[Category, float] = {}
    for name, ours in THEIRS.items():
        value = result.category_scores.get(name)
        if value is None or result.category_applied_input_types.get(name) == []:  # it was not judged
            continue
        if not 0.0 <= value <= 1.0:
            raise Unreadable("category_scores: expected between 0 and 1")
        if result.categories.get(name):
            value = max(value, flagged)
        found[ours] = max(found.get(ours, 0.0), value)
    return found
