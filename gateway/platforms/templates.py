"""Path templates: what a route's path looks like, without regular expressions.

A template is ``/`` and segments. A segment is literal (``message``), a variable (``{room}``), one of alternatives
(``{version:v1|v3}``), or a variable between literals (``bot{token}``); ``{rest*}`` stands for one or more segments.
A template that ends in ``/`` matches only paths that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz_0123456789")


class BadTemplate(ValueError):
    """A path template that cannot be understood; the text says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. ``name`` is None for a literal, which is then in ``before``; ``choices`` empty means any value."""

    before: str
    after: str = ""
    name: str | None = None
    choices: frozenset[str] = frozenset()
    many: bool = False

    def value(self, text: str, *, fold: bool, empty: bool) -> str | None:
        """What the variable stands for in ``text`` ("" for a literal), or None if it does not fit.

        ``fold`` compares without regard to case, ``empty`` lets the variable stand for nothing.
        """
        before, after, compared = self.before, self.after, text
        if fold:
            before, after, compared = before.lower(), after.lower(), text.lower()
        if self.name is None:
            return "" if compared == before else None
        end = len(text) - len(after)
        if not (compared.startswith(before) and compared.endswith(after)) or end < len(before):
            return None
        value, compared = text[len(before) : end], compared[len(before) : end]
        if self.choices:
            return value if compared in self.folded_choices(fold) else None
        return value if value or empty else None

    def folded_choices(self, fold: bool) -> frozenset[str]:
        """The alternatives, in lower case if ``fold``."""
        return frozenset([choice.lower() for choice in self.choices]) if fold else self.choices

    def words(self) -> frozenset[str]:
        """Every text this segment can be, in lower case; empty if that is not a short list."""
        if self.name is None:
            return frozenset([self.before.lower()])
        return frozenset([f"{self.before}{choice}{self.after}".lower() for choice in self.choices])


@dataclass(frozen=True, slots=True)
class Template:
    """A whole path."""

    source: str
    segments: tuple[Segment, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of its variables."""
        return frozenset([segment.name for segment in self.segments if segment.name is not None])

    def example(self, value: str = "x1") -> str:
        """A path that fits: the first alternative, or ``value``, for each variable."""
        inside = [min(one.choices, default=value) if one.name is not None else "" for one in self.segments]
        return "/" + "/".join([one.before + text + one.after for one, text in zip(self.segments, inside, strict=True)])

    def anchors(self) -> frozenset[str]:
        """Words in lower case, one of which is a segment of every matching path; empty if there are none."""
        # The last such segment, since paths begin alike and end apart.
        known = [words for segment in self.segments if (words := segment.words()) and words != {""}]
        return known[-1] if known else frozenset()

    def match(self, parts: Sequence[str], *, fold: bool = False, empty: bool = False) -> dict[str, str] | None:
        """The variables of the path with these segments, or None if it is another path."""
        many = next((index for index, segment in enumerate(self.segments) if segment.many), None)
        if many is None:
            return self._match(self.segments, parts, fold, empty) if len(parts) == len(self.segments) else None
        behind = len(self.segments) - many - 1
        end = len(parts) - behind
        if end <= many:
            return None
        front = self._match(self.segments[:many], parts[:many], fold, empty)
        back = self._match(self.segments[many + 1 :], parts[end:], fold, empty)
        if front is None or back is None or not (empty or all(parts[many:end])):
            return None
        return {**front, str(self.segments[many].name): "/".join(parts[many:end]), **back}

    @staticmethod
    def _match(segments: Sequence[Segment], parts: Sequence[str], fold: bool, empty: bool) -> dict[str, str] | None:
        variables: dict[str, str] = {}
        for segment, part in zip(segments, parts, strict=True):
            value = segment.value(part, fold=fold, empty=empty)
            if value is None:
                return None
            if segment.name is not None:
                variables[segment.name] = value
        return variables


def parse_template(source: str) -> Template:
    """Read a template. Raises `BadTemplate`."""
    if not source.startswith("/"):
        raise BadTemplate("a path starts with /")
    segments = [_segment(text) for text in _split(source[1:])]
    if any(segment == Segment("") for segment in segments[:-1]):
        raise BadTemplate("an empty segment inside of a path")
    names = [segment.name for segment in segments if segment.name is not None]
    if len(set(names)) != len(names):
        raise BadTemplate("a variable is named twice")
    if sum(segment.many for segment in segments) > 1:
        raise BadTemplate("only one variable can stand for many segments")
    return Template(source, tuple(segments))


def _split(text: str) -> list[str]:
    """The segments; a ``/`` inside of braces does not part them."""
    segments, depth = [""], 0
    for char in text:
        depth += (char == "{") - (char == "}")
        if depth not in (0, 1):
            raise BadTemplate("braces do not match")
        if char == "/" and depth == 0:
            segments.append("")
        else:
            segments[-1] += char
    if depth:
        raise BadTemplate("braces do not match")
    return segments


def _segment(text: str) -> Segment:
    before, brace, rest = text.partition("{")
    if not brace:
        if text in (".", "..") or any(char in "%?#\\;" or char <= " " for char in text):
            raise BadTemplate(f"segment {text!r}: write it decoded, without any of % ? # \\ ; and not as dots")
        return Segment(text)
    inside, _, after = rest.partition("}")
    if "{" in after:
        raise BadTemplate(f"segment {text!r}: one variable at most in a segment")
    name, colon, choices = inside.partition(":")
    many = name.endswith("*")
    name = name.removesuffix("*")
    if not name or not set(name) <= _NAME:
        raise BadTemplate(f"segment {text!r}: a variable is named in lower case letters, digits and _")
    if many and (colon or before or after):
        raise BadTemplate(f"segment {text!r}: a variable for many segments stands alone")
    if colon and not all(choices.split("|")):
        raise BadTemplate(f"segment {text!r}: an alternative is empty")
    return Segment(before, after, name, frozenset(choices.split("|")) if colon else frozenset(), many)
