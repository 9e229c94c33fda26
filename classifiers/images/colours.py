"""From the colours that a picture's profile gives its numbers to sRGB, the colours that the detector knows.

Some viewers follow a profile (ICC.1:2022) and others do not, so a profile can hide one picture in another. What is
judged is what those see who follow it; a profile under which both do not see much the same is `Refused`, as is one that
can be read in several ways. The profiles of cameras, screens and image editors (sRGB, Display P3, Adobe RGB, ProPhoto
RGB, greys) are far inside these bounds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from classifiers.images.limits import MAX_PROFILE, Refused, bounded

Shown = Callable[[Image.Image], Image.Image]
"""From an RGB picture to what is shown of it, in sRGB."""

_GREY_APART: Final = 40
"""Levels of 255 by which a grey may look another one. A gamma of 1.8 or 2.2 makes 19 or 9 of them, one of 1.0 73. So
it also makes next to no difference that pictures are shrunk before they are converted."""
_APART: Final = 32
"""Levels by which colours may look other ones, on average. ProPhoto RGB makes 25."""
_SEVERAL_WAYS: Final = (b"A2B", b"B2A", b"D2B", b"B2D", b"cicp")
"""Tags that some viewers use instead of matrix and curves, and one viewer another of them than the next."""
_GREYS: Final = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
_STEPS: Final = np.linspace(0, 255, 17).round().astype(np.uint8)
_COLOURS: Final = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS, indexing="ij"), axis=-1).reshape(17, 289, 3)
_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def shown(image: Image.Image) -> Shown | None:
    """What makes of the picture's colours those that are shown; None if its file has no profile.

    Raises `Refused` for a profile that is broken, that is not of a screen's kind (RGB or grey, curves and a matrix),
    that does not go with the picture, or that shows quite another picture.
    """
    if "icc_profile" not in image.info:
        return None
    profile = image.info["icc_profile"]
    if not isinstance(profile, bytes) or len(profile) < 132:
        raise Refused("profile: broken")
    bounded(len(profile), MAX_PROFILE, "bytes of a profile")
    _check_tags(profile)
    grey = profile[16:20] == b"GRAY"
    fitting = ("1", "L", "LA", "I;16", "I;16B") if grey else ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "YCbCr")
    if (not grey and profile[16:20] != b"RGB ") or image.mode not in fitting:
        raise Refused("profile: of other colours")
    convert = _converter(profile, "L" if grey else "RGB")
    _check_looks(convert, grey)
    return convert


def _check_tags(profile: bytes) -> None:
    count = int.from_bytes(profile[128:132], "big")
    if len(profile) < 132 + 12 * count:
        raise Refused("profile: broken")
    tags = [struct.unpack_from("4s", profile, 132 + 12 * at)[0] for at in range(count)]
    if len(set(tags)) != count or any(tag.startswith(_SEVERAL_WAYS) for tag in tags):
        raise Refused("profile: one that can be read in several ways")


def _converter(profile: bytes, mode: str) -> Shown:
    try:
        source: Any = ImageCms.ImageCmsProfile(BytesIO(profile))
        relative = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(source, _SRGB, mode, "RGB", renderingIntent=relative)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise Refused("profile: broken") from error

    def convert(picture: Image.Image) -> Image.Image:
        made = ImageCms.applyTransform(picture.convert(mode), transform)
        if made is None:
            raise Refused("profile: broken")
        return made

    return convert


def _check_looks(convert: Shown, grey: bool) -> None:
    if _apart(convert, _GREYS).max() > _GREY_APART or (not grey and _apart(convert, _COLOURS).mean() > _APART):
        raise Refused("profile: viewers do not agree on such colours")


def _apart(convert: Shown, colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    there = np.asarray(convert(Image.fromarray(colours))).astype(np.int16)
    return np.abs(there - colours.astype(np.int16))
