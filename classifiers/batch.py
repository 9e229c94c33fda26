"""One record of questions on its way to replies and dead letters, without I/O.

`Batch` is given the record; `attempt` judges one of its questions, in any order and any thread; `note` takes what came
of it; `outcome` says what to send. The caller owns the clock, the classifiers and the pace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from classifiers import contract
from classifiers.contract import ContractError, Opinion, Question, Reply
from classifiers.judge import failed

MAX_REPLY_BYTES: Final = 900_000
"""Longest reply value: brokers refuse records over 1 MiB by default, and scores can outgrow their text."""

Headers = Sequence[tuple[str, bytes]]
AnswerOne = Callable[[Question], Reply]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read, with where it was read. ``media``: from the topic of questions with pictures."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Mapping[str, bytes]
    media: bool = False

    @property
    def keepable(self) -> bytes:
        """What of the value may be kept for weeks: all of it, but nothing where there are pictures in it."""
        return b"" if self.media else self.value or b""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What could not be answered, for a person to see. Headers name the error, the origin and the tries."""

    value: bytes
    headers: Headers


@dataclass(slots=True)
class Outcome:
    """What came of a record.

    ``replies`` are usually one value, more only where one would be too long, none if nobody waits any more.
    They go to partition ``reply_to`` and lose their use at ``deadline_ms``. ``answered`` counts answers by
    classifier and kind (``opinion`` or the silence); ``retried`` counts tries after the first.
    """

    reply_to: int = 0
    deadline_ms: int = 0
    headers: Headers = ()
    replies: tuple[bytes, ...] = ()
    dead_letters: list[DeadLetter] = field(default_factory=list)
    questions: int = 0
    expired: int = 0
    skipped: bool = False
    poisoned: bool = False
    retried: int = 0
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)


def dead_letter(record: Record, value: bytes, error: str, tries: int) -> DeadLetter:
    """A dead letter from this record. ``error`` is the name of a kind of error, never text of a message."""
    return DeadLetter(
        value,
        (
            ("v", record.headers.get("v") or b""),
            ("error", error.encode("ascii", "replace")),
            ("topic", record.topic.encode()),
            ("partition", b"%d" % record.partition),
            ("offset", b"%d" % record.offset),
            ("tries", b"%d" % tries),
        ),
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a question: no ``reply`` when its deadline had passed, FAILED when each try raised ``error``."""

    reply: Reply | None
    tries: int
    error: str = ""


def attempt(question: Question, answer: AnswerOne, max_tries: int, now_ms: Callable[[], int]) -> Attempt:
    """Judges a question, until its deadline has passed. What ``answer`` raises counts as a failed try of this question
    alone."""
    error = ""
    for tries in range(max_tries):
        if question.deadline_ms <= now_ms():
            return Attempt(None, tries)
        try:
            return Attempt(answer(question), tries + 1)
        except Exception as raised:  # whatever a classifier may raise concerns this question only
            error = type(raised).__name__
    return Attempt(failed(question), max_tries, error)


class Batch:
    """The questions of one record. A record that has expired or breaks the contract is done at once."""

    def __init__(self, record: Record, now_ms: int) -> None:
        self._record = record
        self.questions: list[Question] = []
        """What is to be judged."""
        self._replies: list[Reply] = []
        self._outcome = Outcome()
        try:
            self._open(now_ms)
        except (ValueError, TypeError, OverflowError) as error:
            self._outcome.poisoned = True
            kind = type(error).__name__
            self._outcome.dead_letters.append(dead_letter(record, record.keepable, kind, 0))

    def note(self, question: Question, found: Attempt) -> None:
        """Takes what came of a question; of several, in the order of the record. After its last try a question becomes
        a dead letter."""
        self._outcome.retried += max(found.tries - 1, 0)
        if found.reply is None:
            self._outcome.expired += 1
            return
        if found.error:
            # Pictures stay out of what is kept for weeks: their topic keeps them for minutes.
            value = contract.encode_questions([replace(question, pictures=())])
            self._outcome.dead_letters.append(dead_letter(self._record, value, found.error, found.tries))
        self._replies.append(found.reply)

    def outcome(self) -> Outcome:
        """What to send. To be called once, when what came of each question is noted."""
        answered = self._outcome.answered
        for reply in self._replies:
            for answer in reply.answers:
                kind = "opinion" if isinstance(answer, Opinion) else answer.silence.value
                answered[answer.classifier, kind] += 1
        self._outcome.replies = tuple(_values(self._replies)) if self._replies else ()
        return self._outcome

    def _open(self, now_ms: int) -> None:
        headers = self._record.headers
        if headers.get("v") != b"%d" % contract.VERSION:
            raise ContractError(f"v: expected {contract.VERSION}")
        for name in ("deadline", "reply-to"):
            if name not in headers:
                raise ContractError(f"{name}: missing header")
        deadline = headers["deadline"]
        self._outcome.deadline_ms = int(deadline)
        self._outcome.reply_to = int(headers["reply-to"])
        passed_on = [("v", headers["v"]), ("deadline", deadline)]
        if traceparent := headers.get("traceparent"):
            passed_on.append(("traceparent", traceparent))
        self._outcome.headers = passed_on
        if self._outcome.deadline_ms <= now_ms:
            self._outcome.skipped = True
            return
        self.questions = contract.decode_questions(self._record.value or b"")
        self._outcome.questions = len(self.questions)


def _values(replies: list[Reply]) -> list[bytes]:
    value = contract.encode_replies(replies)
    if len(value) <= MAX_REPLY_BYTES or len(replies) == 1:
        return [value]
    half = len(replies) // 2
    return _values(replies[:half]) + _values(replies[half:])
