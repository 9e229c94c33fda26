"""Known pictures: recognised when they come back changed, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from classifiers.contract import CATEGORIES
from classifiers.images import hash as command
from classifiers.images.hashes import MAX_DISTANCE, MIN_QUALITY, Hashes, digest, parse, words, written
from classifiers.images.known import Known, ListError, load
from tests.classifiers.images.drawn import drawing, encoded

KINDS = sorted(CATEGORIES)
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": lambda picture: Image.open(BytesIO(encoded(picture, "JPEG", quality=30))).convert("RGB"),
    "smaller": lambda picture: picture.resize((picture.width // 3, picture.height // 3)),
    "larger": lambda picture: picture.resize((1500, 1100)),
    "flipped": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda picture: picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.TRANSVERSE),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
}


def known(*pictures: Image.Image) -> Known:
    return Known(np.concatenate([digest(picture)[0][:1] for picture in pictures]), ["sexual"] * len(pictures))


@pytest.mark.parametrize("change", list(CHANGES))
@pytest.mark.parametrize("seed", range(4))
def test_a_changed_picture_is_recognised(change: str, seed: int) -> None:
    picture = drawing(seed, (600, 440))
    assert known(picture).search(digest(CHANGES[change](picture))[0]) == {"sexual"}


def test_other_pictures_are_not() -> None:
    kept = known(*[drawing(seed) for seed in range(40)])
    assert [seed for seed in range(40, 140) if kept.search(digest(drawing(seed))[0])] == []


def test_a_picture_with_little_in_it_has_little_quality() -> None:
    for picture in (Image.new("RGB", (200, 200), "red"), Image.new("RGB", (1, 1)), drawing(size=(4000, 20))):
        assert digest(picture)[1] < MIN_QUALITY
    assert digest(drawing())[1] >= MIN_QUALITY


def bits(number: int) -> Hashes:
    return parse(f"{number:064x}")


@given(
    st.lists(st.integers(0, 2**256 - 1), min_size=1, max_size=30),
    st.sets(st.integers(0, 255), max_size=2 * MAX_DISTANCE),
    st.data(),
)
def test_the_index_finds_what_a_plain_search_finds(rows: list[int], flips: set[int], data: st.DataObject) -> None:
    categories = [KINDS[row % len(KINDS)] for row in rows]
    wanted = data.draw(st.sampled_from(rows)) ^ sum([1 << bit for bit in flips])
    near = {KINDS[row % len(KINDS)] for row in rows if (row ^ wanted).bit_count() <= MAX_DISTANCE}
    kept = Known(np.concatenate([bits(row) for row in rows]), categories)
    assert kept.search(bits(wanted)) == near


def test_the_distance_is_31_bits() -> None:
    kept = Known(bits(0), ["hate"])
    for word in range(0, 256, 32):
        assert kept.search(bits((2**31 - 1) << word)) == {"hate"}
        assert kept.search(bits((2**32 - 1) << word)) == set()


def test_nothing_is_known_to_an_empty_list() -> None:
    assert load(None).search(bits(0)) == set()
    assert load(None).version == "none"


def test_hashes_are_written_as_they_are_read() -> None:
    text = "0123456789abcdef" * 4
    assert written(parse(text)) == text
    assert written(words(np.arange(32, dtype=np.uint8).reshape(1, 32))).startswith("00010203")


def test_a_list_is_read(tmp_path: Path) -> None:
    file = tmp_path / "known.tsv"
    file.write_text(f"# ours\n\n{'0' * 64}\thate\tnote 1\r\n{'f' * 64}\tviolence\n")
    first = load(file)
    assert len(first) == 2
    assert first.search(bits(2**256 - 2)) == {"violence"}
    file.write_text(f"{'0' * 64}\thate\n")
    assert load(file).version != first.version


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0" * 64, "line 2: expected hash, category"),
        (f"{'0' * 64}\thate\tnote\tmore", "line 2: expected hash, category"),
        (f"{'0' * 63}\thate", "line 2: hash: expected 64"),
        (f"{'0' * 63}g\thate", "line 2: hash: expected 64"),
        (f"{'0 ' * 32}\thate", "line 2: hash: expected 64"),
        (f"{'0' * 64}\tugly", "line 2: category: expected one of fraud, gambling"),
        (f"{'0' * 64}\tnews", "line 2: category: expected one of fraud, gambling"),
        (f"{'0' * 64} hate", "line 2: expected hash, category"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    file = tmp_path / "known.tsv"
    file.write_text(f"{'0' * 64}\thate\n{line}\n")
    with pytest.raises(ListError, match=why):
        load(file)


@pytest.mark.parametrize("content", ["", "\n", "# ours\n\n"])
def test_a_list_without_pictures_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "known.tsv").write_text(content)
    with pytest.raises(
        ListError, match=r"known\.tsv: no pictures in it; add lines, or unset CLASSIFIERS_KNOWN_PICTURES"
    ):
        load(tmp_path / "known.tsv")


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"gone\.tsv: No such file.*CLASSIFIERS_KNOWN_PICTURES.*GATEWAY_KNOWN_PICTURES"):
        load(tmp_path / "gone.tsv")
    (tmp_path / "known.tsv").write_bytes(b"ab\xff")
    with pytest.raises(ListError, match="not UTF-8 at byte 2"):
        load(tmp_path / "known.tsv")


def test_the_command_writes_lines_that_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, plain, page = tmp_path / "a\tb.png", tmp_path / "plain.png", tmp_path / "page.html"
    good.write_bytes(encoded(drawing(), "PNG"))
    plain.write_bytes(encoded(Image.new("RGB", (64, 64)), "PNG"))
    page.write_text("<html>")
    assert command.main([str(good)]) == 0
    assert command.main(["--category", "violence", str(good), str(plain), str(page), str(tmp_path / "gone")]) == 1
    said = capsys.readouterr()
    assert [line.split("\t")[1:] for line in said.out.splitlines()] == [["sexual", "a b.png"], ["violence", "a b.png"]]
    assert [line.split(": ")[0][-9:] for line in said.err.splitlines()] == [
        "plain.png",
        "page.html",
        f"{tmp_path}/gone"[-9:],
    ]
    (tmp_path / "known.tsv").write_text(said.out)
    assert load(tmp_path / "known.tsv").search(digest(drawing())[0]) == {"sexual", "violence"}


def test_the_command_writes_no_line_that_is_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--category", "news", "a.png"])
    assert "invalid choice: 'news'" in capsys.readouterr().err
