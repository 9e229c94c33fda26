"""What is seen of a picture: upright, in its colours, on every ground, the right frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from classifiers.images import exif, header
from classifiers.images.decode import SHORT, looks
from classifiers.images.limits import MAX_FRAMES, Refused
from tests.classifiers.images.drawn import TYPES, drawing, encoded, png


def seen(data: bytes) -> list[Image.Image]:
    return [look for look, _ in looks(header.read("application/octet-stream", data), data)]


def far(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures of one size, 0 to 255."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


@pytest.mark.parametrize("kind", list(TYPES))
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_all_kinds_and_colours_look_as_they_were_drawn(kind: str, mode: str) -> None:
    if (kind, mode) in {("JPEG", "P"), ("WEBP", "1"), ("WEBP", "P")}:
        mode = "RGB"  # no such files
    drawn = drawing(mode=mode)
    (look,) = seen(encoded(drawn, kind))
    assert look.mode == "RGB"
    assert far(look, drawn.convert("RGB")) < 12


def test_cmyk_looks_as_it_was_drawn() -> None:
    drawn = drawing(mode="CMYK")
    (look,) = seen(encoded(drawn, "JPEG", quality=95))
    assert far(look, drawn.convert("RGB")) < 12


def test_16_bits_are_scaled_not_cut_off() -> None:
    ramp = np.arange(256, dtype=np.uint16) * 256 + 7
    (look,) = seen(encoded(Image.fromarray(np.tile(ramp, (64, 1))), "PNG"))
    assert np.asarray(look)[0, :, 0].tolist() == list(range(256))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_are_turned_upright(kind: str, orientation: int) -> None:
    drawn = drawing()
    tags = Image.Exif()
    tags[0x0112] = orientation
    (look,) = seen(encoded(drawn, kind, exif=tags))
    drawn.getexif()[0x0112] = orientation
    assert far(look, ImageOps.exif_transpose(drawn)) < 12


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03"])
)
def test_any_exif_data_has_an_orientation(rest: bytes, start: bytes) -> None:
    assert 1 <= exif.orientation(start + rest) <= 8


def test_a_transparent_picture_is_seen_on_every_ground() -> None:
    drawn = drawing()
    drawn.putalpha(0)
    looked = seen(encoded(drawn, "PNG"))
    assert [look.getpixel((0, 0)) for look in looked[:2]] == [(255, 255, 255), (0, 0, 0)]
    assert far(looked[2], drawn.convert("RGB")) == 0


def test_an_opaque_picture_is_seen_once() -> None:
    drawn = drawing()
    drawn.putalpha(255)
    assert len(seen(encoded(drawn, "PNG"))) == 1


@pytest.mark.parametrize("transparency", [3, bytes([0, 90, 255])])
def test_transparent_colours_of_a_palette_are_seen_on_every_ground(transparency: int | bytes) -> None:
    drawn = drawing().quantize(16)
    assert len(seen(encoded(drawn, "PNG", transparency=transparency))) == 3


def test_a_large_picture_is_scaled_without_losing_its_look() -> None:
    drawn = drawing(size=(3001, 2003))
    for kind in ("PNG", "JPEG"):
        (look,) = seen(encoded(drawn, kind))
        assert SHORT <= min(look.size) < 2 * SHORT
        assert far(look, drawn.resize(look.size, Image.Resampling.BOX)) < 6
    assert far(seen(encoded(drawn, "PNG"))[0], drawn.reduce(3)) == 0


def test_a_large_transparent_picture_is_scaled_on_its_ground() -> None:
    drawn = Image.new("RGBA", (1400, 1400), (255, 0, 0, 0))
    drawn.paste((0, 255, 0, 255), (0, 0, 1400, 700))
    white = seen(encoded(drawn, "PNG"))[0]
    assert white.size == (700, 700)
    assert [white.getpixel((5, y)) for y in (0, 349, 350, 699)] == [(0, 255, 0)] * 2 + [(255, 255, 255)] * 2


@pytest.mark.parametrize(("kind", "how"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_every_frame_is_seen_as_it_was_drawn(kind: str, how: dict[str, Any]) -> None:
    frames = [drawing(seed, (120, 90)) for seed in range(MAX_FRAMES)]
    looked = seen(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **how))
    for frame, look in zip(frames, looked, strict=True):
        assert far(look, frame) < 12


def test_a_frame_that_was_seen_is_not_seen_again() -> None:
    one, other = drawing(1, (120, 90)).quantize(), drawing(2, (120, 90)).quantize()
    data = encoded(one, "GIF", save_all=True, append_images=[other, one, other, one])
    assert len(seen(data)) == 2


def test_the_picture_beside_an_animation_is_seen_as_well() -> None:
    still, *frames = [drawing(seed, (120, 90)) for seed in range(3)]
    data = encoded(still, "PNG", save_all=True, append_images=frames, default_image=True)
    assert [far(look, drawn) for look, drawn in zip(seen(data), [still, *frames], strict=True)] == [0, 0, 0]


def test_a_profile_is_no_reason_unless_it_is_huge() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert len(seen(encoded(drawing(), "PNG", icc_profile=profile))) == 1
    with pytest.raises(Refused):
        seen(encoded(drawing(), "JPEG", icc_profile=bytes(3_000_000)))


def test_a_decoder_that_gives_up_is_no_error() -> None:
    with pytest.raises(Refused, match="decoder: OSError"):
        seen(png(500, 500, rows=b"\x78\x9c\x00"))
