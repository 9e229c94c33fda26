"""``python -m classifiers.images.hash [--category CATEGORY] FILE...``: lines for the list of known pictures.

An operator who wants a picture recognised appends what this prints to the file that CLASSIFIERS_KNOWN_PICTURES names,
and restarts the classifiers. The picture itself need not be kept.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from classifiers.images import header
from classifiers.images.decode import looks
from classifiers.images.hashes import MIN_QUALITY, digest, written
from classifiers.images.known import OF_PICTURES
from classifiers.images.limits import Refused


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line for each picture, with the file's name as its note; 1 if one of them could not be hashed."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.images.hash", description=__doc__)
    parser.add_argument("--category", choices=sorted(OF_PICTURES), default="sexual", help="what a match scores")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    chosen = parser.parse_args(arguments)
    failures = 0
    for file in chosen.files:
        try:
            lines = _lines(file, chosen.category)
        except (OSError, Refused) as error:
            failures += 1
            sys.stderr.write(f"{file}: {error}\n")
            continue
        sys.stdout.write("".join(lines))
    return 1 if failures else 0


def _lines(file: Path, category: str) -> list[str]:
    """A line for each face of the picture; one for each frame of an animation."""
    found: dict[str, None] = {}
    data = file.read_bytes()
    for look, _ in looks(header.read("application/octet-stream", data), data):
        hashes, quality = digest(look)
        if quality >= MIN_QUALITY:
            found[written(hashes)] = None
    if not found:
        raise Refused(f"too little in the picture for a hash: quality below {MIN_QUALITY}")
    note = " ".join(file.name.split())
    return [f"{line}\t{category}\t{note}\n" for line in found]


if __name__ == "__main__":
    sys.exit(main())
