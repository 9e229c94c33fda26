"""Messages out of a file of any size, one a line, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from gateway.core.shown import visible
from gateway.platforms.strict_json import BadJson, loads

Form = Literal["auto", "text", "json"]

CHARACTERS: Final = 100_000
"""Bound of one text, as in the gateway's API."""
LINE_BYTES: Final = 2 * 1024 * 1024
"""Bound of one line: such a text fits even if every character is an escape in JSON."""
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One message: the number of its line, from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that holds no message, and why; the problem quotes nothing that a terminal would act on."""

    number: int
    problem: str


class Lines:
    """Reads messages: with form ``text`` a line is a message, with ``json`` it is an object with a ``text``. ``auto``
    goes by the first line that is not blank. Blank lines are passed over."""

    def __init__(self, file: BinaryIO, form: Form = "auto") -> None:
        self._file = file
        self._form = form
        self.position = 0
        """Bytes read so far."""

    def __iter__(self) -> Iterator[Line | BadLine]:
        number = 0
        while raw := self._file.readline(LINE_BYTES):
            number += 1
            self.position += len(raw)
            whole = self._rest() if len(raw) == LINE_BYTES and not raw.endswith(b"\n") else True
            raw = raw.removeprefix(_BOM) if number == 1 else raw
            line = raw.removesuffix(b"\n").removesuffix(b"\r")
            if not whole:
                yield BadLine(number, f"it is longer than {LINE_BYTES} bytes; cut it into messages")
            elif line and not line.isspace():
                yield self._read(number, line)

    def _rest(self) -> bool:
        """Pass over what is left of a line. Whether there was nothing."""
        left = 0
        while piece := self._file.readline(LINE_BYTES):
            left += len(piece)
            if piece.endswith(b"\n"):
                break
        self.position += left
        return left == 0

    def _read(self, number: int, line: bytes) -> Line | BadLine:
        if self._form == "auto":
            self._form = "json" if _is_object(line) else "text"
        try:
            text = line.decode() if self._form == "text" else _text(line)
        except UnicodeDecodeError as error:
            return BadLine(number, f"it is not UTF-8 (byte {error.start + 1}); convert the file")
        except BadJson as error:
            return BadLine(number, visible(f"{error}; write a JSON object with a text"))
        if len(text) > CHARACTERS:
            return BadLine(number, f"text: it is longer than {CHARACTERS} characters; cut it")
        return Line(number, text)


def _is_object(line: bytes) -> bool:
    try:
        value = loads(line)
    except BadJson:
        return False
    return isinstance(value, dict) and "text" in value


def _text(line: bytes) -> str:
    value = loads(line)
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise BadJson("text", "expected a string")
    return text
