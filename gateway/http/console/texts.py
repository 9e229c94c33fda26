"""What the console says, in English and Chinese: `texts/*.yaml`, one file for each part.

A file maps a key to its wording in each language: ``accounts.title: {en: Accounts, zh: 账号}``. ``{name}`` stands for a
value; where English has two forms, they stand with ``|`` between, the one for ``n=1`` first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

from gateway.core.shown import visible
from gateway.core.yaml_lines import read_yaml

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
NAMES: Final[Mapping[Language, str]] = {"en": "English", "zh": "中文"}

_FILES: Final = Path(__file__).parent / "texts"
_ISOLATE, _END = "\u2068", "\u2069"
"""Around a value that is not plain ASCII, so that its letters' direction stays its own (UAX 9, section 2.7)."""


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every key with its wordings. Raises `ValueError` for a file that cannot be read, and a key given twice."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted(_FILES.glob("*.yaml")):
        values, _, problems = read_yaml(file.read_text(encoding="utf-8"))
        if problems:
            raise ValueError(f"{file.name}: {problems[0]}")
        if twice := found.keys() & values.keys():
            raise ValueError(f"{file.name}: {sorted(twice)[0]}: given in another file, too")
        found |= values
    return found


def known(key: str) -> bool:
    """Whether there is such a text."""
    return key in catalogue()


def say(language: Language, key: str, **values: object) -> str:
    """A text with its values, plain: whoever puts it on a page escapes it. Raises `KeyError` for an unknown key."""
    wording = catalogue()[key][language]
    if "|" in wording:
        one, _, many = wording.partition("|")
        wording = one if values.get("n") == 1 else many
    for name, value in values.items():
        wording = wording.replace("{" + name + "}", _value(value))
    return wording


def name_of(language: Language, group: str, word: str) -> str:
    """The name of a code (``state.held``, say), or the code itself where there is none: codes of others may come in."""
    key = f"{group}.{word}"
    return say(language, key) if known(key) else visible(word)


def preferred(accept_language: str) -> Language:
    """The language that a browser asks for (RFC 9110, section 12.5.4); English for any other."""
    best: tuple[float, Language] = (0.0, "en")
    for tag, quality in _ranges(accept_language):
        for language in LANGUAGES:
            if tag.partition("-")[0] == language and quality > best[0]:
                best = (quality, language)
    return best[1]


def _ranges(accept_language: str) -> Iterator[tuple[str, float]]:
    for each in accept_language[:200].lower().split(","):
        tag, _, parameter = each.strip().partition(";")
        name, _, number = parameter.strip().partition("=")
        try:
            quality = float(number) if name == "q" else 1.0
        except ValueError:
            continue
        yield tag.strip(), quality


def _value(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    text = visible(str(value))
    return text if text.isascii() else f"{_ISOLATE}{text}{_END}"
