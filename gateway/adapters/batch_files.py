"""Batches of records as numbered files of one directory, each of which is there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.adapters.rows_file import FileError
from gateway.core.dsa_batch import encoded, puids


class BatchFiles:
    """The files ``NAME_00001.json`` and so on. One that is there with the same statements stays as it is: it may have
    been sent already."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name

    def keep(self, number: int, records: Sequence[Mapping[str, Any]]) -> bool:
        """Write a batch durably; False where it is there. Raises `FileError`, also where the file tells of others."""
        file = self._file(number)
        try:
            if file.exists():
                if puids(file.read_bytes()) != [record["puid"] for record in records]:
                    raise FileError(f"{file} tells of other statements than this export; give an empty directory")
                return False
            write_whole(file, encoded(records))
        except OSError as error:
            raise FileError(f"{file} cannot be written: {type(error).__name__}") from error
        return True

    def end(self, count: int) -> None:
        """Say that there are ``count`` batches: the directory is there then, even if none is in it. Raises `FileError`
        where there are files of more."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self._directory} cannot be made: {type(error).__name__}") from error
        if (file := self._file(count + 1)).exists():
            raise FileError(f"{file} is not of this export, which has {count} files; give an empty directory")

    def _file(self, number: int) -> Path:
        return self._directory / f"{self._name}_{number:05d}.json"


def write_whole(file: Path, data: bytes) -> None:
    """Write a file so that it is there as a whole, or as it was before. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    with part.open("wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    part.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
