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
_IN_BRACKETS = r"(?:\\.|[^()\\])"
_LINK = re.compile(rf"!?\[([^\[\]]*)\]\((?:{_IN_BRACKETS}|\((?:{_IN_BRACKETS}|\({_IN_BRACKETS}*\))*\))*\)", re.DOTALL)
"""A link or picture with its address, whatever stands in it: the label is what shows."""
_LINK_TO_FIRST = re.compile(r"!?\[([^\[\]]*)\]\((?:\\.|[^)\\\[])*\)", re.DOTALL)
"""The same where the first bracket that closes ends the address. No link begins in it, so a text is read once."""
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]\n]+\]:[ \t]*\S+.*$", re.MULTILINE)
_REFERENCE = re.compile(r"!?\[([^\[\]]*)\](?:\[[^\[\]]*\])?")
_LABELLED = re.compile(r"<(?![@#!])[^<>|]*\|([^<>]*)>")
"""A link of mrkdwn with its label."""
_NAMED = re.compile(r"<[@#!][^<>|]*\|([^<>]*)>")
"""A mention of mrkdwn with a label, which some clients show."""
_DATE = re.compile(r"<!date\^\d+\^([^<>^|]*)[^<>]*>")
"""A date of mrkdwn: the words around it are its sender's."""
_MATH = re.compile(r"\\(?:text|mathrm|mathbf|mathit|mathsf|mathtt|operatorname|mbox)\w{0,6}\s?\{([^{}]*)\}")
"""Words in a formula."""
_CELL = re.compile(r"(?<!\|)\|(?!\|)")
"""What parts two cells of a table; two of them hide what is between."""
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
    found = [source, html.unescape(source).translate(_MARKS), render(source)]
    if "](" in source:
        found.append(render(_LINK_TO_FIRST.sub(r"\1", source)))
    if "|" in source and "<" in source:
        found.append(render(_NAMED.sub(r"\1", source)))
    return [text for text in dict.fromkeys(found) if text and not text.isspace()]


def render(source: str) -> str:
    """The text as it looks rendered. Its lines end where they ended."""
    text = source
    if "\\" in text and (words := _MATH.sub(r"\1", text)) != text:
        text = words.replace("$", "")
    if "]:" in text:
        text = _DEFINITION.sub("", text)
        text = _REFERENCE.sub(r"\1", _linked(text))
    else:
        text = _linked(text)
    if "<" in text or "@" in text:
        text = _MENTION.sub(_without, _LABELLED.sub(r"\1", _DATE.sub(r"\1", text)))
    text = _LINE.sub("", text)
    text = html_visible(text) if "<" in text else html.unescape(text)
    return _CELL.sub(" ", text).translate(_MARKS)


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
