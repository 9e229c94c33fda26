"""What bytes claim to be, before anything is decoded."""

from __future__ import annotations

import struct

import pytest

from classifiers.images import header
from classifiers.images.facts import Facts
from classifiers.images.limits import MAX_BYTES, Refused
from tests.classifiers.images.drawn import TYPES, chunk, drawing, encoded, gif, png

SIZE = (33, 21)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_kind_and_size_are_read(kind: str) -> None:
    facts = header.read(TYPES[kind], encoded(drawing(size=SIZE), kind))
    assert facts[:4] == (kind, *SIZE, 1)


def test_every_kind_of_webp_is_read() -> None:
    picture = drawing(size=SIZE)
    for how in ({"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}):
        assert header.read("image/webp", encoded(picture, "WEBP", **how))[1:3] == SIZE


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_frames_are_counted(kind: str) -> None:
    more = [drawing(seed, SIZE) for seed in range(4)]
    assert header.read(TYPES[kind], encoded(drawing(9, SIZE), kind, save_all=True, append_images=more)).frames == 5


def test_scans_are_counted() -> None:
    plain, progressive = (encoded(drawing(), "JPEG", progressive=how) for how in (False, True))
    assert header.read("image/jpeg", plain)[4:] == (1, False)
    assert header.read("image/jpeg", progressive)[4:] == (10, True)


def test_what_follows_the_end_does_not_count() -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        data = encoded(drawing(), kind)
        assert header.read(TYPES[kind], data + data) == header.read(TYPES[kind], data)


@pytest.mark.parametrize("kind", list(TYPES))
def test_the_declared_type_has_to_agree(kind: str) -> None:
    data = encoded(drawing(), kind)
    assert header.read(f"{TYPES[kind].upper()}; q=1", data).kind == kind
    assert header.read("application/octet-stream", data).kind == kind
    for other in {*TYPES.values(), "image/svg+xml", "text/html", ""} - {TYPES[kind]}:
        with pytest.raises(Refused, match="content type"):
            header.read(other, data)


@pytest.mark.parametrize(
    "facts",
    [
        Facts("PNG", 0, 5),
        Facts("PNG", 5, -1),
        Facts("PNG", 16_385, 1),
        Facts("PNG", 8000, 5001),
        Facts("WEBP", 6000, 4001, copied=True),
        Facts("GIF", 1, 1, 17),
        Facts("GIF", 4000, 2501, 2),
        Facts("GIF", 1176, 1000, 17),
        Facts("GIF", 1251, 1000, 16),
        Facts("JPEG", 4000, 5000, scans=13, copied=True),
    ],
)
def test_too_large_is_refused(facts: Facts) -> None:
    with pytest.raises(Refused):
        header.check(facts)


@pytest.mark.parametrize(
    "facts",
    [
        Facts("PNG", 8000, 5000),
        Facts("PNG", 16_384, 1),
        Facts("WEBP", 6000, 4000, copied=True),
        Facts("GIF", 1250, 1000, 16),
        Facts("JPEG", 6000, 4000, scans=10, copied=True),
    ],
)
def test_as_large_as_may_be_is_taken(facts: Facts) -> None:
    header.check(facts)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(Refused, match="bytes"):
        header.read("image/bmp", b"BM" + bytes(MAX_BYTES))


SRGB = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
WIDE = (31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)
ACTL = chunk(b"acTL", struct.pack(">II", 2, 0))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (png(1, 1)[:-1], "ends too early"),
        (png(1, 1)[:-12], "ends too early"),
        (png(99, 99, rows=bytes(99))[:60], "after the file"),
        (png(1, 1).replace(b"IHDR", b"IHDX"), "does not begin"),
        (png(1, 1, chunk(b"IHDR", bytes(13))), "second IHDR"),
        (png(1, 1, b"\0\0\0\x04tEXtkey\0wron"), "damaged"),
        (png(1, 1, ACTL), "frames as announced"),
        (png(1, 1, ACTL, ACTL), "misplaced"),
        (png(1, 1, chunk(b"gAMA", struct.pack(">I", 1000))), "gamma"),
        (png(1, 1, chunk(b"cICP", b"\x09\x10\0\x01")), "cICP"),
        (png(1, 1, chunk(b"cHRM", struct.pack(">8I", *WIDE))), "primaries"),
        (png(1, 1, chunk(b"cHRM", b"")), "primaries"),
        (png(1, 1, *[chunk(b"iCCP", b"k\0\0")] * 2), "misplaced iCCP"),
        (png(1, 1)[:-12] + chunk(b"iCCP", b"k\0\0") + chunk(b"IEND"), "misplaced iCCP"),
        (png(1, 1, *[chunk(b"zTXt", b"k\0\0")] * 17), "packed texts"),
        (png(1, 1, *[chunk(b"tEXt", b"k\0v")] * 5000), "chunks"),
        (png(1, 1, chunk(b"tEXt", bytes(2_100_000))), "not pixels"),
        (png(1, 1)[:33] + chunk(b"IEND"), "no pixels"),
    ],
)
def test_a_broken_png_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        header.read("image/png", data)


def test_primaries_are_no_reason_if_they_are_srgbs_or_overruled_by_a_profile() -> None:
    profile = chunk(b"iCCP", b"k\0\0")
    for primaries in (SRGB, [each - 9 for each in SRGB]):
        assert header.read("image/png", png(1, 1, chunk(b"cHRM", struct.pack(">8I", *primaries)))).kind == "PNG"
    assert header.read("image/png", png(1, 1, chunk(b"cHRM", struct.pack(">8I", *WIDE)), profile)).kind == "PNG"


def test_a_usual_gamma_is_no_reason() -> None:
    assert header.read("image/png", png(1, 1, chunk(b"gAMA", struct.pack(">I", 45_455)))).kind == "PNG"


JPEG = encoded(drawing(), "JPEG")
SEGMENT = b"\xff\xe1\xff\xff" + bytes(65_533)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (JPEG[:-2], "ends too early"),
        (JPEG[:2] + b"\xff\xff\xff", "ends too early"),
        (JPEG[:2] + b"junk" + JPEG[2:], "no kind"),
        (JPEG[:20] + b"junk" + JPEG[20:], "no marker"),
        (JPEG[:2] + b"\xff\xe1\0\x01" + JPEG[2:], "after the file"),
        (JPEG[:2] + b"\xff\xe1\xff\xff", "after the file"),
        (JPEG[:2] + b"\xff\xd9", "no pixels"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xc3"), "viewers do not show"),
        (JPEG[:2] + SEGMENT * 33 + JPEG[2:], "not pixels"),
        (JPEG[:2] + b"\xff\xe1\0\x02" * 5000 + JPEG[2:], "segments"),
    ],
)
def test_a_broken_jpeg_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        header.read("image/jpeg", data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gif(1, 1, 1)[:-1], "ends too early"),
        (gif(0, 1, 1), "leaves the canvas"),
        (gif(1, 1, 0), "nothing to see"),
        (gif(1, 1, 17), "frames"),
        (gif(1, 1, 1)[:-1] + b"?", "unknown block"),
        (gif(1, 1, 1)[:-1] + b"!\xfe\0" * 5000 + b";", "extensions"),
        (gif(1, 1, 1)[:-1] + b"!\xfe" + b"\x01-" * 300_000 + b"\0;", "blocks"),
        (gif(1, 1, 1)[:-1] + b"!\xfe" + (b"\xff" + bytes(255)) * 9000 + b"\0;", "not pixels"),
    ],
)
def test_a_broken_gif_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        header.read("image/gif", data)


WEBP = encoded(drawing(), "WEBP")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (WEBP[:-1], "ends too early"),
        (WEBP[:11], "no kind"),
        (WEBP[:12] + b"WHAT" + WEBP[16:], "unknown kind"),
        (WEBP[:16] + b"\xff\xff" + WEBP[18:], "after the file"),
        (b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x04\0\x01\x04\0\0", "side: 65541"),
    ],
)
def test_a_broken_webp_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        header.read("image/webp", data)


def test_a_broken_bmp_is_refused() -> None:
    with pytest.raises(Refused, match="ends too early"):
        header.read("image/bmp", b"BM" + bytes(20))


@pytest.mark.parametrize("space", [b"BGRs", b" niW", b"\0\0\0\0", b"DEBM"])
def test_a_bmp_is_read_if_its_colours_are_srgbs(space: bytes) -> None:
    data = b"BM" + bytes(12) + struct.pack("<Iii", 124, 3, 2) + bytes(44) + space + bytes(64)
    if space in (b"BGRs", b" niW"):
        assert header.read("image/bmp", data)[:3] == ("BMP", 3, 2)
    else:
        with pytest.raises(Refused, match="colours of its own"):
            header.read("image/bmp", data)
