"""A canonical text with its map back to the original, and the ways a step may change it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """A canonical text. ``offsets[i]`` is where its character ``i`` came from; one more is for the end."""

    text: str
    offsets: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` stood in the original, in code points.

        What was dropped inside or right after the stretch belongs to it; an expanded character counts whole.
        """
        if start >= end:
            return self.offsets[start], self.offsets[start]
        return self.offsets[start], max(self.offsets[end], self.offsets[end - 1] + 1)


def substitute(view: View, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> View:
    """Replaces each match by as many characters, so the map stays as it is."""
    text = pattern.sub(replace, view.text)
    return view if text == view.text else View(text, view.offsets)


def keep(view: View, pattern: re.Pattern[str], positions: Callable[[re.Match[str]], Sequence[int] | None]) -> View:
    """Keeps of each match only the characters at these positions of the text; None keeps it as it is."""
    texts: list[str] = []
    offsets: list[int] = []
    text, old = view.text, view.offsets
    done = 0
    for match in pattern.finditer(text):
        kept = positions(match)
        if kept is not None:
            texts.append(text[done : match.start()])
            texts.extend([text[at] for at in kept])
            offsets.extend(old[done : match.start()])
            offsets.extend([old[at] for at in kept])
            done = match.end()
    return _finished(view, texts, offsets, done)


def rewrite(view: View, pattern: re.Pattern[str], read: Callable[[re.Match[str]], str | None]) -> View:
    """Replaces each match by any text; None keeps it as it is.

    The new characters share the places of the old ones evenly, so that all of them together lead to all of those.
    """
    texts: list[str] = []
    offsets: list[int] = []
    text, old = view.text, view.offsets
    done = 0
    for match in pattern.finditer(text):
        new = read(match)
        if new is not None:
            start, length = match.start(), match.end() - match.start()
            texts.extend((text[done:start], new))
            offsets.extend(old[done:start])
            offsets.extend([old[start + at * length // len(new)] for at in range(len(new))])
            done = match.end()
    return _finished(view, texts, offsets, done)


def _finished(view: View, texts: list[str], offsets: list[int], done: int) -> View:
    if not done:
        return view
    texts.append(view.text[done:])
    offsets.extend(view.offsets[done:])
    return View("".join(texts), offsets)
