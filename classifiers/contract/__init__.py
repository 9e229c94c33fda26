"""What crosses the bus between gateway and classifiers: questions, opinions, their codec and version.

With the lanes and the warm-up beside it this is all of ``classifiers`` that the gateway imports. It is pure. One Kafka
record carries a batch: the questions of one moment share a record, and their answers share the reply.
``deploy/asyncapi.yaml`` describes the same records for other languages; golden records in the tests hold both together.

Record headers (all values are ASCII bytes):

- ``v``: contract version, see `VERSION`;
- ``deadline``: unix time in milliseconds after which nobody waits for any answer of this record;
- ``reply-to``: the partition of the opinions topic that the asking process reads;
- ``traceparent``: W3C Trace Context of the first question that has one.

A worker announces on every partition of the opinions topic which classifiers it runs, in which versions: when it
starts, when one changes, every `ANNOUNCE_SECONDS`, and with none of them when it ends. Such a record has no replies, so
that a reader that does not know it passes it over, and these headers: ``v``, ``deadline`` (until when the announcement
stands if no other follows), ``worker`` (a name of this worker's life) and ``versions``, see `encode_versions`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final, Literal, get_args

import msgspec

VERSION: Final = 1
"""Version of the record format. A reader refuses every other one, see `ContractError`."""

ANNOUNCE_SECONDS: Final = 10
"""The longest time between two announcements of one worker: who listened for so long has heard of all that run."""

Category = Literal[
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
]
CATEGORIES: Final[frozenset[Category]] = frozenset(get_args(Category))
"""Every category an opinion may score. ``news`` is a topic, not a violation. None targets political speech."""


LAST_MS: Final = 2**53 - 1
"""The last time that a question may name: JSON numbers beyond it are not read alike everywhere."""


class ContractError(ValueError):
    """A record that does not follow the contract; the text names the field and what was expected."""


class Silence(StrEnum):
    """Why a classifier gave no opinion."""

    TIMEOUT = "timeout"
    """No answer before the request's deadline."""
    UNAVAILABLE = "unavailable"
    """The bus did not take the question, or what the classifier itself has to ask is away."""
    UNSUPPORTED = "unsupported"
    """No classifier of that name runs, or it cannot judge content of this kind, language or length."""
    INCOMPLETE = "incomplete"
    """It was not asked, because not all that the message shows could be had: a picture could not be fetched, say."""
    FAILED = "failed"
    """The classifier failed on this very message each time it was tried."""


class Value(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An immutable value with one JSON form: fields in the order of their definition, defaults left out.

    So a field added later, with a default, changes no old record. Values never form a circle, so the collector need
    not look at them.
    """


class Span(Value, frozen=True, array_like=True):
    """A stretch of one text part, in code points of the original text: ``text[part][start:end]``."""

    part: int
    start: int
    end: int


class Score(Value, frozen=True):
    """How sure a classifier is of one category: 0 (surely not) to 1 (surely), and what moved it."""

    category: Category
    value: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    spans: tuple[Span, ...] = ()


class Opinion(Value, frozen=True, tag_field="kind", tag="opinion"):
    """One classifier's answer on one message. A category without a score was not looked for.

    ``lasting``: the same version says the same of the same texts, media types and pictures of the same tenant, at any
    time and whoever sends them. A classifier that also looks at other messages, at the author or at the clock says no.
    """

    classifier: str
    version: str
    scores: tuple[Score, ...]
    lasting: bool = True


class Unanswered(Value, frozen=True, tag_field="kind", tag="unanswered"):
    """A silent classifier: data, not an exception."""

    classifier: str
    silence: Silence


Answer = Opinion | Unanswered


class Picture(Value, frozen=True):
    """The bytes of one picture of the message, as it declares them. In JSON, ``data`` is base64 (RFC 4648)."""

    content_type: str
    data: bytes


class Question(Value, frozen=True):
    """What is asked about one message.

    ``correlation`` is unique to the asking process and its life (``epoch-sequence``); ``message_id`` lets any
    gateway process apply a late answer to a held message. ``media`` are the content types of all its media, in
    order; ``pictures`` the bytes of those that the gateway could get hold of, so fewer pictures than media means that
    some cannot be judged. ``deadline_ms`` is unix time in milliseconds. ``author`` tells accounts apart and nothing
    else: the same account always has the same one, and what it stands for cannot be read from it.
    """

    correlation: str
    message_id: str
    tenant_id: str
    ask: tuple[str, ...]
    texts: tuple[str, ...]
    media: tuple[str, ...]
    deadline_ms: Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
    traceparent: str | None = None
    author: str = ""
    pictures: tuple[Picture, ...] = ()


class Reply(Value, frozen=True):
    """The answers to one question, one for each classifier it asked."""

    correlation: str
    message_id: str
    tenant_id: str
    answers: tuple[Answer, ...]


_encoder = msgspec.json.Encoder()
_questions = msgspec.json.Decoder(list[Question])
_replies = msgspec.json.Decoder(list[Reply])
_versions = msgspec.json.Decoder(dict[str, str])


def encode_questions(questions: Sequence[Question]) -> bytes:
    """The record value for these questions, in order."""
    return _encoder.encode(questions)


def decode_questions(value: bytes) -> list[Question]:
    """The questions in a record value. Raises `ContractError` when the value is not a list of questions, or one has a
    deadline before 1970 or after `LAST_MS`."""
    try:
        return _questions.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(f"questions: {error}") from error


def encode_replies(replies: Sequence[Reply]) -> bytes:
    """The record value for these replies, in order."""
    return _encoder.encode(replies)


def decode_replies(value: bytes) -> list[Reply]:
    """The replies in a record value. Raises `ContractError` when the value is not a list of replies, or one has an
    unknown category or silence, or a score outside 0..1."""
    try:
        return _replies.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(f"replies: {error}") from error


def encode_versions(versions: Mapping[str, str]) -> bytes:
    """The header ``versions``: the version of each classifier by its name, in ASCII."""
    return json.dumps(dict(versions), separators=(",", ":")).encode("ascii")


def decode_versions(header: bytes) -> dict[str, str]:
    """The inverse of `encode_versions`. Raises `ContractError` when the header is no object of strings."""
    try:
        return _versions.decode(header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(f"versions: {error}") from error
