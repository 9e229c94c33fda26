"""A worker judges a few messages before it joins its group."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from classifiers.contract import LAST_MS, Question, Reply
from classifiers.contract.warming import MESSAGE_ID, PICTURES, TEXTS

_log = logging.getLogger(__name__)


def warm(answer: Callable[[Question], Reply], names: Sequence[str]) -> None:
    """Has each of these classifiers judge texts and pictures. One that fails is logged: questions will show whether it
    goes on failing."""
    for name in names:
        for texts, pictures in (*[(texts, ()) for texts in TEXTS], ((), PICTURES)):
            media = tuple([picture.content_type for picture in pictures])
            question = Question(MESSAGE_ID, MESSAGE_ID, "", (name,), texts, media, LAST_MS, pictures=pictures)
            try:
                answer(question)
            except Exception as error:  # whatever a classifier may raise: it is asked again soon enough
                _log.warning("classifier fails at the start", extra={"classifier": name, "error": type(error).__name__})
