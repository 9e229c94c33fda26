"""What crosses the bus between gateway and classifiers: questions, opinions, their codec and version.

This is the only module of ``classifiers`` that the gateway imports. It is pure. One Kafka record carries
a batch: the questions of one moment share a record, and their answers share the reply. ``deploy/asyncapi.yaml``
describes the same records for other languages, and golden records in the tests hold the two together.

Record headers (all values are ASCII bytes):

- ``v``: contract version, see `VERSION`;
- ``deadline``: unix time in milliseconds after which nobody waits for any answer of this record;
- ``reply-to``: the partition of the opinions topic that the asking process reads;
- ``traceparent``: W3C Trace Context of the first question that has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

VERSION: Final = 1
"""Version of the record format. A reader refuses every other one, see `ContractError`."""

CATEGORIES: Final = frozenset(
    {
        "sexual",
        "sexual_minors",
        "violence",
        "terrorism",
        "hate",
        "harassment",
        "self_harm",
        "spam",
        "fraud",
        "gambling",
        "illegal_goods",
        "news",
    }
)
"""Every category an opinion may score. ``news`` is a topic, not a violation. None targets political speech."""


class ContractError(ValueError):
    """A record that does not follow the contract; the text names the field and what was expected."""


class Silence(StrEnum):
    """Why a classifier gave no opinion."""

    TIMEOUT = "timeout"
    """No answer before the request's deadline."""
    UNAVAILABLE = "unavailable"
    """The bus did not take the question."""
    UNSUPPORTED = "unsupported"
    """No classifier of that name runs, or it cannot judge this kind of content (a picture, say)."""
    FAILED = "failed"
    """The classifier failed on this very message each time it was tried."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one text part, in code points of the original text: ``text[part][start:end]``."""

    part: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Score:
    """How sure a classifier is of one category: 0 (surely not) to 1 (surely), and what moved it."""

    category: str
    value: float
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """One classifier's answer on one message. A category without a score was not looked for."""

    classifier: str
    version: str
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A silent classifier: data, not an exception."""

    classifier: str
    silence: Silence


Answer = Opinion | Unanswered


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one message.

    ``correlation`` is unique to the asking process and its life (``epoch-sequence``); ``message_id`` lets any
    gateway process apply a late answer to a held message. ``media`` are content types, for the classifiers that
    look at media. ``deadline_ms`` is unix time in milliseconds.
    """

    correlation: str
    message_id: str
    tenant_id: str
    ask: tuple[str, ...]
    texts: tuple[str, ...]
    media: tuple[str, ...]
    deadline_ms: int
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answers to one question, one for each classifier it asked."""

    correlation: str
    message_id: str
    tenant_id: str
    answers: tuple[Answer, ...]


def encode_questions(questions: Sequence[Question]) -> bytes:
    """The record value for these questions, in order."""
    return orjson.dumps(
        [
            {
                "correlation": q.correlation,
                "message_id": q.message_id,
                "tenant_id": q.tenant_id,
                "ask": q.ask,
                "texts": q.texts,
                "media": q.media,
                "deadline_ms": q.deadline_ms,
                **({"traceparent": q.traceparent} if q.traceparent else {}),
            }
            for q in questions
        ]
    )


def decode_questions(value: bytes) -> list[Question]:
    """The questions in a record value.

    Raises `ContractError` when the value is not a list of questions.
    """
    try:
        return [
            Question(
                correlation=_text(row, "correlation"),
                message_id=_text(row, "message_id"),
                tenant_id=_text(row, "tenant_id"),
                ask=_texts(row, "ask"),
                texts=_texts(row, "texts"),
                media=_texts(row, "media"),
                deadline_ms=int(row["deadline_ms"]),
                traceparent=row.get("traceparent"),
            )
            for row in _rows(value)
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"question: missing or mistyped field: {error}") from error


def encode_replies(replies: Sequence[Reply]) -> bytes:
    """The record value for these replies, in order."""
    return orjson.dumps(
        [
            {
                "correlation": r.correlation,
                "message_id": r.message_id,
                "tenant_id": r.tenant_id,
                "answers": [answer_to_json(a) for a in r.answers],
            }
            for r in replies
        ]
    )


def decode_replies(value: bytes) -> list[Reply]:
    """The replies in a record value.

    Raises `ContractError` when the value is not a list of replies.
    """
    try:
        return [
            Reply(
                correlation=_text(row, "correlation"),
                message_id=_text(row, "message_id"),
                tenant_id=_text(row, "tenant_id"),
                answers=tuple([answer_from_json(a) for a in row["answers"]]),
            )
            for row in _rows(value)
        ]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ContractError(f"reply: missing or mistyped field: {error}") from error


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """The plain form of an answer, as records and stored decisions carry it."""
    match answer:
        case Opinion():
            return {
                "classifier": answer.classifier,
                "version": answer.version,
                "scores": [
                    {
                        "category": s.category,
                        "value": s.value + 0.0,  # equal values (1 and 1.0, -0.0 and 0.0) as equal bytes
                        **({"spans": [[p.part, p.start, p.end] for p in s.spans]} if s.spans else {}),
                    }
                    for s in answer.scores
                ],
            }
        case Unanswered():
            return {"classifier": answer.classifier, "silence": answer.silence.value}


def answer_from_json(row: Mapping[str, Any]) -> Answer:
    """The inverse of `answer_to_json`.

    Raises `ContractError` for an unknown category or silence, or a score outside 0..1.
    """
    classifier = _text(row, "classifier")
    if (silence := row.get("silence")) is not None:
        try:
            return Unanswered(classifier, Silence(silence))
        except ValueError as error:
            raise ContractError(f"answer.silence: unknown value {silence!r}") from error
    return Opinion(classifier, _text(row, "version"), tuple([_score(s) for s in row["scores"]]))


def _score(row: Mapping[str, Any]) -> Score:
    category, value = row["category"], float(row["value"])
    if category not in CATEGORIES:
        raise ContractError(f"answer.scores.category: unknown category {category!r}")
    if not 0.0 <= value <= 1.0:
        raise ContractError(f"answer.scores.value: {value} is outside 0..1")
    return Score(category, value, tuple([Span(*map(int, span)) for span in row.get("spans", ())]))


def _rows(value: bytes) -> list[Any]:
    try:
        rows = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ContractError(f"record value: not JSON: {error}") from error
    if not isinstance(rows, list):
        raise ContractError("record value: expected a list")
    return rows


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row[field]
    if not isinstance(value, str):
        raise ContractError(f"{field}: expected a string, got {type(value).__name__}")
    return value


def _texts(row: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = row[field]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ContractError(f"{field}: expected a list of strings")
    return tuple(value)
