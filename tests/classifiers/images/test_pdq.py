"""PDQ against hashes that the original (through its Python binding, 0.2.8) gave for the same drawings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from classifiers.images import pdq

ORIGINAL = {
    (512, 512): (
        "4730f2e3151c7f0e070cfde7d05e9ddea41c61f3c4704e7c3f013b813f31c41c",
        "47b1adce55ce88f1171e424cf87e42b14546b98fc4727d0c3b91c4ee5740bbb1",
        "526558494259d7a65259774d850b7774f149cb599125eed66e54912b6a646eb6",
        "12f48fe4059b225b42dbe8eefd7be81b951313259127ffa66ec46ec41215111b",
        "47b00f1c171c82f3471c629cd85e62f1ec1cde0cc670bb833f01c47e3fb13be3",
        "5265a7b642592a5b5259e8b68d0be8dbf14d76a693259b296e546ed46ae49149",
        "47a1d67154ce770e151ebdbbd81ebd4e45444770c472a3f33b913f915740444e",
        "12f4fddb059bdda4405b1719bd5b17e41011edda912729596ec4953b1215eee4",
    ),
    (400, 300): (
        "0730f2e3071c7d0e450c9fe7d07c9ddebc1c61f3c6704c7c3f013b813fb1c41c",
        "47b1a5ce51cea8f1159e4a5ce43e42b16546b88fc6727d0c3b91c46e5744bbb1",
        "526558495259d7a4145937cd85293774e949cb599325eed66e54912b6ae46eb6",
        "16f40ff4059b0adb40dbe8feb57be81bb41312259327ffae6ec46ec40215111b",
        "07b00d1c079c82f1551ce29cd07e6231fc1cde0cc670ff833f11c47e3fb13be3",
        "5265a7b652d9285b1459cab6852be89bf94974a693259f296e546ed66ae49149",
        "47a15a7150ce578e159ebdbbe42ebd4e45464770c672a3f33b913f915540444e",
        "12f4f0db059bfd2440db1f19b57b17e41413edda932729596ec4953b0015eee4",
    ),
    (130, 511): (
        "57b0f2a3179c7d0c450c9d2bd07e95cea41e21f30f544b7c7b013b83bbb1c45c",
        "4787a7e654ce08f1143e425ee57e4291e146fc8ece527d0c3f91c44e47c4bbb1",
        "42e5580942d9d7a610793781c52b3f74f14b8b595a01e3d62e549129eee4fef6",
        "12f78f4c059ba25b416be8f6b57be83bb41356249b07f7a66ac46ee41291111b",
        "57b00d5c179c82f3452c62d4d07e6a31a41ede0c8f54b7837b01c47cbfb1bba3",
        "42e5a7f642d928591079ea7ec52bc29bf14b76a65a011f292e54eed6eee49109",
        "4783da1950cef70e143ebda1e03ebd7ee1460371c652a2f33f913bb147c4444e",
        "12d7f2b3059b5da5416b170bb57b17d4b413a9db9b0729596ac4911b1291eee4",
    ),
}


def drawn(width: int, height: int) -> npt.NDArray[np.uint8]:
    """A disc, a board, a line and a triangle."""
    picture = Image.new("RGB", (width, height), (200, 220, 240))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width // 8, height // 8, width // 2, height // 2), fill=(180, 30, 20))
    draw.rectangle((width // 3, height // 2, width - 5, height - 9), fill=(20, 90, 160))
    draw.line((0, height, width, 0), fill=(0, 0, 0), width=7)
    draw.polygon([(width // 2, 3), (width - 4, height // 3), (width // 2, height // 2)], fill=(250, 240, 10))
    return np.asarray(picture)


@pytest.mark.parametrize("size", ORIGINAL)
def test_hashes_are_those_of_the_original_in_all_orientations(size: tuple[int, int]) -> None:
    rows, quality = pdq.compute(drawn(*size))
    found = [row.tobytes().hex() for row in rows]
    assert found[0] == ORIGINAL[size][0]
    assert sorted(found) == sorted(ORIGINAL[size])
    assert quality == 100


def test_a_plain_picture_has_no_quality() -> None:
    _, quality = pdq.compute(np.full((300, 300, 3), 90, np.uint8))
    assert quality == 0
