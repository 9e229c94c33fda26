"""What is known of a picture before it is decoded."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["PNG", "JPEG", "GIF", "WEBP", "BMP"]
"""Kinds of pictures, by Pillow's names."""


class Facts(NamedTuple):
    """The kind, the size in pixels, the number of frames, how often a decoder goes over all pixels (``scans``, of a
    progressive JPEG), and whether it keeps more than one copy of them (``copied``)."""

    kind: Kind
    width: int
    height: int
    frames: int = 1
    scans: int = 1
    copied: bool = False

    @property
    def painted(self) -> int:
        """Pixels that decoding goes over."""
        return self.width * self.height * max(self.frames, self.scans)

    @property
    def cost(self) -> int:
        """`painted` in pixels of a transparent PNG, the dearest: a JPEG's scan costs a fifth of them, and its decoder
        as much again."""
        if self.kind == "JPEG":
            return self.width * self.height * (1 + self.scans) // 5
        return self.painted
