"""AVIF files. Their boxes are left to the decoder: opening reads no pixels, and the size is checked before any is."""

from __future__ import annotations

from classifiers.images.facts import Facts


def read(data: bytes) -> Facts:
    """Nothing but the kind, with the smallest size there is: the decoder knows the rest."""
    return Facts("AVIF", 1, 1, copied=True)
