"""One loaded classifier for all tests: it keeps nothing between questions."""

from __future__ import annotations

import pytest

from classifiers.images.classifier import ImageClassifier


@pytest.fixture(scope="session")
def classifier() -> ImageClassifier:
    return ImageClassifier()
