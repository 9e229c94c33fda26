"""What a reader sees of text with marks: HTML, and the markdown dialects of chat apps."""

from __future__ import annotations

import html
from html.parser import HTMLParser

_BREAKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "figure", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "option", "p", "pre", "section"}
    | {"summary", "table", "td", "th", "title", "tr", "ul"}
)
_LOOKS = frozenset(
    {"align", "bgcolor", "border", "class", "color", "data-mx-bg-color", "data-mx-color", "dir", "height", "id", "lang"}
    | {"rel", "start", "style", "target", "valign", "width"}
)
"""Attributes that say how something looks, not what it says."""
_MARKS = str.maketrans("", "", "*_~`|\\")


def html_texts(source: str) -> list[str]:
    """The visible text of HTML, one line for each block, and then every attribute that says something.

    Comments and declarations are given as well: what one parser takes for a comment, another shows. Nothing is an
    error; a text without marks is itself.
    """
    reader = _Reader()
    reader.feed(source)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.text).split("\n")]
    visible = "\n".join([line for line in lines if line])
    return [text for text in (visible, *reader.beside) if text and not text.isspace()]


def markdown_texts(source: str) -> list[str]:
    """The text as it is, and as it looks once marks inside of words (``k**i**ll``) and entities are gone."""
    bare = html.unescape(source).translate(_MARKS)
    return [text for text in dict.fromkeys((source, bare)) if text and not text.isspace()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.beside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)
        self.beside += [value for name, value in attrs if value and name not in _LOOKS]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.beside.append(data)

    def handle_decl(self, decl: str) -> None:
        self.beside.append(decl)

    def handle_pi(self, data: str) -> None:
        self.beside.append(data)

    def unknown_decl(self, data: str) -> None:
        self.beside.append(data)

    def _break(self, tag: str) -> None:
        # Only blocks part words: k<b>i</b>ll is one word to the reader.
        if tag in _BREAKS:
            self.text.append("\n")
