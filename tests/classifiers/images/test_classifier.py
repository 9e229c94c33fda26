"""The whole classifier, over pictures that were drawn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifiers import catalogue
from classifiers.contract import Answer, Opinion, Picture, Silence, Unanswered
from classifiers.images import hash as command
from classifiers.images.boxes import Detection
from classifiers.images.classifier import ImageClassifier
from classifiers.images.detector import MODEL_SHA256
from classifiers.images.hashes import digest, written
from classifiers.images.limits import MAX_FRAMES
from tests.classifiers.images.drawn import TYPES, drawing, encoded, gradient, question, screenshot

UNSUPPORTED = Unanswered("image", Silence.UNSUPPORTED)


def drawn(picture: Image.Image, kind: str = "PNG") -> Picture:
    return Picture(TYPES[kind], encoded(picture, kind))


def scores(answer: Answer) -> dict[str, float]:
    assert isinstance(answer, Opinion)
    assert not any(score.spans for score in answer.scores)
    return {str(score.category): score.value for score in answer.scores}


@pytest.mark.parametrize(
    "picture",
    [
        gradient(),
        screenshot(),
        screenshot((480, 6000)),
        Image.new("RGB", (300, 300), "white"),
        Image.new("RGB", (300, 300), (224, 172, 105)),
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)),
    ],
)
def test_what_is_only_drawn_scores_near_0(classifier: ImageClassifier, picture: Image.Image) -> None:
    found = scores(classifier.judge(question(drawn(picture))))
    assert list(found) == ["sexual"]
    assert found["sexual"] < 0.1


@pytest.mark.parametrize("size", [(320, 240), (1300, 1000)])
def test_ellipses_are_not_enough_to_be_held(classifier: ImageClassifier, size: tuple[int, int]) -> None:
    for seed in range(12):
        assert scores(classifier.judge(question(drawn(drawing(seed, size)))))["sexual"] < 0.5


def test_a_message_without_media_shows_nothing(classifier: ImageClassifier) -> None:
    assert scores(classifier.judge(question())) == {"sexual": 0.0}


def test_all_media_have_to_be_here_and_pictures(classifier: ImageClassifier) -> None:
    one = drawn(drawing())
    assert scores(classifier.judge(question(one, one)))
    for asked in (
        question(media=("image/png",)),
        question(one, media=("image/png", "image/png")),
        question(one, one, media=("image/png",)),
        question(one, media=("video/mp4",)),
        question(one, media=("image/png", "audio/amr")),
        question(*[one] * 21),
    ):
        assert classifier.judge(asked) == UNSUPPORTED


def test_what_media_are_called_by_a_route_map_does_not_matter(classifier: ImageClassifier) -> None:
    for media in ("image/jpeg", "IMAGE/PNG; a=b", "application/octet-stream"):
        assert scores(classifier.judge(question(drawn(drawing()), media=(media,))))


def test_one_picture_that_cannot_be_judged_is_enough(classifier: ImageClassifier) -> None:
    good, bad = drawn(drawing()), Picture("image/png", b"<svg/>")
    assert classifier.judge(question(good, bad)) == classifier.judge(question(bad, good)) == UNSUPPORTED


def test_a_message_of_many_large_pictures_is_not_judged(classifier: ImageClassifier) -> None:
    large = drawn(Image.new("1", (8000, 5000)))
    assert classifier.judge(question(*[large] * 3)) == UNSUPPORTED
    assert scores(classifier.judge(question(*[large] * 2)))


def test_a_photograph_costs_less_than_its_pixels(seeing: ImageClassifier) -> None:
    photograph = drawn(Image.new("RGB", (4000, 3000)), "JPEG")
    assert scores(seeing.judge(question(*[photograph] * 9)))


def test_a_message_of_too_many_views_is_not_judged(seeing: ImageClassifier) -> None:
    strip = drawn(Image.new("RGB", (100, 1600)))
    assert scores(seeing.judge(question(*[strip] * 2)))
    assert seeing.judge(question(*[strip] * 3)) == UNSUPPORTED


def test_a_picture_of_too_many_views_is_not_judged(classifier: ImageClassifier) -> None:
    frames = [drawing(seed, (100, 1000)) for seed in range(8)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert classifier.judge(question(Picture("image/gif", data))) == UNSUPPORTED


class Seeing:
    """A detector that sees a breast wherever there is a lot of green."""

    def detect(self, picture: Image.Image, box: tuple[int, int, int, int]) -> list[Detection]:
        red, green, blue = np.asarray(picture.crop(box), dtype=float).mean(axis=(0, 1))
        return [Detection("FEMALE_BREAST_EXPOSED", 0.9, *box)] if green > 100 + red + blue else []


@pytest.fixture
def seeing() -> ImageClassifier:
    made = ImageClassifier()
    made._detector = Seeing()  # type: ignore[assignment]
    return made


GREEN, RED = (0, 255, 0), (255, 0, 0)


def test_a_message_is_as_bad_as_its_worst_picture(seeing: ImageClassifier) -> None:
    bad, good = (drawn(Image.new("RGB", (90, 90), colour)) for colour in (GREEN, RED))
    assert scores(seeing.judge(question(good, bad, good))) == {"sexual": 0.8}
    assert scores(seeing.judge(question(good))) == {"sexual": 0.0}


def test_a_detail_of_a_strip_is_seen(seeing: ImageClassifier) -> None:
    strip = Image.new("RGB", (300, 5000), RED)
    strip.paste(GREEN, (0, 3000, 300, 3500))
    assert scores(seeing.judge(question(drawn(strip)))) == {"sexual": 0.8}


@pytest.mark.parametrize("at", range(MAX_FRAMES))
def test_a_bad_frame_is_seen_wherever_it_is(seeing: ImageClassifier, at: int) -> None:
    frames = [Image.new("RGB", (90, 90), (250, row, 0)) for row in range(MAX_FRAMES)]
    frames[at] = Image.new("RGB", (90, 90), GREEN)
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert scores(seeing.judge(question(Picture("image/gif", data)))) == {"sexual": 0.8}


def test_what_transparency_hides_is_seen(seeing: ImageClassifier) -> None:
    hidden = Image.new("RGBA", (90, 90), (*GREEN, 0))
    assert scores(seeing.judge(question(drawn(hidden)))) == {"sexual": 0.8}


def test_a_known_picture_scores_its_category(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.png").write_bytes(encoded(drawing(5), "PNG"))
    command.main(["--category", "terrorism", str(tmp_path / "bad.png")])
    (tmp_path / "known.tsv").write_text(capsys.readouterr().out)
    knowing = ImageClassifier(tmp_path / "known.tsv")
    again = Picture("image/jpeg", encoded(drawing(5).resize((200, 150)), "JPEG", quality=50))
    found = scores(knowing.judge(question(drawn(drawing(6)), again)))
    assert found["terrorism"] == 0.99
    assert list(scores(knowing.judge(question(drawn(drawing(6)))))) == ["sexual"]


def test_a_picture_with_little_in_it_is_never_recognised(tmp_path: Path) -> None:
    plain = gradient()
    (tmp_path / "known.tsv").write_text(f"{written(digest(plain)[0])}\thate\n")
    assert list(scores(ImageClassifier(tmp_path / "known.tsv").judge(question(drawn(plain))))) == ["sexual"]


def test_the_version_names_model_and_list(tmp_path: Path, classifier: ImageClassifier) -> None:
    (tmp_path / "known.tsv").write_text(f"{'0' * 64}\thate\n")
    loaded = catalogue.load(["image"], known_pictures=tmp_path / "known.tsv")["image"]
    assert classifier.version == f"image-2-{MODEL_SHA256[:12]}-none"
    assert loaded.version.startswith(f"image-2-{MODEL_SHA256[:12]}-")
    assert loaded.version != classifier.version


def test_a_bad_list_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "known.tsv").write_text("nonsense\n")
    with pytest.raises(ValueError, match="line 1"):
        catalogue.load(["image"], known_pictures=tmp_path / "known.tsv")


def test_nothing_heavy_is_loaded_for_those_who_do_not_look() -> None:
    code = (
        "import sys; from classifiers import catalogue; catalogue.load(['news']); print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=60)
    assert done.stdout == "False\n"
