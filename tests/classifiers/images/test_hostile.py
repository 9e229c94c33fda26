"""Whatever the bytes are: an opinion or UNSUPPORTED, never an error, and never much memory."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from classifiers.contract import Opinion, Picture, Silence, Unanswered
from classifiers.images.classifier import ImageClassifier
from tests.classifiers.images.drawn import TYPES, chunk, drawing, encoded, gif, png, question

UNSUPPORTED = Unanswered("image", Silence.UNSUPPORTED)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
SMALLER = encoded(drawing(), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
MANY = zlib.compress(bytes(900_000), 9)
BOMB = zlib.compress(bytes(1_200_000), 9)

REFUSED = {
    "no bytes": ("PNG", b""),
    "magic alone": ("PNG", b"\x89PNG\r\n\x1a\n"),
    "a PNG of ten gigapixels": ("PNG", png(100_000, 100_000, rows=BOMB)),
    "a PNG with fewer pixels than it says": ("PNG", png(6000, 6000, rows=BOMB)),
    "a PNG without size": ("PNG", png(0, 0, rows=zlib.compress(b""))),
    "a bomb in zTXt": ("PNG", png(9, 9, chunk(b"zTXt", b"k\0\0" + BOMB))),
    "a bomb in iTXt": ("PNG", png(9, 9, chunk(b"iTXt", b"k\0\x01\0\0\0" + BOMB))),
    "a bomb in iCCP": ("PNG", png(9, 9, chunk(b"iCCP", b"k\0\0" + BOMB))),
    "texts that grow together": ("PNG", png(9, 9, *[chunk(b"zTXt", b"k%d\0\0" % n + MANY) for n in range(4)])),
    "a strip of 65,535": ("PNG", png(65_535, 1)),
    "10,000 frames": ("GIF", gif(9, 9, 10_000)),
    "a frame outside": ("GIF", gif(0, 0, 1)),
    "SVG": ("PNG", SVG),
    "PDF": ("JPEG", b"%PDF-1.7\n" + encoded(drawing(), "JPEG")),
    "HTML": ("GIF", b"<html><img src=x>"),
    "HTML that begins like a GIF": ("GIF", b"GIF89a/*<script>*/=1;</script>"),
    "a GIF that is a PNG": ("GIF", encoded(drawing(), "PNG")),
    "a BMP of nothing": ("BMP", b"BM" + struct.pack("<IIIIiiHHII", 0, 0, 54, 40, 5000, 5000, 1, 24, 0, 0)),
    "a BMP of less than nothing": ("BMP", b"BM" + struct.pack("<IIIIiiHHII", 0, 0, 54, 40, -1, -1, 1, 24, 0, 0)),
    "an AVIF": ("PNG", encoded(drawing(), "AVIF")),
    "a WebP that claims to be smaller": ("WEBP", SMALLER[:24] + b"\x09\0\0\x09\0\0" + SMALLER[30:]),
    "a large WebP": ("WEBP", b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\xff\xff" * 2 + bytes(8)),
    "a huge profile": ("JPEG", encoded(drawing(), "JPEG", icc_profile=bytes(3_000_000))),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_it_is_not_judged(classifier: ImageClassifier, name: str) -> None:
    kind, data = REFUSED[name]
    assert classifier.judge(question(Picture(TYPES[kind], data))) == UNSUPPORTED


FRAMES = [drawing(seed, (80, 60)) for seed in range(4)]
JUDGED = {
    "one pixel": ("PNG", png(1, 1)),
    "a line": ("PNG", png(16_384, 1)),
    "a column": ("PNG", png(1, 16_384)),
    "a picture with a page behind it": ("PNG", encoded(drawing(), "PNG") + b"<html><script>1</script>"),
    "a comment that is a page": ("JPEG", encoded(drawing(), "JPEG", comment=b"*/=1;/*" + SVG)),
    "CMYK": ("JPEG", encoded(drawing(mode="CMYK"), "JPEG")),
    "16 bits": ("PNG", encoded(Image.new("I;16", (50, 50), 40_000), "PNG")),
    "a WebP that moves": ("WEBP", encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:])),
    "a GIF that never ends": ("GIF", encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:], loop=0)),
    "36 megapixels of 0": ("PNG", png(6000, 6000)),
}


@pytest.mark.parametrize("name", list(JUDGED))
def test_it_is_judged(classifier: ImageClassifier, name: str) -> None:
    kind, data = JUDGED[name]
    answer = classifier.judge(question(Picture(TYPES[kind], data)))
    assert isinstance(answer, Opinion)
    assert answer.scores[0].value < 0.5


def test_a_cut_off_jpeg_is_not_judged(classifier: ImageClassifier) -> None:
    for how in (False, True):
        data = encoded(drawing(), "JPEG", progressive=how)
        for end in range(0, len(data), 64):
            assert classifier.judge(question(Picture("image/jpeg", data[:end]))) == UNSUPPORTED


STARTS = [b"", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF\x40\0\0\0WEBP", png(5, 5)[:33]]


def _answers(classifier: ImageClassifier, data: bytes) -> None:
    answer = classifier.judge(question(Picture("application/octet-stream", data)))
    assert isinstance(answer, Opinion) or answer == UNSUPPORTED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(STARTS), st.binary(max_size=400))
def test_any_bytes_are_answered(classifier: ImageClassifier, start: bytes, rest: bytes) -> None:
    _answers(classifier, start + rest)


SMALL = drawing(size=(40, 30))
FILES = [
    *[encoded(SMALL, kind) for kind in TYPES],
    encoded(SMALL, "JPEG", progressive=True),
    encoded(SMALL.quantize(8), "PNG", transparency=2),
    *[encoded(SMALL, kind, save_all=True, append_images=[SMALL.rotate(9)]) for kind in ("GIF", "PNG", "WEBP")],
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_files_are_answered(classifier: ImageClassifier, file: bytes, damage: list[tuple[int, int]]) -> None:
    data = bytearray(file)
    for at, value in damage:
        data[at % len(data)] = value
    _answers(classifier, bytes(data))


CHILD = """
import re, sys
from pathlib import Path
from classifiers.contract import Opinion, Picture, Question
from classifiers.images.classifier import ImageClassifier
classifier = ImageClassifier()
for name in sys.argv[1:]:
    picture = Picture("application/octet-stream", Path(name).read_bytes())
    asked = Question("", "", "", ("image",), (), ("image/png",), 0, pictures=(picture,))
    assert isinstance(classifier.judge(asked), Opinion), name
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_the_largest_pictures_fit_in_640_mebibytes(tmp_path: Path) -> None:
    pictures = {
        "a.png": png(6300, 6300, colour=6),
        "strip.png": png(1279, 16_384, colour=6),
        "b.webp": encoded(Image.new("RGBA", (4890, 4890), (9, 9, 9, 9)), "WEBP", lossless=True, method=0, quality=0),
        "c.jpeg": encoded(Image.new("RGB", (4890, 4890)), "JPEG", progressive=True, subsampling=0),
    }
    names = [str(tmp_path / name) for name in pictures]
    for name, data in zip(names, pictures.values(), strict=True):
        Path(name).write_bytes(data)
    done = subprocess.run([sys.executable, "-c", CHILD, *names], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 640
