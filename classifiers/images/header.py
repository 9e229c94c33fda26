"""What a picture's bytes say it is, read before anything is decoded.

Only what every viewer takes for the same picture is judged: the kind is told by the bytes, and a declared content type
has to agree with it. AVIF and HEIF are not judged: their size says nothing of what the decoder has to decode, which was
144 megapixels for a file of 1.3 KB that claimed 100 x 100.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from classifiers.images import bmp, gif, jpeg, limits, png, webp
from classifiers.images.facts import Facts, Kind
from classifiers.images.limits import Refused, bounded

CONTENT_TYPES: Final[Mapping[str, Kind | None]] = {
    "image/png": "PNG",
    "image/apng": "PNG",
    "image/vnd.mozilla.apng": "PNG",
    "image/jpeg": "JPEG",
    "image/jpg": "JPEG",
    "image/pjpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
    "image/x-bmp": "BMP",
    "image/x-ms-bmp": "BMP",
    "application/octet-stream": None,
}
"""What a content type promises; the last one, of uploads without a better one, promises nothing."""

_READERS: Final[Mapping[Kind, Callable[[bytes], Facts]]] = {
    "PNG": png.read,
    "JPEG": jpeg.read,
    "GIF": gif.read,
    "WEBP": webp.read,
    "BMP": bmp.read,
}


def read(content_type: str, data: bytes) -> Facts:
    """The kind and size of a picture within all `limits`.

    Raises `Refused` for bytes of no kind known, another kind than declared, a broken structure or too large a picture.
    """
    bounded(len(data), limits.MAX_BYTES, "bytes")
    promised = CONTENT_TYPES.get(_essence(content_type), "?")
    kind = kind_of(data)
    if promised not in (None, kind):
        raise Refused(f"content type: {kind} is not what was declared")
    facts = _READERS[kind](data)
    check(facts)
    return facts


def check(facts: Facts) -> None:
    """Raises `Refused` for a picture beyond the `limits`."""
    if facts.width < 1 or facts.height < 1 or facts.frames < 1:
        raise Refused("size: nothing to see")
    bounded(max(facts.width, facts.height), limits.MAX_SIDE, "side")
    bounded(facts.frames, limits.MAX_FRAMES, "frames")
    pixels = bounded(facts.width * facts.height, limits.MAX_PIXELS, "pixels")
    if facts.copied:
        bounded(pixels, limits.MAX_PIXELS_COPIED, "pixels of such a file")
    if facts.frames > 1:
        bounded(pixels, limits.MAX_PIXELS_MOVING, "pixels of an animation")
        bounded(facts.painted, limits.MAX_PIXELS_FRAMES, "pixels of all frames")
    bounded(facts.painted, limits.MAX_PIXELS_PAINTED, "pixels of all scans")


def kind_of(data: bytes) -> Kind:
    """The kind of picture that begins so. Raises `Refused` for no kind known."""
    if data.startswith(png.MAGIC):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM"):
        return "BMP"
    raise Refused("bytes: no kind of picture known")


def may_be_picture(content_type: str) -> bool:
    """Whether a content type promises a picture of any kind, or nothing."""
    return _essence(content_type).startswith("image/") or _essence(content_type) in CONTENT_TYPES


def _essence(content_type: str) -> str:
    """A content type without its parameters and case (RFC 9110, section 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()
