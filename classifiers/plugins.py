"""Classifiers from outside the catalogue, named as ``package.module:Class``."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Final

from classifiers.judge import EVERY_NAME, Classifier

MARK: Final = ":"
"""What tells ``package.module:Class`` from a name in the catalogue."""


class ClassifierError(ValueError):
    """A classifier that cannot run here; the text says which, why, and what to do."""


def names_in(setting: str) -> tuple[str, ...]:
    """The names in a setting, which separates them by commas."""
    return tuple([name.strip() for name in setting.split(",") if name.strip()])


def outside(place: str) -> Classifier:
    """The classifier at ``package.module:Class``, made without arguments.

    Whoever may set the name may run code in this process. Raises `ClassifierError` when the module cannot be imported,
    the class is not in it or cannot be made, or what it makes is no classifier.
    """
    where, _, name = place.partition(MARK)
    module = _module(place, where)
    maker = getattr(module, name, None)
    if not isinstance(maker, type):
        there = ", ".join(_classes(module)) or "none"
        raise ClassifierError(f"{place}: there is no class {name!r} in {where}; its classes that judge: {there}")
    try:
        made = maker()
    except ClassifierError:
        raise
    except Exception as error:  # of any kind: the class is somebody else's
        why = f"{type(error).__name__}: {error}"
        raise ClassifierError(
            f"{place}: {name}() fails ({why}); it must work without arguments and find what it needs by itself"
        ) from error
    return _checked(place, made)


def _module(place: str, where: str) -> ModuleType:
    if not all(part.isidentifier() for part in where.split(".")):
        raise ClassifierError(f"{place}: {where!r} is no name of a module; write package.module:Class")
    try:
        return importlib.import_module(where)
    except Exception as error:  # importing runs the module
        why = f"{type(error).__name__}: {error}"
        raise ClassifierError(
            f"{place}: {where} cannot be imported ({why}); install it where this process runs, or add its directory to "
            "PYTHONPATH"
        ) from error


def _checked(place: str, made: object) -> Classifier:
    for field in ("name", "version"):
        value = getattr(made, field, None)
        if not isinstance(value, str) or not value or not value.isprintable():
            raise ClassifierError(f"{place}: {field}: expected a text of visible characters; give the class one")
    if not callable(getattr(made, "judge", None)):
        raise ClassifierError(f"{place}: judge: missing; give the class a method judge(self, question)")
    classifier: Classifier = made  # type: ignore[assignment]  # checked above, as far as can be without calling it
    if classifier.name == EVERY_NAME:
        raise ClassifierError(
            f"{place}: name: {EVERY_NAME!r} would answer for every classifier that does not run; give it a name"
        )
    return classifier


def _classes(module: ModuleType) -> list[str]:
    return sorted([name for name, value in vars(module).items() if isinstance(value, type) and hasattr(value, "judge")])
