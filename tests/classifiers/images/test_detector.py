"""The detector: what goes into the network, what is made of what comes out, and that the file is the right one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from classifiers.images.boxes import LABELS, THRESHOLD, Detection, detections
from classifiers.images.detector import SIDE, Detector, ModelError, letterboxed, model_file
from classifiers.images.nudity import PARTS, sexual
from tests.classifiers.images.drawn import drawing

ANCHORS = 2100


def output(*found: tuple[str, float, float, float, float, float]) -> npt.NDArray[np.float32]:
    """What the network says when it sees these: label, confidence, centre, width and height in its pixels."""
    table = np.zeros((1, 4 + len(LABELS), ANCHORS), dtype=np.float32)
    for anchor, (label, confidence, *place) in enumerate(found):
        table[0, :4, anchor] = place
        table[0, 4 + LABELS.index(label), anchor] = confidence
    return table


def test_the_letterbox_is_rgb_between_0_and_1() -> None:
    tensor, scale = letterboxed(Image.new("RGB", (640, 320), (255, 0, 51)), (0, 0, 640, 320))
    assert tensor.shape == (1, 3, SIDE, SIDE)
    assert tensor.dtype == np.float32
    assert scale == 0.5
    assert tensor[0, :, 159, 319].tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert tensor[0, :, 160:, :].max() == 0


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_the_letterbox_keeps_the_shape(width: int, height: int) -> None:
    tensor, scale = letterboxed(Image.new("RGB", (width, height), "white"), (0, 0, width, height))
    lit = tensor[0, 0] > 0.5
    assert (lit.any(axis=1).sum(), lit.any(axis=0).sum()) == (
        max(round(height * scale), 1),
        max(round(width * scale), 1),
    )


def test_the_letterbox_takes_the_part_alone() -> None:
    picture = Image.new("RGB", (400, 400))
    picture.paste("white", (100, 200, 300, 400))
    tensor, _ = letterboxed(picture, (100, 200, 300, 400))
    assert tensor[..., 1:-1, 1:-1].min() == 1.0  # scaling mixes neighbours at the very edge


@given(
    st.integers(50, 5000), st.integers(50, 5000), st.integers(0, 900), st.integers(0, 900), st.data()
)  # fmt: skip
def test_places_come_back_in_the_pictures_pixels(width: int, height: int, x: int, y: int, data: st.DataObject) -> None:
    box = (x, y, x + width, y + height)
    scale = SIDE / max(width, height)
    left, right = sorted([data.draw(st.floats(0, width)) for _ in range(2)])
    top, bottom = sorted([data.draw(st.floats(0, height)) for _ in range(2)])
    place = np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]) * scale
    (found,) = detections(output(("FACE_MALE", 0.9, *place.tolist())), box, scale)
    assert found[2:] == pytest.approx((x + left, y + top, x + right, y + bottom), abs=0.02)


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.floats(0, 1), *[st.floats(-400, 800)] * 4), max_size=30))
def test_any_output_gives_places_inside(found: list[tuple[str, float, float, float, float, float]]) -> None:
    seen = detections(output(*found), (10, 20, 330, 340), 1.0)
    assert [item.confidence for item in seen] == sorted([item.confidence for item in seen], reverse=True)
    for item in seen:
        assert item.confidence >= THRESHOLD
        assert 10 <= item.left <= 330
        assert 10 <= item.right <= 330
        assert 20 <= item.top <= 340
        assert 20 <= item.bottom <= 340


def test_one_thing_is_found_once() -> None:
    seen = detections(
        output(
            ("FEMALE_BREAST_EXPOSED", 0.6, 100, 100, 50, 50),
            ("FEMALE_BREAST_EXPOSED", 0.8, 103, 100, 50, 50),
            ("FEMALE_BREAST_COVERED", 0.5, 100, 98, 50, 50),
            ("FEMALE_BREAST_EXPOSED", 0.7, 180, 100, 50, 50),
            ("FACE_FEMALE", 0.19, 20, 20, 20, 20),
        ),
        (0, 0, 320, 320),
        1.0,
    )
    assert [(item.label, round(item.confidence, 2), item.left) for item in seen] == [
        ("FEMALE_BREAST_EXPOSED", 0.8, 78),
        ("FEMALE_BREAST_EXPOSED", 0.7, 155),
    ]


def test_what_overlaps_little_is_found_twice() -> None:
    two = output(("BUTTOCKS_EXPOSED", 0.6, 100, 100, 60, 60), ("ANUS_EXPOSED", 0.5, 100, 100, 30, 30))
    assert len(detections(two, (0, 0, 320, 320), 1.0)) == 2


def test_the_network_runs_and_knows_our_classes() -> None:
    detector = Detector()
    assert detector._session.get_modelmeta().custom_metadata_map["names"] == str(dict(enumerate(LABELS)))
    assert detector._session.get_session_options().intra_op_num_threads == 1
    tensor, _ = letterboxed(drawing(), (0, 0, 320, 240))
    (said,) = detector._session.run(None, {detector._input: tensor})
    assert said.shape == (1, 4 + len(LABELS), ANCHORS)


def test_another_or_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"320n\.onnx: No such file"):
        Detector(tmp_path / "320n.onnx")
    model = bytearray(model_file().read_bytes())
    model[1000] ^= 1
    (tmp_path / "320n.onnx").write_bytes(model)
    with pytest.raises(ModelError, match=r"SHA-256 .* expected"):
        Detector(tmp_path / "320n.onnx")


def part(label: str, confidence: float) -> Detection:
    return Detection(label, confidence, 0, 0, 1, 1)


@pytest.mark.parametrize(
    ("seen", "low", "high"),
    [
        ([], 0.0, 0.0),
        ([part(label, 1.0) for label in LABELS if label not in PARTS], 0.0, 0.0),
        ([part("FEMALE_GENITALIA_EXPOSED", 0.25)], 0.05, 0.3),
        ([part("MALE_GENITALIA_EXPOSED", 0.4)], 0.5, 0.9),
        ([part("ANUS_EXPOSED", 0.9)] * 3, 0.9, 0.9),
        ([part("FEMALE_BREAST_EXPOSED", 0.6)] * 2, 0.8, 0.8),
        ([part("BUTTOCKS_EXPOSED", 0.6)], 0.4, 0.49),
        ([part("BUTTOCKS_EXPOSED", 0.7)], 0.6, 0.6),
        ([part("BUTTOCKS_EXPOSED", 0.8), part("FEMALE_BREAST_EXPOSED", 0.6)], 0.9, 0.94),
        ([part("FEMALE_GENITALIA_EXPOSED", 0.6), part("FEMALE_BREAST_EXPOSED", 0.6)], 0.95, 0.97),
        ([part(label, 1.0) for label in LABELS], 0.97, 0.97),
    ],
)
def test_what_is_seen_says_how_sexual_it_is(seen: list[Detection], low: float, high: float) -> None:
    assert low <= sexual(seen) <= high


@given(st.lists(st.builds(part, st.sampled_from(LABELS), st.floats(0, 1)), max_size=8), st.sampled_from(LABELS))
def test_seeing_more_never_lowers_it(seen: list[Detection], label: str) -> None:
    assert sexual([*seen, part(label, 0.7)]) >= sexual(seen)
