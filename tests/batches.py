"""Records of questions, judged all at once."""

from __future__ import annotations

from classifiers.batch import AnswerOne, Batch, Outcome, Record, attempt


def judged(record: Record, answer: AnswerOne, now_ms: int, max_tries: int) -> Outcome:
    """What comes of a record at this moment."""
    batch = Batch(record, now_ms)
    for question in batch.questions:
        batch.note(question, attempt(question, answer, max_tries, lambda: now_ms))
    return batch.outcome()
