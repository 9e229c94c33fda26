"""What classifiers are asked before a process says that it is ready: the first text and the first picture take longest,
for models are paged in, decoders are loaded and tables are made with them. Pure."""

from __future__ import annotations

from base64 import b64decode
from typing import Final

from classifiers.contract import Picture

MESSAGE_ID: Final = "warming"
"""The message that such a question is about; there is none of this id."""
TEXTS: Final = (
    (
        "Good morning! The library on Station Road opens at nine today, and the reading group meets in the garden.",
        "早上好！车站路的图书馆今天九点开门，读书会下午四点在花园里见面，欢迎大家带上自己喜欢的书。",
    ),
    (
        "The committee announced new rules for the harbour on Monday; win a prize, reply now: https://a.example",
        "市政府周一公布了港口的新规定；加微信领取奖品，点击 https://a.example 查看详情，机会难得。",
    ),
)
"""The texts of two messages, English and Chinese. Nothing is found in the first, so its language is looked at; in the
second something is, so what moved it is looked for."""


def _picture(content_type: str, data: str) -> Picture:
    return Picture(content_type, b64decode(data))


PICTURES: Final = (
    _picture(
        "image/png",
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGOsWBDFgA0wYRUdtBIAJWEBglqST8gAAAAASUVORK5CYII=",
    ),
    _picture(
        "image/jpeg",
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6j"
        "q62rZ4C8ybqmx5moq6T/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
        "AQEAAD8AL//Z",
    ),
    _picture("image/gif", "R0lGODdhCAAIAIEAAHigWgAAAAAAAAAAACwAAAAACAAIAAAIDwABCBxIsKDBgwgTKkwYEAA7"),
    _picture("image/webp", "UklGRi4AAABXRUJQVlA4ICIAAABwAQCdASoIAAgABABoJZgCdAF1AAD+h9cGyRTcgRhnWAAA"),
)
"""A plain square in each format that has a decoder of its own."""
