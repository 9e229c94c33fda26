"""A text as readers may see it, whatever markup the app that shows it renders. Pure."""

from __future__ import annotations

from gateway.platforms.html_text import html_texts
from gateway.platforms.markdown_text import markdown_texts


def views(text: str) -> list[str]:
    """The text as it is, as HTML and as markdown, each once."""
    return list(dict.fromkeys((text, *html_texts(text), *markdown_texts(text))))
