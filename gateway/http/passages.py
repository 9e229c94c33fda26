"""The texts of a message as people read them: each once, and not what stands beside them as a fact.

A message's texts are all that is judged: beside what its author wrote, the same as readers see it, all pieces in a row,
and addresses. Of those, people are shown only what they would not read otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from gateway.core.model import Message
from gateway.platforms.html_text import html_texts
from gateway.platforms.markdown_text import markdown_texts

_WORD: Final = re.compile(r"\w+")
_LONGEST: Final = 20_000
"""Characters of a text that is rendered to see what it makes."""
_RENDERED: Final = 50
"""Texts that are."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, and its place among the message's; ``rendered``: it is what a reader sees of another one."""

    part: int
    text: str
    rendered: bool


@dataclass
class _Read:
    """What was shown so far."""

    texts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    rendered: set[str] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Show a text."""
        self.texts.append(text)
        self.words.append(_words(text))
        if len(self.texts) <= _RENDERED and len(text) <= _LONGEST:
            self.rendered.update(html_texts(text), markdown_texts(text), [unquote(text)])

    def repeats(self, text: str) -> bool:
        """Whether all of a text was shown: its words one after another, or each of its lines."""
        if not _WORD.search(text):
            return any(text in each for each in self.texts)
        together = "".join(self.words)
        return _words(text) in together or all(_words(line) in together for line in text.splitlines() if line.strip())


def passages(message: Message, found: Collection[int] = ()) -> list[Passage]:
    """What people are shown of a message. ``found``: the parts in which something was found that was found in none
    before; they are shown, too."""
    return list(_passages(message, found))


def own_texts(message: Message) -> list[str]:
    """The texts of a message without those that stand beside them as facts: where it goes, and addresses of media."""
    beside = _beside(message)
    return [text for text in message.texts if text not in beside]


def _passages(message: Message, found: Collection[int]) -> Iterator[Passage]:
    read, beside = _Read(), _beside(message)
    for part, text in enumerate(message.texts):
        if text in beside or (read.repeats(text) and part not in found):
            continue
        rendered = text in read.rendered or (part in found and read.repeats(text))
        read.add(text)
        yield Passage(part, text, rendered)


def _beside(message: Message) -> set[str]:
    return {each for each in (message.target, *[media.url for media in message.media]) if each}


def _words(text: str) -> str:
    """The words of a text, each between blanks."""
    words: Sequence[str] = _WORD.findall(text.casefold())
    return f" {' '.join(words)} "
