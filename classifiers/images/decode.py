"""From a picture's bytes to the pictures that somebody may see, no larger than is needed to judge them.

Pillow decodes, with the decoder of the kind that `header` found and no other. Nothing comes out of here but RGB
pictures and `Refused`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageFile

from classifiers.images import colours, exif, limits
from classifiers.images.facts import Facts
from classifiers.images.limits import Refused, bounded

SHORT: Final = 640
"""Pixels that the shorter side keeps at least, if it has them: twice what the detector takes at a time."""
_BAND: Final = 256
"""Rows at a time, so that no second copy of a whole picture is made."""
_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I;16B"})
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)

# Process-wide, for the decoder has no other place for them. What it only warns of (a bomb, damaged data) is refused.
Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS
warnings.filterwarnings("error", module=r"PIL\..*")


def looks(facts: Facts, data: bytes) -> Iterator[tuple[Image.Image, bool]]:
    """What can be seen of a picture that `header` has read: upright, each with whether it is one of several frames.

    Every frame; each on white, on black and without its transparency, because it depends on the viewer which of them is
    seen; in the colours that its profile gives it; and none that looks like one before, to the pixel. To be used one by
    one: each is in memory alone. Raises `Refused` for what cannot be judged, whatever the decoder thinks of it.
    """
    try:
        yield from _looks(facts, data)
    except Refused:
        raise
    except Exception as error:  # a decoder of hostile bytes may raise anything; the message is held all the same
        raise Refused(f"decoder: {type(error).__name__}") from error


def _looks(facts: Facts, data: bytes) -> Iterator[tuple[Image.Image, bool]]:
    with Image.open(BytesIO(data), formats=(facts.kind,)) as image:
        frames = _agreed(image, facts)
        if facts.kind == "JPEG":
            image.draft("RGB", (SHORT, SHORT))
        seen: set[bytes] = set()
        for index in range(frames):
            if index:
                image.seek(index)
            image.load()
            _check_metadata(image)
            if not index:
                convert = colours.shown(image)
            turn = _UPRIGHT.get(exif.orientation(image.info.get("exif") or b""))
            for face in _faces(image):
                digest = hashlib.sha256(face.tobytes()).digest()
                if digest in seen:
                    continue
                seen.add(digest)
                face = face if convert is None else convert(face)
                yield (face if turn is None else face.transpose(turn)), frames > 1


def _agreed(image: ImageFile.ImageFile, facts: Facts) -> int:
    """How many frames there are. Raises `Refused` unless the decoder takes the picture for what `header` found."""
    if image.size != (facts.width, facts.height):
        raise Refused("size: read in two ways")
    if facts.kind in ("PNG", "WEBP") and getattr(image, "n_frames", 1) != facts.frames:
        raise Refused("frames: counted in two ways")
    if image.mode not in _MODES or (image.mode.startswith("I") and image.has_transparency_data):
        raise Refused(f"colours: {image.mode}")
    return facts.frames


def _check_metadata(image: Image.Image) -> None:
    sizes = [len(value) for value in image.info.values() if isinstance(value, bytes | str)]
    bounded(sum(sizes), limits.MAX_METADATA, "bytes that are not pixels")


def _faces(image: Image.Image) -> Iterator[Image.Image]:
    """The picture as viewers show it: in one way, or in up to three if it is transparent."""
    if not image.has_transparency_data or _opaque(image):
        yield _shrunk(image, None)
        return
    for ground in (_WHITE, _BLACK, None):
        yield _shrunk(image, ground)


def _opaque(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema() == (255, 255)


def _shrunk(image: Image.Image, ground: tuple[int, int, int] | None) -> Image.Image:
    """The picture on a ground or, without one, without its transparency; its shorter side `SHORT` to twice that."""
    factor = max(min(image.size) // SHORT, 1)
    if factor == 1 and image.mode == "RGB" and not image.has_transparency_data:
        return image.copy()  # the next frame is painted over this one
    width, height = image.size
    small = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    step = factor * max(_BAND // factor, 1)
    for top in range(0, height, step):
        band = _flat(image.crop((0, top, width, min(top + step, height))), ground)
        small.paste(band.reduce(factor) if factor > 1 else band, (0, top // factor))
    return small


def _flat(band: Image.Image, ground: tuple[int, int, int] | None) -> Image.Image:
    if band.mode.startswith("I;16"):  # Pillow would cut values off, not scale them
        return Image.fromarray((np.asarray(band) >> 8).astype(np.uint8)).convert("RGB")
    if not band.has_transparency_data:
        return band.convert("RGB")
    clear = band.convert("RGBA")
    if ground is None:
        return clear.convert("RGB")
    flat = Image.new("RGB", band.size, ground)
    flat.paste(clear, (0, 0), clear)
    return flat
