"""Where models are kept: weights as .npy, the rest as JSON, and SHA256SUMS over all of it, checked at every load.

A model that is missing, damaged or made for another normaliser is an error: what judges with less than it should would
let through what it should not.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from classifiers import normalise
from classifiers.learned import grams
from classifiers.learned.linear import Linear
from classifiers.normalising import tables

SUMS: Final = "SHA256SUMS"
_REMEDY: Final = "install the package again with what it depends on, or make the models anew (make models)"
MADE_FOR: Final = f"normaliser {normalise.VERSION}, n-grams {grams.VERSION}, {tables.libraries()}"
"""What says how a text becomes n-grams. With another reading of a character a model would be weaker, and not say so."""


class ModelError(ValueError):
    """A model that cannot be used; the text names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of one name by language. ``version`` changes with any byte of them."""

    version: str
    languages: Mapping[str, Linear]


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    categories: tuple[str, ...]
    bits: int
    passage: int
    scale: list[float]
    slope: list[float]
    bias: list[float]


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every description of a model says. ``made_for`` is the `MADE_FOR` of who made it."""

    made_for: str


_Kind = TypeVar("_Kind", bound=Made)


class _Shelf(Made, frozen=True):
    languages: dict[str, _Kept]


def shipped() -> Traversable:
    """The directory of the models that come with this package."""
    return resources.files("classifiers") / "models"


def load(name: str, directory: Traversable | None = None) -> Models:
    """The models of a name, the shipped ones if no directory is given.

    Raises `ModelError` when a file is missing, is not the one in SHA256SUMS, or was made for another version of the
    code.
    """
    directory = directory or shipped()
    head = checked(f"{name}.json", directory)
    shelf = decoded(f"{name}.json", head, _Shelf)
    digest = hashlib.sha256(head)
    languages = {}
    for language, kept in shelf.languages.items():
        file = f"{name}-{language}.npy"
        raw = checked(file, directory)
        digest.update(raw)
        languages[language] = _model(file, raw, kept)
    return Models(digest.hexdigest()[:12], languages)


def decoded(file: str, head: bytes, kind: type[_Kind]) -> _Kind:
    """The description of a model. Raises `ModelError` unless this code and its libraries are what it was made for."""
    try:
        found = msgspec.json.decode(head, type=kind)
    except msgspec.DecodeError as error:
        raise ModelError(f"{file}: {error}; {_REMEDY}") from error
    if found.made_for != MADE_FOR:
        raise ModelError(f"{file}: made for {found.made_for}, this is {MADE_FOR}; {_REMEDY}")
    return found


def save(name: str, languages: Mapping[str, Linear], directory: Path) -> None:
    """Writes models into a directory, and SHA256SUMS over every model in it."""
    directory.mkdir(parents=True, exist_ok=True)
    for language, model in languages.items():
        np.save(directory / f"{name}-{language}.npy", model.weights, allow_pickle=False)
    shelf = _Shelf(MADE_FOR, {language: _kept(model) for language, model in sorted(languages.items())})
    (directory / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(shelf), indent=1) + b"\n")
    sum_up(directory)


def sum_up(directory: Path) -> None:
    """Writes SHA256SUMS over every model in a directory."""
    files = sorted([file for file in directory.iterdir() if file.suffix in (".json", ".npy")])
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (directory / SUMS).write_text("".join(lines), "ascii")


def _sums(directory: Traversable) -> dict[str, str]:
    try:
        lines = (directory / SUMS).read_text("ascii").splitlines()
    except (OSError, ValueError) as error:
        raise ModelError(f"{SUMS}: cannot be read in {directory}; {_REMEDY}") from error
    return {file: digest for digest, _, file in (line.partition("  ") for line in lines)}


def checked(file: str, directory: Traversable) -> bytes:
    """The bytes of a file of a directory. Raises `ModelError` unless they are the ones in its SHA256SUMS."""
    sums = _sums(directory)
    try:
        raw = (directory / file).read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read in {directory}; {_REMEDY}") from error
    if hashlib.sha256(raw).hexdigest() != sums.get(file):
        raise ModelError(f"{file}: is not what {SUMS} says; {_REMEDY}")
    return raw


def _model(file: str, raw: bytes, kept: _Kept) -> Linear:
    try:
        weights = np.load(io.BytesIO(raw), allow_pickle=False)
    except ValueError as error:
        raise ModelError(f"{file}: {error}; {_REMEDY}") from error
    if weights.dtype != np.int8 or weights.shape != (1 << kept.bits, len(kept.categories)):
        raise ModelError(f"{file}: {weights.dtype} of shape {weights.shape} does not fit its description")
    numbers: list[Any] = [np.array(each, np.float32) for each in (kept.scale, kept.slope, kept.bias)]
    return Linear(kept.categories, kept.bits, kept.passage, weights, *numbers)


def _kept(model: Linear) -> _Kept:
    scale, slope, bias = [[round(float(n), 9) for n in each] for each in (model.scale, model.slope, model.bias)]
    return _Kept(model.categories, model.bits, model.passage, scale, slope, bias)
