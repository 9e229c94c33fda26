"""What a reader sees of HTML.

It is read by an own scanner: the one of the standard library takes quadratic time on tags that are never closed, and
fails on some declarations. This one goes over the text once, and gives rather too much than too little.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

_BREAKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "figure", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "option", "p", "pre", "section"}
    | {"summary", "table", "td", "th", "title", "tr", "ul"}
)
"""Elements that part words. Of all others nothing shows between two letters: k<b>i</b>ll is one word."""
_LOOKS = frozenset(
    {"align", "bgcolor", "border", "class", "color", "data-mx-bg-color", "data-mx-color", "dir", "height", "id", "lang"}
    | {"rel", "start", "style", "target", "valign", "width"}
)
"""Attributes that say how something looks, not what it says."""
_HIDDEN = frozenset({"head", "mx-reply", "noscript", "script", "style", "template"})
"""Elements whose content many clients do not show."""
_NESTED = 2
"""How often comments are looked for in comments."""

_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_GAP = re.compile(r"[\s/]*")
_NAME = re.compile(r"=?[^\s=/>]*")
_EQUALS = re.compile(r"\s*=\s*")
_UNQUOTED = re.compile(r"[^\s>]*")


def html_texts(source: str) -> list[str]:
    """The visible text of HTML, one line for each block, with and without what elements such as ``<style>`` hold, and
    then every attribute that says something.

    Comments and declarations are given as well: what one parser takes for a comment, another shows. Nothing is an
    error; a text without marks is itself.
    """
    seen = _Seen()
    _scan(source, seen, _NESTED)
    visible = dict.fromkeys((_lines(seen.text), _lines(seen.bare)))
    return [text for text in (*visible, *seen.beside) if text and not text.isspace()]


def html_visible(source: str) -> str:
    """The visible text of HTML, without what elements such as ``<style>`` hold."""
    seen = _Seen()
    _scan(source, seen, 0)
    return _lines(seen.bare)


def _lines(pieces: list[str]) -> str:
    lines = [" ".join(line.split()) for line in "".join(pieces).split("\n")]
    return "\n".join([line for line in lines if line])


@dataclass(slots=True)
class _Seen:
    text: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    """The text outside of `_HIDDEN` elements."""
    beside: list[str] = field(default_factory=list)
    hidden: str = ""
    """The hidden element that is open."""

    def add(self, text: str) -> None:
        self.text.append(text)
        if not self.hidden:
            self.bare.append(text)

    def enter(self, name: str, closes: bool) -> None:
        """Note a tag: a hidden element begins or ends with it."""
        if closes and name == self.hidden:
            self.hidden = ""
        elif not closes and name in _HIDDEN and not self.hidden:
            self.hidden = name


def _scan(source: str, seen: _Seen, nested: int) -> None:
    at = 0
    while (start := source.find("<", at)) >= 0:
        seen.add(html.unescape(source[at:start]))
        if source.startswith(("<!", "<?"), start):
            at = _comment(source, start, seen, nested)
        elif match := _TAG.match(source, start):
            end = _attributes(source, match.end(), seen)
            if end is None:  # never closed: some show it as it is
                seen.add(source[start:])
                return
            name = match[1].lower()
            seen.enter(name, source.startswith("</", start))
            if name in _BREAKS:
                seen.add("\n")
            at = end
        else:
            seen.add("<")
            at = start + 1
    seen.add(html.unescape(source[at:]))


def _comment(source: str, start: int, seen: _Seen, nested: int) -> int:
    """Give what is in a comment or declaration, also without the marks in it; return where it ends."""
    opening, closing = ("<!--", "-->") if source.startswith("<!--", start) else (source[start : start + 2], ">")
    inside = start + len(opening)
    if opening == "<!--" and source.startswith((">", "->"), inside):
        return source.index(">", inside) + 1
    end = source.find(closing, inside)
    content = source[inside:] if end < 0 else source[inside:end]
    seen.beside.append(content)
    if nested and "<" in content:
        within = _Seen()
        _scan(content, within, nested - 1)
        seen.beside += ["".join(within.text), *within.beside]
    return len(source) if end < 0 else end + len(closing)


def _attributes(source: str, at: int, seen: _Seen) -> int | None:
    """Give the values of a tag's attributes; return where the tag ends, None if it never does."""
    while (at := _end(_GAP, source, at)) < len(source):
        if source[at] == ">":
            return at + 1
        name_end = _end(_NAME, source, at)
        name = source[at:name_end].lower()
        equals = _EQUALS.match(source, name_end)
        if equals is None:
            at = name_end
            continue
        at = equals.end()
        quote = source[at : at + 1]
        if quote in ("'", '"') and quote:
            closing = source.find(quote, at + 1)
            value_end = len(source) if closing < 0 else closing
            value, at = source[at + 1 : value_end], value_end + 1
        else:
            value_end = _end(_UNQUOTED, source, at)
            value, at = source[at:value_end], value_end
        if value and name not in _LOOKS:
            seen.beside.append(html.unescape(value))
    return None


def _end(pattern: re.Pattern[str], source: str, at: int) -> int:
    """Where a pattern that fits anything, also nothing, stops."""
    match = pattern.match(source, at)
    return match.end() if match else at
