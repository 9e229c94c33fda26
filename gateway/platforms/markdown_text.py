"""What a reader sees of the markdown dialects of chat apps: CommonMark, MarkdownV2, mrkdwn and their like.

They differ in what is a mark. This takes every mark of any of them away, so it gives rather too much than too little,
beside the text as it is. Each step goes over the text once.
"""

from __future__ import annotations

import html
import re

from gateway.platforms.html_text import html_visible

_MARKS = str.maketrans("", "", "*_~`|\\")
_LINE = re.compile(r"^[ \t]*(?:(?:>|[-+*]|-?#{1,6}|\d{1,9}[.)])[ \t]+|>)+", re.MULTILINE)
"""What makes a line a quotation, a heading or an item of a list."""
_LINK = re.compile(
    r"!?\[([^\[\]]*)\]"
    r"\([ \t]{0,8}(?:<[^<>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)"
    r"(?:\s{1,8}(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]{0,8}\)"
)
"""A link or picture with its address: the label is what shows."""
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]\n]+\]:[ \t]*\S+.*$", re.MULTILINE)
_REFERENCE = re.compile(r"!?\[([^\[\]]*)\](?:\[[^\[\]]*\])?")
_LABELLED = re.compile(r"<(?![@#!])[^<>|\s]*\|([^<>]*)>")
"""A link of mrkdwn with its label."""
_MENTION = re.compile(
    r"([ \t]{0,4})"
    r"(?:<(?:[@#!][^<>]*|a?:\w+:\d+|t:-?\d+(?::\w)?|/[^<>:]+:\d+|id:\w+)>|(?<![\w/])@(?:\*\*[^*]*\*\*|[\w.-]+))"
    r"([ \t]{0,4})"
)
"""Who or what is named: a person, a channel, a time, an emoji of the site's own."""
_CHINESE = re.compile("[\u3400-\u9fff]")
_NESTED = 3
"""How often links are looked for in the labels of links."""


def markdown_texts(source: str) -> list[str]:
    """The text as it is; without the marks inside of words (``k**i**ll``) and entities; and as it looks rendered: of
    links their labels, without mentions, without marks at the start of lines."""
    bare = html.unescape(source).translate(_MARKS)
    return [text for text in dict.fromkeys((source, bare, render(source))) if text and not text.isspace()]


def render(source: str) -> str:
    """The text as it looks rendered. Its lines end where they ended."""
    text = source
    if "]:" in text:
        text = _DEFINITION.sub("", text)
        text = _REFERENCE.sub(r"\1", _linked(text))
    else:
        text = _linked(text)
    if "<" in text or "@" in text:
        text = _MENTION.sub(_without, _LABELLED.sub(r"\1", text))
    text = _LINE.sub("", text)
    text = html_visible(text) if "<" in text else html.unescape(text)
    return text.translate(_MARKS)


def _without(mention: re.Match[str]) -> str:
    """What stands for a mention: a blank if there was one beside it, but nothing between Chinese characters."""
    text, start, end = mention.string, mention.start(), mention.end()
    chinese = start > 0 and _CHINESE.match(text, start - 1) and _CHINESE.match(text, end)
    return " " if (mention[1] or mention[2]) and not chinese else ""


def _linked(text: str) -> str:
    for _ in range(_NESTED):
        if "](" not in text:
            return text
        text = _LINK.sub(r"\1", text)
    return text
