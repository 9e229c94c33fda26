"""Selectors: where in a request something stands, as one line of a route map.

- ``bearer``, ``basic`` (user:password), ``basic.user``, ``basic.password``, ``header:X``, ``cookie:X``, ``query:X``,
  ``path:X``, ``form:X``, ``part:X`` (a multipart field), ``const:X``
- ``param:X``: the parameter X wherever it stands: query, form, multipart field, top of the JSON; ``param:**``: every
  parameter that nothing else has taken
- ``json:a.*.b``: a path of keys parted by dots (``\\.`` is a dot in a key); ``*`` is every item, and ``**`` at its end
  everything below that nothing else of the route has taken
- ``part-json:P:a.b``, ``param-json:P:a.b``, ``json-in-json:content:text``: a path in the JSON that a field holds
- around one of them: ``html:`` (the visible text of HTML), ``markdown:`` (the text as it is, and without its marks),
  ``shown:`` (the text as it is, as HTML and as markdown: all that a reader may see of it),
  ``prefix:X:`` (what follows X, if it starts with X), ``only:X:`` (only if it is X)
"""

from __future__ import annotations

from dataclasses import dataclass

EVERYTHING = "**"

_BARE = {"bearer", "basic", "basic.user", "basic.password"}


class BadSelector(ValueError):
    """A selector that cannot be understood; the text says why."""


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector.

    ``kind`` is what stands before the first colon of the innermost selector, ``name`` the name after it, ``outer`` the
    JSON path to the text that holds JSON (json-in-json), ``path`` a JSON path. ``wraps`` are the wrappers, outermost
    first; of ``prefix`` with its argument.
    """

    source: str
    kind: str
    name: str = ""
    outer: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    wraps: tuple[tuple[str, str], ...] = ()
    direct: bool = False
    """Whether it is a plain path of keys in the JSON of the body: the usual case, found without search."""

    @property
    def takes_the_rest(self) -> bool:
        """Whether it stands for everything that is not taken."""
        return self.path[-1:] == (EVERYTHING,) or (self.kind == "param" and self.name == EVERYTHING)


def parse_selector(source: str) -> Selector:
    """Read a selector. Raises `BadSelector`."""
    wraps: list[tuple[str, str]] = []
    rest = source
    while True:
        word, colon, behind = rest.partition(":")
        if word in ("html", "markdown", "shown") and colon:
            wraps.append((word, ""))
            rest = behind
        elif word in ("prefix", "only"):
            literal, colon, behind = behind.partition(":")
            if not literal or not colon:
                raise BadSelector(f"{word}: write {word}:TEXT:SELECTOR")
            wraps.append((word, literal))
            rest = behind
        else:
            return _base(source, rest, tuple(wraps))


def _base(source: str, text: str, wraps: tuple[tuple[str, str], ...]) -> Selector:
    kind, colon, rest = text.partition(":")
    if kind in _BARE and not colon:
        return Selector(source, kind, wraps=wraps)
    if not rest or kind in _BARE:
        raise BadSelector(f"{source!r} is no selector; see the list in gateway/platforms/selectors.py")
    match kind:
        case "const" | "param":
            return Selector(source, kind, rest, wraps=wraps)
        case "header" | "cookie" | "query" | "path" | "form" | "part":
            if rest == EVERYTHING:
                raise BadSelector(f"{kind}:** is no selector; param:** is every parameter")
            return Selector(source, kind, rest.lower() if kind == "header" else rest, wraps=wraps)
        case "json":
            path = _path(rest)
            direct = not wraps and "*" not in path and EVERYTHING not in path
            return Selector(source, kind, path=path, wraps=wraps, direct=direct)
        case "part-json" | "param-json" | "json-in-json":
            name, _, inner = rest.partition(":")
            if not name or not inner:
                raise BadSelector(f"{kind}: write {kind}:WHERE:PATH")
            if kind == "json-in-json":
                return Selector(source, kind, outer=_path(name), path=_path(inner), wraps=wraps)
            return Selector(source, kind, name, path=_path(inner), wraps=wraps)
    raise BadSelector(f"{source!r} is no selector; see the list in gateway/platforms/selectors.py")


def _path(text: str) -> tuple[str, ...]:
    keys, key, escaped = [], "", False
    for char in text:
        if escaped or char not in "\\.":
            key, escaped = key + char, False
        elif char == "\\":
            escaped = True
        else:
            keys.append(key)
            key = ""
    keys.append(key)
    if escaped or not all(keys):
        raise BadSelector(f"{text!r} is no path: an empty key")
    if EVERYTHING in keys[:-1]:
        raise BadSelector(f"{text!r} is no path: ** stands at its end")
    return tuple(keys)
