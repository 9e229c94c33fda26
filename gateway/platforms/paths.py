"""The readings of a path: the plain one, and those that some server might make of it.

A proxy and the server behind it must not read a path differently, or a publish request gets past. The plain reading
decodes each segment once. The others undo what servers are known to undo: repeated encoding, backslashes, empty and
dot segments, parameters after ``;``, what follows a NUL, letters that NFKC makes ASCII, and upper case.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator, Sequence
from urllib.parse import unquote_to_bytes

_ROUNDS = 4
"""How often a path is decoded at most; one that still changes then is read by no server."""
_STEPS = frozenset({".", ".."})
_PARTING = frozenset("/\\%;\x00")
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:@!$'()*+,=&/")


def plain(raw_path: bytes) -> tuple[str, ...]:
    """The segments of a path, split at ``/`` and then percent-decoded once."""
    if b"%" not in raw_path:
        return tuple(raw_path.decode("utf-8", "surrogateescape")[1:].split("/"))
    return tuple([_decode(segment) for segment in raw_path[1:].split(b"/")])


def is_simple(raw_path: bytes) -> bool:
    """Whether every server reads the path the same way, but for the case of its letters."""
    # A dot is only of concern where a segment starts with it: "..", "." and what folds into them.
    if b"//" in raw_path or b"/." in raw_path or raw_path.endswith(b"/"):
        return False
    return _PLAIN.issuperset(raw_path)


def is_one_path(parts: Sequence[str]) -> bool:
    """Whether a path with these decoded segments has the same segments for every server: none of them holds what some
    take for the end of a segment or of the path, for a step upwards, or decode once more."""
    return not any(part in _STEPS or not _PARTING.isdisjoint(part) for part in parts)


def folded(raw_path: bytes) -> Iterator[tuple[str, ...]]:
    """The segments of a path as lenient servers may read them, in lower case; not the plain reading itself."""
    text = "/" + "/".join(plain(raw_path))
    if is_simple(raw_path):
        yield _segments(text.lower())
        return
    seen: set[tuple[str, ...]] = set()
    for _ in range(_ROUNDS):
        for reading in _spellings(text):
            plainly = _segments(reading)
            for segments in (plainly, _resolved(plainly), _resolved(_dropped(plainly, {""})), _dropped(plainly)):
                if segments not in seen:
                    seen.add(segments)
                    yield segments
        decoded = _decode(text.encode("utf-8", "surrogateescape"))
        if decoded == text:
            return
        text = decoded


def _spellings(text: str) -> Iterator[str]:
    """The text with each trick undone: NFKC and lower case always, the others alone and together."""
    text = _lower(text).replace("\\", "/")
    cut = text.partition("\x00")[0]
    for whole in (text, cut):
        yield whole
        yield "/".join([segment.partition(";")[0] for segment in whole.split("/")])
        # White space and control characters that some servers strip, and what others take for the end of the path.
        yield "/".join([segment.strip() for segment in "".join(filter(_visible, whole)).split("/")])
        yield whole.partition("?")[0].partition("#")[0]


def _lower(text: str) -> str:
    """NFKC and lower case, until neither changes anything."""
    while (folded := unicodedata.normalize("NFKC", text).lower()) != text:
        text = folded
    return text


def _visible(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf")


def _segments(text: str) -> tuple[str, ...]:
    return tuple(text.removeprefix("/").split("/"))


def _resolved(segments: tuple[str, ...]) -> tuple[str, ...]:
    """``..`` carried out (on an empty segment as well), then without empty segments and ``.``."""
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return _dropped(tuple(kept))


def _dropped(segments: tuple[str, ...], what: Container[str] = ("", ".", "..")) -> tuple[str, ...]:
    """Without empty and dot segments, as if they were not there."""
    return tuple([segment for segment in segments if segment not in what])


def _decode(data: bytes) -> str:
    return unquote_to_bytes(data).decode("utf-8", "surrogateescape")
