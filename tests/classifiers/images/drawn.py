"""Pictures drawn for the tests, and files made of them by hand where no encoder would make them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from classifiers.contract import Picture, Question

TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
}


def drawing(seed: int = 1, size: tuple[int, int] = (320, 240), mode: str = "RGB") -> Image.Image:
    """Rectangles, ellipses and lines of all colours, other ones for every seed."""
    dice = np.random.default_rng(seed)
    picture = Image.new("RGB", size, tuple(dice.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for number in range(24):
        x, y = sorted(dice.integers(0, size[0], 2).tolist()), sorted(dice.integers(0, size[1], 2).tolist())
        colour = tuple(dice.integers(0, 256, 3).tolist())
        [pen.rectangle, pen.ellipse][number % 2]((x[0], y[0], x[1], y[1]), fill=colour)
        pen.line((x[0], y[1], x[1], y[0]), fill=colour, width=3)
    return picture if mode == "RGB" else picture.convert(mode)


def gradient(size: tuple[int, int] = (400, 300)) -> Image.Image:
    """Grey from black above to white below."""
    return Image.linear_gradient("L").resize(size).convert("RGB")


def screenshot(size: tuple[int, int] = (480, 800)) -> Image.Image:
    """Lines of text on white."""
    picture = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(18)
    for row, top in enumerate(range(10, size[1] - 20, 26)):
        pen.text((12, top), f"{row}: the meeting is moved to Thursday at ten", fill="black", font=font)
    return picture


def encoded(picture: Image.Image, kind: str, **how: Any) -> bytes:
    """The picture's file."""
    file = BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def question(*pictures: Picture, media: tuple[str, ...] | None = None) -> Question:
    """What the gateway asks about a message with these pictures."""
    types = tuple([picture.content_type for picture in pictures]) if media is None else media
    return Question("e-1", "m-1", "t-1", ("image",), (), types, 0, pictures=pictures)


def chunk(name: bytes, body: bytes = b"") -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *middle: bytes, rows: bytes | None = None, colour: int = 0) -> bytes:
    """A PNG file with these chunks before its pixels: all 0 unless ``rows``, already packed, are given."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    if rows is None:
        rows = zlib.compress(bytes((1 + channels * width) * height), 1)
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", header), *middle, chunk(b"IDAT", rows), chunk(b"IEND")])


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF file of frames of one pixel."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b";"
