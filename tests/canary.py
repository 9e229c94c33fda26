"""Finds a value in bytes however it was written there: what must be nowhere is looked for in every encoding."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from gateway.core.personal import INDEXED, normalised

CANARIES = {
    "legal_name": "Zaqxswceda Canarius",
    "id_number": "64030219530711774X",
    "phone": "+99 87 6501 4329",
    "address": "7741 Vqplmokn Street, 鶸鷽坊",
    "claims": json.dumps({"claims": {"given_name": "Qwzxcvbnmk"}}),
}
"""Values that nobody else has: found anywhere, they came from the register."""
ORGANISATION = {
    "legal_name": "鶸鷽鸛測試有限公司",
    "uscc": "91350100M000100Y43",
    "representative": "Ytrewqkjhg Canaria",
    "email": "canaria@zaqxswceda.example",
}
"""The same for an organisation, in Chinese."""
REPORTER = {
    "name": "Uytrewqmn Canarissa",
    "email": "canarissa@uytrewqmn.example",
    "explanation": "Wvutsrqp and Mlkjhgfd sell it",
}
"""What somebody says who reports a message, and who they are."""
CLAIM = "Qwzxcvbnmk"
"""A value inside the claims."""


def needles(values: Iterable[str]) -> dict[bytes, str]:
    """Each byte string that would give one of these values away, and what it is."""
    found: dict[bytes, str] = {}
    for value in values:
        spelt = {value, value.lower(), value.upper(), *[normalised(field, value) for field in INDEXED]}
        # A spelling that most texts would have by chance says nothing.
        for text in {each for each in spelt if len(each) >= (4 if not each.isascii() else 8)}:
            for data, how in _written(text):
                found[data] = f"{how} of {text!r}"
    return found


def appearances(place: str, data: bytes, wanted: Mapping[bytes, str]) -> list[str]:
    """What gives a value away in these bytes."""
    small = data.lower()
    return [f"{place}: {what}" for needle, what in wanted.items() if needle in data or needle.lower() in small]


def _written(text: str) -> Iterable[tuple[bytes, str]]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        data = text.encode(encoding)
        yield data, encoding
        yield data.hex().encode(), f"hexadecimal {encoding}"
        for shift in range(3):
            # Behind any number of other bytes: without the characters at the ends, which those decide.
            whole = base64.b64encode(bytes(shift) + data)
            yield whole[4 if shift else 0 : len(whole) // 4 * 4 - 4], f"base64 {encoding}"
            yield base64.urlsafe_b64encode(bytes(shift) + data)[4 if shift else 0 : -4], f"base64 {encoding}"
    yield "".join(f"\\u{ord(c):04x}" for c in text).encode(), "JSON escapes"
    yield json.dumps(text).encode()[1:-1], "JSON"
    yield quote(text, safe="").encode(), "percent encoding"
    yield "".join(f"%{byte:02x}" for byte in text.encode()).encode(), "percent encoding of every byte"
    yield text.encode("unicode_escape"), "Python escapes"
    for name in ("md5", "sha1", "sha256"):
        # Without a key: whoever has a list of numbers finds the one that it is of.
        digest = hashlib.new(name, text.encode())
        yield digest.hexdigest().encode(), name
        yield digest.digest(), f"{name} in bytes"
