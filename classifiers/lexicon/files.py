"""Where the terms come from: the shipped file, one in its place, or one beside it; and how such a file is written."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from classifiers.lexicon.book import Lexicon
from classifiers.lexicon.terms import Term, TermError, parse
from classifiers.rulefiles import contexts

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a terms file, unpacked. 50,000 terms take about two million."""
SHIPPED: Final = "terms.tsv.gz"
"""The name of the shipped terms beside this file, made by `classifiers.lexicon.build`."""
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which terms are used: those of ``path``, with the shipped ones ``beside`` them or not; without a path the
    shipped ones."""

    path: Path | None
    beside: bool

    @classmethod
    def of(cls, text: str) -> Origin:
        """What a setting says: nothing, ``FILE``, or ``+FILE`` for a file beside the shipped terms."""
        name = text.strip()
        path = name.removeprefix("+").strip()
        if name and not path:
            raise TermError([f"lexicon: {text!r} names no file; give FILE, +FILE, or nothing"])
        return cls(Path(path) if path else None, name.startswith("+"))

    def read(self) -> bytes:
        """The file's bytes; none without a path. Raises `TermError` if it cannot be read or is too large."""
        if self.path is None:
            return b""
        try:
            with self.path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except OSError as error:
            raise TermError([f"{self.path}:0:0: {error.strerror}; give a file that can be read"]) from error
        return data

    def lexicon(self, data: bytes) -> Lexicon:
        """The lexicon when the file holds ``data``. Raises `TermError`, or `classifiers.lexicon.engine.EngineError`."""
        known, source = contexts()
        return Lexicon(self.terms(data, known), known, source)

    def terms(self, data: bytes, known: Collection[str]) -> list[Term]:
        """The terms when the file holds ``data``; they may use the ``known`` contexts. What the file says of a term in
        a category replaces all that the shipped terms say of it. Raises `TermError`."""
        shipped: list[Term] = []
        if self.path is None or self.beside:
            packed = (resources.files("classifiers.lexicon") / SHIPPED).read_bytes()
            shipped = parse(_text(packed, SHIPPED), SHIPPED, known)
        if self.path is None:
            return shipped
        name = str(self.path)
        given = parse(_text(data, name), name, known)
        replaced = {(term.text, term.category) for term in given}
        return [*[term for term in shipped if (term.text, term.category) not in replaced], *given]


def _text(data: bytes, name: str) -> str:
    try:
        if data.startswith(_GZIP):
            unpacking = zlib.decompressobj(wbits=31)
            data = unpacking.decompress(data, LARGEST + 1)
            if len(data) <= LARGEST and not unpacking.eof:
                raise TermError([f"{name}:0:0: the packed file ends too early; write it again"])
        if len(data) > LARGEST:
            raise TermError([f"{name}:0:0: more than {LARGEST} bytes; give a smaller file"])
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = data[data.rfind(b"\n", 0, error.start) + 1 : error.start].count(b"\t") + 1
        raise TermError([f"{name}:{line}:{column}: not UTF-8; save the file as UTF-8"]) from error
    except zlib.error as error:
        raise TermError([f"{name}:0:0: cannot be unpacked ({error}); give text, or gzip"]) from error


def write(path: Path, data: bytes) -> None:
    """Puts ``data`` in the place of the file at once: a reader, and a crash, finds the old file or the new one.

    Raises `OSError` if the directory cannot be written; the old file is then as it was.
    """
    target = path.resolve()  # a link stays a link
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
