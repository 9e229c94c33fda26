"""What a picture may cost, and what it means to be beyond it.

The numbers bound memory and time: a picture comes from anybody, and a few hundred bytes can ask for gigabytes.
"""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""Of one picture, as it came."""
MAX_SIDE: Final = 16_384
"""Pixels."""
MAX_PIXELS: Final = 40_000_000
MAX_PIXELS_COPIED: Final = 24_000_000
"""Of a picture whose decoder keeps more than one copy of it: WebP, progressive JPEG."""
MAX_PIXELS_MOVING: Final = 10_000_000
"""Of an animation's canvas, of which a decoder keeps up to four copies."""
MAX_FRAMES: Final = 16
"""Of an animation. All of them are looked at, for anybody can stop at the one that matters."""
MAX_PIXELS_FRAMES: Final = 20_000_000
"""Of all frames of an animation together."""
MAX_PIXELS_PAINTED: Final = 250_000_000
"""Of all JPEG scans together: each of them can repaint the whole picture for a handful of bytes."""
MAX_PIXELS_MESSAGE: Final = 80_000_000
"""Of all pictures of a message, counted by what they cost, see `facts.Facts.cost`: about a second."""
MAX_PROFILE: Final = 64 * 1024
"""Bytes of a colour profile; those of screens and cameras have up to 25,000."""
MAX_METADATA: Final = 2 * 1024 * 1024
"""Bytes of profiles, EXIF, comments and other things that are not pixels."""
MAX_SEGMENTS: Final = 4096
"""Parts of a file other than pixel data, each of which costs a look."""
MAX_PICTURES: Final = 20
"""Of one message: as many as the native API takes."""
MAX_VIEWS: Final = 64
"""Squares looked at in one message, all pictures and frames together: about a second as well."""


class Refused(ValueError):
    """A picture that is not judged; the text says why. It never leaves this package: the message is held."""


def bounded(size: int, limit: int, what: str) -> int:
    """``size`` if it is at most ``limit``. Raises `Refused`, naming ``what``, otherwise."""
    if size > limit:
        raise Refused(f"{what}: {size}, at most {limit}")
    return size
