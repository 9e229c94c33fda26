"""What a model is made from: one YAML file a model, validated as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from classifiers.contract import CATEGORIES, Category

RECIPES: Final = ("text", "news")
OWN: Final = "own"
EVERYDAY: Final = "everyday"
HAND_WRITTEN: Final = (OWN, EVERYDAY)
"""The sources of rows written by hand for this project: those that teach what is a violation and what only looks like
one, and ordinary messages of people and small trade.
"""


class RecipeError(ValueError):
    """A recipe that cannot be used; the text names the file, the field and what was expected."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """One set of labelled rows.

    ``licence`` is its own word; ``commercial`` whether that allows commercial use. ``weight`` is what a row of it
    counts. ``leave`` are categories whose labels in it mean something else. ``clean`` are categories it surely has none
    of, by what it is, though nobody labelled it so. At most ``most`` rows are taken, evenly spread.
    """

    licence: str
    commercial: bool
    weight: float = Field(1.0, gt=0, le=100)
    leave: tuple[Category, ...] = ()
    clean: tuple[Category, ...] = ()
    most: int | None = Field(None, ge=1)


class Recipe(_Part):
    """A model and how it is made.

    ``categories`` are learned for each of ``languages``, a model apart. ``bits``: the base-2 logarithm of the
    number of buckets. ``passage``: characters of the passages that a long text is judged by, for each language.
    N-grams in fewer than ``rare`` rows are left out. ``strength`` is the inverse of the regularisation (C of
    scikit-learn), for some categories its own. Of the rows that are not of a category at most ``negatives`` are
    learned from, evenly spread; hand-written ones always. One in ``disguised`` Chinese rows is learned from a
    second time, with other characters that sound the same or emoji for words; 0 for none. ``second`` are the
    categories for which there is a second look at English. ``taught``: the share, 0 to 1, of what is learned from
    meanings, for a language and category; the rest is what labels say. ``folds``: how many parts the rows are cut into
    to calibrate on what was not learned from.
    """

    model: str
    languages: tuple[str, ...]
    categories: tuple[Category, ...]
    seed: int
    bits: int = Field(ge=10, le=22)
    passage: dict[str, Annotated[int, Field(ge=40, le=4000)]]
    rare: int = Field(ge=1)
    negatives: int = Field(ge=1000)
    disguised: int = Field(0, ge=0)
    folds: int = Field(ge=2, le=10)
    strength: float = Field(gt=0)
    strengths: dict[str, float] = {}
    second: tuple[Category, ...] = ()
    taught: dict[str, dict[str, Annotated[float, Field(ge=0, le=1)]]] = {}
    sources: dict[str, Source]

    @model_validator(mode="after")
    def _known(self) -> Recipe:
        if unknown := sorted(set(self.categories) - CATEGORIES):
            raise ValueError(f"categories: unknown: {', '.join(unknown)}")
        told = {*self.taught, *[category for shares in self.taught.values() for category in shares]}
        if untold := sorted(told - {*self.languages, *self.categories}):
            raise ValueError(f"taught: unknown: {', '.join(untold)}")
        if OWN not in self.sources:
            raise ValueError(f"sources: {OWN} is missing")
        return self

    def without(self, names: Iterable[str]) -> Recipe:
        """The same recipe without some of its sources."""
        left = {name: source for name, source in self.sources.items() if name not in set(names)}
        return self.model_copy(update={"sources": left})

    def commercial(self) -> Recipe:
        """The same recipe from such sources only as may be used commercially."""
        return self.without([name for name, source in self.sources.items() if not source.commercial])


def read(name: str) -> Recipe:
    """The shipped recipe of a model. Raises `RecipeError`."""
    if name not in RECIPES:
        raise RecipeError(f"recipe: unknown {name!r}; there are {', '.join(RECIPES)}")
    text = (resources.files("classifiers.training") / f"{name}.yaml").read_text("utf-8")
    try:
        return Recipe.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise RecipeError(f"{name}.yaml: {' '.join(str(error).split())}") from error
