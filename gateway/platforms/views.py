"""A text as readers may see it, whatever markup the app that shows it renders. Pure."""

from __future__ import annotations

import re
from typing import Final

from gateway.platforms.html_text import html_texts
from gateway.platforms.markdown_text import markdown_texts

_BACKWARDS: Final = re.compile("\u202e([^\u202c\n]*)")
"""What RIGHT-TO-LEFT OVERRIDE shows from its end to its beginning (Unicode Standard Annex 9)."""

_SCRAP: Final = re.compile(r"\w\n\w{1,4}\n\w")
_BREAK: Final = re.compile(r"(?<=\w)\n(?=\w)")


def forwards(text: str) -> list[str]:
    """The text as its order is shown, if it overrides that."""
    return [_BACKWARDS.sub(lambda found: found[1][::-1], text)] if "\u202e" in text else []


def views(text: str) -> list[str]:
    """The text as it is, as HTML, as markdown, as its order is shown, and with scraps of words in lines put together.
    Each is given once."""
    whole = [_BREAK.sub("", text)] if _SCRAP.search(text) else []
    return list(dict.fromkeys((text, *html_texts(text), *markdown_texts(text), *forwards(text), *whole)))
