"""The detector of body parts: a YOLOv8 network (NudeNet's ``320n``) run by ONNX Runtime on one core."""

from __future__ import annotations

import hashlib
from importlib import util
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from classifiers.images.boxes import Detection, detections
from classifiers.images.views import Box

MODEL_SHA256: Final = "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f"
"""Of the one file whose classes and thresholds are known here: ``320n.onnx`` of the package nudenet 3.4.2."""
SIDE: Final = 320
"""Pixels of the square that the network takes."""
_FATAL_ONLY: Final = 4


class ModelError(ValueError):
    """The model cannot be used; the text says where it was looked for and what to do."""


def model_file() -> Path:
    """Where the package nudenet keeps its model. Its code is not imported: that needs OpenCV. Raises `ModelError`."""
    spec = util.find_spec("nudenet")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("image: the package nudenet is not installed; install it, or do not run `image`")
    return Path(spec.submodule_search_locations[0]) / "320n.onnx"


class Detector:
    """Finds body parts in pictures. Loading takes a fraction of a second and about 60 MiB."""

    def __init__(self, file: Path | None = None) -> None:
        """Raises `ModelError` for a file that is missing or not the one expected."""
        file = file or model_file()
        try:
            model = file.read_bytes()
        except OSError as error:
            raise ModelError(f"image: model {file}: {error.strerror}; install nudenet 3.4.2 again") from error
        digest = hashlib.sha256(model).hexdigest()
        if digest != MODEL_SHA256:
            raise ModelError(f"image: model {file}: SHA-256 {digest}, expected {MODEL_SHA256}; install nudenet 3.4.2")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def detect(self, picture: Image.Image, box: Box) -> list[Detection]:
        """What is seen in this part of an RGB picture, in the picture's pixels."""
        tensor, scale = letterboxed(picture, box)
        output = self._session.run(None, {self._input: tensor})[0]
        return detections(output, box, scale)


def letterboxed(picture: Image.Image, box: Box) -> tuple[npt.NDArray[np.float32], float]:
    """The part in the upper left of a black square, as 1 x RGB x rows x columns in 0..1, and by what it was scaled.

    RGB is what the network was trained with; the package's own Python code swaps red and blue.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    scale = SIDE / max(width, height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    square = Image.new("RGB", (SIDE, SIDE))
    square.paste(picture.resize(size, Image.Resampling.BILINEAR, box=box))
    pixels = np.asarray(square, dtype=np.float32) / np.float32(255)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis]), scale
