"""What a message's texts are judged by: passages in canonical view, each knowing where it stood. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from classifiers.contract import Question, Span
from classifiers.normalise import OVERLAP, WINDOW, View, normalise, windows
from classifiers.normalising.chinese import HAN

MOST_CHARACTERS: Final = 200_000
"""Characters of all text parts together that are judged. So many take a classifier of texts some 0.6 s of one core, and
up to 2 s if they were made to.
"""

MANY: Final = 200
"""Text parts that are judged one by one, too: what each costs does not depend on its length."""

MAX_SPANS: Final = 8
"""Spans a score carries at most: enough to show a person, small enough for the reply record."""

_BREAK: Final = re.compile(r"[ \t]*[\n\r\v\f\x85\u2028\u2029]+[ \t]*")
_CHINESE: Final = re.compile(rf"[{HAN}]")

_view: Final = lru_cache(16)(normalise)
"""Several classifiers read the same passages one after the other."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One window of one text part: the original text and its view."""

    part: int
    start: int
    original: str
    view: View
    whole: bool
    """Whether its view can be judged as what a reader sees, see `_whole`."""

    def spans(self, stretches: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
        """Stretches of the view as spans of the original text part, without repetition and in order: the first ones of
        those given, which say most."""
        found = dict.fromkeys([self.view.span(start, end) for start, end in stretches])
        return tuple([Span(self.part, self.start + s, self.start + e) for s, e in sorted(list(found)[:MAX_SPANS])])


def passages(question: Question) -> Iterator[Passage]:
    """The passages of all text parts that are not blank, and of those of several lines also with the lines in a row.
    More than `MANY` such parts have none: see `joined`."""
    parts = _parts(question)
    for part, text in parts if len(parts) <= MANY else ():
        for start, piece in windows(text):
            view = _view(piece)
            yield Passage(part, start, piece, view, _whole(view))
            if _BREAK.search(piece):
                yield Passage(part, start, piece, *_in_a_row(piece))


@dataclass(frozen=True, slots=True)
class Joined:
    """One window of all text parts in a row, as a reader sees them: what is said across parts is said, too."""

    starts: tuple[tuple[int, int, int], ...]
    """For each part its number, and where it begins and ends in the row."""
    start: int
    view: View
    whole: bool
    """Whether its view can be judged as what a reader sees, see `_whole`."""

    def spans(self, stretches: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
        """Stretches of the view as spans of the original text parts, as above: one for each part that a stretch
        touches."""
        found: dict[tuple[int, int, int], None] = {}
        for first, last in dict.fromkeys([self.view.span(start, end) for start, end in stretches]):
            for part, begin, end in self.starts:
                low, high = max(first + self.start, begin), min(last + self.start, end)
                if low < high:
                    found[part, low - begin, high - begin] = None
        return tuple([Span(*span) for span in sorted(list(found)[:MAX_SPANS])])


def joined(question: Question) -> Iterator[Joined]:
    """The passages of all parts in a row, if there are several that are not blank."""
    parts = _parts(question)
    if len(parts) < 2:
        return
    starts: list[tuple[int, int, int]] = []
    begin = 0
    for part, text in parts:
        starts.append((part, begin, begin + len(text)))
        begin += len(text) + 1
    for start, piece in windows("\n".join([text for _, text in parts])):
        yield Joined(tuple(starts), start, *_in_a_row(piece))


def readings(question: Question) -> Iterator[Passage | Joined]:
    """The passages of the parts; of very many parts, which have none, those of all in a row."""
    found = passages(question)
    if (first := next(found, None)) is None:
        yield from joined(question)
        return
    yield first
    yield from found


def _in_a_row(text: str) -> tuple[View, bool]:
    """The view of a text whose lines a reader reads on, and whether it is whole: a line break is a blank, and between
    two Chinese characters nothing."""
    pieces: list[str] = []
    offsets: list[int] = []
    done = 0
    for match in _BREAK.finditer(text):
        pieces.append(text[done : match.start()])
        offsets.extend(range(done, match.start()))
        if not (_CHINESE.match(text, match.start() - 1) and _CHINESE.match(text, match.end())):
            pieces.append(" ")
            offsets.append(match.start())
        done = match.end()
    pieces.append(text[done:])
    offsets.extend(range(done, len(text) + 1))
    view = _view("".join(pieces))
    return View(view.text, [offsets[at] for at in view.offsets]), _whole(view)


def unreadable(question: Question) -> bool:
    """Whether a judge of text cannot judge the message: it has media and not one word, or more words than can be judged
    before anybody's deadline."""
    if sum(map(len, question.texts)) > MOST_CHARACTERS:
        return True
    return bool(question.media) and not _parts(question)


def _parts(question: Question) -> list[tuple[int, str]]:
    """The text parts that are not blank, each with its number."""
    return [(part, text) for part, text in enumerate(question.texts) if text and not text.isspace()]


def _whole(view: View) -> bool:
    """Not if it is longer than what is read of a view, nor if so much of a window shows nothing that what it stands
    between may be read in no window together. No ordinary text is so.
    """
    return len(view.text) <= 2 * WINDOW and view.offsets[-1] - len(view.text) < OVERLAP
