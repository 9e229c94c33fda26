"""What is judged is what viewers show that follow a profile; what others see quite differently is not judged at all."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from classifiers.images import header
from classifiers.images.decode import looks
from classifiers.images.limits import Refused
from tests.classifiers.images.drawn import chunk, drawing, encoded, png

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
"""Red, green and blue of Display P3, as X, Y and Z under D50."""
PROPHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))


def seen(data: bytes) -> list[Image.Image]:
    return [look for look, _ in looks(header.read("application/octet-stream", data), data)]


def profile(gamma: float | None = None, primaries: Sequence[Sequence[float]] = ()) -> bytes:
    """sRGB's profile with another gamma or other primaries."""
    made = bytearray(SRGB)
    for at in range(struct.unpack_from(">I", made, 128)[0]):
        name, offset, _ = struct.unpack_from(">4sII", made, 132 + 12 * at)
        if gamma is not None and name.endswith(b"TRC"):
            struct.pack_into(">HHi", made, offset + 8, 0, 0, round(gamma * 65536))
        if primaries and name in (b"rXYZ", b"gXYZ", b"bXYZ"):
            place = b"rgb".index(name[:1])
            struct.pack_into(">iii", made, offset + 8, *[round(each * 65536) for each in primaries[place]])
    return bytes(made)


def grey_profile(gamma: float) -> bytes:
    """A profile of greys: white, and a gamma."""
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, len(white), b"kTRC", 176, len(curve))
    body = tags + white + curve
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    return (head + bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)).ljust(128, b"\0") + body


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("gamma", [0.08, 0.5, 1.0, 4.0])
def test_a_profile_that_shows_another_picture_is_refused(kind: str, gamma: float) -> None:
    data = encoded(Image.new("RGB", (300, 300), (3, 3, 3)), kind, icc_profile=profile(gamma))
    with pytest.raises(Refused, match="viewers do not agree"):
        seen(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_colours_are_judged_as_they_are_shown(kind: str) -> None:
    how: dict[str, Any] = {"icc_profile": profile(primaries=P3)}
    [look] = seen(encoded(Image.new("RGB", (30, 30), (200, 100, 100)), kind, **how))
    red, green, blue = np.asarray(look)[15, 15].tolist()
    assert red > 210
    assert max(green, blue) < 98


@pytest.mark.parametrize("usual", [SRGB, profile(2.2), profile(1.8, PROPHOTO), profile(primaries=P3)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_a_usual_profile_is_taken(usual: bytes, mode: str) -> None:
    assert len(seen(encoded(drawing(mode=mode), "PNG", icc_profile=usual))) == 1


def test_a_profile_of_greys_is_taken_with_a_grey_picture_alone() -> None:
    [look] = seen(encoded(drawing(mode="L"), "PNG", icc_profile=grey_profile(1.8)))
    [plain] = seen(encoded(drawing(mode="L"), "PNG"))
    assert 3 < np.asarray(look, dtype=float).mean() - np.asarray(plain, dtype=float).mean() < 20
    with pytest.raises(Refused, match="viewers do not agree"):
        seen(encoded(drawing(mode="L"), "PNG", icc_profile=grey_profile(0.08)))
    with pytest.raises(Refused, match="other colours"):
        seen(encoded(drawing(), "PNG", icc_profile=grey_profile(1.8)))


def test_a_profile_that_exchanges_colours_is_refused() -> None:
    red, green, blue = P3
    with pytest.raises(Refused, match="viewers do not agree"):
        seen(encoded(drawing(), "PNG", icc_profile=profile(primaries=(blue, green, red))))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"", "broken"),
        (b"x", "broken"),
        (SRGB[:200], "broken"),
        (SRGB[:128] + b"\xff" * 4 + SRGB[132:], "broken"),
        (SRGB.replace(b"acsp", b"what"), "broken"),
        (SRGB[:16] + b"CMYK" + SRGB[20:], "other colours"),
        (SRGB[:132] + b"A2B0" + SRGB[136:], "several ways"),
        (SRGB[:132] + SRGB[144:148] + SRGB[136:], "several ways"),
        (SRGB.ljust(70_000, b"\0"), "bytes of a profile"),
    ],
)
def test_a_profile_that_is_not_understood_is_refused(bad: bytes, why: str) -> None:
    packed = zlib.compress(bad)
    with pytest.raises(Refused, match=why):
        seen(png(9, 9, chunk(b"iCCP", b"k\0\0" + packed), colour=2))


def test_no_profile_is_taken_with_cmyk() -> None:
    for given in (SRGB, SRGB[:16] + b"CMYK" + SRGB[20:]):
        with pytest.raises(Refused, match="other colours"):
            seen(encoded(drawing(mode="CMYK"), "JPEG", icc_profile=given))


def test_a_profile_that_the_decoder_could_not_read_is_refused() -> None:
    with pytest.raises(Refused, match="broken"):
        seen(png(9, 9, chunk(b"iCCP", b"k\0\0nonsense"), colour=2))
    half = b"\xff\xe2\0\x20ICC_PROFILE\0\x01\x02".ljust(34, b"x")
    data = encoded(drawing(), "JPEG")
    with pytest.raises(Refused, match="broken"):
        seen(data[:2] + half + data[2:])
